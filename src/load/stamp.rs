//! How the system describes a file, to tell without reading it that it is what it was, and that two names
//! lead to one file.
//!
//! Law: a stamp is trusted only if it was old when the file was read: times are kept so coarsely that a
//! write right after another leaves none. What a platform does not tell is 0.

use std::fs::{self, Metadata};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// So long before a file was read its last change must have been. The coarsest file systems count in
/// steps of two seconds.
const OLD: Duration = Duration::from_secs(3);

/// The place, length and times of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Stamp {
    place: (u64, u64),
    len: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Stamp {
    /// `None` where the platform does not tell when a file last changed: the time of its last write can
    /// be set.
    pub(super) fn of(meta: &Metadata) -> Option<Stamp> {
        let (modified, changed) = times(meta);
        let stamp = Stamp {
            place: place(meta),
            len: meta.len(),
            modified,
            changed,
        };
        (changed != (0, 0)).then_some(stamp)
    }

    /// Whether every write from now on leaves another stamp.
    pub(super) fn is_old(&self, now: SystemTime) -> bool {
        let before = now.checked_sub(OLD);
        let before = before.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        let before = before.unwrap_or_default();
        let seconds = i64::try_from(before.as_secs()).unwrap_or_default();
        self.modified.max(self.changed) < (seconds, i64::from(before.subsec_nanos()))
    }
}

/// What a file is, whatever names lead to it.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) enum Identity {
    /// The whole stamp: some file systems, of networks and in user space, number several files alike.
    Stamp(Stamp),
    /// Its path without links, where files have no numbers.
    Path(PathBuf),
}

impl Identity {
    /// Costs nothing where files have numbers, else finding the path.
    pub(super) fn of(path: &Path, stamp: Option<Stamp>) -> Identity {
        match stamp.filter(|stamp| stamp.place.1 != 0) {
            Some(stamp) => Identity::Stamp(stamp),
            // A path that cannot be found names a file of its own, which is then read.
            None => Identity::Path(fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())),
        }
    }
}

/// The device and the number of a file on it.
#[cfg(unix)]
pub(crate) fn place(meta: &Metadata) -> (u64, u64) {
    use std::os::unix::fs::MetadataExt;
    (meta.dev(), meta.ino())
}

/// When a file was last written and when anything of it last changed, in seconds and nanoseconds since
/// 1970.
#[cfg(unix)]
pub(crate) fn times(meta: &Metadata) -> ((i64, i64), (i64, i64)) {
    use std::os::unix::fs::MetadataExt;
    (
        (meta.mtime(), meta.mtime_nsec()),
        (meta.ctime(), meta.ctime_nsec()),
    )
}

/// The device and the number of a file on it.
#[cfg(not(unix))]
pub(crate) fn place(_: &Metadata) -> (u64, u64) {
    (0, 0)
}

/// When a file was last written and when anything of it last changed, in seconds and nanoseconds since
/// 1970.
#[cfg(not(unix))]
pub(crate) fn times(meta: &Metadata) -> ((i64, i64), (i64, i64)) {
    let since = meta
        .modified()
        .ok()
        .and_then(|t| t.duration_since(UNIX_EPOCH).ok());
    let since = since.unwrap_or_default();
    (
        (
            i64::try_from(since.as_secs()).unwrap_or(i64::MAX),
            i64::from(since.subsec_nanos()),
        ),
        (0, 0),
    )
}
