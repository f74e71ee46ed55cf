//! What `check` can be given: paths as pre-commit and shells hand them over, and standard input.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use super::run;

/// A policy in three files, of which each needs another one.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("p/sub")).unwrap();
    for (name, text) in [
        ("p/a.policy", "server e.org\ngroup staff = @ann, @bob\n"),
        ("p/b.policy", "send group staff to @gobbler\n"),
        (
            "p/sub/c.policy",
            "group oncall from \"on.yaml\"\nsend group oncall to group staff\n",
        ),
        ("p/sub/on.yaml", "['@cleo']\n"),
        ("alone.policy", "send @a:e.org to @b:e.org\n"),
        ("facts.yaml", "server_name: e.org\nusers: ['@ann:e.org']\n"),
    ] {
        fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

fn with_stdin(folder: &Path, arguments: &[&str], input: &[u8]) -> (i32, String, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_presence-router"))
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Who does not read it may end before it is written.
    let _ = child.stdin.take().unwrap().write_all(input);
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        output.status.code().unwrap(),
        text(output.stdout),
        text(output.stderr),
    )
}

#[test]
fn a_path_is_what_the_option_is() {
    let folder = folder();
    let said =
        |name: &str, what: &str| (0, format!("{name}: {what}, no problems\n"), String::new());
    for (path, what) in [
        ("alone.policy", "1 rule, 0 groups"),
        ("p", "2 rules, 2 groups"),
    ] {
        assert_eq!(run(folder.path(), &["check", path]), said(path, what));
        assert_eq!(
            run(folder.path(), &["check", "--policy", path]),
            said(path, what)
        );
    }
    fs::write(folder.path().join("alone.policy"), "snd\n").unwrap();
    let by_path = run(folder.path(), &["check", "--json", "alone.policy"]);
    assert_eq!(
        by_path,
        run(
            folder.path(),
            &["check", "--policy", "alone.policy", "--json"]
        )
    );
    assert!(
        by_path.1.contains(r#""file":"alone.policy","line":1,"#),
        "{by_path:?}"
    );
}

#[test]
fn several_paths_are_one_policy() {
    let folder = folder();
    let files = ["p/a.policy", "p/b.policy", "p/sub/c.policy"];
    let good = (
        0,
        "3 paths: 2 rules, 2 groups, no problems\n".to_owned(),
        String::new(),
    );
    assert_eq!(run(folder.path(), &[&["check"][..], &files].concat()), good);
    // As a shell spreads `check --policy p/*.policy ... --directory facts.yaml`.
    let spread = [
        &["check", "--policy"][..],
        &files,
        &["--directory", "facts.yaml"],
    ]
    .concat();
    assert_eq!(run(folder.path(), &spread).0, 0);
    // Each file once, however often it is given.
    let (code, out, err) = run(folder.path(), &["check", "p", "p/a.policy", "./p/sub", "p"]);
    assert_eq!(
        (code, out.as_str(), err.as_str()),
        (0, "4 paths: 2 rules, 2 groups, no problems\n", "")
    );
    // Files with one name in two folders are two, and each is named by its path.
    fs::write(folder.path().join("p/sub/a.policy"), "snd\n").unwrap();
    fs::write(folder.path().join("p/a.policy"), "snd\n").unwrap();
    let (code, out, _) = run(
        folder.path(),
        &["check", "--json", "p/a.policy", "p/sub/a.policy"],
    );
    assert_eq!((code, out.lines().count()), (2, 2), "{out}");
    assert!(
        out.contains(r#""file":"p/a.policy""#) && out.contains(r#""file":"p/sub/a.policy""#),
        "{out}"
    );
}

#[test]
fn a_group_that_may_be_in_a_file_beside_is_told_with_the_folder() {
    let folder = folder();
    let (code, out, _) = run(folder.path(), &["check", "p/b.policy"]);
    assert_eq!(code, 2);
    assert!(
        out.contains("check the folder with `presence-router check p`"),
        "{out}"
    );
    // A group that nobody defines, or that would be there if it were defined, is in no file beside.
    fs::write(
        folder.path().join("p/a.policy"),
        "server e.org\ngroup staffer = @ann\n",
    )
    .unwrap();
    for paths in [&["p/b.policy"][..], &["p/b.policy", "p/a.policy"], &["p"]] {
        let (code, out, _) = run(folder.path(), &[&["check"][..], paths].concat());
        assert!(code == 2 && !out.contains("check the folder"), "{out}");
    }
}

#[test]
fn standard_input() {
    let folder = folder();
    let good = "group oncall from \"p/sub/on.yaml\"\nserver e.org\nsend group oncall to @gobbler\n";
    for arguments in [&["check", "-"][..], &["check", "--policy", "-"]] {
        let (code, out, err) = with_stdin(folder.path(), arguments, good.as_bytes());
        assert_eq!((code, err.as_str()), (0, ""));
        assert_eq!(out, "<stdin>: 1 rule, 1 group, no problems\n");
        let (code, out, _) = with_stdin(folder.path(), arguments, b"snd\n");
        assert!(code == 2 && out.contains(" --> <stdin>:1:1\n"), "{out}");
    }
    let (code, _, err) = with_stdin(folder.path(), &["check", "-", "p"], b"");
    assert!(
        code == 2 && err.contains("`presence-router check - < main.policy`"),
        "{err}"
    );
    let (code, _, err) = with_stdin(
        folder.path(),
        &["check", "-", "--fix"],
        b"SEND all to @x:y\n",
    );
    assert!(code == 2 && err.contains("`--fix` changes files"), "{err}");
    for format in ["json", "sarif", "github"] {
        let arguments = ["check", "-", "--format", format];
        let (code, out, err) = with_stdin(folder.path(), &arguments, b"block @\xff\n");
        assert!(
            code == 2 && out.contains("standard input is not UTF-8"),
            "{out}"
        );
        assert!(err.contains("error: standard input is not UTF-8"), "{err}");
    }
}

#[test]
fn other_commands_say_what_to_do_with_files_that_a_shell_has_spread() {
    let folder = folder();
    let files = ["--policy", "p/a.policy", "p/b.policy"];
    let directory = ["--directory", "facts.yaml"];
    for (command, more) in [
        ("recipients", &directory[..]),
        ("senders", &directory),
        ("route", &directory),
        ("bench", &directory),
    ] {
        let (code, out, err) = run(folder.path(), &[&[command][..], &files, more].concat());
        assert_eq!((code, out.as_str()), (2, ""), "{command}");
        assert!(
            err.starts_with("error: `p/b.policy` is one file too many"),
            "{command}: {err}"
        );
        assert!(
            err.contains("by its folder: `--policy p`"),
            "{command}: {err}"
        );
    }
}
