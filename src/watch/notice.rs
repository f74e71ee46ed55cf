//! The one home of notify: it turns file events into a note that says "look again".
//!
//! A [`Notifier`] keeps watches on single folders and files (never recursive: notify's recursion goes deaf after
//! `rm -rf` and `mkdir`) and drops what it hears into a [`Mailbox`]. It is not for finding out what changed: events
//! get lost, merged and named wrongly, so they only say when to look.
//!
//! Law: whatever is heard fits in the mailbox, however much it is: notes merge, none waits in a queue. Nothing here
//! panics; notify's own unwraps are caught.

use std::collections::{BTreeSet, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use notify::event::{AccessKind, AccessMode, EventKind, ModifyKind};
use notify::{Error, ErrorKind, Event, RecommendedWatcher, RecursiveMode, Watcher};

use super::look::{Look, MAX_FILE_WATCHES};

/// Paths kept in a mailbox between two looks. Beyond it a path is worth no more than "everything".
const MAX_PATHS: usize = 4_096;

/// What was heard since the last time someone asked.
#[derive(Debug, Default)]
pub(super) struct News {
    /// Something happened.
    pub(super) any: bool,
    /// What came, went or was renamed: a watch there or below may sit on something that is gone.
    pub(super) moved: BTreeSet<PathBuf>,
    /// Events were lost or the watch failed, and how.
    pub(super) broken: Option<String>,
}

#[derive(Debug, Default)]
struct Inside {
    news: News,
    /// Written to and not closed since, as far as heard.
    open: HashSet<PathBuf>,
    stop: bool,
}

/// Where events wait, merged, until the watch thread asks.
#[derive(Debug, Default)]
pub(super) struct Mailbox {
    inside: Mutex<Inside>,
    bell: Condvar,
}

impl Mailbox {
    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn stop(&self) {
        self.inside().stop = true;
        self.bell.notify_all();
    }

    pub(super) fn stopped(&self) -> bool {
        self.inside().stop
    }

    /// Waits for news, which it gives no earlier than `earliest`, or until `latest`. Nothing means stop.
    pub(super) fn wait(&self, earliest: Instant, latest: Instant) -> Option<News> {
        let mut inside = self.inside();
        loop {
            if inside.stop {
                return None;
            }
            let now = Instant::now();
            let until = if inside.news.any {
                earliest.min(latest)
            } else {
                latest
            };
            let left = until.saturating_duration_since(now);
            if left.is_zero() {
                return Some(std::mem::take(&mut inside.news));
            }
            inside = self
                .bell
                .wait_timeout(inside, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    /// Whether one of `files` was written to and not closed since. Forgets what is none of them.
    pub(super) fn being_written(&self, files: &[PathBuf]) -> bool {
        let mut inside = self.inside();
        inside.open.retain(|path| files.contains(path));
        !inside.open.is_empty()
    }

    pub(super) fn forget_writers(&self) {
        self.inside().open.clear();
    }

    /// What notify calls with each event. Merges it into the news and returns at once.
    pub(super) fn hear(&self, heard: notify::Result<Event>) {
        let mut inside = self.inside();
        match heard {
            Err(error) => inside.news.broken = Some(error.to_string()),
            Ok(event) if event.need_rescan() => {
                inside.news.broken = Some("events were lost".to_owned())
            }
            Ok(event) => match event.kind {
                // We read the files ourselves: taking these for news would never end.
                EventKind::Access(
                    AccessKind::Open(_) | AccessKind::Read | AccessKind::Close(AccessMode::Read),
                ) => {
                    return;
                }
                EventKind::Access(AccessKind::Close(_)) => inside.closed(&event.paths),
                EventKind::Access(_) | EventKind::Modify(ModifyKind::Metadata(_)) => {}
                EventKind::Modify(ModifyKind::Name(_))
                | EventKind::Create(_)
                | EventKind::Remove(_) => {
                    inside.closed(&event.paths);
                    inside.moved(event.paths);
                }
                EventKind::Modify(_) => inside.written(event.paths),
                EventKind::Any | EventKind::Other => inside.moved(event.paths),
            },
        }
        inside.news.any = true;
        drop(inside);
        self.bell.notify_all();
    }
}

impl Inside {
    /// Only Linux tells when a writer closes; elsewhere a file would count as being written for ever.
    fn written(&mut self, paths: Vec<PathBuf>) {
        if cfg!(any(target_os = "linux", target_os = "android")) && self.open.len() < MAX_PATHS {
            self.open.extend(paths);
        }
    }

    fn closed(&mut self, paths: &[PathBuf]) {
        for path in paths {
            self.open.remove(path);
        }
    }

    fn moved(&mut self, paths: Vec<PathBuf>) {
        if self.news.moved.len() < MAX_PATHS {
            self.news.moved.extend(paths);
        } else {
            self.news.broken = Some("too many renames at once".to_owned());
        }
    }
}

/// One notify watcher and the watches it holds.
pub(super) struct Notifier {
    watcher: Option<RecommendedWatcher>,
    made: HashSet<PathBuf>,
}

impl Notifier {
    /// A notifier without watches. Fails where the system gives none, as at inotify's limit of instances.
    pub(super) fn new(mailbox: Arc<Mailbox>) -> notify::Result<Notifier> {
        let watcher = guarded(|| notify::recommended_watcher(move |heard| mailbox.hear(heard)))?;
        Ok(Notifier {
            watcher: Some(watcher),
            made: HashSet::new(),
        })
    }

    /// Gives up the watches at `path` and below.
    pub(super) fn forget(&mut self, path: &Path) {
        let below = self.made.iter().filter(|made| made.starts_with(path));
        let gone: Vec<_> = below.cloned().collect();
        self.unwatch(&gone);
    }

    /// Gives up all watches.
    pub(super) fn forget_all(&mut self) {
        let gone: Vec<_> = self.made.iter().cloned().collect();
        self.unwatch(&gone);
    }

    /// Makes the watches be those of `look`; says whether one was newly made, in which case the caller looks again.
    /// What is gone by now or may not be watched is passed over. About 15 microseconds a new watch.
    pub(super) fn follow(&mut self, look: &Look, mailbox: &Mailbox) -> notify::Result<bool> {
        let files = || look.files.iter().take(MAX_FILE_WATCHES);
        let wanted: HashSet<&PathBuf> = look.folders.iter().chain(files()).collect();
        let gone: Vec<_> = self
            .made
            .iter()
            .filter(|path| !wanted.contains(path))
            .cloned()
            .collect();
        self.unwatch(&gone);
        let mut new = false;
        for path in look.folders.iter().chain(files()) {
            if self.made.contains(path) {
                continue;
            }
            if mailbox.stopped() {
                return Ok(false);
            }
            let Some(watcher) = &mut self.watcher else {
                return Ok(false);
            };
            match guarded(|| watcher.watch(path, RecursiveMode::NonRecursive)) {
                Ok(()) => {
                    self.made.insert(path.clone());
                    new = true;
                }
                Err(error) if is_about_the_path(&error) => {
                    log::debug!("no watch on `{}`: {error}", path.display())
                }
                Err(error) => return Err(error),
            }
        }
        Ok(new)
    }

    /// notify may have given the watch up already, which it then calls an error.
    fn unwatch(&mut self, paths: &[PathBuf]) {
        for path in paths {
            self.made.remove(path);
            if let Some(watcher) = &mut self.watcher {
                let _ = guarded(|| watcher.unwatch(path));
            }
        }
    }
}

impl Drop for Notifier {
    fn drop(&mut self) {
        let watcher = self.watcher.take();
        let _ = guarded(|| {
            drop(watcher);
            Ok(())
        });
    }
}

fn is_about_the_path(error: &Error) -> bool {
    use std::io::ErrorKind as Io;
    match &error.kind {
        ErrorKind::PathNotFound => true,
        ErrorKind::Io(io) => matches!(
            io.kind(),
            Io::NotFound | Io::PermissionDenied | Io::NotADirectory
        ),
        _ => false,
    }
}

/// notify unwraps its channel to a thread that may not have been started.
fn guarded<T>(call: impl FnOnce() -> notify::Result<T>) -> notify::Result<T> {
    catch_unwind(AssertUnwindSafe(call))
        .unwrap_or_else(|_| Err(Error::generic("the thread of notify is gone")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use notify::event::{CreateKind, DataChange, Flag};
    use std::time::Duration;

    fn news(mailbox: &Mailbox) -> News {
        let now = Instant::now();
        mailbox.wait(now, now).unwrap_or_default()
    }

    fn event(kind: EventKind) -> notify::Result<Event> {
        Ok(Event::new(kind).add_path(PathBuf::from("/p")))
    }

    #[test]
    fn reading_is_no_news() {
        let mailbox = Mailbox::default();
        mailbox.hear(event(EventKind::Access(AccessKind::Open(AccessMode::Any))));
        mailbox.hear(event(EventKind::Access(AccessKind::Close(
            AccessMode::Read,
        ))));
        assert!(!news(&mailbox).any);
        mailbox.hear(event(EventKind::Create(CreateKind::File)));
        let heard = news(&mailbox);
        assert!(heard.any && heard.broken.is_none());
        assert!(heard.moved.contains(Path::new("/p")));
        assert!(!news(&mailbox).any);
    }

    #[test]
    fn lost_events_break_the_watch_even_without_a_path() {
        let mailbox = Mailbox::default();
        mailbox.hear(Ok(Event::new(EventKind::Other).set_flag(Flag::Rescan)));
        assert!(news(&mailbox).broken.is_some());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_file_is_being_written_until_closed() {
        let mailbox = Mailbox::default();
        let files = vec![PathBuf::from("/p")];
        let written = || event(EventKind::Modify(ModifyKind::Data(DataChange::Any)));
        mailbox.hear(written());
        assert!(mailbox.being_written(&files));
        mailbox.hear(event(EventKind::Access(AccessKind::Close(
            AccessMode::Write,
        ))));
        assert!(!mailbox.being_written(&files));
        mailbox.hear(written());
        assert!(!mailbox.being_written(&Vec::new()));
    }

    #[test]
    fn the_mailbox_stays_small_and_stops() {
        let mailbox = Mailbox::default();
        for n in 0..2 * MAX_PATHS {
            mailbox.hear(Ok(
                Event::new(EventKind::Any).add_path(PathBuf::from(n.to_string()))
            ));
        }
        let heard = news(&mailbox);
        assert!(heard.moved.len() <= MAX_PATHS && heard.broken.is_some());
        mailbox.stop();
        let now = Instant::now();
        assert!(mailbox.wait(now, now + Duration::from_secs(60)).is_none());
    }
}
