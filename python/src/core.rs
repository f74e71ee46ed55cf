//! The class `Core`: one policy, the facts it is asked about, and its reloads.
//!
//! Law: every method is one guarded entry: take Python's arguments apart, lock, ask, unlock, build
//! Python's answer. Between two calls of one thread nobody else may hold the lock for longer than such
//! a step takes.

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use presence_router::router::{Reload, Router, Snapshot};
use presence_router::watch::{WatchStatus, Watcher};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::MutexExt;
use pyo3::types::{PySet, PyString, PyTuple};

use crate::answer::{self, Routed};
use crate::facts::{Facts, Interest};
use crate::guard::guard;
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
        guard(|| Ok(self.router.snapshot().policy().rules.len()))
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
            let mut facts = self.facts(py);
            Ok(users
                .iter()
                .filter(|user| facts.list_user(text(user)))
                .count())
        })
    }

    fn remove_users(&self, py: Python<'_>, users: &Bound<'_, PyAny>) -> PyResult<usize> {
        guard(|| {
            let users = strings(users)?;
            let mut facts = self.facts(py);
            Ok(users
                .iter()
                .filter(|user| facts.remove_user(text(user)))
                .count())
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
            self.facts(py).set_room_members(text(room), &members);
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
            let mut facts = self.facts(py);
            went.iter()
                .for_each(|user| facts.leave(text(room), text(user)));
            came.iter()
                .for_each(|user| facts.join(text(room), text(user)));
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
            self.facts(py).set_alias(text(alias), room.map(text));
            Ok(())
        })
    }

    // ---- facts wanted ----

    fn rooms(&self, py: Python<'_>) -> PyResult<Py<PyTuple>> {
        guard(|| self.facts(py).rooms(py, &self.router.snapshot()))
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
            let mut states: Vec<_> = states.try_iter()?.collect::<PyResult<_>>()?;
            loop {
                let routed = self.try_route(py, &snapshot, &mut states);
                let all = states.len();
                if routed.is_err() {
                    // Something that cannot be in a set stood among them.
                    states.retain(|state| state.hash().is_ok());
                }
                if routed.is_ok() || states.len() == all {
                    return routed.map(Some);
                }
            }
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
            let user = user.cast::<PyString>().map(text).unwrap_or_default();
            let interest = self.facts(py).interested(py, &snapshot, user);
            Ok(Some(match interest {
                None => PySet::empty(py)?.into_any(),
                Some(Interest::All) => intern!(py, "ALL").clone().into_any(),
                Some(Interest::Remembered(set)) => set.into_bound(py).into_any(),
                Some(Interest::New(stamp, senders)) => {
                    let set = answer::set_of_ids(py, &senders)?;
                    let kept = set.clone().unbind();
                    self.facts(py).remember(stamp, user, senders.len(), kept);
                    set.into_any()
                }
            }))
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
    fn facts(&self, py: Python<'_>) -> MutexGuard<'_, Facts> {
        lock(py, &self.facts)
    }

    /// The policy in force, `None` if that is no longer the wanted one.
    fn snapshot(&self, generation: Option<u64>) -> Option<Arc<Snapshot>> {
        let snapshot = self.router.snapshot();
        generation
            .is_none_or(|wanted| wanted == snapshot.generation())
            .then_some(snapshot)
    }

    fn try_route<'py>(
        &self,
        py: Python<'py>,
        snapshot: &Snapshot,
        states: &mut Vec<Bound<'py, PyAny>>,
    ) -> PyResult<Routed<'py>> {
        let mut senders: Vec<Option<Bound<'py, PyString>>> = states.iter().map(sender).collect();
        let groups = {
            let mut facts = self.facts(py);
            for place in &mut senders {
                let known = place
                    .as_ref()
                    .is_some_and(|sender| facts.learn(text(sender)));
                if !known {
                    *place = None;
                }
            }
            let mut there = senders.iter().map(Option::is_some);
            states.retain(|_| there.next().unwrap_or_default());
            let batch: Vec<&str> = senders.iter().flatten().map(text).collect();
            facts.route(py, snapshot, &batch)
        };
        answer::routed(py, states, groups)
    }

    fn change(&self, reload: Reload) -> Option<Change> {
        let (loaded, generation, report) = match reload {
            Reload::Unchanged => return None,
            Reload::Loaded { generation, report } => (true, generation, report),
            Reload::Kept { generation, report } => (false, generation, report),
        };
        let rules = self.router.snapshot().policy().rules.len();
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

/// A string's text; empty, which is no identifier, if it has surrogates.
fn text<'a>(string: &'a Bound<'_, PyString>) -> &'a str {
    string.to_str().unwrap_or_default()
}
