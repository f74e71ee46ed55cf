//! The index: who receives, and whose presence one receives, without asking every rule.
//!
//! Every selector of a policy is a *node*; a group is one node however many rules use it. A user
//! *triggers* the nodes that name them directly (their ID, their server, their rooms, a pattern),
//! and from there the nodes built on those, up to the rules. So the rules that a user may stand in
//! are found from either side without a look at the others, and each is then checked exactly.
//!
//! Both questions are `Query::row` (in `query`), told which side the user stands on; there is no second
//! algorithm for the inverse. An answer may be given as everyone but some (the language reference,
//! section 1), and is then found from what is *not* in it.
//!
//! Not for: the meaning itself (`decide`, which this must equal), nor facts (`directory`).
//!
//! Law: frozen once compiled. Nodes stand after the nodes they use, and nothing here recurses, so
//! that groups may be nested to any depth.

mod query;

use std::collections::{HashMap, HashSet};

use foldhash::fast::RandomState;

use crate::directory::Directory;
use crate::glob::Glob;
use crate::id::{ServerName, UserId, server_of};
use crate::policy::{Action, Pattern, Room};

use query::Query;

/// Where a node stands in [`Index::nodes`].
pub(crate) type NodeId = u32;

/// A selector as it is answered.
#[derive(Debug)]
pub(crate) enum Node {
    Nobody,
    Everyone,
    User(UserId),
    /// Sorted, each once.
    Users(std::sync::Arc<[UserId]>),
    UserGlob(Glob),
    Server(ServerName),
    ServerGlob(Glob),
    Matching(Pattern),
    Local,
    Remote,
    Members(Room),
    Any(Box<[NodeId]>),
    /// The first part is the one with the fewest users to look at.
    Both(Box<[NodeId]>),
    Except(NodeId, NodeId),
}

/// What is known of a node without asking the directory.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Traits {
    /// It holds unknown users, without looking at them.
    pub unbounded: bool,
    /// Whoever triggers it is in it.
    pub exact: bool,
    /// How many users there are to look at, by kind; only to choose the cheaper of two parts.
    pub rank: u8,
}

impl Traits {
    pub(crate) const NOBODY: Traits = Traits {
        unbounded: false,
        exact: true,
        rank: 0,
    };
}

/// A rule: a rectangle of two nodes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rectangle {
    pub action: Action,
    pub senders: NodeId,
    pub recipients: NodeId,
}

/// For each number a list of numbers, in two blocks.
#[derive(Debug, Default)]
pub(crate) struct Lists {
    starts: Box<[u32]>,
    items: Box<[u32]>,
}

impl Lists {
    /// The lists of `0..count`, from pairs of number and item.
    pub(crate) fn new(count: usize, mut pairs: Vec<(u32, u32)>) -> Self {
        pairs.sort_unstable();
        pairs.dedup();
        let mut starts = Vec::with_capacity(count + 1);
        let mut at = 0;
        for number in 0..=count {
            while pairs
                .get(at)
                .is_some_and(|(owner, _)| (*owner as usize) < number)
            {
                at += 1;
            }
            starts.push(u32::try_from(at).unwrap_or(u32::MAX));
        }
        let items = pairs.into_iter().map(|(_, item)| item).collect();
        Lists {
            starts: starts.into(),
            items,
        }
    }

    fn get(&self, number: u32) -> &[u32] {
        let at = number as usize;
        let bounds = self.starts.get(at).zip(self.starts.get(at + 1));
        let range = bounds.map(|(from, to)| *from as usize..*to as usize);
        range
            .and_then(|range| self.items.get(range))
            .unwrap_or_default()
    }
}

/// The nodes a user triggers directly.
#[derive(Debug, Default)]
pub(crate) struct Triggers {
    pub everyone: Option<NodeId>,
    pub local: Option<NodeId>,
    pub remote: Option<NodeId>,
    pub users: HashMap<UserId, Vec<NodeId>, RandomState>,
    pub servers: HashMap<ServerName, NodeId, RandomState>,
    /// By room ID or alias.
    pub rooms: HashMap<Box<str>, NodeId, RandomState>,
    /// Globs and regexes, each asked for every user.
    pub patterns: Vec<NodeId>,
}

/// A policy as it is answered.
#[derive(Debug, Default)]
pub struct Index {
    pub(crate) nodes: Vec<Node>,
    pub(crate) traits: Vec<Traits>,
    pub(crate) rules: Vec<Rectangle>,
    pub(crate) triggers: Triggers,
    /// For each node those built on it that it triggers.
    pub(crate) above: Lists,
    /// For each node the rules that have it as senders, and as recipients.
    pub(crate) rules_by_senders: Lists,
    pub(crate) rules_by_recipients: Lists,
    /// The users named in the policy, by server.
    pub(crate) named: HashMap<Box<str>, HashSet<UserId, RandomState>, RandomState>,
}

/// Whose presence a recipient receives: a list, or everyone but a list. Sorted by bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Senders {
    /// These known users and nobody else.
    Only(Vec<UserId>),
    /// Everyone, unknown users too, but for these known ones.
    AllExcept(Vec<UserId>),
}

impl Senders {
    /// Whether a known user's presence is received. Costs a binary search.
    pub fn contains(&self, sender: &str) -> bool {
        let has = |list: &[UserId]| list.binary_search_by(|id| id.as_str().cmp(sender)).is_ok();
        match self {
            Senders::Only(list) => has(list),
            Senders::AllExcept(list) => !has(list),
        }
    }
}

impl Index {
    pub(crate) fn query<'a>(
        &'a self,
        directory: &'a Directory,
        in_hand: &'a [UserId],
    ) -> Query<'a> {
        Query::new(self, directory, in_hand)
    }

    fn node(&self, id: NodeId) -> &Node {
        self.nodes.get(id as usize).unwrap_or(&Node::Nobody)
    }

    fn traits(&self, id: NodeId) -> Traits {
        self.traits
            .get(id as usize)
            .copied()
            .unwrap_or(Traits::NOBODY)
    }

    fn rule(&self, at: u32) -> Option<&Rectangle> {
        self.rules.get(at as usize)
    }
}

impl Index {
    fn is_leaf(&self, node: NodeId) -> bool {
        !matches!(
            self.node(node),
            Node::Any(_) | Node::Both(_) | Node::Except(..)
        )
    }

    /// Whether the policy itself names a user.
    pub(crate) fn names(&self, user: &str) -> bool {
        let users = self.named.get(server_of(user));
        users.is_some_and(|users| users.contains(user))
    }
}
