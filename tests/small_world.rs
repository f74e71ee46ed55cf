//! The law, exhaustively: every small policy over a small world, through every answer, held against
//! the oracle, SQLite and Datalog.
//!
//! What "every" is stands in `small_world/policies.rs`. Everybody is asked about everybody, also the
//! users whom the policy does not know. `SMALL_WORLD=large` asks for more, which takes minutes.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]
// of what is shared with the random law
#![allow(dead_code)]

#[path = "law/datalog.rs"]
mod datalog;
#[path = "law/model.rs"]
mod model;
#[path = "law/oracle.rs"]
mod oracle;
#[path = "law/relations.rs"]
mod relations;
#[path = "law/sql.rs"]
mod sql;
#[path = "law/truth.rs"]
mod truth;

#[path = "small_world/ask.rs"]
mod ask;
#[path = "small_world/policies.rs"]
mod policies;
#[path = "small_world/shapes.rs"]
mod shapes;

use std::io::Write as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use model::{Facts, Group, Policy};
use oracle::Meaning;
use policies::{Rules, Size, policies};
use relations::Batch;
use shapes::{USERS, facts, groups, shapes, universe};
use sql::Sql;
use truth::{Oracle, Truth, WRONGS, compare};

/// To standard error past the test runner's capture, so that a plain run shows it.
fn say(text: &str) {
    std::io::stderr().write_all(text.as_bytes()).unwrap();
}

/// So many policies are put to SQLite and Datalog at once.
const AT_ONCE: usize = 4_096;

struct Small {
    rules: Rules,
    groups: Vec<Group>,
    facts: Facts,
    universe: Vec<String>,
}

impl Small {
    fn new() -> Small {
        Small {
            rules: Rules::new(&shapes()),
            groups: groups(),
            facts: facts(),
            universe: universe(),
        }
    }

    fn batch<'a>(&'a self, policies: &'a [Vec<usize>]) -> Batch<'a> {
        Batch {
            groups: &self.groups,
            all_groups: false,
            rules: &self.rules.rules,
            policies,
            facts: &self.facts,
            universe: &self.universe,
        }
    }
}

/// What was compared.
#[derive(Default)]
struct Compared {
    /// By the number of rules.
    policies: [u64; 4],
    pairs: u64,
    pairs_seen: u64,
    all_except: u64,
    sqlite: u64,
    datalog: u64,
    /// In the crate, in SQLite, in Datalog; of all threads together.
    took: [Duration; 3],
}

impl Compared {
    fn add(&mut self, other: &Compared) {
        for (sum, more) in self.policies.iter_mut().zip(other.policies) {
            *sum += more;
        }
        self.pairs += other.pairs;
        self.pairs_seen += other.pairs_seen;
        self.all_except += other.all_except;
        self.sqlite += other.sqlite;
        self.datalog += other.datalog;
        for (sum, more) in self.took.iter_mut().zip(other.took) {
            *sum += more;
        }
    }
}

#[test]
fn every_shape_picks_whom_it_says() {
    let (groups, facts) = (groups(), facts());
    let policy = Policy {
        server: None,
        homeserver: None,
        groups,
        rules: Vec::new(),
    };
    let meaning = Meaning {
        policy: &policy,
        facts: &facts,
    };
    for shape in shapes() {
        let picked = USERS.iter().filter(|u| meaning.picks(&shape.selector, u));
        let picked: String = picked.map(|user| &user[1..2]).collect();
        assert_eq!(picked, shape.picks, "{}", shape.text);
        let unbounded = meaning.unbounded(&shape.selector);
        assert_eq!(unbounded, shape.unbounded, "{}", shape.text);
    }
}

