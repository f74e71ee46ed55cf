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
    /// What one thread asks through.
    fn ask(&self) -> Result<Box<dyn Ask + '_>, Fault>;

    /// Whether a list is made by asking about each user in turn.
    fn scans(&self) -> bool {
        false
    }
}

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
    /// Name, scale and seed of the workload, for the one that reads policies.
    pub workload: presence_router::workload::Workload,
    /// Holds `policy/`, and has room for files.
    pub folder: &'a Path,
    pub facts: &'a Facts,
}

type Load = for<'a> fn(&'a Source<'a>) -> Result<Box<dyn Peer + 'a>, Fault>;

/// All engines: the name, how it is loaded, and why it cannot be tried on some facts.
pub const PEERS: &[(&str, Load, fn(&Facts) -> Option<&'static str>)] = &[
    (OWN, router::load, |_| None),
    ("hash maps", maps::load, |_| None),
    ("cedar", cedar::load, |_| None),
    ("cedar, a policy a rule", cedar::load_policies, many_rules),
    ("regorus", regorus::load, |_| None),
    ("casbin", casbin::load, |_| None),
    ("casbin, a line a rule", casbin::load_lines, many_rules),
    ("sqlite", sqlite::load, |_| None),
    ("ascent", datalog::load, datalog::limit),
];

/// The engine that the others are compared with.
pub const OWN: &str = "presence-router";

fn many_rules(facts: &Facts) -> Option<&'static str> {
    (facts.rules.len() > 20_000).then_some("each question looks at every rule")
}
