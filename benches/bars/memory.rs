//! Bar 6: the memory that policies take, each in a process of its own.

use std::process::Command;
use std::{env, fs};

use presence_router::router::Router;
use presence_router::workload::{Shape, Workload};

use super::loads::{origin, written};
use super::row::{Row, Rows, digits};

const RULES: u32 = 100_000;

pub fn kept(rows: &mut Rows) {
    let told = |what: &str| {
        let program = env::current_exe().unwrap();
        let output = Command::new(program).arg(format!("memory={what}")).output();
        let text = String::from_utf8(output.unwrap().stdout).unwrap();
        text.trim().parse::<f64>().ok()
    };
    // Only Linux tells.
    let (Some(pairs), Some(nation)) = (told("pairs"), told("nation")) else {
        return eprintln!("this system does not tell what memory a process has");
    };
    let rule = pairs / f64::from(RULES);
    rows.add(Row {
        bar: 6,
        what: format!("memory of a rule, of {RULES} pair rules"),
        figure: format!("{} bytes", digits(rule)),
        ratio: None,
        limit: "100 bytes".into(),
        met: rule <= 100.0,
    });
    let mib = nation / f64::from(1 << 20);
    rows.add(Row {
        bar: 6,
        what: "memory of nation with its directory".into(),
        figure: format!("{} MiB", digits(mib)),
        ratio: None,
        limit: "2048 MiB".into(),
        met: mib <= 2048.0,
    });
}

/// Prints how many bytes something takes.
pub fn child(what: &str) {
    let before = resident();
    let bytes = match what {
        "pairs" => {
            // What the first load gave back to the allocator is no part of what is kept.
            let folder = written(Shape::Pairs(RULES));
            let first = Router::load(origin(folder.path())).unwrap();
            let one = resident();
            let more: Vec<Router> = (0..4)
                .map(|_| Router::load(origin(folder.path())).unwrap())
                .collect();
            let all = resident();
            drop((first, more));
            all.zip(one).map(|(all, one)| all.saturating_sub(one) / 4)
        }
        _ => {
            let folder = written(Shape::Nation);
            let directory = Workload::new(Shape::Nation, 1.0, 1).directory();
            let router = Router::load(origin(folder.path())).unwrap();
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
