//! A set of users as it is while an answer is made: named users by their numbers, others by reference.
//!
//! Not for: which users belong into it (`answer`).
//!
//! Law: a user may be in both halves; what is told or taken away holds for both.

use std::borrow::Cow;

use super::merge::{difference, union};
use crate::id::UserId;
use crate::names::Names;

/// A list of unknown length begins with so many places, to be moved less often as it grows.
const SOME: usize = 127;

/// Users, in two sorted lists.
#[derive(Debug, Default)]
pub(super) struct Set<'a> {
    numbers: Vec<u32>,
    others: Vec<&'a UserId>,
}

/// Sorted lists of users, to be put together.
#[derive(Default)]
pub(super) struct Parts<'a> {
    /// Single named users, as they come.
    singles: Vec<u32>,
    numbers: Vec<Cow<'a, [u32]>>,
    others: Vec<Cow<'a, [&'a UserId]>>,
}

impl<'a> Parts<'a> {
    /// A named user.
    pub(super) fn add_one(&mut self, number: u32) {
        self.singles.push(number);
    }

    /// Named users, sorted.
    pub(super) fn add_numbers(&mut self, numbers: Cow<'a, [u32]>) {
        self.numbers.push(numbers);
    }

    /// Users, sorted.
    pub(super) fn add_users(&mut self, mut users: impl Iterator<Item = &'a UserId>) {
        let Some(first) = users.next() else {
            return;
        };
        // Of those who are looked at it is not told how many are taken.
        let (least, _) = users.size_hint();
        let mut list = Vec::with_capacity(least.max(SOME) + 1);
        list.push(first);
        // Not one by one, where users stand in a block.
        users.for_each(|user| list.push(user));
        self.others.push(list.into());
    }

    /// All users of a set.
    pub(super) fn add_set(&mut self, set: Set<'a>) {
        self.numbers.push(set.numbers.into());
        self.others.push(set.others.into());
    }

    pub(super) fn union(mut self) -> Set<'a> {
        if !self.singles.is_empty() {
            // Sorted already where they come from the rules of one node.
            self.singles.sort_unstable();
            self.singles.dedup();
            self.numbers.push(self.singles.into());
        }
        Set {
            numbers: union(self.numbers),
            others: union(self.others),
        }
    }
}

impl<'a> Set<'a> {
    pub(super) fn is_empty(&self) -> bool {
        self.numbers.is_empty() && self.others.is_empty()
    }

    /// How many there are, those twice who are in both halves.
    pub(super) fn len(&self) -> usize {
        self.numbers.len() + self.others.len()
    }

    /// Keeps the users for whom something holds.
    pub(super) fn retain(&mut self, names: &Names, mut holds: impl FnMut(&UserId) -> bool) {
        self.numbers
            .retain(|at| names.user(*at).is_some_and(&mut holds));
        self.others.retain(|user| holds(user));
    }

    /// The users who are not in another set.
    pub(super) fn without(self, less: &Set<'a>, names: &'a Names) -> Self {
        let (mut numbers, mut others) = (self.numbers, self.others);
        numbers = difference(numbers, &less.numbers);
        others = difference(others, &less.others);
        if !less.numbers.is_empty() && !others.is_empty() {
            others = difference(others, &names.users_of(&less.numbers));
        }
        if !less.others.is_empty() && !numbers.is_empty() {
            let gone = less.others.iter();
            let mut gone: Vec<u32> = gone
                .filter_map(|user| names.number(user.as_str()))
                .collect();
            // In order already unless users came since they were numbered.
            gone.sort_unstable();
            gone.dedup();
            numbers = difference(numbers, &gone);
        }
        Set { numbers, others }
    }

    /// The users, sorted by bytes, each once.
    pub(super) fn into_users(self, names: &'a Names) -> Vec<UserId> {
        if self.numbers.is_empty() {
            return self.others.into_iter().cloned().collect();
        }
        if self.others.is_empty() && names.are_in_order(&self.numbers) {
            let mut users = Vec::with_capacity(self.numbers.len());
            let named = self.numbers.iter().filter_map(|at| names.user(*at));
            users.extend(named.cloned());
            return users;
        }
        let named = names.users_of(&self.numbers);
        let all = union(vec![named.into(), self.others.into()]);
        all.into_iter().cloned().collect()
    }
}
