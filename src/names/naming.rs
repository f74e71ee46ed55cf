//! Users as they are named while a policy is read, and the [`Names`] that come of it.
//!
//! Law: whoever was named before is found and not made anew. The names say the same whatever was named
//! before; only the numbers differ.

use std::hint::black_box;
use std::sync::{Arc, OnceLock};

use smallvec::SmallVec;

use super::{Block, Entry, Names, Numbered};
use crate::id::{IdError, UserId};

/// So many users more than an eighth come and go before all are put in one block again.
const LOOSE: usize = 16;

/// Users in the making of new [`Names`]. Each has a *key*: the number of before, or one behind those.
pub(crate) struct Naming {
    before: Arc<Names>,
    /// Which of those before are named again.
    met: Vec<bool>,
    /// Those who are new, as they came, with their keys.
    new: Vec<UserId>,
    keys: Numbered,
}

/// The numbers that keys stand for; `None` if each is its own.
#[derive(Debug, Clone, Default)]
pub(crate) struct Numbers(Option<Vec<u32>>);

/// Stands for nobody.
const NOBODY: u32 = u32::MAX;

impl Naming {
    pub(crate) fn new(before: Arc<Names>) -> Self {
        Naming {
            met: vec![false; before.end() as usize],
            before,
            new: Vec::new(),
            keys: Numbered::default(),
        }
    }

    /// The user of a text, who is named from now on, and their key. Costs a look-up.
    pub(crate) fn name(&mut self, text: &str) -> Result<(u32, UserId), IdError> {
        let hash = self.before.hash_of(text);
        if let Some(entry) = self.before.ever(hash, text) {
            if let Some(met) = self.met.get_mut(entry.number as usize) {
                *met = true;
            }
            return Ok((entry.number, entry.user.clone()));
        }
        if let Some(entry) = self.keys.find(hash, text) {
            return Ok((entry.number, entry.user.clone()));
        }
        let user = UserId::parse(text)?;
        let key = self.before.end() + self.new.len() as u32;
        self.new.push(user.clone());
        self.keys.insert(Entry {
            user: user.clone(),
            number: key,
            hash,
        });
        Ok((key, user))
    }

