//! Claims about a user: "they are in all of these sets and in none of those".
//!
//! A claim is taken apart into the ways in which it can come true. A [`Way`] is a list of sets that
//! are no combinations of others, each wanted or not. Most ways contradict themselves by their form,
//! which is quickly seen; the others are open until `witness` finds a user for them, or that there
//! is none. So containment and overlap of sets are decided: all of A is in B if nobody can be in A
//! and not in B.
//!
//! Law: what is called impossible is so for every directory and every homeserver. What is not may
//! be open: past a budget nothing is said. No recursion over groups.

use std::ops::ControlFlow;

use super::globs::{glob_within, globs_apart};
use super::sets::{Set, Sets, Shape, is_combined};
use crate::glob::Piece;

/// Sets that a user is to be in, and others that they are not to be in.
pub(super) type Claim = [(bool, Set)];

/// The answer to whether something can be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer<T> {
    /// It can: like this.
    Found(T),
    /// It cannot.
    Never,
    /// Not found out.
    Open,
}

/// One way in which a claim comes true: sets that are no combinations, each wanted or not.
pub(super) type Way = Vec<(bool, Set)>;

/// A union up to this size is taken apart at once.
const SMALL: usize = 16;

/// How many steps one question may take.
const STEPS: u64 = 20_000;

/// A claim that all of these sets hold one user.
pub(super) fn wanted(sets: &[Set]) -> Way {
    sets.iter().map(|set| (true, *set)).collect()
}

impl Sets {
    /// Whether all of `a` is certain to be in `b`.
    pub fn within(&self, a: Set, b: Set) -> bool {
        self.impossible(&[(true, a), (false, b)])
    }

    /// Whether nobody can be in both.
    pub fn apart(&self, a: Set, b: Set) -> bool {
        self.impossible(&[(true, a), (true, b)])
    }

    /// Whether a claim is certain never to come true.
    pub fn impossible(&self, claim: &Claim) -> bool {
        let mut never = true;
        let all = self.ways(claim, &mut |way| match self.someone(&way) {
            Answer::Never => ControlFlow::Continue(()),
            _ => {
                never = false;
                ControlFlow::Break(())
            }
        });
        all && never
    }

    /// Visits the ways in which a claim may come true; `false` if they are too many.
    pub fn ways(&self, claim: &Claim, visit: &mut dyn FnMut(Way) -> ControlFlow<()>) -> bool {
        let mut steps = self.memory.steps(STEPS);
        let before = steps;
        let mut goals = vec![Goal {
            todo: claim.to_vec(),
            ..Goal::default()
        }];
        let mut all = true;
        while let Some(mut goal) = goals.pop() {
            if self.take_apart(&mut goal, &mut steps) {
                continue;
            }
            if steps == 0 {
                all = false;
                break;
            }
            if goal.later.is_empty() {
                let mut way = goal.parts;
                way.retain(|(_, set)| !is_combined(self.shape(*set)));
                if visit(way).is_break() {
                    break;
                }
            } else if !self.branch(goal, &mut goals, &mut steps) {
                all = false;
                break;
            }
        }
        self.memory.spend_steps(before - steps);
        all
    }

    /// Takes apart what has one way only; `true` if that ends in a contradiction.
    fn take_apart(&self, goal: &mut Goal, steps: &mut u64) -> bool {
        while let Some((wanted, set)) = goal.todo.pop() {
            if !spend(steps, goal.parts.len().max(1)) {
                return false;
            }
            if goal.parts.contains(&(!wanted, set)) || (wanted && self.is_empty(set)) {
                return true;
            }
            if goal.parts.contains(&(wanted, set)) {
                continue;
            }
            match (wanted, self.shape(set)) {
                (false, Shape::Everyone) => return true,
                (true, Shape::Both(parts)) => {
                    goal.todo.extend(parts.iter().map(|part| (true, *part)));
                }
                (false, Shape::Any(parts)) if parts.len() <= SMALL => {
                    goal.todo.extend(parts.iter().map(|part| (false, *part)));
                }
                (true, Shape::Except(base, less)) => {
                    goal.todo.extend([(true, *base), (false, *less)])
                }
                (_, Shape::Any(_) | Shape::Both(_) | Shape::Except(..)) => {
                    goal.later.push((wanted, set))
                }
                _ => {
                    if self.contradicts(goal, wanted, set) {
                        return true;
                    }
                }
            }
            goal.parts.push((wanted, set));
        }
        self.nobody_left(goal, steps)
    }

    /// Whether a leaf contradicts one that is there already, or itself.
    fn contradicts(&self, goal: &Goal, wanted: bool, set: Set) -> bool {
        let this = self.shape(set);
        if !wanted && matches!(this, Shape::ServerGlob(glob) if glob.pieces() == [Piece::Run]) {
            return true;
        }
        goal.parts.iter().any(|(other_wanted, other)| {
            let other = self.shape(*other);
            match (wanted, *other_wanted) {
                (true, true) => leaves_apart(this, other),
                (true, false) => leaf_within(this, other),
                (false, true) => leaf_within(other, this),
                (false, false) => matches!(
                    (this, other),
                    (Shape::Local, Shape::Remote) | (Shape::Remote, Shape::Local)
                ),
            }
        })
    }

