//! Case files: a policy, a directory and the answers, as data.
//!
//! `NAME.cases.yaml` stands beside `NAME.policy`; it holds a directory file's content under
//! `directory`, and whole answers under `recipients` and `senders`. Each is asked of the index and
//! pair by pair of `decide`. The Python package's tests run the same files.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use presence_router::Senders;
use presence_router::decide::{decide, receives_everyone};
use presence_router::directory::Directory;
use presence_router::policy::{Action, Kind, PolicySet, Room, Selector};
use presence_router::router::{Origin, Router};

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Cases {
    directory: serde_yaml::Value,
    recipients: BTreeMap<String, Vec<String>>,
    senders: BTreeMap<String, Answer>,
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
struct Answer {
    only: Option<Vec<String>>,
    all_except: Option<Vec<String>>,
}

fn case_files() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    for folder in ["policies", "tests/cases"] {
        for entry in std::fs::read_dir(root.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.to_str().unwrap().ends_with(".cases.yaml") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

#[test]
fn every_example_policy_has_cases_and_says_when_to_use_it() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("policies");
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|e| e == "policy") {
            count += 1;
            assert!(
                path.with_extension("cases.yaml").exists(),
                "{}",
                path.display()
            );
            let text = std::fs::read_to_string(&path).unwrap();
            let comment = text.lines().take_while(|line| line.starts_with('#'));
            let comment: String = comment.collect();
            assert!(comment.contains("Use it"), "{}", path.display());
        }
    }
    assert!(count >= 8, "{count} policies");
}

/// The name of a construct. A new one has no name here, and so no case, until it is given both.
fn construct(kind: &Kind) -> &'static str {
    match kind {
        Kind::Everyone => "everyone",
        Kind::User(_) => "user",
        Kind::UserGlob(_) => "user glob",
        Kind::Server(_) => "server",
        Kind::ServerGlob(_) => "server glob",
        Kind::Matching(_) => "regex",
        Kind::Local => "local users",
        Kind::Remote => "remote users",
        Kind::Members(Room::Id(_)) => "members of a room ID",
        Kind::Members(Room::Alias(_)) => "members of an alias",
        Kind::Listed(_) => "group file",
        Kind::Group(_) => "group",
        Kind::Any(_) => "union",
        Kind::Both(_) => "who are",
        Kind::Except(..) => "except",
    }
}

fn constructs(policy: &PolicySet, found: &mut BTreeSet<&'static str>) {
    let sides = policy.rules.iter().flat_map(|rule| {
        found.insert(match rule.action {
            Action::Allow => "send",
            Action::Block => "block",
        });
        [&rule.senders, &rule.recipients]
    });
    let mut left: Vec<&Selector> = sides.collect();
    left.extend(policy.groups.iter().map(|group| &group.selector));
    while let Some(selector) = left.pop() {
        found.insert(construct(&selector.kind));
        match &selector.kind {
            Kind::Any(parts) | Kind::Both(parts) => left.extend(parts),
            Kind::Except(base, less) => left.extend([&**base, &**less]),
            _ => {}
        }
    }
}

#[test]
fn cases_hold_for_the_index_and_for_decide() {
    let mut answers = 0;
    let mut found = BTreeSet::new();
    for file in case_files() {
        let text = std::fs::read_to_string(&file).unwrap();
        let cases: Cases = serde_yaml::from_str(&text)
            .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let directory = serde_yaml::to_string(&cases.directory).unwrap();
        let directory = Directory::from_yaml("directory", &directory).unwrap();
        let policy = file.to_str().unwrap().replace(".cases.yaml", ".policy");
        let origin = Origin {
            path: Some(policy.into()),
            homeserver: directory.server_name().cloned(),
            ..Origin::default()
        };
        let router = Router::load(origin).unwrap_or_else(|report| panic!("{report}"));
        let snapshot = router.snapshot();
        constructs(snapshot.policy(), &mut found);
        let known = snapshot.known_users(&directory);
        let name = file.display();
        let sees = |sender: &str, recipient: &str| {
            let decided = decide(snapshot.policy(), &directory, sender, recipient).sees();
            let found = snapshot.sees(&directory, sender, recipient);
            assert_eq!(found, decided, "{name}: {recipient} sees {sender}");
            decided
        };
        let everyone = snapshot.everyone_recipients(&directory);
        for (sender, wanted) in &cases.recipients {
            let found = snapshot.recipients_of(&directory, sender);
            let found: Vec<&str> = found.iter().map(|id| id.as_str()).collect();
            assert_eq!(found, *wanted, "{name}: recipients of {sender}");
            for recipient in &known {
                let wanted = wanted.iter().any(|id| id == recipient.as_str());
                let decided = sees(sender, recipient.as_str());
                assert_eq!(decided, wanted, "{name}: {recipient} sees {sender}");
            }
            // In a batch the stranger is known too.
            if known.iter().any(|id| id.as_str() == sender) {
                let stranger = "@no-one-knows:this.invalid";
                let routed = snapshot.route(&directory, &[stranger, sender]);
                let received = routed.iter().filter(|(_, updates)| updates.contains(&1));
                let received: Vec<&str> = received.map(|(id, _)| id.as_str()).collect();
                let (them, others): (Vec<&str>, Vec<&str>) =
                    received.iter().partition(|id| **id == stranger);
                assert_eq!(others, *wanted, "{name}: recipients of {sender} in a batch");
                assert_eq!(them.is_empty(), !sees(sender, stranger));
            }
            for recipient in wanted {
                let found = known.iter().any(|id| id.as_str() == recipient);
                assert!(found, "{name}: {recipient} is not known");
            }
            answers += 1;
        }
        for (recipient, wanted) in &cases.senders {
            let found = snapshot.senders_for(&directory, recipient);
            let (found, list, all) = match (&found, &wanted.only, &wanted.all_except) {
                (Senders::Only(found), Some(wanted), None) => (found, wanted, false),
                (Senders::AllExcept(found), None, Some(wanted)) => (found, wanted, true),
                _ => panic!("{name}: senders for {recipient}: {found:?}"),
            };
            let found: Vec<&str> = found.iter().map(|id| id.as_str()).collect();
            assert_eq!(found, *list, "{name}: senders for {recipient}");
            let whole = receives_everyone(snapshot.policy(), &directory, recipient);
            assert_eq!(whole, all, "{name}: {recipient}");
            let whole = snapshot.receives_everyone(&directory, recipient);
            assert_eq!(whole, all, "{name}: {recipient}");
            let whole = everyone.iter().any(|id| id.as_str() == recipient);
            assert_eq!(whole, all, "{name}: {recipient}");
            let senders = snapshot.senders_for(&directory, recipient);
            for sender in &known {
                let listed = list.iter().any(|id| id == sender.as_str());
                assert_eq!(senders.contains(sender.as_str()), listed != all);
                let decided = sees(sender.as_str(), recipient);
                assert_eq!(decided, listed != all, "{name}: {recipient} sees {sender}");
            }
            answers += 1;
        }
    }
    assert!(answers > 0);
    assert_eq!(
        found.len(),
        17,
        "constructs and actions in some case: {found:?}"
    );
}
