//! Warnings: a policy that loads and does what it says, which is likely not what was meant.
//!
//! `sets` are the selectors' meanings, `claims` and `witness` say what holds of them for every
//! directory, `rules` which rules change nothing, `repeats` which of them can be taken away for
//! certain, `names` which IDs look alike and `capitals` which servers do. With a directory, `world` says who is in a set now,
//! `facts` which names it does not have, `remote` to whom presence is disclosed and `costly` what
//! takes very many deliveries. `allow` takes away what a comment allows.
//!
//! Not for: errors (`resolve`).
//!
//! Law: a warning is never wrong. Where it is not certain, or would cost too much to find out,
//! nothing is said. One cause gives one warning.

mod allow;
mod automata;
mod capitals;
mod claims;
mod costly;
mod facts;
mod globs;
mod names;
mod product;
mod remote;
mod repeats;
mod rules;
mod sets;
mod witness;
mod world;

use std::collections::HashSet;

use crate::diagnostic::{Diagnostic, Name};
use crate::directory::Directory;
use crate::policy::{GroupId, Kind, PolicySet, Selector};
use crate::source::Span;

pub(crate) use allow::apply as apply_allows;
use rules::Pair;
use sets::{Cause, Contradiction, Sets};
use world::World;

/// The warnings of a policy; with a directory, also those that only it brings to light.
///
/// Costs the policy's size times a logarithm and a bounded number of comparisons; with a directory
/// also a few looks at each known user.
pub fn lint(policy: &PolicySet, directory: Option<&Directory>) -> Vec<Diagnostic> {
    let mut found = unused_groups(policy);
    let mut contradictions = Vec::new();
    let mut sets = Sets::new(policy, &mut contradictions);
    let mut pairs = Vec::with_capacity(policy.rules.len());
    let mut skip = Vec::with_capacity(policy.rules.len());
    for rule in &policy.rules {
        let before = contradictions.len();
        let senders = sets.of(&rule.senders, &mut contradictions);
        let recipients = sets.of(&rule.recipients, &mut contradictions);
        pairs.push(Pair {
            action: rule.action,
            senders,
            recipients,
        });
        skip.push(contradictions.len() > before);
    }
    found.extend(empty_selectors(&contradictions));
    let changing_nothing = rules::check(&policy.rules, &pairs, &sets, &skip);
    found.extend(repeats::add_edits(policy, changing_nothing));
    found.extend(names::confusable(policy, directory));
    if let Some(directory) = directory {
        facts::check(policy, directory, &mut found);
        let world = World::new(policy, &pairs, &sets, directory);
        remote::remote_disclosures(policy, &pairs, &world, &mut found);
        costly::costly_rules(policy, &pairs, &world, &mut found);
    }
    capitals::check(policy, directory, &mut found);
    found
}

fn unused_groups(policy: &PolicySet) -> Vec<Diagnostic> {
    let mut used = vec![false; policy.groups.len()];
    let mark = |selector: &Selector, used: &mut Vec<bool>| {
        leaves(selector, &mut |leaf| {
            if let Kind::Group(GroupId(id)) = leaf.kind
                && let Some(used) = used.get_mut(id as usize)
            {
                *used = true;
            }
        });
    };
    for rule in &policy.rules {
        mark(&rule.senders, &mut used);
        mark(&rule.recipients, &mut used);
    }
    // What only an unused group uses has its cause there.
    for group in &policy.groups {
        mark(&group.selector, &mut used);
    }
    let unused = policy.groups.iter().zip(&used).filter(|(_, used)| !**used);
    let problem = |group: &crate::policy::Group| {
        let name = &group.name;
        let message = format!("no rule uses `group {name}`");
        let help = format!("use it in a rule, as in `send group {name} to ...`, or take it away");
        Diagnostic::new(Name::UnusedGroup, group.span, message, help)
    };
    unused.map(|(group, _)| problem(group)).collect()
}

fn empty_selectors(contradictions: &[Contradiction]) -> Vec<Diagnostic> {
    // `see each other` uses one selector for both sides.
    let mut seen: HashSet<Span> = HashSet::new();
    let new = contradictions
        .iter()
        .filter(|contradiction| seen.insert(contradiction.span));
    let problem = |contradiction: &Contradiction| {
        let (message, help) = match contradiction.cause {
            Cause::Except => (
                "this `except` leaves nobody",
                "name fewer users after `except`, or take this selector away",
            ),
            Cause::Both => (
                "nobody is in all of these at once",
                "for users who are in one or the other write `,` between them; \
                 `who are` leaves those who are in both",
            ),
            Cause::Pattern => (
                "no user ID can match this",
                "it must match a whole user ID, `@localpart:server`, of at most 255 bytes",
            ),
        };
        Diagnostic::new(Name::EmptySelector, contradiction.span, message, help)
    };
    new.map(problem).collect()
}

/// Visits every part of a selector that is no combination of others, left to right; groups are not
/// entered. Recurses as deep as parentheses nest.
fn leaves<'a>(selector: &'a Selector, visit: &mut impl FnMut(&'a Selector)) {
    match &selector.kind {
        Kind::Any(parts) | Kind::Both(parts) => {
            for part in parts {
                leaves(part, visit);
            }
        }
        Kind::Except(base, less) => {
            leaves(base, visit);
            leaves(less, visit);
        }
        _ => visit(selector),
    }
}

/// Every selector of a policy: those of its groups, then those of its rules.
fn selectors(policy: &PolicySet) -> impl Iterator<Item = &Selector> {
    let groups = policy.groups.iter().map(|group| &group.selector);
    groups.chain(
        policy
            .rules
            .iter()
            .flat_map(|rule| [&rule.senders, &rule.recipients]),
    )
}