#[test]
fn every_small_policy_keeps_the_law() {
    let size = match std::env::var("SMALL_WORLD").as_deref() {
        Ok("large") => Size::Large,
        Ok(other) => panic!("SMALL_WORLD={other}: there is `large`"),
        Err(_) => Size::Plain,
    };
    let start = Instant::now();
    let small = Small::new();
    assert_eq!(small.rules.behaviours.len(), 64);
    let all = policies(&small.rules, size);
    let oracle = Oracle::new(&small.batch(&[]));
    let next = AtomicUsize::new(0);
    let total = Mutex::new(Compared::default());
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads.min(8) {
            scope.spawn(|| {
                let (world, sql) = (ask::World::new(&small.facts), Sql::new());
                loop {
                    let at = next.fetch_add(AT_ONCE, Ordering::Relaxed);
                    let Some(left) = all.get(at..).filter(|left| !left.is_empty()) else {
                        return;
                    };
                    let chunk = &left[..left.len().min(AT_ONCE)];
                    let compared = hold(&small, &oracle, &world, &sql, chunk);
                    total.lock().unwrap().add(&compared);
                }
            });
        }
    });
    let total = total.into_inner().unwrap();
    let [in_crate, in_sqlite, in_datalog] = total.took.map(|took| took.as_secs_f64());
    say(&format!(
        "small world: {} shapes, policies of 0, 1, 2, 3 rules: {:?}; {} pairs, each in five \
         answers ({} seen), {} `all except` answers, in {:.1} s\n\
         small world: SQLite agrees on {} pairs, Datalog on {}; seconds of all threads: crate \
         {in_crate:.1}, SQLite {in_sqlite:.1}, Datalog {in_datalog:.1}\n",
        shapes().len(),
        total.policies,
        total.pairs,
        total.pairs_seen,
        total.all_except,
        start.elapsed().as_secs_f64(),
        total.sqlite,
        total.datalog,
    ));
    assert_eq!(total.policies.iter().sum::<u64>(), all.len() as u64);
    assert_eq!(total.pairs, (all.len() * USERS.len() * USERS.len()) as u64);
    assert!(total.pairs == total.sqlite && total.pairs == total.datalog);
    assert!(total.pairs_seen > 0 && total.all_except > 0);
    assert!(total.policies.iter().all(|count| *count > 0));
}

fn hold(
    small: &Small,
    oracle: &Oracle,
    world: &ask::World,
    sql: &Sql,
    chunk: &[Vec<usize>],
) -> Compared {
    let mut compared = Compared::default();
    let batch = small.batch(chunk);
    let start = Instant::now();
    let by_sqlite = sql.answer(&batch);
    compared.took[1] = start.elapsed();
    let start = Instant::now();
    let by_datalog = datalog::answer(&batch);
    compared.took[2] = start.elapsed();
    let start = Instant::now();
    for ((rules, by_sqlite), by_datalog) in chunk.iter().zip(&by_sqlite).zip(&by_datalog) {
        let texts = rules.iter().map(|&rule| small.rules.texts[rule].as_str());
        let text = world.text(&texts.collect::<Vec<_>>());
        let answers = world.ask(&text).unwrap_or_else(|report| panic!("{report}"));
        let truth = oracle.truth(rules);
        let against = |name: &str, truth: &Truth| {
            compare(&small.universe, truth, &answers)
                .unwrap_or_else(|problem| panic!("{name}: {problem}\n-----\n{text}"))
        };
        compared.pairs += against("the oracle", &truth);
        compared.sqlite += against("SQLite", by_sqlite);
        compared.datalog += against("Datalog", by_datalog);
        compared.policies[rules.len()] += 1;
        let seen = truth.sees.iter().map(|row| u64::from(row.count_ones()));
        compared.pairs_seen += seen.sum::<u64>();
        compared.all_except += u64::from(truth.all.count_ones());
    }
    compared.took[0] = start.elapsed();
    compared
}

#[test]
fn planted_mistakes_are_caught_by_each_source() {
    let small = Small::new();
    let all = policies(&small.rules, Size::Plain);
    // where a second rule comes in, and may block
    let twos = all.partition_point(|rules| rules.len() < 2);
    let chunk = &all[twos..twos + AT_ONCE];
    let batch = small.batch(chunk);
    let oracle = Oracle::new(&batch);
    let by_oracle = chunk.iter().map(|rules| oracle.truth(rules)).collect();
    let sources: [(&str, Vec<Truth>); 3] = [
        ("the oracle", by_oracle),
        ("SQLite", Sql::new().answer(&batch)),
        ("Datalog", datalog::answer(&batch)),
    ];
    for (source, truths) in &sources {
        let refused = |wrong| {
            let mut each = chunk.iter().zip(truths);
            each.position(|(rules, truth)| {
                compare(&small.universe, truth, &oracle.answers(rules, wrong)).is_err()
            })
        };
        assert_eq!(refused(None), None, "{source} agrees with the oracle");
        for wrong in WRONGS {
            let first = refused(Some(wrong));
            let first = first.unwrap_or_else(|| panic!("{source} does not catch {wrong:?}"));
            say(&format!(
                "small world: planted {wrong:?}: caught by {source}, policy {}: {}\n",
                first + 1,
                chunk[first]
                    .iter()
                    .map(|&rule| small.rules.texts[rule].as_str())
                    .collect::<Vec<_>>()
                    .join("; "),
            ));
        }
    }
}
