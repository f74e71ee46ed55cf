//! presence-router beside other engines, on the same workloads: `make peers` in the project's folder.
//!
//! For each workload its policy is written to files and listed as [facts], and questions are drawn with
//! presence-router's answers to them. Each engine then has a process of its own, which loads, compares its
//! answers, and measures. An answer that differs ends the run with an error.
//!
//! Chosen by environment variables: `SHAPES='pairs:1000 company'` (names of workloads), `PEERS='cedar
//! sqlite'` (words in the names of engines), `BUDGET=0.3` (seconds spent on each figure).

mod facts;
mod measure;
mod peer;
mod questions;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs};

use presence_router::workload::{Shape, Workload};

use facts::Facts;
use peer::{OWN, PEERS, Peer, Source};
use questions::Questions;

/// Whatever went wrong; the run ends.
type Fault = Box<dyn std::error::Error + Send + Sync>;

const SHAPES: &str = "pairs:1000 pairs:10000 pairs:100000 blocks:1000 blocks:10000 family company";

/// A list that asks about every user is left out if it takes longer.
const LONGEST_LIST: Duration = Duration::from_secs(2);

/// The figures of an engine, by the heads of the table; times in nanoseconds, memory in KiB.
type Figures = BTreeMap<String, f64>;

const PAIR: &str = "one pair";
const RECIPIENTS: &str = "who receives one";
const SENDERS: &str = "whom one receives";
const LOAD: &str = "load";
const MEMORY: &str = "memory";
const THREADS: &str = "two threads";
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

fn variable(name: &str, usual: &str) -> String {
    let value = env::var(name).unwrap_or_default();
    if value.trim().is_empty() {
        usual.to_owned()
    } else {
        value
    }
}

fn parent() -> Result<(), Fault> {
    let (shapes, chosen) = (variable("SHAPES", SHAPES), variable("PEERS", ""));
    let chosen: Vec<&str> = chosen.split_whitespace().collect();
    let start = Instant::now();
    let mut compared = 0.0;
    for name in shapes.split_whitespace() {
        let folder = env::temp_dir().join(format!("presence-router-peers-{}", std::process::id()));
        let done = shape(name, &folder, &chosen);
        fs::remove_dir_all(&folder)?;
        compared += done?;
    }
    println!(
        "\n{compared} answers compared, none differs; {} s",
        start.elapsed().as_secs()
    );
    Ok(())
}

/// Makes a workload and prints its table; how many answers were compared.
fn shape(name: &str, folder: &PathBuf, chosen: &[&str]) -> Result<f64, Fault> {
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
        lists.iter().map(|(_, list)| list.len()).sum::<usize>() as f64 / lists.len() as f64
    };
    println!(
        "\n{name}: {} users, {} rules; one is received by {:.0} and receives {:.0}\n",
        facts.users.len(),
        facts.rules.len(),
        mean(&questions.recipients),
        mean(&questions.senders),
    );
    let heads = [PAIR, RECIPIENTS, SENDERS, LOAD, MEMORY, THREADS];
    println!(
        "| | {} |\n|{}",
        heads.join(" | "),
        "---|".repeat(heads.len() + 1)
    );
    let mut first: Option<Figures> = None;
    let mut compared = 0.0;
    for (peer, _, limit) in PEERS {
        if *peer != OWN && !chosen.is_empty() && !chosen.iter().any(|word| peer.contains(word)) {
            continue;
        }
        if let Some(why) = limit(&facts) {
            println!(
                "| {peer} | not tried: {why} {}|",
                "| ".repeat(heads.len() - 1)
            );
            continue;
        }
        let output = Command::new(env::current_exe()?)
            .args(["child", peer, name])
            .arg(folder)
            .stderr(Stdio::inherit())
            .output()?;
        if !output.status.success() {
            return Err(format!("{peer} failed on {name}").into());
        }
        let mut figures = Figures::new();
        for line in String::from_utf8(output.stdout)?.lines() {
            let (head, figure) = line.split_once('\t').ok_or("a child says no figure")?;
            figures.insert(head.into(), figure.parse()?);
        }
        let cells = heads.map(|head| cell(head, &figures, first.as_ref()));
        println!("| {peer} | {} |", cells.join(" | "));
        compared += figures.get(COMPARED).copied().unwrap_or_default();
        first.get_or_insert(figures);
    }
    Ok(compared)
}

