//! Answers as Python objects: one set for all recipients who get the same.
//!
//! Law: only here are a caller's own objects hashed, each once, and no lock is held then. Hashing one
//! `UserPresenceState` costs 130 ns, taking it from another set 10 to 30, so a set for each class of senders
//! is made first, and the others of these.

use foldhash::fast::RandomState;
use hashbrown::HashSet;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyList, PySet, PyString, PyTuple, PyType};

use crate::facts::{Group, Map, Split};

/// Recipient -> states, and for each group of "ALL" recipients what is withheld from them.
pub(crate) type Routed<'py> = (Bound<'py, PyDict>, Bound<'py, PyList>);

pub(crate) fn routed<'py>(
    py: Python<'py>,
    states: &[Bound<'py, PyAny>],
    split: Split,
) -> PyResult<Routed<'py>> {
    let answer = PyDict::new(py);
    let withheld = PyList::empty(py);
    let mut sets = Sets::new(py, states, &split.classes)?;
    for group in &split.groups {
        let set = sets.of(py, group)?;
        for recipient in &group.recipients {
            answer.set_item(recipient, &set)?;
        }
        let absent = split.classes.len() - group.classes.len();
        if !group.everyone.is_empty() && absent > 0 {
            let states = sets.absent(group).flat_map(|class| sets.states_of(class));
            let states = PyList::new(py, states.collect::<Vec<_>>())?;
            let recipients = PyList::new(py, group.everyone.iter().map(|id| id.bind(py)))?;
            withheld.append((recipients, states))?;
        }
    }
    Ok((answer, withheld))
}

/// Makes the sets of a batch.
struct Sets<'a, 'py> {
    states: &'a [Bound<'py, PyAny>],
    classes: &'a [Vec<u32>],
    /// The states of each class; handed out to those who get no other.
    pieces: Vec<Bound<'py, PySet>>,
    whole: Option<Bound<'py, PySet>>,
}

impl<'a, 'py> Sets<'a, 'py> {
    fn new(
        py: Python<'py>,
        states: &'a [Bound<'py, PyAny>],
        classes: &'a [Vec<u32>],
    ) -> PyResult<Self> {
        let mut sets = Sets {
            states,
            classes,
            pieces: Vec::with_capacity(classes.len()),
            whole: None,
        };
        for class in 0..classes.len() {
            let piece = PySet::empty(py)?;
            let of_class = PyList::new(py, sets.states_of(class).collect::<Vec<_>>())?;
            fill(&piece, &of_class)?;
            sets.pieces.push(piece);
        }
        Ok(sets)
    }

    /// The states of a group. Each group has a set of its own.
    fn of(&mut self, py: Python<'py>, group: &Group) -> PyResult<Bound<'py, PySet>> {
        let all = self.classes.len();
        if let [class] = group.classes.as_slice()
            && let Some(piece) = self.pieces.get(*class)
        {
            return Ok(piece.clone());
        }
        if group.classes.len() * 2 <= all {
            return self.union(py, group.classes.iter().copied());
        }
        let whole = match &self.whole {
            Some(whole) => whole.clone(),
            None => {
                let whole = self.union(py, 0..all)?;
                self.whole.insert(whole).clone()
            }
        };
        if group.classes.len() == all {
            return Ok(whole);
        }
        let rest = whole.call_method0(intern!(py, "copy"))?;
        let absent = self
            .absent(group)
            .filter_map(|class| self.pieces.get(class));
        let absent = PyTuple::new(py, absent.collect::<Vec<_>>())?;
        rest.call_method1(intern!(py, "difference_update"), absent)?;
        Ok(rest.cast_into::<PySet>()?)
    }

    /// Costs no hashing.
    fn union(
        &self,
        py: Python<'py>,
        classes: impl Iterator<Item = usize>,
    ) -> PyResult<Bound<'py, PySet>> {
        let set = PySet::empty(py)?;
        let pieces = classes.filter_map(|class| self.pieces.get(class));
        let pieces = PyTuple::new(py, pieces.collect::<Vec<_>>())?;
        set.call_method1(intern!(py, "update"), pieces)?;
        Ok(set)
    }

    /// The classes that a group does not get.
    fn absent(&self, group: &Group) -> impl Iterator<Item = usize> + use<> {
        let mut given = vec![false; self.classes.len()];
        for class in &group.classes {
            if let Some(given) = given.get_mut(*class) {
                *given = true;
            }
        }
        given
            .into_iter()
            .enumerate()
            .filter_map(|(class, given)| (!given).then_some(class))
    }

    fn states_of(
        &self,
        class: usize,
    ) -> impl Iterator<Item = &'a Bound<'py, PyAny>> + use<'a, 'py> {
        let (states, classes) = (self.states, self.classes);
        let positions = classes.get(class).into_iter().flatten();
        positions.filter_map(move |at| states.get(*at as usize))
    }
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

/// Of each server that is told anything one user, with what any user of it is told.
pub(crate) fn one_of_each_server<'py>(
    users_for_states: &Bound<'py, PyDict>,
) -> PyResult<Bound<'py, PyDict>> {
    let py = users_for_states.py();
    let mut told: Vec<(Bound<'py, PyString>, Bound<'py, PySet>)> = Vec::new();
    for (user, states) in users_for_states {
        let states = states.cast_into::<PySet>()?;
        if !states.is_empty() {
            told.push((user.cast_into()?, states));
        }
    }
    let mut servers: Map<&str, usize> = Map::default();
    let mut seen = HashSet::<_, RandomState>::default();
    let mut one_of_each: Vec<(&Bound<'py, PyString>, Vec<&Bound<'py, PySet>>)> = Vec::new();
    for (user, states) in &told {
        let server = user.to_str()?.split_once(':').unwrap_or_default().1;
        // Very many share one set.
        if seen.insert((server, states.as_ptr())) {
            let at = *servers.entry(server).or_insert(one_of_each.len());
            match one_of_each.get_mut(at) {
                Some((_, parts)) => parts.push(states),
                None => one_of_each.push((user, vec![states])),
            }
        }
    }
    let answer = PyDict::new(py);
    for (user, parts) in one_of_each {
        let states = PySet::empty(py)?;
        states.call_method1(intern!(py, "update"), PyTuple::new(py, parts)?)?;
        answer.set_item(user, states)?;
    }
    Ok(answer)
}

/// An awaitable that has its result.
pub(crate) fn finished<'py>(result: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    static CLASS: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    let py = result.py();
    let class = CLASS.import(py, "synapse_presence_router.awaitable", "Finished")?;
    class.call1((result,))
}

/// The one whose result is "ALL".
pub(crate) fn finished_all(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    static ALL: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let all = ALL.get_or_try_init(py, || finished(intern!(py, "ALL")).map(Bound::unbind))?;
    Ok(all.bind(py).clone())
}
