//! Which files a policy is made of: one, or every `*.policy` below a folder, but for names that start with
//! `.`.
//!
//! Law: each folder is looked into once, however many links lead to it; what cannot be read is a problem.

use std::fs;
use std::path::{Path, PathBuf};

use super::Loader;
use crate::diagnostic::{Diagnostic, Name};

/// How deep folders may nest; a link back to a folder above it ends here at the latest.
const MAX_FOLDER_DEPTH: usize = 64;

impl Loader {
    /// The policy files with the names they are shown under.
    pub(super) fn find(&mut self, root: &Path) -> Vec<(String, PathBuf)> {
        if !root.is_dir() {
            let name = root.file_name().unwrap_or(root.as_os_str());
            return vec![(name.to_string_lossy().into_owned(), root.to_owned())];
        }
        let mut found = Vec::new();
        self.seen.extend(fs::canonicalize(root));
        self.find_in(root, "", 0, &mut found);
        if found.is_empty() {
            let span = self.nothing(".", root);
            let message = format!("there is no `*.policy` file in `{}`", root.display());
            let help =
                "put a file such as `main.policy` there; names that start with `.` are skipped";
            self.problems
                .push(Diagnostic::new(Name::UnreadableFile, span, message, help));
        }
        found.sort();
        found
    }

    fn find_in(
        &mut self,
        folder: &Path,
        prefix: &str,
        depth: usize,
        found: &mut Vec<(String, PathBuf)>,
    ) {
        let entries = match fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) => {
                let name = if prefix.is_empty() {
                    "."
                } else {
                    prefix.trim_end_matches('/')
                };
                let span = self.nothing(name, folder);
                self.unreadable(span, name, &error.to_string());
                return;
            }
        };
        let mut entries: Vec<_> = entries.flatten().collect();
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let (name, path) = (entry.file_name(), entry.path());
            let name = name.to_string_lossy();
            if name.starts_with('.') {
                continue;
            }
            if path.is_dir() {
                // Links could lead to one folder in very many ways, or round and round.
                let is_new = fs::canonicalize(&path).is_ok_and(|real| self.seen.insert(real));
                if depth < MAX_FOLDER_DEPTH && is_new {
                    self.find_in(&path, &format!("{prefix}{name}/"), depth + 1, found);
                }
            } else if name.ends_with(".policy") {
                found.push((format!("{prefix}{name}"), path));
            }
        }
    }
}
