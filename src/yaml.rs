//! YAML files: group files and directory files. The only place that names `serde_yaml`.
//!
//! The reader underneath is lenient where an operator must be told: it takes an empty value for an
//! empty list, and a later key for an earlier one. The readers here are strict (`group`, `facts`, `keys`), so
//! that a file is what it says or an error with its place; `words` says it in words for people. What is
//! wrong in a group file is found by reading it once more, line by line (`mistaken`).
//!
//! Law: never a panic; time and memory linear in the text (unclosed flow brackets and copies made
//! through aliases are bounded).

mod bounds;
mod facts;
mod group;
mod keys;
mod mistaken;
mod places;
mod words;

use serde::de::{Deserialize, DeserializeSeed};

use crate::diagnostic::{short, visible_message};
use crate::source::Position;

use bounds::{Count, MAX_FLOW_DEPTH, too_deep};
pub use facts::{DirectoryFile, Id};
pub use group::Entry;
use group::GroupFile;
pub use mistaken::{Mistake, help_on_entry, help_on_value, mended, mistakes};
pub use places::{place_of_entry, places_of_texts};

/// What is wrong with a file, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The place, from 1.
    pub position: Position,
    /// What is wrong.
    pub message: String,
}

/// Reads a directory file.
///
/// # Errors
/// The first [`Fault`].
pub fn directory(text: &str) -> Result<DirectoryFile, Fault> {
    // Lists may be aliases of lists here, so that a small file could stand for billions of users. A
    // value takes two bytes at least, so without aliases there are never too many.
    if text.contains('&') && text.contains('*') {
        let mut left = text.len();
        let count = Count(&mut left).deserialize(serde_yaml::Deserializer::from_str(text));
        if left == 0
            && let Err(error) = count
        {
            return Err(fault(text, &error));
        }
    }
    let read = read(text, "the file is empty: write at least `users: []`");
    read.map_err(|fault| left_by_others(text, fault))
}

/// Reads a group file: a list of texts, or a mapping with the key `users` that holds one.
///
/// # Errors
/// The first [`Fault`] of the file as a whole; entries are given as they are.
pub fn group_file(text: &str) -> Result<Vec<Entry>, Fault> {
    let empty = "the file is empty: write `[]` if nobody is meant";
    let file = read::<GroupFile>(text, empty)?;
    // An ID may hold any character, so such a place would be a user whom nobody has.
    let places = ["{{", "${", "{%", "<%"];
    let is_place = |entry: &Entry| match entry {
        Entry::Text(entry) => places.iter().any(|place| entry.contains(place)),
        Entry::Other(_) => false,
    };
    if places.iter().any(|place| text.contains(place))
        && file.0.iter().any(is_place)
        && let Some(left) = mistaken::other_program(text)
    {
        let position = position_of(text, left.at.start);
        let message = left.message;
        return Err(Fault { position, message });
    }
    Ok(file.0)
}

fn read<T: for<'de> Deserialize<'de>>(text: &str, empty: &str) -> Result<T, Fault> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let start = Position { line: 1, column: 1 };
    if let Some(position) = too_deep(text) {
        let message = format!("brackets are nested over {MAX_FLOW_DEPTH} deep");
        return Err(Fault { position, message });
    }
    if let Some(at) = text.find("\n\u{feff}") {
        let position = position_of(text, at + 1);
        let message =
            "a byte order mark stands here (U+FEFF), which belongs only at a file's start";
        let message = message.into();
        return Err(Fault { position, message });
    }
    let blank = |line: &str| {
        let line = line.trim();
        line.is_empty() || line.starts_with('#') || line == "---" || line == "..."
    };
    if text.lines().all(blank) {
        let message = empty.into();
        return Err(Fault {
            position: start,
            message,
        });
    }
    serde_yaml::from_str(text).map_err(|error| fault(text, &error))
}

fn fault(text: &str, error: &serde_yaml::Error) -> Fault {
    let start = Position { line: 1, column: 1 };
    let told = error.to_string();
    let position = position(text, error).unwrap_or(start);
    let position = words::place(text, &told, position);
    let message = bare_id(text, position).unwrap_or_else(|| words::message(&told));
    let message = visible_message(&message);
    Fault { position, message }
}

/// What another program left in a directory file that is wrong, instead of the first thing that is wrong there.
fn left_by_others(text: &str, fault: Fault) -> Fault {
    match mistaken::other_program(text) {
        Some(left) => Fault {
            position: position_of(text, left.at.start),
            message: left.message,
        },
        None => fault,
    }
}

fn position_of(text: &str, byte: usize) -> Position {
    let before = text.get(..byte).unwrap_or_default();
    let last = before.rsplit('\n').next().unwrap_or_default();
    Position {
        line: before.matches('\n').count() + 1,
        column: last.chars().count() + 1,
    }
}

/// The reader's place, with lines that end in LF: it takes a lone CR and more for a line's end. It
/// counts characters; a byte order mark is none to it.
fn position(text: &str, error: &serde_yaml::Error) -> Option<Position> {
    let index = error.location()?.index();
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut position = Position { line: 1, column: 1 };
    for c in text.chars().take(index) {
        if c == '\n' {
            position.line += 1;
            position.column = 1;
        } else {
            position.column += 1;
        }
    }
    Some(position)
}

