//! Why the system does not give a file or a folder: in words that say what to change.
//!
//! Not for: where the problem is shown (`load`).
//!
//! Law: what is said was looked at, after the failure: it names what stands in the way, or says no more than
//! the system did.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use super::paths::{MAX_LINKS, or_here};
use crate::source::shown;

/// Why a file or folder could not be opened, listed or looked at: what the system said, and where permission
/// was missing of what, whose that is and who asked. Lower case where it is not the system's own text.
///
/// Costs a look at each folder on the way.
pub fn why_unreadable(path: &Path, error: &io::Error) -> String {
    match error.kind() {
        ErrorKind::PermissionDenied => {
            let said = "permission denied".to_owned();
            match denied(path) {
                Some(why) => format!("{said}: {why}"),
                None => said,
            }
        }
        ErrorKind::NotFound => match dangling(path) {
            Some((link, target)) => {
                let target = shown(target.as_os_str());
                match link == path {
                    true => format!("{error}: it is a link to `{target}`"),
                    false => {
                        let link = shown(link.as_os_str());
                        format!("{error}: `{link}` is a link to `{target}`")
                    }
                }
            }
            None => error.to_string(),
        },
        _ => error.to_string(),
    }
}

/// Whether even the name of a file may not be looked up: then its folder may not be searched.
pub(super) fn is_in_closed_folder(path: &Path) -> bool {
    fs::symlink_metadata(path).is_err_and(|error| error.kind() == ErrorKind::PermissionDenied)
}

/// What may not be opened or searched, whose it is, and who asked.
#[cfg(unix)]
fn denied(path: &Path) -> Option<String> {
    use std::os::unix::fs::MetadataExt;

    let asking = rustix::process::geteuid().as_raw();
    let describe = |at: &Path| {
        let meta = fs::metadata(at).ok()?;
        let name = |id: u32| match id {
            0 => "root".to_owned(),
            id => id.to_string(),
        };
        let (mode, user, group) = (meta.mode() & 0o7777, name(meta.uid()), name(meta.gid()));
        Some(format!(
            "it is {mode:04o} {user}:{group}, and this is run by uid {asking}"
        ))
    };
    match closed_folder(path) {
        Some(folder) => {
            let folder = or_here(&folder);
            let name = shown(folder.as_os_str());
            let whose = describe(folder)?;
            Some(format!("`{name}` may not be searched: {whose}"))
        }
        None => describe(path),
    }
}

#[cfg(not(unix))]
fn denied(_: &Path) -> Option<String> {
    None
}

/// The first link on the way to a path that leads nowhere, and what it leads to.
fn dangling(path: &Path) -> Option<(&Path, PathBuf)> {
    let ways: Vec<&Path> = path.ancestors().collect();
    let link = ways.into_iter().rev().find(|at| {
        let is_gone = fs::metadata(at).is_err_and(|error| error.kind() == ErrorKind::NotFound);
        is_gone && fs::symlink_metadata(at).is_ok()
    })?;
    Some((link, fs::read_link(link).ok()?))
}

/// The first folder on the way to a path, links followed, in which nothing may be looked up.
fn closed_folder(path: &Path) -> Option<PathBuf> {
    let mut path = path.to_owned();
    for _ in 0..MAX_LINKS {
        let ways: Vec<&Path> = path.ancestors().collect();
        let denied = |at: &Path| {
            fs::metadata(at).is_err_and(|error| error.kind() == ErrorKind::PermissionDenied)
        };
        let first = ways.iter().rev().find(|at| denied(at))?;
        let folder = first.parent()?;
        let Ok(target) = fs::read_link(first) else {
            return is_in_closed_folder(first).then(|| folder.to_owned());
        };
        // What stands in the way lies on the way that the link turns to.
        path = folder.join(target);
    }
    None
}
