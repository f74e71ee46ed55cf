//! What `fmt` keeps of a file besides its text, and where it cannot, and being cut short.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use rustix::fs::{XattrFlags, getxattr, removexattr, setxattr};

use super::{TIDY, UNTIDY, fmt, folder, good, names, text};

const PROGRAM: &str = env!("CARGO_BIN_EXE_presence-router");

const ACCESS: &str = "system.posix_acl_access";
const DEFAULT: &str = "system.posix_acl_default";

/// An access list in the kernel's form: the owner and user 991 may read and write or read, nobody else.
fn access_list() -> Vec<u8> {
    let anyone = u32::MAX;
    let entries = [
        (1, 6, anyone),
        (2, 4, 991),
        (4, 0, anyone),
        (0x10, 4, anyone),
        (0x20, 0, anyone),
    ];
    let mut list = 2_u32.to_le_bytes().to_vec();
    for (tag, allowed, id) in entries {
        list.extend(u16::to_le_bytes(tag));
        list.extend(u16::to_le_bytes(allowed));
        list.extend(u32::to_le_bytes(id));
    }
    list
}

/// Sets an attribute; says so if the file system of temporary files has none of this kind.
fn set(path: &Path, name: &str, value: &[u8]) -> bool {
    let set = setxattr(path, name, value, XattrFlags::empty());
    if let Err(error) = set {
        println!("skipped, for `{name}` cannot be set here: {error}");
    }
    set.is_ok()
}

fn get(path: &Path, name: &str) -> Option<Vec<u8>> {
    let mut value = vec![0; 4096];
    let length = getxattr(path, name, value.as_mut_slice()).ok()?;
    value.truncate(length);
    Some(value)
}

fn is_root() -> bool {
    let is_root = rustix::process::geteuid().is_root();
    if !is_root {
        println!("skipped, for only root can make this");
    }
    is_root
}

const DONE: &str = "formatted a.policy\n1 of 1 file formatted\n";

#[test]
fn access_lists_and_attributes_stay() {
    let folder = folder(&[("a.policy", UNTIDY)]);
    let file = folder.path().join("a.policy");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
    let mut kept = Vec::new();
    for (name, value) in [
        ("user.note", b"keep".to_vec()),
        ("user.empty", Vec::new()),
        ("user.long", vec![7; 1_000]),
        (ACCESS, access_list()),
    ] {
        if set(&file, name, &value) {
            kept.push((name, get(&file, name).unwrap()));
        }
    }
    let mode = fs::metadata(&file).unwrap().mode();
    assert_eq!(fmt(folder.path(), &["a.policy"], ""), good(DONE));
    assert_eq!(text(&folder, "a.policy"), TIDY);
    for (name, value) in kept {
        assert_eq!(get(&file, name), Some(value), "{name}");
    }
    assert_eq!(fs::metadata(&file).unwrap().mode(), mode);
}

/// A new file takes its folder's default list; one that had none before must not.
#[test]
fn a_folders_access_list_does_not_come_over_a_file() {
    let folder = folder(&[("a.policy", UNTIDY)]);
    let file = folder.path().join("a.policy");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
    if !set(folder.path(), DEFAULT, &access_list()) {
        return;
    }
    assert_eq!(get(&file, ACCESS), None);
    assert_eq!(fmt(folder.path(), &["a.policy"], ""), good(DONE));
    assert_eq!(get(&file, ACCESS), None);
    assert_eq!(fs::metadata(&file).unwrap().mode() & 0o7777, 0o640);
    removexattr(folder.path(), DEFAULT).unwrap();
}

#[test]
fn of_a_file_with_several_names_all_keep_their_text() {
    let folder = folder(&[("a.policy", UNTIDY), ("b.policy", UNTIDY)]);
    let at = |name: &str| folder.path().join(name);
    fs::hard_link(at("a.policy"), at("a.link")).unwrap();
    let (code, out, err) = fmt(folder.path(), &["."], "");
    assert_eq!(
        (code, out.as_str()),
        (3, "formatted ./b.policy\n1 of 2 files formatted\n")
    );
    assert!(
        err.starts_with("error: cannot write `./a.policy`: it has 2 names (hard links), "),
        "{err}"
    );
    // The way that the help tells works.
    let help = err
        .split('`')
        .find(|part| part.contains(" fmt - "))
        .unwrap();
    let output = Command::new("sh")
        .args(["-c", &help.replace("presence-router", PROGRAM)])
        .current_dir(folder.path())
        .output();
    assert!(output.unwrap().status.success(), "{help}");
    assert_eq!(
        (text(&folder, "a.policy"), text(&folder, "a.link")),
        (TIDY.into(), TIDY.into())
    );
    assert_eq!(fs::metadata(at("a.policy")).unwrap().nlink(), 2);
}

#[test]
fn what_killed_runs_have_left_is_in_nobodys_way() {
    let folder = folder(&[("a.policy", UNTIDY)]);
    let pid = std::process::id();
    for name in [
        ".a.policy.tmp".to_owned(),
        format!(".a.policy.{pid}.tmp"),
        ".a.policy.AbCdEfGh.tmp".into(),
    ] {
        fs::write(folder.path().join(name), "block @alice\n").unwrap();
    }
    assert_eq!(fmt(folder.path(), &["a.policy"], ""), good(DONE));
    assert_eq!(names(folder.path()).len(), 4);
    fs::write(
        folder.path().join(".a.policy.AbCdEfGh.before"),
        "block @alice\n",
    )
    .unwrap();
    let (code, out, err) = fmt(folder.path(), &["a.policy"], "");
    assert_eq!((code, out.as_str()), (0, "1 file, formatted already\n"));
    assert!(
        err.starts_with("note: `") && err.contains(".AbCdEfGh.before` holds what `"),
        "{err}"
    );
}

