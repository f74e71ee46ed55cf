//! Whole answers: the users on the other side of the rules that a user stands in.
//!
//! Of a part of a rule either all its users are listed,
//! or those in hand are asked whether they are in it, whichever looks at fewer.
//!
//! Law: equal to `decide` for every pair of known users. Nothing here recurses deeper than once, so
//! that groups may be nested to any depth.

use std::collections::{BTreeMap, HashMap, HashSet};

use foldhash::fast::RandomState;

use super::asked::Nodes;
use super::query::{Among, Found, Query, Side};
use super::set::{Parts, Set};
use super::{Node, NodeId, Part, Senders};
use crate::glob::Glob;
use crate::id::UserId;

/// The senders of a batch who have the same recipients, by their positions, and these recipients.
pub(crate) type Class = (Vec<u32>, Vec<UserId>);

impl<'a> Query<'a> {
    /// All known users, sorted by bytes.
    pub(crate) fn known_users(&self) -> Vec<UserId> {
        let mut all = Parts::default();
        self.list(&Node::Everyone, &mut all);
        self.owned(all.union())
    }

    /// The known users who receive a sender's presence, sorted by bytes.
    pub(crate) fn recipients_of(&self, sender: &str) -> Vec<UserId> {
        self.owned(self.across(&self.rules_of(Side::Senders, sender)))
    }

    /// Whose presence a recipient receives.
    pub(crate) fn senders_for(&self, recipient: &str) -> Senders {
        let found = self.rules_of(Side::Recipients, recipient);
        if self.has_everyone(&found) {
            Senders::AllExcept(self.owned(self.missing(&found)))
        } else {
            Senders::Only(self.owned(self.across(&found)))
        }
    }

    /// The known users whom `senders_for` answers with everyone but some, sorted by bytes.
    pub(crate) fn everyone_recipients(&self) -> Vec<UserId> {
        let mut users = self.users_in(&self.index.everyone_recipients, Inexact::Decided);
        users.retain(&self.index.names, |user| {
            self.receives_everyone(user.as_str())
        });
        self.owned(users)
    }

    /// The senders of a batch by their recipients: each sender's position is in one class, but for
    /// those without recipients. Costs the rules of each sender, and each class's recipients once.
    pub(crate) fn classes(&self, batch: &[&str]) -> Vec<Class> {
        let mut positions: HashMap<&str, Vec<u32>, RandomState> = HashMap::default();
        for (at, sender) in (0..).zip(batch) {
            positions.entry(sender).or_default().push(at);
        }
        // Who stands in the same rules has the same recipients.
        let mut by_rules: BTreeMap<[Nodes; 2], Vec<u32>> = BTreeMap::new();
        for (sender, at) in positions {
            let Found {
                mut allow,
                mut block,
            } = self.rules_of(Side::Senders, sender);
            if allow.is_empty() {
                continue;
            }
            for nodes in [&mut allow, &mut block] {
                nodes.sort_unstable();
                nodes.dedup();
            }
            by_rules.entry([allow, block]).or_default().extend(at);
        }
        let classes = by_rules.into_iter().map(|([allow, block], mut at)| {
            at.sort_unstable();
            (at, self.owned(self.across(&Found { allow, block })))
        });
        classes.filter(|(_, users)| !users.is_empty()).collect()
    }

    /// For each recipient of a batch the positions of the updates they receive.
    pub(crate) fn route(&self, batch: &[&str]) -> BTreeMap<UserId, Vec<u32>> {
        let mut classes = self.classes(batch);
        if classes.len() == 1 {
            // Already sorted.
            let (at, users) = classes.pop().unwrap_or_default();
            return users.into_iter().map(|user| (user, at.clone())).collect();
        }
        let mut received: HashMap<UserId, Vec<u32>, RandomState> = HashMap::default();
        for (at, users) in classes {
            for user in users {
                received.entry(user).or_default().extend(&at);
            }
        }
        let in_order = received.into_iter().map(|(user, mut at)| {
            at.sort_unstable();
            (user, at)
        });
        in_order.collect()
    }

