//! What the commands work on: a policy, a directory file, and users given on the command line.
//!
//! Law: whatever is wrong with them is said before the first answer.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use presence_router::diagnostic::{Name, Report, nearest, short, visible};
use presence_router::directory::Directory;
use presence_router::error::Error;
use presence_router::id::{IdError, UserId};
use presence_router::policy::{Kind, PolicySet};
use presence_router::router::{Origin, Router, Snapshot};
use presence_router::source::Span;
use presence_router::{MAX_FILE_BYTES, Written, short_user_help, why_unreadable};

use super::output::{Failure, Fault, count, note};

/// What every command that answers questions is given.
#[derive(Debug, Args)]
pub struct Inputs {
    /// The policy: a file, or a folder with `*.policy` files (`presence-router --help` shows one)
    #[arg(long, value_name = "POLICY")]
    pub policy: PathBuf,

    /// The known users and rooms: a YAML file (`presence-router --help` shows one)
    #[arg(long, value_name = "FILE")]
    pub directory: PathBuf,

    /// Answer in JSON, for scripts: one object a line
    #[arg(long)]
    pub json: bool,
}

impl Inputs {
    /// Reads policy and directory.
    pub fn read(&self) -> Result<(Arc<Snapshot>, Directory), Failure> {
        let directory = read_directory(&self.directory)?;
        let snapshot = read_policy(&self.policy, Some(&directory)).map_err(Failure::Policy)?;
        knows_what_is_local(&snapshot, &self.directory, &directory)?;
        let warnings = snapshot.warnings().warnings();
        if warnings > 0 && !self.json {
            let policy = self.policy.display();
            let warnings = count(warnings, "warning");
            note(&format!(
                "{warnings}: see `presence-router check --policy {policy}`"
            ));
        }
        Ok((snapshot, directory))
    }

    /// Reads policy and directory, and finds the users who are asked about: those given, else all
    /// known ones; sorted, each once. Those given are known from here on.
    pub fn read_with_users(
        &self,
        given: &[String],
    ) -> Result<(Arc<Snapshot>, Directory, Vec<UserId>), Failure> {
        let (snapshot, mut directory) = self.read()?;
        if given.is_empty() {
            let users = snapshot.known_users(&directory);
            return Ok((snapshot, directory, users));
        }
        let policy = snapshot.policy();
        let mut users = Vec::new();
        let mut faults = Vec::new();
        for text in given {
            match user(text, policy, &directory) {
                Ok(user) => users.push(user),
                Err(fault) => faults.push(fault),
            }
        }
        if !faults.is_empty() {
            return Err(Failure::Wrong(faults));
        }
        users.sort_unstable();
        users.dedup();
        if !self.json {
            for user in users
                .iter()
                .filter(|user| !is_known(user, policy, &directory))
            {
                note_unknown(user, policy, &directory);
            }
        }
        for user in &users {
            directory.add_user(user.clone());
        }
        Ok((snapshot, directory, users))
    }
}

/// Loads a policy; names are completed by its `server` statement, else the directory's name.
pub fn read_policy(path: &Path, directory: Option<&Directory>) -> Result<Arc<Snapshot>, Report> {
    let homeserver = directory.and_then(Directory::server_name).cloned();
    let origin = Origin {
        path: Some(path.to_owned()),
        inline: Vec::new(),
        homeserver,
    };
    Router::load(origin).map(|router| router.snapshot())
}

/// Names without a server are errors that they may not be in the homeserver: says what they would take.
pub fn hint_at_server(report: &Report, directory: bool) {
    let problems = report.problems();
    if problems
        .iter()
        .any(|problem| problem.name == Name::MissingServer)
    {
        note(match directory {
            false => "with `--directory` names take the server that is its `server_name`",
            true => "the directory has no `server_name` that names could take",
        });
    }
}

/// Shown with every fault of a directory file.
const DIRECTORY_HELP: &str = r##"a directory file looks like this, every ID in quotes:
  server_name: example.org
  users: ["@ann:example.org", "@bob:example.org"]
  rooms:
    "!ops:example.org":
      aliases: ["#ops:example.org"]
      members: ["@ann:example.org", "@zed:remote.org"]"##;

/// Reads a directory file. It may be a pipe, as shells make them.
pub fn read_directory(path: &Path) -> Result<Directory, Failure> {
    let mut bytes = Vec::new();
    let file = File::open(path);
    let read = file.and_then(|file| file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes));
    if let Err(error) = read {
        let source = io::Error::new(error.kind(), why_unreadable(path, &error));
        let error = Error::Read {
            path: path.to_owned(),
            source,
        };
        let help = "`--directory` takes a YAML file that this program may read";
        return Err(Failure::wrong(error.to_string(), help));
    }
    let name = path.display().to_string();
    if bytes.len() as u64 > MAX_FILE_BYTES {
        let limit = MAX_FILE_BYTES >> 20;
        let message = format!("{name}:1:1: the file is over {limit} MiB");
        return Err(Failure::wrong(
            message,
            "take out the users and rooms that are not needed",
        ));
    }
    let text = match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            let valid = error.utf8_error().valid_up_to();
            let before = String::from_utf8_lossy(error.as_bytes().get(..valid).unwrap_or_default());
            let line = before.matches('\n').count() + 1;
            let column = before
                .rsplit('\n')
                .next()
                .unwrap_or_default()
                .chars()
                .count()
                + 1;
            let what = match error.as_bytes() {
                [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => "this is UTF-16, not UTF-8",
                _ => "this is not UTF-8",
            };
            let message = format!("{name}:{line}:{column}: {what}");
            return Err(Failure::wrong(message, "save the file as UTF-8"));
        }
    };
    Directory::from_yaml(&name, &text)
        .map_err(|error| Failure::wrong(error.to_string(), DIRECTORY_HELP))
}

