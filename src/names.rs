//! The users a policy names, numbered in byte order.
//!
//! Where a policy is loaded once more, most of them are those of the time before. So [`Naming`] finds
//! users among those, and when all are found, the new [`Names`] share what they can with the old: all
//! of it if nobody came or went, else the IDs and what was worked out of them.
//!
//! Law: a number stands for one ID and the other way round, and numbers compare as the IDs do, so that
//! sets of named users are sorted lists of small numbers. What is shared changes no number.

use std::collections::HashMap;
use std::fmt;
use std::hash::BuildHasher;
use std::sync::{Arc, OnceLock};

use foldhash::fast::RandomState;
use hashbrown::HashTable;

use crate::id::{IdError, UserId};

/// The named users of each server, by their numbers.
pub(crate) type ByServer = HashMap<Box<str>, Vec<u32>, RandomState>;

/// The users named in a policy.
#[derive(Default)]
pub struct Names {
    /// Shared with the names that these were made from.
    users: Arc<[UserId]>,
    /// Users that came since, and those of before who went again; nobody where there is no `order`.
    more: Box<[UserId]>,
    /// For each number the place of its user in `users`, and behind those in `more`; `None` if each is at
    /// its number.
    order: Option<Box<[u32]>>,
    numbers: HashTable<u32>,
    hasher: RandomState,
    by_server: OnceLock<Arc<ByServer>>,
}

/// So many users more than an eighth come and go before all are put in one block again.
const LOOSE: usize = 16;

impl Names {
    /// How many there are.
    pub fn len(&self) -> u32 {
        let len = self
            .order
            .as_ref()
            .map_or(self.users.len(), |order| order.len());
        u32::try_from(len).unwrap_or(u32::MAX)
    }

    /// Whether nobody is named.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The number of a user. Costs one look-up.
    #[inline]
    pub fn number(&self, user: &str) -> Option<u32> {
        self.hashed(self.hasher.hash_one(user), user)
    }

    #[inline]
    fn hashed(&self, hash: u64, user: &str) -> Option<u32> {
        let same = |number: &u32| self.user(*number).is_some_and(|id| id.as_str() == user);
        self.numbers.find(hash, same).copied()
    }

    /// The user of a number.
    #[inline]
    pub fn user(&self, number: u32) -> Option<&UserId> {
        match &self.order {
            None => self.users.get(number as usize),
            Some(order) => self.user_at(*order.get(number as usize)? as usize),
        }
    }

    fn user_at(&self, place: usize) -> Option<&UserId> {
        let more = || self.more.get(place.checked_sub(self.users.len())?);
        self.users.get(place).or_else(more)
    }

    /// All of them, sorted.
    pub fn iter(&self) -> impl Iterator<Item = &UserId> + Clone {
        (0..self.len()).filter_map(|number| self.user(number))
    }

    /// Those whose ID begins with a text, sorted.
    pub fn starting(&self, start: &str) -> impl Iterator<Item = &UserId> + Clone {
        let first = self.first_from(start);
        let rest = (first..self.len()).filter_map(|number| self.user(number));
        rest.take_while(move |user| user.as_str().starts_with(start))
    }

    /// The number of the first user at or behind a text in byte order; how many there are if all are
    /// before it. Costs a binary search.
    fn first_from(&self, text: &str) -> u32 {
        let (mut from, mut to) = (0, self.len());
        while from < to {
            let middle = from + (to - from) / 2;
            match self.user(middle).is_some_and(|user| user.as_str() < text) {
                true => from = middle + 1,
                false => to = middle,
            }
        }
        from
    }

    /// The users of each server. Costs a look at each user the first time.
    pub(crate) fn by_server(&self) -> &Arc<ByServer> {
        self.by_server.get_or_init(|| {
            let mut found = ByServer::default();
            for (number, user) in (0..).zip(self.iter()) {
                match found.get_mut(user.server()) {
                    Some(users) => users.push(number),
                    None => _ = found.insert(user.server().into(), vec![number]),
                }
            }
            Arc::new(found)
        })
    }
}

impl fmt::Debug for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// Users in the making of new [`Names`]. Each has a *key*: the number of before, or one behind those.
#[derive(Debug)]
pub(crate) struct Naming {
    before: Arc<Names>,
    /// Which of those before are named again.
    met: Vec<bool>,
    /// Those who are new, as they came.
    new: Vec<UserId>,
    places: HashTable<u32>,
}

