//! Bars 1 and 2: one pair, and whole answers.

use std::fmt::Write as _;
use std::hint::black_box;
use std::sync::Arc;

use presence_router::Senders;
use presence_router::directory::Directory;
use presence_router::id::{RoomId, UserId};
use presence_router::router::Snapshot;
use presence_router::workload::Shape;

use super::measure::{Call, Pair, best, in_turn, pairs, policy, sees, workload};
use super::row::{Rows, time};

const RULES: [u32; 4] = [10, 1_000, 100_000, 1_000_000];

/// `sees` over a thousand different questions, so that caches are as warm as they are for a server's
/// active users; and over 50,000. Ten rules have four users, so few that only some ten questions differ.
pub fn one_pair(rows: &mut Rows) {
    let directory = Directory::new(None);
    let made = RULES.map(|count| {
        let (workload, snapshot) = workload(Shape::Pairs(count), "");
        let pairs = pairs(&workload, &snapshot, 1_000);
        (workload, snapshot, pairs)
    });
    let ask = |snapshot: &Snapshot, (sender, recipient): &Pair| {
        black_box(snapshot.sees(&directory, sender, recipient));
    };
    let mut asks = made.each_ref().map(|(_, snapshot, pairs)| {
        let pairs: Vec<&Pair> = pairs.iter().cycle().take(1_000).collect();
        move |at: usize| ask(snapshot, pairs[at])
    });
    let figures = in_turn(1_000, asks.each_mut().map(|ask| ask as Call<'_>));
    for ((count, (_, _, pairs)), figure) in RULES.iter().zip(&made).zip(figures) {
        let what = format!("`sees`, {count} rules, {} questions", pairs.len());
        rows.time(1, &what, figure, 100.0);
    }
    let what = "the same, 1000000 rules to 10";
    rows.ratio(1, what, time(figures[3]), figures[3] / figures[0], 1.25);
    let (workload, snapshot, _) = &made[3];
    let figure = sees(snapshot, &directory, &pairs(workload, snapshot, 50_000));
    rows.time(1, "`sees`, 1000000 rules, 50000 questions", figure, 100.0);
}

/// A list of users as a policy writes it.
fn listed(users: impl Iterator<Item = usize>) -> String {
    let users: Vec<String> = users.map(|n| format!("@u{n:06}:example.org")).collect();
    users.join(", ")
}

fn user(n: usize) -> UserId {
    UserId::parse(&format!("@u{n:06}:example.org")).unwrap()
}

/// Recipients of one sender in four ways, and senders of one recipient in the same ways.
pub fn shapes(count: usize) -> Vec<(&'static str, Snapshots, Directory)> {
    let group = format!("group g = {}\n", listed(0..count));
    let half = count / 2;
    let overlap = format!(
        "group a = {}\ngroup b = {}\ngroup c = {}\n",
        listed(0..count - half / 2),
        listed(half..count + half / 10),
        listed(0..(half / 10).max(1))
    );
    let both = |groups: &str, users: &str, less: &str| {
        let mut to = format!("{groups}send @s to {users}\n");
        let mut from = format!("{groups}@s sees {users}\n");
        if !less.is_empty() {
            let _ = writeln!(to, "block @s from {less}");
            let _ = writeln!(from, "block {less} from @s");
        }
        Snapshots {
            to: policy(to),
            from: policy(from),
        }
    };
    let nobody = || Directory::new("example.org".parse().ok());
    let mut room = nobody();
    room.set_room_members(
        RoomId::parse("!room:example.org").unwrap(),
        (0..count).map(user),
    );
    let mut crowd = nobody();
    for n in 0..count {
        crowd.add_user(user(n));
        crowd.add_user(UserId::parse(&format!("@other{n}:example.org")).unwrap());
    }
    vec![
        ("a group", both(&group, "group g", ""), nobody()),
        ("a room", both("", "members of !room:example.org", ""), room),
        (
            "two groups that overlap, less a block",
            both(&overlap, "group a, group b", "group c"),
            nobody(),
        ),
        ("a glob", both("", "@u*:example.org", ""), crowd),
    ]
}

/// The same users as recipients and as senders of `@s:example.org`.
pub struct Snapshots {
    pub to: Arc<Snapshot>,
    from: Arc<Snapshot>,
}

pub const S: &str = "@s:example.org";

impl Snapshots {
    /// Nanoseconds of a list of recipients, of one of senders, and of copying the list.
    pub fn times(&self, directory: &Directory) -> (usize, [f64; 3]) {
        let answer = self.to.recipients_of(directory, S);
        assert!(Senders::Only(answer.clone()) == self.from.senders_for(directory, S));
        let times = in_turn(
            1,
            [
                &mut |_| _ = black_box(self.to.recipients_of(directory, S)),
                &mut |_| _ = black_box(self.from.senders_for(directory, S)),
                &mut |_| _ = black_box(answer.clone()),
            ],
        );
        (answer.len(), times)
    }
}

pub fn lists(rows: &mut Rows) {
    for count in [100, 1_000, 10_000] {
        for (name, snapshots, directory) in shapes(count) {
            let (users, [recipients, senders, copy]) = snapshots.times(&directory);
            for (operation, figure) in [("recipients_of", recipients), ("senders_for", senders)] {
                let what = format!("`{operation}`, {name}, {users} users, to copying the list");
                rows.ratio(2, &what, time(figure), figure / copy, 2.0);
            }
        }
    }
    let more = "send all to @gobbler\nblock @one, @two, @three from @gobbler\n@only sees @single\n";
    for count in [RULES[0], RULES[3]] {
        let (_, snapshot) = workload(Shape::Pairs(count), more);
        let directory = Directory::new("example.org".parse().ok());
        let mut row = |what: &str, ask: &dyn Fn() -> usize| {
            let figure = best(1_000, |_| {
                black_box(ask());
            });
            rows.time(2, &format!("{what}, {count} rules"), figure, 1_000.0);
        };
        let recipients = |user| snapshot.recipients_of(&directory, user).len();
        let senders = |user| match snapshot.senders_for(&directory, user) {
            Senders::Only(users) | Senders::AllExcept(users) => users.len(),
        };
        row("`senders_for`, nobody", &|| senders("@nobody:example.org"));
        row("`senders_for`, one user", &|| senders("@only:example.org"));
        row("`senders_for`, everyone but three", &|| {
            senders("@gobbler:example.org")
        });
        row("`recipients_of`, one user (who receives all)", &|| {
            recipients("@nobody:example.org")
        });
        row("`recipients_of`, nobody", &|| {
            recipients("@one:example.org")
        });
    }
}
