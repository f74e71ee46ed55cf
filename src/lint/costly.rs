//! Rules that make very many deliveries.
//!
//! Law: the number given is that of one known sender, less what blocks take from them.

use super::rules::Pair;
use super::sets::{Map, Set};
use super::world::{DEPTH, World};
use crate::diagnostic::{Diagnostic, Name};
use crate::id::UserId;
use crate::policy::{Action, PolicySet};

/// More deliveries than this for one update are worth a warning.
const MANY_DELIVERIES: usize = 10_000;

/// How many senders of a rule are tried out.
const SENDERS: usize = 16;

/// Finds the rules of which one update makes very many deliveries.
pub(super) fn costly_rules(
    policy: &PolicySet,
    pairs: &[Pair],
    world: &World<'_>,
    found: &mut Vec<Diagnostic>,
) {
    let mut counts: Map<Set, Option<usize>> = Map::default();
    let mut senders: Map<Set, Vec<&UserId>> = Map::default();
    let mut blocks: Map<&UserId, Option<Vec<Set>>> = Map::default();
    for (rule, pair) in policy.rules.iter().zip(pairs) {
        if pair.action == Action::Block {
            continue;
        }
        let count = *counts.entry(pair.recipients).or_insert_with(|| {
            let may_be_many = world.at_most(pair.recipients, DEPTH) > MANY_DELIVERIES;
            if may_be_many {
                world.count(pair.recipients, DEPTH)
            } else {
                None
            }
        });
        let Some(count) = count else {
            continue;
        };
        let tried = senders
            .entry(pair.senders)
            .or_insert_with(|| first_users(world, pair.senders));
        let most = tried.iter().filter_map(|sender| {
            let blocked = blocks
                .entry(sender)
                .or_insert_with(|| blocked_for(world, sender));
            deliveries(world, pair.recipients, count, blocked.as_ref()?)
        });
        let Some(most) = most.max().filter(|count| *count > MANY_DELIVERIES) else {
            continue;
        };
        let message = format!("one update of a sender of this rule makes {most} deliveries");
        let help = "send to fewer users, such as the members of a room, or block the users who need not see it";
        found.push(Diagnostic::new(Name::CostlyRule, rule.span, message, help));
    }
}

/// A few known users in a set, the first by bytes.
fn first_users<'a>(world: &World<'a>, set: Set) -> Vec<&'a UserId> {
    let mut users = world.list(set, DEPTH).unwrap_or_default();
    if users.len() > SENDERS {
        users.select_nth_unstable(SENDERS);
        users.truncate(SENDERS);
    }
    users.sort_unstable();
    users
}

/// The recipients of the blocks of a sender.
fn blocked_for(world: &World<'_>, sender: &UserId) -> Option<Vec<Set>> {
    let mut recipients = Vec::new();
    for block in &world.blocks {
        if world.has(block.senders, sender, DEPTH)? {
            recipients.push(block.recipients);
        }
    }
    recipients.sort_unstable();
    recipients.dedup();
    Some(recipients)
}

/// How many known recipients are left of a set without those blocked.
fn deliveries(world: &World<'_>, set: Set, count: usize, blocked: &[Set]) -> Option<usize> {
    if blocked.is_empty() {
        return Some(count);
    }
    if blocked
        .iter()
        .any(|blocked| world.sets.within(set, *blocked))
    {
        return Some(0);
    }
    let mut left = 0;
    for user in world.list(set, DEPTH)? {
        let mut out = false;
        for blocked in blocked {
            out = out || world.has(*blocked, user, DEPTH)?;
        }
        left += usize::from(!out);
    }
    Some(left)
}
