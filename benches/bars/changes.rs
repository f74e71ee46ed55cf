//! Bar 8: what a join and a leave cost, answers by the new facts included.

use std::hint::black_box;

use presence_router::directory::Directory;
use presence_router::id::{RoomId, UserId};
use presence_router::workload::Shape;

use super::measure::{best, workload};
use super::row::{Rows, time};

/// A user comes, is asked about, and goes.
pub fn join(rules: u32, members: u32) -> f64 {
    let room = RoomId::parse("!room:example.org").unwrap();
    let more = "members of !room:example.org see @host\n";
    let (_, snapshot) = workload(Shape::Pairs(rules), more);
    let mut directory = Directory::new("example.org".parse().ok());
    let member = |n| UserId::parse(&format!("@member{n}:example.org")).unwrap();
    directory.set_room_members(room.clone(), (0..members).map(member));
    let users: Vec<UserId> = (0..100)
        .map(|n| UserId::parse(&format!("@new{n}:example.org")).unwrap())
        .collect();
    best(users.len(), |at| {
        let user = &users[at];
        directory.join(room.clone(), user.clone());
        assert!(snapshot.sees(&directory, "@host:example.org", user.as_str()));
        directory.leave(room.as_str(), user.as_str());
        black_box(&directory);
    })
}

pub fn joins(rows: &mut Rows) {
    let few = join(10, 10);
    let rules = join(100_000, 10);
    let members = join(10, 500_000);
    let what = "a join, `sees`, a leave with 100,000 rules, to with 10";
    rows.ratio(8, what, time(rules), rules / few, 1.25);
    // Members are kept sorted: 500,000 of them are some four times as deep as 10.
    let what = "the same in a room of 500,000 members, to one of 10";
    rows.ratio(8, what, time(members), members / few, 4.0);
}
