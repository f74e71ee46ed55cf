//! Statements back as text, in the one style of policy files (`docs/language.md`, "Style").
//!
//! The wording stays the author's, and so do the parentheses: what is normalised is blanks, line
//! ends, and a `,` before a `)`. A statement is one line if it fits. Else lines end where the layout
//! allows it, outer parts first: before `to`, `from`, `see` and `except`, then between the parts of
//! a list, one a line, then inside parentheses. `words` reads the text, `lines` holds what is
//! printed.
//!
//! Not for: meaning. Words are not looked into, and it does not matter whether they are right.
//!
//! Law: what is printed is read as the same statements with the same comments, and is printed as it
//! is. A line that ended behind a comment may end there again: every gap that held a comment is one
//! at which the layout allows a line's end, and its neighbours stay the same.

mod lines;
#[cfg(test)]
mod tests;
mod words;

use std::ops::Range;

use self::lines::Lines;
use self::words::{Word, Words};
use super::grammar::Rule;
use super::parse;
use crate::diagnostic::Report;
use crate::source::{Source, Sources};

/// The columns that a statement fills at most where its lines can break.
const MOST_COLUMNS: usize = 100;

/// The columns by which a line that goes on is moved in.
const STEP: usize = 2;

/// A policy text in the one style of policy files, which `docs/language.md` describes.
///
/// The text that comes out has the same statements and the same comments in the same order, word
/// for word, and formatting it again changes nothing. It ends lines with LF, has no byte order
/// mark, and is empty if there is nothing but blanks in `text`. `name` is the name under which
/// problems are shown.
///
/// A text in which a statement cannot be read is not formatted. Words are not looked into: one that
/// is no user ID or no regex, or a group that is not there, is nothing to the formatter.
///
/// Costs reading the text twice and printing it: linear in its length.
///
/// # Errors
///
/// Every problem for which a statement of the text cannot be read, such as `syntax`.
///
/// # Examples
///
/// ```
/// let text = "block   users on (evil.org,) # why\n\n\n\n#more\nsend all\n to @gobbler";
/// let printed = presence_router::format("main.policy", text)?;
/// assert_eq!(
///     printed,
///     "block users on (evil.org) # why\n\n#more\nsend all to @gobbler\n"
/// );
/// assert!(presence_router::format("main.policy", "send all too @gobbler").is_err());
/// # Ok::<(), presence_router::diagnostic::Report>(())
/// ```
pub fn format(name: &str, text: &str) -> Result<String, Report> {
    let source = Source::new(name, text);
    let mut sources = Sources::default();
    let id = sources.add(source);
    let text = sources.get(id).map_or("", Source::text);
    let mut problems = Vec::new();
    parse(id, text, &mut problems, &mut |_| {});
    if !problems.is_empty() {
        return Err(Report::new(sources, problems));
    }
    let words = Words::new(text);
    let mut printer = Printer {
        words: &words,
        lines: Lines::default(),
    };
    for statement in &words.statements {
        printer.statement(statement.clone());
    }
    for comment in words.comments(words.last.clone()) {
        printer.lines.comment(comment, 0, comment.breaks > 1);
    }
    Ok(printer.lines.print())
}

/// What stands in front of a word that is printed.
#[derive(Debug, Clone, Copy)]
enum Before {
    /// What stands there in one line: a blank or nothing.
    Blank,
    /// A new line, moved in so far.
    Line(usize),
}

struct Printer<'a> {
    words: &'a Words<'a>,
    lines: Lines<'a>,
}

impl<'a> Printer<'a> {
    fn statement(&mut self, range: Range<usize>) {
        let start = Before::Line(0);
        let parts = self.words.outer(range.start + 1..range.end);
        let second = parts.map(|(at, _)| at).find(|at| self.is_second(*at));
        let Some(second) = second.filter(|_| !self.fits(&range, start, 0)) else {
            self.clause(range, start, 0);
            return;
        };
        let (first, second) = (range.start..second, second..range.end);
        let fits_below = self.fits(&second, Before::Line(STEP), 0);
        let mut beside = !self.words.is_commented(second.start);
        if self.fits(&first, start, 0) {
            self.clause(first, start, 0);
            beside &= !fits_below;
        } else {
            self.clause(first, start, 0);
            beside &= self.lines.last_is(")");
        }
        if beside && (self.fits(&second, Before::Blank, 0) || self.opens(&second, Before::Blank)) {
            self.clause(second, Before::Blank, 0);
        } else {
            self.clause(second, Before::Line(STEP), STEP);
        }
    }

