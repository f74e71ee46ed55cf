//! The users a policy names, numbered in byte order.
//!
//! Law: a number stands for one ID and the other way round, and numbers compare as the IDs do, so that
//! sets of named users are sorted lists of small numbers.

use std::hash::BuildHasher;

use foldhash::fast::RandomState;
use hashbrown::HashTable;

use crate::id::UserId;

/// The users named in a policy.
#[derive(Debug, Default)]
pub(crate) struct Names {
    users: Box<[UserId]>,
    /// With the users themselves, so that a look-up need not go by way of their list.
    numbers: HashTable<(UserId, u32)>,
    hasher: RandomState,
}

impl Names {
    /// From a sorted list with each user once.
    pub(crate) fn new(users: Box<[UserId]>) -> Self {
        let hasher = RandomState::default();
        let mut numbers = HashTable::with_capacity(users.len());
        let hash_of = |(user, _): &(UserId, u32)| hasher.hash_one(user.as_str());
        for (number, user) in (0..).zip(&users) {
            let entry = (user.clone(), number);
            numbers.insert_unique(hash_of(&entry), entry, hash_of);
        }
        Names {
            users,
            numbers,
            hasher,
        }
    }

    /// How many there are.
    pub(crate) fn len(&self) -> u32 {
        u32::try_from(self.users.len()).unwrap_or(u32::MAX)
    }

    /// The number of a user. Costs one look-up.
    pub(crate) fn number(&self, user: &str) -> Option<u32> {
        if self.users.is_empty() {
            return None;
        }
        let same = |(id, _): &(UserId, u32)| id.as_str() == user;
        let found = self.numbers.find(self.hasher.hash_one(user), same);
        found.map(|(_, number)| *number)
    }

    /// The user of a number.
    pub(crate) fn user(&self, number: u32) -> Option<&UserId> {
        self.users.get(number as usize)
    }

    /// All of them, sorted.
    pub(crate) fn users(&self) -> &[UserId] {
        &self.users
    }

    /// Those whose ID begins with a text, sorted.
    pub(crate) fn users_from(&self, start: &str) -> &[UserId] {
        let first = self.users.partition_point(|user| user.as_str() < start);
        let rest = self.users.get(first..).unwrap_or_default();
        let count = rest.partition_point(|user| user.as_str().starts_with(start));
        rest.get(..count).unwrap_or_default()
    }
}
