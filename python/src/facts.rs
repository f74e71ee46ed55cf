//! What one module knows: the directory, the strings it has handed out, answers that are still true.
//!
//! Not for: Python objects other than strings and finished answers.
//!
//! Laws:
//!
//! - Whatever is remembered here is tied to the policy's generation and the directory's revision it was
//!   made from, and never used for others.
//! - What was handed out once may hold objects of the caller's by now, so it is not dropped here, under a
//!   lock, but retired: the caller drops it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use foldhash::fast::RandomState;
use hashbrown::{HashMap, HashSet};
use presence_router::Senders;
use presence_router::directory::Directory;
use presence_router::id::{RoomAlias, RoomId, ServerName, UserId};
use presence_router::router::Snapshot;
use pyo3::prelude::*;
use pyo3::types::{PyString, PyTuple};

use crate::differ::differing;
use crate::interest::{Interest, Interests, Remembered};
use crate::partition::Partition;
use crate::ready::Ready;
use crate::rows::{Rows, Strings};
use crate::whole::Whole;

pub(crate) type Map<K, V> = HashMap<K, V, RandomState>;

/// How long a user who was answered "ALL" stays a key of every answer. Between that answer and the
/// question for updates Synapse reads its database, and meanwhile the policy or a room may have changed;
/// a missing key is a server error for that user.
const OWED: Duration = Duration::from_secs(300);

/// Of so many who come to a room or go at once each is asked about.
const FEW_MOVED: usize = 4;

/// How many users the remembered answers may hold together, those of each callback.
pub(crate) const MAX_REMEMBERED: usize = 1 << 20;

/// How many recipients the answers made ready may hold together, unless a single one holds more.
const MAX_READY: usize = 1 << 18;

/// From which policy and which facts something was made.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Stamp {
    generation: u64,
    revision: u64,
    /// 0 if another known user makes no difference to this policy.
    users: u64,
}

/// What was remembered, to be dropped once no lock is held.
pub(crate) type Retired = Vec<Py<PyAny>>;

/// The generation with the rooms whose members matter to it.
type Rooms = (u64, Py<PyTuple>);

/// Everything that changes between two calls.
#[derive(Default)]
pub(crate) struct Facts {
    directory: Directory,
    aliases: Map<RoomAlias, RoomId>,
    /// Counts the changes of the directory and the aliases, but for users who became known.
    revision: u64,
    /// The last of them that may have changed the recipients of anybody.
    wide: u64,
    /// Counts the users who became known.
    users: u64,
    /// Counts the changes of the aliases.
    alias_revision: u64,
    /// The generation for which the members of all rooms it names are those of this moment; 0 for none.
    members_known: u64,
    /// For a generation, whether its answers follow the known users.
    follows_users: (u64, bool),
    strings: Strings,
    /// When each user was last answered "ALL".
    owed: Map<UserId, Instant>,
    everyone: (Stamp, Option<Instant>, Vec<u32>),
    rows: Rows,
    scratch: Vec<u32>,
    rooms: (u64, Option<Rooms>),
    interests: Interests,
    whole: Option<Whole>,
    retired: Retired,
}

/// Who receives which of a batch.
pub(crate) struct Split {
    /// For each class of senders with the same recipients, which states of the batch are theirs, ascending.
    pub(crate) classes: Vec<Vec<u32>>,
    pub(crate) groups: Vec<Group>,
}

/// Recipients who get the same.
pub(crate) struct Group {
    /// Which classes, each once.
    pub(crate) classes: Vec<usize>,
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

    /// Makes a user known, if it is one; says whether it is. Costs a look-up for one whose recipients are
    /// remembered.
    pub(crate) fn learn(&mut self, user: &str) -> bool {
        let told = self.rows.stamp.revision == self.wide && self.rows.by_sender.contains_key(user);
        told || self.list_user(user).is_some()
    }

