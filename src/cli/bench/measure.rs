//! One measurement from its beginning to its end: what is read, what is measured in which order, and
//! how long each part may take.
//!
//! Law: what is wrong with the inputs is said before anything is measured. The directory is at the end
//! what it was at the start.

use std::time::{Duration, Instant};

use presence_router::directory::Directory;
use presence_router::id::{RoomId, UserId};
use presence_router::policy::Room;
use presence_router::workload::{Chance, Workload};

use super::super::inputs::{knows_what_is_local, read_directory};
use super::super::output::Failure;
use super::clock::{Clock, mean, spread};
use super::compare::Pair;
use super::grow::Seed;
use super::progress::Progress;
use super::questions::{Operation, Questions};
use super::report::{self, Against, Program, Report, Spread};
use super::rules::RuleSet;
use super::{Arguments, clock, costly, memory};

/// What is to be measured.
struct Bench {
    rules: RuleSet,
    against: Option<RuleSet>,
    directory: Directory,
    known: Vec<UserId>,
    /// What a load took the first time.
    first_loads: [Duration; 2],
}

fn read(arguments: &Arguments) -> Result<Bench, Failure> {
    let mut directory = match (&arguments.directory, arguments.workload) {
        (Some(file), _) => Some(read_directory(file)?),
        (None, Some(shape)) => {
            Some(Workload::new(shape, arguments.scale, arguments.seed).directory())
        }
        (None, None) => None,
    };
    let homeserver = directory.as_ref().and_then(Directory::server_name).cloned();
    let began = Instant::now();
    let rules = match (&arguments.policy, arguments.workload) {
        (_, Some(shape)) => RuleSet::of_workload(shape, arguments.scale, arguments.seed)?,
        (Some(path), None) => RuleSet::of_policy(path, homeserver.as_ref())?,
        (None, None) => return Err(Failure::wrong("there is no policy", "")),
    };
    let first_load = began.elapsed();
    let began = Instant::now();
    let own = || rules.snapshot().policy().default_server.clone();
    let homeserver = homeserver.or_else(own);
    let against = arguments.against.as_deref();
    let against = against.map(|path| RuleSet::of_policy(path, homeserver.as_ref()));
    let against = against.transpose()?;
    let first_loads = [first_load, began.elapsed()];
    if let (Some(file), Some(directory)) = (&arguments.directory, &directory) {
        for rules in std::iter::once(&rules).chain(&against) {
            knows_what_is_local(&rules.snapshot(), file, directory)?;
        }
    }
    let mut directory = directory.take().unwrap_or_else(|| rules.own_directory());
    if let Some(against) = &against {
        // Whom one names is known to both, so that both are asked about the same users.
        for rules in [&rules, against] {
            for user in rules.snapshot().policy().named.iter() {
                directory.add_user(user.clone());
            }
        }
    }
    let known = rules.snapshot().known_users(&directory);
    if known.is_empty() {
        return Err(Failure::wrong(
            "there is nobody to ask about: no user is known",
            "give a directory with users: `--directory FILE`",
        ));
    }
    Ok(Bench {
        rules,
        against,
        directory,
        known,
        first_loads,
    })
}

