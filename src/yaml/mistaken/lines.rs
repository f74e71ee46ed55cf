//! A group file as lines of words, whatever YAML makes of it.
//!
//! Not for: what the words mean (`user`), nor what is wrong with them (`list`).
//!
//! Law: words stand in order, do not overlap and are pieces of the text. Costs one pass.

use std::borrow::Cow;
use std::ops::Range;

/// One line.
#[derive(Debug)]
pub(super) struct Line<'t> {
    /// The byte at which it begins.
    pub start: usize,
    /// Its text without the line end.
    pub text: &'t str,
    /// What stands before its content.
    pub lead: Lead,
    /// What stands on it, comments aside.
    pub pieces: Vec<Piece<'t>>,
}

/// The blanks and the mark that a line begins with.
#[derive(Debug)]
pub(super) struct Lead {
    /// The bytes of the blanks, within the file.
    pub indent: Range<usize>,
    /// The mark of an entry.
    pub mark: Mark,
    /// The bytes of the mark, within the file.
    pub marked: Range<usize>,
}

/// What an entry begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    /// Nothing.
    None,
    /// `-` and a blank, as YAML wants it.
    Dash,
    /// `-` without a blank.
    Glued,
    /// What lists elsewhere begin with: `*`, a number.
    Other,
}

/// Something on a line.
#[derive(Debug)]
pub(super) enum Piece<'t> {
    /// A word that may be a user.
    Word(Word<'t>),
    /// `users:`, with the colon.
    Key {
        /// Where.
        at: Range<usize>,
        /// The key without quotes and colon.
        name: &'t str,
        /// Whether no blank follows where YAML wants one.
        glued: bool,
    },
    /// `,` or `;`.
    Comma(usize),
    /// `[` or `{`.
    Open(usize),
    /// `]` or `}`.
    Close(usize),
    /// A tag, an anchor, an alias: what only YAML has.
    Sign(Range<usize>),
}

impl Piece<'_> {
    /// Where it stands in the file.
    pub(super) fn at(&self) -> Range<usize> {
        match self {
            Piece::Word(word) => word.at.clone(),
            Piece::Key { at, .. } | Piece::Sign(at) => at.clone(),
            Piece::Comma(at) | Piece::Open(at) | Piece::Close(at) => *at..*at + 1,
        }
    }
}

/// A word with its quotes.
#[derive(Debug)]
pub(super) struct Word<'t> {
    /// Where it stands in the file, quotes included.
    pub at: Range<usize>,
    /// What stands in the quotes.
    pub inner: Cow<'t, str>,
    /// How it is quoted.
    pub quote: Quote,
}

/// How a word is quoted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Quote {
    /// Not at all.
    None,
    /// As YAML wants it.
    Plain,
    /// As YAML wants it, with escapes: what it says is not known here.
    Escaped,
    /// A quote that never ends.
    Open(char),
    /// A quote that never began.
    Stray,
    /// A `'` stands within `'` quotes.
    Apostrophe,
    /// By characters that are no quotes to YAML.
    Odd(char),
}

/// The lines of a text.
pub(super) fn lines(text: &str) -> Vec<Line<'_>> {
    let mut start = 0;
    let mut lines = Vec::new();
    for whole in text.split_inclusive('\n') {
        let bare = whole.trim_end_matches(['\n', '\r']);
        lines.push(line(bare, start));
        start += whole.len();
    }
    lines
}

fn line(text: &str, start: usize) -> Line<'_> {
    let content = text.trim_start_matches(is_blank);
    let indent = start..start + (text.len() - content.len());
    let (mark, len) = mark(content);
    let marked = indent.end..indent.end + len;
    let rest = content.get(len..).unwrap_or_default();
    let pieces = match is_marker(text) {
        true => Vec::new(),
        false => pieces(rest, marked.end),
    };
    let lead = Lead {
        indent,
        mark,
        marked,
    };
    Line {
        start,
        text,
        lead,
        pieces,
    }
}

/// Blanks and what looks like one, and byte order marks.
pub(super) fn is_blank(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{feff}' | '\u{200b}')
}

/// Whether a line begins or ends a YAML document, or is meant for its reader.
pub(super) fn is_marker(line: &str) -> bool {
    let alone = |mark| {
        let rest = line.strip_prefix(mark);
        rest.is_some_and(|rest: &str| rest.is_empty() || rest.starts_with([' ', '\t']))
    };
    alone("---") || alone("...") || line.starts_with('%')
}

