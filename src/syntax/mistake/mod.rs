//! What to say of a statement that the grammar does not take.
//!
//! pest tells where it got stuck and what it would have taken there. `repair` looks for the statement
//! that was likely meant, with the changes of `meant`, `sentences` and `marks`; where it finds none,
//! `advice` says what is wrong with the word that stands there.
//!
//! Law: one statement, one problem, at the word that is wrong; what is unclosed is shown where it
//! opens.

mod advice;
mod comments;
mod joins;
mod meant;
mod repair;
mod said;
mod sentences;
mod trust;
mod users;
mod words;

use std::cell::{Cell, OnceCell};

use pest::error::{Error, ErrorVariant};

use super::KEYWORDS;
use super::grammar::{Rule, name_of};
use super::layout::{BLANKS, Logical};
use crate::diagnostic::{Diagnostic, Name, nearest};
use crate::source::{SourceId, Span};

use advice::{advice, foreign_start};
pub(super) use comments::between_lines;
pub(super) use meant::DEFINES;
use meant::is_bullet;
use repair::{Repair, repairs};
pub(super) use repair::{is_statement, stuck_at};
use words::{tidy, word_at};

/// How many bytes are read, at most, to find what was meant by the mistakes of one text.
const TRIED_BYTES: usize = 1 << 20;

/// How many groups' names are kept to be compared with a mistyped one.
const GROUPS: usize = 300;

/// A longer statement is not written out in a help.
const LONGEST_SHOWN: usize = 160;

/// What the text around a statement tells.
pub(super) struct Known<'a> {
    text: &'a str,
    groups: OnceCell<Vec<&'a str>>,
    bytes_left: Cell<usize>,
}

impl<'a> Known<'a> {
    /// Of a whole text. Costs nothing until there is a mistake.
    pub(super) fn new(text: &'a str) -> Self {
        Known {
            text,
            groups: OnceCell::new(),
            bytes_left: Cell::new(TRIED_BYTES.min(100 * text.len())),
        }
    }

    /// The groups that the text defines, as far as a look at its lines tells.
    fn groups(&self) -> &[&'a str] {
        let name = |line: &'a str| {
            let rest = line.trim_start().strip_prefix("group")?;
            let name = rest.trim_start_matches([' ', '\t']);
            let end = name.find([' ', '\t', '='])?;
            let (name, after) = (name.get(..end)?, name.get(end..)?);
            let after = after.trim_start();
            (after.starts_with('=') || after.starts_with("from \"")).then_some(name)
        };
        let names = || {
            let mut names: Vec<&str> = self.text.lines().filter_map(name).collect();
            names.truncate(GROUPS);
            names
        };
        self.groups.get_or_init(names)
    }

    /// Whether so many bytes may be read once more.
    pub(super) fn spend(&self, bytes: usize) -> bool {
        let left = self.bytes_left.get().checked_sub(bytes);
        self.bytes_left.set(left.unwrap_or_default());
        left.is_some()
    }
}

