//! Bar 8: what a join and a leave cost, alone and with an answer by the new facts between them.

use std::sync::Arc;

use presence_router::directory::Directory;
use presence_router::id::{RoomId, UserId};
use presence_router::router::Snapshot;
use presence_router::workload::Shape;

use super::measure::{best, in_turn, workload};
use super::row::{Rows, time};

/// So many users come and go, one after the other.
const USERS: usize = 1_000;

/// A policy that names a room, and users who come there and go.
pub struct Comings {
    room: RoomId,
    snapshot: Arc<Snapshot>,
    directory: Directory,
    users: Vec<UserId>,
}

impl Comings {
    pub fn new(rules: u32, members: usize) -> Self {
        let room = RoomId::parse("!room:example.org").unwrap();
        let more = "members of !room:example.org see @host\n";
        let (_, snapshot) = workload(Shape::Pairs(rules), more);
        let mut directory = Directory::new("example.org".parse().ok());
        let user = |n: usize, end: &str| UserId::parse(&format!("@member{n:07}{end}:example.org"));
        let all = (0..members).map(|n| user(n, "").unwrap());
        directory.set_room_members(room.clone(), all);
        // Among all members and in no order, so that maps are entered anywhere: where the last one came
        // in, the next would find everything in the processor's caches.
        let place = |n: usize| (n * 7_919 % USERS) * members / USERS;
        let users = (0..USERS).map(|n| user(place(n), &format!("-{n}")).unwrap());
        Comings {
            users: users.collect(),
            room,
            snapshot,
            directory,
        }
    }

    fn come_and_go(&mut self, at: usize) {
        let user = &self.users[at];
        self.directory.join(self.room.clone(), user.clone());
        self.directory.leave(self.room.as_str(), user.as_str());
    }

    fn come_are_seen_and_go(&mut self, at: usize) {
        let (user, host) = (&self.users[at], "@host:example.org");
        self.directory.join(self.room.clone(), user.clone());
        assert!(self.snapshot.sees(&self.directory, host, user.as_str()));
        self.directory.leave(self.room.as_str(), user.as_str());
    }

    /// Nanoseconds of a join and a leave.
    pub fn time(&mut self) -> f64 {
        best(USERS, |at| self.come_and_go(at))
    }
}

pub fn joins(rows: &mut Rows) {
    let sizes = [(10, 10), (100_000, 10), (10, 500_000)];
    let mut made = sizes.map(|(rules, members)| Comings::new(rules, members));
    type Change = fn(&mut Comings, usize);
    let changes: [(&str, Change); 2] = [
        ("a join and a leave", Comings::come_and_go),
        ("a join, `sees`, a leave", Comings::come_are_seen_and_go),
    ];
    for (name, change) in changes {
        let [few, rules, members] = made.each_mut();
        let [few, rules, members] = in_turn(
            USERS,
            [
                &mut |at| change(few, at),
                &mut |at| change(rules, at),
                &mut |at| change(members, at),
            ],
        );
        let what = format!("{name}, with 100,000 rules to with 10");
        rows.ratio(8, &what, time(rules), rules / few, 1.25);
        let what = format!("{name}, in a room of 500,000 members to one of 10");
        rows.ratio(8, &what, time(members), members / few, 4.0);
    }
}
