//! Says when files may have changed: paths, a quiet time, a callback.
//!
//! One thread watches files and folders and calls back once what lies there has changed and come to rest. It is not
//! for reading the files, nor for knowing which of them matter or whether the change was a good one: the callback
//! does that, and answers with the paths to watch from then on.
//!
//! # Law
//!
//! - **Looking decides, events only say when.** A change is a difference between two looks at names and stamps
//!   (device, inode, length, modified and changed time of each file). Events come from the system when it has some,
//!   and a sweep every two seconds finds what they missed: network mounts, mounts laid over a folder, a parent
//!   renamed far above. So an open by a reader, an editor's swap file or a log beside the policy calls nobody.
//! - **Watch first, look second, call third.** What is taken as known was looked at before the callback began to
//!   read, so a change during the reading is a difference again. For the same reason the callback is called once at
//!   the start, and once more when it names other paths.
//! - **Every change is reported within [`Timing::limit`]** of the moment it was noticed, also while files go on
//!   changing. A call too many is possible and harmless, a change without a call is not.
//! - Reading never leads to a call, so there is no endless loop.
//!
//! # Half-written files
//!
//! A half file that parses is another policy. A file put in place by rename is always whole. For a file written in
//! place the call waits
//!
//! - [`Timing::quiet`] after the last difference,
//! - [`Timing::growth`] after a file grew where it lies (an append is one), or was found emptied,
//! - until the writer closes a file that it has written to, where the system tells (Linux).
//!
//! None of it waits longer than [`Timing::limit`]. So half a file is read only from a writer that takes longer than
//! the limit, or that closes the file halfway and pauses. Whoever writes by rename is on the safe side.
//!
//! # When the system gives no events
//!
//! At the limits of inotify the status becomes [`WatchStatus::Degraded`], one warning is logged, looks come every
//! second, and every 30 seconds it asks for events again.

mod look;
mod notice;

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use look::{Look, MAX_ENTRIES, Seen, half_written, may_hide_a_write};
use notice::{Mailbox, News, Notifier};

/// At least this long between two looks, however many events come; a look that itself takes longer than a quarter
/// of it stretches it, to [`MAX_GAP`] at most.
const MIN_GAP: Duration = Duration::from_millis(40);
const MAX_GAP: Duration = Duration::from_millis(200);

/// Where time stamps are whole seconds, a second write can hide behind the first for this long.
const STAMP_DOUBT: Duration = Duration::from_secs(2);

/// Looks in a row for folders that appear while watches are made.
const MAX_LOOKS: usize = 8;

/// Calls in a row for a callback that names other paths each time.
const MAX_CALLS: usize = 3;

/// How long to wait for what. The default is meant to be used; tests shorten it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// Nothing may have changed for this long before the call. 100 ms.
    pub quiet: Duration,
    /// No file may have grown where it lies for this long before the call. 250 ms.
    pub growth: Duration,
    /// The call comes this long after the first change even if the changes go on. 700 ms, so that with the reading
    /// a save is in force within a second.
    pub limit: Duration,
    /// Between two looks without an event. 2 s.
    pub sweep: Duration,
    /// The same while the system gives no events. 1 s.
    pub sweep_degraded: Duration,
    /// Between two attempts to get events again. 30 s.
    pub retry: Duration,
}

impl Default for Timing {
    fn default() -> Timing {
        Timing {
            quiet: Duration::from_millis(100),
            growth: Duration::from_millis(250),
            limit: Duration::from_millis(700),
            sweep: Duration::from_secs(2),
            sweep_degraded: Duration::from_secs(1),
            retry: Duration::from_secs(30),
        }
    }
}

/// How changes are noticed at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WatchStatus {
    /// By events of the system, and by sweeps.
    Live,
    /// By sweeps; events are missing, at least for some of the files.
    Degraded,
    /// Not at all: the thread has ended or could not be started.
    Stopped,
}

#[derive(Debug, Default)]
struct Shared {
    mailbox: Arc<Mailbox>,
    status: AtomicU8,
}

impl Shared {
    fn status(&self) -> WatchStatus {
        match self.status.load(Ordering::Relaxed) {
            0 => WatchStatus::Live,
            1 => WatchStatus::Degraded,
            _ => WatchStatus::Stopped,
        }
    }

