//! The users of group files, and what to write where a file has something else.
//!
//! Not for: reading YAML (`yaml`).
//!
//! Law: a wrong entry is one problem at its place; of entries that are no plain texts only the first
//! are placed, and the others counted.

use std::sync::Arc;

use super::short::{Written, short_user_help};
use super::words::shorten;
use super::{Content, Default, InFile, Keys, Resolver, Users};
use crate::diagnostic::{Diagnostic, Edit, Name, visible};
use crate::id::IdError;
use crate::source::{SourceId, Span};
use crate::yaml::{self, Entry};

/// How many bytes of a group file are read again to find the places of wrong entries that are no
/// plain texts, and how many such entries are placed at most.
const READ_AGAIN: usize = 64 << 20;
const PLACED_ENTRIES: usize = 100;

impl Resolver<'_, '_> {
    /// Finds the users of the group file of a group.
    pub(super) fn listed(&mut self, path: Span, group: usize) {
        let Some(Some((source, content))) = self.input.group_files.get(&path) else {
            return;
        };
        let text = self.input.sources.get(*source).map_or("", |s| s.text());
        let entries = match content {
            Content::Entries(entries) => Arc::clone(entries),
            Content::Users(users) if self.completes_alike(users) => {
                self.named.again(&users.numbers);
                self.listed.push(InFile {
                    group,
                    source: *source,
                    users: Keys::Before(Arc::clone(&users.numbers)),
                    completed: users.completed.clone(),
                    good: true,
                });
                return;
            }
            Content::Users(_) => yaml::group_file(text).unwrap_or_default().into(),
        };
        let mut users = Vec::with_capacity(entries.len());
        let mut places = Vec::new();
        let mut searches = (READ_AGAIN / text.len().max(1)).clamp(1, PLACED_ENTRIES);
        let mut unplaced = 0_usize;
        let first = self.problems.len();
        for (index, entry) in entries.iter().enumerate() {
            let before = self.problems.len();
            let found = self.entry(Span::file(*source), entry);
            users.extend(found);
            if self.problems.len() == before {
                continue;
            }
            // Only now is it worth to look for places.
            if places.is_empty() {
                places = yaml::places_of_texts(text);
            }
            let start = match places.get(index).copied().flatten() {
                Some(start) => start,
                None if searches > 0 => {
                    searches -= 1;
                    let place = yaml::place_of_entry(text, index);
                    let found = self.input.sources.get(*source).map(|s| s.byte_at(place));
                    found.unwrap_or_default()
                }
                None => {
                    unplaced += 1;
                    self.problems.truncate(before);
                    continue;
                }
            };
            let rest = text.get(start..).unwrap_or_default();
            let end = start + rest.find(['\n', '\r', ',', ']']).unwrap_or(rest.len());
            for problem in self.problems.iter_mut().skip(before) {
                problem.span = Span::new(*source, start, end);
                if matches!(entry, Entry::Other(_)) {
                    problem.help = visible(&yaml::help_on_value(text, start)).into_owned();
                }
            }
        }
        if self.problems.len() > first {
            self.mend(*source, text, first);
        }
        if unplaced > 0
            && let Some(last) = self.problems.last_mut()
        {
            last.help = format!(
                "{} ({unplaced} more entries of this file are wrong)",
                last.help
            );
        }
        let is_short = |entry: &Entry| matches!(entry, Entry::Text(text) if !text.contains(':'));
        let completed = match &self.default {
            Default::Known(server) if entries.iter().any(is_short) => Some(server.clone()),
            _ => None,
        };
        self.listed.push(InFile {
            group,
            source: *source,
            // An entry that is nobody is wrong, or wants a server that is wrong.
            good: users.len() == entries.len(),
            users: Keys::New(users),
            completed,
        });
    }

    /// Gives the problems of a file, which are those from the first, the edits that make it right. A file
    /// is mended as a whole or not at all.
    fn mend(&mut self, source: SourceId, text: &str, first: usize) {
        let mut problems = self.problems.iter_mut().skip(first);
        if !problems.all(|problem| problem.name == Name::InvalidGroupFile) {
            return;
        }
        let mut at = first;
        for (place, new) in yaml::mended(text) {
            let span = Span::new(source, place.start, place.end);
            let behind = |problem: &Diagnostic| problem.span.end < span.start;
            while self.problems.get(at + 1).is_some() && self.problems.get(at).is_some_and(behind) {
                at += 1;
            }
            if let Some(problem) = self.problems.get_mut(at) {
                problem.fix.push(Edit { span, text: new });
            }
        }
    }

    /// Whether users that an earlier load completed would be the same ones now.
    fn completes_alike(&self, users: &Users) -> bool {
        match (&users.completed, &self.default) {
            (None, _) => true,
            (Some(before), Default::Known(now)) => before == now,
            (Some(_), _) => false,
        }
    }

    /// The key of the user of an entry.
    fn entry(&mut self, span: Span, entry: &Entry) -> Option<u32> {
        let text = match entry {
            Entry::Text(text) => text,
            Entry::Other(what) => {
                let message = format!("{what} stands where a user ID must stand");
                // What to write is found once the place is known.
                self.report(Name::InvalidGroupFile, span, message, "");
                return None;
            }
        };
        if text.starts_with('@') && text.contains(['*', '?']) {
            let message = format!("`{text}` has a wildcard, and group files have none");
            let help = yaml::help_on_entry(text);
            self.report(Name::InvalidGroupFile, span, message, help);
            return None;
        }
        match self.named_user(span, text)? {
            Ok((key, _)) => Some(key),
            Err(error) => {
                let message = format!("`{}` is not a user ID: it {error}", shorten(text));
                // `@<user>` and `@{user}` are places to fill in.
                let short = match error {
                    IdError::Short(odd) => !"<>{}".contains(odd),
                    _ => matches!(error, IdError::Empty),
                };
                let help = match short && !text.contains(':') {
                    true => short_user_help(text, self.default_server(), Written::GroupFile),
                    false => entry_help(text, &error),
                };
                self.report(Name::InvalidGroupFile, span, message, help);
                None
            }
        }
    }
}

/// What to write where an entry is no user ID.
fn entry_help(text: &str, error: &IdError) -> String {
    if let IdError::Server(server) = error
        && let Some(meant) = super::meant::server(server)
        && let Some((name, written)) = text.split_once(':')
        // What stands behind it may say that the user is out.
        && !written.contains([' ', ',', '\t', '('])
    {
        return format!("write `\"{name}:{meant}\"`");
    }
    yaml::help_on_entry(text)
}
