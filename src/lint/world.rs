//! Which users are in a set as a directory is now.
//!
//! Law: what is answered is exact. Past the budget nothing is answered, and nothing is said.

use std::cell::Cell;
use std::collections::{BTreeMap, HashSet};

use foldhash::fast::RandomState;

use super::rules::Pair;
use super::sets::{Set, Sets, Shape};
use crate::directory::Directory;
use crate::id::UserId;
use crate::policy::{Action, PolicySet};

/// How many times a user may be looked at.
const LOOKS: usize = 30_000_000;

/// How deep sets may be made up of sets before nothing is said of them.
pub(super) const DEPTH: usize = 200;

/// What is known of sets in this directory.
pub(super) struct World<'a> {
    pub sets: &'a Sets,
    pub directory: &'a Directory,
    /// The users whom only the policy knows, by server.
    extra: BTreeMap<&'a str, Vec<&'a UserId>>,
    extra_count: usize,
    /// The block rules' pairs, each once.
    pub blocks: Vec<Pair>,
    looks: Cell<usize>,
}

impl<'a> World<'a> {
    pub fn new(
        policy: &'a PolicySet,
        pairs: &[Pair],
        sets: &'a Sets,
        directory: &'a Directory,
    ) -> Self {
        let mut extra: BTreeMap<&str, Vec<&UserId>> = BTreeMap::new();
        let mut extra_count = 0;
        for user in policy
            .named
            .iter()
            .filter(|user| !directory.knows_user(user.as_str()))
        {
            extra.entry(user.server()).or_default().push(user);
            extra_count += 1;
        }
        let blocks = pairs
            .iter()
            .filter(|pair| pair.action == Action::Block)
            .copied();
        let mut blocks: Vec<Pair> = blocks.collect();
        blocks.sort_unstable_by_key(|pair| (pair.senders, pair.recipients));
        blocks.dedup();
        World {
            sets,
            directory,
            extra,
            extra_count,
            blocks,
            looks: Cell::new(LOOKS),
        }
    }

    /// `None` once the budget is used up.
    pub fn spend(&self, looks: usize) -> Option<()> {
        let left = self.looks.get().checked_sub(looks);
        self.looks.set(left.unwrap_or_default());
        left.map(|_| ())
    }

    fn known(&self) -> impl Iterator<Item = &'a UserId> {
        self.directory
            .users()
            .chain(self.extra.values().flatten().copied())
    }

    fn known_on(&self, server: &str) -> impl Iterator<Item = &'a UserId> {
        let extra = self.extra.get(server).into_iter().flatten().copied();
        self.directory.users_on(server).chain(extra)
    }

    pub fn home(&self) -> &'a str {
        self.directory
            .server_name()
            .map_or("", |server| server.as_str())
    }

    /// Whether a user is in a set now.
    pub fn has(&self, set: Set, user: &UserId, depth: usize) -> Option<bool> {
        self.spend(1)?;
        let depth = depth.checked_sub(1)?;
        match self.sets.shape(set) {
            Shape::Local => Some(self.directory.is_local(user.as_str())),
            Shape::Remote => Some(!self.directory.is_local(user.as_str())),
            Shape::Members(room) => Some(self.directory.is_member(room, user.as_str())),
            Shape::Any(parts) => {
                for part in parts.iter() {
                    if self.has(*part, user, depth)? {
                        return Some(true);
                    }
                }
                Some(false)
            }
            Shape::Both(parts) => {
                for part in parts.iter() {
                    if !self.has(*part, user, depth)? {
                        return Some(false);
                    }
                }
                Some(true)
            }
            Shape::Except(base, less) => {
                Some(self.has(*base, user, depth)? && !self.has(*less, user, depth)?)
            }
            _ => self.sets.has(set, user),
        }
    }

    /// No fewer than the known users in a set.
    pub fn at_most(&self, set: Set, depth: usize) -> usize {
        let total = self.directory.user_count() + self.extra_count;
        let Some(depth) = depth.checked_sub(1).filter(|_| self.spend(1).is_some()) else {
            return total;
        };
        let parts = |parts: &[Set]| -> Vec<usize> {
            parts
                .iter()
                .map(|part| self.at_most(*part, depth))
                .collect()
        };
        let most = match self.sets.shape(set) {
            Shape::Users(users) => users.len(),
            Shape::Servers(servers) => servers
                .iter()
                .map(|server| self.known_on(server.as_str()).count())
                .sum(),
            Shape::Local => self.known_on(self.home()).count(),
            Shape::Members(room) => self.directory.member_count(room),
            Shape::Any(all) => parts(all).into_iter().fold(0, usize::saturating_add),
            Shape::Except(base, _) => self.at_most(*base, depth),
            _ => total,
        };
        most.min(total)
    }

    /// The known users in a set, in no order, each once.
    pub fn list(&self, set: Set, depth: usize) -> Option<Vec<&'a UserId>> {
        let depth = depth.checked_sub(1)?;
        let all = |users: &mut dyn Iterator<Item = &'a UserId>| -> Option<Vec<&'a UserId>> {
            let users: Vec<&UserId> = users.collect();
            self.spend(users.len())?;
            Some(users)
        };
        let of = |users: Vec<&'a UserId>, wanted: &dyn Fn(&UserId) -> Option<bool>| {
            let mut kept = Vec::new();
            for user in users {
                if wanted(user)? {
                    kept.push(user);
                }
            }
            Some(kept)
        };
        match self.sets.shape(set) {
            Shape::Users(users) => all(&mut users.iter()),
            Shape::Servers(servers) => all(&mut servers
                .iter()
                .flat_map(|server| self.known_on(server.as_str()))),
            Shape::Members(room) => all(&mut self.directory.members(room).into_iter().flatten()),
            Shape::Any(parts) => {
                let mut users: HashSet<&UserId, RandomState> = HashSet::default();
                for part in parts.iter() {
                    users.extend(self.list(*part, depth)?);
                }
                Some(users.into_iter().collect())
            }
            Shape::Both(parts) => {
                let least = parts
                    .iter()
                    .min_by_key(|part| self.at_most(**part, depth))?;
                of(self.list(*least, depth)?, &|user| {
                    self.has(set, user, depth)
                })
            }
            Shape::Except(base, less) => of(self.list(*base, depth)?, &|user| {
                self.has(*less, user, depth).map(|is| !is)
            }),
            _ => of(all(&mut self.known())?, &|user| self.has(set, user, depth)),
        }
    }

    /// How many known users are in a set.
    pub fn count(&self, set: Set, depth: usize) -> Option<usize> {
        let deeper = depth.checked_sub(1)?;
        match self.sets.shape(set) {
            Shape::Everyone
            | Shape::Users(_)
            | Shape::Servers(_)
            | Shape::Local
            | Shape::Members(_) => Some(self.at_most(set, depth)),
            Shape::Except(base, less)
                if self.at_most(*less, depth) <= self.at_most(*base, depth) =>
            {
                let mut count = self.count(*base, deeper)?;
                for user in self.list(*less, deeper)? {
                    if self.has(*base, user, deeper)? {
                        count = count.checked_sub(1)?;
                    }
                }
                Some(count)
            }
            _ => self.list(set, depth).map(|users| users.len()),
        }
    }
}