    /// Looks at what the next users to be named will be found by. Names nobody: the memory is asked for
    /// all of them at once, where each look-up by itself would wait for it.
    pub(crate) fn fetch<'t>(&self, texts: impl Iterator<Item = &'t str>) {
        let known = match self.before.is_empty() {
            true => &self.keys,
            false => &self.before.block.numbers,
        };
        let entries = texts.filter_map(|text| known.guess(self.before.hash_of(text)));
        let entries: SmallVec<[&Entry; 64]> = entries.collect();
        let ends = |entry: &Entry| {
            let id = entry.user.as_str().as_bytes();
            (id.first().copied(), id.last().copied())
        };
        let seen = entries.into_iter().map(ends);
        black_box(seen.fold((None, None), |all, ends| all.max(ends)));
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
        let met = (0..).zip(&self.met).filter(|(_, met)| **met);
        let again = met.filter_map(|(number, _)| self.before.user(number));
        again.chain(&self.new)
    }

    /// The names, and the numbers of the keys.
    pub(crate) fn finish(self) -> (Arc<Names>, Numbers) {
        let gone = (0..).zip(&self.met).filter(|(_, met)| !**met);
        let gone: Box<[u32]> = gone.map(|(number, _)| number).collect();
        if self.new.is_empty() && gone == self.before.gone {
            return (self.before, Numbers(None));
        }
        if self.before.end() == 0 {
            return self.all_new();
        }
        let loose = self.before.more.len() + self.new.len() + gone.len();
        if loose.saturating_sub(LOOSE) > self.before.block.users.len() / 8 {
            return self.anew();
        }
        (Arc::new(self.behind(gone)), Numbers(None))
    }

    /// Where nobody was named before.
    fn all_new(mut self) -> (Arc<Names>, Numbers) {
        let order = sorted(&self.new);
        let mut numbers = vec![NOBODY; self.new.len()];
        for (number, place) in (0..).zip(&order) {
            if let Some(slot) = numbers.get_mut(*place as usize) {
                *slot = number;
            }
        }
        for entry in self.keys.0.iter_mut() {
            let number = numbers.get(entry.number as usize);
            entry.number = number.copied().unwrap_or(NOBODY);
        }
        let mut users: Vec<Option<UserId>> = self.new.into_iter().map(Some).collect();
        let users = order
            .iter()
            .filter_map(|place| users.get_mut(*place as usize)?.take());
        let block = Block {
            users: users.collect(),
            numbers: self.keys,
            hasher: self.before.block.hasher.clone(),
            by_server: OnceLock::new(),
        };
        let names = Names {
            block: Arc::new(block),
            ..Names::default()
        };
        (Arc::new(names), Numbers(Some(numbers)))
    }

    /// With nothing shared but the IDs.
    fn anew(self) -> (Arc<Names>, Numbers) {
        let mut naming = Naming::new(Arc::default());
        let mut key = |user: &UserId| naming.name(user.as_str()).map_or(NOBODY, |(key, _)| key);
        let again = (0..).zip(&self.met).map(|(number, met)| {
            let user = self.before.user(number).filter(|_| *met);
            user.map_or(NOBODY, &mut key)
        });
        let mut keys: Vec<u32> = again.collect();
        keys.extend(self.new.iter().map(key));
        let (names, numbers) = naming.finish();
        for key in &mut keys {
            *key = numbers.of(*key);
        }
        (names, Numbers(Some(keys)))
    }

    /// The names of before without some of them, and with those who are new behind them. Costs the users
    /// behind the block.
    fn behind(self, gone: Box<[u32]>) -> Names {
        let before = &self.before;
        let mut more_numbers = before.more_numbers.clone();
        self.keys
            .0
            .into_iter()
            .for_each(|new| more_numbers.insert(new));
        let mut names = Names {
            block: Arc::clone(&before.block),
            more: before.more.iter().cloned().chain(self.new).collect(),
            more_numbers,
            more_sorted: Box::default(),
            gone,
        };
        let behind = names.block.users.len() as u32..names.end();
        let mut more: Vec<u32> = behind.filter(|number| !names.is_gone(*number)).collect();
        more.sort_by(|one, other| names.user(*one).cmp(&names.user(*other)));
        names.more_sorted = more.into();
        names
    }
}

impl Numbers {
    /// The number of a key.
    #[inline]
    pub(crate) fn of(&self, key: u32) -> u32 {
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
        assert_eq!(
            names.users_of(&numbers.list(&list)),
            names.iter().collect::<Vec<_>>()
        );
        names
    }

    fn check(names: &Names, expected: &BTreeSet<String>) {
        let expected: Vec<&str> = expected.iter().map(String::as_str).collect();
        assert_eq!(said(names), expected);
        assert_eq!(names.len(), expected.len());
        for (number, user) in names.numbered() {
            assert_eq!(names.number(user.as_str()), Some(number));
            assert_eq!(names.user(number), Some(user));
            assert!(names.on(user.server()).contains(&number));
        }
        let on = |server: &str| {
            let numbers = names.on(server);
            assert!(numbers.is_sorted_by(|one, other| one < other));
            names.users_of(&numbers).len()
        };
        let servers: BTreeSet<&str> = names.servers().collect();
        assert_eq!(servers.into_iter().map(on).sum::<usize>(), expected.len());
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
                let gone = (0..2 * many).map(id).filter(|user| !users.contains(user));
                let gone: Vec<String> = gone.collect();
                // Not in their order, and some twice.
                let twice = users.iter().rev().chain(users.iter().take(3));
                let next = named(&names, twice.map(String::as_str));
                assert_eq!(Arc::ptr_eq(&names, &next), said(&names) == said(&next));
                assert!(gone.iter().all(|user| next.number(user).is_none()));
                match Arc::ptr_eq(&names.block, &next.block) {
                    true => {
                        shared += 1;
                        let both = users.iter().filter(|user| names.number(user).is_some());
                        both.for_each(|user| assert_eq!(names.number(user), next.number(user)));
                    }
                    false => anew += 1,
                }
                names = next;
            }
            // So few never are too many behind the block.
            assert!(shared > 20 && (many == 3 || anew > 1), "{shared} {anew}");
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
