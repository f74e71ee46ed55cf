//! What calls cost, and the policies and directories that are asked.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use presence_router::directory::Directory;
use presence_router::router::{Inline, Origin, Router, Snapshot};
use presence_router::workload::{Shape, Workload};
use rustix::time::{ClockId, clock_gettime};

/// For so long each figure is measured.
pub const BUDGET: Duration = Duration::from_millis(300);

/// Processor time of this thread, or of all threads of the process.
pub fn used(clock: ClockId) -> Duration {
    Duration::try_from(clock_gettime(clock)).unwrap()
}

/// Nanoseconds of this thread that each of `count` calls takes, in the best of the rounds that fit into
/// the budget; at least three.
pub fn best(count: usize, mut call: impl FnMut(usize)) -> f64 {
    let now = || used(ClockId::ThreadCPUTime);
    let start = now();
    let mut best = Duration::MAX;
    let mut rounds = 0;
    while rounds < 3 || now() - start < BUDGET {
        let round = now();
        (0..count).for_each(&mut call);
        best = best.min(now() - round);
        rounds += 1;
    }
    best.as_nanos() as f64 / count as f64
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

/// Nanoseconds for each of some questions whether a recipient receives a sender's presence.
pub fn sees(snapshot: &Snapshot, directory: &Directory, pairs: &[(String, String)]) -> f64 {
    best(pairs.len(), |at| {
        let (sender, recipient) = &pairs[at];
        black_box(snapshot.sees(directory, sender, recipient));
    })
}

/// Pairs of users that a workload asks about.
pub fn pairs(workload: &Workload, count: usize) -> Vec<(String, String)> {
    let mut questions = workload.questions();
    let pairs = (0..count).map(|_| (questions.user().to_owned(), questions.user().to_owned()));
    pairs.collect()
}
