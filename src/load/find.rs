//! Which files a policy is made of: one, or every `*.policy` below a folder, but for names that start with
//! `.`.
//!
//! Not for: reading them (`load`), nor what their names tell (`naming`).
//!
//! Law: whatever is there is read, or its name alone says that it is no part of the policy, or it is a
//! problem: that something cannot be looked at never counts as its absence. Each folder is looked into once
//! and each file read once, however many names lead to it.

use std::collections::{BTreeMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::fs::{self, Metadata};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use super::Loader;
use super::naming::{ENDING, is_meant_as_policy};
use super::refused::is_in_closed_folder;
use super::stamp::{Identity, Stamp, place};
use crate::diagnostic::{Diagnostic, Name};
use crate::source::shown;

/// Made by the system at the root of a volume, for what it could save of broken files.
const LOST_AND_FOUND: &str = "lost+found";

/// A file that is to be read.
#[derive(Debug)]
pub(super) struct FileAt {
    /// Its path below the policy, with `/`: files stand in the order of its bytes.
    pub(super) below: OsString,
    /// The name it is shown under.
    pub(super) name: String,
    /// The path to open.
    pub(super) path: PathBuf,
    /// How it was described when it was found.
    pub(super) stamp: Option<Stamp>,
}

/// What was found below a folder.
#[derive(Debug, Default)]
pub(super) struct Findings {
    /// The policy files, in the order of their names.
    pub(super) files: Vec<FileAt>,
    /// Files that are not read because of their names, though meant as policies.
    pub(super) ignored: Vec<FileAt>,
    /// There are policy files that were found before, below another path.
    were_read_before: bool,
}

/// A name to be looked at: those on whose way there is no link come first, then bytes decide. So a file
/// that has several is found under its real one, if that is in the policy.
type Key = (bool, OsString);

/// What a name in a folder says before it is looked at.
enum Entry {
    /// A folder, and its path without links.
    Folder(PathBuf),
    /// A link, to whatever.
    Link,
    /// Anything else.
    File,
}

#[derive(Default)]
struct Walk {
    waiting: BTreeMap<Key, (PathBuf, Entry)>,
    /// Folders looked into, without links.
    folders: HashSet<PathBuf>,
    /// Folders that may not be searched, which is told once of each.
    closed: HashSet<OsString>,
}

impl Loader {
    /// The files of the policy at a path.
    pub(super) fn find(&mut self, root: &Path) -> Findings {
        let mut found = Findings::default();
        let problems = self.problems.len();
        let name = root.file_name().unwrap_or(root.as_os_str());
        let meta = match fs::metadata(root) {
            Ok(meta) => meta,
            Err(error) => {
                self.not_given(name, root, root, &error);
                return found;
            }
        };
        if !meta.is_dir() {
            let stamp = Stamp::of(&meta);
            if !meta.is_file() || self.seen.insert(Identity::of(root, stamp)) {
                found.files.push(self.file_at(name, root.to_owned(), stamp));
            }
            return found;
        }
        self.is_folder = true;
        let mut walk = Walk::default();
        match fs::canonicalize(root) {
            Ok(real) => self.list((false, OsString::new()), root, real, &mut walk, &mut found),
            Err(error) => self.not_given(OsStr::new(""), root, root, &error),
        }
        while let Some(((linked, below), (path, entry))) = walk.waiting.pop_first() {
            let folder = match entry {
                Entry::Folder(real) => Ok(Some(real)),
                Entry::File | Entry::Link => match fs::metadata(&path) {
                    Ok(meta) if meta.is_dir() => fs::canonicalize(&path).map(Some),
                    Ok(meta) => {
                        self.take(&below, &path, &meta, &mut found);
                        Ok(None)
                    }
                    Err(error) => Err(error),
                },
            };
            match folder {
                Ok(Some(real)) => self.list((linked, below), &path, real, &mut walk, &mut found),
                Ok(None) => {}
                Err(error) => self.refused(&below, &path, &error, &mut walk),
            }
        }
        let is_empty = found.files.is_empty() && !found.were_read_before;
        if is_empty && self.problems.len() == problems {
            let span = self.nothing(&self.name_of(OsStr::new(""), root), root);
            let root = shown(root.as_os_str());
            let message = format!("there is no `*.policy` file in `{root}`");
            let help =
                "put a file such as `main.policy` there; names that start with `.` are skipped";
            self.problems
                .push(Diagnostic::new(Name::UnreadableFile, span, message, help));
        }
        found.files.sort_by(|a, b| a.below.cmp(&b.below));
        found
    }

    /// Takes up what is no folder, as far as it is meant as a part of the policy.
    fn take(&mut self, below: &OsStr, path: &Path, meta: &Metadata, found: &mut Findings) {
        let stamp = Stamp::of(meta);
        let file = self.file_at(below, path.to_owned(), stamp);
        if !below.as_encoded_bytes().ends_with(ENDING.as_bytes()) {
            let name = path.file_name().unwrap_or_default();
            if meta.is_file() && is_meant_as_policy(&name.to_string_lossy()) {
                found.ignored.push(file);
            }
        } else if !meta.is_file() || self.seen.insert(Identity::of(path, stamp)) {
            // What is no regular file cannot be read, and is told of when that is tried.
            found.files.push(file);
        } else {
            found.were_read_before = true;
        }
    }

    /// Takes up what lies in a folder, which really is `real`.
    fn list(
        &mut self,
        (linked, below): Key,
        folder: &Path,
        real: PathBuf,
        walk: &mut Walk,
        found: &mut Findings,
    ) {
        if !walk.folders.insert(real.clone()) {
            return;
        }
        let entries = match fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) => return self.refused(&below, folder, &error, walk),
        };
        for entry in entries {
            let entry = match entry {
                Ok(entry) => entry,
                // What was not listed may be anything.
                Err(error) => return self.refused(&below, folder, &error, walk),
            };
            let name = entry.file_name();
            if name.as_encoded_bytes().starts_with(b".") {
                continue;
            }
            let path = entry.path();
            let mut here = below.clone();
            if !here.is_empty() {
                here.push("/");
            }
            here.push(&name);
            let kind = match entry.file_type() {
                Ok(kind) => kind,
                Err(error) => {
                    self.refused(&here, &path, &error, walk);
                    continue;
                }
            };
            let is_policy = name.as_encoded_bytes().ends_with(ENDING.as_bytes());
            if kind.is_symlink() {
                walk.waiting.insert((true, here), (path, Entry::Link));
            } else if kind.is_dir() {
                if name != LOST_AND_FOUND || !(below.is_empty() || is_volume(folder)) {
                    let entry = Entry::Folder(real.join(&name));
                    walk.waiting.insert((linked, here), (path, entry));
                }
            } else if is_policy {
                walk.waiting.insert((linked, here), (path, Entry::File));
            } else if kind.is_file() && is_meant_as_policy(&name.to_string_lossy()) {
                found.ignored.push(self.file_at(&here, path, None));
            }
        }
    }

    /// Tells that something below the policy cannot be looked at; of a folder that may not be searched once
    /// for all that lies in it.
    fn refused(&mut self, below: &OsStr, path: &Path, error: &io::Error, walk: &mut Walk) {
        let folder = (Path::new(below).parent(), path.parent());
        match folder {
            (Some(below), Some(folder))
                if error.kind() == ErrorKind::PermissionDenied && is_in_closed_folder(path) =>
            {
                if walk.closed.insert(below.as_os_str().to_owned()) {
                    self.not_given(below.as_os_str(), folder, path, error);
                }
            }
            _ => self.not_given(below, path, path, error),
        }
    }

    /// Tells that a file or folder cannot be read, which was found out when `asked` was looked at.
    fn not_given(&mut self, below: &OsStr, path: &Path, asked: &Path, error: &io::Error) {
        let span = self.nothing(&self.name_of(below, path), path);
        let name = match below.is_empty() {
            true => path.as_os_str(),
            false => below,
        };
        self.unreadable(span, &shown(name), asked, error);
    }

    fn file_at(&self, below: &OsStr, path: PathBuf, stamp: Option<Stamp>) -> FileAt {
        FileAt {
            below: below.to_owned(),
            name: self.name_of(below, &path),
            path,
            stamp,
        }
    }

    /// The name that something is shown under: its path below the policy, `.` for the policy's folder.
    fn name_of(&self, below: &OsStr, path: &Path) -> String {
        let name = match self.shows_paths {
            true => path.as_os_str(),
            false if below.is_empty() => OsStr::new("."),
            false => below,
        };
        shown(name).into_owned()
    }
}

/// Whether a folder is the root of a volume: what lies above it is on another device.
fn is_volume(folder: &Path) -> bool {
    let device = |path: &Path| fs::metadata(path).map(|meta| place(&meta).0);
    match (device(folder), device(&folder.join(".."))) {
        (Ok(own), Ok(above)) => own != above,
        _ => false,
    }
}
