//! Chance: random worlds (policy, layout, directory, edits, batches) over every construct.
//!
//! The strategies make small raw values, mostly numbers, that shrink well; `world` reads them as
//! indexes into a small universe of users, servers and rooms, so that rules overlap often. Smaller
//! numbers mean plainer things.

use proptest::collection::vec;
use proptest::prelude::*;

use super::model::{
    Edit, Expression, Facts, Group, GroupBody, Layout, Pattern, Piece, Policy, Room, Rule,
    Selector, UserPattern, World, has_glob, literal,
};

const SERVERS: [&str; 12] = [
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
const TRIPLES: [[usize; 3]; 6] = [
    [0, 1, 2],
    [0, 5, 10],
    [0, 4, 5],
    [6, 3, 7],
    [0, 2, 3],
    [9, 11, 8],
];

const LOCALPARTS: [&str; 30] = [
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
const FIVES: [[usize; 5]; 4] = [
    [0, 6, 7, 23, 1],
    [14, 15, 16, 17, 0],
    [2, 3, 5, 4, 0],
    [18, 10, 29, 20, 27],
];

const ROOMS: [&str; 6] = [
    "!ops:example.org",
    "!31hneApxJ_1o-63DmFrpeqnkFfWppnzWso1JvH3ogLM",
    "!ops",
    "!Lobby.1:evil.org",
    "!ops:remote.org:8448",
    "!r=2_x:[2001:db8::1]",
];

/// Alias names and which of the universe's servers each is on.
const ALIASES: [(&str, usize); 7] = [
    ("ops", 0),
    ("ops", 1),
    ("Ops", 0),
    ("irc_#rust", 0),
    ("help-desk", 2),
    ("from", 1),
    ("gone", 0),
];

const GROUPS: [&str; 12] = [
    "staff",
    "oncall",
    "all-staff",
    "from_x",
    "x1",
    "to-do",
    "users2",
    "seers",
    "room_7",
    "each-1",
    "a",
    "whos",
];

#[derive(Clone, Debug)]
enum Raw {
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

fn raw_selector() -> impl Strategy<Value = Raw> {
    let leaf = prop_oneof![
        4 => any::<u16>().prop_map(Raw::User),
        3 => Just(Raw::All),
        3 => any::<(u16, u8, u8, u8)>().prop_map(|(a, b, c, d)| Raw::Glob(a, b, c, d)),
        3 => vec(any::<(u8, u8, u8)>(), 1..=3).prop_map(Raw::On),
        4 => any::<(u8, u16, u16)>().prop_map(|(a, b, c)| Raw::Matching(a, b, c)),
        2 => Just(Raw::Local),
        2 => Just(Raw::Remote),
        4 => vec(any::<u8>(), 1..=3).prop_map(Raw::Members),
        4 => any::<u8>().prop_map(Raw::Group),
    ];
    leaf.prop_recursive(3, 8, 3, |inner| {
        prop_oneof![
            3 => vec(inner.clone(), 2..=3).prop_map(Raw::Union),
            3 => (inner.clone(), inner.clone())
                .prop_map(|(a, b)| Raw::Except(Box::new(a), Box::new(b))),
            2 => vec(inner, 2..=3).prop_map(Raw::Who),
        ]
    })
}

#[derive(Clone, Debug)]
enum RawRule {
    Send(Raw, Raw),
    See(Raw, Raw),
    EachOther(Raw),
    Block(Raw, Option<Raw>),
}

fn raw_rule() -> impl Strategy<Value = RawRule> {
    let one = raw_selector;
    prop_oneof![
        4 => (one(), one()).prop_map(|(a, b)| RawRule::Send(a, b)),
        3 => (one(), one()).prop_map(|(a, b)| RawRule::See(a, b)),
        2 => one().prop_map(RawRule::EachOther),
        3 => (one(), proptest::option::of(one())).prop_map(|(a, b)| RawRule::Block(a, b)),
    ]
}

#[derive(Clone, Debug)]
enum RawGroup {
    Is(Raw),
    File(Vec<u16>),
}

fn raw_group() -> impl Strategy<Value = RawGroup> {
    prop_oneof![
        3 => raw_selector().prop_map(RawGroup::Is),
        2 => vec(any::<u16>(), 0..=4).prop_map(RawGroup::File),
    ]
}

#[derive(Clone, Debug)]
struct RawWorld {
    mode: u8,
    servers: Vec<usize>,
    localparts: Vec<usize>,
    users: Vec<usize>,
    groups: Vec<RawGroup>,
    group_names: u8,
    rules: Vec<RawRule>,
    /// A rule that is written twice.
    again: Option<u8>,
    layout: (u8, u64),
    in_directory: u16,
    rooms: Vec<(usize, u16)>,
    aliases: Vec<(u8, u8)>,
    from_yaml: bool,
    rounds: Vec<Vec<(u8, u16, u16)>>,
    batches: Vec<Vec<u8>>,
}

fn raw_world() -> impl Strategy<Value = RawWorld> {
    let servers = prop_oneof![
        (0..TRIPLES.len()).prop_map(|t| TRIPLES[t].to_vec()),
        proptest::sample::subsequence((0..SERVERS.len()).collect::<Vec<_>>(), 3).prop_shuffle(),
    ];
    let localparts = prop_oneof![
        (0..FIVES.len()).prop_map(|f| FIVES[f].to_vec()),
        proptest::sample::subsequence((0..LOCALPARTS.len()).collect::<Vec<_>>(), 5),
    ];
    let text = (
        0..5_u8,
        servers,
        localparts,
        proptest::sample::subsequence((0..15).collect::<Vec<_>>(), 6..=14),
        vec(raw_group(), 0..=4),
        any::<u8>(),
        vec(raw_rule(), 1..=7),
        proptest::option::weighted(0.1, any::<u8>()),
        (0..=3_u8, any::<u64>()),
    );
    let rooms = proptest::sample::subsequence((0..ROOMS.len()).collect::<Vec<_>>(), 3..=4)
        .prop_flat_map(|rooms| {
            let masks = vec(any::<u16>(), rooms.len());
            masks.prop_map(move |masks| rooms.iter().copied().zip(masks).collect())
        });
    let facts = (
        any::<u16>(),
        rooms,
        vec(any::<(u8, u8)>(), 0..=5),
        any::<bool>(),
        vec(vec(any::<(u8, u16, u16)>(), 1..=4), 1..=2),
        vec(vec(any::<u8>(), 0..=5), 2),
    );
    (text, facts).prop_map(|(text, facts)| RawWorld {
        mode: text.0,
        servers: text.1,
        localparts: text.2,
        users: text.3,
        groups: text.4,
        group_names: text.5,
        rules: text.6,
        again: text.7,
        layout: text.8,
        in_directory: facts.0,
        rooms: facts.1,
        aliases: facts.2,
        from_yaml: facts.3,
        rounds: facts.4,
        batches: facts.5,
    })
}

/// Random worlds.
pub fn world() -> impl Strategy<Value = World> {
    raw_world().prop_map(|raw| build(&raw))
}

/// A random rule that speaks of the world's users, to be added to its policy.
pub fn world_and_rules() -> impl Strategy<Value = (World, Rule, Rule)> {
    (
        raw_world(),
        (raw_selector(), raw_selector()),
        (raw_selector(), raw_selector()),
    )
        .prop_map(|(raw, send, block)| {
            let world = build(&raw);
            let universe = Universe::new(&raw);
            let groups = world.policy.groups.len();
            let selector = |raw: &Raw| universe.selector(raw, 0, groups);
            let send = Rule::Send(selector(&send.0), selector(&send.1));
            let block = Rule::Block(selector(&block.0), Some(selector(&block.1)));
            (world, send, block)
        })
}

fn build(raw: &RawWorld) -> World {
    let universe = Universe::new(raw);
    let count = raw.groups.len();
    let groups = raw.groups.iter().enumerate().map(|(index, group)| Group {
        name: GROUPS[(usize::from(raw.group_names) + index) % GROUPS.len()],
        body: match group {
            // a group names later ones only, so there is no cycle; the text's order is another
            RawGroup::Is(selector) => GroupBody::Is(universe.selector(selector, index + 1, count)),
            RawGroup::File(users) => GroupBody::File(
                users
                    .iter()
                    .filter_map(|&user| universe.listable(user))
                    .collect(),
            ),
        },
    });
    let selector = |raw: &Raw| universe.selector(raw, 0, count);
    let again = raw.again.map(|index| pick(&raw.rules, index));
    let rules = raw.rules.iter().chain(again).map(|rule| match rule {
        RawRule::Send(a, b) => Rule::Send(selector(a), selector(b)),
        RawRule::See(a, b) => Rule::See(selector(a), selector(b)),
        RawRule::EachOther(a) => Rule::EachOther(selector(a)),
        RawRule::Block(a, b) => Rule::Block(selector(a), b.as_ref().map(selector)),
    });
    let own = || Some(universe.servers[0].clone());
    let policy = Policy {
        server: match raw.mode {
            0 | 3 => own(),
            1 => Some(universe.servers[1].clone()),
            _ => None,
        },
        homeserver: match raw.mode {
            1 | 2 => own(),
            _ => None,
        },
        groups: groups.collect(),
        rules: rules.collect(),
    };

    let mut facts = Facts {
        // without any name nobody is local, whatever completes the names in the text
        server_name: if raw.mode == 3 { None } else { own() },
        ..Facts::default()
    };
    facts.users.extend(universe.masked(raw.in_directory));
    for &(room, members) in &raw.rooms {
        facts
            .rooms
            .insert(ROOMS[room].to_owned(), universe.masked(members).collect());
    }
    for &(alias, room) in &raw.aliases {
        facts
            .aliases
            .insert(universe.alias(alias), universe.room(room));
    }

    let mut later = facts.clone();
    let mut rounds = Vec::new();
    for round in &raw.rounds {
        let mut edits = Vec::new();
        for &edit in round {
            let edit = universe.edit(edit, &later);
            later.apply(&edit);
            edits.push(edit);
        }
        rounds.push(edits);
    }

    World {
        policy,
        layout: Layout {
            wild: raw.layout.0,
            seed: raw.layout.1,
        },
        facts,
        facts_from_yaml: raw.from_yaml,
        rounds,
        batches: raw
            .batches
            .iter()
            .map(|batch| {
                batch
                    .iter()
                    .map(|&sender| universe.anyone(sender))
                    .collect()
            })
            .collect(),
        strangers: universe.strangers,
    }
}

struct Universe {
    servers: Vec<String>,
    /// (localpart, server)
    users: Vec<(String, String)>,
    strangers: Vec<String>,
}

fn pick<T>(items: &[T], index: impl Into<usize>) -> &T {
    &items[index.into() % items.len()]
}

impl Universe {
    fn new(raw: &RawWorld) -> Universe {
        let servers: Vec<String> = raw.servers.iter().map(|&s| SERVERS[s].to_owned()).collect();
        let name = |combination: usize| {
            let localpart = LOCALPARTS[raw.localparts[combination % 5]];
            (localpart.to_owned(), servers[combination / 5].clone())
        };
        let users = raw.users.iter().map(|&c| name(c)).collect();
        // one who looks like the known ones, and one from elsewhere
        let mut strangers: Vec<String> = (0..15)
            .filter(|c| !raw.users.contains(c))
            .take(1)
            .map(|c| format!("@{}:{}", name(c).0, name(c).1))
            .collect();
        strangers.push("@bot-9:far.example.org".to_owned());
        Universe {
            servers,
            users,
            strangers,
        }
    }

    fn user(&self, index: impl Into<usize>) -> String {
        let (localpart, server) = pick(&self.users, index);
        format!("@{localpart}:{server}")
    }

    /// Any user, known or not.
    fn anyone(&self, index: u8) -> String {
        let index = usize::from(index) % (self.users.len() + self.strangers.len());
        match index.checked_sub(self.users.len()) {
            None => self.user(index),
            Some(stranger) => self.strangers[stranger].clone(),
        }
    }

    fn masked(&self, mask: u16) -> impl Iterator<Item = String> {
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
    fn listable(&self, index: u16) -> Option<String> {
        let user = self.user(index);
        (!user.contains(['*', '?'])).then_some(user)
    }

    fn room(&self, index: u8) -> String {
        (*pick(&ROOMS, index)).to_owned()
    }

    fn alias(&self, index: u8) -> String {
        let (name, server) = pick(&ALIASES, index);
        format!("#{name}:{}", self.servers[*server])
    }

    /// Groups `from..count` may be named.
    fn selector(&self, raw: &Raw, from: usize, count: usize) -> Selector {
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

    fn edit(&self, (kind, a, b): (u8, u16, u16), facts: &Facts) -> Edit {
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

fn localpart_glob(localpart: &str, shape: u8, at: u8) -> Pattern {
    let mut pattern = literal(localpart);
    let length = pattern.len();
    let at = usize::from(at) % (length + 1);
    match shape % 9 {
        0 => return vec![Piece::Run],
        1 => {
            pattern.truncate(at);
            pattern.push(Piece::Run);
        }
        2 => {
            pattern.drain(..at);
            pattern.insert(0, Piece::Run);
        }
        3 if length > 0 => pattern[at % length] = Piece::One,
        4 => pattern.insert(at, Piece::Run),
        5 if length > 1 => {
            pattern.drain(1..length - 1);
            pattern.insert(1, Piece::Run);
        }
        6 => return vec![Piece::One; length.max(1)],
        7 => {
            pattern.insert(at, Piece::One);
            pattern.push(Piece::Run);
            pattern.insert(0, Piece::Run);
        }
        // left as it is: the server then has the wildcard, or this is one user written out
        _ => {}
    }
    pattern
}

fn server_glob(server: &str, shape: u8, at: u8) -> Pattern {
    let mut pattern = literal(server);
    // places where a wildcard leaves what looks like a server
    let places: Vec<usize> = server
        .char_indices()
        .filter(|(_, c)| c.is_ascii_alphanumeric())
        .map(|(place, _)| place)
        .collect();
    let at = *pick(&places, at);
    match shape % 12 {
        0 => return vec![Piece::Run],
        1 => {
            let dot = server.find('.').unwrap_or(0);
            pattern.drain(..dot);
            pattern.insert(0, Piece::Run);
        }
        2 => pattern[at] = Piece::One,
        3 => pattern.insert(at, Piece::Run),
        4 => {
            pattern.truncate(at);
            pattern.push(Piece::Run);
        }
        5 => pattern.push(Piece::Run),
        // what a wildcard that crosses the first colon would be needed for
        6 => return literal(&server[server.rfind(':').map_or(0, |colon| colon + 1)..]),
        _ => {}
    }
    pattern
}

fn expression(template: u8, a: (&str, &str), b: (&str, &str)) -> Expression {
    let esc = regex::escape;
    let (la, sa, lb, sb) = (esc(a.0), esc(a.1), esc(b.0), esc(b.1));
    let first = || {
        a.0.chars()
            .next()
            .map_or("a".to_owned(), |c| esc(&c.to_string()))
    };
    let (kind, text) = match template % 24 {
        0 => ("regex: everything", ".*".to_owned()),
        1 => ("regex: one localpart", format!("@{la}:.*")),
        2 => (
            "regex: alternation without anchors",
            format!("@{la}|@{lb}:.*"),
        ),
        3 => (
            "regex: alternation without anchors",
            format!("@{la}:{sa}|{lb}"),
        ),
        4 => ("regex: partial match", la.clone()),
        5 => ("regex: partial match", format!("@{la}")),
        6 => ("regex: partial match", format!(".*:{}", first())),
        7 => ("regex: alternation", format!("@({la}|{lb}):.*")),
        8 => ("regex: alternation", format!("(?:@{la}:{sa}|@{lb}:{sb})")),
        9 => (
            "regex: case-insensitive",
            format!("(?i)@{}:.*", esc(&a.0.to_uppercase())),
        ),
        10 => (
            "regex: case-insensitive",
            format!("@(?i:{}):{sa}", esc(&a.0.to_lowercase())),
        ),
        11 => ("regex: class", "@[a-m][^:]*:.*".to_owned()),
        12 => ("regex: class", format!("@[^:]+:{sb}")),
        13 => (
            "regex: class with \\/",
            r"@[\w/\\]*[-\\/+.]\w*[/\\]?:.*".to_owned(),
        ),
        14 => ("regex: escaped slash", format!("@{la}/?.*|@n/x.*")),
        15 => ("regex: anchors", format!("^@{la}:.*$")),
        16 => ("regex: anchors", format!(r"(?m)\A@.*:{sb}$")),
        17 => (
            "regex: verbose with a comment",
            format!("(?x) @ .* : {sa}  # why"),
        ),
        18 => ("regex: perl class", r"@\w+-\d:.*".to_owned()),
        19 => ("regex: lazy", format!("@{}.*?", first())),
        20 => ("regex: empty alternative", format!("|@{la}:{sa}")),
        21 => ("regex: ends in a backslash", format!(r"@{la}:{sa}|@n\\")),
        22 => (
            "regex: odd characters",
            format!("@[^\"#(), ]*:{sa}|@.* # .*|@[(#\"].*"),
        ),
        _ => ("regex: dot and line break", format!("(?s)@.*:{sa}")),
    };
    let verbose_end = if text.starts_with("(?x)") { "\n" } else { "" };
    let whole = format!(r"\A(?:{text}{verbose_end})\z");
    Expression { text, whole, kind }
}

/// Whether this pattern says more than one user.
pub fn is_glob(user: &UserPattern) -> bool {
    has_glob(&user.local) || has_glob(&user.server)
}
