//! Rules that change nothing: repeated, covered by another, undone by a block, or with nothing to
//! undo.
//!
//! A rule is a pair of sets. For each side the sets that a set lies within are found once, through
//! lists of where each user, server and room is written; the rules that cover a rule are then
//! looked up by pairs of such sets. So a large policy costs little more than its size.
//!
//! Which rules cover a rule is decided exactly: a user whom the rule can have is found first, so that
//! only sets with this user are compared. Where one side of a rule narrows the worlds for the other,
//! as `local users` does, both sides are compared at once.
//!
//! Law: what is said holds for every directory, and also for which recipients are answered with
//! everyone but some. Past the budgets nothing is said.

use std::collections::{BTreeSet, HashMap, HashSet};

use foldhash::fast::RandomState;

use super::claims::{Answer, Claim};
use super::sets::{Map, Set, Sets, Shape};
use super::witness::Person;
use crate::diagnostic::{Diagnostic, Name};
use crate::policy::{Action, Rule};

/// A rule as its two sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Pair {
    pub action: Action,
    pub senders: Set,
    pub recipients: Set,
}

/// What comparing sets may cost for rules that cover others, and again for idle blocks.
const COMPARISONS: usize = 1_000_000;

/// How many pairs of sets may be looked up.
const LOOKUPS: usize = 2_000_000;

/// How many places of users, servers and rooms are kept for all sets of one side.
const KEYS: usize = 4_000_000;

/// A set with more places than this is compared with every set.
const SET_KEYS: usize = 100_000;

/// A set made up of more sets than this is compared with every set.
const HEAVY: u32 = 1_000;

/// A block on more users and servers than this is compared with every rule.
const MANY: usize = 64;

/// Finds them. `skip` says of which rules nothing is to be said.
pub(super) fn check(rules: &[Rule], pairs: &[Pair], sets: &Sets, skip: &[bool]) -> Vec<Diagnostic> {
    let mut first: Map<Pair, usize> = Map::default();
    let mut found = Vec::new();
    let mut distinct = Vec::new();
    let mut odd = Vec::new();
    for (at, (rule, pair)) in rules.iter().zip(pairs).enumerate() {
        let skipped = skip.get(at).copied().unwrap_or_default();
        if sets.is_empty(pair.senders) || sets.is_empty(pair.recipients) {
            if pair.action == Action::Allow && sets.is_unbounded(pair.senders) {
                odd.push(*pair);
            }
            continue;
        }
        match first.get(pair) {
            None => {
                first.insert(*pair, at);
                distinct.push((at, rule, *pair, skipped));
            }
            Some(_) if skipped => {}
            Some(before) => found.extend(rules.get(*before).map(|before| repeated(rule, before))),
        }
    }
    let mut linter = Linter {
        rules,
        pairs,
        sets,
        senders: Side::new(sets, distinct.iter().map(|(_, _, pair, _)| pair.senders)),
        recipients: Side::new(sets, distinct.iter().map(|(_, _, pair, _)| pair.recipients)),
        first,
        apart: Map::default(),
        comparisons: COMPARISONS,
        lookups: LOOKUPS,
    };
    let mut repeats = HashSet::new();
    for (at, rule, pair, skipped) in &distinct {
        if !skipped && linter.covered(*at, rule, *pair, &mut found) {
            repeats.insert(*at);
        }
    }
    let allows: Vec<usize> = distinct
        .iter()
        .filter(|(_, _, pair, _)| pair.action == Action::Allow)
        .map(|d| d.0)
        .collect();
    linter.comparisons = COMPARISONS;
    distinct.retain(|(at, ..)| !repeats.contains(at));
    linter.idle(&allows, &odd, &distinct, &mut found);
    found
}

type Distinct<'a> = (usize, &'a Rule, Pair, bool);

fn repeated(rule: &Rule, before: &Rule) -> Diagnostic {
    let message = "this rule says the same as one before it";
    let help = "take this rule away: saying it twice changes nothing";
    Diagnostic::new(Name::DuplicateRule, rule.span, message, help)
        .with_label(before.span, "the first one")
}

