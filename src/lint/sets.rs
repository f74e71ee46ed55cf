//! What can be said of selectors for every directory: is one within another, apart from it, empty?
//!
//! Selectors with the same meaning by their form become one [`Set`]; groups are the sets they are
//! defined as. A question is answered by taking a claim apart: "nobody is in all of these and in
//! none of those" holds if every way to be so ends in two parts that contradict each other.
//!
//! Not for: what a directory makes of a selector (`world`).
//!
//! Law: "yes" holds for every directory and every homeserver; "no" only means that it was not
//! found out. A question takes a bounded number of steps and no recursion over groups.

use std::cell::Cell;
use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::RandomState;

use super::globs::{glob_within, globs_apart, plain};
use crate::glob::{Glob, Piece};
use crate::id::{ServerName, UserId};
use crate::policy::{Kind, Pattern, PolicySet, Room, Selector};
use crate::source::Span;

pub(super) type Map<K, V> = HashMap<K, V, RandomState>;

/// A selector's meaning; equal for selectors of the same form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Set(u32);

/// How a set is made up.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Shape {
    Everyone,
    /// Sorted, each once.
    Users(Arc<[UserId]>),
    /// The users on any of these servers; sorted, each once.
    Servers(Arc<[ServerName]>),
    ServerGlob(Glob),
    /// A glob over the sigil and localpart, and one over the server.
    UserGlob(Glob, Glob),
    /// The regex as it was written.
    Matching(Arc<str>),
    Local,
    Remote,
    Members(Room),
    /// Sorted, each once, none of them one of the two above if it is small.
    Any(Arc<[Set]>),
    /// Sorted, each once.
    Both(Arc<[Set]>),
    Except(Set, Set),
}

/// What is known of a set from the start.
#[derive(Debug, Clone, Copy, Default)]
struct Facts {
    /// Certain to be empty.
    empty: bool,
    /// The language's "unbounded" (section 1), which is a matter of form.
    unbounded: bool,
    /// How many sets it is made up of, counted as often as they are used.
    weight: u32,
}

/// A part of a union up to this size is taken over into the union, so that unions with the same
/// members become one set; a larger one stays a part, so that long chains of groups stay cheap.
const SMALL: usize = 16;

/// A list of so few users is compared with a leaf at once.
const FEW: usize = 4;

/// How many steps one question may take.
const STEPS: u32 = 20_000;

/// How many steps all questions about a policy may take; then the answer is "not found out".
const ALL_STEPS: u64 = 4_000_000;

/// All sets of a policy.
#[derive(Debug)]
pub(super) struct Sets {
    shapes: Vec<Shape>,
    facts: Vec<Facts>,
    by_shape: Map<Shape, Set>,
    patterns: Map<Arc<str>, Pattern>,
    groups: Vec<Set>,
    left: Cell<u64>,
}

/// A selector that is empty although none of its parts is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Contradiction {
    pub span: Span,
    /// Whether it is an `except` that leaves nobody; otherwise a `who are`.
    pub except: bool,
}

impl Sets {
    /// The sets of a policy's groups. Contradictions in them are added to `found`.
    pub fn new(policy: &PolicySet, found: &mut Vec<Contradiction>) -> Self {
        let mut sets = Sets {
            shapes: Vec::new(),
            facts: Vec::new(),
            by_shape: Map::default(),
            patterns: Map::default(),
            groups: Vec::new(),
            left: Cell::new(ALL_STEPS),
        };
        for group in &policy.groups {
            let set = sets.of(&group.selector, found);
            sets.groups.push(set);
        }
        sets
    }