/// The numbers that keys stand for; `None` if each is its own.
#[derive(Debug)]
pub(crate) struct Numbers(Option<Vec<u32>>);

/// Stands for nobody.
const NOBODY: u32 = u32::MAX;

impl Naming {
    pub(crate) fn new(before: Arc<Names>) -> Self {
        Naming {
            met: vec![false; before.len() as usize],
            before,
            new: Vec::new(),
            places: HashTable::new(),
        }
    }

    /// The user of a text, who is named from now on, and their key. Costs a look-up.
    pub(crate) fn name(&mut self, text: &str) -> Result<(u32, UserId), IdError> {
        let hash = self.before.hasher.hash_one(text);
        if let Some(number) = self.before.hashed(hash, text)
            && let Some(user) = self.before.user(number)
        {
            if let Some(met) = self.met.get_mut(number as usize) {
                *met = true;
            }
            return Ok((number, user.clone()));
        }
        let new = |place: &u32| self.new.get(*place as usize);
        let same = |place: &u32| new(place).is_some_and(|user| user.as_str() == text);
        let place = match self.places.find(hash, same) {
            Some(place) => *place,
            None => {
                let place = u32::try_from(self.new.len()).unwrap_or(u32::MAX);
                self.new.push(UserId::parse(text)?);
                let (hasher, users) = (&self.before.hasher, &self.new);
                self.places.insert_unique(hash, place, |place| {
                    hash_of(hasher, users.get(*place as usize))
                });
                place
            }
        };
        let user = self.new.get(place as usize).cloned();
        user.map(|user| (self.before.len() + place, user))
            .ok_or(IdError::Empty)
    }

    /// Some of those before are named again.
    pub(crate) fn again(&mut self, numbers: &[u32]) {
        for number in numbers {
            if let Some(met) = self.met.get_mut(*number as usize) {
                *met = true;
            }
        }
    }

    /// The users named so far, in no order that matters.
    pub(crate) fn users(&self) -> impl Iterator<Item = &UserId> {
        let again = self.before.iter().zip(&self.met);
        let again = again.filter_map(|(user, met)| met.then_some(user));
        again.chain(&self.new)
    }

    /// The names, and the numbers of the keys.
    pub(crate) fn finish(self) -> (Arc<Names>, Numbers) {
        if self.new.is_empty() && self.met.iter().all(|met| *met) {
            return (self.before, Numbers(None));
        }
        let order = sorted(&self.new);
        if self.before.is_empty() {
            return self.all_new(&order);
        }
        let loose = self.before.more.len() + self.new.len();
        let gone = self.met.iter().filter(|met| !**met).count();
        if (loose + gone).saturating_sub(LOOSE) > self.before.users.len() / 8 {
            return self.anew();
        }
        self.merged(&order)
    }

    /// Where nobody was named before.
    fn all_new(mut self, order: &[u32]) -> (Arc<Names>, Numbers) {
        let mut numbers = vec![NOBODY; self.new.len()];
        for (number, place) in (0..).zip(order) {
            if let Some(slot) = numbers.get_mut(*place as usize) {
                *slot = number;
            }
        }
        for place in self.places.iter_mut() {
            *place = numbers.get(*place as usize).copied().unwrap_or(NOBODY);
        }
        let mut users: Vec<Option<UserId>> = self.new.into_iter().map(Some).collect();
        let users = order
            .iter()
            .filter_map(|place| users.get_mut(*place as usize)?.take());
        let names = Names {
            users: users.collect(),
            numbers: self.places,
            hasher: self.before.hasher.clone(),
            ..Names::default()
        };
        (Arc::new(names), Numbers(Some(numbers)))
    }

    /// With nothing shared but the IDs.
    fn anew(self) -> (Arc<Names>, Numbers) {
        let mut naming = Naming::new(Arc::default());
        let mut key = |user: &UserId| naming.name(user.as_str()).map_or(NOBODY, |(key, _)| key);
        let again = self.before.iter().zip(&self.met);
        let again = again.map(|(user, met)| if *met { key(user) } else { NOBODY });
        let mut keys: Vec<u32> = again.collect();
        keys.extend(self.new.iter().map(key));
        let (names, numbers) = naming.finish();
        for key in &mut keys {
            *key = numbers.of(*key);
        }
        (names, Numbers(Some(keys)))
    }

