//! Answering: one function for both sides, and what it stands on.
//!
//! Law: equal to `decide` for every pair of known users. Nothing here recurses, so that groups may
//! be nested to any depth.

use std::collections::{BTreeMap, HashMap, HashSet};

use foldhash::fast::RandomState;

use super::{Index, Node, NodeId, Rectangle, Senders};
use crate::directory::Directory;
use crate::id::{UserId, server_of};
use crate::policy::Action;

type Users<'a> = HashSet<&'a UserId, RandomState>;

/// Which side of a rule a user stands on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Senders,
    Recipients,
}

impl Side {
    fn other(self) -> Side {
        match self {
            Side::Senders => Side::Recipients,
            Side::Recipients => Side::Senders,
        }
    }
}

impl Rectangle {
    fn side(&self, side: Side) -> NodeId {
        match side {
            Side::Senders => self.senders,
            Side::Recipients => self.recipients,
        }
    }
}

/// The rules that a user stands in on one side.
#[derive(Debug, Default)]
struct Found {
    allow: Vec<Rectangle>,
    block: Vec<Rectangle>,
}

/// One user who is asked about, and the nodes already asked for them.
struct Asked<'a> {
    id: &'a str,
    server: &'a str,
    known: HashMap<NodeId, bool, RandomState>,
}

impl<'a> Asked<'a> {
    fn new(id: &'a str) -> Self {
        Asked {
            id,
            server: server_of(id),
            known: HashMap::default(),
        }
    }
}

/// An index, the facts of the moment, and the users in hand who are known besides.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Query<'a> {
    index: &'a Index,
    directory: &'a Directory,
    in_hand: &'a [UserId],
}

impl<'a> Query<'a> {
    pub(super) fn new(index: &'a Index, directory: &'a Directory, in_hand: &'a [UserId]) -> Self {
        Query {
            index,
            directory,
            in_hand,
        }
    }

    /// All known users, sorted by bytes.
    pub(crate) fn known_users(&self) -> Vec<UserId> {
        sorted(self.all().collect())
    }

    /// The known users who receive a sender's presence, sorted by bytes.
    pub(crate) fn recipients_of(&self, sender: &str) -> Vec<UserId> {
        sorted(self.row(Side::Senders, sender))
    }

    /// Whose presence a recipient receives.
    pub(crate) fn senders_for(&self, recipient: &str) -> Senders {
        let mut asked = Asked::new(recipient);
        let found = self.rules_of(Side::Recipients, &mut asked);
        if self.has_everyone(&found) {
            Senders::AllExcept(sorted(self.missing(&found)))
        } else {
            Senders::Only(sorted(self.across(Side::Recipients, &found)))
        }
    }

    /// Whether `senders_for` is everyone but some.
    pub(crate) fn receives_everyone(&self, recipient: &str) -> bool {
        let found = self.rules_of(Side::Recipients, &mut Asked::new(recipient));
        self.has_everyone(&found)
    }

    /// The known users whom `senders_for` answers with everyone but some, sorted by bytes.
    pub(crate) fn everyone_recipients(&self) -> Vec<UserId> {
        let rules = self.index.rules.iter();
        let rules = rules.filter(|rule| rule.action == Action::Allow);
        let mut found = Users::default();
        for rule in rules.filter(|rule| self.index.traits(rule.senders).unbounded) {
            self.candidates(rule.recipients, &mut found);
        }
        found.retain(|user| self.receives_everyone(user.as_str()));
        sorted(found)
    }

    /// Whether the recipient receives the sender's presence.
    pub(crate) fn sees(&self, sender: &str, recipient: &str) -> bool {
        let found = self.rules_of(Side::Senders, &mut Asked::new(sender));
        self.passes(Side::Recipients, &found, recipient)
    }

    /// For each recipient of a batch the positions of the updates they receive.
    pub(crate) fn route(&self, batch: &[&str]) -> BTreeMap<UserId, Vec<u32>> {
        let mut positions: BTreeMap<&str, Vec<u32>> = BTreeMap::new();
        for (at, sender) in (0..).zip(batch) {
            positions.entry(sender).or_default().push(at);
        }
        let mut routed: BTreeMap<UserId, Vec<u32>> = BTreeMap::new();
        for (sender, at) in positions {
            for recipient in self.row(Side::Senders, sender) {
                match routed.get_mut(recipient) {
                    Some(received) => received.extend(&at),
                    None => _ = routed.insert(recipient.clone(), at.clone()),
                }
            }
        }
        for received in routed.values_mut() {
            received.sort_unstable();
        }
        routed
    }

    // ---- the one function ----

