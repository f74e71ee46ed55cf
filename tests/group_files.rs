//! Group files that are wrong: all that can be told is told at once, and a file is mended whole or not at all.
//!
//! Laws, over random files made of known users by the mistakes that people make: with the edits of its
//! report a file loads and names exactly the users written in it; no message or help is long.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use presence_router::diagnostic::Report;
use presence_router::directory::Directory;
use presence_router::router::{Origin, Router};
use proptest::prelude::*;

const POLICY: &str = "server x.org\ngroup g from \"list.yaml\"\nsend all to group g\n";

/// The users that a group file names, or what is wrong with it.
fn load(folder: &Path, text: &str) -> Result<BTreeSet<String>, Report> {
    fs::write(folder.join("a.policy"), POLICY).unwrap();
    fs::write(folder.join("list.yaml"), text).unwrap();
    let origin = Origin {
        path: Some(folder.to_owned()),
        inline: Vec::new(),
        homeserver: None,
        ..Origin::default()
    };
    let router = Router::load(origin)?;
    let users = router.snapshot().known_users(&Directory::new(None));
    Ok(users
        .into_iter()
        .map(|user| user.as_str().to_owned())
        .collect())
}

fn named(text: &str) -> Result<BTreeSet<String>, Report> {
    load(tempfile::tempdir().unwrap().path(), text)
}

fn report(text: &str) -> Report {
    named(text).expect_err(text)
}

fn set(users: &[&str]) -> BTreeSet<String> {
    let whole = |user: &&str| match user.contains(':') {
        true => (*user).to_owned(),
        false => format!("{user}:x.org"),
    };
    users.iter().map(whole).collect()
}

/// The text with the edits of its report; `None` if there are none.
fn mended(report: &Report) -> Option<String> {
    let fixed = report.fixed();
    assert!(fixed.len() <= 1);
    fixed.first().map(|fixed| fixed.after.clone())
}

#[test]
fn every_line_of_a_long_file_is_told_and_mended_at_once() {
    for (users, told) in [(30, 30), (100, 100), (250, 100)] {
        let lines = (0..users).map(|at| format!("- @u{at}:x.org\n"));
        let report = report(&lines.collect::<String>());
        assert_eq!(report.len(), told);
        for (at, problem) in report.problems().iter().enumerate() {
            let place = report.position(problem);
            assert_eq!((place.line, place.column), (at + 1, 3));
        }
        let last = &report.problems()[told - 1].help;
        assert_eq!(last.contains("(150 more"), users == 250, "{last}");
        let after = mended(&report).unwrap();
        assert_eq!(named(&after).unwrap().len(), users);
    }
}

#[test]
fn a_file_is_mended_as_a_whole_or_not_at_all() {
    for text in [
        "- @ann\n- @b*\n",
        "- @ann\n- bob\n",
        "- @ann\n- \"@we ird\n",
        "- \u{201c}@ann\u{201d}\n- bob\n",
        "users:\n- @ann\nusers:\n- @bob\n",
        "- @ann\n---\n- @bob\n",
        "members:\n- @ann\n",
        "- @ann\n- name: @bob\n",
        "- @ann\n- @bob Bob\n",
        "- &a @ann\n- *a\n- @bob\n",
    ] {
        let report = report(text);
        assert_eq!(mended(&report), None, "{text:?}: {report}");
    }
}

