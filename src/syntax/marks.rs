//! Characters that look like those of the language: quotes and blanks of word processors and chat
//! programs, full-width marks of input methods, brackets of other languages.
//!
//! Law: what stands in `"` quotes and in regexes is left alone.

/// A change of a text: the bytes taken out and what is put there.
pub type Change = (usize, usize, String);

/// What a look-alike character stands for; empty for what cannot be seen at all.
fn plain(c: char) -> Option<&'static str> {
    Some(match c {
        '\u{201c}' | '\u{201d}' | '\u{201e}' | '\u{201f}' | '\u{ab}' | '\u{bb}' | '\u{ff02}' => {
            "\""
        }
        '\u{a0}'
        | '\u{1680}'
        | '\u{2000}'..='\u{200a}'
        | '\u{202f}'
        | '\u{205f}'
        | '\u{3000}'
        | '\u{b}'
        | '\u{c}'
        | '\u{85}'
        | '\u{2028}'
        | '\u{2029}' => " ",
        '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}' | '\u{feff}' => "",
        '\u{ff20}' => "@",
        '\u{ff0c}' | '\u{3001}' => ",",
        '\u{ff08}' => "(",
        '\u{ff09}' => ")",
        '\u{ff1a}' => ":",
        '\u{ff0a}' => "*",
        '\u{ff1d}' => "=",
        '\u{ff03}' => "#",
        _ => return None,
    })
}

/// The changes that put plain characters for those that look like them, and the first of these.
/// Names of rooms can hold any character, so they are looked at only `in_rooms`.
pub fn plain_characters(text: &str, in_rooms: bool) -> Option<(Vec<Change>, char)> {
    let mut changes = Vec::new();
    let mut first = None;
    let mut left_alone = None;
    let mut before = ' ';
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        let starts = " \t,()".contains(before);
        before = c;
        match (left_alone, c) {
            // Quotes and regexes end at their mark, a room's name with its word.
            (Some('"' | '/'), '\\') => _ = chars.next(),
            (Some(mark @ ('"' | '/')), c) if c == mark => left_alone = None,
            (Some('#'), ' ' | '\t' | ',' | '(' | ')') => left_alone = None,
            (Some(_), _) => {}
            (None, '"') => left_alone = Some('"'),
            (None, '/') if starts => left_alone = Some('/'),
            (None, '#' | '!') if starts && !in_rooms => left_alone = Some('#'),
            (None, c) => {
                if let Some(new) = plain(c) {
                    first = first.or(Some(c));
                    changes.push((at, at + c.len_utf8(), new.to_owned()));
                }
            }
        }
    }
    first.map(|first| (changes, first))
}

/// The changes that put round brackets for others.
pub fn round_brackets(text: &str) -> Vec<Change> {
    let round = |c| match c {
        '[' | '{' => Some("("),
        ']' | '}' => Some(")"),
        _ => None,
    };
    let brackets = text.char_indices();
    let brackets = brackets.filter_map(|(at, c)| round(c).map(|new| (at, at + 1, new.to_owned())));
    brackets.collect()
}

/// What such a character is called.
pub fn name(c: char) -> String {
    let kind = match plain(c) {
        Some("") => "which cannot be seen",
        Some(" ") => "which is no plain blank",
        Some("\"") => "which is no plain quote",
        _ => "which only looks like a plain one",
    };
    format!("there is the character U+{:04X}, {kind}", u32::from(c))
}

#[cfg(test)]
mod tests {
    use super::plain_characters;

    #[test]
    fn only_what_looks_like_a_mark_is_changed() {
        let at = |text: &str, rooms| {
            let found = plain_characters(text, rooms);
            found.map(|(changes, _)| changes.into_iter().map(|c| c.0).collect::<Vec<_>>())
        };
        assert_eq!(at("a \u{201c}b\u{201d}", false), Some(vec![2, 6]));
        assert_eq!(at("\"\u{201c}\\\"\u{201c}\" /\u{a0}\\/\u{a0}/", true), None);
        assert_eq!(at("#a\u{a0}b c\u{a0}", false), Some(vec![7]));
        assert_eq!(at("#a\u{a0}b", true), Some(vec![2]));
    }
}
