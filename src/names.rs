//! The users a policy names, numbered.
//!
//! Where a policy is loaded once more, most of them are those of the time before. So [`Naming`] finds
//! users among those, and the new [`Names`] share the block of the old: whoever came since is numbered
//! behind it, and whoever is no longer named leaves their number to nobody. Once many came or went, all
//! are put in one block again.
//!
//! Law: a number stands for one ID and the other way round, and users of before keep theirs while the
//! block is shared, so that lists of numbers may be shared too. The numbers of a block compare as its
//! IDs do; of those behind it nothing follows from the order.

mod naming;

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::hash::BuildHasher;
use std::iter::Peekable;
use std::slice;
use std::sync::{Arc, OnceLock};

use foldhash::fast::RandomState;
use hashbrown::HashTable;

use crate::id::UserId;

pub(crate) use naming::{Naming, Numbers};

/// The users named in a policy.
#[derive(Default)]
pub struct Names {
    /// Shared with the names that these were made from.
    block: Arc<Block>,
    /// Users who came since, by their numbers less those of the block.
    more: Box<[UserId]>,
    /// Their numbers.
    more_numbers: Numbered,
    /// The same numbers by the IDs, without those who went again.
    more_sorted: Box<[u32]>,
    /// The numbers of users who are no longer named, sorted.
    gone: Box<[u32]>,
}

/// Users numbered in byte order.
#[derive(Default)]
struct Block {
    users: Box<[UserId]>,
    numbers: Numbered,
    hasher: RandomState,
    by_server: OnceLock<ByServer>,
}

/// The users of each server, by their numbers, sorted.
type ByServer = HashMap<Box<str>, Vec<u32>, RandomState>;

/// Users with their numbers, to be found by their IDs.
#[derive(Clone, Default)]
struct Numbered(HashTable<Entry>);

/// The ID stands here as well, because a look at another place costs more than all else.
#[derive(Clone)]
struct Entry {
    user: UserId,
    number: u32,
    hash: u32,
}

impl Numbered {
    #[inline]
    fn find(&self, hash: u32, user: &str) -> Option<&Entry> {
        let same = |entry: &Entry| entry.hash == hash && entry.user.as_str() == user;
        self.0.find(spread(hash), same)
    }

    /// A user who has this hash, if any; most often the one that is meant. Looks at no ID.
    #[inline]
    fn guess(&self, hash: u32) -> Option<&Entry> {
        self.0.find(spread(hash), |entry| entry.hash == hash)
    }

    fn insert(&mut self, entry: Entry) {
        let hash = |entry: &Entry| spread(entry.hash);
        self.0.insert_unique(hash(&entry), entry, hash);
    }
}

/// The table wants its bits at both ends.
#[inline]
fn spread(hash: u32) -> u64 {
    u64::from(hash) << 32 | u64::from(hash)
}

