//! Which files a policy is made of: all that are there, each once, or an error that names what cannot be read.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

#[path = "files/permissions.rs"]
mod permissions;
#[path = "files/trees.rs"]
mod trees;

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Duration;

use presence_router::diagnostic::Report;
use presence_router::directory::Directory;
use presence_router::router::{Inline, Origin, Reload, Router};
use tempfile::TempDir;

const LIMIT: Duration = Duration::from_secs(20);

fn origin(path: &Path) -> Origin {
    Origin {
        path: Some(path.to_owned()),
        ..Origin::default()
    }
}

/// A folder `p` with files in it, by their paths.
fn policy(files: &[(&str, &str)]) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("p");
    fs::create_dir(&root).unwrap();
    for (name, text) in files {
        let path = root.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    (folder, root)
}

/// All that is said of a policy that loads or does not.
fn report(root: &Path) -> Report {
    match Router::load(origin(root)) {
        Ok(router) => router.snapshot().warnings().clone(),
        Err(report) => report,
    }
}

/// Level, name and file of each problem.
fn told(report: &Report) -> Vec<String> {
    let line = |line: &str| {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        let of = |key: &str| line[key].as_str().unwrap().to_owned();
        format!("{} {} {}", of("level"), of("name"), of("file"))
    };
    report.json_lines().lines().map(line).collect()
}

/// The files that rules were read from, in their order.
fn read(root: &Path) -> Vec<String> {
    let router = Router::load(origin(root)).unwrap_or_else(|report| panic!("{report}"));
    let snapshot = router.snapshot();
    let rules = snapshot.policy().rules.iter();
    let names = rules.map(|rule| snapshot.sources().name(rule.span.source).to_owned());
    names.collect()
}

#[test]
fn what_cannot_be_looked_at_is_an_error_whatever_its_name() {
    for name in ["site", "site.d", "oncall.yaml", "main2.policy", "a/b"] {
        for target in ["../gone", "/gone/for/ever", "b", "site", "main.policy/x"] {
            let (_folder, root) = policy(&[("main.policy", "send @a:x to @b:x\n")]);
            fs::create_dir(root.join("a")).unwrap();
            symlink(target, root.join(name)).unwrap();
            if fs::metadata(root.join(name)).is_ok() {
                continue;
            }
            let report = report(&root);
            let wanted = format!("error unreadable-file {name}");
            assert_eq!(told(&report), [wanted], "{name} -> {target}: {report}");
        }
    }
    // A hidden name is no part of the policy, whatever it leads to.
    let (_folder, root) = policy(&[("main.policy", "send @a:x to @b:x\n")]);
    symlink("../gone", root.join(".site")).unwrap();
    assert_eq!(read(&root), ["main.policy"]);
}

#[test]
fn a_root_that_cannot_be_looked_at_is_told_as_it_is() {
    let (_folder, root) = policy(&[]);
    symlink("gone", root.join("dangling")).unwrap();
    symlink("round", root.join("round")).unwrap();
    fs::write(root.join("file"), "").unwrap();
    for (path, wanted) in [
        (
            "dangling",
            "`dangling`: No such file or directory (os error 2): it is a link to `gone`",
        ),
        ("round", "`round`: Too many levels of symbolic links"),
        (
            "nothing",
            "`nothing`: No such file or directory (os error 2)",
        ),
        ("file/below", "`below`: Not a directory"),
    ] {
        let report = report(&root.join(path));
        assert_eq!(report.len(), 1, "{report}");
        assert!(report.problems()[0].message.contains(wanted), "{report}");
    }
    // It holds none, which is all that is wrong with it.
    let report = report(&root.join("file").parent().unwrap().join("."));
    assert_eq!(report.errors(), 2, "{report}");
    fs::remove_file(root.join("dangling")).unwrap();
    fs::remove_file(root.join("round")).unwrap();
    assert!(
        self::report(&root)
            .to_string()
            .contains("there is no `*.policy` file in")
    );
}

