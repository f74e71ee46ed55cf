//! The small universe that random worlds are about: users, servers, rooms and aliases, many of them
//! easily taken for one another.

use super::model::{Edit, Facts, Room, Selector, UserPattern, literal};
use super::patterns::{expression, localpart_glob, server_glob};

pub const SERVERS: [&str; 12] = [
    "example.org",
    "evil.org",
    "corp.example.org",
    "a.b.example.org",
    "Example.org",
    "example.org:8448",
    "remote.org",
    "[2001:db8::1]:8448",
    "192.0.2.7",
    "and.example.org",
    "8448",
    "users.on-all.net",
];

/// Servers that are easily taken for one another.
pub const TRIPLES: [[usize; 3]; 6] = [
    [0, 1, 2],
    [0, 5, 10],
    [0, 4, 5],
    [6, 3, 7],
    [0, 2, 3],
    [9, 11, 8],
];

pub const LOCALPARTS: [&str; 30] = [
    "ann",
    "bob",
    "bot-1",
    "bot-2",
    "alice",
    "bot-",
    "Ann",
    "an",
    "a.b",
    "a_b=c",
    "a/b",
    "a+b",
    "we,ird",
    "sp ace",
    "st*r",
    "star",
    "qu?st",
    "quest",
    "ba\\ck",
    "quo\"te",
    "#hash",
    "zoë",
    "(par)",
    "",
    "who",
    "all",
    "@at",
    "x # y",
    "new\nline",
    "n/x\\",
];

/// Localparts that are easily taken for one another.
pub const FIVES: [[usize; 5]; 4] = [
    [0, 6, 7, 23, 1],
    [14, 15, 16, 17, 0],
    [2, 3, 5, 4, 0],
    [18, 10, 29, 20, 27],
];

pub const ROOMS: [&str; 6] = [
    "!ops:example.org",
    "!31hneApxJ_1o-63DmFrpeqnkFfWppnzWso1JvH3ogLM",
    "!ops",
    "!Lobby.1:evil.org",
    "!ops:remote.org:8448",
    "!r=2_x:[2001:db8::1]",
];

/// Alias names and which of the universe's servers each is on.
pub const ALIASES: [(&str, usize); 9] = [
    ("ops", 0),
    ("ops", 1),
    ("Ops", 0),
    ("irc_#rust", 0),
    ("#linux", 2),
    ("c#", 0),
    ("help-desk", 2),
    ("from", 1),
    ("gone", 0),
];

/// A selector as it is drawn: numbers, read as indexes into a universe.
#[derive(Clone, Debug)]
pub enum Raw {
    User(u16),
    All,
    Glob(u16, u8, u8, u8),
    On(Vec<(u8, u8, u8)>),
    Matching(u8, u16, u16),
    Local,
    Remote,
    Members(Vec<u8>),
    Group(u8),
    Union(Vec<Raw>),
    Except(Box<Raw>, Box<Raw>),
    Who(Vec<Raw>),
}

pub struct Universe {
    pub servers: Vec<String>,
    /// (localpart, server)
    users: Vec<(String, String)>,
    pub strangers: Vec<String>,
}

pub fn pick<T>(items: &[T], index: impl Into<usize>) -> &T {
    &items[index.into() % items.len()]
}

impl Universe {
    /// Of indexes into the names above; a user is a number below 15, localpart and server.
    pub fn new(servers: &[usize], localparts: &[usize], users: &[usize]) -> Universe {
        let servers: Vec<String> = servers.iter().map(|&s| SERVERS[s].to_owned()).collect();
        let name = |combination: usize| {
            let localpart = LOCALPARTS[localparts[combination % 5]];
            (localpart.to_owned(), servers[combination / 5].clone())
        };
        let named = users.iter().map(|&c| name(c)).collect();
        // one who looks like the known ones, and one from elsewhere
        let mut strangers: Vec<String> = (0..15)
            .filter(|c| !users.contains(c))
            .take(1)
            .map(|c| format!("@{}:{}", name(c).0, name(c).1))
            .collect();
        strangers.push("@bot-9:far.example.org".to_owned());
        Universe {
            servers,
            users: named,
            strangers,
        }
    }

    fn user(&self, index: impl Into<usize>) -> String {
        let (localpart, server) = pick(&self.users, index);
        format!("@{localpart}:{server}")
    }

    /// Any user, known or not.
    pub fn anyone(&self, index: u8) -> String {
        let index = usize::from(index) % (self.users.len() + self.strangers.len());
        match index.checked_sub(self.users.len()) {
            None => self.user(index),
            Some(stranger) => self.strangers[stranger].clone(),
        }
    }

    pub fn masked(&self, mask: u16) -> impl Iterator<Item = String> {
        (0..self.users.len())
            .filter(move |bit| mask & (1 << bit) != 0)
            .map(|bit| self.user(bit))
    }

