//! What follows from the IDs of the users last asked about.
//!
//! A server asks about the same users again and again, and which globs and regexes fit a user, which groups
//! name them and what is built on these follows from the ID alone. So what was found is kept in a table of
//! fixed size: a user has one of two places in it, by a hash of the ID, until another user with these places is
//! asked about. The hash has no seed: whoever chooses IDs that share a place has them looked at anew, which is all
//! that can come of it, and the same questions cost the same in every process.
//!
//! Not for: what a user is in by a room, which changes; nor for policies without groups and patterns, where
//! it is found as fast as it is looked up.
//!
//! Law: what is kept is what would be found. Nobody waits here: who asks takes what is there, and what
//! is new is put there in one step.

use std::hash::BuildHasher;
use std::sync::Arc;

use arc_swap::ArcSwapOption;
use foldhash::fast::FixedState;

use super::asked::Nodes;

/// So many users are kept at most.
const PLACES: usize = 1 << 15;

/// Of so many nodes each: a user of more is looked at anew.
const MOST: usize = 64;

/// A user and the nodes that were found: first those they are in, then those they may be in.
#[derive(Debug)]
struct Kept {
    user: Box<str>,
    nodes: Nodes,
    /// How many the first are.
    settled: usize,
}

/// The nodes of the users last asked about.
#[derive(Debug)]
pub(crate) struct Recall {
    places: Box<[ArcSwapOption<Kept>]>,
    hasher: FixedState,
}

impl Recall {
    /// Nothing is kept yet. Costs a quarter of a MiB.
    pub(crate) fn new() -> Self {
        let places = (0..PLACES).map(|_| ArcSwapOption::empty());
        Recall {
            places: places.collect(),
            hasher: FixedState::default(),
        }
    }

    /// Gives the nodes kept of a user; if there are none, those that `find` adds, and keeps them. Tells how
    /// many are settled.
    pub(super) fn nodes(
        &self,
        user: &str,
        nodes: &mut Nodes,
        find: impl FnOnce(&mut Nodes) -> usize,
    ) -> usize {
        let at = self.hasher.hash_one(user) as usize % PLACES;
        let places = [at, at ^ 1].map(|at| self.places.get(at));
        let mut free = None;
        for place in places.iter().flatten() {
            match &*place.load() {
                Some(kept) if *kept.user == *user => {
                    *nodes = Nodes::from_slice(&kept.nodes);
                    return kept.settled;
                }
                Some(_) => {}
                None => free = free.or(Some(*place)),
            }
        }
        let [first, _] = places;
        let settled = find(nodes);
        if nodes.len() <= MOST
            && let Some(place) = free.or(first)
        {
            place.store(Some(Arc::new(Kept {
                user: user.into(),
                nodes: Nodes::from_slice(nodes),
                settled,
            })));
        }
        settled
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::NodeId;

    fn ask(recall: &Recall, user: &str, found: &[NodeId]) -> (Vec<NodeId>, bool) {
        let (mut nodes, mut new) = (Nodes::new(), false);
        let settled = recall.nodes(user, &mut nodes, |nodes| {
            new = true;
            nodes.extend_from_slice(found);
            3
        });
        assert_eq!(settled, 3);
        (nodes.into_vec(), new)
    }

    #[test]
    fn who_is_asked_about_again_is_recalled() {
        let recall = Recall::new();
        assert_eq!(ask(&recall, "@a:x", &[1, 2]), (vec![1, 2], true));
        assert_eq!(ask(&recall, "@a:x", &[9]), (vec![1, 2], false));
        assert_eq!(ask(&recall, "@b:x", &[]), (vec![], true));
        assert_eq!(ask(&recall, "@b:x", &[9]), (vec![], false));
    }

    #[test]
    fn too_many_nodes_are_not_kept() {
        let recall = Recall::new();
        let nodes: Vec<NodeId> = (0..=MOST as u32).collect();
        assert!(ask(&recall, "@a:x", &nodes).1 && ask(&recall, "@a:x", &nodes).1);
        assert!(ask(&recall, "@a:x", &nodes[1..]).1 && !ask(&recall, "@a:x", &nodes[1..]).1);
    }

    /// More users than there are places: each is told their own, and many are still recalled.
    #[test]
    fn places_are_for_one_user() {
        let recall = Recall::new();
        let users = || (0..2 * PLACES as u32).map(|n| (n, format!("@u{n}:x")));
        for (n, user) in users() {
            assert_eq!(ask(&recall, &user, &[n]), (vec![n], true));
        }
        let mut recalled = 0;
        for (n, user) in users() {
            let (nodes, new) = ask(&recall, &user, &[n]);
            assert_eq!(nodes, [n]);
            recalled += usize::from(!new);
        }
        assert!((PLACES / 4..=PLACES).contains(&recalled), "{recalled}");
        // Few users share both their places with others.
        let recall = Recall::new();
        let users = || users().take(PLACES / 16);
        users().for_each(|(n, user)| _ = ask(&recall, &user, &[n]));
        let new = users().filter(|(n, user)| ask(&recall, user, &[*n]).1);
        assert!(new.count() < PLACES / 16 / 100);
    }
}