    /// The known users across the table from a user who stands on `side`.
    fn row(&self, side: Side, user: &str) -> Users<'a> {
        let found = self.rules_of(side, &mut Asked::new(user));
        self.across(side, &found)
    }

    /// The rules a user stands in on a side. Costs the nodes they trigger.
    fn rules_of(&self, side: Side, asked: &mut Asked<'_>) -> Found {
        let by_node = match side {
            Side::Senders => &self.index.rules_by_senders,
            Side::Recipients => &self.index.rules_by_recipients,
        };
        let mut found = Found::default();
        let mut left = self.triggered(asked);
        let mut seen: HashSet<NodeId, RandomState> = left.iter().copied().collect();
        while let Some(node) = left.pop() {
            left.extend(
                self.index
                    .above
                    .get(node)
                    .iter()
                    .filter(|above| seen.insert(**above)),
            );
            let rules = by_node.get(node);
            if rules.is_empty() || !self.contains(node, asked) {
                continue;
            }
            for rule in rules.iter().filter_map(|rule| self.index.rule(*rule)) {
                match rule.action {
                    Action::Allow => found.allow.push(*rule),
                    Action::Block => found.block.push(*rule),
                }
            }
        }
        found
    }

    /// The known users on the other side of the rules found.
    fn across(&self, side: Side, found: &Found) -> Users<'a> {
        let other = side.other();
        let mut users = Users::default();
        let blocks_all =
            |rule: &Rectangle| matches!(self.index.node(rule.side(other)), Node::Everyone);
        if found.block.iter().any(blocks_all) {
            return users;
        }
        let mut inexact = Users::default();
        for rule in &found.allow {
            let node = rule.side(other);
            if self.index.traits(node).exact {
                self.candidates(node, &mut users);
            } else {
                self.candidates(node, &mut inexact);
            }
        }
        inexact.retain(|user| !users.contains(*user));
        let allowed = |user: &&UserId| {
            let mut asked = Asked::new(user.as_str());
            found
                .allow
                .iter()
                .any(|rule| self.contains(rule.side(other), &mut asked))
        };
        users.extend(inexact.into_iter().filter(allowed));
        if !found.block.is_empty() {
            let blocked = |user: &UserId| {
                let mut asked = Asked::new(user.as_str());
                found
                    .block
                    .iter()
                    .any(|rule| self.contains(rule.side(other), &mut asked))
            };
            users.retain(|user| !blocked(user));
        }
        users
    }

    /// The known users who are *not* senders for a recipient who has everyone but some.
    fn missing(&self, found: &Found) -> Users<'a> {
        let mut users = Users::default();
        let unbounded = |rule: &&Rectangle| self.index.traits(rule.senders).unbounded;
        if let Some(rule) = found.allow.iter().find(unbounded) {
            self.outside(rule.senders, &mut users);
        }
        for rule in &found.block {
            self.candidates(rule.senders, &mut users);
        }
        users.retain(|user| !self.passes(Side::Senders, found, user.as_str()));
        users
    }

    /// Whether a user on `side` is in some allow rule found and in no block rule found.
    fn passes(&self, side: Side, found: &Found, user: &str) -> bool {
        let mut asked = Asked::new(user);
        let mut any = |rules: &[Rectangle]| {
            rules
                .iter()
                .any(|rule| self.contains(rule.side(side), &mut asked))
        };
        any(&found.allow) && !any(&found.block)
    }

    fn has_everyone(&self, found: &Found) -> bool {
        let unbounded = |rule: &Rectangle| self.index.traits(rule.senders).unbounded;
        found.allow.iter().any(unbounded) && !found.block.iter().any(unbounded)
    }

    // ---- nodes ----

    /// The nodes that name a user directly.
    fn triggered(&self, asked: &Asked<'_>) -> Vec<NodeId> {
        let triggers = &self.index.triggers;
        let place = if self.directory.is_local(asked.id) {
            triggers.local
        } else {
            triggers.remote
        };
        let mut nodes: Vec<NodeId> = triggers.everyone.into_iter().chain(place).collect();
        nodes.extend(triggers.users.get(asked.id).into_iter().flatten());
        nodes.extend(triggers.servers.get(asked.server));
        if !triggers.rooms.is_empty() {
            for room in self.directory.rooms_of(asked.id) {
                nodes.extend(triggers.rooms.get(room.as_str()));
                let aliases = self.directory.aliases_of(room.as_str());
                nodes.extend(aliases.filter_map(|alias| triggers.rooms.get(alias.as_str())));
            }
        }
        let patterns = triggers.patterns.iter().copied();
        nodes.extend(patterns.filter(|node| self.leaf_contains(*node, asked)));
        nodes
    }

    /// Whether a user is in a node. Each node below it is asked at most once.
    fn contains(&self, root: NodeId, asked: &mut Asked<'_>) -> bool {
        // What is still to be answered, each after the parts it waits for.
        let mut left = vec![root];
        let mut last = false;
        while let Some(node) = left.last().copied() {
            if let Some(known) = asked.known.get(&node) {
                last = *known;
                left.pop();
                continue;
            }
            let answer = match self.index.node(node) {
                Node::Any(parts) => self.combine(parts, true, asked),
                Node::Both(parts) => self.combine(parts, false, asked),
                Node::Except(base, less) => match self.part(*base, asked) {
                    Ok(false) => Ok(false),
                    Ok(true) => self.part(*less, asked).map(|inside| !inside),
                    Err(open) => Err(open),
                },
                _ => Ok(self.leaf_contains(node, asked)),
            };
            match answer {
                Ok(inside) => {
                    last = inside;
                    left.pop();
                    // A leaf is asked anew more cheaply than it is remembered.
                    if !self.index.is_leaf(node) {
                        asked.known.insert(node, inside);
                    }
                }
                Err(open) => left.push(open),
            }
        }
        last
    }

    /// Any of (`stop` is true) or all of some parts; `Err` names one to be answered first.
    fn combine(&self, parts: &[NodeId], stop: bool, asked: &Asked<'_>) -> Result<bool, NodeId> {
        for part in parts {
            if self.part(*part, asked)? == stop {
                return Ok(stop);
            }
        }
        Ok(!stop)
    }

    /// A part that is a leaf or already answered; `Err` if it must be answered first.
    fn part(&self, node: NodeId, asked: &Asked<'_>) -> Result<bool, NodeId> {
        if self.index.is_leaf(node) {
            return Ok(self.leaf_contains(node, asked));
        }
        asked.known.get(&node).copied().ok_or(node)
    }

    fn leaf_contains(&self, node: NodeId, asked: &Asked<'_>) -> bool {
        match self.index.node(node) {
            Node::Everyone => true,
            Node::User(id) => id.as_str() == asked.id,
            Node::Users(users) => users
                .binary_search_by(|id| id.as_str().cmp(asked.id))
                .is_ok(),
            Node::UserGlob(glob) => glob.matches_user(asked.id),
            Node::Server(server) => server.as_str() == asked.server,
            Node::ServerGlob(glob) => glob.matches_server(asked.server),
            Node::Matching(pattern) => pattern.matches(asked.id),
            Node::Local => self.directory.is_local(asked.id),
            Node::Remote => !self.directory.is_local(asked.id),
            Node::Members(room) => self.directory.is_member(room, asked.id),
            Node::Nobody | Node::Any(_) | Node::Both(_) | Node::Except(..) => false,
        }
    }

    /// Adds known users: at least all who are in the node, and just those if it is exact.
    fn candidates(&self, root: NodeId, users: &mut Users<'a>) {
        let mut left = vec![root];
        let mut seen: HashSet<NodeId, RandomState> = HashSet::default();
        while let Some(node) = left.pop() {
            match self.index.node(node) {
                Node::Any(parts) => left.extend(parts.iter().filter(|part| seen.insert(**part))),
                Node::Both(parts) => left.extend(parts.first()),
                Node::Except(base, _) => left.push(*base),
                Node::Nobody => {}
                Node::Everyone => users.extend(self.all()),
                Node::User(id) => _ = users.insert(id),
                Node::Users(list) => users.extend(list.iter()),
                Node::Server(server) => users.extend(self.on(server.as_str())),
                Node::Local => {
                    let server = self.directory.server_name();
                    users.extend(server.into_iter().flat_map(|s| self.on(s.as_str())));
                }
                Node::Members(room) => {
                    users.extend(self.directory.members(room).into_iter().flatten());
                }
                Node::Remote | Node::UserGlob(_) | Node::ServerGlob(_) | Node::Matching(_) => {
                    let inside =
                        |user: &&UserId| self.leaf_contains(node, &Asked::new(user.as_str()));
                    users.extend(self.all().filter(inside));
                }
            }
        }
    }

    /// Adds known users: at least all who are *not* in an unbounded node.
    fn outside(&self, root: NodeId, users: &mut Users<'a>) {
        let mut left = vec![root];
        while let Some(node) = left.pop() {
            match self.index.node(node) {
                // Who is in one part is in all of it, so one unbounded part is enough.
                Node::Any(parts) => {
                    left.extend(
                        parts
                            .iter()
                            .find(|part| self.index.traits(**part).unbounded),
                    );
                }
                Node::Both(parts) => left.extend(parts.iter()),
                Node::Except(base, less) => {
                    left.push(*base);
                    self.candidates(*less, users);
                }
                _ => {}
            }
        }
    }

    // ---- known users ----

    /// All known users, some more than once.
    fn all(&self) -> impl Iterator<Item = &'a UserId> {
        let named = self.index.named.values().flatten();
        self.directory.users().chain(named).chain(self.in_hand)
    }

    /// The known users on a server, some more than once.
    fn on(&self, server: &str) -> impl Iterator<Item = &'a UserId> {
        let named = self.index.named.get(server).into_iter().flatten();
        let in_hand = self
            .in_hand
            .iter()
            .filter(move |user| user.server() == server);
        self.directory
            .users_on(server)
            .chain(named)
            .chain(in_hand)
            .collect::<Vec<_>>()
            .into_iter()
    }
}

fn sorted(users: Users<'_>) -> Vec<UserId> {
    let mut users: Vec<UserId> = users.into_iter().cloned().collect();
    users.sort_unstable();
    users
}
