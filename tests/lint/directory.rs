//! Warnings that a directory brings to light.

use presence_router::diagnostic::Name;
use presence_router::directory::Directory;
use presence_router::id::{RoomId, ServerName, UserId};
use presence_router::router::{Origin, Router};

use super::setup::{places, router};
use super::{DIRECTORY, gives_with, message, with_directory};

#[test]
fn unresolved_room() {
    gives_with(
        "send members of #ops to @ann\nsend @ann to members of (!ops:h.org, #ops)",
        &[],
    );
    gives_with(
        "send members of #osp to @ann\nblock members of #osp from @bob\nsend @ann to members of !x",
        &["unresolved-room 1:17", "unresolved-room 3:25"],
    );
    let report = with_directory("send members of #osp to @ann", DIRECTORY);
    assert_eq!(
        message(&report, Name::UnresolvedRoom).1,
        "did you mean `#ops:h.org`?"
    );
    let report = with_directory("send members of #ops:g.org to @ann", DIRECTORY);
    assert_eq!(
        message(&report, Name::UnresolvedRoom).1,
        "did you mean `#ops:h.org`?"
    );
    let report = with_directory("send members of #gardening to @ann", DIRECTORY);
    assert!(
        message(&report, Name::UnresolvedRoom)
            .1
            .starts_with("check its ID")
    );
}

#[test]
fn unknown_user() {
    gives_with(
        "send @ann to @bob\nsend @zed:remote.org to @ann\nsend @nn:remote.org to @bob",
        &[],
    );
    gives_with(
        "send @ann to all except @boob\nsend all to @boob, @bob",
        &["unknown-user 1:25"],
    );
    let report = with_directory("send @ann to @gobler", DIRECTORY);
    assert_eq!(
        message(&report, Name::UnknownUser).1,
        "did you mean `@gobbler:h.org`?"
    );
    let report = with_directory("send @ann to @x", DIRECTORY);
    assert!(
        message(&report, Name::UnknownUser)
            .1
            .starts_with("correct the user ID")
    );
    let no_name = DIRECTORY.replace("server_name: h.org", "");
    assert!(with_directory("send @ann to @x", &no_name).is_empty());
}

#[test]
fn unknown_users_of_a_group_file_stand_at_its_path() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join("g.yaml"),
        "[\"@x\", \"@y\", \"@ann\", \"@zed:remote.org\"]\n",
    )
    .unwrap();
    let text =
        "group g from \"g.yaml\"\nsend group g to all\nsend @gobbler to @y\nsend @bob to group g\n";
    std::fs::write(folder.path().join("a.policy"), text).unwrap();
    let path = Some(folder.path().into());
    let homeserver = ServerName::parse("h.org").ok();
    let router = Router::load(Origin {
        path,
        inline: Vec::new(),
        homeserver,
        ..Origin::default()
    })
    .unwrap();
    let directory = Directory::from_yaml("directory.yaml", DIRECTORY).unwrap();
    let report = router.snapshot().warnings_with(&directory);
    assert_eq!(
        places(&report),
        [
            "unknown-user 1:14",
            "remote-disclosure 1:14",
            "unknown-user 3:18"
        ],
        "{report}"
    );
    assert!(message(&report, Name::UnknownUser).0.contains("@x:h.org"));
}

