//! The policy in force: loaded, asked, and changed while it is asked.
//!
//! A [`Snapshot`] is one version of a policy with its index, numbered by its generation. A
//! [`Router`] holds the one in force. Readers take it without a lock; a reload builds a whole new
//! one aside and swaps it in, or keeps the old one and says why.
//!
//! Not for: facts, which the caller keeps in a [`Directory`]; nor for noticing changes (`watch`).
//!
//! Law: what is in force is always one whole policy without errors. A reader never waits and, as
//! far as the reload can help it, never frees an old policy.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;

use crate::compile::compile;
use crate::diagnostic::{Diagnostic, Report};
use crate::directory::Directory;
use crate::id::{RoomAlias, RoomId, UserId};
use crate::index::{Index, Query, Senders};
use crate::lint::{apply_allows, lint};
use crate::load::{Kept, Loaded, Meaning, load};
use crate::policy::{PolicySet, Room};
use crate::reach::follows_known_users;
use crate::source::Sources;
use crate::syntax::allow::Allow;
use crate::watch::{Timing, Watcher};

pub use crate::load::{Inline, Origin};

/// One version of a policy with its index.
#[derive(Debug)]
pub struct Snapshot {
    generation: u64,
    index: Index,
    /// What the policy is made from again when it is asked for: it takes far more memory.
    meaning: Meaning,
    policy: OnceLock<PolicySet>,
    rule_count: usize,
    follows_known_users: bool,
    sources: Arc<Sources>,
    /// Found when they are asked for: no answer waits for them.
    warnings: OnceLock<Report>,
    /// Warnings and notes that loading found.
    told: Vec<Diagnostic>,
    allows: Vec<Allow>,
    rooms: Vec<RoomId>,
    aliases: Vec<RoomAlias>,
}

/// What a reload did.
#[derive(Debug)]
pub enum Reload {
    /// The files say what they said before.
    Unchanged,
    /// A new policy is in force.
    Loaded {
        /// Its number.
        generation: u64,
        /// Its warnings and notes, if any.
        report: Report,
    },
    /// The files hold an error: the old policy goes on.
    Kept {
        /// The number of the policy that goes on.
        generation: u64,
        /// Every problem.
        report: Report,
    },
}

/// Holds the policy in force.
#[derive(Debug)]
pub struct Router {
    origin: Origin,
    current: ArcSwap<Snapshot>,
    /// What the last load found; held while a reload runs, never by a reader.
    last: Mutex<Last>,
}

#[derive(Debug)]
struct Last {
    fingerprint: u64,
    paths: Vec<PathBuf>,
    kept: Kept,
    /// Old policies that a reader still had when they were replaced.
    retired: Vec<Arc<Snapshot>>,
}

/// How often, and how long each time, a reload waits for the last reader of an old policy.
const PATIENCE: (u32, Duration) = (20, Duration::from_millis(1));

impl Router {
    /// Loads a policy for the first time. Costs reading, parsing and compiling it.
    ///
    /// # Errors
    /// The report of a policy with an error.
    pub fn load(origin: Origin) -> Result<Self, Report> {
        let mut kept = Kept::default();
        let loaded = load(&origin, &mut kept);
        let last = Last {
            kept,
            fingerprint: loaded.fingerprint,
            paths: loaded.paths.clone(),
            retired: Vec::new(),
        };
        let snapshot = Snapshot::new(1, loaded, None)?;
        Ok(Router {
            origin,
            current: ArcSwap::from_pointee(snapshot),
            last: Mutex::new(last),
        })
    }

