//! The rows of the table: added to a file by whoever measured them, and printed in the end.

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::{env, io};

use serde::{Deserialize, Serialize};

/// One thing measured.
#[derive(Debug, Serialize, Deserialize)]
pub struct Row {
    pub bar: u8,
    pub what: String,
    pub figure: String,
    /// What of it is to be compared with the limit, if that is no time of its own.
    pub ratio: Option<f64>,
    pub limit: String,
    pub met: bool,
}

/// Where rows are added.
pub struct Rows(Option<File>);

fn path() -> Option<String> {
    env::var("BARS_FILE").ok().filter(|path| !path.is_empty())
}

impl Rows {
    pub fn open() -> Self {
        let open = |path| OpenOptions::new().create(true).append(true).open(path);
        Rows(path().map(|path| open(path).unwrap()))
    }

    /// Adds a row, or prints it where there is no file for it.
    pub fn add(&mut self, row: Row) {
        match &mut self.0 {
            Some(file) => writeln!(file, "{}", serde_json::to_string(&row).unwrap()).unwrap(),
            None => print_row(&row),
        }
        io::stdout().flush().unwrap();
    }

    /// A time against a limit of time.
    pub fn time(&mut self, bar: u8, what: &str, nanoseconds: f64, limit: f64) {
        self.add(Row {
            bar,
            what: what.into(),
            figure: time(nanoseconds),
            ratio: None,
            limit: time(limit),
            met: nanoseconds <= limit,
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
            met: ratio <= limit,
        });
    }
}

/// All rows of the file as one table.
pub fn print_table() {
    let text = fs::read_to_string(path().unwrap()).unwrap();
    let rows = text.lines().map(serde_json::from_str);
    let mut rows: Vec<Row> = rows.map(Result::unwrap).collect();
    rows.sort_by_key(|row| row.bar);
    println!("| bar | what | figure | ratio | limit | met |\n|---|---|---|---|---|---|");
    rows.iter().for_each(print_row);
    let met = rows.iter().filter(|row| row.met).count();
    println!("\n{met} of {} met", rows.len());
}

fn print_row(row: &Row) {
    let ratio = row.ratio.map(|ratio| format!("{}x", digits(ratio)));
    let (what, figure, limit) = (&row.what, &row.figure, &row.limit);
    let met = if row.met { "yes" } else { "no" };
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
