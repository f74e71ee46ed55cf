//! The small world: six users on three servers, three rooms, and every shape a selector can have.
//! Each shape stands here three times: as text, as the model of it, and as the users it picks,
//! counted out by hand.

use crate::model::{
    Expression, Facts, Group, GroupBody, Pattern, Piece, Room, Selector, UserPattern, literal,
};

/// Ann and Bob are at home. Dan is known from a room alone, Will only where he is written, the
/// stranger never.
pub const USERS: [&str; 6] = [
    "@ann:x.org",
    "@bob:x.org",
    "@cat:y.org",
    "@dan:sub.y.org",
    "@will:x.org",
    "@xan:y.org",
];

pub fn universe() -> Vec<String> {
    USERS.map(str::to_owned).to_vec()
}

pub fn facts() -> Facts {
    let set = |users: &[&str]| users.iter().map(|&user| user.to_owned()).collect();
    Facts {
        server_name: Some("x.org".to_owned()),
        users: set(&["@ann:x.org", "@bob:x.org", "@cat:y.org"]),
        rooms: [
            ("!r:x.org", set(&["@ann:x.org", "@cat:y.org"])),
            ("!v12", set(&["@dan:sub.y.org"])),
            ("!empty:x.org", set(&[])),
        ]
        .map(|(room, members)| (room.to_owned(), members))
        .into(),
        aliases: [("#r:x.org", "!r:x.org"), ("#lost:x.org", "!gone:x.org")]
            .map(|(alias, room)| (alias.to_owned(), room.to_owned()))
            .into(),
    }
}

/// What the group statements say, in the model's order: a group names later ones only.
pub fn groups() -> Vec<Group> {
    let group = |name, body| Group { name, body };
    let listed = ["@cat:y.org", "@will:x.org"].map(str::to_owned);
    vec![
        group(
            "nested",
            GroupBody::Is(except(Selector::Group(1), user("ann", "x.org"))),
        ),
        group(
            "pair",
            GroupBody::Is(Selector::Union(vec![
                user("ann", "x.org"),
                user("cat", "y.org"),
            ])),
        ),
        group("listed", GroupBody::File(listed.to_vec())),
        group(
            "crowd",
            GroupBody::Is(Selector::Union(vec![Selector::All, user("bob", "x.org")])),
        ),
    ]
}

/// The statements, each with those it needs. `FILE` is where the group file is.
pub const GROUP_TEXTS: [(&str, &str); 4] = [
    ("group nested", "group nested = group pair except @ann\n"),
    ("group pair", "group pair = @ann, @cat:y.org\n"),
    ("group listed", "group listed from \"FILE\"\n"),
    ("group crowd", "group crowd = all, @bob\n"),
];

pub const GROUP_FILE: &str = "- \"@cat:y.org\"\n- \"@will\"\n";

pub struct Shape {
    pub text: &'static str,
    pub selector: Selector,
    /// First letters of those of `USERS` it picks.
    pub picks: &'static str,
    pub unbounded: bool,
}

fn user(local: &str, server: &str) -> Selector {
    Selector::User(UserPattern {
        local: pattern(local),
        server: pattern(server),
    })
}

fn pattern(text: &str) -> Pattern {
    if !text.contains(['*', '?']) {
        return literal(text);
    }
    let piece = |c| match c {
        '*' => Piece::Run,
        '?' => Piece::One,
        c => Piece::Lit(c),
    };
    text.chars().map(piece).collect()
}

fn on(servers: &[&str]) -> Selector {
    Selector::On(servers.iter().map(|server| pattern(server)).collect())
}

fn matching(text: &str) -> Selector {
    Selector::Matching(Expression {
        text: text.to_owned(),
        whole: format!(r"\A(?:{text})\z"),
        kind: "",
    })
}

fn room(id: &str) -> Room {
    Room::Id(id.to_owned())
}

fn alias(name: &str) -> Room {
    Room::Alias {
        name: name.to_owned(),
        server: "x.org".to_owned(),
    }
}

