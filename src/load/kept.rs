//! What is kept of the files that were read, so that a later load reads only those that changed.
//!
//! Law: what is kept of a file is used only while the file is for certain the same, or holds the same
//! bytes; a load with what earlier ones kept gives what a load without does.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::stamp::Stamp;
use crate::resolve::{Found, Users};
use crate::source::Source;
use crate::syntax::Packed;

/// What is kept of the files of a policy.
#[derive(Debug, Default)]
pub struct Kept {
    /// By the path that was opened.
    pub(super) files: HashMap<PathBuf, File>,
    /// What resolving found.
    pub(super) found: Found,
    /// There was a load before: its policy is asked meanwhile.
    pub(super) again: bool,
}

/// A file as it was read.
#[derive(Debug)]
pub(super) struct File {
    /// `None` if it must be read again to know whether it changed.
    pub(super) stamp: Option<Stamp>,
    pub(super) source: Arc<Source>,
    /// Of its bytes.
    pub(super) hash: u64,
    /// How many bytes it has.
    pub(super) bytes: u64,
    /// The statements of a text in which nothing is wrong.
    pub(super) statements: Option<Arc<[Packed]>>,
    /// The users of a group file in which nothing is wrong.
    pub(super) users: Option<Users>,
}

impl File {
    /// Whether a file that is described so now is for certain the one that was read.
    pub(super) fn is_unchanged(&self, now: Option<Stamp>) -> bool {
        self.stamp.is_some() && self.stamp == now
    }
}

impl Kept {
    /// Takes what is kept of a file over, if it was read under the same name.
    pub(super) fn take(&mut self, path: &Path, name: &str) -> Option<File> {
        let file = self.files.remove(path)?;
        (file.source.name() == name).then_some(file)
    }
}
