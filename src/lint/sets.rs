//! What can be said of selectors for every directory: is one within another, apart from it, empty?
//!
//! Selectors with the same meaning by their form become one [`Set`]; groups are the sets they are
//! defined as. The questions are answered in `claims`.
//!
//! Not for: what a directory makes of a selector (`world`).
//!
//! Law: what is known of a set from the start holds for every directory and every homeserver.

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::RandomState;

use super::claims::wanted;
use super::globs::plain;
use super::witness::Memory;
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
    /// Whether who is local matters to it.
    local: bool,
    /// Whether who is in a room matters to it.
    rooms: bool,
}

/// A part of a union up to this size is taken over into the union, so that unions with the same
/// members become one set; a larger one stays a part, so that long chains of groups stay cheap.
const SMALL: usize = 16;

/// All sets of a policy.
#[derive(Debug)]
pub(super) struct Sets {
    shapes: Vec<Shape>,
    facts: Vec<Facts>,
    by_shape: Map<Shape, Set>,
    patterns: Map<Arc<str>, Pattern>,
    groups: Vec<Set>,
    /// What was found out of them.
    pub memory: Memory,
}

/// A selector that is empty although none of its parts is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Contradiction {
    pub span: Span,
    pub cause: Cause,
}

/// How a selector comes to be empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cause {
    /// A `who are` of users who are not in both.
    Both,
    /// An `except` that leaves nobody.
    Except,
    /// A pattern that no user ID matches.
    Pattern,
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
            memory: Memory::default(),
        };
        for group in &policy.groups {
            let set = sets.of(&group.selector, found);
            sets.groups.push(set);
        }
        sets
    }

    /// The set of a selector. Recurses as deep as parentheses nest.
    pub fn of(&mut self, selector: &Selector, found: &mut Vec<Contradiction>) -> Set {
        let set = self.of_kind(selector, found);
        let pattern = matches!(
            selector.kind,
            Kind::Server(_) | Kind::ServerGlob(_) | Kind::UserGlob(_) | Kind::Matching(_)
        );
        if pattern && self.is_empty(set) {
            found.push(Contradiction {
                span: selector.span,
                cause: Cause::Pattern,
            });
        }
        set
    }

    fn of_kind(&mut self, selector: &Selector, found: &mut Vec<Contradiction>) -> Set {
        match &selector.kind {
            Kind::Everyone => self.add(Shape::Everyone),
            Kind::User(user) => self.add(Shape::Users(Arc::from([UserId::clone(user)]))),
            Kind::Listed(users) => self.add(Shape::Users(users.iter().cloned().collect())),
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
                        cause: Cause::Both,
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
                        cause: Cause::Except,
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
        let mut facts = self.facts_from(&shape);
        self.shapes.push(shape.clone());
        self.facts.push(facts);
        facts.empty = match &shape {
            _ if facts.empty => true,
            Shape::Both(parts) => self.impossible(&wanted(parts)),
            Shape::Except(base, less) => self.impossible(&[(true, *base), (false, *less)]),
            Shape::Servers(_) | Shape::ServerGlob(_) | Shape::UserGlob(..) | Shape::Matching(_) => {
                self.impossible(&[(true, set)])
            }
            _ => false,
        };
        if let Some(slot) = self.facts.get_mut(set.0 as usize) {
            *slot = facts;
        }
        self.by_shape.insert(shape, set);
        set
    }

    /// What follows from the parts.
    fn facts_from(&self, shape: &Shape) -> Facts {
        let leaf = Facts {
            weight: 1,
            ..Facts::default()
        };
        let of = |parts: &[Set]| {
            let parts = parts.iter().map(|part| self.facts(*part));
            parts.fold(leaf, |all, part| Facts {
                weight: all.weight.saturating_add(part.weight),
                local: all.local || part.local,
                rooms: all.rooms || part.rooms,
                ..all
            })
        };
        let is = |part: &Set| self.facts(*part);
        match shape {
            Shape::Everyone => Facts {
                unbounded: true,
                ..leaf
            },
            Shape::Users(users) => Facts {
                empty: users.is_empty(),
                ..leaf
            },
            Shape::Local | Shape::Remote => Facts {
                local: true,
                ..leaf
            },
            Shape::Members(_) => Facts {
                rooms: true,
                ..leaf
            },
            Shape::Any(parts) => Facts {
                empty: parts.iter().all(|part| is(part).empty),
                unbounded: parts.iter().any(|part| is(part).unbounded),
                ..of(parts)
            },
            Shape::Both(parts) => Facts {
                empty: parts.iter().any(|part| is(part).empty),
                unbounded: parts.iter().all(|part| is(part).unbounded),
                ..of(parts)
            },
            Shape::Except(base, less) => Facts {
                empty: is(base).empty,
                unbounded: is(base).unbounded && !is(less).unbounded,
                ..of(&[*base, *less])
            },
            _ => leaf,
        }
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

    /// Whether who is local matters to it.
    pub fn is_about_local(&self, set: Set) -> bool {
        self.facts(set).local
    }

    /// Whether who is in a room matters to it.
    pub fn is_about_rooms(&self, set: Set) -> bool {
        self.facts(set).rooms
    }

    /// The regex of a text.
    pub fn pattern(&self, text: &str) -> Option<&Pattern> {
        self.patterns.get(text)
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
}

/// Whether it is made up of other sets.
pub(super) fn is_combined(shape: &Shape) -> bool {
    matches!(shape, Shape::Any(_) | Shape::Both(_) | Shape::Except(..))
}
