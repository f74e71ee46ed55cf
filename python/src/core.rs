//! The class `Core`: one policy, the facts it is asked about, and its reloads.
//!
//! Law: every method is one guarded entry: take Python's arguments apart, lock, ask, unlock, drop what is
//! no longer remembered, build Python's answer. Between two calls of one thread nobody else may hold the lock for longer than such
//! a step takes.

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use presence_router::router::{Reload, Router, Snapshot};
use presence_router::watch::{WatchStatus, Watcher};
use pyo3::IntoPyObjectExt;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::MutexExt;
use pyo3::types::{PyDict, PyList, PySet, PyString, PyTuple};

use crate::answer::{self, Routed};
use crate::facts::{Facts, Take};
use crate::guard::guard;
use crate::interest::{Interest, Kept, Remembered};
use crate::ready::Ready;
use crate::whole::One;
use crate::{InlineTexts, PolicyError, origin};

/// Loaded or refused, generation in force, its rules, its warnings, report.
type Change = (bool, u64, usize, usize, String);

#[pyclass(frozen, module = "synapse_presence_router._core")]
pub(crate) struct Core {
    router: Arc<Router>,
    facts: Mutex<Facts>,
    watching: Mutex<Option<Watcher>>,
    changes: Mutex<Option<Receiver<Reload>>>,
}

#[pymethods]
impl Core {
    #[new]
    #[pyo3(signature = (policy, inline = Vec::new(), server_name = None))]
    fn new(
        py: Python<'_>,
        policy: Option<PathBuf>,
        inline: InlineTexts,
        server_name: Option<&str>,
    ) -> PyResult<Self> {
        guard(|| {
            let origin = origin(policy, inline, server_name);
            let server_name = origin.homeserver.clone();
            let router = py
                .detach(|| Router::load(origin))
                .map_err(|report| PolicyError::new_err(report.render(false)))?;
            Ok(Core {
                router: Arc::new(router),
                facts: Mutex::new(Facts::new(server_name)),
                watching: Mutex::new(None),
                changes: Mutex::new(None),
            })
        })
    }

    #[getter]
    fn generation(&self) -> PyResult<u64> {
        guard(|| Ok(self.router.snapshot().generation()))
    }

    #[getter]
    fn rule_count(&self) -> PyResult<usize> {
        guard(|| Ok(self.router.snapshot().rule_count()))
    }

    fn warnings(&self) -> PyResult<(u64, usize, String)> {
        guard(|| {
            let snapshot = self.router.snapshot();
            let warnings = snapshot.warnings();
            Ok((
                snapshot.generation(),
                warnings.warnings(),
                warnings.render(false),
            ))
        })
    }

    // ---- facts in ----

    fn add_users(&self, py: Python<'_>, users: &Bound<'_, PyAny>) -> PyResult<usize> {
        guard(|| {
            let users = strings(users)?;
            let listed = |facts: &mut Facts| {
                let users = users.iter();
                users
                    .filter(|user| facts.list_user(text(user)) == Some(true))
                    .count()
            };
            Ok(self.with_facts(py, listed))
        })
    }

    fn remove_users(&self, py: Python<'_>, users: &Bound<'_, PyAny>) -> PyResult<usize> {
        guard(|| {
            let users = strings(users)?;
            let removed = |facts: &mut Facts| {
                let users = users.iter();
                users.filter(|user| facts.remove_user(text(user))).count()
            };
            Ok(self.with_facts(py, removed))
        })
    }

    fn set_room_members(
        &self,
        py: Python<'_>,
        room: &Bound<'_, PyString>,
        members: &Bound<'_, PyAny>,
    ) -> PyResult<()> {
        guard(|| {
            let members = strings(members)?;
            let members: Vec<&str> = members.iter().map(text).collect();
            self.with_facts(py, |facts| facts.set_room_members(text(room), &members));
            Ok(())
        })
    }

    fn change_room_members(
        &self,
        py: Python<'_>,
        room: &Bound<'_, PyString>,
        came: &Bound<'_, PyAny>,
        went: &Bound<'_, PyAny>,
    ) -> PyResult<()> {
        guard(|| {
            let (came, went) = (strings(came)?, strings(went)?);
            let [came, went] =
                [&came, &went].map(|users| -> Vec<&str> { users.iter().map(text).collect() });
            let snapshot = self.router.snapshot();
            self.with_facts(py, |facts| {
                facts.change_room_members(&snapshot, text(room), &came, &went);
            });
            Ok(())
        })
    }

