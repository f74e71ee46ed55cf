//! Warnings: each one where it must be given and where it must not, and that none is ever wrong.
//!
//! `LINT_POLICIES=20000 cargo test --test lint` tries more random policies;
//! `cargo test --release --test lint -- --ignored --nocapture` measures large ones.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

#[path = "lint/directory.rs"]
mod directory;
#[path = "lint/never_wrong.rs"]
mod never_wrong;
#[path = "lint/setup.rs"]
mod setup;

use std::time::Instant;

use presence_router::diagnostic::{Name, Report};
use presence_router::directory::Directory;
use presence_router::id::{ServerName, UserId};
use presence_router::lint::lint;
use presence_router::router::{Origin, Router};
use setup::{places, router};

/// The warnings that hold for every directory.
fn warnings(text: &str) -> Vec<String> {
    places(router(text).snapshot().warnings())
}

#[track_caller]
fn gives(text: &str, expected: &[&str]) {
    assert_eq!(warnings(text), expected, "{text}");
}

const DIRECTORY: &str = r##"
server_name: h.org
users: ["@ann:h.org", "@bob:h.org", "@gobbler:h.org", "@zed:remote.org", "@yves:other.org"]
rooms:
  "!ops:h.org":
    aliases: ["#ops:h.org"]
    members: ["@ann:h.org", "@zed:remote.org"]
"##;

fn with_directory(text: &str, directory: &str) -> Report {
    let directory = Directory::from_yaml("directory.yaml", directory).unwrap();
    router(text).snapshot().warnings_with(&directory)
}

#[track_caller]
fn gives_with(text: &str, expected: &[&str]) {
    let report = with_directory(text, DIRECTORY);
    assert_eq!(places(&report), expected, "{text}\n{report}");
    assert_eq!(
        warnings(text),
        Vec::<String>::new(),
        "without a directory: {text}"
    );
}

#[track_caller]
fn message(report: &Report, name: Name) -> (String, String) {
    let problem = report
        .problems()
        .iter()
        .find(|problem| problem.name == name);
    let problem = problem.unwrap_or_else(|| panic!("no {name} in {report}"));
    (problem.message.clone(), problem.help.clone())
}

// ---- each warning that holds for every directory ----

#[test]
fn unused_group() {
    gives(
        "group staff = @ann\nsend @ann to @bob",
        &["unused-group 1:7"],
    );
    gives(
        "group a = @ann\ngroup b = group a\nsend @x to @y",
        // One cause: whoever uses the second one uses the first.
        &["unused-group 2:7"],
    );
    gives(
        "group a = @ann\ngroup b = group a\ngroup c = group b who are @ann\nsend @x to @y",
        &["unused-group 3:7"],
    );
    gives("group a = @ann\ngroup b = group a\nsend group b to @y", &[]);
    gives(
        "group a = @ann\nsend @x to all except (@b, @c except group a)",
        &[],
    );
    gives(
        "group a = @ann\nblock @x who are @x, group a from @y\nsend all to all",
        &[],
    );
}

#[test]
fn duplicate_rule() {
    gives("send @a to @b\nsend @a to @b", &["duplicate-rule 2:1"]);
    gives("send @a to @b\n@b sees @a", &["duplicate-rule 2:1"]);
    gives(
        "send @a to @b\nsend @a:h.org to @b\nsend @a to @b",
        &["duplicate-rule 2:1", "duplicate-rule 3:1"],
    );
    gives(
        "send @a, @b to @c\nsend @b, @a, @b to @c",
        &["duplicate-rule 2:1"],
    );
    gives(
        "group g = @a, @b\nsend group g to @c\nsend @a, @b to @c",
        &["duplicate-rule 3:1"],
    );
    gives(
        "@a, @b see each other\nsend @a, @b to @b, @a",
        &["duplicate-rule 2:1"],
    );
    gives(
        "send all to all\nblock @a\nblock @a from all",
        &["duplicate-rule 3:1"],
    );
    gives(
        "send users on x.org to @c\nsend @*:x.org to @c",
        &["duplicate-rule 2:1"],
    );
    gives(
        "send @a to @c\nsend @a, (@b except @b) to @d",
        &["empty-selector 2:11"],
    );
    // Equal, though not in form.
    gives(
        "send (@a, @b) who are members of !r to @c\nsend @a who are members of !r, @b who are members of !r to @c",
        &["duplicate-rule 2:1"],
    );
    gives("send @a to @b\nsend @b to @a", &[]);
    gives(
        "send @a to @b\nblock @c from @b\nsend @a, @c to @d",
        &["idle-block 2:1"],
    );
    gives("send @a to @b\nsend @A to @b", &[]);
}

