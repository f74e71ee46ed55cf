//! `check` for programs and for pipelines: its formats, what is denied and allowed, and the comments
//! that allow a warning.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

#[path = "check/given.rs"]
mod given;
#[path = "check/services.rs"]
mod services;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use presence_router::diagnostic::{Level, Name};
use presence_router::directory::Directory;
use presence_router::router::{Inline, Origin, Router, Snapshot};
use proptest::prelude::*;
use serde_json::{Value, json};

/// Exit code, standard output and standard error.
fn run(folder: &Path, arguments: &[&str]) -> (i32, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_presence-router"))
        .args(arguments)
        .current_dir(folder)
        .env_remove("NO_COLOR")
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let code = output.status.code().unwrap();
    (code, text(output.stdout), text(output.stderr))
}

/// A folder with one policy file in a folder whose name needs escapes.
fn folder(policy: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("a b")).unwrap();
    fs::write(folder.path().join("a b/é,1.policy"), policy).unwrap();
    folder
}

fn check(policy: &str, options: &[&str]) -> (i32, String, String) {
    let folder = folder(policy);
    let arguments = [&["check", "--policy", "a b"], options].concat();
    run(folder.path(), &arguments)
}

const WRONG: &str = "server e.org\nSEND all to @x\ngroup a = @x\ngroup a = @y,\n  @z\n";
const ODD: &str = "server e.org\nsend all to @y\nsend @z to @y\nblock @a from @b\n";

#[test]
fn sarif() {
    let (code, out, _) = check(WRONG, &["--format", "sarif"]);
    let log: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &log["version"]), (2, &json!("2.1.0")));
    let run = &log["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    assert_eq!(rules.len(), Name::ALL.len());
    assert_eq!(run["columnKind"], "unicodeCodePoints");
    let results = run["results"].as_array().unwrap();
    let names: Vec<&Value> = results.iter().map(|result| &result["ruleId"]).collect();
    assert_eq!(names, ["syntax", "duplicate-group"]);
    for result in results {
        let index = result["ruleIndex"].as_u64().unwrap() as usize;
        assert_eq!(rules[index]["id"], result["ruleId"]);
        assert_eq!(
            rules[index]["defaultConfiguration"]["level"],
            result["level"]
        );
        let place = &result["locations"][0]["physicalLocation"];
        assert_eq!(place["artifactLocation"]["uri"], "a%20b/%C3%A9%2C1.policy");
    }
    let place = &results[1]["locations"][0]["physicalLocation"]["region"];
    assert_eq!(
        *place,
        json!({"startLine": 4, "startColumn": 7, "endLine": 4, "endColumn": 8})
    );
    let other = &results[1]["relatedLocations"][0];
    assert_eq!(other["physicalLocation"]["region"]["startLine"], 3);
    let fix = &results[0]["fixes"][0]["artifactChanges"][0];
    assert_eq!(fix["replacements"][0]["insertedContent"]["text"], "send");

    let (code, out, _) = check("send all to @y:e.org\n", &["--format", "sarif"]);
    let log: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &log["runs"][0]["results"]), (0, &json!([])));
}

#[test]
fn a_fix_changes_each_file_once() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.policy"), "SEND ALL to @x:e.org\n").unwrap();
    let arguments = ["check", "--policy", ".//", "--format", "sarif"];
    let (_, out, _) = run(folder.path(), &arguments);
    let log: Value = serde_json::from_str(&out).unwrap();
    let results = log["runs"][0]["results"].as_array().unwrap();
    let mut edits = 0;
    for fix in results.iter().flat_map(|r| r["fixes"].as_array().unwrap()) {
        let changes = fix["artifactChanges"].as_array().unwrap();
        assert_eq!(changes.len(), 1, "{out}");
        assert_eq!(changes[0]["artifactLocation"]["uri"], "a.policy");
        edits = edits.max(changes[0]["replacements"].as_array().unwrap().len());
    }
    assert_eq!(edits, 2, "{out}");
    let arguments = ["check", "--policy", ".//", "--format", "github"];
    let (_, out, _) = run(folder.path(), &arguments);
    assert!(out.starts_with("::error file=a.policy,"), "{out}");
}

