//! Policies and facts as relations: tuples of numbers, for engines that know nothing of presence.
//!
//! Made from the test's own model, so that reading and resolving a text are checked with the rest.
//! What a relation can say is left to the engine: servers, rooms, aliases, groups, blocks. Only
//! wildcards and regexes are tried here, by the matcher of `oracle`.
//!
//! Law: nothing of `src/` is used.

use std::collections::{BTreeSet, HashMap};

use super::model::{Facts, Group, GroupBody, Policy, Room, Rule, Selector, plain};
use super::oracle::{Meaning, split};

/// A user, server, room, alias, selector, rule or policy, each counted from 0.
pub type Id = u32;

/// Many policies over the same facts; each is a choice of the same rules.
pub struct Batch<'a> {
    pub groups: &'a [Group],
    /// Whether every policy defines all groups, or only those that its rules use.
    pub all_groups: bool,
    pub rules: &'a [Rule],
    /// Indexes into `rules`.
    pub policies: &'a [Vec<usize>],
    pub facts: &'a Facts,
    /// Who is asked about, at most 64.
    pub universe: &'a [String],
}

/// The tables. A selector is a node; what it is made of, binary.
#[derive(Default)]
pub struct Relations {
    pub user: Vec<(Id,)>,
    pub server_of: Vec<(Id, Id)>,
    pub own_server: Vec<(Id,)>,
    pub listed: Vec<(Id,)>,
    pub joined: Vec<(Id, Id)>,
    pub alias: Vec<(Id, Id)>,

    pub everyone: Vec<(Id,)>,
    pub is: Vec<(Id, Id)>,
    pub on: Vec<(Id, Id)>,
    pub matches: Vec<(Id, Id)>,
    pub local: Vec<(Id,)>,
    pub remote: Vec<(Id,)>,
    pub members: Vec<(Id, Id)>,
    pub members_by: Vec<(Id, Id)>,
    /// Nodes that are none of the four below.
    pub leaf: Vec<(Id,)>,
    pub same: Vec<(Id, Id)>,
    pub either: Vec<(Id, Id, Id)>,
    pub both: Vec<(Id, Id, Id)>,
    pub less: Vec<(Id, Id, Id)>,

    /// A rule, whose presence, who receives it.
    pub send: Vec<(Id, Id, Id)>,
    pub block: Vec<(Id, Id, Id)>,
    pub policy: Vec<(Id,)>,
    pub rule_of: Vec<(Id, Id)>,
    /// A user is written in a rule or in a group that it uses.
    pub writes: Vec<(Id, Id)>,
    /// A user is written in every policy.
    pub written: Vec<(Id,)>,
}

fn id(number: usize) -> Id {
    Id::try_from(number).unwrap()
}

impl Relations {
    pub fn new(batch: &Batch<'_>) -> Relations {
        let mut builder = Builder::new(batch);
        builder.facts();
        builder.policies();
        builder.tables
    }
}

struct Builder<'a> {
    batch: &'a Batch<'a>,
    /// For the matcher: the groups with no rules.
    policy: Policy,
    tables: Relations,
    names: HashMap<String, Id>,
    groups: Vec<Id>,
    nodes: usize,
}

impl<'a> Builder<'a> {
    fn new(batch: &'a Batch<'a>) -> Self {
        Builder {
            batch,
            policy: Policy {
                server: None,
                homeserver: None,
                groups: batch.groups.to_vec(),
                rules: Vec::new(),
            },
            tables: Relations::default(),
            names: HashMap::new(),
            groups: Vec::new(),
            nodes: 0,
        }
    }

    /// A server, room or alias as a number; none is taken for one of another kind.
    fn name(&mut self, name: &str) -> Id {
        let next = id(self.names.len());
        *self.names.entry(name.to_owned()).or_insert(next)
    }

    fn user(&self, user: &str) -> Id {
        let place = self.batch.universe.iter().position(|u| u == user);
        id(place.unwrap_or_else(|| panic!("{user:?} is not in the universe")))
    }

    fn facts(&mut self) {
        let (facts, universe) = (self.batch.facts, self.batch.universe);
        for (number, user) in universe.iter().enumerate() {
            let server = self.name(split(user).1);
            self.tables.user.push((id(number),));
            self.tables.server_of.push((id(number), server));
        }
        if let Some(own) = &facts.server_name {
            let own = self.name(own);
            self.tables.own_server.push((own,));
        }
        for user in &facts.users {
            let user = self.user(user);
            self.tables.listed.push((user,));
        }
        for (room, members) in &facts.rooms {
            let room = self.name(room);
            for member in members {
                let member = self.user(member);
                self.tables.joined.push((room, member));
            }
        }
        for (alias, room) in &facts.aliases {
            let pair = (self.name(alias), self.name(room));
            self.tables.alias.push(pair);
        }
    }