struct Linter<'a> {
    rules: &'a [Rule],
    pairs: &'a [Pair],
    sets: &'a Sets,
    senders: Side,
    recipients: Side,
    /// The first rule of each pair.
    first: Map<Pair, usize>,
    /// Sets that were asked about before: whether they are apart.
    apart: Map<(Set, Set), bool>,
    comparisons: usize,
    lookups: usize,
}

impl Linter<'_> {
    /// What other rules make of a rule; whether it repeats one before it.
    fn covered(&mut self, at: usize, rule: &Rule, pair: Pair, found: &mut Vec<Diagnostic>) -> bool {
        // One side may narrow the worlds for the other; then only both together can be compared.
        let bound = self.sets.may_bind(pair.senders) || self.sets.may_bind(pair.recipients);
        let (senders, recipients) = if bound {
            let claims = ([(true, pair.senders)], [(true, pair.recipients)]);
            let (sender, recipient) = match self.sets.possible_pair(&claims.0, &claims.1) {
                Answer::Found((sender, recipient)) => (Some(sender), Some(recipient)),
                Answer::Open => (None, None),
                // The rule gives nothing to anyone, and no other one is the cause.
                Answer::Never => return false,
            };
            let comparisons = &mut self.comparisons;
            (
                self.senders
                    .holding(sender.as_ref(), self.sets, comparisons),
                self.recipients
                    .holding(recipient.as_ref(), self.sets, comparisons),
            )
        } else {
            let comparisons = &mut self.comparisons;
            (
                self.senders.around(pair.senders, self.sets, comparisons),
                self.recipients
                    .around(pair.recipients, self.sets, comparisons),
            )
        };
        let mut same: Option<usize> = None;
        let mut wider: Option<usize> = None;
        let mut block: Option<usize> = None;
        'search: for senders in senders.iter().copied() {
            for recipients in recipients.iter().copied() {
                let Some(left) = self.lookups.checked_sub(1) else {
                    break 'search;
                };
                self.lookups = left;
                for action in [Action::Allow, Action::Block] {
                    let other = Pair {
                        action,
                        senders,
                        recipients,
                    };
                    let Some(by) = self.first.get(&other).copied().filter(|by| *by != at) else {
                        continue;
                    };
                    if action != pair.action && action == Action::Allow {
                        continue;
                    }
                    let given = if bound {
                        self.given(pair, other)
                    } else {
                        self.keeps_kind(pair, other)
                    };
                    if !given {
                        continue;
                    }
                    let slot = if action == pair.action {
                        if !self.given(other, pair) {
                            &mut wider
                        } else if (..at).contains(&by) {
                            &mut same
                        } else {
                            continue;
                        }
                    } else {
                        &mut block
                    };
                    *slot = Some(slot.map_or(by, |best| best.min(by)));
                }
            }
        }
        let place = |at: Option<usize>| at.and_then(|at| self.rules.get(at));
        if let Some(before) = place(same) {
            found.push(repeated(rule, before));
            return true;
        }
        if let Some(by) = place(block) {
            let message = "a block undoes all of this rule";
            let help = "take this rule away, or write on the block whom it does not concern: \
                        `block ... except ...`";
            let problem = Diagnostic::new(Name::BlockedRule, rule.span, message, help);
            found.push(problem.with_label(by.span, "blocked here"));
        }
        if let Some(by) = place(wider) {
            let (message, label) = match pair.action {
                Action::Allow => (
                    "another rule already gives all that this one gives",
                    "given here",
                ),
                Action::Block => (
                    "another rule already blocks all that this one blocks",
                    "blocked here",
                ),
            };
            let help = "take this rule away, or write less in the other one";
            let problem = Diagnostic::new(Name::RedundantRule, rule.span, message, help);
            found.push(problem.with_label(by.span, label));
        }
        false
    }

    /// Whether an answer cannot change between a list and everyone but some for want of a rule
    /// that is covered by another.
    fn keeps_kind(&self, this: Pair, other: Pair) -> bool {
        !self.sets.is_unbounded(this.senders) || self.sets.is_unbounded(other.senders)
    }

    /// Whether in every world all pairs of a rule are another's too; that is so if no pair has a
    /// sender whom the other does not have, nor a recipient.
    fn given(&mut self, this: Pair, other: Pair) -> bool {
        if !self.keeps_kind(this, other) {
            return false;
        }
        let Some(left) = self.comparisons.checked_sub(1) else {
            return false;
        };
        self.comparisons = left;
        let sets = self.sets;
        let never = |senders: &Claim, recipients: &Claim| {
            sets.possible_pair(senders, recipients) == Answer::Never
        };
        let (s, r) = ((true, this.senders), (true, this.recipients));
        // Who has no sender there now is answered with everyone but some all the same.
        let recipients = if sets.is_unbounded(this.senders) {
            sets.within(this.recipients, other.recipients)
        } else {
            never(&[s], &[r, (false, other.recipients)])
        };
        recipients && never(&[s, (false, other.senders)], &[r])
    }

    /// The blocks that no allow rule can overlap.
    ///
    /// `odd` are allow rules of nobody that are unbounded by their form, so that a block decides
    /// how their recipients are answered.
    fn idle(
        &mut self,
        allows: &[usize],
        odd: &[Pair],
        distinct: &[Distinct<'_>],
        found: &mut Vec<Diagnostic>,
    ) {
        let by_sender = by_set(allows, |at| self.pairs.get(at).map(|pair| pair.senders));
        let by_recipient = by_set(allows, |at| self.pairs.get(at).map(|pair| pair.recipients));
        // What one block overlaps, the next one often does too.
        let mut hint: Option<usize> = None;
        for (_, rule, block, skipped) in distinct {
            if block.action != Action::Block || *skipped {
                continue;
            }
            if hint.is_some_and(|at| self.overlap(at, *block) != Some(false)) {
                continue;
            }
            let matters = |pair: &Pair| !self.sets.apart(pair.recipients, block.recipients);
            if self.sets.is_unbounded(block.senders) && odd.iter().any(matters) {
                continue;
            }
            let near = |side: &Side, set, rules: &Map<Set, Vec<usize>>| {
                let sets = side.near(set, self.sets)?;
                let rules = sets.iter().filter_map(|set| rules.get(set));
                Some(rules.flatten().copied().collect::<Vec<usize>>())
            };
            // With unbounded senders a rule apart on the senders may matter nevertheless.
            let senders = if self.sets.is_unbounded(block.senders) {
                None
            } else {
                near(&self.senders, block.senders, &by_sender)
            };
            let recipients = near(&self.recipients, block.recipients, &by_recipient);
            let candidates: &[usize] = match (&senders, &recipients) {
                (Some(a), Some(b)) if a.len() <= b.len() => a,
                (_, Some(b)) => b,
                (Some(a), None) => a,
                (None, None) => allows,
            };
            let hit = candidates
                .iter()
                .find(|at| self.overlap(**at, *block) != Some(false));
            if let Some(hit) = hit {
                hint = Some(*hit);
                continue;
            }
            let message = "this rule blocks what no other rule gives";
            let help = "take it away, or correct whom it names: what no rule gives is not given";
            found.push(Diagnostic::new(Name::IdleBlock, rule.span, message, help));
        }
    }

    /// Whether an allow rule may give what a block takes; `None` past the budget.
    fn overlap(&mut self, allow: usize, block: Pair) -> Option<bool> {
        let allow = self.pairs.get(allow)?;
        let both_unbounded =
            self.sets.is_unbounded(allow.senders) && self.sets.is_unbounded(block.senders);
        if self.apart(allow.recipients, block.recipients)? {
            return Some(false);
        }
        if both_unbounded {
            return Some(true);
        }
        if self.apart(allow.senders, block.senders)? {
            return Some(false);
        }
        let senders = [(true, allow.senders), (true, block.senders)];
        let recipients = [(true, allow.recipients), (true, block.recipients)];
        self.comparisons = self.comparisons.checked_sub(1)?;
        Some(self.sets.possible_pair(&senders, &recipients) != Answer::Never)
    }

    fn apart(&mut self, a: Set, b: Set) -> Option<bool> {
        if a == b {
            return Some(false);
        }
        if let Some(known) = self.apart.get(&(a, b)) {
            return Some(*known);
        }
        self.comparisons = self.comparisons.checked_sub(1)?;
        let apart = self.sets.apart(a, b);
        self.apart.insert((a, b), apart);
        Some(apart)
    }
}

