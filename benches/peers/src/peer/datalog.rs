//! Datalog with ascent: the relation is derived once, with the indexes that ascent makes for its joins.
//!
//! ascent answers by deriving everything; a question afterwards is a look-up in what was derived, for
//! which its relations are plain vectors. So they are indexed by hand, from both sides, and its figures
//! for questions are those of a finished table: what is to be looked at is its load and its memory.

use std::collections::{HashMap, HashSet};

use foldhash::fast::RandomState;

use super::{Ask, Peer, Source, Work};
use crate::Fault;
use crate::facts::Facts;

mod program {
    #![allow(clippy::all)]

    ascent::ascent! {
        pub struct Presence;
        relation member(u32, u32);
        relation allow(u32, u32);
        relation block(u32, u32);
        relation allowed(u32, u32);
        relation blocked(u32, u32);
        relation sees(u32, u32);

        allowed(s, r) <-- allow(a, b), member(a, s), member(b, r);
        blocked(s, r) <-- block(a, b), member(a, s), member(b, r);
        sees(s, r) <-- allowed(s, r), !blocked(s, r);
    }
}

/// More pairs than this take gigabytes.
const MOST_PAIRS: u64 = 10_000_000;

pub fn limit(facts: &Facts) -> Option<String> {
    let pairs = facts.pairs(false) + facts.pairs(true);
    let why = || format!("not tried: it derives every pair, and the rules have up to {pairs}");
    (pairs > MOST_PAIRS).then(why)
}

struct Table<'a> {
    facts: &'a Facts,
    numbers: HashMap<&'a str, u32, RandomState>,
    pairs: HashSet<(u32, u32), RandomState>,
    recipients: Vec<Vec<u32>>,
    senders: Vec<Vec<u32>>,
}

pub fn load<'a>(source: &'a Source<'a>) -> Result<Box<dyn Peer + 'a>, Fault> {
    let facts = source.facts;
    let mut presence = program::Presence::default();
    let users = 0..facts.users.len() as u32;
    presence.member = users.clone().map(|user| (user, user)).collect();
    for (set, members) in facts.lists() {
        presence
            .member
            .extend(members.iter().map(|user| (set, *user)));
    }
    for rule in &facts.rules {
        let rules = if rule.block {
            &mut presence.block
        } else {
            &mut presence.allow
        };
        rules.push((rule.senders, rule.recipients));
    }
    presence.run();
    let pairs = std::mem::take(&mut presence.sees);
    drop(presence);
    let mut recipients = vec![Vec::new(); facts.users.len()];
    let mut senders = vec![Vec::new(); facts.users.len()];
    for (sender, recipient) in &pairs {
        recipients[*sender as usize].push(*recipient);
        senders[*recipient as usize].push(*sender);
    }
    Ok(Box::new(Table {
        facts,
        numbers: users
            .map(|user| (facts.users[user as usize].as_str(), user))
            .collect(),
        pairs: pairs.into_iter().collect(),
        recipients,
        senders,
    }))
}

impl Peer for Table<'_> {
    fn ask(&self, work: &mut Work) -> Result<(), Fault> {
        let mut this = self;
        work(&mut this)
    }
}

impl Table<'_> {
    fn number(&self, user: &str) -> Result<u32, Fault> {
        Ok(*self.numbers.get(user).ok_or("an unknown user")?)
    }

    fn list(&self, users: &[u32], each: &mut dyn FnMut(&str)) {
        users
            .iter()
            .for_each(|user| each(&self.facts.users[*user as usize]));
    }
}

impl Ask for &Table<'_> {
    fn sees(&mut self, sender: &str, recipient: &str) -> Result<bool, Fault> {
        Ok(self
            .pairs
            .contains(&(self.number(sender)?, self.number(recipient)?)))
    }

    fn recipients(&mut self, sender: &str, each: &mut dyn FnMut(&str)) -> Result<(), Fault> {
        self.list(&self.recipients[self.number(sender)? as usize], each);
        Ok(())
    }

    fn senders(&mut self, recipient: &str, each: &mut dyn FnMut(&str)) -> Result<(), Fault> {
        self.list(&self.senders[self.number(recipient)? as usize], each);
        Ok(())
    }
}