    /// Puts a user on the list, also one who is known as a member of a room only, and may leave it. Says
    /// whether they were not on it; `None` if this is no user.
    pub(crate) fn list_user(&mut self, user: &str) -> Option<bool> {
        let known = self.directory.knows_user(user);
        let listed = self.directory.add_user(UserId::parse(user).ok()?);
        self.users += u64::from(listed && !known);
        Some(listed)
    }

    pub(crate) fn remove_user(&mut self, user: &str) -> bool {
        let removed = self.directory.remove_user(user);
        if removed {
            self.changed_widely();
        }
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
        self.changed_widely();
    }

    /// Has some users join a room and others leave it.
    ///
    /// Whether one user receives another depends on the rooms of these two alone. So if few come or go,
    /// they are asked whose presence they receive, before and after: recipients have changed of the senders
    /// of whom that differs, and of those who came or went; those of all others stay remembered.
    pub(crate) fn change_room_members(
        &mut self,
        snapshot: &Snapshot,
        room: &str,
        came: &[&str],
        went: &[&str],
    ) {
        let Ok(room) = RoomId::parse(room) else {
            return;
        };
        let moved: Vec<&str> = came.iter().chain(went).copied().collect();
        let stamp = self.stamp(snapshot);
        let few = moved.len() <= FEW_MOVED && self.rows.stamp == stamp;
        let asked = if few { moved.as_slice() } else { &[] };
        let facts_of = |directory: &Directory, user: &str| {
            let known = directory.knows_user(user);
            (known, snapshot.senders_for(directory, user))
        };
        let before = asked.iter().map(|user| facts_of(&self.directory, user));
        let before: Vec<(bool, Senders)> = before.collect();
        for user in went {
            self.directory.leave(room.as_str(), user);
        }
        for user in came.iter().filter_map(|user| UserId::parse(user).ok()) {
            self.directory.join(room.clone(), user);
        }
        if !few {
            return self.changed_widely();
        }
        self.revision += 1;
        for (user, (was_known, before)) in asked.iter().zip(before) {
            let (is_known, now) = facts_of(&self.directory, user);
            // Who is in no room any more may be known no longer.
            self.users += u64::from(was_known != is_known);
            match differing(before, now) {
                Some(senders) => {
                    let changed = senders.iter().map(UserId::as_str);
                    changed.chain([*user]).for_each(|of| self.rows.forget(of));
                }
                // Who receives everyone is a key of every answer.
                None => self.changed_widely(),
            }
        }
    }

    /// The recipients of anybody may be others now.
    fn changed_widely(&mut self) {
        self.revision += 1;
        self.wide = self.revision;
    }