    /// With a list of users or servers among the parts: whether each one on it is ruled out.
    fn nobody_left(&self, goal: &Goal, steps: &mut u64) -> bool {
        let servers = goal
            .parts
            .iter()
            .filter_map(|(wanted, set)| match self.shape(*set) {
                Shape::Servers(servers) if *wanted => Some(servers),
                _ => None,
            });
        if let Some(users) = self.listed(&goal.parts) {
            users
                .iter()
                .all(|user| spend(steps, goal.parts.len()) && !self.fits(&goal.parts, user))
        } else if let Some(servers) = servers.min_by_key(|servers| servers.len()) {
            servers.iter().all(|server| {
                let ruled_out = |(wanted, set): &(bool, Set)| {
                    let server = server.as_str();
                    match self.shape(*set) {
                        Shape::Servers(list) => {
                            list.binary_search_by(|other| other.as_str().cmp(server))
                                .is_ok()
                                != *wanted
                        }
                        Shape::ServerGlob(glob) => glob.matches_server(server) != *wanted,
                        Shape::UserGlob(_, glob) => *wanted && !glob.matches_server(server),
                        _ => false,
                    }
                };
                spend(steps, goal.parts.len()) && goal.parts.iter().any(ruled_out)
            })
        } else {
            false
        }
    }

    /// Splits a goal in all ways it can come about; `false` if it stands open.
    fn branch(&self, mut goal: Goal, goals: &mut Vec<Goal>, steps: &mut u64) -> bool {
        let ways = |(wanted, set): &(bool, Set)| match (wanted, self.shape(*set)) {
            (true, Shape::Any(parts)) | (false, Shape::Both(parts)) => parts.len(),
            (false, Shape::Except(..)) => 2,
            _ => usize::MAX,
        };
        let best = (0..goal.later.len()).min_by_key(|at| goal.later.get(*at).map(ways));
        let Some(best) = best else {
            return false;
        };
        let (wanted, set) = goal.later.swap_remove(best);
        match (wanted, self.shape(set)) {
            (true, Shape::Any(parts)) | (false, Shape::Both(parts)) => {
                for part in parts.iter() {
                    if !spend(steps, goal.parts.len().max(1)) {
                        return false;
                    }
                    let mut way = goal.clone();
                    way.todo.push((wanted, *part));
                    goals.push(way);
                }
            }
            (false, Shape::Except(base, less)) => {
                let mut way = goal.clone();
                way.todo.push((false, *base));
                goals.push(way);
                goal.todo.push((true, *less));
                goals.push(goal);
            }
            (false, Shape::Any(parts)) => {
                // Long: look at once whether one of what is there is on it.
                let here =
                    |(wanted, set): &(bool, Set)| *wanted && parts.binary_search(set).is_ok();
                if goal.parts.iter().any(here) {
                    return true;
                }
                if !spend(steps, parts.len()) {
                    return false;
                }
                goal.todo.extend(parts.iter().map(|part| (false, *part)));
                goals.push(goal);
            }
            _ => return false,
        }
        true
    }
}

/// One way in which a claim could fail.
#[derive(Debug, Clone, Default)]
struct Goal {
    todo: Vec<(bool, Set)>,
    /// What was looked at.
    parts: Vec<(bool, Set)>,
    /// What can be taken apart in several ways only.
    later: Vec<(bool, Set)>,
}

/// Takes the cost from the steps that are left; `false`, and none are left, if it is more.
fn spend(steps: &mut u64, cost: usize) -> bool {
    let left = steps.checked_sub(cost as u64);
    *steps = left.unwrap_or_default();
    left.is_some()
}

fn leaves_apart(a: &Shape, b: &Shape) -> bool {
    match (a, b) {
        (Shape::Local, Shape::Remote) | (Shape::Remote, Shape::Local) => true,
        (Shape::ServerGlob(a), Shape::ServerGlob(b)) => globs_apart(a, b),
        (Shape::ServerGlob(a), Shape::UserGlob(_, b))
        | (Shape::UserGlob(_, a), Shape::ServerGlob(b)) => globs_apart(a, b),
        (Shape::UserGlob(name, server), Shape::UserGlob(other_name, other_server)) => {
            globs_apart(name, other_name) || globs_apart(server, other_server)
        }
        _ => false,
    }
}

fn leaf_within(a: &Shape, b: &Shape) -> bool {
    match (a, b) {
        (Shape::ServerGlob(a) | Shape::UserGlob(_, a), Shape::ServerGlob(b)) => glob_within(a, b),
        (Shape::UserGlob(_, glob), Shape::Servers(servers)) => {
            let is = |server: String| {
                servers
                    .binary_search_by(|s| s.as_str().cmp(&server))
                    .is_ok()
            };
            glob.literal().is_some_and(is)
        }
        (Shape::UserGlob(name, server), Shape::UserGlob(other_name, other_server)) => {
            glob_within(name, other_name) && glob_within(server, other_server)
        }
        _ => false,
    }
}