    #[pyo3(signature = (alias, room))]
    fn set_alias(
        &self,
        py: Python<'_>,
        alias: &Bound<'_, PyString>,
        room: Option<&Bound<'_, PyString>>,
    ) -> PyResult<()> {
        guard(|| {
            self.with_facts(py, |facts| facts.set_alias(text(alias), room.map(text)));
            Ok(())
        })
    }

    // ---- facts wanted ----

    fn rooms(&self, py: Python<'_>) -> PyResult<Py<PyTuple>> {
        guard(|| {
            let snapshot = self.router.snapshot();
            let (number, rooms) = match self.with_facts(py, |facts| facts.rooms(py, &snapshot)) {
                Ok((_, rooms)) => return Ok(rooms),
                Err(wanted) => wanted,
            };
            let rooms = PyTuple::new(py, rooms)?;
            let rooms = (snapshot.generation(), rooms).into_pyobject(py)?.unbind();
            self.with_facts(py, |facts| {
                facts.remember_rooms(number, snapshot.generation(), rooms.clone_ref(py));
            });
            Ok(rooms)
        })
    }

    fn members_are_known(&self, py: Python<'_>, generation: u64) -> PyResult<()> {
        guard(|| {
            self.with_facts(py, |facts| facts.members_are_known(generation));
            Ok(())
        })
    }

    fn members_changed(&self, py: Python<'_>) -> PyResult<()> {
        guard(|| {
            self.with_facts(py, Facts::members_changed);
            Ok(())
        })
    }

    fn aliases<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        guard(|| {
            let snapshot = self.router.snapshot();
            PyTuple::new(py, snapshot.aliases().iter().map(AsRef::<str>::as_ref))
        })
    }

    // ---- answers ----

    #[pyo3(signature = (states, generation = None))]
    fn route<'py>(
        &self,
        py: Python<'py>,
        states: &Bound<'py, PyAny>,
        generation: Option<u64>,
    ) -> PyResult<Option<Routed<'py>>> {
        guard(|| {
            let Some(snapshot) = self.snapshot(generation) else {
                return Ok(None);
            };
            self.route_slowly(py, &snapshot, states).map(Some)
        })
    }

    #[pyo3(signature = (states, senders = None))]
    fn route_now<'py>(
        &self,
        py: Python<'py>,
        states: &Bound<'py, PyList>,
        senders: Option<&Bound<'py, PyList>>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        guard(|| {
            let snapshot = self.router.snapshot();
            if let Some(senders) = senders
                && let Some(answer) = self.route_ready(py, &snapshot, states, senders)
            {
                return Ok(Some(answer.into_any()));
            }
            if !self.with_facts(py, |facts| facts.are_known(&snapshot)) {
                return Ok(None);
            }
            let (answer, withheld) = self.route_slowly(py, &snapshot, states.as_any())?;
            Ok(Some(match withheld.len() {
                0 => answer.into_any(),
                _ => (answer, withheld).into_bound_py_any(py)?,
            }))
        })
    }

    fn route_only_for<'py>(
        &self,
        py: Python<'py>,
        states: &Bound<'py, PyList>,
        senders: &Bound<'py, PyList>,
        user: &Bound<'py, PyAny>,
    ) -> PyResult<Option<One<'py>>> {
        guard(|| {
            let snapshot = self.router.snapshot();
            Ok(self.only_for(py, &snapshot, states, senders, user_text(user)))
        })
    }

    #[pyo3(signature = (user, generation = None))]
    fn interested<'py>(
        &self,
        py: Python<'py>,
        user: &Bound<'py, PyAny>,
        generation: Option<u64>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        guard(|| {
            let Some(snapshot) = self.snapshot(generation) else {
                return Ok(None);
            };
            let user = user_text(user);
            let interest =
                self.with_facts(py, |facts| facts.interested(py, &snapshot, user, false));
            let interest = match interest {
                Some(Interest::AllAgain) => Some(Interest::All),
                other => other,
            };
            self.interest(py, user, interest, false).map(Some)
        })
    }

    fn interested_now<'py>(
        &self,
        py: Python<'py>,
        user: &Bound<'py, PyAny>,
        only_reads: bool,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        guard(|| {
            let snapshot = self.router.snapshot();
            let user = user_text(user);
            let interest = self.with_facts(py, |facts| {
                let known = facts.are_known(&snapshot);
                known.then(|| facts.interested(py, &snapshot, user, only_reads))
            });
            match interest {
                None => Ok(None),
                Some(interest) => self.interest(py, user, interest, only_reads).map(Some),
            }
        })
    }

    // ---- reload ----

    fn reload(&self, py: Python<'_>) -> PyResult<Option<Change>> {
        guard(|| {
            let reload = py.detach(|| self.router.reload());
            Ok(self.change(reload))
        })
    }

    fn watch(&self, py: Python<'_>) -> PyResult<()> {
        guard(|| {
            let (sender, receiver): (Sender<Reload>, _) = channel();
            let watcher = py.detach(|| {
                self.router.watch(move |reload| {
                    // Nobody listens any more once `close` was called.
                    let _ = sender.send(reload);
                })
            });
            *lock(py, &self.changes) = Some(receiver);
            let before = lock(py, &self.watching).replace(watcher);
            py.detach(|| drop(before));
            Ok(())
        })
    }

    #[pyo3(signature = (timeout = None))]
    fn next_reload(&self, py: Python<'_>, timeout: Option<f64>) -> PyResult<Option<Change>> {
        guard(|| {
            // Taken out while waiting, so that nobody waits for a lock: one waits for changes at a time.
            let Some(changes) = lock(py, &self.changes).take() else {
                return Ok(None);
            };
            let (reload, changes) = py.detach(move || {
                let reload = loop {
                    let next = match timeout.map(Duration::try_from_secs_f64) {
                        Some(Ok(timeout)) => changes.recv_timeout(timeout),
                        _ => changes.recv().map_err(|_| RecvTimeoutError::Disconnected),
                    };
                    if !matches!(next, Ok(Reload::Unchanged)) {
                        break next;
                    }
                };
                (reload, changes)
            });
            if !matches!(reload, Err(RecvTimeoutError::Disconnected)) {
                lock(py, &self.changes).get_or_insert(changes);
            }
            Ok(reload.ok().and_then(|reload| self.change(reload)))
        })
    }

    #[getter]
    fn watch_status(&self, py: Python<'_>) -> PyResult<&'static str> {
        guard(|| {
            let watching = lock(py, &self.watching);
            Ok(match watching.as_ref().map(Watcher::status) {
                Some(WatchStatus::Live) => "live",
                Some(WatchStatus::Degraded) => "degraded",
                _ => "stopped",
            })
        })
    }

    fn close(&self, py: Python<'_>) -> PyResult<()> {
        guard(|| {
            let watcher = lock(py, &self.watching).take();
            // Waits for the thread to end, which may itself wait for a file.
            py.detach(|| drop(watcher));
            Ok(())
        })
    }
}