/// What is certain is mended to the users written.
#[test]
fn what_is_certain_is_mended() {
    let two = set(&["@ann", "@bob:x.org"]);
    for text in [
        "@ann\n@bob:x.org\n",
        "\"@ann\",\n'@bob:x.org',\n",
        "- @ann\n- @bob:x.org # lead\n",
        "- @ann\r\n- @bob:x.org\r\n",
        "- \"@ann\n- \"@bob:x.org\"\n",
        "- '@ann\n- '@bob:x.org\n",
        "- @ann\"\n- @bob:x.org\n",
        "- \"@ann\",\n- \"@bob:x.org\";\n",
        "- `@ann`\n- `@bob:x.org`\n",
        "- \u{201c}@ann\u{201d}\n- \u{2018}@bob:x.org\u{2019}\n",
        "users:\n\t- \"@ann\"\n\t- \"@bob:x.org\"\n",
        "- \"@ann\"\n\t\n- \"@bob:x.org\"\n",
        "- \"@ann\"\n\t# lead\n- \"@bob:x.org\"\n",
        "- \"@ann\"\n  - \"@bob:x.org\"\n",
        "users:\n  - \"@ann\"\n - \"@bob:x.org\"\n",
        "-@ann\n-\"@bob:x.org\"\n",
        "* @ann\n* @bob:x.org\n",
        "1. @ann\n2. @bob:x.org\n",
        "\u{2022} @ann\n\u{2022} @bob:x.org\n",
        "[@ann, @bob:x.org]\n",
        "users: [\"@ann\" @bob:x.org]\n",
        "users:[\"@ann\", \"@bob:x.org\"]\n",
        "[\n  @ann,\n  @bob:x.org,\n]\n",
        "users:\n  @ann\n  @bob:x.org\n",
        "users: |\n  @ann\n  @bob:x.org\n",
        "- \"@ann\"\n\u{feff}- \"@bob:x.org\"\n",
        "\u{a0}- \"@ann\"\n- @bob:x.org\n",
        "-\n  @ann\n-\n  \"@bob:x.org\"\n",
    ] {
        let report = report(text);
        let after = mended(&report).unwrap_or_else(|| panic!("{text:?}: {report}"));
        assert_eq!(named(&after).unwrap(), two, "{after:?}");
        let comments = |text: &str| text.matches("# lead").count();
        assert_eq!(comments(&after), comments(text), "{after:?}");
    }
    let odd = report("- '@o'brien:x.org'\n- '@it''s:x.org'\n- '@a\"b:x.org'\n- @ann\n");
    let after = mended(&odd).unwrap();
    let names = ["@o'brien:x.org", "@it's:x.org", "@a\"b:x.org", "@ann"];
    assert_eq!(named(&after).unwrap(), set(&names));
}

