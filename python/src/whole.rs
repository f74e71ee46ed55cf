//! What one user who receives everyone gets of a batch.
//!
//! Synapse asks about a batch once for each such user, and of the answer wants theirs alone. What costs most is
//! to hash the states, so the batch is kept as a set for the next of them.
//!
//! Laws:
//!
//! - What is kept is never handed out itself.
//! - Hashing a state may run code of the caller's, so this is used without a lock, and taken out of
//!   [`Facts`](crate::facts::Facts) meanwhile.

use presence_router::Senders;
use presence_router::router::Snapshot;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyList, PySet, PyString};

use crate::answer;
use crate::core::{Core, text};
use crate::facts::Retired;
use crate::ready::{LARGE_BATCH, is_same};

/// The states that the user gets, and those that the policy withholds from them.
pub(crate) type One<'py> = (Bound<'py, PyAny>, Bound<'py, PyList>);

/// A batch, all of it by users.
pub(crate) struct Whole {
    batch: Py<PyList>,
    senders: Py<PyList>,
    states: Py<PySet>,
    /// At which revision of the facts all senders were known.
    pub(crate) known_at: u64,
}

impl Whole {
    /// Costs hashing the states. Fails if one cannot be in a set.
    fn new(
        batch: &Bound<'_, PyList>,
        senders: &Bound<'_, PyList>,
        known_at: u64,
    ) -> PyResult<Self> {
        // Copies: what is hashed may change the caller's.
        let batch = batch.get_slice(0, batch.len());
        let states = PySet::empty(batch.py())?;
        answer::fill(&states, &batch)?;
        Ok(Whole {
            senders: senders.get_slice(0, senders.len()).unbind(),
            batch: batch.unbind(),
            states: states.unbind(),
            known_at,
        })
    }

    /// The states for a user with these senders, and the others. Costs copying, and a search for each sender
    /// where somebody is missing.
    fn split<'py>(&self, py: Python<'py>, senders: &Senders) -> PyResult<One<'py>> {
        let received = self.states.bind(py).call_method0(intern!(py, "copy"))?;
        let withheld = PyList::empty(py);
        if !matches!(senders, Senders::AllExcept(missing) if missing.is_empty()) {
            let each = self.batch.bind(py).iter().zip(self.senders.bind(py).iter());
            for (state, sender) in each {
                let sender = sender.cast::<PyString>().map(text).unwrap_or_default();
                if !senders.contains(sender) {
                    withheld.append(state)?;
                }
            }
            received.call_method1(intern!(py, "difference_update"), (&withheld,))?;
        }
        Ok((received, withheld))
    }

    /// What is to be dropped where no lock is held.
    pub(crate) fn into_python(self) -> Retired {
        let (batch, senders) = (self.batch.into_any(), self.senders.into_any());
        vec![batch, senders, self.states.into_any()]
    }
}

impl Core {
    /// `None` if the user does not receive everyone, or if in the batch is anything but states of users.
    pub(crate) fn only_for<'py>(
        &self,
        py: Python<'py>,
        snapshot: &Snapshot,
        states: &Bound<'py, PyList>,
        senders: &Bound<'py, PyList>,
        user: &str,
    ) -> Option<One<'py>> {
        let (before, revision) = self.with_facts(py, |facts| {
            let known = facts.are_known(snapshot);
            known.then(|| facts.take_whole())
        })?;
        let again = before
            .filter(|whole| whole.known_at == revision && is_same(whole.batch.bind(py), states));
        let whole = match again {
            Some(whole) => whole,
            None => {
                let strings = senders.iter().map(|sender| sender.cast_into::<PyString>());
                let strings: Vec<_> = strings.collect::<Result<_, _>>().ok()?;
                let all = strings.len() == states.len()
                    && self
                        .with_facts(py, |facts| strings.iter().all(|one| facts.learn(text(one))));
                all.then_some(())?;
                Whole::new(states, senders, revision).ok()?
            }
        };
        let senders = self.with_facts(py, |facts| facts.everyone_for(snapshot, user));
        let one = senders.and_then(|senders| whole.split(py, &senders).ok());
        if states.len() <= LARGE_BATCH {
            self.with_facts(py, |facts| facts.keep_whole(whole));
        }
        one
    }
}
