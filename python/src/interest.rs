//! Whose presence a recipient receives, kept as Python's sets.
//!
//! Law: a kept set is handed out itself only to code of which it is known that it only reads it and lets go of
//! it, and only while nobody else holds it; anyone else gets a copy. That nobody changed it is not looked at,
//! but for its length: no less than a look at every user in it would tell.

use pyo3::prelude::*;
use pyo3::types::{PySet, PyString};

use crate::facts::{MAX_REMEMBERED, Map, Retired, Stamp};

/// An answer for one recipient, before it is Python's.
pub(crate) enum Interest {
    All,
    /// Not for the first time.
    AllAgain,
    /// An awaitable of the kept set.
    Ready(Py<PyAny>),
    /// The kept set.
    ToCopy(Py<PySet>),
    /// To be made a set, and handed to [`Facts::remember`](crate::facts::Facts::remember) with the stamp.
    New(Stamp, Vec<Py<PyString>>),
}

pub(crate) enum Remembered {
    All,
    Only(Kept),
}

pub(crate) struct Kept {
    pub(crate) set: Py<PySet>,
    /// The awaitable whose result it is.
    pub(crate) finished: Py<PyAny>,
    pub(crate) len: usize,
}

/// The answers given last, all from one policy and the same facts.
#[derive(Default)]
pub(crate) struct Interests {
    stamp: Stamp,
    /// How much is held.
    size: usize,
    by_user: Map<Box<str>, Remembered>,
}

impl Interests {
    /// What a user was answered, if it is still true.
    pub(crate) fn get(
        &self,
        py: Python<'_>,
        stamp: Stamp,
        user: &str,
        only_reads: bool,
    ) -> Option<Interest> {
        if self.stamp != stamp {
            return None;
        }
        match self.by_user.get(user)? {
            Remembered::All => Some(Interest::AllAgain),
            Remembered::Only(kept) if kept.set.bind(py).len() != kept.len => None,
            Remembered::Only(kept) if only_reads && kept.is_free(py) => {
                Some(Interest::Ready(kept.finished.clone_ref(py)))
            }
            Remembered::Only(kept) => Some(Interest::ToCopy(kept.set.clone_ref(py))),
        }
    }

    /// Forgets what was made from anything else.
    pub(crate) fn bring_to(&mut self, stamp: Stamp, retired: &mut Retired) {
        if self.stamp != stamp {
            self.forget(retired);
            self.stamp = stamp;
        }
    }

    /// Keeps an answer for as long as it is true.
    pub(crate) fn keep(
        &mut self,
        stamp: Stamp,
        user: &str,
        answer: Remembered,
        retired: &mut Retired,
    ) {
        // Another call may have been answered from newer facts meanwhile.
        if self.stamp != stamp {
            return answer.retire(retired);
        }
        if self.size + answer.size() > MAX_REMEMBERED {
            self.forget(retired);
        }
        self.size += answer.size();
        if let Some(before) = self.by_user.insert(user.into(), answer) {
            self.size -= before.size();
            before.retire(retired);
        }
    }

    fn forget(&mut self, retired: &mut Retired) {
        self.size = 0;
        for answer in std::mem::take(&mut self.by_user).into_values() {
            answer.retire(retired);
        }
    }
}

impl Remembered {
    fn size(&self) -> usize {
        match self {
            Remembered::All => 1,
            Remembered::Only(kept) => kept.len + 1,
        }
    }

    fn retire(self, retired: &mut Retired) {
        if let Remembered::Only(kept) = self {
            retired.extend([kept.set.into_any(), kept.finished]);
        }
    }
}

impl Kept {
    /// Whether nobody but we and the awaitable holds the set.
    fn is_free(&self, py: Python<'_>) -> bool {
        #[expect(deprecated, reason = "what it is replaced by is unsafe")]
        let holders = self.set.get_refcnt(py);
        holders == 2
    }
}