    /// Returns the status before.
    fn set_status(&self, status: WatchStatus) -> WatchStatus {
        let before = self.status();
        let number = match status {
            WatchStatus::Live => 0,
            WatchStatus::Degraded => 1,
            WatchStatus::Stopped => 2,
        };
        self.status.store(number, Ordering::Relaxed);
        before
    }
}

/// A thread that watches. Dropping it ends the thread and waits for its end.
///
/// The wait is short (milliseconds) unless the callback is running, whose end it then awaits: do not drop it while
/// holding a lock that the callback, or the logger, needs (Python's global lock is one). Dropped by the callback
/// itself it does not wait; the thread ends when the callback returns.
#[derive(Debug)]
pub struct Watcher {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Watcher {
    /// Watches `paths`: files, and folders with all below them; links are followed; what is not there yet counts
    /// from when it appears. Relative paths are taken from the directory current now.
    ///
    /// `on_change` runs on the watch thread, first as soon as the watches stand, then after every change. It returns
    /// the paths to watch from then on, also those that it could not read. A panic in it is logged, and the paths stay as
    /// they were.
    ///
    /// Never fails: without events it goes on by sweeping, and without a thread the status is
    /// [`WatchStatus::Stopped`] and an error is logged. A sweep costs about 2 microseconds a file.
    pub fn start(
        paths: Vec<PathBuf>,
        timing: Timing,
        on_change: impl FnMut() -> Vec<PathBuf> + Send + 'static,
    ) -> Watcher {
        let shared = Arc::new(Shared::default());
        let paths = absolute(paths);
        let theirs = Arc::clone(&shared);
        let thread = thread::Builder::new()
            .name("presence-watch".to_owned())
            .spawn(move || {
                let watching = AssertUnwindSafe(|| {
                    Watching::new(paths, timing, on_change, Arc::clone(&theirs)).run()
                });
                if catch_unwind(watching).is_err() {
                    log::error!("the watch thread has failed, changes of files are no longer seen");
                }
                theirs.set_status(WatchStatus::Stopped);
            });
        let thread = match thread {
            Ok(thread) => Some(thread),
            Err(error) => {
                log::error!("no thread to watch files, changes will not be seen: {error}");
                shared.set_status(WatchStatus::Stopped);
                None
            }
        };
        Watcher { shared, thread }
    }

    /// How changes are noticed at the moment. Costs one atomic load.
    pub fn status(&self) -> WatchStatus {
        self.shared.status()
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.shared.mailbox.stop();
        if let Some(thread) = self.thread.take()
            && thread.thread().id() != thread::current().id()
        {
            let _ = thread.join();
        }
    }
}

/// A difference that has not been reported yet.
struct Pending {
    seen: Seen,
    first: Instant,
    last: Instant,
    half_written: Option<Instant>,
    open: bool,
}

impl Pending {
    fn due(&self, timing: &Timing) -> Instant {
        let limit = after(self.first, timing.limit);
        if self.open {
            return limit;
        }
        let grown = self.half_written.map(|at| after(at, timing.growth));
        after(self.last, timing.quiet)
            .max(grown.unwrap_or(self.last))
            .min(limit)
    }
}

/// What the thread knows.
struct Watching<F> {
    paths: BTreeSet<PathBuf>,
    timing: Timing,
    on_change: F,
    shared: Arc<Shared>,
    notifier: Option<Notifier>,
    /// As it was before the callback last read.
    reported: Seen,
    pending: Option<Pending>,
    /// Call once more at this time, because the last call may have come too early.
    again: Option<Instant>,
    next_look: Instant,
    next_sweep: Instant,
    next_retry: Instant,
    cut: bool,
}

impl<F: FnMut() -> Vec<PathBuf>> Watching<F> {
    fn new(
        paths: BTreeSet<PathBuf>,
        timing: Timing,
        on_change: F,
        shared: Arc<Shared>,
    ) -> Watching<F> {
        let now = Instant::now();
        Watching {
            paths,
            timing,
            on_change,
            shared,
            notifier: None,
            reported: Seen::default(),
            pending: None,
            again: None,
            next_look: now,
            next_sweep: now,
            next_retry: now,
            cut: false,
        }
    }

