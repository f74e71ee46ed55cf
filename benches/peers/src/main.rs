//! presence-router beside other engines, on the same workloads: `make bench-peers` in the project's folder.
//!
//! For each workload its policy is written to files and listed as [facts], and questions are drawn with
//! presence-router's answers to them. Each engine then has a process of its own, which loads, measures, and
//! compares its answers. An answer that differs ends the run with an error.
//!
//! Chosen by environment variables: `SHAPES='pairs:1000 company'` (names of workloads), `PEERS='cedar
//! sqlite'` (words in the names of engines), `BUDGET=0.3` (seconds spent on each figure). `BARS_FILE` names
//! a file to which it adds, as JSON lines, how many times as long as presence-router others take for one pair.

mod facts;
mod measure;
mod peer;
mod questions;
mod table;

use std::io::Read;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use presence_router::workload::{Shape, Workload};

use facts::Facts;
use peer::{OWN, PEERS, Source};
use questions::Questions;
use table::{Column, Figure, Figures};

/// Whatever went wrong; the run ends.
type Fault = Box<dyn std::error::Error + Send + Sync>;

const SHAPES: &str = "pairs:1000 pairs:100000 blocks:1000 globs:1000 room:10000 family company";

const BUDGET: &str = "0.3";

/// A list that asks about every user is left out if it takes longer.
const LONGEST_LIST: Duration = Duration::from_secs(1);

/// An engine that is not done with a workload by then is left out.
const LONGEST_ENGINE: Duration = Duration::from_secs(60);

/// Before the figure that says how many answers were compared.
const COMPARED: &str = "compared";

fn main() -> ExitCode {
    let words: Vec<String> = env::args().skip(1).collect();
    let done = match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["child", peer, shape, folder] => child(peer, shape, Path::new(folder)),
        _ => parent(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            eprintln!("error: {fault}");
            ExitCode::FAILURE
        }
    }
}

/// An environment variable, or what is usual.
fn variable(name: &str, usual: &str) -> String {
    let value = env::var(name).unwrap_or_default();
    match value.trim() {
        "" => usual.to_owned(),
        value => value.to_owned(),
    }
}

fn parent() -> Result<(), Fault> {
    let (shapes, chosen) = (variable("SHAPES", SHAPES), variable("PEERS", ""));
    let chosen: Vec<&str> = chosen.split_whitespace().collect();
    let wanted = |peer: &str| {
        peer == OWN || chosen.is_empty() || chosen.iter().any(|word| peer.contains(word))
    };
    let start = Instant::now();
    let mut compared = 0;
    let mut columns = Vec::new();
    for name in shapes.split_whitespace() {
        let folder = env::temp_dir().join(format!("presence-router-peers-{}", std::process::id()));
        let column = column(name, &folder, wanted, &mut compared);
        fs::remove_dir_all(&folder)?;
        columns.push(column?);
    }
    table::print(&columns);
    if let Some(path) = env::var_os("BARS_FILE") {
        table::add_bars(Path::new(&path), &columns)?;
    }
    let seconds = start.elapsed().as_secs();
    println!("\n{compared} answers compared, none differs; {seconds} s");
    Ok(())
}

/// Makes a workload in a folder and lets each engine measure it.
fn column(
    name: &str,
    folder: &Path,
    wanted: impl Fn(&str) -> bool,
    compared: &mut u64,
) -> Result<Column, Fault> {
    fs::create_dir_all(folder)?;
    let workload = Workload::new(name.parse::<Shape>()?, 1.0, 1);
    workload.write(folder)?;
    let own = peer::Own::read(&folder.join("policy"), workload.directory())?;
    let users = own.snapshot.known_users(&own.directory);
    let users: Vec<String> = users.iter().map(|user| user.as_str().to_owned()).collect();
    Facts::list(own.snapshot.policy(), &own.directory, users).write(&folder.join("facts"))?;
    let facts = Facts::read(&folder.join("facts"))?;
    let questions = Questions::draw(&workload, &own, &facts);
    questions.write(&folder.join("questions"))?;
    drop(own);

    let mean = |lists: &[(String, Vec<String>)]| {
        lists.iter().map(|(_, list)| list.len()).sum::<usize>() / lists.len()
    };
    let mut column = Column {
        name: name.to_owned(),
        line: format!(
            "{} | {} | {} | {}",
            facts.users.len(),
            facts.rules.len(),
            mean(&questions.recipients),
            mean(&questions.senders),
        ),
        engines: Default::default(),
    };
    for (peer, _, limit) in PEERS {
        if !wanted(peer) {
            continue;
        }
        eprintln!("{name}: {peer}");
        let figures = match limit(&facts) {
            Some(why) => table::nothing(&why),
            None => measured(peer, name, folder, compared)?,
        };
        column.engines.insert(peer, figures);
    }
    Ok(column)
}