/// The problem of a statement, and the byte of the file where the grammar got stuck.
pub(super) fn explain(
    source: SourceId,
    line: &Logical<'_>,
    error: &Error<Rule>,
    known: &Known<'_>,
) -> (Diagnostic, usize) {
    let text = line.text.trim_end_matches(BLANKS);
    let stuck = stuck_at(error).min(text.len());
    let before = text.get(..stuck).unwrap_or_default();
    let rest = text.get(stuck..).unwrap_or_default();
    // At the end, the place is right behind the last word.
    let at = if rest.is_empty() {
        before.trim_end_matches(BLANKS).len()
    } else {
        stuck
    };
    let found = word_at(rest);
    let span =
        |from: usize, len: usize| Span::new(source, line.start + from, line.start + from + len);
    let here = span(at, found.len());
    let syntax =
        |span, message: String, help: String| Diagnostic::new(Name::Syntax, span, message, help);
    let stuck_in_file = line.start + at;

    let unclosed = line.unclosed.filter(|open| *open <= stuck_in_file);
    let glued = comments::glued(text, stuck);
    let glued = glued.filter(|glued| unclosed.is_none_or(|open| line.start + glued.at < open));
    let mistake = if let Some(glued) = glued {
        glued.problem(source, line.start)
    } else if let Some((mark, what)) = unclosed_mark(found, rest) {
        let help = match closed_mark(text, at, mark) {
            Some(closed) => format!("end it with `{mark}`: write `{}`", tidy(&closed)),
            None => format!("end it with `{mark}` on the same line"),
        };
        syntax(span(at, 1), format!("this {what} is never closed"), help)
    } else if let Some(open) = unclosed {
        let new_line = known
            .text
            .get(..stuck_in_file)
            .is_some_and(|before| before.trim_end_matches(BLANKS).ends_with(['\n', '\r']));
        let help = closing(text, stuck, open - line.start, new_line, known);
        let open = Span::new(source, open, open + 1);
        let problem = syntax(open, "this `(` is never closed".into(), help);
        problem.with_label(here, "nothing has closed it here")
    } else {
        let expected = expected(error);
        let foreign = before.trim().is_empty()
            && foreign_start(found).is_some()
            && !(is_bullet(found) && rest.get(found.len()..).is_some_and(is_statement));
        let repairs = if foreign {
            Vec::new()
        } else {
            repairs(text, known)
        };
        let problem = keyword_as_name(here, found, before, &expected).unwrap_or_else(|| {
            let (message, help) = describe(found, before, rest, &expected);
            let near = nearest(found, known.groups().iter().copied());
            let near = near.filter(|_| expected.contains(&"users") && !KEYWORDS.contains(&found));
            let help = match near {
                Some(near) => format!("did you mean `group {near}`?"),
                None => help,
            };
            syntax(here, message, help)
        });
        let problem = better(problem, text, &repairs, &|from, to| span(from, to - from));
        let problem = comments::told_of(problem, found);
        let in_file = known.text.get(stuck_in_file..).unwrap_or_default();
        let rest = in_file.lines().next().unwrap_or_default();
        match comments::without_blank(found, rest, before) {
            Some((len, new)) if problem.fix.is_empty() => problem.with_edit(span(at, len), new),
            _ => problem,
        }
    };
    (mistake, stuck_in_file)
}

/// Whether a word at a line's start is most likely a keyword that begins a statement and nothing else.
pub(super) fn begins(word: &str) -> bool {
    let lower = word.to_lowercase();
    let keywords = ["server", "send", "block"];
    keywords.contains(&lower.as_str())
        || nearest(&lower, keywords).is_some()
        || sentences::first_keyword(&lower).is_some()
}

/// A statement that was broken into lines where a line's end should not be.
pub(super) struct Broken {
    /// All of it.
    pub whole: String,
    /// The byte at which it ends.
    pub end: usize,
    /// What stands between its lines.
    pub between: Vec<(usize, usize)>,
}

/// The problem of such a statement.
pub(super) fn broken_in_two(mut problem: Diagnostic, text: &str, broken: Broken) -> Diagnostic {
    let why = "a line goes on only after `,`, `and` or `except` and inside parentheses";
    let help = match broken.whole.len() <= LONGEST_SHOWN {
        true => format!("{why}: write `{}`", tidy(&broken.whole)),
        false => format!("{why}: put the next line at the end of this one"),
    };
    problem.help = crate::diagnostic::visible(&help).into_owned();
    problem.fix.clear();
    // A comment there would be lost.
    let blank = |gap: &(usize, usize)| text.get(gap.0..gap.1).is_some_and(|t| t.trim().is_empty());
    if broken.between.iter().all(blank) {
        let source = problem.span.source;
        for (from, to) in broken.between {
            problem = problem.with_edit(Span::new(source, from, to), " ");
        }
    }
    problem
}

