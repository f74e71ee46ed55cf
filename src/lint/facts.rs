//! Warnings that only a directory brings to light: names it does not have, users on other servers
//! who receive, and rules that make very many deliveries.
//!
//! Law: what is said holds for this directory as it is. Past the budget nothing is said.

use std::cell::Cell;
use std::collections::{BTreeMap, HashSet};

use foldhash::fast::RandomState;

use super::names::{Place, places};
use super::rules::Pair;
use super::sets::{Map, Set, Sets, Shape};
use crate::diagnostic::{Diagnostic, Name, nearest};
use crate::directory::Directory;
use crate::id::UserId;
use crate::policy::{Action, GroupId, Kind, PolicySet, Room, Selector};
use crate::source::Span;

/// More deliveries than this for one update are worth a warning.
const MANY_DELIVERIES: usize = 10_000;

/// How many names may be compared to find what was meant.
const SUGGESTIONS: usize = 200_000;

/// How many times a user may be looked at.
const LOOKS: usize = 30_000_000;

/// How many parts of selectors may be visited to find remote recipients.
const VISITS: usize = 2_000_000;

/// How deep sets may be made up of sets before nothing is said of them.
const DEPTH: usize = 200;

/// How many senders of a rule are tried out.
const SENDERS: usize = 16;

/// Finds them.
pub(super) fn check(
    policy: &PolicySet,
    pairs: &[Pair],
    sets: &Sets,
    directory: &Directory,
    found: &mut Vec<Diagnostic>,
) {
    let mut suggestions = SUGGESTIONS;
    unresolved_rooms(policy, directory, &mut suggestions, found);
    unknown_users(policy, directory, &mut suggestions, found);
    let world = World::new(policy, pairs, sets, directory);
    remote_disclosures(policy, pairs, &world, found);
    costly_rules(policy, pairs, &world, found);
}

// ---- names that the directory does not have ----

fn unresolved_rooms(
    policy: &PolicySet,
    directory: &Directory,
    suggestions: &mut usize,
    found: &mut Vec<Diagnostic>,
) {
    let mut first: Map<&Room, Span> = Map::default();
    for (room, span) in &policy.rooms {
        if directory.members(room).is_none() {
            first
                .entry(room)
                .and_modify(|first| *first = *span.min(first))
                .or_insert(*span);
        }
    }
    let mut first: Vec<(Span, &Room)> =
        first.into_iter().map(|(room, span)| (span, room)).collect();
    first.sort_unstable();
    for (span, room) in first {
        let message = format!("the homeserver knows no room `{}`", room.as_str());
        let help = match near_room(room.as_str(), directory, suggestions) {
            Some(near) => format!("did you mean `{near}`?"),
            None => {
                "check its ID or alias: until the room is there nobody is a member of it".into()
            }
        };
        found.push(Diagnostic::new(Name::UnresolvedRoom, span, message, help));
    }
}

fn near_room<'a>(room: &str, directory: &'a Directory, suggestions: &mut usize) -> Option<&'a str> {
    let count = directory.room_names().count();
    *suggestions = suggestions.checked_sub(count)?;
    let split = |name: &'a str| name.split_once(':').unwrap_or((name, ""));
    let (name, server) = room.split_once(':').unwrap_or((room, ""));
    let same_server = directory
        .room_names()
        .map(split)
        .filter(|(_, other)| *other == server);
    let sigil = name.chars().next();
    let names = same_server
        .map(|(name, _)| name)
        .filter(|other| other.chars().next() == sigil);
    let near = nearest(name, names);
    let whole = near.and_then(|near| {
        let is = |other: &&str| other.split_once(':').unwrap_or((other, "")) == (near, server);
        directory.room_names().find(is)
    });
    // The right name, and a slip elsewhere.
    let bare = |name: &str| name.get(1..).map(str::to_owned);
    whole.or_else(|| {
        let same_name = |other: &&str| bare(split_name(other)) == bare(name);
        nearest(room, directory.room_names().filter(same_name))
    })
}

fn split_name(room: &str) -> &str {
    room.split_once(':').map_or(room, |(name, _)| name)
}

