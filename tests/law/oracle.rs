//! The plain meaning: section 1 of the language's definition read a second time, as set evaluation
//! over the known users, with nothing clever in it. Slow on purpose.
//!
//! Its law: it is written from the definition alone and uses nothing of `src/`. Where it and the
//! crate disagree, the definition says who is wrong.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::model::{Facts, GroupBody, Piece, Policy, Room, Rule, Selector};

/// An answer to `senders_for`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Senders {
    Only(Vec<String>),
    AllExcept(Vec<String>),
}

impl Senders {
    pub fn contains(&self, user: &str) -> bool {
        match self {
            Senders::Only(users) => users.iter().any(|u| u == user),
            Senders::AllExcept(users) => !users.iter().any(|u| u == user),
        }
    }
}

/// `*` any run of characters, the empty one too; `?` one character.
pub fn glob(pattern: &[Piece], text: &[char]) -> bool {
    match (pattern.split_first(), text.split_first()) {
        (None, None) => true,
        (Some((Piece::Run, rest)), None) => glob(rest, text),
        (Some((Piece::Run, rest)), Some((_, tail))) => glob(rest, text) || glob(pattern, tail),
        (Some((Piece::One, rest)), Some((_, tail))) => glob(rest, tail),
        (Some((Piece::Lit(want), rest)), Some((have, tail))) => want == have && glob(rest, tail),
        _ => false,
    }
}

fn glob_str(pattern: &[Piece], text: &str) -> bool {
    glob(pattern, &text.chars().collect::<Vec<_>>())
}

/// `@localpart:server`, cut at the first colon.
pub fn split(user: &str) -> (&str, &str) {
    user.strip_prefix('@').unwrap().split_once(':').unwrap()
}

thread_local! {
    static COMPILED: RefCell<HashMap<String, regex::Regex>> = RefCell::default();
}

fn matches(whole: &str, user: &str) -> bool {
    COMPILED.with_borrow_mut(|compiled| {
        compiled
            .entry(whole.to_owned())
            .or_insert_with(|| regex::Regex::new(whole).unwrap())
            .is_match(user)
    })
}

/// A policy over facts.
#[derive(Clone, Copy)]
pub struct Meaning<'a> {
    pub policy: &'a Policy,
    pub facts: &'a Facts,
}

impl Meaning<'_> {
    /// Whether the selector has this user; decided for any user, known or not.
    pub fn picks(&self, selector: &Selector, user: &str) -> bool {
        match selector {
            Selector::All => true,
            Selector::User(pattern) => {
                let (local, server) = split(user);
                glob_str(&pattern.local, local) && glob_str(&pattern.server, server)
            }
            Selector::On(servers) => servers
                .iter()
                .any(|pattern| glob_str(pattern, split(user).1)),
            Selector::Matching(expression) => matches(&expression.whole, user),
            Selector::Local => self.is_local(user),
            Selector::Remote => !self.is_local(user),
            Selector::Members(rooms) => rooms.iter().any(|room| self.is_member(room, user)),
            Selector::Group(index) => match &self.policy.groups[*index].body {
                GroupBody::Is(selector) => self.picks(selector, user),
                GroupBody::File(users) => users.iter().any(|u| u == user),
            },
            Selector::Union(all) => all.iter().any(|part| self.picks(part, user)),
            Selector::Except(a, b) => self.picks(a, user) && !self.picks(b, user),
            Selector::Who(all) => all.iter().all(|part| self.picks(part, user)),
        }
    }

    fn is_local(&self, user: &str) -> bool {
        let own = self
            .facts
            .server_name
            .as_ref()
            .or(self.policy.homeserver.as_ref());
        own.is_some_and(|own| split(user).1 == own)
    }

    fn is_member(&self, room: &Room, user: &str) -> bool {
        let id = match room {
            Room::Id(id) => Some(id),
            Room::Alias { name, server } => self.facts.aliases.get(&format!("#{name}:{server}")),
        };
        id.and_then(|id| self.facts.rooms.get(id))
            .is_some_and(|members| members.contains(user))
    }

    pub fn unbounded(&self, selector: &Selector) -> bool {
        match selector {
            Selector::All => true,
            Selector::Union(all) => all.iter().any(|part| self.unbounded(part)),
            Selector::Who(all) => all.iter().all(|part| self.unbounded(part)),
            Selector::Except(a, b) => self.unbounded(a) && !self.unbounded(b),
            Selector::Group(index) => match &self.policy.groups[*index].body {
                GroupBody::Is(selector) => self.unbounded(selector),
                GroupBody::File(_) => false,
            },
            _ => false,
        }
    }

    /// The rule's senders and recipients.
    pub fn sides(rule: &Rule) -> (&Selector, &Selector) {
        match rule {
            Rule::Send(senders, recipients) => (senders, recipients),
            Rule::See(recipients, senders) => (senders, recipients),
            Rule::EachOther(users) => (users, users),
            Rule::Block(senders, Some(recipients)) => (senders, recipients),
            Rule::Block(senders, None) => (senders, &Selector::All),
        }
    }

    /// K: the directory's users, its rooms' members, the users written in the policy or in a group
    /// file, the senders in hand.
    pub fn known(&self, in_hand: &[String]) -> BTreeSet<String> {
        let mut known = self.facts.users.clone();
        known.extend(self.facts.rooms.values().flatten().cloned());
        self.policy.walk(&mut |selector| {
            if let Selector::User(pattern) = selector {
                known.extend(pattern.exact());
            }
        });
        for group in &self.policy.groups {
            if let GroupBody::File(users) = &group.body {
                known.extend(users.iter().cloned());
            }
        }
        known.extend(in_hand.iter().cloned());
        known
    }

    /// The rules as rectangles of these users.
    pub fn over<'u>(&self, users: impl IntoIterator<Item = &'u String>) -> Table {
        let users: BTreeSet<&String> = users.into_iter().collect();
        let picked = |selector: &Selector| {
            users
                .iter()
                .filter(|u| self.picks(selector, u))
                .map(|u| (*u).clone())
                .collect()
        };
        let rectangles = self.policy.rules.iter().map(|rule| {
            let (senders, recipients) = Self::sides(rule);
            Rectangle {
                block: rule.is_block(),
                senders: picked(senders),
                recipients: picked(recipients),
                unbounded: self.unbounded(senders),
            }
        });
        Table {
            rectangles: rectangles.collect(),
        }
    }
}

