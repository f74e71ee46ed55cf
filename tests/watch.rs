//! What the watch must see, and what must not disturb it, on a real file system.
//!
//! Each test has its own folder, and a callback that reads every file below the paths, as the router does. Waiting
//! is for what a call has read, with a limit. Except where the sweep itself is meant it is an hour away, so events
//! alone must bring the news. That nothing calls is shown by a change afterwards whose call is the next one.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

#[path = "watch/callback.rs"]
mod callback;
#[path = "watch/scarce.rs"]
mod scarce;

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use presence_router::watch::{Timing, WatchStatus, Watcher};

const LIMIT: Duration = Duration::from_secs(20);
const HOUR: Duration = Duration::from_secs(3_600);

/// By events alone.
fn events() -> Timing {
    Timing {
        sweep: HOUR,
        ..Timing::default()
    }
}

/// What each call has read: file contents by path.
type Read = BTreeMap<PathBuf, String>;

#[derive(Clone, Default)]
struct Calls(Arc<(Mutex<Vec<Read>>, Condvar)>);

impl Calls {
    fn add(&self, read: Read) {
        self.0.0.lock().unwrap().push(read);
        self.0.1.notify_all();
    }

    fn count(&self) -> usize {
        self.0.0.lock().unwrap().len()
    }

    fn all(&self) -> Vec<Read> {
        self.0.0.lock().unwrap().clone()
    }

    /// Waits until the last call has read something that satisfies `wanted`, and returns the number of calls by then.
    fn wait(&self, what: &str, wanted: impl Fn(&Read) -> bool) -> usize {
        let calls = self.0.0.lock().unwrap();
        let missing = |calls: &mut Vec<Read>| !calls.last().is_some_and(&wanted);
        let (calls, timeout) = self.0.1.wait_timeout_while(calls, LIMIT, missing).unwrap();
        assert!(
            !timeout.timed_out(),
            "not seen: {what}; {} calls, the last read {:?}",
            calls.len(),
            calls.last()
        );
        calls.len()
    }

    fn wait_text(&self, path: impl AsRef<Path>, text: &str) -> usize {
        let path = path.as_ref();
        self.wait(&format!("{path:?} = {text:?}"), |read| {
            read.get(path).is_some_and(|t| t == text)
        })
    }

    fn wait_gone(&self, path: impl AsRef<Path>) -> usize {
        let path = path.as_ref();
        self.wait(&format!("{path:?} gone"), |read| !read.contains_key(path))
    }
}

fn read_all(path: &Path, into: &mut Read) {
    if path.is_dir() {
        for entry in fs::read_dir(path).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if !name.starts_with('.') && !name.ends_with('~') {
                read_all(&entry.path(), into);
            }
        }
    } else if let Ok(text) = fs::read_to_string(path) {
        into.insert(path.to_path_buf(), text);
    }
}

/// Starts a watch on `paths` and waits for its first call.
fn watch(paths: &[&Path], timing: Timing) -> (Watcher, Calls) {
    let paths: Vec<PathBuf> = paths.iter().map(|path| path.to_path_buf()).collect();
    let same = paths.clone();
    watch_paths(paths, timing, move |_| same.clone())
}

/// The same with paths that depend on what was read.
fn watch_paths(
    paths: Vec<PathBuf>,
    timing: Timing,
    mut next: impl FnMut(&Read) -> Vec<PathBuf> + Send + 'static,
) -> (Watcher, Calls) {
    let calls = Calls::default();
    let theirs = calls.clone();
    let mut reading = paths.clone();
    let watcher = Watcher::start(paths, timing, move || {
        let mut read = Read::new();
        reading.iter().for_each(|path| read_all(path, &mut read));
        reading = next(&read);
        theirs.add(read);
        reading.clone()
    });
    calls.wait("the first call", |_| true);
    (watcher, calls)
}

fn folder() -> (tempfile::TempDir, PathBuf) {
    let temp = tempfile::tempdir().unwrap();
    let root = temp.path().canonicalize().unwrap().join("policies");
    fs::create_dir(&root).unwrap();
    (temp, root)
}

