//! Users in byte order, of whom a few come and go.
//!
//! Most stand in one sorted block, which takes no more than they are many and is read as fast as memory
//! is. Who came or went since it was made stands beside it, in a small sorted map that is worked into the
//! block when it has grown to a share of it. So a change looks at none of those who stay, and to read
//! them all costs little more than to read the block.
//!
//! Not for: whether a user is in it. The directory knows that from its hash maps, where it costs one
//! look-up however many there are.
//!
//! Law: each user once, in byte order, whichever changes led there.

use std::collections::BTreeMap;
use std::collections::btree_map;
use std::ops::Bound;

use crate::id::UserId;

/// Fewer users than these are put into their place at once.
const SMALL: usize = 128;

/// The block is made anew once the changes are this share of it: so many of its users are moved for each.
const SHARE: usize = 8;

/// What became of a user since the block was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change {
    Came,
    Went,
}

/// Users in byte order.
#[derive(Debug, Clone, Default)]
pub(super) struct Users {
    block: Vec<UserId>,
    changes: BTreeMap<UserId, Change>,
    count: usize,
}

impl Users {
    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.count
    }

    /// Adds a user who is not in it. Costs a logarithm of the changes, in the mean over many.
    pub(super) fn add(&mut self, user: UserId) {
        self.count += 1;
        if self.is_small() {
            let at = self.block.partition_point(|other| *other < user);
            self.block.insert(at, user);
        } else if self.changes.remove(&user).is_none() {
            self.changes.insert(user, Change::Came);
            self.settle();
        }
    }

    /// Takes out a user who is in it. Costs a logarithm of the changes, in the mean over many.
    pub(super) fn remove(&mut self, user: &UserId) {
        self.count = self.count.saturating_sub(1);
        if self.is_small() {
            if let Ok(at) = self.block.binary_search(user) {
                self.block.remove(at);
            }
        } else if self.changes.remove(user).is_none() {
            self.changes.insert(user.clone(), Change::Went);
            self.settle();
        }
    }

    /// All of them, in order.
    pub(super) fn iter(&self) -> Iter<'_> {
        Iter {
            walk: Walk::new(&self.block, self.changes.iter()),
            left: self.count,
        }
    }

    /// Those whose ID begins with a text, in order. Costs a logarithm of all, and those.
    pub(super) fn from<'a, 's>(
        &'a self,
        start: &'s str,
    ) -> impl Iterator<Item = &'a UserId> + use<'a, 's> {
        let first = self.block.partition_point(|user| user.as_str() < start);
        let block = self.block.get(first..).unwrap_or_default();
        let count = block.partition_point(|user| user.as_str().starts_with(start));
        let changes = (Bound::Included(start), Bound::Unbounded);
        let changes = self.changes.range::<str, _>(changes);
        let changes = changes.take_while(move |(user, _)| user.as_str().starts_with(start));
        Walk::new(block.get(..count).unwrap_or_default(), changes)
    }

    fn is_small(&self) -> bool {
        self.changes.is_empty() && self.block.len() < SMALL
    }

    /// Works the changes into the block if they are many.
    fn settle(&mut self) {
        if self.changes.len() <= self.block.len() / SHARE {
            return;
        }
        let mut block = Vec::with_capacity(self.count);
        let mut before = std::mem::take(&mut self.block).into_iter();
        for (user, change) in std::mem::take(&mut self.changes) {
            let stay = before.as_slice().partition_point(|other| *other < user);
            block.extend(before.by_ref().take(stay));
            match change {
                Change::Came => block.push(user),
                Change::Went => _ = before.next(),
            }
        }
        block.extend(before);
        self.block = block;
    }
}

impl FromIterator<UserId> for Users {
    fn from_iter<I: IntoIterator<Item = UserId>>(users: I) -> Self {
        let mut block: Vec<UserId> = users.into_iter().collect();
        block.sort_unstable();
        block.dedup();
        block.shrink_to_fit();
        Users {
            count: block.len(),
            block,
            changes: BTreeMap::new(),
        }
    }
}

/// Goes through the block and stops where somebody came or went.
#[derive(Debug, Clone, Default)]
struct Walk<'a, C> {
    /// Those who are next, up to the next change.
    run: &'a [UserId],
    /// Who came, and is next after these.
    came: Option<&'a UserId>,
    rest: &'a [UserId],
    changes: C,
}

impl<'a, C: Iterator<Item = (&'a UserId, &'a Change)>> Walk<'a, C> {
    fn new(block: &'a [UserId], changes: C) -> Self {
        Walk {
            run: &[],
            came: None,
            rest: block,
            changes,
        }
    }

