//! What one module knows: the directory, the strings it has handed out, answers that are still true.
//!
//! Not for: Python objects other than strings and finished answers.
//!
//! Law: whatever is remembered here is tied to the policy's generation and the directory's revision it
//! was made from, and never used for others.

use std::sync::Arc;
use std::time::{Duration, Instant};

use foldhash::fast::RandomState;
use hashbrown::{HashMap, HashSet};
use presence_router::Senders;
use presence_router::directory::Directory;
use presence_router::id::{RoomAlias, RoomId, ServerName, UserId};
use presence_router::router::Snapshot;
use pyo3::prelude::*;
use pyo3::types::{PySet, PyString, PyTuple};

use crate::partition::Partition;

type Map<K, V> = HashMap<K, V, RandomState>;

/// How long a user who was answered "ALL" stays a key of every answer. Between that answer and the
/// question for updates Synapse reads its database, and meanwhile the policy or a room may have changed;
/// a missing key is a server error for that user.
const OWED: Duration = Duration::from_secs(300);

/// How many users the remembered answers may hold together, those of each callback.
const MAX_REMEMBERED: usize = 1 << 20;

/// From which policy and which facts something was made.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Stamp {
    generation: u64,
    revision: u64,
}

/// Everything that changes between two calls.
#[derive(Default)]
pub(crate) struct Facts {
    directory: Directory,
    aliases: Map<RoomAlias, RoomId>,
    /// Counts the changes of the directory and the aliases.
    revision: u64,
    strings: Strings,
    /// When each user was last answered "ALL".
    owed: Map<UserId, Instant>,
    everyone: (Stamp, Option<Instant>, Vec<u32>),
    rows: Rows,
    scratch: Vec<u32>,
    rooms: (Stamp, Option<Py<PyTuple>>),
    interested: (Stamp, usize, Map<Box<str>, Remembered>),
}

enum Remembered {
    All,
    /// The set, and how many it holds: one that somebody added to is not handed out again.
    Only(Py<PySet>, usize),
}

/// An answer for one recipient, before it is Python's.
pub(crate) enum Interest {
    All,
    Remembered(Py<PySet>),
    /// To be made a set, and handed to [`Facts::remember`] with the stamp.
    New(Stamp, Vec<Py<PyString>>),
}

/// Recipients who get the same.
pub(crate) struct Group {
    /// Which states of the batch, ascending.
    pub(crate) states: Vec<u32>,
    pub(crate) recipients: Vec<Py<PyString>>,
    /// Those of them who are answered "ALL".
    pub(crate) everyone: Vec<Py<PyString>>,
}

impl Facts {
    pub(crate) fn new(server_name: Option<ServerName>) -> Self {
        Facts {
            directory: Directory::new(server_name),
            ..Facts::default()
        }
    }

    // ---- facts in ----

    /// Makes a user known, if it is one; says whether it is. Costs a look-up or two for a known one.
    pub(crate) fn learn(&mut self, user: &str) -> bool {
        // Whose recipients were told since the last change is known.
        let told =
            self.rows.stamp.revision == self.revision && self.rows.by_sender.contains_key(user);
        if told || self.directory.knows_user(user) {
            return true;
        }
        UserId::parse(user).is_ok_and(|user| {
            self.revision += u64::from(self.directory.add_user(user));
            true
        })
    }

    /// Puts a user on the list, also one who is known as a member of a room only.
    pub(crate) fn list_user(&mut self, user: &str) -> bool {
        let Ok(user) = UserId::parse(user) else {
            return false;
        };
        let added = self.directory.add_user(user);
        self.revision += u64::from(added);
        added
    }

    pub(crate) fn remove_user(&mut self, user: &str) -> bool {
        let removed = self.directory.remove_user(user);
        self.revision += u64::from(removed);
        removed
    }

    pub(crate) fn set_room_members(&mut self, room: &str, members: &[impl AsRef<str>]) {
        let Ok(room) = RoomId::parse(room) else {
            return;
        };
        let members = members
            .iter()
            .filter_map(|member| UserId::parse(member.as_ref()).ok());
        self.directory.set_room_members(room, members);
        self.revision += 1;
    }

    pub(crate) fn join(&mut self, room: &str, user: &str) {
        if let (Ok(room), Ok(user)) = (RoomId::parse(room), UserId::parse(user)) {
            self.directory.join(room, user);
            self.revision += 1;
        }
    }

    pub(crate) fn leave(&mut self, room: &str, user: &str) {
        self.directory.leave(room, user);
        self.revision += 1;
    }

