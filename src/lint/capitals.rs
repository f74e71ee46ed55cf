//! Servers that are written with capitals: they are compared as they are written, and hardly any
//! server has one in its name.
//!
//! Law: a warning is given only where the same in lower case is known, so that there are two servers to
//! be taken for each other; else it is a note. Nothing is said of a server that is known as it is
//! written and in no other way, nor of names that the default server completed: its own statement is
//! the cause.

use std::collections::{BTreeMap, HashSet};

use super::names::Place;
use super::{leaves, selectors};
use crate::diagnostic::{Diagnostic, Name};
use crate::directory::Directory;
use crate::glob::{Glob, Piece};
use crate::id::ServerName;
use crate::policy::{Kind, PolicySet, Room};
use crate::source::Span;

/// How many servers may be compared with patterns; behind that nothing is said.
const LOOKS: usize = 1_000_000;

/// A server or a pattern of servers with capitals in it.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Written<'a> {
    Server(&'a str),
    Glob(Glob),
}

/// What is said of all of them.
pub(super) fn check(
    policy: &PolicySet,
    directory: Option<&Directory>,
    found: &mut Vec<Diagnostic>,
) {
    let written = written(policy, directory);
    if written.is_empty() {
        return;
    }
    let known = Known::new(policy, directory);
    let home = directory
        .and_then(Directory::server_name)
        .map(ServerName::as_str);
    let disclosures = found
        .iter()
        .filter(|problem| problem.name == Name::RemoteDisclosure);
    let disclosures: HashSet<Span> = disclosures.map(|problem| problem.span).collect();
    let mut looks = LOOKS;
    for (place, servers) in written {
        // Users of one group file share a place: one of each name there, which counts them.
        let mut said: BTreeMap<Name, (Diagnostic, usize)> = BTreeMap::new();
        for (server, users) in servers {
            let Some(like) = known.like(&server, &mut looks) else {
                continue;
            };
            let (name, message, lower) = words(&server, like, home);
            // That presence leaves the homeserver is told with what was likely meant.
            if home == Some(&*lower) && disclosures.contains(&place.span) {
                continue;
            }
            let new = || {
                let help = format!(
                    "servers are nearly always written in lower case: did you mean `{lower}`?"
                );
                (Diagnostic::new(name, place.span, message, help), 0)
            };
            said.entry(name).or_insert_with(new).1 += users;
        }
        for (mut problem, users) in said.into_values() {
            if place.listed && users > 1 {
                let more = format!(" (and {} more of this group file)", users - 1);
                problem.help.push_str(&more);
            }
            found.push(problem);
        }
    }
}

/// What is said of a server, and the server in lower case.
fn words(server: &Written<'_>, like: Like<'_>, home: Option<&str>) -> (Name, String, String) {
    let text = match server {
        Written::Server(server) => (*server).to_owned(),
        Written::Glob(glob) => glob.to_string(),
    };
    let (name, message) = match (like, server) {
        (Like::None, _) => (
            Name::UppercaseServer,
            format!("`{text}` has capitals, and servers are compared as they are written"),
        ),
        (Like::Other(other), Written::Server(_)) if home == Some(other) => (
            Name::ConfusableId,
            format!("`{text}` is another server than the homeserver's, `{other}`"),
        ),
        (Like::Other(other), Written::Server(_)) => (
            Name::ConfusableId,
            format!("`{text}` is another server than `{other}`, which is known too"),
        ),
        (Like::Other(other), Written::Glob(_)) => (
            Name::ConfusableId,
            format!("`{text}` does not match `{other}`, as the same in lower case does"),
        ),
    };
    (name, message, text.to_ascii_lowercase())
}

