//! Bar 4: from texts to answers, and from one changed file to answers. By the clock: a load uses all
//! processors. Files are read from the system's memory, where they were just written.

use std::fs;
use std::path::Path;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use presence_router::directory::Directory;
use presence_router::router::{Origin, Reload, Router};
use presence_router::watch::Timing;
use presence_router::workload::{Shape, Workload};
use rustix::time::ClockId;
use tempfile::TempDir;

use super::measure::used;
use super::row::{Rows, time};

pub fn origin(folder: &Path) -> Origin {
    Origin {
        path: Some(folder.into()),
        homeserver: "example.org".parse().ok(),
        ..Origin::default()
    }
}

/// A workload's policy in a folder of its own.
pub fn written(shape: Shape) -> TempDir {
    let folder = TempDir::new().unwrap();
    for file in Workload::new(shape, 1.0, 1).files() {
        let path = folder.path().join(file.name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, file.text).unwrap();
    }
    folder
}

/// Loads a policy and asks it; the time on the clock, and that of all processors.
fn load(folder: &Path) -> (Duration, Duration) {
    let (start, worked) = (Instant::now(), used(ClockId::ProcessCPUTime));
    let router = Router::load(origin(folder)).unwrap();
    let directory = Directory::new(None);
    router
        .snapshot()
        .sees(&directory, "@a:example.org", "@b:example.org");
    (
        start.elapsed(),
        used(ClockId::ProcessCPUTime).saturating_sub(worked),
    )
}

pub fn loads(rows: &mut Rows) {
    for (shape, times, limit) in [
        (Shape::Pairs(100_000), 7, Duration::from_millis(200)),
        (Shape::Pairs(1_000_000), 3, Duration::from_secs(2)),
        (Shape::Nation, 3, Duration::from_secs(5)),
    ] {
        let folder = written(shape);
        let loads = (0..times).map(|_| load(folder.path()));
        let (clock, worked) = loads.min().unwrap();
        let what = format!("load of {shape}, until it answers");
        rows.figure(
            4,
            &what,
            told(clock, worked),
            time(nanos(limit)),
            clock <= limit,
        );
        if shape == Shape::Nation {
            let limit = Duration::from_millis(150);
            let what = "one file of nation changed and settled, until it answers by the new one";
            match changed(folder.path()) {
                Some((clock, worked)) => {
                    rows.figure(
                        4,
                        what,
                        told(clock, worked),
                        time(nanos(limit)),
                        clock <= limit,
                    );
                }
                None => rows.unmeasured(4, what, "no change was noticed"),
            }
        }
    }
}

fn nanos(time: Duration) -> f64 {
    time.as_nanos() as f64
}

fn told(clock: Duration, worked: Duration) -> String {
    let (clock, worked) = (time(nanos(clock)), time(nanos(worked)));
    format!("{clock}, of processors {worked}")
}

/// A change that is not answered by until then was missed.
const LONGEST: Duration = Duration::from_secs(120);

/// A rule more in one file, put in place by rename, with a router that watches: from the rename until a
/// question is answered by it, less the quiet time for which the watcher waits on purpose. The best of
/// three, on the clock and of all processors.
fn changed(folder: &Path) -> Option<(Duration, Duration)> {
    let router = Arc::new(Router::load(origin(folder)).unwrap());
    let directory = Directory::new(None);
    let (tell, reloads) = mpsc::channel();
    let watcher = router.watch(move |reload| _ = tell.send(reload));
    let file = folder.join("rules-000.policy");
    let before = fs::read_to_string(&file).unwrap();
    let spare = TempDir::new_in(folder.parent()?).unwrap();
    let quiet = Timing::default().quiet;
    let mut best: Option<(Duration, Duration)> = None;
    // The first change only tells that the watcher has begun: its first look is a reload as well.
    for turn in 0..4 {
        let (sender, reader) = (
            format!("@changed-{turn}:example.org"),
            "@reader:example.org",
        );
        let next = spare.path().join("next");
        fs::write(&next, format!("{before}send {sender} to {reader}\n")).unwrap();
        let (start, worked) = (Instant::now(), used(ClockId::ProcessCPUTime));
        fs::rename(&next, &file).unwrap();
        while !router.snapshot().sees(&directory, &sender, reader) {
            if start.elapsed() > LONGEST {
                return None;
            }
            thread::sleep(Duration::from_millis(1));
        }
        let clock = start.elapsed().saturating_sub(quiet);
        let worked = used(ClockId::ProcessCPUTime) - worked;
        if turn > 0 {
            let this = (clock, worked);
            best = Some(best.map_or(this, |best| best.min(this)));
        }
        // Warnings come after the answers.
        match reloads.recv_timeout(LONGEST) {
            Ok(Reload::Loaded { .. }) => {}
            _ => return None,
        }
    }
    drop(watcher);
    best
}