    pub(crate) fn set_alias(&mut self, alias: &str, room: Option<&str>) {
        let Ok(alias) = RoomAlias::parse(alias) else {
            return;
        };
        let room = room.and_then(|room| RoomId::parse(room).ok());
        if self.aliases.get(&alias) == room.as_ref() {
            return;
        }
        self.revision += 1;
        match room {
            Some(room) => {
                self.directory.set_alias(alias.clone(), room.clone());
                self.aliases.insert(alias, room);
            }
            None => {
                self.directory.remove_alias(alias.as_str());
                self.aliases.remove(&alias);
            }
        }
    }

    // ---- facts wanted ----

    /// The generation with the rooms whose members matter to it, as a Python tuple.
    pub(crate) fn rooms(&mut self, py: Python<'_>, snapshot: &Snapshot) -> PyResult<Py<PyTuple>> {
        let stamp = self.stamp(snapshot);
        if let (then, Some(rooms)) = &self.rooms
            && *then == stamp
        {
            return Ok(rooms.clone_ref(py));
        }
        let by_alias = snapshot
            .aliases()
            .iter()
            .filter_map(|alias| self.aliases.get(alias));
        let rooms = snapshot.rooms().iter().chain(by_alias);
        let mut rooms: Vec<&str> = rooms.map(RoomId::as_str).collect();
        rooms.sort_unstable();
        rooms.dedup();
        let rooms = PyTuple::new(py, rooms)?;
        let rooms = (snapshot.generation(), rooms).into_pyobject(py)?.unbind();
        self.rooms = (stamp, Some(rooms.clone_ref(py)));
        Ok(rooms)
    }

    // ---- answers ----

    /// Whose presence a user receives; `None` if this is no user.
    pub(crate) fn interested(
        &mut self,
        py: Python<'_>,
        snapshot: &Snapshot,
        user: &str,
    ) -> Option<Interest> {
        if !self.learn(user) {
            return None;
        }
        let stamp = self.stamp(snapshot);
        if self.interested.0 != stamp {
            self.interested = (stamp, 0, Map::default());
        }
        match self.interested.2.get(user) {
            Some(Remembered::All) => {
                self.owe(user);
                return Some(Interest::All);
            }
            Some(Remembered::Only(set, len)) if set.bind(py).len() == *len => {
                return Some(Interest::Remembered(set.clone_ref(py)));
            }
            _ => {}
        }
        Some(match snapshot.senders_for(&self.directory, user) {
            Senders::AllExcept(_) => {
                self.owe(user);
                self.keep(user, 1, Remembered::All);
                Interest::All
            }
            Senders::Only(senders) => {
                let strings = &mut self.strings;
                let senders = senders.iter().map(|id| {
                    let number = strings.number(py, id);
                    strings.get(py, number)
                });
                Interest::New(stamp, senders.flatten().collect())
            }
        })
    }

    /// Keeps an answer for as long as it is true.
    pub(crate) fn remember(&mut self, stamp: Stamp, user: &str, len: usize, set: Py<PySet>) {
        // Another call may have been answered from newer facts meanwhile.
        if self.interested.0 == stamp {
            self.keep(user, len + 1, Remembered::Only(set, len));
        }
    }

    fn keep(&mut self, user: &str, size: usize, answer: Remembered) {
        let (_, total, answers) = &mut self.interested;
        if *total + size > MAX_REMEMBERED {
            answers.clear();
            *total = 0;
        }
        *total += size;
        answers.insert(user.into(), answer);
    }

    fn owe(&mut self, user: &str) {
        match self.owed.get_mut(user) {
            Some(at) => *at = Instant::now(),
            None => {
                if let Ok(user) = UserId::parse(user) {
                    self.owed.insert(user, Instant::now());
                }
            }
        }
    }

