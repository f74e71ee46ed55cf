//! `check --fix`: makes the edits that are certain, in the files.
//!
//! Law: a file is replaced whole or not at all, and keeps its permissions and its owner; one that
//! changed since it was read is left alone; nothing is replaced before all new texts are on the disk.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use presence_router::diagnostic::{Fixed, Report};
use presence_router::directory::Directory;

use super::inputs::read_policy;
use super::output::{Failure, Fault, count, note};

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

/// A new text on the disk, beside the file whose place it is to take.
struct Staged {
    temporary: PathBuf,
    path: PathBuf,
    index: usize,
}

/// Replaces the files; gives the places, in `fixed`, of those replaced.
fn replace(fixed: &[Fixed<'_>]) -> Result<Vec<usize>, Fault> {
    let mut staged: Vec<Staged> = Vec::new();
    let mut wrong = None;
    for (index, fixed) in fixed.iter().enumerate() {
        let Some(path) = fixed.path else {
            continue;
        };
        match stage(path, fixed, index) {
            Ok(Some(new)) => staged.push(new),
            Ok(None) => note(&format!("`{}` has changed meanwhile", fixed.source)),
            Err(error) => wrong = wrong.or(Some((path, error))),
        }
    }
    let mut replaced = Vec::new();
    for new in &staged {
        if wrong.is_none() {
            match fs::rename(&new.temporary, &new.path) {
                Ok(()) => {
                    replaced.push(new.index);
                    continue;
                }
                Err(error) => wrong = Some((&new.path, error)),
            }
        }
        // Nobody misses it.
        let _ = fs::remove_file(&new.temporary);
    }
    match wrong {
        None => Ok(replaced),
        Some((path, error)) => Err(Fault::new(
            format!("cannot replace `{}`: {error}", path.display()),
            "make it and its folder writable, or write the changes yourself",
        )),
    }
}

/// Writes the new text beside the file; `None` if the file is not what was read.
fn stage(path: &Path, fixed: &Fixed<'_>, index: usize) -> io::Result<Option<Staged>> {
    // A link stays one.
    let path = fs::canonicalize(path)?;
    let old = fs::read(&path)?;
    let mark: &[u8] = "\u{feff}".as_bytes();
    let (mark, text) = match old.strip_prefix(mark) {
        Some(text) => (mark, text),
        None => (&[][..], &old[..]),
    };
    if text != fixed.before.as_bytes() {
        return Ok(None);
    }
    let facts = fs::metadata(&path)?;
    if facts.permissions().readonly() {
        return Err(io::Error::other("it is read-only"));
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    // No policy file's name starts with a dot.
    let name = format!(".{name}.{}-{index}.new", std::process::id());
    let temporary = path.with_file_name(name);
    let file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&temporary)?;
    let written = write(file, &[mark, fixed.after.as_bytes()], &temporary, &facts);
    if let Err(error) = written {
        let _ = fs::remove_file(&temporary);
        return Err(error);
    }
    Ok(Some(Staged {
        temporary,
        path,
        index,
    }))
}

fn write(mut file: File, parts: &[&[u8]], path: &Path, facts: &fs::Metadata) -> io::Result<()> {
    for part in parts {
        file.write_all(part)?;
    }
    keep_owner(path, facts)?;
    // After the owner: a change of owner can take permissions away.
    fs::set_permissions(path, facts.permissions())?;
    file.sync_all()
}

#[cfg(unix)]
fn keep_owner(path: &Path, facts: &fs::Metadata) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt, chown};
    let now = fs::metadata(path)?;
    if (now.uid(), now.gid()) == (facts.uid(), facts.gid()) {
        return Ok(());
    }
    chown(path, Some(facts.uid()), Some(facts.gid()))
}

#[cfg(not(unix))]
fn keep_owner(_: &Path, _: &fs::Metadata) -> io::Result<()> {
    Ok(())
}