    /// Whether the second half of a statement begins with this word.
    fn is_second(&self, at: usize) -> bool {
        let begins = [Rule::kw_to, Rule::kw_from, Rule::kw_see, Rule::kw_sees];
        begins.iter().any(|rule| self.words.is(at, *rule))
    }

    /// How many words of a half of a statement stand in front of its users.
    fn head(&self, at: usize) -> usize {
        let begins = [Rule::kw_send, Rule::kw_block];
        if self.is_second(at) || begins.iter().any(|rule| self.words.is(at, *rule)) {
            1
        } else if self.words.is(at, Rule::kw_group) && self.words.is(at + 2, Rule::equals) {
            3
        } else {
            0
        }
    }

    /// Half a statement, in a line that is moved in by `base`.
    fn clause(&mut self, range: Range<usize>, before: Before, base: usize) {
        let head = range.start..range.start + self.head(range.start);
        if head.is_empty() {
            self.selector(range, before, base, base + STEP, 0);
            return;
        }
        self.flat(head.clone(), before, base + STEP);
        self.selector(head.end..range.end, Before::Blank, base, base + STEP, 0);
    }

    /// Users: in a line that is moved in by `base`, and goes on in lines moved in by `next`. Behind
    /// them `tail` columns must be left.
    fn selector(
        &mut self,
        range: Range<usize>,
        before: Before,
        base: usize,
        next: usize,
        tail: usize,
    ) {
        let except = self.first(&range, Rule::kw_except);
        let Some(except) = except.filter(|_| !self.fits(&range, before, tail)) else {
            self.union(range, before, base, next, tail);
            return;
        };
        let (all, less) = (range.start..except, except + 1..range.end);
        let below = self.fits(&(except..range.end), Before::Line(next), tail);
        if self.fits(&all, before, 0) && !below && self.opens_at(&range, &less, before) {
            self.flat(range.start..less.start, before, next);
            self.atom(less, Before::Blank, base, tail);
        } else {
            self.union(all, before, base, next, 0);
            self.word(except, Before::Line(next), next);
            self.union(less, Before::Blank, next, next + STEP, tail);
        }
    }

    /// Users joined by `,` and `and`.
    fn union(
        &mut self,
        range: Range<usize>,
        before: Before,
        base: usize,
        next: usize,
        tail: usize,
    ) {
        if self.fits(&range, before, tail) {
            self.flat(range, before, next);
        } else if self.items(&range).len() == 1 {
            self.part(range, before, base, tail);
        } else {
            self.broken_union(&range, before, next, tail);
        }
    }

    /// The same, one item a line.
    fn broken_union(&mut self, range: &Range<usize>, before: Before, next: usize, tail: usize) {
        let mut before = before;
        for item in self.items(range) {
            let tail = if item.end == range.end { tail } else { 0 };
            if self.words.is(item.start, Rule::kw_and) {
                self.word(item.start, before, next);
                self.part(item.start + 1..item.end, Before::Blank, next, tail);
            } else {
                self.part(item, before, next, tail);
            }
            before = Before::Line(next);
        }
    }

    /// The items of a union; all but the first may begin with `and`.
    fn items(&self, range: &Range<usize>) -> Vec<Range<usize>> {
        let mut items = Vec::new();
        let mut start = range.start;
        let mut comma = false;
        for (at, word) in self.words.outer(range.clone()) {
            if at > start && (comma || word.rule == Rule::kw_and) {
                items.push(start..at);
                start = at;
            }
            comma = word.comma;
        }
        items.push(start..range.end);
        items
    }

    /// `A who are B who are C`.
    fn part(&mut self, range: Range<usize>, before: Before, base: usize, tail: usize) {
        let whos: Vec<usize> = self.all(&range, Rule::kw_who);
        let Some(last) = whos.last().filter(|_| !self.fits(&range, before, tail)) else {
            self.atom(range, before, base, tail);
            return;
        };
        let next = base + STEP;
        let ends = whos.iter().skip(1).copied().chain([range.end]);
        let parts: Vec<_> = whos.iter().zip(ends).map(|(at, end)| *at..end).collect();
        let fits = |part: &Range<usize>| self.fits(part, Before::Line(next), tail);
        let (most, less) = (range.start..*last, last + 2..range.end);
        if self.fits(&most, before, 0)
            && !parts.iter().all(fits)
            && !self.words.is_commented(last + 1)
            && self.opens_at(&range, &less, before)
        {
            self.flat(range.start..less.start, before, next);
            self.atom(less, Before::Blank, base, tail);
            return;
        }
        let first = whos.first().map_or(range.end, |at| *at);
        self.atom(range.start..first, before, base, 0);
        for part in parts {
            let tail = if part.end == range.end { tail } else { 0 };
            self.flat(part.start..part.start + 2, Before::Line(next), next);
            self.atom(part.start + 2..part.end, Before::Blank, next, tail);
        }
    }

