//! Hash maps written by hand for these facts: what is left when a language, its checks and its reports
//! are left out.
//!
//! Rules about two users are one set of pairs. Rules of sets are asked by the sets that the two stand in.
//! Maps have the hash function the product uses; a set of numbers tells whom a list has already.

use std::collections::{HashMap, HashSet};

use foldhash::fast::RandomState;

use super::{Ask, Peer, Source, Work};
use crate::Fault;
use crate::facts::Facts;

#[derive(Default)]
struct Rules {
    pairs: HashSet<(u32, u32), RandomState>,
    to: Vec<Vec<u32>>,
    from: Vec<Vec<u32>>,
}

struct Maps<'a> {
    facts: &'a Facts,
    numbers: HashMap<&'a str, u32, RandomState>,
    sender_in: Vec<Vec<u32>>,
    recipient_in: Vec<Vec<u32>>,
    members: Vec<&'a [u32]>,
    allowed: Rules,
    blocked: Rules,
}

pub fn load<'a>(source: &'a Source<'a>) -> Result<Box<dyn Peer + 'a>, Fault> {
    let facts = source.facts;
    let users = 0..facts.users.len() as u32;
    let sets = 0..users.end + facts.lists().count() as u32;
    let rules = |block: bool| Rules {
        pairs: facts
            .rules
            .iter()
            .filter(|rule| rule.block == block)
            .map(|rule| (rule.senders, rule.recipients))
            .collect(),
        to: sets
            .clone()
            .map(|set| facts.recipients(block, set).to_vec())
            .collect(),
        from: sets
            .clone()
            .map(|set| facts.senders(block, set).to_vec())
            .collect(),
    };
    Ok(Box::new(Maps {
        facts,
        numbers: users
            .clone()
            .map(|user| (facts.users[user as usize].as_str(), user))
            .collect(),
        sender_in: users
            .clone()
            .map(|user| facts.sender_in(user).collect())
            .collect(),
        recipient_in: users
            .map(|user| facts.recipient_in(user).collect())
            .collect(),
        members: sets.clone().map(|set| facts.members(set)).collect(),
        allowed: rules(false),
        blocked: rules(true),
    }))
}

impl Peer for Maps<'_> {
    fn ask(&self, work: &mut Work) -> Result<(), Fault> {
        let mut this = self;
        work(&mut this)
    }
}

impl Maps<'_> {
    fn number(&self, user: &str) -> Result<u32, Fault> {
        Ok(*self.numbers.get(user).ok_or("an unknown user")?)
    }

    /// Lists one side: `inside` are the sets that the user stands in.
    fn list(&self, inside: &[u32], links: fn(&Rules) -> &[Vec<u32>], each: &mut dyn FnMut(&str)) {
        let members = |rules: &'_ Rules| {
            let mut users: HashSet<u32, RandomState> = HashSet::default();
            let sets: HashSet<u32, RandomState> = inside
                .iter()
                .flat_map(|set| &links(rules)[*set as usize])
                .copied()
                .collect();
            for set in sets {
                users.extend(self.members[set as usize]);
            }
            users
        };
        let blocked = members(&self.blocked);
        for user in members(&self.allowed) {
            if blocked.is_empty() || !blocked.contains(&user) {
                each(&self.facts.users[user as usize]);
            }
        }
    }
}

impl Ask for &Maps<'_> {
    fn sees(&mut self, sender: &str, recipient: &str) -> Result<bool, Fault> {
        let (sender, recipient) = (self.number(sender)?, self.number(recipient)?);
        let froms = &self.sender_in[sender as usize];
        let tos = &self.recipient_in[recipient as usize];
        let has = |rules: &Rules| {
            let pairs = &rules.pairs;
            froms
                .iter()
                .any(|from| tos.iter().any(|to| pairs.contains(&(*from, *to))))
        };
        Ok(has(&self.allowed) && !has(&self.blocked))
    }

    fn recipients(&mut self, sender: &str, each: &mut dyn FnMut(&str)) -> Result<(), Fault> {
        let inside = &self.sender_in[self.number(sender)? as usize];
        self.list(inside, |rules| &rules.to, each);
        Ok(())
    }

    fn senders(&mut self, recipient: &str, each: &mut dyn FnMut(&str)) -> Result<(), Fault> {
        let inside = &self.recipient_in[self.number(recipient)? as usize];
        self.list(inside, |rules| &rules.from, each);
        Ok(())
    }
}
