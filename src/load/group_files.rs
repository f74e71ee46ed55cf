//! The group files that a policy names: finding and reading them, and what is wrong with one as a whole.
//!
//! Not for: the users in them (`resolve`), nor YAML (`yaml`).
//!
//! Law: each file is read once however many groups name it, and by whatever names; what is wrong is told in the order of the groups.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::find::FileAt;
use super::paths::{beside_link, beside_target, near_file, plain_path};
use super::stamp::{Identity, Stamp};
use super::{Loader, threads};
use crate::diagnostic::{Diagnostic, Name, visible};
use crate::resolve::{Content, GroupFile, Users};
use crate::source::{Source, SourceId, Span, shown};
use crate::syntax::{self, Packed, ast::Statement, word};
use crate::yaml;

impl Loader {
    /// The group files that the statements name.
    pub(super) fn group_files(
        &mut self,
        root: &Path,
        texts: &[(SourceId, Arc<[Packed]>)],
    ) -> HashMap<Span, GroupFile> {
        let base = match self.is_folder {
            true => root,
            false => root.parent().unwrap_or(root),
        };
        let base = plain_path(base);
        let mut by_place: HashMap<Span, Option<usize>> = HashMap::new();
        let mut by_path: HashMap<PathBuf, usize> = HashMap::new();
        let mut by_identity: HashMap<Identity, usize> = HashMap::new();
        let mut files: Vec<ReadFile> = Vec::new();
        let parts = texts
            .iter()
            .flat_map(|(id, parts)| parts.iter().map(|part| (*id, part)));
        for statement in parts.flat_map(|(id, part)| part.others(id)) {
            let Statement::GroupFile(_, path) = statement else {
                continue;
            };
            let written = match word::plain(self.sources.text(path.span), path.quoted) {
                Ok(written) => written,
                Err(_) => {
                    let text = self.sources.text(path.span);
                    let help = match text.contains("\\\"") {
                        false => format!(
                            "folders are joined by `/`: write `{}`",
                            text.replace("\\\\", "/").replace('\\', "/")
                        ),
                        true => "in quotes a single `\\` is written `\\\\`".into(),
                    };
                    let message = "this path has a `\\` that escapes nothing";
                    self.problems
                        .push(Diagnostic::new(Name::Syntax, path.span, message, help));
                    by_place.insert(path.span, None);
                    continue;
                }
            };
            let source = self.sources.get(path.span.source);
            let folder = source.and_then(Source::path).and_then(Path::parent);
            let folder = folder.unwrap_or(Path::new("")).to_owned();
            let file = plain_path(&folder.join(&written));
            if let Some(at) = by_path.get(&file) {
                by_place.insert(path.span, Some(*at));
                continue;
            }
            self.paths.push(file.clone());
            let meta = fs::metadata(&file);
            let stamp = meta.as_ref().ok().and_then(Stamp::of);
            let identity = meta.is_ok().then(|| Identity::of(&file, stamp));
            let known = identity.as_ref().and_then(|id| by_identity.get(id));
            let at = match known {
                Some(at) => *at,
                None => {
                    let name = file.strip_prefix(&base).unwrap_or(&file).as_os_str();
                    let name = match name.is_empty() {
                        true => OsStr::new("."),
                        false => name,
                    };
                    let at = FileAt {
                        below: name.to_owned(),
                        name: shown(name).into_owned(),
                        path: file.clone(),
                        stamp,
                    };
                    let source = match meta {
                        Ok(_) => self.read(&at, Some(path.span)),
                        Err(error) => {
                            self.unreadable(path.span, &at.name, &file, &error);
                            self.advise_on_path(&file, &written, path.span.source);
                            None
                        }
                    };
                    files.push(ReadFile {
                        source,
                        problems_before: self.problems.len(),
                    });
                    files.len() - 1
                }
            };
            by_identity.extend(identity.map(|identity| (identity, at)));
            by_path.insert(file, at);
            by_place.insert(path.span, Some(at));
        }
        self.seen.extend(by_identity.into_keys());
        let content = self.entries(&files);
        let file = |at: Option<usize>| at.and_then(|at| content.get(at).cloned().flatten());
        let by_place = by_place.into_iter();
        by_place.map(|(place, at)| (place, file(at))).collect()
    }

