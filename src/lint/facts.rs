//! Names that a directory does not have: rooms, and local users.
//!
//! Law: what is said holds for this directory as it is.

use std::collections::{BTreeMap, HashSet};

use super::names::{Place, places};
use super::sets::Map;
use crate::diagnostic::{Diagnostic, Name, nearest};
use crate::directory::Directory;
use crate::id::UserId;
use crate::policy::{PolicySet, Room};
use crate::source::Span;

/// How many names may be compared to find what was meant.
const SUGGESTIONS: usize = 200_000;

/// Finds them.
pub(super) fn check(policy: &PolicySet, directory: &Directory, found: &mut Vec<Diagnostic>) {
    let mut suggestions = SUGGESTIONS;
    unresolved_rooms(policy, directory, &mut suggestions, found);
    unknown_users(policy, directory, &mut suggestions, found);
}

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
    let groups = policy.groups.iter().map(|group| group.name.as_str());
    let groups: HashSet<&str> = groups.collect();
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
        let meant = match users.len() {
            1 => meant(user, &groups).or_else(|| {
                let near = near_user(user, directory, suggestions)?;
                Some(format!("`@{near}:{}`", user.server()))
            }),
            _ => None,
        };
        let help = match meant {
            Some(meant) => format!("did you mean {meant}?"),
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
pub(super) fn some(users: &[&UserId]) -> String {
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

/// Something else than a user that a user's name says: `@all`, or the name of a group.
fn meant(user: &UserId, groups: &HashSet<&str>) -> Option<String> {
    let name = user.localpart();
    match name {
        "all" | "everyone" | "everybody" | "anyone" | "any" | "users" | "room" => {
            return Some("`all` for every user, or `local users`".into());
        }
        _ => {}
    }
    groups.contains(name).then(|| format!("`group {name}`"))
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
