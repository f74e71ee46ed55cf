//! The rows of the table: added to a file by whoever measured them, and printed in the end.
//!
//! A row says `yes` or `no` because of a number that was measured, or why there is none; nothing else is
//! ever written where it says whether a limit is met.

use std::env;
use std::fs::{self, File, OpenOptions};
use std::io::Write as _;

use serde::{Deserialize, Serialize};

/// One thing measured, or not.
#[derive(Debug, Serialize, Deserialize)]
pub struct Row {
    pub bar: u8,
    pub what: String,
    #[serde(default)]
    pub figure: String,
    /// What of it is to be compared with the limit, if that is no time of its own.
    #[serde(default)]
    pub ratio: Option<f64>,
    #[serde(default)]
    pub limit: String,
    /// `None` if it was not measured.
    pub met: Option<bool>,
    /// Then, why.
    #[serde(default)]
    pub why: String,
}

/// A bar was measured to its end, and so much of the processors was used by other programs meanwhile.
#[derive(Debug, Serialize, Deserialize)]
struct Done {
    done: u8,
    others_percent: Option<f64>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
enum Line {
    Row(Row),
    Done(Done),
}

/// Where rows are added.
pub struct Rows(Option<File>);

fn path() -> Option<String> {
    env::var("BARS_FILE").ok().filter(|path| !path.is_empty())
}

/// Whether a bar is to be measured: all are where `BARS` names none.
pub fn chosen(bar: u8) -> bool {
    let chosen = env::var("BARS").unwrap_or_default();
    let mut chosen = chosen.split_whitespace().peekable();
    chosen.peek().is_none() || chosen.any(|one| one == bar.to_string())
}

impl Rows {
    pub fn open() -> Self {
        let open = |path| OpenOptions::new().create(true).append(true).open(path);
        Rows(path().map(|path| open(path).unwrap()))
    }

    /// Adds a row, or prints it where there is no file for it.
    pub fn add(&mut self, row: Row) {
        self.line(Line::Row(row));
    }

    fn line(&mut self, line: Line) {
        match (&mut self.0, line) {
            (Some(file), line) => {
                writeln!(file, "{}", serde_json::to_string(&line).unwrap()).unwrap()
            }
            (None, Line::Row(row)) => print_row(&row),
            (None, Line::Done(_)) => {}
        }
    }

    /// A time against a limit of time.
    pub fn time(&mut self, bar: u8, what: &str, nanoseconds: f64, limit: f64) {
        self.figure(
            bar,
            what,
            time(nanoseconds),
            time(limit),
            nanoseconds <= limit,
        );
    }

    /// Something against a limit that is no ratio.
    pub fn figure(&mut self, bar: u8, what: &str, figure: String, limit: String, met: bool) {
        self.add(Row {
            bar,
            what: what.into(),
            figure,
            ratio: None,
            limit,
            met: Some(met),
            why: String::new(),
        });
    }

    /// A time that is so many times another one, against a limit of that.
    pub fn ratio(&mut self, bar: u8, what: &str, figure: String, ratio: f64, limit: f64) {
        self.add(Row {
            bar,
            what: what.into(),
            figure,
            ratio: Some(ratio),
            limit: format!("{limit}x"),
            met: Some(ratio <= limit),
            why: String::new(),
        });
    }

    /// The same where more is better.
    pub fn at_least(&mut self, bar: u8, what: &str, figure: String, ratio: f64, limit: f64) {
        self.add(Row {
            bar,
            what: what.into(),
            figure,
            ratio: Some(ratio),
            limit: format!("{limit}x at least"),
            met: Some(ratio >= limit),
            why: String::new(),
        });
    }

    /// What could not be measured.
    pub fn unmeasured(&mut self, bar: u8, what: &str, why: &str) {
        self.add(unmeasured(bar, what, why));
    }

    /// Says that a bar was measured to its end.
    pub fn done(&mut self, done: u8, others_percent: Option<f64>) {
        self.line(Line::Done(Done {
            done,
            others_percent,
        }));
    }
}

fn unmeasured(bar: u8, what: &str, why: &str) -> Row {
    Row {
        bar,
        what: what.into(),
        figure: String::new(),
        ratio: None,
        limit: String::new(),
        met: None,
        why: why.into(),
    }
}

/// All rows of the file as one table, and how busy the machine was with other things.
pub fn print_table() {
    let text = path().and_then(|path| fs::read_to_string(path).ok());
    let text = text.unwrap_or_default();
    let (mut rows, mut done) = (Vec::new(), Vec::new());
    for line in text.lines() {
        match serde_json::from_str(line).unwrap() {
            Line::Row(row) => rows.push(row),
            Line::Done(one) => done.push(one),
        }
    }
    for bar in (1..=8).filter(|bar| chosen(*bar)) {
        // Bar 3 is measured by another program alone.
        let ended = bar == 3 || done.iter().any(|one| one.done == bar);
        let what = match rows.iter().any(|row| row.bar == bar) {
            true if ended => continue,
            true => "the rest",
            false => "everything",
        };
        rows.push(unmeasured(bar, what, "it did not run to its end"));
    }
    rows.sort_by_key(|row| row.bar);
    println!("| bar | what | figure | ratio | limit | met |\n|---|---|---|---|---|---|");
    rows.iter().for_each(print_row);
    let count = |met| rows.iter().filter(|row| row.met == met).count();
    println!(
        "\n{} met, {} not met, {} not measured.",
        count(Some(true)),
        count(Some(false)),
        count(None)
    );
    let others = done.iter().filter_map(|one| {
        let percent = digits(one.others_percent?);
        Some(format!("{percent} % in bar {}", one.done))
    });
    let others: Vec<String> = others.collect();
    if !others.is_empty() {
        println!(
            "Other programs used of the processors: {}.",
            others.join(", ")
        );
    }
}

fn print_row(row: &Row) {
    let ratio = row.ratio.map(|ratio| format!("{}x", exact(ratio)));
    let (what, figure, limit) = (&row.what, &row.figure, &row.limit);
    let met = match row.met {
        Some(true) => "yes".to_owned(),
        Some(false) => "no".to_owned(),
        None => format!("not measured: {}", row.why),
    };
    println!(
        "| {} | {what} | {figure} | {} | {limit} | {met} |",
        row.bar,
        ratio.unwrap_or_default()
    );
}

/// Nanoseconds in the unit that fits.
pub fn time(nanoseconds: f64) -> String {
    match nanoseconds {
        ..1e3 => format!("{} ns", digits(nanoseconds)),
        ..1e6 => format!("{} us", digits(nanoseconds / 1e3)),
        ..1e9 => format!("{} ms", digits(nanoseconds / 1e6)),
        _ => format!("{} s", digits(nanoseconds / 1e9)),
    }
}

/// Two digits or more.
pub fn digits(number: f64) -> String {
    match number {
        ..0.95 => format!("{number:.2}"),
        ..9.95 => format!("{number:.1}"),
        _ => format!("{number:.0}"),
    }
}

/// So many digits that a ratio is not printed as its limit where it is beside it.
fn exact(ratio: f64) -> String {
    match ratio {
        ..0.1 => format!("{ratio:.3}"),
        ..9.995 => format!("{ratio:.2}"),
        ..99.95 => format!("{ratio:.1}"),
        _ => format!("{ratio:.0}"),
    }
}
