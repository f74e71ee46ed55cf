//! Answers that are ready but for the states, one for all senders with the same recipients.
//!
//! To copy a dict costs 2 ns a key, to fill one 15. So the dict of the recipients is kept, all its values
//! one set; the set is emptied and filled with the states of each batch, and a copy of the dict is handed
//! out.
//!
//! Laws:
//!
//! - What is kept is never handed out itself, except the set, and that is filled anew only once nobody
//!   else holds it: an answer given earlier never changes, and what was done to it reaches no later one.
//! - Everything here may run code of the caller's (a state's `__hash__`), so it is used without a lock, and
//!   taken out of [`Facts`](crate::facts::Facts) meanwhile.

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PySet, PyString};

use crate::answer;
use crate::facts::{Retired, Stamp};

/// The states of a larger batch are not kept alive until the next one.
pub(crate) const LARGE_BATCH: usize = 10_000;

/// The recipients of a batch from senders who all have the same.
pub(crate) struct Ready {
    /// What it was made from.
    pub(crate) stamp: Stamp,
    /// Which of the rows of recipients.
    pub(crate) row: u32,
    /// Senders known to have these recipients at that revision, strings for certain.
    senders: Py<PySet>,
    revision: u64,
    recipients: Py<PyDict>,
    /// Every value of `recipients`.
    states: Py<PySet>,
    /// How many recipients there are.
    len: usize,
    last: Option<Last>,
}

/// The batch of the last time. Synapse asks about one batch for each user who receives everyone.
struct Last {
    batch: Py<PyList>,
    senders: Py<PyList>,
    /// The states as a set that is never handed out, once they came a second time.
    pristine: Option<Py<PySet>>,
}

impl Ready {
    /// Costs the recipients.
    pub(crate) fn new(
        py: Python<'_>,
        stamp: Stamp,
        revision: u64,
        row: u32,
        ids: &[Py<PyString>],
    ) -> PyResult<Self> {
        let states = PySet::empty(py)?;
        let recipients = PyDict::new(py);
        for id in ids {
            recipients.set_item(id, &states)?;
        }
        Ok(Ready {
            stamp,
            row,
            senders: PySet::empty(py)?.unbind(),
            revision,
            len: recipients.len(),
            recipients: recipients.unbind(),
            states: states.unbind(),
            last: None,
        })
    }

    /// Forgets the senders told at another revision than this: some may have other recipients now.
    pub(crate) fn bring_to(&mut self, py: Python<'_>, revision: u64) {
        if self.revision != revision {
            self.revision = revision;
            self.senders.bind(py).clear();
            self.last = None;
        }
    }

    /// How many recipients there are.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Whether all of these are senders with these recipients, as far as they were told to
    /// [`Ready::add_senders`].
    pub(crate) fn has_senders(
        &self,
        py: Python<'_>,
        senders: &Bound<'_, PyList>,
    ) -> PyResult<bool> {
        // Often the same in the same order, which costs a third.
        if let Some(last) = &self.last
            && last.senders.bind(py).eq(senders)?
        {
            return Ok(true);
        }
        let known = self.senders.bind(py);
        known
            .call_method1(intern!(py, "issuperset"), (senders,))?
            .is_truthy()
    }

    /// Senders who have these recipients. What is not a string itself is passed over.
    pub(crate) fn add_senders(&self, senders: &[Bound<'_, PyString>]) -> PyResult<()> {
        for sender in senders {
            if sender.is_exact_instance_of::<PyString>() {
                self.senders.bind(sender.py()).add(sender)?;
            }
        }
        Ok(())
    }

    /// The answer for a batch. Costs hashing the states, and a copy of the dict.
    ///
    /// Fails if a state cannot be in a set, and is as before then.
    pub(crate) fn answer<'py>(
        &mut self,
        py: Python<'py>,
        batch: &Bound<'py, PyList>,
        senders: &Bound<'py, PyList>,
    ) -> PyResult<Bound<'py, PyDict>> {
        if self.len == 0 {
            return Ok(PyDict::new(py));
        }
        if !self.is_free(py) {
            self.renew(py)?;
        }
        let states = self.states.bind(py);
        states.clear();
        let again = self
            .last
            .take_if(|last| is_same(last.batch.bind(py), batch));
        let pristine = again.as_ref().and_then(|last| last.pristine.as_ref());
        match pristine {
            // Hashes nothing anew.
            Some(pristine) => _ = states.call_method1(intern!(py, "update"), (pristine,))?,
            None => answer::fill(states, batch).inspect_err(|_| states.clear())?,
        }
        self.last = match again {
            Some(last) if last.pristine.is_some() => Some(last),
            Some(last) => {
                let pristine = states.call_method0(intern!(py, "copy"))?;
                let pristine = Some(pristine.cast_into::<PySet>()?.unbind());
                Some(Last { pristine, ..last })
            }
            None if batch.len() > 1 => Some(Last {
                batch: batch.get_slice(0, batch.len()).unbind(),
                senders: senders.clone().unbind(),
                pristine: None,
            }),
            None => None,
        };
        self.recipients.bind(py).copy()
    }

    /// Whether it is worth keeping after a batch of so many states.
    pub(crate) fn is_to_be_kept(&self, states: usize) -> bool {
        self.len == 0 || states <= LARGE_BATCH
    }

    /// What is to be dropped where no lock is held.
    pub(crate) fn into_python(self) -> Retired {
        let (senders, states) = (self.senders.into_any(), self.states.into_any());
        let mut retired = vec![senders, self.recipients.into_any(), states];
        if let Some(last) = self.last {
            retired.extend([last.batch.into_any(), last.senders.into_any()]);
            retired.extend(last.pristine.map(Py::into_any));
        }
        retired
    }

    /// Whether nobody but we holds the set.
    fn is_free(&self, py: Python<'_>) -> bool {
        #[expect(deprecated, reason = "what it is replaced by is unsafe")]
        let holders = self.states.get_refcnt(py);
        usize::try_from(holders) == Ok(self.len + 1)
    }

    /// Leaves the set to whoever holds it. Costs the recipients.
    fn renew(&mut self, py: Python<'_>) -> PyResult<()> {
        let states = PySet::empty(py)?;
        let recipients = self.recipients.bind(py);
        let recipients = recipients.call_method1(intern!(py, "fromkeys"), (recipients, &states))?;
        self.recipients = recipients.cast_into::<PyDict>()?.unbind();
        self.states = states.unbind();
        Ok(())
    }
}

/// Whether these are the same objects in the same order.
pub(crate) fn is_same(last: &Bound<'_, PyList>, batch: &Bound<'_, PyList>) -> bool {
    let same = |at: usize| match (last.get_item(at), batch.get_item(at)) {
        (Ok(one), Ok(other)) => one.is(&other),
        _ => false,
    };
    last.len() == batch.len() && (0..last.len()).all(same)
}
