//! What is made as a workload: it is what it says it is, and the engine is right about it.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use presence_router::decide::decide;
use presence_router::router::{Origin, Router};
use presence_router::workload::{SHAPES, Shape, Workload};

/// Each shape, small.
fn all() -> Vec<(Shape, f64)> {
    let named = SHAPES.iter().map(|name| name.replace(":N", ":300"));
    let shapes: Vec<Shape> = named.map(|name| name.parse().unwrap()).collect();
    let scales = [1.0, 0.1, 0.01, 0.001, 1.0, 1.0, 1.0, 1.0];
    shapes.into_iter().zip(scales).collect()
}

#[test]
fn a_seed_gives_the_same_files_and_another_one_others() {
    for (shape, scale) in all() {
        assert_eq!(shape.to_string().parse(), Ok(shape));
        let files = |seed| Workload::new(shape, scale, seed).files();
        assert_eq!(files(1), files(1), "{shape}");
        // There is only one way to put all users into one room.
        assert_eq!(
            files(1) == files(2),
            matches!(shape, Shape::Room(_)),
            "{shape}"
        );
    }
    // The bytes themselves, on every machine.
    let first = Workload::new(Shape::Pairs(5), 1.0, 1).files();
    assert_eq!(first[1].text, PAIRS);
}

const PAIRS: &str = "\
@ann.0:example.org sees @dora.3:example.org
@dora.3:example.org sees @carl.2:example.org
@dora.3:example.org sees @bob.1:example.org
@bob.1:example.org sees @bob.1:example.org
@ann.0:example.org sees @ann.0:example.org
";

#[test]
fn what_is_written_is_what_is_made() {
    for (shape, scale) in all() {
        let workload = Workload::new(shape, scale, 7);
        let size = workload.size();
        let folder = tempfile::tempdir().unwrap();
        workload.write(folder.path()).unwrap();
        let origin = Origin {
            path: Some(folder.path().join("policy")),
            ..Origin::default()
        };
        let router = Router::load(origin).unwrap_or_else(|report| panic!("{report}"));
        let snapshot = router.snapshot();
        assert_eq!(
            snapshot.policy().rules.len(),
            size.rules as usize,
            "{shape}"
        );
        assert_eq!(
            snapshot.policy().groups.len(),
            size.groups as usize,
            "{shape}"
        );

        let text = std::fs::read_to_string(folder.path().join("directory.yaml")).unwrap();
        let read = presence_router::directory::Directory::from_yaml("directory.yaml", &text);
        let (read, made) = (read.unwrap(), workload.directory());
        assert_eq!(made.user_count(), size.users() as usize, "{shape}");
        assert!(made.users().eq(read.users()), "{shape}");
        assert!(made.users().all(|user| {
            let rooms = |of: &presence_router::directory::Directory| {
                let mut rooms: Vec<_> = of.rooms_of(user.as_str()).cloned().collect();
                rooms.sort();
                rooms
            };
            rooms(&made) == rooms(&read)
        }));

        let mut questions = workload.questions();
        let mut seen = 0;
        for _ in 0..300 {
            let (sender, recipient) = (questions.user(), questions.user());
            let sees = snapshot.sees(&made, &sender, &recipient);
            let decided = decide(snapshot.policy(), &made, &sender, &recipient).sees();
            assert_eq!(sees, decided, "{shape}: {sender} to {recipient}");
            let recipients = snapshot.recipients_of(&made, &sender);
            let listed = recipients.iter().any(|user| user.as_str() == recipient);
            assert_eq!(sees, listed, "{shape}: {sender} to {recipient}");
            assert_eq!(
                snapshot.senders_for(&made, &recipient).contains(&sender),
                sees
            );
            seen += recipients.len();
        }
        assert!(seen > 0, "{shape}: nobody receives anyone");
    }
}

/// The table of sizes, tried on what is made.
#[test]
fn rooms_are_as_large_as_they_should_be() {
    let workload = Workload::new(Shape::Company, 1.0, 1);
    let directory = workload.directory();
    let mut sizes: Vec<usize> = Vec::new();
    let mut rooms: Vec<String> = directory.room_names().map(str::to_owned).collect();
    rooms.sort();
    for room in rooms {
        let room = presence_router::policy::Room::Id(room.parse().unwrap());
        sizes.push(directory.member_count(&room));
    }
    assert_eq!(sizes.len(), 2_000);
    sizes.sort_unstable();
    let share = |from: usize, to: usize| {
        let inside = sizes
            .iter()
            .filter(|size| (from..=to).contains(size))
            .count();
        inside as f64 / sizes.len() as f64
    };
    // Drawn twice, a member counts once: some rooms are a little smaller.
    assert!((0.57..0.63).contains(&share(1, 2)), "{}", share(1, 2));
    assert!((0.27..0.33).contains(&share(3, 30)), "{}", share(3, 30));
    assert!((0.07..0.11).contains(&share(31, 500)), "{}", share(31, 500));
    assert!((0.005..0.02).contains(&share(501, 5_000)));
    assert_eq!(sizes.last(), Some(&5_000), "the room of all local users");
}

#[test]
fn a_wrong_name_is_told_with_the_right_ones() {
    for wrong in [
        "famly",
        "pairs",
        "pairs:",
        "pairs:0",
        "pairs:x",
        "family:2",
        "pairs:99999999",
    ] {
        let error = wrong.parse::<Shape>().unwrap_err().to_string();
        assert!(error.contains("write one of family, company"), "{error}");
    }
}