impl Core {
    /// Does something with the facts, and drops afterwards what they no longer remember.
    pub(crate) fn with_facts<T>(&self, py: Python<'_>, work: impl FnOnce(&mut Facts) -> T) -> T {
        let mut facts = lock(py, &self.facts);
        let done = work(&mut facts);
        let retired = facts.take_retired();
        drop(facts);
        drop(retired);
        done
    }

    /// The policy in force, `None` if that is no longer the wanted one.
    fn snapshot(&self, generation: Option<u64>) -> Option<Arc<Snapshot>> {
        let snapshot = self.router.snapshot();
        generation
            .is_none_or(|wanted| wanted == snapshot.generation())
            .then_some(snapshot)
    }

    /// The answer to a batch whose senders all have the same recipients, if that has come up before and
    /// nothing stands in the way.
    fn route_ready<'py>(
        &self,
        py: Python<'py>,
        snapshot: &Snapshot,
        states: &Bound<'py, PyList>,
        senders: &Bound<'py, PyList>,
    ) -> Option<Bound<'py, PyDict>> {
        let first = senders.get_item(0).ok()?.cast_into::<PyString>().ok()?;
        if senders.len() != states.len() {
            return None;
        }
        let (taken, revision) = self.with_facts(py, |facts| match facts.are_known(snapshot) {
            true => facts.take_ready(py, snapshot, text(&first)),
            false => None,
        })?;
        let mut ready = match taken {
            Take::Ready(ready) => ready,
            Take::New(stamp, row, ids) => Ready::new(py, stamp, revision, row, &ids).ok()?,
        };
        ready.bring_to(py, revision);
        let fit = senders.len() == 1 || self.are_of_row(py, &ready, senders);
        // Where something in the batch is no state, the slow way finds out what.
        let answer = match fit {
            true => ready.answer(py, states, senders).ok(),
            false => None,
        };
        if ready.is_to_be_kept(states.len()) {
            self.with_facts(py, |facts| facts.give_back(ready));
        }
        answer
    }

    fn are_of_row(&self, py: Python<'_>, ready: &Ready, senders: &Bound<'_, PyList>) -> bool {
        if ready.has_senders(py, senders).unwrap_or_default() {
            return true;
        }
        let strings: Vec<Bound<'_, PyString>> = senders
            .iter()
            .map_while(|sender| sender.cast_into::<PyString>().ok())
            .collect();
        let all = strings.len() == senders.len()
            && self.with_facts(py, |facts| {
                facts.are_of_row(ready, strings.iter().map(text))
            });
        all && ready.add_senders(&strings).is_ok()
    }

    fn route_slowly<'py>(
        &self,
        py: Python<'py>,
        snapshot: &Snapshot,
        states: &Bound<'py, PyAny>,
    ) -> PyResult<Routed<'py>> {
        let mut states: Vec<_> = states.try_iter()?.collect::<PyResult<_>>()?;
        loop {
            let routed = self.try_route(py, snapshot, &mut states);
            let all = states.len();
            if routed.is_err() {
                // Something that cannot be in a set stood among them.
                states.retain(|state| state.hash().is_ok());
            }
            if routed.is_ok() || states.len() == all {
                return routed;
            }
        }
    }

    fn try_route<'py>(
        &self,
        py: Python<'py>,
        snapshot: &Snapshot,
        states: &mut Vec<Bound<'py, PyAny>>,
    ) -> PyResult<Routed<'py>> {
        let mut senders: Vec<Option<Bound<'py, PyString>>> = states.iter().map(sender).collect();
        let split = self.with_facts(py, |facts| {
            for place in &mut senders {
                let known = place
                    .as_ref()
                    .is_some_and(|sender| facts.learn(text(sender)));
                if !known {
                    *place = None;
                }
            }
            let batch: Vec<&str> = senders.iter().flatten().map(text).collect();
            facts.route(py, snapshot, &batch)
        });
        let mut there = senders.iter().map(Option::is_some);
        states.retain(|_| there.next().unwrap_or_default());
        answer::routed(py, states, split)
    }

    /// "ALL" or a set of the caller's own; or an awaitable that is kept: of "ALL" if that was answered before,
    /// of a set only for a caller who only reads it.
    fn interest<'py>(
        &self,
        py: Python<'py>,
        user: &str,
        interest: Option<Interest>,
        only_reads: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let set = match interest {
            None => return Ok(PySet::empty(py)?.into_any()),
            Some(Interest::All) => return Ok(intern!(py, "ALL").clone().into_any()),
            Some(Interest::AllAgain) => return answer::finished_all(py),
            Some(Interest::Ready(finished)) => return Ok(finished.into_bound(py)),
            Some(Interest::ToCopy(set)) => set.into_bound(py),
            Some(Interest::New(stamp, senders)) => {
                let set = answer::set_of_ids(py, &senders)?;
                let finished = answer::finished(&set)?;
                let kept = Remembered::Only(Kept {
                    set: set.clone().unbind(),
                    finished: finished.clone().unbind(),
                    len: set.len(),
                });
                self.with_facts(py, |facts| facts.remember(stamp, user, kept));
                if only_reads {
                    return Ok(finished);
                }
                set
            }
        };
        set.call_method0(intern!(py, "copy"))
    }

    fn change(&self, reload: Reload) -> Option<Change> {
        let (loaded, generation, report) = match reload {
            Reload::Unchanged => return None,
            Reload::Loaded { generation, report } => (true, generation, report),
            Reload::Kept { generation, report } => (false, generation, report),
        };
        let rules = self.router.snapshot().rule_count();
        Some((
            loaded,
            generation,
            rules,
            report.warnings(),
            report.render(false),
        ))
    }
}

