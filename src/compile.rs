//! From what is meant to how it is answered: a [`PolicySet`] becomes an [`Index`].
//!
//! Not for: answering; nor facts, which change without a compile.
//!
//! Law: linear in the policy, times a logarithm for sorting. Selectors recurse as deep as
//! parentheses nest; groups are nodes already made when they are used.

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::RandomState;

use crate::glob::Glob;
use crate::id::ServerName;
use crate::index::{
    Globs, Holders, Index, Link, Links, List, Lists, NamedRoom, Node, NodeId, Recall, Regexes,
    Traits, Triggers, address,
};
use crate::names::{Names, Numbers};
use crate::policy::{Action, Kind, Pattern, PolicySet, Room, Selector};

/// Compiles a policy. What an earlier one found is used where it still holds.
///
/// Costs the size of the policy, less users of group files that the earlier one has.
pub fn compile(mut policy: PolicySet, before: Option<&Index>) -> Index {
    let numbers = std::mem::take(&mut policy.numbers);
    let mut compiler = Compiler::new(Arc::clone(&policy.named), numbers);
    for group in &policy.groups {
        let node = compiler.selector(&group.selector);
        compiler.groups.push(node);
    }
    let rules = policy.rules.iter().map(|rule| {
        let senders = compiler.selector(&rule.senders);
        (rule.action, senders, compiler.selector(&rule.recipients))
    });
    let rules: Vec<(Action, NodeId, NodeId)> = rules.collect();
    // It takes more memory than the index, which may have it.
    drop(policy);
    let unbounded = |(action, senders, _): &&(Action, NodeId, NodeId)| {
        *action == Action::Allow && compiler.traits_of(*senders).unbounded
    };
    let everyone = rules.iter().filter(unbounded);
    let mut everyone_recipients: Vec<NodeId> = everyone.map(|(_, _, to)| *to).collect();
    everyone_recipients.sort_unstable();
    everyone_recipients.dedup();
    let count = compiler.names.end() as usize + compiler.nodes.len();
    let by_senders = rules
        .iter()
        .map(|(action, from, to)| (*from, Link::new(*action, *to)));
    let by_recipients = rules
        .iter()
        .map(|(action, from, to)| (*to, Link::new(*action, *from)));
    let none = Holders::default();
    let before = before.map_or(&none, |index| &index.holders);
    let has_lists = !compiler.lists.is_empty();
    let (holders, new) = Holders::new(before, std::mem::take(&mut compiler.lists));
    for (list, node) in &new {
        compiler.is_above(list, *node);
    }
    let (user_globs, server_globs) = (&compiler.user_globs, &compiler.server_globs);
    let patterns = compiler.regexes.len() + user_globs.len() + server_globs.len();
    compiler.triggers.patterns = patterns;
    let above = Lists::new(count, compiler.above.iter().copied());
    let found_slowly = patterns > 0 || has_lists || !above.is_empty();
    compiler.triggers.recall = found_slowly.then(Recall::new);
    compiler.triggers.user_globs = Globs::new(user_globs);
    compiler.triggers.server_globs = Globs::new(server_globs);
    compiler.triggers.regexes = Regexes::new(compiler.regexes);
    let mut triggers = compiler.triggers;
    let mut index = Index {
        by_senders: Links::new(count, by_senders),
        by_recipients: Links::new(count, by_recipients),
        above,
        holders,
        nodes: compiler.nodes.into(),
        traits: compiler.traits.into(),
        triggers: Triggers::default(),
        names: compiler.names,
        everyone_recipients: everyone_recipients.into(),
    };
    let by_server =
        |node: &Node| matches!(node, Node::Server(_) | Node::ServerGlob(_) | Node::Local);
    if index.nodes.iter().any(by_server) {
        index.names.sort_by_server();
    }
    triggers.retain_by_facts(|node| index.leads_on(node));
    index.triggers = triggers;
    index
}

struct Compiler {
    names: Arc<Names>,
    /// By the keys of the users in selectors.
    numbers: Numbers,
    /// The nodes behind those of the named users.
    nodes: Vec<Node>,
    traits: Vec<Traits>,
    groups: Vec<NodeId>,
    triggers: Triggers,
    user_globs: Vec<(Glob, NodeId)>,
    server_globs: Vec<(Glob, NodeId)>,
    regexes: Vec<(Pattern, NodeId)>,
    /// Pairs of a node and one built on it that it triggers.
    above: Vec<(NodeId, NodeId)>,
    /// The lists of group files, each once.
    lists: Vec<(List, NodeId)>,
    /// Their nodes: two groups may have one file.
    listed: HashMap<usize, NodeId, RandomState>,
}

impl Compiler {
    fn new(names: Arc<Names>, numbers: Numbers) -> Self {
        Compiler {
            names,
            numbers,
            nodes: Vec::new(),
            traits: Vec::new(),
            groups: Vec::new(),
            triggers: Triggers::default(),
            user_globs: Vec::new(),
            server_globs: Vec::new(),
            regexes: Vec::new(),
            above: Vec::new(),
            lists: Vec::new(),
            listed: HashMap::default(),
        }
    }

