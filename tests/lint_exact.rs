//! The warnings about rules and selectors are exact: given if and only if they hold in every world.
//!
//! Small random policies are judged by a plain oracle that tries all worlds over a fixed crowd of
//! users: every homeserver (and one that no user is on), and every way in which a user is in the
//! rooms. The crowd has several users for each combination of the selectors below, so that who is
//! missing from it makes no difference. What the oracle says and what `lint` says must be equal.
//!
//! `EXACT_POLICIES=100000 cargo test --release --test lint_exact` tries more.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

#[allow(dead_code)]
#[path = "lint/setup.rs"]
mod setup;

use std::collections::{BTreeMap, BTreeSet};

use presence_router::diagnostic::Name;
use presence_router::id::{UserId, server_of};
use presence_router::policy::{Action, Kind, PolicySet, Selector};
use setup::{Chance, router};

impl Chance {
    fn selector(&mut self, atoms: &[&str], depth: usize, groups: usize) -> String {
        if depth == 0 || self.below(3) == 0 {
            if groups > 0 && self.below(6) == 0 {
                return format!("group g{}", self.below(groups));
            }
            return atoms[self.below(atoms.len())].into();
        }
        let a = self.selector(atoms, depth - 1, groups);
        let b = self.selector(atoms, depth - 1, groups);
        match self.below(7) {
            0 => format!("(({a}), ({b}))"),
            1 => format!(
                "(({a}), ({b}), ({}))",
                self.selector(atoms, depth - 1, groups)
            ),
            2 | 3 => format!("(({a}) who are ({b}))"),
            4 | 5 => format!("(({a}) except ({b}))"),
            _ => format!("({a})"),
        }
    }

    /// A policy over a few of the atoms, so that its rules have to do with each other.
    fn policy(&mut self) -> String {
        let atoms: Vec<&str> = (0..2 + self.below(5))
            .map(|_| ATOMS[self.below(ATOMS.len())])
            .collect();
        let mut text = String::new();
        let groups = self.below(3);
        for n in 0..groups {
            let selector = self.selector(&atoms, 2, n);
            text.push_str(&format!("group g{n} = {selector}\n"));
        }
        for _ in 0..2 + self.below(4) {
            let (s, r) = (self.below(4).min(2), self.below(4).min(2));
            let a = self.selector(&atoms, s, groups);
            let b = self.selector(&atoms, r, groups);
            text.push_str(&match self.below(7) {
                0..3 => format!("send {a} to {b}\n"),
                3 => format!("{a} see each other\n"),
                4 => format!("block {a}\n"),
                _ => format!("block {a} from {b}\n"),
            });
        }
        text
    }
}

const ATOMS: &[&str] = &[
    "all",
    "@a",
    "@a",
    "@b",
    "@a:x.org",
    "@a*:h.org",
    "@?:*",
    "@*:x.org",
    "@*:*.org",
    "@b?:*",
    "@a:*",
    "@a:?.x.org",
    "users on h.org",
    "users on x.org",
    "users on (x.org, h.org)",
    "users on *.x.org",
    "users on *",
    "users on ?.x.org",
    "users on ??.x.org",
    r"users matching /@a.*/",
    r"users matching /.*x\.org/",
    r"users matching /@[ab]:.*/",
    r"users matching /@a:h\.org/",
    r"users matching /@[^:]*:(h|x)\.org/",
    r"users matching /(?s)@.*:[^.]*/",
    r"users matching /(?s)@[^a].*/",
    r"users matching /@.:[^:]*/",
    r"users matching /ann/",
    r"users matching /@.{253}:.+/",
    r"users matching /(?s).*/",
    "local users",
    "local users",
    "remote users",
    "members of !r",
    "members of !s:h.org",
    "members of #r",
    "members of (!r, !s:h.org)",
];

const ROOMS: &[&str] = &["!r", "!s:h.org", "#r:h.org"];

