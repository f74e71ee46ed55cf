//! The other warnings at random, each against a plain oracle of its own: unused groups, IDs that
//! look alike, remote recipients, costly rules.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

#[allow(dead_code)]
#[path = "lint/setup.rs"]
mod setup;

use std::collections::{BTreeMap, BTreeSet};

use presence_router::diagnostic::{Name, Report};
use presence_router::directory::Directory;
use presence_router::id::{RoomId, ServerName, UserId};
use setup::{Chance, router};
use unicode_security::skeleton;

/// The lines and marked texts of one warning.
fn marked(report: &Report, name: Name) -> BTreeSet<(usize, String)> {
    let problems = report
        .problems()
        .iter()
        .filter(|problem| problem.name == name);
    let mark = |problem| {
        let at = report.position(problem);
        (at.line, report.sources().text(problem.span).to_owned())
    };
    problems.map(mark).collect()
}

/// Of the groups that no rule comes to, those that no group uses.
#[test]
fn unused_groups() {
    let mut given = 0;
    for number in 0..300 {
        let mut chance = Chance(number);
        let groups = 1 + chance.below(7);
        let uses: Vec<BTreeSet<usize>> = (0..groups)
            .map(|n| {
                (0..chance.below(3).min(n))
                    .map(|_| chance.below(n))
                    .collect()
            })
            .collect();
        let rule: BTreeSet<usize> = (0..chance.below(3)).map(|_| chance.below(groups)).collect();
        let written = |of: &BTreeSet<usize>| -> String {
            of.iter()
                .map(|n| format!(", (@x{n} except group g{n})"))
                .collect()
        };
        let mut text: String = uses
            .iter()
            .enumerate()
            .map(|(n, of)| format!("group g{n} = @u{}\n", written(of)))
            .collect();
        text.push_str(&format!("send @s to @r{}\n", written(&rule)));
        let mut used = rule.clone();
        while let Some(more) = used
            .iter()
            .flat_map(|n| &uses[*n])
            .find(|n| !used.contains(n))
        {
            used.insert(*more);
        }
        let expected: BTreeSet<(usize, String)> = (0..groups)
            .filter(|n| !used.contains(n) && !uses.iter().any(|of| of.contains(n)))
            .map(|n| (n + 1, format!("g{n}")))
            .collect();
        given += expected.len();
        let snapshot = router(&text).snapshot();
        assert_eq!(
            marked(snapshot.warnings(), Name::UnusedGroup),
            expected,
            "{number}\n{text}"
        );
    }
    assert!(given > 200, "{given}");
}

/// Each ID at its first place, if one before it has the same skeleton.
#[test]
fn ids_that_look_alike() {
    let mut given = 0;
    for number in 0..600 {
        let mut chance = Chance(number);
        let mut text = String::new();
        let mut first: BTreeMap<String, String> = BTreeMap::new();
        let mut seen = BTreeSet::new();
        let mut expected = BTreeSet::new();
        for line in 1..=2 + chance.below(8) {
            let name: String = (0..1 + chance.below(3))
                .map(|_| chance.one(&["a", "а", "l", "1", "I", "O", "0", "m", "rn", "x"]))
                .collect();
            let id = format!("@{name}:h.org");
            text.push_str(&format!("send \"{id}\" to @zz\n"));
            if seen.insert(id.clone()) {
                let looks: String = skeleton(&id).collect();
                if first.insert(looks, id.clone()).is_some() {
                    expected.insert((line, format!("\"{id}\"")));
                }
            }
        }
        given += expected.len();
        let snapshot = router(&text).snapshot();
        assert_eq!(
            marked(snapshot.warnings(), Name::ConfusableId),
            expected,
            "{number}\n{text}"
        );
    }
    assert!(given > 100, "{given}");
}