#[test]
fn folders_nest_to_any_depth_and_a_path_that_is_too_long_is_an_error() {
    let (_folder, root) = policy(&[]);
    let mut path = root.clone();
    for n in 0..300 {
        path.push("d");
        fs::create_dir(&path).unwrap();
        fs::write(path.join("a.policy"), format!("send @u{n}:x to @b:x\n")).unwrap();
    }
    assert_eq!(read(&root).len(), 300);
    // As deep as no path can name, which a folder that is moved there can be.
    let long = "d".repeat(200);
    let below: PathBuf = (0..15).map(|_| long.as_str()).collect();
    for part in ["up", "down"] {
        fs::create_dir_all(root.join(part).join(&below)).unwrap();
    }
    fs::write(
        root.join("down").join(&below).join("a.policy"),
        "block @a:x\n",
    )
    .unwrap();
    fs::rename(root.join("down"), root.join("up").join(&below).join("down")).unwrap();
    let report = report(&root);
    assert_eq!(report.len(), 1, "{report}");
    assert!(
        report.to_string().contains("File name too long"),
        "{report}"
    );
}

#[test]
fn a_linked_folder_that_is_moved_away_keeps_the_policy_in_force() {
    let (folder, root) = policy(&[("main.policy", "send all to @gobbler:x\n")]);
    let (real, away) = (folder.path().join("real"), folder.path().join("away"));
    fs::create_dir(&real).unwrap();
    fs::write(real.join("block.policy"), "block @alice:x\n").unwrap();
    symlink("../real", root.join("site")).unwrap();
    let router = Arc::new(Router::load(origin(&root)).unwrap());
    let (tell, next) = channel();
    let _watcher = router.watch(move |reload| tell.send(reload).unwrap_or_default());
    let sees = |router: &Router| {
        let directory = Directory::default();
        router.snapshot().sees(&directory, "@alice:x", "@gobbler:x")
    };
    for round in 0..2 {
        fs::rename(&real, &away).unwrap();
        match next.recv_timeout(LIMIT).unwrap() {
            Reload::Kept { report, .. } => {
                assert_eq!(told(&report), ["error unreadable-file site"], "{report}");
            }
            other => panic!("{other:?}"),
        }
        assert!(!sees(&router), "{round}");
        fs::rename(&away, &real).unwrap();
        assert!(matches!(
            next.recv_timeout(LIMIT).unwrap(),
            Reload::Loaded { .. }
        ));
        assert!(!sees(&router), "{round}");
    }
    // A folder that an editor's backup could be called like is watched as it is read.
    let more = root.join("more~");
    fs::create_dir(&more).unwrap();
    fs::write(more.join("a.policy"), "send @carl:x to @bob:x\n").unwrap();
    assert!(matches!(
        next.recv_timeout(LIMIT).unwrap(),
        Reload::Loaded { .. }
    ));
    fs::write(more.join("a.policy"), "send @dora:x to @bob:x\n").unwrap();
    assert!(matches!(
        next.recv_timeout(LIMIT).unwrap(),
        Reload::Loaded { .. }
    ));
}

#[test]
fn another_file_that_cannot_be_read_is_another_failure() {
    let (_folder, root) = policy(&[("main.policy", "send @a:x to @b:x\n")]);
    let router = Router::load(origin(&root)).unwrap();
    symlink("gone", root.join("one")).unwrap();
    assert!(matches!(router.reload(), Reload::Kept { .. }));
    assert!(matches!(router.reload(), Reload::Unchanged));
    fs::rename(root.join("one"), root.join("two")).unwrap();
    match router.reload() {
        Reload::Kept { report, .. } => assert_eq!(told(&report), ["error unreadable-file two"]),
        other => panic!("{other:?}"),
    }
}

#[test]
fn names_that_are_no_utf8_are_told_apart() {
    let (_folder, root) = policy(&[]);
    let name = |bytes: &[u8]| root.join(OsStr::from_bytes(bytes));
    fs::write(name(b"caf\xe9.policy"), "send @a:x to @b:x\n").unwrap();
    fs::write(
        name(b"caf\xe8.policy"),
        "block @c:x from @b:x\nsend @c:x to @b:x, @d:x\n",
    )
    .unwrap();
    fs::create_dir(name(b"\xff")).unwrap();
    fs::write(name(b"\xff/a.policy"), "send @e:x to @b:x\n").unwrap();
    let files = [
        r"caf\xe8.policy",
        r"caf\xe8.policy",
        r"caf\xe9.policy",
        r"\xff/a.policy",
    ];
    assert_eq!(read(&root), files);
    let router = Router::load(origin(&root)).unwrap();
    assert!(
        !router
            .snapshot()
            .sees(&Directory::default(), "@c:x", "@b:x")
    );
    // The bytes of a name are a part of what the policy is.
    fs::rename(name(b"caf\xe9.policy"), name(b"caf\xea.policy")).unwrap();
    assert!(matches!(router.reload(), Reload::Loaded { .. }));
    // One that holds what the other is shown as.
    fs::write(root.join(r"caf\xea.policy"), "oops\n").unwrap();
    let report = report(&root);
    assert_eq!(told(&report), [r"error syntax caf\\xea.policy"]);
}

