//! Bars 5 and 7: readers while the policy is reloaded, and two of them at a time.

use std::fs;
use std::hint::{black_box, spin_loop};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use presence_router::directory::Directory;
use presence_router::router::Router;
use presence_router::workload::{Shape, Workload};

use super::loads::{origin, written};
use super::measure::{pairs, workload};
use super::row::{Rows, digits};

/// So many questions are timed together: one alone takes no longer than reading the clock.
const RUN: usize = 16;

/// So long a reader reads.
const WHILE: Duration = Duration::from_secs(3);

/// What a reader sees: one of two senders, each in every other policy.
struct Read {
    p99: f64,
    answers: usize,
    wrong: usize,
}

fn read(router: &Router, questions: &[(String, String)]) -> Read {
    let directory = Directory::new(None);
    let start = Instant::now();
    let (mut times, mut answers, mut wrong) = (Vec::new(), 0, 0);
    let mut questions = questions.iter().cycle();
    while start.elapsed() < WHILE {
        let run = Instant::now();
        for _ in 0..RUN {
            let snapshot = router.snapshot();
            let (sender, recipient) = questions.next().unwrap();
            black_box(snapshot.sees(&directory, sender, recipient));
        }
        times.push(run.elapsed().as_nanos() as u64);
        let snapshot = router.snapshot();
        let [even, odd] = ["@even:example.org", "@odd:example.org"]
            .map(|sender| snapshot.sees(&directory, sender, "@reader:example.org"));
        answers += 2;
        wrong += usize::from(even == odd || even != snapshot.generation().is_multiple_of(2));
    }
    times.sort_unstable();
    Read {
        p99: times[times.len() * 99 / 100] as f64,
        answers,
        wrong,
    }
}

/// A reader alone and beside a thread that does nothing but change a file and reload.
pub fn while_reloading(rows: &mut Rows) {
    let shape = Shape::Pairs(10_000);
    let folder = written(shape);
    let file = folder.path().join("turn.policy");
    let write = |generation: u64| {
        let sender = ["even", "odd"][(generation % 2) as usize];
        fs::write(&file, format!("send @{sender} to @reader\n")).unwrap();
    };
    write(1);
    let router = Router::load(origin(folder.path())).unwrap();
    let questions = pairs(&Workload::new(shape, 1.0, 1), 1_000);
    let alone = read(&router, &questions);
    let done = AtomicBool::new(false);
    let (beside, reloads) = thread::scope(|scope| {
        let reloading = scope.spawn(|| {
            let mut generation = 1;
            while !done.load(Ordering::Acquire) {
                generation += 1;
                write(generation);
                router.reload();
            }
            generation - 1
        });
        let beside = read(&router, &questions);
        done.store(true, Ordering::Release);
        (beside, reloading.join().unwrap())
    });
    let ratio = beside.p99 / alone.p99;
    let what = format!("a reader's p99 during {reloads} reloads of {shape}, to without");
    let figure = format!("{} ns", digits(beside.p99 / RUN as f64));
    rows.ratio(5, &what, figure, ratio, 1.2);
    let what = format!("wrong or mixed, of {} answers", beside.answers);
    rows.add(super::row::Row {
        bar: 5,
        what,
        figure: beside.wrong.to_string(),
        ratio: None,
        limit: "0".into(),
        met: beside.wrong == 0 && reloads > 0,
    });
}

/// How many answers two threads give for one of one thread: the best of many short rounds of each, in
/// turn, for rounds that no other program disturbs are rare.
pub fn two_threads(rows: &mut Rows) {
    let (workload, snapshot) = workload(Shape::Pairs(100_000), "");
    let directory = Directory::new(None);
    let questions = pairs(&workload, 1_000);
    let speed = |threads: usize| {
        let waiting = AtomicUsize::new(threads);
        let answer = || {
            for (sender, recipient) in questions.iter().cycle().take(5_000) {
                black_box(snapshot.sees(&directory, sender, recipient));
            }
        };
        let work = || {
            answer();
            waiting.fetch_sub(1, Ordering::AcqRel);
            while waiting.load(Ordering::Acquire) > 0 {
                spin_loop();
            }
            let start = Instant::now();
            answer();
            (start, Instant::now())
        };
        let times: Vec<(Instant, Instant)> = thread::scope(|scope| {
            let running: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
            running.into_iter().map(|run| run.join().unwrap()).collect()
        });
        let start = times.iter().map(|time| time.0).min().unwrap();
        let end = times.iter().map(|time| time.1).max().unwrap();
        threads as f64 / (end - start).as_secs_f64()
    };
    let (mut one, mut two) = (0.0_f64, 0.0_f64);
    let start = Instant::now();
    while start.elapsed() < WHILE {
        one = one.max(speed(1));
        two = two.max(speed(2));
    }
    rows.add(super::row::Row {
        bar: 7,
        what: "answers of two threads, to those of one".into(),
        figure: String::new(),
        ratio: Some(two / one),
        limit: "1.9x at least".into(),
        met: two / one >= 1.9,
    });
}