/// Each remote user among the recipients of a rule with local senders, unless the rule names all of
/// their server too.
#[test]
fn remote_recipients() {
    let directory = Directory::new(ServerName::parse("h.org").ok());
    let mut given = 0;
    for number in 0..300 {
        let mut chance = Chance(number);
        let mut text = String::new();
        let mut expected = BTreeSet::new();
        for line in 1..=1 + chance.below(4) {
            let local = chance.below(4) > 0;
            let senders = if local {
                chance.one(&[
                    "all",
                    "@s",
                    "users on h.org",
                    "local users",
                    "members of !r",
                    "@s*:*",
                ])
            } else {
                chance.one(&["@s:x.org", "users on x.org", "remote users", "@s*:x.org"])
            };
            let recipients: Vec<&str> = (0..1 + chance.below(4))
                .map(|_| {
                    chance.one(&[
                        "@a",
                        "@a:x.org",
                        "@b:x.org",
                        "@a:y.org",
                        "users on y.org",
                        "users on x.*",
                        "@a*:x.org",
                        "@*:x.org",
                        "members of !r",
                        "local users",
                    ])
                })
                .collect();
            let disclosed = |server: &str| {
                let all: &[&str] = match server {
                    "x.org" => &["users on x.*", "@*:x.org"],
                    "y.org" => &["users on y.org"],
                    _ => return false,
                };
                local && !recipients.iter().any(|part| all.contains(part))
            };
            for part in &recipients {
                let server = part.split_once(':').map_or("h.org", |(_, server)| server);
                if part.starts_with('@') && !part.contains('*') && disclosed(server) {
                    expected.insert((line, (*part).to_owned()));
                }
            }
            text.push_str(&format!("send {senders} to {}\n", recipients.join(", ")));
        }
        given += expected.len();
        let report = router(&text).snapshot().warnings_with(&directory);
        assert_eq!(
            marked(&report, Name::RemoteDisclosure),
            expected,
            "{number}\n{text}{report}"
        );
    }
    assert!(given > 100, "{given}");
}

/// Deliveries counted one by one.
#[test]
fn costly_rules() {
    let mut directory = Directory::new(ServerName::parse("h.org").ok());
    let mut crowds: BTreeMap<&str, BTreeSet<usize>> = BTreeMap::new();
    let total = 10_400;
    for (room, range) in [
        ("!most", 0..9_990),
        ("!some", 9_000..10_010),
        ("!few", 10_005..10_020),
    ] {
        for n in range.clone() {
            let user = UserId::parse(&format!("@u{n}:big.org")).unwrap();
            directory.join(RoomId::parse(room).unwrap(), user);
        }
        crowds.insert(room, range.collect());
    }
    for n in 0..total {
        directory.add_user(UserId::parse(&format!("@u{n}:big.org")).unwrap());
    }
    crowds.insert("users on big.org", (0..total).collect());
    let part = |room: &str| {
        if room.starts_with('!') {
            format!("members of {room}")
        } else {
            room.to_owned()
        }
    };
    let names = ["!most", "!some", "!few", "users on big.org"];
    let mut given = 0;
    for number in 0..60 {
        let mut chance = Chance(number);
        let allow = |chance: &mut Chance| {
            let rooms: Vec<&str> = (0..1 + chance.below(2))
                .map(|_| chance.one(&names))
                .collect();
            let all: BTreeSet<usize> = rooms
                .iter()
                .flat_map(|room| crowds[room].iter().copied())
                .collect();
            let parts: Vec<String> = rooms.iter().map(|room| part(room)).collect();
            (chance.below(2), parts.join(", "), all)
        };
        let rules: Vec<_> = (0..1 + chance.below(3))
            .map(|_| allow(&mut chance))
            .collect();
        let blocks: Vec<_> = (0..chance.below(3))
            .map(|_| (chance.below(2), chance.one(&names)))
            .collect();
        let senders = ["@ann", "@bob"];
        let mut text = String::new();
        let mut expected = BTreeSet::new();
        for (line, (sender, recipients, all)) in (1..).zip(&rules) {
            let rule = format!("send {} to {recipients}", senders[*sender]);
            let mut left = all.clone();
            for (_, room) in blocks.iter().filter(|(blocked, _)| blocked == sender) {
                left.retain(|user| !crowds[room].contains(user));
            }
            if left.len() > 10_000 {
                expected.insert((line, rule.clone()));
            }
            text.push_str(&format!("{rule}\n"));
        }
        for (sender, room) in &blocks {
            text.push_str(&format!("block {} from {}\n", senders[*sender], part(room)));
        }
        given += expected.len();
        let report = router(&text).snapshot().warnings_with(&directory);
        assert_eq!(
            marked(&report, Name::CostlyRule),
            expected,
            "{number}\n{text}"
        );
    }
    assert!(given > 20, "{given}");
}
