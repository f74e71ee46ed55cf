//! Asking about users: which rules they stand in, and whether one receives another.
//!
//! Law: equal to `decide` for every pair of known users. Nothing here recurses, so that groups may
//! be nested to any depth. Nothing here looks at other users than those asked about.

use std::collections::{HashMap, HashSet};

use foldhash::fast::{FixedState, RandomState};
use smallvec::SmallVec;

use super::{Index, Link, Node, NodeId, Part};
use crate::directory::Directory;
use crate::id::{UserId, server_of};
use crate::policy::Action;

/// Which side of a rule a user stands on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Senders,
    Recipients,
}

/// A few nodes, on the stack.
pub(super) type Nodes = SmallVec<[NodeId; 16]>;

/// As many things are looked for one after the other; more are looked up.
const FEW: usize = 8;

/// The rules that a user stands in on one side, by the node on their other side.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) allow: Nodes,
    pub(super) block: Nodes,
}

/// One user who is asked about, and the nodes already asked for them.
pub(super) struct Asked<'q> {
    id: &'q str,
    name: Option<u32>,
    /// Numbers that nobody outside chooses, so that no seed is needed.
    known: HashMap<NodeId, bool, FixedState>,
}

/// Nodes, one of which may hold a user.
pub(super) struct Among<'n> {
    nodes: &'n [NodeId],
    /// The same, if they are many.
    set: Option<HashSet<NodeId, RandomState>>,
}

impl<'n> Among<'n> {
    pub(super) fn new(nodes: &'n [NodeId]) -> Self {
        let many = nodes.len() > FEW;
        let set = many.then(|| nodes.iter().copied().collect());
        Among { nodes, set }
    }
}

/// An index, the facts of the moment, and the users in hand who are known besides.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Query<'a> {
    pub(super) index: &'a Index,
    pub(super) directory: &'a Directory,
    /// Sorted, each once.
    pub(super) in_hand: &'a [UserId],
}

impl<'a> Query<'a> {
    pub(crate) fn new(index: &'a Index, directory: &'a Directory, in_hand: &'a [UserId]) -> Self {
        Query {
            index,
            directory,
            in_hand,
        }
    }

    /// Whether the recipient receives the sender's presence.
    ///
    /// Costs the nodes that the two trigger, and of the rules of each pair of them a logarithm.
    pub(crate) fn sees(&self, sender: &str, recipient: &str) -> bool {
        let (mut sender, mut recipient) = (self.asked(sender), self.asked(recipient));
        let mut nodes: Option<Nodes> = None;
        let mut allowed = false;
        for node in self.walk(&sender) {
            let links = self.index.by_senders.of(node);
            if links.len() == 0 || !self.holds(node, &mut sender) {
                continue;
            }
            if links.len() <= FEW {
                for link in links {
                    let matters = link.blocks() || !allowed;
                    if matters && self.contains(link.other(), &mut recipient) {
                        if link.blocks() {
                            return false;
                        }
                        allowed = true;
                    }
                }
                continue;
            }
            for other in nodes.get_or_insert_with(|| self.walk(&recipient)) {
                let has = |action| self.index.by_senders.has(node, Link::new(action, *other));
                let (allows, blocks) = (!allowed && has(Action::Allow), has(Action::Block));
                if (allows || blocks) && self.holds(*other, &mut recipient) {
                    if blocks {
                        return false;
                    }
                    allowed = true;
                }
            }
        }
        allowed
    }

    /// Whether `senders_for` is everyone but some.
    pub(crate) fn receives_everyone(&self, recipient: &str) -> bool {
        self.has_everyone(&self.rules_of(Side::Recipients, recipient))
    }

    pub(super) fn has_everyone(&self, found: &Found) -> bool {
        let unbounded = |node: &NodeId| self.index.traits(*node).unbounded;
        found.allow.iter().any(unbounded) && !found.block.iter().any(unbounded)
    }