    /// Who receives which of a batch. Every user answered "ALL" is in one of the groups.
    ///
    /// Costs the recipients of each sender; of senders whose recipients are the same, once.
    pub(crate) fn route(
        &mut self,
        py: Python<'_>,
        snapshot: &Snapshot,
        batch: &[&str],
    ) -> Vec<Group> {
        self.renew_everyone(py, snapshot);
        let stamp = self.stamp(snapshot);
        if self.rows.stamp != stamp || self.rows.size > MAX_REMEMBERED {
            self.rows = Rows {
                stamp,
                ..Rows::default()
            };
        }
        let mut classes: Vec<(Arc<[u32]>, Vec<u32>)> = Vec::new();
        let mut by_row: Map<*const u32, usize> = Map::default();
        for (at, sender) in (0..).zip(batch) {
            let row = self.row(py, snapshot, sender);
            let class = *by_row.entry(row.as_ptr()).or_insert(classes.len());
            match classes.get_mut(class) {
                Some((_, positions)) => positions.push(at),
                None => classes.push((row, vec![at])),
            }
        }
        let scratch = std::mem::take(&mut self.scratch);
        let mut partition = Partition::new(scratch, self.strings.list.len());
        for (class, (row, _)) in classes.iter().enumerate() {
            partition.refine(class, row);
        }
        let everyone = &self.everyone.2;
        partition.touch(everyone);

        let mut groups: Vec<Group> = partition
            .groups()
            .map(|of| {
                let positions = of.into_iter().filter_map(|class| classes.get(class));
                let mut states: Vec<u32> = positions.flat_map(|(_, at)| at).copied().collect();
                states.sort_unstable();
                Group {
                    states,
                    recipients: Vec::new(),
                    everyone: Vec::new(),
                }
            })
            .collect();
        for (user, group) in partition.users() {
            if let (Some(group), Some(id)) = (groups.get_mut(group), self.strings.get(py, user)) {
                group.recipients.push(id);
            }
        }
        for user in everyone {
            let group = groups.get_mut(partition.group_of(*user));
            if let (Some(group), Some(id)) = (group, self.strings.get(py, *user)) {
                group.everyone.push(id);
            }
        }
        groups.retain(|group| !group.recipients.is_empty());
        self.scratch = partition.finish();
        groups
    }

    /// The recipients of a sender, the same object for the same recipients.
    fn row(&mut self, py: Python<'_>, snapshot: &Snapshot, sender: &str) -> Arc<[u32]> {
        if let Some(row) = self.rows.by_sender.get(sender) {
            return Arc::clone(row);
        }
        let recipients = snapshot.recipients_of(&self.directory, sender);
        let numbers = recipients.iter().map(|id| self.strings.number(py, id));
        let row: Arc<[u32]> = numbers.collect();
        let rows = &mut self.rows;
        let row = match rows.distinct.get(&row) {
            Some(row) => Arc::clone(row),
            None => {
                rows.size += row.len();
                rows.distinct.insert(Arc::clone(&row));
                row
            }
        };
        rows.size += 1;
        rows.by_sender.insert(sender.into(), Arc::clone(&row));
        row
    }

    /// Sets right who must be a key of every answer: whoever is answered "ALL" now, or was lately.
    fn renew_everyone(&mut self, py: Python<'_>, snapshot: &Snapshot) {
        let stamp = self.stamp(snapshot);
        let now = Instant::now();
        let (then, until, _) = &self.everyone;
        if *then == stamp && until.is_none_or(|until| now < until) {
            return;
        }
        self.owed.retain(|_, at| now.duration_since(*at) < OWED);
        let mut everyone = snapshot.everyone_recipients(&self.directory);
        let of_now = everyone.len();
        everyone.extend(self.owed.keys().cloned());
        everyone.sort_unstable();
        everyone.dedup();
        // Only users of the past have to be looked at again when their time is over.
        let until = (everyone.len() > of_now).then(|| now + OWED / 10);
        let everyone = everyone
            .iter()
            .map(|id| self.strings.number(py, id))
            .collect();
        self.everyone = (stamp, until, everyone);
    }

    fn stamp(&self, snapshot: &Snapshot) -> Stamp {
        Stamp {
            generation: snapshot.generation(),
            revision: self.revision,
        }
    }
}

/// One Python string for each ID ever answered, its hash computed, and a number for it. It outlives
/// policies: strings dropped with a policy would be freed by whoever takes the interpreter next.
#[derive(Default)]
struct Strings {
    numbers: Map<UserId, u32>,
    list: Vec<Py<PyString>>,
}

impl Strings {
    /// The number of an ID. Costs one look-up once it was made.
    fn number(&mut self, py: Python<'_>, id: &UserId) -> u32 {
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

    fn get(&self, py: Python<'_>, number: u32) -> Option<Py<PyString>> {
        self.list
            .get(number as usize)
            .map(|string| string.clone_ref(py))
    }
}

/// The recipients of senders, as long as they are true. Most senders have the recipients of many others.
#[derive(Default)]
struct Rows {
    stamp: Stamp,
    /// How much is held.
    size: usize,
    by_sender: Map<Box<str>, Arc<[u32]>>,
    distinct: HashSet<Arc<[u32]>, RandomState>,
}