pub fn measure(arguments: &Arguments) -> Result<Report, Failure> {
    let whole = Duration::from_secs_f64(arguments.time);
    let mut progress = Progress::new(whole);
    progress.now("reading");
    let clock = Clock::new();
    let mut bench = read(arguments)?;
    let parts = Parts::new(whole, bench.against.is_some());
    let seed = arguments.seed;
    let homeserver = bench.directory.server_name().cloned();
    let of_one = |rules: &RuleSet, first: Duration, progress: &mut Progress| {
        progress.now("load");
        let mut loads = vec![u64::try_from(first.as_nanos()).unwrap_or(u64::MAX)];
        let began = Instant::now();
        while began.elapsed() + first < parts.load && loads.len() < 10_000 {
            let mut router = None;
            loads.push(clock.time(|| router = rules.again()));
            progress.tick();
        }
        let mean = mean(&loads);
        progress.now("memory");
        let memory = memory::measure(rules, homeserver.as_ref(), parts.memory);
        (spread(loads, mean), memory)
    };
    let (load, memory) = of_one(&bench.rules, bench.first_loads[0], &mut progress);
    let mut of_other = None;
    if let Some(against) = &bench.against {
        of_other = Some(of_one(against, bench.first_loads[1], &mut progress));
    }
    let Bench {
        rules,
        against,
        directory,
        known,
        ..
    } = &mut bench;
    let snapshot = rules.snapshot();
    let questions = Questions::new(known, &snapshot, directory, seed);
    let Some(questions) = questions else {
        return Err(Failure::wrong("there is nobody to ask about", ""));
    };
    let rooms = directory.room_names().filter(|name| name.starts_with('!'));
    let about = report::Directory {
        file: arguments
            .directory
            .as_ref()
            .map(|file| file.display().to_string()),
        users: known.len(),
        rooms: rooms.count(),
    };
    let mut operations = asked(
        rules,
        directory,
        &questions,
        clock,
        parts.operation,
        &mut progress,
    );
    let (mut costliest, mut growth, mut compared) = (None, None, None);
    match (&against, of_other) {
        (Some(against), Some((other_load, other_memory))) => {
            let operations = asked(
                against,
                directory,
                &questions,
                clock,
                parts.operation,
                &mut progress,
            );
            progress.now("both in turn");
            let nanos = [load.median_ns, other_load.median_ns];
            let pair = Pair {
                first: rules,
                other: against,
                directory,
                questions: &questions,
                loads: nanos.map(Duration::from_nanos),
            };
            compared = Some(Against {
                subject: against.about.clone(),
                load: other_load,
                memory: other_memory,
                operations,
                ratios: pair.ratios(parts.compare, &mut progress),
                answers: pair.answers(parts.compare / 8),
            });
        }
        _ => {
            progress.now("reload");
            let reload = clock.spread(
                parts.operation,
                |_| drop(rules.router.reload()),
                || progress.tick(),
            );
            progress.now("the costliest");
            let (known, budget) = (&*known, parts.costliest);
            costliest = Some(costly::costliest(
                &snapshot,
                directory,
                known,
                clock,
                seed,
                budget,
                &mut progress,
            ));
            progress.now("growth");
            let seed = Seed {
                rules,
                directory,
                known,
                workload: arguments
                    .workload
                    .map(|shape| (shape, arguments.scale, seed)),
                load: Duration::from_nanos(load.median_ns),
                seed,
            };
            growth = seed.growth(parts.growth, &mut progress);
            progress.now("join and leave");
            let changes = changes(directory, known, arguments.seed, clock, parts.operation);
            operations.push(operation("join_and_leave", changes));
            operations.push(operation("reload_unchanged", reload));
        }
    }
    Ok(Report {
        program: Program {
            version: env!("CARGO_PKG_VERSION"),
            optimised: !cfg!(debug_assertions),
        },
        time_limit_s: arguments.time,
        seed: arguments.seed,
        clock_ns: clock.cost_ns,
        waited_percent: clock::waited_percent(),
        subject: bench.rules.about.clone(),
        directory: about,
        load,
        memory,
        operations,
        costliest,
        growth,
        against: compared,
    })
}

/// How long each part may take.
struct Parts {
    load: Duration,
    memory: Duration,
    /// Each operation of each rule set.
    operation: Duration,
    costliest: Duration,
    growth: Duration,
    compare: Duration,
}

impl Parts {
    fn new(whole: Duration, two: bool) -> Self {
        let part = |part: f64| whole.mul_f64(part);
        match two {
            false => Parts {
                load: part(0.1),
                memory: part(0.1),
                operation: part(0.06),
                costliest: part(0.14),
                growth: part(0.3),
                compare: Duration::ZERO,
            },
            true => Parts {
                load: part(0.05),
                memory: part(0.05),
                operation: part(0.025),
                costliest: Duration::ZERO,
                growth: Duration::ZERO,
                compare: part(0.5),
            },
        }
    }
}

fn operation(name: &'static str, spread: Spread) -> report::Operation {
    report::Operation { name, spread }
}

fn asked(
    rules: &RuleSet,
    directory: &Directory,
    questions: &Questions<'_>,
    clock: Clock,
    budget: Duration,
    progress: &mut Progress,
) -> Vec<report::Operation> {
    let snapshot = rules.snapshot();
    let all = Operation::ALL.into_iter().map(|what| {
        progress.now(what.name());
        let ask = |at| questions.ask(what, &snapshot, directory, at);
        let spread = clock.spread(budget, ask, || progress.tick());
        operation(what.name(), spread)
    });
    all.collect()
}

/// Someone joins a room and leaves it, or the other way round: the directory is left as it was.
fn changes(
    directory: &mut Directory,
    known: &[UserId],
    seed: u64,
    clock: Clock,
    budget: Duration,
) -> Spread {
    let rooms = directory
        .room_names()
        .filter_map(|name| RoomId::parse(name).ok());
    let mut rooms: Vec<RoomId> = rooms.collect();
    rooms.sort_unstable();
    if rooms.is_empty() {
        rooms.extend(RoomId::parse("!bench:localhost").ok());
    }
    let mut chance = Chance::new(seed, 11);
    let mut times = Vec::new();
    let began = Instant::now();
    while times.is_empty() || began.elapsed() < budget && times.len() < 100_000 {
        let mut below = |count: usize| chance.below(u32::try_from(count).unwrap_or(u32::MAX));
        let room = rooms.get(below(rooms.len()) as usize);
        let user = known.get(below(known.len()) as usize);
        let (Some(room), Some(user)) = (room, user) else {
            break;
        };
        let joined = directory.is_member(&Room::Id(room.clone()), user.as_str());
        let given = (room.clone(), user.clone());
        times.push(clock.time(|| match joined {
            false => {
                directory.join(given.0, given.1);
                directory.leave(room.as_str(), user.as_str());
            }
            true => {
                directory.leave(room.as_str(), user.as_str());
                directory.join(given.0, given.1);
            }
        }));
    }
    let mean = mean(&times);
    spread(times, mean)
}
