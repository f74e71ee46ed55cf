//! `check --fix` and the edits that it makes.
//!
//! Laws, over random policies: edits never make a policy that loads stop loading nor change one of its
//! answers; mistakes that are certain are mended to what was written before they were made; a second
//! time changes nothing.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;

use presence_router::diagnostic::Report;
use presence_router::directory::Directory;
use presence_router::id::UserId;
use presence_router::router::{Inline, Origin, Router, Snapshot};
use proptest::prelude::*;

// ---- laws ----

const DIRECTORY: &str = r##"
server_name: example.org
users: ["@ann:example.org", "@bob:example.org", "@alice:example.org", "@we,ird:example.org"]
rooms:
  "!ops:example.org":
    aliases: ["#ops:example.org"]
    members: ["@ann:example.org", "@zed:remote.org"]
"##;

/// Statements, each with one of its words that mistakes are made in.
const STATEMENTS: [&str; 12] = [
    "send all to @bob",
    "send group staff to @alice",
    "block @alice from local users",
    "block users on remote.org",
    "members of #ops see @alice",
    "group staff see each other",
    "@ann, @bob see \"@we,ird:example.org\"",
    "send users on (example.org, remote.org) to @zed:remote.org",
    "send @bot-*, @ann who are local users to @bob",
    "block users matching /@b.*/ from @ann",
    "send remote users except @zed:remote.org to @ann, @ann",
    "send @ann to everyone",
];

/// A statement with a mistake that is certain, or as it is.
fn mistaken(statement: &str, mistake: usize) -> String {
    let ends_in_name = |text: &str| {
        let last = text.split(' ').next_back().unwrap();
        last.starts_with('@')
    };
    match mistake {
        0 => statement.to_uppercase_keyword(),
        1 => statement.all_upper(),
        2 if ends_in_name(statement) => format!("{statement};"),
        3 if !statement.contains(['#']) => format!("{statement} #now"),
        4 => format!("{statement} // now"),
        5 => statement.replacen(' ', "\u{a0}", 1),
        6 => statement.replace('"', "\u{201c}"),
        7 => statement.replacen("on remote.org", "on remote.org.", 1),
        8 => statement.replacen("on remote.org", "on \"remote.org\"", 1),
        9 => statement.replacen("@zed:remote.org", "@zed:remote.org.", 1),
        10 => format!("{statement}; block @gone"),
        11 => format!("\u{200b}{statement}"),
        12 => statement.replacen("@bob", "'@bob'", 1),
        _ => statement.to_owned(),
    }
}

trait Capitals {
    fn to_uppercase_keyword(&self) -> String;
    fn all_upper(&self) -> String;
}

impl Capitals for str {
    fn to_uppercase_keyword(&self) -> String {
        let keyword = |word: &&str| presence_router::KEYWORDS.contains(word);
        match self.split(' ').find(keyword) {
            Some(word) => self.replacen(word, &word.to_uppercase(), 1),
            None => self.to_owned(),
        }
    }

    fn all_upper(&self) -> String {
        let words = self.split(' ').map(|word| {
            if presence_router::KEYWORDS.contains(&word) {
                word.to_uppercase()
            } else {
                word.to_owned()
            }
        });
        words.collect::<Vec<_>>().join(" ")
    }
}

fn directory() -> Directory {
    Directory::from_yaml("directory.yaml", DIRECTORY).unwrap()
}

fn load(text: &str) -> Result<Arc<Snapshot>, Report> {
    let inline = Inline {
        name: "a.policy".into(),
        text: text.into(),
    };
    let origin = Origin {
        inline: vec![inline],
        homeserver: directory().server_name().cloned(),
        ..Origin::default()
    };
    Router::load(origin).map(|router| router.snapshot())
}

fn report(text: &str) -> Report {
    match load(text) {
        Ok(snapshot) => snapshot.warnings_with(&directory()),
        Err(report) => report,
    }
}

/// The text after all rounds, and how many there were.
fn mended(text: &str) -> (String, usize) {
    let mut text = text.to_owned();
    for round in 0..10 {
        let report = report(&text);
        let fixed = report.fixed();
        match fixed.first() {
            Some(fixed) => text = fixed.after.clone(),
            None => return (text, round),
        }
    }
    (text, 10)
}

/// Who receives whom, and who receives everyone but some.
fn answers(snapshot: &Snapshot) -> BTreeMap<UserId, (Vec<UserId>, String)> {
    let directory = directory();
    let users = snapshot.known_users(&directory);
    let answer = |user: UserId| {
        let recipients = snapshot.recipients_of(&directory, user.as_str());
        let senders = snapshot.senders_for(&directory, user.as_str());
        (user, (recipients, format!("{senders:?}")))
    };
    users.into_iter().map(answer).collect()
}

