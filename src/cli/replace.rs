//! A file gets a new text: whole, or not at all.
//!
//! Law: whoever reads the file while it is written, or after a crash, finds the old text or the new
//! one. A link stays a link; owner and permissions stay.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// A new text on the disk, beside the file whose place it is to take. Dropped, it is gone.
pub struct Staged {
    beside: PathBuf,
    target: PathBuf,
}

impl Staged {
    /// Writes the text beside a file that is there.
    pub fn new(path: &Path, text: &str) -> io::Result<Self> {
        let target = fs::canonicalize(path)?;
        // A rename asks the folder only, so a file that must not be written is asked for here.
        OpenOptions::new().write(true).open(&target)?;
        if fs::metadata(&target)?.permissions().readonly() {
            return Err(io::Error::other("it is read-only"));
        }
        let (mut file, staged) = Self::open(target)?;
        let like = fs::metadata(&staged.target)?;
        keep_owner(&file, &like)?;
        file.set_permissions(like.permissions())?;
        fill(&mut file, text)?;
        Ok(staged)
    }

    fn open(target: PathBuf) -> io::Result<(File, Self)> {
        let (Some(folder), Some(name)) = (target.parent(), target.file_name()) else {
            return Err(io::Error::other("it is no file"));
        };
        // Names that start with `.` are in no policy.
        let mut beside = OsString::from(".");
        beside.push(name);
        beside.push(format!(".{}.tmp", std::process::id()));
        let beside = folder.join(beside);
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&beside)?;
        Ok((file, Staged { beside, target }))
    }

    /// Gives the file the new text.
    pub fn put(self) -> io::Result<()> {
        fs::rename(&self.beside, &self.target)
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        // Once renamed it is not there.
        let _ = fs::remove_file(&self.beside);
    }
}

/// Writes `text` to a file that is there. What is in the way is an error, and nothing is changed.
pub fn replace(path: &Path, text: &str) -> io::Result<()> {
    Staged::new(path, text)?.put()
}

/// Writes `text` to a file, which is made if it is not there.
pub fn put(path: &Path, text: &str) -> io::Result<()> {
    if path.exists() {
        return replace(path, text);
    }
    let (mut file, staged) = Staged::open(path.to_owned())?;
    fill(&mut file, text)?;
    staged.put()
}

fn fill(file: &mut File, text: &str) -> io::Result<()> {
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

#[cfg(unix)]
fn keep_owner(file: &File, like: &fs::Metadata) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt, fchown};

    let own = file.metadata()?;
    let uid = (own.uid() != like.uid()).then(|| like.uid());
    let gid = (own.gid() != like.gid()).then(|| like.gid());
    if uid.is_none() && gid.is_none() {
        return Ok(());
    }
    fchown(file, uid, gid)
        .map_err(|error| io::Error::new(error.kind(), format!("its owner would change: {error}")))
}

#[cfg(not(unix))]
fn keep_owner(_: &File, _: &fs::Metadata) -> io::Result<()> {
    Ok(())
}
