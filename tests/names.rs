//! Names without a server, in each place where users are written.
//!
//! Whoever is named without a server is the one named with it, and only names that need no quotes are;
//! wherever they stand.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use presence_router::id::{RoomAlias, ServerName, UserId};
use presence_router::router::{Inline, Origin, Router};
use proptest::prelude::*;
use tempfile::TempDir;

/// The users that a policy names; `None` if it does not load.
fn named(origin: Origin) -> Option<Vec<String>> {
    let router = Router::load(origin).ok()?;
    let snapshot = router.snapshot();
    Some(
        snapshot
            .policy()
            .named
            .iter()
            .map(ToString::to_string)
            .collect(),
    )
}

fn in_policy(user: &str) -> Option<Vec<String>> {
    named(Origin {
        inline: vec![Inline {
            name: "a.policy".into(),
            text: format!("server x.org\nblock {user}\n"),
        }],
        ..Origin::default()
    })
}

fn in_group_file(folder: &TempDir, user: &str) -> Option<Vec<String>> {
    let list = serde_json::to_string(&[user]).unwrap();
    std::fs::write(folder.path().join("list.yaml"), list).unwrap();
    let policy = "server x.org\ngroup g from \"list.yaml\"\nblock group g\n";
    let path = folder.path().join("a.policy");
    std::fs::write(&path, policy).unwrap();
    named(Origin {
        path: Some(path),
        ..Origin::default()
    })
}

fn alone(user: &str) -> Option<Vec<String>> {
    let server = ServerName::parse("x.org").unwrap();
    let user = UserId::completed(user, Some(&server)).ok()?;
    Some(vec![user.to_string()])
}

/// A text as it stands in quotes, nothing in it wild.
fn quoted(text: &str) -> String {
    let escaped = |c: char| match c {
        '\\' | '"' | '*' | '?' => format!("\\{c}"),
        c => c.to_string(),
    };
    format!("\"{}\"", text.chars().map(escaped).collect::<String>())
}

#[test]
fn a_short_name_is_the_whole_one_outside_quotes() {
    let folder = TempDir::new().unwrap();
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(3_000)
    });
    let odd = "[a-zA-Z0-9._=/+#@!|, ;*?\\\\\"\u{e9}\u{200b}-]{0,4}";
    let local = prop_oneof![2 => "[a-zA-Z0-9._=/+-]{0,4}", 3 => odd];
    runner
        .run(&local, |local| {
            let name = format!("@{local}");
            // A comma or a parenthesis would end the word, and something else would be named.
            let bare = |c: char| c.is_ascii_alphanumeric() || "._=/+-".contains(c);
            let plain = !local.is_empty() && local.chars().all(bare);
            let wanted = plain.then(|| vec![format!("{name}:x.org")]);
            if !local.contains([' ', ',', '"', '*', '?']) {
                prop_assert_eq!(&in_policy(&name), &wanted, "{}", name);
                prop_assert_eq!(&in_policy(&format!("{name}:x.org")), &wanted, "{}", name);
            }
            prop_assert_eq!(&in_policy(&quoted(&name)), &wanted, "{}", name);
            prop_assert_eq!(&in_group_file(&folder, &name), &wanted, "{}", name);
            prop_assert_eq!(&alone(&name), &wanted, "{}", name);
            // With its server each is somebody.
            let whole = vec![format!("{name}:x.org")];
            let quoted = in_policy(&quoted(&whole[0]));
            prop_assert_eq!(quoted.as_ref(), Some(&whole), "{}", name);
            Ok(())
        })
        .unwrap_or_else(|error| panic!("{error}"));
}

#[test]
fn an_alias_is_what_matrix_takes() {
    let room = |room: &str| {
        let policy = format!("server x.org\nblock members of {room}\n");
        let router = Router::load(Origin {
            inline: vec![Inline {
                name: "a.policy".into(),
                text: policy,
            }],
            ..Origin::default()
        });
        let snapshot = router.ok()?.snapshot();
        let rooms: Vec<String> = snapshot
            .policy()
            .rooms
            .iter()
            .map(|(room, _)| room.as_str().to_owned())
            .collect();
        Some(rooms.join(" "))
    };
    for whole in [
        "##linux:libera.chat",
        "#c#:x.org",
        "#_oftc_#chan:example.org",
        "#!old:x.org",
        "#@a:x.org",
        "#+a:x.org",
        "#$a:x.org",
        "###:x.org",
    ] {
        assert_eq!(room(whole).as_deref(), Some(whole));
        assert_eq!(
            room(&format!("(#a:x.org,\n{whole}\n)")),
            Some(format!("#a:x.org {whole}"))
        );
        assert_eq!(room(&quoted(whole)).as_deref(), Some(whole));
        assert!(RoomAlias::parse(whole).is_ok());
        let short = whole.split(':').next().unwrap();
        assert_eq!(room(&quoted(short)), None, "{short}");
    }
    assert_eq!(room("#zo\u{eb}+$").as_deref(), Some("#zo\u{eb}+$:x.org"));
    assert_eq!(room("\"#a b\"").as_deref(), Some("#a b:x.org"));
    assert_eq!(room("#c# , #d"), None);
}

#[test]
fn a_directory_file_takes_every_alias() {
    let text = "rooms:\n  '!a':\n    aliases: ['##linux:libera.chat', '#@a:x.org', '#$:x.org', '#:x.org']\n";
    let directory = presence_router::directory::Directory::from_yaml("d.yaml", text).unwrap();
    assert_eq!(directory.aliases_of("!a").count(), 4);
    let short = "users: ['@ann@example.org']";
    assert!(presence_router::directory::Directory::from_yaml("d.yaml", short).is_err());
}