#[test]
fn duplicate_points_to_the_first() {
    let snapshot = router("send @a to @b\nsend @a to @c\n  @b sees @a").snapshot();
    let report = snapshot.warnings();
    let problem = &report.problems()[0];
    assert_eq!(report.sources().position(problem.labels[0].span).line, 1);
    assert_eq!(places(report), ["duplicate-rule 3:3"]);
    // Taking it out is certain to be right.
    let edits: Vec<(&str, &str)> = problem
        .fix
        .iter()
        .map(|edit| (report.sources().text(edit.span), edit.text.as_str()))
        .collect();
    assert_eq!(edits, [("@b sees @a", "")]);
}

#[test]
fn redundant_rule() {
    gives("send @a to @b\nsend all to @b", &["redundant-rule 1:1"]);
    gives("send all to @b\nsend @a to @b", &["redundant-rule 2:1"]);
    gives(
        "send @a to @b\nsend @a to users on h.org",
        &["redundant-rule 1:1"],
    );
    gives(
        "send @a to @b\nsend @*:h.org to @?:h.org",
        &["redundant-rule 1:1"],
    );
    gives(
        "send users on a.x.org to @b\nsend users on *.x.org to @b",
        &["redundant-rule 1:1"],
    );
    gives(
        "send users on *.a.x.org to @b\nsend users on *.x.org to @b",
        &["redundant-rule 1:1"],
    );
    gives(
        "send @bot-a-*:x.org to @b\nsend @bot-*:*.org to @b",
        &["redundant-rule 1:1"],
    );
    gives(
        "group g = @a, @c, members of !r\nsend group g to @b\nsend members of !r to @b",
        &["redundant-rule 3:1"],
    );
    gives(
        "send members of !r who are users on x.org to @b\nsend members of !r to @b",
        &["redundant-rule 1:1"],
    );
    gives(
        "send members of !r except @c to @b\nsend members of !r to @b",
        &["redundant-rule 1:1"],
    );
    gives(
        "send @a:x to @b\nsend users matching /@a.*/ to @b",
        &["redundant-rule 1:1"],
    );
    gives(
        "send local users to @b\nsend all to @b",
        &["redundant-rule 1:1"],
    );
    // The widest rule is not redundant, and of two equal ones the later is the duplicate alone.
    gives(
        "send @a to @b\nsend @a to @b\nsend all to @b",
        &["redundant-rule 1:1", "duplicate-rule 2:1"],
    );
    gives(
        "send all to @b\nblock @a\nblock users on h.org",
        &["redundant-rule 2:1"],
    );
    gives(
        "send all to all\nblock @a from @b\nblock @a",
        &["redundant-rule 2:1"],
    );

    gives("send @a to @b, @c\nsend @a, @c to @b", &[]);
    gives(
        "send users on x.org to @b\nsend users on *.x.org to @b",
        &[],
    );
    gives("send @a to @b\nsend members of !r to @b", &[]);
    gives("send users on h.org to @b\nsend local users to @b", &[]);
    gives("send @a to @b\nsend all except @a to @b", &[]);
    gives("send @a to @b\nblock all from @c\nsend @c to @c, @d", &[]);
    // A pattern of everybody is not unbounded: the answer would be a list, no "everyone but".
    gives(
        "send all to @b\nsend users on * to @b",
        &["redundant-rule 2:1"],
    );
}

#[test]
fn blocked_rule() {
    gives("send @a to @b\nblock @a", &["blocked-rule 1:1"]);
    gives("send @a to @b\nblock all from @b", &["blocked-rule 1:1"]);
    gives(
        "send @a, @c to @b\nblock users on h.org from local users, @b",
        &["blocked-rule 1:1"],
    );
    gives(
        "send all to @b, @c\nblock all from @b\nblock all from @c",
        &[],
    );
    gives("send @a, @c to @b\nblock @a", &[]);
    gives("send @a to @b, @c\nblock @a from @b", &[]);
    gives("send @a to @b\nblock members of !r", &[]);
}