/// The figures of an engine, from a process of its own.
fn measured(peer: &str, shape: &str, folder: &Path, compared: &mut u64) -> Result<Figures, Fault> {
    let mut child = Command::new(env::current_exe()?)
        .args(["child", peer, shape])
        .arg(folder)
        .stdout(Stdio::piped())
        .spawn()?;
    let start = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if start.elapsed() > LONGEST_ENGINE {
            child.kill()?;
            child.wait()?;
            let why = format!("not done in {} s", LONGEST_ENGINE.as_secs());
            return Ok(table::nothing(&why));
        }
        thread::sleep(Duration::from_millis(10));
    };
    if !status.success() {
        return Err(format!("{peer} failed on {shape}").into());
    }
    let mut text = String::new();
    if let Some(mut output) = child.stdout.take() {
        output.read_to_string(&mut text)?;
    }
    let mut figures = Figures::new();
    for line in text.lines() {
        match line.split_once('\t').ok_or("a child says no figure")? {
            (COMPARED, count) => *compared += count.parse::<u64>()?,
            (head, figure) => {
                figures.insert(head.into(), Figure::read(figure));
            }
        }
    }
    Ok(figures)
}

/// Loads an engine, measures, compares, and prints the figures.
fn child(name: &str, shape: &str, folder: &Path) -> Result<(), Fault> {
    let known = PEERS.iter().find(|(peer, ..)| *peer == name);
    let (_, load, _) = known.ok_or("no such peer")?;
    let facts = Facts::read(&folder.join("facts"))?;
    let questions = Questions::read(&folder.join("questions"))?;
    let source = Source {
        workload: Workload::new(shape.parse()?, 1.0, 1),
        folder,
        facts: &facts,
    };
    let budget = Duration::from_secs_f64(variable("BUDGET", BUDGET).parse()?);
    let say = |head: &str, figure: f64| println!("{head}\t{figure}");

    let before = measure::memory()?;
    let (peer, time) = measure::load(|| load(&source))?;
    say(table::LOAD, time);
    let mut pair = 0.0;
    peer.ask(&mut |ask| {
        pair = measure::each(&questions.pairs, budget, |(sender, recipient, _)| {
            std::hint::black_box(ask.sees(sender, recipient)?);
            Ok(())
        })?;
        say(table::PAIR, pair);
        let users = facts.users.len();
        let lists = !peer.scans() || pair * users as f64 <= LONGEST_LIST.as_nanos() as f64;
        if lists {
            let mut bytes = 0;
            let recipients = measure::each(&questions.recipients, budget, |(user, _)| {
                ask.recipients(user, &mut |user| bytes += user.len())
            })?;
            say(table::RECIPIENTS, recipients);
            let senders = measure::each(&questions.senders, budget, |(user, _)| {
                ask.senders(user, &mut |user| bytes += user.len())
            })?;
            say(table::SENDERS, senders);
            std::hint::black_box(bytes);
        } else {
            let pair = table::time(pair);
            let why = format!("too slow: a list asks {users} pairs, and a pair takes {pair}");
            println!("{}\t{why}\n{}\t{why}", table::RECIPIENTS, table::SENDERS);
        }
        say(table::MEMORY, measure::memory()? - before);
        // The answers are its own.
        if name != OWN {
            say(COMPARED, questions.compare(ask, lists)? as f64);
        }
        Ok(())
    })?;
    let threads = measure::threads(&*peer, &questions.pairs, pair, budget)?;
    say(table::THREADS, threads);
    Ok(())
}
