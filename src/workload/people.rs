//! Users and rooms.
//!
//! Each user and each room is told from its number alone, so that a nation needs no memory.

use std::io::{self, Write};

use super::{Chance, Shape, Workload};
use crate::directory::Directory;
use crate::id::{RoomId, ServerName, UserId};

/// The homeserver of all workloads.
const HOME: &str = "example.org";

const GIVEN: &[&str] = &[
    "ann", "bob", "carl", "dora", "emil", "frida", "gus", "hanna", "ivan", "jana", "kim", "lena",
    "max", "nora", "otto", "paula",
];

/// One remote user of so many is on a server of their own.
const OWN_SERVER: u32 = 20;

impl Workload {
    /// The homeserver's own server.
    pub fn server(&self) -> &'static str {
        HOME
    }

    /// A known user by their number below `size().users()`; the first are local.
    pub fn user(&self, number: u32) -> String {
        let given = GIVEN.get(number as usize % GIVEN.len()).unwrap_or(&"zoe");
        let Some(remote) = number.checked_sub(self.size.local) else {
            return format!("@{given}.{number}:{HOME}");
        };
        let servers = (self.size.remote / OWN_SERVER).max(3);
        let server = Chance::new(self.seed, u64::from(remote) << 8 | 1).low(servers);
        format!("@{given}{number}:{}", remote_server(server))
    }

    /// The ID of a room; room 0 has all local users.
    pub(super) fn room(&self, number: u32) -> String {
        format!("!room{number}:{HOME}")
    }

    /// The numbers of a room's members, some maybe twice.
    ///
    /// Of the rooms 60 % have 2 members, 30 % up to 30, 9 % up to 500, the others up to the largest, of
    /// whom half as many are twice as large.
    pub(super) fn members(&self, room: u32) -> Vec<u32> {
        let size = self.size;
        if room == 0 {
            return (0..size.local).collect();
        }
        let mut chance = Chance::new(self.seed, u64::from(room) << 8 | 2);
        let largest = size.largest.max(2);
        let count = match chance.below(100) {
            0..60 => 2,
            60..90 => chance.between(3, 30),
            90..99 => chance.between(30, 500),
            _ => chance.zipf(500, largest),
        };
        let count = count.min(largest);
        let mut member = || match chance.below(10) {
            0..7 => chance.low(size.local),
            _ => size.local + chance.low(size.remote),
        };
        (0..count).map(|_| member()).collect()
    }

    /// Who is known, and who is in which room.
    pub fn directory(&self) -> Directory {
        let mut directory = Directory::new(ServerName::parse(HOME).ok());
        let users: Vec<UserId> = (0..self.size.users())
            .filter_map(|number| UserId::parse(&self.user(number)).ok())
            .collect();
        for user in &users {
            directory.add_user(user.clone());
        }
        for room in 0..self.size.rooms {
            if let Ok(id) = RoomId::parse(&self.room(room)) {
                let members = self.members(room).into_iter();
                let members = members.filter_map(|member| users.get(member as usize).cloned());
                directory.set_room_members(id, members);
            }
        }
        directory
    }

    /// Writes the same as a directory file.
    pub(super) fn write_directory(&self, out: &mut impl Write) -> io::Result<()> {
        writeln!(out, "server_name: {HOME}\nusers:")?;
        for number in 0..self.size.users() {
            writeln!(out, "- \"{}\"", self.user(number))?;
        }
        if self.size.rooms > 0 {
            writeln!(out, "rooms:")?;
        }
        for room in 0..self.size.rooms {
            writeln!(out, "  \"{}\":\n    members:", self.room(room))?;
            let mut members = self.members(room);
            members.sort_unstable();
            members.dedup();
            for member in members {
                writeln!(out, "    - \"{}\"", self.user(member))?;
            }
        }
        out.flush()
    }

    /// Whether the workload has rooms besides that of all.
    pub(super) fn has_rooms(&self) -> bool {
        self.size.rooms > 1 && !matches!(self.shape, Shape::Room(_))
    }
}

/// A remote server by its number.
pub(super) fn remote_server(number: u32) -> String {
    match number % 3 {
        0 => format!("matrix{number}.net"),
        1 => format!("chat.town{number}.org"),
        _ => format!("s{number}.host.example"),
    }
}
