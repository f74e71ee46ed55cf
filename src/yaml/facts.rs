//! Directory files, read strictly: the homeserver, the users and the rooms.
//!
//! Law: a file is what it says, or an error at the place that is wrong, with the path that leads there.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

use serde::de::{self, Deserialize, DeserializeSeed, Deserializer, MapAccess};

use super::keys::{Key, NewId, list, list_with};
use crate::diagnostic::short;
use crate::id::{RoomAlias, RoomId, ServerName, UserId};

/// A directory file as it is written.
#[derive(Debug, Default)]
pub struct DirectoryFile {
    /// The homeserver's own server.
    pub server_name: Option<Id<ServerName>>,
    /// The known users.
    pub users: Vec<Id<UserId>>,
    /// The rooms by ID.
    pub rooms: BTreeMap<Id<RoomId>, RoomFile>,
}

/// One room of a directory file.
#[derive(Debug, Default)]
pub struct RoomFile {
    /// Its aliases.
    pub aliases: Vec<Id<RoomAlias>>,
    /// The users joined to it.
    pub members: Vec<Id<UserId>>,
}

const DIRECTORY: &str = "a mapping with `server_name`, `users` and `rooms`";
const AN_ID: &str = "a Matrix ID in quotes, such as \"@ann:example.org\"";
const ROOM: &str = "a mapping with `aliases` and `members`";

impl<'de> Deserialize<'de> for DirectoryFile {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl<'de> de::Visitor<'de> for Visitor {
            type Value = DirectoryFile;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(DIRECTORY)
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                const KEYS: &[&str] = &["server_name", "users", "rooms"];
                let mut file = DirectoryFile::default();
                let mut seen = Vec::new();
                while let Some(key) = map.next_key_seed(Key::one_of(KEYS, &mut seen, DIRECTORY))? {
                    match key {
                        "server_name" => file.server_name = Some(map.next_value()?),
                        "users" => file.users = map.next_value_seed(List(PhantomData))?,
                        _ => file.rooms = map.next_value_seed(Rooms)?,
                    }
                }
                Ok(file)
            }
        }

        deserializer.deserialize_any(Visitor)
    }
}

struct Rooms;

impl<'de> DeserializeSeed<'de> for Rooms {
    type Value = BTreeMap<Id<RoomId>, RoomFile>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> de::Visitor<'de> for Rooms {
    type Value = BTreeMap<Id<RoomId>, RoomFile>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a mapping from room IDs to rooms (`{}` for none)")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut rooms = BTreeMap::new();
        let mut taken = BTreeMap::new();
        while let Some(room) = map.next_key_seed(NewId(&rooms, "room"))? {
            let owner = &room.0;
            let file = map.next_value_seed(RoomOf {
                owner,
                taken: &taken,
            })?;
            for alias in &file.aliases {
                taken.insert(alias.clone(), room.0.clone());
            }
            rooms.insert(room, file);
        }
        Ok(rooms)
    }
}

/// The aliases of the rooms read so far, each with its room.
type Taken = BTreeMap<Id<RoomAlias>, RoomId>;

/// Reads the room with this ID.
struct RoomOf<'k> {
    owner: &'k RoomId,
    taken: &'k Taken,
}

impl<'de> DeserializeSeed<'de> for RoomOf<'_> {
    type Value = RoomFile;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<RoomFile, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> de::Visitor<'de> for RoomOf<'_> {
    type Value = RoomFile;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(ROOM)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<RoomFile, A::Error> {
        const KEYS: &[&str] = &["aliases", "members"];
        let mut room = RoomFile::default();
        let mut seen = Vec::new();
        while let Some(key) = map.next_key_seed(Key::one_of(KEYS, &mut seen, ROOM))? {
            match key {
                "aliases" => room.aliases = map.next_value_seed(Aliases(&self))?,
                _ => room.members = map.next_value_seed(List(PhantomData))?,
            }
        }
        Ok(room)
    }
}

/// The aliases of a room, none of which is another's.
struct Aliases<'k>(&'k RoomOf<'k>);

impl<'de> DeserializeSeed<'de> for Aliases<'_> {
    type Value = Vec<Id<RoomAlias>>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        list_with(from, || Alias(self.0))
    }
}

struct Alias<'k>(&'k RoomOf<'k>);

impl<'de> DeserializeSeed<'de> for Alias<'_> {
    type Value = Id<RoomAlias>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_any(self)
    }
}

impl de::Visitor<'_> for Alias<'_> {
    type Value = Id<RoomAlias>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(AN_ID)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
        let alias = Id::read(text)?;
        match self.0.taken.get(&alias) {
            Some(other) if other != self.0.owner => {
                let (alias, other) = (short(text), short(other.as_str()));
                let message = format!("`{alias}` is an alias of the room `{other}` already");
                Err(E::custom(message))
            }
            _ => Ok(alias),
        }
    }
}

/// A list that is really there.
struct List<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> DeserializeSeed<'de> for List<T> {
    type Value = Vec<T>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Vec<T>, D::Error> {
        list(from)
    }
}

/// An identifier in a file, checked while it is read.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Id<T>(pub T);

impl<T: FromStr<Err: fmt::Display>> Id<T> {
    pub(super) fn read<E: de::Error>(text: &str) -> Result<Self, E> {
        let wrong = |error| E::custom(format_args!("`{}` {error}", short(text)));
        text.parse().map(Id).map_err(wrong)
    }
}

impl<'de, T: FromStr<Err: fmt::Display>> Deserialize<'de> for Id<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor<T>(PhantomData<T>);

        impl<T: FromStr<Err: fmt::Display>> de::Visitor<'_> for Visitor<T> {
            type Value = Id<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(AN_ID)
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Id<T>, E> {
                Id::read(text)
            }
        }

        deserializer.deserialize_any(Visitor(PhantomData))
    }
}
