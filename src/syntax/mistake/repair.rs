//! Finding the statement that was likely meant: changes are tried where the grammar gets stuck until
//! it takes the whole statement.
//!
//! Not for: which changes are worth trying (`meant`), nor for what is said (`advice`).
//!
//! Law: what is proposed is a statement that the grammar takes and `trust` lets pass. A bounded number of tries on a
//! statement of bounded length, so that a file full of mistakes costs little more than reading it.

use std::collections::HashSet;

use pest::Parser as _;
use pest::error::InputLocation;

use super::super::grammar::{Grammar, Rule};
use super::super::layout::BLANKS;
use super::super::marks::Change;
use super::meant::{Candidate, candidates};
use super::trust::keeps;
use super::{Known, expected};

/// A longer statement is not repaired.
const LONGEST: usize = 2_000;

/// How many statements are tried for one mistake.
const TRIES: usize = 80;

/// How many changes one proposal makes at most.
const CHANGES: usize = 3;

/// How many beginnings are carried from one change to the next.
const KEPT: usize = 6;

/// A statement that the grammar takes, near to the one that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Repair {
    /// The whole statement, or several, a line each.
    pub text: String,
    /// For which meaning it is right, if that is open.
    pub note: &'static str,
    /// The changes that make it, if nothing else can have been meant.
    pub certain: Option<Vec<Change>>,
    /// Why, if there is more to say than what to write.
    pub why: String,
}

/// What was likely meant: nothing, one statement, or one for each meaning it may have.
pub(super) fn repairs(text: &str, known: &Known<'_>) -> Vec<Repair> {
    if text.len() > LONGEST || !known.spend(text.len()) {
        return Vec::new();
    }
    let mut tries = TRIES;
    let mut seen: HashSet<String> = HashSet::from([text.to_owned()]);
    let mut states = vec![text.to_owned()];
    for round in 0..CHANGES {
        let mut next: Vec<(usize, String)> = Vec::new();
        for state in &states {
            let Some((at, expected)) = stuck(state) else {
                continue;
            };
            let left = state.len() - at;
            let mut found: Vec<Repair> = Vec::new();
            for candidate in candidates(state, at, &expected, known, round == 0) {
                let changed = apply(state, &candidate.changes);
                let another_meaning = found.last().map(|repair| !repair.note.is_empty());
                if another_meaning.is_some_and(|open| !open || candidate.note.is_empty()) {
                    continue;
                }
                if !seen.insert(changed.clone()) {
                    continue;
                }
                let Some(fewer) = tries.checked_sub(1) else {
                    return found;
                };
                tries = fewer;
                if !known.spend(changed.len()) {
                    return found;
                }
                match first_stuck(&changed) {
                    None if !keeps(text, &changed, known.groups()) => {}
                    None => found.push(repair(candidate, changed, round)),
                    Some(at) if found.is_empty() && changed.len() - at < left => {
                        next.push((changed.len() - at, changed));
                    }
                    Some(_) => {}
                }
            }
            if !found.is_empty() {
                return found;
            }
        }
        // Stable: of equals the one that was thought of first.
        next.sort_by_key(|(left, _)| *left);
        next.truncate(KEPT);
        states = next.into_iter().map(|(_, text)| text).collect();
    }
    Vec::new()
}

fn repair(candidate: Candidate, text: String, round: usize) -> Repair {
    Repair {
        text,
        note: candidate.note,
        certain: (candidate.certain && round == 0).then_some(candidate.changes),
        why: candidate.why,
    }
}

/// Whether a text is one whole statement.
pub(in crate::syntax) fn is_statement(text: &str) -> bool {
    text.len() <= LONGEST && Grammar::parse(Rule::line, text.trim_matches(BLANKS)).is_ok()
}

/// Where the grammar gets stuck in a text of one statement a line; `None` if it does not.
fn first_stuck(text: &str) -> Option<usize> {
    let mut start = 0;
    for line in text.split('\n') {
        if let Err(error) = Grammar::parse(Rule::line, line) {
            return Some(start + stuck_at(&error));
        }
        start += line.len() + 1;
    }
    None
}

/// Where the grammar gets stuck in a statement, and what it would have taken there.
fn stuck(text: &str) -> Option<(usize, Vec<&'static str>)> {
    let error = Grammar::parse(Rule::line, text).err()?;
    Some((stuck_at(&error).min(text.len()), expected(&error)))
}

pub(in crate::syntax) fn stuck_at(error: &pest::error::Error<Rule>) -> usize {
    match error.location {
        InputLocation::Pos(at) | InputLocation::Span((at, _)) => at,
    }
}

/// Makes the changes, which stand in order and do not overlap.
pub(super) fn apply(text: &str, changes: &[Change]) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    let mut kept = 0;
    for (from, to, new) in changes {
        out.push_str(text.get(kept..*from).unwrap_or_default());
        out.push_str(new);
        kept = (*to).max(kept);
    }
    out.push_str(text.get(kept..).unwrap_or_default());
    out
}