/// Every line or list that a help says to write, in place of the whole file.
fn written(help: &str) -> String {
    let pieces = help.split('`').skip(1).step_by(2);
    let lines = pieces.filter_map(|piece| match piece {
        _ if piece.starts_with("- ") || piece.starts_with("users: [") => Some(piece.to_owned()),
        _ if piece.starts_with(['"', '\'']) && piece.len() > 1 => Some(format!("- {piece}")),
        _ => None,
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Files with one problem, whose help is followed as it stands.
#[test]
fn done_as_it_says_a_help_makes_the_file_right() {
    let two = set(&["@ann:x.org", "@bob:x.org"]);
    for text in [
        "users: '@ann:x.org, @bob:x.org'\n",
        "users: @ann:x.org, @bob:x.org\n",
        "- '@ann:x.org' '@bob:x.org'\n",
        "- @ann:x.org, @bob:x.org\n",
        "\"@ann:x.org\", \"@bob:x.org\"\n",
        "!!set {\"@ann:x.org\", \"@bob:x.org\"}\n",
        "!!set\n? \"@ann:x.org\"\n? \"@bob:x.org\"\n",
        "base: &b [\"@ann:x.org\", \"@bob:x.org\"]\nusers: *b\n",
        "base: &b\n- \"@ann:x.org\"\n- \"@bob:x.org\"\nusers:\n  <<: *b\n",
        "ann: \"@ann:x.org\"\nbob: \"@bob:x.org\"\n",
        "ann: @ann:x.org\nbob: @bob:x.org\n",
        "groups:\n  oncall:\n  - \"@ann:x.org\"\n  - \"@bob:x.org\"\n",
        "users:\n  ann: \"@ann:x.org\"\n  bob: \"@bob:x.org\"\n",
        "- [\"@ann:x.org\", \"@bob:x.org\"]\n",
        "- - \"@ann:x.org\"\n  - \"@bob:x.org\"\n",
        "- name: @ann:x.org\n- name: @bob:x.org\n",
        "- name: Ann\n  id: @ann:x.org\n- name: Bob\n  id: @bob:x.org\n",
        "user,name\n@ann:x.org,Ann\n@bob:x.org,Bob\n",
        "\"Ann A\";\"@ann:x.org\"\n\"Bob B\";\"@bob:x.org\"\n",
        "[Support Team]\nann@x.org=Ann\nbob@x.org=Bob\n",
        "ann@x.org\nbob@x.org\n",
        "https://matrix.to/#/@ann:x.org?via=x.org\nhttps://matrix.to/#/%40bob%3Ax.org\n",
    ] {
        let report = report(text);
        assert_eq!(report.len(), 1, "{text:?}: {report}");
        let help = &report.problems()[0].help;
        let after = named(&written(help)).unwrap_or_else(|after| panic!("{help}: {after}"));
        assert_eq!(after, two, "{text:?}: {help}");
    }
    for (text, user) in [
        ("- \"https://matrix.to/#/@zoe:x.org\"\n", "@zoe:x.org"),
        ("- https://matrix.to/#/@zoe:x.org?via=y.org\n", "@zoe:x.org"),
        ("- ann@x.org\n", "@ann:x.org"),
        ("- name: \"@ann:x.org\"\n", "@ann:x.org"),
        ("[{\"user_id\":\"@ann:x.org\"}]", "@ann:x.org"),
        ("user: \"@ann:x.org\"\n", "@ann:x.org"),
        ("user: @ann:x.org\n", "@ann:x.org"),
        ("users: \"@ann:x.org\"\n", "@ann:x.org"),
    ] {
        let report = report(text);
        assert_eq!(report.len(), 1, "{text:?}: {report}");
        let help = &report.problems()[0].help;
        assert_eq!(named(&written(help)).unwrap(), set(&[user]), "{help}");
    }
}

/// Done as it says, help that is not a text to write, at its place.
#[test]
fn other_help_leads_to_no_next_error() {
    for (text, help, after) in [
        ("---\n", "write `[]` for nobody", "[]"),
        ("---\n...\n", "write `[]` for nobody", "[]"),
        ("null\n", "write `[]` for nobody", "[]"),
        ("{}\n", "write `[]` for nobody", "[]"),
        ("users:\n", "write `users: []` for nobody", "users: []"),
        ("users: {}\n", "write `users: []` for nobody", "users: []"),
        (
            "members:\n- \"@a\"\n",
            "write `users:` in place of `members:`",
            "users:\n- \"@a\"\n",
        ),
        (
            "Users: [\"@a\"]\n",
            "write `users:` in place of `Users:`",
            "users: [\"@a\"]\n",
        ),
        (
            "{\"members\":[\"@a\"]}",
            "write `users:` in place of `members:`",
            "{\"users\":[\"@a\"]}",
        ),
        (
            "users = [\"@a\"]\n",
            "write `users:` in place of `users =`",
            "users: [\"@a\"]\n",
        ),
        (
            "- \"@a\"\n---\n- \"@b\"\n",
            "take this line away: one list holds all users",
            "- \"@a\"\n- \"@b\"\n",
        ),
        (
            "users: [\"@a\"]\nowner: \"@b\"\n",
            "one list below it holds all users of the group",
            "users: [\"@a\"]\n",
        ),
        ("[\"@a\", \"@b\"\n", "end it with `]`", "[\"@a\", \"@b\"]\n"),
        (
            "{\"users\":[\"@a\"}",
            "end it with `]` before the `}`",
            "{\"users\":[\"@a\"]}",
        ),
        (
            "{\"users\":[\"@a\"",
            "end it with `]}`",
            "{\"users\":[\"@a\"]}",
        ),
        (
            "- @ann (lead)\n",
            "a comment begins with `#`",
            "- \"@ann\" # lead",
        ),
    ] {
        let report = report(text);
        assert_eq!(report.len(), 1, "{text:?}: {report}");
        let told = &report.problems()[0].help;
        assert!(told.contains(help), "{text:?}: {told}");
        assert!(named(after).is_ok(), "{after:?}");
    }
}

/// What was written names nobody new, and two groups never become one.
#[test]
fn no_help_names_somebody_else() {
    for text in [
        "groups:\n  a:\n  - \"@ann:x.org\"\n  b:\n  - \"@bob:x.org\"\n",
        "[A]\nann@x.org\n\n[B]\nbob@x.org\n",
        "users: [\"@ann:x.org\"]\nowner: \"@bob:x.org\"\n",
        "- @b ob:x.org\n- @ann\n",
        "- owner: \"@ann:x.org\"\n  not: \"@bob:x.org\"\n- @cid\n",
    ] {
        for problem in report(text).problems() {
            let both = problem.help.contains("@ann:x.org") && problem.help.contains("@bob:x.org");
            let other = problem.help.contains("\"@b\"");
            assert!(!both && !other, "{text:?}: {}", problem.help);
        }
    }
}

#[test]
fn what_other_programs_left_is_one_problem() {
    for (text, message) in [
        (
            "- \"@a\"\n<<<<<<< HEAD\n- \"@b\"\n=======\n- \"@c\"\n>>>>>>> x\n",
            "merge",
        ),
        (
            "{% for u in all %}\n- \"{{ u }}\"\n{% endfor %}\n",
            "template",
        ),
        ("- \"{{ user }}\"\n- @ann\n", "template"),
        ("- \"@{{ user }}:x.org\"\n", "template"),
        ("- \"@ann:${DOMAIN}\"\n- \"@bob:${DOMAIN}\"\n", "template"),
        ("$ANSIBLE_VAULT;1.1;AES256\n6162\n6364\n", "ansible-vault"),
        (
            "users: ENC[AES256_GCM,data:x,iv:y]\nsops:\n  mac: ENC[AES256_GCM,data:z]\n",
            "sops",
        ),
        ("-----BEGIN AGE ENCRYPTED FILE-----\nYWdl\n", "age"),
        ("-----BEGIN PGP MESSAGE-----\n\nhQ\n", "PGP"),
    ] {
        let report = report(text);
        assert_eq!(report.len(), 1, "{text:?}: {report}");
        assert!(report.problems()[0].message.contains(message), "{report}");
        assert_eq!(mended(&report), None);
    }
    assert!(named("# {{ user }} <<<<<<<\n- \"@ann\"\n").is_ok());
}

/// What may say that somebody is out: nothing is mended, and no text is to be written.
#[test]
fn who_may_be_out_is_never_written_as_one_who_is_in() {
    let mut wrong = Vec::new();
    for text in [
        "+ @bob:x\n- @ann:x\n",
        "- @ann:x\n+ @bob:x\n",
        "* @ann:x\n- @bob:x\n",
        "@ann:x\n@cid:x\n- @bob:x\n",
        "@ann:x\n-@bob:x\n",
        "- @ann:x\n-@bob:x\n",
        "users:\n  + @ann:x\n  - @bob:x\n",
        "- [x] @ann:x\n- [ ] @bob:x\n",
        "[x] @ann:x\n[ ] @bob:x\n",
        "[\n  @ann:x,\n  -@bob:x\n]\n",
        "! @bob:x\n@ann:x\n",
        "~ @bob:x\n",
        "- !@bob:x\n",
        "- \"!@bob:x\"\n",
        "- -@bob:x\n- not @ann:x\n",
        "- except @bob:x\n",
        "- formerly @bob:x\n",
        "- \u{274c} @bob:x\n",
        "- @bob:x (disabled)\n",
        "- \"@bob:x (disabled)\"\n",
        "\"@ann:x\": true\n\"@bob:x\": false\n",
        "- \"@bob:x\": false\n",
        "- id: \"@bob:x\"\n  active: no\n",
        "- id: @bob:x\n  active: no\n",
        "@ann:x,1\n@bob:x,0\n",
        "user,active\n@ann:x,1\n@bob:x,0\n",
        "- \"@bob:x,0\"\n",
        "banned:\n- \"@bob:x\"\n",
        "not: \"@bob:x\"\n",
    ] {
        let report = report(text);
        assert_eq!(mended(&report), None, "{text:?}: {report}");
        let tells = |help: &str| !written(help).is_empty() || help.contains("members of");
        if report.problems().iter().any(|problem| tells(&problem.help)) {
            wrong.push(format!("{text:?}: {report}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Help on keys besides `users` loses nobody.
#[test]
fn no_help_empties_a_group() {
    for text in [
        "users: [\"@ann:x\"]\nadmins: [\"@bob:x\"]\n",
        "admins: [\"@bob:x\"]\nusers: [\"@ann:x\"]\n",
        "group:\n  users: [\"@ann:x\"]\n",
        "group:\n  users:\n  - \"@ann:x\"\n",
    ] {
        for problem in report(text).problems() {
            assert!(!problem.help.contains("away"), "{text:?}: {}", problem.help);
            assert!(
                problem.help.contains("holds all"),
                "{text:?}: {}",
                problem.help
            );
        }
    }
}

/// Headings, tables and values are no users.
#[test]
fn words_that_name_nobody_are_not_written_as_users() {
    let mut wrong = Vec::new();
    for text in [
        "Team\n====\n- @ann:x\n",
        "- [Ann](https://matrix.to/#/@ann:x)\n",
        "| user |\n|------|\n| @ann:x |\n",
        " user \n------\n @ann:x\n(1 row)\n",
        "admins = { \"ann@x.org\" }\n",
        "users\n- \"@ann:x\"\n",
        "- yes\n- no\n- on\n- true\n",
        "- name = @ann:x\n",
        "name = @ann:x\n",
        "- evil.org\n",
        "- \"@<user>\"\n",
        "- \"@{user}\"\n",
        "- @<user>\n",
        "- @{user}\n",
        "[General]\nname=ann\n",
    ] {
        let report = report(text);
        assert_eq!(mended(&report), None, "{text:?}: {report}");
        for problem in report.problems() {
            let help = written(&problem.help);
            let ours = [
                "",
                "- \"@ann:x\"",
                "- \"@ann:x.org\"",
                "- \"@ann:example.org\"",
            ];
            if !ours.contains(&help.as_str()) {
                wrong.push(format!("{text:?}: {report}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A file that was named by mistake is not repeated in logs.
#[test]
fn messages_repeat_little_of_a_file() {
    let long = "secret ".repeat(400);
    let word = "s".repeat(3000);
    for text in [
        long.clone(),
        word.clone(),
        format!("{word}: {word}\n"),
        format!("users: \"{long}\"\n"),
        format!("- \"{long}\"\n"),
        format!("- @{word}\n"),
        format!("- \"@{word}*\"\n"),
        format!("- @ann {word}\n"),
        format!("group {word} = @ann\n"),
        format!("!{word} @ann\n"),
        format!("- @ann\n- {{\"{word}\": \"{word}\"}}\n"),
        "- @ann, ".repeat(500),
        format!("users: {}\n", "@ann, ".repeat(500)),
        format!("[{}", "'@ann' ".repeat(500)),
    ] {
        for problem in report(&text).problems() {
            let (message, help) = (
                problem.message.chars().count(),
                problem.help.chars().count(),
            );
            assert!(
                message <= 220 && help <= 420,
                "{message}, {help}: {problem:?}"
            );
            let told = format!("{}{}", problem.message, problem.help);
            assert!(
                !told.contains(&word[..300]) && !told.contains(&long[..300]),
                "{told}"
            );
        }
    }
}

const USERS: [&str; 6] = [
    "@ann",
    "@bob:x.org",
    "@zed:remote.org:8448",
    "@o'brien:x.org",
    "@v6:[::1]",
    "@a_long-name.with/every=mark+",
];

/// An entry as somebody writes it.
fn entry(user: &str, mistake: usize) -> String {
    match mistake {
        1 => format!("- {user}"),
        2 => format!("- \"{user}"),
        3 => format!("- '{user}'"),
        4 => format!("- \u{201c}{user}\u{201d}"),
        5 => format!("- `{user}`"),
        6 => format!("- \"{user}\","),
        7 => format!("-\"{user}\""),
        8 => format!("* {user}"),
        9 => user.to_owned(),
        10 => format!("  - \"{user}\""),
        11 => format!("\t- \"{user}\""),
        12 => format!("- {user} # why"),
        13 => format!("\t\n- {user}\""),
        14 => format!("- \"{user}\u{201d};"),
        15 => format!("\u{feff}- \"{user}\""),
        16 => format!("- https://matrix.to/#/{user}"),
        17 => format!("- name: {user}"),
        18 => format!("---\n- \"{user}\""),
        19 => format!("users:\n- {user}"),
        20 => format!("- \"{user}\" Ann"),
        21 => format!("- [\"{user}\"]"),
        22 => format!("# {user}\n- \"{user}\""),
        _ => format!("- \"{user}\""),
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 400,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn edits_make_a_file_that_names_the_users_written(
        entries in prop::collection::vec((0..USERS.len(), 0..30_usize), 1..8),
        certain in any::<bool>(),
        head in 0..3_usize,
        way in prop::sample::select(vec![0_usize, 0, 0, 7, 8, 9]),
    ) {
        // Entries that begin in different ways may be those who are in and those who are not.
        let lines = entries.iter().map(|(user, mistake)| {
            let other = (16..22).contains(mistake) || (7..10).contains(mistake);
            entry(USERS[*user], match (certain, way) {
                (true, 0) if other => 0,
                (true, 1..) => way,
                _ => *mistake,
            })
        });
        let head = ["", "users:\n", "# who\n"][head];
        let text = format!("{head}{}\n", lines.collect::<Vec<_>>().join("\n"));
        let written: Vec<&str> = entries.iter().map(|(user, _)| USERS[*user]).collect();
        let wanted = set(&written);
        match named(&text) {
            Ok(users) => prop_assert_eq!(users, wanted, "{:?}", text),
            Err(report) => {
                for problem in report.problems() {
                    prop_assert!(!problem.help.is_empty(), "{:?}", problem);
                    prop_assert!(problem.message.chars().count() <= 220, "{:?}", problem);
                    prop_assert!(problem.help.chars().count() <= 420, "{:?}", problem);
                }
                match mended(&report) {
                    Some(after) => match named(&after) {
                        Ok(users) => prop_assert_eq!(users, wanted, "{:?}", after),
                        Err(report) => prop_assert!(false, "{:?}: {}", after, report),
                    },
                    None => prop_assert!(!certain, "{:?}: {}", text, report),
                }
            }
        }
    }

    /// Any characters that matter to YAML: never a panic, and edits only to a file that loads.
    #[test]
    fn any_text_is_mended_whole_or_not_at_all(
        text in "([-@\"',:#\\[\\]{}&*!| \t\n]|@a:x|users:|- ){0,40}",
    ) {
        if let Err(report) = named(&text)
            && let Some(after) = mended(&report)
        {
            prop_assert!(named(&after).is_ok(), "{:?}: {:?}", text, after);
        }
    }
}
