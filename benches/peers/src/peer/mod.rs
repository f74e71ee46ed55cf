//! The engines, each asked the same three questions.
//!
//! Law: an engine is used as its own documents advise for speed, and the file says how and why.

mod casbin;
mod cedar;
mod datalog;
mod maps;
mod regorus;
mod router;
mod sqlite;

use std::path::Path;

pub use router::Own;

use crate::Fault;
use crate::facts::Facts;

/// An engine with a workload in it, asked by one thread or more.
pub trait Peer: Sync {
    /// Gives `work` what one thread asks through.
    fn ask(&self, work: &mut Work) -> Result<(), Fault>;

    /// Whether a list is made by asking about each user in turn.
    fn scans(&self) -> bool {
        false
    }
}

/// What is done with an engine.
pub type Work<'a> = dyn FnMut(&mut dyn Ask) -> Result<(), Fault> + 'a;

/// The questions. Users are named as they are in a homeserver.
pub trait Ask {
    /// Whether a recipient receives a sender.
    fn sees(&mut self, sender: &str, recipient: &str) -> Result<bool, Fault>;

    /// Who receives a sender, in any order, each once.
    fn recipients(&mut self, sender: &str, each: &mut dyn FnMut(&str)) -> Result<(), Fault>;

    /// Whom a recipient receives.
    fn senders(&mut self, recipient: &str, each: &mut dyn FnMut(&str)) -> Result<(), Fault>;
}

/// What an engine is loaded from.
pub struct Source<'a> {
    /// The workload, for the one that reads policies.
    pub workload: presence_router::workload::Workload,
    /// Holds `policy/`, and has room for files.
    pub folder: &'a Path,
    pub facts: &'a Facts,
}

type Load = for<'a> fn(&'a Source<'a>) -> Result<Box<dyn Peer + 'a>, Fault>;

/// Why an engine is not tried on some facts.
type Limit = fn(&Facts) -> Option<String>;

/// All engines: the name, how it is loaded, and what it is not tried on.
pub const PEERS: &[(&str, Load, Limit)] = &[
    (OWN, router::load, |_| None),
    ("hash maps", maps::load, |_| None),
    ("cedar, rules as data", cedar::load, |_| None),
    ("cedar, a policy a rule", cedar::load_policies, |_| None),
    ("regorus", regorus::load, |_| None),
    ("casbin, rules as roles", casbin::load, |_| None),
    ("casbin, a line a rule", casbin::load_lines, |_| None),
    ("sqlite", sqlite::load, |_| None),
    ("ascent", datalog::load, datalog::limit),
];

/// The engine that the others are compared with.
pub const OWN: &str = "presence-router";