/// The problem of a line of nothing but users right below a statement.
pub(super) fn users_alone(mut problem: Diagnostic, users: &str) -> Diagnostic {
    problem.help = match users.len() <= LONGEST_SHOWN {
        true => format!(
            "end the line before with `,` if `{}` belongs to it; {}",
            tidy(users),
            problem.help
        ),
        false => "end the line before with `,` if these users belong to it".into(),
    };
    problem.help = crate::diagnostic::visible(&problem.help).into_owned();
    problem
}

/// What to write where the `(` at byte `open` is not closed and the grammar gets stuck at byte `stuck`.
/// `new_line` if it does so where a line begins, which may be another statement.
fn closing(text: &str, stuck: usize, open: usize, new_line: bool, known: &Known<'_>) -> String {
    let (before, rest) = text.split_at_checked(stuck).unwrap_or((text, ""));
    let before = before.trim_end();
    let listed = is_statement(&format!("block {rest}"));
    let says = |text: &str, closed: &str| {
        is_statement(closed) && trust::keeps(text, closed, known.groups())
    };
    let keeps = |closed: &str| says(text, closed);
    let all = format!("{before}) {rest}");
    let first = format!("{before})");
    let mut closed: Vec<String> = Vec::new();
    if keeps(&all) {
        closed.push(all);
    } else if new_line && !listed && says(before, &first) {
        closed.push(first);
    }
    if closed.is_empty() {
        let repaired = repairs(&format!("{text})"), known);
        closed.extend(repaired.into_iter().map(|repair| repair.text));
    }
    let shown = |text: &&String| text.len() <= LONGEST_SHOWN;
    if let Some(closed) = closed.first().filter(shown) {
        return format!("close it with `)`: write `{}`", tidy(closed));
    }
    let mut without = text.to_owned();
    without.replace_range(open..=open, "");
    let without = match keeps(&without) {
        true => Some(without),
        false => repairs(&without, known)
            .into_iter()
            .next()
            .map(|repair| repair.text),
    };
    match without.as_ref().filter(shown) {
        Some(without) => format!("take it away: write `{}`", tidy(without)),
        None => "close it with `)`, or take the `(` away".into(),
    }
}

/// The same problem with what was likely meant.
fn better(
    mut problem: Diagnostic,
    text: &str,
    repairs: &[Repair],
    span: &dyn Fn(usize, usize) -> Span,
) -> Diagnostic {
    let shown = |repair: &Repair| {
        let lines: Vec<String> = repair.text.lines().map(tidy).collect();
        let shown: Vec<String> = lines.iter().map(|line| format!("`{line}`")).collect();
        let shown = match &lines[..] {
            [_] => shown.concat(),
            _ => format!("{}, each on a line of its own", shown.join(" and ")),
        };
        if repair.note.is_empty() {
            shown
        } else {
            format!("{shown} {}", repair.note)
        }
    };
    let Some(first) = repairs.first() else {
        return problem;
    };
    if text.len() <= LONGEST_SHOWN {
        let all: Vec<String> = repairs.iter().map(shown).collect();
        let why = match first.why.as_str() {
            "" => String::new(),
            why if why.ends_with('?') => format!("{why} "),
            why => format!("{why}: "),
        };
        let help = format!("{why}write {}", all.join(", or "));
        problem.help = crate::diagnostic::visible(&help).into_owned();
    } else if let Some((from, to)) = changed(text, &first.text) {
        let here = first.text.get(from..to).unwrap_or_default();
        let help = format!("write `{}` here", tidy(here));
        problem.help = crate::diagnostic::visible(&help).into_owned();
    }
    if let (Some(changes), [_]) = (&first.certain, repairs) {
        for (from, to, new) in changes {
            problem = problem.with_edit(span(*from, *to), new.clone());
        }
    }
    problem
}

