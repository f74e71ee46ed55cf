//! A policy that is reloaded is the policy that is loaded anew: its answers, its users, its warnings, and
//! of a wrong one every problem, byte for byte. What a reload takes over from the load before must not
//! show.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use presence_router::diagnostic::Report;
use presence_router::directory::Directory;
use presence_router::router::{Inline, Origin, Reload, Router, Snapshot};

/// What each file may hold. A file that holds nothing here is not there.
const FILES: &[(&str, &[&str])] = &[
    (
        "0-server.policy",
        &[
            "",
            "server x.org\n",
            "server y.org\n",
            "# the server\nserver x.org\n",
            "server x.org\nserver y.org\n",
            "server not..a.server-\n",
        ],
    ),
    (
        "groups.policy",
        &[
            "",
            "group staff from \"staff.yaml\"\ngroup guests from \"more/guests.yaml\"\n",
            "group guests from \"more/guests.yaml\"\ngroup staff = @ann:x.org, @zoe:x.org\n",
            "# moved\n\ngroup staff from \"more/guests.yaml\"\ngroup guests from \"staff.yaml\"\n",
            "group staff from \"staff.yaml\"\ngroup guests = group staff except @ann:x.org\n",
            "group staff = group guests\ngroup guests from \"staff.yaml\"\n",
            "group staff from \"staff.yaml\"\ngroup guests = group guests\n",
            "group staff from \"staff.yaml\"\ngroup staff from \"more/guests.yaml\"\n",
            "group staff from \"sta f.yaml\"\ngroup guests from \"staff.yaml\"\n",
        ],
    ),
    (
        "main.policy",
        &[
            "@bob:x.org sees @ann:x.org\n",
            "send group staff to group guests\n@bob:x.org sees @ann:x.org\n",
            "send @carl to group staff\n",
            "send users on y.org to @bob:x.org\nsend users on *.org to @carl:y.org\n",
            "send users matching /@a.*/ to @bob:x.org\nsend users matching /@b.*/ to all\n",
            "send users matching /@b.*/ to @bob:x.org\nblock @ann:x.org from group guests\n",
            "send users matching /@(/ to @bob:x.org\n",
            "(group staff, @dora:x.org) see each other\nblock group guests\n",
            "send all too all\n@bob:x.org sees @ann:x.org\n",
            "send all to @bob:x.org\nblock group nobody\n",
        ],
    ),
    (
        "z/other.policy",
        &[
            "",
            "send \"@ann:x.org\" to @zoe:x.org, @a:x.org\n",
            "send members of #ops:x.org to @new:z.org\n",
            "send \\@ann to @b\n",
        ],
    ),
    (
        "staff.yaml",
        &[
            "",
            "- \"@ann:x.org\"\n- \"@bob:x.org\"\n",
            "- \"@bob:x.org\"\n- \"@ann:x.org\"\n- \"@ann:x.org\"\n",
            "- \"@ann\"\n- \"@bob:x.org\"\n",
            "users: [\"@zed:z.org\", \"@a:x.org\", \"@m:m.org\"]\n",
            "- \"@ann:x.org\"\n- bob\n",
            "- @ann:x.org\n",
            "[]\n",
        ],
    ),
    (
        "more/guests.yaml",
        &[
            "",
            "- \"@carl:y.org\"\n- \"@dora:x.org\"\n- \"@ann:x.org\"\n",
            "- \"@dora\"\n",
            "- \"@e1:x.org\"\n- \"@e2:y.org\"\n- \"@e3:z.org\"\n- \"@e4:x.org\"\n- \"@bob:x.org\"\n",
        ],
    ),
];

/// Two groups of one file that stays, beside which what comes and goes in the others is little.
const CROWD: &str = "group crowd from \"crowd.yaml\"\ngroup again from \"crowd.yaml\"\n\
    send group crowd to @zoe:x.org\n@bob:x.org sees group again except @dora:x.org\n";

fn crowd() -> String {
    let server = |n: usize| ["x.org", "y.org", "z.org"][n % 3];
    let many = (0..80).map(|n| format!("- \"@c{n}:{}\"\n", server(n)));
    let others = ["- \"@ann:x.org\"\n", "- \"@dora:x.org\"\n"];
    many.chain(others.map(String::from)).collect()
}

fn origin(folder: &Path) -> Origin {
    Origin {
        path: Some(folder.into()),
        inline: vec![Inline {
            name: "inline".into(),
            text: "@inline:x.org sees @carl:y.org\n".into(),
        }],
        homeserver: None,
        ..Origin::default()
    }
}

/// Pseudo-random numbers, the same in every run.
struct Chance(u64);

impl Chance {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        usize::try_from(self.0 >> 33).unwrap() % n
    }
}

fn directory() -> Directory {
    let mut directory = Directory::new("x.org".parse().ok());
    for user in ["@ann:x.org", "@far:y.org", "@bess:y.org"] {
        directory.add_user(user.parse().unwrap());
    }
    directory
}