    /// The rules a user stands in on a side. Costs the nodes they trigger, and these rules.
    pub(super) fn rules_of(&self, side: Side, user: &str) -> Found {
        let mut asked = self.asked(user);
        let mut found = Found::default();
        for node in self.walk(&asked) {
            let links = self.index.links(side).of(node);
            if links.len() == 0 || !self.holds(node, &mut asked) {
                continue;
            }
            for link in links {
                match link.blocks() {
                    true => found.block.push(link.other()),
                    false => found.allow.push(link.other()),
                }
            }
        }
        found
    }

    pub(super) fn asked<'q>(&self, id: &'q str) -> Asked<'q> {
        Asked {
            id,
            name: self.index.names.number(id),
            known: HashMap::default(),
        }
    }

    /// Whether a user is in one of some nodes.
    pub(super) fn among(&self, nodes: &Among<'_>, user: &str) -> bool {
        let mut asked = self.asked(user);
        match &nodes.set {
            None => {
                let mut nodes = nodes.nodes.iter();
                nodes.any(|node| self.contains(*node, &mut asked))
            }
            Some(set) => {
                let walk = self.walk(&asked);
                walk.iter()
                    .any(|node| set.contains(node) && self.holds(*node, &mut asked))
            }
        }
    }

    /// Every node a user may be in, each once: those they trigger and all that is built on them.
    fn walk(&self, asked: &Asked<'_>) -> Nodes {
        let mut nodes = self.triggered(asked);
        if self.index.above.is_empty() {
            return nodes;
        }
        let mut seen: HashSet<NodeId, RandomState> = HashSet::default();
        let mut at = 0;
        while let Some(node) = nodes.get(at) {
            at += 1;
            for above in self.index.above.get(*node) {
                let few = nodes.len() <= nodes.inline_size();
                if !few && seen.is_empty() {
                    seen.extend(nodes.iter().copied());
                }
                let new = match few {
                    true => !nodes.contains(above),
                    false => seen.insert(*above),
                };
                if new {
                    nodes.push(*above);
                }
            }
        }
        nodes
    }

    /// The nodes that name a user directly.
    fn triggered(&self, asked: &Asked<'_>) -> Nodes {
        let triggers = &self.index.triggers;
        let mut nodes = Nodes::new();
        if let Some(user) = asked.name {
            nodes.push(user);
        }
        if let Some(everyone) = triggers.everyone {
            nodes.push(everyone);
        }
        if triggers.local.is_some() || triggers.remote.is_some() {
            nodes.extend(match self.directory.is_local(asked.id) {
                true => triggers.local,
                false => triggers.remote,
            });
        }
        if !triggers.servers.is_empty() {
            nodes.extend(triggers.servers.get(server_of(asked.id)).copied());
        }
        if !triggers.rooms.is_empty() {
            self.rooms_triggered(asked.id, &mut nodes);
        }
        match &triggers.recall {
            Some(recall) => {
                recall.nodes(asked.id, &mut nodes, |nodes| self.patterns(asked, nodes));
            }
            None if triggers.patterns > 0 => self.patterns(asked, &mut nodes),
            None => {}
        }
        nodes
    }

    /// The globs and regexes that a user matches.
    fn patterns(&self, asked: &Asked<'_>, nodes: &mut Nodes) {
        let triggers = &self.index.triggers;
        let mut globs = |node| {
            if self.leaf_contains(node, asked) == Some(true) {
                nodes.push(node);
            }
        };
        let server = server_of(asked.id);
        triggers.server_globs.may_match(server, &mut globs);
        triggers.user_globs.may_match(asked.id, &mut globs);
        let mut regexes = |node| nodes.push(node);
        triggers.regexes.matching(asked.id, &mut regexes);
    }

    /// The nodes of the rooms a user is joined to. Costs the rooms of the user, or those the policy
    /// names, whichever are fewer.
    fn rooms_triggered(&self, user: &str, nodes: &mut Nodes) {
        let named = &self.index.triggers.rooms;
        let Some(joined) = self.directory.joined(user) else {
            return;
        };
        if joined.len() > named.len() {
            let inside = |node: &&NodeId| match self.index.part(**node) {
                Part::Other(Node::Members(room)) => {
                    let room = self.directory.room_id(room);
                    room.is_some_and(|room| joined.contains(room))
                }
                _ => false,
            };
            nodes.extend(named.values().filter(inside).copied());
            return;
        }
        for room in joined {
            nodes.extend(named.get(room.as_str()).copied());
            let aliases = self.directory.aliases_of(room.as_str());
            nodes.extend(aliases.filter_map(|alias| named.get(alias.as_str()).copied()));
        }
    }

    /// Whether a user is in a node that they triggered.
    fn holds(&self, node: NodeId, asked: &mut Asked<'_>) -> bool {
        self.index.traits(node).exact || self.contains(node, asked)
    }

    /// Whether a user is in a node. Each node below it is asked at most once.
    #[inline(always)]
    fn contains(&self, root: NodeId, asked: &mut Asked<'_>) -> bool {
        // Most often a single user.
        if root < self.index.names.len() {
            return asked.name == Some(root);
        }
        match self.leaf_contains(root, asked) {
            Some(inside) => inside,
            None => self.combined_contains(root, asked),
        }
    }

    fn combined_contains(&self, root: NodeId, asked: &mut Asked<'_>) -> bool {
        // What is still to be answered, each after the parts it waits for.
        let mut left = vec![root];
        let mut last = false;
        while let Some(node) = left.last().copied() {
            if let Some(known) = asked.known.get(&node) {
                last = *known;
                left.pop();
                continue;
            }
            let answer = match self.index.part(node) {
                Part::Other(Node::Any(parts)) => self.combine(parts, true, asked),
                Part::Other(Node::Both(parts)) => self.combine(parts, false, asked),
                Part::Other(Node::Except(base, less)) => match self.inside(*base, asked) {
                    Ok(false) => Ok(false),
                    Ok(true) => self.inside(*less, asked).map(|inside| !inside),
                    Err(open) => Err(open),
                },
                _ => Ok(false),
            };
            match answer {
                Ok(inside) => {
                    last = inside;
                    left.pop();
                    asked.known.insert(node, inside);
                }
                Err(open) => left.push(open),
            }
        }
        last
    }

    /// Any of (`stop` is true) or all of some parts; `Err` names one to be answered first.
    fn combine(&self, parts: &[NodeId], stop: bool, asked: &Asked<'_>) -> Result<bool, NodeId> {
        for part in parts {
            if self.inside(*part, asked)? == stop {
                return Ok(stop);
            }
        }
        Ok(!stop)
    }

    /// A part that is a leaf or already answered; `Err` if it must be answered first.
    fn inside(&self, node: NodeId, asked: &Asked<'_>) -> Result<bool, NodeId> {
        match self.leaf_contains(node, asked) {
            Some(inside) => Ok(inside),
            None => asked.known.get(&node).copied().ok_or(node),
        }
    }

    /// Whether a user is in a node that is built on no other, `None` if it is.
    fn leaf_contains(&self, node: NodeId, asked: &Asked<'_>) -> Option<bool> {
        let node = match self.index.part(node) {
            Part::User(number) => return Some(asked.name == Some(number)),
            Part::Other(node) => node,
        };
        Some(match node {
            Node::Nobody => false,
            Node::Everyone => true,
            Node::Users(users) => {
                let has = |name| users.binary_search(&name).is_ok();
                asked.name.is_some_and(has)
            }
            Node::UserGlob(glob) => glob.matches_user(asked.id),
            Node::Server(server) => server.as_str() == server_of(asked.id),
            Node::ServerGlob(glob) => glob.matches_server(server_of(asked.id)),
            Node::Matching(pattern) => pattern.matches(asked.id),
            Node::Local => self.directory.is_local(asked.id),
            Node::Remote => !self.directory.is_local(asked.id),
            Node::Members(room) => self.directory.is_member(room, asked.id),
            Node::Any(_) | Node::Both(_) | Node::Except(..) => return None,
        })
    }
}
