//! What a callback may do to its watch, and how a watch ends.

use std::fs;
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use presence_router::watch::{Timing, Watcher};

use super::{LIMIT, events, folder, rename_over, watch_paths};

#[test]
fn a_panic_in_the_callback_does_not_end_the_watch() {
    let (_temp, root) = folder();
    let p = root.join("p.dsl");
    let same = root.clone();
    let (tell, panics) = mpsc::channel();
    let (_watcher, calls) = watch_paths(vec![root.clone()], events(), move |read| {
        if read.values().any(|text| text == "bad") {
            tell.send(()).unwrap();
            panic!("as the test wants it");
        }
        vec![same.clone()]
    });
    rename_over(&p, "bad");
    panics.recv_timeout(LIMIT).unwrap();
    rename_over(&p, "good");
    calls.wait_text(&p, "good");
}

#[test]
fn a_callback_that_names_other_paths_each_time_is_not_called_for_ever() {
    let (_temp, root) = folder();
    let p = root.join("p.dsl");
    fs::write(&p, "one").unwrap();
    let (same, mut n) = (root.clone(), 0);
    let (_watcher, calls) = watch_paths(vec![root.clone()], events(), move |_| {
        n += 1;
        vec![same.clone(), same.join(format!("../{n}"))]
    });
    rename_over(&p, "two");
    let count = calls.wait_text(&p, "two");
    rename_over(&p, "three");
    assert!(calls.wait_text(&p, "three") <= count + 6);
}

/// Tells by its drop that the thread that owned it is through.
fn ending() -> (impl Send + 'static, Receiver<()>) {
    mpsc::channel::<()>()
}

#[test]
fn dropping_stops_the_thread_at_once() {
    let (_temp, root) = folder();
    let mut best = LIMIT;
    for _ in 0..5 {
        let (owned, ended) = ending();
        let same = root.clone();
        let (watcher, _calls) = watch_paths(vec![root.clone()], Timing::default(), move |_| {
            let _ = &owned;
            vec![same.clone()]
        });
        let start = Instant::now();
        drop(watcher);
        best = best.min(start.elapsed());
        assert_eq!(
            ended.try_recv(),
            Err(mpsc::TryRecvError::Disconnected),
            "the thread was not joined"
        );
    }
    assert!(best < Duration::from_millis(50), "dropping took {best:?}");
}

#[test]
fn the_callback_may_drop_its_own_watcher() {
    let (_temp, root) = folder();
    let (owned, ended) = ending();
    let slot: Arc<Mutex<Option<Watcher>>> = Arc::default();
    let (mine, same) = (Arc::clone(&slot), root.clone());
    let (watcher, calls) = watch_paths(vec![root.clone()], Timing::default(), move |_| {
        let _ = &owned;
        drop(mine.lock().unwrap().take());
        vec![same.clone()]
    });
    *slot.lock().unwrap() = Some(watcher);
    rename_over(&root.join("p.dsl"), "one");
    assert_eq!(
        ended.recv_timeout(LIMIT),
        Err(mpsc::RecvTimeoutError::Disconnected),
        "the thread goes on"
    );
    assert_eq!(calls.count(), 2);
}
