//! Warnings. (Being written.)

use crate::diagnostic::Diagnostic;
use crate::directory::Directory;
use crate::policy::PolicySet;

/// Warnings of a policy.
pub fn lint(_policy: &PolicySet, _directory: Option<&Directory>) -> Vec<Diagnostic> {
    Vec::new()
}