fn unknown_users(
    policy: &PolicySet,
    directory: &Directory,
    suggestions: &mut usize,
    found: &mut Vec<Diagnostic>,
) {
    let unknown =
        |user: &&UserId| directory.is_local(user.as_str()) && !directory.knows_user(user.as_str());
    let unknown: Map<&UserId, ()> = policy
        .named
        .iter()
        .filter(unknown)
        .map(|user| (user, ()))
        .collect();
    let mut by_place: BTreeMap<Place, Vec<&UserId>> = BTreeMap::new();
    for (user, place) in places(policy, &unknown) {
        by_place.entry(place).or_default().push(user);
    }
    for (place, mut users) in by_place {
        users.sort_unstable();
        let Some(user) = users.first() else {
            continue;
        };
        let message = match users.len() {
            1 => format!("`{user}` is a local user whom the homeserver does not know"),
            n => format!(
                "this group file has {n} local users whom the homeserver does not know: {}",
                some(&users)
            ),
        };
        let near = if users.len() == 1 {
            near_user(user, directory, suggestions)
        } else {
            None
        };
        let help = match near {
            Some(near) => format!("did you mean `@{near}:{}`?", user.server()),
            None => "correct the user ID, or take it out if there is no such user any more".into(),
        };
        found.push(Diagnostic::new(
            Name::UnknownUser,
            place.span,
            message,
            help,
        ));
    }
}

/// The first few of them.
fn some(users: &[&UserId]) -> String {
    let shown: Vec<String> = users
        .iter()
        .take(3)
        .map(|user| format!("`{user}`"))
        .collect();
    match users.len().checked_sub(shown.len()) {
        Some(more) if more > 0 => format!("{} and {more} more", shown.join(", ")),
        _ => shown.join(", "),
    }
}

fn near_user<'a>(
    user: &UserId,
    directory: &'a Directory,
    suggestions: &mut usize,
) -> Option<&'a str> {
    let count = directory.users_on(user.server()).count();
    *suggestions = suggestions.checked_sub(count)?;
    nearest(
        user.localpart(),
        directory.users_on(user.server()).map(UserId::localpart),
    )
}

// ---- a directory and a policy together ----

struct World<'a> {
    sets: &'a Sets,
    directory: &'a Directory,
    /// The users whom only the policy knows, by server.
    extra: BTreeMap<&'a str, Vec<&'a UserId>>,
    extra_count: usize,
    /// The block rules' pairs, each once.
    blocks: Vec<Pair>,
    looks: Cell<usize>,
}

impl<'a> World<'a> {
    fn new(
        policy: &'a PolicySet,
        pairs: &[Pair],
        sets: &'a Sets,
        directory: &'a Directory,
    ) -> Self {
        let mut extra: BTreeMap<&str, Vec<&UserId>> = BTreeMap::new();
        let mut extra_count = 0;
        for user in policy
            .named
            .iter()
            .filter(|user| !directory.knows_user(user.as_str()))
        {
            extra.entry(user.server()).or_default().push(user);
            extra_count += 1;
        }
        let blocks = pairs
            .iter()
            .filter(|pair| pair.action == Action::Block)
            .copied();
        let mut blocks: Vec<Pair> = blocks.collect();
        blocks.sort_unstable_by_key(|pair| (pair.senders, pair.recipients));
        blocks.dedup();
        World {
            sets,
            directory,
            extra,
            extra_count,
            blocks,
            looks: Cell::new(LOOKS),
        }
    }

    /// `None` once the budget is used up.
    fn spend(&self, looks: usize) -> Option<()> {
        let left = self.looks.get().checked_sub(looks);
        self.looks.set(left.unwrap_or_default());
        left.map(|_| ())
    }

