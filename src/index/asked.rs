//! One user who is asked about, and the nodes they are in.
//!
//! Most nodes tell from the ID alone who is in them: named users, servers, patterns, and what is built on
//! these. Those are *settled*, and each question about the user looks them up (`recall` keeps them). The
//! others are *open*: facts tell, a room's members or whose server is the homeserver's own, and each is
//! asked only where an answer needs it.
//!
//! Not for: the rules between nodes (`query`).
//!
//! Law: a user is in exactly those nodes that `decide` says. Nothing here recurses, so that groups may be
//! nested to any depth.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet};

use foldhash::fast::{FixedState, RandomState};
use smallvec::SmallVec;

use super::query::Query;
use super::{Node, NodeId, Part};
use crate::id::server_of;

/// A few nodes, on the stack.
pub(super) type Nodes = SmallVec<[NodeId; 16]>;

/// One user who is asked about, and the nodes already asked for them.
pub(super) struct Asked<'q> {
    id: &'q str,
    name: Option<u32>,
    /// Those they are in that are settled, if that was found out; then open ones they may be in.
    nodes: Nodes,
    settled: Option<usize>,
    /// Whether the open ones are there that they may be in by facts.
    by_facts: bool,
    /// Numbers that nobody outside chooses, so that no seed is needed.
    known: HashMap<NodeId, bool, FixedState>,
}

impl<'q> Asked<'q> {
    /// Nothing is known of them yet.
    #[inline]
    pub(super) fn new(id: &'q str) -> Self {
        Asked {
            id,
            name: None,
            nodes: Nodes::new(),
            settled: None,
            by_facts: false,
            known: HashMap::default(),
        }
    }

    /// One of the nodes that they may be in, and whether it is settled that they are.
    #[inline]
    pub(super) fn node(&self, at: usize) -> Option<(NodeId, bool)> {
        let node = self.nodes.get(at)?;
        Some((*node, self.settled.is_some_and(|settled| at < settled)))
    }
}

