//! Bar 4: from texts to answers, and from one changed file to answers.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use presence_router::directory::Directory;
use presence_router::router::{Origin, Reload, Router};
use presence_router::workload::{Shape, Workload};
use rustix::time::ClockId;
use tempfile::TempDir;

use super::measure::used;
use super::row::{Row, Rows, time};

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
        (Shape::Nation, 2, Duration::from_secs(5)),
    ] {
        let folder = written(shape);
        let loads = (0..times).map(|_| load(folder.path()));
        let (clock, worked) = loads.min().unwrap();
        let nanos = |time: Duration| time.as_nanos() as f64;
        rows.add(Row {
            bar: 4,
            what: format!("load of {shape}"),
            figure: format!(
                "{}, of processors {}",
                time(nanos(clock)),
                time(nanos(worked))
            ),
            ratio: None,
            limit: time(nanos(limit)),
            met: clock <= limit,
        });
        if shape == Shape::Nation {
            let changed = changed(folder.path());
            let what = "one file of nation changed and settled, until it is answered by";
            rows.time(4, what, nanos(changed), 150e6);
        }
    }
}

/// A rule more in one file: the best of three reloads, each until a question is answered by it.
fn changed(folder: &Path) -> Duration {
    let router = Router::load(origin(folder)).unwrap();
    let directory = Directory::new(None);
    let file = folder.join("changed.policy");
    let mut best = Duration::MAX;
    for time in 0..3 {
        let sender = format!("@changed-{time}:example.org");
        fs::write(&file, format!("send {sender} to @reader:example.org\n")).unwrap();
        let start = Instant::now();
        let loaded = router.reload();
        let sees = router
            .snapshot()
            .sees(&directory, &sender, "@reader:example.org");
        best = best.min(start.elapsed());
        assert!(sees && matches!(loaded, Reload::Loaded { .. }));
    }
    best
}
