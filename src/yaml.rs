//! YAML files: group files and directory files. The only place that names `serde_yaml`.
//!
//! The reader underneath is lenient where an operator must be told: it takes an empty value for an
//! empty list, and a later key for an earlier one. The visitors here are strict, so that a file is
//! what it says or an error with its place.
//!
//! Law: never a panic; time and memory linear in the text (unclosed flow brackets and copies made
//! through aliases are bounded).

mod bounds;
mod places;
mod words;

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

use serde::de::{
    self, Deserialize, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess,
};

use crate::diagnostic::visible_message;
use crate::id::{RoomAlias, RoomId, ServerName, UserId};
use crate::source::Position;

use bounds::{Count, MAX_FLOW_DEPTH, too_deep};
pub use places::{place_of_entry, places_of_texts};

/// What is wrong with a file, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The place, from 1.
    pub position: Position,
    /// What is wrong.
    pub message: String,
}

/// One entry of a group file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// A text, which should be a user ID.
    Text(String),
    /// Something else, described.
    Other(&'static str),
}

/// A directory file as it is written.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(
    deny_unknown_fields,
    expecting = "a mapping with `server_name`, `users` and `rooms`"
)]
pub struct DirectoryFile {
    /// The homeserver's own server.
    #[serde(default, deserialize_with = "present")]
    pub server_name: Option<Id<ServerName>>,
    /// The known users.
    #[serde(default, deserialize_with = "list")]
    pub users: Vec<Id<UserId>>,
    /// The rooms by ID.
    #[serde(default, deserialize_with = "map")]
    pub rooms: BTreeMap<Id<RoomId>, RoomFile>,
}

/// One room of a directory file.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(
    deny_unknown_fields,
    expecting = "a mapping with `aliases` and `members`"
)]
pub struct RoomFile {
    /// Its aliases.
    #[serde(default, deserialize_with = "list")]
    pub aliases: Vec<Id<RoomAlias>>,
    /// The users joined to it.
    #[serde(default, deserialize_with = "list")]
    pub members: Vec<Id<UserId>>,
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
    read(text, "the file is empty: write at least `users: []`")
}

/// Reads a group file: a list of texts, or a mapping with the key `users` that holds one.
///
/// # Errors
/// The first [`Fault`] of the file as a whole; entries are given as they are.
pub fn group_file(text: &str) -> Result<Vec<Entry>, Fault> {
    read::<GroupFile>(text, "the file is empty: write `[]` if nobody is meant").map(|file| file.0)
}

fn read<T: for<'de> Deserialize<'de>>(text: &str, empty: &str) -> Result<T, Fault> {
    let start = Position { line: 1, column: 1 };
    if let Some(position) = too_deep(text) {
        let message = format!("brackets are nested over {MAX_FLOW_DEPTH} deep");
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
    let rest: String = line.chars().skip(position.column.checked_sub(1)?).collect();
    let end = rest.find([' ', ',', ']', '}']).unwrap_or(rest.len());
    let id = rest.get(..end).filter(|id| id.starts_with('@'))?;
    Some(format!("`{id}` must stand in quotes: `\"{id}\"`"))
}

/// An identifier in a file, checked while it is read.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Id<T>(pub T);

impl<'de, T: FromStr<Err: fmt::Display>> Deserialize<'de> for Id<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor<T>(PhantomData<T>);

        impl<T: FromStr<Err: fmt::Display>> de::Visitor<'_> for Visitor<T> {
            type Value = Id<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a Matrix ID in quotes, such as \"@ann:example.org\"")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Id<T>, E> {
                let wrong = |error| E::custom(format_args!("`{text}` {error}"));
                text.parse().map(Id).map_err(wrong)
            }
        }

        deserializer.deserialize_any(Visitor(PhantomData))
    }
}

/// A value that is really there: nothing at all is no value.
fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Option<T>, D::Error> {
    T::deserialize(from).map(Some)
}

