//! Remote recipients: what is sent to one user is disclosed to their whole server.
//!
//! Law: only said of a user who receives from some rule as the directory is, and who is not kept
//! out by a block on all of its senders.

use std::collections::{BTreeMap, HashSet};

use super::facts::some;
use super::names::Place;
use super::rules::Pair;
use super::sets::{Map, Set, Shape};
use super::world::{DEPTH, World};
use crate::diagnostic::{Diagnostic, Name};
use crate::glob::Piece;
use crate::id::UserId;
use crate::policy::{Action, GroupId, Kind, PolicySet, Selector};
use crate::source::Span;

/// How many parts of selectors may be visited.
const VISITS: usize = 2_000_000;

/// A remote user who is written, and a rule in which they receive.
struct Remote<'a> {
    user: &'a UserId,
    place: Place,
    rule: usize,
}

/// Finds the remote users to whom a rule sends local users' presence.
pub(super) fn remote_disclosures(
    policy: &PolicySet,
    pairs: &[Pair],
    world: &World<'_>,
    found: &mut Vec<Diagnostic>,
) {
    if world.directory.server_name().is_none() {
        return;
    }
    let mut search = Search {
        policy,
        world,
        names_servers: Vec::with_capacity(policy.groups.len()),
        done: vec![false; policy.groups.len()],
        seen: HashSet::new(),
        visits: VISITS,
        remotes: Vec::new(),
    };
    for group in &policy.groups {
        let names = search.names_servers(&group.selector);
        search.names_servers.push(names);
    }
    let mut covering: Map<Set, Option<Vec<Set>>> = Map::default();
    let mut concerned: Vec<(usize, Pair, bool)> = Vec::new();
    for (at, (rule, pair)) in policy.rules.iter().zip(pairs).enumerate() {
        if pair.action == Action::Allow
            && !world.sets.is_empty(pair.senders)
            && may_be_local(world, pair.senders, DEPTH)
        {
            concerned.push((at, *pair, search.names_servers(&rule.recipients)));
        }
    }
    // A group that was searched for a rule that names no server is done with.
    concerned.sort_by_key(|(_, _, names)| *names);
    for (at, pair, names) in concerned {
        // The recipients whom a block takes from all senders.
        let blocked = covering
            .entry(pair.senders)
            .or_insert_with(|| covered_by(world, pair.senders));
        if let Some(blocked) = blocked {
            search.rule(at, pair, names, blocked);
        }
    }
    let mut by_place: BTreeMap<Place, Vec<Remote<'_>>> = BTreeMap::new();
    for remote in search.remotes {
        by_place.entry(remote.place).or_default().push(remote);
    }
    for (place, mut remotes) in by_place {
        remotes.sort_unstable_by_key(|remote| (remote.user, remote.rule));
        let rule = remotes
            .iter()
            .map(|remote| remote.rule)
            .min()
            .and_then(|at| policy.rules.get(at));
        remotes.dedup_by_key(|remote| remote.user);
        let users: Vec<&UserId> = remotes.iter().map(|remote| remote.user).collect();
        let (Some(user), Some(rule)) = (users.first(), rule) else {
            continue;
        };
        let server = user.server();
        let (message, help) = match users.len() {
            1 => (
                format!("presence sent to `{user}` is disclosed to all of `{server}`"),
                format!(
                    "their server gets it and may show it to anyone there: if that is meant, write \
                     `users on {server}` among the recipients, else take `{user}` out"
                ),
            ),
            n => (
                format!("presence sent to {n} users on other servers is disclosed to these servers: {}", some(&users)),
                "a server gets what its users get and may show it to anyone there: if that is meant, \
                 write `users on ...` among the recipients, else take them out"
                    .into(),
            ),
        };
        let help = match (&users[..], near_server(server, world)) {
            ([_], Some(home)) => {
                format!(
                    "did you mean `@{}:{home}`? if not, {help}",
                    user.localpart()
                )
            }
            _ => help,
        };
        let problem = Diagnostic::new(Name::RemoteDisclosure, place.span, message, help);
        let inside = rule.span.source == place.span.source
            && (rule.span.start..rule.span.end).contains(&place.span.start);
        found.push(if inside {
            problem
        } else {
            problem.with_label(rule.span, "sent by this rule")
        });
    }
}

