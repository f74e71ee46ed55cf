//! A new text written into the file as it lies there: only where the file's owner cannot be kept otherwise.
//!
//! Law: the old text lies beside the file, on the disk, from before the first byte is written until the
//! last one is on the disk. What goes wrong in between is taken back; if that cannot be either, or the
//! program or the machine ends, the old text stays there, and the next run says so.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fmt;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Seek, Write};
use std::path::{Path, PathBuf};

use presence_router::diagnostic::visible;

use super::{Original, RANDOM, Refused, beside, failed, no_room, prefix};

/// How the names of files end that hold an old text.
const OLD: &str = ".before";

/// Writes a text into the file, which was looked at just before.
pub fn write(original: &Original, text: &[u8]) -> Result<(), Refused> {
    let target = &original.target;
    let mut old =
        beside(target, OLD, None).map_err(|error| Refused::Failed(no_room(target, &error)))?;
    // Whoever finds it meanwhile sees that it is in use.
    let _ = old.as_file().try_lock();
    let kept = old
        .write_all(&original.text)
        .and_then(|()| old.as_file().sync_all())
        .and_then(|()| sync_folder(target));
    kept.map_err(|error| failed(&error))?;
    let mut file = OpenOptions::new()
        .write(true)
        .open(target)
        .map_err(|error| failed(&error))?;
    let Err(error) = fill(&mut file, text) else {
        return Ok(());
    };
    match fill(&mut file, &original.text) {
        Ok(()) => Err(failed(&error)),
        Err(_) => {
            old.disable_cleanup(true);
            let path = old.path().to_string_lossy();
            let path = visible(&path);
            let why =
                format!("{error}; the file is damaged, and its text of before is in `{path}`");
            Err(Refused::Failed(why))
        }
    }
}

/// Written over what there is and then cut: a text that finds no room is noticed before the old one's room
/// is given away.
fn fill(file: &mut File, text: &[u8]) -> io::Result<()> {
    file.rewind()?;
    file.write_all(text)?;
    file.set_len(text.len() as u64)?;
    file.sync_all()
}

/// The name of a file made there is on the disk, too.
fn sync_folder(target: &Path) -> io::Result<()> {
    match target.parent() {
        Some(folder) if cfg!(unix) => File::open(folder)?.sync_all(),
        _ => Ok(()),
    }
}

/// An old text that a run left beside a file.
pub struct OldText {
    old: PathBuf,
    file: PathBuf,
}

impl fmt::Display for OldText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "`{}` holds what `{}` held before a run that was cut short wrote to it: compare the two, \
             then remove it",
            self.old.display(),
            self.file.display()
        )
    }
}

/// Old texts that runs left beside files when they were cut short. Each folder is looked into once.
#[derive(Default)]
pub struct LeftBehind {
    folders: HashMap<PathBuf, Vec<PathBuf>>,
}

impl LeftBehind {
    /// Those of one file, links followed, that may be needed. One is not if the file has the same text, or what `new` makes
    /// of it; then it is taken away.
    pub fn of(
        &mut self,
        target: &Path,
        text: &str,
        new: impl Fn(&str) -> Option<String>,
    ) -> Vec<OldText> {
        let Some(folder) = target.parent() else {
            return Vec::new();
        };
        let all = match self.folders.get(folder) {
            Some(all) => all,
            None => self
                .folders
                .entry(folder.to_owned())
                .or_insert(old_texts(folder)),
        };
        let start = prefix(target);
        let own = all.iter().filter(|path| {
            let name = path.file_name().unwrap_or_default();
            let rest = name
                .as_encoded_bytes()
                .strip_prefix(start.as_encoded_bytes());
            // Nothing but what makes it one of its own, so that `a` is not taken for `a.b`.
            rest.is_some_and(|rest| rest.len() == RANDOM + OLD.len())
        });
        let needed = own.filter(|path| {
            let Ok(file) = File::open(path) else {
                return true;
            };
            if matches!(file.try_lock(), Err(TryLockError::WouldBlock)) {
                return false;
            }
            let same = |old: &String| old == text || new(old).is_some_and(|new| new == text);
            let is_whole = fs::read_to_string(path).is_ok_and(|old| same(&old));
            !(is_whole && fs::remove_file(path).is_ok())
        });
        let told = needed.map(|old| OldText {
            old: old.clone(),
            file: target.to_owned(),
        });
        told.collect()
    }
}

fn old_texts(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let names = entries.map(|entry| entry.path());
    let mut old: Vec<PathBuf> = names
        .filter(|path| path.extension() == Some(OsStr::new("before")))
        .collect();
    old.sort();
    old
}
