//! What a file has besides its text: owner, group, permissions, access lists, extended attributes, other
//! names; and how two files change places.
//!
//! Not for: texts.
//!
//! Law: what `copy` gives its word for is all there, or it says what is not.

use std::fs::{File, Metadata, Permissions};
use std::path::Path;

/// What a new file cannot be given.
#[derive(Debug)]
pub enum Unkept {
    /// The owner or the group.
    Owner,
    /// Something else, said for people.
    Other(String),
}

#[cfg(unix)]
pub use unix::{copy, exchange, is_mounted, is_same, is_same_text, names, of_a_new_file, who};

#[cfg(not(unix))]
pub use elsewhere::{copy, exchange, is_mounted, is_same, is_same_text, names, of_a_new_file, who};

#[cfg(unix)]
mod unix {
    use std::io;
    use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};

    use presence_router::diagnostic::visible;
    use rustix::fs::{
        XattrFlags, fgetxattr, fgetxattr_query, flistxattr, flistxattr_query, fremovexattr,
        fsetxattr,
    };
    use rustix::io::Errno;
    use rustix::process::{getegid, geteuid};

    use super::{File, Metadata, Path, Permissions, Unkept};

    /// The access list of a file; a new one takes its folder's.
    const ACCESS_LIST: &[u8] = b"system.posix_acl_access";

    /// What the kernel keeps of a file's bytes, which is not true of other bytes.
    const OF_THE_BYTES: [&[u8]; 2] = [b"security.ima", b"security.evm"];

    /// Gives a new file what another one has besides its text.
    pub fn copy(from: &File, like: &Metadata, to: &File) -> Result<(), Unkept> {
        keep_owner(to, like)?;
        keep_attributes(from, to)?;
        // Last: a new owner takes permissions away, and so does an access list.
        let told =
            |error: io::Error| Unkept::Other(format!("its permissions cannot be kept: {error}"));
        to.set_permissions(like.permissions()).map_err(told)?;
        let mode = to.metadata().map_err(told)?.mode();
        match mode & 0o7777 == like.mode() & 0o7777 {
            true => Ok(()),
            false => {
                let mode = like.mode() & 0o7777;
                let why = format!("its permissions cannot be kept, which are {mode:o}");
                Err(Unkept::Other(why))
            }
        }
    }

    fn keep_owner(file: &File, like: &Metadata) -> Result<(), Unkept> {
        let own = file.metadata().map_err(|_| Unkept::Owner)?;
        let uid = (own.uid() != like.uid()).then(|| like.uid());
        let gid = (own.gid() != like.gid()).then(|| like.gid());
        if uid.is_none() && gid.is_none() {
            return Ok(());
        }
        fchown(file, uid, gid).map_err(|_| Unkept::Owner)
    }

    fn keep_attributes(from: &File, to: &File) -> Result<(), Unkept> {
        let unread = |error: Errno| {
            let error = io::Error::from(error);
            Unkept::Other(format!("its extended attributes cannot be read: {error}"))
        };
        let names = attributes(from).map_err(unread)?;
        for name in &names {
            let value = value(from, name).map_err(unread)?;
            let Some(value) = value.filter(|_| !OF_THE_BYTES.contains(&name.as_slice())) else {
                continue;
            };
            // Some are given to every new file, and may not be set.
            let has = self::value(to, name);
            if has.is_ok_and(|has| has.as_ref() == Some(&value)) {
                continue;
            }
            fsetxattr(to, name.as_slice(), &value, XattrFlags::empty()).map_err(|error| {
                let name = String::from_utf8_lossy(name);
                let (name, error) = (visible(&name), io::Error::from(error));
                let why = format!("its extended attribute `{name}` cannot be kept: {error}");
                Unkept::Other(why)
            })?;
        }
        if names.iter().any(|name| name == ACCESS_LIST) {
            return Ok(());
        }
        match fremovexattr(to, ACCESS_LIST) {
            Ok(()) | Err(Errno::NODATA | Errno::NOTSUP) => Ok(()),
            Err(error) => {
                let error = io::Error::from(error);
                let why = format!("its folder's access list cannot be kept off it: {error}");
                Err(Unkept::Other(why))
            }
        }
    }

    /// The names of a file's extended attributes; none where there can be none.
    fn attributes(file: &File) -> Result<Vec<Vec<u8>>, Errno> {
        let list = read(|| flistxattr_query(file), |buffer| flistxattr(file, buffer))?;
        let names = list.unwrap_or_default();
        let names = names
            .split(|byte| *byte == 0)
            .filter(|name| !name.is_empty());
        Ok(names.map(<[u8]>::to_vec).collect())
    }

    fn value(file: &File, name: &[u8]) -> Result<Option<Vec<u8>>, Errno> {
        read(
            || fgetxattr_query(file, name),
            |buffer| fgetxattr(file, name, buffer),
        )
    }

    /// Asks for the size, then for the bytes, until they are of this size; `None` if there are none.
    fn read(
        size: impl Fn() -> Result<usize, Errno>,
        bytes: impl Fn(&mut [u8]) -> Result<usize, Errno>,
    ) -> Result<Option<Vec<u8>>, Errno> {
        loop {
            let mut buffer = match size() {
                Ok(size) => vec![0; size],
                Err(Errno::NODATA | Errno::NOTSUP) => return Ok(None),
                Err(error) => return Err(error),
            };
            match bytes(&mut buffer) {
                Ok(size) => {
                    buffer.truncate(size);
                    return Ok(Some(buffer));
                }
                Err(Errno::RANGE) => {}
                Err(Errno::NODATA) => return Ok(None),
                Err(error) => return Err(error),
            }
        }
    }

    /// How many names a file has.
    pub fn names(like: &Metadata) -> u64 {
        like.nlink()
    }

    /// Whether this is the same file, and nobody has changed anything of it.
    pub fn is_same(before: &Metadata, now: &Metadata) -> bool {
        let place = |file: &Metadata| (file.dev(), file.ino(), file.len());
        let changed = |file: &Metadata| (file.ctime(), file.ctime_nsec());
        place(before) == place(now) && changed(before) == changed(now)
    }

    /// The same after a rename, which the system takes for a change of the file.
    pub fn is_same_text(before: &Metadata, now: &Metadata) -> bool {
        let place = |file: &Metadata| (file.dev(), file.ino(), file.len());
        let written = |file: &Metadata| (file.mtime(), file.mtime_nsec());
        place(before) == place(now) && written(before) == written(now)
    }

    /// Lets two files change places; `None` where the system cannot.
    #[cfg(target_os = "linux")]
    pub fn exchange(one: &Path, other: &Path) -> Option<io::Result<()>> {
        use rustix::fs::{CWD, RenameFlags, renameat_with};

        match renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE) {
            Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => None,
            told => Some(told.map_err(io::Error::from)),
        }
    }

    #[cfg(not(target_os = "linux"))]
    pub fn exchange(_: &Path, _: &Path) -> Option<io::Result<()>> {
        None
    }

    /// What a file that is made is allowed, as far as the user lets new files be allowed it.
    pub fn of_a_new_file() -> Option<Permissions> {
        Some(Permissions::from_mode(0o666))
    }

    /// Whose a file or folder is and who asks, to be said behind a refusal.
    pub fn who(path: &Path) -> String {
        let Ok(file) = path.metadata() else {
            return String::new();
        };
        let (user, group) = (geteuid().as_raw(), getegid().as_raw());
        format!(
            "; it belongs to user {} and group {}, with mode {:o}, and this is user {user}, group {group}",
            file.uid(),
            file.gid(),
            file.mode() & 0o7777,
        )
    }

    /// Whether a file is where a file system, or a part of one, is mounted. Not known everywhere: then a
    /// rename tells.
    pub fn is_mounted(path: &Path, like: &Metadata) -> bool {
        let folder = path.parent().map(Path::metadata);
        match folder {
            Some(Ok(folder)) if folder.dev() != like.dev() => true,
            _ => is_mount_root(path),
        }
    }

    #[cfg(target_os = "linux")]
    fn is_mount_root(path: &Path) -> bool {
        use rustix::fs::{AtFlags, CWD, StatxAttributes, StatxFlags, statx};

        let told = statx(CWD, path, AtFlags::SYMLINK_NOFOLLOW, StatxFlags::empty());
        told.is_ok_and(|told| told.stx_attributes.contains(StatxAttributes::MOUNT_ROOT))
    }

    #[cfg(not(target_os = "linux"))]
    fn is_mount_root(_: &Path) -> bool {
        false
    }
}

#[cfg(not(unix))]
mod elsewhere {
    use super::{File, Metadata, Path, Permissions, Unkept};

    pub fn copy(_: &File, like: &Metadata, to: &File) -> Result<(), Unkept> {
        let kept = to.set_permissions(like.permissions());
        kept.map_err(|error| Unkept::Other(format!("its permissions cannot be kept: {error}")))
    }

    pub fn names(_: &Metadata) -> u64 {
        1
    }

    pub fn is_same(before: &Metadata, now: &Metadata) -> bool {
        before.len() == now.len() && before.modified().ok() == now.modified().ok()
    }

    pub fn is_same_text(before: &Metadata, now: &Metadata) -> bool {
        is_same(before, now)
    }

    pub fn exchange(_: &Path, _: &Path) -> Option<std::io::Result<()>> {
        None
    }

    pub fn of_a_new_file() -> Option<Permissions> {
        None
    }

    pub fn who(_: &Path) -> String {
        String::new()
    }

    pub fn is_mounted(_: &Path, _: &Metadata) -> bool {
        false
    }
}