fn except(a: Selector, b: Selector) -> Selector {
    Selector::Except(Box::new(a), Box::new(b))
}

/// Every shape. Compound ones are there with bounded and with unbounded parts.
pub fn shapes() -> Vec<Shape> {
    use Selector::{All, Group, Local, Members, Remote, Union, Who};
    let bounded = |text, selector, picks| Shape {
        text,
        selector,
        picks,
        unbounded: false,
    };
    let unbounded = |text, selector, picks| Shape {
        text,
        selector,
        picks,
        unbounded: true,
    };
    let anybody = || user("*", "*");
    vec![
        unbounded("all", All, "abcdwx"),
        unbounded("everyone", All, "abcdwx"),
        bounded("@ann", user("ann", "x.org"), "a"),
        bounded("@cat:y.org", user("cat", "y.org"), "c"),
        bounded("\"@will\"", user("will", "x.org"), "w"),
        bounded("@?an:*", user("?an", "*"), "dx"),
        bounded("@*:*", anybody(), "abcdwx"),
        bounded("@a*", user("a*", "x.org"), "a"),
        bounded("@*:*y.org", user("*", "*y.org"), "cdx"),
        bounded("users on x.org", on(&["x.org"]), "abw"),
        bounded(
            "users on (y.org, sub.y.org)",
            on(&["y.org", "sub.y.org"]),
            "cdx",
        ),
        bounded("users on *.y.org", on(&["*.y.org"]), "d"),
        bounded("users on (x.org, *.org)", on(&["x.org", "*.org"]), "abcdwx"),
        bounded("users matching /@[ab].*/", matching("@[ab].*"), "ab"),
        bounded(
            "users matching /@cat|@ann:x.org/",
            matching("@cat|@ann:x.org"),
            "a",
        ),
        bounded("local users", Local, "abw"),
        bounded("remote users", Remote, "cdx"),
        bounded("members of !r:x.org", Members(vec![room("!r:x.org")]), "ac"),
        bounded("room members of #r", Members(vec![alias("r")]), "ac"),
        bounded("members of !v12", Members(vec![room("!v12")]), "d"),
        bounded(
            "members of (#r, !v12)",
            Members(vec![alias("r"), room("!v12")]),
            "acd",
        ),
        bounded(
            "members of (!empty:x.org, !gone:x.org, #lost, #gone)",
            Members(vec![
                room("!empty:x.org"),
                room("!gone:x.org"),
                alias("lost"),
                alias("gone"),
            ]),
            "",
        ),
        bounded("group pair", Group(1), "ac"),
        bounded("group nested", Group(0), "c"),
        bounded("group listed", Group(2), "cw"),
        unbounded("group crowd", Group(3), "abcdwx"),
        bounded(
            "@bob and users on y.org",
            Union(vec![user("bob", "x.org"), on(&["y.org"])]),
            "bcx",
        ),
        unbounded(
            "@ann, all",
            Union(vec![user("ann", "x.org"), All]),
            "abcdwx",
        ),
        bounded(
            "members of #r who are local users",
            Who(vec![Members(vec![alias("r")]), Local]),
            "a",
        ),
        bounded("all who are remote users", Who(vec![All, Remote]), "cdx"),
        unbounded(
            "all who are group crowd",
            Who(vec![All, Group(3)]),
            "abcdwx",
        ),
        bounded(
            "local users except @ann",
            except(Local, user("ann", "x.org")),
            "bw",
        ),
        unbounded(
            "all except @ann",
            except(All, user("ann", "x.org")),
            "bcdwx",
        ),
        unbounded("all except local users", except(All, Local), "cdx"),
        unbounded("all except @*:*", except(All, anybody()), ""),
        unbounded(
            "everyone except (@cat:y.org, @bob)",
            except(All, Union(vec![user("cat", "y.org"), user("bob", "x.org")])),
            "adwx",
        ),
        bounded(
            "all except (all except @ann)",
            except(All, except(All, user("ann", "x.org"))),
            "a",
        ),
    ]
}
