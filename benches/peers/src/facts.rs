//! A workload as facts without a language: users, sets of users, and rules from one set to another.
//!
//! No other engine has rooms, globs, or the policy language, so all are given this: each selector of
//! the policy is listed over the known users, by a reading of its own, and each user is a set as well.
//! For a peer a join, or a user met for the first time, so means that everything is listed again.
//!
//! Law: made once by the parent and read by each child, so that a child's memory holds nothing else.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::path::Path;
use std::{fs, slice};

use presence_router::directory::Directory;
use presence_router::id::server_of;
use presence_router::policy::{Action, Kind, PolicySet, Selector};

use crate::Fault;

/// A rule from a set of senders to a set of recipients.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    pub senders: u32,
    pub recipients: u32,
    pub block: bool,
}

/// The rules of sets, by the set on one side.
type Links = HashMap<u32, Vec<u32>>;

/// Users, sets, rules. A set below `users.len()` is that user alone.
#[derive(Debug, Default)]
pub struct Facts {
    /// Sorted by bytes.
    pub users: Vec<String>,
    /// The members of the sets from `users.len()` on, ascending.
    lists: Vec<Vec<u32>>,
    pub rules: Vec<Rule>,
    /// All numbers, so that a user's own set is a slice like others.
    singles: Vec<u32>,
    /// `[allowed, blocked]`: for a set of senders its recipients, and the other way round.
    by_senders: [Links; 2],
    by_recipients: [Links; 2],
    /// For each user the sets of two or more they are in, if some rule has the set on that side.
    sender_in: Vec<Vec<u32>>,
    recipient_in: Vec<Vec<u32>>,
}

impl Facts {
    /// Lists a policy over the known users of a directory.
    pub fn list(policy: &PolicySet, directory: &Directory, users: Vec<String>) -> Self {
        let mut listing = Listing {
            directory,
            numbers: (0u32..).zip(&users).map(|(n, u)| (u.as_str(), n)).collect(),
            users: &users,
            groups: Vec::new(),
            known: HashMap::new(),
            lists: Vec::new(),
        };
        for group in &policy.groups {
            let members = listing.members(&group.selector);
            listing.groups.push(members);
        }
        let mut rules = Vec::new();
        for rule in &policy.rules {
            rules.push(Rule {
                senders: listing.set(&rule.senders),
                recipients: listing.set(&rule.recipients),
                block: rule.action == Action::Block,
            });
        }
        let lists = listing.lists;
        Facts {
            users,
            lists,
            rules,
            ..Facts::default()
        }
    }

    /// Writes users, sets and rules.
    pub fn write(&self, path: &Path) -> Result<(), Fault> {
        let mut text = format!(
            "{} {} {}\n",
            self.users.len(),
            self.lists.len(),
            self.rules.len()
        );
        for user in &self.users {
            let _ = writeln!(text, "{user}");
        }
        for list in &self.lists {
            let words: Vec<String> = list.iter().map(u32::to_string).collect();
            let _ = writeln!(text, "{}", words.join(" "));
        }
        for rule in &self.rules {
            let _ = writeln!(
                text,
                "{} {} {}",
                rule.senders,
                rule.recipients,
                u8::from(rule.block)
            );
        }
        Ok(fs::write(path, text)?)
    }

    /// Reads what was written, and looks up both sides of each rule.
    pub fn read(path: &Path) -> Result<Self, Fault> {
        let text = fs::read_to_string(path)?;
        let counts = numbers(text.lines().next())?;
        let [users, lists, rules] = counts[..] else {
            return Err("the facts have no counts".into());
        };
        let mut facts = Facts {
            users: text
                .lines()
                .skip(1)
                .take(users as usize)
                .map(str::to_owned)
                .collect(),
            singles: (0..users).collect(),
            sender_in: vec![Vec::new(); users as usize],
            recipient_in: vec![Vec::new(); users as usize],
            ..Facts::default()
        };
        let mut lines = text.lines().skip(1 + users as usize);
        for _ in 0..lists {
            facts.lists.push(numbers(lines.next())?);
        }
        for _ in 0..rules {
            let numbers = numbers(lines.next())?;
            let [senders, recipients, block] = numbers[..] else {
                return Err("a rule of the facts has not three numbers".into());
            };
            let block = block == 1;
            facts.rules.push(Rule {
                senders,
                recipients,
                block,
            });
            let at = usize::from(block);
            facts.by_senders[at]
                .entry(senders)
                .or_default()
                .push(recipients);
            facts.by_recipients[at]
                .entry(recipients)
                .or_default()
                .push(senders);
        }
        for (set, list) in (users..).zip(&facts.lists) {
            for (links, inside) in [
                (&facts.by_senders, &mut facts.sender_in),
                (&facts.by_recipients, &mut facts.recipient_in),
            ] {
                if links.iter().any(|links| links.contains_key(&set)) {
                    for user in list {
                        inside[*user as usize].push(set);
                    }
                }
            }
        }
        Ok(facts)
    }

    /// The members of a set, ascending.
    pub fn members(&self, set: u32) -> &[u32] {
        match (set as usize).checked_sub(self.users.len()) {
            None => slice::from_ref(&self.singles[set as usize]),
            Some(at) => &self.lists[at],
        }
    }

