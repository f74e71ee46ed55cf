//! What the answers of a policy depend on: whether another known user can change one.
//!
//! On a server new users are seen all the time. Where only users and rooms that the policy names receive
//! and are received, such a user is one more sender, and everything remembered of others stays true.
//!
//! Law: `false` only if no answer about a user changes when another one becomes known. Not exact: `true`
//! costs time, never an answer.

use crate::policy::{Action, Kind, PolicySet, Selector};

/// Of a selector.
#[derive(Clone, Copy, Default)]
struct Traits {
    /// It holds a pattern, so it is listed over the known users.
    pattern: bool,
    /// It holds `all`, so it may be unbounded.
    all: bool,
    /// It is unbounded for certain.
    unbounded: bool,
}

/// Whether the answers about a user may change when another user becomes known.
///
/// Costs a look at the whole policy.
pub(crate) fn follows_known_users(policy: &PolicySet) -> bool {
    let mut groups: Vec<Traits> = Vec::with_capacity(policy.groups.len());
    for group in &policy.groups {
        let traits = traits(&group.selector, &groups);
        groups.push(traits);
    }
    policy.rules.iter().any(|rule| {
        let senders = traits(&rule.senders, &groups);
        match rule.action {
            // Who receives everyone is not told a list, unless such a block takes that from them.
            Action::Block => senders.all,
            Action::Allow => {
                let recipients = traits(&rule.recipients, &groups);
                recipients.pattern || (senders.pattern && !senders.unbounded)
            }
        }
    })
}

fn traits(selector: &Selector, groups: &[Traits]) -> Traits {
    match &selector.kind {
        Kind::User(_) | Kind::Listed(_) | Kind::Members(_) => Traits::default(),
        Kind::Everyone => Traits {
            pattern: true,
            all: true,
            unbounded: true,
        },
        Kind::UserGlob(_)
        | Kind::Server(_)
        | Kind::ServerGlob(_)
        | Kind::Matching(_)
        | Kind::Local
        | Kind::Remote => Traits {
            pattern: true,
            ..Traits::default()
        },
        Kind::Group(id) => groups.get(id.0 as usize).copied().unwrap_or(Traits {
            pattern: true,
            all: true,
            unbounded: false,
        }),
        Kind::Any(parts) => {
            let parts = parts.iter().map(|part| traits(part, groups));
            parts.fold(Traits::default(), |whole, part| Traits {
                pattern: whole.pattern || part.pattern,
                all: whole.all || part.all,
                unbounded: whole.unbounded || part.unbounded,
            })
        }
        Kind::Both(parts) => {
            let parts = parts.iter().map(|part| traits(part, groups));
            parts.fold(Traits::default(), |whole, part| Traits {
                pattern: whole.pattern || part.pattern,
                all: whole.all || part.all,
                unbounded: false,
            })
        }
        Kind::Except(base, less) => {
            let (base, less) = (traits(base, groups), traits(less, groups));
            Traits {
                pattern: base.pattern || less.pattern,
                all: base.all || less.all,
                unbounded: base.unbounded && !less.all,
            }
        }
    }
}
