//! Bars 5 and 7: readers while the policy is reloaded, and two of them at a time.

use std::fs;
use std::hint::{black_box, spin_loop};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use presence_router::directory::Directory;
use presence_router::router::{Reload, Router};
use presence_router::workload::{Shape, Workload};
use rustix::time::ClockId;

use super::loads::{origin, written};
use super::measure::{Pair, median, pairs, used, workload};
use super::row::{Rows, digits, time};

/// So many answers in a row are timed by the processor's clock, which takes longer to read than one.
const RUN: usize = 64;

/// A reader reads so long, alone and beside a reload in turn.
const WHILE: Duration = Duration::from_secs(1);
const TURNS: usize = 7;

/// So long one thread and two take turns.
const THREADS_WHILE: Duration = Duration::from_secs(5);

/// What a reader waited for its answers, in nanoseconds.
struct Read {
    /// Of single answers on the clock, what reading the clock takes left out.
    clock: f64,
    /// Of answers in runs, processor time of the reader alone.
    worked: f64,
    checked: usize,
    wrong: usize,
}

fn p99(mut times: Vec<u64>) -> f64 {
    times.sort_unstable();
    times[times.len() * 99 / 100] as f64
}

/// Asks until the time is over. Of two senders each is in every other policy, by its number.
fn read(router: &Router, questions: &[Pair]) -> Read {
    let directory = Directory::new(None);
    let nanos = |time: Duration| time.as_nanos() as u64;
    let clock: Vec<u64> = (0..1_001)
        .map(|_| nanos(Instant::now().elapsed()))
        .collect();
    let clock = median(clock.into_iter().map(|time| time as f64).collect());
    let mut questions = questions.iter().cycle();
    let mut ask = || {
        let (sender, recipient) = questions.next().unwrap();
        black_box(router.snapshot().sees(&directory, sender, recipient));
    };
    let (mut single, mut runs) = (Vec::new(), Vec::new());
    let (mut checked, mut wrong) = (0, 0);
    let start = Instant::now();
    while start.elapsed() < WHILE {
        for _ in 0..RUN {
            let one = Instant::now();
            ask();
            single.push(nanos(one.elapsed()));
        }
        let run = used(ClockId::ThreadCPUTime);
        (0..RUN).for_each(|_| ask());
        runs.push(nanos(used(ClockId::ThreadCPUTime) - run));
        let snapshot = router.snapshot();
        let [even, odd] = ["@even:example.org", "@odd:example.org"]
            .map(|sender| snapshot.sees(&directory, sender, "@reader:example.org"));
        checked += 2;
        let is_even = snapshot.generation().is_multiple_of(2);
        wrong += usize::from(even != is_even) + usize::from(odd == is_even);
    }
    Read {
        clock: (p99(single) - clock).max(1.0),
        worked: p99(runs) / RUN as f64,
        checked,
        wrong,
    }
}

/// A reader alone, and beside a thread that does nothing but change a file and reload, in turn.
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
    let questions = pairs(&Workload::new(shape, 1.0, 1), &router.snapshot(), 1_000);
    let (mut checked, mut wrong, mut reloads, mut failed) = (0, 0, 0, 0);
    let mut turns = Vec::new();
    for _ in 0..TURNS {
        let alone = read(&router, &questions);
        let done = AtomicBool::new(false);
        let beside = thread::scope(|scope| {
            let reloading = scope.spawn(|| {
                let (mut loaded, mut failed) = (0, 0);
                while !done.load(Ordering::Acquire) {
                    write(router.snapshot().generation() + 1);
                    match router.reload() {
                        Reload::Loaded { .. } => loaded += 1,
                        Reload::Unchanged | Reload::Kept { .. } => failed += 1,
                    }
                }
                (loaded, failed)
            });
            let beside = read(&router, &questions);
            done.store(true, Ordering::Release);
            let (loaded, not) = reloading.join().unwrap();
            reloads += loaded;
            failed += not;
            beside
        });
        checked += beside.checked;
        wrong += beside.wrong;
        turns.push((alone, beside));
    }
    let told = |figure: fn(&Read) -> f64| {
        let beside = turns.iter().map(|(_, beside)| figure(beside)).collect();
        let ratios = turns
            .iter()
            .map(|(alone, beside)| figure(beside) / figure(alone));
        (time(median(beside)), median(ratios.collect()))
    };
    let (figure, ratio) = told(|read| read.clock);
    let what =
        format!("a reader's p99 by the clock during {reloads} reloads of {shape}, to without");
    rows.ratio(5, &what, figure, ratio, 1.2);
    let (figure, ratio) = told(|read| read.worked);
    let what = format!("the same by the reader's processor time, in runs of {RUN} answers");
    rows.ratio(5, &what, figure, ratio, 1.2);
    let what = format!("reloads that failed, of {}", reloads + failed);
    rows.figure(
        5,
        &what,
        failed.to_string(),
        "0".into(),
        failed == 0 && reloads > 0,
    );
    let what = format!("wrong or mixed, of {checked} answers meanwhile");
    rows.figure(
        5,
        &what,
        wrong.to_string(),
        "0".into(),
        wrong == 0 && reloads > 0,
    );
}

/// So few that a thread is seldom interrupted between them.
const QUESTIONS: usize = 5_000;

/// How many answers two threads give for one of one thread: the best of many short rounds of each, in
/// turn, for rounds that no other program disturbs are rare.
pub fn two_threads(rows: &mut Rows) {
    let (workload, snapshot) = workload(Shape::Pairs(100_000), "");
    let directory = Directory::new(None);
    let questions = pairs(&workload, &snapshot, 1_000);
    let speed = |threads: usize| {
        let waiting = AtomicUsize::new(threads);
        let answer = || {
            for (sender, recipient) in questions.iter().cycle().take(QUESTIONS) {
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
    while start.elapsed() < THREADS_WHILE {
        one = one.max(speed(1));
        two = two.max(speed(2));
    }
    let what = "answers of two threads, to those of one";
    if thread::available_parallelism().map_or(1, usize::from) < 2 {
        return rows.unmeasured(7, what, "there is one processor");
    }
    let millions = |speed: f64| digits(speed * QUESTIONS as f64 / 1e6);
    let figure = format!("{} and {} M/s", millions(two), millions(one));
    rows.at_least(7, what, figure, two / one, 1.9);
}