    fn run(mut self) {
        self.connect();
        let look = self.look();
        self.report(look.seen, true);
        while let Some(news) = self.shared.mailbox.wait(self.next_look, self.wake()) {
            self.step(news);
        }
    }

    fn wake(&self) -> Instant {
        let call = self
            .pending
            .as_ref()
            .map(|pending| pending.due(&self.timing))
            .or(self.again);
        call.map_or(self.next_sweep, |at| at.min(self.next_sweep))
    }

    /// One round: take the news, look, and report if the time has come.
    fn step(&mut self, news: News) {
        let now = Instant::now();
        if let Some(reason) = &news.broken {
            log::debug!("starting file events anew: {reason}");
            self.connect();
        } else if self.notifier.is_none() && now >= self.next_retry {
            self.connect();
        } else if let Some(notifier) = &mut self.notifier {
            news.moved.iter().for_each(|path| notifier.forget(path));
        }
        let mut look = self.look();
        if look.seen == self.reported {
            self.pending = None;
            self.shared.mailbox.forget_writers();
            if self.again.is_some_and(|at| at <= now) {
                self.report(look.seen, true);
            }
            return;
        }
        if self.pending.is_none() && !news.any {
            // A change without an event: the watches may sit on what is no longer there.
            if let Some(notifier) = &mut self.notifier {
                notifier.forget_all();
                look = self.look();
            }
        }
        let looked = Instant::now();
        let open = self.shared.mailbox.being_written(&look.files);
        let before = self
            .pending
            .as_ref()
            .map_or(&self.reported, |pending| &pending.seen);
        let half = half_written(before, &look.seen).then_some(looked);
        let pending = match self.pending.take() {
            None => Pending {
                seen: look.seen,
                first: now,
                last: looked,
                half_written: half,
                open,
            },
            Some(old) => Pending {
                last: if old.seen == look.seen {
                    old.last
                } else {
                    looked
                },
                first: old.first,
                half_written: half.or(old.half_written),
                seen: look.seen,
                open,
            },
        };
        if pending.due(&self.timing) <= looked {
            let settled = looked < after(pending.first, self.timing.limit);
            self.report(pending.seen, settled);
        } else {
            self.pending = Some(pending);
        }
    }

    /// Calls back, and again while the answer names other paths: those were read before they were watched. An answer
    /// that is another each time gets its way for a few calls.
    fn report(&mut self, seen: Seen, settled: bool) {
        let doubt = !settled || may_hide_a_write(&self.reported, &seen);
        self.reported = seen;
        self.pending = None;
        self.shared.mailbox.forget_writers();
        for _ in 0..MAX_CALLS {
            if self.shared.mailbox.stopped() {
                return;
            }
            let Ok(paths) = catch_unwind(AssertUnwindSafe(&mut self.on_change)) else {
                log::error!("reading after a change of files has failed, the watch goes on");
                break;
            };
            let paths = absolute(paths);
            if paths == self.paths {
                break;
            }
            let before = std::mem::replace(&mut self.paths, paths);
            let look = self.look();
            self.take_as_known(look.seen, &before);
        }
        self.again = doubt.then(|| after(Instant::now(), STAMP_DOUBT));
    }

    /// After a change of paths takes as known what `seen` has below the new ones. Below those that were watched before
    /// all stays as it was reported: it may have changed since the callback read it.
    fn take_as_known(&mut self, seen: Seen, before: &BTreeSet<PathBuf>) {
        let below = |roots: &BTreeSet<PathBuf>, path: &PathBuf| {
            path.ancestors().any(|folder| roots.contains(folder))
        };
        self.reported.retain(|path, _| below(&self.paths, path));
        self.reported
            .extend(seen.into_iter().filter(|(path, _)| !below(before, path)));
    }