    fn selector(&mut self, selector: &Selector) -> NodeId {
        match &selector.kind {
            Kind::Everyone => self.once(Node::Everyone, |triggers| &mut triggers.everyone),
            Kind::Local => self.once(Node::Local, |triggers| &mut triggers.local),
            Kind::Remote => self.once(Node::Remote, |triggers| &mut triggers.remote),
            Kind::User(user) => self.numbers.of(user.key()),
            Kind::Listed(users) => self.listed(users.numbers()),
            Kind::Server(server) => self.server(server),
            Kind::Members(room) => self.room(room),
            Kind::UserGlob(glob) => {
                let node = self.add(Node::UserGlob(glob.clone()));
                self.user_globs.push((glob.clone(), node));
                node
            }
            Kind::ServerGlob(glob) => {
                let node = self.add(Node::ServerGlob(glob.clone()));
                self.server_globs.push((glob.clone(), node));
                node
            }
            Kind::Matching(pattern) => {
                let node = self.add(Node::Matching(pattern.clone()));
                self.regexes.push((pattern.clone(), node));
                node
            }
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

    /// The users among the parts become one list.
    fn any(&mut self, parts: &[Selector]) -> NodeId {
        let user = |part: &Selector| match &part.kind {
            Kind::User(user) => Some(self.numbers.of(user.key())),
            _ => None,
        };
        let mut users: Vec<u32> = parts.iter().filter_map(user).collect();
        users.sort_unstable();
        users.dedup();
        let mut nodes: Vec<NodeId> = Vec::new();
        if !users.is_empty() {
            nodes.push(self.users(users));
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

    /// The node of some users, sorted, each once.
    fn users(&mut self, users: Vec<u32>) -> NodeId {
        match *users {
            [] => self.add(Node::Nobody),
            [only] => only,
            _ => {
                let node = self.next();
                self.is_above(&users, node);
                self.add(Node::Users(users.into()))
            }
        }
    }

    /// The node of the users of a group file.
    fn listed(&mut self, users: &List) -> NodeId {
        match **users {
            [] => self.add(Node::Nobody),
            [only] => only,
            _ => {
                if let Some(node) = self.listed.get(&address(users)) {
                    return *node;
                }
                let node = self.add(Node::Users(Arc::clone(users)));
                self.listed.insert(address(users), node);
                self.lists.push((Arc::clone(users), node));
                node
            }
        }
    }

    /// Each of some users triggers a node.
    fn is_above(&mut self, users: &[u32], node: NodeId) {
        self.above.extend(users.iter().map(|user| (*user, node)));
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
        let node = self.add(Node::Members(NamedRoom::new(room.clone())));
        self.triggers.rooms.insert(room.as_str().into(), node);
        node
    }

    fn add(&mut self, node: Node) -> NodeId {
        let id = self.next();
        let traits = self.traits_for(&node);
        self.traits.push(traits);
        self.nodes.push(node);
        id
    }

    /// The number of the node that is added next.
    fn next(&self) -> NodeId {
        let others = u32::try_from(self.nodes.len()).unwrap_or(u32::MAX);
        self.names.end().saturating_add(others)
    }

    fn traits_of(&self, node: NodeId) -> Traits {
        let at = node.checked_sub(self.names.end());
        at.and_then(|at| self.traits.get(at as usize).copied())
            .unwrap_or(Traits::NOBODY)
    }

    fn traits_for(&self, node: &Node) -> Traits {
        let leaf = |rank| Traits {
            unbounded: false,
            exact: true,
            settled: true,
            rank,
        };
        let by_facts = |rank| Traits {
            settled: false,
            ..leaf(rank)
        };
        match node {
            Node::Nobody => leaf(0),
            Node::Everyone => Traits {
                unbounded: true,
                ..leaf(6)
            },
            Node::Users(_) => leaf(0),
            Node::Members(_) => by_facts(1),
            Node::Server(_) => leaf(2),
            Node::Local => by_facts(3),
            Node::UserGlob(_) | Node::ServerGlob(_) | Node::Matching(_) => leaf(4),
            Node::Remote => by_facts(5),
            Node::Any(parts) => {
                let parts = parts.iter().map(|part| self.traits_of(*part));
                parts.fold(Traits::NOBODY, |all, part| Traits {
                    unbounded: all.unbounded || part.unbounded,
                    exact: all.exact && part.exact,
                    settled: all.settled && part.settled,
                    rank: all.rank.max(part.rank),
                })
            }
            Node::Both(parts) => {
                let parts = parts.iter().map(|part| self.traits_of(*part));
                Traits {
                    unbounded: parts.clone().all(|part| part.unbounded),
                    exact: false,
                    settled: parts.clone().all(|part| part.settled),
                    rank: parts.map(|part| part.rank).min().unwrap_or_default(),
                }
            }
            Node::Except(base, less) => {
                let (base, less) = (self.traits_of(*base), self.traits_of(*less));
                Traits {
                    unbounded: base.unbounded && !less.unbounded,
                    exact: false,
                    settled: base.settled && less.settled,
                    rank: base.rank,
                }
            }
        }
    }
}
