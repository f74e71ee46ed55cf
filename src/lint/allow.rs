//! Taking away the warnings that a comment allows.
//!
//! Law: a comment takes away the warnings of its names that lie in its statement and nothing else. A
//! comment that does nothing is told by a note.

use std::collections::BTreeMap;

use crate::diagnostic::{Diagnostic, Name};
use crate::source::Span;
use crate::syntax::allow::Allow;

/// These warnings are looked for, or all found, only with a directory.
const WITH_DIRECTORY: &[Name] = &[
    Name::UnresolvedRoom,
    Name::UnknownUser,
    Name::RemoteDisclosure,
    Name::CostlyRule,
    Name::ConfusableId,
];

/// The warnings that are left, and notes on the comments that do nothing. Costs the warnings and
/// the comments, times a logarithm of the comments.
pub fn apply(allows: &[Allow], found: Vec<Diagnostic>, with_directory: bool) -> Vec<Diagnostic> {
    // No two statements overlap, but one may have many comments.
    let mut given: BTreeMap<(Span, Name), bool> = BTreeMap::new();
    for allow in allows {
        let names = allow.names.iter();
        given.extend(names.filter_map(|name| Some(((allow.statement?, *name), false))));
    }
    let mut left = found;
    left.retain(|warning| {
        let behind = Span {
            source: warning.span.source,
            start: warning.span.start.saturating_add(1),
            end: 0,
        };
        let mut before = given.range(..(behind, Name::Syntax));
        let near = before.next_back().map(|((statement, _), _)| *statement);
        let inside = near.filter(|near| {
            let statement = near.start..near.end;
            near.source == warning.span.source && statement.contains(&warning.span.start)
        });
        let Some(taken) = inside.and_then(|at| given.get_mut(&(at, warning.name))) else {
            return true;
        };
        *taken = true;
        false
    });
    for allow in allows {
        let mut note = |message: String, help: &str| {
            left.push(Diagnostic::new(
                Name::IdleAllow,
                allow.comment,
                message,
                help,
            ));
        };
        if let Some(mistake) = &allow.mistake {
            note("this comment allows nothing".into(), mistake);
        } else if allow.statement.is_none() {
            note(
                "this comment allows nothing".into(),
                "write it behind a statement or directly above one",
            );
        }
        for name in &allow.names {
            let sure = with_directory || !WITH_DIRECTORY.contains(name);
            let taken = allow.statement.and_then(|at| given.get(&(at, *name)));
            if sure && taken == Some(&false) {
                note(
                    format!("this comment allows `{name}`, which is not given here"),
                    "take the comment away",
                );
            }
        }
    }
    left
}
