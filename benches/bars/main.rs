//! The bars that were set for performance, each with what was measured.
//!
//! `make bars` runs it, and the two programs that measure beside others (`python/benches/callbacks.py` and
//! `benches/peers`); all add their rows to one file, and the last run with the word `table` prints it.
//! Nothing is asserted: machines are noisy. One thread is timed by the processor time it used, the best
//! of many rounds; loads, reloads and several threads by the clock.
//!
//! Chosen by environment variables: `BARS='1 4'` measures only these, `BARS_FILE` is where rows are added.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

mod answers;
mod changes;
mod loads;
mod measure;
mod memory;
mod plots;
mod readers;
mod row;

use std::env;

use row::Rows;

/// Measures a bar and adds its rows.
type Measure = fn(&mut Rows);

fn main() {
    let words: Vec<String> = env::args().skip(1).collect();
    let has = |word: &str| words.iter().any(|given| given == word);
    if let Some(what) = words.iter().find_map(|word| word.strip_prefix("memory=")) {
        return memory::child(what);
    }
    if has("table") {
        return row::print_table();
    }
    if has("plots") {
        return plots::draw_all();
    }
    // `cargo bench` hands over `--bench`; without it (`cargo test --benches`) nothing is to be measured.
    if !has("--bench") {
        return;
    }
    let chosen = env::var("BARS").unwrap_or_default();
    let chosen: Vec<&str> = chosen.split_whitespace().collect();
    let parts: [(&str, Measure); 7] = [
        ("1", answers::one_pair),
        ("2", answers::lists),
        ("4", loads::loads),
        ("5", readers::while_reloading),
        ("6", memory::kept),
        ("7", readers::two_threads),
        ("8", changes::joins),
    ];
    let mut rows = Rows::open();
    for (bar, measure) in parts {
        if chosen.is_empty() || chosen.contains(&bar) {
            eprintln!("bar {bar} ...");
            measure(&mut rows);
        }
    }
}