const NAMES: &[&str] = &[
    "", "a", "b", "c", "d", "ab", "ac", "ba", "bb", "ca", "cab", "aab", "baa", "ccc", "a\n", "b\n",
    "c\nd", "\n", "\n\n",
];

const SERVERS: &[&str] = &[
    "h.org",
    "x.org",
    "y.org",
    "a.x.org",
    "b.x.org",
    "bb.x.org",
    "cc.x.org",
    "ccc.x.org",
    "dd.d.x.org",
    "a.b.x.org",
    "h",
    "x",
    "elsewhere",
    "a.com",
    "b.com",
    "h.org:1",
    "x.org:1",
    "h:1",
    "x:1",
    "yx.org",
    "zx.org",
];

/// For each homeserver, and each user, the ways of being in the rooms (one bit for each) in which
/// they are in a selector.
type Table = Vec<u8>;

struct Crowd {
    users: Vec<UserId>,
    homes: Vec<String>,
}

impl Crowd {
    fn new() -> Self {
        let ids = SERVERS
            .iter()
            .flat_map(|server| NAMES.iter().map(move |name| format!("@{name}:{server}")));
        Crowd {
            users: ids.map(|id| UserId::parse(&id).unwrap()).collect(),
            homes: SERVERS
                .iter()
                .chain(&["nobody.there"])
                .map(|s| s.to_string())
                .collect(),
        }
    }

    fn of(&self, per: impl Fn(&str, &UserId) -> u8) -> Table {
        let homes = self.homes.iter();
        homes
            .flat_map(|home| {
                self.users
                    .iter()
                    .map(|user| per(home, user))
                    .collect::<Vec<_>>()
            })
            .collect()
    }

    fn users(&self, is: impl Fn(&str) -> bool) -> Table {
        let of_home: Vec<u8> = self
            .users
            .iter()
            .map(|user| if is(user.as_str()) { 255 } else { 0 })
            .collect();
        of_home.repeat(self.homes.len())
    }

    fn table(&self, selector: &Selector, groups: &[Table]) -> Table {
        let local = |home: &str, user: &UserId| if user.server() == home { 255 } else { 0_u8 };
        let of = |part: &Selector| self.table(part, groups);
        match &selector.kind {
            Kind::Everyone => self.users(|_| true),
            Kind::User(id) => self.users(|user| id.as_str() == user),
            Kind::UserGlob(glob) => self.users(|user| glob.matches_user(user)),
            Kind::Server(server) => self.users(|user| server.as_str() == server_of(user)),
            Kind::ServerGlob(glob) => self.users(|user| glob.matches_server(server_of(user))),
            Kind::Matching(pattern) => self.users(|user| pattern.matches(user)),
            Kind::Local => self.of(local),
            Kind::Remote => self.of(|home, user| !local(home, user)),
            Kind::Members(room) => {
                let at = ROOMS
                    .iter()
                    .position(|name| *name == room.as_str())
                    .unwrap();
                self.of(|_, _| [0b1010_1010, 0b1100_1100, 0b1111_0000][at])
            }
            Kind::Listed(list) => self.users(|user| list.iter().any(|id| id.as_str() == user)),
            Kind::Group(id) => groups[id.0 as usize].clone(),
            Kind::Any(parts) => parts
                .iter()
                .map(of)
                .reduce(|a, b| zip(&a, &b, |a, b| a | b))
                .unwrap(),
            Kind::Both(parts) => parts.iter().map(of).reduce(|a, b| and(&a, &b)).unwrap(),
            Kind::Except(base, less) => not(&of(base), &of(less)),
        }
    }

    /// Whether in some world there is a sender and a recipient. If they can only be one user, they
    /// are so in one and the same way.
    fn pair(&self, senders: &Table, recipients: &Table) -> bool {
        let (n, homes) = (self.users.len(), 0..self.homes.len());
        homes.into_iter().any(|home| {
            let (s, r) = (&senders[home * n..][..n], &recipients[home * n..][..n]);
            let who = |of: &[u8]| (0..n).filter(|at| of[*at] != 0).take(2).collect::<Vec<_>>();
            match (who(s).as_slice(), who(r).as_slice()) {
                ([], _) | (_, []) => false,
                ([one], [other]) if one == other => s[*one] & r[*one] != 0,
                _ => true,
            }
        })
    }
}