impl Names {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.block.users.len() + self.more.len() - self.gone.len()
    }

    /// Whether nobody is named.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// One more than the highest number.
    #[inline]
    pub(crate) fn end(&self) -> u32 {
        // A policy has fewer bytes than that.
        (self.block.users.len() + self.more.len()) as u32
    }

    /// The number of a user. Costs one look-up.
    #[inline]
    pub fn number(&self, user: &str) -> Option<u32> {
        let number = self.ever(self.hash_of(user), user)?.number;
        (self.gone.is_empty() || !self.is_gone(number)).then_some(number)
    }

    /// The number of a user who is named or was.
    #[inline]
    fn ever(&self, hash: u32, user: &str) -> Option<&Entry> {
        let entry = self.block.numbers.find(hash, user);
        if entry.is_some() || self.more.is_empty() {
            return entry;
        }
        self.more_numbers.find(hash, user)
    }

    #[inline]
    fn hash_of(&self, user: &str) -> u32 {
        self.block.hasher.hash_one(user) as u32
    }

    fn is_gone(&self, number: u32) -> bool {
        self.gone.binary_search(&number).is_ok()
    }

    /// The user of a number.
    #[inline]
    pub fn user(&self, number: u32) -> Option<&UserId> {
        let users = &self.block.users;
        users.get(number as usize).or_else(|| {
            let behind = (number as usize).checked_sub(users.len())?;
            self.more.get(behind)
        })
    }

    /// All of them, sorted.
    pub fn iter(&self) -> impl Iterator<Item = &UserId> + Clone {
        self.numbered().map(|(_, user)| user)
    }

    /// All of them, sorted, with their numbers.
    pub(crate) fn numbered(&self) -> impl Iterator<Item = (u32, &UserId)> + Clone {
        InOrder::new(self, 0, 0)
    }

    /// Those whose ID begins with a text, sorted. Costs two binary searches.
    pub fn starting(&self, start: &str) -> impl Iterator<Item = &UserId> + Clone {
        let before = |user: &UserId| user.as_str() < start;
        let at = self.block.users.partition_point(before);
        let more = self
            .more_sorted
            .partition_point(|number| self.user(*number).is_some_and(before));
        let rest = InOrder::new(self, at, more).map(|(_, user)| user);
        rest.take_while(move |user| user.as_str().starts_with(start))
    }

    /// The users of sorted numbers, sorted.
    pub(crate) fn users_of(&self, numbers: &[u32]) -> Vec<&UserId> {
        let mut users = Vec::with_capacity(numbers.len());
        users.extend(numbers.iter().filter_map(|number| self.user(*number)));
        if !self.are_in_order(numbers) {
            // One run in order, and few behind it.
            users.sort();
        }
        users
    }

    /// Whether users are in order because their numbers are.
    pub(crate) fn are_in_order(&self, numbers: &[u32]) -> bool {
        let last = numbers.last();
        last.is_none_or(|last| (*last as usize) < self.block.users.len())
    }

    /// The users of a server, by their numbers, sorted. Costs a look at each of them if users came or
    /// went, and the first time one at all users.
    pub(crate) fn on(&self, server: &str) -> Cow<'_, [u32]> {
        let in_block = self.by_server().get(server);
        let in_block = in_block.map(Vec::as_slice).unwrap_or_default();
        if self.more.is_empty() && self.gone.is_empty() {
            return in_block.into();
        }
        let first_behind = self.block.users.len() as u32;
        let more = (first_behind..).zip(&self.more);
        let more = more.filter_map(|(number, user)| (user.server() == server).then_some(number));
        let all = in_block.iter().copied().chain(more);
        all.filter(|number| !self.is_gone(*number)).collect()
    }

    /// The servers of all of them, some twice, and maybe some of users who went. Costs a look at each
    /// user the first time.
    pub(crate) fn servers(&self) -> impl Iterator<Item = &str> {
        let in_block = self.by_server().keys().map(|server| &**server);
        in_block.chain(self.more.iter().map(UserId::server))
    }

    /// Sorts all by their servers, so that nobody who asks waits for it.
    pub(crate) fn sort_by_server(&self) {
        self.by_server();
    }

    fn by_server(&self) -> &ByServer {
        self.block.by_server.get_or_init(|| {
            let mut found = ByServer::default();
            for (number, user) in (0..).zip(&self.block.users) {
                match found.get_mut(user.server()) {
                    Some(users) => users.push(number),
                    None => _ = found.insert(user.server().into(), vec![number]),
                }
            }
            found
        })
    }
}

impl fmt::Debug for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// Named users in byte order: those of the block and those behind it, without those who went.
#[derive(Clone)]
struct InOrder<'a> {
    names: &'a Names,
    /// The next of the block.
    at: u32,
    block: Peekable<slice::Iter<'a, UserId>>,
    more: Peekable<slice::Iter<'a, u32>>,
}

impl<'a> InOrder<'a> {
    /// From a place in the block and one in those behind it on.
    fn new(names: &'a Names, at: usize, more: usize) -> Self {
        let block = names.block.users.get(at..).unwrap_or_default();
        let more = names.more_sorted.get(more..).unwrap_or_default();
        InOrder {
            names,
            at: at as u32,
            block: block.iter().peekable(),
            more: more.iter().peekable(),
        }
    }
}

impl<'a> Iterator for InOrder<'a> {
    type Item = (u32, &'a UserId);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let block = self.block.peek();
            let comes_first = |number: &&u32| {
                let user = self.names.user(**number);
                block.is_none_or(|next| user.is_some_and(|user| user < *next))
            };
            if let Some(number) = self.more.next_if(comes_first) {
                return self.names.user(*number).map(|user| (*number, user));
            }
            let (number, user) = (self.at, self.block.next()?);
            self.at += 1;
            if self.names.gone.is_empty() || !self.names.is_gone(number) {
                return Some((number, user));
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let (block, more) = (self.block.len(), self.more.len());
        (
            block.saturating_sub(self.names.gone.len()) + more,
            Some(block + more),
        )
    }
}
