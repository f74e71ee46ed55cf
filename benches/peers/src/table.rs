//! What is printed: a table for each thing measured, workloads side by side.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;

use crate::peer::{OWN, PEERS};

pub const PAIR: &str = "one pair";
pub const RECIPIENTS: &str = "who receives one";
pub const SENDERS: &str = "whom one receives";
pub const LOAD: &str = "load";
pub const MEMORY: &str = "memory";
pub const THREADS: &str = "two threads";

const HEADS: [&str; 6] = [PAIR, RECIPIENTS, SENDERS, LOAD, MEMORY, THREADS];

/// What an engine needed, or in a few words why there is no figure.
#[derive(Debug, Clone)]
pub enum Figure {
    /// Nanoseconds, KiB, or for threads a ratio.
    Number(f64),
    Reason(String),
}

impl Figure {
    /// As a child prints it.
    pub fn read(text: &str) -> Self {
        match text.parse() {
            Ok(number) => Figure::Number(number),
            Err(_) => Figure::Reason(text.to_owned()),
        }
    }

    fn number(&self) -> Option<f64> {
        match self {
            Figure::Number(number) => Some(*number),
            Figure::Reason(_) => None,
        }
    }
}

/// The figures of an engine for a workload, by the heads of tables.
pub type Figures = BTreeMap<String, Figure>;

/// The same reason for everything.
pub fn nothing(why: &str) -> Figures {
    let why = |head: &str| (head.to_owned(), Figure::Reason(why.to_owned()));
    HEADS.map(why).into()
}

/// A workload: a line about it, and the figures of engines by name.
pub struct Column {
    pub name: String,
    pub line: String,
    pub engines: BTreeMap<&'static str, Figures>,
}

/// All tables, as Markdown.
pub fn print(columns: &[Column]) {
    println!("| workload | users | rules | one is received by | one receives |");
    println!("|---|---|---|---|---|");
    for column in columns {
        println!("| {} | {} |", column.name, column.line);
    }
    let mut reasons: Vec<String> = Vec::new();
    for head in HEADS {
        let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
        println!("\n| {head} | {} |", names.join(" | "));
        println!("|---|{}", "---|".repeat(columns.len()));
        for (engine, ..) in PEERS {
            let mut cells = Vec::new();
            for column in columns {
                let figure = |engine: &str| column.engines.get(engine)?.get(head);
                cells.push(match figure(engine) {
                    Some(Figure::Number(number)) => {
                        let own = figure(OWN).filter(|_| *engine != OWN);
                        cell(head, *number, own.and_then(Figure::number))
                    }
                    Some(Figure::Reason(why)) => {
                        let reason = format!("{engine}, {}: {why}", column.name);
                        let known = reasons.iter().position(|known| *known == reason);
                        let place = known.unwrap_or_else(|| {
                            reasons.push(reason);
                            reasons.len() - 1
                        });
                        format!("({})", place + 1)
                    }
                    None => continue,
                });
            }
            // Not asked for, if there are none.
            if !cells.is_empty() {
                println!("| {engine} | {} |", cells.join(" | "));
            }
        }
    }
    if !reasons.is_empty() {
        println!("\nNo figures:\n");
    }
    for (number, reason) in (1..).zip(reasons) {
        println!("{number}. {reason}");
    }
}

/// Written by hand for these facts: a limit, no rival.
const LIMIT: &str = "hash maps";

/// Has derived every pair before it is asked, and derives all anew when a fact changes: no rival either.
const FINISHED: &str = "ascent";

/// Adds a row for each workload to a file of JSON lines: how many times as long as presence-router the
/// fastest of the other engines takes for one pair.
pub fn add_bars(path: &Path, columns: &[Column]) -> std::io::Result<()> {
    let mut file = OpenOptions::new().create(true).append(true).open(path)?;
    for column in columns {
        let pair = |engine: &str| column.engines.get(engine)?.get(PAIR);
        let own = pair(OWN).and_then(Figure::number);
        let others = column.engines.keys().filter_map(|name| {
            let rival = ![OWN, LIMIT, FINISHED].contains(name);
            Some((*name, rival.then(|| pair(name)?.number())??))
        });
        let fastest = others.min_by(|a, b| a.1.total_cmp(&b.1));
        let name = fastest.map_or("none", |(name, _)| name);
        let what = format!(
            "one pair of {}, the fastest engine's ({name}) to ours",
            column.name
        );
        let row = match fastest.zip(own) {
            Some(((_, theirs), own)) => serde_json::json!({
                "bar": 1,
                "what": what,
                "figure": format!("{} to {}", time(theirs), time(own)),
                "ratio": theirs / own,
                "limit": format!("{TIMES}x at least"),
                "met": theirs / own >= TIMES,
            }),
            None => {
                let why = "no other engine told";
                serde_json::json!({"bar": 1, "what": what, "met": null, "why": why})
            }
        };
        writeln!(file, "{row}")?;
    }
    Ok(())
}

/// So many times as long every other engine was to take.
const TIMES: f64 = 10.0;

/// A figure, and how many times as much it is as presence-router's.
fn cell(head: &str, number: f64, own: Option<f64>) -> String {
    let text = match head {
        THREADS => return format!("{number:.2}"),
        MEMORY => format!("{} MiB", digits(number / 1024.0)),
        _ => time(number),
    };
    match own {
        Some(own) if own > 0.0 => match number / own {
            0.0..0.01 => format!("{text} (under 0.01x)"),
            times @ 0.01..0.095 => format!("{text} ({times:.2}x)"),
            times => format!("{text} ({}x)", digits(times)),
        },
        _ => text,
    }
}

/// Nanoseconds in the unit that fits.
pub fn time(nanoseconds: f64) -> String {
    match nanoseconds {
        0.0..1e3 => format!("{} ns", digits(nanoseconds)),
        1e3..1e6 => format!("{} us", digits(nanoseconds / 1e3)),
        1e6..1e9 => format!("{} ms", digits(nanoseconds / 1e6)),
        _ => format!("{} s", digits(nanoseconds / 1e9)),
    }
}

/// Two digits or more.
fn digits(number: f64) -> String {
    match number {
        0.0..9.95 => format!("{number:.1}"),
        _ => format!("{number:.0}"),
    }
}