    /// A user who can be written in a policy, which has no way to write a line break.
    fn writable(&self, index: u16) -> (&str, &str) {
        (0..self.users.len())
            .map(|step| pick(&self.users, usize::from(index) + step))
            .find(|(localpart, _)| !localpart.contains('\n'))
            .map(|(localpart, server)| (localpart.as_str(), server.as_str()))
            .unwrap()
    }

    /// A user who can stand in a group file.
    pub fn listable(&self, index: u16) -> Option<String> {
        let user = self.user(index);
        (!user.contains(['*', '?'])).then_some(user)
    }

    pub fn room(&self, index: u8) -> String {
        (*pick(&ROOMS, index)).to_owned()
    }

    pub fn alias(&self, index: u8) -> String {
        let (name, server) = pick(&ALIASES, index);
        format!("#{name}:{}", self.servers[*server])
    }

    /// Groups `from..count` may be named.
    pub fn selector(&self, raw: &Raw, from: usize, count: usize) -> Selector {
        let again = |raw: &Raw| self.selector(raw, from, count);
        match raw {
            Raw::User(index) => {
                let (localpart, server) = self.writable(*index);
                Selector::User(UserPattern {
                    local: literal(localpart),
                    server: literal(server),
                })
            }
            Raw::All => Selector::All,
            Raw::Glob(index, shape, at, server_shape) => {
                let (localpart, server) = self.writable(*index);
                Selector::User(UserPattern {
                    local: localpart_glob(localpart, *shape, *at),
                    server: server_glob(server, *server_shape, *at),
                })
            }
            Raw::On(servers) => Selector::On(
                servers
                    .iter()
                    .map(|&(server, shape, at)| {
                        server_glob(pick::<String>(&self.servers, server), shape, at)
                    })
                    .collect(),
            ),
            Raw::Matching(template, a, b) => {
                Selector::Matching(expression(*template, self.writable(*a), self.writable(*b)))
            }
            Raw::Local => Selector::Local,
            Raw::Remote => Selector::Remote,
            Raw::Members(rooms) => Selector::Members(
                rooms
                    .iter()
                    .map(|&room| self.room_reference(room))
                    .collect(),
            ),
            Raw::Group(index) => match count.saturating_sub(from) {
                0 => again(&Raw::User(u16::from(*index))),
                choice => Selector::Group(from + usize::from(*index) % choice),
            },
            Raw::Union(all) => Selector::Union(all.iter().map(again).collect()),
            Raw::Except(a, b) => Selector::Except(Box::new(again(a)), Box::new(again(b))),
            Raw::Who(all) => Selector::Who(all.iter().map(again).collect()),
        }
    }

    fn room_reference(&self, index: u8) -> Room {
        match usize::from(index) % (ROOMS.len() + ALIASES.len()) {
            id if id < ROOMS.len() => Room::Id(ROOMS[id].to_owned()),
            alias => {
                let (name, server) = ALIASES[alias - ROOMS.len()];
                Room::Alias {
                    name: name.to_owned(),
                    server: self.servers[server].clone(),
                }
            }
        }
    }

    pub fn edit(&self, (kind, a, b): (u8, u16, u16), facts: &Facts) -> Edit {
        let (a_byte, b_byte) = (a.to_le_bytes()[0], b.to_le_bytes()[0]);
        // the room of some alias or a room with members, so that edits matter
        let room = |index: u8| match facts.rooms.keys().nth(usize::from(index) % 5) {
            Some(room) => room.clone(),
            None => self.room(index),
        };
        match kind % 9 {
            0 | 1 => Edit::Join(room(a_byte), self.anyone(b_byte)),
            2 | 3 => {
                let room = room(a_byte);
                let member = facts.rooms.get(&room).filter(|members| !members.is_empty());
                match member.and_then(|m| m.iter().nth(usize::from(b) % m.len())) {
                    Some(member) => Edit::Leave(room, member.clone()),
                    None => Edit::Leave(room, self.user(b)),
                }
            }
            4 => Edit::AddUser(self.anyone(b_byte)),
            // whether a removed user leaves his rooms is not the language's business
            5 => match facts
                .users
                .iter()
                .find(|user| !facts.rooms.values().any(|members| members.contains(*user)))
            {
                Some(user) => Edit::RemoveUser(user.clone()),
                None => Edit::AddUser(self.user(b)),
            },
            6 => Edit::SetAlias(self.alias(a_byte), room(b_byte)),
            7 => Edit::RemoveAlias(match facts.aliases.keys().next() {
                Some(alias) => alias.clone(),
                None => self.alias(a_byte),
            }),
            _ => Edit::SetMembers(room(a_byte), self.masked(b).collect()),
        }
    }
}
