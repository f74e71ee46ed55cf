//! Making the edits of a report: texts in which what is certain is mended.
//!
//! Not for: reading and writing files.
//!
//! Law: a pure function of the report. The edits of one problem are made all or not at all; of two
//! problems whose edits overlap the later waits for the next round; no comment is ever lost.

use std::collections::BTreeMap;
use std::path::Path;

use super::{Edit, Report};
use crate::source::{SourceId, Span};

/// A text with edits made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fixed<'a> {
    /// Where it comes from.
    pub source: &'a str,
    /// The file that it was read from, if it was.
    pub path: Option<&'a Path>,
    /// What was read.
    pub before: &'a str,
    /// What is right.
    pub after: String,
    /// How many problems are solved.
    pub problems: usize,
}

impl Report {
    /// The texts that change when the edits of all problems are made, in the order of the problems.
    ///
    /// Costs a sort of the edits and a copy of each text that changes.
    pub fn fixed(&self) -> Vec<Fixed<'_>> {
        let mut by_source: Vec<(SourceId, Vec<&[Edit]>)> = Vec::new();
        for problem in self
            .problems
            .iter()
            .filter(|problem| !problem.fix.is_empty())
        {
            let id = problem.span.source;
            if problem.fix.iter().any(|edit| edit.span.source != id) {
                continue;
            }
            match by_source.iter_mut().find(|(source, _)| *source == id) {
                Some((_, fixes)) => fixes.push(&problem.fix),
                None => by_source.push((id, vec![&problem.fix])),
            }
        }
        let fixed = by_source.into_iter().filter_map(|(id, fixes)| {
            let source = self.sources.get(id)?;
            let (after, problems) = apply(source.text(), &fixes);
            (after != source.text()).then(|| Fixed {
                source: source.name(),
                path: source.path(),
                before: source.text(),
                after,
                problems,
            })
        });
        fixed.collect()
    }
}

/// Makes the edits of several problems in one text, as far as they do not overlap; the number is of
/// those made.
///
/// Costs a sort of the edits and a copy of the text.
pub fn apply(text: &str, fixes: &[&[Edit]]) -> (String, usize) {
    let mut fixes: Vec<Vec<(usize, usize, &str)>> = fixes
        .iter()
        .filter_map(|fix| fix.iter().map(|edit| change(text, edit)).collect())
        .collect();
    for fix in &mut fixes {
        fix.sort_unstable();
    }
    fixes.sort();
    // By the byte they begin at: the byte after them, and what is put there.
    let mut taken: BTreeMap<usize, (usize, &str)> = BTreeMap::new();
    let mut made = 0;
    for fix in fixes {
        let mut own = Vec::with_capacity(fix.len());
        for (from, to, new) in &fix {
            if !is_free(&taken, *from, *to) {
                break;
            }
            taken.insert(*from, (*to, new));
            own.push(*from);
        }
        if own.len() < fix.len() {
            for from in own {
                taken.remove(&from);
            }
        } else if !fix.is_empty() {
            made += 1;
        }
    }
    let mut out = String::with_capacity(text.len());
    let mut kept = 0;
    for (from, (to, new)) in taken {
        out.push_str(text.get(kept..from).unwrap_or_default());
        out.push_str(new);
        kept = to;
    }
    out.push_str(text.get(kept..).unwrap_or_default());
    (out, made)
}

/// Whether nothing is taken of these bytes, nor anything put just before the first.
fn is_free(taken: &BTreeMap<usize, (usize, &str)>, from: usize, to: usize) -> bool {
    let before = taken.range(..=from).next_back();
    let after = taken.range(from..).next();
    before.is_none_or(|(start, (end, _))| *start < from && *end <= from)
        && after.is_none_or(|(start, _)| *start >= to)
}

/// The bytes that an edit takes out and what it puts there; `None` if it cannot be made.
fn change<'a>(text: &str, edit: &'a Edit) -> Option<(usize, usize, &'a str)> {
    let Span { start, end, .. } = edit.span;
    let (start, end) = (start as usize, end as usize);
    let old = text.get(start..end)?;
    if !edit.text.is_empty() || start == end {
        return Some((start, end, &edit.text));
    }
    // A comment inside a statement that is taken away would be lost.
    if old.contains('\n') && old.contains('#') {
        return None;
    }
    // A line on which nothing is left goes too.
    let line_start = text.get(..start)?.rfind('\n').map_or(0, |at| at + 1);
    let after = text.get(end..)?;
    let line_end = end + after.find('\n').map_or(after.len(), |at| at + 1);
    let blank = |part: &str| part.chars().all(|c| " \t\r\n".contains(c));
    let starts = blank(text.get(line_start..start)?);
    let rest = text.get(end..line_end)?;
    Some(if starts && blank(rest) {
        (line_start, line_end, "")
    } else if starts {
        // What stays, a comment, takes the statement's place.
        (start, end + (rest.len() - rest.trim_start().len()), "")
    } else {
        (start, end, "")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{Source, Sources};

    fn edit(start: usize, end: usize, text: &str) -> Edit {
        let source = Sources::default().add(Source::new("a", ""));
        Edit {
            span: Span::new(source, start, end),
            text: text.into(),
        }
    }

    #[test]
    fn edits_that_overlap_wait() {
        let (a, b, c) = ([edit(0, 2, "x")], [edit(1, 3, "y")], [edit(3, 4, "z")]);
        assert_eq!(apply("abcd", &[&b, &a, &c]), ("xcz".into(), 2));
        let twice = [edit(1, 1, "!")];
        assert_eq!(apply("ab", &[&twice, &twice]), ("a!b".into(), 1));
        let both = [edit(0, 1, "x"), edit(3, 4, "y")];
        assert_eq!(apply("abcd", &[&both, &c]), ("xbcy".into(), 1));
    }

    #[test]
    fn a_line_goes_with_its_statement_and_a_comment_stays() {
        assert_eq!(apply("a\n bb \nc\n", &[&[edit(3, 5, "")]]).0, "a\nc\n");
        assert_eq!(apply("a\nbb # why\n", &[&[edit(2, 4, "")]]).0, "a\n# why\n");
        let text = "a,\n# why\nb\n";
        assert_eq!(apply(text, &[&[edit(0, 10, "")]]), (text.into(), 0));
    }

    #[test]
    fn what_cannot_be_made_is_not() {
        assert_eq!(apply("ä", &[&[edit(1, 2, "x")]]), ("ä".into(), 0));
        assert_eq!(apply("a", &[&[edit(1, 9, "x")]]), ("a".into(), 0));
    }
}
