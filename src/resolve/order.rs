//! The order of groups: each after those it uses; a group that contains itself is a problem.
//!
//! Law: nothing recurses, so that groups may be nested to any depth.

use super::Resolver;
use crate::diagnostic::{Diagnostic, Name};
use crate::policy::{Group, GroupId, Kind, PolicySet, Selector};
use crate::source::Span;

/// Of a longer cycle only so many steps are marked.
const STEPS: usize = 9;

impl Resolver<'_, '_> {
    /// The groups in an order in which each comes after those it uses; cycles are reported.
    pub(super) fn order(&mut self, groups: &[Group]) -> Vec<u32> {
        let uses: Vec<Vec<(u32, Span)>> = groups.iter().map(|g| groups_in(&g.selector)).collect();
        let mut order = Vec::with_capacity(groups.len());
        let mut state = vec![Visit::Not; groups.len()];
        let mut on_cycle = vec![false; groups.len()];
        let mut path: Vec<(u32, usize)> = Vec::new();
        for start in 0..u32::try_from(groups.len()).unwrap_or(u32::MAX) {
            if state.get(start as usize) == Some(&Visit::Not) {
                path.push((start, 0));
            }
            while let Some((group, next)) = path.last_mut() {
                let at = *group as usize;
                if let Some(seen) = state.get_mut(at).filter(|seen| **seen == Visit::Not) {
                    *seen = Visit::Open;
                }
                let Some((used, _)) = uses.get(at).and_then(|list| list.get(*next)) else {
                    order.push(*group);
                    if let Some(seen) = state.get_mut(at) {
                        *seen = Visit::Done;
                    }
                    path.pop();
                    continue;
                };
                *next += 1;
                match state.get(*used as usize) {
                    Some(Visit::Not) => path.push((*used, 0)),
                    // The path to it from there would only be looked through to find this.
                    Some(Visit::Open) if on_cycle.get(*used as usize) == Some(&true) => {}
                    Some(Visit::Open) => {
                        let from = path.iter().position(|(group, _)| group == used);
                        let cycle = path.get(from.unwrap_or_default()..).unwrap_or_default();
                        let cycle: Vec<u32> = cycle.iter().map(|(group, _)| *group).collect();
                        self.cycle(groups, &uses, &cycle, &mut on_cycle);
                    }
                    _ => {}
                }
            }
        }
        order
    }

    /// Reports a cycle, unless one through a group of it is reported already.
    fn cycle(
        &mut self,
        groups: &[Group],
        uses: &[Vec<(u32, Span)>],
        cycle: &[u32],
        on_cycle: &mut [bool],
    ) {
        let mut known = false;
        for group in cycle {
            if let Some(mark) = on_cycle.get_mut(*group as usize) {
                known |= std::mem::replace(mark, true);
            }
        }
        if known {
            return;
        }
        // Definitions are numbered in the order of files and lines.
        let first = (0..cycle.len())
            .min_by_key(|at| cycle.get(*at))
            .unwrap_or_default();
        let mut cycle = cycle.to_vec();
        cycle.rotate_left(first);
        let members: Vec<&Group> = cycle
            .iter()
            .filter_map(|g| groups.get(*g as usize))
            .collect();
        let Some(head) = members.first() else {
            return;
        };
        let chain: Vec<String> = members.iter().map(|g| format!("`{}`", g.name)).collect();
        let chain = chain.join(", which uses ");
        let message = format!("group {chain} contains itself");
        let message = if members.len() == 1 {
            message
        } else {
            format!("group {chain}, which uses `{}`, contains itself", head.name)
        };
        let last = members.last().map_or("", |g| g.name.as_str());
        let help = format!(
            "take `group {}` out of the definition of `{last}`",
            head.name
        );
        let mut problem = Diagnostic::new(Name::GroupCycle, head.span, message, help);
        let next = cycle.iter().cycle().skip(1);
        for (group, next) in cycle.iter().zip(next).take(STEPS) {
            let uses = uses.get(*group as usize).into_iter().flatten();
            let step = uses.into_iter().find(|(used, _)| used == next);
            let name = groups.get(*next as usize).map_or("", |g| g.name.as_str());
            if let Some((_, span)) = step {
                problem = problem.with_label(*span, format!("uses `{name}`"));
            }
        }
        self.problems.push(problem);
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Visit {
    Not,
    Open,
    Done,
}

/// The groups a selector uses, left to right.
fn groups_in(selector: &Selector) -> Vec<(u32, Span)> {
    let mut found = Vec::new();
    let mut left = vec![selector];
    while let Some(selector) = left.pop() {
        match &selector.kind {
            Kind::Group(id) => found.push((id.0, selector.span)),
            Kind::Any(list) | Kind::Both(list) => left.extend(list.iter().rev()),
            Kind::Except(base, less) => left.extend([less.as_ref(), base.as_ref()]),
            _ => {}
        }
    }
    found
}

/// Puts the groups in the given order and renumbers every use.
pub(super) fn in_order(mut policy: PolicySet, order: &[u32]) -> PolicySet {
    if order.iter().copied().eq(0..) {
        return policy;
    }
    let mut new_ids = vec![GroupId(0); order.len()];
    for (new, old) in order.iter().enumerate() {
        if let Some(slot) = new_ids.get_mut(*old as usize) {
            *slot = GroupId(u32::try_from(new).unwrap_or(u32::MAX));
        }
    }
    let mut old: Vec<Option<Group>> = policy.groups.into_iter().map(Some).collect();
    let groups = order
        .iter()
        .filter_map(|at| old.get_mut(*at as usize)?.take());
    policy.groups = groups.collect();
    let in_groups = policy.groups.iter_mut().map(|group| &mut group.selector);
    let in_rules = policy.rules.iter_mut();
    let in_rules = in_rules.flat_map(|rule| [&mut rule.senders, &mut rule.recipients]);
    let mut left: Vec<&mut Selector> = in_groups.chain(in_rules).collect();
    while let Some(selector) = left.pop() {
        match &mut selector.kind {
            Kind::Group(id) => *id = new_ids.get(id.0 as usize).copied().unwrap_or(*id),
            Kind::Any(list) | Kind::Both(list) => left.extend(list.iter_mut()),
            Kind::Except(base, less) => left.extend([base.as_mut(), less.as_mut()]),
            _ => {}
        }
    }
    policy
}
