//! YAML files: group files and directory files. The only place that names `serde_yaml`.
//!
//! The reader underneath is lenient where an operator must be told: it takes an empty value for an
//! empty list, and a later key for an earlier one. The visitors here are strict, so that a file is
//! what it says or an error with its place.
//!
//! Law: never a panic; time and memory linear in the text (unclosed flow brackets and copies made
//! through aliases are bounded).

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

/// How deep `[` and `{` may nest; the reader's time grows with the square of the depth.
const MAX_FLOW_DEPTH: usize = 64;

/// The same, of brackets in quotes and comments too: far more than IDs hold by chance.
const MAX_DEPTH_ANYWHERE: usize = 4096;

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

/// The place of an entry of a group file. Costs reading the file up to it.
pub fn place_of_entry(text: &str, index: usize) -> Position {
    let start = Position { line: 1, column: 1 };
    let deserializer = serde_yaml::Deserializer::from_str(text);
    match StopAt(index).deserialize(deserializer) {
        Err(error) => position(text, &error).unwrap_or(start),
        Ok(()) => start,
    }
}

/// For each entry of a group file the byte at which it stands, if it is a text that is written as it
/// is read: without escapes. Costs reading the file.
pub fn places_of_texts(text: &str) -> Vec<Option<usize>> {
    let mut places = Vec::new();
    let deserializer = serde_yaml::Deserializer::from_str(text);
    // An error ends the list early.
    let _ = Places(&mut places).deserialize(deserializer);
    let start = text.as_ptr() as usize;
    let within = |address: usize| {
        let at = address.checked_sub(start).filter(|at| *at < text.len())?;
        let quote = text.as_bytes().get(at.checked_sub(1)?);
        Some(at - usize::from(matches!(quote, Some(b'"' | b'\''))))
    };
    places
        .into_iter()
        .map(|address| address.and_then(within))
        .collect()
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
    let position = position(text, error).unwrap_or(start);
    let message = bare_id(text, position).unwrap_or_else(|| without_place(error));
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

/// The reader's message; it ends in the place, which is given apart.
fn without_place(error: &serde_yaml::Error) -> String {
    let message = error.to_string();
    let end = message.rfind(" at line ").unwrap_or(message.len());
    let message = message.get(..end).unwrap_or(&message);
    // `users: invalid type: string "@ann", expected a list`
    match message.split_once("invalid type: ") {
        Some((key, rest)) if rest.contains(", expected ") => {
            let (found, wanted) = rest.rsplit_once(", expected ").unwrap_or((rest, ""));
            let found = found.replacen("string", "the text", 1);
            format!("{key}expected {wanted}, found {found}")
        }
        _ => message.to_owned(),
    }
}

/// The first bracket that is nested too deep: outside quotes and comments over
/// [`MAX_FLOW_DEPTH`]. Where a quote begins is guessed line by line; a text that leads the guess
/// astray is caught by a count of all brackets.
fn too_deep(text: &str) -> Option<Position> {
    let mut depth = 0_usize;
    let mut everywhere = 0_usize;
    for (number, line) in text.lines().enumerate() {
        let mut quote = None;
        let mut before = ' ';
        let mut comment = false;
        for (column, c) in line.chars().enumerate() {
            match c {
                '[' | '{' => everywhere += 1,
                ']' | '}' => everywhere = everywhere.saturating_sub(1),
                _ => {}
            }
            match (quote, c) {
                _ if comment => {}
                (None, '#') if before.is_whitespace() => comment = true,
                (None, '"' | '\'') if !before.is_alphanumeric() => quote = Some(c),
                (Some(mark), c) if c == mark => quote = None,
                (None, '[' | '{') => depth += 1,
                (None, ']' | '}') => depth = depth.saturating_sub(1),
                _ => {}
            }
            if depth > MAX_FLOW_DEPTH || everywhere > MAX_DEPTH_ANYWHERE {
                return Some(Position {
                    line: number + 1,
                    column: column + 1,
                });
            }
            before = c;
        }
    }
    None
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

/// Counts the values of a file down, each as often as its aliases repeat it.
struct Count<'c>(&'c mut usize);

impl Count<'_> {
    fn one<E: de::Error>(self) -> Result<(), E> {
        *self.0 = self.0.saturating_sub(1);
        if *self.0 == 0 {
            let message = "aliases make more values of this file than it has bytes: write them out";
            return Err(E::custom(message));
        }
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Count<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> de::Visitor<'de> for Count<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    fn visit_str<E: de::Error>(self, _: &str) -> Result<(), E> {
        self.one()
    }

    fn visit_unit<E: de::Error>(self) -> Result<(), E> {
        self.one()
    }

    fn visit_bool<E: de::Error>(self, _: bool) -> Result<(), E> {
        self.one()
    }

    fn visit_i64<E: de::Error>(self, _: i64) -> Result<(), E> {
        self.one()
    }

    fn visit_u64<E: de::Error>(self, _: u64) -> Result<(), E> {
        self.one()
    }

    fn visit_f64<E: de::Error>(self, _: f64) -> Result<(), E> {
        self.one()
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while seq.next_element_seed(Count(self.0))?.is_some() {}
        self.one()
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while map.next_key_seed(Count(self.0))?.is_some() {
            map.next_value_seed(Count(self.0))?;
        }
        self.one()
    }
}

