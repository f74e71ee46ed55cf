//! What happens between the look at a file and its new text, step by step.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

use tempfile::TempDir;

use super::*;

const OLD: &str = "send  all to @x\n";
const NEW: &str = "send all to @x\n";

fn folder() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.policy");
    fs::write(&file, OLD).unwrap();
    (folder, file)
}

fn change(path: &Path) -> Change {
    Change {
        target: fs::canonicalize(path).unwrap(),
        before: OLD.into(),
        after: NEW.into(),
    }
}

fn staged(path: &Path) -> Vec<Staged> {
    let staged = stage(vec![change(path)]);
    staged.into_iter().map(Result::unwrap).collect()
}

fn text(path: &Path) -> String {
    fs::read_to_string(path).unwrap()
}

fn names(folder: &TempDir) -> Vec<String> {
    let entries = fs::read_dir(folder.path()).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn a_file_that_changes_while_its_new_text_waits_is_left_alone() {
    let edits: [fn(&Path); 5] = [
        |file| fs::write(file, "block @alice\n").unwrap(),
        // Of the same length.
        |file| fs::write(file, OLD.replace('x', "y")).unwrap(),
        |file| {
            let other = file.with_extension("new");
            fs::write(&other, "block @alice\n").unwrap();
            fs::rename(other, file).unwrap();
        },
        |file| fs::set_permissions(file, fs::Permissions::from_mode(0o600)).unwrap(),
        |file| fs::hard_link(file, file.with_extension("link")).unwrap(),
    ];
    for edit in edits {
        let (folder, file) = folder();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
        let waiting = staged(&file);
        edit(&file);
        let (now, before) = (text(&file), fs::metadata(&file).unwrap());
        assert!(
            matches!(put(waiting).remove(0), Err(Refused::Changed)),
            "{now}"
        );
        assert_eq!(text(&file), now);
        let after = fs::metadata(&file).unwrap();
        assert_eq!((before.ino(), before.mode()), (after.ino(), after.mode()));
        assert!(names(&folder).iter().all(|name| !name.starts_with('.')));
    }
}

/// The moment after the last look, which no test can hit from outside.
#[cfg(target_os = "linux")]
#[test]
fn what_comes_after_the_last_look_is_not_lost() {
    let edits: [fn(&Path); 2] = [
        |file| fs::write(file, "block @alice\n").unwrap(),
        |file| {
            let other = file.with_extension("new");
            fs::write(&other, "block @alice\n").unwrap();
            fs::rename(other, file).unwrap();
        },
    ];
    for edit in edits {
        let (folder, file) = folder();
        let Staged { original, way, .. } = staged(&file).remove(0);
        let Way::Rename(beside) = way else {
            panic!("a file of this user");
        };
        edit(&file);
        let put = original.give_place_to(beside);
        assert!(matches!(put, Err(Refused::Changed)), "{put:?}");
        assert_eq!(
            (text(&file).as_str(), names(&folder).len()),
            ("block @alice\n", 1)
        );
    }
}

#[test]
fn a_file_that_is_gone_does_not_come_back() {
    let (folder, file) = folder();
    let waiting = staged(&file);
    fs::remove_file(&file).unwrap();
    assert!(matches!(put(waiting).remove(0), Err(Refused::Changed)));
    assert!(names(&folder).is_empty());
}

#[test]
fn what_was_read_before_must_still_be_there() {
    let (folder, file) = folder();
    fs::write(&file, "block @alice\n").unwrap();
    let staged = stage(vec![change(&file)]).remove(0);
    assert!(matches!(staged, Err(Refused::Changed)));
    assert_eq!(names(&folder), ["a.policy"]);
}

#[test]
fn who_was_quicker_with_the_same_text_is_in_nobodys_way() {
    let (folder, file) = folder();
    let (one, other) = (staged(&file), staged(&file));
    assert!(put(one).remove(0).is_ok() && put(other).remove(0).is_ok());
    assert!(put(staged_late(&file)).remove(0).is_ok());
    assert_eq!((text(&file).as_str(), names(&folder).len()), (NEW, 1));
}

fn staged_late(file: &Path) -> Vec<Staged> {
    assert_eq!(text(file), NEW);
    staged(file)
}

#[test]
fn one_that_is_refused_stops_no_other_and_what_waits_in_vain_goes() {
    let folder = tempfile::tempdir().unwrap();
    let path = |n: usize| folder.path().join(format!("{n:03}.policy"));
    for n in 0..200 {
        fs::write(path(n), OLD).unwrap();
    }
    let staged = stage((0..200).map(|n| change(&path(n))).collect());
    assert_eq!(names(&folder).len(), 400);
    for n in (0..200).step_by(3) {
        fs::write(path(n), "block @alice\n").unwrap();
    }
    let staged = staged.into_iter().map(Result::unwrap).collect();
    for (n, put) in put(staged).into_iter().enumerate() {
        assert_eq!(put.is_err(), n % 3 == 0, "{n}");
        let wanted = if n % 3 == 0 { "block @alice\n" } else { NEW };
        assert_eq!(text(&path(n)), wanted);
    }
    assert_eq!(names(&folder).len(), 200);
}

#[test]
fn names_as_long_as_can_be() {
    let folder = tempfile::tempdir().unwrap();
    let long = "ä".repeat(124) + ".policy";
    for name in [long.as_str(), &"x".repeat(255)] {
        let file = folder.path().join(name);
        fs::write(&file, OLD).unwrap();
        assert!(put(staged(&file)).remove(0).is_ok());
        assert_eq!(text(&file), NEW);
    }
}

#[test]
fn a_link_is_followed_and_stays() {
    let (folder, file) = folder();
    let link = folder.path().join("link.policy");
    symlink("a.policy", &link).unwrap();
    assert!(put(staged(&link)).remove(0).is_ok());
    assert!(link.is_symlink());
    assert_eq!(text(&file), NEW);
}

#[test]
fn in_place_the_file_stays_the_same_one() {
    for old in [OLD.to_owned(), OLD.repeat(1_000), "x".to_owned()] {
        let (folder, file) = folder();
        fs::write(&file, &old).unwrap();
        let before = fs::metadata(&file).unwrap();
        let original = Original::read(file.clone()).unwrap();
        in_place::write(&original, NEW.as_bytes()).unwrap();
        assert_eq!(text(&file), NEW);
        let after = fs::metadata(&file).unwrap();
        assert_eq!((before.ino(), before.mode()), (after.ino(), after.mode()));
        assert_eq!(names(&folder), ["a.policy"]);
    }
}

#[test]
fn an_old_text_that_was_left_behind_is_told_until_it_is_not_needed() {
    let (folder, file) = folder();
    let old = folder.path().join(".a.policy.k3JxQw9a.before");
    let others = [
        ".a.policy.bak.before",
        ".a.policy.x.policy.k3JxQw9a.before",
        ".b.policy.k3JxQw9a.before",
    ];
    for other in others {
        fs::write(folder.path().join(other), "block @alice\n").unwrap();
    }
    let left = |new: Option<&str>| {
        let mut left = LeftBehind::default();
        let told = left.of(&fs::canonicalize(&file).unwrap(), &text(&file), |_| {
            new.map(str::to_owned)
        });
        told.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    fs::write(&old, "block @alice\n").unwrap();
    let told = left(None);
    assert!(
        told.len() == 1 && told[0].contains(".a.policy.k3JxQw9a.before"),
        "{told:?}"
    );
    // In use by a run that goes on.
    let used = File::open(&old).unwrap();
    used.lock().unwrap();
    assert!(left(None).is_empty() && old.exists());
    drop(used);
    assert!(left(Some(OLD)).is_empty() && !old.exists());
    fs::write(&old, OLD).unwrap();
    assert!(left(None).is_empty() && !old.exists());
    assert_eq!(names(&folder).len(), 1 + others.len());
}