#[test]
fn many_comments_cost_no_more_than_their_lines() {
    let (many, start) = (50_000, std::time::Instant::now());
    let above = "# allow idle-block: x\n".repeat(many);
    let inside = "  @z, # allow redundant-rule: x\n".repeat(many);
    let policy = format!(
        "server e.org\nsend all to @y\n{above}block @a from @b\nsend @z,\n{inside}  @v to @y\n"
    );
    let (code, out, err) = check(&policy, &["--json"]);
    assert_eq!((code, out.as_str(), err.as_str()), (0, "", ""));
    // Seconds if the cost is the lines' number, an hour if it is its square.
    assert!(start.elapsed().as_secs() < 60, "{:?}", start.elapsed());
}

#[test]
fn github() {
    let (code, out, err) = check(ODD, &["--format", "github"]);
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!((code, lines.len(), err.as_str()), (0, 2, "2 warnings\n"));
    let start = "::warning file=a b/é%2C1.policy,line=3,endLine=3,col=1,endColumn=14,title=redundant-rule::";
    assert!(lines[0].starts_with(start), "{out}");
    assert!(lines[0].contains("%0Ahelp: "), "{out}");
    let (code, out, _) = check("a,\n b see @100%:x\n", &["--format", "github"]);
    assert_eq!((code, out.lines().count()), (2, 1), "{out}");
    assert!(out.starts_with("::error "), "{out}");
    assert_eq!(
        check("send all to @y:e.org\n", &["--format", "github"]).1,
        ""
    );
}

#[test]
fn json_has_two_spellings() {
    assert_eq!(check(ODD, &["--json"]), check(ODD, &["--format", "json"]));
    assert_eq!(check(ODD, &["--json", "--format", "sarif"]).0, 2);
}

#[test]
fn colour_as_it_is_asked_for() {
    assert!(check(WRONG, &["--color", "always"]).1.contains("\u{1b}["));
    for options in [&["--color", "never"][..], &[]] {
        assert!(!check(WRONG, options).1.contains('\u{1b}'));
    }
}

#[test]
fn what_is_denied_says_no_and_what_is_allowed_is_not_shown() {
    let names = |out: &str| -> Vec<String> {
        let lines = out.lines().map(serde_json::from_str::<Value>);
        let name = |line: Value| line["name"].as_str().unwrap().to_owned();
        lines.map(|line| name(line.unwrap())).collect()
    };
    let both = ["redundant-rule", "idle-block"];
    for (options, code, shown) in [
        (&[][..], 0, &both[..]),
        (&["--deny", "warnings"], 1, &both),
        (&["--deny", "idle-block"], 1, &both),
        (&["--deny", "unused-group"], 0, &both),
        (&["--allow", "idle-block"], 0, &both[..1]),
        (&["--allow", "warnings"], 0, &[]),
        (
            &["--deny", "warnings", "--allow", "idle-block"],
            1,
            &both[..1],
        ),
        (
            &[
                "--allow",
                "idle-block",
                "--deny",
                "warnings",
                "--allow",
                "redundant-rule",
            ],
            0,
            &[],
        ),
        (
            &["--allow", "warnings", "--deny", "idle-block"],
            1,
            &both[1..],
        ),
    ] {
        let json = [options, &["--json"]].concat();
        let (got, out, err) = check(ODD, &json);
        assert_eq!(
            (got, names(&out), err.as_str()),
            (code, shown.iter().map(|s| s.to_string()).collect(), ""),
            "{options:?}"
        );
        assert_eq!(check(ODD, options).0, code, "{options:?}");
    }
    let (_, _, err) = check(ODD, &["--deny", "warnings"]);
    assert_eq!(err, "note: 2 warnings denied: idle-block, redundant-rule\n");
    let (code, _, err) = check(ODD, &["--deny", "idle-block", "--allow", "idle-block"]);
    assert!(code == 2 && err.contains("`idle-block` is given to `--deny` and to `--allow`"));
    let (code, _, err) = check(ODD, &["--allow", "idle-blok"]);
    assert!(
        code == 2 && err.contains("did you mean `idle-block`?"),
        "{err}"
    );
    let (code, _, err) = check(ODD, &["--allow", "unknown-group"]);
    assert!(
        code == 2 && err.contains("`unknown-group` is an error"),
        "{err}"
    );
    let (code, out, _) = check(WRONG, &["--allow", "warnings", "--json"]);
    assert_eq!((code, names(&out).len()), (2, 2));
}

