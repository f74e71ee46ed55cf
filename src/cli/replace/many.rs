//! Many files at once: several threads wait for the disk, which works on many writes in the time of a few.
//!
//! Law: a file is given its new text only after that is on the disk; that one is refused stops no other.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, Builder};

use super::{Change, Refused, Staged};

/// How many files are brought to the disk together: few enough that each is looked at again soon after it
/// was read, and that all may be open at once.
const FILES: usize = 64;

/// How many bytes of texts are.
const BYTES: usize = 8 << 20;

/// How many threads wait for the disk.
const THREADS: usize = 16;

/// Whether so many files, with so many bytes of texts, are to be brought to the disk before more are read.
pub fn is_full(files: usize, bytes: usize) -> bool {
    files >= FILES || bytes >= BYTES
}

/// Brings new texts to the disk, each beside its file.
pub fn stage(changes: Vec<Change>) -> Vec<Result<Staged, Refused>> {
    each(changes, Staged::of)
}

/// Gives files their new texts, in this order.
pub fn put(staged: Vec<Staged>) -> Vec<Result<(), Refused>> {
    let mut old = Vec::with_capacity(staged.len());
    let put = staged
        .into_iter()
        .map(|staged| staged.put().map(|file| old.push(file)));
    let put = put.collect();
    // The system may take as long to let go of a text as to take one.
    each(old, drop);
    put
}

/// Does something with each of these, in several threads; the results are in the same order.
fn each<A: Send, B: Send>(all: Vec<A>, work: impl Fn(A) -> B + Sync) -> Vec<B> {
    if all.len() < 2 {
        return all.into_iter().map(work).collect();
    }
    let threads = all.len().min(THREADS);
    let all: Vec<Mutex<Option<A>>> = all.into_iter().map(|one| Mutex::new(Some(one))).collect();
    let next = AtomicUsize::new(0);
    let mut done: Vec<(usize, B)> = Vec::with_capacity(all.len());
    thread::scope(|scope| {
        let worker = || {
            let mut own = Vec::new();
            loop {
                let at = next.fetch_add(1, Ordering::Relaxed);
                let Some(one) = all.get(at) else {
                    return own;
                };
                let one = one.lock().unwrap_or_else(PoisonError::into_inner).take();
                own.extend(one.map(|one| (at, work(one))));
            }
        };
        // Fewer do where the system gives no more.
        let start = |_| Builder::new().spawn_scoped(scope, worker).ok();
        let others: Vec<_> = (1..threads).filter_map(start).collect();
        done.extend(worker());
        for other in others {
            match other.join() {
                Ok(own) => done.extend(own),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
    });
    done.sort_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, result)| result).collect()
}