/// `fmt` as a user who may write a file but does not own it.
fn as_nobody(folder: &Path) -> Output {
    Command::new("setpriv")
        .args([
            "--reuid=65534",
            "--regid=65534",
            "--clear-groups",
            PROGRAM,
            "fmt",
            "a.policy",
        ])
        .current_dir(folder)
        .output()
        .unwrap()
}

/// Whether that user gets at the program and the folder at all.
fn nobody_gets_at(folder: &Path) -> bool {
    let tried = Command::new("setpriv")
        .args([
            "--reuid=65534",
            "--regid=65534",
            "--clear-groups",
            PROGRAM,
            "--version",
        ])
        .current_dir(folder)
        .output();
    let can = tried.is_ok_and(|output| output.status.success());
    if !can {
        println!("skipped, for another user cannot run the program here");
    }
    can
}

#[test]
fn a_file_of_another_owner_stays_theirs() {
    let folder = folder(&[("a.policy", UNTIDY)]);
    let file = folder.path().join("a.policy");
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o666)).unwrap();
    if !is_root() || !nobody_gets_at(folder.path()) {
        return;
    }
    let before = fs::metadata(&file).unwrap();
    let output = as_nobody(folder.path());
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(said, DONE, "{}", String::from_utf8_lossy(&output.stderr));
    let after = fs::metadata(&file).unwrap();
    let kept = |file: &fs::Metadata| (file.ino(), file.uid(), file.gid(), file.mode());
    assert_eq!(kept(&before), kept(&after));
    assert_eq!(text(&folder, "a.policy"), TIDY);
    assert_eq!(names(folder.path()), ["a.policy"]);
}

#[test]
fn why_a_file_may_not_be_written_is_told() {
    let folder = folder(&[("a.policy", UNTIDY)]);
    let file = folder.path().join("a.policy");
    let allow = |path: &Path, mode: u32| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    };
    if !is_root() || !nobody_gets_at(folder.path().parent().unwrap()) {
        return;
    }
    let told = || {
        let output = as_nobody(folder.path());
        assert_eq!(output.status.code(), Some(3));
        assert_eq!(text(&folder, "a.policy"), UNTIDY);
        assert_eq!(names(folder.path()), ["a.policy"]);
        String::from_utf8(output.stderr).unwrap()
    };
    allow(folder.path(), 0o777);
    allow(&file, 0o644);
    let err = told();
    let who =
        "it belongs to user 0 and group 0, with mode 644, and this is user 65534, group 65534";
    assert!(err.contains(who) && err.contains("help: "), "{err}");
    allow(folder.path(), 0o755);
    allow(&file, 0o666);
    let err = told();
    assert!(
        err.contains("no new file can be made beside it in `") && err.contains("mode 755"),
        "{err}"
    );
    assert!(err.contains("`presence-router fmt - < a.policy"), "{err}");
    allow(folder.path(), 0o777);
    allow(&file, 0o444);
    let output = Command::new(PROGRAM)
        .args(["fmt", "a.policy"])
        .current_dir(folder.path())
        .output();
    let err = String::from_utf8(output.unwrap().stderr).unwrap();
    assert!(
        err.contains("`a.policy`: it is read-only\n  = help: "),
        "{err}"
    );
}

#[test]
fn a_file_that_is_mounted_by_itself_is_told() {
    let folder = folder(&[("a.policy", ""), ("real.policy", UNTIDY)]);
    let script = "mount --bind real.policy a.policy || exit 77; exec \"$0\" fmt a.policy";
    let output = Command::new("unshare")
        .args(["-m", "sh", "-c", script, PROGRAM])
        .current_dir(folder.path())
        .output();
    let Some(output) = output
        .ok()
        .filter(|output| ![Some(1), Some(77)].contains(&output.status.code()))
    else {
        println!("skipped, for nothing can be mounted here");
        return;
    };
    let err = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(3), "{err}");
    assert!(
        err.contains("(a bind mount)") && err.contains("  = help: write it in place"),
        "{err}"
    );
    assert_eq!(text(&folder, "real.policy"), UNTIDY);
    assert_eq!(names(folder.path()), ["a.policy", "real.policy"]);
}

/// A signal ends the run: no file is half done, and nothing is left beside.
#[test]
fn a_run_that_is_interrupted_leaves_whole_files() {
    let many = 4_000;
    let folder = folder(&[]);
    let path = |n: usize| folder.path().join(format!("{n}.policy"));
    for n in 0..many {
        fs::write(path(n), UNTIDY).unwrap();
    }
    let mut child = Command::new(PROGRAM)
        .args(["fmt", "."])
        .current_dir(folder.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let (start, limit) = (Instant::now(), Duration::from_secs(60));
    let is_done = |n: usize| fs::read_to_string(path(n)).unwrap() == TIDY;
    // The first in the order of names.
    while !is_done(0) && start.elapsed() < limit {
        std::thread::yield_now();
    }
    let id = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(id, rustix::process::Signal::TERM).unwrap();
    let status = child.wait().unwrap();
    assert!(status.signal() == Some(15) || status.success(), "{status}");
    let done = (0..many).filter(|n| {
        let text = fs::read_to_string(path(*n)).unwrap();
        assert!(text == TIDY || text == UNTIDY, "{text:?}");
        text == TIDY
    });
    let done = done.count();
    assert!(done > 0 && (done < many || status.success()));
    assert_eq!(names(folder.path()).len(), many);
}
