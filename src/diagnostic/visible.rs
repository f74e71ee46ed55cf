//! What a text holds, shown as it is: nothing in it is obeyed by a terminal, and nothing in it is
//! there without being seen.
//!
//! Hidden are control characters, those that turn the direction of writing (which can make a line
//! read as what it is not: CVE-2021-42574), and those that Unicode says are not drawn
//! (`Default_Ignorable_Code_Point`, DerivedCoreProperties.txt) or that break a line.
//!
//! Law: a text without hidden characters is shown unchanged.

use std::borrow::Cow;
use std::ops::RangeInclusive;

/// The most characters of a message or a help.
const LONGEST_MESSAGE: usize = 2000;

/// The most characters of what a message quotes: messages go into logs, and what they quote may be a file
/// that was named by mistake.
const LONGEST_QUOTED: usize = 60;

/// The same of a path, which is told by its end.
const LONGEST_PATH: usize = 300;

/// Characters that are not drawn or that change how others are.
const NOT_DRAWN: &[RangeInclusive<char>] = &[
    '\u{ad}'..='\u{ad}',
    '\u{34f}'..='\u{34f}',
    '\u{61c}'..='\u{61c}',
    '\u{115f}'..='\u{1160}',
    '\u{17b4}'..='\u{17b5}',
    '\u{180b}'..='\u{180f}',
    '\u{200b}'..='\u{200f}',
    '\u{2028}'..='\u{202e}',
    '\u{2060}'..='\u{206f}',
    '\u{3164}'..='\u{3164}',
    '\u{fe00}'..='\u{fe0f}',
    '\u{feff}'..='\u{feff}',
    '\u{ffa0}'..='\u{ffa0}',
    '\u{fff0}'..='\u{fffb}',
    '\u{1bca0}'..='\u{1bca3}',
    '\u{1d173}'..='\u{1d17a}',
    '\u{e0000}'..='\u{e0fff}',
];

/// Whether a character is not drawn, or is obeyed by a terminal.
pub(super) fn is_hidden(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_control();
    }
    c.is_control() || NOT_DRAWN.iter().any(|range| range.contains(&c))
}

/// A text for people: hidden characters are escaped, as in `\u{202e}`. Costs one pass.
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.contains(is_hidden) {
        return text.into();
    }
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if is_hidden(c) {
            shown.extend(c.escape_default());
        } else {
            shown.push(c);
        }
    }
    shown.into()
}

/// What a message quotes of an input: its beginning, if it is long.
pub fn short(text: &str) -> String {
    cut(text, LONGEST_QUOTED)
}

fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        None => text.to_owned(),
        Some((cut, _)) => format!("{}...", text.get(..cut).unwrap_or_default()),
    }
}

/// A message in which all that stands between backticks is [`short`], or as long as a path may be. An input
/// that holds backticks itself may be cut elsewhere, and never less.
pub(super) fn quoting_little(text: &str, paths: bool) -> Cow<'_, str> {
    let most = if paths { LONGEST_PATH } else { LONGEST_QUOTED };
    if text.chars().nth(most).is_none() {
        return text.into();
    }
    let parts = text.split('`').enumerate();
    let parts = parts.map(|(at, part)| match at % 2 {
        0 => part.to_owned(),
        _ => cut(part, most),
    });
    let parts: Vec<String> = parts.collect();
    parts.join("`").into()
}

/// A text as [`visible`] shows it, with the middle left out of what is too long to read: a word may be as long as its file.
pub(crate) fn visible_message(text: &str) -> String {
    let Some((cut, _)) = text.char_indices().nth(LONGEST_MESSAGE) else {
        return visible(text).into_owned();
    };
    let rest = text.get(cut..).unwrap_or_default();
    let tail = rest.char_indices().rev().take(LONGEST_MESSAGE / 4).last();
    let tail = tail.map_or("", |(at, _)| rest.get(at..).unwrap_or_default());
    let head = text.get(..cut).unwrap_or_default();
    format!("{} ... {}", visible(head), visible(tail))
}

/// A text to mark places in: each hidden character but tabs and line ends is replaced by `U+FFFD`,
/// so that columns stay what they are. Gives for a byte of the one the byte of the other.
pub(super) fn drawn(text: &str) -> (Cow<'_, str>, impl Fn(usize) -> usize) {
    // ASCII controls are drawn as pictures by the printer.
    let replace = |c: char| !c.is_ascii() && is_hidden(c);
    // Where each replaced character ends, in the text and as it is drawn.
    let mut ends: Vec<(usize, usize)> = Vec::new();
    let mut shown = String::new();
    let mut kept = 0;
    for (at, c) in text.char_indices().filter(|(_, c)| replace(*c)) {
        shown.push_str(text.get(kept..at).unwrap_or_default());
        shown.push('\u{fffd}');
        kept = at + c.len_utf8();
        ends.push((kept, shown.len()));
    }
    let shown = if ends.is_empty() {
        Cow::Borrowed(text)
    } else {
        shown.push_str(text.get(kept..).unwrap_or_default());
        Cow::Owned(shown)
    };
    let place = move |byte: usize| {
        let before = ends.partition_point(|(end, _)| *end <= byte);
        let last = before.checked_sub(1).and_then(|last| ends.get(last));
        last.map_or(byte, |(end, drawn)| drawn + (byte - end))
    };
    (shown, place)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_characters_are_escaped_and_others_are_not() {
        assert_eq!(
            visible("a\u{202e}b\u{1b}[m\u{200b}"),
            r"a\u{202e}b\u{1b}[m\u{200b}"
        );
        for plain in ["äöü", "日本", "🦀", "e\u{301}", " "] {
            assert!(matches!(visible(plain), Cow::Borrowed(_)), "{plain}");
        }
    }

    #[test]
    fn messages_quote_little() {
        let long = "x".repeat(100);
        let message = format!("`{long}` is none, `{long}` neither, of {long}");
        let cut = format!("{}...", "x".repeat(60));
        let wanted = format!("`{cut}` is none, `{cut}` neither, of {long}");
        assert_eq!(quoting_little(&message, false), wanted);
        assert_eq!(quoting_little(&message, true), message);
        assert_eq!(short(&long), cut);
        assert_eq!(short(&"\u{e4}".repeat(60)), "\u{e4}".repeat(60));
    }

    #[test]
    fn long_messages_are_cut_in_the_middle() {
        let long = format!("begin {} end", "é".repeat(1_000_000));
        let cut = visible_message(&long);
        assert!(
            cut.starts_with("begin é") && cut.ends_with("é end"),
            "{cut}"
        );
        assert_eq!(cut.chars().count(), 2000 + 5 + 500);
    }

    #[test]
    fn what_is_drawn_keeps_columns() {
        let text = "a\u{ad}b\u{202e}\u{e0001}c";
        let (shown, place) = drawn(text);
        assert_eq!(shown, "a\u{fffd}b\u{fffd}\u{fffd}c");
        for ((at, _), (drawn_at, _)) in text.char_indices().zip(shown.char_indices()) {
            assert_eq!(place(at), drawn_at);
        }
        assert_eq!(place(text.len()), shown.len());
    }
}
