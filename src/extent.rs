//! How many known users stand on each side of each rule: what a rule costs whoever delivers.
//!
//! Not for: who receives whom. A block takes nothing away here; each rule is looked at by itself.
//!
//! Law: the counts are those of [`decide`](crate::decide): a user is counted on a side exactly if they
//! are on it.

use std::borrow::Cow;
use std::cell::OnceCell;

use crate::directory::Directory;
use crate::id::{UserId, server_of};
use crate::policy::{Kind, PolicySet, Selector};

/// How large a rule is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    /// Known users among its senders.
    pub senders: usize,
    /// Known users among its recipients.
    pub recipients: usize,
    /// Whether listing one of its sides looks at every known user, without most of them being on it: a
    /// regex, `remote users`, a glob that begins with a wildcard, or what is in several of these and `all`.
    pub looks_at_all: bool,
}

/// The extents of the rules in their order: of all, or of the first until `go_on` says no.
///
/// Costs the known users for each selector, but for single users and `all`.
pub fn extents(
    policy: &PolicySet,
    directory: &Directory,
    mut go_on: impl FnMut() -> bool,
) -> Vec<Extent> {
    let mut known: Vec<&UserId> = directory.users().chain(policy.named.iter()).collect();
    known.sort_unstable();
    known.dedup();
    let mut counter = Counter {
        directory,
        known,
        local: OnceCell::new(),
        groups: Vec::new(),
    };
    for group in &policy.groups {
        if !go_on() {
            return Vec::new();
        }
        let users = counter.users(&group.selector).into_owned();
        let (looks, wide) = (
            counter.looks_at_all(&group.selector),
            counter.is_wide(&group.selector),
        );
        counter.groups.push(Counted { users, looks, wide });
    }
    let rules = policy.rules.iter().take_while(|_| go_on());
    let extents = rules.map(|rule| Extent {
        senders: counter.count(&rule.senders),
        recipients: counter.count(&rule.recipients),
        looks_at_all: [&rule.senders, &rule.recipients]
            .iter()
            .any(|side| counter.looks_at_all(side)),
    });
    extents.collect()
}

struct Counter<'a> {
    directory: &'a Directory,
    /// All known users, sorted. A set of them is their positions here, ascending.
    known: Vec<&'a UserId>,
    local: OnceCell<Vec<u32>>,
    groups: Vec<Counted>,
}

/// A group: its users, and what listing them looks at.
struct Counted {
    users: Vec<u32>,
    looks: bool,
    wide: bool,
}

impl Counter<'_> {
    fn count(&self, selector: &Selector) -> usize {
        match &selector.kind {
            Kind::Everyone => self.known.len(),
            // Whoever is named is known.
            Kind::User(_) => 1,
            _ => self.users(selector).len(),
        }
    }

    fn users(&self, selector: &Selector) -> Cow<'_, [u32]> {
        let users = match &selector.kind {
            Kind::Local => return Cow::Borrowed(self.local()),
            Kind::Group(id) => {
                let group = self.groups.get(id.0 as usize);
                return Cow::Borrowed(group.map_or(&[], |group| &group.users));
            }
            Kind::Everyone => self.those(|_| true),
            Kind::User(id) => self.numbers([&**id]),
            Kind::UserGlob(glob) => self.those(|id| glob.matches_user(id)),
            Kind::Server(server) => self.those(|id| server_of(id) == server.as_str()),
            Kind::ServerGlob(glob) => self.those(|id| glob.matches_server(server_of(id))),
            Kind::Matching(pattern) => self.those(|id| pattern.matches(id)),
            Kind::Remote => self.those(|id| !self.directory.is_local(id)),
            Kind::Members(room) => self.numbers(self.directory.members(room).into_iter().flatten()),
            Kind::Listed(users) => self.numbers(users.iter()),
            Kind::Any(parts) => {
                let parts = parts.iter().map(|part| self.users(part));
                let mut users: Vec<u32> = parts.flat_map(Cow::into_owned).collect();
                users.sort_unstable();
                users.dedup();
                users
            }
            Kind::Both(parts) => {
                let mut parts = parts.iter().map(|part| self.users(part));
                let first = parts.next().unwrap_or_default().into_owned();
                parts.fold(first, |users, part| kept(users, &part, true))
            }
            Kind::Except(base, less) => {
                kept(self.users(base).into_owned(), &self.users(less), false)
            }
        };
        Cow::Owned(users)
    }

    fn local(&self) -> &[u32] {
        self.local
            .get_or_init(|| self.those(|id| self.directory.is_local(id)))
    }

    fn those(&self, inside: impl Fn(&str) -> bool) -> Vec<u32> {
        let known = (0..).zip(&self.known);
        let those = known.filter(|(_, user)| inside(user.as_str()));
        those.map(|(number, _)| number).collect()
    }

    /// The positions of users who come in order.
    fn numbers<'u>(&self, users: impl IntoIterator<Item = &'u UserId>) -> Vec<u32> {
        let position = |user: &UserId| self.known.binary_search(&user).ok();
        let positions = users.into_iter().filter_map(position);
        positions.filter_map(|at| u32::try_from(at).ok()).collect()
    }

    fn looks_at_all(&self, selector: &Selector) -> bool {
        match &selector.kind {
            Kind::Everyone => false,
            Kind::Group(id) => {
                let group = self.groups.get(id.0 as usize);
                group.is_some_and(|group| group.looks)
            }
            Kind::Any(parts) => parts.iter().any(|part| self.looks_at_all(part)),
            Kind::Except(base, _) => self.looks_at_all(base),
            _ => self.is_wide(selector),
        }
    }

    /// The same, or everyone is listed.
    fn is_wide(&self, selector: &Selector) -> bool {
        match &selector.kind {
            Kind::Everyone | Kind::Matching(_) | Kind::Remote => true,
            // After the `@`, which all have.
            Kind::UserGlob(glob) => glob.plain_start().len() <= 1,
            Kind::Group(id) => {
                let group = self.groups.get(id.0 as usize);
                group.is_some_and(|group| group.wide)
            }
            Kind::Any(parts) => parts.iter().any(|part| self.is_wide(part)),
            // One part is listed, and those in it are asked about the others.
            Kind::Both(parts) => parts.iter().all(|part| self.is_wide(part)),
            Kind::Except(base, _) => self.is_wide(base),
            _ => false,
        }
    }
}

