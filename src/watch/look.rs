//! What lies under the watched paths at one moment, and where a change of it would be heard.
//!
//! A [`Look`] asks the file system for names and stamps only; it never opens a file, so looking changes nothing
//! and may be done as often as one likes. It is not for reading contents and holds no opinion on when a change
//! counts.
//!
//! Law: two looks are equal exactly when every file has the same path, place (device, inode), length and times, and
//! every folder the same path and place. What a link leads to counts, not the link: a swapped `..data` link shows
//! because the files behind it are others. Names that begin with `.`, and names of files that end in `~`, are no
//! content, unless a watched path itself is called so.

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::ffi::{OsStr, OsString};
use std::fs::{self, Metadata};
use std::path::{Component, Path, PathBuf};

use foldhash::fast::RandomState;

use crate::load::{place, times};

/// Entries in one look. A policy folder has a few; a link to `/` by mistake has millions.
pub(super) const MAX_ENTRIES: usize = 65_536;

/// Files that get a watch of their own, beside that of their folder. Only a file's own watch hears a write through
/// a hard link or a bind mount elsewhere.
pub(super) const MAX_FILE_WATCHES: usize = 4_096;

/// Links followed to reach one file, as in Linux.
const MAX_LINKS: usize = 40;

/// The stamps by path. Equal maps mean that nothing changed.
pub(super) type Seen = HashMap<PathBuf, Stamp, RandomState>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    File,
    Folder,
    /// There, but neither: a dangling link, a device, something we may not stat or list.
    Odd,
}

/// One file or folder as the file system describes it. Times are whole seconds and nanoseconds since 1970. What a
/// platform does not tell is 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    kind: Kind,
    place: (u64, u64),
    len: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Stamp {
    const ODD: Stamp = Stamp {
        kind: Kind::Odd,
        place: (0, 0),
        len: 0,
        modified: (0, 0),
        changed: (0, 0),
    };

    fn of(meta: &Metadata) -> Stamp {
        if meta.is_dir() {
            Stamp {
                kind: Kind::Folder,
                place: place(meta),
                ..Stamp::ODD
            }
        } else if meta.is_file() {
            let (modified, changed) = times(meta);
            Stamp {
                kind: Kind::File,
                place: place(meta),
                len: meta.len(),
                modified,
                changed,
            }
        } else {
            Stamp::ODD
        }
    }

    fn is_file(&self) -> bool {
        self.kind == Kind::File
    }

    /// Whether the file system keeps whole seconds only: a second write within the same second then leaves no trace.
    fn coarse(&self) -> bool {
        self.is_file() && self.modified.1 == 0 && self.changed.1 == 0
    }
}

/// Whether some file looks half written in `now`, seen after `before`: it grew where it lies, or it was written to
/// and is empty.
pub(super) fn half_written(before: &Seen, now: &Seen) -> bool {
    now.iter()
        .filter(|(_, stamp)| stamp.is_file())
        .any(|(path, stamp)| match before.get(path) {
            Some(old) if old == stamp => false,
            Some(old) => stamp.len == 0 || (stamp.place == old.place && stamp.len > old.len),
            None => stamp.len == 0,
        })
}

/// Whether a file that differs between the two carries a stamp that a further write might leave as it is.
pub(super) fn may_hide_a_write(before: &Seen, now: &Seen) -> bool {
    now.iter()
        .any(|(path, stamp)| stamp.coarse() && before.get(path) != Some(stamp))
}

/// One look at everything under some paths.
#[derive(Debug, Default)]
pub(super) struct Look {
    /// The stamps by the path as it was reached, links unresolved.
    pub(super) seen: Seen,
    /// The folders to watch, links resolved.
    pub(super) folders: BTreeSet<PathBuf>,
    /// The files to watch, links resolved, sorted by bytes, each once.
    pub(super) files: Vec<PathBuf>,
    /// There was more than [`MAX_ENTRIES`]; the rest was left out.
    pub(super) cut: bool,
}

