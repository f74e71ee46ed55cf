//! What a small file must not make large: brackets nested so deep that the reader's time is their
//! square, and aliases that stand for more values than memory holds.
//!
//! Law: a file without aliases, with IDs and lists alone, is never refused.

use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess};

use crate::source::Position;

/// How deep `[` and `{` may nest; the reader's time grows with the square of the depth.
pub(super) const MAX_FLOW_DEPTH: usize = 64;

/// The same, of brackets in quotes and comments too: far more than IDs hold by chance.
const MAX_DEPTH_ANYWHERE: usize = 4096;

/// The first bracket that is nested too deep: outside quotes and comments over
/// [`MAX_FLOW_DEPTH`]. Where a quote begins is guessed line by line; a text that leads the guess
/// astray is caught by a count of all brackets.
pub(super) fn too_deep(text: &str) -> Option<Position> {
    // Most files open none at all.
    let opened = text.bytes().filter(|byte| matches!(byte, b'[' | b'{'));
    if opened.count() <= MAX_FLOW_DEPTH {
        return None;
    }
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

/// Counts the values of a file down, each as often as its aliases repeat it.
pub(super) struct Count<'c>(pub &'c mut usize);

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