/// The mark of an entry that a content begins with, and its length.
fn mark(content: &str) -> (Mark, usize) {
    let blank_at = |at: usize| {
        let rest = content.get(at..).unwrap_or_default();
        rest.is_empty() || rest.starts_with(is_blank)
    };
    if content.starts_with('-') {
        return match blank_at(1) {
            true => (Mark::Dash, 1),
            false => (Mark::Glued, 1),
        };
    }
    let first = content.chars().next().unwrap_or(' ');
    if matches!(
        first,
        '*' | '+' | '\u{2022}' | '\u{2013}' | '\u{2014}' | '\u{b7}'
    ) && blank_at(first.len_utf8())
    {
        return (Mark::Other, first.len_utf8());
    }
    let digits = content.bytes().take_while(u8::is_ascii_digit).count();
    let counted = content
        .get(digits..)
        .is_some_and(|c| c.starts_with(['.', ')']));
    if (1..=6).contains(&digits) && counted && blank_at(digits + 1) {
        return (Mark::Other, digits + 1);
    }
    (Mark::None, 0)
}

fn pieces(text: &str, start: usize) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut at = 0;
    let mut blank_before = true;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let first = rest.chars().next().unwrap_or(' ');
        let here = start + at;
        let (len, piece) = match first {
            c if is_blank(c) => (c.len_utf8(), None),
            '#' if blank_before => break,
            ',' | ';' => (1, Some(Piece::Comma(here))),
            '[' | '{' => (1, Some(Piece::Open(here))),
            ']' | '}' => (1, Some(Piece::Close(here))),
            c if closes(c).is_some() => quoted(rest, here),
            '!' | '&' | '*' if blank_before => {
                let len = rest.find(is_blank).unwrap_or(rest.len());
                let alias = rest
                    .get(1..len)
                    .is_some_and(|name| !name.contains([':', '@', ',']));
                match alias {
                    true => (len, Some(Piece::Sign(here..here + len))),
                    false => bare(rest, here),
                }
            }
            _ => bare(rest, here),
        };
        pieces.extend(piece);
        blank_before = is_blank(first);
        at += len.max(1);
    }
    pieces
}

/// The characters that end a quote which this one begins.
fn closes(open: char) -> Option<&'static str> {
    Some(match open {
        '"' | '\u{201c}' | '\u{201d}' | '\u{201e}' | '\u{201f}' | '\u{ab}' | '\u{bb}'
        | '\u{ff02}' => "\"\u{201c}\u{201d}\u{201e}\u{201f}\u{ab}\u{bb}\u{ff02}",
        '\'' | '`' | '\u{2018}' | '\u{2019}' | '\u{201a}' | '\u{201b}' | '\u{b4}' => {
            "'`\u{2018}\u{2019}\u{201a}\u{201b}\u{b4}"
        }
        _ => return None,
    })
}

/// Whether a quote may end before this: the word does.
fn ends_word(rest: &str) -> bool {
    let mut next = rest.chars();
    match next.next() {
        None => true,
        Some(':') => next
            .next()
            .is_none_or(|c| is_blank(c) || "\"'[{".contains(c)),
        Some(c) => is_blank(c) || ",;]}".contains(c),
    }
}

/// A word that begins with a quote, or a key.
fn quoted(text: &str, start: usize) -> (usize, Option<Piece<'_>>) {
    let open = text.chars().next().unwrap_or('"');
    let closers = closes(open).unwrap_or_default();
    let from = open.len_utf8();
    let mut escaped = false;
    let mut doubled = false;
    let mut within = false;
    let mut end = None;
    let mut chars = text.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        let rest = text.get(at + c.len_utf8()..).unwrap_or_default();
        match c {
            '\\' if open == '"' => {
                escaped = true;
                chars.next();
            }
            '\'' if open == '\''
                && rest.starts_with('\'')
                && !rest.get(1..).is_none_or(ends_word) =>
            {
                doubled = true;
                chars.next();
            }
            c if closers.contains(c) && ends_word(rest) => {
                end = Some((at, c));
                break;
            }
            c if c == open => within = true,
            _ => {}
        }
    }
    let Some((end, close)) = end else {
        let inner = text.get(from..).unwrap_or_default();
        let inner = inner.trim_end_matches(|c| is_blank(c) || ",;".contains(c));
        let len = from + inner.len();
        return (
            text.len(),
            Some(Piece::Word(Word {
                at: start..start + len,
                inner: inner.into(),
                quote: Quote::Open(open),
            })),
        );
    };
    let inner = text.get(from..end).unwrap_or_default();
    let len = end + close.len_utf8();
    if text.get(len..).is_some_and(|rest| rest.starts_with(':')) {
        let key = Piece::Key {
            at: start..start + len + 1,
            name: inner,
            glued: false,
        };
        return (len + 1, Some(key));
    }
    let plain = matches!(open, '"' | '\'') && close == open;
    let quote = match plain {
        false => Quote::Odd(match matches!(open, '"' | '\'') {
            true => close,
            false => open,
        }),
        true if within && open == '\'' => Quote::Apostrophe,
        true if within => Quote::Odd(open),
        true if escaped => Quote::Escaped,
        true => Quote::Plain,
    };
    let inner: Cow<'_, str> = match doubled {
        true => inner.replace("''", "'").into(),
        false => inner.into(),
    };
    let word = Word {
        at: start..start + len,
        inner,
        quote,
    };
    (len, Some(Piece::Word(word)))
}