impl Look {
    /// Looks at `paths`, absolute, files or folders, there or not. About 2 microseconds an entry on a local disk.
    pub(super) fn at<'a>(paths: impl IntoIterator<Item = &'a PathBuf>) -> Look {
        let mut look = Look::default();
        let mut walked = HashSet::new();
        for path in paths {
            // Most of them lie below one that was walked.
            if look.seen.contains_key(path) {
                continue;
            }
            if let Some(real) = look.resolve(path) {
                look.walk(path.clone(), real, &mut walked);
            }
        }
        // As bytes: to compare paths step by step takes ten times as long.
        let bytes = |one: &PathBuf, other: &PathBuf| one.as_os_str().cmp(other.as_os_str());
        look.files.sort_unstable_by(bytes);
        look.files.dedup();
        look
    }

    /// Takes up everything from `path`, which really is `real`, downwards. Each folder is walked once however many
    /// links lead to it, so circles end.
    fn walk(&mut self, path: PathBuf, real: PathBuf, walked: &mut HashSet<PathBuf>) {
        let mut todo = vec![(path, real)];
        while let Some((path, real)) = todo.pop() {
            if self.seen.len() >= MAX_ENTRIES {
                self.cut = true;
                return;
            }
            let stamp = fs::metadata(&real).map_or(Stamp::ODD, |meta| Stamp::of(&meta));
            self.seen.insert(path.clone(), stamp);
            match stamp.kind {
                Kind::File => {
                    self.files.push(real);
                }
                Kind::Folder if !walked.contains(&real) => {
                    walked.insert(real.clone());
                    self.folders.insert(real.clone());
                    match fs::read_dir(&real) {
                        Ok(entries) => self.enter(entries, &path, &real, &mut todo),
                        Err(_) => {
                            self.seen.insert(path, Stamp::ODD);
                        }
                    }
                }
                Kind::Folder | Kind::Odd => {}
            }
        }
    }

    fn enter(
        &mut self,
        entries: fs::ReadDir,
        path: &Path,
        real: &Path,
        todo: &mut Vec<(PathBuf, PathBuf)>,
    ) {
        for entry in entries {
            let Ok(entry) = entry else {
                // Not all of it could be listed: once it can be, that is a difference.
                self.seen.insert(path.to_path_buf(), Stamp::ODD);
                return;
            };
            if self.seen.len().saturating_add(todo.len()) >= MAX_ENTRIES {
                self.cut = true;
                return;
            }
            let name = entry.file_name();
            let kind = entry.file_type();
            let is_link = kind.as_ref().is_ok_and(fs::FileType::is_symlink);
            let is_folder = kind.is_ok_and(|kind| kind.is_dir());
            if !is_content(&name, is_folder || is_link) {
                continue;
            }
            let here = path.join(&name);
            if is_link {
                match self.resolve(&real.join(&name)) {
                    Some(real) => todo.push((here, real)),
                    None => {
                        self.seen.insert(here, Stamp::ODD);
                    }
                }
            } else {
                todo.push((here, real.join(&name)));
            }
        }
    }

    /// The place `path` leads to, without links, or nothing where it leads nowhere. Every folder in which the way
    /// could turn elsewhere joins the folders to watch: that of each link, that of the end, and where the way ends
    /// early the last folder that is there.
    fn resolve(&mut self, path: &Path) -> Option<PathBuf> {
        let mut real = PathBuf::new();
        let mut ahead: VecDeque<OsString> = steps(path).collect();
        let mut links = 0;
        while let Some(step) = ahead.pop_front() {
            if step == ".." {
                real.pop();
                continue;
            }
            let next = real.join(&step);
            let Ok(meta) = fs::symlink_metadata(&next) else {
                self.folders.insert(real);
                return None;
            };
            if !meta.file_type().is_symlink() {
                real = next;
                continue;
            }
            self.folders.insert(real.clone());
            links += 1;
            let target = fs::read_link(&next).ok().filter(|_| links <= MAX_LINKS)?;
            for step in steps(&target).collect::<Vec<_>>().into_iter().rev() {
                ahead.push_front(step);
            }
        }
        if let Some(parent) = real.parent() {
            self.folders.insert(parent.to_path_buf());
        }
        Some(real)
    }
}

/// The steps of a path. An absolute path begins with a step that, joined to anything, starts again at the root.
fn steps(path: &Path) -> impl Iterator<Item = OsString> + '_ {
    path.components()
        .filter(|step| *step != Component::CurDir)
        .map(|step| step.as_os_str().to_owned())
}

/// Whether a name is looked at: not that of an editor's backup, unless policies may lie behind it.
fn is_content(name: &OsStr, may_be_folder: bool) -> bool {
    let name = name.as_encoded_bytes();
    !name.starts_with(b".") && (may_be_folder || !name.ends_with(b"~"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(ino: u64, len: u64, ns: i64) -> Stamp {
        Stamp {
            kind: Kind::File,
            place: (1, ino),
            len,
            modified: (7, ns),
            changed: (7, ns),
        }
    }

    fn seen(stamp: Stamp) -> Seen {
        Seen::from_iter([(PathBuf::from("p"), stamp)])
    }

    #[test]
    fn growth_in_place_is_half_written_but_a_rename_over_is_whole() {
        assert!(half_written(&seen(file(1, 10, 1)), &seen(file(1, 20, 2))));
        assert!(half_written(&seen(file(1, 10, 1)), &seen(file(1, 0, 2))));
        assert!(half_written(&Seen::default(), &seen(file(1, 0, 2))));
        assert!(!half_written(&seen(file(1, 10, 1)), &seen(file(2, 20, 2))));
        assert!(!half_written(&seen(file(1, 10, 1)), &seen(file(1, 10, 2))));
        assert!(!half_written(&seen(file(1, 0, 1)), &seen(file(1, 0, 1))));
    }

    #[test]
    fn whole_second_stamps_may_hide_a_write() {
        assert!(may_hide_a_write(
            &seen(file(1, 10, 1)),
            &seen(file(1, 10, 0))
        ));
        assert!(!may_hide_a_write(
            &seen(file(1, 10, 0)),
            &seen(file(1, 10, 0))
        ));
        assert!(!may_hide_a_write(
            &seen(file(1, 10, 1)),
            &seen(file(1, 10, 2))
        ));
    }

    #[test]
    fn names_of_editors_and_hidden_things_are_no_content() {
        for name in [".p.swp", "..data", ".git", "p.dsl~"] {
            assert!(!is_content(OsStr::new(name), false), "{name}");
        }
        for name in ["p.dsl", "groups.yaml", "a.b~c"] {
            assert!(is_content(OsStr::new(name), false), "{name}");
        }
        assert!(is_content(OsStr::new("site~"), true));
        assert!(!is_content(OsStr::new(".git"), true));
    }

    #[cfg(unix)]
    #[test]
    fn circles_of_links_end() -> std::io::Result<()> {
        let dir = tempfile::tempdir()?;
        let root = dir.path().join("r");
        fs::create_dir(&root)?;
        fs::write(root.join("p"), "x")?;
        std::os::unix::fs::symlink(&root, root.join("again"))?;
        std::os::unix::fs::symlink("b", root.join("a"))?;
        std::os::unix::fs::symlink("a", root.join("b"))?;
        let look = Look::at([&root]);
        assert_eq!(look.files.len(), 1);
        assert_eq!(look.seen.len(), 5, "{:?}", look.seen);
        assert!(!look.cut);
        Ok(())
    }
}
