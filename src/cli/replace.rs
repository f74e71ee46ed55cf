//! A file gets a new text: whole, or not at all.
//!
//! Law: whoever reads the file while it is written, or after a crash, finds the old text or the new
//! one. A link stays a link; owner and permissions stay.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

/// Writes `text` to a file that is there. What is in the way is an error, and nothing is changed.
pub fn replace(path: &Path, text: &str) -> io::Result<()> {
    let target = fs::canonicalize(path)?;
    // A rename asks the folder only, so a file that must not be written is asked for here.
    OpenOptions::new().write(true).open(&target)?;
    let (Some(folder), Some(name)) = (target.parent(), target.file_name()) else {
        return Err(io::Error::other("it is no file"));
    };
    // Names that start with `.` are in no policy.
    let mut beside = OsString::from(".");
    beside.push(name);
    beside.push(format!(".{}.tmp", std::process::id()));
    let beside = folder.join(beside);
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&beside)?;
    let done = fill(&mut file, &target, text).and_then(|()| fs::rename(&beside, &target));
    if done.is_err() {
        let _ = fs::remove_file(&beside);
    }
    done
}

fn fill(file: &mut File, target: &Path, text: &str) -> io::Result<()> {
    let like = fs::metadata(target)?;
    keep_owner(file, &like)?;
    file.set_permissions(like.permissions())?;
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