#[test]
fn idle_block() {
    gives("block @a", &["idle-block 1:1"]);
    gives("send @a to @b\nblock @b", &["idle-block 2:1"]);
    gives("send @a to @b\nblock @a from @c", &["idle-block 2:1"]);
    gives(
        "send users on x.org to all\nblock @a:y.org",
        &["idle-block 2:1"],
    );
    gives(
        "send users on *.x.org to all\nblock users on y.org, users on z.org",
        &["idle-block 2:1"],
    );
    gives(
        "send all except users on x.org to all\nblock @a:x.org",
        &["idle-block 2:1"],
    );
    gives(
        "send local users to all\nblock remote users",
        &["idle-block 2:1"],
    );
    gives("send @a-*:x.org to all\nblock @b-*:*", &["idle-block 2:1"]);
    gives(
        "send @a to @b\nsend @c to @d\nblock @a from @d\nblock @c from @d, @x",
        &["blocked-rule 2:1", "idle-block 3:1"],
    );
    // Somebody may turn up on that server.
    gives("send all to @b\nblock users on evil.org", &[]);
    gives("send members of !r to @b\nblock users on evil.org", &[]);
    gives("send members of !r to @b\nblock members of !s", &[]);
    gives("send local users to @b\nblock users on evil.org", &[]);
    gives(
        "send users matching /@x.*/ to @b\nblock users matching /@y.*/",
        &["idle-block 2:1"],
    );
    gives(
        "send users matching /@x.*/ to @b\nblock users matching /@.y.*/",
        &[],
    );
}

#[test]
fn empty_selector() {
    gives("send @a except @a to @b", &["empty-selector 1:6"]);
    gives("send @a to @c who are @b", &["empty-selector 1:12"]);
    gives("send @a except all to @c", &["empty-selector 1:6"]);
    gives(
        "send members of !r except members of !r to @c",
        &["empty-selector 1:6"],
    );
    gives(
        "send users on a.org who are users on b.org to @c",
        &["empty-selector 1:6"],
    );
    gives(
        "send users on *.a.org who are users on *.b.org to @c",
        &["empty-selector 1:6"],
    );
    gives(
        "send @a who are users on b.org to @c",
        &["empty-selector 1:6"],
    );
    gives(
        "send local users who are remote users to @c",
        &["empty-selector 1:6"],
    );
    gives(
        "send all except (local users, remote users) to @c",
        &["empty-selector 1:6"],
    );
    gives(
        "send users on a.org except users on *.org to @c",
        &["empty-selector 1:6"],
    );
    gives(
        "group a = @a, @b\ngroup b = @a\nsend group b except group a to @c",
        &["empty-selector 3:6"],
    );
    gives(
        "group a = @a except @a\nsend group a, @b to @c",
        &["empty-selector 1:11"],
    );
    gives("@a except @a see each other", &["empty-selector 1:1"]);
    // The part, not the whole; and nothing else of the same rule.
    gives(
        "send @a who are (@b except @b) to @c",
        &["empty-selector 1:18"],
    );
    gives(
        "send all to all\nsend @b, (@a except @a) to @c",
        &["empty-selector 2:11"],
    );
    gives("send members of !r who are members of !s to @c", &[]);
    gives("send users on a.org who are local users to @c", &[]);
    gives(
        "send users matching /@x.*/ who are users matching /@y.*/ to @c",
        &["empty-selector 1:6"],
    );
    gives(
        "send users matching /@x.*/ who are users matching /@.y.*/ to @c",
        &[],
    );
    gives("send all except users matching /.*/ to @c", &[]);
}

#[test]
fn an_empty_group_file_is_nobody_on_purpose() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("nobody.yaml"), "[]\n").unwrap();
    let text = "group nobody from \"nobody.yaml\"\nsend group nobody to all\nblock group nobody\n\
                send group nobody who are users on x.org to @b\nsend @a to @b except group nobody\n";
    std::fs::write(folder.path().join("a.policy"), text).unwrap();
    let path = Some(folder.path().into());
    let homeserver = ServerName::parse("h.org").ok();
    let router = Router::load(Origin {
        path,
        inline: Vec::new(),
        homeserver,
        ..Origin::default()
    })
    .unwrap();
    assert_eq!(places(router.snapshot().warnings()), Vec::<String>::new());
}

// ---- looks ----

