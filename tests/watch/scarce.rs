//! With few or no watches to be had from the system, in a user namespace with limits of its own.

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use presence_router::watch::{Timing, WatchStatus, Watcher};

use super::{LIMIT, events, folder, rename_over, shell, watch};

/// Set in the copy of this program that [`in_namespace`] runs, where the limits are its own.
const INSIDE: &str = "PRESENCE_ROUTER_WATCH_INSIDE";

/// Runs the test `name` alone, in a user namespace whose `limit` of inotify is `value`. Returns whether this already
/// is that run; says so where the system allows no such namespace.
fn in_namespace(name: &str, limit: &str, value: &str) -> bool {
    if std::env::var_os(INSIDE).is_some() {
        return true;
    }
    let set = format!("echo {value} > /proc/sys/user/{limit}");
    let unshare = |script: &str| {
        let mut command = Command::new("unshare");
        command
            .args(["--user", "--map-root-user", "sh", "-ec", script])
            .arg(std::env::current_exe().unwrap());
        command
            .args([name, "--exact", "--nocapture"])
            .env(INSIDE, "1")
            .output()
    };
    if unshare(&set).is_ok_and(|out| out.status.success()) {
        let out = unshare(&format!("{set}; exec \"$0\" \"$@\"")).unwrap();
        let told = [out.stdout, out.stderr].concat();
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&told));
    } else {
        eprintln!("skipped: no user namespace here");
    }
    false
}

fn wait_status(watcher: &Watcher, status: WatchStatus) {
    let start = Instant::now();
    while watcher.status() != status {
        assert!(start.elapsed() < LIMIT, "never {status:?}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn without_inotify_it_sweeps_and_asks_again() {
    if !in_namespace(
        "scarce::without_inotify_it_sweeps_and_asks_again",
        "max_inotify_instances",
        "0",
    ) {
        return;
    }
    let (_temp, root) = folder();
    let p = root.join("p.dsl");
    fs::write(&p, "one").unwrap();
    let timing = Timing {
        sweep_degraded: Duration::from_millis(100),
        retry: Duration::from_millis(100),
        ..events()
    };
    let (watcher, calls) = watch(&[&root], timing);
    assert_eq!(watcher.status(), WatchStatus::Degraded);
    fs::write(&p, "two").unwrap();
    calls.wait_text(&p, "two");
    shell(
        "rm -rf policies; mkdir policies; echo three > policies/p.dsl",
        root.parent().unwrap(),
    );
    calls.wait_text(&p, "three\n");
    fs::write("/proc/sys/user/max_inotify_instances", "100").unwrap();
    wait_status(&watcher, WatchStatus::Live);
    fs::write(&p, "four").unwrap();
    calls.wait_text(&p, "four");
}

#[test]
fn with_too_few_watches_it_sweeps_the_rest() {
    if !in_namespace(
        "scarce::with_too_few_watches_it_sweeps_the_rest",
        "max_inotify_watches",
        "3",
    ) {
        return;
    }
    let (_temp, root) = folder();
    shell(
        "for n in $(seq 9); do mkdir d$n; echo one > d$n/p.dsl; done",
        &root,
    );
    let timing = Timing {
        sweep_degraded: Duration::from_millis(100),
        ..events()
    };
    let (watcher, calls) = watch(&[&root], timing);
    assert_eq!(watcher.status(), WatchStatus::Degraded);
    for n in 1..=9 {
        let p = root.join(format!("d{n}/p.dsl"));
        rename_over(&p, "two");
        calls.wait_text(&p, "two");
    }
    fs::write("/proc/sys/user/max_inotify_watches", "1000").unwrap();
    wait_status(&watcher, WatchStatus::Live);
}