    /// The policy in force. Never waits.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.current.load_full()
    }

    /// Looks at the files again, and puts the policy they hold in force if it is a new one without
    /// errors. Costs a load; readers go on meanwhile. Its warnings are found once it is in force.
    pub fn reload(&self) -> Reload {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.retired.retain(|old| Arc::strong_count(old) > 1);
        let loaded = load(&self.origin, &mut last.kept);
        last.paths.clone_from(&loaded.paths);
        if last.fingerprint == loaded.fingerprint {
            return Reload::Unchanged;
        }
        last.fingerprint = loaded.fingerprint;
        let in_force = self.snapshot();
        let before = in_force.generation;
        let next = Snapshot::new(before + 1, loaded, Some(&in_force.index));
        drop(in_force);
        match next {
            Ok(snapshot) => {
                let snapshot = Arc::new(snapshot);
                let old = self.current.swap(Arc::clone(&snapshot));
                last.retire(old);
                Reload::Loaded {
                    generation: before + 1,
                    report: snapshot.warnings().clone(),
                }
            }
            Err(report) => Reload::Kept {
                generation: before,
                report,
            },
        }
    }

    /// Every file and folder whose change can change the policy, as of the last load, a failed one
    /// too.
    pub fn watched_paths(&self) -> Vec<PathBuf> {
        self.last
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .paths
            .clone()
    }

    /// Reloads whenever the files change, in a thread that lives as long as the watcher. What each
    /// reload did is told to `on_reload`, in that thread; nothing is told of unchanged files.
    pub fn watch(self: &Arc<Self>, mut on_reload: impl FnMut(Reload) + Send + 'static) -> Watcher {
        let router = Arc::clone(self);
        Watcher::start(self.watched_paths(), Timing::default(), move || {
            match router.reload() {
                Reload::Unchanged => {}
                reload => on_reload(reload),
            }
            router.watched_paths()
        })
    }
}

impl Last {
    /// Frees an old policy here, in the thread that reloads, once its last reader is done.
    fn retire(&mut self, old: Arc<Snapshot>) {
        let (times, pause) = PATIENCE;
        for _ in 0..times {
            if Arc::strong_count(&old) == 1 {
                return;
            }
            std::thread::sleep(pause);
        }
        self.retired.push(old);
    }
}

impl Snapshot {
    fn new(generation: u64, loaded: Loaded, before: Option<&Index>) -> Result<Self, Report> {
        if loaded.report.has_errors() {
            return Err(loaded.report);
        }
        let Loaded {
            policy,
            meaning,
            report,
            allows,
            ..
        } = loaded;
        let mut rooms = Vec::new();
        let mut aliases = Vec::new();
        for (room, _) in &policy.rooms {
            match room {
                Room::Id(id) => rooms.push(id.clone()),
                Room::Alias(alias) => aliases.push(alias.clone()),
            }
        }
        rooms.sort_unstable();
        rooms.dedup();
        aliases.sort_unstable();
        aliases.dedup();
        let rule_count = policy.rules.len();
        let follows_known_users = follows_known_users(&policy);
        Ok(Snapshot {
            generation,
            index: compile(policy, before),
            meaning,
            policy: OnceLock::new(),
            rule_count,
            follows_known_users,
            sources: Arc::clone(report.sources()),
            warnings: OnceLock::new(),
            told: report.problems().to_vec(),
            allows,
            rooms,
            aliases,
        })
    }

    /// The number of this version; the first is 1.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// What the policy says.
    ///
    /// Costs resolving it the first time, and keeps it: each rule takes as much memory as all else that
    /// is kept of it.
    pub fn policy(&self) -> &PolicySet {
        self.policy
            .get_or_init(|| self.meaning.policy(&self.sources))
    }

    /// How many rules there are.
    pub fn rule_count(&self) -> usize {
        self.rule_count
    }

    /// Whether the answers about a user may change when another user becomes known. Not exact: it may
    /// be told although none does.
    pub fn follows_known_users(&self) -> bool {
        self.follows_known_users
    }

    /// The texts that it was made of: what the places in it lie in.
    pub fn sources(&self) -> &Sources {
        &self.sources
    }

    /// The warnings that hold for every directory, without those that a comment allows, and the notes.
    ///
    /// Costs finding them the first time; whoever asks meanwhile waits.
    pub fn warnings(&self) -> &Report {
        self.warnings.get_or_init(|| self.find_warnings(None))
    }

