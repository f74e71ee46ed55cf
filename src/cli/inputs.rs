//! What the commands work on: a policy, a directory file, and users given on the command line.
//!
//! Law: whatever is wrong with them is said before the first answer.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use presence_router::diagnostic::{Diagnostic, Name, Report, nearest, short, visible};
use presence_router::directory::Directory;
use presence_router::error::Error;
use presence_router::id::{IdError, UserId};
use presence_router::policy::{Kind, PolicySet};
use presence_router::router::{Origin, Router, Snapshot};
use presence_router::source::{Position, Source, Sources, Span};
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
        let files = given.iter().filter(|text| !text.starts_with('@'));
        let files: Vec<Fault> = files.filter_map(|text| spread(text)).collect();
        if !files.is_empty() {
            return Err(Failure::Wrong(files));
        }
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
        homeserver,
        ..Origin::default()
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

/// A file that cannot be used, said for people, and for programs as a report.
#[derive(Debug)]
pub struct Unusable {
    pub fault: Fault,
    pub report: Report,
}

impl Unusable {
    /// A fault at a place of a text; its message for people may say the place in its own way.
    fn new(name: Name, source: Source, at: Position, fault: Fault, message: &str) -> Self {
        let byte = source.byte_at(at);
        let mut sources = Sources::default();
        let id = sources.add(source);
        let problem = Diagnostic::new(name, Span::new(id, byte, byte), message, &fault.help);
        let report = Report::new(sources, vec![problem]);
        Unusable { fault, report }
    }

    /// A fault of a whole text.
    pub fn whole(name: Name, source: Source, fault: Fault) -> Self {
        let message = fault.message.clone();
        Self::new(name, source, START, fault, &message)
    }
}

impl From<Unusable> for Failure {
    fn from(unusable: Unusable) -> Self {
        Failure::Wrong(vec![unusable.fault])
    }
}

const START: Position = Position { line: 1, column: 1 };

/// Reads a directory file. It may be a pipe, as shells make them.
pub fn read_directory(path: &Path) -> Result<Directory, Unusable> {
    let name = path.display().to_string();
    let source = |text: String| Source::new(name.clone(), text).in_file(path);
    let mut bytes = Vec::new();
    let file = File::open(path);
    let read = file.and_then(|file| file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes));
    if let Err(error) = read {
        let error = io::Error::new(error.kind(), why_unreadable(path, &error));
        let error = Error::Read {
            path: path.to_owned(),
            source: error,
        };
        let help = "`--directory` takes a YAML file that this program may read";
        let fault = Fault::new(error.to_string(), help);
        return Err(Unusable::whole(
            Name::UnreadableFile,
            source(String::new()),
            fault,
        ));
    }
    let at = |place: Position, message: &str| {
        let Position { line, column } = place;
        format!("{name}:{line}:{column}: {message}")
    };
    if bytes.len() as u64 > MAX_FILE_BYTES {
        let message = format!("the file is over {} MiB", MAX_FILE_BYTES >> 20);
        let help = "take out the users and rooms that are not needed";
        let fault = Fault::new(at(START, &message), help);
        let source = source(String::new());
        return Err(Unusable::new(
            Name::TooLarge,
            source,
            START,
            fault,
            &message,
        ));
    }
    let text = match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            let valid = error.utf8_error().valid_up_to();
            let message = match error.as_bytes() {
                [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => "this is UTF-16, not UTF-8",
                _ => "this is not UTF-8",
            };
            let text = String::from_utf8_lossy(error.as_bytes()).into_owned();
            let source = source(text);
            let place = source.position(u32::try_from(valid).unwrap_or(u32::MAX));
            let fault = Fault::new(at(place, message), "save the file as UTF-8");
            return Err(Unusable::new(Name::NotUtf8, source, place, fault, message));
        }
    };
    Directory::from_yaml(&name, &text).map_err(|error| {
        let fault = Fault::new(error.to_string(), DIRECTORY_HELP);
        let (place, message) = match error {
            Error::Directory {
                line,
                column,
                message,
                ..
            } => (Position { line, column }, message),
            other => (START, other.to_string()),
        };
        Unusable::new(Name::UnreadableFile, source(text), place, fault, &message)
    })
}

/// Without the homeserver's name `local users` and `remote users` mean nothing.
pub fn knows_what_is_local(
    snapshot: &Snapshot,
    path: &Path,
    directory: &Directory,
) -> Result<(), Unusable> {
    if directory.server_name().is_some() {
        return Ok(());
    }
    let Some((words, span)) = local_or_remote(snapshot.policy()) else {
        return Ok(());
    };
    let sources = snapshot.sources();
    let (file, place) = (sources.name(span.source), sources.position(span));
    let message = format!(
        "the directory has no `server_name`, and the policy says `{words}` at {file}:{}:{}",
        place.line, place.column,
    );
    let help = "add a line such as `server_name: example.org` to the directory file";
    let name = path.display().to_string();
    let fault = Fault::new(format!("{name}:1:1: {message}"), help);
    let source = Source::new(name, "").in_file(path);
    Err(Unusable::new(
        Name::UnreadableFile,
        source,
        START,
        fault,
        &message,
    ))
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

/// What a shell makes of `--policy p/*.policy`: the first file is the policy, and the others stand where
/// something else is expected.
pub fn spread(text: &str) -> Option<Fault> {
    let path = Path::new(text);
    let is_policy = path.extension().is_some_and(|end| end == "policy");
    (is_policy || path.is_file()).then(|| {
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder.to_string_lossy(),
            _ => ".".into(),
        };
        Fault::new(
            format!(
                "`{}` is one file too many: `--policy` takes one file or folder",
                visible(text)
            ),
            format!(
                "a policy of several files is named by its folder: `--policy {}`",
                shell_word(&visible(&folder))
            ),
        )
    })
}

/// Nothing may be left over but files that a shell has put there.
pub fn nothing_left(left: &[String]) -> Result<(), Failure> {
    let faults = left.iter().map(|text| {
        spread(text).unwrap_or_else(|| {
            Fault::new(
                format!("unexpected argument '{}' found", visible(text)),
                "take it out",
            )
        })
    });
    match faults.collect::<Vec<_>>() {
        faults if faults.is_empty() => Ok(()),
        faults => Err(Failure::Wrong(faults)),
    }
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

/// Standard input, which must be a text.
pub fn read_stdin() -> Result<String, Failure> {
    let mut bytes = Vec::new();
    let stdin = io::stdin().lock();
    if let Err(error) = stdin.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes) {
        let message = format!("cannot read standard input: {error}");
        return Err(Failure::Failed(Fault::new(message, "")));
    }
    if bytes.len() as u64 > MAX_FILE_BYTES {
        let limit = MAX_FILE_BYTES >> 20;
        let message = format!("standard input is over {limit} MiB");
        return Err(Failure::wrong(message, "take out what is not needed"));
    }
    String::from_utf8(bytes)
        .map_err(|_| Failure::wrong("standard input is not UTF-8", "save the text as UTF-8"))
}

/// A path as a shell takes it for one word.
pub fn shell_word(path: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+=:,@%".contains(c);
    match !path.is_empty() && path.chars().all(plain) && !path.starts_with('-') {
        true => path.to_owned(),
        false if path.starts_with('-') => format!("'./{}'", path.replace('\'', r"'\''")),
        false => format!("'{}'", path.replace('\'', r"'\''")),
    }
}
