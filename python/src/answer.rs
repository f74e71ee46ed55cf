//! Answers as Python objects: one set for all recipients who get the same.
//!
//! Law: only here are a caller's own objects hashed, and no lock is held then. Hashing one
//! `UserPresenceState` costs 130 ns, so a set that lacks less than half is made from the whole one.

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PySet, PyString};

use crate::facts::Group;

/// Recipient -> states, and for each group of "ALL" recipients what is withheld from them.
pub(crate) type Routed<'py> = (Bound<'py, PyDict>, Bound<'py, PyList>);

pub(crate) fn routed<'py>(
    py: Python<'py>,
    states: &[Bound<'py, PyAny>],
    groups: Vec<Group>,
) -> PyResult<Routed<'py>> {
    let answer = PyDict::new(py);
    let withheld = PyList::empty(py);
    let mut whole: Option<Bound<'py, PySet>> = None;
    for group in groups {
        let absent = Absent::new(&group.states, states.len());
        let set = if absent.len() == 0 || absent.len() * 2 < states.len() {
            let whole = match &whole {
                Some(whole) => whole,
                None => whole.insert(set_of(py, states.iter())?),
            };
            match absent.len() {
                0 => whole.clone(),
                _ => without(whole, &set_of(py, absent.of(states))?)?,
            }
        } else {
            let given = group
                .states
                .iter()
                .filter_map(|at| states.get(*at as usize));
            set_of(py, given)?
        };
        for recipient in &group.recipients {
            answer.set_item(recipient, &set)?;
        }
        if !group.everyone.is_empty() && absent.len() > 0 {
            let states = PyList::new(py, absent.of(states).collect::<Vec<_>>())?;
            let recipients = PyList::new(py, group.everyone.iter().map(|id| id.bind(py)))?;
            withheld.append((recipients, states))?;
        }
    }
    Ok((answer, withheld))
}

/// Puts the states of a list into a set.
pub(crate) fn fill<'py>(set: &Bound<'py, PySet>, states: &Bound<'py, PyList>) -> PyResult<()> {
    if states.len() == 1 {
        return set.add(states.get_item(0)?);
    }
    // Python's own loop over a list is faster than ours over calls.
    set.call_method1(intern!(set.py(), "update"), (states,))?;
    Ok(())
}

/// A set of IDs.
pub(crate) fn set_of_ids<'py>(
    py: Python<'py>,
    ids: &[Py<PyString>],
) -> PyResult<Bound<'py, PySet>> {
    let set = PySet::empty(py)?;
    for id in ids {
        set.add(id)?;
    }
    Ok(set)
}

fn set_of<'a, 'py: 'a>(
    py: Python<'py>,
    states: impl Iterator<Item = &'a Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PySet>> {
    // Python's own loop over a list is faster than ours over calls.
    let states = PyList::new(py, states.collect::<Vec<_>>())?;
    Ok(py
        .get_type::<PySet>()
        .call1((states,))?
        .cast_into::<PySet>()?)
}

/// `whole - less`, which hashes nothing anew.
fn without<'py>(
    whole: &Bound<'py, PySet>,
    less: &Bound<'py, PySet>,
) -> PyResult<Bound<'py, PySet>> {
    Ok(whole
        .call_method1("difference", (less,))?
        .cast_into::<PySet>()?)
}

/// The indexes below `len` that are not in an ascending list.
struct Absent {
    indexes: Vec<usize>,
}

impl Absent {
    fn new(given: &[u32], len: usize) -> Self {
        if given.len() == len {
            return Absent {
                indexes: Vec::new(),
            };
        }
        let mut given = given.iter().map(|at| *at as usize).peekable();
        let indexes = (0..len)
            .filter(|at| given.next_if_eq(at).is_none())
            .collect();
        Absent { indexes }
    }

    fn len(&self) -> usize {
        self.indexes.len()
    }

    fn of<'a, T>(&'a self, states: &'a [T]) -> impl Iterator<Item = &'a T> {
        self.indexes.iter().filter_map(|at| states.get(*at))
    }
}
