//! From what is meant to how it is answered: a [`PolicySet`] becomes an [`Index`].
//!
//! Not for: answering; nor facts, which change without a compile.
//!
//! Law: linear in the policy, times a logarithm for sorting. Selectors recurse as deep as
//! parentheses nest; groups are nodes already made when they are used.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use foldhash::fast::RandomState;

use crate::id::{ServerName, UserId};
use crate::index::{Index, Lists, Node, NodeId, Rectangle, Traits, Triggers};
use crate::policy::{Kind, PolicySet, Room, Selector};

/// Compiles a policy. Costs its size.
pub fn compile(policy: &PolicySet) -> Index {
    let mut compiler = Compiler::default();
    for group in &policy.groups {
        let node = compiler.selector(&group.selector);
        compiler.groups.push(node);
    }
    let rules = policy.rules.iter().map(|rule| Rectangle {
        action: rule.action,
        senders: compiler.selector(&rule.senders),
        recipients: compiler.selector(&rule.recipients),
    });
    let rules: Vec<Rectangle> = rules.collect();
    let mut named: HashMap<Box<str>, HashSet<UserId, RandomState>, RandomState> =
        HashMap::default();
    for user in &policy.named {
        named
            .entry(user.server().into())
            .or_default()
            .insert(user.clone());
    }
    let count = compiler.nodes.len();
    let by = |node: fn(&Rectangle) -> NodeId| {
        Lists::new(count, rules.iter().map(node).zip(0..).collect())
    };
    Index {
        above: Lists::new(count, compiler.above),
        rules_by_senders: by(|rule| rule.senders),
        rules_by_recipients: by(|rule| rule.recipients),
        nodes: compiler.nodes,
        traits: compiler.traits,
        triggers: compiler.triggers,
        rules,
        named,
    }
}

#[derive(Default)]
struct Compiler {
    nodes: Vec<Node>,
    traits: Vec<Traits>,
    groups: Vec<NodeId>,
    triggers: Triggers,
    /// Pairs of a node and one built on it that it triggers.
    above: Vec<(NodeId, NodeId)>,
    users: HashMap<UserId, NodeId, RandomState>,
}

impl Compiler {
    fn selector(&mut self, selector: &Selector) -> NodeId {
        match &selector.kind {
            Kind::Everyone => self.once(Node::Everyone, |triggers| &mut triggers.everyone),
            Kind::Local => self.once(Node::Local, |triggers| &mut triggers.local),
            Kind::Remote => self.once(Node::Remote, |triggers| &mut triggers.remote),
            Kind::User(user) => self.user(user),
            Kind::Listed(users) => self.listed(users.clone()),
            Kind::Server(server) => self.server(server),
            Kind::Members(room) => self.room(room),
            Kind::UserGlob(glob) => self.pattern(Node::UserGlob(glob.clone())),
            Kind::ServerGlob(glob) => self.pattern(Node::ServerGlob(glob.clone())),
            Kind::Matching(pattern) => self.pattern(Node::Matching(pattern.clone())),
            Kind::Group(id) => match self.groups.get(id.0 as usize) {
                Some(node) => *node,
                None => self.add(Node::Nobody),
            },
            Kind::Any(parts) => self.any(parts),
            Kind::Both(parts) => {
                let mut parts: Vec<NodeId> = parts.iter().map(|part| self.selector(part)).collect();
                parts.sort_by_key(|part| self.traits_of(*part).rank);
                let first = parts.first().copied();
                let node = self.add(Node::Both(parts.into()));
                self.above.extend(first.map(|part| (part, node)));
                node
            }
            Kind::Except(base, less) => {
                let (base, less) = (self.selector(base), self.selector(less));
                let node = self.add(Node::Except(base, less));
                self.above.push((base, node));
                node
            }
        }
    }