    fn known(&self) -> impl Iterator<Item = &'a UserId> {
        self.directory
            .users()
            .chain(self.extra.values().flatten().copied())
    }

    fn known_on(&self, server: &str) -> impl Iterator<Item = &'a UserId> {
        let extra = self.extra.get(server).into_iter().flatten().copied();
        self.directory.users_on(server).chain(extra)
    }

    fn home(&self) -> &'a str {
        self.directory
            .server_name()
            .map_or("", |server| server.as_str())
    }

    /// Whether a user is in a set now.
    fn has(&self, set: Set, user: &UserId, depth: usize) -> Option<bool> {
        self.spend(1)?;
        let depth = depth.checked_sub(1)?;
        match self.sets.shape(set) {
            Shape::Local => Some(self.directory.is_local(user.as_str())),
            Shape::Remote => Some(!self.directory.is_local(user.as_str())),
            Shape::Members(room) => Some(self.directory.is_member(room, user.as_str())),
            Shape::Any(parts) => {
                for part in parts.iter() {
                    if self.has(*part, user, depth)? {
                        return Some(true);
                    }
                }
                Some(false)
            }
            Shape::Both(parts) => {
                for part in parts.iter() {
                    if !self.has(*part, user, depth)? {
                        return Some(false);
                    }
                }
                Some(true)
            }
            Shape::Except(base, less) => {
                Some(self.has(*base, user, depth)? && !self.has(*less, user, depth)?)
            }
            _ => self.sets.has(set, user),
        }
    }

    /// No fewer than the known users in a set.
    fn at_most(&self, set: Set, depth: usize) -> usize {
        let total = self.directory.user_count() + self.extra_count;
        let Some(depth) = depth.checked_sub(1).filter(|_| self.spend(1).is_some()) else {
            return total;
        };
        let parts = |parts: &[Set]| -> Vec<usize> {
            parts
                .iter()
                .map(|part| self.at_most(*part, depth))
                .collect()
        };
        let most = match self.sets.shape(set) {
            Shape::Users(users) => users.len(),
            Shape::Servers(servers) => servers
                .iter()
                .map(|server| self.known_on(server.as_str()).count())
                .sum(),
            Shape::Local => self.known_on(self.home()).count(),
            Shape::Members(room) => self.directory.member_count(room),
            Shape::Any(all) => parts(all).into_iter().fold(0, usize::saturating_add),
            Shape::Both(all) => parts(all).into_iter().min().unwrap_or(total),
            Shape::Except(base, _) => self.at_most(*base, depth),
            _ => total,
        };
        most.min(total)
    }

    /// The known users in a set, in no order, each once.
    fn list(&self, set: Set, depth: usize) -> Option<Vec<&'a UserId>> {
        let depth = depth.checked_sub(1)?;
        let all = |users: &mut dyn Iterator<Item = &'a UserId>| -> Option<Vec<&'a UserId>> {
            let users: Vec<&UserId> = users.collect();
            self.spend(users.len())?;
            Some(users)
        };
        let of = |users: Vec<&'a UserId>, wanted: &dyn Fn(&UserId) -> Option<bool>| {
            let mut kept = Vec::new();
            for user in users {
                if wanted(user)? {
                    kept.push(user);
                }
            }
            Some(kept)
        };
        match self.sets.shape(set) {
            Shape::Everyone => all(&mut self.known()),
            Shape::Users(users) => all(&mut users.iter()),
            Shape::Servers(servers) => all(&mut servers
                .iter()
                .flat_map(|server| self.known_on(server.as_str()))),
            Shape::Local => all(&mut self.known_on(self.home())),
            Shape::Members(room) => all(&mut self.directory.members(room).into_iter().flatten()),
            Shape::Any(parts) => {
                let mut users: HashSet<&UserId, RandomState> = HashSet::default();
                for part in parts.iter() {
                    users.extend(self.list(*part, depth)?);
                }
                Some(users.into_iter().collect())
            }
            Shape::Both(parts) => {
                let least = parts
                    .iter()
                    .min_by_key(|part| self.at_most(**part, depth))?;
                of(self.list(*least, depth)?, &|user| {
                    self.has(set, user, depth)
                })
            }
            Shape::Except(base, less) => of(self.list(*base, depth)?, &|user| {
                self.has(*less, user, depth).map(|is| !is)
            }),
            _ => of(all(&mut self.known())?, &|user| self.has(set, user, depth)),
        }
    }

    /// How many known users are in a set.
    fn count(&self, set: Set, depth: usize) -> Option<usize> {
        let deeper = depth.checked_sub(1)?;
        let total = self.directory.user_count() + self.extra_count;
        match self.sets.shape(set) {
            Shape::Everyone => Some(total),
            Shape::Users(_) | Shape::Servers(_) | Shape::Local | Shape::Members(_) => {
                Some(self.at_most(set, depth))
            }
            Shape::Remote => Some(total - self.known_on(self.home()).count()),
            Shape::Except(base, less)
                if self.at_most(*less, depth) < self.at_most(*base, depth) / 2 =>
            {
                let mut count = self.count(*base, deeper)?;
                for user in self.list(*less, deeper)? {
                    if self.has(*base, user, deeper)? {
                        count = count.checked_sub(1)?;
                    }
                }
                Some(count)
            }
            _ => self.list(set, depth).map(|users| users.len()),
        }
    }
}

