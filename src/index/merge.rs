//! Sorted lists of users, put together and taken from each other.
//!
//! Law: what goes in is sorted by bytes with each user once, and so is what comes out. Costs the shorter
//! list times a logarithm of the longer one, and moving what is between.

use crate::id::UserId;

/// A sorted list with each user once.
pub(super) type Run<'a> = Vec<&'a UserId>;

/// All users of some lists.
pub(super) fn union<'a>(mut runs: Vec<Run<'a>>) -> Run<'a> {
    // The shortest first, so that few users are moved often.
    runs.retain(|run| !run.is_empty());
    runs.sort_by_key(|run| std::cmp::Reverse(run.len()));
    while runs.len() > 2 {
        let (Some(one), Some(two)) = (runs.pop(), runs.pop()) else {
            break;
        };
        let both = union_of_two(&two, &one);
        let at = runs.partition_point(|run| run.len() > both.len());
        runs.insert(at, both);
    }
    match (runs.pop(), runs.pop()) {
        (Some(one), Some(two)) => union_of_two(&two, &one),
        (one, _) => one.unwrap_or_default(),
    }
}

fn union_of_two<'a>(long: &[&'a UserId], short: &[&'a UserId]) -> Run<'a> {
    let mut all = Vec::with_capacity(long.len() + short.len());
    let mut rest = long;
    for user in short {
        let (before, from) = split(rest, user);
        all.extend_from_slice(before);
        all.push(*user);
        rest = match from.split_first() {
            Some((first, after)) if first == user => after,
            _ => from,
        };
    }
    all.extend_from_slice(rest);
    all
}

/// The users of a list who are not in another.
pub(super) fn difference<'a>(list: Run<'a>, less: &[&UserId]) -> Run<'a> {
    let mut kept = Vec::with_capacity(list.len());
    let mut less = less;
    let mut rest = list.as_slice();
    while let (Some(first), Some(gone)) = (rest.first(), less.first()) {
        if first < gone {
            let (before, from) = split(rest, gone);
            kept.extend_from_slice(before);
            rest = from;
        } else {
            let (_, from) = split(less, first);
            less = from;
            if less.first() == Some(first) {
                rest = rest.get(1..).unwrap_or_default();
            } else {
                kept.push(*first);
                rest = rest.get(1..).unwrap_or_default();
            }
        }
    }
    kept.extend_from_slice(rest);
    kept
}

/// A list in two: who stands before a user, and the rest. Costs a logarithm of those before.
fn split<'l, 'a>(list: &'l [&'a UserId], user: &UserId) -> (&'l [&'a UserId], &'l [&'a UserId]) {
    let mut step = 1;
    while list.get(step - 1).is_some_and(|at| *at < user) {
        step *= 2;
    }
    // Before the last step they all stand before the user; behind it none does.
    let (low, high) = (step / 2, step.min(list.len()));
    let between = list.get(low..high).unwrap_or_default();
    let at = low + between.partition_point(|at| *at < user);
    list.split_at_checked(at).unwrap_or((list, &[]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// Every pair of subsets of seven users.
    #[test]
    fn as_sets_do() {
        let users: Vec<UserId> = ('a'..='g')
            .map(|c| UserId::parse(&format!("@{c}:x")).unwrap())
            .collect();
        let subset = |bits: usize| -> Run<'_> {
            let at = users.iter().enumerate();
            at.filter(|(at, _)| bits >> at & 1 == 1)
                .map(|(_, user)| user)
                .collect()
        };
        for left in 0..1 << users.len() {
            for right in 0..1 << users.len() {
                let (one, two) = (subset(left), subset(right));
                let set = |run: &Run<'_>| run.iter().map(|user| user.as_str().to_owned()).collect();
                let (a, b): (BTreeSet<String>, BTreeSet<String>) = (set(&one), set(&two));
                let texts = |run: Run<'_>| -> Vec<String> {
                    run.iter().map(|user| user.as_str().to_owned()).collect()
                };
                let less: Vec<String> = a.difference(&b).cloned().collect();
                assert_eq!(texts(difference(one.clone(), &two)), less);
                let all: Vec<String> = a.union(&b).cloned().collect();
                assert_eq!(texts(union(vec![one.clone(), two.clone()])), all);
                assert_eq!(texts(union(vec![two.clone(), one, Vec::new(), two])), all);
            }
        }
    }
}