/// All that can be seen of a policy.
fn said(snapshot: &Snapshot) -> String {
    let directory = directory();
    let known = snapshot.known_users(&directory);
    let mut said = format!(
        "{known:?} {:?} {:?}\n",
        snapshot.rooms(),
        snapshot.aliases()
    );
    let strangers = ["@str:x.org", "@str:y.org"];
    let users = known.iter().map(|user| user.as_str()).chain(strangers);
    let users: Vec<&str> = users.collect();
    for user in &users {
        said += &format!(
            "{user}: {:?} {:?}\n",
            snapshot.recipients_of(&directory, user),
            snapshot.senders_for(&directory, user)
        );
    }
    said += &format!("{:?}\n", snapshot.route(&directory, &users));
    let policy = snapshot.policy();
    let users: Vec<_> = policy.named.iter().collect();
    said += &format!("{users:?} {:?}\n", policy.default_server);
    for rule in &policy.rules {
        said += &format!("{} {:?}\n", snapshot.sources().text(rule.span), rule.action);
    }
    said + &shown(snapshot.warnings()) + &shown(&snapshot.warnings_with(&directory))
}

fn shown(report: &Report) -> String {
    report.render(false) + &report.json_lines()
}

/// What happened in all steps.
#[derive(Default)]
struct Told {
    loaded: usize,
    kept: usize,
    unchanged: usize,
}

/// One policy that lives through edits, each held against a load of its own.
fn lives(seed: u64, steps: usize, told: &mut Told) {
    let mut chance = Chance(seed);
    let folder = tempfile::tempdir().unwrap();
    let mut held: Vec<usize> = vec![0; FILES.len()];
    let write = |file: usize, text: usize| {
        let (name, texts) = FILES[file];
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        match texts[text] {
            "" => fs::remove_file(&path).unwrap_or_default(),
            text if seed.is_multiple_of(2) => fs::write(&path, text).unwrap(),
            text => {
                let new = path.with_extension("new");
                fs::write(&new, text).unwrap();
                fs::rename(&new, &path).unwrap();
            }
        }
    };
    for file in 0..FILES.len() {
        write(file, 0);
    }
    if !seed.is_multiple_of(3) {
        fs::write(folder.path().join("crowd.policy"), CROWD).unwrap();
        fs::write(folder.path().join("crowd.yaml"), crowd()).unwrap();
    }
    let router = Router::load(origin(folder.path())).unwrap();
    let mut history = String::new();
    for _ in 0..steps {
        for _ in 0..=chance.below(2) {
            let file = chance.below(FILES.len());
            held[file] = chance.below(FILES[file].1.len());
            write(file, held[file]);
            history += &format!("{} {}; ", FILES[file].0, held[file]);
        }
        let before = router.snapshot();
        let anew = Router::load(origin(folder.path()));
        match (router.reload(), anew) {
            (Reload::Kept { report, generation }, Err(anew)) => {
                assert_eq!(shown(&report), shown(&anew), "{history}");
                assert_eq!(generation, before.generation());
                told.kept += 1;
            }
            (Reload::Loaded { report, generation }, Ok(anew)) => {
                let anew = anew.snapshot();
                assert_eq!(shown(&report), shown(anew.warnings()), "{history}");
                assert_eq!(said(&router.snapshot()), said(&anew), "{history}");
                assert_eq!(generation, before.generation() + 1);
                told.loaded += 1;
            }
            (Reload::Unchanged, anew) => {
                // The last load may have been one that was kept out.
                if let Ok(anew) = anew {
                    assert_eq!(
                        said(&router.snapshot()),
                        said(&anew.snapshot()),
                        "{history}"
                    );
                }
                told.unchanged += 1;
            }
            (reload, anew) => panic!("{reload:?}, but anew {:?}: {history}", anew.err()),
        }
    }
}

#[test]
fn what_is_reloaded_is_what_is_loaded_anew() {
    let mut told = Told::default();
    for seed in 0..60 {
        lives(seed, 40, &mut told);
    }
    let Told {
        loaded,
        kept,
        unchanged,
    } = told;
    assert!(
        loaded > 300 && kept > 300 && unchanged > 30,
        "{loaded} {kept} {unchanged}"
    );
}

#[test]
fn files_that_are_not_read_again_are_still_seen_to_change() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write("a.policy", "send @a:x to @b:x\n");
    write(
        "b.policy",
        "group g from \"g.yaml\"\nsend group g to @b:x\n",
    );
    write("g.yaml", "- \"@g:x\"\n");
    let router = Router::load(origin(folder.path())).unwrap();
    // So long a file may change without a trace of it.
    let written = Instant::now();
    while written.elapsed() < Duration::from_millis(3_500) {
        thread::sleep(Duration::from_millis(100));
    }
    for _ in 0..3 {
        assert!(matches!(router.reload(), Reload::Unchanged));
    }
    for (at, (name, text)) in [
        ("a.policy", "send @a:x to @c:x\n"),
        ("g.yaml", "- \"@h:x\"\n"),
        (
            "b.policy",
            "group g from \"g.yaml\"\nsend group g to @c:x\n",
        ),
        ("a.policy", "send @a:x to @b:x\n"),
    ]
    .into_iter()
    .enumerate()
    {
        write(name, text);
        assert!(matches!(router.reload(), Reload::Loaded { .. }), "{name}");
        let anew = Router::load(origin(folder.path())).unwrap();
        assert_eq!(said(&router.snapshot()), said(&anew.snapshot()), "{at}");
        assert!(matches!(router.reload(), Reload::Unchanged));
    }
}