/// The words of a new text that differ from those of an old one, with one more on either side.
fn changed(old: &str, new: &str) -> Option<(usize, usize)> {
    let words = words::words(new);
    let olds = words::words(old);
    let same = |a: &(usize, &str), b: &(usize, &str)| a.1 == b.1;
    let head = words
        .iter()
        .zip(&olds)
        .take_while(|(a, b)| same(a, b))
        .count();
    let tail = words.iter().rev().zip(olds.iter().rev());
    let tail = tail.take_while(|(a, b)| same(a, b)).count();
    let from = head.saturating_sub(1);
    let to = (words.len() - tail.min(words.len()) + 1).min(words.len());
    let (start, _) = words.get(from)?;
    let (end, word) = words.get(to.checked_sub(1)?)?;
    (*start < end + word.len()).then_some((*start, end + word.len()))
}

/// A keyword where a server or a room must stand is a wrong name, not a wrong order of words.
fn keyword_as_name(here: Span, found: &str, before: &str, expected: &[&str]) -> Option<Diagnostic> {
    let (name, what, help) = if expected.contains(&"a server") {
        let help = match before.trim() {
            "server" => "name the server: `server SERVER`",
            _ => "name the server before it: `users on SERVER`",
        };
        (Name::InvalidServer, "server", help)
    } else if expected.contains(&"a room") {
        (
            Name::InvalidRoom,
            "room",
            "name the room before it: `members of ROOM`",
        )
    } else {
        return None;
    };
    let message = format!("`{found}` is a keyword, not a {what}");
    KEYWORDS
        .contains(&found)
        .then(|| Diagnostic::new(name, here, message, help))
}

/// A statement whose quote or regex, open at byte `at`, is closed where its first word ends, or at
/// the line's end if no blank stands before it: what else stands there is no part of it.
fn closed_mark(text: &str, at: usize, mark: char) -> Option<String> {
    let inner = text.get(at + 1..)?;
    let ends = [inner.find([' ', '\t', ',', ')']), Some(inner.len())];
    let mut closed = ends.into_iter().flatten().map(|end| {
        let mut closed = text.to_owned();
        closed.insert(at + 1 + end, mark);
        (end, closed)
    });
    let right = |(end, closed): &(usize, String)| {
        let name = inner.get(..*end).unwrap_or_default();
        let one = !name.is_empty() && !name.contains([' ', '\t']);
        one && closed.len() <= LONGEST_SHOWN && is_statement(closed)
    };
    closed.find(right).map(|(_, closed)| closed)
}

/// A quote or a regex that runs to the line's end.
fn unclosed_mark(found: &str, rest: &str) -> Option<(char, &'static str)> {
    let (mark, what) = match found.chars().next()? {
        '"' => ('"', "quote"),
        '/' => ('/', "regex"),
        _ => return None,
    };
    let mut chars = rest.chars().skip(1);
    while let Some(c) = chars.next() {
        match c {
            '\\' => _ = chars.next(),
            c if c == mark => return None,
            _ => {}
        }
    }
    Some((mark, what))
}

/// What the grammar would have taken, in its order, each once.
fn expected(error: &Error<Rule>) -> Vec<&'static str> {
    let ErrorVariant::ParsingError { positives, .. } = &error.variant else {
        return Vec::new();
    };
    let mut names: Vec<&'static str> = Vec::new();
    for name in positives.iter().map(|rule| name_of(*rule)) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    // What goes on with the statement before what only makes the selector longer.
    let later = [
        "`,`",
        "`and`",
        "`except`",
        "`who are`",
        "`users`",
        "the end of the statement",
    ];
    names.sort_by_key(|name| later.contains(name));
    names
}

fn describe(found: &str, before: &str, rest: &str, expected: &[&str]) -> (String, String) {
    let list = join(expected);
    let message = match found {
        "" => format!("expected {list}, found the end of the statement"),
        _ if before.trim().is_empty() => format!("expected a statement, found `{found}`"),
        _ => format!("expected {list}, found `{found}`"),
    };
    (message, advice(found, before, rest, expected, &list))
}

fn join(names: &[&str]) -> String {
    match names {
        [] => "something else".into(),
        [one] => (*one).into(),
        [most @ .., last] => format!("{} or {last}", most.join(", ")),
    }
}
