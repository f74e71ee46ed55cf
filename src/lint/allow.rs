//! Taking away the warnings that a comment allows.
//!
//! Law: a comment takes away the warnings of its names that lie in its statement and nothing else. A
//! comment that does nothing is told.

use crate::diagnostic::{Diagnostic, Name, Note};
use crate::syntax::allow::Allow;

/// These warnings are looked for, or all found, only with a directory.
const WITH_DIRECTORY: &[Name] = &[
    Name::UnresolvedRoom,
    Name::UnknownUser,
    Name::RemoteDisclosure,
    Name::CostlyRule,
    Name::ConfusableId,
];

/// The warnings that are left, and what is to be said of the comments. Costs the warnings times a
/// logarithm of the comments.
pub fn apply(
    allows: &[Allow],
    found: Vec<Diagnostic>,
    with_directory: bool,
) -> (Vec<Diagnostic>, Vec<Note>) {
    // By place: no two statements overlap, but one may have several comments.
    let mut by_place: Vec<(usize, &Allow)> = allows.iter().enumerate().collect();
    let start = |allow: &Allow| allow.statement.map(|span| (span.source, span.start));
    by_place.sort_by_key(|(_, allow)| start(allow));
    let mut used: Vec<Vec<Name>> = vec![Vec::new(); allows.len()];
    let left = found.into_iter().filter(|warning| {
        let place = Some((warning.span.source, warning.span.start));
        let behind = by_place.partition_point(|(_, allow)| start(allow) <= place);
        let before = by_place.get(..behind).unwrap_or_default();
        let near = before.last().and_then(|(_, allow)| start(allow));
        let at = before
            .iter()
            .rev()
            .take_while(|(_, allow)| start(allow) == near);
        let mut allowed = false;
        for (index, allow) in at {
            let inside = allow.statement.is_some_and(|statement| {
                statement.source == warning.span.source && warning.span.start < statement.end
            });
            if inside && allow.names.contains(&warning.name) {
                allowed = true;
                if let Some(used) = used.get_mut(*index) {
                    used.push(warning.name);
                }
            }
        }
        !allowed
    });
    let left = left.collect();
    let mut notes = Vec::new();
    for (allow, used) in allows.iter().zip(&used) {
        let mut note = |message: String| {
            notes.push(Note {
                span: allow.comment,
                message,
            });
        };
        if let Some(mistake) = &allow.mistake {
            note(format!("this comment allows nothing: {mistake}"));
        } else if allow.statement.is_none() {
            note(
                "this comment allows nothing: write it behind a statement or directly above one"
                    .into(),
            );
        }
        for name in &allow.names {
            let sure = with_directory || !WITH_DIRECTORY.contains(name);
            if allow.statement.is_some() && sure && !used.contains(name) {
                note(format!(
                    "this comment allows `{name}`, which is not given here"
                ));
            }
        }
    }
    (left, notes)
}
