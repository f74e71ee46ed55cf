//! In which long lists a user stands: those of group files, most of what a large policy says.
//!
//! Few group files change at once, and who stands in the others is what takes long to find. So what was
//! found of the lists of one policy is shared by the next ones, each of which only says which nodes the
//! lists are there. Once lists with an eighth of the users came or went, all are looked at again.
//!
//! Law: a list is the same if it is the same block of memory, which is kept as long as this says so; then
//! its numbers mean the same users.

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::RandomState;

use super::{Lists, NodeId};

/// The nodes of lists, by the users in them.
#[derive(Debug, Default)]
pub(crate) struct Holders {
    /// Shared with the index that this was made from.
    found: Arc<Found>,
    /// For each list that was looked at its node, if it is in this policy.
    nodes: Box<[Option<NodeId>]>,
}

#[derive(Debug, Default)]
struct Found {
    lists: Box<[List]>,
    /// For each user the places of their lists.
    by_user: Lists,
}

/// Users by their numbers, sorted.
pub(crate) type List = Arc<[u32]>;

impl Holders {
    /// For the lists of a policy with their nodes, each list once; gives those as well that are not in it
    /// because they came since. Costs a look at each list, and at their users if all are looked at again.
    pub(crate) fn new(before: &Holders, lists: Vec<(List, NodeId)>) -> (Self, Vec<(List, NodeId)>) {
        let known = before.found.lists.iter();
        let known = (0..).zip(known).map(|(place, list)| (address(list), place));
        let known: HashMap<usize, usize, RandomState> = known.collect();
        let mut nodes = vec![None; known.len()];
        let mut new = Vec::new();
        for (list, node) in lists {
            let place = known.get(&address(&list));
            match place.and_then(|place| nodes.get_mut(*place)) {
                Some(place) => *place = Some(node),
                None => new.push((list, node)),
            }
        }
        let users = |list: &List| list.len();
        let came = new.iter().map(|(list, _)| users(list)).sum::<usize>();
        let there = before.found.lists.iter().zip(&nodes);
        let gone = there.clone().filter(|(_, node)| node.is_none());
        let gone = gone.map(|(list, _)| users(list)).sum::<usize>();
        let all = before.found.lists.iter().map(users).sum::<usize>();
        if came + gone <= all / 8 {
            let holders = Holders {
                found: Arc::clone(&before.found),
                nodes: nodes.into(),
            };
            return (holders, new);
        }
        let there = there.filter_map(|(list, node)| Some((Arc::clone(list), (*node)?)));
        let (lists, nodes): (Vec<List>, Vec<_>) = there
            .chain(new)
            .map(|(list, node)| (list, Some(node)))
            .unzip();
        let found = Found {
            by_user: Lists::holding(&lists),
            lists: lists.into(),
        };
        let holders = Holders {
            found: Arc::new(found),
            nodes: nodes.into(),
        };
        (holders, Vec::new())
    }

    /// The nodes of the lists that a user stands in.
    pub(super) fn of(&self, user: u32) -> impl Iterator<Item = NodeId> {
        let places = self.found.by_user.get(user).iter();
        places.filter_map(|place| self.nodes.get(*place as usize).copied().flatten())
    }
}

/// What tells one list from another as long as both are there.
pub(crate) fn address(list: &List) -> usize {
    Arc::as_ptr(list).cast::<u32>().addr()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_found_in_every_list_whether_it_is_shared_or_new() {
        let list = |users: std::ops::Range<u32>| -> List { users.collect() };
        let check = |holders: &Holders, loose: &[(List, NodeId)], all: &[(List, NodeId)]| {
            for user in 0..12_000 {
                let loose = loose.iter().filter(|(list, _)| list.contains(&user));
                let mut found: Vec<NodeId> = loose.map(|(_, node)| *node).collect();
                found.extend(holders.of(user));
                found.sort_unstable();
                let held = all.iter().filter(|(list, _)| list.contains(&user));
                assert!(held.map(|(_, node)| *node).eq(found), "{user}");
            }
        };
        let mut lists = vec![
            (list(0..8000), 1),
            (list(500..9000), 2),
            (list(7000..7003), 3),
        ];
        let (first, loose) = Holders::new(&Holders::default(), lists.clone());
        assert!(loose.is_empty());
        check(&first, &loose, &lists);
        // Other nodes, one list less and one more.
        lists = vec![lists[1].clone(), lists[0].clone(), (list(3..20), 0)];
        for (at, (_, node)) in (10..).zip(&mut lists) {
            *node = at;
        }
        let (second, loose) = Holders::new(&first, lists.clone());
        assert!(Arc::ptr_eq(&first.found, &second.found));
        assert_eq!(loose.len(), 1);
        check(&second, &loose, &lists);
        // Equal is not the same.
        lists[0].0 = list(500..9000);
        let (third, loose) = Holders::new(&second, lists.clone());
        assert!(!Arc::ptr_eq(&second.found, &third.found));
        assert!(loose.is_empty());
        check(&third, &loose, &lists);
        check(
            &first,
            &[],
            &[
                (list(0..8000), 1),
                (list(500..9000), 2),
                (list(7000..7003), 3),
            ],
        );
    }
}