    /// The set of a selector. Recurses as deep as parentheses nest.
    pub fn of(&mut self, selector: &Selector, found: &mut Vec<Contradiction>) -> Set {
        match &selector.kind {
            Kind::Everyone => self.add(Shape::Everyone),
            Kind::User(user) => self.add(Shape::Users(Arc::from([user.clone()]))),
            Kind::Listed(users) => self.add(Shape::Users(users.clone())),
            Kind::Server(server) => self.add(Shape::Servers(Arc::from([server.clone()]))),
            Kind::ServerGlob(glob) => self.add(Shape::ServerGlob(plain(glob.pieces()))),
            Kind::UserGlob(glob) => self.user_glob(glob),
            Kind::Matching(pattern) => {
                let text: Arc<str> = pattern.as_str().into();
                self.patterns
                    .entry(text.clone())
                    .or_insert_with(|| pattern.clone());
                self.add(Shape::Matching(text))
            }
            Kind::Local => self.add(Shape::Local),
            Kind::Remote => self.add(Shape::Remote),
            Kind::Members(room) => self.add(Shape::Members(room.clone())),
            Kind::Group(id) => match self.groups.get(id.0 as usize) {
                Some(set) => *set,
                None => self.add(Shape::Users(Arc::from([]))),
            },
            Kind::Any(parts) => {
                let parts = parts.iter().map(|part| self.of(part, found)).collect();
                self.any(parts)
            }
            Kind::Both(parts) => {
                let parts: Vec<Set> = parts.iter().map(|part| self.of(part, found)).collect();
                let set = self.both(&parts);
                if self.is_empty(set) && !parts.iter().any(|part| self.is_empty(*part)) {
                    found.push(Contradiction {
                        span: selector.span,
                        except: false,
                    });
                }
                set
            }
            Kind::Except(base, less) => {
                let (base, less) = (self.of(base, found), self.of(less, found));
                let set = self.add(Shape::Except(base, less));
                if self.is_empty(set) && !self.is_empty(base) {
                    found.push(Contradiction {
                        span: selector.span,
                        except: true,
                    });
                }
                set
            }
        }
    }

    fn user_glob(&mut self, glob: &Glob) -> Set {
        let mut sides = glob.pieces().splitn(2, |piece| *piece == Piece::Char(':'));
        let name = plain(sides.next().unwrap_or_default());
        let server = plain(sides.next().unwrap_or_default());
        if name.pieces() != [Piece::Char('@'), Piece::Run] {
            return self.add(Shape::UserGlob(name, server));
        }
        // `@*:example.org` is `users on example.org`.
        match server.literal().map(|server| ServerName::parse(&server)) {
            None => self.add(Shape::ServerGlob(server)),
            Some(Ok(server)) => self.add(Shape::Servers(Arc::from([server]))),
            Some(Err(_)) => self.add(Shape::UserGlob(name, server)),
        }
    }

    fn any(&mut self, parts: Vec<Set>) -> Set {
        let mut users: Vec<UserId> = Vec::new();
        let mut servers: Vec<ServerName> = Vec::new();
        let mut others: Vec<Set> = Vec::new();
        let mut all: Vec<Set> = Vec::new();
        for part in parts {
            match self.shape(part) {
                Shape::Any(inner) if inner.len() <= SMALL => all.extend(inner.iter().copied()),
                _ => all.push(part),
            }
        }
        for part in all {
            match self.shape(part) {
                Shape::Everyone => return part,
                Shape::Users(list) if list.len() <= SMALL => users.extend(list.iter().cloned()),
                Shape::Servers(list) if list.len() <= SMALL => servers.extend(list.iter().cloned()),
                _ => others.push(part),
            }
        }
        users.sort_unstable();
        users.dedup();
        servers.sort_unstable();
        servers.dedup();
        if !users.is_empty() {
            others.push(self.add(Shape::Users(users.into())));
        }
        if !servers.is_empty() {
            others.push(self.add(Shape::Servers(servers.into())));
        }
        others.sort_unstable();
        others.dedup();
        match others.as_slice() {
            [] => self.add(Shape::Users(Arc::from([]))),
            [only] => *only,
            _ => self.add(Shape::Any(others.into())),
        }
    }

    fn both(&mut self, parts: &[Set]) -> Set {
        let mut all: Vec<Set> = Vec::new();
        for part in parts {
            match self.shape(*part) {
                Shape::Everyone => {}
                Shape::Both(inner) if inner.len() <= SMALL => all.extend(inner.iter().copied()),
                _ => all.push(*part),
            }
        }
        all.sort_unstable();
        all.dedup();
        match all.as_slice() {
            [] => self.add(Shape::Everyone),
            [only] => *only,
            _ => self.add(Shape::Both(all.into())),
        }
    }

