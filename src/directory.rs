//! The facts: who is known, who is in which room.
//!
//! A [`Directory`] changes with every join, and no policy is compiled for that. Offline it is read
//! from a YAML file (the language reference, section 4); in a homeserver it is kept by the host.
//!
//! Not for: what a policy says, nor the users only a policy names.
//!
//! Law: members of rooms are known users. Users stand in byte order wherever they are listed (`users`),
//! so that an answer needs no sorting. One fact costs a constant number of map operations to change,
//! whatever the number of rules, members and users, in the mean over many.

mod joined;
mod users;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use foldhash::fast::RandomState;

use crate::error::Error;
use crate::id::{RoomAlias, RoomId, ServerName, UserId, server_of};
use crate::policy::Room;
use crate::yaml;

pub(crate) use joined::Joined;
use users::Users;

type Map<K, V> = HashMap<K, V, RandomState>;
type Set<T> = HashSet<T, RandomState>;

/// Who is known and who is in which room.
#[derive(Debug, Clone, Default)]
pub struct Directory {
    server_name: Option<ServerName>,
    /// The users listed as such; members of rooms are known besides.
    listed: Set<UserId>,
    /// By their numbers. A room stays here when all have left.
    rooms: Vec<Members>,
    numbers: Map<RoomId, u32>,
    /// Whether a user is joined to a room is asked here.
    rooms_of: Map<UserId, Joined>,
    aliases: Map<RoomAlias, RoomId>,
    aliases_of: Map<RoomId, BTreeSet<RoomAlias>>,
    /// All known users.
    known: Users,
    /// The same by server.
    by_server: Map<Arc<str>, Users>,
}

/// A room and who is joined to it.
#[derive(Debug, Clone)]
struct Members {
    room: RoomId,
    users: Users,
}

impl Directory {
    /// An empty directory of a homeserver; without a name no user is local.
    pub fn new(server_name: Option<ServerName>) -> Self {
        Directory {
            server_name,
            ..Directory::default()
        }
    }

    /// Reads a directory file; `name` is used in errors.
    ///
    /// # Errors
    /// [`Error::Directory`] with the first fault's place. Costs reading the text.
    pub fn from_yaml(name: &str, text: &str) -> Result<Self, Error> {
        let file = yaml::directory(text).map_err(|fault| Error::Directory {
            file: name.into(),
            line: fault.position.line,
            column: fault.position.column,
            message: fault.message,
        })?;
        let mut directory = Directory::new(file.server_name.map(|id| id.0));
        for user in file.users {
            directory.add_user(user.0);
        }
        for (room, facts) in file.rooms {
            for alias in facts.aliases {
                directory.set_alias(alias.0, room.0.clone());
            }
            let members = facts.members.into_iter().map(|id| id.0);
            directory.set_room_members(room.0, members);
        }
        Ok(directory)
    }

    /// The homeserver's own server.
    pub fn server_name(&self) -> Option<&ServerName> {
        self.server_name.as_ref()
    }

    // ---- changing facts ----

    /// Makes a user known; `false` if they were listed already.
    pub fn add_user(&mut self, user: UserId) -> bool {
        self.learn(&user);
        self.listed.insert(user)
    }

    /// Takes a user from the list; members of rooms stay known. `false` if they were not listed.
    pub fn remove_user(&mut self, user: &str) -> bool {
        let removed = self.listed.take(user);
        if let Some(user) = &removed {
            self.forget_if_unknown(user);
        }
        removed.is_some()
    }

    /// Says who is joined to a room, instead of what was said before. Costs the members, old and new.
    pub fn set_room_members(&mut self, room: RoomId, members: impl IntoIterator<Item = UserId>) {
        let new: Users = members.into_iter().collect();
        let number = self.number(&room);
        for joined in new.iter() {
            self.link(number, joined);
        }
        let members = self.rooms.get_mut(number as usize);
        let old = members.map(|members| std::mem::replace(&mut members.users, new.clone()));
        if let Some(old) = old.filter(|old| old.len() > 0) {
            let stay: Set<&UserId> = new.iter().collect();
            for left in old.iter().filter(|user| !stay.contains(user)) {
                self.unlink(number, left);
            }
        }
    }

