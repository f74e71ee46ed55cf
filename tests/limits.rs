//! Hostile and very large policies: for each a clear error or the right answer, in bounded time and
//! memory, the same in every place a policy is loaded.
//!
//! Each case of `cases` is loaded by the library, by the command line in a process of its own, whose
//! peak memory and time are measured, and by the thread that watches, while the last good policy
//! goes on. What the three say must be equal byte for byte. `tests/growth.rs` holds time to the length
//! of the text.
//!
//! The largest cases are a tenth of their size unless `LIMITS=all` is set: `make limits` does that in
//! a release build and prints the table.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

#[path = "limits/cases.rs"]
mod cases;
#[path = "limits/measure.rs"]
mod measure;
#[path = "limits/shown.rs"]
mod shown;

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Duration;

use presence_router::directory::Directory;
use presence_router::router::{Origin, Reload, Router};

use cases::{Case, Place, Wanted};
use measure::Measured;

/// Whoever waits for the watcher waits no longer.
const PATIENCE: Duration = Duration::from_secs(300);

const GOOD: &str = "send @good:x.org to @gobbler:x.org\n";

#[test]
fn small() {
    run(cases::small());
}

#[test]
fn large() {
    run(cases::large());
}

#[test]
fn largest() {
    if cases::all() {
        run(cases::largest());
    }
}

fn run(cases: Vec<Case>) {
    println!("\n| case | peak MiB | seconds |\n|---|---|---|");
    for case in cases {
        // Behind links in the name of the temporary folder the watcher would see another path.
        let root = tempfile::tempdir().unwrap();
        let policy = root.path().join("policy");
        fs::create_dir(&policy).unwrap();
        (case.write)(&policy);
        let by_library = library(&policy);
        case.wanted.check(case.name, &by_library);
        let (by_command, measured) = command(&policy);
        assert_eq!(by_command, by_library, "{}: the command line", case.name);
        println!("{}", measured.row(case.name));
        assert!(measured.mib <= case.mib, "{}: {measured:?}", case.name);
        assert!(measured.seconds <= 120.0, "{}: {measured:?}", case.name);
        let by_watcher = watcher(root.path(), &policy, &by_library);
        assert_eq!(by_watcher, by_library, "{}: the watcher", case.name);
    }
}

fn origin(path: &Path) -> Origin {
    Origin {
        path: Some(path.to_owned()),
        ..Origin::default()
    }
}

/// What the library says, as JSON, and whether it loads.
fn library(policy: &Path) -> (bool, String) {
    match Router::load(origin(policy)) {
        Ok(router) => (true, router.snapshot().warnings().json_lines()),
        Err(report) => (false, report.json_lines()),
    }
}

fn command(policy: &Path) -> ((bool, String), Measured) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_presence-router"));
    command.args(["check", "--json", "--policy"]).arg(policy);
    let (output, measured) = measure::run(&mut command);
    let code = output.status.code();
    assert!(matches!(code, Some(0 | 2)), "{:?}", output.status);
    let text = String::from_utf8(output.stdout).unwrap();
    ((code == Some(0), text), measured)
}

/// What the watcher's thread says when a good policy becomes this one, and that the good one goes on.
fn watcher(root: &Path, policy: &Path, wanted: &(bool, String)) -> (bool, String) {
    let live = root.join("live");
    fs::create_dir(&live).unwrap();
    fs::write(live.join("main.policy"), GOOD).unwrap();
    let router = Arc::new(Router::load(origin(&live)).unwrap());
    let (tell, told) = channel();
    let _watcher = router.watch(move |reload| tell.send(reload).unwrap_or_default());
    let mut files: Vec<_> = fs::read_dir(policy)
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    files.sort_by_key(|name| name == "main.policy");
    for name in files {
        fs::rename(policy.join(&name), live.join(&name)).unwrap();
    }
    loop {
        // Files come one by one, and the watcher may look in between.
        let (loaded, report) = match told.recv_timeout(PATIENCE).unwrap() {
            Reload::Loaded { report, .. } => (true, report),
            Reload::Kept { generation, report } => {
                assert_eq!(generation, router.snapshot().generation());
                (false, report)
            }
            Reload::Unchanged => continue,
        };
        let said = (loaded, report.json_lines());
        if said != *wanted && told.recv_timeout(Duration::from_secs(5)).is_ok() {
            continue;
        }
        let nobody = Directory::new(None);
        let sees = |s, r| router.snapshot().sees(&nobody, s, r);
        // A refused policy leaves the good one in force; none of these says the same.
        assert_eq!(sees("@good:x.org", "@gobbler:x.org"), !loaded);
        return said;
    }
}

#[test]
fn directory_files() {
    let bomb = cases::billion_laughs("users: [\"@a:x.org\"]\nrooms:\n");
    let deep = format!("users: {}", "[".repeat(100_000));
    let behind_a_quote = format!("users: [\"a\n\", {}", "[".repeat(100_000));
    let long = format!("users: [\"@{}:x.org\"]", "a".repeat(6_000_000));
    let cases = [
        ("bomb", bomb, "facts.yaml:"),
        ("squares", cases::squares(), "aliases make more values"),
        ("deep", deep, "brackets are nested over 64 deep"),
        (
            "behind a quote",
            behind_a_quote,
            "brackets are nested over 64 deep",
        ),
        ("long", long, "has 6000007 bytes, more than 255"),
        ("not UTF-8", String::new(), "facts.yaml"),
    ];
    for (name, text, wanted) in cases {
        let folder = tempfile::tempdir().unwrap();
        let facts = folder.path().join("facts.yaml");
        fs::write(folder.path().join("a.policy"), GOOD).unwrap();
        if name == "not UTF-8" {
            fs::write(&facts, b"users: [\"@\xff:x.org\"]").unwrap();
        } else {
            fs::write(&facts, &text).unwrap();
            let error = Directory::from_yaml("facts.yaml", &text).unwrap_err();
            let error = error.to_string();
            assert!(
                error.contains(wanted) && error.len() < 20_000,
                "{name}: {error}"
            );
        }
        let mut command = Command::new(env!("CARGO_BIN_EXE_presence-router"));
        command.current_dir(folder.path());
        command.args([
            "recipients",
            "--json",
            "--policy",
            "a.policy",
            "--directory",
            "facts.yaml",
        ]);
        let (output, measured) = measure::run(&mut command);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{name}: {said}");
        assert!(
            said.contains(wanted) && output.stdout.is_empty(),
            "{name}: {said}"
        );
        println!("{}", measured.row(&format!("directory file: {name}")));
        assert!(
            measured.mib < 300.0 && measured.seconds < 60.0,
            "{name}: {measured:?}"
        );
    }
}

impl Wanted {
    fn check(&self, case: &str, (loaded, json): &(bool, String)) {
        let said: Vec<Place> = json.lines().map(Place::read).collect();
        let shown = || json.lines().take(3).collect::<Vec<_>>().join("\n");
        let (is_good, count, first) = match self {
            Wanted::Good => (true, None, None),
            Wanted::Warned(first) => (true, Some(1), Some(first)),
            Wanted::Bad(count, first) => (false, Some(*count), Some(first)),
        };
        assert_eq!(*loaded, is_good, "{case}: {}", shown());
        if let (Some(count), Some(first)) = (count, first) {
            assert_eq!(said.len(), count, "{case}: {}", shown());
            assert_eq!(said[0], *first, "{case}: {}", shown());
        }
        // Messages are bounded, whatever the text holds.
        let longest = json.lines().map(str::len).max().unwrap_or_default();
        assert!(longest < 50_000, "{case}: a line of {longest} bytes");
    }
}
