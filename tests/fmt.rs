//! `presence-router fmt`, run as its users run it: which files it writes, what it says, how it ends.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

#[path = "fmt/kept.rs"]
mod kept;

use std::fs;
use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Stdio};

use tempfile::TempDir;

const UNTIDY: &str = "\u{feff}send  all\r\n  to @gobbler:example.org # a bot\r\n";
const TIDY: &str = "send all to @gobbler:example.org # a bot\n";
const BROKEN: &str = "snd all to @gobbler:example.org\n";

fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

/// Exit code, standard output and standard error.
fn fmt(folder: &Path, arguments: &[&str], input: &str) -> (i32, String, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_presence-router"))
        .arg("fmt")
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Who does not read it may end before it is written.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        output.status.code().unwrap(),
        text(output.stdout),
        text(output.stderr),
    )
}

fn good(out: &str) -> (i32, String, String) {
    (0, out.into(), String::new())
}

fn text(folder: &TempDir, name: &str) -> String {
    fs::read_to_string(folder.path().join(name)).unwrap()
}

/// Every name below a folder, so that nothing is left behind unseen.
fn names(folder: &Path) -> Vec<String> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        names.push(entry.file_name().into_string().unwrap());
        if entry.path().is_dir() {
            names.extend(self::names(&entry.path()));
        }
    }
    names.sort();
    names
}

#[test]
fn writes_the_files_that_a_policy_is_made_of() {
    let files = [
        ("main/a.policy", UNTIDY),
        ("main/sub/b.policy", TIDY),
        ("main/sub/c.policy", UNTIDY),
        ("main/.hidden.policy", UNTIDY),
        ("main/notes.txt", UNTIDY),
        ("one.conf", UNTIDY),
    ];
    let folder = folder(&files);
    let before = names(folder.path());
    let untouched = fs::metadata(folder.path().join("main/sub/b.policy")).unwrap();
    let said = "formatted main/a.policy\nformatted main/sub/c.policy\nformatted one.conf\n\
                3 of 4 files formatted\n";
    let paths = ["main", "one.conf", "main/a.policy"];
    assert_eq!(fmt(folder.path(), &paths, ""), good(said));
    for (name, old) in files {
        let kept = name.contains("hidden") || name.contains("notes");
        assert_eq!(text(&folder, name), if kept { old } else { TIDY }, "{name}");
    }
    assert_eq!(names(folder.path()), before);
    let after = fs::metadata(folder.path().join("main/sub/b.policy")).unwrap();
    assert_eq!(untouched.ino(), after.ino());
    let said = "4 files, formatted already\n";
    assert_eq!(fmt(folder.path(), &paths, ""), good(said));
}

#[test]
fn check_shows_what_would_change_and_writes_nothing() {
    let long = "block @a\nblock @b\nblock @c\nblock @d\nblock  @e\nblock @f\n\n\n\nblock @g\n\
                block @h\nblock @i\nblock @j\nblock @k\nblock @l\nblock @m\nsend all\tto @x";
    let folder = folder(&[("a.policy", UNTIDY), ("b.policy", long), ("c.policy", TIDY)]);
    let shown = "--- ./a.policy
+++ ./a.policy, formatted
@@ -1,2 +1,1 @@
-\\u{feff}send  all\\r
-  to @gobbler:example.org # a bot\\r
+send all to @gobbler:example.org # a bot
--- ./b.policy
+++ ./b.policy, formatted
@@ -2,11 +2,9 @@
 block @b
 block @c
 block @d
-block  @e
+block @e
 block @f
\u{20}
-
-
 block @g
 block @h
 block @i
@@ -14,4 +12,4 @@
 block @k
 block @l
 block @m
-send all\\tto @x
\\ no line break at the end
+send all to @x
2 of 3 files would change
";
    let (code, out, err) = fmt(folder.path(), &["--check", "."], "");
    assert_eq!((code, err.as_str()), (1, ""));
    assert_eq!(out, shown);
    assert_eq!(text(&folder, "a.policy"), UNTIDY);
    assert_eq!(text(&folder, "b.policy"), long);
    let said = "1 file, formatted already\n";
    assert_eq!(fmt(folder.path(), &["--check", "c.policy"], ""), good(said));
}

