//! What was meant by a group file that is wrong: a second, tolerant reading, line by line, only for telling.
//!
//! YAML stops at its first fault, and people repeat theirs on every line. Here all that can be told without
//! guessing is told at once. `whole` knows files that are something else, `lines` takes lines apart into
//! words, `shape` says what they are together, `list`, `brackets` and `quotes` what is wrong with single ones,
//! and `user` what a word means.
//!
//! Not for: reading a file that is right.
//!
//! Law: edits are made of a file all or not at all, and only if the file then loads and names exactly the
//! users written in it. Time is linear in the text.

mod brackets;
mod lines;
mod list;
mod quotes;
mod shape;
mod user;
mod whole;

use std::ops::Range;

use super::bounds::too_deep;
use super::{Entry, Fault, group_file};
use user::SHAPE;
pub use user::{help_on_entry, help_on_value};
pub(super) use whole::other_program;

/// One thing that is wrong in a group file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// The bytes that are wrong.
    pub at: Range<usize>,
    /// What is wrong.
    pub message: String,
    /// What to write instead.
    pub help: String,
    /// What is to be put in place of which bytes, if that is certain.
    pub edits: Vec<(Range<usize>, String)>,
}

impl Mistake {
    fn new(at: Range<usize>, message: impl Into<String>, help: impl Into<String>) -> Self {
        Mistake {
            at,
            message: message.into(),
            help: help.into(),
            edits: Vec::new(),
        }
    }

    fn with_edit(mut self, at: Range<usize>, text: impl Into<String>) -> Self {
        self.edits.push((at, text.into()));
        self
    }
}

/// How many mistakes of a file are told; the rest are counted.
const MOST: usize = 100;

/// How many edits are made of a file at most.
const MOST_EDITS: usize = 200_000;

/// How many bytes of a file are read once more at most: its words take many times as much memory.
const LONGEST: usize = 4 << 20;

/// What is wrong in a group file that is refused as a whole, in the order of the text: at least one.
///
/// Costs some passes over the text.
pub fn mistakes(text: &str, fault: &Fault) -> Vec<Mistake> {
    if let Some(mistake) = whole::whole(text) {
        return vec![mistake];
    }
    // Brackets that deep are no mistake that people make.
    if text.len() > LONGEST || too_deep(text).is_some() {
        return vec![Mistake::new(
            place(text, fault),
            fault.message.clone(),
            fallback(text, fault),
        )];
    }
    let lines = lines::lines(text);
    let reading = list::read(text, &lines);
    let mut mistakes = one_a_place(reading.mistakes);
    if mistakes.is_empty() {
        let help = reading.help.unwrap_or_else(|| fallback(text, fault));
        return vec![Mistake::new(
            place(text, fault),
            fault.message.clone(),
            help,
        )];
    }
    let certain = mistakes.iter().all(|mistake| !mistake.edits.is_empty());
    if !certain || !mends(text, &mistakes, &reading.users) {
        for mistake in &mut mistakes {
            mistake.edits.clear();
        }
    }
    if mistakes.len() > MOST {
        let rest = mistakes.split_off(MOST);
        if let Some(last) = mistakes.last_mut() {
            last.help = format!(
                "{} ({} more mistakes like those of this file)",
                last.help,
                rest.len()
            );
            last.edits
                .extend(rest.into_iter().flat_map(|mistake| mistake.edits));
        }
    }
    mistakes
}

/// Mistakes in order; of those at one place the first is told, and all are mended.
fn one_a_place(mut mistakes: Vec<Mistake>) -> Vec<Mistake> {
    mistakes.sort_by_key(|mistake| (mistake.at.start, mistake.at.end));
    let mut told: Vec<Mistake> = Vec::with_capacity(mistakes.len());
    for mistake in mistakes {
        match told.last_mut() {
            Some(last) if last.at == mistake.at => match mistake.edits.is_empty() {
                true => last.edits.clear(),
                false => last.edits.extend(mistake.edits),
            },
            _ => told.push(mistake),
        }
    }
    told
}

/// The edits that make a group file with wrong entries right, if that is certain; none if nothing is.
///
/// Costs some passes over the text.
pub fn mended(text: &str) -> Vec<(Range<usize>, String)> {
    if text.len() > LONGEST || whole::whole(text).is_some() {
        return Vec::new();
    }
    let lines = lines::lines(text);
    let reading = list::read(text, &lines);
    let certain = reading
        .mistakes
        .iter()
        .all(|mistake| !mistake.edits.is_empty());
    if !certain || !mends(text, &reading.mistakes, &reading.users) {
        return Vec::new();
    }
    reading
        .mistakes
        .into_iter()
        .flat_map(|mistake| mistake.edits)
        .collect()
}

/// Whether a file with its edits is one, and names these users.
fn mends(text: &str, mistakes: &[Mistake], users: &[&str]) -> bool {
    let edits: Vec<_> = mistakes.iter().flat_map(|mistake| &mistake.edits).collect();
    if edits.is_empty() || edits.len() > MOST_EDITS {
        return false;
    }
    let Some(after) = edited(text, edits) else {
        return false;
    };
    let Ok(entries) = group_file(&after) else {
        return false;
    };
    let same = |(entry, user): (&Entry, &&str)| matches!(entry, Entry::Text(text) if text == user);
    entries.len() == users.len() && entries.iter().zip(users).all(same)
}

/// A text with edits, if they do not overlap.
fn edited(text: &str, mut edits: Vec<&(Range<usize>, String)>) -> Option<String> {
    edits.sort_by_key(|(at, _)| (at.start, at.end));
    let mut after = String::with_capacity(text.len() + edits.len() * 4);
    let mut kept = 0;
    for (at, new) in edits {
        after.push_str(text.get(kept..at.start)?);
        after.push_str(new);
        kept = at.end;
    }
    after.push_str(text.get(kept..)?);
    Some(after)
}

/// The bytes from a fault to the end of its line.
fn place(text: &str, fault: &Fault) -> Range<usize> {
    let mut start = 0;
    let mut lines = text.split_inclusive('\n');
    for line in lines.by_ref().take(fault.position.line.saturating_sub(1)) {
        start += line.len();
    }
    let line = lines
        .next()
        .unwrap_or_default()
        .trim_end_matches(['\n', '\r']);
    let within = line
        .char_indices()
        .nth(fault.position.column.saturating_sub(1));
    start + within.map_or(line.len(), |(at, _)| at)..start + line.len()
}

/// What to write where only YAML can say what is wrong.
fn fallback(text: &str, fault: &Fault) -> String {
    let rest = text.get(place(text, fault)).unwrap_or_default();
    if rest.starts_with('\\') {
        return "in `\"` quotes a `\\` is written `\\\\`, in `'` quotes `\\`".into();
    }
    SHAPE.into()
}
