//! Timing calls: one by one for what they spread over, many at once for their mean.
//!
//! Reading the clock takes as long as the shortest calls do. Of each call that is timed by itself, what
//! two readings with nothing between them take (their median) is taken away. The mean needs none of
//! that: it is of calls in runs, with one reading before and one after each run; and since a run in
//! which the system let something else go first says nothing, it is that of the middle run.

use std::time::{Duration, Instant};

use super::report::Spread;
use super::statistics::{median, quantile};

/// So many calls are in a run.
const RUN: usize = 64;

/// Of an operation that takes longer the clock is no part worth a run.
const SHORT_NS: u64 = 10_000;

/// No more calls are timed by themselves.
const MOST_CALLS: usize = 200_000;

/// The clock, and what reading it takes.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    pub cost_ns: u64,
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

impl Clock {
    pub fn new() -> Self {
        let mut readings: Vec<u64> = (0..10_001)
            .map(|_| nanos(Instant::now().elapsed()))
            .collect();
        readings.sort_unstable();
        let cost_ns = quantile(&readings, 0.5);
        Clock { cost_ns }
    }

    /// What a call takes, without the clock; at least 1.
    pub fn time(self, call: impl FnOnce()) -> u64 {
        let began = Instant::now();
        call();
        nanos(began.elapsed()).saturating_sub(self.cost_ns).max(1)
    }

    /// What each of `count` calls takes on average, from one reading before and one after them.
    pub fn time_run(self, count: usize, mut call: impl FnMut(usize)) -> f64 {
        let all = self.time(|| (0..count).for_each(&mut call));
        all as f64 / count.max(1) as f64
    }

    /// Calls for as long as `budget`, at least once. `call` is given the number of the call.
    pub fn spread(
        self,
        budget: Duration,
        mut call: impl FnMut(usize),
        mut tick: impl FnMut(),
    ) -> Spread {
        let began = Instant::now();
        let mut single: Vec<u64> = Vec::new();
        let mut runs: Vec<f64> = Vec::new();
        let mut at = 0;
        let first = self.time(|| call(0));
        if first < nanos(budget) / 100 {
            // What is read for the first time waits for memory; a tenth of the time goes by first.
            while began.elapsed() < budget / 10 {
                at += 1;
                call(at);
            }
        } else {
            single.push(first);
        }
        while single.is_empty() || began.elapsed() < budget && single.len() < MOST_CALLS {
            let mut last = 0;
            for _ in 0..RUN {
                at += 1;
                last = self.time(|| call(at));
                single.push(last);
                if last > SHORT_NS && began.elapsed() > budget {
                    break;
                }
            }
            if last < SHORT_NS {
                runs.push(self.time_run(RUN, |step| call(at + step)));
                at += RUN;
            }
            tick();
        }
        let mean = match runs.is_empty() {
            true => mean(&single),
            false => median(&runs),
        };
        spread(single, mean)
    }
}

/// What the processors did for each of `count` calls on average, in nanoseconds: in all threads, and
/// without what they did for others meanwhile.
pub fn worked(count: usize, mut call: impl FnMut(usize)) -> f64 {
    let before = processor();
    (0..count).for_each(&mut call);
    let worked = nanos(processor().saturating_sub(before)).max(1);
    worked as f64 / count.max(1) as f64
}

/// The time that this process had a processor so far.
#[cfg(unix)]
fn processor() -> Duration {
    use rustix::time::{ClockId, clock_gettime};

    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::try_from(time).unwrap_or_default()
}

/// The same as on the wall, where the system does not tell.
#[cfg(not(unix))]
fn processor() -> Duration {
    use std::sync::OnceLock;

    static START: OnceLock<Instant> = OnceLock::new();
    START.get_or_init(Instant::now).elapsed()
}

/// The mean of times, 0 of none.
pub fn mean(times: &[u64]) -> f64 {
    times.iter().sum::<u64>() as f64 / times.len().max(1) as f64
}

/// Says of times what is to be said.
pub fn spread(mut times: Vec<u64>, mean: f64) -> Spread {
    times.sort_unstable();
    Spread {
        calls: times.len(),
        mean_ns: (mean * 10.0).round() / 10.0,
        median_ns: quantile(&times, 0.5),
        p99_ns: quantile(&times, 0.99),
        worst_ns: quantile(&times, 1.0),
        sorted_ns: times,
    }
}

/// How much of the time in which this thread wanted a processor it had none, in percent. `None` where
/// the system does not tell (only Linux does).
pub fn waited_percent() -> Option<f64> {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    let mut numbers = told
        .split(' ')
        .map_while(|number| number.parse::<f64>().ok());
    let (had, waited) = (numbers.next()?, numbers.next()?);
    let percent = 100.0 * waited / (had + waited).max(1.0);
    Some((percent * 10.0).round() / 10.0)
}