#[test]
fn confusable_id() {
    gives(
        "send @alice1 to @b\nsend @c to @alicel",
        &["confusable-id 2:12"],
    );
    gives(
        "send @b0b to @c\nblock all from @bOb\nsend all to @d, @bOb",
        &["confusable-id 2:16"],
    );
    gives(
        "send @modern to @c\nsend @c to @rnodern",
        &["confusable-id 2:12"],
    );
    gives(
        "send @ann to @c\nsend @c to \"@аnn:h.org\"",
        &["confusable-id 2:12"],
    );
    gives(
        "send @ann:example.org to @c\nsend @c to @ann:exarnple.org",
        &["confusable-id 2:12"],
    );
    gives("send @ann to @c\nsend @c to @ann", &[]);
    gives("send @ann to @c\nsend @c to @anne", &[]);
    let report = with_directory("send @ann to \"@bоb:h.org\"", DIRECTORY);
    assert_eq!(places(&report), ["unknown-user 1:14", "confusable-id 1:14"]);
    let (message, help) = message(&report, Name::ConfusableId);
    assert_eq!(
        message,
        "`@bоb:h.org` looks like another user ID, `@bob:h.org`"
    );
    assert!(help.contains("U+043E here and U+006F there"), "{help}");
    gives_with("send @ann to @bob", &[]);
}

#[test]
fn servers_with_capitals() {
    let note = |text: &str| {
        gives(
            &format!("send all to @g\n{text}"),
            &["uppercase-server 2:7"],
        )
    };
    note("block users on Evil.ORG");
    note("block users on *.Evil.org");
    note("block @spam:Evil.org");
    note("block @*:Evil.org");
    note("block @a*:*.Evil.org");
    gives(
        "send all to @g\nblock users on (evil.org, Evil.org)",
        &["confusable-id 2:27"],
    );
    gives(
        "send all to @g:Evil.org\nblock @spam:evil.org",
        &["confusable-id 1:13"],
    );
    gives(
        "send all to @g\nblock members of #a:Evil.org",
        &["uppercase-server 2:18"],
    );
    gives("send all to @G\nblock users on evil.org, @Ann", &[]);
    // The statement is the cause, and not each name that it completes.
    gives(
        "server Example.org\nsend @a, @B:Example.org to @c",
        &["uppercase-server 1:8"],
    );
    gives(
        "server Example.org\nsend @a to @c:example.org",
        &["confusable-id 1:8"],
    );
}

#[test]
fn servers_with_capitals_beside_a_directory() {
    let all = |text: &str| places(&with_directory(text, DIRECTORY));
    let confused = |text: &str| {
        let text = format!("send all to @gobbler\n{text}");
        let report = with_directory(&text, DIRECTORY);
        assert_eq!(places(&report), ["confusable-id 2:7"], "{text}");
        message(&report, Name::ConfusableId)
    };
    let (_, help) = confused("block users on Remote.org");
    assert!(help.contains("did you mean `remote.org`?"), "{help}");
    confused("block @zed:Remote.org");
    confused("block @z*:Remote.org");
    confused("block users on *Mote.org");
    confused("block @*:*Mote.org");
    let (said, _) = confused("block users on H.org");
    assert!(said.contains("the homeserver's, `h.org`"), "{said}");
    let text = "server H.org\nsend all to @gobbler:h.org\nblock @alice";
    assert_eq!(all(text), ["confusable-id 1:8"]);
    assert_eq!(
        all("send all to @gobbler\nblock users on Evil.org"),
        ["uppercase-server 2:7"]
    );
    // What goes to another server than the homeserver is told of, with what was likely meant.
    assert_eq!(all("send @ann to @bob:H.org"), ["remote-disclosure 1:14"]);
    // It is told of the room that is not there.
    assert_eq!(
        all("send all to @gobbler\nblock members of #ops:H.org"),
        ["unresolved-room 2:18"]
    );
    let capital = "server_name: Home.org\nusers: ['@ann:Home.org', '@a:Far.org']";
    for text in [
        "send @ann to @ann",
        "send all to @ann:Home.org\nblock users on (Far.org, *.Org), @a:Far.org",
        "server Home.org\nsend @ann to @ann",
    ] {
        let told = places(&with_directory(text, capital));
        let odd = |place: &&String| place.contains("server") || place.contains("confusable");
        let told: Vec<&String> = told.iter().filter(odd).collect();
        // It would match `h.org`, which completes names here.
        let wanted: &[&str] = match text.contains("*.Org") {
            true => &["confusable-id 2:26"],
            false => &[],
        };
        assert_eq!(told, wanted, "{text}");
    }
}