/// Without the homeserver's name `local users` and `remote users` mean nothing.
pub fn knows_what_is_local(
    snapshot: &Snapshot,
    path: &Path,
    directory: &Directory,
) -> Result<(), Failure> {
    if directory.server_name().is_some() {
        return Ok(());
    }
    let Some((words, span)) = local_or_remote(snapshot.policy()) else {
        return Ok(());
    };
    let sources = snapshot.sources();
    let (file, place) = (sources.name(span.source), sources.position(span));
    let message = format!(
        "{}:1:1: the directory has no `server_name`, and the policy says `{words}` at {file}:{}:{}",
        path.display(),
        place.line,
        place.column,
    );
    let help = "add a line such as `server_name: example.org` to the directory file";
    Err(Failure::wrong(message, help))
}

/// The first place that says `local users` or `remote users`.
fn local_or_remote(policy: &PolicySet) -> Option<(&'static str, Span)> {
    let rules = policy
        .rules
        .iter()
        .flat_map(|rule| [&rule.senders, &rule.recipients]);
    let groups = policy.groups.iter().map(|group| &group.selector);
    let mut left: Vec<_> = rules.chain(groups).collect();
    let mut first: Option<(Span, &'static str)> = None;
    while let Some(selector) = left.pop() {
        let words = match &selector.kind {
            Kind::Local => "local users",
            Kind::Remote => "remote users",
            Kind::Any(parts) | Kind::Both(parts) => {
                left.extend(parts);
                continue;
            }
            Kind::Except(base, less) => {
                left.extend([base.as_ref(), less.as_ref()]);
                continue;
            }
            _ => continue,
        };
        let here = (selector.span, words);
        first = Some(first.map_or(here, |found| found.min(here)));
    }
    first.map(|(span, words)| (words, span))
}

/// A user ID as the command line takes it: like in the policy, its server may be left out.
fn user(text: &str, policy: &PolicySet, directory: &Directory) -> Result<UserId, Fault> {
    let wrong = |reason: &str, help: String| {
        Fault::new(
            format!("`{}` is not a user: {reason}", visible(&short(text))),
            help,
        )
    };
    let example = match &policy.default_server {
        Some(server) => format!("@ann:{server}"),
        None => "@ann:example.org".into(),
    };
    if !text.starts_with('@') {
        // `ann`, or `"@ann"` with quotes that the shell has left.
        let name = text.trim_matches(['"', '\'']).trim_start_matches('@');
        let plain = !name.is_empty() && !name.contains(['!', '#', '$', '*', '?']);
        let likely = UserId::completed(&format!("@{name}"), policy.default_server.as_ref());
        let likely = likely.ok().filter(|_| plain);
        let likely = likely.map_or(example, |id| visible(id.as_str()).into_owned());
        return Err(wrong(
            "it does not start with `@`",
            format!("write `{likely}`"),
        ));
    }
    let server = policy.default_server.as_ref();
    let found = UserId::completed(text, server);
    // Such an ID is legal, if odd; but who writes it most likely means a pattern.
    let known = |id: &UserId| is_known(id, policy, directory);
    if text.contains(['*', '?']) && !found.as_ref().is_ok_and(known) {
        let help = "write each user, such as `{}`, or none to be told of all known users";
        return Err(wrong("it has a wildcard", help.replace("{}", &example)));
    }
    found.map_err(|error| match error {
        IdError::NoServer => {
            let help = format!(
                "write `{}:example.org`, or a line `server example.org` in the policy",
                visible(text)
            );
            wrong("it has no server, and there is no default one", help)
        }
        IdError::Short(_) => wrong(
            &format!("it {error}"),
            short_user_help(text, server, Written::Alone),
        ),
        _ => wrong(&format!("it {error}"), format!("write `{example}`")),
    })
}

fn is_known(user: &UserId, policy: &PolicySet, directory: &Directory) -> bool {
    directory.knows_user(user.as_str()) || policy.named.number(user.as_str()).is_some()
}

fn note_unknown(user: &UserId, policy: &PolicySet, directory: &Directory) {
    let named = policy
        .named
        .iter()
        .filter(|named| named.server() == user.server());
    let known = directory.users_on(user.server()).chain(named);
    let meant = nearest(user.localpart(), known.map(UserId::localpart));
    let meant = meant.map(|name| format!("; did you mean `@{}:{}`?", visible(name), user.server()));
    let meant = meant.unwrap_or_default();
    let user = visible(user.as_str());
    note(&format!(
        "neither the directory nor the policy knows `{user}`{meant}"
    ));
}