/// A word without a quote at its start, or a key.
fn bare(text: &str, start: usize) -> (usize, Option<Piece<'_>>) {
    let mut depth = 0_usize;
    let mut end = text.len();
    for (at, c) in text.char_indices() {
        match c {
            // An address of IPv6 stands in brackets behind a `:`.
            '[' if text.starts_with('@')
                && text.get(..at).is_some_and(|before| before.ends_with(':')) =>
            {
                depth += 1;
            }
            ']' if depth > 0 => depth -= 1,
            c if is_blank(c) => end = at,
            ',' | ';' | ']' | '}' | '[' | '{' => end = at,
            _ => continue,
        }
        if end < text.len() {
            break;
        }
    }
    let word = text.get(..end).unwrap_or_default();
    let is_name = |name: &str| {
        name == "<<"
            || name.starts_with(|c: char| c.is_alphabetic() || c == '_')
                && name
                    .chars()
                    .all(|c| c.is_alphanumeric() || "_-. ".contains(c))
    };
    let key = |len: usize, glued| Piece::Key {
        at: start..start + len,
        name: text.get(..len - 1).unwrap_or_default(),
        glued,
    };
    if let Some(name) = word.strip_suffix(':').filter(|name| is_name(name)) {
        let glued = text
            .get(end..)
            .is_some_and(|rest| rest.starts_with(['[', '{']));
        return (end, Some(key(name.len() + 1, glued)));
    }
    if let Some(user) = word
        .strip_suffix(':')
        .filter(|user| user.starts_with('@') && user.contains(':'))
    {
        return (end, Some(key(user.len() + 1, false)));
    }
    if let Some((name, value)) = word.split_once(':')
        && is_name(name)
        && value.starts_with(['@', '"', '\''])
    {
        return (name.len() + 1, Some(key(name.len() + 1, true)));
    }
    let inner = word.trim_end_matches(|c| closes(c).is_some());
    let quote = match inner.len() < word.len() {
        true => Quote::Stray,
        false => Quote::None,
    };
    let word = Word {
        at: start..start + word.len(),
        inner: inner.into(),
        quote,
    };
    (end, Some(Piece::Word(word)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The words of a line with what they are quoted by, keys with their colon.
    fn words(text: &str) -> Vec<(String, Option<Quote>)> {
        let line = line(text, 0);
        let shown = line.pieces.iter().filter_map(|piece| match piece {
            Piece::Word(word) => Some((word.inner.to_string(), Some(word.quote))),
            Piece::Key { name, .. } => Some((format!("{name}:"), None)),
            _ => None,
        });
        shown.collect()
    }

    #[test]
    fn words_are_read_as_people_mean_them() {
        for (text, inner, quote) in [
            ("- @ann", "@ann", Quote::None),
            ("- \"@ann:x\",", "@ann:x", Quote::Plain),
            ("- '@o'brien:x'", "@o'brien:x", Quote::Apostrophe),
            ("- '@o''brien:x' # it's", "@o'brien:x", Quote::Plain),
            ("- \"@ann:x", "@ann:x", Quote::Open('"')),
            ("- @ann:x\"", "@ann:x", Quote::Stray),
            ("- \u{201c}@ann\u{201d}", "@ann", Quote::Odd('\u{201c}')),
            ("- \"@ann\u{201d}", "@ann", Quote::Odd('\u{201d}')),
            ("- `@ann`", "@ann", Quote::Odd('`')),
            ("- \"@a\\u0041\"", "@a\\u0041", Quote::Escaped),
            ("@a:[::1]:8448", "@a:[::1]:8448", Quote::None),
        ] {
            assert_eq!(words(text), [(inner.to_owned(), Some(quote))], "{text}");
        }
        let two = words("users: [\"@a\", @b:[::1]]");
        assert_eq!(two.len(), 3, "{two:?}");
        assert_eq!(two[0].0, "users:");
        assert_eq!(two[2].0, "@b:[::1]");
        assert_eq!(words("{\"user_id\":\"@a:x\"}").len(), 2);
        assert_eq!(words("# @ann"), []);
    }

    #[test]
    fn marks_of_entries() {
        for (text, wanted) in [
            ("- @a", Mark::Dash),
            ("-@a", Mark::Glued),
            ("* @a", Mark::Other),
            ("12) @a", Mark::Other),
            ("\u{2022} @a", Mark::Other),
            ("@a", Mark::None),
            ("*b", Mark::None),
        ] {
            assert_eq!(line(text, 0).lead.mark, wanted, "{text}");
        }
        assert!(line("---", 3).pieces.is_empty());
    }
}
