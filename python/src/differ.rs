//! Whose recipients changed with the answer about one recipient.

use presence_router::Senders;
use presence_router::id::UserId;

/// The senders that one of two answers about a recipient has and the other has not; `None` if only one of
/// them is everyone but some.
pub(crate) fn differing(before: Senders, now: Senders) -> Option<Vec<UserId>> {
    let (mut both, now) = match (before, now) {
        (Senders::Only(before), Senders::Only(now)) => (before, now),
        (Senders::AllExcept(before), Senders::AllExcept(now)) => (before, now),
        _ => return None,
    };
    both.extend(now);
    // Two sorted runs, which a stable sort only merges.
    both.sort();
    let same = both.chunk_by(|one, other| one == other);
    let once = same.filter(|same| same.len() == 1);
    Some(once.flatten().cloned().collect())
}