    /// One user joins a room.
    pub fn join(&mut self, room: RoomId, user: UserId) {
        let number = self.number(&room);
        if self.link(number, &user)
            && let Some(members) = self.rooms.get_mut(number as usize)
        {
            members.users.add(user);
        }
    }

    /// One user leaves a room.
    pub fn leave(&mut self, room: &str, user: &str) {
        let joined = self.rooms_of.get_key_value(user);
        let Some(((user, joined), number)) = joined.zip(self.numbers.get(room).copied()) else {
            return;
        };
        if !joined.contains(number) {
            return;
        }
        let user = user.clone();
        if let Some(members) = self.rooms.get_mut(number as usize) {
            members.users.remove(&user);
        }
        self.unlink(number, &user);
    }

    /// Says which room an alias names, instead of what was said before.
    pub fn set_alias(&mut self, alias: RoomAlias, room: RoomId) {
        self.remove_alias(alias.as_str());
        self.number(&room);
        self.aliases_of
            .entry(room.clone())
            .or_default()
            .insert(alias.clone());
        self.aliases.insert(alias, room);
    }

    /// Forgets an alias.
    pub fn remove_alias(&mut self, alias: &str) {
        if let Some((alias, room)) = self.aliases.remove_entry(alias)
            && let Some(aliases) = self.aliases_of.get_mut(&room)
        {
            aliases.remove(&alias);
        }
    }

    /// The number of a room, which is there from now on.
    fn number(&mut self, room: &RoomId) -> u32 {
        if let Some(number) = self.numbers.get(room) {
            return *number;
        }
        let number = self.rooms.len() as u32;
        self.rooms.push(Members {
            room: room.clone(),
            users: Users::default(),
        });
        self.numbers.insert(room.clone(), number);
        number
    }

    /// `false` if the user is joined to the room already.
    fn link(&mut self, room: u32, user: &UserId) -> bool {
        self.learn(user);
        self.rooms_of.entry(user.clone()).or_default().insert(room)
    }

    fn unlink(&mut self, room: u32, user: &UserId) {
        if let Some(rooms) = self.rooms_of.get_mut(user) {
            rooms.remove(room);
            if rooms.len() == 0 {
                self.rooms_of.remove(user);
            }
        }
        self.forget_if_unknown(user);
    }

    fn learn(&mut self, user: &UserId) {
        if self.knows_user(user.as_str()) {
            return;
        }
        self.known.add(user.clone());
        match self.by_server.get_mut(user.server()) {
            Some(users) => users.add(user.clone()),
            None => {
                let users = std::iter::once(user.clone()).collect();
                self.by_server.insert(user.server().into(), users);
            }
        }
    }

    fn forget_if_unknown(&mut self, user: &UserId) {
        if self.listed.contains(user) || self.rooms_of.contains_key(user) {
            return;
        }
        self.known.remove(user);
        if let Some(users) = self.by_server.get_mut(user.server()) {
            users.remove(user);
            if users.len() == 0 {
                self.by_server.remove(user.server());
            }
        }
    }

    // ---- asking ----

    /// Whether a user is known. Costs two look-ups.
    pub fn knows_user(&self, user: &str) -> bool {
        self.rooms_of.contains_key(user) || self.listed.contains(user)
    }

    /// All known users, sorted by bytes.
    pub fn users(&self) -> impl ExactSizeIterator<Item = &UserId> {
        self.known.iter()
    }

