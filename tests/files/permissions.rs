//! Files and folders that may not be read: each is told once, with owner, mode and who asked.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::mpsc::channel;

use presence_router::router::{Reload, Router};

use super::{LIMIT, origin, policy, told};

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// Somebody who is not root, for root may read everything: who runs the tests, else the user 65534.
fn somebody(folder: &Path) -> (u32, bool) {
    match fs::metadata(folder).unwrap().uid() {
        0 => (65_534, true),
        own => (own, false),
    }
}

/// What the program says, run by somebody while some paths have other modes.
fn said(folder: &Path, arguments: &[&str], modes: &[(PathBuf, u32)]) -> String {
    let (user, changes_user) = somebody(folder);
    // The program itself may lie where that user may not go.
    let program = folder.join("presence-router");
    if !program.exists() {
        fs::copy(env!("CARGO_BIN_EXE_presence-router"), &program).unwrap();
    }
    set_mode(&program, 0o755);
    set_mode(folder, 0o755);
    let mode = |path: &Path| fs::metadata(path).unwrap().mode() & 0o777;
    let before: Vec<u32> = modes.iter().map(|(path, _)| mode(path)).collect();
    for (path, mode) in modes {
        set_mode(path, *mode);
    }
    let mut command = Command::new(&program);
    command.args(arguments).current_dir(folder);
    if changes_user {
        command.uid(user).gid(user);
    }
    let output = command.output();
    for ((path, _), mode) in modes.iter().zip(before) {
        set_mode(path, mode);
    }
    let output = output.unwrap();
    String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
}

/// What is said of something with a mode.
fn refused(folder: &Path, what: &str, mode: u32) -> String {
    let meta = fs::metadata(folder).unwrap();
    let owner = match meta.uid() {
        0 => "root:root".to_owned(),
        user => format!("{user}:{}", meta.gid()),
    };
    let (user, _) = somebody(folder);
    format!("cannot read {what}it is {mode:04o} {owner}, and this is run by uid {user}")
}

#[test]
fn what_may_not_be_read_is_told_with_owner_mode_and_who_asked() {
    let group = "send @a:x to @b:x\ngroup g from \"lists/g.yaml\"\nsend group g to @b:x\n";
    let (folder, root) = policy(&[
        ("main.policy", group),
        ("block.policy", "block @a:x\n"),
        ("closed/a.policy", "block @a:x\n"),
        ("listed/a.policy", "block @a:x\n"),
        ("listed/b.policy", "block @a:x\n"),
        ("listed/c/d.policy", "block @a:x\n"),
        ("lists/g.yaml", "[]\n"),
    ]);
    let folder = folder.path();
    let out = folder.join("out/deep");
    fs::create_dir_all(&out).unwrap();
    fs::write(out.join("x.policy"), "block @a:x\n").unwrap();
    symlink("../out/deep", root.join("linked")).unwrap();
    // May be listed by whoever asks, and not be searched.
    let (_, is_root) = somebody(folder);
    let listed = if is_root { 0o744 } else { 0o444 };
    let modes = [
        (root.join("block.policy"), 0),
        (root.join("closed"), 0),
        (root.join("listed"), listed),
        (root.join("lists"), 0),
        (folder.join("out"), 0),
    ];
    let said = said(folder, &["check", "--json", "--policy", "p"], &modes);
    let line = |line: &str| {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(line["name"], "unreadable-file");
        line["message"].as_str().unwrap().to_owned()
    };
    let mut messages: Vec<String> = said.lines().map(line).collect();
    messages.sort();
    let of = |what: &str, mode| refused(folder, what, mode);
    let mut wanted = [
        of("`block.policy`: permission denied: ", 0),
        of("`closed`: permission denied: ", 0),
        of(
            "`linked`: permission denied: `p/../out` may not be searched: ",
            0,
        ),
        of(
            "`listed`: permission denied: `p/listed` may not be searched: ",
            listed,
        ),
        of("`lists`: permission denied: ", 0),
        of(
            "`lists/g.yaml`: permission denied: `p/lists` may not be searched: ",
            0,
        ),
    ];
    wanted.sort();
    assert_eq!(messages, wanted);
}

#[test]
fn a_closed_policy_is_one_error() {
    let (folder, root) = policy(&[("main.policy", "send @a:x to @b:x\n")]);
    let folder = folder.path();
    for (path, policy, what) in [
        (root.clone(), "p", "`p`: permission denied: "),
        (
            root.clone(),
            "p/main.policy",
            "`main.policy`: permission denied: `p` may not be searched: ",
        ),
        (
            root.join("main.policy"),
            "p",
            "`main.policy`: permission denied: ",
        ),
        (
            root.join("main.policy"),
            "p/main.policy",
            "`main.policy`: permission denied: ",
        ),
    ] {
        let said = said(folder, &["check", "--policy", policy], &[(path, 0)]);
        assert!(said.contains(&refused(folder, what, 0)), "{said}");
        assert!(said.ends_with("\n1 error\n"), "{said}");
    }
    let facts = folder.join("facts.yaml");
    fs::write(&facts, "users: []\n").unwrap();
    let arguments = ["check", "--policy", "p", "--directory", "facts.yaml"];
    let said = said(folder, &arguments, &[(facts, 0)]);
    assert!(
        said.contains(&refused(folder, "`facts.yaml`: permission denied: ", 0)),
        "{said}"
    );
}

/// Nothing is closed to root, who sees no more than that nothing changes.
#[test]
fn a_folder_that_is_closed_for_a_while_keeps_the_policy_in_force() {
    let (folder, root) = policy(&[
        ("main.policy", "send all to @b:x\n"),
        ("sub/block.policy", "block @a:x\n"),
    ]);
    let (_, is_root) = somebody(folder.path());
    let router = Arc::new(Router::load(origin(&root)).unwrap());
    let (tell, next) = channel();
    let _watcher = router.watch(move |reload| tell.send(reload).unwrap_or_default());
    for (mode, path) in [(0o000, "sub"), (0o444, "sub"), (0o000, "sub/block.policy")] {
        set_mode(&root.join(path), mode);
        if !is_root {
            match next.recv_timeout(LIMIT).unwrap() {
                Reload::Kept { report, .. } => {
                    assert_eq!(told(&report), [format!("error unreadable-file {path}")]);
                }
                other => panic!("{other:?}"),
            }
        }
        set_mode(&root.join(path), 0o755);
        if !is_root {
            let next = next.recv_timeout(LIMIT).unwrap();
            assert!(matches!(next, Reload::Loaded { .. }), "{next:?}");
        }
    }
    fs::write(root.join("sub/block.policy"), "block @c:x\n").unwrap();
    assert!(matches!(
        next.recv_timeout(LIMIT).unwrap(),
        Reload::Loaded { .. }
    ));
}