fn rename_over(path: &Path, text: &str) {
    let beside = path.with_file_name(".new");
    fs::write(&beside, text).unwrap();
    fs::rename(beside, path).unwrap();
}

fn shell(script: &str, dir: &Path) {
    let status = Command::new("sh")
        .arg("-ec")
        .arg(script)
        .current_dir(dir)
        .status()
        .unwrap();
    assert!(status.success(), "{script}");
}

#[test]
fn a_write_in_place_and_an_append() {
    let (_temp, root) = folder();
    let p = root.join("p.dsl");
    fs::write(&p, "one").unwrap();
    let (_watcher, calls) = watch(&[&root], events());
    calls.wait_text(&p, "one");
    fs::write(&p, "two").unwrap();
    calls.wait_text(&p, "two");
    OpenOptions::new()
        .append(true)
        .open(&p)
        .unwrap()
        .write_all(b" three")
        .unwrap();
    calls.wait_text(&p, "two three");
    fs::write(&p, "OWT THREE").unwrap();
    calls.wait_text(&p, "OWT THREE");
}

#[test]
fn a_file_named_itself_renamed_over_twice() {
    let (_temp, root) = folder();
    let p = root.join("p.dsl");
    fs::write(&p, "one").unwrap();
    let (_watcher, calls) = watch(&[&p], events());
    for text in ["two", "three", "four"] {
        rename_over(&p, text);
        calls.wait_text(&p, text);
    }
    fs::write(&p, "five").unwrap();
    calls.wait_text(&p, "five");
}

#[test]
fn sed_in_place_twice() {
    let (_temp, root) = folder();
    let p = root.join("p.dsl");
    fs::write(&p, "one\n").unwrap();
    let (_watcher, calls) = watch(&[&root], events());
    shell("sed -i s/one/two/ p.dsl", &root);
    calls.wait_text(&p, "two\n");
    shell("sed -i s/two/three/ p.dsl", &root);
    calls.wait_text(&p, "three\n");
}

#[test]
fn an_older_file_of_the_same_length_copied_over() {
    let (_temp, root) = folder();
    let old = root.parent().unwrap().join("old");
    fs::write(&old, "old").unwrap();
    let p = root.join("p.dsl");
    fs::write(&p, "new").unwrap();
    let (_watcher, calls) = watch(&[&root], events());
    shell("touch -d 2020-01-01 ../old; cp -p ../old p.dsl", &root);
    calls.wait_text(&p, "old");
}

#[test]
fn a_folder_removed_and_made_again() {
    let (_temp, root) = folder();
    let p = root.join("p.dsl");
    fs::write(&p, "one").unwrap();
    let (_watcher, calls) = watch(&[&root], events());
    for n in 0..4 {
        shell(
            &format!("rm -rf policies; mkdir policies; echo {n} > policies/p.dsl"),
            root.parent().unwrap(),
        );
        calls.wait_text(&p, &format!("{n}\n"));
        fs::write(&p, "edited").unwrap();
        calls.wait_text(&p, "edited");
    }
    fs::remove_dir_all(&root).unwrap();
    calls.wait_gone(&p);
    fs::create_dir(&root).unwrap();
    fs::write(&p, "back").unwrap();
    calls.wait_text(&p, "back");
}

#[test]
fn a_folder_exchanged_is_followed_and_the_old_one_is_not() {
    let (_temp, root) = folder();
    let p = root.join("p.dsl");
    fs::write(&p, "one").unwrap();
    let above = root.parent().unwrap();
    let (_watcher, calls) = watch(&[&root], events());
    shell(
        "mkdir next; echo two > next/p.dsl; mv policies away; mv next policies",
        above,
    );
    calls.wait_text(&p, "two\n");
    let before = calls.count();
    fs::write(above.join("away/p.dsl"), "nobody listens").unwrap();
    rename_over(&p, "three");
    assert_eq!(calls.wait_text(&p, "three"), before + 1);
}