    /// The users among the parts become one sorted list.
    fn any(&mut self, parts: &[Selector]) -> NodeId {
        let user = |part: &Selector| match &part.kind {
            Kind::User(user) => Some(user.clone()),
            _ => None,
        };
        let mut users: Vec<UserId> = parts.iter().filter_map(user).collect();
        users.sort_unstable();
        users.dedup();
        let mut nodes: Vec<NodeId> = Vec::new();
        match users.as_slice() {
            [] => {}
            [one] => nodes.push(self.user(one)),
            _ => nodes.push(self.listed(users.into())),
        }
        let others = parts
            .iter()
            .filter(|part| !matches!(part.kind, Kind::User(_)));
        for part in others {
            nodes.push(self.selector(part));
        }
        nodes.sort_unstable();
        nodes.dedup();
        if let [only] = nodes.as_slice() {
            return *only;
        }
        let node = self.add(Node::Any(nodes.as_slice().into()));
        self.above
            .extend(nodes.into_iter().map(|part| (part, node)));
        node
    }

    /// The one node of a selector that names nothing.
    fn once(&mut self, node: Node, slot: fn(&mut Triggers) -> &mut Option<NodeId>) -> NodeId {
        if let Some(known) = slot(&mut self.triggers) {
            return *known;
        }
        let node = self.add(node);
        *slot(&mut self.triggers) = Some(node);
        node
    }

    fn user(&mut self, user: &UserId) -> NodeId {
        if let Some(node) = self.users.get(user) {
            return *node;
        }
        let node = self.add(Node::User(user.clone()));
        self.users.insert(user.clone(), node);
        self.triggers
            .users
            .entry(user.clone())
            .or_default()
            .push(node);
        node
    }

    fn listed(&mut self, users: Arc<[UserId]>) -> NodeId {
        let node = self.add(Node::Users(users.clone()));
        for user in users.iter() {
            self.triggers
                .users
                .entry(user.clone())
                .or_default()
                .push(node);
        }
        node
    }

    fn server(&mut self, server: &ServerName) -> NodeId {
        if let Some(node) = self.triggers.servers.get(server) {
            return *node;
        }
        let node = self.add(Node::Server(server.clone()));
        self.triggers.servers.insert(server.clone(), node);
        node
    }

    fn room(&mut self, room: &Room) -> NodeId {
        if let Some(node) = self.triggers.rooms.get(room.as_str()) {
            return *node;
        }
        let node = self.add(Node::Members(room.clone()));
        self.triggers.rooms.insert(room.as_str().into(), node);
        node
    }

    fn pattern(&mut self, node: Node) -> NodeId {
        let node = self.add(node);
        self.triggers.patterns.push(node);
        node
    }

    fn add(&mut self, node: Node) -> NodeId {
        let traits = self.traits_for(&node);
        self.traits.push(traits);
        self.nodes.push(node);
        u32::try_from(self.nodes.len() - 1).unwrap_or(u32::MAX)
    }

    fn traits_of(&self, node: NodeId) -> Traits {
        self.traits
            .get(node as usize)
            .copied()
            .unwrap_or(Traits::NOBODY)
    }

    fn traits_for(&self, node: &Node) -> Traits {
        let leaf = |rank| Traits {
            unbounded: false,
            exact: true,
            rank,
        };
        match node {
            Node::Nobody => leaf(0),
            Node::Everyone => Traits {
                unbounded: true,
                ..leaf(6)
            },
            Node::User(_) | Node::Users(_) => leaf(0),
            Node::Members(_) => leaf(1),
            Node::Server(_) => leaf(2),
            Node::Local => leaf(3),
            Node::UserGlob(_) | Node::ServerGlob(_) | Node::Matching(_) => leaf(4),
            Node::Remote => leaf(5),
            Node::Any(parts) => {
                let parts = parts.iter().map(|part| self.traits_of(*part));
                parts.fold(Traits::NOBODY, |all, part| Traits {
                    unbounded: all.unbounded || part.unbounded,
                    exact: all.exact && part.exact,
                    rank: all.rank.max(part.rank),
                })
            }
            Node::Both(parts) => {
                let parts = parts.iter().map(|part| self.traits_of(*part));
                Traits {
                    unbounded: parts.clone().all(|part| part.unbounded),
                    exact: false,
                    rank: parts.map(|part| part.rank).min().unwrap_or_default(),
                }
            }
            Node::Except(base, less) => {
                let (base, less) = (self.traits_of(*base), self.traits_of(*less));
                Traits {
                    unbounded: base.unbounded && !less.unbounded,
                    exact: false,
                    rank: base.rank,
                }
            }
        }
    }
}
