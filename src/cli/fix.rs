//! `check --fix`: makes the edits that are certain, in the files.
//!
//! Law: a file is replaced whole or not at all, and keeps its permissions and its owner; one that
//! changed since it was read is left alone; nothing is replaced before all new texts are on the disk.

use std::fs;
use std::io;
use std::path::Path;

use presence_router::diagnostic::{Fixed, Report};
use presence_router::directory::Directory;

use super::inputs::read_policy;
use super::output::{Failure, Fault, count, note};
use super::replace::Staged;

/// An edit can bring another problem to light, whose edits are then made too.
const ROUNDS: usize = 10;

/// Makes all edits of a policy's problems, and says in which files and how many.
pub fn run(policy: &Path, directory: Option<&Directory>) -> Result<(), Failure> {
    let mut done: Vec<(String, usize)> = Vec::new();
    let mut result = Ok(());
    for _ in 0..ROUNDS {
        let report = problems(policy, directory);
        let fixed = report.fixed();
        match replace(&fixed) {
            Ok(replaced) if replaced.is_empty() => break,
            Ok(replaced) => {
                for at in replaced {
                    let Some(Fixed {
                        source, problems, ..
                    }) = fixed.get(at)
                    else {
                        continue;
                    };
                    match done.iter_mut().find(|(name, _)| name == source) {
                        Some((_, number)) => *number += problems,
                        None => done.push(((*source).to_owned(), *problems)),
                    }
                }
            }
            Err(fault) => {
                result = Err(Failure::Failed(fault));
                break;
            }
        }
    }
    for (name, problems) in &done {
        note(&format!("`{name}`: {} fixed", count(*problems, "problem")));
    }
    if done.is_empty() && result.is_ok() {
        note("nothing to fix for certain");
    }
    result
}

fn problems(policy: &Path, directory: Option<&Directory>) -> Report {
    match (read_policy(policy, directory), directory) {
        (Err(report), _) => report,
        (Ok(snapshot), Some(directory)) => snapshot.warnings_with(directory),
        (Ok(snapshot), None) => snapshot.warnings().clone(),
    }
}

/// Replaces the files; gives the places, in `fixed`, of those replaced.
fn replace(fixed: &[Fixed<'_>]) -> Result<Vec<usize>, Fault> {
    let mut staged: Vec<(usize, &Path, Staged)> = Vec::new();
    for (index, fixed) in fixed.iter().enumerate() {
        let Some(path) = fixed.path else {
            continue;
        };
        match new_text(path, fixed) {
            Ok(Some(text)) => {
                let new = Staged::new(path, &text).map_err(|error| fault(path, &error))?;
                staged.push((index, path, new));
            }
            Ok(None) => note(&format!("`{}` has changed meanwhile", fixed.source)),
            Err(error) => return Err(fault(path, &error)),
        }
    }
    let mut replaced = Vec::new();
    for (index, path, new) in staged {
        new.put().map_err(|error| fault(path, &error))?;
        replaced.push(index);
    }
    Ok(replaced)
}

fn fault(path: &Path, error: &io::Error) -> Fault {
    Fault::new(
        format!("cannot replace `{}`: {error}", path.display()),
        "make it and its folder writable, or write the changes yourself",
    )
}

/// What is to be in a file, a byte order mark that is there too; `None` if the file is not what was
/// read.
fn new_text(path: &Path, fixed: &Fixed<'_>) -> io::Result<Option<String>> {
    let old = fs::read(path)?;
    let mark = "\u{feff}";
    let (mark, text) = match old.strip_prefix(mark.as_bytes()) {
        Some(text) => (mark, text),
        None => ("", &old[..]),
    };
    let same = text == fixed.before.as_bytes();
    Ok(same.then(|| format!("{mark}{}", fixed.after)))
}
