//! What calls cost, and the policies and directories that are asked.

use std::collections::HashSet;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use presence_router::directory::Directory;
use presence_router::router::{Inline, Origin, Router, Snapshot};
use presence_router::workload::{Shape, Workload};
use rustix::time::{ClockId, clock_gettime};

/// For so long each figure is measured.
const BUDGET: Duration = Duration::from_millis(300);

/// A round is at least so long: reading the processor's clock takes half a microsecond, as much as some of
/// what is timed, and would make a dear call and a cheap one look alike.
const ROUND: Duration = Duration::from_micros(200);

/// Processor time of this thread, or of all threads of the process.
pub fn used(clock: ClockId) -> Duration {
    Duration::try_from(clock_gettime(clock)).unwrap()
}

/// Something to be timed, told the number of the call.
pub type Call<'a> = &'a mut dyn FnMut(usize);

/// Nanoseconds of this thread that each of `count` calls takes, in the best of the rounds that fit into
/// the budget; at least three.
pub fn best(count: usize, mut call: impl FnMut(usize)) -> f64 {
    in_turn(count, [&mut call])[0]
}

/// The same of several, in turn, so that a disturbance hits one as likely as the other. Each has caches
/// to itself: before its round it makes its calls once untimed.
pub fn in_turn<const N: usize>(count: usize, mut calls: [Call<'_>; N]) -> [f64; N] {
    let now = || used(ClockId::ThreadCPUTime);
    let time = |call: &mut Call<'_>, passes: u128| {
        let start = now();
        for _ in 0..passes {
            (0..count).for_each(&mut **call);
        }
        now() - start
    };
    let passes = calls.each_mut().map(|call| {
        time(call, 1);
        let once = time(call, 1).as_nanos().max(1);
        ROUND.as_nanos().div_ceil(once)
    });
    let mut best = [f64::MAX; N];
    for (at, best) in best.iter_mut().enumerate() {
        // Three rounds at least, whatever they take.
        *best = time(&mut calls[at], passes[at]).as_nanos() as f64;
    }
    let start = now();
    let mut rounds = 1;
    while rounds < 3 || now() - start < BUDGET * N as u32 {
        for (at, call) in calls.iter_mut().enumerate() {
            time(call, 1);
            best[at] = best[at].min(time(call, passes[at]).as_nanos() as f64);
        }
        rounds += 1;
    }
    std::array::from_fn(|at| best[at] / passes[at] as f64 / count as f64)
}

/// The middle one.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// A policy of one text.
pub fn policy(text: String) -> Arc<Snapshot> {
    let inline = vec![Inline {
        name: "bars.policy".into(),
        text,
    }];
    load(inline)
}

/// A workload's policy, and more statements.
pub fn workload(shape: Shape, more: &str) -> (Workload, Arc<Snapshot>) {
    let workload = Workload::new(shape, 1.0, 1);
    let files = workload.files().into_iter().map(|file| Inline {
        name: file.name,
        text: file.text,
    });
    let mut files: Vec<Inline> = files.collect();
    files.push(Inline {
        name: "more.policy".into(),
        text: more.into(),
    });
    (workload, load(files))
}

fn load(inline: Vec<Inline>) -> Arc<Snapshot> {
    let origin = Origin {
        inline,
        homeserver: "example.org".parse().ok(),
        ..Origin::default()
    };
    Router::load(origin).unwrap().snapshot()
}

/// A sender and a recipient.
pub type Pair = (String, String);

/// Nanoseconds for each of some questions whether a recipient receives a sender's presence.
pub fn sees(snapshot: &Snapshot, directory: &Directory, pairs: &[Pair]) -> f64 {
    best(pairs.len(), |at| {
        let (sender, recipient) = &pairs[at];
        black_box(snapshot.sees(directory, sender, recipient));
    })
}

/// Different questions about a workload's users, every other one of a user who does receive, if the sender
/// has any; fewer than `count` only where few users have not so many.
pub fn pairs(workload: &Workload, snapshot: &Snapshot, count: usize) -> Vec<Pair> {
    let directory = Directory::new("example.org".parse().ok());
    let mut questions = workload.questions();
    let (mut known, mut pairs) = (HashSet::new(), Vec::new());
    for _ in 0..count * 20 {
        if pairs.len() == count {
            break;
        }
        let (sender, other) = (questions.user(), questions.user());
        let recipients = match pairs.len() % 2 {
            0 => snapshot.recipients_of(&directory, &sender),
            _ => Vec::new(),
        };
        let recipient = match recipients.get(known.len() % recipients.len().max(1)) {
            // All of them were asked about: someone else, then.
            Some(user) if !known.contains(&(sender.clone(), user.to_string())) => user.to_string(),
            _ => other,
        };
        if known.insert((sender.clone(), recipient.clone())) {
            pairs.push((sender, recipient));
        }
    }
    pairs
}