#[test]
fn a_comment_allows_a_warning_on_its_statement() {
    let policy = "server e.org\nsend all to @y\n# allow redundant-rule: it stays when the rule above goes\n\
                  send @z to @y\nsend @v to @y\nblock @a from @b # allow idle-block: a guard\n";
    let (code, out, err) = check(policy, &["--json"]);
    assert_eq!((code, out.lines().count(), err.as_str()), (0, 1, ""));
    assert!(out.contains(r#""line":5"#), "{out}");
}

#[test]
fn a_comment_that_allows_nothing_is_told() {
    let policy = "server e.org\n# allow idle-block: first\nsend @a to @b\n# allow everyone to read this\n\
                  send @a to @c # allow idle-blok: second\nsend @a to @d # allow idle-block\n\
                  # allow unknown-user: third\nsend @a to @e\n\n# allow costly-rule: fourth\n";
    let (code, out, err) = check(policy, &["--json", "--deny", "warnings"]);
    assert_eq!((code, err.as_str()), (0, ""));
    let told: Vec<serde_json::Value> = out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let told: Vec<_> = told
        .iter()
        .map(|note| {
            assert_eq!(
                (&note["level"], &note["name"]),
                (&"note".into(), &"idle-allow".into())
            );
            let text = |key: &str| note[key].as_str().unwrap().to_owned();
            (
                note["line"].as_u64().unwrap(),
                text("message"),
                text("help"),
            )
        })
        .collect();
    let nothing = "this comment allows nothing";
    let wanted = [
        (
            2,
            "this comment allows `idle-block`, which is not given here",
            "take the comment away",
        ),
        (
            5,
            nothing,
            "there is no warning `idle-blok`: did you mean `idle-block`?",
        ),
        (
            6,
            nothing,
            "it gives no reason: write `# allow idle-block: ...` and why",
        ),
        (
            10,
            nothing,
            "write it behind a statement or directly above one",
        ),
    ];
    let wanted = wanted.map(|(line, message, help)| (line, message.to_owned(), help.to_owned()));
    assert_eq!(told, wanted);
    let (code, out, _) = check(policy, &["--allow", "idle-allow"]);
    assert!(code == 0 && out.ends_with("no problems\n"), "{out}");
    let (code, _, err) = check(policy, &["--deny", "idle-allow"]);
    assert!(code == 2 && err.contains("notes are never denied"), "{err}");
}

fn snapshot(text: &str) -> std::sync::Arc<Snapshot> {
    let name = "a.policy".into();
    let text = text.into();
    let inline = vec![Inline { name, text }];
    let origin = Origin {
        inline,
        ..Origin::default()
    };
    Router::load(origin).unwrap().snapshot()
}

/// Name, text of the statement it lies in and place of each warning.
fn warnings(snapshot: &Snapshot) -> BTreeMap<(String, usize), usize> {
    let report = snapshot.warnings();
    let mut found = BTreeMap::new();
    let problems = report.problems().iter();
    for problem in problems.filter(|problem| problem.level() == Level::Warning) {
        let line = report.position(problem).line;
        *found.entry((problem.name.to_string(), line)).or_default() += 1;
    }
    found
}

proptest! {
    /// One statement a line, so that a trailing comment moves no line.
    #[test]
    fn a_comment_takes_away_its_warnings_and_nothing_else(
        lines in prop::collection::vec(0..STATEMENTS.len(), 1..8),
        at in 0_usize..8,
        name in 0..NAMES.len(),
    ) {
        let at = at % lines.len();
        let name = NAMES[name];
        let text = |comment: &str| -> String {
            let line = |(n, line): (usize, &usize)| {
                let comment = if n == at { comment } else { "" };
                format!("{}{comment}\n", STATEMENTS[*line].replace('%', &n.to_string()))
            };
            lines.iter().enumerate().map(line).collect()
        };
        let (plain, with) = (snapshot(&text("")), snapshot(&text(&format!(" # allow {name}: why"))));
        let mut wanted = warnings(&plain);
        let given = wanted.remove(&(name.to_owned(), at + 1)).is_some();
        prop_assert_eq!(warnings(&with), wanted);
        prop_assert_eq!(with.warnings().notes(), usize::from(!given));
        let directory = Directory::default();
        for sender in plain.known_users(&directory) {
            let ask = |s: &Snapshot| s.recipients_of(&directory, sender.as_str());
            prop_assert_eq!(ask(&plain), ask(&with));
        }
    }
}

const NAMES: &[&str] = &[
    "unused-group",
    "duplicate-rule",
    "redundant-rule",
    "blocked-rule",
    "idle-block",
    "empty-selector",
];

/// `%` is the line.
const STATEMENTS: &[&str] = &[
    "send all to @x:e",
    "send @a:e to @x:e",
    "send @a:e to @x:e, @y:e",
    "@x:e sees @a:e",
    "block @a:e",
    "block @b:e from @x:e",
    "send @a:e who are @b:e to @x:e",
    "group g% = @a:e",
    "group g% = @a:e except all",
];

#[test]
fn every_name_has_a_page_that_shows_it() {
    let folder = tempfile::tempdir().unwrap();
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/problems");
    let index = fs::read_to_string(docs.join("README.md")).unwrap();
    for name in Name::ALL {
        let (code, page, err) = run(folder.path(), &["explain-code", name.as_str()]);
        assert_eq!((code, err.as_str()), (0, ""));
        let file = format!("{name}.md");
        assert_eq!(page, fs::read_to_string(docs.join(&file)).unwrap());
        assert!(page.starts_with(&format!("# {name}\n")), "{name}");
        // Its example is run, and the report compared, by `tests/docs.rs`.
        assert!(page.contains(&format!("[{name}]: ")), "{name}");
        let level = match name.level() {
            Level::Error => "error",
            Level::Warning => "warning",
            Level::Note => "note",
        };
        let article = if level == "error" { "An" } else { "A" };
        assert!(page.contains(&format!("\n{article} {level}: ")), "{name}");
        let row = format!("| [`{name}`]({file}) | {level} | {} |", name.summary());
        assert!(index.contains(&row), "missing: {row}");
    }
    let pages = fs::read_dir(&docs).unwrap().count();
    assert_eq!(pages, Name::ALL.len() + 1, "a page of no name");
}

#[test]
fn names_are_listed_and_a_wrong_one_is_corrected() {
    let folder = tempfile::tempdir().unwrap();
    let (code, out, _) = run(folder.path(), &["explain-code", "--json"]);
    assert_eq!((code, out.lines().count()), (0, Name::ALL.len()));
    let first =
        r#"{"level":"error","name":"syntax","summary":"The text does not follow the grammar."}"#;
    assert_eq!(out.lines().next(), Some(first));
    let (code, out, _) = run(folder.path(), &["explain-code"]);
    assert_eq!((code, out.lines().count()), (0, Name::ALL.len() + 5));
    let (code, _, err) = run(folder.path(), &["explain-code", "unknown-grup"]);
    assert!(code == 2 && err.contains("'unknown-group'"), "{err}");
}