/// A figure, and how many times as much it is as presence-router's.
fn cell(head: &str, figures: &Figures, own: Option<&Figures>) -> String {
    let Some(figure) = figures.get(head) else {
        return "–".into();
    };
    let digits = |number: f64| match number {
        0.0..9.95 => format!("{number:.1}"),
        _ => format!("{number:.0}"),
    };
    let text = match head {
        THREADS => return format!("{figure:.2}"),
        MEMORY => format!("{} MiB", digits(figure / 1024.0)),
        _ => match *figure {
            0.0..1e3 => format!("{} ns", digits(*figure)),
            1e3..1e6 => format!("{} us", digits(figure / 1e3)),
            1e6..1e9 => format!("{} ms", digits(figure / 1e6)),
            _ => format!("{} s", digits(figure / 1e9)),
        },
    };
    match own.and_then(|own| own.get(head)) {
        Some(own) if *own > 0.0 => match figure / own {
            times @ 0.0..0.095 => format!("{text} ({times:.2}x)"),
            times => format!("{text} ({}x)", digits(times)),
        },
        _ => text,
    }
}

/// Loads an engine, compares, measures, and prints the figures.
fn child(name: &str, shape: &str, folder: &Path) -> Result<(), Fault> {
    let (_, load, _) = PEERS
        .iter()
        .find(|(peer, ..)| *peer == name)
        .ok_or("no such peer")?;
    let facts = Facts::read(&folder.join("facts"))?;
    let questions = Questions::read(&folder.join("questions"))?;
    let workload = Workload::new(shape.parse()?, 1.0, 1);
    let source = Source {
        workload,
        folder,
        facts: &facts,
    };
    let budget = Duration::from_secs_f64(variable("BUDGET", "0.3").parse()?);

    let before = measure::memory("VmRSS")?;
    let (peer, time) = measure::load(|| load(&source))?;
    let peer: &dyn Peer = &*peer;
    let mut ask = peer.ask()?;
    let say = |head: &str, figure: f64| println!("{head}\t{figure}");
    say(LOAD, time.as_nanos() as f64);

    let start = Instant::now();
    let (sender, recipient, _) = questions.pairs.first().ok_or("no questions")?;
    ask.sees(sender, recipient)?;
    let lists = !peer.scans() || start.elapsed() * facts.users.len() as u32 <= LONGEST_LIST;
    say(
        COMPARED,
        questions.compare(&mut *ask, lists, name == OWN)? as f64,
    );

    let pairs: Vec<(String, String)> = questions
        .pairs
        .iter()
        .map(|(s, r, _)| (s.clone(), r.clone()))
        .collect();
    let pair = measure::each(&pairs, budget, |(sender, recipient)| {
        std::hint::black_box(ask.sees(sender, recipient)?);
        Ok(())
    })?;
    say(PAIR, pair);
    if lists {
        let mut count = 0;
        let recipients = measure::each(&questions.recipients, budget, |(user, _)| {
            ask.recipients(user, &mut |user| count += user.len())
        })?;
        say(RECIPIENTS, recipients);
        let senders = measure::each(&questions.senders, budget, |(user, _)| {
            ask.senders(user, &mut |user| count += user.len())
        })?;
        say(SENDERS, senders);
        std::hint::black_box(count);
    }
    say(MEMORY, measure::memory("VmHWM")? - before);
    drop(ask);
    say(THREADS, measure::threads(peer, &pairs, pair, budget)?);
    Ok(())
}
