//! The bytes of one file.
//!
//! Law: nothing is opened that a reader may have to wait for, and nothing read past the limit.

use std::fs;
use std::hash::BuildHasher as _;
use std::io::Read as _;
use std::path::Path;
use std::time::SystemTime;

use foldhash::quality::FixedState;

use super::MAX_FILE_BYTES;
use super::stamp::Stamp;

/// The bytes of a regular file, one more than the limit at most, and its stamp.
pub(super) fn read_regular(path: &Path) -> std::io::Result<(Vec<u8>, Option<Stamp>)> {
    // Opening a pipe would wait for its writer.
    let there = fs::metadata(path)?;
    if !there.is_file() {
        return Err(std::io::Error::other("it is not a regular file"));
    }
    let file = fs::File::open(path)?;
    // Before the first byte: a write meanwhile makes another stamp.
    let stamp = Stamp::of(&file.metadata()?);
    let stamp = stamp.filter(|stamp| stamp.is_old(SystemTime::now()));
    // The text is kept: it takes no more than it is long.
    let size = usize::try_from(there.len().min(MAX_FILE_BYTES)).unwrap_or_default();
    let mut bytes = Vec::with_capacity(size + 1);
    file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes)?;
    bytes.shrink_to_fit();
    Ok((bytes, stamp))
}

pub(super) fn hash_of(bytes: &[u8]) -> u64 {
    FixedState::default().hash_one(bytes)
}
