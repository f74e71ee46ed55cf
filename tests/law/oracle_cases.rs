//! The oracle on cases that a person has read out of the language's definition.

use super::model::{
    Facts, Group, GroupBody, Piece, Policy, Room, Rule, Selector, UserPattern, literal,
};
use super::oracle::{self, Meaning, Senders, glob};

fn user(id: &str) -> Selector {
    let (local, server) = oracle::split(id);
    let pattern = |text: &str| -> Vec<Piece> {
        text.chars()
            .map(|c| match c {
                '*' => Piece::Run,
                '?' => Piece::One,
                c => Piece::Lit(c),
            })
            .collect()
    };
    Selector::User(UserPattern {
        local: pattern(local),
        server: pattern(server),
    })
}

fn policy(rules: Vec<Rule>) -> Policy {
    Policy {
        server: None,
        homeserver: None,
        groups: Vec::new(),
        rules,
    }
}

fn known_facts() -> Facts {
    let ids = |ids: &[&str]| ids.iter().map(|&id| id.to_owned()).collect();
    Facts {
        server_name: Some("example.org".to_owned()),
        users: ids(&["@ann:example.org", "@bob:example.org"]),
        rooms: [(
            "!ops".to_owned(),
            ids(&["@zed:remote.org", "@ann:example.org"]),
        )]
        .into(),
        aliases: [("#ops:example.org".to_owned(), "!ops".to_owned())].into(),
    }
}

const ANN: &str = "@ann:example.org";
const BOB: &str = "@bob:example.org";
const ZED: &str = "@zed:remote.org";

fn owned(users: &[&str]) -> Vec<String> {
    users.iter().map(|&user| user.to_owned()).collect()
}

/// `(recipients of each, senders for each)` over K.
fn check(policy: &Policy, recipients: &[(&str, &[&str])], senders: &[(&str, Senders)]) {
    let facts = known_facts();
    let meaning = Meaning {
        policy,
        facts: &facts,
    };
    let known = meaning.known(&[]);
    let table = meaning.over(&known);
    for (sender, want) in recipients {
        assert_eq!(
            table.recipients_of(&known, sender),
            owned(want),
            "recipients of {sender}"
        );
    }
    for (recipient, want) in senders {
        assert_eq!(
            &table.senders_for(&known, recipient),
            want,
            "senders for {recipient}"
        );
    }
}

#[test]
fn default_deny_and_send_all() {
    check(
        &policy(vec![]),
        &[(ANN, &[])],
        &[(ANN, Senders::Only(vec![]))],
    );
    check(
        &policy(vec![Rule::Send(Selector::All, user(BOB))]),
        &[(ANN, &[BOB]), (BOB, &[BOB]), (ZED, &[BOB])],
        &[
            (BOB, Senders::AllExcept(vec![])),
            (ANN, Senders::Only(vec![])),
        ],
    );
}

#[test]
fn a_block_hides_its_senders_and_no_more() {
    let p = policy(vec![
        Rule::Send(Selector::All, Selector::All),
        Rule::Block(user(ANN), None),
    ]);
    check(
        &p,
        &[(ANN, &[]), (BOB, &[ANN, BOB, ZED])],
        &[(ANN, Senders::AllExcept(owned(&[ANN])))],
    );
    let p = policy(vec![
        Rule::Send(Selector::All, Selector::All),
        Rule::Block(Selector::All, Some(user(ANN))),
    ]);
    check(
        &p,
        &[(ANN, &[BOB, ZED])],
        &[
            (ANN, Senders::Only(vec![])),
            (BOB, Senders::AllExcept(vec![])),
        ],
    );
}

