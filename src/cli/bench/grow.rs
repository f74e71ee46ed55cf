//! How the times grow when users and rules double: three sizes, measured in turn.
//!
//! Of an operation the middle turn counts. A load is the same work each time: the quickest counts.

use std::time::{Duration, Instant};

use presence_router::directory::Directory;
use presence_router::id::UserId;
use presence_router::workload::{Shape, Workload};

use super::clock::worked;
use super::copies::{self, Change};
use super::progress::Progress;
use super::questions::{Operation, Questions};
use super::report::{Grown, Growth, Size};
use super::rules::RuleSet;
use super::statistics::{exponent, median};

/// What one turn of calls should take, and how many calls may be in it.
const TURN: Duration = Duration::from_micros(300);
const MOST_CALLS: usize = 2_048;

/// From so many known users on, sizes go down and not up.
const MANY_USERS: usize = 400_000;

/// A rule set and directory of one size.
struct Case {
    factor: f64,
    rules: RuleSet,
    directory: Directory,
    known: Vec<UserId>,
}

/// What is made larger or smaller.
pub struct Seed<'a> {
    pub rules: &'a RuleSet,
    pub directory: &'a Directory,
    pub known: &'a [UserId],
    /// With its scale and seed, if it is generated.
    pub workload: Option<(Shape, f64, u64)>,
    /// What a load takes.
    pub load: Duration,
    pub seed: u64,
}

impl Seed<'_> {
    /// `None` if it cannot be made in other sizes.
    pub fn growth(&self, budget: Duration, progress: &mut Progress) -> Option<Growth> {
        let began = Instant::now();
        let down = self.load * 16 > budget || self.known.len() > MANY_USERS;
        let mut cases = Vec::new();
        for step in [1, 2, 4] {
            cases.push(self.case(step, down)?);
            progress.tick();
        }
        if down {
            cases.reverse();
        }
        // Whatever making them took, something is measured.
        let left = budget.saturating_sub(began.elapsed()).max(budget / 4);
        let sizes = cases.iter().map(|case| Size {
            factor: case.factor,
            users: case.known.len(),
            rules: case.rules.about.rules,
        });
        let how = match (self.workload, down) {
            (Some(_), _) => "scaled",
            (None, false) => "copied",
            (None, true) => "thinned",
        };
        Some(Growth {
            how,
            sizes: sizes.collect(),
            operations: self.measure(&cases, left, progress)?,
        })
    }

    fn case(&self, step: u32, down: bool) -> Option<Case> {
        let factor = if down {
            1.0 / f64::from(step)
        } else {
            f64::from(step)
        };
        let (rules, directory) = match self.workload {
            Some((shape, scale, seed)) => (
                RuleSet::of_workload(shape, scale * factor, seed).ok()?,
                Workload::new(shape, scale * factor, seed).directory(),
            ),
            None => {
                let change = if down {
                    Change::OneOf(step)
                } else {
                    Change::Times(step)
                };
                let snapshot = self.rules.snapshot();
                (
                    RuleSet::of_text(copies::policy(snapshot.policy(), change)).ok()?,
                    copies::directory(self.directory, change),
                )
            }
        };
        let known = rules.snapshot().known_users(&directory);
        Some(Case {
            factor,
            rules,
            directory,
            known,
        })
    }

    fn measure(
        &self,
        cases: &[Case],
        budget: Duration,
        progress: &mut Progress,
    ) -> Option<Vec<Grown>> {
        let mut grown = Vec::new();
        let part = budget / 5;
        for operation in Operation::ALL {
            let mut asked = Vec::new();
            for case in cases {
                let snapshot = case.rules.snapshot();
                let questions = Questions::new(&case.known, &snapshot, &case.directory, self.seed)?;
                asked.push((case, snapshot, questions));
            }
            let turn = |which: usize, calls: usize, at: usize| {
                let Some((case, snapshot, questions)) = asked.get(which) else {
                    return 0.0;
                };
                let ask = |step| questions.ask(operation, snapshot, &case.directory, at + step);
                worked(calls, ask)
            };
            let times = in_turn(cases.len(), part, &turn, &mut || progress.tick());
            let times = times.iter().map(|times| median(times)).collect();
            grown.push(said(operation.name(), cases, times));
        }
        let load = |which: usize, calls: usize, _: usize| {
            let rules = cases.get(which).map(|case| &case.rules);
            let mut loaded = None;
            worked(calls, |_| loaded = rules.map(RuleSet::again))
        };
        let times = in_turn(cases.len(), part, &load, &mut || progress.tick());
        let quickest = |times: &Vec<f64>| times.iter().copied().fold(f64::INFINITY, f64::min);
        let times = times.iter().map(quickest).collect();
        grown.insert(0, said("load", cases, times));
        Some(grown)
    }
}

/// What a call took in each turn, for each case.
fn in_turn(
    cases: usize,
    budget: Duration,
    turn: &dyn Fn(usize, usize, usize) -> f64,
    tick: &mut dyn FnMut(),
) -> Vec<Vec<f64>> {
    let began = Instant::now();
    let mut times = vec![Vec::new(); cases];
    let mut calls = vec![1; cases];
    let mut at = 0;
    let mut rounds = 0;
    while rounds == 0 || began.elapsed() < budget {
        let both = times.iter_mut().zip(&mut calls);
        for (which, (times, calls)) in both.enumerate() {
            let time = turn(which, *calls, at);
            // The first rounds find how many calls fill a turn, and nothing is in a cache yet.
            if rounds < 4 && began.elapsed() < budget / 4 {
                let fill = (TURN.as_nanos() as f64 / time) as usize;
                *calls = fill.clamp(1, *calls * 8).min(MOST_CALLS);
                times.clear();
            }
            times.push(time);
        }
        at += calls.iter().max().copied().unwrap_or(1);
        rounds += 1;
        tick();
    }
    times
}

fn said(name: &'static str, cases: &[Case], times: Vec<f64>) -> Grown {
    let factors = cases.iter().map(|case| case.factor);
    let points: Vec<(f64, f64)> = factors.zip(times.iter().copied()).collect();
    let exponent = exponent(&points).unwrap_or_default();
    let round = |number: f64| (number * 100.0).round() / 100.0;
    Grown {
        name,
        ratio_when_doubled: round(exponent.exp2()),
        exponent: round(exponent),
        time_ns: times
            .iter()
            .map(|time| (time * 10.0).round() / 10.0)
            .collect(),
    }
}