    /// Goes on to the next change; `false` if nobody is left.
    fn advance(&mut self) -> bool {
        let Some((user, change)) = self.changes.next() else {
            self.run = std::mem::take(&mut self.rest);
            return !self.run.is_empty();
        };
        let stay = self.rest.partition_point(|other| other < user);
        (self.run, self.rest) = self.rest.split_at_checked(stay).unwrap_or_default();
        match change {
            Change::Came => self.came = Some(user),
            Change::Went => self.rest = self.rest.get(1..).unwrap_or_default(),
        }
        true
    }
}

impl<'a, C: Iterator<Item = (&'a UserId, &'a Change)>> Iterator for Walk<'a, C> {
    type Item = &'a UserId;

    fn next(&mut self) -> Option<&'a UserId> {
        loop {
            if let Some((next, run)) = self.run.split_first() {
                self.run = run;
                return Some(next);
            }
            if let Some(came) = self.came.take() {
                return Some(came);
            }
            if !self.advance() {
                return None;
            }
        }
    }

    /// Whole runs at a time.
    fn fold<B, F: FnMut(B, &'a UserId) -> B>(mut self, first: B, mut add: F) -> B {
        let mut sum = first;
        loop {
            sum = self.run.iter().chain(self.came.take()).fold(sum, &mut add);
            self.run = &[];
            if !self.advance() {
                return sum;
            }
        }
    }
}

/// All users of a [`Users`]; without one, nobody.
#[derive(Debug, Clone, Default)]
pub(super) struct Iter<'a> {
    walk: Walk<'a, btree_map::Iter<'a, UserId, Change>>,
    left: usize,
}

impl<'a> Iterator for Iter<'a> {
    type Item = &'a UserId;

    fn next(&mut self) -> Option<&'a UserId> {
        let next = self.walk.next();
        self.left = self.left.saturating_sub(1);
        next
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }

    fn fold<B, F: FnMut(B, &'a UserId) -> B>(self, first: B, add: F) -> B {
        self.walk.fold(first, add)
    }
}

impl ExactSizeIterator for Iter<'_> {}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn user(number: usize) -> UserId {
        UserId::parse(&format!("@u{number:04}:x")).unwrap()
    }

    proptest! {
        /// Held against the standard library's sorted set, from empty and from more than are small.
        #[test]
        fn changes_leave_each_user_once_and_in_order(
            before in 0..4_usize,
            changes in prop::collection::vec(0..900_usize, 0..400),
        ) {
            let mut plain: BTreeSet<UserId> = (0..before * 150).map(|n| user(n * 2)).collect();
            let mut users: Users = plain.iter().cloned().collect();
            for (at, number) in changes.into_iter().enumerate() {
                let changed = user(number);
                if plain.remove(&changed) {
                    users.remove(&changed);
                } else {
                    plain.insert(changed.clone());
                    users.add(changed);
                }
                prop_assert_eq!(users.len(), plain.len());
                if at % 16 == 0 {
                    prop_assert!(users.iter().eq(&plain));
                    prop_assert_eq!(users.iter().len(), plain.len());
                    let start = format!("@u{:02}", number % 100);
                    let begins = |user: &&UserId| user.as_str().starts_with(&start);
                    let expected: Vec<&UserId> = plain.iter().filter(begins).collect();
                    prop_assert!(users.from(&start).eq(expected.iter().copied()));
                    let mut folded = Vec::new();
                    users.from(&start).for_each(|user| folded.push(user));
                    prop_assert_eq!(folded, expected);
                    let mut folded = users.iter().skip(1).map(UserId::as_str).collect::<String>();
                    users.iter().for_each(|user| folded += user.as_str());
                    let all = plain.iter().skip(1).chain(&plain).map(UserId::as_str);
                    prop_assert_eq!(folded, all.collect::<String>());
                }
            }
            prop_assert!(users.iter().eq(&plain));
        }
    }

    #[test]
    fn many_changes_are_worked_into_the_block() {
        let mut users: Users = (0..1_000).map(|n| user(n * 4)).collect();
        for number in 0..500 {
            users.add(user(number * 4 + 1));
            assert!(users.changes.len() <= users.block.len() / SHARE);
        }
        for number in 0..1_400 {
            if number % 4 < 1 {
                users.remove(&user(number));
            }
        }
        assert_eq!((users.len(), users.iter().count()), (1_150, 1_150));
    }
}