#[test]
fn standard_input_goes_to_standard_output() {
    let folder = folder(&[]);
    assert_eq!(fmt(folder.path(), &["-"], UNTIDY), good(TIDY));
    let (code, out, _) = fmt(folder.path(), &["-", "--check"], UNTIDY);
    assert_eq!(code, 1);
    assert!(out.starts_with("--- <stdin>\n"), "{out}");
    let (code, out, err) = fmt(folder.path(), &["-"], BROKEN);
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(err.contains("<stdin>:1:1"), "{err}");
    let (code, out, err) = fmt(folder.path(), &["-", "a.policy"], UNTIDY);
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(err.contains("fmt - < main.policy"), "{err}");
}

#[test]
fn a_broken_file_is_reported_and_the_others_are_formatted() {
    let folder = folder(&[
        ("a.policy", UNTIDY),
        ("b.policy", BROKEN),
        ("c.policy", UNTIDY),
    ]);
    fs::write(folder.path().join("d.policy"), b"block @\xff").unwrap();
    let (code, out, err) = fmt(folder.path(), &[".", "nothing.policy"], "");
    assert_eq!(code, 2);
    let said = "formatted ./a.policy\nformatted ./c.policy\n2 of 3 files formatted\n";
    assert_eq!(out, said);
    for reason in [
        "./b.policy:1:1",
        "`./d.policy` is not UTF-8",
        "cannot read `nothing.policy`",
    ] {
        assert!(err.contains(reason), "{reason}: {err}");
    }
    assert_eq!(text(&folder, "b.policy"), BROKEN);
    assert_eq!(text(&folder, "c.policy"), TIDY);
    assert_eq!(fmt(folder.path(), &["--check", "."], "").0, 2);
}

#[test]
fn links_and_permissions_stay() {
    let folder = folder(&[("real/a.policy", UNTIDY), ("main/b.policy", TIDY)]);
    let link = folder.path().join("main/link.policy");
    symlink("../real/a.policy", &link).unwrap();
    let real = folder.path().join("real/a.policy");
    fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).unwrap();
    let said = "formatted main/link.policy\n1 of 2 files formatted\n";
    assert_eq!(fmt(folder.path(), &["main", "real"], ""), good(said));
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(text(&folder, "real/a.policy"), TIDY);
    assert_eq!(fs::metadata(&real).unwrap().mode() & 0o777, 0o640);
    assert_eq!(names(&folder.path().join("real")), ["a.policy"]);
}

/// The system lets the program write small files only, so that a write ends in its midst.
#[test]
fn a_failed_write_is_told_and_the_others_are_done() {
    let large = "send  all to @x\n".repeat(1_000);
    let folder = folder(&[("a/a.policy", large.as_str()), ("b.policy", UNTIDY)]);
    let limited = "trap '' XFSZ; ulimit -f 1; exec \"$0\" fmt a b.policy";
    let output = Command::new("sh")
        .args(["-c", limited, env!("CARGO_BIN_EXE_presence-router")])
        .current_dir(folder.path())
        .output()
        .unwrap();
    let out = String::from_utf8(output.stdout).unwrap();
    let err = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(3), "{err}");
    assert_eq!(out, "formatted b.policy\n1 of 2 files formatted\n");
    assert!(
        err.starts_with("error: cannot write `a/a.policy`: "),
        "{err}"
    );
    assert_eq!(text(&folder, "a/a.policy"), large);
    assert_eq!(text(&folder, "b.policy"), TIDY);
    assert_eq!(names(folder.path()), ["a", "a.policy", "b.policy"]);
}
