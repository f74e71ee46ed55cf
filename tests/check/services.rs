//! Logs as services take them: every place is a valid reference, and every fault is in the log.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::run;

/// Every `uri` of a log.
fn uris(log: &Value) -> Vec<String> {
    match log {
        Value::Object(fields) => {
            let own = fields
                .get("uri")
                .map(|uri| uri.as_str().unwrap().to_owned());
            own.into_iter()
                .chain(fields.values().flat_map(uris))
                .collect()
        }
        Value::Array(items) => items.iter().flat_map(uris).collect(),
        _ => Vec::new(),
    }
}

/// The rule of RFC 3986 for a path, relative or behind `file://`: what it is when its escapes are read.
fn read(uri: &str) -> Vec<u8> {
    assert!(!uri.is_empty());
    let path = uri.strip_prefix("file://").unwrap_or(uri);
    assert_eq!(path.starts_with('/'), uri.starts_with("file://"), "{uri}");
    let mut bytes = path.bytes();
    let mut out = Vec::new();
    while let Some(byte) = bytes.next() {
        match byte {
            b'%' => {
                let digits = [bytes.next().unwrap(), bytes.next().unwrap()];
                let digits = std::str::from_utf8(&digits).unwrap();
                out.push(u8::from_str_radix(digits, 16).unwrap());
            }
            byte => {
                assert!(
                    byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte),
                    "{uri}"
                );
                out.push(byte);
            }
        }
    }
    out
}

fn sarif(folder: &Path, arguments: &[&str]) -> (i32, Value) {
    let (code, out, _) = run(
        folder,
        &[&["check", "--format", "sarif"][..], arguments].concat(),
    );
    let log: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(log["version"], "2.1.0");
    (code, log)
}

#[test]
fn every_place_is_a_valid_reference() {
    let folder = tempfile::tempdir().unwrap();
    let root = fs::canonicalize(folder.path()).unwrap();
    let here = root.join("here");
    fs::create_dir_all(here.join("empty")).unwrap();
    fs::create_dir_all(root.join("beside")).unwrap();
    let wrong = "SEND all to @x:y\nblock group gone\n";
    let odd = "a:b c%?#[ä].policy";
    for file in ["here/a.policy", &format!("here/{odd}"), "beside/b.policy"] {
        fs::write(root.join(file), wrong).unwrap();
    }
    let whole = |path: &str| root.join(path).to_str().unwrap().to_owned();
    for (given, wanted) in [
        ("a.policy", "a.policy"),
        ("./a.policy", "a.policy"),
        (odd, odd),
        (&whole("here/a.policy"), "a.policy"),
        ("../here/a.policy", "a.policy"),
        ("../beside/b.policy", &whole("beside/b.policy")),
        (&whole("beside/b.policy"), &whole("beside/b.policy")),
        ("empty", "empty"),
        ("gone.policy", "gone.policy"),
    ] {
        let (code, log) = sarif(&here, &[given]);
        assert_eq!(code, 2);
        let uris = uris(&log["runs"][0]["results"]);
        assert!(!uris.is_empty());
        for uri in uris {
            assert_eq!(String::from_utf8(read(&uri)).unwrap(), wanted, "{uri}");
        }
        let (_, out, _) = run(&here, &["check", "--format", "github", given]);
        for line in out.lines() {
            let (_, place) = line.split_once("file=").unwrap();
            let place = place.split(',').next().unwrap();
            let place = place
                .replace("%3A", ":")
                .replace("%2C", ",")
                .replace("%25", "%");
            assert_eq!(place, wanted, "{line}");
        }
    }
    let (_, log) = sarif(&here.join("empty"), &["."]);
    assert_eq!(uris(&log["runs"][0]["results"]), ["."]);
    let (_, out, _) = run(&here.join("empty"), &["check", "--format", "github", "."]);
    assert!(out.starts_with("::error file=.,line=1,"), "{out}");
}

