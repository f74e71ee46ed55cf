//! The law of the language, on random policies over every construct: what the policy means by the
//! language's definition, what `decide` says, and what the index answers from either side are one.
//!
//! `tests/law/oracle.rs` is a second reading of the definition that shares nothing with `src/`.
//! Every policy is written to real files in a random layout and loaded like an operator's.
//!
//! `LAW_POLICIES=20000 LAW_SEED=7 cargo test --test law` asks for more and for others. A failure
//! is shrunk and shown with its files, its directory and its question.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

#[path = "law/compare.rs"]
mod compare;
#[path = "law/core.rs"]
mod core;
#[path = "law/datalog.rs"]
mod datalog;
#[path = "law/edits.rs"]
mod edits;
#[path = "law/generate.rs"]
mod generate;
#[path = "law/many.rs"]
mod many;
#[path = "law/model.rs"]
mod model;
#[path = "law/oracle.rs"]
mod oracle;
#[path = "law/oracle_cases.rs"]
mod oracle_cases;
#[path = "law/patterns.rs"]
mod patterns;
#[path = "law/phrase.rs"]
mod phrase;
#[path = "law/planted.rs"]
mod planted;
#[path = "law/reduce.rs"]
mod reduce;
#[path = "law/relations.rs"]
mod relations;
#[path = "law/render.rs"]
mod render;
#[path = "law/running.rs"]
mod running;
#[path = "law/same.rs"]
mod same;
#[path = "law/second.rs"]
mod second;
#[path = "law/sql.rs"]
mod sql;
#[path = "law/truth.rs"]
mod truth;
#[path = "law/universe.rs"]
mod universe;
#[path = "law/warnings.rs"]
mod warnings;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use proptest::strategy::{Strategy, ValueTree as _};
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};

use compare::{Counts, compare, rooms_named, unknown_rooms};
use core::Core;
use model::{Tally, World};
use oracle::Meaning;
use planted::{MISTAKES, Planted};
use render::{Statement, directory_file, render};
use second::Compared;
use sql::Sql;
use truth::WRONGS;
use warnings::Trial;

/// To standard error past the test runner's capture, so that a plain run shows it.
fn say(text: &str) {
    std::io::stderr().write_all(text.as_bytes()).unwrap();
}

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |value| value.parse().unwrap())
}

fn runner(cases: u64, salt: u64) -> TestRunner {
    let mut seed = [0; 32];
    seed[..8].copy_from_slice(&number("LAW_SEED", 1).to_le_bytes());
    seed[8..16].copy_from_slice(&salt.to_le_bytes());
    let config = Config {
        cases: u32::try_from(cases).unwrap(),
        failure_persistence: None,
        max_shrink_iters: 4_000,
        max_shrink_time: 60_000,
        ..Config::default()
    };
    TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &seed))
}

/// The problem with everything needed to try it by hand.
fn shown(world: &World, problem: &str) -> String {
    format!(
        "{problem}\n----- homeserver {:?}\n{}----- directory.yaml{}\n{}",
        world.policy.homeserver,
        render(&world.policy, world.layout).show(),
        if world.facts_from_yaml {
            ""
        } else {
            " (filled by calls)"
        },
        directory_file(&world.facts),
    )
}

/// Runs a check over random cases; a failure is shrunk first.
fn for_all<S: Strategy>(
    mut runner: TestRunner,
    strategy: &S,
    check: impl Fn(&S::Value) -> Result<(), String>,
) {
    let result = runner.run(strategy, |value| check(&value).map_err(TestCaseError::fail));
    match result {
        Ok(()) => {}
        Err(TestError::Fail(problem, _)) => panic!("{problem}"),
        Err(TestError::Abort(problem)) => panic!("gave up: {problem}"),
    }
}

// ---- the law

