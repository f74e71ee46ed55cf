//! Asking about users: which rules they stand in, and whether one receives another.
//!
//! Law: equal to `decide` for every pair of known users. Nothing here looks at other users than those
//! asked about.

use std::collections::HashSet;

use foldhash::fast::RandomState;

use super::asked::{Asked, Nodes};
use super::{Index, NodeId};
use crate::directory::Directory;
use crate::id::UserId;

/// Which side of a rule a user stands on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Senders,
    Recipients,
}

/// As many nodes are looked for one after the other; more are looked up.
const FEW: usize = 8;

/// As many rules of a sender's node are asked one after the other; of more, those are looked up that a
/// recipient may stand in, for which the recipient's rooms are asked.
const FEW_RULES: usize = 32;

/// The rules that a user stands in on one side, by the node on their other side.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) allow: Nodes,
    pub(super) block: Nodes,
}

/// Nodes, one of which may hold a user.
pub(super) struct Among<'n> {
    nodes: &'n [NodeId],
    /// The same, if they are many.
    set: Option<HashSet<NodeId, RandomState>>,
    /// Those that nobody triggers, because they lead on to nothing.
    asked: Nodes,
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
        let (mut sender, mut recipient) = (Asked::new(sender), Asked::new(recipient));
        self.settle(&mut sender);
        self.settle(&mut recipient);
        let mut allowed = false;
        self.add_by_facts(&mut sender);
        for at in 0.. {
            let Some((node, settled)) = sender.node(at) else {
                break;
            };
            let links = self.index.by_senders.of(node);
            if links.len() == 0 || !(settled || self.holds(node, &mut sender)) {
                continue;
            }
            if self.is_blocked(node, &mut recipient, &mut allowed) {
                return false;
            }
        }
        allowed
    }

    /// Whether a rule with a node as its senders blocks a recipient; notes whether one allows them.
    #[inline(always)]
    fn is_blocked(&self, senders: NodeId, recipient: &mut Asked<'_>, allowed: &mut bool) -> bool {
        let links = self.index.by_senders.of(senders);
        if links.len() <= FEW_RULES {
            for link in links {
                let matters = link.blocks() || !*allowed;
                if matters && self.contains(link.other(), recipient) {
                    if link.blocks() {
                        return true;
                    }
                    *allowed = true;
                }
            }
            return false;
        }
        self.add_by_facts(recipient);
        for at in 0.. {
            let Some((node, settled)) = recipient.node(at) else {
                break;
            };
            let (allows, blocks) = self.index.by_senders.between(senders, node);
            let matters = blocks || allows && !*allowed;
            if matters && (settled || self.holds(node, recipient)) {
                if blocks {
                    return true;
                }
                *allowed = true;
            }
        }
        false
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
        let mut asked = Asked::new(user);
        let mut found = Found::default();
        self.settle(&mut asked);
        self.add_by_facts(&mut asked);
        for at in 0.. {
            let Some((node, settled)) = asked.node(at) else {
                break;
            };
            let links = self.index.links(side).of(node);
            if links.len() == 0 || !(settled || self.holds(node, &mut asked)) {
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

    /// Nodes that many users will be looked for in. Costs a look at each.
    pub(super) fn nodes<'n>(&self, nodes: &'n [NodeId]) -> Among<'n> {
        let mut among = Among {
            nodes,
            set: None,
            asked: Nodes::new(),
        };
        if nodes.len() > FEW {
            let alone = |node: &&NodeId| {
                let traits = self.index.traits(**node);
                !traits.settled && traits.exact && !self.index.leads_on(**node)
            };
            among.asked = nodes.iter().filter(alone).copied().collect();
            among.set = Some(nodes.iter().copied().collect());
        }
        among
    }

    /// Whether a user is in one of some nodes.
    pub(super) fn among(&self, nodes: &Among<'_>, user: &str) -> bool {
        let mut asked = Asked::new(user);
        let Some(set) = &nodes.set else {
            self.name(&mut asked);
            let mut nodes = nodes.nodes.iter();
            return nodes.any(|node| self.contains(*node, &mut asked));
        };
        self.settle(&mut asked);
        self.add_by_facts(&mut asked);
        for at in 0.. {
            let Some((node, settled)) = asked.node(at) else {
                break;
            };
            if set.contains(&node) && (settled || self.holds(node, &mut asked)) {
                return true;
            }
        }
        let mut nodes = nodes.asked.iter();
        nodes.any(|node| self.contains(*node, &mut asked))
    }
}
