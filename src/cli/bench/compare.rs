//! Two rule sets, measured in turn.
//!
//! What else a machine does comes and goes in seconds, so that one after the other tells little. Here
//! each takes its turn every few hundred microseconds, first, second, second, first, and in the next
//! block the other way round, on the same questions; each block loads both anew, if that is quick, so
//! that where they happen to lie in memory is drawn anew too. A block gives one ratio.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use presence_router::directory::Directory;
use presence_router::id::UserId;
use presence_router::router::{Router, Snapshot};

use super::clock::worked;
use super::progress::Progress;
use super::questions::{Operation, Questions};
use super::report::{Answers, Example, Ratio};
use super::rules::RuleSet;
use super::statistics::{median, verdict};

/// So many blocks, if there is time.
const BLOCKS: usize = 32;

/// So often each is loaded for a block at most.
const MOST_LOADS: usize = 5;

/// What one turn of calls should take.
const TURN: Duration = Duration::from_micros(300);

/// No more calls are in a turn.
const MOST_CALLS: usize = 2_048;

/// What was measured again and again: the time of a call of each rule set, and their ratio.
#[derive(Default)]
struct Blocks {
    first: Vec<f64>,
    other: Vec<f64>,
    ratios: Vec<f64>,
}

impl Blocks {
    fn push(&mut self, [first, other]: [f64; 2], ratio: f64) {
        self.first.push(first);
        self.other.push(other);
        self.ratios.push(ratio);
    }

    /// The median time of each.
    fn times(&self) -> [f64; 2] {
        [median(&self.first), median(&self.other)]
    }
}

/// Two rule sets and what they are asked.
pub struct Pair<'a> {
    pub first: &'a RuleSet,
    pub other: &'a RuleSet,
    pub directory: &'a Directory,
    pub questions: &'a Questions<'a>,
    /// What a load of each takes.
    pub loads: [Duration; 2],
}