/// Everything that must have occurred in the comparison.
const CONSTRUCTS: &[&str] = &[
    "CRLF",
    "IPv6 server",
    "all",
    "all users",
    "blank line",
    "blank line inside a statement",
    "block",
    "block from",
    "byte order mark",
    "comment after a statement",
    "comment inside a statement",
    "comment line",
    "comment line inside a statement",
    "comment line, no blank after #",
    "default server of the homeserver",
    "everyone",
    "except",
    "except in except",
    "files that are none of the policy's",
    "folder in a folder",
    "folder with one file",
    "group",
    "group file beside its policy file",
    "group file in a folder above",
    "group file in a folder below",
    "group file: ID without server",
    "group file: list",
    "group file: mapping",
    "group file: nobody",
    "group in a group",
    "group named after its definition",
    "group named before its definition",
    "group of a selector",
    "group of another file",
    "indented statement",
    "inline text",
    "line break",
    "line break in ()",
    "local users",
    "members of",
    "members of a room",
    "members of several rooms",
    "no default server",
    "no line break at the end",
    "inline text alone",
    "one file",
    "parentheses",
    "parentheses 30 deep",
    "parentheses without need",
    "quoted glob",
    "quoted user without need",
    "quoted user: empty localpart",
    "quoted user: escaped quote or backslash",
    "quoted user: escaped wildcard",
    "quoted user: odd characters",
    "regex: \\/",
    "regex: alternation",
    "regex: alternation without anchors",
    "regex: anchors",
    "regex: case-insensitive",
    "regex: class",
    "regex: class with \\/",
    "regex: dot and line break",
    "regex: empty alternative",
    "regex: ends in a backslash",
    "regex: escaped slash",
    "regex: everything",
    "regex: lazy",
    "regex: odd characters",
    "regex: one localpart",
    "regex: partial match",
    "regex: perl class",
    "regex: verbose with a comment",
    "remote users",
    "room ID",
    "room ID of version 12",
    "room ID that nobody knows",
    "room alias",
    "room alias of a known room",
    "room alias of an unknown room",
    "room alias that nobody knows",
    "room alias without server",
    "room members of",
    "see",
    "see each other",
    "sees",
    "send",
    "server statement",
    "server statement unlike the homeserver",
    "server statement, homeserver not named",
    "server statement, repeated",
    "several files",
    "trailing comma",
    "union with `, and`",
    "union with `,`",
    "union with `and`",
    "unused group",
    "user",
    "user glob",
    "user glob without server",
    "user without server",
    "users matching",
    "users on a server",
    "users on several servers",
    "who are",
    "who are, chained",
    "wildcard in `users on`",
    "wildcard in a localpart",
    "wildcard in a user's server",
];

/// Selectors that must have picked some users and not all.
const TOLD_APART: &[&str] = &[
    "except",
    "group file",
    "group of a selector",
    "local users",
    "members of",
    "remote users",
    "union",
    "user",
    "user glob",
    "users on",
    "who are",
];

#[test]
fn index_decide_and_plain_meaning_agree() {
    let policies = number("LAW_POLICIES", 2_000);
    let start = Instant::now();
    let total = RefCell::new(Counts::default());
    let (sql, compared) = (Sql::new(), RefCell::new(Compared::default()));
    for_all(runner(policies, 0), &generate::world(), |world| {
        let (mut total, mut compared) = (total.borrow_mut(), compared.borrow_mut());
        let held = || {
            let core = holds(world, &mut total)?;
            second::hold(world, &core, &sql, &mut compared)
        };
        catch_unwind(AssertUnwindSafe(held))
            .unwrap_or_else(|_| Err("panicked; the message stands above".to_owned()))
            .map_err(|problem| shown(world, &problem))
    });
    let total = total.into_inner();
    say(&summary(&total, start));
    let compared = compared.into_inner();
    say(&format!(
        "law: SQLite agrees on {} pairs of {} policies\nlaw: Datalog agrees on {} pairs of the same\n",
        compared.sqlite, compared.policies, compared.datalog,
    ));

    assert!(compared.policies >= policies && compared.sqlite > 0 && compared.datalog > 0);
    assert!(total.policies >= policies);
    let occurred: BTreeSet<&str> = total.constructs.0.keys().copied().collect();
    let wanted: BTreeSet<&str> = CONSTRUCTS.iter().copied().collect();
    assert_eq!(
        occurred, wanted,
        "constructs that occurred, and those that must"
    );
    for name in TOLD_APART {
        assert!(
            total.told_apart.of(name) > 0,
            "`{name}` never picked some and not all"
        );
    }
    assert_eq!(total.edits.0.len(), 7, "kinds of edits");
    assert!(total.only > 0 && total.all_except > 0 && total.pairs_blocked > 0);
}

