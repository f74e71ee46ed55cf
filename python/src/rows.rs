//! The users who receive a sender, as numbers: one row for all senders with the same recipients.
//!
//! Not for: whether they are true, which is what [`Facts`](crate::facts::Facts) watches over.

use std::sync::Arc;

use presence_router::id::UserId;
use pyo3::prelude::*;
use pyo3::types::PyString;

use crate::facts::{Map, Stamp};
use crate::ready::Ready;

/// One Python string for each ID ever answered, its hash computed, and a number for it. It outlives
/// policies: strings dropped with a policy would be freed by whoever takes the interpreter next.
#[derive(Default)]
pub(crate) struct Strings {
    numbers: Map<UserId, u32>,
    pub(crate) list: Vec<Py<PyString>>,
}

impl Strings {
    /// The number of an ID. Costs one look-up once it was made.
    pub(crate) fn number(&mut self, py: Python<'_>, id: &UserId) -> u32 {
        if let Some(number) = self.numbers.get(id) {
            return *number;
        }
        let string = PyString::new(py, id.as_str());
        // Computes the hash, which the string keeps.
        let _ = string.hash();
        let number = self.list.len() as u32;
        self.list.push(string.unbind());
        self.numbers.insert(id.clone(), number);
        number
    }

    pub(crate) fn get(&self, py: Python<'_>, number: u32) -> Option<Py<PyString>> {
        self.list
            .get(number as usize)
            .map(|string| string.clone_ref(py))
    }
}

/// The recipients of senders, as long as they are true. Most senders have the recipients of many others.
#[derive(Default)]
pub(crate) struct Rows {
    pub(crate) stamp: Stamp,
    /// How much is held.
    pub(crate) size: usize,
    /// How many recipients the answers made ready hold.
    pub(crate) ready: usize,
    pub(crate) by_sender: Map<Box<str>, u32>,
    numbers: Map<Arc<[u32]>, u32>,
    pub(crate) list: Vec<Row>,
}

/// The recipients of one or more senders.
pub(crate) struct Row {
    pub(crate) users: Arc<[u32]>,
    /// Whether everyone who is answered "ALL" is among them, once that was asked.
    pub(crate) whole: Option<bool>,
    pub(crate) ready: Option<Ready>,
}

impl Rows {
    pub(crate) fn insert(&mut self, sender: &str, users: Arc<[u32]>) -> u32 {
        let row = match self.numbers.get(&users) {
            Some(row) => *row,
            None => {
                let row = self.list.len() as u32;
                self.size += users.len();
                self.numbers.insert(Arc::clone(&users), row);
                self.list.push(Row {
                    users,
                    whole: None,
                    ready: None,
                });
                row
            }
        };
        self.size += 1;
        self.by_sender.insert(sender.into(), row);
        row
    }

    /// Forgets who receives a sender. The row stays, for it is those of others too.
    pub(crate) fn forget(&mut self, sender: &str) {
        self.size -= usize::from(self.by_sender.remove(sender).is_some());
    }

    pub(crate) fn users(&self, row: u32) -> Arc<[u32]> {
        let row = self.list.get(row as usize);
        row.map_or_else(|| Arc::from([]), |row| Arc::clone(&row.users))
    }

    pub(crate) fn take_ready(&mut self) -> impl Iterator<Item = Ready> {
        self.ready = 0;
        self.list.iter_mut().filter_map(|row| row.ready.take())
    }

    pub(crate) fn into_python(mut self) -> impl Iterator<Item = Py<PyAny>> {
        let ready: Vec<Ready> = self.take_ready().collect();
        ready.into_iter().flat_map(Ready::into_python)
    }
}
