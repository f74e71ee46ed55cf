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
use std::sync::Arc;

use super::globs::{glob_within, globs_apart};
use super::sets::{Set, Sets, Shape, is_combined};
use crate::glob::Piece;
use crate::id::{ServerName, UserId};

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

/// A list of so few users is compared with a leaf at once.
const FEW: usize = 4;

/// How many steps one question may take.
const STEPS: u64 = 20_000;

/// A claim that all of these sets hold one user.
pub(super) fn wanted(sets: &[Set]) -> Way {
    sets.iter().map(|set| (true, *set)).collect()
}

impl Sets {
    /// What comparing two sets costs, roughly.
    pub fn cost(&self, a: Set, b: Set) -> usize {
        let few = |set| matches!(self.shape(set), Shape::Users(users) if users.len() <= FEW);
        let leaf = |set| !is_combined(self.shape(set));
        if (few(a) && leaf(b)) || (few(b) && leaf(a)) {
            1
        } else {
            8
        }
    }

    /// Whether all of `a` is certain to be in `b`.
    pub fn within(&self, a: Set, b: Set) -> bool {
        match (self.shape(a), self.shape(b)) {
            _ if a == b => true,
            (_, Shape::Everyone) => true,
            (Shape::Users(users), b_shape) if users.len() <= FEW && !is_combined(b_shape) => {
                users.iter().all(|user| self.has(b, user) == Some(true))
            }
            _ => self.impossible(&[(true, a), (false, b)]),
        }
    }

    /// Whether nobody can be in both.
    pub fn apart(&self, a: Set, b: Set) -> bool {
        let of_few = |few: Set, other: Set| match self.shape(few) {
            Shape::Users(users) if users.len() <= FEW && !is_combined(self.shape(other)) => Some(
                users
                    .iter()
                    .all(|user| self.has(other, user) == Some(false)),
            ),
            _ => None,
        };
        of_few(a, b)
            .or_else(|| of_few(b, a))
            .unwrap_or_else(|| self.impossible(&[(true, a), (true, b)]))
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
            let known = goal.parts.len() as u64;
            if !spend(steps, 1 + known) {
                return false;
            }
            if goal.parts.contains(&(!wanted, set)) || (wanted && self.is_empty(set)) {
                return true;
            }
            if goal.parts.contains(&(wanted, set)) || (!wanted && self.is_empty(set)) {
                continue;
            }
            match (wanted, self.shape(set)) {
                (true, Shape::Everyone) => {}
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
        let mut users: Option<&Arc<[UserId]>> = None;
        let mut servers: Option<&Arc<[ServerName]>> = None;
        for (wanted, set) in &goal.parts {
            match self.shape(*set) {
                Shape::Users(list)
                    if *wanted && users.is_none_or(|best| list.len() < best.len()) =>
                {
                    users = Some(list);
                }
                Shape::Servers(list)
                    if *wanted && servers.is_none_or(|best| list.len() < best.len()) =>
                {
                    servers = Some(list);
                }
                _ => {}
            }
        }
        let parts = goal.parts.len() as u64;
        if let Some(list) = users {
            list.iter().all(|user| {
                spend(steps, parts)
                    && goal
                        .parts
                        .iter()
                        .any(|(wanted, set)| self.has(*set, user) == Some(!wanted))
            })
        } else if let Some(list) = servers {
            list.iter().all(|server| {
                spend(steps, parts)
                    && goal
                        .parts
                        .iter()
                        .any(|(wanted, set)| match (self.shape(*set), wanted) {
                            (Shape::Servers(list), wanted) => {
                                list.binary_search(server).is_ok() != *wanted
                            }
                            (Shape::ServerGlob(glob), wanted) => {
                                glob.matches_server(server.as_str()) != *wanted
                            }
                            (Shape::UserGlob(_, glob), true) => {
                                !glob.matches_server(server.as_str())
                            }
                            _ => false,
                        })
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
                let cost = parts.len() * (1 + goal.parts.len() + goal.later.len());
                if !spend(steps, cost as u64) {
                    return false;
                }
                for part in parts.iter() {
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
                if !spend(steps, parts.len() as u64) {
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

fn spend(steps: &mut u64, cost: u64) -> bool {
    let enough = *steps > cost;
    *steps = steps.saturating_sub(cost);
    enough
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
