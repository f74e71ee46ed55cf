//! Files get new texts: each whole, or not at all.
//!
//! A new text is written beside the file, given all that the file has but its text, brought to the disk,
//! and takes the file's place by a rename. Many are brought to the disk at once (`many`), for waiting for
//! the disk is what takes the time. `attributes` is what a file has besides its text; where its owner
//! cannot be kept the text is written into the file as it lies there (`in_place`); `interrupt` is about
//! being stopped meanwhile.
//!
//! Not for: which files are written, nor what is put into them.
//!
//! Law: whoever reads a file while it is written, or after a crash, finds the old text or the new one, but
//! for `in_place`, which keeps the old one beside it. A file that is no longer as it was read is left
//! alone. A link stays a link; owner, group, permissions, access lists and attributes stay.

mod attributes;
mod in_place;
mod interrupt;
mod many;

use std::ffi::OsString;
use std::fs::{self, File, Metadata, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Read, Seek, Write};
use std::path::{Path, PathBuf};

use presence_router::diagnostic::visible;
use tempfile::{Builder, NamedTempFile};

pub use in_place::LeftBehind;
pub use interrupt::Interrupt;
pub use many::{is_full, put, stage};

use attributes::Unkept;

/// How many bytes of a file's name the name of one beside it begins with: names have 255 at most.
const NAME_BYTES: usize = 180;

/// How many letters tell apart the names of files beside one.
const RANDOM: usize = 8;

/// How the names of files end that are to take another one's place.
const TEMPORARY: &str = ".tmp";

/// Why a file is left as it is.
#[derive(Debug)]
pub enum Refused {
    /// It is no longer what was read.
    Changed,
    /// No other file can take its place, though it may be written itself.
    Tied(String),
    /// What else is in the way.
    Failed(String),
}

impl Refused {
    /// What is in the way, to be said behind the file's name.
    pub fn why(&self) -> &str {
        match self {
            Refused::Changed => "it has changed meanwhile, and is left as it is now",
            Refused::Tied(why) | Refused::Failed(why) => why,
        }
    }
}

/// What is to become of a file.
#[derive(Debug)]
pub struct Change {
    /// The file itself, links followed.
    pub target: PathBuf,
    /// What was read of it.
    pub before: Vec<u8>,
    /// What it is to hold.
    pub after: Vec<u8>,
}

/// A file as it was when it was read. It is kept open, so that no other one can be taken for it.
#[derive(Debug)]
struct Original {
    /// The file itself, links followed.
    target: PathBuf,
    file: File,
    like: Metadata,
    text: Vec<u8>,
}

impl Original {
    /// Opens a file that is to be written, and reads it.
    fn read(target: PathBuf) -> Result<Self, Refused> {
        // A rename asks the folder only, so a file that must not be written is asked for here.
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .open(&target)
            .map_err(|error| not_writable(&target, &error))?;
        let like = file.metadata().map_err(|error| failed(&error))?;
        if !like.is_file() {
            return Err(Refused::Failed("it is not a regular file".to_owned()));
        }
        if like.permissions().readonly() {
            return Err(Refused::Failed("it is read-only".to_owned()));
        }
        let mut text = Vec::new();
        file.read_to_end(&mut text)
            .map_err(|error| failed(&error))?;
        let original = Original {
            target,
            file,
            like,
            text,
        };
        original.is_free()?;
        Ok(original)
    }

    /// Whether another file can take its place: the only one that this name leads to, and not mounted.
    fn is_free(&self) -> Result<(), Refused> {
        let names = attributes::names(&self.like);
        if names > 1 {
            return Err(Refused::Tied(format!(
                "it has {names} names (hard links), and the others would keep the old text"
            )));
        }
        match attributes::is_mounted(&self.target, &self.like) {
            true => Err(Refused::Tied(MOUNTED.to_owned())),
            false => Ok(()),
        }
    }

    /// Whether the file at its place is this one, with the text and all else that it had.
    fn is_as_it_was(&self) -> bool {
        fs::symlink_metadata(&self.target)
            .is_ok_and(|now| attributes::is_same(&self.like, &now) && self.holds(&self.text))
    }

    /// Lets another file take its place.
    fn give_place_to(&self, beside: NamedTempFile) -> Result<(), Refused> {
        match attributes::exchange(beside.path(), &self.target) {
            // What came between the last look and now has not been overwritten: it lies beside.
            Some(Ok(())) => {
                let is_this = |now: Metadata| attributes::is_same_text(&self.like, &now);
                let there = fs::symlink_metadata(beside.path());
                if there.is_ok_and(is_this) && self.holds(&self.text) {
                    return Ok(());
                }
                match attributes::exchange(beside.path(), &self.target) {
                    Some(Ok(())) => Err(Refused::Changed),
                    _ => {
                        let kept = beside.keep().map_err(|error| failed(&error.error))?;
                        let path = kept.1.to_string_lossy();
                        let path = visible(&path);
                        let why = format!(
                            "it has changed meanwhile, and what it was then is in `{path}`"
                        );
                        Err(Refused::Failed(why))
                    }
                }
            }
            Some(Err(error)) => Err(not_renamed(&error)),
            None => match beside.persist(&self.target) {
                Ok(_) => Ok(()),
                Err(error) => Err(not_renamed(&error.error)),
            },
        }
    }

    /// Whether this is the text of the open file.
    fn holds(&self, text: &[u8]) -> bool {
        let mut now = Vec::with_capacity(text.len() + 1);
        let mut file = &self.file;
        file.rewind().is_ok()
            && file
                .take(text.len() as u64 + 1)
                .read_to_end(&mut now)
                .is_ok()
            && now == text
    }
}