    /// The sets that are no single user, with their members.
    pub fn lists(&self) -> impl Iterator<Item = (u32, &[u32])> {
        (self.users.len() as u32..).zip(self.lists.iter().map(Vec::as_slice))
    }

    /// The set of all users, if some rule has it.
    pub fn everyone(&self) -> Option<u32> {
        self.lists()
            .find(|(_, list)| list.len() == self.users.len())
            .map(|(set, _)| set)
    }

    /// For a set of senders the sets of recipients, of the rules that allow or that block.
    pub fn recipients(&self, block: bool, senders: u32) -> &[u32] {
        self.by_senders[usize::from(block)]
            .get(&senders)
            .map_or(&[], Vec::as_slice)
    }

    /// For a set of recipients the sets of senders.
    pub fn senders(&self, block: bool, recipients: u32) -> &[u32] {
        self.by_recipients[usize::from(block)]
            .get(&recipients)
            .map_or(&[], Vec::as_slice)
    }

    /// The sets a user is in as a sender, their own among them if some rule names them.
    pub fn sender_in(&self, user: u32) -> impl Iterator<Item = u32> {
        let named = self
            .by_senders
            .iter()
            .any(|links| links.contains_key(&user));
        named
            .then_some(user)
            .into_iter()
            .chain(self.sender_in[user as usize].iter().copied())
    }

    /// The sets a user is in as a recipient.
    pub fn recipient_in(&self, user: u32) -> impl Iterator<Item = u32> {
        let named = self
            .by_recipients
            .iter()
            .any(|links| links.contains_key(&user));
        named
            .then_some(user)
            .into_iter()
            .chain(self.recipient_in[user as usize].iter().copied())
    }

    /// The sets that a sender is sent to, or blocked from; ascending, each once.
    pub fn reached(&self, block: bool, sender: u32) -> Vec<u32> {
        let sets = self
            .sender_in(sender)
            .flat_map(|set| self.recipients(block, set))
            .copied();
        sorted(sets.collect())
    }

    /// The number of pairs that the rules of an action have at the most.
    pub fn pairs(&self, block: bool) -> u64 {
        let rules = self.rules.iter().filter(|rule| rule.block == block);
        let size = |set: u32| self.members(set).len() as u64;
        rules
            .map(|rule| size(rule.senders) * size(rule.recipients))
            .sum()
    }
}

/// The numbers of a line.
fn numbers(line: Option<&str>) -> Result<Vec<u32>, Fault> {
    let words = line
        .ok_or("the facts end too early")?
        .split_ascii_whitespace();
    Ok(words.map(str::parse).collect::<Result<_, _>>()?)
}

fn sorted(mut list: Vec<u32>) -> Vec<u32> {
    list.sort_unstable();
    list.dedup();
    list
}

/// Lists selectors over the known users.
struct Listing<'a> {
    directory: &'a Directory,
    users: &'a [String],
    numbers: HashMap<&'a str, u32>,
    groups: Vec<Vec<u32>>,
    /// Sets by their members, so that each is there once.
    known: HashMap<Vec<u32>, u32>,
    lists: Vec<Vec<u32>>,
}

impl Listing<'_> {
    /// The set of a selector.
    fn set(&mut self, selector: &Selector) -> u32 {
        let members = self.members(selector);
        if let [single] = members[..] {
            return single;
        }
        let next = (self.users.len() + self.lists.len()) as u32;
        if let Some(set) = self.known.get(&members) {
            return *set;
        }
        self.known.insert(members.clone(), next);
        self.lists.push(members);
        next
    }

    fn members(&self, selector: &Selector) -> Vec<u32> {
        let of = |is_in: &dyn Fn(&str) -> bool| {
            let users = (0u32..).zip(self.users).filter(|(_, user)| is_in(user));
            users.map(|(number, _)| number).collect()
        };
        let directory = self.directory;
        match &selector.kind {
            Kind::Everyone => (0..self.users.len() as u32).collect(),
            Kind::User(id) => self.numbers.get(id.as_str()).copied().into_iter().collect(),
            Kind::UserGlob(glob) => of(&|user| glob.matches_user(user)),
            Kind::Server(server) => of(&|user| server_of(user) == server.as_str()),
            Kind::ServerGlob(glob) => of(&|user| glob.matches_server(server_of(user))),
            Kind::Matching(pattern) => of(&|user| pattern.matches(user)),
            Kind::Local => of(&|user| directory.is_local(user)),
            Kind::Remote => of(&|user| !directory.is_local(user)),
            Kind::Members(room) => of(&|user| directory.is_member(room, user)),
            Kind::Listed(ids) => {
                let numbers = ids.iter().filter_map(|id| self.numbers.get(id.as_str()));
                sorted(numbers.copied().collect())
            }
            Kind::Group(id) => self.groups[id.0 as usize].clone(),
            Kind::Any(parts) => sorted(parts.iter().flat_map(|part| self.members(part)).collect()),
            Kind::Both(parts) => {
                let mut lists = parts.iter().map(|part| self.members(part));
                let mut both = lists.next().unwrap_or_default();
                for list in lists {
                    both.retain(|user| list.binary_search(user).is_ok());
                }
                both
            }
            Kind::Except(base, less) => {
                let less = self.members(less);
                let mut rest = self.members(base);
                rest.retain(|user| less.binary_search(user).is_err());
                rest
            }
        }
    }
}