    /// Makes the watches fit what is there, and says what is there since then.
    fn look(&mut self) -> Look {
        let start = Instant::now();
        let mut look = Look::at(&self.paths);
        for _ in 0..MAX_LOOKS {
            let Some(notifier) = &mut self.notifier else {
                break;
            };
            match notifier.follow(&look, &self.shared.mailbox) {
                Ok(true) => look = Look::at(&self.paths),
                Ok(false) => {
                    self.live();
                    break;
                }
                Err(error) => {
                    self.degrade(&error);
                    break;
                }
            }
        }
        if look.cut && !self.cut {
            log::warn!(
                "more than {MAX_ENTRIES} files are watched, changes of the rest will not be seen"
            );
        }
        self.cut = look.cut;
        let end = Instant::now();
        let cost = end.saturating_duration_since(start);
        self.next_look = after(end, cost.saturating_mul(4).clamp(MIN_GAP, MAX_GAP));
        self.next_sweep = after(end, self.sweep().max(MIN_GAP));
        look
    }

    fn sweep(&self) -> Duration {
        match self.shared.status() {
            WatchStatus::Degraded => self.timing.sweep_degraded,
            _ => self.timing.sweep,
        }
    }

    /// Starts file events anew, without watches.
    fn connect(&mut self) {
        self.notifier = match Notifier::new(Arc::clone(&self.shared.mailbox)) {
            Ok(notifier) => Some(notifier),
            Err(error) => {
                self.degrade(&error);
                None
            }
        };
        self.next_retry = after(Instant::now(), self.timing.retry);
    }

    fn degrade(&self, error: &notify::Error) {
        if self.shared.set_status(WatchStatus::Degraded) != WatchStatus::Degraded {
            let every = self.timing.sweep_degraded;
            log::warn!(
                "no events for some files, looking at them every {every:?} instead: {error}"
            );
        }
    }

    fn live(&self) {
        if self.shared.set_status(WatchStatus::Live) == WatchStatus::Degraded {
            log::info!("file events are back");
        }
    }
}

/// A time that can always be computed.
fn after(time: Instant, wait: Duration) -> Instant {
    let day = Duration::from_secs(86_400);
    time.checked_add(wait.min(day)).unwrap_or(time)
}

/// The paths without order, doubles and relative ones. An empty path is none.
fn absolute(paths: Vec<PathBuf>) -> BTreeSet<PathBuf> {
    paths
        .iter()
        .filter_map(|path| std::path::absolute(path).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    const LIMIT: Duration = Duration::from_secs(20);

    #[test]
    fn a_notifier_that_failed_is_made_anew() -> Result<(), Box<dyn std::error::Error>> {
        let temp = tempfile::tempdir()?;
        let root = temp.path().join("policies");
        std::fs::create_dir(&root)?;
        let (tell, calls) = mpsc::channel();
        let same = root.clone();
        let timing = Timing {
            sweep: Duration::MAX,
            ..Timing::default()
        };
        let watcher = Watcher::start(vec![root.clone()], timing, move || {
            let names = std::fs::read_dir(&same).map_or(0, |entries| entries.count());
            let _ = tell.send(names);
            vec![same.clone()]
        });
        assert_eq!(calls.recv_timeout(LIMIT)?, 0);
        for n in 1..4 {
            watcher
                .shared
                .mailbox
                .hear(Err(notify::Error::generic("as the test wants it")));
            std::fs::write(root.join(n.to_string()), "x")?;
            while calls.recv_timeout(LIMIT)? < n {}
        }
        assert_eq!(watcher.status(), WatchStatus::Live);
        Ok(())
    }

    #[test]
    fn the_wait_follows_the_worst_sign_but_ends_at_the_limit() {
        let timing = Timing::default();
        let now = Instant::now();
        let ms = |ms| now + Duration::from_millis(ms);
        let pending = |last, half: Option<u64>, open| Pending {
            seen: Seen::default(),
            first: now,
            last: ms(last),
            half_written: half.map(ms),
            open,
        };
        assert_eq!(pending(0, None, false).due(&timing), ms(100));
        assert_eq!(pending(300, Some(300), false).due(&timing), ms(550));
        assert_eq!(pending(300, Some(0), false).due(&timing), ms(400));
        assert_eq!(pending(650, None, false).due(&timing), ms(700));
        assert_eq!(pending(0, None, true).due(&timing), ms(700));
    }
}