/// Reads a group file and notes where in memory each entry lies that is a piece of the text itself.
struct Places<'p>(&'p mut Vec<Option<usize>>);

impl<'de> DeserializeSeed<'de> for Places<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> de::Visitor<'de> for Places<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(GROUP_FILE)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while let Some(Place(address)) = seq.next_element()? {
            self.0.push(address);
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while map.next_key::<IgnoredAny>()?.is_some() {
            map.next_value_seed(Places(self.0))?;
        }
        Ok(())
    }
}

struct Place(Option<usize>);

impl<'de> Deserialize<'de> for Place {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl<'de> de::Visitor<'de> for Visitor {
            type Value = Place;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("anything")
            }

            fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Place, E> {
                Ok(Place(Some(text.as_ptr() as usize)))
            }

            fn visit_str<E: de::Error>(self, _: &str) -> Result<Place, E> {
                Ok(Place(None))
            }

            fn visit_unit<E: de::Error>(self) -> Result<Place, E> {
                Ok(Place(None))
            }

            fn visit_bool<E: de::Error>(self, _: bool) -> Result<Place, E> {
                Ok(Place(None))
            }

            fn visit_i64<E: de::Error>(self, _: i64) -> Result<Place, E> {
                Ok(Place(None))
            }

            fn visit_u64<E: de::Error>(self, _: u64) -> Result<Place, E> {
                Ok(Place(None))
            }

            fn visit_f64<E: de::Error>(self, _: f64) -> Result<Place, E> {
                Ok(Place(None))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Place, A::Error> {
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Place(None))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Place, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Place(None))
            }
        }

        deserializer.deserialize_any(Visitor)
    }
}

/// Reads a group file and fails on purpose at an entry: the reader tells places only of errors.
#[derive(Clone, Copy)]
struct StopAt(usize);

impl<'de> DeserializeSeed<'de> for StopAt {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> de::Visitor<'de> for StopAt {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(GROUP_FILE)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        for _ in 0..self.0 {
            seq.next_element::<IgnoredAny>()?;
        }
        seq.next_element::<Stop>()?;
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while map.next_key::<IgnoredAny>()?.is_some() {
            map.next_value_seed(self)?;
        }
        Ok(())
    }
}

/// Any value at all is an error here, which then carries its place.
struct Stop;

impl<'de> Deserialize<'de> for Stop {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl de::Visitor<'_> for Visitor {
            type Value = Stop;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the place of this value")
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