fn holds(world: &World, total: &mut Counts) -> Result<Core, String> {
    let rendered = render(&world.policy, world.layout);
    let mut constructs = rendered.tally.clone();
    unknown_rooms(world, &mut constructs);
    let mut core = Core::load(world, &rendered)?;
    if core.rooms() != rooms_named(&world.policy) {
        return Err(format!("rooms named in the policy: {:?}", core.rooms()));
    }
    compare(world, &mut core, total)?;
    total.constructs.absorb_once(&constructs);
    Ok(core)
}

fn summary(total: &Counts, start: Instant) -> String {
    let list = |tally: &Tally| {
        let each: Vec<String> = tally
            .0
            .iter()
            .map(|(name, n)| format!("{name} {n}"))
            .collect();
        each.join("; ")
    };
    format!(
        "law: {} policies, {} pairs, each five ways ({} seen, {} blocked), {} pairs with a \
         stranger, {} `only` and {} `all except` answers, {} batches, in {:.1} s\n\
         law: policies with each of {} constructs: {}\n\
         law: picked some and not all: {}\n\
         law: {}\n",
        total.policies,
        total.pairs,
        total.pairs_seen,
        total.pairs_blocked,
        total.pairs_of_strangers,
        total.only,
        total.all_except,
        total.batches,
        start.elapsed().as_secs_f64(),
        total.constructs.0.len(),
        list(&total.constructs),
        list(&total.told_apart),
        list(&total.edits),
    )
}

// ---- what the warnings claim

#[test]
fn a_warning_is_never_wrong() {
    let policies = number("LAW_POLICIES", 2_000) / 10;
    let start = Instant::now();
    let tried = RefCell::new((0_u64, Tally::default()));
    for_all(runner(policies, 5), &generate::world(), |world| {
        let rendered = render(&world.policy, world.layout);
        let held = Core::load(world, &rendered).and_then(|core| {
            let mut tried = tried.borrow_mut();
            tried.0 += 1;
            let trial = Trial::new(world);
            trial.hold(&rendered, &core.warnings(false), false, &mut tried.1)?;
            trial.hold(&rendered, &core.warnings(true), true, &mut tried.1)
        });
        held.map_err(|problem| shown(world, &problem))
    });
    let (worlds, tally) = tried.into_inner();
    let each: Vec<String> = tally
        .0
        .iter()
        .map(|(name, n)| format!("{name} {n}"))
        .collect();
    say(&format!(
        "law: warnings of {worlds} policies tried: {}; in {:.1} s\n",
        each.join("; "),
        start.elapsed().as_secs_f64(),
    ));
    for name in WARNINGS {
        assert!(tally.of(name) > 0, "`{name}` was never given");
    }
}

/// The warnings that the generator brings about.
const WARNINGS: &[&str] = &[
    "blocked-rule",
    "duplicate-rule",
    "empty-selector",
    "idle-block",
    "redundant-rule",
    "remote-disclosure",
    "unknown-user",
    "unresolved-room",
    "unused-group",
];

// ---- that the test can fail

#[test]
fn every_planted_mistake_is_caught() {
    const ENOUGH: usize = 4_000;
    let mut runner = runner(1, 2);
    let strategy = generate::world();
    let mut left: Vec<_> = MISTAKES.to_vec();
    let mut worlds = 0;
    let mut lines = String::new();
    while !left.is_empty() && worlds < ENOUGH {
        worlds += 1;
        let world = strategy.new_tree(&mut runner).unwrap().current();
        if worlds <= 20 {
            let mut right = Planted::new(&world, None);
            let agrees = compare(&world, &mut right, &mut Counts::default());
            agrees.expect("the oracle agrees with itself");
        }
        left.retain(|&mistake| {
            let mut wrong = Planted::new(&world, Some(mistake));
            let caught = compare(&world, &mut wrong, &mut Counts::default()).is_err();
            if caught {
                lines += &format!("law: planted {mistake:?}: caught by policy {worlds}\n");
            }
            !caught
        });
    }
    say(&lines);
    assert!(left.is_empty(), "not caught in {worlds} policies: {left:?}");
}