/// The homeserver's own name, if it is likely what was meant by that of a server on which nobody is
/// known.
fn near_server<'a>(server: &str, world: &'a World<'_>) -> Option<&'a str> {
    let home = world.home();
    let known = world.directory.users_on(server).next().is_some();
    let near = server.eq_ignore_ascii_case(home) || one_edit(server, home);
    (!known && near).then_some(home)
}

/// Whether two names differ by a character too many, too few or another, or by two that are swapped.
fn one_edit(a: &str, b: &str) -> bool {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let head = a.iter().zip(&b).take_while(|(a, b)| a == b).count();
    let most = a.len().min(b.len()) - head;
    let tail = a.iter().rev().zip(b.iter().rev());
    let tail = tail.take(most).take_while(|(a, b)| a == b).count();
    let (x, y) = (a.get(head..a.len() - tail), b.get(head..b.len() - tail));
    match (x.unwrap_or_default(), y.unwrap_or_default()) {
        ([_], [] | [_]) | ([], [_]) => true,
        ([p, q], [r, s]) => p == s && q == r,
        _ => false,
    }
}

/// Whether a set can have local users: only their presence goes out to other servers.
fn may_be_local(world: &World<'_>, set: Set, depth: usize) -> bool {
    let Some(depth) = depth.checked_sub(1) else {
        return true;
    };
    let home = world.home();
    match world.sets.shape(set) {
        Shape::Users(users) => users.iter().any(|user| user.server() == home),
        Shape::Servers(servers) => servers.iter().any(|server| server.as_str() == home),
        Shape::ServerGlob(glob) | Shape::UserGlob(_, glob) => glob.matches_server(home),
        Shape::Remote => false,
        Shape::Any(parts) => parts.iter().any(|part| may_be_local(world, *part, depth)),
        Shape::Both(parts) => parts.iter().all(|part| may_be_local(world, *part, depth)),
        Shape::Except(base, _) => may_be_local(world, *base, depth),
        _ => true,
    }
}

/// The recipients of the blocks that cover these senders; `None` past the budget.
fn covered_by(world: &World<'_>, senders: Set) -> Option<Vec<Set>> {
    let mut recipients = Vec::new();
    world.spend(10 * world.blocks.len())?;
    for block in &world.blocks {
        if world.sets.within(senders, block.senders) {
            recipients.push(block.recipients);
        }
    }
    Some(recipients)
}

struct Search<'a> {
    policy: &'a PolicySet,
    world: &'a World<'a>,
    /// For each group so far: whether there are whole servers among its users.
    names_servers: Vec<bool>,
    /// The groups whose users need not be looked at again.
    done: Vec<bool>,
    seen: HashSet<(Span, &'a UserId)>,
    visits: usize,
    remotes: Vec<Remote<'a>>,
}

impl<'a> Search<'a> {
    /// Whether there are whole servers among a selector's users.
    fn names_servers(&self, selector: &Selector) -> bool {
        let mut names = false;
        positive(selector, true, &mut |leaf, _| {
            names |= match &leaf.kind {
                Kind::Server(_) | Kind::ServerGlob(_) | Kind::Everyone | Kind::Remote => true,
                // `@*:example.org` is one more way to write a server.
                Kind::UserGlob(_) => true,
                Kind::Group(GroupId(id)) => self
                    .names_servers
                    .get(*id as usize)
                    .copied()
                    .unwrap_or_default(),
                _ => false,
            };
        });
        names
    }

