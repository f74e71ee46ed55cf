//! Group files, read strictly: a list of texts, or a mapping with the one key `users` that holds one.
//!
//! Not for: what an entry must be (`resolve`), nor what was meant by a file that is wrong (`mistaken`).
//!
//! Law: a file is what it says, or an error at the place that is wrong.

use std::fmt;

use serde::de::{self, Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess};

use super::keys::{Key, list};

/// One entry of a group file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// A text, which should be a user ID.
    Text(String),
    /// Something else, described.
    Other(&'static str),
}

/// What a group file must be, said in every error about its shape.
pub(super) const GROUP_FILE: &str =
    "a list of user IDs, or a mapping with the key `users` that holds one";

pub(super) struct GroupFile(pub Vec<Entry>);

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
                let mut seen = Vec::new();
                let mut users: Option<Users> = None;
                while map
                    .next_key_seed(Key::one_of(&["users"], &mut seen, GROUP_FILE))?
                    .is_some()
                {
                    users = Some(map.next_value()?);
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