#[test]
fn mistakes_of_an_index_are_caught_by_each_source() {
    const SOURCES: [&str; 3] = ["the oracle", "SQLite", "Datalog"];
    let mut runner = runner(1, 7);
    let (strategy, sql) = (generate::world(), Sql::new());
    let mut left: Vec<_> = WRONGS
        .iter()
        .flat_map(|&w| [0, 1, 2].map(|s| (w, s)))
        .collect();
    let mut worlds = 0;
    while !left.is_empty() && worlds < 500 {
        worlds += 1;
        let world = strategy.new_tree(&mut runner).unwrap().current();
        let caught = second::caught(&world, &sql);
        left.retain(|&(wrong, source)| {
            let here = caught.iter().any(|(w, by)| *w == wrong && by[source]);
            if here {
                let source = SOURCES[source];
                say(&format!(
                    "law: planted {wrong:?}: caught by {source}, policy {worlds}\n"
                ));
            }
            !here
        });
    }
    assert!(left.is_empty(), "not caught in {worlds} policies: {left:?}");
}

#[test]
fn planted_warnings_are_refused() {
    let mut runner = runner(1, 6);
    let strategy = generate::world();
    let mut left: BTreeSet<&str> = WARNINGS.iter().copied().collect();
    left.extend(["costly-rule", "no-such-warning"]);
    for _ in 0..20 {
        let world = strategy.new_tree(&mut runner).unwrap().current();
        let rendered = render(&world.policy, world.layout);
        let trial = Trial::new(&world);
        for place in &rendered.places {
            left.retain(|name| {
                // at another kind of statement it would be refused for that alone
                let fits = match place.statement {
                    Statement::Rule(_) => *name != "unused-group",
                    Statement::Group(_) => *name == "unused-group",
                    Statement::Server => false,
                };
                if !fits {
                    return true;
                }
                let planted = [((*name).to_owned(), place.file.clone(), place.first)];
                trial
                    .hold(&rendered, &planted, true, &mut Tally::default())
                    .is_ok()
            });
        }
    }
    assert!(left.is_empty(), "not refused: {left:?}");
}

// ---- that the generator writes what it means

#[test]
fn generated_ids_are_matrix_ids() {
    let mut runner = runner(1, 3);
    let strategy = generate::world();
    for _ in 0..200 {
        let world = strategy.new_tree(&mut runner).unwrap().current();
        let meaning = Meaning {
            policy: &world.policy,
            facts: &world.facts,
        };
        for user in meaning.known(&world.strangers) {
            ruma_identifiers_validation::user_id::validate(&user)
                .unwrap_or_else(|problem| panic!("{user:?}: {problem}"));
        }
        for room in world.facts.rooms.keys() {
            ruma_identifiers_validation::room_id::validate(room)
                .unwrap_or_else(|problem| panic!("{room:?}: {problem}"));
        }
        for alias in world.facts.aliases.keys() {
            ruma_identifiers_validation::room_alias_id::validate(alias)
                .unwrap_or_else(|problem| panic!("{alias:?}: {problem}"));
        }
    }
}

#[test]
#[ignore = "shows what is generated"]
fn show() {
    let mut constructs = Tally::default();
    let mut runner = runner(1, 4);
    let strategy = generate::world();
    for _ in 0..number("LAW_POLICIES", 5) {
        let world = strategy.new_tree(&mut runner).unwrap().current();
        let rendered = render(&world.policy, world.layout);
        constructs.absorb_once(&rendered.tally);
        unknown_rooms(&world, &mut constructs);
        say(&format!(
            "=====\n{}{}\n",
            rendered.show(),
            directory_file(&world.facts)
        ));
    }
    say(&format!("{constructs:#?}\n"));
}