#[test]
fn a_group_file_with_capitals_in_servers_is_told_of_once() {
    let folder = tempfile::TempDir::new().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write(
        "list.yaml",
        "['@z:Away.org', '@a:Remote.org', '@b:Remote.org', '@c:remote.org', '@d']",
    );
    write(
        "a.policy",
        "group g from \"list.yaml\"\nsend group g to @bob\n",
    );
    let report = Router::load(Origin {
        path: Some(folder.path().join("a.policy")),
        homeserver: "H.org".parse().ok(),
        ..Origin::default()
    });
    let report = report.unwrap().snapshot().warnings().clone();
    assert_eq!(
        places(&report),
        ["confusable-id 1:14", "uppercase-server 1:14"]
    );
    let (said, help) = message(&report, Name::ConfusableId);
    assert!(
        said.contains("`remote.org`") && help.contains("(and 1 more of"),
        "{said} {help}"
    );
}

// ---- large policies ----

#[test]
fn chains_of_groups_of_any_depth() {
    let mut text = String::from("group g0 = @u0\n");
    for n in 1..100_000 {
        text.push_str(&format!("group g{n} = group g{}, @u{n}\n", n - 1));
    }
    text.push_str(
        "send group g99999 to @b\nsend @u7 to @b\nblock group g99999 who are @x from @b\n",
    );
    let router = router(&text);
    let report = router.snapshot();
    let names: Vec<Name> = report
        .warnings()
        .problems()
        .iter()
        .map(|p| p.name)
        .collect();
    assert!(
        names.iter().all(|name| [
            Name::RedundantRule,
            Name::EmptySelector,
            Name::IdleBlock,
            Name::ConfusableId
        ]
        .contains(name)),
        "{names:?}"
    );
    let directory = Directory::from_yaml("directory.yaml", DIRECTORY).unwrap();
    router.snapshot().warnings_with(&directory);
}

#[test]
#[ignore = "measures"]
fn measure() {
    let say = |what: &str, text: &str, directory: Option<&Directory>| {
        let router = router(text);
        let snapshot = router.snapshot();
        let start = Instant::now();
        let found = lint(snapshot.policy(), directory);
        let mut by_name = std::collections::BTreeMap::<&str, usize>::new();
        for problem in &found {
            *by_name.entry(problem.name.as_str()).or_default() += 1;
        }
        println!("{what}: {:?}, {by_name:?}", start.elapsed());
    };
    let pairs: String = (0..100_000)
        .map(|n| format!("send @s{n} to @r{}\n", n % 977))
        .collect();
    say("100,000 pair rules", &pairs, None);
    let grid: String = (0..100_000)
        .map(|n| format!("send @s{} to @r{}\n", n / 316, n % 316))
        .collect();
    say("316 x 316 pair rules", &grid, None);
    let hub: String = (0..100_000)
        .map(|n| format!("send @s{n} to @gobbler\n"))
        .collect();
    let with_broad = format!(
        "{hub}send local users to all\nsend users on *.org to @x\nsend members of !r to all\nblock users on evil.org\nblock @bot-*:*\n"
    );
    say("100,000 to one, some broad", &with_broad, None);
    let blocks: String = (0..50_000)
        .map(|n| format!("send @s{n} to @r{n}\nblock @s{} from @r{n}\n", n + 1))
        .collect();
    say("50,000 pairs, 50,000 idle blocks", &blocks, None);
    let mut groups = String::new();
    for n in 0..10_000 {
        let users: Vec<String> = (0..50)
            .map(|k| format!("@u{}", (n * 37 + k * 11) % 20_000))
            .collect();
        groups.push_str(&format!(
            "group g{n} = {}\ngroup g{n} see each other\n",
            users.join(", ")
        ));
    }
    say("10,000 groups of 50", &groups, None);
    let rooms: String = (0..100_000)
        .map(|n| format!("members of !r{n} see each other\n"))
        .collect();
    say("100,000 rooms", &rooms, None);
    let globs: String = (0..20_000)
        .map(|n| format!("send @bot{n}-*:* to @s{n}\nblock @bot{}-*:*\n", n + 1))
        .collect();
    say("20,000 globs and blocks", &globs, None);
    let mut directory = Directory::new(ServerName::parse("h.org").ok());
    for n in 0..1_000_000 {
        directory.add_user(UserId::parse(&format!("@s{n}:h.org")).unwrap());
    }
    say(
        "100,000 pair rules, 1,000,000 users",
        &pairs,
        Some(&directory),
    );
    let costly = "send local users to all\nsend users on h.org to all except @s1, @s2\nblock @s3\nsend @s1 to @s1*:h.org";
    say("costly rules, 1,000,000 users", costly, Some(&directory));
}
