//! Bar 6: the memory that policies take, each in a process of its own.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;
use std::{env, fs, thread};

use presence_router::router::Router;
use presence_router::workload::{Shape, Workload};

use super::loads::{origin, written};
use super::row::{Rows, digits};

const RULES: [u32; 2] = [100_000, 1_000_000];

/// So many further copies are kept: what each adds is what it keeps.
const COPIES: u64 = 4;

const MIB: u64 = 1 << 20;

const NATION_LIMIT: u64 = 2_048 * MIB;

/// A process that has so much is stopped: other programs on the machine need memory too.
const STOP: u64 = NATION_LIMIT + NATION_LIMIT / 4;

pub fn kept(rows: &mut Rows) {
    for rules in RULES {
        let what = format!("kept of a rule, of {rules} pair rules");
        match told("pairs", Shape::Pairs(rules)) {
            Ok(bytes) => {
                let rule = bytes as f64 / f64::from(rules);
                let figure = format!("{} bytes", digits(rule));
                rows.figure(6, &what, figure, "100 bytes".into(), rule <= 100.0);
            }
            Err(why) => rows.unmeasured(6, &what, why),
        }
    }
    let what = "memory of nation with its directory, once loaded";
    match told("nation", Shape::Nation) {
        Ok(bytes) => {
            let stopped = if bytes >= STOP { "stopped at " } else { "" };
            let figure = format!("{stopped}{} MiB", bytes / MIB);
            let limit = format!("{} MiB", NATION_LIMIT / MIB);
            rows.figure(6, what, figure, limit, bytes <= NATION_LIMIT);
        }
        Err(why) => rows.unmeasured(6, what, why),
    }
}

/// Bytes, from this program started anew; its folder of files is written here, so that making them is no
/// part of it. Of a process that was stopped what it had by then.
fn told(what: &str, shape: Shape) -> Result<u64, &'static str> {
    if resident("self").is_none() {
        return Err("this system does not tell what memory a process has");
    }
    let folder = written(shape);
    let mut child = Command::new(env::current_exe().unwrap())
        .arg(format!("memory={what}"))
        .arg(folder.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    while child.try_wait().unwrap().is_none() {
        let now = resident(&child.id().to_string()).unwrap_or(0);
        if now >= STOP {
            child.kill().unwrap();
            child.wait().unwrap();
            return Ok(now);
        }
        thread::sleep(Duration::from_millis(10));
    }
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.trim()
        .parse()
        .map_err(|_| "the process that loads it failed")
}

/// Prints how many bytes something takes.
pub fn child(what: &str, folder: &Path) {
    let load = || Router::load(origin(folder)).unwrap();
    let before = resident("self");
    let bytes = match what {
        "pairs" => {
            // What the first load gave back to the allocator is no part of what is kept.
            let first = load();
            let one = resident("self");
            let more: Vec<Router> = (0..COPIES).map(|_| load()).collect();
            let all = resident("self");
            drop((first, more));
            all.zip(one)
                .map(|(all, one)| all.saturating_sub(one) / COPIES)
        }
        _ => {
            let directory = Workload::new(Shape::Nation, 1.0, 1).directory();
            let router = load();
            let all = resident("self");
            drop((router, directory));
            all.zip(before).map(|(all, before)| all - before)
        }
    };
    if let Some(bytes) = bytes {
        println!("{bytes}");
    }
}

/// The bytes of memory a process has.
fn resident(process: &str) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib << 10)
}