    /// All warnings, those that a directory brings to light too, without those that a comment
    /// allows, and the notes.
    ///
    /// Costs a look at every rule and every user named.
    pub fn warnings_with(&self, directory: &Directory) -> Report {
        self.find_warnings(Some(directory))
    }

    fn find_warnings(&self, directory: Option<&Directory>) -> Report {
        // Not kept: a server asks for the warnings, and hardly ever for the policy.
        let mut found = match self.policy.get() {
            Some(policy) => lint(policy, directory),
            None => lint(&self.meaning.policy(&self.sources), directory),
        };
        found.extend(self.told.iter().cloned());
        let left = apply_allows(&self.allows, found, directory.is_some());
        Report::new(Arc::clone(&self.sources), left)
    }

    /// The rooms named by their ID, sorted, each once.
    pub fn rooms(&self) -> &[RoomId] {
        &self.rooms
    }

    /// The rooms named by an alias, sorted, each once.
    pub fn aliases(&self) -> &[RoomAlias] {
        &self.aliases
    }

    /// The known users who receive a sender's presence, sorted by bytes.
    ///
    /// Costs the rules the sender stands in and the users on their other side.
    pub fn recipients_of(&self, directory: &Directory, sender: &str) -> Vec<UserId> {
        Query::new(&self.index, directory, &[]).recipients_of(sender)
    }

    /// Whose presence a recipient receives.
    ///
    /// Costs the rules the recipient stands in and the users on their other side; for everyone but
    /// some, the users who are missing.
    pub fn senders_for(&self, directory: &Directory, recipient: &str) -> Senders {
        Query::new(&self.index, directory, &[]).senders_for(recipient)
    }

    /// Whether a recipient receives a sender's presence. Costs the rules the sender stands in.
    pub fn sees(&self, directory: &Directory, sender: &str, recipient: &str) -> bool {
        Query::new(&self.index, directory, &[]).sees(sender, recipient)
    }

    /// Whether a recipient is answered with everyone but some. Costs the rules they stand in.
    pub fn receives_everyone(&self, directory: &Directory, recipient: &str) -> bool {
        Query::new(&self.index, directory, &[]).receives_everyone(recipient)
    }

    /// The known users who are answered with everyone but some, sorted by bytes.
    pub fn everyone_recipients(&self, directory: &Directory) -> Vec<UserId> {
        Query::new(&self.index, directory, &[]).everyone_recipients()
    }

    /// For each recipient of a batch of updates, given by their senders, the ascending positions of
    /// the updates they receive. The senders are known for this call. Who receives nothing is left
    /// out.
    pub fn route(&self, directory: &Directory, batch: &[&str]) -> BTreeMap<UserId, Vec<u32>> {
        let in_hand = |sender: &&&str| !directory.knows_user(sender) && !self.index.names(sender);
        let in_hand = batch.iter().filter(in_hand);
        let mut in_hand: Vec<UserId> = in_hand.filter_map(|id| UserId::parse(id).ok()).collect();
        in_hand.sort_unstable();
        in_hand.dedup();
        Query::new(&self.index, directory, &in_hand).route(batch)
    }

    /// All known users: the directory's and the policy's, sorted by bytes.
    pub fn known_users(&self, directory: &Directory) -> Vec<UserId> {
        Query::new(&self.index, directory, &[]).known_users()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warnings_are_found_only_when_somebody_asks() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.policy");
        std::fs::write(&file, "send @a:x to @b:x\nblock @c:x\n").unwrap();
        let router = Router::load(Origin {
            path: Some(file.clone()),
            ..Origin::default()
        });
        let router = router.unwrap();
        let first = router.snapshot();
        assert!(first.sees(&Directory::default(), "@a:x", "@b:x"));
        assert!(first.warnings.get().is_none());
        assert_eq!(first.warnings().len(), 1);
        std::fs::write(&file, "send @a:x to @b:x\nblock @c:x\nblock @d:x\n").unwrap();
        let Reload::Loaded { report, .. } = router.reload() else {
            panic!("a good policy");
        };
        assert_eq!(report.len(), 2);
        assert_eq!(router.snapshot().warnings().len(), 2);
    }
}
