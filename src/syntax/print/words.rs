//! A text as the printer wants it: its words and marks in order, with the comments between them.
//!
//! A `,` is no word of its own but belongs to the word in front of it. One before a `)` is dropped:
//! whether one stands there is the printer's to say.
//!
//! Not for: where lines break.
//!
//! Law: every comment lies in exactly one gap, in the text's order. A comment between a word and
//! its `,` comes to lie behind the `,`: this happens in parentheses only, where a line may end
//! anywhere.

use std::ops::Range;

use pest::Parser as _;
use pest::iterators::{Pair, Pairs};

use super::super::grammar::{Grammar, Rule};
use super::super::layout::{BLANKS, next_line};

/// The most columns by which an `=` moves to stand below another.
const MOST_MOVED: usize = 16;

/// A comment, from its `#` to its last character that is no blank.
#[derive(Debug)]
pub(super) struct Comment<'a> {
    pub text: &'a str,
    /// How many lines end between it and what stands in front of it.
    pub breaks: usize,
    /// How many characters stand in front of it in its line; `None` if one is a tab.
    pub column: Option<usize>,
}

/// A word or mark.
#[derive(Debug)]
pub(super) struct Word<'a> {
    pub rule: Rule,
    pub text: &'a str,
    /// Whether a `,` joins it to the next one.
    pub comma: bool,
    /// How many lines end between it and what stands in front of it.
    pub breaks: usize,
    /// The comments in front of it.
    pub comments: Range<usize>,
    /// How many blanks stand in front of it where no line breaks.
    pub blanks: usize,
    /// Of a `(`, the place of its `)`; of others their own.
    pub close: usize,
    /// Of a `(`, whether nothing but `,` joins what is in it.
    pub is_list: bool,
    /// Whether a line must end in front of it.
    broken: bool,
    /// The columns of all before it, were all in one line.
    before: usize,
    /// How many of all before it are `broken`.
    breaks_before: usize,
}

impl Word<'_> {
    /// Whether a blank or a line's end behind it would make it a comment.
    fn is_hash(&self) -> bool {
        self.text.bytes().all(|byte| byte == b'#')
    }

    /// Whether the next word or mark must follow at once.
    pub fn must_touch(&self) -> bool {
        self.is_hash() && !self.comma
    }

    fn columns(&self) -> usize {
        self.text.chars().count() + usize::from(self.comma)
    }
}

/// The words of a text.
#[derive(Debug, Default)]
pub(super) struct Words<'a> {
    list: Vec<Word<'a>>,
    comments: Vec<Comment<'a>>,
    /// The words of each statement.
    pub statements: Vec<Range<usize>>,
    /// The comments behind the last word.
    pub last: Range<usize>,
}

impl<'a> Words<'a> {
    /// Reads a text that has no problems. Costs the grammar's time.
    pub fn new(text: &'a str) -> Self {
        let mut reader = Reader {
            text,
            end: 0,
            words: Words::default(),
            opened: Vec::new(),
        };
        let mut comments = Vec::new();
        let (mut at, mut told) = (0, 0);
        while let Some(line) = next_line(text, at, &mut |from, to| comments.push((from, to))) {
            at = line.next;
            let start = reader.words.list.len();
            let tokens = Grammar::parse(Rule::line, &line.text).into_iter();
            for pair in tokens.flat_map(Pairs::flatten).filter(is_word) {
                let from = line.start + pair.as_span().start();
                while let Some(comment) = comments.get(told).filter(|comment| comment.0 < from) {
                    reader.comment(comment.0, comment.1);
                    told += 1;
                }
                reader.word(pair.as_rule(), from, from + pair.as_str().len());
            }
            reader.words.statements.push(start..reader.words.list.len());
        }
        let behind = reader.words.comments.len();
        for (from, to) in comments.iter().skip(told) {
            reader.comment(*from, *to);
        }
        let mut words = reader.words;
        words.last = behind..words.comments.len();
        words.measure();
        words.move_equals();
        words.measure();
        words
    }

