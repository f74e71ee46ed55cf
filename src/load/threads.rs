//! Work that falls into pieces, done by several threads.
//!
//! Law: the results come in the order of the pieces, whoever did them; where no thread can be started,
//! the caller does all of it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, Builder, ScopedJoinHandle};

/// More threads than these gain nothing: memory sets the pace.
const MOST_THREADS: usize = 8;

/// How many processors there are.
pub(super) fn processors() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

/// Does the pieces `0..count`, in so many threads at most.
pub(super) fn each<T: Send>(
    count: usize,
    threads: usize,
    work: impl Fn(usize) -> T + Sync,
) -> Vec<T> {
    let threads = threads.min(count).min(MOST_THREADS);
    let next = AtomicUsize::new(0);
    let take = || {
        let mut done = Vec::new();
        loop {
            let piece = next.fetch_add(1, Ordering::Relaxed);
            if piece >= count {
                return done;
            }
            done.push((piece, work(piece)));
        }
    };
    let mut done = thread::scope(|scope| {
        let start = |_| Builder::new().spawn_scoped(scope, take).ok();
        let others: Vec<ScopedJoinHandle<'_, _>> = (1..threads).filter_map(start).collect();
        let mut done = take();
        for other in others {
            match other.join() {
                Ok(pieces) => done.extend(pieces),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        done
    });
    done.sort_unstable_by_key(|(piece, _)| *piece);
    done.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn results_come_in_order() {
        for count in [0, 1, 2, 1000] {
            let squares = super::each(count, super::processors(), |at| at * at);
            assert!(squares.into_iter().eq((0..count).map(|at| at * at)));
        }
    }
}
