//! What a question, a load and a thread cost.
//!
//! One thread is timed by the processor time it used, so that other programs on the machine count for
//! little, and the best of many rounds is taken. Two threads can only be timed by the clock: the best of
//! many short rounds, of one thread and of two in turn.

use std::hint::{black_box, spin_loop};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

use crate::Fault;
use crate::peer::{Ask, Peer};
use crate::questions::Pair;

/// Processor time of a clock.
fn used(clock: ClockId) -> Duration {
    let time = clock_gettime(clock);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// What `work` gives, and the nanoseconds of processor time that all threads of the process used for it.
pub fn load<T>(work: impl FnOnce() -> Result<T, Fault>) -> Result<(T, f64), Fault> {
    let start = used(ClockId::ProcessCPUTime);
    let made = work()?;
    let time = used(ClockId::ProcessCPUTime) - start;
    Ok((made, time.as_nanos() as f64))
}

/// Nanoseconds for each of `questions`, in the best round of those that fit into `budget`; for as many of
/// the first as fit, if not even one round does.
pub fn each<Q>(
    questions: &[Q],
    budget: Duration,
    mut ask: impl FnMut(&Q) -> Result<(), Fault>,
) -> Result<f64, Fault> {
    let now = || used(ClockId::ThreadCPUTime);
    let start = now();
    let mut count = 0;
    for question in questions {
        ask(question)?;
        count += 1;
        if now() - start > budget {
            break;
        }
    }
    let mut best = now() - start;
    while now() - start + best < budget {
        let round = now();
        for question in questions {
            ask(question)?;
        }
        best = best.min(now() - round);
    }
    Ok(best.as_nanos() as f64 / f64::from(count))
}

/// How many times as many pairs two threads answer as one; it takes four times the budget, for rounds
/// that no other program disturbs are rare.
pub fn threads(peer: &dyn Peer, pairs: &[Pair], pair: f64, budget: Duration) -> Result<f64, Fault> {
    // So few questions that a thread is seldom interrupted between them.
    let count = ((3e5 / pair) as usize).clamp(1, 10_000);
    let start = Instant::now();
    let (mut one, mut two) = (0.0f64, 0.0f64);
    let mut rounds = 0;
    while rounds < 3 || start.elapsed() < budget * 4 {
        one = one.max(speed(peer, pairs, 1, count)?);
        two = two.max(speed(peer, pairs, 2, count)?);
        rounds += 1;
    }
    Ok(two / one)
}

/// Pairs a second that so many threads answer together, from the start of the first to the end of the last.
fn speed(peer: &dyn Peer, pairs: &[Pair], threads: usize, count: usize) -> Result<f64, Fault> {
    let waiting = AtomicUsize::new(threads);
    let answer = |ask: &mut dyn Ask, count: usize| -> Result<(), Fault> {
        for (sender, recipient, _) in pairs.iter().cycle().take(count) {
            black_box(ask.sees(sender, recipient)?);
        }
        Ok(())
    };
    let work = || {
        let mut times = Vec::new();
        peer.ask(&mut |ask| {
            // What is made at the first question, and fetched into caches, is no work of the others.
            answer(ask, count.min(pairs.len()))?;
            waiting.fetch_sub(1, Ordering::AcqRel);
            while waiting.load(Ordering::Acquire) > 0 {
                spin_loop();
            }
            times.push(Instant::now());
            answer(ask, count)?;
            times.push(Instant::now());
            Ok(())
        })?;
        Ok(times)
    };
    let times: Vec<Result<Vec<Instant>, Fault>> = thread::scope(|scope| {
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let done = running.into_iter().map(|thread| thread.join());
        done.map(|done| done.unwrap_or_else(|_| Err("a thread failed".into())))
            .collect()
    });
    let times: Vec<Vec<Instant>> = times.into_iter().collect::<Result<_, _>>()?;
    let times = || times.iter().flatten();
    let (first, last) = times().min().zip(times().max()).ok_or("no threads")?;
    Ok((threads * count) as f64 / (*last - *first).as_secs_f64())
}

/// The memory that this process has now, in KiB.
pub fn memory() -> Result<f64, Fault> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line.and_then(|line| line.split_ascii_whitespace().next());
    Ok(number.ok_or("no figure of memory")?.parse()?)
}
