//! What every target asks of a load: a budget of time, and a report that can be shown.

use std::cell::OnceCell;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use presence_router::diagnostic::Report;
use presence_router::id::ServerName;
use presence_router::router::{Inline, Origin, Router};

/// For any text, and for each byte of it; generous, for a sanitizer's build on a busy machine.
const BASE: Duration = Duration::from_secs(2);
const PER_BYTE: Duration = Duration::from_micros(100);

/// Runs something that may cost time in proportion to `bytes`.
pub fn within_budget<T>(bytes: usize, work: impl FnOnce() -> T) -> T {
    let began = processor_time();
    let result = work();
    let took = processor_time().saturating_sub(began);
    let budget = BASE + PER_BYTE * u32::try_from(bytes).unwrap();
    assert!(took < budget, "{took:?} for {bytes} bytes");
    result
}

/// The time this thread had a processor, where the system tells, so that a busy machine does no
/// harm; else the clock's.
fn processor_time() -> Duration {
    thread_local!(static START: Instant = Instant::now());
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanos = told.and_then(|told| told.split(' ').next()?.parse().ok());
    nanos.map_or_else(|| START.with(Instant::elapsed), Duration::from_nanos)
}

fn origin() -> Origin {
    Origin {
        homeserver: ServerName::parse("example.org").ok(),
        ..Origin::default()
    }
}

/// Loads a text that is in no file.
pub fn load_text(text: &str) -> Result<Router, Report> {
    let inline = vec![Inline {
        name: "fuzz.policy".into(),
        text: text.into(),
    }];
    Router::load(Origin {
        inline,
        ..origin()
    })
}

/// A folder of this process, gone when it ends.
pub fn folder() -> PathBuf {
    thread_local!(static FOLDER: OnceCell<tempfile::TempDir> = const { OnceCell::new() });
    let make = || {
        let shared = PathBuf::from("/dev/shm");
        let parent = if shared.is_dir() { shared } else { std::env::temp_dir() };
        tempfile::tempdir_in(parent).unwrap()
    };
    FOLDER.with(|folder| folder.get_or_init(make).path().to_owned())
}

/// Loads bytes as a policy file.
pub fn load_file(bytes: &[u8]) -> Result<Router, Report> {
    let path = folder().join("fuzz.policy");
    std::fs::write(&path, bytes).unwrap();
    Router::load(Origin {
        path: Some(path),
        ..origin()
    })
}

/// What a report promises.
pub fn check_report(report: &Report) {
    let plain = report.render(false);
    let hostile = |c: char| c.is_control() && c != '\n';
    assert!(!plain.contains(hostile), "{plain:?}");
    // Colour is put around the same words.
    if report.len() == 1 {
        let colored = report.render(true);
        assert!(!colored.replace('\u{1b}', "").contains(hostile), "{colored:?}");
    }
    let json = report.json_lines();
    assert_eq!(json.lines().count(), report.len());
    for problem in report.problems() {
        let source = report.sources().get(problem.span.source).unwrap();
        let (start, end) = (problem.span.start as usize, problem.span.end as usize);
        assert!(source.text().get(start..end).is_some(), "{problem:?}");
        let position = report.position(problem);
        assert_eq!(source.byte_at(position), start, "{problem:?}");
        assert!(!problem.message.contains(char::is_control), "{problem:?}");
        assert!(!problem.help.is_empty(), "{problem:?}");
        assert!(plain.contains(problem.name.as_str()));
    }
}

/// Either a policy with its warnings or a report with an error; both can be shown.
pub fn check_load(loaded: &Result<Router, Report>) {
    match loaded {
        Ok(router) => check_report(router.snapshot().warnings()),
        Err(report) => {
            assert!(report.has_errors());
            check_report(report);
        }
    }
}
