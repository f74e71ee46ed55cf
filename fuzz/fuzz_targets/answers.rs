//! A random policy over a small world: the index equals the plain definition in every answer, and
//! the two directions agree.
#![no_main]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use arbitrary::{Arbitrary, Result, Unstructured};
use libfuzzer_sys::fuzz_target;
use presence_router::Senders;
use presence_router::decide::{decide, receives_everyone};
use presence_router::directory::Directory;
use presence_router::id::{RoomAlias, RoomId, ServerName, UserId};
use presence_router::router::{Inline, Origin, Router};

const NAMES: &[&str] = &["a", "b", "ab", "ba", "a.b", "x-1", "é", "a,b"];
const SERVERS: &[&str] = &["h.org", "x.h.org", "y.org", "[::1]:80"];
const SERVER_GLOBS: &[&str] = &["*.org", "?.org", "x.*", "*", "h?org"];
const USER_GLOBS: &[&str] = &["@a*", "@*b:*", "@?:h.org", "@*:*.org", "@a*:?.org", "\"@a,*:h.org\""];
const REGEXES: &[&str] = &["@a.*", "@[ab]+:h\\.org", "(?i)@A:.*", "@.:.*|@ab:.*", ".*"];
const ROOMS: &[&str] = &["!r:h.org", "!s", "#r", "#s:y.org", "#none"];
const GROUPS: usize = 5;

#[derive(Debug)]
struct World {
    policy: String,
    directory: Directory,
    strangers: Vec<String>,
}

impl<'a> Arbitrary<'a> for World {
    fn arbitrary(from: &mut Unstructured<'a>) -> Result<Self> {
        let mut policy = String::new();
        if from.ratio(3, 4)? {
            policy.push_str("server h.org\n");
        }
        // A group uses those before it, so that there are no cycles.
        for group in 0..GROUPS {
            let _ = writeln!(policy, "group g{group} = {}", selector(from, 2, group)?);
        }
        for _ in 0..from.int_in_range(1..=7)? {
            let senders = selector(from, 3, GROUPS)?;
            let _ = match from.int_in_range(0..=4)? {
                0 => writeln!(policy, "{senders} see each other"),
                1 => writeln!(policy, "block {senders}"),
                2 => writeln!(policy, "block {senders} from {}", selector(from, 3, GROUPS)?),
                3 => writeln!(policy, "{senders}\n  sees {}", selector(from, 3, GROUPS)?),
                _ => writeln!(policy, "send {senders} to {}", selector(from, 3, GROUPS)?),
            };
        }
        let directory = facts(from)?;
        let mut strangers = Vec::new();
        for _ in 0..from.int_in_range(0..=3)? {
            strangers.push(user(from)?);
        }
        Ok(World { policy, directory, strangers })
    }
}

