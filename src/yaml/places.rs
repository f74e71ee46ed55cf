//! Where the entries of a group file stand: the reader tells places only of errors.
//!
//! Law: a place is the entry's own, or none.

use std::fmt;

use serde::de::{
    self, Deserialize, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess,
};

use super::group::GROUP_FILE;
use super::position;
use crate::source::Position;

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