#[test]
fn remote_disclosure() {
    gives_with("send @ann to @zed:remote.org", &["remote-disclosure 1:14"]);
    gives_with("@bob, @zed:remote.org see @ann", &["remote-disclosure 1:7"]);
    gives_with(
        "@ann, @zed:remote.org see each other",
        &["remote-disclosure 1:7"],
    );
    gives_with(
        "group g = @zed:remote.org\nsend @ann to group g",
        &["remote-disclosure 1:11"],
    );
    gives_with(
        "send @ann to (@zed:remote.org, @bob) except @bob",
        &["remote-disclosure 1:15"],
    );
    gives_with(
        "send @ann to @zed:remote.org, users on other.org",
        &["remote-disclosure 1:14"],
    );
    gives_with(
        "group g = @zed:remote.org\nsend @ann to group g, users on remote.org\nsend @bob to group g",
        &["remote-disclosure 1:11"],
    );
    gives_with("send @ann to @zed:remote.org, users on remote.org", &[]);
    gives_with(
        "group g = users on *.org\nsend @ann to @zed:remote.org, group g",
        &[],
    );
    gives_with(
        "group g = @zed:remote.org\nsend @ann to group g, users on remote.org",
        &[],
    );
    gives_with("send @zed:remote.org to @ann", &[]);
    gives_with("send all to all except @zed:remote.org", &[]);
    gives_with(
        "send all to @ann, @zed:remote.org\nblock local users from @zed:remote.org",
        &["remote-disclosure 1:19"],
    );
    gives_with(
        "send local users to @ann, @zed:remote.org\nblock all from @zed:remote.org",
        &[],
    );
    gives_with("send @yves:other.org to @zed:remote.org", &[]);
    gives_with(
        "send remote users who are members of #ops to @zed:remote.org",
        &[],
    );
    gives_with(
        "send remote users except @yves:other.org to @zed:remote.org",
        &[],
    );
    gives_with("send @ann to @zed:remote.org, remote users", &[]);
    let named = |text: &str, directory: &str| {
        let report = with_directory(text, directory);
        let mut problems = report.problems().iter();
        let found = problems.find(|problem| problem.name == Name::RemoteDisclosure);
        found.map(|problem| problem.help.clone())
    };
    assert_eq!(named("block @ann from @zed:remote.org", DIRECTORY), None);
    let nobody = "send @ann except @ann to @zed:remote.org";
    assert_eq!(named(nobody, DIRECTORY), None);
    // Another name of the homeserver is meant only if it is like it, and nobody is known there.
    let suggested = |server: &str, directory: &str| {
        let help = named(&format!("send @ann to @zed:{server}"), directory).unwrap();
        help.starts_with("did you mean `@zed:h.org`?")
    };
    let neighbour = DIRECTORY.replace("@zed:remote.org", "@zed:h.orq");
    assert!(suggested("h.orq", DIRECTORY) && suggested("H.org", DIRECTORY));
    assert!(!suggested("elsewhere.net", DIRECTORY) && !suggested("h.orq", &neighbour));
    // What one rule's recipients settle of a group says nothing of another's.
    gives_with(
        "group g = @zed:remote.org\nsend @ann to group g, @bob\nsend @gobbler to group g\nblock @ann from @zed:remote.org",
        &["remote-disclosure 1:11"],
    );
    gives_with(
        "group g = @yves:other.org\nsend @ann to @bob, (group g who are members of #ops)\nsend @bob to group g",
        &["remote-disclosure 1:11"],
    );
    gives_with(
        "group g = @zed:remote.org\nsend @ann to group g, users on remote.org\nsend @bob to group g, users on other.org",
        &["remote-disclosure 1:11"],
    );
    gives_with(
        "send @ann to @bob, (@zed:remote.org who are members of #ops)",
        &["remote-disclosure 1:21"],
    );
    gives_with(
        "send @ann to @bob, (@yves:other.org who are members of #ops)",
        &[],
    );
}

#[test]
fn costly_rule() {
    let mut directory = Directory::new(ServerName::parse("h.org").ok());
    for n in 0..10_001 {
        directory.add_user(UserId::parse(&format!("@u{n}:big.org")).unwrap());
    }
    let room = RoomId::parse("!ops:h.org").unwrap();
    for n in 0..10_000 {
        directory.join(
            room.clone(),
            UserId::parse(&format!("@u{n}:big.org")).unwrap(),
        );
    }
    for name in ["ann", "bob"] {
        directory.add_user(UserId::parse(&format!("@{name}:h.org")).unwrap());
    }
    let given = |text: &str| {
        let report = router(text).snapshot().warnings_with(&directory);
        let problems = report
            .problems()
            .iter()
            .filter(|problem| problem.name == Name::CostlyRule);
        let shown = problems.map(|p| format!("{}: {}", report.position(p).line, p.message));
        shown.collect::<Vec<_>>()
    };
    let makes = |n: usize| {
        vec![format!(
            "1: one update of a sender of this rule makes {n} deliveries"
        )]
    };
    let none = Vec::<String>::new();
    assert_eq!(given("send @ann to all"), makes(10_003));
    assert_eq!(given("all see @ann"), makes(10_003));
    assert_eq!(given("send all to users on big.org"), makes(10_001));
    assert_eq!(
        given("send @ann to users on *.org except @ann"),
        makes(10_002)
    );
    assert_eq!(
        given("send @ann to all who are users matching /.*/"),
        makes(10_003)
    );
    assert_eq!(
        given("send @ann to users on big.org, @bob, @ann, members of !ops:h.org"),
        makes(10_003)
    );
    assert_eq!(given("send @ann to remote users"), makes(10_001));
    assert_eq!(given("send @ann to members of !ops:h.org"), none);
    assert_eq!(
        given("send @ann to members of !ops:h.org, @u1:big.org"),
        none
    );
    assert_eq!(given("send all to @ann\nblock @bob"), none);
    assert_eq!(given("send @ann to local users"), none);
    assert_eq!(
        given("send @u1:big.org to all\nblock local users except @ann from all"),
        makes(10_003)
    );
    // Only so many senders are tried, the first.
    let some = |n: usize| (0..n).map(|n| format!("@u{n}:big.org"));
    for n in [15, 16, 17, 18] {
        let senders: Vec<String> = some(n).collect();
        assert_eq!(
            given(&format!("send {} to all", senders.join(", "))),
            makes(10_003)
        );
    }
    // Nobody there has a presence to send.
    assert_eq!(given("send users on nowhere.org to all"), none);
    // What is blocked is not delivered.
    assert_eq!(given("send @ann, @bob to all\nblock @ann"), makes(10_003));
    assert_eq!(
        given("send @ann to all\nblock @ann from users on big.org"),
        none
    );
    assert_eq!(
        given("send @ann to all\nblock local users from @bob"),
        makes(10_002)
    );
    assert_eq!(
        given("send @ann to all except @ann\nblock @ann from @bob"),
        makes(10_001)
    );
}