fn policy(lines: &[usize]) -> Vec<String> {
    let mut text = vec!["group staff = @ann, users on corp.example.org".to_owned()];
    text.extend(lines.iter().map(|at| STATEMENTS[*at].to_owned()));
    text
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 96,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// Warnings: fewer of them, and the same answers.
    #[test]
    fn edits_of_a_policy_that_loads_change_no_answer(
        lines in prop::collection::vec(0..STATEMENTS.len(), 1..14),
        comments in prop::collection::vec(0..4_usize, 16),
    ) {
        let lines = policy(&lines);
        let lines = lines.iter().zip(&comments).map(|(line, comment)| match comment {
            1 => format!("{line} # why"),
            2 => format!("# why\n{line}"),
            3 => format!("  {}\n", line.replacen(" to ", "\n  to ", 1)),
            _ => line.clone(),
        });
        let text = lines.collect::<Vec<_>>().join("\n");
        let before = load(&text).unwrap();
        let warnings = report(&text);
        let (after, _) = mended(&text);
        if warnings.fixed().is_empty() {
            prop_assert_eq!(&after, &text);
        } else {
            prop_assert!(report(&after).len() < warnings.len());
        }
        let now = load(&after).unwrap();
        prop_assert_eq!(answers(&before), answers(&now));
        prop_assert_eq!(text.matches("# why").count(), after.matches("# why").count());
    }

    /// Errors: the policy is the one that it was before the mistakes were made.
    #[test]
    fn certain_mistakes_are_mended_to_what_was_meant(
        lines in prop::collection::vec((0..STATEMENTS.len(), 0..16_usize), 1..8),
    ) {
        let statements: Vec<usize> = lines.iter().map(|(at, _)| *at).collect();
        let right = policy(&statements);
        let mut wrong = right.clone();
        let mut blocked = String::new();
        for (line, (_, mistake)) in wrong.iter_mut().skip(1).zip(&lines) {
            *line = mistaken(line, *mistake);
            if *mistake == 10 {
                blocked = "\nblock @gone".to_owned();
            }
        }
        let (after, rounds) = mended(&wrong.join("\n"));
        prop_assert!(rounds < 10);
        let meant = load(&(right.join("\n") + &blocked)).unwrap();
        let now = load(&after);
        prop_assert!(now.is_ok(), "{}\n{}", now.unwrap_err(), after);
        prop_assert_eq!(answers(&meant), answers(&now.unwrap()));
        prop_assert_eq!(mended(&after), (after.clone(), 0));
    }

    /// Any words: nothing breaks, and it comes to an end.
    #[test]
    fn edits_of_any_text_come_to_an_end(
        words in prop::collection::vec(0..24_usize, 0..40),
    ) {
        const WORDS: [&str; 24] = [
            "send", "SEND", "all", "to", "@ann", "@bob;", "#now", "\n", "block", "Block", "(", ")",
            ",", "who are", "\u{201c}@a\u{201d}", "group", "staff", "=", "users on", "x.org.",
            "\"x.org\"", "; ", "\\", "// x",
        ];
        let text = words.iter().map(|at| WORDS[*at]).collect::<Vec<_>>().join(" ");
        let loads = load(&text).is_ok();
        let (after, rounds) = mended(&text);
        prop_assert!(rounds < 10, "{text:?}");
        if loads {
            prop_assert!(load(&after).is_ok());
        }
    }
}

// ---- the command ----

fn check(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_presence-router"))
        .arg("check")
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

const WRONG: &str = "server example.org.\r\nSEND all to @gobbler\r\nblock @ann #now\r\n";
const RIGHT: &str = "server example.org\r\nsend all to @gobbler\r\nblock @ann # now\r\n";

#[test]
fn all_files_are_mended_and_the_second_time_none() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::create_dir(at("p")).unwrap();
    fs::create_dir(at("p/below")).unwrap();
    fs::write(at("p/a.policy"), format!("\u{feff}{WRONG}")).unwrap();
    fs::write(
        at("p/below/b.policy"),
        "group oncall from \"../../oncall.yaml\"\nBlock group oncall\n",
    )
    .unwrap();
    fs::write(at("oncall.yaml"), "# today\n- @ann\n- '@bob'\n").unwrap();
    fs::write(at("p/fine.policy"), "block @bob from @ann\n").unwrap();
    let output = check(folder.path(), &["--policy", "p", "--fix"]);
    let told = stderr(&output);
    assert_eq!(output.status.code(), Some(0), "{told}");
    assert!(told.contains("`a.policy`: 3 problems fixed"), "{told}");
    assert!(told.contains("`below/b.policy`: 1 problem fixed"), "{told}");
    assert!(told.contains("oncall.yaml`: 1 problem fixed"), "{told}");
    assert!(!told.contains("fine.policy"), "{told}");
    let read = |name: &str| fs::read_to_string(at(name)).unwrap();
    assert_eq!(read("p/a.policy"), format!("\u{feff}{RIGHT}"));
    assert_eq!(read("oncall.yaml"), "# today\n- \"@ann\"\n- '@bob'\n");
    let files = || {
        let names = [
            "p/a.policy",
            "p/below/b.policy",
            "oncall.yaml",
            "p/fine.policy",
        ];
        names.map(|name| {
            (
                read(name),
                fs::metadata(at(name)).unwrap().modified().unwrap(),
            )
        })
    };
    let before = files();
    let output = check(folder.path(), &["--policy", "p", "--fix"]);
    assert!(stderr(&output).contains("nothing to fix"));
    assert_eq!(files(), before);
    // No temporary file is left.
    assert_eq!(fs::read_dir(at("p")).unwrap().count(), 3);
}

