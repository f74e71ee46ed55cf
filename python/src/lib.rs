//! `synapse_presence_router._core`: the engine as Python sees it.
//!
//! Not for: Synapse's interface, which is Python's side (`router.py`), nor what a policy means, which is
//! the `presence-router` crate's.
//!
//! Laws:
//!
//! - No panic leaves: one would become a `PanicException`, which is no `Exception`, and Synapse catches
//!   only those. See `guard`.
//! - No code of Python's runs while a lock is held: an object's `__hash__` may call us again.
//! - Nothing here writes a log record: a thread that waits for Python's logging while Python waits for it
//!   waits for ever.

mod answer;
mod core;
mod differ;
mod facts;
mod guard;
mod interest;
mod partition;
mod ready;
mod rows;
mod whole;

use presence_router::id::{IdError, UserId};
use presence_router::router::{Inline, Origin, Router};
use presence_router::{Written, short_user_help};
use pyo3::create_exception;
use pyo3::exceptions::PyException;
use pyo3::prelude::*;
use pyo3::types::PyDict;

create_exception!(
    synapse_presence_router._core,
    PolicyError,
    PyException,
    "A policy that does not load. Its text is the whole report: every problem, its place, its help."
);

/// Completes names without a server where the homeserver's name is not known yet.
const STAND_IN_SERVER: &str = "homeserver";

/// A policy with the texts that the host adds to it: name in reports, text.
type InlineTexts = Vec<(String, String)>;

fn origin(policy: Option<std::path::PathBuf>, inline: InlineTexts, server: Option<&str>) -> Origin {
    Origin {
        path: policy,
        more: Vec::new(),
        inline: inline
            .into_iter()
            .map(|(name, text)| Inline { name, text })
            .collect(),
        homeserver: server.and_then(|name| name.parse().ok()),
    }
}

#[pyfunction]
fn check(py: Python<'_>, policy: Option<std::path::PathBuf>, inline: InlineTexts) -> PyResult<()> {
    guard::guard(|| {
        let origin = origin(policy, inline, Some(STAND_IN_SERVER));
        match py.detach(|| Router::load(origin)) {
            Ok(_) => Ok(()),
            Err(report) => Err(PolicyError::new_err(report.render(false))),
        }
    })
}

#[pyfunction]
fn wrong_user_id(text: &Bound<'_, pyo3::types::PyString>) -> PyResult<Option<String>> {
    guard::guard(|| {
        let Ok(text) = text.to_str() else {
            return Ok(Some("is not Unicode".into()));
        };
        if let Some(control) = text.chars().find(|c| c.is_control()) {
            return Ok(Some(format!("holds the character {control:?}")));
        }
        let server = STAND_IN_SERVER.parse().ok();
        Ok(match UserId::completed(text, server.as_ref()) {
            Ok(user) if user.localpart().is_empty() => Some("has an empty name".into()),
            Ok(_) => None,
            Err(error @ IdError::Short(_)) => {
                let help = short_user_help(text, None, Written::Alone);
                Some(format!("{error}: {help}"))
            }
            Err(error) => Some(error.to_string()),
        })
    })
}

#[pyfunction]
fn one_of_each_server<'py>(users_for_states: &Bound<'py, PyDict>) -> PyResult<Bound<'py, PyDict>> {
    guard::guard(|| answer::one_of_each_server(users_for_states))
}

#[pymodule]
fn _core(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add("PolicyError", module.py().get_type::<PolicyError>())?;
    module.add_class::<core::Core>()?;
    module.add_function(wrap_pyfunction!(check, module)?)?;
    module.add_function(wrap_pyfunction!(wrong_user_id, module)?)?;
    module.add_function(wrap_pyfunction!(one_of_each_server, module)?)
}
