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

/// Processor time of a clock.
fn used(clock: ClockId) -> Duration {
    let time = clock_gettime(clock);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// What `work` gives, and the processor time that all threads of the process used for it.
pub fn load<T>(work: impl FnOnce() -> Result<T, Fault>) -> Result<(T, Duration), Fault> {
    let start = used(ClockId::ProcessCPUTime);
    let made = work()?;
    Ok((made, used(ClockId::ProcessCPUTime) - start))
}

/// Nanoseconds for each of `questions`, in the best round of those that fit into `budget`; as many of the
/// first as fit, if not even one round does.
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
    let mut rounds = 1;
    while rounds < 2 || (now() - start < budget && rounds < 1_000) {
        if best > budget / 2 {
            break;
        }
        let round = now();
        for question in &questions[..count] {
            ask(question)?;
        }
        best = best.min(now() - round);
        rounds += 1;
    }
    Ok(best.as_nanos() as f64 / count as f64)
}

/// How many times as many pairs two threads answer as one.
pub fn threads(
    peer: &dyn Peer,
    pairs: &[(String, String)],
    pair: f64,
    budget: Duration,
) -> Result<f64, Fault> {
    // So many questions as fit into a time slice.
    let count = ((2e6 / pair) as usize).clamp(1, 50_000);
    let round = |threads: usize| -> Result<f64, Fault> {
        let waiting = AtomicUsize::new(threads);
        let speeds: Vec<Result<f64, Fault>> = thread::scope(|scope| {
            let work = || {
                let mut ask = peer.ask()?;
                // Warm, as in the rounds of one.
                warm(&mut *ask, pairs)?;
                waiting.fetch_sub(1, Ordering::AcqRel);
                while waiting.load(Ordering::Acquire) > 0 {
                    spin_loop();
                }
                let start = Instant::now();
                for (sender, recipient) in pairs.iter().cycle().take(count) {
                    black_box(ask.sees(sender, recipient)?);
                }
                Ok(count as f64 / start.elapsed().as_secs_f64())
            };
            let running: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
            let done = running.into_iter().map(|thread| match thread.join() {
                Ok(speed) => speed,
                Err(_) => Err("a thread failed".into()),
            });
            done.collect()
        });
        speeds.into_iter().sum()
    };
    let start = Instant::now();
    let (mut one, mut two) = (0.0f64, 0.0f64);
    let mut rounds = 0;
    while rounds < 3 || start.elapsed() < budget {
        one = one.max(round(1)?);
        two = two.max(round(2)?);
        rounds += 1;
    }
    Ok(two / one)
}

fn warm(ask: &mut dyn Ask, pairs: &[(String, String)]) -> Result<(), Fault> {
    for (sender, recipient) in pairs.iter().take(20) {
        black_box(ask.sees(sender, recipient)?);
    }
    Ok(())
}

/// A figure of this process in KiB, such as `VmHWM`, the most memory it ever had.
pub fn memory(name: &str) -> Result<f64, Fault> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    let number = line.and_then(|line| line.split_ascii_whitespace().next());
    Ok(number.ok_or("no figure of memory")?.parse()?)
}