    /// Words, or words and parentheses.
    fn atom(&mut self, range: Range<usize>, before: Before, base: usize, tail: usize) {
        let next = base + STEP;
        let open = self.first(&range, Rule::open);
        let Some(open) = open.filter(|_| !self.fits(&range, before, tail)) else {
            self.flat(range, before, next);
            return;
        };
        let (close, is_list) =
            (self.words.word(open)).map_or((range.end, false), |word| (word.close, word.is_list));
        self.flat(range.start..open + 1, before, next);
        let inside = open + 1..close;
        if is_list {
            self.broken_union(&inside, Before::Line(next), next, 1);
        } else {
            self.selector(inside, Before::Line(next), next, next, 0);
        }
        let last = self.words.word(close - 1);
        if is_list && last.is_some_and(|word| !word.comma) {
            self.lines.add(0, ",");
        }
        let touches = !is_list && last.is_some_and(Word::must_touch);
        let before = if touches {
            Before::Blank
        } else {
            Before::Line(base)
        };
        self.word(close, before, next);
    }

    /// Words in one line, but for those with comments in front of them.
    fn flat(&mut self, range: Range<usize>, before: Before, next: usize) {
        let mut before = before;
        for at in range {
            self.word(at, before, next);
            before = Before::Blank;
        }
    }

    /// One word. Comments in front of it are moved in as the word's line is; those in front of a `)`,
    /// or of a word in the midst of a line, by `next`, and so is that word.
    fn word(&mut self, at: usize, before: Before, next: usize) {
        let Some(word) = self.words.word(at) else {
            return;
        };
        let aside = match before {
            Before::Line(indent) if word.rule != Rule::close => indent,
            _ => next,
        };
        let opens = at > 0 && self.words.is(at - 1, Rule::open);
        let mut first = opens;
        for comment in self.words.comments(word.comments.clone()) {
            let blank = comment.breaks > 1 && !first;
            self.lines.comment(comment, aside, blank);
            first = false;
        }
        let commented = !word.comments.is_empty();
        match before {
            Before::Blank if !commented => {
                self.lines.add(word.blanks, word.text);
            }
            before => {
                let indent = if let Before::Line(indent) = before {
                    indent
                } else {
                    next
                };
                let blank = word.breaks > 1 && !first && word.rule != Rule::close;
                self.lines.start(indent, blank);
                self.lines.add(0, word.text);
            }
        }
        if word.comma {
            self.lines.add(0, ",");
        }
    }

    /// Whether words can be printed in the line that they begin in.
    fn fits(&self, range: &Range<usize>, before: Before, tail: usize) -> bool {
        let columns = self.words.in_one_line(range);
        columns
            .is_some_and(|columns| self.start(range.start, before) + columns + tail <= MOST_COLUMNS)
    }

    /// The column at which a word is printed that has no comments in front of it.
    fn start(&self, at: usize, before: Before) -> usize {
        match before {
            Before::Blank => {
                let blanks = self.words.word(at).map_or(0, |word| word.blanks);
                self.lines.columns() + blanks
            }
            Before::Line(indent) => indent,
        }
    }

    /// Whether half a statement is best printed with its users' `(` in the line it begins in.
    fn opens(&self, range: &Range<usize>, before: Before) -> bool {
        let users = range.start + self.head(range.start)..range.end;
        self.opens_at(range, &users, before)
    }

    /// Whether `users`, the end of a range, are nothing but words and parentheses, and all of the
    /// range up to the `(` can be printed in one line.
    fn opens_at(&self, range: &Range<usize>, users: &Range<usize>, before: Before) -> bool {
        let inner = [Rule::kw_except, Rule::kw_and, Rule::kw_who];
        let mut outer = self.words.outer(users.clone());
        let open = self.first(users, Rule::open);
        let plain = outer
            .all(|(at, word)| !inner.contains(&word.rule) && (!word.comma || at + 1 == users.end));
        open.is_some_and(|open| plain && self.fits(&(range.start..open + 1), before, 0))
    }

    fn first(&self, range: &Range<usize>, rule: Rule) -> Option<usize> {
        let mut outer = self.words.outer(range.clone());
        outer.find(|(_, word)| word.rule == rule).map(|(at, _)| at)
    }

    fn all(&self, range: &Range<usize>, rule: Rule) -> Vec<usize> {
        let outer = self.words.outer(range.clone());
        outer
            .filter(|(_, word)| word.rule == rule)
            .map(|(at, _)| at)
            .collect()
    }
}