    fn rule(&mut self, at: usize, pair: Pair, names: bool, blocked: &[Set]) {
        let Some(rule) = self.policy.rules.get(at) else {
            return;
        };
        let mut named: Vec<&Selector> = Vec::new();
        if names {
            let mut visited = HashSet::new();
            let mut left = vec![&rule.recipients];
            while let Some(selector) = left.pop() {
                let mut visits = self.visits;
                positive(selector, true, &mut |leaf, _| {
                    visits = visits.saturating_sub(1);
                    match &leaf.kind {
                        Kind::Group(id) if visited.insert(*id) => {
                            left.extend(self.policy.group(*id).map(|group| &group.selector));
                        }
                        Kind::Server(_)
                        | Kind::ServerGlob(_)
                        | Kind::UserGlob(_)
                        | Kind::Everyone
                        | Kind::Remote => {
                            named.push(leaf);
                        }
                        _ => {}
                    }
                });
                self.visits = visits;
                if visits == 0 {
                    return;
                }
            }
        }
        let mut left = vec![(&rule.recipients, true)];
        let mut visited = HashSet::new();
        while let Some((selector, certain)) = left.pop() {
            let mut users: Vec<(&'a UserId, Place, bool)> = Vec::new();
            positive(selector, certain, &mut |leaf, certain| {
                let mut note = |user: &'a UserId, listed| {
                    if !self.world.directory.is_local(user.as_str()) {
                        users.push((
                            user,
                            Place {
                                listed,
                                span: leaf.span,
                            },
                            certain,
                        ));
                    }
                };
                self.visits = self.visits.saturating_sub(1);
                match &leaf.kind {
                    Kind::User(user) => note(user, false),
                    Kind::Listed(list) => {
                        self.visits = self.visits.saturating_sub(list.len());
                        list.iter().for_each(|user| note(user, true));
                    }
                    Kind::Group(id) => {
                        let settled = certain && !names && blocked.is_empty();
                        let Some(done) = self.done.get_mut(id.0 as usize) else {
                            return;
                        };
                        if !*done && visited.insert((*id, certain)) {
                            *done |= settled;
                            left.extend(
                                self.policy
                                    .group(*id)
                                    .map(|group| (&group.selector, certain)),
                            );
                        }
                    }
                    _ => {}
                }
            });
            if self.visits == 0 {
                return;
            }
            for (user, place, certain) in users {
                let is_named = || named.iter().any(|leaf| names_server(leaf, user));
                let receives =
                    certain || self.world.has(pair.recipients, user, DEPTH) == Some(true);
                let kept_out = || {
                    blocked
                        .iter()
                        .any(|set| self.world.has(*set, user, DEPTH) != Some(false))
                };
                if receives && !is_named() && !kept_out() && self.seen.insert((place.span, user)) {
                    self.remotes.push(Remote {
                        user,
                        place,
                        rule: at,
                    });
                }
            }
        }
    }
}

/// Whether a part of the recipients is all of a user's server, or more.
fn names_server(leaf: &Selector, user: &UserId) -> bool {
    match &leaf.kind {
        Kind::Server(server) => server.as_str() == user.server(),
        Kind::ServerGlob(glob) => glob.matches_server(user.server()),
        Kind::UserGlob(glob) => {
            // All of them if it says nothing of the localpart.
            let mut sides = glob.pieces().splitn(2, |piece| *piece == Piece::Char(':'));
            let name = sides.next().unwrap_or_default();
            name.iter().skip(1).all(|piece| *piece == Piece::Run)
                && glob.matches_user(user.as_str())
        }
        Kind::Everyone | Kind::Remote => true,
        _ => false,
    }
}

/// Visits the parts of a selector whose users may be in it; not what stands after `except`. Says
/// whether they certainly are.
fn positive<'a>(selector: &'a Selector, certain: bool, visit: &mut impl FnMut(&'a Selector, bool)) {
    match &selector.kind {
        Kind::Any(parts) => parts.iter().for_each(|part| positive(part, certain, visit)),
        Kind::Both(parts) => parts.iter().for_each(|part| positive(part, false, visit)),
        Kind::Except(base, _) => positive(base, false, visit),
        _ => visit(selector, certain),
    }
}

#[cfg(test)]
mod tests {
    use super::one_edit;

    #[test]
    fn one_edit_is_no_more() {
        for (other, near) in [
            ("example.org", false),
            ("exampl.org", true),
            ("xample.org", true),
            ("example.or", true),
            ("examplee.org", true),
            ("example.orgs", true),
            ("an-example.org", false),
            ("exbmple.org", true),
            ("example.orq", true),
            ("exmaple.org", true),
            ("example.ogr", true),
            ("xeample.org", true),
            ("exbnple.org", false),
            ("exmxple.org", false),
            ("exbaple.org", false),
            ("exapmel.org", false),
            ("exam.org", false),
            ("", false),
        ] {
            assert_eq!(one_edit(other, "example.org"), near, "{other}");
            assert_eq!(one_edit("example.org", other), near, "{other}");
        }
        assert!(one_edit("aab", "ab") && one_edit("aa", "a") && one_edit("a", "b"));
        assert!(one_edit("", "a") && !one_edit("", "ab") && !one_edit("abab", "ab"));
    }
}
