//! Failed operations. Problems inside a policy are no errors of this kind but
//! [`Diagnostic`](crate::diagnostic::Diagnostic)s, reported all at once.

use std::path::PathBuf;

/// Why an operation failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file cannot be read.
    #[error("cannot read `{}`: {source}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A directory file is not what it must be.
    #[error("{file}:{line}:{column}: {message}")]
    Directory {
        /// Its name.
        file: String,
        /// The line, from 1.
        line: usize,
        /// The column in characters, from 1.
        column: usize,
        /// What is wrong and what to write instead.
        message: String,
    },
}