fn pick<'b>(from: &mut Unstructured<'_>, list: &[&'b str]) -> Result<&'b str> {
    from.choose(list).copied()
}

fn user(from: &mut Unstructured<'_>) -> Result<String> {
    Ok(format!("@{}:{}", pick(from, NAMES)?, pick(from, SERVERS)?))
}

fn selector(from: &mut Unstructured<'_>, depth: u8, groups: usize) -> Result<String> {
    let top = if depth == 0 { 9 } else { 13 };
    Ok(match from.int_in_range(0..=top)? {
        0 => "all".into(),
        1 | 2 => format!("\"{}\"", user(from)?),
        3 => format!("users on {}", pick(from, SERVERS)?),
        4 => format!("users on ({}, {})", pick(from, SERVER_GLOBS)?, pick(from, SERVERS)?),
        5 => pick(from, USER_GLOBS)?.into(),
        6 => format!("users matching /{}/", pick(from, REGEXES)?),
        7 => pick(from, &["local users", "remote users"])?.into(),
        8 => format!("members of ({}, {})", pick(from, ROOMS)?, pick(from, ROOMS)?),
        9 if groups > 0 => format!("group g{}", from.int_in_range(0..=groups - 1)?),
        9 => "everyone".into(),
        more => {
            let left = selector(from, depth - 1, groups)?;
            let right = selector(from, depth - 1, groups)?;
            match more {
                10 => format!("({left}, {right})"),
                11 => format!("({left} and {right})"),
                12 => format!("({left} who are {right})"),
                _ => format!("({left} except {right})"),
            }
        }
    })
}

fn facts(from: &mut Unstructured<'_>) -> Result<Directory> {
    let mut directory = Directory::new(ServerName::parse("h.org").ok());
    let rooms = ["!r:h.org", "!s", "!t:y.org"];
    // Facts come and go.
    for _ in 0..from.int_in_range(0..=12)? {
        let id = UserId::parse(&user(from)?).unwrap();
        let room = RoomId::parse(pick(from, &rooms)?).unwrap();
        let alias = RoomAlias::parse(pick(from, &["#r:h.org", "#s:y.org"])?).unwrap();
        match from.int_in_range(0..=7)? {
            0 | 1 => _ = directory.add_user(id),
            2 => _ = directory.remove_user(id.as_str()),
            3 | 4 => directory.join(room, id),
            5 => directory.leave(room.as_str(), id.as_str()),
            6 => directory.set_alias(alias, room),
            _ => directory.remove_alias(alias.as_str()),
        }
    }
    Ok(directory)
}

fuzz_target!(|world: World| {
    let World { policy, directory, strangers } = world;
    let loaded = Router::load(Origin {
        inline: vec![Inline { name: "fuzz.policy".into(), text: policy.clone() }],
        homeserver: ServerName::parse("h.org").ok(),
        ..Origin::default()
    });
    let router = loaded.unwrap_or_else(|report| panic!("{policy}\n{report}"));
    let snapshot = router.snapshot();
    let set = snapshot.policy();
    let known = snapshot.known_users(&directory);
    let asked: BTreeSet<&str> = known.iter().map(UserId::as_str).chain(strangers.iter().map(String::as_str)).collect();
    let meaning = |sender: &str, recipient: &str| decide(set, &directory, sender, recipient).sees();

    // The table of the definition.
    let mut table: BTreeMap<(&str, &str), bool> = BTreeMap::new();
    for sender in &asked {
        for recipient in &asked {
            let sees = meaning(sender, recipient);
            assert_eq!(snapshot.sees(&directory, sender, recipient), sees, "{sender} to {recipient}\n{policy}");
            table.insert((sender, recipient), sees);
        }
    }
    for user in &asked {
        let row: Vec<&str> = known.iter().map(UserId::as_str).filter(|r| table[&(*user, *r)]).collect();
        let found = snapshot.recipients_of(&directory, user);
        assert_eq!(found.iter().map(UserId::as_str).collect::<Vec<_>>(), row, "of {user}\n{policy}");
        let senders = snapshot.senders_for(&directory, user);
        for sender in &known {
            assert_eq!(senders.contains(sender.as_str()), table[&(sender.as_str(), *user)], "{sender} for {user}\n{policy}");
        }
        let everyone = receives_everyone(set, &directory, user);
        assert_eq!(matches!(senders, Senders::AllExcept(_)), everyone, "{user}\n{policy}");
        assert_eq!(snapshot.receives_everyone(&directory, user), everyone);
    }
    let batch: Vec<&str> = strangers.iter().map(String::as_str).chain(known.iter().take(3).map(UserId::as_str)).collect();
    let mut in_hand: BTreeSet<&str> = known.iter().map(UserId::as_str).collect();
    in_hand.extend(&batch);
    let mut wanted: BTreeMap<&str, Vec<u32>> = BTreeMap::new();
    for recipient in in_hand {
        let gets = (0_u32..).zip(&batch).filter(|(_, sender)| table[&(**sender, recipient)]);
        let gets: Vec<u32> = gets.map(|(at, _)| at).collect();
        if !gets.is_empty() {
            wanted.insert(recipient, gets);
        }
    }
    let routed = snapshot.route(&directory, &batch);
    let routed: BTreeMap<&str, Vec<u32>> = routed.iter().map(|(id, at)| (id.as_str(), at.clone())).collect();
    assert_eq!(routed, wanted, "{batch:?}\n{policy}");
    // Warnings are another reading of the same policy; here it is enough that they can be had.
    let _ = snapshot.warnings_with(&directory).render(false);
});