#[test]
fn one_file_under_many_names_is_read_once_under_its_real_one() {
    let text = "server x\ngroup g = @ann\nsend group g to @b\n";
    let (folder, root) = policy(&[("sites/available/main.policy", text)]);
    let available = root.join("sites/available");
    fs::create_dir(root.join("enabled")).unwrap();
    symlink(
        "../sites/available/main.policy",
        root.join("enabled/main.policy"),
    )
    .unwrap();
    symlink("sites", root.join("a-folder")).unwrap();
    symlink("..", available.join("back")).unwrap();
    fs::hard_link(
        available.join("main.policy"),
        available.join("other.policy"),
    )
    .unwrap();
    assert_eq!(read(&root), ["sites/available/main.policy"]);
    // Outside, the first name in byte order counts, where only links lead.
    let outside = folder.path().join("outside");
    fs::create_dir_all(outside.join("zz")).unwrap();
    fs::write(outside.join("zz/b.policy"), "send @c to @d\n").unwrap();
    for (target, link) in [
        ("outside", "b"),
        ("outside/zz", "b-"),
        ("outside/zz/b.policy", "c.policy"),
    ] {
        symlink(format!("../{target}"), root.join(link)).unwrap();
    }
    assert_eq!(read(&root), ["b-/b.policy", "sites/available/main.policy"]);
    // A file that is written to at one of its names is changed at all of them.
    let router = Router::load(origin(&root)).unwrap();
    fs::write(root.join("c.policy"), "send @e to @d\n").unwrap();
    assert!(matches!(
        router.reload(),
        Reload::Loaded { generation: 2, .. }
    ));
    assert!(matches!(router.reload(), Reload::Unchanged));
}

#[test]
fn a_fix_is_made_once_in_a_file_with_two_names() {
    let text = "server x\nsend @a to @b\nsend @a to @b\n";
    let (_folder, root) = policy(&[("available/main.policy", text)]);
    fs::create_dir(root.join("enabled")).unwrap();
    symlink("../available/main.policy", root.join("enabled/main.policy")).unwrap();
    let report = report(&root);
    assert_eq!(
        told(&report),
        ["warning duplicate-rule available/main.policy"]
    );
    assert_eq!(report.fixed().len(), 1);
    assert_eq!(report.fixed()[0].after, "server x\nsend @a to @b\n");
    // And one of two names is formatted.
    let paths = [
        root.join("enabled/main.policy"),
        root.join("available/main.policy"),
        root,
    ];
    let (files, report) = presence_router::policy_files(&paths);
    assert!(report.is_empty(), "{report}");
    assert_eq!(files, paths[..1]);
}

#[test]
fn a_group_file_under_two_names_is_told_of_once() {
    let (_folder, root) = policy(&[
        (
            "a.policy",
            "group one from \"list.yaml\"\ngroup two from \"link.yaml\"\nsend group one to group two\n",
        ),
        ("list.yaml", "- \"@a:x\"\n- bob\n"),
    ]);
    symlink("list.yaml", root.join("link.yaml")).unwrap();
    assert_eq!(told(&report(&root)), ["error invalid-group-file list.yaml"]);
    fs::write(root.join("list.yaml"), "- \"@a:x\"\n").unwrap();
    let router = Router::load(origin(&root)).unwrap();
    let sees = |router: &Router| {
        router
            .snapshot()
            .sees(&Directory::default(), "@z:x", "@z:x")
    };
    assert!(!sees(&router));
    fs::write(root.join("list.yaml"), "- \"@a:x\"\n- \"@z:x\"\n").unwrap();
    assert!(matches!(router.reload(), Reload::Loaded { .. }));
    assert!(sees(&router));
}

