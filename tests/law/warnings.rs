//! "A warning is never wrong": what a warning claims is tried out on the oracle, for many
//! directories and for users made to fit the policy's patterns.
//!
//! It is a check of one side only: a warning that is missing is not noticed here.

use std::collections::{BTreeMap, BTreeSet};

use super::model::{Facts, GroupBody, Piece, Policy, Room, Selector, Tally, World};
use super::oracle::{Meaning, split};
use super::render::{Place, Rendered, Statement};

/// Name, file, line.
pub type Warning = (String, String, usize);

/// A policy over many directories.
pub struct Trial<'a> {
    world: &'a World,
    users: Vec<String>,
    states: Vec<(Facts, Vec<Rectangle>)>,
}

struct Rectangle {
    block: bool,
    senders: Vec<bool>,
    recipients: Vec<bool>,
    unbounded: bool,
}

impl<'a> Trial<'a> {
    pub fn new(world: &'a World) -> Trial<'a> {
        let users = users(world);
        let states = states(world, &users).into_iter().map(|facts| {
            let meaning = Meaning {
                policy: &world.policy,
                facts: &facts,
            };
            let rules = world.policy.rules.iter().map(|rule| {
                let (senders, recipients) = Meaning::sides(rule);
                let picked = |selector: &Selector| {
                    users
                        .iter()
                        .map(|user| meaning.picks(selector, user))
                        .collect()
                };
                Rectangle {
                    block: rule.is_block(),
                    senders: picked(senders),
                    recipients: picked(recipients),
                    unbounded: meaning.unbounded(senders),
                }
            });
            let rules = rules.collect();
            (facts, rules)
        });
        let states = states.collect();
        Trial {
            world,
            users,
            states,
        }
    }

    /// Holds the warnings against the policy. Some are given only with a directory.
    pub fn hold(
        &self,
        rendered: &Rendered,
        warnings: &[Warning],
        with_directory: bool,
        tally: &mut Tally,
    ) -> Result<(), String> {
        for (name, file, line) in warnings {
            let wrong = match statement_at(rendered, file, *line) {
                None if name == "empty-policy" => {
                    tally.hit("empty-policy");
                    let mut places = rendered.places.iter();
                    let says_something = places.any(|place| place.file == *file);
                    says_something.then(|| "a statement is in that file".to_owned())
                }
                Some(statement) => self.objection(name, statement, with_directory, tally),
                None => Some("no statement is there".to_owned()),
            };
            if let Some(why) = wrong {
                return Err(format!("warning `{name}` at {file}:{line} is wrong: {why}"));
            }
        }
        Ok(())
    }

    /// Why the warning is wrong, if it is.
    fn objection(
        &self,
        name: &str,
        statement: Statement,
        with_directory: bool,
        tally: &mut Tally,
    ) -> Option<String> {
        let World { policy, facts, .. } = self.world;
        let unless = |holds: bool, why: &str| (!holds).then(|| why.to_owned());
        match (name, statement) {
            ("duplicate-rule", Statement::Rule(index)) => {
                tally.hit("duplicate-rule");
                self.change_without(index, true)
            }
            ("redundant-rule", Statement::Rule(index)) => {
                tally.hit("redundant-rule");
                self.change_without(index, true)
            }
            ("blocked-rule", Statement::Rule(index)) => {
                tally.hit("blocked-rule");
                unless(!policy.rules[index].is_block(), "it is a block")
                    .or_else(|| self.change_without(index, false))
            }
            ("idle-block", Statement::Rule(index)) => {
                tally.hit("idle-block");
                unless(policy.rules[index].is_block(), "it is no block")
                    .or_else(|| self.change_without(index, false))
            }
            ("unused-group", Statement::Group(index)) => {
                tally.hit("unused-group");
                unless(!policy.used_groups().contains(&index), "a rule uses it")
            }
            ("empty-selector", statement) => {
                tally.hit("empty-selector");
                unless(
                    self.has_empty_part(statement),
                    "every selector there can pick somebody",
                )
            }
            ("unresolved-room", statement) if with_directory => {
                tally.hit("unresolved-room");
                let found = any_part(policy, statement, &|node| names_no_room(node, facts));
                unless(found, "every room there is in the directory")
            }
            ("unknown-user", statement) if with_directory => {
                tally.hit("unknown-user");
                let unknown = |id: &str| is_local(facts, id) && !in_directory(facts, id);
                let found = any_id(policy, statement, &unknown);
                unless(found, "every local user there is in the directory")
            }
            ("remote-disclosure", statement) if with_directory => {
                tally.hit("remote-disclosure");
                let found = any_id(policy, statement, &|id| !is_local(facts, id));
                unless(found, "no remote user is written there")
            }
            ("confusable-id", _) => {
                tally.hit("confusable-id");
                None
            }
            ("uppercase-server", statement) => {
                tally.hit("uppercase-server");
                let written = Meaning {
                    policy,
                    facts: &Facts::default(),
                };
                let mut known = written.known(&[]);
                if with_directory {
                    known.extend(Meaning { policy, facts }.known(&[]));
                }
                let servers: BTreeSet<&str> = known.iter().map(|id| split(id).1).collect();
                let found = servers_in(policy, statement).iter().any(|server| {
                    has_capital(server) && !servers.contains(&*server.to_lowercase())
                });
                unless(found, "each server there is lower case or known so")
            }
            _ => Some("it does not belong there".to_owned()),
        }
    }

    /// What leaving out a rule changes, if anything: whom who sees, the kind of an answer, and if
    /// asked what is allowed or blocked at all.
    fn change_without(&self, index: usize, rectangles_too: bool) -> Option<String> {
        for (facts, rules) in &self.states {
            let some = |block: bool, without: bool, s: usize, r: usize| {
                rules.iter().enumerate().any(|(at, rule)| {
                    rule.block == block
                        && !(without && at == index)
                        && rule.senders[s]
                        && rule.recipients[r]
                })
            };
            let unbounded = |block: bool, without: bool, r: usize| {
                rules.iter().enumerate().any(|(at, rule)| {
                    rule.block == block
                        && !(without && at == index)
                        && rule.unbounded
                        && rule.recipients[r]
                })
            };
            for (r, recipient) in self.users.iter().enumerate() {
                for (s, sender) in self.users.iter().enumerate() {
                    let [then, now] = [false, true]
                        .map(|without| (some(false, without, s, r), some(true, without, s, r)));
                    let sees = |(allow, block): (bool, bool)| allow && !block;
                    if sees(then) != sees(now) || (rectangles_too && then != now) {
                        return Some(format!(
                            "without it ({sender:?}, {recipient:?}) is another, with {facts:?}"
                        ));
                    }
                }
                let [then, now] = [false, true]
                    .map(|without| unbounded(false, without, r) && !unbounded(true, without, r));
                if then != now {
                    return Some(format!(
                        "without it the answer for {recipient:?} is of another kind, with {facts:?}"
                    ));
                }
            }
        }
        None
    }

    fn has_empty_part(&self, statement: Statement) -> bool {
        if let Statement::Group(index) = statement
            && let GroupBody::File(users) = &self.world.policy.groups[index].body
        {
            return users.is_empty();
        }
        any_part(&self.world.policy, statement, &|selector| {
            self.states.iter().all(|(facts, _)| {
                let meaning = Meaning {
                    policy: &self.world.policy,
                    facts,
                };
                !self.users.iter().any(|user| meaning.picks(selector, user))
            })
        })
    }
}

/// The known ones, the strangers, and some for every pattern that is written.
fn users(world: &World) -> Vec<String> {
    let meaning = Meaning {
        policy: &world.policy,
        facts: &world.facts,
    };
    let mut users = meaning.known(&world.strangers);
    let fill = |pattern: &[Piece], run: &str| -> String {
        pattern
            .iter()
            .map(|piece| match piece {
                Piece::Lit(c) => c.to_string(),
                Piece::One => "q".to_owned(),
                Piece::Run => run.to_owned(),
            })
            .collect()
    };
    let mut servers = BTreeSet::new();
    let mut localparts = BTreeSet::new();
    world.policy.walk(&mut |selector| match selector {
        Selector::User(user) => {
            for run in ["", "7"] {
                localparts.insert(fill(&user.local, run));
                servers.insert(fill(&user.server, run));
            }
        }
        Selector::On(patterns) => {
            for pattern in patterns {
                servers.extend(["", "x.y"].map(|run| fill(pattern, run)));
            }
        }
        _ => {}
    });
    servers.remove("");
    for (at, localpart) in localparts.iter().enumerate() {
        let server = servers.iter().nth(at % servers.len()).unwrap();
        users.insert(format!("@{localpart}:{server}"));
    }
    for (at, server) in servers.iter().enumerate() {
        let localpart = localparts.iter().nth(at % localparts.len().max(1));
        users.insert(format!(
            "@{}:{server}",
            localpart.map_or("zzz", String::as_str)
        ));
    }
    // A pattern filled in may be no ID, as one with text before `[::1]`: nobody is that.
    users.retain(|user| presence_router::id::UserId::parse(user).is_ok());
    users.into_iter().collect()
}

/// Many directories: the world's own, and ones where rooms have all, none or some.
fn states(world: &World, users: &[String]) -> Vec<Facts> {
    let mut later = world.facts.clone();
    world
        .rounds
        .iter()
        .flatten()
        .for_each(|edit| later.apply(edit));
    let mut rooms = BTreeSet::new();
    let mut aliases = BTreeSet::new();
    world.policy.walk(&mut |selector| {
        if let Selector::Members(named) = selector {
            for room in named {
                match room {
                    Room::Id(id) => rooms.insert(id.clone()),
                    Room::Alias { name, server } => aliases.insert(format!("#{name}:{server}")),
                };
            }
        }
    });
    // each alias names a room of its own
    let own_rooms: BTreeMap<String, String> = aliases
        .iter()
        .enumerate()
        .map(|(at, alias)| (alias.clone(), format!("!own{at}")))
        .collect();
    rooms.extend(own_rooms.values().cloned());
    let servers: BTreeSet<&str> = users.iter().map(|user| split(user).1).collect();
    let mut states = vec![world.facts.clone(), later];
    let turns = rooms.len() + 2;
    for turn in 0..turns {
        let joined = |at: usize| match turn {
            0 => Vec::new(),
            1 => users.to_vec(),
            // only one room has members, or all but one
            _ if (at == turn - 2) == turn.is_multiple_of(2) => users.to_vec(),
            _ => users.iter().skip(turn % 3).step_by(3).cloned().collect(),
        };
        states.push(Facts {
            server_name: servers
                .iter()
                .nth(turn % (servers.len() + 1))
                .map(|&s| s.to_owned()),
            users: users.iter().cloned().collect(),
            rooms: rooms
                .iter()
                .enumerate()
                .map(|(at, room)| (room.clone(), joined(at).into_iter().collect()))
                .collect(),
            aliases: own_rooms.clone(),
        });
    }
    states
}

fn statement_at(rendered: &Rendered, file: &str, line: usize) -> Option<Statement> {
    let covers = |place: &&Place| place.file == file && (place.first..=place.last).contains(&line);
    if let Some(place) = rendered.places.iter().find(covers) {
        return Some(place.statement);
    }
    let name = file.trim_start_matches(['.', '/']);
    let of_group = rendered
        .group_files
        .iter()
        .find(|(path, _)| path.ends_with(name));
    of_group.map(|(_, index)| Statement::Group(*index))
}

/// Whether some selector written in the statement is such.
fn any_part(policy: &Policy, statement: Statement, test: &dyn Fn(&Selector) -> bool) -> bool {
    let mut any = false;
    let mut visit = |node: &Selector| any = any || test(node);
    match statement {
        Statement::Server => {}
        Statement::Rule(index) => {
            policy.rules[index]
                .selectors()
                .iter()
                .for_each(|s| s.walk(&mut visit));
        }
        Statement::Group(index) => {
            if let GroupBody::Is(selector) = &policy.groups[index].body {
                selector.walk(&mut visit);
            }
        }
    }
    any
}

/// Whether some user ID written in the statement or in its group file is such.
fn any_id(policy: &Policy, statement: Statement, test: &dyn Fn(&str) -> bool) -> bool {
    if let Statement::Group(index) = statement
        && let GroupBody::File(users) = &policy.groups[index].body
    {
        return users.iter().any(|user| test(user));
    }
    any_part(policy, statement, &|node| match node {
        Selector::User(user) => user.exact().is_some_and(|id| test(&id)),
        _ => false,
    })
}

fn has_capital(text: &str) -> bool {
    text.contains(|c: char| c.is_ascii_uppercase())
}

/// The servers written in a statement or in its group file; wildcards as they are, which no server is.
fn servers_in(policy: &Policy, statement: Statement) -> BTreeSet<String> {
    let text = |pattern: &[Piece]| -> String {
        let pieces = pattern.iter().map(|piece| match piece {
            Piece::Lit(c) => *c,
            Piece::One | Piece::Run => '*',
        });
        pieces.collect()
    };
    let found = std::cell::RefCell::new(BTreeSet::new());
    if statement == Statement::Server {
        found.borrow_mut().extend(policy.server.clone());
    }
    any_id(policy, statement, &|id| {
        found.borrow_mut().insert(split(id).1.to_owned());
        false
    });
    any_part(policy, statement, &|node| {
        let mut found = found.borrow_mut();
        match node {
            Selector::User(user) => _ = found.insert(text(&user.server)),
            Selector::On(servers) => found.extend(servers.iter().map(|server| text(server))),
            Selector::Members(rooms) => found.extend(rooms.iter().map(|room| {
                match room {
                    Room::Id(id) => id
                        .split_once(':')
                        .map_or("", |(_, server)| server)
                        .to_owned(),
                    Room::Alias { server, .. } => server.clone(),
                }
            })),
            _ => {}
        }
        false
    });
    found.into_inner()
}

fn is_local(facts: &Facts, id: &str) -> bool {
    facts.server_name.as_deref() == Some(split(id).1)
}

fn in_directory(facts: &Facts, id: &str) -> bool {
    facts.users.contains(id) || facts.rooms.values().any(|members| members.contains(id))
}

fn names_no_room(node: &Selector, facts: &Facts) -> bool {
    let Selector::Members(rooms) = node else {
        return false;
    };
    rooms.iter().any(|room| match room {
        Room::Id(id) => !facts.rooms.contains_key(id),
        Room::Alias { name, server } => facts
            .aliases
            .get(&format!("#{name}:{server}"))
            .is_none_or(|id| !facts.rooms.contains_key(id)),
    })
}
