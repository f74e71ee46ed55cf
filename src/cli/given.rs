//! The policy that `check` is given: a file, a folder, several of them, or standard input.
//!
//! Law: several paths are one policy, however they were given.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use presence_router::diagnostic::{Diagnostic, Name, Report, visible};
use presence_router::directory::Directory;
use presence_router::router::{Inline, Origin, Router, Snapshot};
use presence_router::{policy_files, policy_text};

use super::inputs::{read_stdin, shell_word};
use super::output::{Failure, count};

/// The name that standard input's problems are shown under.
pub const STDIN: &str = "<stdin>";

/// Where the policy is.
#[derive(Debug)]
pub struct Given {
    paths: Vec<PathBuf>,
    /// The text of standard input, instead of paths.
    stdin: Option<String>,
}

impl Given {
    /// Whether one of these paths stands for standard input; then it must be the only one.
    pub fn is_stdin(paths: &[PathBuf]) -> Result<bool, Failure> {
        match paths.iter().any(|path| path.as_os_str() == "-") {
            true if paths.len() > 1 => Err(Failure::wrong(
                "`-` stands for standard input and for no file",
                "give it alone: `presence-router check - < main.policy`",
            )),
            is_stdin => Ok(is_stdin),
        }
    }

    /// The policy at these paths.
    pub fn paths(paths: Vec<PathBuf>) -> Self {
        let stdin = None;
        Given { paths, stdin }
    }

    /// The policy in standard input, read up to its end.
    pub fn stdin() -> Result<Self, Failure> {
        Ok(Given {
            paths: Vec::new(),
            stdin: Some(read_stdin()?),
        })
    }

    /// Loads it; names are completed by its `server` statement, else the directory's name.
    pub fn load(&self, directory: Option<&Directory>) -> Result<Arc<Snapshot>, Report> {
        let mut paths = self.paths.iter().cloned();
        let inline = self.stdin.iter().map(|text| Inline {
            name: STDIN.to_owned(),
            text: text.clone(),
        });
        let origin = Origin {
            path: paths.next(),
            more: paths.collect(),
            inline: inline.collect(),
            homeserver: directory.and_then(Directory::server_name).cloned(),
        };
        let loaded = Router::load(origin).map(|router| router.snapshot());
        loaded.map_err(|report| self.with_folders(report))
    }

    /// What it is called in a line for people.
    pub fn name(&self) -> String {
        match self.paths.as_slice() {
            [] => STDIN.to_owned(),
            [path] => visible(&path.to_string_lossy()).into_owned(),
            paths => count(paths.len(), "path"),
        }
    }

    /// A group that is not there may be defined in a file that lies beside and was not given.
    fn with_folders(&self, report: Report) -> Report {
        let unknown = report.problems().iter();
        let unknown = unknown.filter(|problem| problem.name == Name::UnknownGroup);
        let group = |problem: &Diagnostic| report.sources().text(problem.span).to_owned();
        let groups: BTreeSet<String> = unknown.map(group).collect();
        if groups.is_empty() {
            return report;
        }
        let mut homes: BTreeMap<String, String> = BTreeMap::new();
        for (folder, file) in self.files_beside() {
            let Ok(text) = policy_text(&file) else {
                continue;
            };
            let file = file.to_string_lossy();
            let defined = groups.iter().filter(|group| defines(&text, group));
            for group in defined {
                homes.entry(group.clone()).or_insert_with(|| {
                    format!(
                        "`{}` defines it, and several files are one policy only if all are given: check the \
                         folder with `presence-router check {}`",
                        visible(&file),
                        shell_word(&folder.to_string_lossy())
                    )
                });
            }
        }
        let sources = Arc::clone(report.sources());
        report.advised(|problem| match problem.name {
            Name::UnknownGroup => homes.get(sources.text(problem.span)).cloned(),
            _ => None,
        })
    }

    /// The policy files that lie beside given files, or below these folders, and were not given, each with
    /// its given neighbour's folder.
    fn files_beside(&self) -> Vec<(PathBuf, PathBuf)> {
        let real = |path: &Path| fs::canonicalize(path).ok();
        let given: BTreeSet<PathBuf> = self.paths.iter().filter_map(|path| real(path)).collect();
        let is_given = |path: &Path| path.ancestors().any(|path| given.contains(path));
        let files = self.paths.iter().filter(|path| path.is_file());
        let folders: BTreeSet<PathBuf> = files
            .map(|path| match path.parent() {
                Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
                _ => PathBuf::from("."),
            })
            .collect();
        let mut beside = Vec::new();
        for folder in folders {
            let files = policy_files(&[&folder]).0.into_iter();
            let files = files.filter(|file| real(file).is_some_and(|file| !is_given(&file)));
            let shown = |file: PathBuf| match file.strip_prefix(".") {
                Ok(file) => file.to_owned(),
                Err(_) => file,
            };
            beside.extend(files.map(|file| (folder.clone(), shown(file))).take(LISTED));
        }
        beside
    }
}

/// How many files of a folder are looked into for a group.
const LISTED: usize = 1_000;

/// Whether a line of the text defines the group.
fn defines(text: &str, group: &str) -> bool {
    text.lines().any(|line| {
        let rest = line.trim_start().strip_prefix("group ");
        let rest = rest.and_then(|rest| rest.trim_start().strip_prefix(group));
        rest.is_some_and(|rest| {
            let rest = rest.trim_start();
            rest.starts_with('=') || rest.starts_with("from")
        })
    })
}