    /// The names of before with some more and some less. Costs moving numbers, and a binary search for
    /// each who is new; no other ID is looked at.
    fn merged(self, order: &[u32]) -> (Arc<Names>, Numbers) {
        let before = &self.before;
        let first_place = before.users.len() + before.more.len();
        let new = order
            .iter()
            .filter_map(|place| self.new.get(*place as usize));
        let mut new = new
            .map(|user| before.first_from(user.as_str()))
            .zip(order)
            .peekable();
        let mut numbers = vec![NOBODY; self.met.len() + self.new.len()];
        let mut places: Vec<u32> = Vec::with_capacity(numbers.len());
        let mut put = |places: &mut Vec<u32>, key: usize, place: u32| {
            if let Some(slot) = numbers.get_mut(key) {
                *slot = places.len() as u32;
            }
            places.push(place);
        };
        for number in 0..=before.len() {
            while let Some((_, place)) = new.next_if(|(at, _)| *at == number) {
                let key = self.met.len() + *place as usize;
                put(&mut places, key, first_place as u32 + place);
            }
            if self.met.get(number as usize) == Some(&true) {
                let place = before
                    .order
                    .as_ref()
                    .map(|order| order.get(number as usize));
                let place = place.flatten().copied().unwrap_or(number);
                put(&mut places, number as usize, place);
            }
        }
        let numbers = Numbers(Some(numbers));
        let mut table = before.numbers.clone();
        let gone = (0..).zip(&self.met).filter(|(_, met)| !**met);
        for (number, _) in gone {
            let hash = hash_of(&before.hasher, before.user(number));
            if let Ok(entry) = table.find_entry(hash, |other| *other == number) {
                entry.remove();
            }
        }
        table
            .iter_mut()
            .for_each(|number| *number = numbers.of(*number));
        let mut names = Names {
            users: Arc::clone(&before.users),
            more: before.more.iter().chain(&self.new).cloned().collect(),
            order: Some(places.into()),
            numbers: HashTable::new(),
            hasher: before.hasher.clone(),
            by_server: OnceLock::new(),
        };
        for (place, user) in (0..).zip(&self.new) {
            let hash = hash_of(&names.hasher, Some(user));
            let number = numbers.of(before.len() + place);
            table.insert_unique(hash, number, |number| {
                hash_of(&names.hasher, names.user(*number))
            });
        }
        names.numbers = table;
        if let Some(known) = before.by_server.get() {
            names.by_server = Arc::new(self.moved(known, &numbers)).into();
        }
        (Arc::new(names), numbers)
    }

    /// The users of each server by their new numbers.
    fn moved(&self, known: &ByServer, numbers: &Numbers) -> ByServer {
        let mut by_server = known.clone();
        for users in by_server.values_mut() {
            users.retain_mut(|number| {
                *number = numbers.of(*number);
                *number != NOBODY
            });
        }
        for (place, user) in (0..).zip(&self.new) {
            let number = numbers.of(self.before.len() + place);
            let users = match by_server.get_mut(user.server()) {
                Some(users) => users,
                None => by_server.entry(user.server().into()).or_default(),
            };
            let at = users.partition_point(|other| *other < number);
            users.insert(at, number);
        }
        by_server.retain(|_, users| !users.is_empty());
        by_server
    }
}

impl Numbers {
    fn of(&self, key: u32) -> u32 {
        match &self.0 {
            None => key,
            Some(numbers) => numbers.get(key as usize).copied().unwrap_or(NOBODY),
        }
    }

    /// The numbers of some keys, sorted, each once.
    pub(crate) fn list(&self, keys: &[u32]) -> Arc<[u32]> {
        let mut list: Vec<u32> = keys.iter().map(|key| self.of(*key)).collect();
        // Where all were named before they stand in order already.
        if !list.is_sorted_by(|a, b| a < b) {
            list.sort_unstable();
            list.dedup();
        }
        list.into()
    }

    /// Whether each key is its own number.
    pub(crate) fn are_keys(&self) -> bool {
        self.0.is_none()
    }
}

fn hash_of(hasher: &RandomState, user: Option<&UserId>) -> u64 {
    hasher.hash_one(user.map_or("", UserId::as_str))
}