/// What is most likely wrong where YAML does not take an `@`.
fn bare_id(text: &str, position: Position) -> Option<String> {
    let line = text.lines().nth(position.line.checked_sub(1)?)?;
    let rest = line.chars().skip(position.column.checked_sub(1)?);
    let ends = |c: &char| [' ', ',', ']', '}'].contains(c);
    let id: String = rest.take_while(|c| !ends(c)).take(300).collect();
    let id = Some(short(&id)).filter(|id| id.starts_with('@'))?;
    Some(format!("`{id}` must stand in quotes: `\"{id}\"`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(line: usize, column: usize) -> Position {
        Position { line, column }
    }

    #[test]
    fn group_files() {
        let text = |t: &str| Entry::Text(t.into());
        assert_eq!(
            group_file("- \"@a:x\"\n- '@b'\n").unwrap(),
            [text("@a:x"), text("@b")]
        );
        assert_eq!(group_file("users: [\"@a\"]").unwrap(), [text("@a")]);
        assert_eq!(group_file("[]").unwrap(), []);
        for (bad, line) in [
            ("", 1),
            ("# nobody\n", 1),
            ("users:\n", 1),
            ("users: ~", 1),
            ("@a: b", 1),
            ("people: []", 1),
            ("- \"@a\"\n- @b\n", 2),
            ("{}", 1),
            ("users: []\nusers: []", 1),
            ("12", 1),
            ("- [", 1),
        ] {
            let fault = group_file(bad).unwrap_err();
            assert!(fault.position.line >= line, "{bad:?}: {fault:?}");
        }
    }

    #[test]
    fn entries_are_found_again() {
        let text = "users:\n  - '@a:x'\n  - 12\n  - '@c'\n";
        assert_eq!(
            group_file(text).unwrap().get(1),
            Some(&Entry::Other("a number"))
        );
        assert_eq!(place_of_entry(text, 1), at(3, 5));
        assert_eq!(place_of_entry(text, 2), at(4, 5));
        assert_eq!(place_of_entry("['@a:x', '@b']", 1), at(1, 10));
    }

    #[test]
    fn deep_brackets_are_refused() {
        let fault = group_file(&"[".repeat(100_000)).unwrap_err();
        assert_eq!(fault.position, at(1, 65));
        assert!(group_file("- \"[[[\"").is_ok());
    }

    #[test]
    fn directories() {
        let good = "server_name: x.org\nusers: ['@a:x.org']\nrooms:\n  '!r':\n    members: []\n";
        assert!(directory(good).is_ok());
        for bad in [
            "users:\n",
            "rooms: {'!r': {}, '!r': {}}",
            "usres: []",
            "users: ['ann']",
        ] {
            assert!(directory(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_stands_twice_is_shown_where_it_stands_again() {
        for (text, line, column) in [
            ("users: []\nserver_name: x.org\nusers: []\n", 3, 1),
            ("{users: [], users: []}", 1, 13),
            ("rooms:\n  '!r': {}\n  \"!r\": {}\n", 3, 3),
            ("rooms:\n  '!r':\n    members: []\n    members: []\n", 4, 5),
        ] {
            let fault = directory(text).unwrap_err();
            assert!(fault.message.ends_with("stands here twice"), "{fault:?}");
            assert_eq!(fault.position, at(line, column), "{text}");
        }
        let fault = group_file("users:\n- '@a'\nusers:\n- '@b'\n").unwrap_err();
        assert_eq!(fault.position, at(3, 1));
    }

    #[test]
    fn an_alias_has_one_room() {
        for (text, line, column) in [
            (
                "rooms:\n  '!r': {aliases: ['#a:x']}\n  '!s':\n    aliases: ['#b:x', '#a:x']\n",
                4,
                23,
            ),
            (
                "rooms:\n  '!r':\n    aliases:\n    - '#a:x'\n  '!s':\n    aliases:\n    - '#a:x'\n",
                7,
                7,
            ),
        ] {
            let fault = directory(text).unwrap_err();
            let message = "`#a:x` is an alias of the room `!r` already";
            assert!(fault.message.contains(message), "{fault:?}");
            assert_eq!(fault.position, at(line, column), "{text}");
        }
        assert!(directory("rooms: {'!r': {aliases: ['#a:x', '#a:x']}}").is_ok());
    }

    #[test]
    fn a_byte_order_mark_belongs_at_the_start() {
        assert!(group_file("\u{feff}- '@a'\n").is_ok());
        assert!(directory("\u{feff}users: []\n").is_ok());
        for text in ["users:\n\u{feff}- '@a:x'\n", "users:\n\u{feff}  - '@a:x'\n"] {
            for fault in [group_file(text).unwrap_err(), directory(text).unwrap_err()] {
                assert!(fault.message.contains("byte order mark"), "{fault:?}");
                assert_eq!(fault.position, at(2, 1));
            }
        }
    }
}