struct Rectangle {
    block: bool,
    senders: BTreeSet<String>,
    recipients: BTreeSet<String>,
    /// Whether the senders are.
    unbounded: bool,
}

/// The user x user table.
#[derive(Default)]
pub struct Table {
    rectangles: Vec<Rectangle>,
}

impl Table {
    pub fn some_rule(&self, block: bool, sender: &str, recipient: &str) -> bool {
        self.rectangles
            .iter()
            .filter(|rule| rule.block == block)
            .any(|rule| rule.senders.contains(sender) && rule.recipients.contains(recipient))
    }

    pub fn sees(&self, sender: &str, recipient: &str) -> bool {
        self.some_rule(false, sender, recipient) && !self.some_rule(true, sender, recipient)
    }

    /// Some rule with this recipient has unbounded senders.
    fn some_unbounded(&self, block: bool, recipient: &str) -> bool {
        self.rectangles
            .iter()
            .filter(|rule| rule.block == block)
            .any(|rule| rule.recipients.contains(recipient) && rule.unbounded)
    }

    pub fn all_except(&self, recipient: &str) -> bool {
        self.some_unbounded(false, recipient) && !self.some_unbounded(true, recipient)
    }

    pub fn recipients_of(&self, known: &BTreeSet<String>, sender: &str) -> Vec<String> {
        known
            .iter()
            .filter(|r| self.sees(sender, r))
            .cloned()
            .collect()
    }

    pub fn senders_for(&self, known: &BTreeSet<String>, recipient: &str) -> Senders {
        let (seen, unseen): (Vec<String>, Vec<String>) =
            known.iter().cloned().partition(|s| self.sees(s, recipient));
        if self.all_except(recipient) {
            Senders::AllExcept(unseen)
        } else {
            Senders::Only(seen)
        }
    }

    /// Recipient to ascending indexes into the batch. `known` has the batch's senders.
    pub fn route(&self, known: &BTreeSet<String>, batch: &[String]) -> BTreeMap<String, Vec<u32>> {
        let mut routed = BTreeMap::new();
        for recipient in known {
            let indexes: Vec<u32> = (0..)
                .zip(batch)
                .filter(|(_, sender)| self.sees(sender, recipient))
                .map(|(index, _)| index)
                .collect();
            if !indexes.is_empty() {
                routed.insert(recipient.clone(), indexes);
            }
        }
        routed
    }
}
