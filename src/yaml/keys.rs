//! Keys of mappings, each checked where it stands, and lists that are really there.
//!
//! The reader underneath takes a later key for an earlier one and an empty value for an empty list, and
//! tells a place only with an error about the value in hand. So a key is judged while it is read.
//!
//! Law: a key that is none, or that stands twice, is an error at its own place.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

use serde::de::{self, Deserialize, DeserializeSeed, Deserializer, SeqAccess};

use super::Id;
use crate::diagnostic::short;

/// Reads one of some known keys, which stands here for the first time.
pub(super) struct Key<'k> {
    known: &'static [&'static str],
    seen: &'k mut Vec<&'static str>,
    mapping: &'static str,
}

impl<'k> Key<'k> {
    /// `mapping` says what the mapping must be; `seen` are the keys read so far.
    pub(super) fn one_of(
        known: &'static [&'static str],
        seen: &'k mut Vec<&'static str>,
        mapping: &'static str,
    ) -> Self {
        Key {
            known,
            seen,
            mapping,
        }
    }
}

impl<'de> DeserializeSeed<'de> for Key<'_> {
    type Value = &'static str;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_any(self)
    }
}

impl de::Visitor<'_> for Key<'_> {
    type Value = &'static str;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys: Vec<String> = self.known.iter().map(|key| format!("`{key}`")).collect();
        write!(f, "the key {}", keys.join(" or "))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
        let Some(key) = self.known.iter().find(|key| **key == text) else {
            let message = format!("unknown key `{}`: expected {}", short(text), self.mapping);
            return Err(E::custom(message));
        };
        if self.seen.contains(key) {
            return Err(E::custom(format_args!("the key `{key}` stands here twice")));
        }
        self.seen.push(key);
        Ok(key)
    }
}

/// Reads an ID as a key, which stands here for the first time.
pub(super) struct NewId<'k, T, V>(pub &'k BTreeMap<Id<T>, V>, pub &'static str);

impl<'de, T, V> DeserializeSeed<'de> for NewId<'_, T, V>
where
    T: FromStr<Err: fmt::Display> + Ord,
{
    type Value = Id<T>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Id<T>, D::Error> {
        from.deserialize_any(self)
    }
}

impl<T, V> de::Visitor<'_> for NewId<'_, T, V>
where
    T: FromStr<Err: fmt::Display> + Ord,
{
    type Value = Id<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a {} in quotes", self.1)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Id<T>, E> {
        let id = Id::read(text)?;
        if self.0.contains_key(&id) {
            let message = format!("the {} `{}` stands here twice", self.1, short(text));
            return Err(E::custom(message));
        }
        Ok(id)
    }
}

/// A list that is really there: nothing at all is no empty list.
pub(super) fn list<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    from: D,
) -> Result<Vec<T>, D::Error> {
    list_with(from, || PhantomData)
}

/// The same, each entry read by a seed of its own.
pub(super) fn list_with<'de, D: Deserializer<'de>, S: DeserializeSeed<'de>>(
    from: D,
    seed: impl Fn() -> S,
) -> Result<Vec<S::Value>, D::Error> {
    struct Visitor<F>(F);

    impl<'de, S: DeserializeSeed<'de>, F: Fn() -> S> de::Visitor<'de> for Visitor<F> {
        type Value = Vec<S::Value>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list (`[]` for an empty one)")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
            let mut list = Vec::new();
            while let Some(item) = seq.next_element_seed((self.0)())? {
                list.push(item);
            }
            Ok(list)
        }
    }

    from.deserialize_any(Visitor(seed))
}
