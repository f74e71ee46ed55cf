//! What bad texts get: each file or folder in `tests/bad` beside the report that it must give.
//!
//! After a change that is meant, `INSTA_UPDATE=always cargo test --test problems` writes them anew;
//! read what changed.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::path::Path;

use presence_router::id::ServerName;
use presence_router::router::{Inline, Origin, Router};

fn report(path: &Path, homeserver: Option<&str>) -> String {
    let homeserver = homeserver.map(|name| ServerName::parse(name).unwrap());
    let origin = Origin {
        path: Some(path.to_owned()),
        homeserver,
        ..Origin::default()
    };
    let report = Router::load(origin)
        .err()
        .map_or(String::new(), |report| report.to_string());
    report.replace(&path.display().to_string(), "POLICY")
}

#[test]
fn bad_texts_get_their_reports() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bad");
    let mut names: Vec<_> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|e| e.unwrap().path())
        .collect();
    names.sort();
    names.retain(|path| path.is_dir() || path.extension().is_some_and(|e| e == "policy"));
    assert!(!names.is_empty());
    for path in names {
        let name = path.file_stem().unwrap().to_str().unwrap();
        let homeserver = (!name.starts_with("missing_server")).then_some("example.org");
        let mut settings = insta::Settings::clone_current();
        settings.set_snapshot_path(&folder);
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        settings.bind(|| insta::assert_snapshot!(name, report(&path, homeserver)));
    }
}

/// The problems of a policy and its group file `list.yaml`, which are not worth keeping as files.
fn report_lines(policy: &str, group_file: &str) -> Vec<serde_json::Value> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("list.yaml"), group_file).unwrap();
    std::fs::write(folder.path().join("a.policy"), policy).unwrap();
    let origin = Origin {
        path: Some(folder.path().join("a.policy")),
        inline: vec![Inline {
            name: "inline".into(),
            text: "server example.org".into(),
        }],
        homeserver: None,
        ..Origin::default()
    };
    let report = Router::load(origin).err();
    let lines = report.map_or(String::new(), |report| report.json_lines());
    let parsed = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap());
    parsed.collect()
}

#[test]
fn every_wrong_text_of_a_group_file_is_placed_and_of_other_entries_a_hundred() {
    type Entry = fn(usize) -> String;
    let text: Entry = |n| format!("- \"@right{n}\"\n- \"wrong{n}\"\n");
    let number: Entry = |n| format!("- \"@right{n}\"\n- {n}\n");
    for (entry, wrong, shown, rest) in [
        (text, 250, 250, None),
        (number, 100, 100, None),
        (
            number,
            101,
            100,
            Some("(1 more entries of this file are wrong)"),
        ),
        (
            number,
            250,
            100,
            Some("(150 more entries of this file are wrong)"),
        ),
    ] {
        let list: String = (0..wrong).map(entry).collect();
        let problems = report_lines("block group g\ngroup g from \"list.yaml\"\n", &list);
        assert_eq!(problems.len(), shown, "{wrong} wrong");
        for (n, problem) in problems.iter().enumerate() {
            assert_eq!(problem["line"], 2 * n + 2);
            let help = problem["help"].as_str().unwrap();
            let last = rest.filter(|_| n + 1 == shown);
            assert_eq!(help.contains("more entries"), last.is_some(), "{help}");
            assert!(help.ends_with(last.unwrap_or_default()), "{help}");
        }
    }
}

#[test]
fn a_nul_is_in_no_user_id() {
    for (user, wanted) in [
        ("\"@a\0b\"", "it holds the character '\\0'"),
        ("\"@a\0*\"", "it holds a NUL"),
    ] {
        let problems = report_lines(&format!("block {user}\n"), "[]");
        assert_eq!(problems.len(), 1, "{user:?}");
        assert_eq!(problems[0]["name"], "invalid-user-id");
        let message = problems[0]["message"].as_str().unwrap();
        assert!(message.ends_with(wanted), "{message}");
    }
}