impl Pair<'_> {
    /// The ratios of the other to the first, operation by operation.
    pub fn ratios(&self, budget: Duration, progress: &mut Progress) -> Vec<Ratio> {
        let began = Instant::now();
        let both = self
            .loads
            .iter()
            .sum::<Duration>()
            .max(Duration::from_nanos(1));
        // Loading takes a third of the time at most.
        let affordable = (budget.as_secs_f64() / 3.0 / both.as_secs_f64()) as usize;
        let every = BLOCKS.div_ceil(affordable.clamp(1, BLOCKS));
        let times = (affordable / BLOCKS).clamp(1, MOST_LOADS);
        let loading = both * u32::try_from(BLOCKS / every * times).unwrap_or(1);
        let left = budget.saturating_sub(loading);
        let slot = left / u32::try_from(BLOCKS * Operation::ALL.len()).unwrap_or(1);
        let mut loaded: Option<[Router; 2]> = None;
        let mut loads = Blocks::default();
        let mut asked = Operation::ALL.map(|_| Blocks::default());
        for block in 0..BLOCKS {
            if block > 0 && began.elapsed() > budget {
                break;
            }
            let swapped = block % 2 == 1;
            if block % every == 0
                && let Some((routers, best)) = self.load(swapped, times)
            {
                loaded = Some(routers);
                loads.push(best, best[1] / best[0]);
            }
            let snapshots = match &loaded {
                Some([first, other]) => [first.snapshot(), other.snapshot()],
                None => [self.first.snapshot(), self.other.snapshot()],
            };
            for (operation, blocks) in Operation::ALL.into_iter().zip(&mut asked) {
                let snapshots = [&*snapshots[0], &*snapshots[1]];
                let rounds = self.block(operation, snapshots, swapped, slot);
                blocks.push(rounds.times(), median(&rounds.ratios));
                progress.tick();
            }
        }
        let asked = Operation::ALL
            .iter()
            .map(|operation| operation.name())
            .zip(asked);
        let all = std::iter::once(("load", loads)).chain(asked);
        let said = all.filter_map(|(name, blocks)| {
            let verdict = verdict(&blocks.ratios)?;
            let round = |ratio: f64| (ratio * 1e4).round() / 1e4;
            let [first_ns, against_ns] = blocks.times().map(|ns| (ns * 10.0).round() / 10.0);
            Some(Ratio {
                name,
                first_ns,
                against_ns,
                rounds: blocks.ratios.len(),
                ratio: round(verdict.ratio),
                low: round(verdict.low),
                high: round(verdict.high),
                noise: verdict.noise,
            })
        });
        said.collect()
    }

    /// Loads both anew, in turn, and gives the times of the quickest loads: a load is the same work each
    /// time, and what is on top of it comes from elsewhere.
    fn load(&self, swapped: bool, times: usize) -> Option<([Router; 2], [f64; 2])> {
        let mut loaded: [Option<Router>; 2] = [None, None];
        let mut best = [f64::INFINITY; 2];
        let order = if swapped { [1, 0] } else { [0, 1] };
        for which in order.into_iter().cycle().take(2 * times) {
            let rules = if which == 0 { self.first } else { self.other };
            let mut router = None;
            let time = worked(1, |_| router = rules.again());
            if let (Some(best), Some(loaded)) = (best.get_mut(which), loaded.get_mut(which)) {
                *best = time.min(*best);
                *loaded = router;
            }
        }
        match loaded {
            [Some(a), Some(b)] => Some(([a, b], best)),
            _ => None,
        }
    }

    /// The rounds of one block.
    fn block(
        &self,
        operation: Operation,
        snapshots: [&Snapshot; 2],
        swapped: bool,
        slot: Duration,
    ) -> Blocks {
        let began = Instant::now();
        let mut calls = 1;
        let mut at = 0;
        let turn = |which: usize, calls: usize, at: usize| {
            let snapshot = if which == 0 {
                snapshots[0]
            } else {
                snapshots[1]
            };
            let ask = |step| {
                self.questions
                    .ask(operation, snapshot, self.directory, at + step)
            };
            worked(calls, ask)
        };
        // Both are as warm as they get; and how many calls fill a turn.
        let aim = TURN.min(slot / 8).as_nanos() as f64;
        for _ in 0..6 {
            let slower = turn(0, calls, at).max(turn(1, calls, at));
            at += calls;
            let fill = (aim / slower) as usize;
            calls = fill.clamp(1, calls * 8).min(MOST_CALLS);
            if began.elapsed() > slot / 4 {
                break;
            }
        }
        let order = if swapped { [1, 0, 0, 1] } else { [0, 1, 1, 0] };
        let mut rounds = Blocks::default();
        while rounds.ratios.is_empty() || began.elapsed() < slot {
            let mut best = [f64::INFINITY; 2];
            for which in order {
                let time = turn(which, calls, at);
                if let Some(best) = best.get_mut(which) {
                    *best = best.min(time);
                }
            }
            rounds.push(best, best[1] / best[0]);
            at += calls;
        }
        rounds
    }

    /// Whether the two give the senders who are asked about different recipients.
    pub fn answers(&self, budget: Duration) -> Answers {
        let began = Instant::now();
        let (first, other) = (self.first.snapshot(), self.other.snapshot());
        let mut answers = Answers {
            senders_asked: 0,
            senders_that_differ: 0,
            example: None,
        };
        for sender in self.questions.senders() {
            if answers.senders_asked > 0 && began.elapsed() > budget {
                break;
            }
            answers.senders_asked += 1;
            let ask = |snapshot: &Snapshot| snapshot.recipients_of(self.directory, sender);
            let (here, there) = (ask(&first), ask(&other));
            if here == there {
                continue;
            }
            answers.senders_that_differ += 1;
            if answers.example.is_some() {
                continue;
            }
            let (here, there): (BTreeSet<UserId>, BTreeSet<UserId>) =
                (here.into_iter().collect(), there.into_iter().collect());
            let recipient = here.symmetric_difference(&there).next();
            answers.example = recipient.map(|recipient| Example {
                sender: sender.to_owned(),
                recipient: recipient.as_str().to_owned(),
                first_sends: here.contains(recipient),
            });
        }
        answers
    }
}