/// A lock that lets go of the interpreter while it waits. Poison means a panic, after which we go on.
fn lock<'a, T>(py: Python<'_>, mutex: &'a Mutex<T>) -> MutexGuard<'a, T> {
    mutex
        .lock_py_attached(py)
        .unwrap_or_else(PoisonError::into_inner)
}

/// The user a state is about, if it says so in a string.
fn sender<'py>(state: &Bound<'py, PyAny>) -> Option<Bound<'py, PyString>> {
    let user = state.getattr(intern!(state.py(), "user_id")).ok()?;
    user.cast_into::<PyString>().ok()
}

/// The strings of an iterable; what else is in it is passed over.
fn strings<'py>(things: &Bound<'py, PyAny>) -> PyResult<Vec<Bound<'py, PyString>>> {
    let things: Vec<Bound<'py, PyAny>> = things.try_iter()?.collect::<PyResult<_>>()?;
    Ok(things
        .into_iter()
        .filter_map(|thing| thing.cast_into().ok())
        .collect())
}

/// The text of what should be a user's ID; empty if it is no string.
fn user_text<'a>(user: &'a Bound<'_, PyAny>) -> &'a str {
    user.cast::<PyString>().map(text).unwrap_or_default()
}

/// A string's text; empty, which is no identifier, if it has surrogates.
pub(crate) fn text<'a>(string: &'a Bound<'_, PyString>) -> &'a str {
    string.to_str().unwrap_or_default()
}
