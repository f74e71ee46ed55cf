#!/usr/bin/env bash
# A program that watches its configuration with notify 8.2.2 on Linux is told of its own reading of it:
# inotify is asked for opened files too, and the recommended watcher has no way to ask for less. A
# program that reads again after each event never comes to rest; even `cat` by somebody else wakes it.
#
# Seen: notify 8.2.2, Linux: reading a file gives Access(Open(Any)); nothing was written.
# Fails if reading gives another set of events, such as none.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

mkdir src
cat >Cargo.toml <<'TOML'
[package]
name = "watch"
version = "0.0.0"
edition = "2021"

[dependencies]
notify = "=8.2.2"
TOML
cat >src/main.rs <<'RUST'
use notify::{RecursiveMode, Watcher};
use std::{collections::BTreeSet, sync::mpsc, time::Duration};

fn main() {
    let folder = std::env::current_dir().unwrap().join("watched");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("a.conf"), "x").unwrap();
    let (send, events) = mpsc::channel();
    let mut watcher = notify::recommended_watcher(send).unwrap();
    watcher.watch(&folder, RecursiveMode::Recursive).unwrap();
    while events.recv_timeout(Duration::from_millis(500)).is_ok() {}

    std::fs::read(folder.join("a.conf")).unwrap();

    let mut kinds = BTreeSet::new();
    while let Ok(event) = events.recv_timeout(Duration::from_secs(1)) {
        let event = event.unwrap();
        if event.paths.iter().any(|path| path.ends_with("a.conf")) {
            kinds.insert(format!("{:?}", event.kind));
        }
    }
    println!("{}", kinds.into_iter().collect::<Vec<_>>().join(" "));
}
RUST
told=$(cargo run --quiet)

printf 'notify 8.2.2: reading a file gives: %s\n' "${told:-nothing}"
[ "$told" = 'Access(Open(Any))' ]
