//! `check --fix`: makes the edits that are certain, in the files.
//!
//! Law: a file is replaced whole or not at all, and keeps all but its text (`replace`); one that changed
//! since it was read is left alone; nothing is replaced before all new texts are on the disk.

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use presence_router::diagnostic::{Fixed, Report};
use presence_router::directory::Directory;

use super::given::Given;
use super::output::{Failure, Fault, count, note};
use super::replace::{Change, Interrupt, LeftBehind, Refused, put, stage};

/// An edit can bring another problem to light, whose edits are then made too.
const ROUNDS: usize = 10;

/// Makes all edits of a policy's problems, and says in which files and how many.
pub fn run(given: &Given, directory: Option<&Directory>) -> Result<(), Failure> {
    let mut done: Vec<(String, usize)> = Vec::new();
    let mut result = Ok(());
    let interrupt = Interrupt::watch();
    let mut left = LeftBehind::default();
    for _ in 0..ROUNDS {
        let report = problems(given, directory);
        let fixed = report.fixed();
        let (replaced, refused) = replace(&fixed, &mut left);
        for one in &replaced {
            match done.iter_mut().find(|(name, _)| name == one.source) {
                Some((_, number)) => *number += one.problems,
                None => done.push((one.source.to_owned(), one.problems)),
            }
        }
        result = refused.map_or(Ok(()), |fault| Err(Failure::Failed(fault)));
        if replaced.is_empty() || result.is_err() || interrupt.came() {
            break;
        }
    }
    for (name, problems) in &done {
        note(&format!("`{name}`: {} fixed", count(*problems, "problem")));
    }
    if done.is_empty() && result.is_ok() {
        note("nothing to fix for certain");
    }
    interrupt.obey();
    result
}

fn problems(given: &Given, directory: Option<&Directory>) -> Report {
    match (given.load(directory), directory) {
        (Err(report), _) => report,
        (Ok(snapshot), Some(directory)) => snapshot.warnings_with(directory),
        (Ok(snapshot), None) => snapshot.warnings().clone(),
    }
}

/// Replaces the files: gives those replaced, and why another one is not. Where one cannot be replaced,
/// none is.
fn replace<'a>(
    fixed: &'a [Fixed<'a>],
    left: &mut LeftBehind,
) -> (Vec<&'a Fixed<'a>>, Option<Fault>) {
    let (mut changes, mut waiting) = (Vec::new(), Vec::new());
    for one in fixed {
        let Some(path) = one.path else {
            continue;
        };
        let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        for old in left.of(&target, one.before, |_| None) {
            note(&old.to_string());
        }
        let mark = if has_mark(path) { MARK } else { "" };
        changes.push(Change {
            target,
            before: format!("{mark}{}", one.before).into(),
            after: format!("{mark}{}", one.after).into(),
        });
        waiting.push(one);
    }
    let mut staged = Vec::new();
    for (one, new) in waiting.iter().zip(stage(changes)) {
        match new {
            Ok(new) => staged.push(new),
            Err(refused) => return (Vec::new(), Some(fault(one, &refused))),
        }
    }
    let (mut replaced, mut wrong) = (Vec::new(), None);
    for (one, put) in waiting.into_iter().zip(put(staged)) {
        match put {
            Ok(()) => replaced.push(one),
            Err(refused) => wrong = wrong.or(Some(fault(one, &refused))),
        }
    }
    (replaced, wrong)
}

/// A byte order mark, which is no part of a policy's text and stays.
const MARK: &str = "\u{feff}";

fn has_mark(path: &Path) -> bool {
    let mut start = [0; MARK.len()];
    let read = File::open(path).and_then(|mut file| file.read_exact(&mut start));
    read.is_ok() && start == MARK.as_bytes()
}

fn fault(fixed: &Fixed<'_>, refused: &Refused) -> Fault {
    let path = fixed.path.unwrap_or(Path::new(fixed.source)).display();
    let help = match refused {
        Refused::Changed => "run it again when nobody else writes the file",
        Refused::Tied(_) => {
            "write the changes into it yourself: the help of each problem says which"
        }
        Refused::Failed(_) => "make it and its folder writable, or write the changes yourself",
    };
    Fault::new(format!("cannot replace `{path}`: {}", refused.why()), help)
}