#[test]
fn a_text_of_the_host_hides_no_file_of_its_name() {
    let (_folder, root) = policy(&[("inline", ""), ("a.policy", "send all to @b:x\n")]);
    let inline = |text: &str| Inline {
        name: "a.policy".into(),
        text: text.into(),
    };
    let origin = Origin {
        inline: vec![inline("block @c:x\n"), inline("block @d:x\n"), inline("")],
        ..origin(&root)
    };
    let router = Router::load(origin).unwrap();
    let sees = |sender: &str| {
        router
            .snapshot()
            .sees(&Directory::default(), sender, "@b:x")
    };
    assert!(sees("@a:x") && !sees("@c:x") && !sees("@d:x"));
}

#[test]
fn lost_and_found_is_no_part_of_a_policy() {
    let (_folder, root) = policy(&[
        ("main.policy", "send @a:x to @b:x\n"),
        ("lost+found/#123.policy", "oops\n"),
        ("sub/lost+found/a.policy", "send @c:x to @b:x\n"),
    ]);
    assert_eq!(read(&root), ["main.policy", "sub/lost+found/a.policy"]);
}

#[test]
fn names_that_mislead_get_a_note_and_change_nothing() {
    let (_folder, root) = policy(&[
        ("main.policy", "send @a:x to @b:x\n"),
        ("Block.POLICY", "block @a:x\n"),
        ("sub/block.policy.txt", "block @a:x\n"),
        ("staff.policies", "- \"@c:x\"\n"),
        ("main.policy.bak", "oops\n"),
        ("main.policy~", "oops\n"),
        (
            "old-main.policy",
            "group staff from \"staff.policies\"\nsend group staff to @b:x\n",
        ),
        (
            "sub/x.sync-conflict-20261130-101112-ABCDEFG.policy",
            "send @d:x to @b:x\n",
        ),
        ("sub.old/y.policy", "send @e:x to @b:x\n"),
        ("sub.old/z.policy", "send @f:x to @b:x\n"),
    ]);
    // The same file is read under another name.
    symlink("main.policy", root.join("Main.Policy")).unwrap();
    let report = report(&root);
    let wanted = [
        "note ignored-file Block.POLICY",
        "note copied-file old-main.policy",
        "note copied-file sub.old/y.policy",
        "note ignored-file sub/block.policy.txt",
        "note copied-file sub/x.sync-conflict-20261130-101112-ABCDEFG.policy",
    ];
    assert_eq!(told(&report), wanted, "{report}");
    assert!(
        report
            .to_string()
            .contains("`sub.old/` looks like a copy of `sub`"),
        "{report}"
    );
    assert_eq!(read(&root).len(), 5);
    // One that comes while the policy is in force is told then.
    let router = Router::load(origin(&root)).unwrap();
    fs::rename(root.join("Block.POLICY"), root.join("block.policy ")).unwrap();
    match router.reload() {
        Reload::Loaded { report, .. } => {
            assert!(told(&report).contains(&"note ignored-file block.policy ".to_owned()));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_file_without_a_statement_is_a_warning() {
    let empty = "warning empty-policy a.policy";
    for text in ["", "\u{feff}", "\n\n", "# block @a:x\n", "  \t\r\n#\n"] {
        let (_folder, root) = policy(&[("a.policy", text), ("b.policy", "send @a:x to @b:x\n")]);
        assert_eq!(told(&report(&root)), [empty], "{text:?}");
        assert_eq!(told(&report(&root.join("a.policy"))), [empty], "{text:?}");
    }
    for text in [
        "server x\n",
        "group g = @a:x\nsend group g to @b:x\n",
        "block @a:x from @c:x\nsend @a:x to @c:x, @b:x\n",
    ] {
        let (_folder, root) = policy(&[("a.policy", text)]);
        assert!(
            !told(&report(&root)).contains(&empty.to_owned()),
            "{text:?}"
        );
    }
    // A broken statement is one.
    let (_folder, root) = policy(&[("a.policy", "blokc @a:x\n")]);
    assert_eq!(told(&report(&root)), ["error syntax a.policy"]);
    // On purpose.
    let text = "# for the night shift\n\n# allow empty-policy: written at night\n";
    let (_folder, root) = policy(&[("a.policy", text)]);
    assert!(report(&root).is_empty());
    // A file that is emptied while it is in force, and kept from before.
    let (_folder, root) = policy(&[
        ("a.policy", "# none\n"),
        ("b.policy", "send @a:x to @b:x\n"),
    ]);
    let router = Router::load(origin(&root)).unwrap();
    fs::write(root.join("b.policy"), "").unwrap();
    match router.reload() {
        Reload::Loaded { report, .. } => {
            assert_eq!(told(&report), [empty, "warning empty-policy b.policy"]);
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_group_file_that_is_missed_is_looked_for_nearby() {
    let (folder, root) = policy(&[
        (
            "m.policy",
            "server x\ngroup g from \"oncall.yml\"\nsend all to group g\n",
        ),
        ("oncall.yaml", "- \"@a\"\n"),
    ]);
    let check = |folder: &Path, policy: &str| {
        let output = Command::new(env!("CARGO_BIN_EXE_presence-router"))
            .args(["check", "--policy", policy])
            .current_dir(folder)
            .output();
        String::from_utf8(output.unwrap().stdout).unwrap()
    };
    for (folder, name) in [
        (root.as_path(), "m.policy"),
        (folder.path(), "p/m.policy"),
        (&root, "."),
    ] {
        let said = check(folder, name);
        assert!(said.contains("did you mean `\"oncall.yaml\"`?"), "{said}");
    }
    // As Windows joins folders.
    fs::create_dir(root.join("lists")).unwrap();
    fs::write(root.join("lists/night.yaml"), "[]\n").unwrap();
    let text = "server x\ngroup g from \"lists\\\\night.yaml\"\nsend all to group g\n";
    fs::write(root.join("w.policy"), text).unwrap();
    let said = check(&root, "w.policy");
    assert!(
        said.contains("did you mean `\"lists/night.yaml\"`?"),
        "{said}"
    );
    fs::remove_file(root.join("w.policy")).unwrap();
    // Beside a link is not beside the file that it leads to.
    fs::create_dir(folder.path().join("etc")).unwrap();
    fs::rename(root.join("oncall.yaml"), root.join("oncall.yml")).unwrap();
    symlink("../p/m.policy", folder.path().join("etc/m.policy")).unwrap();
    let said = check(folder.path(), "etc/m.policy");
    let wanted = "it was looked for as `etc/oncall.yml`, beside the link `etc/m.policy`; did you mean \
                  `\"../p/oncall.yml\"`, beside the file that the link leads to?";
    assert!(said.contains(wanted), "{said}");
    fs::remove_file(root.join("oncall.yml")).unwrap();
    let said = check(folder.path(), "etc/m.policy");
    assert!(said.contains("beside the link `etc/m.policy`\n"), "{said}");
    // A slip is told beside a link too, and a link may lead on to another.
    fs::write(folder.path().join("etc/oncall.yaml"), "[]\n").unwrap();
    let said = check(folder.path(), "etc/m.policy");
    let wanted = "beside the link `etc/m.policy`; did you mean `\"oncall.yaml\"`?\n";
    assert!(said.contains(wanted), "{said}");
    fs::create_dir(folder.path().join("far")).unwrap();
    fs::rename(root.join("m.policy"), folder.path().join("far/m.policy")).unwrap();
    fs::write(folder.path().join("far/oncall.yml"), "[]\n").unwrap();
    symlink("../far/m.policy", root.join("m.policy")).unwrap();
    let said = check(folder.path(), "etc/m.policy");
    let wanted = "did you mean `\"../p/../far/oncall.yml\"`, beside";
    assert!(said.contains(wanted), "{said}");
}

#[test]
fn a_byte_order_mark_is_no_part_of_a_text() {
    let (_folder, root) = policy(&[
        (
            "a.policy",
            "\u{feff}group g from \"g.yaml\"\nsend group g to @b:x\n",
        ),
        (
            "b.policy",
            "\u{feff}group h from \"h.yaml\"\nsend group h to @b:x\n",
        ),
        ("g.yaml", "\u{feff}- \"@a:x\"\n"),
        ("h.yaml", "\u{feff}users: [\"@c:x\"]\n"),
    ]);
    let router = Router::load(origin(&root)).unwrap_or_else(|report| panic!("{report}"));
    let sees = |sender: &str| {
        router
            .snapshot()
            .sees(&Directory::default(), sender, "@b:x")
    };
    assert!(sees("@a:x") && sees("@c:x"));
}
