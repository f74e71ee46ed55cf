//! What was found, as `--json` tells it: units in the names, fields in this order.
//!
//! Law: `docs/benchmark.md` names every field. A field that means nothing in a run is `null`.

use serde::Serialize;

/// Everything.
#[derive(Debug, Serialize)]
pub struct Report {
    pub program: Program,
    pub time_limit_s: f64,
    pub seed: u64,
    pub clock_ns: u64,
    pub waited_percent: Option<f64>,
    pub subject: Subject,
    pub directory: Directory,
    pub load: Spread,
    pub memory: Option<Memory>,
    pub operations: Vec<Operation>,
    pub costliest: Option<Costliest>,
    pub growth: Option<Growth>,
    pub against: Option<Against>,
}

#[derive(Debug, Serialize)]
pub struct Program {
    pub version: &'static str,
    pub optimised: bool,
}

/// A rule set.
#[derive(Debug, Clone, Serialize)]
pub struct Subject {
    pub policy: Option<String>,
    pub workload: Option<Generated>,
    pub rules: usize,
    pub groups: usize,
    pub bytes: u64,
}

#[derive(Debug, Clone, Serialize)]
pub struct Generated {
    pub name: String,
    pub scale: f64,
    pub seed: u64,
}

/// Who is known.
#[derive(Debug, Serialize)]
pub struct Directory {
    pub file: Option<String>,
    pub users: usize,
    pub rooms: usize,
}

/// How long calls took.
#[derive(Debug, Clone, Serialize)]
pub struct Spread {
    pub calls: usize,
    pub mean_ns: f64,
    pub median_ns: u64,
    pub p99_ns: u64,
    pub worst_ns: u64,
    /// All of them, sorted, for the page.
    #[serde(skip)]
    pub sorted_ns: Vec<u64>,
}

#[derive(Debug, Clone, Copy, Serialize, serde::Deserialize)]
pub struct Memory {
    pub kept_bytes: u64,
    pub peak_bytes: u64,
    pub loads: usize,
}

#[derive(Debug, Serialize)]
pub struct Operation {
    pub name: &'static str,
    #[serde(flatten)]
    pub spread: Spread,
}

#[derive(Debug, Serialize)]
pub struct Costliest {
    pub senders_asked: usize,
    pub senders: Vec<Sender>,
    pub rules_counted: usize,
    pub rules: Vec<Rule>,
    pub rules_that_look_at_all: usize,
    pub looks_at_all: Vec<Rule>,
}

#[derive(Debug, Serialize)]
pub struct Sender {
    pub sender: String,
    pub recipients: usize,
    pub median_ns: u64,
}

#[derive(Debug, Serialize)]
pub struct Rule {
    pub file: String,
    pub line: usize,
    pub column: usize,
    pub text: String,
    pub senders: usize,
    pub recipients: usize,
    pub pairs: u64,
}

#[derive(Debug, Serialize)]
pub struct Growth {
    /// `scaled`, `copied` or `thinned`.
    pub how: &'static str,
    pub sizes: Vec<Size>,
    pub operations: Vec<Grown>,
}

#[derive(Debug, Serialize)]
pub struct Size {
    pub factor: f64,
    pub users: usize,
    pub rules: usize,
}

#[derive(Debug, Serialize)]
pub struct Grown {
    pub name: &'static str,
    /// One a size.
    pub time_ns: Vec<f64>,
    /// How many times as long it takes when the size doubles.
    pub ratio_when_doubled: f64,
    pub exponent: f64,
}

#[derive(Debug, Serialize)]
pub struct Against {
    pub subject: Subject,
    pub load: Spread,
    pub memory: Option<Memory>,
    pub operations: Vec<Operation>,
    pub ratios: Vec<Ratio>,
    pub answers: Answers,
}

/// The other rule set's time, to the first one's.
#[derive(Debug, Serialize)]
pub struct Ratio {
    pub name: &'static str,
    /// What a call took of the processors while the two took turns, the median of the blocks.
    pub first_ns: f64,
    pub against_ns: f64,
    pub rounds: usize,
    pub ratio: f64,
    pub low: f64,
    pub high: f64,
    pub noise: bool,
}

#[derive(Debug, Serialize)]
pub struct Answers {
    pub senders_asked: usize,
    pub senders_that_differ: usize,
    pub example: Option<Example>,
}

#[derive(Debug, Serialize)]
pub struct Example {
    pub sender: String,
    pub recipient: String,
    /// Whether the first rule set is the one that sends it.
    pub first_sends: bool,
}
