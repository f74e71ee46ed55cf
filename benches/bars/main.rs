//! The bars that were set for performance, each with what was measured.
//!
//! `make bars` runs it, and the two programs that measure beside others (`python/benches/callbacks.py` and
//! `benches/peers`); all add their rows to one file, and the last run with the word `table` prints it.
//! No time is asserted: machines are noisy. One thread is timed by the processor time it used, the best
//! of many rounds in turn with what it is compared with; loads, reloads and several threads by the clock,
//! and what other programs used of the processors meanwhile is told.
//!
//! Chosen by environment variables: `BARS='1 4'` measures only these, `BARS_FILE` is where rows are added.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

mod answers;
mod changes;
mod loads;
mod measure;
mod memory;
mod others;
mod plots;
mod readers;
mod row;

use std::env;
use std::panic::{AssertUnwindSafe, catch_unwind};

use others::Use;
use row::Rows;

/// Bars whose figures depend on what else runs.
const BY_CLOCK: [u8; 3] = [4, 5, 7];

/// Measures a bar and adds its rows.
type Measure = fn(&mut Rows);

fn main() {
    let words: Vec<String> = env::args().skip(1).collect();
    let has = |word: &str| words.iter().any(|given| given == word);
    if let [what, folder] = &words[..]
        && let Some(what) = what.strip_prefix("memory=")
    {
        return memory::child(what, folder.as_ref());
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
    let parts: [(u8, Measure); 7] = [
        (1, answers::one_pair),
        (2, answers::lists),
        (4, loads::loads),
        (5, readers::while_reloading),
        (6, memory::kept),
        (7, readers::two_threads),
        (8, changes::joins),
    ];
    let mut rows = Rows::open();
    for (bar, measure) in parts {
        if row::chosen(bar) {
            eprintln!("bar {bar} ...");
            let before = BY_CLOCK.contains(&bar).then(Use::now).flatten();
            // What fails is said to be not measured, and the others are.
            if catch_unwind(AssertUnwindSafe(|| measure(&mut rows))).is_ok() {
                rows.done(bar, before.and_then(Use::others_percent));
            }
        }
    }
}
