//! Users who stand in many rules, and many patterns that match one user: what the index does otherwise
//! than for few, on text of its own making.

use presence_router::Senders;
use presence_router::decide::{decide, receives_everyone};
use presence_router::directory::Directory;
use presence_router::id::{RoomId, ServerName, UserId};
use presence_router::router::{Inline, Origin, Router};
use presence_router::workload::Chance;

const USERS: u32 = 12;

fn user(number: u32) -> String {
    let server = ["h.org", "x.org", "y.net"][number as usize % 3];
    format!("@u{number}:{server}")
}

fn selector(chance: &mut Chance, depth: u32) -> String {
    let kinds = if depth == 0 { 10 } else { 13 };
    let number = chance.below(USERS);
    match chance.below(kinds) {
        0 | 1 => user(number),
        2 => {
            let some: Vec<String> = (0..3).map(|_| user(chance.below(USERS))).collect();
            some.join(", ")
        }
        3 => format!("@u{}*:*", number % 10),
        4 => format!("@*{number}:x.org, @*{number}*:*.org"),
        5 => format!("users matching /@u[{}-9]:.*/", number % 10),
        6 => ["users on x.org", "users on *.org", "users on *.n*"][number as usize % 3].into(),
        7 => format!("members of !r{}:h.org", number % 3),
        8 => ["local users", "remote users", "all"][number as usize % 3].into(),
        9 => format!("group g{}", number % 4),
        10 => both(chance, depth, "except"),
        11 => both(chance, depth, "who are"),
        _ => both(chance, depth, ","),
    }
}

fn both(chance: &mut Chance, depth: u32, between: &str) -> String {
    let (a, b) = (selector(chance, depth - 1), selector(chance, depth - 1));
    format!("({a}) {between} ({b})")
}

fn policy(chance: &mut Chance) -> String {
    let mut text = String::from("server h.org\n");
    for group in 0..4 {
        // A group uses those before it only.
        let of = match group {
            0 => user(chance.below(USERS)),
            _ => format!(
                "group g{}, {}",
                chance.below(group),
                user(chance.below(USERS))
            ),
        };
        text.push_str(&format!("group g{group} = {of}\n"));
    }
    for _ in 0..chance.between(30, 120) {
        let senders = match chance.below(2) {
            0 => user(0),
            _ => selector(chance, 2),
        };
        let recipients = match chance.below(3) {
            0 => user(1),
            _ => selector(chance, 2),
        };
        // A block on many users would hide all that the others say.
        let rule = match chance.below(4) {
            0 => format!("block {} from {recipients}", user(chance.below(USERS))),
            1 => format!("block {senders} from {}", user(chance.below(USERS))),
            _ => format!("send {senders} to {recipients}"),
        };
        text.push_str(&rule);
        text.push('\n');
    }
    text
}

fn directory(chance: &mut Chance) -> Directory {
    let mut directory = Directory::new(ServerName::parse("h.org").ok());
    for number in 0..USERS + 3 {
        if chance.below(3) > 0 {
            directory.add_user(UserId::parse(&user(number)).unwrap());
        }
        let room = format!("!r{}:h.org", chance.below(3));
        let member = UserId::parse(&user(chance.below(USERS + 3))).unwrap();
        directory.join(RoomId::parse(&room).unwrap(), member);
    }
    directory
}

#[test]
fn many_rules_of_one_user_are_answered_as_few_are() {
    let mut pairs = 0;
    let mut seen = 0;
    let mut everyone = 0;
    for seed in 0..150 {
        let mut chance = Chance::new(seed, 0);
        let text = policy(&mut chance);
        let directory = directory(&mut chance);
        let origin = Origin {
            inline: vec![Inline {
                name: "many.policy".into(),
                text: text.clone(),
            }],
            ..Origin::default()
        };
        let router = Router::load(origin).unwrap_or_else(|report| panic!("{report}"));
        let snapshot = router.snapshot();
        let policy = snapshot.policy();
        let known = snapshot.known_users(&directory);
        let batch: Vec<&str> = known.iter().map(UserId::as_str).collect();
        let routed = snapshot.route(&directory, &batch);
        for (at, sender) in (0..).zip(&known) {
            let sender = sender.as_str();
            let recipients = snapshot.recipients_of(&directory, sender);
            for recipient in &known {
                let id = recipient.as_str();
                let place = format!("seed {seed}: {sender} to {id}\n{text}");
                let right = decide(policy, &directory, sender, id).sees();
                assert_eq!(snapshot.sees(&directory, sender, id), right, "{place}");
                assert_eq!(recipients.contains(recipient), right, "{place}");
                let senders = snapshot.senders_for(&directory, id);
                assert_eq!(senders.contains(sender), right, "{place}");
                let all = receives_everyone(policy, &directory, id);
                assert_eq!(matches!(senders, Senders::AllExcept(_)), all, "{place}");
                let received = routed.get(recipient).is_some_and(|all| all.contains(&at));
                assert_eq!(received, right, "{place}");
                pairs += 1;
                seen += u32::from(right);
                everyone += u32::from(all);
            }
        }
    }
    println!("many: {pairs} pairs, {seen} see, {everyone} asked by someone who receives everyone");
    assert!(seen > pairs / 20 && everyone > pairs / 20);
}