    /// The known users whose ID begins with a text, sorted by bytes. Costs a logarithm of all, and
    /// those.
    pub fn users_from<'a, 's>(
        &'a self,
        start: &'s str,
    ) -> impl Iterator<Item = &'a UserId> + use<'a, 's> {
        self.known.from(start)
    }

    /// How many users are known.
    pub fn user_count(&self) -> usize {
        self.known.len()
    }

    /// The servers of the known users, in no order.
    pub fn servers(&self) -> impl Iterator<Item = &str> {
        self.by_server.keys().map(|server| &**server)
    }

    /// The known users on a server, sorted by bytes.
    pub fn users_on(&self, server: &str) -> impl ExactSizeIterator<Item = &UserId> {
        let users = self.by_server.get(server);
        users.map(Users::iter).unwrap_or_default()
    }

    /// The known users on a server whose ID begins with a text, sorted by bytes. Costs a logarithm of
    /// those on the server, and those.
    pub fn users_on_from<'a, 's>(
        &'a self,
        server: &str,
        start: &'s str,
    ) -> impl Iterator<Item = &'a UserId> + use<'a, 's> {
        let users = self.by_server.get(server);
        users.into_iter().flat_map(move |users| users.from(start))
    }

    /// Whether a user is on the homeserver's own server.
    pub fn is_local(&self, user: &str) -> bool {
        self.server_name()
            .is_some_and(|server| server.as_str() == server_of(user))
    }

    /// The members of a room named by its ID or an alias, sorted by bytes; `None` if there is no such
    /// room here.
    pub fn members(&self, room: &Room) -> Option<impl ExactSizeIterator<Item = &UserId>> {
        let members = self.rooms.get(self.room_number(room, 0)? as usize)?;
        Some(members.users.iter())
    }

    /// How many members a room has, 0 if there is no such room here.
    pub fn member_count(&self, room: &Room) -> usize {
        self.members(room).map_or(0, |members| members.len())
    }

    /// Whether a user is joined to a room named by its ID or an alias. Costs two look-ups.
    pub fn is_member(&self, room: &Room, user: &str) -> bool {
        let joined = self.rooms_of.get(user).zip(self.room_number(room, 0));
        joined.is_some_and(|(rooms, room)| rooms.contains(room))
    }

    /// The rooms a user is joined to; `None` if there is none.
    pub(crate) fn joined(&self, user: &str) -> Option<&Joined> {
        self.rooms_of.get(user)
    }

    /// The rooms a user is joined to, in no order.
    pub fn rooms_of(&self, user: &str) -> impl Iterator<Item = &RoomId> {
        let joined = self.joined(user).into_iter();
        joined.flat_map(|joined| self.rooms_in(joined))
    }

    /// The rooms of some numbers, in no order.
    pub(crate) fn rooms_in(&self, joined: &Joined) -> impl Iterator<Item = &RoomId> {
        let rooms = joined
            .iter()
            .filter_map(|number| self.rooms.get(number as usize));
        rooms.map(|members| &members.room)
    }

    /// The aliases of a room, sorted.
    pub fn aliases_of(&self, room: &str) -> impl Iterator<Item = &RoomAlias> {
        self.aliases_of.get(room).into_iter().flatten()
    }

    /// All rooms and aliases, in no order.
    pub fn room_names(&self) -> impl Iterator<Item = &str> {
        let ids = self.rooms.iter().map(|members| members.room.as_str());
        ids.chain(self.aliases.keys().map(RoomAlias::as_str))
    }

    /// The number of a room named by its ID or an alias; `None` if there is no such room here. If it is
    /// the one that is likely, that costs a comparison, else a look-up.
    pub(crate) fn room_number(&self, room: &Room, likely: u32) -> Option<u32> {
        let id = match room {
            Room::Id(id) => id,
            Room::Alias(alias) => self.aliases.get(alias)?,
        };
        let there = self.rooms.get(likely as usize);
        match there.is_some_and(|members| members.room == *id) {
            true => Some(likely),
            false => self.numbers.get(id).copied(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(id: &str) -> UserId {
        UserId::parse(id).unwrap()
    }

    #[test]
    fn members_are_known_while_they_are_members() {
        let room = RoomId::parse("!r:x").unwrap();
        let mut directory = Directory::new(ServerName::parse("x").ok());
        directory.join(room.clone(), user("@a:x"));
        directory.set_alias(RoomAlias::parse("#r:x").unwrap(), room.clone());
        let alias = Room::Alias(RoomAlias::parse("#r:x").unwrap());
        assert!(directory.knows_user("@a:x") && directory.is_member(&alias, "@a:x"));
        directory.set_room_members(room.clone(), [user("@b:y")]);
        assert!(!directory.knows_user("@a:x") && directory.knows_user("@b:y"));
        directory.add_user(user("@b:y"));
        directory.leave("!r:x", "@b:y");
        assert!(directory.knows_user("@b:y"));
        assert!(directory.remove_user("@b:y") && !directory.knows_user("@b:y"));
        assert_eq!(directory.rooms_of("@b:y").count(), 0);
    }
}