    /// What stands in group files that were read.
    fn entries(&mut self, files: &[ReadFile]) -> Vec<GroupFile> {
        let known = files
            .iter()
            .map(|file| self.kept_of(file.source?)?.users.clone());
        let known: Vec<Option<Users>> = known.collect();
        let text = |at: usize| {
            let file = files
                .get(at)
                .filter(|_| matches!(known.get(at), Some(None)))?;
            self.sources.get(file.source?).map(Source::text)
        };
        let read = |at: usize| text(at).map(yaml::group_file);
        let bytes = (0..files.len())
            .filter_map(text)
            .map(str::len)
            .sum::<usize>();
        let found: Vec<_> = if bytes < syntax::PART_BYTES {
            (0..files.len()).map(read).collect()
        } else {
            threads::each(files.len(), self.threads(), read)
        };
        let mut content = Vec::with_capacity(files.len());
        let mut faults = Vec::new();
        for ((file, known), found) in files.iter().zip(known).zip(found) {
            let found = match (known, found) {
                (Some(users), _) => Some(Content::Users(users)),
                (None, Some(Ok(entries))) => Some(Content::Entries(entries.into())),
                (None, Some(Err(fault))) => {
                    let problems = file.source.map(|id| self.mistakes(id, &fault));
                    faults.push((file.problems_before, problems.unwrap_or_default()));
                    None
                }
                (None, None) => None,
            };
            content.push(file.source.zip(found));
        }
        // Each where it stood if files were read and understood one by one.
        for (at, problems) in faults.into_iter().rev() {
            self.problems.splice(at..at, problems);
        }
        content
    }

    /// Helps with the path of a file that is not there, which is the last problem.
    fn advise_on_path(&mut self, file: &Path, written: &str, policy: SourceId) {
        let source = self.sources.get(policy);
        let policy = source.and_then(Source::path).unwrap_or(Path::new(""));
        let looked = beside_link(policy, written);
        let help = match (
            beside_target(policy, written),
            near_file(file, written),
            looked,
        ) {
            (Some(other), _, Some(looked)) => format!(
                "{looked}; did you mean `\"{other}\"`, beside the file that the link leads to?"
            ),
            (_, Some(near), Some(looked)) => format!("{looked}; did you mean `\"{near}\"`?"),
            (_, None, Some(looked)) => looked,
            (_, Some(near), None) => {
                format!("did you mean `\"{near}\"`? the path is relative to the file that names it")
            }
            (_, None, None) => return,
        };
        if let Some(problem) = self.problems.last_mut() {
            problem.help = visible(&help).into_owned();
        }
    }

    /// What is wrong with a group file that is refused as a whole.
    fn mistakes(&self, id: SourceId, fault: &yaml::Fault) -> Vec<Diagnostic> {
        let text = self.sources.get(id).map_or("", Source::text);
        let mistakes = yaml::mistakes(text, fault).into_iter();
        let problem = |mistake: yaml::Mistake| {
            let span = Span::new(id, mistake.at.start, mistake.at.end);
            let name = Name::InvalidGroupFile;
            let problem = Diagnostic::new(name, span, mistake.message, mistake.help);
            let edit = |problem: Diagnostic, (at, new): (Range<usize>, String)| {
                problem.with_edit(Span::new(id, at.start, at.end), new)
            };
            mistake.edits.into_iter().fold(problem, edit)
        };
        mistakes.map(problem).collect()
    }
}

/// A group file that was to be read.
struct ReadFile {
    /// `None` if it could not be, which is reported.
    source: Option<SourceId>,
    /// How many problems there were when it was read.
    problems_before: usize,
}
