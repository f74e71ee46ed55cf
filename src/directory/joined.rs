//! The rooms that one user is joined to, by their numbers in the directory.
//!
//! Most users are in few rooms, and there are very many users: so few numbers stand by themselves. A bot
//! may be in every room.
//!
//! Law: each room once. To join, leave and ask costs the same however many rooms there are.

use std::collections::HashSet;

use foldhash::fast::RandomState;
use smallvec::SmallVec;

/// More rooms than these are hashed.
const FEW: usize = 32;

#[derive(Debug, Clone)]
pub(crate) enum Joined {
    Few(SmallVec<[u32; 4]>),
    #[expect(
        clippy::box_collection,
        reason = "few users have it, and all are as large"
    )]
    Many(Box<HashSet<u32, RandomState>>),
}

impl Default for Joined {
    fn default() -> Self {
        Joined::Few(SmallVec::new())
    }
}

impl Joined {
    pub(crate) fn len(&self) -> usize {
        match self {
            Joined::Few(rooms) => rooms.len(),
            Joined::Many(rooms) => rooms.len(),
        }
    }

    #[inline]
    pub(crate) fn contains(&self, room: u32) -> bool {
        match self {
            Joined::Few(rooms) => rooms.contains(&room),
            Joined::Many(rooms) => rooms.contains(&room),
        }
    }

    /// `false` if it is there already.
    pub(super) fn insert(&mut self, room: u32) -> bool {
        match self {
            Joined::Few(rooms) if rooms.contains(&room) => false,
            Joined::Few(rooms) if rooms.len() < FEW => {
                rooms.push(room);
                true
            }
            Joined::Few(rooms) => {
                let many = rooms.drain(..).chain([room]).collect();
                *self = Joined::Many(Box::new(many));
                true
            }
            Joined::Many(rooms) => rooms.insert(room),
        }
    }

    pub(super) fn remove(&mut self, room: u32) {
        match self {
            Joined::Few(rooms) => rooms.retain(|other| *other != room),
            Joined::Many(rooms) => _ = rooms.remove(&room),
        }
    }

    /// In no order.
    pub(super) fn iter(&self) -> impl Iterator<Item = u32> {
        let (few, many) = match self {
            Joined::Few(rooms) => (Some(rooms.iter()), None),
            Joined::Many(rooms) => (None, Some(rooms.iter())),
        };
        let all = few.into_iter().flatten().chain(many.into_iter().flatten());
        all.copied()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn as_a_set_does() {
        let mut joined = Joined::default();
        let mut set = BTreeSet::new();
        for step in 0..2000_u32 {
            // Over the limit and back to none.
            let room = step * 7919 % 53;
            if step % 400 < 250 {
                assert_eq!(joined.insert(room), set.insert(room));
            } else {
                joined.remove(room);
                set.remove(&room);
            }
            assert_eq!(joined.len(), set.len());
            assert_eq!(joined.iter().collect::<BTreeSet<u32>>(), set);
            assert!((0..53).all(|room| joined.contains(room) == set.contains(&room)));
        }
        assert!(matches!(joined, Joined::Many(_)));
    }
}
