//! Instructions of the hot paths, counted by callgrind: they repeat where times do not.
//!
//! `make counts` runs it. What each path took when it was last looked at stands in `counts.txt`; one that
//! takes over 5 % more fails by its name, and so does one that has no line there. Whoever means the rise,
//! or has made a path cheaper, writes the new count into its line; the first line says of which compiler
//! and processor all are.
//!
//! Answers are counted over 1,000 questions, loads and changes once as they are. Making the policy,
//! its directory and the questions is not counted, nor is freeing them.

#![allow(clippy::unwrap_used, missing_docs)]

use std::fs;
use std::hint::black_box;
use std::process::Command;
use std::sync::{Arc, LazyLock};

use gungraun::prelude::*;
use gungraun::{Callgrind, EventKind};
use presence_router::Senders;
use presence_router::directory::Directory;
use presence_router::id::{RoomId, UserId};
use presence_router::router::{Origin, Router, Snapshot};
use presence_router::workload::Workload;
use tempfile::TempDir;

const KEPT: &str = include_str!("counts.txt");
const QUESTIONS: u32 = 1_000;

/// Whether the counts are of this compiler and processor: other ones count otherwise.
static COMPARABLE: LazyLock<bool> = LazyLock::new(|| {
    let told = Command::new("rustc").arg("--version").output().unwrap();
    let told = String::from_utf8(told.stdout).unwrap();
    let here = told.split(' ').nth(1).unwrap_or_default();
    let same = KEPT.starts_with(&format!("{here} {}\n", std::env::consts::ARCH));
    if !same {
        println!("not compared: counts.txt is of another compiler or processor than {told}");
    }
    same
});

/// Fails a path that takes over 5 % more than its line in `counts.txt` says.
fn kept(path: &str) -> LibraryBenchmarkConfig {
    let mut config = LibraryBenchmarkConfig::default();
    if !*COMPARABLE {
        return config;
    }
    let count = KEPT.lines().find_map(|line| {
        let (name, count) = line.rsplit_once(' ')?;
        let count = count.replace(',', "").parse::<u64>().ok()?;
        (name.trim_end() == path).then_some(count)
    });
    let limit = count.unwrap_or(0) * 105 / 100;
    config.tool(Callgrind::default().hard_limits([(EventKind::Ir, limit)]));
    config
}

/// A policy in force, what is known, and what is asked.
struct Asked {
    snapshot: Arc<Snapshot>,
    directory: Directory,
    workload: Workload,
    users: Vec<String>,
}

/// A workload's files, which go with their folder.
struct Files {
    workload: Workload,
    origin: Origin,
    _folder: TempDir,
}

fn files(shape: &str) -> Files {
    let workload = Workload::new(shape.parse().unwrap(), 1.0, 1);
    let folder = TempDir::new().unwrap();
    for file in workload.files() {
        let path = folder.path().join(file.name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, file.text).unwrap();
    }
    let origin = Origin {
        path: Some(folder.path().into()),
        ..Origin::default()
    };
    Files {
        workload,
        origin,
        _folder: folder,
    }
}

fn asked(shape: &str) -> Asked {
    let Files {
        workload, origin, ..
    } = &files(shape);
    Asked {
        snapshot: Router::load(origin.clone()).unwrap().snapshot(),
        directory: workload.directory(),
        users: workload.questions().batch(QUESTIONS + 1),
        workload: *workload,
    }
}

/// The same when all of these users were asked about before.
fn asked_again(shape: &str) -> Asked {
    let asked = asked(shape);
    for user in &asked.users {
        asked.snapshot.receives_everyone(&asked.directory, user);
    }
    asked
}