// ---- remote recipients ----

/// A remote user who is written, and a rule in which they receive.
struct Remote<'a> {
    user: &'a UserId,
    place: Place,
    rule: usize,
}

fn remote_disclosures(
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
            let mut sides = glob
                .pieces()
                .splitn(2, |piece| *piece == crate::glob::Piece::Char(':'));
            let name = sides.next().unwrap_or_default();
            name.iter()
                .skip(1)
                .all(|piece| *piece == crate::glob::Piece::Run)
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

// ---- very many deliveries ----

fn costly_rules(
    policy: &PolicySet,
    pairs: &[Pair],
    world: &World<'_>,
    found: &mut Vec<Diagnostic>,
) {
    let mut counts: Map<Set, Option<usize>> = Map::default();
    let mut senders: Map<Set, Vec<&UserId>> = Map::default();
    let mut blocks: Map<&UserId, Option<Vec<Set>>> = Map::default();
    for (rule, pair) in policy.rules.iter().zip(pairs) {
        if pair.action == Action::Block {
            continue;
        }
        let count = *counts.entry(pair.recipients).or_insert_with(|| {
            let may_be_many = world.at_most(pair.recipients, DEPTH) > MANY_DELIVERIES;
            if may_be_many {
                world.count(pair.recipients, DEPTH)
            } else {
                None
            }
        });
        let Some(count) = count.filter(|count| *count > MANY_DELIVERIES) else {
            continue;
        };
        let tried = senders
            .entry(pair.senders)
            .or_insert_with(|| first_users(world, pair.senders));
        let most = tried.iter().filter_map(|sender| {
            let blocked = blocks
                .entry(sender)
                .or_insert_with(|| blocked_for(world, sender));
            deliveries(world, pair.recipients, count, blocked.as_ref()?)
        });
        let Some(most) = most.max().filter(|count| *count > MANY_DELIVERIES) else {
            continue;
        };
        let message = format!("one update of a sender of this rule makes {most} deliveries");
        let help = "send to fewer users, such as the members of a room, or block the users who need not see it";
        found.push(Diagnostic::new(Name::CostlyRule, rule.span, message, help));
    }
}

/// A few known users in a set, the first by bytes.
fn first_users<'a>(world: &World<'a>, set: Set) -> Vec<&'a UserId> {
    let mut users = world.list(set, DEPTH).unwrap_or_default();
    if users.len() > SENDERS {
        users.select_nth_unstable(SENDERS);
        users.truncate(SENDERS);
    }
    users.sort_unstable();
    users
}

/// The recipients of the blocks of a sender.
fn blocked_for(world: &World<'_>, sender: &UserId) -> Option<Vec<Set>> {
    let mut recipients = Vec::new();
    for block in &world.blocks {
        if world.has(block.senders, sender, DEPTH)? {
            recipients.push(block.recipients);
        }
    }
    recipients.sort_unstable();
    recipients.dedup();
    Some(recipients)
}

/// How many known recipients are left of a set without those blocked.
fn deliveries(world: &World<'_>, set: Set, count: usize, blocked: &[Set]) -> Option<usize> {
    if blocked.is_empty() {
        return Some(count);
    }
    if blocked
        .iter()
        .any(|blocked| world.sets.within(set, *blocked))
    {
        return Some(0);
    }
    let mut left = 0;
    for user in world.list(set, DEPTH)? {
        let mut out = false;
        for blocked in blocked {
            out = out || world.has(*blocked, user, DEPTH)?;
        }
        left += usize::from(!out);
    }
    Some(left)
}