    /// The known users on the other side of the rules found.
    fn across(&self, found: &Found) -> Set<'a> {
        let all = |node: &NodeId| matches!(self.index.part(*node), Part::Other(Node::Everyone));
        if found.block.iter().any(all) {
            return Set::default();
        }
        self.without(self.users_in(&found.allow, Inexact::Decided), &found.block)
    }

    /// The known users who are *not* senders for a recipient who has everyone but some.
    fn missing(&self, found: &Found) -> Set<'a> {
        let unbounded = |node: &&NodeId| self.index.traits(**node).unbounded;
        let open = found.allow.iter().find(unbounded);
        let mut outside = open.map(|node| self.outside(*node)).unwrap_or_default();
        let allowed = self.nodes(&found.allow);
        self.retain(&mut outside, &allowed, false);
        let mut missing = Parts::default();
        missing.add_set(outside);
        missing.add_set(self.users_in(&found.block, Inexact::Decided));
        missing.union()
    }

    /// Known users: at least all who are *not* in an unbounded node.
    fn outside(&self, root: NodeId) -> Set<'a> {
        let mut less = Vec::new();
        let mut left = vec![root];
        while let Some(node) = left.pop() {
            match self.index.part(node) {
                // Who is in one part is in all of it, so one unbounded part is enough.
                Part::Other(Node::Any(parts)) => {
                    let mut parts = parts.iter();
                    left.extend(parts.find(|part| self.index.traits(**part).unbounded));
                }
                Part::Other(Node::Both(parts)) => left.extend(parts.iter()),
                Part::Other(Node::Except(base, part)) => {
                    left.push(*base);
                    less.push(*part);
                }
                _ => {}
            }
        }
        self.users_in(&less, Inexact::Guessed)
    }

    // ---- the users in nodes ----

    /// The users of a list who are in none of some nodes.
    fn without(&self, users: Set<'a>, nodes: &[NodeId]) -> Set<'a> {
        if users.is_empty() || nodes.is_empty() {
            return users;
        }
        let limit = users.len().saturating_mul(4).saturating_add(64);
        let mut weight = 0_usize;
        for node in nodes {
            weight = weight.saturating_add(self.weight(*node, limit).unwrap_or(limit));
            if weight > limit {
                let mut users = users;
                self.retain(&mut users, &self.nodes(nodes), false);
                return users;
            }
        }
        let less = self.users_in(nodes, Inexact::Decided);
        users.without(&less, &self.index.names)
    }

    /// Keeps the users of a set who are in one of some nodes, or those who are not.
    fn retain(&self, users: &mut Set<'a>, nodes: &Among<'_>, inside: bool) {
        let names = &self.index.names;
        users.retain(names, |user| self.among(nodes, user.as_str()) == inside);
    }

    /// How many users are listed for a node, at most; `None` if that is not told without listing
    /// them. Stops at a limit.
    fn weight(&self, root: NodeId, limit: usize) -> Option<usize> {
        let mut weight = 0_usize;
        let mut left = vec![root];
        while let Some(node) = left.pop() {
            weight += match self.index.part(node) {
                Part::User(_) | Part::Other(Node::Nobody) => 1,
                Part::Other(Node::Users(list)) => list.len(),
                Part::Other(Node::Members(room)) => self.directory.member_count(&room.room),
                Part::Other(Node::Any(parts)) => {
                    left.extend(parts.iter());
                    1
                }
                Part::Other(_) => return None,
            };
            if weight > limit {
                break;
            }
        }
        Some(weight)
    }

    /// The known users in any of some nodes.
    fn users_in(&self, nodes: &[NodeId], inexact: Inexact) -> Set<'a> {
        let mut parts = Parts::default();
        let mut left = Nodes::from_slice(nodes);
        let mut seen: HashSet<NodeId, RandomState> = HashSet::default();
        let mut at = 0;
        while let Some(node) = left.get(at).copied() {
            at += 1;
            match self.index.part(node) {
                Part::User(number) => parts.add_one(number),
                Part::Other(Node::Any(any)) => {
                    left.extend(any.iter().copied().filter(|part| seen.insert(*part)));
                }
                Part::Other(part @ (Node::Both(_) | Node::Except(..))) => match inexact {
                    Inexact::Decided => parts.add_set(self.decided(node)),
                    Inexact::Guessed => left.extend(base_of(part)),
                },
                Part::Other(leaf) => self.list(leaf, &mut parts),
            }
        }
        parts.union()
    }

    /// The known users in a node that is built of parts of which not all hold.
    fn decided(&self, root: NodeId) -> Set<'a> {
        let mut base = root;
        let mut kept: Vec<NodeId> = Vec::new();
        let mut less: Vec<NodeId> = Vec::new();
        loop {
            match self.index.part(base) {
                Part::Other(Node::Except(of, part)) => {
                    base = *of;
                    less.push(*part);
                }
                Part::Other(Node::Both(parts)) => {
                    let Some((first, rest)) = parts.split_first() else {
                        return Set::default();
                    };
                    base = *first;
                    kept.extend(rest);
                }
                _ => break,
            }
        }
        if !self.index.traits(base).exact {
            let mut users = self.users_in(&[root], Inexact::Guessed);
            self.retain(&mut users, &self.nodes(&[root]), true);
            return users;
        }
        let mut users = self.users_in(&[base], Inexact::Decided);
        for node in kept {
            self.retain(&mut users, &self.nodes(&[node]), true);
        }
        self.without(users, &less)
    }

    /// Adds the known users of a node that is built on no other.
    fn list(&self, node: &'a Node, parts: &mut Parts<'a>) {
        let (names, directory) = (&self.index.names, self.directory);
        match node {
            Node::Users(list) => parts.add_numbers(list[..].into()),
            Node::Members(room) => {
                parts.add_users(directory.members(&room.room).into_iter().flatten());
            }
            Node::Server(server) => self.list_server(server.as_str(), parts),
            Node::Local => {
                if let Some(server) = directory.server_name() {
                    self.list_server(server.as_str(), parts);
                }
            }
            Node::ServerGlob(glob) => {
                let servers = directory.servers().chain(names.servers());
                let servers = servers.chain(self.in_hand.iter().map(UserId::server));
                let servers: HashSet<&str, RandomState> = servers.collect();
                let matching = servers.iter().filter(|server| glob.matches_server(server));
                matching.for_each(|server| self.list_server(server, parts));
            }
            Node::UserGlob(glob) => self.list_glob(glob, parts),
            Node::Everyone => {
                parts.add_users(directory.users());
                parts.add_users(names.iter());
                parts.add_users(self.in_hand.iter());
            }
            Node::Remote => self.list_each(parts, |user| !directory.is_local(user.as_str())),
            Node::Matching(pattern) => {
                let inside = |user: &&UserId| pattern.matches(user.as_str());
                match pattern.starts() {
                    Some(starts) => self.list_from(starts, parts, inside),
                    None => self.list_each(parts, inside),
                }
            }
            Node::Nobody | Node::Any(_) | Node::Both(_) | Node::Except(..) => {}
        }
    }

    fn list_server(&self, server: &str, parts: &mut Parts<'a>) {
        parts.add_numbers(self.index.names.on(server));
        parts.add_users(self.directory.users_on(server));
        let in_hand = self.in_hand.iter();
        parts.add_users(in_hand.filter(|user| user.server() == server));
    }

    /// Costs the users whose ID begins as the glob does, on its server if that is plain.
    fn list_glob(&self, glob: &Glob, parts: &mut Parts<'a>) {
        let start = glob.plain_start();
        let inside = |user: &&UserId| glob.matches_user(user.as_str());
        match glob.plain_server() {
            Some(server) => {
                let known = self.directory.users_on_from(server, start);
                match glob.is_start_and_server() {
                    true => parts.add_users(known),
                    false => parts.add_users(known.filter(inside)),
                }
            }
            None => parts.add_users(self.directory.users_from(start).filter(inside)),
        }
        let named = self.index.names.starting(start);
        parts.add_users(named.filter(inside));
        parts.add_users(self.in_hand.iter().filter(inside));
    }

    /// Costs the users whose ID begins with one of these texts, of which none begins with another.
    fn list_from(
        &self,
        starts: &[Box<str>],
        parts: &mut Parts<'a>,
        inside: impl Fn(&&UserId) -> bool,
    ) {
        let known = starts
            .iter()
            .flat_map(|start| self.directory.users_from(start));
        parts.add_users(known.filter(&inside));
        let names = &self.index.names;
        let named = starts.iter().flat_map(|start| names.starting(start));
        parts.add_users(named.filter(&inside));
        parts.add_users(self.in_hand.iter().filter(&inside));
    }

    /// Costs a look at every known user.
    fn list_each(&self, parts: &mut Parts<'a>, inside: impl Fn(&&UserId) -> bool) {
        let named = self.index.names.iter();
        parts.add_users(self.directory.users().filter(&inside));
        parts.add_users(named.filter(&inside));
        parts.add_users(self.in_hand.iter().filter(&inside));
    }

    fn owned(&self, users: Set<'a>) -> Vec<UserId> {
        users.into_users(&self.index.names)
    }
}

/// What is done with a node that not all are in who trigger it.
#[derive(Clone, Copy)]
enum Inexact {
    /// Only who is in it is taken.
    Decided,
    /// More than that may be taken.
    Guessed,
}

/// The parts in one of which everyone is who is in all of a node.
fn base_of(node: &Node) -> Option<NodeId> {
    match node {
        Node::Both(parts) => parts.first().copied(),
        Node::Except(base, _) => Some(*base),
        _ => None,
    }
}