fn zip(a: &Table, b: &Table, with: impl Fn(u8, u8) -> u8) -> Table {
    a.iter().zip(b).map(|(a, b)| with(*a, *b)).collect()
}

fn and(a: &Table, b: &Table) -> Table {
    zip(a, b, |a, b| a & b)
}

fn not(a: &Table, b: &Table) -> Table {
    zip(a, b, |a, b| a & !b)
}

fn empty(table: &Table) -> bool {
    table.iter().all(|bits| *bits == 0)
}

fn unbounded(selector: &Selector, groups: &[bool]) -> bool {
    let of = |part: &Selector| unbounded(part, groups);
    match &selector.kind {
        Kind::Everyone => true,
        Kind::Group(id) => groups[id.0 as usize],
        Kind::Any(parts) => parts.iter().any(of),
        Kind::Both(parts) => parts.iter().all(of),
        Kind::Except(base, less) => of(base) && !of(less),
        _ => false,
    }
}

struct Judged {
    action: Action,
    s: Table,
    r: Table,
    unbounded: bool,
    /// Somebody can be in both sides.
    there: bool,
    /// A warning about its selectors is given.
    skip: bool,
}

/// Every warning that must be given: its name and its place.
struct Oracle {
    crowd: Crowd,
    policy: PolicySet,
    groups: Vec<Table>,
    expected: BTreeSet<(Name, u32, u32)>,
}

impl Oracle {
    fn selector(&mut self, selector: &Selector) {
        let table = |part: &Selector| self.crowd.table(part, &self.groups);
        let nobody = empty(&table(selector));
        let cause = match &selector.kind {
            Kind::Both(parts) => nobody && !parts.iter().any(|part| empty(&table(part))),
            Kind::Except(base, _) => nobody && !empty(&table(base)),
            Kind::Server(_) | Kind::ServerGlob(_) | Kind::UserGlob(_) | Kind::Matching(_) => nobody,
            _ => false,
        };
        if cause {
            let place = (Name::EmptySelector, selector.span.start, selector.span.end);
            self.expected.insert(place);
        }
        match &selector.kind {
            Kind::Any(parts) | Kind::Both(parts) => {
                parts.iter().for_each(|part| self.selector(part))
            }
            Kind::Except(base, less) => {
                self.selector(base);
                self.selector(less);
            }
            _ => {}
        }
    }

    /// Whether every pair of a rule is another's too, and no answer becomes another kind.
    fn gives(&self, this: &Judged, other: &Judged) -> bool {
        let kind = !this.unbounded || other.unbounded && empty(&not(&this.r, &other.r));
        kind && !self.crowd.pair(&not(&this.s, &other.s), &this.r)
            && !self.crowd.pair(&this.s, &not(&this.r, &other.r))
    }

    fn undoes(&self, block: &Judged, allow: &Judged) -> bool {
        let r = and(&allow.r, &block.r);
        if allow.unbounded && block.unbounded {
            return !empty(&r);
        }
        self.crowd.pair(&and(&allow.s, &block.s), &r)
    }