#[test]
fn a_wrong_directory_file_is_in_the_log() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.policy"), "send local users to @x:y\n").unwrap();
    /// The file, if there is one, and its fault's name, line and column.
    type Case<'a> = (Option<&'a [u8]>, &'a str, (u64, u64));
    let cases: [Case<'_>; 5] = [
        (None, "unreadable-file", (1, 1)),
        (
            Some(b"server_name: e.org\nusers: ['ann']\n"),
            "unreadable-file",
            (2, 9),
        ),
        (Some(b"users: []\n"), "unreadable-file", (1, 1)),
        (Some(b"users:\n  - '@\xe4:x'\n"), "not-utf8", (2, 7)),
        (Some(b""), "unreadable-file", (1, 1)),
    ];
    for (text, name, (line, column)) in cases {
        let facts = folder.path().join("facts.yaml");
        match text {
            Some(text) => fs::write(&facts, text).unwrap(),
            None => assert!(!facts.exists()),
        }
        let arguments = ["a.policy", "--directory", "facts.yaml"];
        let (code, log) = sarif(folder.path(), &arguments);
        let results = log["runs"][0]["results"].as_array().unwrap();
        assert_eq!((code, results.len()), (2, 1), "{name}");
        assert_eq!(results[0]["ruleId"], name);
        assert_eq!(uris(&results[0]), ["facts.yaml"]);
        let region = &results[0]["locations"][0]["physicalLocation"]["region"];
        assert_eq!(
            (&region["startLine"], &region["startColumn"]),
            (&line.into(), &column.into())
        );

        let json = [&["check", "--json"][..], &arguments].concat();
        let (code, out, err) = run(folder.path(), &json);
        let place = format!(r#""file":"facts.yaml","line":{line},"column":{column},"help":"#);
        assert!(
            code == 2 && out.lines().count() == 1 && out.contains(&place),
            "{out}"
        );
        assert!(err.starts_with("error: "), "{err}");
        let github = [&["check", "--format", "github"][..], &arguments].concat();
        let (_, out, _) = run(folder.path(), &github);
        assert!(
            out.starts_with(&format!("::error file=facts.yaml,line={line},")),
            "{out}"
        );
        assert_eq!(out.lines().count(), 1);
    }
}

#[test]
fn what_cannot_be_mended_is_in_the_log_too() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.policy");
    fs::write(&file, "SEND all to @x:y\n").unwrap();
    fs::hard_link(&file, folder.path().join("a.link")).unwrap();
    let (code, log) = sarif(folder.path(), &["a.policy", "--fix"]);
    assert_eq!(code, 3);
    assert_eq!(log["runs"][0]["results"][0]["ruleId"], "syntax");
}

#[test]
fn of_many_annotations_the_number_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let policy = |lines: usize| {
        let lines = (0..lines).map(|n| format!("snd @a{n}:x to @b:x\n"));
        fs::write(folder.path().join("a.policy"), lines.collect::<String>()).unwrap();
        run(folder.path(), &["check", "--format", "github", "a.policy"])
    };
    let (_, out, err) = policy(10);
    assert_eq!((out.lines().count(), err.as_str()), (10, "10 errors\n"));
    let (code, out, err) = policy(11);
    assert_eq!(
        (code, out.lines().count(), err.as_str()),
        (2, 12, "11 errors\n")
    );
    // GitHub shows the first ten notices whatever the number of errors.
    assert!(
        out.starts_with("::notice title=presence-router::11 errors in all: "),
        "{out}"
    );
}

#[test]
fn colour_on_every_command() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.policy"), "snd\n").unwrap();
    fs::write(folder.path().join("b.policy"), "send  all to @x:y\n").unwrap();
    fs::write(folder.path().join("facts.yaml"), "users: []\n").unwrap();
    let ask = ["--policy", "a.policy", "--directory", "facts.yaml"];
    for command in [
        &["check", "a.policy"][..],
        &["fmt", "a.policy"],
        &["fmt", "--check", "b.policy"],
        &["bench", "--policy", "a.policy"],
        &[&["recipients"][..], &ask].concat(),
        &[&["senders"][..], &ask].concat(),
        &[&["route"][..], &ask].concat(),
    ] {
        let told = |more: &[&str], environment: &[(&str, &str)]| {
            let output = Command::new(env!("CARGO_BIN_EXE_presence-router"))
                .args(command)
                .args(more)
                .current_dir(folder.path())
                .env_clear()
                .envs(environment.iter().copied())
                .output()
                .unwrap();
            let told = [output.stdout, output.stderr].concat();
            String::from_utf8(told).unwrap().contains('\u{1b}')
        };
        assert!(!told(&[], &[]), "{command:?}");
        assert!(
            told(&["--color", "always"], &[("NO_COLOR", "1")]),
            "{command:?}"
        );
        assert!(told(&[], &[("FORCE_COLOR", "1")]), "{command:?}");
        assert!(
            told(&[], &[("CLICOLOR_FORCE", "1"), ("TERM", "dumb")]),
            "{command:?}"
        );
        assert!(
            !told(&["--color", "never"], &[("FORCE_COLOR", "1")]),
            "{command:?}"
        );
        assert!(
            !told(&[], &[("FORCE_COLOR", "1"), ("NO_COLOR", "1")]),
            "{command:?}"
        );
    }
}