    fn add(&mut self, shape: Shape) -> Set {
        if let Some(set) = self.by_shape.get(&shape) {
            return *set;
        }
        let set = Set(u32::try_from(self.shapes.len()).unwrap_or(u32::MAX));
        let of = |part: &Set| self.facts(*part);
        let weight = |parts: &[Set]| {
            parts
                .iter()
                .map(of)
                .fold(1_u32, |sum, part| sum.saturating_add(part.weight))
        };
        let facts = match &shape {
            Shape::Everyone => Facts {
                unbounded: true,
                weight: 1,
                empty: false,
            },
            Shape::Users(users) => Facts {
                empty: users.is_empty(),
                weight: 1,
                unbounded: false,
            },
            Shape::Any(parts) => Facts {
                empty: parts.iter().all(|part| of(part).empty),
                unbounded: parts.iter().any(|part| of(part).unbounded),
                weight: weight(parts),
            },
            Shape::Both(parts) => Facts {
                empty: parts.iter().any(|part| of(part).empty) || {
                    let goal: Vec<_> = parts.iter().map(|part| (true, *part)).collect();
                    self.impossible(goal)
                },
                unbounded: parts.iter().all(|part| of(part).unbounded),
                weight: weight(parts),
            },
            Shape::Except(base, less) => Facts {
                empty: of(base).empty || self.impossible(vec![(true, *base), (false, *less)]),
                unbounded: of(base).unbounded && !of(less).unbounded,
                weight: weight(&[*base, *less]),
            },
            _ => Facts {
                weight: 1,
                ..Facts::default()
            },
        };
        self.shapes.push(shape.clone());
        self.facts.push(facts);
        self.by_shape.insert(shape, set);
        set
    }

    /// How a set is made up.
    pub fn shape(&self, set: Set) -> &Shape {
        self.shapes.get(set.0 as usize).unwrap_or(&Shape::Everyone)
    }

    fn facts(&self, set: Set) -> Facts {
        self.facts.get(set.0 as usize).copied().unwrap_or_default()
    }

    /// Whether it is certain to be empty.
    pub fn is_empty(&self, set: Set) -> bool {
        self.facts(set).empty
    }

    /// Whether it is unbounded as the language defines it.
    pub fn is_unbounded(&self, set: Set) -> bool {
        self.facts(set).unbounded
    }

    /// How many sets it is made up of, counted as often as they are used.
    pub fn weight(&self, set: Set) -> u32 {
        self.facts(set).weight
    }

    /// The regex of a text.
    pub fn pattern(&self, text: &str) -> Option<&Pattern> {
        self.patterns.get(text)
    }

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
            _ => self.impossible(vec![(true, a), (false, b)]),
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
            .unwrap_or_else(|| self.impossible(vec![(true, a), (true, b)]))
    }

    /// Whether certainly nobody is in every set that comes with `true` and in none with `false`.
    fn impossible(&self, claim: Vec<(bool, Set)>) -> bool {
        let mut steps = u64::from(STEPS).min(self.left.get());
        let before = steps;
        let mut goals = vec![Goal {
            todo: claim,
            ..Goal::default()
        }];
        let mut proven = true;
        while let Some(mut goal) = goals.pop() {
            let closed = self.take_apart(&mut goal, &mut steps);
            if !closed && (steps == 0 || !self.branch(goal, &mut goals, &mut steps)) {
                proven = false;
                break;
            }
        }
        self.left
            .set(self.left.get().saturating_sub(before - steps));
        proven
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

    /// Whether a user is in a set that is no combination of others, if that is certain.
    pub fn has(&self, set: Set, user: &UserId) -> Option<bool> {
        match self.shape(set) {
            Shape::Everyone => Some(true),
            Shape::Users(users) => Some(users.binary_search(user).is_ok()),
            Shape::Servers(servers) => Some(
                servers
                    .binary_search_by(|server| server.as_str().cmp(user.server()))
                    .is_ok(),
            ),
            Shape::ServerGlob(glob) => Some(glob.matches_server(user.server())),
            Shape::UserGlob(name, server) => {
                let end = user.as_str().len() - user.server().len() - 1;
                let local = user.as_str().get(..end).unwrap_or_default();
                // The name's glob begins with the sigil, and nothing is special to the matcher.
                Some(name.matches_server(local) && server.matches_server(user.server()))
            }
            Shape::Matching(text) => self
                .pattern(text)
                .map(|pattern| pattern.matches(user.as_str())),
            _ => None,
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

fn is_combined(shape: &Shape) -> bool {
    matches!(shape, Shape::Any(_) | Shape::Both(_) | Shape::Except(..))
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
