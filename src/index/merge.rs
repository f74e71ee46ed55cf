//! Sorted lists, put together and taken from each other.
//!
//! Law: what goes in is sorted with each item once, and so is what comes out. Costs the shorter list
//! times a logarithm of the longer one, and moving what is between.

use std::borrow::Cow;
use std::cmp::Reverse;

/// All items of some lists.
pub(super) fn union<T: Ord + Copy>(mut lists: Vec<Cow<'_, [T]>>) -> Vec<T> {
    // The shortest first, so that few items are moved often.
    lists.retain(|list| !list.is_empty());
    lists.sort_by_key(|list| Reverse(list.len()));
    while lists.len() > 2 {
        let (Some(one), Some(two)) = (lists.pop(), lists.pop()) else {
            break;
        };
        let both = union_of_two(&two, &one);
        let at = lists.partition_point(|list| list.len() > both.len());
        lists.insert(at, both.into());
    }
    match (lists.pop(), lists.pop()) {
        (Some(one), Some(two)) => union_of_two(&two, &one),
        (one, _) => one.map(Cow::into_owned).unwrap_or_default(),
    }
}

fn union_of_two<T: Ord + Copy>(long: &[T], short: &[T]) -> Vec<T> {
    let mut all = Vec::with_capacity(long.len() + short.len());
    let mut rest = long;
    for item in short {
        if rest.first().is_some_and(|first| first < item) {
            let (before, from) = split(rest, item);
            all.extend_from_slice(before);
            rest = from;
        }
        all.push(*item);
        rest = match rest.split_first() {
            Some((first, after)) if first == item => after,
            _ => rest,
        };
    }
    all.extend_from_slice(rest);
    all
}

/// The items of a list that are not in another.
pub(super) fn difference<T: Ord + Copy>(list: Vec<T>, less: &[T]) -> Vec<T> {
    if less.is_empty() {
        return list;
    }
    let mut kept = Vec::with_capacity(list.len());
    let mut rest = list.as_slice();
    let mut less = less;
    while let (Some(first), Some(gone)) = (rest.first(), less.first()) {
        if first < gone {
            let (before, from) = split(rest, gone);
            kept.extend_from_slice(before);
            rest = from;
            continue;
        }
        (_, less) = split(less, first);
        if less.first() != Some(first) {
            kept.push(*first);
        }
        rest = rest.get(1..).unwrap_or_default();
    }
    kept.extend_from_slice(rest);
    kept
}

/// A list in two: what stands before an item, and the rest. Costs a logarithm of what stands before.
fn split<'l, T: Ord>(list: &'l [T], item: &T) -> (&'l [T], &'l [T]) {
    let mut step = 1;
    while list.get(step - 1).is_some_and(|at| at < item) {
        step *= 2;
    }
    // Before half the last step all are smaller; behind it none is.
    let (low, high) = (step / 2, step.min(list.len()));
    let between = list.get(low..high).unwrap_or_default();
    let at = low + between.partition_point(|at| at < item);
    list.split_at_checked(at).unwrap_or((list, &[]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// Every pair of subsets of the numbers to seven.
    #[test]
    fn as_sets_do() {
        let subset = |bits: u32| -> Vec<u32> { (0..7).filter(|at| bits >> at & 1 == 1).collect() };
        let cow = |list: &Vec<u32>| Cow::Owned(list.clone());
        for left in 0..1 << 7 {
            for right in 0..1 << 7 {
                let (one, two) = (subset(left), subset(right));
                let set = |list: &[u32]| list.iter().copied().collect::<BTreeSet<u32>>();
                let less: Vec<u32> = set(&one).difference(&set(&two)).copied().collect();
                assert_eq!(difference(one.clone(), &two), less);
                let all: Vec<u32> = set(&one).union(&set(&two)).copied().collect();
                assert_eq!(union(vec![cow(&one), cow(&two)]), all);
                let many = vec![cow(&two), cow(&one), Cow::Owned(Vec::new()), cow(&two)];
                assert_eq!(union(many), all);
            }
        }
    }
}