/// A list that is really there: nothing at all is no empty list.
fn list<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Vec<T>, D::Error> {
    struct Visitor<T>(PhantomData<T>);

    impl<'de, T: Deserialize<'de>> de::Visitor<'de> for Visitor<T> {
        type Value = Vec<T>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list (`[]` for an empty one)")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Vec<T>, A::Error> {
            let mut list = Vec::new();
            while let Some(item) = seq.next_element()? {
                list.push(item);
            }
            Ok(list)
        }
    }

    from.deserialize_any(Visitor(PhantomData))
}

/// A mapping in which no key stands twice.
fn map<'de, D, K, V>(from: D) -> Result<BTreeMap<K, V>, D::Error>
where
    D: Deserializer<'de>,
    K: Deserialize<'de> + Ord + fmt::Debug,
    V: Deserialize<'de>,
{
    struct Visitor<K, V>(PhantomData<(K, V)>);

    impl<'de, K, V> de::Visitor<'de> for Visitor<K, V>
    where
        K: Deserialize<'de> + Ord + fmt::Debug,
        V: Deserialize<'de>,
    {
        type Value = BTreeMap<K, V>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a mapping (`{}` for an empty one)")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
            let mut map = BTreeMap::new();
            while let Some(key) = entries.next_key::<K>()? {
                if map.contains_key(&key) {
                    return Err(de::Error::custom(format_args!("{key:?} stands here twice")));
                }
                map.insert(key, entries.next_value()?);
            }
            Ok(map)
        }
    }

    from.deserialize_any(Visitor(PhantomData))
}

/// What a group file must be, said in every error about its shape.
const GROUP_FILE: &str = "a list of user IDs, or a mapping with the key `users` that holds one";

struct GroupFile(Vec<Entry>);

impl<'de> Deserialize<'de> for GroupFile {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl<'de> de::Visitor<'de> for Visitor {
            type Value = GroupFile;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(GROUP_FILE)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<GroupFile, A::Error> {
                let mut list = Vec::new();
                while let Some(entry) = seq.next_element::<Entry>()? {
                    list.push(entry);
                }
                Ok(GroupFile(list))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<GroupFile, A::Error> {
                struct Users(Vec<Entry>);
                impl<'de> Deserialize<'de> for Users {
                    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                        list(from).map(Users)
                    }
                }
                let mut users: Option<Users> = None;
                while let Some(key) = map.next_key::<String>()? {
                    match (key.as_str(), &users) {
                        ("users", None) => users = Some(map.next_value()?),
                        ("users", Some(_)) => {
                            return Err(de::Error::custom("the key `users` stands here twice"));
                        }
                        _ => {
                            let message = format!("unknown key `{key}`: expected {GROUP_FILE}");
                            return Err(de::Error::custom(message));
                        }
                    }
                }
                let missing = || de::Error::custom("the key `users` is missing");
                users.map(|Users(list)| GroupFile(list)).ok_or_else(missing)
            }
        }

        deserializer.deserialize_any(Visitor)
    }
}

impl<'de> Deserialize<'de> for Entry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl<'de> de::Visitor<'de> for Visitor {
            type Value = Entry;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a user ID in quotes")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Entry, E> {
                // Copies made through aliases end here: no user ID is longer.
                if text.len() > 4 * crate::id::MAX_BYTES {
                    return Ok(Entry::Other("a very long text"));
                }
                Ok(Entry::Text(text.into()))
            }

            fn visit_unit<E: de::Error>(self) -> Result<Entry, E> {
                Ok(Entry::Other("nothing"))
            }

            fn visit_bool<E: de::Error>(self, _: bool) -> Result<Entry, E> {
                Ok(Entry::Other("a truth value"))
            }

            fn visit_i64<E: de::Error>(self, _: i64) -> Result<Entry, E> {
                Ok(Entry::Other("a number"))
            }

            fn visit_u64<E: de::Error>(self, _: u64) -> Result<Entry, E> {
                Ok(Entry::Other("a number"))
            }

            fn visit_f64<E: de::Error>(self, _: f64) -> Result<Entry, E> {
                Ok(Entry::Other("a number"))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Entry, A::Error> {
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Entry::Other("a list"))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entry, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Entry::Other("a mapping"))
            }
        }

        deserializer.deserialize_any(Visitor)
    }
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
}