#[test]
fn a_config_map_swapped_twice() {
    let (_temp, root) = folder();
    let version = |n: u32| {
        let dir = format!("..2026_{n}");
        fs::create_dir(root.join(&dir)).unwrap();
        fs::write(root.join(&dir).join("p.dsl"), format!("{n}")).unwrap();
        symlink(&dir, root.join("..data_tmp")).unwrap();
        fs::rename(root.join("..data_tmp"), root.join("..data")).unwrap();
    };
    version(1);
    let p = root.join("p.dsl");
    symlink("..data/p.dsl", &p).unwrap();
    let (_watcher, calls) = watch(&[&root], events());
    let (_single, alone) = watch(&[&p], events());
    calls.wait_text(&p, "1");
    for n in 2..5 {
        version(n);
        fs::remove_dir_all(root.join(format!("..2026_{}", n - 1))).unwrap();
        calls.wait_text(&p, &n.to_string());
        alone.wait_text(&p, &n.to_string());
    }
}

#[test]
fn the_target_of_a_linked_file() {
    let (temp, root) = folder();
    let far = temp.path().canonicalize().unwrap().join("far");
    fs::create_dir(&far).unwrap();
    let target = far.join("target");
    fs::write(&target, "one").unwrap();
    symlink(&target, far.join("hop")).unwrap();
    let p = root.join("p.dsl");
    symlink("../far/hop", &p).unwrap();
    let (_watcher, calls) = watch(&[&root], events());
    calls.wait_text(&p, "one");
    fs::write(&target, "two").unwrap();
    calls.wait_text(&p, "two");
    for text in ["three", "four"] {
        rename_over(&target, text);
        calls.wait_text(&p, text);
    }
    fs::write(far.join("other"), "five").unwrap();
    symlink("other", far.join(".hop")).unwrap();
    fs::rename(far.join(".hop"), far.join("hop")).unwrap();
    calls.wait_text(&p, "five");
    fs::remove_file(far.join("other")).unwrap();
    calls.wait_gone(&p);
    fs::write(far.join("other"), "six").unwrap();
    calls.wait_text(&p, "six");
}

#[test]
fn a_linked_folder_swapped() {
    let temp = tempfile::tempdir().unwrap();
    let base = temp.path().canonicalize().unwrap();
    shell(
        "mkdir -p releases/1/policies; echo 1 > releases/1/policies/p.dsl; ln -s releases/1 current",
        &base,
    );
    let through = base.join("current/policies");
    let itself = base.join("current");
    let (_watcher, calls) = watch(&[&through], events());
    let (_other, whole) = watch(&[&itself], events());
    for n in 2..5 {
        let script = "mkdir -p releases/N/policies; echo N > releases/N/policies/p.dsl
            ln -s releases/N .current; mv -T .current current";
        shell(&script.replace('N', &n.to_string()), &base);
        calls.wait_text(through.join("p.dsl"), &format!("{n}\n"));
        whole.wait_text(itself.join("policies/p.dsl"), &format!("{n}\n"));
    }
    fs::write(through.join("p.dsl"), "edited").unwrap();
    calls.wait_text(through.join("p.dsl"), "edited");
    whole.wait_text(itself.join("policies/p.dsl"), "edited");
}

#[test]
fn new_folders_with_a_file_at_once() {
    let (_temp, root) = folder();
    let (_watcher, calls) = watch(&[&root], events());
    shell("mkdir -p a/b/c; echo one > a/b/c/p.dsl", &root);
    let p = root.join("a/b/c/p.dsl");
    calls.wait_text(&p, "one\n");
    fs::write(&p, "two").unwrap();
    calls.wait_text(&p, "two");
    shell(
        "for n in $(seq 200); do mkdir d$n; echo $n > d$n/p.dsl; done",
        &root,
    );
    calls.wait("200 folders", |read| read.len() == 201);
    fs::write(root.join("d150/p.dsl"), "edited").unwrap();
    calls.wait_text(root.join("d150/p.dsl"), "edited");
}

#[test]
fn a_path_that_is_not_there_yet() {
    let (_temp, root) = folder();
    let p = root.join("deep/er/p.dsl");
    let (_watcher, calls) = watch(&[&p], events());
    calls.wait_gone(&p);
    fs::create_dir_all(p.parent().unwrap()).unwrap();
    fs::write(&p, "one").unwrap();
    calls.wait_text(&p, "one");
    fs::remove_file(&p).unwrap();
    calls.wait_gone(&p);
    rename_over(&p, "two");
    calls.wait_text(&p, "two");
}

