//! Which repeated rule is certain to be one too many: it names the same users in the same way.
//!
//! Law: taking such a rule away changes no answer, and no user ID less is known.

use std::collections::HashMap;

use crate::diagnostic::{Diagnostic, Name};
use crate::policy::{Kind, PolicySet, Rule, Selector};
use crate::source::Span;

/// Adds the edit that takes the rule away to each `duplicate-rule` that repeats one to the letter.
pub(super) fn add_edits(policy: &PolicySet, found: Vec<Diagnostic>) -> Vec<Diagnostic> {
    if !found
        .iter()
        .any(|problem| problem.name == Name::DuplicateRule)
    {
        return found;
    }
    let rules = policy.rules.iter().map(|rule| (rule.span, rule));
    let rules: HashMap<Span, &Rule> = rules.collect();
    let with_edit = |problem: Diagnostic| {
        let first = problem
            .labels
            .first()
            .and_then(|label| rules.get(&label.span));
        let twice = match (rules.get(&problem.span), first) {
            (Some(rule), Some(first)) => {
                rule.action == first.action
                    && same(&rule.senders, &first.senders)
                    && same(&rule.recipients, &first.recipients)
            }
            _ => false,
        };
        let span = problem.span;
        if problem.name == Name::DuplicateRule && twice {
            problem.with_edit(span, "")
        } else {
            problem
        }
    };
    found.into_iter().map(with_edit).collect()
}

/// Whether two selectors are written alike, places and blanks apart. Recurses as deep as parentheses
/// nest.
fn same(a: &Selector, b: &Selector) -> bool {
    let all = |a: &[Selector], b: &[Selector]| {
        a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
    };
    match (&a.kind, &b.kind) {
        (Kind::Everyone, Kind::Everyone)
        | (Kind::Local, Kind::Local)
        | (Kind::Remote, Kind::Remote) => true,
        (Kind::User(a), Kind::User(b)) => **a == **b,
        (Kind::UserGlob(a), Kind::UserGlob(b)) | (Kind::ServerGlob(a), Kind::ServerGlob(b)) => {
            a.pieces() == b.pieces()
        }
        (Kind::Server(a), Kind::Server(b)) => a == b,
        (Kind::Matching(a), Kind::Matching(b)) => a.as_str() == b.as_str(),
        (Kind::Members(a), Kind::Members(b)) => a == b,
        (Kind::Group(a), Kind::Group(b)) => a == b,
        (Kind::Any(a), Kind::Any(b)) | (Kind::Both(a), Kind::Both(b)) => all(a, b),
        (Kind::Except(a, less), Kind::Except(b, other)) => same(a, b) && same(less, other),
        _ => false,
    }
}