const MOUNTED: &str =
    "it is mounted by itself (a bind mount), so that no other file can take its place";

/// A new text that waits for its place. Dropped, it is gone and the file is as it was.
#[derive(Debug)]
pub struct Staged {
    original: Original,
    text: Vec<u8>,
    way: Way,
}

#[derive(Debug)]
enum Way {
    /// By a file that lies beside.
    Rename(NamedTempFile),
    /// The owner cannot be kept otherwise.
    InPlace,
    /// Whoever was quicker with the same text.
    Done,
}

impl Staged {
    /// Refused if the file does not hold any more what was read.
    fn of(change: Change) -> Result<Self, Refused> {
        let original = Original::read(change.target)?;
        match original.text == change.before {
            true => Self::new(original, change.after),
            false if original.text == change.after => Ok(Staged {
                original,
                text: change.after,
                way: Way::Done,
            }),
            false => Err(Refused::Changed),
        }
    }

    /// Writes a text beside the file whose place it is to take, up to the disk.
    fn new(original: Original, text: Vec<u8>) -> Result<Self, Refused> {
        let target = &original.target;
        let mut beside = beside(target, TEMPORARY, None)
            .map_err(|error| Refused::Tied(no_room(target, &error)))?;
        let written = beside.write_all(&text);
        written.map_err(|error| failed(&error))?;
        let file = beside.as_file();
        let way = match attributes::copy(&original.file, &original.like, file) {
            Ok(()) => {
                file.sync_all().map_err(|error| failed(&error))?;
                Way::Rename(beside)
            }
            Err(Unkept::Owner) => Way::InPlace,
            Err(Unkept::Other(why)) => return Err(Refused::Failed(why)),
        };
        Ok(Staged {
            original,
            text,
            way,
        })
    }

    /// Gives the file its new text, after a last look at it. What is given back is to be dropped: that
    /// the old text is let go may take its time.
    fn put(self) -> Result<File, Refused> {
        let Staged {
            original,
            text,
            way,
        } = self;
        if !original.is_as_it_was() {
            return match fs::read(&original.target).is_ok_and(|now| now == text) {
                true => Ok(original.file),
                false => Err(Refused::Changed),
            };
        }
        match way {
            Way::Done => {}
            Way::InPlace => in_place::write(&original, &text)?,
            Way::Rename(beside) => original.give_place_to(beside)?,
        }
        Ok(original.file)
    }
}

/// Writes `text` to a file, which is made if it is not there.
pub fn write_whole(path: &Path, text: &str) -> Result<(), Refused> {
    if path.exists() {
        let target = fs::canonicalize(path).map_err(|error| failed(&error))?;
        let staged = Staged::new(Original::read(target)?, text.into())?;
        return staged.put().map(drop);
    }
    let made = || {
        let mut file = beside(path, TEMPORARY, attributes::of_a_new_file())?;
        file.write_all(text.as_bytes())?;
        file.as_file().sync_all()?;
        file.persist(path).map(drop).map_err(|error| error.error)
    };
    made().map_err(|error| failed(&error))
}

/// A new file beside another one, which goes when it is dropped: hidden, so that it is in no policy, and
/// under a name of its own, so that none that was left behind is in the way.
fn beside(target: &Path, end: &str, permissions: Option<Permissions>) -> io::Result<NamedTempFile> {
    let folder = match target.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let prefix = prefix(target);
    let mut builder = Builder::new();
    builder.prefix(&prefix).suffix(end).rand_bytes(RANDOM);
    if let Some(permissions) = permissions {
        builder.permissions(permissions);
    }
    let made = builder.tempfile_in(folder);
    // The name of a file that was not made says nothing.
    made.map_err(|error| error.kind().into())
}

/// What the names of files beside another one begin with.
fn prefix(target: &Path) -> OsString {
    let name = target.file_name().unwrap_or_default();
    let mut prefix = OsString::from(".");
    if name.len() <= NAME_BYTES {
        prefix.push(name);
    } else {
        let name = name.to_string_lossy();
        // A character takes four bytes at most.
        prefix.extend(
            name.chars()
                .take(NAME_BYTES / 4)
                .map(String::from)
                .map(OsString::from),
        );
    }
    prefix.push(".");
    prefix
}

fn not_renamed(error: &io::Error) -> Refused {
    match error.kind() {
        ErrorKind::ResourceBusy => Refused::Tied(MOUNTED.to_owned()),
        ErrorKind::NotFound => Refused::Changed,
        _ => failed(error),
    }
}

fn failed(error: &io::Error) -> Refused {
    Refused::Failed(error.to_string())
}

/// Why a file cannot be opened for writing.
fn not_writable(target: &Path, error: &io::Error) -> Refused {
    let who = match error.kind() {
        ErrorKind::PermissionDenied => attributes::who(target),
        _ => String::new(),
    };
    Refused::Failed(format!("{error}{who}"))
}

/// Why no file can be made beside another one.
fn no_room(target: &Path, error: &io::Error) -> String {
    let folder = target.parent().unwrap_or(target);
    let who = match error.kind() {
        ErrorKind::PermissionDenied => attributes::who(folder),
        _ => String::new(),
    };
    let folder = folder.to_string_lossy();
    let folder = visible(&folder);
    format!("no new file can be made beside it in `{folder}`: {error}{who}")
}

#[cfg(test)]
#[cfg(unix)]
mod tests;
