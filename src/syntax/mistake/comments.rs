//! What to say where a `#` begins no comment and was likely meant to.
//!
//! Law: what stands behind a `#` is never taken away by an edit; at most a blank is put in that makes
//! it a comment, and only where nothing but a comment can stand.

use super::advice::ends_whole;
use super::words::words;
use crate::diagnostic::{Diagnostic, Name, visible};
use crate::source::{SourceId, Span};
use crate::syntax::KEYWORDS;

/// A word's leading `#` and what stands behind them; `None` if it begins with none.
pub(super) fn marks(word: &str) -> Option<(&str, &str)> {
    let note = word.trim_start_matches('#');
    let marks = word.get(..word.len() - note.len())?;
    (!marks.is_empty()).then_some((marks, note))
}

/// The same problem at a word; if it begins with a `#`, its help tells how a comment is written.
pub(super) fn told_of(mut problem: Diagnostic, word: &str) -> Diagnostic {
    if word.starts_with('#') && !problem.help.contains("comment") {
        problem
            .help
            .push_str("; a comment needs a blank behind its `#`");
    }
    problem
}

/// A comment without its blank, or one of another language, behind a whole statement: how many
/// bytes of it are replaced, and by what. `rest` is what its line holds from there on: nothing is
/// replaced where that reads like more of the statement.
pub(super) fn without_blank(found: &str, rest: &str, before: &str) -> Option<(usize, String)> {
    let note = rest.trim_start_matches(['#', '/']);
    let words = words(note);
    let goes_on = words
        .first()
        .is_some_and(|(_, first)| KEYWORDS.contains(first) || matches!(*first, "," | "(" | ")"));
    let names = |(_, word): &(usize, &str)| word.starts_with(['@', '#', '!', '"']);
    if goes_on || words.iter().any(names) {
        return None;
    }
    let last = before.split_whitespace().next_back().unwrap_or_default();
    // `#ops` behind a room may be a second one, and `#ops:example.org` a room anywhere.
    let open = found.contains(':') || last.starts_with(['#', '!']);
    if open || !found.starts_with(['#', '/']) || !ends_whole(before) {
        return None;
    }
    match found.strip_prefix("//") {
        Some("") => Some((2, "#".into())),
        Some(_) => Some((2, "# ".into())),
        None => marks(found).map(|(marks, _)| (marks.len(), format!("{marks} "))),
    }
}

/// A word that ends in a `#` with a blank behind it, where the statement cannot be read from there on.
pub(super) struct Glued<'a> {
    /// The byte at which the word begins.
    pub at: usize,
    word: &'a str,
}

/// The first one, at or before byte `stuck`.
pub(super) fn glued(text: &str, stuck: usize) -> Option<Glued<'_>> {
    let mut before = (0, "");
    for (at, word) in words(text) {
        let touches = before.0 + before.1.len() == at && before.1.ends_with('/');
        if at > stuck && !touches {
            return None;
        }
        let end = at + word.len();
        let blank = matches!(text.as_bytes().get(end), None | Some(b' ' | b'\t'));
        let name = word.trim_end_matches('#');
        if blank && name.len() < word.len() && !word.starts_with(['"', '/']) {
            if touches {
                let word = text.get(before.0..end)?;
                return Some(Glued { at: before.0, word });
            }
            if !name.is_empty() {
                return Some(Glued { at, word });
            }
        }
        before = (at, word);
    }
    None
}

impl Glued<'_> {
    /// What is wrong with it.
    pub fn problem(&self, source: SourceId, line_start: usize) -> Diagnostic {
        let word = self.word;
        let name = match word.as_bytes().first() {
            Some(b'@') => Name::InvalidUserId,
            Some(b'#' | b'!') => Name::InvalidRoom,
            _ => Name::Syntax,
        };
        let bare = word.trim_end_matches('#');
        let mark = word.get(bare.len()..).unwrap_or_default();
        let message = format!(
            "the `{mark}` at the end of `{}` begins no comment",
            visible(word)
        );
        let help = format!(
            "a comment needs a blank before its `#`: write `{} {mark} ...`",
            visible(bare)
        );
        let start = line_start + self.at;
        let span = Span::new(source, start, start + word.len());
        Diagnostic::new(name, span, message, help)
    }
}

/// What is wrong with a line that begins with a `#` at byte `at` of a text, between the lines of a
/// statement whose line before ends with `before`.
pub(in crate::syntax) fn between_lines(
    source: SourceId,
    text: &str,
    at: usize,
    before: &str,
) -> Diagnostic {
    let rest = text.get(at..).unwrap_or_default();
    let word = rest
        .split([' ', '\t', '\r', '\n'])
        .next()
        .unwrap_or_default();
    let (marks, note) = marks(word).unwrap_or(("#", ""));
    let message = format!(
        "`{}` begins a line inside a statement, where only a comment can stand",
        visible(word)
    );
    let help = format!(
        "a comment needs a blank behind its `#`: write `{marks} {}`; a list goes on behind a `,`",
        visible(note)
    );
    let problem = Diagnostic::new(
        Name::Syntax,
        Span::new(source, at, at + word.len()),
        message,
        help,
    );
    let last = before.split_whitespace().next_back().unwrap_or_default();
    if note.contains(':') || last.starts_with(['#', '!']) || last == "of" {
        return problem;
    }
    let end = at + marks.len();
    problem.with_edit(Span::new(source, end, end), " ")
}