#[library_benchmark]
#[bench::pairs_1000(args = ("pairs:1000"), setup = asked, config = kept("sees pairs:1000"))]
#[bench::pairs_20000(args = ("pairs:20000"), setup = asked, config = kept("sees pairs:20000"))]
#[bench::globs_1000(args = ("globs:1000"), setup = asked, config = kept("sees globs:1000"))]
#[bench::company(args = ("company"), setup = asked, config = kept("sees company"))]
#[bench::globs_again(args = ("globs:1000"), setup = asked_again, config = kept("sees again globs:1000"))]
#[bench::company_again(args = ("company"), setup = asked_again, config = kept("sees again company"))]
fn sees(asked: Asked) -> (usize, Asked) {
    let pairs = asked.users.iter().zip(asked.users.iter().skip(1));
    let seen = pairs.filter(|(sender, recipient)| {
        let seen = asked.snapshot.sees(&asked.directory, sender, recipient);
        black_box(seen)
    });
    (seen.count(), asked)
}

#[library_benchmark]
#[bench::pairs_1000(args = ("pairs:1000"), setup = asked, config = kept("recipients_of pairs:1000"))]
#[bench::room_1000(args = ("room:1000"), setup = asked, config = kept("recipients_of room:1000"))]
#[bench::company(args = ("company"), setup = asked, config = kept("recipients_of company"))]
fn recipients_of(asked: Asked) -> (usize, Asked) {
    let answers = asked
        .users
        .iter()
        .map(|sender| asked.snapshot.recipients_of(&asked.directory, sender).len());
    (answers.sum(), asked)
}

#[library_benchmark]
#[bench::blocks_1000(args = ("blocks:1000"), setup = asked, config = kept("senders_for blocks:1000"))]
#[bench::company(args = ("company"), setup = asked, config = kept("senders_for company"))]
fn senders_for(asked: Asked) -> (usize, Asked) {
    let answers = asked.users.iter().map(|recipient| {
        let (Senders::Only(users) | Senders::AllExcept(users)) =
            asked.snapshot.senders_for(&asked.directory, recipient);
        users.len()
    });
    (answers.sum(), asked)
}

#[library_benchmark]
#[bench::company(args = ("company"), setup = asked, config = kept("route company"))]
fn route(asked: Asked) -> (usize, Asked) {
    let senders: Vec<&str> = asked.users.iter().map(String::as_str).collect();
    let answers = asked.snapshot.route(&asked.directory, &senders);
    (answers.len(), asked)
}

#[library_benchmark]
#[bench::pairs_1000(args = ("pairs:1000"), setup = files, config = kept("load pairs:1000"))]
#[bench::globs_1000(args = ("globs:1000"), setup = files, config = kept("load globs:1000"))]
#[bench::company(args = ("company"), setup = files, config = kept("load company"))]
fn load(files: Files) -> (Router, Files) {
    (Router::load(files.origin.clone()).unwrap(), files)
}

#[library_benchmark]
#[bench::pairs_1000(args = ("pairs:1000"), setup = asked, config = kept("warnings pairs:1000"))]
#[bench::company(args = ("company"), setup = asked, config = kept("warnings company"))]
fn warnings(asked: Asked) -> (usize, Asked) {
    (asked.snapshot.warnings().len(), asked)
}

fn changed(shape: &str) -> (Asked, Vec<(RoomId, UserId)>) {
    let asked = asked(shape);
    let mut questions = asked.workload.questions();
    let changes = (0..QUESTIONS).map(|_| questions.change());
    let changes = changes.map(|change| {
        let room = RoomId::parse(&change.room).unwrap();
        (room, UserId::parse(&change.user).unwrap())
    });
    let changes = changes.collect();
    (asked, changes)
}

#[library_benchmark]
#[bench::company(args = ("company"), setup = changed, config = kept("join and leave company"))]
fn join_and_leave((mut asked, changes): (Asked, Vec<(RoomId, UserId)>)) -> Asked {
    for (room, user) in &changes {
        asked.directory.join(room.clone(), user.clone());
        asked.directory.leave(room.as_str(), user.as_str());
    }
    asked
}

library_benchmark_group!(
    name = paths,
    benchmarks = [
        sees,
        recipients_of,
        senders_for,
        route,
        load,
        warnings,
        join_and_leave
    ]
);
main!(library_benchmark_groups = paths);
