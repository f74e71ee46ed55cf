//! Bar 6: the memory that policies take, each in a process of its own.

use std::path::Path;
use std::process::Command;
use std::{env, fs};

use presence_router::router::Router;
use presence_router::workload::{Shape, Workload};

use super::loads::{origin, written};
use super::row::{Rows, digits};

const RULES: u32 = 100_000;

/// So many further copies are kept: what each adds is what it keeps.
const COPIES: u64 = 4;

const NATION_LIMIT_MIB: f64 = 2_048.0;

pub fn kept(rows: &mut Rows) {
    let what = format!("kept of a rule, of {RULES} pair rules");
    match told("pairs", Shape::Pairs(RULES)) {
        Ok(pairs) => {
            let rule = pairs / f64::from(RULES);
            let figure = format!("{} bytes", digits(rule));
            rows.figure(6, &what, figure, "100 bytes".into(), rule <= 100.0);
        }
        Err(why) => rows.unmeasured(6, &what, why),
    }
    let what = "memory of nation with its directory, once loaded";
    match told("nation", Shape::Nation) {
        Ok(nation) => {
            let mib = nation / f64::from(1 << 20);
            let [figure, limit] = [mib, NATION_LIMIT_MIB].map(|mib| format!("{mib:.0} MiB"));
            rows.figure(6, what, figure, limit, mib <= NATION_LIMIT_MIB);
        }
        Err(why) => rows.unmeasured(6, what, why),
    }
}

/// Bytes, from this program started anew; its folder of files is written here, so that making them is no
/// part of it.
fn told(what: &str, shape: Shape) -> Result<f64, &'static str> {
    if resident().is_none() {
        return Err("this system does not tell what memory a process has");
    }
    let folder = written(shape);
    let output = Command::new(env::current_exe().unwrap())
        .arg(format!("memory={what}"))
        .arg(folder.path())
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.trim()
        .parse()
        .map_err(|_| "the process that loads it failed")
}

/// Prints how many bytes something takes.
pub fn child(what: &str, folder: &Path) {
    let load = || Router::load(origin(folder)).unwrap();
    let before = resident();
    let bytes = match what {
        "pairs" => {
            // What the first load gave back to the allocator is no part of what is kept.
            let first = load();
            let one = resident();
            let more: Vec<Router> = (0..COPIES).map(|_| load()).collect();
            let all = resident();
            drop((first, more));
            all.zip(one)
                .map(|(all, one)| all.saturating_sub(one) / COPIES)
        }
        _ => {
            let directory = Workload::new(Shape::Nation, 1.0, 1).directory();
            let router = load();
            let all = resident();
            drop((router, directory));
            all.zip(before).map(|(all, before)| all - before)
        }
    };
    if let Some(bytes) = bytes {
        println!("{bytes}");
    }
}

/// The bytes of memory this process has.
fn resident() -> Option<u64> {
    let text = fs::read_to_string("/proc/self/status").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib << 10)
}