/// The users of a set who are in another, or those who are not.
fn kept(users: Vec<u32>, other: &[u32], inside: bool) -> Vec<u32> {
    let has = |user: &u32| other.binary_search(user).is_ok();
    users
        .into_iter()
        .filter(|user| has(user) == inside)
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::decide::decide;
    use crate::router::{Inline, Origin, Router};
    use crate::workload::{Shape, Workload};

    fn snapshot(text: &str) -> std::sync::Arc<crate::router::Snapshot> {
        let inline = vec![Inline {
            name: "a.policy".into(),
            text: text.into(),
        }];
        let origin = Origin {
            inline,
            ..Origin::default()
        };
        Router::load(origin).unwrap().snapshot()
    }

    #[test]
    fn counts_are_those_of_decide() {
        let workload = Workload::new(Shape::Company, 0.004, 3);
        let directory = workload.directory();
        let text = "server example.org
            group some = @ann.0, @bob.1, users on *.org except @kim*:*
            group others = all except group some
            send all to @gobbler
            send group some to group others
            group some see local users
            send remote users who are group others to members of !room0:example.org
            send users matching /@a.*/ to (@bob.1, @carl.2) except @bob.1
            block @*n.0, users on example.org from @b*
            @ann.0 sees @bob.1, @bob.1, group some
            send members of !room1:example.org to @*.1 who are local users";
        let snapshot = snapshot(text);
        let policy = snapshot.policy();
        let known = snapshot.known_users(&directory);
        assert!(known.len() > 60);
        let rules = policy.rules.len();
        let mut sides = vec![(BTreeSet::new(), BTreeSet::new()); rules];
        for sender in &known {
            for recipient in &known {
                let decision = decide(policy, &directory, sender.as_str(), recipient.as_str());
                for rule in decision.allowed_by.iter().chain(&decision.blocked_by) {
                    sides[*rule].0.insert(sender);
                    sides[*rule].1.insert(recipient);
                }
            }
        }
        let extents = extents(policy, &directory, || true);
        assert_eq!(extents.len(), rules);
        for (extent, (senders, recipients)) in extents.iter().zip(&sides) {
            assert_eq!(
                (extent.senders, extent.recipients),
                (senders.len(), recipients.len())
            );
            assert!(!senders.is_empty());
        }
        let looks: Vec<bool> = extents.iter().map(|extent| extent.looks_at_all).collect();
        let wanted = [false, false, false, true, true, true, false, false];
        assert_eq!(looks, wanted);
    }

    #[test]
    fn it_stops_when_it_is_told() {
        let snapshot = snapshot("send @a:x to @b:x\nsend @b:x to @c:x\nsend @c:x to @a:x\n");
        let mut left = 2;
        let extents = extents(snapshot.policy(), &Directory::default(), || {
            left -= 1;
            left >= 0
        });
        assert_eq!(extents.len(), 2);
        assert_eq!((extents[0].senders, extents[0].recipients), (1, 1));
    }
}