    fn policies(&mut self) {
        let batch = self.batch;
        // a group names later ones only
        let mut groups = vec![0; batch.groups.len()];
        for (index, group) in batch.groups.iter().enumerate().rev() {
            self.groups.clone_from(&groups);
            groups[index] = match &group.body {
                GroupBody::Is(selector) => self.node(selector),
                GroupBody::File(users) => {
                    let node = self.leaf();
                    for user in users {
                        let user = self.user(user);
                        self.tables.is.push((node, user));
                    }
                    node
                }
            };
        }
        self.groups = groups;
        for (number, rule) in batch.rules.iter().enumerate() {
            let (senders, recipients) = Meaning::sides(rule);
            let tuple = (id(number), self.node(senders), self.node(recipients));
            if rule.is_block() {
                self.tables.block.push(tuple);
            } else {
                self.tables.send.push(tuple);
            }
            let mut written = BTreeSet::new();
            for selector in rule.selectors() {
                self.written(selector, &mut written);
            }
            let written = written.iter().map(|user| (id(number), self.user(user)));
            let written: Vec<_> = written.collect();
            self.tables.writes.extend(written);
        }
        for (number, rules) in batch.policies.iter().enumerate() {
            self.tables.policy.push((id(number),));
            let rules = rules.iter().map(|&rule| (id(number), id(rule)));
            self.tables.rule_of.extend(rules);
        }
        if batch.all_groups {
            let mut written = BTreeSet::new();
            for index in 0..batch.groups.len() {
                self.written(&Selector::Group(index), &mut written);
            }
            let written = written.iter().map(|user| (self.user(user),));
            self.tables.written = written.collect();
        }
    }

    /// The users written in a selector and in the groups that it uses.
    fn written(&self, selector: &Selector, found: &mut BTreeSet<String>) {
        selector.walk(&mut |node| match node {
            Selector::User(pattern) => found.extend(pattern.exact()),
            Selector::Group(index) => match &self.batch.groups[*index].body {
                GroupBody::Is(body) => self.written(body, found),
                GroupBody::File(users) => found.extend(users.iter().cloned()),
            },
            _ => {}
        });
    }

    fn next(&mut self) -> Id {
        self.nodes += 1;
        id(self.nodes - 1)
    }

    fn leaf(&mut self) -> Id {
        let node = self.next();
        self.tables.leaf.push((node,));
        node
    }

    fn node(&mut self, selector: &Selector) -> Id {
        match selector {
            Selector::Union(all) => self.fold(all, |tables| &mut tables.either),
            Selector::Who(all) => self.fold(all, |tables| &mut tables.both),
            Selector::Except(a, b) => {
                let (a, b) = (self.node(a), self.node(b));
                let node = self.next();
                self.tables.less.push((node, a, b));
                node
            }
            Selector::Group(index) => {
                let node = self.next();
                self.tables.same.push((node, self.groups[*index]));
                node
            }
            leaf => {
                let node = self.leaf();
                self.fill(node, leaf);
                node
            }
        }
    }

    fn fold(
        &mut self,
        all: &[Selector],
        table: impl Fn(&mut Relations) -> &mut Vec<(Id, Id, Id)>,
    ) -> Id {
        let mut whole = self.node(&all[0]);
        for part in &all[1..] {
            let part = self.node(part);
            let node = self.next();
            table(&mut self.tables).push((node, whole, part));
            whole = node;
        }
        whole
    }

    fn fill(&mut self, node: Id, selector: &Selector) {
        match selector {
            Selector::All => self.tables.everyone.push((node,)),
            Selector::Local => self.tables.local.push((node,)),
            Selector::Remote => self.tables.remote.push((node,)),
            Selector::Members(rooms) => {
                for room in rooms {
                    match room {
                        Room::Id(room) => {
                            let room = self.name(room);
                            self.tables.members.push((node, room));
                        }
                        Room::Alias { name, server } => {
                            let alias = self.name(&format!("#{name}:{server}"));
                            self.tables.members_by.push((node, alias));
                        }
                    }
                }
            }
            Selector::User(pattern) if pattern.exact().is_some() => {
                let user = self.user(&pattern.exact().unwrap());
                self.tables.is.push((node, user));
            }
            Selector::On(servers) => {
                for server in servers {
                    match plain(server) {
                        Some(server) => {
                            let server = self.name(&server);
                            self.tables.on.push((node, server));
                        }
                        None => self.matching(node, &Selector::On(vec![server.clone()])),
                    }
                }
            }
            pattern => self.matching(node, pattern),
        }
    }

    /// Tries a pattern on everybody.
    fn matching(&mut self, node: Id, selector: &Selector) {
        let meaning = Meaning {
            policy: &self.policy,
            facts: self.batch.facts,
        };
        let users = self.batch.universe.iter().enumerate();
        let users = users.filter(|(_, user)| meaning.picks(selector, user));
        let tuples = users.map(|(number, _)| (node, id(number)));
        self.tables.matches.extend(tuples);
    }
}
