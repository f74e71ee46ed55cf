//! What the IDs of the users last asked about match.
//!
//! A server asks about the same users again and again, and which globs and regexes fit a user follows
//! from the ID alone. So what was found is kept in a table of fixed size: a user has one place in it,
//! by a hash of the ID, until another user with that place is asked about. The hash has no seed: whoever
//! chooses IDs that share a place has them matched anew, which is all that can come of it, and the same
//! questions cost the same in every process.
//!
//! Not for: what a user is in by a room, which changes; nor for policies with few patterns, which are
//! matched as fast as they are looked up.
//!
//! Law: what is kept is what would be found. Nobody waits here: who asks takes what is there, and what
//! is new is put there in one step.

use std::hash::BuildHasher;
use std::sync::Arc;

use arc_swap::ArcSwapOption;
use foldhash::fast::FixedState;

use super::NodeId;

/// So many users are kept at most, in some 130 bytes each.
const PLACES: usize = 1 << 15;

/// A user and the nodes that were found.
#[derive(Debug)]
struct Kept {
    user: Box<str>,
    nodes: Box<[NodeId]>,
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

    /// Adds the nodes kept of a user; if there are none, those that `find` adds, and keeps them.
    pub(crate) fn nodes<N>(&self, user: &str, nodes: &mut N, find: impl FnOnce(&mut N))
    where
        N: Extend<NodeId> + AsRef<[NodeId]>,
    {
        let hash = self.hasher.hash_one(user);
        let Some(place) = self.places.get(hash as usize % PLACES) else {
            return find(nodes);
        };
        if let Some(kept) = place.load().as_ref().filter(|kept| *kept.user == *user) {
            nodes.extend(kept.nodes.iter().copied());
            return;
        }
        let before = nodes.as_ref().len();
        find(nodes);
        place.store(Some(Arc::new(Kept {
            user: user.into(),
            nodes: nodes.as_ref().get(before..).unwrap_or_default().into(),
        })));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(recall: &Recall, user: &str, found: &[NodeId]) -> (Vec<NodeId>, bool) {
        let mut nodes = vec![7];
        let mut new = false;
        recall.nodes(user, &mut nodes, |nodes| {
            new = true;
            nodes.extend_from_slice(found);
        });
        (nodes, new)
    }

    #[test]
    fn who_is_asked_about_again_is_recalled() {
        let recall = Recall::new();
        assert_eq!(ask(&recall, "@a:x", &[1, 2]), (vec![7, 1, 2], true));
        assert_eq!(ask(&recall, "@a:x", &[9]), (vec![7, 1, 2], false));
        assert_eq!(ask(&recall, "@b:x", &[]), (vec![7], true));
        assert_eq!(ask(&recall, "@b:x", &[9]), (vec![7], false));
    }

    /// More users than there are places: each is told their own, and many are still recalled.
    #[test]
    fn a_place_is_for_one_user() {
        let recall = Recall::new();
        let users = || (0..2 * PLACES as u32).map(|n| (n, format!("@u{n}:x")));
        for (n, user) in users() {
            assert_eq!(ask(&recall, &user, &[n]), (vec![7, n], true));
        }
        let mut recalled = 0;
        for (n, user) in users() {
            let (nodes, new) = ask(&recall, &user, &[n]);
            assert_eq!(nodes, [7, n]);
            recalled += usize::from(!new);
        }
        assert!((PLACES / 4..=PLACES).contains(&recalled), "{recalled}");
    }
}
