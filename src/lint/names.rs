//! User IDs that look alike: those with one skeleton (Unicode Technical Standard #39, section 4).
//!
//! Law: two IDs are called alike only if their skeletons are equal. Costs one hash for each ID
//! that is written or known.

use std::collections::hash_map::Entry;
use std::hash::{BuildHasher, Hasher};

use foldhash::fast::RandomState;
use unicode_security::skeleton;

use super::sets::Map;
use super::{leaves, selectors};
use crate::diagnostic::{Diagnostic, Name};
use crate::directory::Directory;
use crate::id::UserId;
use crate::policy::{Kind, PolicySet};
use crate::source::Span;

/// The first place of each of some users, and whether it is a group file's.
pub(super) fn places<'a, T>(
    policy: &'a PolicySet,
    wanted: &Map<&'a UserId, T>,
) -> Map<&'a UserId, Place> {
    let mut places: Map<&UserId, Place> = Map::default();
    if wanted.is_empty() {
        return places;
    }
    let mut note = |user: &'a UserId, place: Place| {
        if wanted.contains_key(user) {
            places
                .entry(user)
                .and_modify(|first| *first = place.min(*first))
                .or_insert(place);
        }
    };
    for selector in selectors(policy) {
        leaves(selector, &mut |leaf| match &leaf.kind {
            Kind::User(user) => note(
                user,
                Place {
                    listed: false,
                    span: leaf.span,
                },
            ),
            Kind::Listed(users) => {
                for user in users.iter() {
                    note(
                        user,
                        Place {
                            listed: true,
                            span: leaf.span,
                        },
                    );
                }
            }
            _ => {}
        });
    }
    places
}

/// Where a user is written. Those in a policy come before those in a group file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub listed: bool,
    pub span: Span,
}

/// The user IDs that look like another one.
pub(super) fn confusable(policy: &PolicySet, directory: Option<&Directory>) -> Vec<Diagnostic> {
    let looks = Looks::new();
    let mut buffer = Vec::new();
    // For each hash one written ID; a second one makes it interesting.
    let mut by_hash: Map<u64, u32> = Map::default();
    let mut alike: Map<u64, Vec<&UserId>> = Map::default();
    for (number, user) in policy.named.numbered() {
        match by_hash.entry(looks.hash(user.as_str(), &mut buffer)) {
            Entry::Vacant(free) => _ = free.insert(number),
            Entry::Occupied(taken) => {
                let users = alike.entry(*taken.key()).or_default();
                if users.is_empty() {
                    users.extend(policy.named.user(*taken.get()));
                }
                users.push(user);
            }
        }
    }
    let mut known: Map<u64, Vec<&UserId>> = Map::default();
    for user in directory.into_iter().flat_map(Directory::users) {
        let hash = looks.hash(user.as_str(), &mut buffer);
        if let Some(written) = by_hash.get(&hash)
            && policy.named.number(user.as_str()).is_none()
        {
            known.entry(hash).or_default().push(user);
            let users = alike.entry(hash).or_default();
            if users.is_empty() {
                users.extend(policy.named.user(*written));
            }
        }
    }
    let wanted = alike.values().flatten().map(|user| (*user, ()));
    let places = places(policy, &wanted.collect());
    let mut found: Vec<(Place, &UserId, &UserId, Option<Place>)> = Vec::new();
    for (hash, users) in &alike {
        let mut written: Vec<(Place, &UserId, String)> = Vec::new();
        for user in users {
            let skeleton = skeleton(user.as_str()).collect();
            written.extend(places.get(*user).map(|place| (*place, *user, skeleton)));
        }
        written.sort_unstable();
        let mut known: Vec<(&UserId, String)> = known
            .get(hash)
            .into_iter()
            .flatten()
            .map(|user| (*user, skeleton(user.as_str()).collect()))
            .collect();
        known.sort_unstable();
        // Each after the first is the conflicting one; the first, only if a known one is like it.
        for (at, (place, user, looks)) in written.iter().enumerate() {
            let mut before = written.iter().take(at);
            let other = before
                .find(|(_, _, other)| other == looks)
                .map(|w| (w.1, Some(w.0)));
            let like = || {
                known
                    .iter()
                    .find(|(_, other)| other == looks)
                    .map(|(other, _)| (*other, None))
            };
            if let Some((other, other_place)) = other.or_else(like) {
                found.push((*place, user, other, other_place));
            }
        }
    }
    found.sort_unstable();
    // Users of one group file share a place: one warning there, which counts them.
    let mut problems: Vec<Diagnostic> = Vec::new();
    let (mut more, mut short) = (0_usize, 0_usize);
    for (place, user, other, other_place) in found {
        if let Some(last) = problems.last_mut().filter(|last| last.span == place.span) {
            last.help.truncate(short);
            more += 1;
            last.help.push_str(&format!(
                "; {more} more IDs of this group file look like others"
            ));
            continue;
        }
        more = 0;
        let message = format!("`{user}` looks like another user ID, `{other}`");
        let problem = Diagnostic::new(Name::ConfusableId, place.span, message, help(user, other));
        short = problem.help.len();
        problems.push(match other_place.filter(|other| other.span != place.span) {
            Some(other) => problem.with_label(other.span, "the other one"),
            None => problem,
        });
    }
    problems
}

/// What to write instead. It shows the characters that cannot be told apart by looking.
fn help(user: &UserId, other: &UserId) -> String {
    let mut pairs = user.as_str().chars().zip(other.as_str().chars());
    let differ = pairs.find(|(a, b)| a != b).map(|(a, b)| {
        format!(
            "they first differ in U+{:04X} here and U+{:04X} there: ",
            u32::from(a),
            u32::from(b)
        )
    });
    format!("{}write the one that is meant", differ.unwrap_or_default())
}

/// Hashes skeletons, with a table for ASCII, which almost all IDs are in.
struct Looks {
    ascii: Vec<Box<[u8]>>,
    hasher: RandomState,
}

impl Looks {
    fn new() -> Self {
        let of = |byte: u8| {
            let text: String = skeleton(&String::from(char::from(byte))).collect();
            text.into_bytes().into()
        };
        Looks {
            ascii: (0..128).map(of).collect(),
            hasher: RandomState::default(),
        }
    }

    /// Equal for equal skeletons.
    fn hash(&self, id: &str, bytes: &mut Vec<u8>) -> u64 {
        bytes.clear();
        if id.is_ascii() {
            for byte in id.bytes() {
                bytes.extend_from_slice(self.ascii.get(usize::from(byte)).map_or(&[], |b| b));
            }
        } else {
            bytes.extend(skeleton(id).collect::<String>().into_bytes());
        }
        let mut hasher = self.hasher.build_hasher();
        hasher.write(bytes);
        hasher.finish()
    }
}
