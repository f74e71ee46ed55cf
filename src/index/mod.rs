//! The index: who receives, and whose presence one receives, without asking every rule.
//!
//! Every selector of a policy is a *node*; a group is one node however many rules use it, and each
//! named user is one. A user *triggers* the nodes that name them directly (their ID, their server,
//! their rooms, a pattern), and from there the nodes built on those, up to the rules. So the rules
//! that a user may stand in are found from either side without a look at the others, and each is then
//! checked exactly.
//!
//! Both questions are one function (`answer`), told which side the user stands on; there is no second
//! algorithm for the inverse. An answer may be given as everyone but some (the language reference,
//! section 1), and is then found from what is *not* in it.
//!
//! Not for: the meaning itself (`decide`, which this must equal), nor facts (`directory`).
//!
//! Law: frozen once compiled. Nodes stand after the nodes they use, and nothing here recurses, so
//! that groups may be nested to any depth.

mod answer;
mod asked;
mod holders;
mod lists;
mod merge;
mod patterns;
mod query;
mod recall;
mod room;
mod set;

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::RandomState;

use crate::glob::Glob;
use crate::id::{ServerName, UserId};
use crate::names::Names;
use crate::policy::{Action, Pattern};

pub(crate) use holders::{Holders, List, address};
pub(crate) use lists::Lists;
pub(crate) use patterns::{Globs, Regexes};
pub(crate) use query::{Query, Side};
pub(crate) use recall::Recall;
pub(crate) use room::NamedRoom;

/// A selector by its number: first the named users, then the others in [`Index::nodes`].
pub(crate) type NodeId = u32;

/// A selector as it is answered, if it is not a single named user.
#[derive(Debug)]
pub(crate) enum Node {
    Nobody,
    Everyone,
    /// Named users by their numbers, sorted, each once.
    Users(List),
    UserGlob(Glob),
    Server(ServerName),
    ServerGlob(Glob),
    Matching(Pattern),
    Local,
    Remote,
    Members(NamedRoom),
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
    /// Who is in it follows from their ID alone.
    pub settled: bool,
    /// How many users there are to look at, by kind; only to choose the cheaper of two parts.
    pub rank: u8,
}

impl Traits {
    pub(crate) const NOBODY: Traits = Traits {
        unbounded: false,
        exact: true,
        settled: true,
        rank: 0,
    };
}

/// A rule as one of its sides sees it: the node on the other side, and whether it blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Link(u32);

impl Link {
    pub(crate) fn new(action: Action, other: NodeId) -> Self {
        Link(other << 1 | u32::from(action == Action::Block))
    }

    fn other(self) -> NodeId {
        self.0 >> 1
    }

    fn blocks(self) -> bool {
        self.0 & 1 == 1
    }
}

/// For each node the rules that have it on one side, sorted.
#[derive(Debug, Default)]
pub(crate) struct Links(Lists);

impl Links {
    /// From pairs of a node and its link, for `count` nodes.
    pub(crate) fn new(count: usize, pairs: impl Iterator<Item = (NodeId, Link)> + Clone) -> Self {
        Links(Lists::new(count, pairs.map(|(node, link)| (node, link.0))))
    }

    fn of(&self, node: NodeId) -> impl ExactSizeIterator<Item = Link> {
        self.0.get(node).iter().map(|link| Link(*link))
    }

    /// Whether a node has an allow rule with another, and a block rule. Costs a logarithm of its rules.
    fn between(&self, node: NodeId, other: NodeId) -> (bool, bool) {
        let [allow, block] =
            [Action::Allow, Action::Block].map(|action| Link::new(action, other).0);
        let links = self.0.get(node);
        let at = links.partition_point(|link| *link < allow);
        let both = links.get(at..).unwrap_or_default().iter().take(2);
        (
            both.clone().any(|link| *link == allow),
            both.clone().any(|link| *link == block),
        )
    }
}

/// The nodes a user triggers directly, beside their own.
#[derive(Debug, Default)]
pub(crate) struct Triggers {
    pub everyone: Option<NodeId>,
    pub local: Option<NodeId>,
    pub remote: Option<NodeId>,
    pub servers: HashMap<ServerName, NodeId, RandomState>,
    /// By room ID or alias.
    pub rooms: HashMap<Box<str>, NodeId, RandomState>,
    /// Whether one of them is an alias.
    pub by_alias: bool,
    /// How many globs and regexes there are.
    pub patterns: usize,
    pub user_globs: Globs,
    pub server_globs: Globs,
    pub regexes: Regexes,
    /// What was found of users; `None` where nothing is built on others and there are no patterns.
    pub recall: Option<Recall>,
}

impl Triggers {
    /// Whether there are any that facts tell.
    fn by_facts(&self) -> bool {
        self.local.is_some() || self.remote.is_some() || !self.rooms.is_empty()
    }

    /// Keeps those that facts tell, if something holds for them: they are asked about each time.
    pub(crate) fn retain_by_facts(&mut self, holds: impl Fn(NodeId) -> bool) {
        self.local = self.local.filter(|node| holds(*node));
        self.remote = self.remote.filter(|node| holds(*node));
        self.rooms.retain(|_, node| holds(*node));
        self.by_alias = self.rooms.keys().any(|room| room.starts_with('#'));
    }
}

/// A policy as it is answered.
#[derive(Debug, Default)]
pub struct Index {
    pub(crate) names: Arc<Names>,
    /// The nodes behind those of the named users.
    pub(crate) nodes: Box<[Node]>,
    pub(crate) traits: Box<[Traits]>,
    pub(crate) triggers: Triggers,
    /// For each node those built on it that it triggers, but for those in `holders`.
    pub(crate) above: Lists,
    pub(crate) holders: Holders,
    /// The rules of each node as senders, and as recipients.
    pub(crate) by_senders: Links,
    pub(crate) by_recipients: Links,
    /// The recipients of allow rules with unbounded senders.
    pub(crate) everyone_recipients: Box<[NodeId]>,
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

/// A node by its kind.
#[derive(Debug, Clone, Copy)]
enum Part<'a> {
    /// A named user.
    User(u32),
    Other(&'a Node),
}

impl Index {
    fn part(&self, id: NodeId) -> Part<'_> {
        match id.checked_sub(self.names.end()) {
            None => Part::User(id),
            Some(at) => Part::Other(self.nodes.get(at as usize).unwrap_or(&Node::Nobody)),
        }
    }

    fn traits(&self, id: NodeId) -> Traits {
        let at = id.checked_sub(self.names.end());
        at.and_then(|at| self.traits.get(at as usize).copied())
            .unwrap_or(Traits::NOBODY)
    }

    fn links(&self, side: Side) -> &Links {
        match side {
            Side::Senders => &self.by_senders,
            Side::Recipients => &self.by_recipients,
        }
    }

    /// The nodes built on a node that it triggers.
    fn above(&self, id: NodeId) -> impl Iterator<Item = NodeId> {
        let above = self.above.get(id).iter().copied();
        above.chain(self.holders.of(id))
    }

    /// Whether a node has rules, or others are built on it that it triggers.
    pub(crate) fn leads_on(&self, id: NodeId) -> bool {
        let has_rules = |links: &Links| links.of(id).len() > 0;
        has_rules(&self.by_senders)
            || has_rules(&self.by_recipients)
            || self.above(id).next().is_some()
    }

    /// Whether the policy itself names a user.
    pub(crate) fn names(&self, user: &str) -> bool {
        self.names.number(user).is_some()
    }
}