#[test]
fn a_group_file_outside_named_by_the_policy() {
    let (temp, root) = folder();
    let group = temp.path().canonicalize().unwrap().join("staff.yaml");
    let p = root.join("p.dsl");
    fs::write(&p, "").unwrap();
    fs::write(&group, "alice").unwrap();
    let (folder, named) = (root.clone(), group.clone());
    let (_watcher, calls) = watch_paths(vec![root.clone()], events(), move |read| {
        let uses = read.values().any(|text| text == "use staff");
        if uses {
            vec![folder.clone(), named.clone()]
        } else {
            vec![folder.clone()]
        }
    });
    rename_over(&p, "use staff");
    calls.wait_text(&group, "alice");
    fs::write(&group, "bob").unwrap();
    calls.wait_text(&group, "bob");
    rename_over(&group, "carol");
    calls.wait_text(&group, "carol");
    rename_over(&p, "use nothing");
    calls.wait_text(&p, "use nothing");
    calls.wait_gone(&group);
    let before = calls.count();
    rename_over(&group, "nobody listens");
    rename_over(&p, "last");
    assert_eq!(calls.wait_text(&p, "last"), before + 1);
}

#[test]
fn readers_and_editors_litter_call_nobody() {
    let (_temp, root) = folder();
    let p = root.join("p.dsl");
    fs::write(&p, "one").unwrap();
    let (_watcher, calls) = watch(
        &[&root],
        Timing {
            sweep: Duration::from_millis(50),
            ..Timing::default()
        },
    );
    let mut before = calls.count();
    for n in 0..5 {
        let text = n.to_string();
        shell(
            "cat p.dsl > /dev/null; ls -R > /dev/null; echo x > .p.dsl.swp; echo x > p.dsl~; rm .p.dsl.swp",
            &root,
        );
        shell(
            "mkdir .git; echo x > .git/index; rm -r .git; echo x > ../unrelated; rm ../unrelated",
            &root,
        );
        rename_over(&p, &text);
        let after = calls.wait_text(&p, &text);
        assert_eq!(after, before + 1, "{:?}", calls.all());
        before = after;
    }
}

#[test]
fn noise_beside_a_watched_file_delays_nothing() {
    let (_temp, root) = folder();
    let p = root.join("p.dsl");
    fs::write(&p, "one").unwrap();
    let stop = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let (quit, beside) = (Arc::clone(&stop), root.join("homeserver.db-wal"));
    let noise = std::thread::spawn(move || {
        let mut wal = File::create(&beside).unwrap();
        while !quit.load(std::sync::atomic::Ordering::Relaxed) {
            wal.write_all(b"x").unwrap();
            std::thread::sleep(Duration::from_millis(2));
        }
    });
    // Were the noise taken for a change, the limit would be what ends the wait.
    let (_watcher, calls) = watch(
        &[&p],
        Timing {
            limit: HOUR,
            ..events()
        },
    );
    let before = calls.count();
    rename_over(&p, "two");
    assert_eq!(calls.wait_text(&p, "two"), before + 1);
    stop.store(true, std::sync::atomic::Ordering::Relaxed);
    noise.join().unwrap();
}

#[test]
fn many_files_rewritten_give_few_calls() {
    let (_temp, root) = folder();
    let write_all = |text: &str| {
        for n in 0..1_000 {
            fs::write(root.join(format!("{n}.dsl")), text).unwrap();
        }
    };
    write_all("one");
    let (_watcher, calls) = watch(&[&root], events());
    let before = calls.count();
    let start = Instant::now();
    write_all("two");
    let after = calls.wait("all 1,000 rewritten", |read| {
        read.len() == 1_000 && read.values().all(|t| t == "two")
    });
    let most = 2 + start.elapsed().as_millis() / 100;
    assert!(
        ((after - before) as u128) <= most,
        "{} calls, {most} would do",
        after - before
    );
}