/// All that are written, by their places, with the number of users in each.
fn written<'a>(
    policy: &'a PolicySet,
    directory: Option<&Directory>,
) -> BTreeMap<Place, BTreeMap<Written<'a>, usize>> {
    let mut places: BTreeMap<Place, BTreeMap<Written<'a>, usize>> = BTreeMap::new();
    let default = policy.default_server.as_ref().map(|server| server.as_str());
    let mut note = |place, server: Written<'a>| {
        *places.entry(place).or_default().entry(server).or_default() += 1;
    };
    let place = |listed, span| Place { listed, span };
    if let (Some(server), Some(span)) = (default, policy.server_place)
        && has_capital(server)
    {
        note(place(false, span), Written::Server(server));
    }
    let odd = |server: &str| has_capital(server) && Some(server) != default;
    let users = policy.named.iter().any(|user| odd(user.server()));
    for selector in selectors(policy) {
        leaves(selector, &mut |leaf| match &leaf.kind {
            Kind::Server(server) if odd(server.as_str()) => {
                note(place(false, leaf.span), Written::Server(server.as_str()));
            }
            Kind::ServerGlob(glob) if has_capital(&glob.to_string()) => {
                note(place(false, leaf.span), Written::Glob(glob.clone()));
            }
            Kind::UserGlob(glob) => {
                let server = glob.pieces().iter().copied();
                let server = server
                    .skip_while(|piece| *piece != Piece::Char(':'))
                    .skip(1);
                let server = Glob::new(server);
                let text = server.to_string();
                match glob.plain_server() {
                    Some(server) if odd(server) => {
                        note(place(false, leaf.span), Written::Server(server));
                    }
                    None if has_capital(&text) => {
                        note(place(false, leaf.span), Written::Glob(server))
                    }
                    _ => {}
                }
            }
            Kind::User(user) if users && odd(user.server()) => {
                note(place(false, leaf.span), Written::Server(user.server()));
            }
            Kind::Listed(listed) if users => {
                for user in listed.iter().filter(|user| odd(user.server())) {
                    note(place(true, leaf.span), Written::Server(user.server()));
                }
            }
            _ => {}
        });
    }
    // With a directory it is told of each room that is not there.
    if directory.is_none() {
        for (room, span) in &policy.rooms {
            let server = server_of(room);
            if odd(server) {
                note(place(false, *span), Written::Server(server));
            }
        }
    }
    places
}

fn has_capital(server: &str) -> bool {
    server.bytes().any(|byte| byte.is_ascii_uppercase())
}

fn server_of(room: &Room) -> &str {
    room.as_str()
        .split_once(':')
        .map_or("", |(_, server)| server)
}

/// The servers that are known, and which of them the homeserver knows.
struct Known<'a> {
    all: HashSet<&'a str>,
    real: HashSet<&'a str>,
}

/// What is known of a server with capitals.
enum Like<'k> {
    /// One that is the same but for these.
    Other(&'k str),
    /// Nothing, and it is not known itself.
    None,
}

impl<'a> Known<'a> {
    fn new(policy: &'a PolicySet, directory: Option<&'a Directory>) -> Self {
        let mut real: HashSet<&str> = HashSet::new();
        if let Some(directory) = directory {
            real.extend(directory.servers());
            real.extend(directory.server_name().map(|server| server.as_str()));
            let rooms = directory
                .room_names()
                .filter_map(|room| room.split_once(':'));
            real.extend(rooms.map(|(_, server)| server));
        }
        let mut all = real.clone();
        all.extend(policy.named.iter().map(|user| user.server()));
        all.extend(policy.default_server.iter().map(|server| server.as_str()));
        all.extend(policy.rooms.iter().map(|(room, _)| server_of(room)));
        for selector in selectors(policy) {
            leaves(selector, &mut |leaf| {
                if let Kind::Server(server) = &leaf.kind {
                    all.insert(server.as_str());
                }
            });
        }
        Known { all, real }
    }

    /// `None` if there is nothing to be said.
    fn like(&self, written: &Written<'_>, looks: &mut usize) -> Option<Like<'a>> {
        match written {
            Written::Server(server) => match self.all.get(&*server.to_ascii_lowercase()) {
                Some(other) => Some(Like::Other(other)),
                None => (!self.real.contains(server)).then_some(Like::None),
            },
            Written::Glob(glob) => {
                *looks = looks.checked_sub(self.all.len())?;
                let lower = glob.pieces().iter().map(|piece| match piece {
                    Piece::Char(c) => Piece::Char(c.to_ascii_lowercase()),
                    wild => *wild,
                });
                let lower = Glob::new(lower);
                let missed =
                    |server: &&&str| lower.matches_server(server) && !glob.matches_server(server);
                if let Some(other) = self.all.iter().filter(missed).min() {
                    return Some(Like::Other(other));
                }
                let acts = self.real.iter().any(|server| glob.matches_server(server));
                (!acts).then_some(Like::None)
            }
        }
    }
}