#[test]
fn known_users_and_members() {
    // written in a block, so known; a member of a room, so known
    let p = policy(vec![
        Rule::See(Selector::All, user("@*:example.org")),
        Rule::Block(user("@friend:evil.org"), None),
        Rule::See(
            user(BOB),
            Selector::Members(vec![Room::Alias {
                name: "ops".to_owned(),
                server: "example.org".to_owned(),
            }]),
        ),
    ]);
    let friend = "@friend:evil.org";
    check(
        &p,
        &[(ANN, &[ANN, BOB, friend, ZED]), (ZED, &[BOB])],
        &[
            (BOB, Senders::Only(owned(&[ANN, BOB, ZED]))),
            (ZED, Senders::Only(owned(&[ANN, BOB]))),
        ],
    );
}

#[test]
fn unbounded() {
    let facts = known_facts();
    let mut p = policy(vec![]);
    p.groups.push(Group {
        name: "everybody",
        body: GroupBody::Is(Selector::Union(vec![user(ANN), Selector::All])),
    });
    let meaning = Meaning {
        policy: &p,
        facts: &facts,
    };
    let except = |a: Selector, b: Selector| Selector::Except(Box::new(a), Box::new(b));
    let all = || Selector::All;
    assert!(meaning.unbounded(&Selector::Group(0)));
    assert!(meaning.unbounded(&except(all(), user(ANN))));
    assert!(!meaning.unbounded(&except(all(), except(all(), user(ANN)))));
    assert!(!meaning.unbounded(&Selector::Who(vec![all(), Selector::Local])));
    assert!(meaning.unbounded(&Selector::Who(vec![all(), Selector::Group(0)])));
    assert!(!meaning.unbounded(&Selector::Union(vec![Selector::Local, Selector::Remote])));
    assert!(!meaning.unbounded(&user("@*:*")));
}

#[test]
fn globs() {
    let matches = |pattern: &str, text: &str| {
        let Selector::User(UserPattern { local, .. }) = user(&format!("@{pattern}:x")) else {
            unreachable!()
        };
        glob(&local, &text.chars().collect::<Vec<_>>())
    };
    assert!(matches("*", "") && matches("a*", "a") && matches("*a*b", "aab") && matches("?", "ë"));
    assert!(!matches("?", "") && !matches("a?", "a") && !matches("a*b", "abc"));
    let facts = known_facts();
    let p = policy(vec![]);
    let meaning = Meaning {
        policy: &p,
        facts: &facts,
    };
    let on = |text: &str| {
        Selector::On(vec![
            text.chars()
                .map(|c| if c == '*' { Piece::Run } else { Piece::Lit(c) })
                .collect(),
        ])
    };
    assert!(meaning.picks(&on("*.example.org"), "@x:a.b.example.org"));
    assert!(!meaning.picks(&on("*.example.org"), "@x:example.org"));
    assert!(!meaning.picks(&on("example.org"), "@x:example.org:8448"));
    assert!(meaning.picks(&user("@ann:*"), "@ann:[::1]:8448"));
    assert!(!meaning.picks(&user("@*:8448"), "@ann:example.org:8448"));
    assert_eq!(literal("a*"), vec![Piece::Lit('a'), Piece::Lit('*')]);
}

#[test]
fn routes_a_batch() {
    let facts = known_facts();
    let p = policy(vec![
        Rule::EachOther(Selector::Remote),
        Rule::Send(Selector::All, user(BOB)),
        Rule::Block(user(ZED), Some(user(BOB))),
    ]);
    let meaning = Meaning {
        policy: &p,
        facts: &facts,
    };
    let new = "@new:far.org";
    let route = |batch: &[&str]| {
        let known = meaning.known(&owned(batch));
        meaning.over(&known).route(&known, &owned(batch))
    };
    let routed = route(&[ANN, ZED, new, ANN]);
    let want = [(BOB, vec![0, 2, 3]), (new, vec![1, 2]), (ZED, vec![1, 2])];
    assert_eq!(
        routed,
        want.map(|(user, indexes)| (user.to_owned(), indexes))
            .into()
    );
    assert!(!route(&[ZED]).contains_key(new));
}
