//! Chance: random worlds (policy, layout, directory, edits, batches) over every construct.
//!
//! The strategies make small raw values, mostly numbers, that shrink well; `world` reads them as
//! indexes into a small universe of users, servers and rooms, so that rules overlap often. Smaller
//! numbers mean plainer things.

use proptest::collection::vec;
use proptest::prelude::*;

use super::model::{Facts, Group, GroupBody, Layout, Policy, Rule, World};
use super::universe::{FIVES, LOCALPARTS, ROOMS, Raw, SERVERS, TRIPLES, Universe, pick};

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

impl RawWorld {
    fn universe(&self) -> Universe {
        Universe::new(&self.servers, &self.localparts, &self.users)
    }
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
            let universe = raw.universe();
            let groups = world.policy.groups.len();
            let selector = |raw: &Raw| universe.selector(raw, 0, groups);
            let send = Rule::Send(selector(&send.0), selector(&send.1));
            let block = Rule::Block(selector(&block.0), Some(selector(&block.1)));
            (world, send, block)
        })
}

fn build(raw: &RawWorld) -> World {
    let universe = raw.universe();
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
