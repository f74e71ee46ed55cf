//! The group files that a policy names: finding and reading them, and what is wrong with one as a whole.
//!
//! Not for: the users in them (`resolve`), nor YAML (`yaml`).
//!
//! Law: each file is read once however many groups name it; what is wrong is told in the order of the groups.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::paths::{near_file, plain_path};
use super::{Loader, threads};
use crate::diagnostic::{Diagnostic, Name, visible};
use crate::resolve::{Content, GroupFile, Users, advice_on_file};
use crate::source::{Source, SourceId, Span};
use crate::syntax::{self, Packed, ast::Statement, word};
use crate::yaml;

impl Loader {
    /// The group files that the statements name.
    pub(super) fn group_files(
        &mut self,
        root: &Path,
        texts: &[(SourceId, Arc<[Packed]>)],
    ) -> HashMap<Span, GroupFile> {
        let base = match root.is_dir() {
            true => root,
            false => root.parent().unwrap_or(root),
        };
        let base = plain_path(base);
        let mut by_place: HashMap<Span, Option<usize>> = HashMap::new();
        let mut by_path: HashMap<PathBuf, usize> = HashMap::new();
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
            let at = match by_path.get(&file) {
                Some(at) => *at,
                None => {
                    let source = self.group_file(&base, &file, path.span);
                    files.push(ReadFile {
                        source,
                        problems_before: self.problems.len(),
                    });
                    self.paths.push(file.clone());
                    by_path.insert(file, files.len() - 1);
                    files.len() - 1
                }
            };
            by_place.insert(path.span, Some(at));
        }
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
                    let problem = file.source.map(|id| self.fault(id, fault));
                    faults.extend(problem.map(|problem| (file.problems_before, problem)));
                    None
                }
                (None, None) => None,
            };
            content.push(file.source.zip(found));
        }
        // Each where it stood if files were read and understood one by one.
        for (at, problem) in faults.into_iter().rev() {
            self.problems.insert(at, problem);
        }
        content
    }

    fn group_file(&mut self, base: &Path, file: &Path, named: Span) -> Option<SourceId> {
        let name = file.strip_prefix(base).unwrap_or(file);
        let name = match name.to_string_lossy() {
            name if name.is_empty() => ".".to_owned(),
            name => name.into_owned(),
        };
        let read = self.read(&name, file, Some(named));
        if read.is_none() {
            let written = self.sources.text(named).trim_matches('"').to_owned();
            if let Some(near) = near_file(file, &written)
                && let Some(problem) = self.problems.last_mut()
                && problem.name == Name::UnreadableFile
            {
                let help = format!(
                    "did you mean `\"{near}\"`? the path is relative to the file that names it"
                );
                problem.help = visible(&help).into_owned();
            }
        }
        read
    }

    /// What is wrong with a group file as a whole.
    fn fault(&self, id: SourceId, fault: yaml::Fault) -> Diagnostic {
        let Some(source) = self.sources.get(id) else {
            return Diagnostic::new(Name::InvalidGroupFile, Span::file(id), fault.message, "");
        };
        let start = source.byte_at(fault.position);
        let line_start = source.line_start(fault.position.line);
        let end = line_start + source.line(fault.position.line).len();
        let span = Span::new(id, start, end);
        let advice = advice_on_file(source.text(), fault.position);
        let problem = Diagnostic::new(Name::InvalidGroupFile, span, fault.message, advice.help);
        match advice.fix {
            Some((old, new))
                if source
                    .text()
                    .get(start..)
                    .is_some_and(|rest| rest.starts_with(&old)) =>
            {
                problem.with_edit(Span::new(id, start, start + old.len()), new)
            }
            _ => problem,
        }
    }
}

/// A group file that was to be read.
struct ReadFile {
    /// `None` if it could not be, which is reported.
    source: Option<SourceId>,
    /// How many problems there were when it was read.
    problems_before: usize,
}