#[test]
fn what_is_not_certain_stays_and_is_reported() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.policy");
    let text = "SEND all to gobbler\nblock @a:x.org who are @b:x.org and @c:x.org\n";
    fs::write(&file, text).unwrap();
    let output = check(folder.path(), &["--policy", "a.policy", "--fix", "--json"]);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(fs::read_to_string(&file).unwrap(), text);
    let lines = String::from_utf8(output.stdout).unwrap();
    assert_eq!(lines.lines().count(), 2, "{lines}");
    assert!(lines.lines().all(|line| line.starts_with('{')), "{lines}");
}

#[test]
fn a_repeated_rule_goes_with_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.policy");
    fs::write(
        &file,
        "server x.org\nsend all to @a\n\nsend all\n  to @a\nblock @b # why\nblock  @b # again\n",
    )
    .unwrap();
    let output = check(folder.path(), &["--policy", "a.policy", "--fix"]);
    assert_eq!(output.status.code(), Some(0));
    let text = fs::read_to_string(&file).unwrap();
    assert_eq!(
        text,
        "server x.org\nsend all to @a\n\nblock @b # why\n# again\n"
    );
}

/// What is left of a policy that says one thing twice: `None` if both stay.
fn without_repeat(senders: [&str; 2], recipients: [&str; 2]) -> Option<String> {
    let rule = |at: usize| format!("send {} to {}\n", senders[at], recipients[at]);
    let origin = Origin {
        inline: vec![Inline {
            name: "a.policy".into(),
            text: format!("group g = @a, @b\n{}{}", rule(0), rule(1)),
        }],
        homeserver: "example.org".parse().ok(),
        ..Origin::default()
    };
    let snapshot = Router::load(origin).unwrap().snapshot();
    let report = snapshot.warnings();
    let twice = report.problems().iter();
    let twice = twice.filter(|problem| problem.name.to_string() == "duplicate-rule");
    assert_eq!(twice.count(), 1, "{senders:?} {recipients:?} {report}");
    report.fixed().pop().map(|fixed| fixed.after)
}

#[test]
fn a_rule_goes_only_if_it_is_repeated_to_the_letter() {
    for users in [
        "all",
        "local users",
        "remote users",
        "@a",
        "@a*",
        "users on x.org",
        "users on *.x.org",
        "users matching /@a.*/",
        "members of #ops",
        "group g",
        "@a, @b",
        "@a who are members of #ops",
        "all except @a, @b",
    ] {
        let left = Some(format!("group g = @a, @b\nsend {users} to @z\n"));
        assert_eq!(without_repeat([users; 2], ["@z"; 2]), left);
        let left = Some(format!("group g = @a, @b\nsend @z to {users}\n"));
        assert_eq!(without_repeat(["@z"; 2], [users; 2]), left);
    }
    for users in [
        ["@a, @b", "@b, @a"],
        ["@a, @b", "@a, @b, @a"],
        ["@a, @b, @a", "@a, @b"],
        ["group g", "@a, @b"],
        ["all except @a, @b", "all except @b, @a"],
        ["@a, @b except @b", "@a, @b, @b except @b"],
        ["@a who are members of #ops", "members of #ops who are @a"],
    ] {
        assert_eq!(without_repeat(users, ["@z"; 2]), None);
        assert_eq!(without_repeat(["@z"; 2], users), None);
    }
}

#[cfg(unix)]
#[test]
fn permissions_and_links_stay() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::create_dir(at("real")).unwrap();
    fs::create_dir(at("p")).unwrap();
    fs::write(at("real/a.policy"), WRONG).unwrap();
    fs::set_permissions(at("real/a.policy"), fs::Permissions::from_mode(0o640)).unwrap();
    symlink("../real/a.policy", at("p/a.policy")).unwrap();
    let output = check(folder.path(), &["--policy", "p", "--fix"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(at("p/a.policy").is_symlink());
    assert_eq!(fs::read_to_string(at("real/a.policy")).unwrap(), RIGHT);
    let mode = fs::metadata(at("real/a.policy"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o7777, 0o640);
}

#[test]
fn nothing_is_changed_where_one_file_cannot_be() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    for name in ["a.policy", "b.policy"] {
        fs::write(at(name), "SEND all to @a:x.org\n").unwrap();
    }
    let mut permissions = fs::metadata(at("b.policy")).unwrap().permissions();
    permissions.set_readonly(true);
    fs::set_permissions(at("b.policy"), permissions).unwrap();
    let output = check(folder.path(), &["--policy", ".", "--fix"]);
    assert_eq!(output.status.code(), Some(3));
    assert!(stderr(&output).contains("read-only"), "{}", stderr(&output));
    assert_eq!(
        fs::read_to_string(at("a.policy")).unwrap(),
        "SEND all to @a:x.org\n"
    );
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
}