    fn judge(policy: &PolicySet) -> BTreeSet<(Name, u32, u32)> {
        let mut oracle = Oracle {
            crowd: Crowd::new(),
            policy: policy.clone(),
            groups: Vec::new(),
            expected: BTreeSet::new(),
        };
        let policy = oracle.policy.clone();
        let mut kinds = Vec::new();
        for group in &policy.groups {
            oracle.selector(&group.selector);
            let table = oracle.crowd.table(&group.selector, &oracle.groups);
            oracle.groups.push(table);
            kinds.push(unbounded(&group.selector, &kinds));
        }
        let mut rules = Vec::new();
        for rule in &policy.rules {
            let before = std::mem::take(&mut oracle.expected);
            oracle.selector(&rule.senders);
            oracle.selector(&rule.recipients);
            let skip = !oracle.expected.is_empty();
            oracle.expected.extend(before);
            let (s, r) = (
                oracle.crowd.table(&rule.senders, &oracle.groups),
                oracle.crowd.table(&rule.recipients, &oracle.groups),
            );
            rules.push(Judged {
                action: rule.action,
                there: !empty(&s) && !empty(&r),
                unbounded: unbounded(&rule.senders, &kinds),
                s,
                r,
                skip,
            });
        }
        for (at, (rule, this)) in policy.rules.iter().zip(&rules).enumerate() {
            if !this.there || this.skip {
                continue;
            }
            let others = rules
                .iter()
                .enumerate()
                .filter(|(other, rule)| *other != at && rule.there);
            let mut names = BTreeSet::new();
            for (other, that) in others {
                if !oracle.gives(this, that) {
                    continue;
                }
                match (this.action, that.action) {
                    (Action::Allow, Action::Block) => _ = names.insert(Name::BlockedRule),
                    (a, b) if a != b => {}
                    _ if !oracle.gives(that, this) => _ = names.insert(Name::RedundantRule),
                    _ if other < at => _ = names.insert(Name::DuplicateRule),
                    _ => {}
                }
            }
            if names.contains(&Name::DuplicateRule) {
                names = [Name::DuplicateRule].into();
            } else if !oracle.crowd.pair(&this.s, &this.r) {
                // It gives nothing to anyone, whatever the others say.
                names.clear();
            }
            if this.action == Action::Block && !names.contains(&Name::DuplicateRule) {
                let undoes =
                    |that: &&Judged| that.action == Action::Allow && oracle.undoes(this, that);
                if rules.iter().find(undoes).is_none() {
                    names.insert(Name::IdleBlock);
                }
            }
            let place = |name| (name, rule.span.start, rule.span.end);
            oracle.expected.extend(names.into_iter().map(place));
        }
        oracle.expected
    }
}

const EXACT: &[Name] = &[
    Name::DuplicateRule,
    Name::RedundantRule,
    Name::BlockedRule,
    Name::IdleBlock,
    Name::EmptySelector,
];

#[test]
fn warnings_are_given_if_and_only_if_they_hold_in_every_world() {
    let policies = std::env::var("EXACT_POLICIES").map_or(400, |n| n.parse().unwrap());
    let from = std::env::var("EXACT_FROM").map_or(0, |n| n.parse().unwrap());
    let mut given = BTreeMap::<Name, u32>::new();
    let mut wrong = Vec::new();
    for number in from..from + policies {
        let text = Chance(number).policy();
        let snapshot = router(&text).snapshot();
        let said: BTreeSet<(Name, u32, u32)> = snapshot
            .warnings()
            .problems()
            .iter()
            .filter(|problem| EXACT.contains(&problem.name))
            .map(|problem| (problem.name, problem.span.start, problem.span.end))
            .collect();
        let expected = Oracle::judge(snapshot.policy());
        for (name, ..) in &said {
            *given.entry(*name).or_default() += 1;
        }
        let shown = |places: Vec<&(Name, u32, u32)>| -> Vec<String> {
            let show = |(name, start, end): &(Name, u32, u32)| {
                format!("{name}: {}", &text[*start as usize..*end as usize])
            };
            places.into_iter().map(show).collect()
        };
        if said != expected {
            wrong.push(format!(
                "policy {number}\n{text}missing: {:#?}\nnot true: {:#?}",
                shown(expected.difference(&said).collect()),
                shown(said.difference(&expected).collect())
            ));
        }
    }
    println!("{given:?}");
    assert!(
        wrong.is_empty(),
        "{} of {policies}\n{}",
        wrong.len(),
        wrong
            .iter()
            .take(12)
            .cloned()
            .collect::<Vec<_>>()
            .join("\n")
    );
    for name in EXACT {
        assert!(
            given.get(name).copied().unwrap_or_default() > 30,
            "{name}: {given:?}"
        );
    }
}
