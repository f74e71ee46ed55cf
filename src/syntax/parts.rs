//! One long text in parts, each read by itself, perhaps in a thread of its own.
//!
//! Where a statement begins is known for certain only to who read all before it. So a text is cut where
//! one most likely begins, and when all parts are read it is seen whether it was so.
//!
//! Law: what comes out is what [`parse`] gives, statement for statement and problem for problem. A text
//! with a problem is read once more as a whole.

use super::layout::likely_start;
use super::left::Left;
use super::packed::Packed;
use super::parse::{Reading, parse};
use crate::diagnostic::Diagnostic;
use crate::source::SourceId;

/// How many bytes a part has, about.
pub const PART_BYTES: usize = 256 << 10;

/// The statements that start in one part of a text.
#[derive(Debug)]
pub struct Part {
    /// The start of the first statement at or after the part's start.
    first: Option<usize>,
    /// The start of the first statement behind the part.
    next: Option<usize>,
    statements: Packed,
    good: bool,
}

/// Where to cut a text into parts: the start of each but the first. Costs a look at few lines of each.
pub fn cuts(text: &str) -> Vec<usize> {
    cuts_of(text, PART_BYTES)
}

fn cuts_of(text: &str, bytes: usize) -> Vec<usize> {
    let mut cuts: Vec<usize> = Vec::new();
    let mut at = bytes;
    while let Some(cut) = likely_start(text, at, bytes) {
        cuts.push(cut);
        at = cut + bytes;
    }
    cuts
}

/// Reads the part of a text from byte `from`, the start of a line, up to byte `to`.
///
/// Costs the grammar's time for each of its statements.
pub fn part(source: SourceId, text: &str, from: usize, to: usize) -> Part {
    let mut problems = Vec::new();
    let mut reading = Reading::of(source, text, from);
    let first = reading.next_start();
    let next = reading.until(to, &mut problems, &mut |_, _| {});
    let own = text.get(from..to.min(text.len())).unwrap_or_default();
    Part {
        first,
        next,
        statements: Packed::new(&reading.statements),
        good: problems.is_empty() && Left::of(source, own).is_empty(),
    }
}

/// The statements of a text from all its parts in order; what cannot be read is added to `problems`.
///
/// Costs reading the text where its parts do not fit or hold a problem, else nothing.
pub fn joined(
    source: SourceId,
    text: &str,
    parts: Vec<Part>,
    problems: &mut Vec<Diagnostic>,
) -> Vec<Packed> {
    let follows = |pair: &[Part]| match pair {
        [before, after] => before.next == after.first,
        _ => false,
    };
    if !parts.iter().all(|part| part.good) || !parts.windows(2).all(follows) {
        return whole(source, text, problems);
    }
    parts.into_iter().map(|part| part.statements).collect()
}

/// The statements of a text that is read in one part; what cannot be read is added to `problems`.
///
/// Costs the grammar's time for each statement.
pub fn whole(source: SourceId, text: &str, problems: &mut Vec<Diagnostic>) -> Vec<Packed> {
    vec![Packed::new(&parse(source, text, problems, &mut |_| {}))]
}

#[cfg(test)]
mod tests {
    use super::super::ast::{Rule, Statement};
    use super::*;
    use crate::source::{Source, Sources};

    const LINES: &[&str] = &[
        "@a sees @b",
        "@ann:x.org sees @bob:x.org # why",
        "block @a,",
        "  @b",
        "group staff = (",
        "  @a, # one",
        "  @b,",
        ")",
        "send all",
        "# a note",
        "  to @c",
        "",
        "block \"@a",
        "@x) sees (@y",
        "blokc @a",
        "send users matching /a b/ to @b",
        "server x.org",
        "(@a, @b) see each other",
        "@a except",
        "group g = @a who are @b and @c",
    ];

    /// The statements and problems of a text read as a whole, and of all its parts.
    fn same(text: &str, cuts: &[usize]) -> bool {
        let source = Sources::default().add(Source::new("a", text));
        let mut problems = (Vec::new(), Vec::new());
        let whole = whole(source, text, &mut problems.0);
        let mut from = 0;
        let mut parts = Vec::new();
        for to in cuts.iter().copied().chain([usize::MAX]) {
            parts.push(part(source, text, from, to));
            from = to;
        }
        let joined = joined(source, text, parts, &mut problems.1);
        let said = |parts: &[Packed]| -> (Vec<Rule>, Vec<Statement>) {
            let rules = parts.iter().flat_map(|part| part.rules(source));
            let others = parts.iter().flat_map(|part| part.others(source));
            (rules.collect(), others.collect())
        };
        said(&whole) == said(&joined) && problems.0 == problems.1
    }

    fn line_starts(text: &str) -> Vec<usize> {
        text.match_indices('\n').map(|(at, _)| at + 1).collect()
    }

    /// Pseudo-random numbers, the same in every run.
    struct Chance(u64);

    impl Chance {
        fn below(&mut self, n: usize) -> usize {
            self.0 = self
                .0
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            usize::try_from(self.0 >> 33).unwrap() % n
        }
    }

    #[test]
    fn a_text_cut_anywhere_is_read_as_a_whole() {
        let mut chance = Chance(7);
        for round in 0..400 {
            // Some texts without a mistake, so that parts are joined.
            let kinds = if round % 2 == 0 { LINES.len() } else { 2 };
            let lines = (0..12).map(|_| LINES[chance.below(kinds)]);
            let text: Vec<&str> = lines.collect();
            let text = text.join("\n");
            let starts = line_starts(&text);
            for cut in &starts {
                assert!(same(&text, &[*cut]), "{text:?} cut at {cut}");
            }
            assert!(same(&text, &starts), "{text:?}");
        }
    }

    #[test]
    fn parts_that_do_not_begin_a_statement_are_seen() {
        let text = "block @a,\n@b sees @c\n";
        let source = Sources::default().add(Source::new("a", text));
        let parts = [
            part(source, text, 0, 10),
            part(source, text, 10, usize::MAX),
        ];
        assert_ne!(parts[0].next, parts[1].first);
        assert!(same(text, &[10]));
    }

    #[test]
    fn long_texts_are_cut_where_statements_begin() {
        let pairs = "@ann:x.org sees @bob:x.org\n".repeat(100);
        let lists = "group g = (\n  @a,\n  @b,\n)\n".repeat(100);
        for text in [pairs, lists] {
            let cuts = cuts_of(&text, 200);
            assert!(cuts.len() > 8, "{cuts:?}");
            let source = Sources::default().add(Source::new("a", text.as_str()));
            let mut from = 0;
            let mut parts = Vec::new();
            for to in cuts.iter().copied().chain([usize::MAX]) {
                parts.push(part(source, &text, from, to));
                from = to;
            }
            assert!(parts.windows(2).all(|pair| pair[0].next == pair[1].first));
            assert!(
                parts
                    .iter()
                    .all(|part| part.good && part.next != part.first)
            );
            assert!(same(&text, &cuts));
        }
        let one = format!("group g = (\n{})\n", "  @a:x.org,\n".repeat(100));
        assert!(same(&one, &cuts_of(&one, 200)));
    }
}