impl Query<'_> {
    /// Finds the settled nodes a user is in. Costs a look-up if they were asked about lately.
    pub(super) fn settle(&self, asked: &mut Asked<'_>) {
        let (id, nodes) = (asked.id, &mut asked.nodes);
        let settled = match &self.index.triggers.recall {
            Some(recall) => recall.nodes(id, nodes, |nodes| self.find_by_id(id, nodes)),
            None => {
                self.trigger_by_id(id, nodes);
                nodes.sort_unstable();
                nodes.len()
            }
        };
        asked.settled = Some(settled);
        // Users stand before all other nodes.
        let first = asked.nodes.first().copied();
        asked.name = first.filter(|node| *node < self.index.names.end());
    }

    /// Finds only whether the policy names a user, who is then asked about few nodes.
    pub(super) fn name(&self, asked: &mut Asked<'_>) {
        asked.name = self.index.names.number(asked.id);
    }

    /// Adds the settled nodes that name a user directly.
    #[inline(always)]
    fn trigger_by_id(&self, id: &str, nodes: &mut Nodes) {
        let triggers = &self.index.triggers;
        if let Some(number) = self.index.names.number(id) {
            nodes.push(number);
        }
        if let Some(everyone) = triggers.everyone {
            nodes.push(everyone);
        }
        if !triggers.servers.is_empty() {
            nodes.extend(triggers.servers.get(server_of(id)).copied());
        }
        if triggers.patterns > 0 {
            self.patterns(id, nodes);
        }
    }

    /// Adds the settled nodes a user is in, sorted, and the open ones that are built on these; tells how many
    /// the first are.
    fn find_by_id(&self, id: &str, nodes: &mut Nodes) -> usize {
        self.trigger_by_id(id, nodes);
        // In the order of their numbers: a node comes after all that it is built on.
        let mut left: BinaryHeap<Reverse<NodeId>> = nodes.drain(..).map(Reverse).collect();
        let mut open = Nodes::new();
        let mut last = None;
        while let Some(Reverse(node)) = left.pop() {
            if last.replace(node) == Some(node) {
                continue;
            }
            if !self.index.traits(node).settled {
                open.push(node);
            } else if self.builds(node, nodes) {
                nodes.push(node);
            } else {
                continue;
            }
            left.extend(self.index.above(node).map(Reverse));
        }
        let settled = nodes.len();
        nodes.extend_from_slice(&open);
        settled
    }

    /// Whether a user is in a settled node that one of theirs triggers: `below` are theirs before it.
    fn builds(&self, node: NodeId, below: &[NodeId]) -> bool {
        let has = |node: &NodeId| below.binary_search(node).is_ok();
        match self.index.part(node) {
            Part::Other(Node::Both(parts)) => parts.iter().all(has),
            Part::Other(Node::Except(_, less)) => !has(less),
            _ => true,
        }
    }

    /// The globs and regexes that a user matches.
    fn patterns(&self, id: &str, nodes: &mut Nodes) {
        let triggers = &self.index.triggers;
        let bare = Asked::new(id);
        let mut globs = |node| {
            if self.leaf_contains(node, &bare) == Some(true) {
                nodes.push(node);
            }
        };
        let server = server_of(id);
        triggers.server_globs.may_match(server, &mut globs);
        triggers.user_globs.may_match(id, &mut globs);
        let mut regexes = |node| nodes.push(node);
        triggers.regexes.matching(id, &mut regexes);
    }

    /// Adds the open nodes that a user may be in by facts, and what is built on them, each once. Costs the
    /// rooms of the user, or those the policy names, whichever are fewer; the second time nothing.
    #[inline]
    pub(super) fn add_by_facts(&self, asked: &mut Asked<'_>) {
        if !std::mem::replace(&mut asked.by_facts, true) && self.index.triggers.by_facts() {
            self.find_by_facts(asked);
        }
    }

    fn find_by_facts(&self, asked: &mut Asked<'_>) {
        let (triggers, nodes) = (&self.index.triggers, &mut asked.nodes);
        let mut at = nodes.len();
        if triggers.local.is_some() || triggers.remote.is_some() {
            nodes.extend(match self.directory.is_local(asked.id) {
                true => triggers.local,
                false => triggers.remote,
            });
        }
        if !triggers.rooms.is_empty() {
            self.rooms(asked.id, nodes);
        }
        let mut seen: HashSet<NodeId, RandomState> = HashSet::default();
        while let Some(node) = nodes.get(at).copied() {
            at += 1;
            for above in self.index.above(node) {
                let few = nodes.len() <= nodes.inline_size();
                if !few && seen.is_empty() {
                    seen.extend(nodes.iter().copied());
                }
                let new = match few {
                    true => !nodes.contains(&above),
                    false => seen.insert(above),
                };
                if new {
                    nodes.push(above);
                }
            }
        }
    }

    /// The nodes of the rooms a user is joined to.
    fn rooms(&self, user: &str, nodes: &mut Nodes) {
        let named = &self.index.triggers.rooms;
        let Some(joined) = self.directory.joined(user) else {
            return;
        };
        if joined.len() >= named.len() {
            let inside = |node: &&NodeId| match self.index.part(**node) {
                Part::Other(Node::Members(room)) => room.is_among(joined, self.directory),
                _ => false,
            };
            nodes.extend(named.values().filter(inside).copied());
            return;
        }
        for room in self.directory.rooms_in(joined) {
            nodes.extend(named.get(room.as_str()).copied());
            if self.index.triggers.by_alias {
                let aliases = self.directory.aliases_of(room.as_str());
                nodes.extend(aliases.filter_map(|alias| named.get(alias.as_str()).copied()));
            }
        }
    }

    /// Whether a user is in a node that they triggered.
    pub(super) fn holds(&self, node: NodeId, asked: &mut Asked<'_>) -> bool {
        self.index.traits(node).exact || self.contains(node, asked)
    }

    /// Whether a user is in a node. Each node below it is asked at most once.
    #[inline(always)]
    pub(super) fn contains(&self, root: NodeId, asked: &mut Asked<'_>) -> bool {
        // Most often a single user.
        if root < self.index.names.end() {
            return asked.name == Some(root);
        }
        match self.leaf_contains(root, asked) {
            Some(inside) => inside,
            None => self.combined_contains(root, asked),
        }
    }

    fn combined_contains(&self, root: NodeId, asked: &mut Asked<'_>) -> bool {
        if let Ok(inside) = self.combined(root, asked) {
            return inside;
        }
        // What is still to be answered, each after the parts it waits for.
        let mut left = vec![root];
        let mut last = false;
        while let Some(node) = left.last().copied() {
            if let Some(known) = asked.known.get(&node) {
                last = *known;
                left.pop();
                continue;
            }
            match self.combined(node, asked) {
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

    /// Whether a user is in a node that is built on others; `Err` names one to be answered first.
    fn combined(&self, node: NodeId, asked: &Asked<'_>) -> Result<bool, NodeId> {
        match self.index.part(node) {
            Part::Other(Node::Any(parts)) => self.combine(parts, true, asked),
            Part::Other(Node::Both(parts)) => self.combine(parts, false, asked),
            Part::Other(Node::Except(base, less)) => {
                Ok(self.inside(*base, asked)? && !self.inside(*less, asked)?)
            }
            _ => Ok(false),
        }
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

    /// Whether a user is in a node that is settled or built on no other, `None` if it is neither.
    fn leaf_contains(&self, node: NodeId, asked: &Asked<'_>) -> Option<bool> {
        if let Some(settled) = asked.settled
            && self.index.traits(node).settled
        {
            let settled = asked.nodes.get(..settled).unwrap_or_default();
            return Some(settled.binary_search(&node).is_ok());
        }
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
            Node::Members(room) => {
                let joined = self.directory.joined(asked.id);
                joined.is_some_and(|joined| room.is_among(joined, self.directory))
            }
            Node::Any(_) | Node::Both(_) | Node::Except(..) => return None,
        })
    }
}
