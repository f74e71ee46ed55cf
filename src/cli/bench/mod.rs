//! `bench`: what a rule set costs, on the machine at hand.
//!
//! `measure` goes through it all: `rules` is what is measured and `questions` what it is asked; `clock`
//! times calls; `memory`, `costly`, `grow` with `copies`, and `compare` each find one part of the
//! `report`, and `statistics` says what may be said of it. `text` and `page` show it.
//!
//! Not for: tests. Nothing here says what is fast enough.
//!
//! Law: what is printed is printed once everything is measured, and a page is written whole or not at
//! all. `docs/benchmark.md` says what each figure is.

mod clock;
mod compare;
mod copies;
mod costly;
mod grow;
mod measure;
pub mod memory;
mod page;
mod progress;
mod questions;
mod report;
mod rules;
mod statistics;
mod text;

use std::path::PathBuf;

use clap::{ArgGroup, Args};
use presence_router::workload::Shape;

use super::inputs::{hint_at_server, nothing_left};
use super::output::{Failure, Output, note};
use super::workload::factor;

/// Measure what a policy costs: loading, memory, each operation, growth; or two policies in turn
///
/// Asks questions about known users, drawn by chance, and times the answers. Times are of this
/// machine, and of what else it does meanwhile. Without a directory only the users that the policy
/// names are known.
#[derive(Debug, Args)]
#[command(after_long_help = AFTER)]
#[command(group(ArgGroup::new("measured").required(true).args(["policy", "workload"])))]
pub struct Arguments {
    /// The policy: a file, or a folder with `*.policy` files (`presence-router --help` shows one)
    #[arg(long, value_name = "POLICY")]
    policy: Option<PathBuf>,

    /// The known users and rooms: a YAML file (`presence-router --help` shows one)
    #[arg(long, value_name = "FILE", conflicts_with = "workload")]
    directory: Option<PathBuf>,

    /// Measure a generated policy and directory instead: family, company, agency, nation, pairs:N,
    /// blocks:N, globs:N, room:N
    #[arg(long, value_name = "NAME")]
    workload: Option<Shape>,

    /// Make the workload so many times as large
    #[arg(long, value_name = "FACTOR", default_value = "1", value_parser = factor, conflicts_with = "policy")]
    scale: f64,

    /// Draw other questions, and make another workload of the same size
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    seed: u64,

    /// Measure this policy too, in turn and on the same questions, and tell which is faster
    #[arg(long, value_name = "POLICY")]
    against: Option<PathBuf>,

    /// How long all of it should take; large policies take longer to load
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = seconds)]
    time: f64,

    /// Answer in JSON, for scripts: one object
    #[arg(long)]
    pub json: bool,

    /// Write a page with plots, too
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,

    /// Nothing: policy files are left over where a shell has spread a pattern.
    #[arg(hide = true)]
    left_over: Vec<String>,
}

const AFTER: &str = r#"For example, with the files of `presence-router --help`:

    presence-router bench --policy demo.policy --directory facts.yaml
    presence-router bench --policy demo.policy --against new.policy --html report.html
    presence-router bench --workload company --scale 0.1 --time 30 --json

Exit codes:
    0  measured
    2  a policy, the directory file or the command line is wrong
    3  an operation failed, such as writing the page"#;

fn seconds(text: &str) -> Result<f64, String> {
    let seconds = text.parse().ok();
    seconds
        .filter(|seconds| (0.01..=86_400.0).contains(seconds))
        .ok_or_else(|| "write a number of seconds from 0.01 to 86400".into())
}

pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    nothing_left(&arguments.left_over)?;
    if cfg!(debug_assertions) && !arguments.json {
        note(text::UNOPTIMISED);
    }
    if let Some(path) = &arguments.html {
        page::may_write(path)?;
    }
    let report = measure::measure(arguments).inspect_err(|failure| {
        if let Failure::Policy(report) = failure
            && !arguments.json
        {
            hint_at_server(report, arguments.directory.is_some());
        }
    })?;
    if let Some(path) = &arguments.html {
        page::write(path, &report)?;
    }
    let mut output = Output::new();
    match arguments.json {
        true => output.json(&report)?,
        false => output.text(&text::text(&report))?,
    }
    output.flush()
}