    pub(crate) fn set_alias(&mut self, alias: &str, room: Option<&str>) {
        let Ok(alias) = RoomAlias::parse(alias) else {
            return;
        };
        let room = room.and_then(|room| RoomId::parse(room).ok());
        if self.aliases.get(&alias) == room.as_ref() {
            return;
        }
        self.changed_widely();
        self.alias_revision += 1;
        self.members_known = 0;
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

    /// The generation with the rooms whose members matter to it; to be made Python's and handed to
    /// [`Facts::remember_rooms`] with the number, if it is not remembered.
    pub(crate) fn rooms(
        &mut self,
        py: Python<'_>,
        snapshot: &Snapshot,
    ) -> Result<Rooms, (u64, Vec<String>)> {
        let generation = snapshot.generation();
        if let (then, Some((of, rooms))) = &self.rooms
            && (*of, *then) == (generation, self.alias_revision)
        {
            return Ok((generation, rooms.clone_ref(py)));
        }
        let by_alias = snapshot
            .aliases()
            .iter()
            .filter_map(|alias| self.aliases.get(alias));
        let rooms = snapshot.rooms().iter().chain(by_alias);
        let mut rooms: Vec<String> = rooms.map(|room| room.as_str().to_owned()).collect();
        rooms.sort_unstable();
        rooms.dedup();
        Err((self.alias_revision, rooms))
    }

    pub(crate) fn remember_rooms(&mut self, number: u64, generation: u64, rooms: Py<PyTuple>) {
        let before = self.rooms.1.replace((generation, rooms));
        self.rooms.0 = number;
        self.retired
            .extend(before.map(|(_, rooms)| rooms.into_any()));
    }

    /// Says that the members of all rooms of a generation are those of this moment.
    pub(crate) fn members_are_known(&mut self, generation: u64) {
        self.members_known = generation;
    }

    /// Says that the members of a room may have changed.
    pub(crate) fn members_changed(&mut self) {
        self.members_known = 0;
    }

    /// Whether nothing has to be asked for before a question is answered.
    pub(crate) fn are_known(&self, snapshot: &Snapshot) -> bool {
        let needs_none = snapshot.rooms().is_empty() && snapshot.aliases().is_empty();
        needs_none || self.members_known == snapshot.generation()
    }

    /// What is to be dropped once no lock is held.
    pub(crate) fn take_retired(&mut self) -> Retired {
        std::mem::take(&mut self.retired)
    }

    // ---- answers ----

    /// Whose presence a user receives; `None` if this is no user.
    pub(crate) fn interested(
        &mut self,
        py: Python<'_>,
        snapshot: &Snapshot,
        user: &str,
        only_reads: bool,
    ) -> Option<Interest> {
        let stamp = self.stamp_of_now(snapshot);
        // Whoever was answered is known since.
        if let Some(answer) = self.interests.get(py, stamp, user, only_reads) {
            if matches!(answer, Interest::AllAgain) {
                self.owe(user);
            }
            return Some(answer);
        }
        if !self.learn(user) {
            return None;
        }
        let stamp = self.stamp_of_now(snapshot);
        self.interests.bring_to(stamp, &mut self.retired);
        Some(match snapshot.senders_for(&self.directory, user) {
            Senders::AllExcept(_) => {
                self.owe(user);
                self.remember(stamp, user, Remembered::All);
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

    /// Keeps what a user was answered for as long as it is true.
    pub(crate) fn remember(&mut self, stamp: Stamp, user: &str, answer: Remembered) {
        self.interests.keep(stamp, user, answer, &mut self.retired);
    }

    /// Whose presence a user receives who receives everyone; `None` of anybody else.
    pub(crate) fn everyone_for(&self, snapshot: &Snapshot, user: &str) -> Option<Senders> {
        let known = self.directory.knows_user(user);
        let senders = known.then(|| snapshot.senders_for(&self.directory, user))?;
        matches!(senders, Senders::AllExcept(_)).then_some(senders)
    }

    /// The batch of the last time, and as of which revision it would be the same.
    pub(crate) fn take_whole(&mut self) -> (Option<Whole>, u64) {
        (self.whole.take(), self.revision)
    }

    pub(crate) fn keep_whole(&mut self, whole: Whole) {
        let before = self.whole.replace(whole);
        self.retired
            .extend(before.into_iter().flat_map(Whole::into_python));
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
    pub(crate) fn route(&mut self, py: Python<'_>, snapshot: &Snapshot, batch: &[&str]) -> Split {
        self.renew_everyone(py, snapshot);
        let stamp = self.stamp(snapshot);
        if self.rows.stamp != stamp || self.rows.size > MAX_REMEMBERED {
            let before = std::mem::take(&mut self.rows);
            self.rows.stamp = stamp;
            self.retired.extend(before.into_python());
        }
        let mut classes: Vec<(Arc<[u32]>, Vec<u32>)> = Vec::new();
        let mut by_row: Map<u32, usize> = Map::default();
        for (at, sender) in (0..).zip(batch) {
            let row = self.row(py, snapshot, sender);
            let class = *by_row.entry(row).or_insert(classes.len());
            match classes.get_mut(class) {
                Some((_, positions)) => positions.push(at),
                None => classes.push((self.rows.users(row), vec![at])),
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
            .map(|classes| Group {
                classes,
                recipients: Vec::new(),
                everyone: Vec::new(),
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
        let classes = classes.into_iter().map(|(_, positions)| positions);
        Split {
            classes: classes.collect(),
            groups,
        }
    }

    /// The number of the row of a sender's recipients, the same for the same recipients.
    fn row(&mut self, py: Python<'_>, snapshot: &Snapshot, sender: &str) -> u32 {
        if let Some(row) = self.rows.by_sender.get(sender) {
            return *row;
        }
        let recipients = snapshot.recipients_of(&self.directory, sender);
        let numbers = recipients.iter().map(|id| self.strings.number(py, id));
        let users: Arc<[u32]> = numbers.collect();
        self.rows.insert(sender, users)
    }

    /// The answer made ready for the recipients of a sender, if it may be used for them, and as of which
    /// revision; to be handed to [`Facts::give_back`] afterwards.
    ///
    /// Costs a look-up or two, and the recipients where it is to be made first.
    pub(crate) fn take_ready(
        &mut self,
        py: Python<'_>,
        snapshot: &Snapshot,
        sender: &str,
    ) -> Option<(Take, u64)> {
        let stamp = self.stamp(snapshot);
        let (then, until, everyone) = &self.everyone;
        // Somebody answered "ALL" by an older policy needs a key that is in no row.
        if self.rows.stamp != stamp || *then != stamp || until.is_some() {
            return None;
        }
        let number = *self.rows.by_sender.get(sender)?;
        let row = self.rows.list.get_mut(number as usize)?;
        if let Some(ready) = row.ready.take() {
            self.rows.ready -= ready.len();
            return Some((Take::Ready(ready), self.revision));
        }
        // Whoever is answered "ALL" and receives none of this has a key of their own and room mates.
        let whole = *row.whole.get_or_insert_with(|| {
            let users: HashSet<u32, RandomState> = match everyone.len() {
                0 => HashSet::default(),
                _ => row.users.iter().copied().collect(),
            };
            everyone.iter().all(|user| users.contains(user))
        });
        whole.then(|| {
            let ids = row.users.iter();
            let ids = ids.filter_map(|user| self.strings.get(py, *user));
            (Take::New(stamp, number, ids.collect()), self.revision)
        })
    }

    /// Whether all of these are senders with the recipients of a row.
    pub(crate) fn are_of_row<'a>(
        &self,
        ready: &Ready,
        mut senders: impl Iterator<Item = &'a str>,
    ) -> bool {
        let rows = &self.rows;
        rows.stamp == ready.stamp
            && senders.all(|sender| rows.by_sender.get(sender) == Some(&ready.row))
    }

    /// Keeps an answer made ready for as long as it is true.
    pub(crate) fn give_back(&mut self, ready: Ready) {
        let mut over = Some(ready);
        if let Some(ready) = over.take_if(|ready| ready.stamp == self.rows.stamp) {
            if self.rows.ready > 0 && self.rows.ready + ready.len() > MAX_READY {
                let before: Vec<Ready> = self.rows.take_ready().collect();
                self.retired
                    .extend(before.into_iter().flat_map(Ready::into_python));
            }
            let len = ready.len();
            if let Some(row) = self.rows.list.get_mut(ready.row as usize) {
                over = row.ready.replace(ready);
                self.rows.ready += len;
                self.rows.ready -= over.as_ref().map_or(0, Ready::len);
            }
        }
        self.retired
            .extend(over.into_iter().flat_map(Ready::into_python));
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

    /// Of what any change ends.
    fn stamp_of_now(&mut self, snapshot: &Snapshot) -> Stamp {
        Stamp {
            revision: self.revision,
            ..self.stamp(snapshot)
        }
    }

    /// Of what only such changes end that may be about anybody.
    fn stamp(&mut self, snapshot: &Snapshot) -> Stamp {
        let generation = snapshot.generation();
        if self.follows_users.0 != generation {
            self.follows_users = (generation, snapshot.follows_known_users());
        }
        Stamp {
            generation,
            revision: self.wide,
            users: if self.follows_users.1 { self.users } else { 0 },
        }
    }
}

/// An answer made ready, or what to make it of: its stamp, its row, its recipients.
pub(crate) enum Take {
    Ready(Ready),
    New(Stamp, u32, Vec<Py<PyString>>),
}