#[test]
fn a_file_is_not_read_while_its_writer_has_it_open() {
    let (_temp, root) = folder();
    let p = root.join("p.dsl");
    fs::write(&p, "whole").unwrap();
    let (_watcher, calls) = watch(
        &[&root],
        Timing {
            limit: HOUR,
            ..events()
        },
    );
    let mut file = File::create(&p).unwrap();
    for part in ["first half, ", "second half, ", "third half"] {
        file.write_all(part.as_bytes()).unwrap();
        std::thread::sleep(Duration::from_millis(400));
    }
    drop(file);
    calls.wait_text(&p, "first half, second half, third half");
    let texts: Vec<_> = calls.all().iter().map(|read| read[&p].clone()).collect();
    assert_eq!(texts, ["whole", "first half, second half, third half"]);
}

#[test]
fn a_writer_that_never_closes_is_heard_at_the_limit() {
    let (_temp, root) = folder();
    let p = root.join("p.dsl");
    let mut file = File::create(&p).unwrap();
    let (_watcher, calls) = watch(&[&root], events());
    file.write_all(b"one").unwrap();
    calls.wait_text(&p, "one");
    file.write_all(b" two").unwrap();
    calls.wait_text(&p, "one two");
    drop(file);
}

#[test]
fn an_emptied_file_is_waited_for() {
    let (_temp, root) = folder();
    let p = root.join("p.dsl");
    fs::write(&p, "one").unwrap();
    let timing = Timing {
        quiet: Duration::ZERO,
        growth: Duration::from_secs(2),
        limit: HOUR,
        ..events()
    };
    let (_watcher, calls) = watch(&[&root], timing);
    File::create(&p).unwrap();
    std::thread::sleep(Duration::from_millis(300));
    fs::write(&p, "two").unwrap();
    calls.wait_text(&p, "two");
    assert!(calls.all().iter().all(|read| !read[&p].is_empty()));
}

#[test]
fn endless_changes_are_reported_all_the_same() {
    let (_temp, root) = folder();
    let (_watcher, calls) = watch(
        &[&root],
        Timing {
            limit: Duration::from_millis(300),
            ..events()
        },
    );
    let start = Instant::now();
    let before = calls.count();
    let mut n = 0;
    while calls.count() < before + 3 {
        assert!(start.elapsed() < LIMIT, "no call while files change");
        n += 1;
        rename_over(&root.join("p.dsl"), &n.to_string());
        std::thread::sleep(Duration::from_millis(10));
    }
    calls.wait_text(root.join("p.dsl"), &n.to_string());
}

#[test]
fn a_folder_that_may_not_be_read() {
    let (_temp, root) = folder();
    let shut = root.join("shut");
    fs::create_dir(&shut).unwrap();
    fs::write(shut.join("q.dsl"), "q").unwrap();
    let (watcher, calls) = watch(&[&root], events());
    fs::set_permissions(&shut, fs::Permissions::from_mode(0o000)).unwrap();
    fs::write(root.join("p.dsl"), "one").unwrap();
    calls.wait_text(root.join("p.dsl"), "one");
    fs::set_permissions(&shut, fs::Permissions::from_mode(0o755)).unwrap();
    rename_over(&shut.join("q.dsl"), "again");
    calls.wait_text(shut.join("q.dsl"), "again");
    assert_eq!(watcher.status(), WatchStatus::Live);
}

#[test]
fn a_sweep_finds_what_no_event_told() {
    let (_temp, root) = folder();
    let p = root.join("p.dsl");
    fs::write(&p, "one").unwrap();
    let far = root.parent().unwrap().join("a/b/c");
    fs::create_dir_all(&far).unwrap();
    fs::write(far.join("p.dsl"), "one").unwrap();
    let (_watcher, calls) = watch(
        &[&far],
        Timing {
            sweep: Duration::from_millis(100),
            ..Timing::default()
        },
    );
    // Two folders above the watched one: too far for a watch.
    shell(
        "mkdir -p new/b/c; echo two > new/b/c/p.dsl; mv a old; mv new a",
        root.parent().unwrap(),
    );
    calls.wait_text(far.join("p.dsl"), "two\n");
    fs::write(far.join("p.dsl"), "three").unwrap();
    calls.wait_text(far.join("p.dsl"), "three");
}