    /// A word by its place.
    pub fn word(&self, at: usize) -> Option<&Word<'a>> {
        self.list.get(at)
    }

    /// Whether the word at a place is this keyword or mark.
    pub fn is(&self, at: usize, rule: Rule) -> bool {
        self.word(at).is_some_and(|word| word.rule == rule)
    }

    /// Comments by their places.
    pub fn comments(&self, range: Range<usize>) -> &[Comment<'a>] {
        self.comments.get(range).unwrap_or_default()
    }

    /// Whether comments stand in front of a word.
    pub fn is_commented(&self, at: usize) -> bool {
        self.word(at).is_some_and(|word| !word.comments.is_empty())
    }

    /// The columns of some words in one line; `None` if a line must end between them.
    pub fn in_one_line(&self, range: &Range<usize>) -> Option<usize> {
        let (first, last) = (
            self.word(range.start)?,
            self.word(range.end.checked_sub(1)?)?,
        );
        let inside = last.breaks_before + usize::from(last.broken);
        let breaks = inside.saturating_sub(first.breaks_before + usize::from(first.broken));
        let end = last.before + last.blanks + last.columns();
        (breaks == 0).then(|| end.saturating_sub(first.before + first.blanks))
    }

    /// The words of a range that are in no parentheses within it.
    pub fn outer(&self, range: Range<usize>) -> impl Iterator<Item = (usize, &Word<'a>)> {
        let mut at = range.start;
        std::iter::from_fn(move || {
            let word = self.word(at).filter(|_| at < range.end)?;
            let here = at;
            at = if word.close > at { word.close } else { at + 1 };
            Some((here, word))
        })
    }

    fn measure(&mut self) {
        let (mut before, mut breaks_before) = (0, 0);
        for word in &mut self.list {
            (word.before, word.breaks_before) = (before, breaks_before);
            before += word.blanks + word.columns();
            breaks_before += usize::from(word.broken);
        }
    }

    /// Lets the `=` and `from` of group statements on adjacent lines stand in one column.
    fn move_equals(&mut self) {
        let mut run: Vec<(usize, usize)> = Vec::new();
        for statement in 0..self.statements.len() {
            let Some((mark, columns, follows)) = self.definition(statement) else {
                self.move_run(&mut run);
                continue;
            };
            let near = |(_, other): &(usize, usize)| columns.abs_diff(*other) <= MOST_MOVED;
            if !(follows && run.iter().all(near)) {
                self.move_run(&mut run);
            }
            run.push((mark, columns));
        }
        self.move_run(&mut run);
    }

    fn move_run(&mut self, run: &mut Vec<(usize, usize)>) {
        let most = run.iter().map(|(_, columns)| *columns).max();
        for (mark, columns) in run.drain(..) {
            if let Some(word) = self.list.get_mut(mark) {
                word.blanks += most.unwrap_or_default() - columns;
            }
        }
    }

    /// Of a group statement that stays one line even if its `=` or `from` moves: that word, the
    /// columns of its name, and whether it stands right below the statement before it.
    fn definition(&self, statement: usize) -> Option<(usize, usize, bool)> {
        let range = self.statements.get(statement)?;
        let mark = range.start + 2;
        let defines = self.is(range.start, Rule::kw_group)
            && (self.is(mark, Rule::equals) || self.is(mark, Rule::kw_from) && range.len() == 4);
        self.in_one_line(range)
            .filter(|columns| defines && columns + MOST_MOVED <= super::MOST_COLUMNS)?;
        let first = self.word(range.start)?;
        let name = self
            .word(range.start + 1)
            .filter(|name| !name.must_touch())?;
        let mut comments = self.comments(first.comments.clone()).iter();
        let follows = first.breaks == 1 && comments.all(|comment| comment.breaks == 0);
        Some((mark, name.columns(), follows))
    }
}

/// Makes the words of a text.
struct Reader<'a> {
    text: &'a str,
    /// The end of what was read last.
    end: usize,
    words: Words<'a>,
    /// The `(` that are not closed.
    opened: Vec<usize>,
}

impl<'a> Reader<'a> {
    fn word(&mut self, rule: Rule, from: usize, to: usize) {
        // A token may hold the blanks behind it.
        let text = self.text.get(from..to).unwrap_or_default();
        let text = text.trim_end_matches(BLANKS);
        let breaks = self.line_ends(from, to);
        if rule == Rule::comma {
            if let Some(word) = self.words.list.last_mut() {
                word.comma = true;
            }
            return;
        }
        let place = self.words.list.len();
        let first_comment = self.words.list.last().map_or(0, |word| word.comments.end);
        let comments = first_comment..self.words.comments.len();
        let before = self.words.list.last_mut();
        let glues = |word: &Word<'_>| word.rule == Rule::open || word.must_touch();
        let glued = rule == Rule::close || before.as_deref().is_some_and(glues);
        let mut word = Word {
            rule,
            text,
            comma: false,
            breaks,
            blanks: usize::from(!glued),
            close: place,
            is_list: rule == Rule::open,
            broken: !comments.is_empty(),
            comments,
            before: 0,
            breaks_before: 0,
        };
        match rule {
            Rule::open => self.opened.push(place),
            Rule::close => {
                let comma = before.is_some_and(|word| {
                    let comma = word.comma;
                    word.comma &= word.is_hash();
                    comma
                });
                let open = self
                    .opened
                    .pop()
                    .and_then(|open| self.words.list.get_mut(open));
                if let Some(open) = open {
                    open.close = place;
                    word.broken |= comma && breaks > 0 && open.is_list;
                }
            }
            Rule::kw_except | Rule::kw_and => {
                let open = self
                    .opened
                    .last()
                    .and_then(|open| self.words.list.get_mut(*open));
                if let Some(open) = open {
                    open.is_list = false;
                }
            }
            _ => {}
        }
        self.words.list.push(word);
    }

    fn comment(&mut self, from: usize, to: usize) {
        let breaks = self.line_ends(from, to);
        let before = self.text.get(..from).unwrap_or_default();
        let line = before.rsplit('\n').next().unwrap_or_default();
        let column = (!line.contains('\t')).then(|| line.chars().count());
        let text = self.text.get(from..to).unwrap_or_default();
        self.words.comments.push(Comment {
            text: text.trim_end_matches([' ', '\t', '\r']),
            breaks,
            column,
        });
    }

    /// How many lines end in front of what is read now.
    fn line_ends(&mut self, from: usize, to: usize) -> usize {
        let between = self.text.get(self.end..from).unwrap_or_default();
        self.end = to;
        between.bytes().filter(|byte| *byte == b'\n').count()
    }
}

fn is_word(pair: &Pair<'_, Rule>) -> bool {
    pair.as_rule() != Rule::EOI && pair.clone().into_inner().next().is_none()
}