/// The places of users, sorted by bytes. The first bytes of each are at hand, so that few of the texts,
/// which lie all over the memory, are looked at.
fn sorted(users: &[UserId]) -> Vec<u32> {
    let with_start = |(place, user): (u32, &UserId)| {
        let mut start = [0; 16];
        for (to, from) in start.iter_mut().zip(user.as_str().bytes()) {
            *to = from;
        }
        (u128::from_be_bytes(start), place)
    };
    let text = |place: u32| users.get(place as usize).map_or("", UserId::as_str);
    let mut places: Vec<(u128, u32)> = (0..).zip(users).map(with_start).collect();
    places.sort_unstable_by(|(start, place), (other_start, other)| {
        let starts = start.cmp(other_start);
        starts.then_with(|| text(*place).cmp(text(*other)))
    });
    places.into_iter().map(|(_, place)| place).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// What names say, in their order.
    fn said(names: &Names) -> Vec<&str> {
        names.iter().map(UserId::as_str).collect()
    }

    /// Names for some users, from names of before.
    fn named<'u>(before: &Arc<Names>, users: impl IntoIterator<Item = &'u str>) -> Arc<Names> {
        let mut naming = Naming::new(Arc::clone(before));
        let users: Vec<&str> = users.into_iter().collect();
        let keys = users.iter().map(|user| naming.name(user).unwrap());
        let keys: Vec<(u32, UserId)> = keys.collect();
        let (names, numbers) = naming.finish();
        for ((key, id), user) in keys.iter().zip(&users) {
            assert_eq!(id.as_str(), *user);
            assert_eq!(names.number(user), Some(numbers.of(*key)));
        }
        let list = keys.iter().map(|(key, _)| *key).collect::<Vec<_>>();
        let list = numbers.list(&list);
        assert!(list.iter().copied().eq(0..names.len()));
        names
    }

    fn check(names: &Names, expected: &BTreeSet<String>) {
        let expected: Vec<&str> = expected.iter().map(String::as_str).collect();
        assert_eq!(said(names), expected);
        for (number, user) in (0..).zip(&expected) {
            assert_eq!(names.number(user), Some(number));
        }
        assert_eq!(names.numbers.len(), expected.len());
        let fresh = named(&Arc::default(), expected.iter().copied());
        assert_eq!(**fresh.by_server(), **names.by_server());
        for start in ["", "@", "@a", "@a1", "@zz", "@a12:x.org"] {
            let starting: Vec<&str> = names.starting(start).map(UserId::as_str).collect();
            let with = expected.iter().filter(|user| user.starts_with(start));
            assert!(starting.iter().eq(with), "{start}");
        }
    }

    #[test]
    fn names_made_from_others_are_those_made_anew() {
        let mut state = 5_u64;
        let mut below = |n: u64| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 33) % n
        };
        let id = |n: u64| format!("@a{n}:{}.org", ["x", "y", "z"][(n % 3) as usize]);
        for many in [3, 30, 400] {
            let mut users: BTreeSet<String> = (0..many).map(|_| id(below(2 * many))).collect();
            let mut names = named(&Arc::default(), users.iter().map(String::as_str));
            let (mut shared, mut anew) = (0, 0);
            for round in 0..60 {
                check(&names, &users);
                let changes = if round % 20 == 19 { many } else { below(4) };
                for _ in 0..changes {
                    let user = id(below(2 * many));
                    if !users.remove(&user) {
                        users.insert(user);
                    }
                }
                // Not in their order, and some twice.
                let twice = users.iter().rev().chain(users.iter().take(3));
                let next = named(&names, twice.map(String::as_str));
                assert_eq!(Arc::ptr_eq(&names, &next), said(&names) == said(&next));
                match Arc::ptr_eq(&names.users, &next.users) {
                    true => shared += 1,
                    false => anew += 1,
                }
                names = next;
            }
            assert!(shared > 20 && anew > 1, "{shared} {anew}");
        }
    }

    #[test]
    fn users_are_sorted_by_all_their_bytes() {
        let ids = [
            "@b:x",
            "@a:x",
            "@a:x.org",
            "@aaaaaaaaaaaaaaaaaaaab:x",
            "@aaaaaaaaaaaaaaaaaaaaa:x",
            "@\u{fc}:x",
            "@z:x",
            "@a-b:x",
            "@aaaaaaaaaaaaa:x",
            "@aaaaaaaaaaaaa:x.org",
        ];
        let names = named(&Arc::default(), ids);
        let expected: BTreeSet<&str> = ids.into();
        assert!(said(&names).into_iter().eq(expected));
    }
}
