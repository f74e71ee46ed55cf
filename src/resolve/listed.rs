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
use crate::diagnostic::Name;
use crate::id::{IdError, ServerName};
use crate::source::{Position, Span};
use crate::syntax::word::is_unquoted_localpart;
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
            }
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
        let help = "a group file lists whole user IDs in quotes: `- \"@ann:example.org\"`";
        let text = match entry {
            Entry::Text(text) => text,
            Entry::Other(what) => {
                let message = format!("{what} stands where a user ID must stand");
                self.report(Name::InvalidGroupFile, span, message, help);
                return None;
            }
        };
        if text.contains(['*', '?']) {
            let message = format!("`{text}` has a wildcard, and group files have none");
            let text = shorten(text);
            let help = format!("write the pattern in the policy: `group NAME = {text}`");
            self.report(Name::InvalidGroupFile, span, message, help);
            return None;
        }
        match self.named_user(span, text)? {
            Ok((key, _)) => Some(key),
            Err(error) => {
                let message = format!("`{}` is not a user ID: it {error}", shorten(text));
                let short = matches!(error, IdError::Short(_) | IdError::Empty);
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

/// What to write where a group file as a whole is wrong.
#[derive(Debug, Default)]
pub struct Advice {
    /// In words.
    pub help: String,
    /// The text at the fault and what to put there, if that is certain.
    pub fix: Option<(String, String)>,
}

/// Looks at a group file and at what is wrong with it. Costs a look at the line.
pub fn advice_on_file(text: &str, position: Position) -> Advice {
    let line = text.lines().nth(position.line.saturating_sub(1));
    let line = line.unwrap_or_default();
    let rest: String = line
        .chars()
        .skip(position.column.saturating_sub(1))
        .collect();
    let shape = "a group file is a YAML list of user IDs in quotes, `- \"@ann:example.org\"`, \
                 or a mapping with the key `users` that holds one";
    let say = |help: String| Advice { help, fix: None };
    if text.trim().is_empty() || text.lines().all(|line| line.trim_start().starts_with('#')) {
        return say(format!("write `[]` for nobody; {shape}"));
    }
    if !rest.is_ascii()
        && rest.starts_with(|c: char| !c.is_ascii())
        && let Some((_, why)) = super::meant::plain_word(&rest)
    {
        return say(format!("{why}: take it out"));
    }
    if rest.starts_with('@') {
        let end = rest
            .find([' ', '\t', ',', ']', '}', '#', '"', '\''])
            .unwrap_or(rest.len());
        let id = rest.get(..end).unwrap_or_default();
        let alone = rest.get(end..).is_some_and(|after| {
            let after = after.trim_start();
            after.is_empty() || after.starts_with([',', ']', '#'])
        });
        return Advice {
            help: format!("write `\"{id}\"`"),
            fix: alone.then(|| (id.to_owned(), format!("\"{id}\""))),
        };
    }
    let first = text.split_whitespace().next().unwrap_or_default();
    if ["group", "send", "block", "server"].contains(&first) {
        let help = "this is a statement of a policy: put it into a `*.policy` file; ";
        return say(format!("{help}{shape}"));
    }
    if line.trim_start_matches(' ').starts_with('\t') {
        let new = line.replace('\t', "  ");
        return say(format!(
            "YAML takes no tab there: write `{new}` with blanks"
        ));
    }
    if let Some(item) = line.trim_start().strip_prefix('-')
        && item.starts_with(['"', '\'', '@'])
    {
        return say(format!(
            "a blank must stand behind the `-`: write `- {item}`"
        ));
    }
    if line.starts_with("---") {
        return say("take this line away: one list holds all users".into());
    }
    if rest.starts_with('\\') {
        return say("in `\"` quotes a `\\` is written `\\\\`, in `'` quotes `\\`".into());
    }
    if rest.starts_with('!') {
        return say("take the tag away: a user ID stands in quotes, `- \"@ann\"`".into());
    }
    if let Some(mark) = rest.chars().next().filter(|c| matches!(c, '"' | '\''))
        && rest.matches(mark).count() == 1
    {
        return say(format!(
            "end it with `{mark}`: write `{}{mark}`",
            line.trim()
        ));
    }
    if rest.starts_with('[')
        && !rest.contains(']')
        && position.line == text.trim_end().lines().count()
    {
        return say(format!("end it with `]`: write `{}]`", line.trim()));
    }
    if line.trim_end() == "users:" {
        return say("write `users: []` for nobody, or the users below it".into());
    }
    if text
        .lines()
        .filter(|line| line.starts_with("users:"))
        .count()
        > 1
    {
        return say("write all users under one `users:`".into());
    }
    let users = quoted_users(line);
    if let Some(first) = users.first() {
        let key = line.split_once(':').map_or("", |(key, _)| key.trim());
        if key == "users" || line.trim_start().starts_with('[') {
            let key = if key == "users" { "users: " } else { "" };
            return say(format!("write `{key}[{}]`", users.join(", ")));
        }
        if line.trim_start().starts_with(['-', '"', '\''])
            && (users.len() > 1 || !rest.starts_with('-'))
        {
            let also = users
                .get(1)
                .map(|user| format!(" and `- {user}`"))
                .unwrap_or_default();
            return say(format!(
                "write each user on a line of its own: `- {first}`{also}"
            ));
        }
    }
    let has_users = text.lines().any(|line| line.starts_with("users"));
    if let Some((key, _)) = line.split_once(':').filter(|_| position.column == 1) {
        let list = line.get(key.len()..).unwrap_or_default();
        if key.chars().all(|c| c.is_ascii_alphabetic()) && !has_users {
            return say(format!("write `users{list}`; {shape}"));
        }
    }
    if line.trim_start().starts_with("- ") {
        let item = line.trim_start();
        return say(format!(
            "begin each entry in the same column as those above: `{item}`"
        ));
    }
    say(shape.into())
}

/// The users that stand in quotes on a line, with their quotes.
fn quoted_users(line: &str) -> Vec<&str> {
    let mut users = Vec::new();
    let mut rest = line;
    while let Some(start) = rest.find(['"', '\'']) {
        let quoted = rest.get(start..).unwrap_or_default();
        let mark = quoted.chars().next().unwrap_or('"');
        let Some(end) = quoted.get(1..).and_then(|inner| inner.find(mark)) else {
            break;
        };
        let (user, after) = quoted.split_at(end + 2);
        if user.get(1..).is_some_and(|inner| inner.starts_with('@')) {
            users.push(user);
        }
        rest = after;
    }
    users
}

/// What to write where an entry is no user ID.
fn entry_help(text: &str, error: &IdError) -> String {
    let list = "a group file lists whole user IDs in quotes: `- \"@ann:example.org\"`";
    if let IdError::Server(server) = error
        && let Some(meant) = super::meant::server(server)
        && let Some((name, _)) = text.split_once(':')
    {
        return format!("write `\"{name}:{meant}\"`");
    }
    if !matches!(error, IdError::Sigil(_)) {
        return list.into();
    }
    if text.trim().starts_with('@') {
        return format!("write `\"{}\"`", text.trim());
    }
    if let Some((plain, why)) = super::meant::plain_word(text) {
        let plain = plain.trim_matches(['"', '\'', ' ']);
        return format!("{why}: write `\"{plain}\"`");
    }
    if text.starts_with(['#', '!']) {
        return format!("rooms are named in the policy: `members of {text}`");
    }
    if text.starts_with("group ") || text.starts_with("users on ") || text == "all" {
        return format!("this is for the policy, which can say `group NAME = {text}`");
    }
    let (name, server) = text.split_once(['@', ':']).unwrap_or((text, ""));
    if !name.is_empty() && name.chars().all(is_unquoted_localpart) {
        if server.is_empty() {
            return format!("write `\"@{name}\"`");
        }
        if ServerName::parse(server).is_ok() {
            return format!("write `\"@{name}:{server}\"`");
        }
    }
    list.into()
}