fn by_set(rules: &[usize], set: impl Fn(usize) -> Option<Set>) -> Map<Set, Vec<usize>> {
    let mut by: Map<Set, Vec<usize>> = Map::default();
    for at in rules {
        if let Some(set) = set(*at) {
            by.entry(set).or_default().push(*at);
        }
    }
    by
}

/// All sets of one side of the rules, found by what is written in them.
struct Side {
    /// Sorted pairs of what is written, hashed, and a set in which it is.
    places: Vec<(u64, Set)>,
    all: Vec<Set>,
    /// The sets that may hold anyone.
    broad: Vec<Set>,
    /// Those whose users are in one of some rooms.
    in_rooms: Vec<Set>,
    /// For a set the sets that it is within, itself too.
    around: Map<Set, Vec<Set>>,
    hasher: RandomState,
}

/// Something that a set's users are bounded by. Hashed: two that collide only cost a comparison.
#[derive(Hash)]
enum Key<'a> {
    User(&'a str),
    /// Everyone on this server.
    Server(&'a str),
    /// Some users on this server.
    UserOn(&'a str),
    Room(Set),
}

/// Where a set's users can be.
#[derive(Default)]
struct Bounds {
    keys: Vec<u64>,
    room: bool,
    /// They can be anywhere.
    broad: bool,
}

impl Side {
    fn new(sets: &Sets, used: impl Iterator<Item = Set>) -> Self {
        let used: BTreeSet<Set> = used.collect();
        let mut side = Side {
            places: Vec::new(),
            all: used.iter().copied().collect(),
            broad: Vec::new(),
            in_rooms: Vec::new(),
            around: HashMap::default(),
            hasher: RandomState::default(),
        };
        for set in used {
            let bounds = side.bounds(set, sets);
            if bounds.broad || side.places.len() + bounds.keys.len() > KEYS {
                side.broad.push(set);
                continue;
            }
            side.places
                .extend(bounds.keys.into_iter().map(|key| (key, set)));
            if bounds.room {
                side.in_rooms.push(set);
            }
        }
        side.places.sort_unstable();
        side
    }

    fn hash(&self, key: &Key<'_>) -> u64 {
        use std::hash::BuildHasher;
        self.hasher.hash_one(key)
    }

    /// Every user of the set is one of the keys' or in one of the keys' rooms or servers.
    fn bounds(&self, set: Set, sets: &Sets) -> Bounds {
        let mut bounds = Bounds::default();
        if sets.weight(set) > HEAVY {
            bounds.broad = true;
            return bounds;
        }
        let mut left = vec![set];
        while let Some(set) = left.pop() {
            match sets.shape(set) {
                Shape::Users(users) if users.len() > SET_KEYS => bounds.broad = true,
                Shape::Users(users) => {
                    for user in users.iter() {
                        bounds.keys.push(self.hash(&Key::User(user.as_str())));
                        bounds.keys.push(self.hash(&Key::UserOn(user.server())));
                    }
                }
                Shape::Servers(servers) => {
                    let keys = servers
                        .iter()
                        .map(|server| self.hash(&Key::Server(server.as_str())));
                    bounds.keys.extend(keys);
                }
                Shape::Members(_) => {
                    bounds.keys.push(self.hash(&Key::Room(set)));
                    bounds.room = true;
                }
                Shape::UserGlob(_, server) => match server.literal() {
                    Some(server) => bounds.keys.push(self.hash(&Key::Server(&server))),
                    None => bounds.broad = true,
                },
                Shape::Any(parts) => left.extend(parts.iter().copied()),
                // One of them bounds the users: the one that likely bounds them best.
                Shape::Both(parts) => {
                    left.extend(parts.iter().min_by_key(|part| rank(sets, **part)))
                }
                Shape::Except(base, _) => left.push(*base),
                Shape::Everyone
                | Shape::ServerGlob(_)
                | Shape::Matching(_)
                | Shape::Local
                | Shape::Remote => bounds.broad = true,
            }
        }
        bounds.keys.sort_unstable();
        bounds.keys.dedup();
        bounds
    }

    fn at(&self, key: u64) -> impl Iterator<Item = Set> {
        let start = self.places.partition_point(|(place, _)| *place < key);
        let from = self.places.get(start..).unwrap_or_default();
        from.iter()
            .take_while(move |(place, _)| *place == key)
            .map(|(_, set)| *set)
    }

    /// The sets that a set is certain to be within, itself too. Each set is looked up once.
    fn around(&mut self, set: Set, sets: &Sets, comparisons: &mut usize) -> Vec<Set> {
        if let Some(known) = self.around.get(&set) {
            return known.clone();
        }
        // Each set around it has every user that it can have.
        let someone = match sets.possible(&[(true, set)]) {
            Answer::Found(person) => Some(person),
            _ => None,
        };
        let mut around = vec![set];
        for other in self.holding(someone.as_ref(), sets, comparisons) {
            if other == set {
                continue;
            }
            let Some(left) = comparisons.checked_sub(1) else {
                break;
            };
            *comparisons = left;
            if sets.within(set, other) {
                around.push(other);
            }
        }
        self.around.insert(set, around.clone());
        around
    }

    /// The sets that hold a user of some world; all, if it is not known whom.
    fn holding(&self, person: Option<&Person>, sets: &Sets, comparisons: &mut usize) -> Vec<Set> {
        let Some(person) = person else {
            return self.all.clone();
        };
        let user = person.user.as_str();
        let mut keys = vec![
            self.hash(&Key::User(user)),
            self.hash(&Key::Server(person.user.server())),
        ];
        keys.extend(person.rooms.iter().map(|room| self.hash(&Key::Room(*room))));
        let mut near: Vec<Set> = keys.into_iter().flat_map(|key| self.at(key)).collect();
        near.sort_unstable();
        near.dedup();
        let mut holding = Vec::new();
        for other in near.iter().chain(&self.broad).copied() {
            let Some(left) = comparisons.checked_sub(1) else {
                break;
            };
            *comparisons = left;
            if sets.holds(other, person) != Some(false) {
                holding.push(other);
            }
        }
        holding
    }

    /// The sets that are not certain to be apart from a set; `None` if that is most of them.
    fn near(&self, set: Set, sets: &Sets) -> Option<Vec<Set>> {
        if sets.weight(set) > HEAVY {
            return None;
        }
        let mut keys = Vec::new();
        let mut left = vec![set];
        while let Some(set) = left.pop() {
            match sets.shape(set) {
                Shape::Users(users) if users.len() <= MANY => {
                    for user in users.iter() {
                        keys.push(self.hash(&Key::User(user.as_str())));
                        keys.push(self.hash(&Key::Server(user.server())));
                    }
                }
                Shape::Servers(servers) if servers.len() <= MANY => {
                    for server in servers.iter() {
                        keys.push(self.hash(&Key::Server(server.as_str())));
                        keys.push(self.hash(&Key::UserOn(server.as_str())));
                    }
                }
                Shape::UserGlob(_, server) => {
                    let server = server.literal()?;
                    keys.push(self.hash(&Key::Server(&server)));
                    keys.push(self.hash(&Key::UserOn(&server)));
                }
                Shape::Any(parts) => left.extend(parts.iter().copied()),
                Shape::Both(parts) => {
                    left.extend(parts.iter().min_by_key(|part| rank(sets, **part)))
                }
                Shape::Except(base, _) => left.push(*base),
                _ => return None,
            }
        }
        keys.sort_unstable();
        keys.dedup();
        let mut near: Vec<Set> = self.broad.iter().chain(&self.in_rooms).copied().collect();
        near.extend(keys.into_iter().flat_map(|key| self.at(key)));
        near.sort_unstable();
        near.dedup();
        Some(near)
    }
}

/// How few users a set likely has, the fewest first.
fn rank(sets: &Sets, set: Set) -> usize {
    match sets.shape(set) {
        Shape::Users(users) => users.len(),
        Shape::Servers(_) | Shape::UserGlob(..) => 200_000,
        Shape::Members(_) => 300_000,
        Shape::Any(_) => 400_000,
        Shape::Except(..) => 500_000,
        _ => 600_000,
    }
}
