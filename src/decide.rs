//! The meaning: does a recipient receive a sender's presence?
//!
//! This is the definition that everything else is held to, written to be read, not to be fast. A
//! rule is a rectangle, senders times recipients. A recipient receives a sender if some allow rule
//! has the pair in it and no block rule has.
//!
//! Law: total, and the order of rules never matters. Costs a look at every group and every rule.

use crate::directory::Directory;
use crate::id::server_of;
use crate::policy::{Action, Kind, PolicySet, Rule, Selector};

/// The answer for one pair, with its reasons.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Decision {
    /// The allow rules with the pair in them, as indexes into [`PolicySet::rules`].
    pub allowed_by: Vec<usize>,
    /// The block rules with the pair in them, as indexes into [`PolicySet::rules`].
    pub blocked_by: Vec<usize>,
}

impl Decision {
    /// Whether the recipient receives the sender's presence.
    pub fn sees(&self) -> bool {
        !self.allowed_by.is_empty() && self.blocked_by.is_empty()
    }
}

/// Decides one pair.
pub fn decide(
    policy: &PolicySet,
    directory: &Directory,
    sender: &str,
    recipient: &str,
) -> Decision {
    let sender = User::new(policy, directory, sender);
    let recipient = User::new(policy, directory, recipient);
    let mut decision = Decision::default();
    for (at, rule) in policy.rules.iter().enumerate() {
        if sender.is_in(&rule.senders) && recipient.is_in(&rule.recipients) {
            match rule.action {
                Action::Allow => decision.allowed_by.push(at),
                Action::Block => decision.blocked_by.push(at),
            }
        }
    }
    decision
}

/// Whether `senders_for` answers everyone but some: some allow rule gives the recipient unbounded
/// senders, and no block rule takes unbounded senders from them.
pub fn receives_everyone(policy: &PolicySet, directory: &Directory, recipient: &str) -> bool {
    let recipient = User::new(policy, directory, recipient);
    let unbounded = unbounded_groups(policy);
    let has = |action: Action| {
        let of = |rule: &&Rule| {
            rule.action == action
                && recipient.is_in(&rule.recipients)
                && is_unbounded(&rule.senders, &unbounded)
        };
        policy.rules.iter().find(of).is_some()
    };
    has(Action::Allow) && !has(Action::Block)
}

/// One user, and which groups they are in.
struct User<'a> {
    id: &'a str,
    directory: &'a Directory,
    /// For each group whether the user is in it. Groups stand after those they use.
    groups: Vec<bool>,
}

impl<'a> User<'a> {
    fn new(policy: &PolicySet, directory: &'a Directory, id: &'a str) -> Self {
        let mut user = User {
            id,
            directory,
            groups: Vec::with_capacity(policy.groups.len()),
        };
        for group in &policy.groups {
            let inside = user.is_in(&group.selector);
            user.groups.push(inside);
        }
        user
    }

    fn is_in(&self, selector: &Selector) -> bool {
        match &selector.kind {
            Kind::Everyone => true,
            Kind::User(id) => id.as_str() == self.id,
            Kind::UserGlob(glob) => glob.matches_user(self.id),
            Kind::Server(server) => server.as_str() == server_of(self.id),
            Kind::ServerGlob(glob) => glob.matches_server(server_of(self.id)),
            Kind::Matching(pattern) => pattern.matches(self.id),
            Kind::Local => self.directory.is_local(self.id),
            Kind::Remote => !self.directory.is_local(self.id),
            Kind::Members(room) => self.directory.is_member(room, self.id),
            Kind::Listed(users) => users.contains(self.id),
            Kind::Group(id) => self.groups.get(id.0 as usize).copied().unwrap_or_default(),
            Kind::Any(list) => list.iter().any(|part| self.is_in(part)),
            Kind::Both(list) => list.iter().all(|part| self.is_in(part)),
            Kind::Except(base, less) => self.is_in(base) && !self.is_in(less),
        }
    }
}

/// For each group whether it is unbounded.
fn unbounded_groups(policy: &PolicySet) -> Vec<bool> {
    let mut groups = Vec::with_capacity(policy.groups.len());
    for group in &policy.groups {
        let unbounded = is_unbounded(&group.selector, &groups);
        groups.push(unbounded);
    }
    groups
}

/// Whether a selector has unknown users in it without looking at them.
fn is_unbounded(selector: &Selector, groups: &[bool]) -> bool {
    match &selector.kind {
        Kind::Everyone => true,
        Kind::Group(id) => groups.get(id.0 as usize).copied().unwrap_or_default(),
        Kind::Any(list) => list.iter().any(|part| is_unbounded(part, groups)),
        Kind::Both(list) => list.iter().all(|part| is_unbounded(part, groups)),
        Kind::Except(base, less) => is_unbounded(base, groups) && !is_unbounded(less, groups),
        _ => false,
    }
}
