//! Any bytes as a policy: no panic, a report that can be shown in every form, and time that follows
//! the length.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../budget.rs"]
#[allow(dead_code)]
mod budget;

use budget::{check_load, load_file, load_text, within_budget};

/// Texts are repeated to this length to show what grows faster than the text.
const LONG: usize = 32 << 10;

fuzz_target!(|bytes: &[u8]| {
    let sum = bytes.iter().fold(0_u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(u32::from(*byte)));
    let Ok(text) = std::str::from_utf8(bytes) else {
        check_load(&load_file(bytes));
        return;
    };
    within_budget(text.len(), || check_load(&load_text(text)));
    if sum % 16 == 0 {
        check_load(&load_file(bytes));
    }
    // Costs as much as a thousand short texts. A regex that is too large costs the same tens of
    // milliseconds each time it stands there.
    if sum % 1024 == 1 && text.len() > 4 && !text.contains("matching") {
        let long = text.repeat(LONG / text.len() + 1);
        let _ = within_budget(long.len(), || load_text(&long));
    }
});
