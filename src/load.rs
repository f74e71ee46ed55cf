//! From files to a policy: which files a policy is made of, and reading them.
//!
//! A policy is one file, or a folder: every `*.policy` below it, names starting with `.` skipped.
//! The host may add texts of its own. Group files are read where the policy names them.
//!
//! Not for: watching (`watch`), or keeping the last good policy (`router`).
//!
//! Law: only regular files are opened, so that reading never hangs; nothing is read past the limits;
//! whatever is wrong is a problem in the report, and all other files are read nevertheless.

mod bytes;
mod find;
mod group_files;
mod kept;
mod naming;
mod paths;
mod refused;
mod stamp;
mod threads;

use std::collections::{HashMap, HashSet};
use std::ffi::OsStr;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::diagnostic::{Diagnostic, Name, Report};
use crate::foreign::encrypted;
use crate::id::ServerName;
use crate::policy::PolicySet;
use crate::resolve::{Content, Found, GroupFile, Input, Users, resolve};
use crate::source::{Source, SourceId, Sources, Span};
use crate::syntax::{self, Packed, allow::Allow};

pub use kept::Kept;
pub use refused::why_unreadable;
pub(crate) use stamp::{place, times};

use bytes::{hash_of, read_regular};
use find::{FileAt, Findings};
use kept::File;
use stamp::{Identity, Stamp};

/// The most bytes one file may have.
pub const MAX_FILE_BYTES: u64 = 64 << 20;

/// The most bytes all files of a policy may have together, group files too.
pub const MAX_POLICY_BYTES: u64 = 256 << 20;

/// Where a policy comes from.
#[derive(Debug, Clone, Default)]
pub struct Origin {
    /// A file or a folder.
    pub path: Option<PathBuf>,
    /// Texts that the host adds, such as rules from its own configuration.
    pub inline: Vec<Inline>,
    /// The homeserver's own server: it completes names if no `server` statement does. Who is local is
    /// told by the [`Directory`](crate::directory::Directory), which must be given the name as well.
    pub homeserver: Option<ServerName>,
}

/// A text that is in no file.
#[derive(Debug, Clone)]
pub struct Inline {
    /// The name its problems are shown under.
    pub name: String,
    /// Its statements.
    pub text: String,
}

/// What loading gave, good or not.
#[derive(Debug)]
pub struct Loaded {
    /// The policy; only to be used if the report has no errors.
    pub policy: PolicySet,
    /// What it was resolved from.
    pub meaning: Meaning,
    /// Every problem.
    pub report: Report,
    /// Every comment that allows a warning.
    pub allows: Vec<Allow>,
    /// Every file and folder whose change can change the policy.
    pub paths: Vec<PathBuf>,
    /// Equal for equal content of equally named files.
    pub fingerprint: u64,
}

/// Reads and resolves a policy. What is kept of earlier loads is used where it still holds, and then is
/// what this load keeps.
///
/// Costs a look at each file, and reading and parsing those that changed.
pub fn load(origin: &Origin, kept: &mut Kept) -> Loaded {
    let mut loader = Loader {
        before: std::mem::take(kept),
        ..Loader::default()
    };
    let mut texts: Vec<(&OsStr, SourceId)> = Vec::new();
    let root = origin.path.as_deref().unwrap_or(Path::new(""));
    let mut found = Findings::default();
    if origin.path.is_some() {
        loader.paths.push(root.to_owned());
        found = loader.find(root);
        for file in &found.files {
            if let Some(id) = loader.read(file, None) {
                texts.push((&file.below, id));
            }
        }
    }
    for inline in &origin.inline {
        inline.text.hash(&mut loader.hasher);
        let source = Source::new(inline.name.clone(), inline.text.clone());
        let id = loader.sources.add(source);
        texts.push((OsStr::new(&inline.name), id));
    }
    // Nothing keeps the host from giving its texts the names of files: those stand first.
    texts.sort_by_key(|(name, _)| *name);
    let ids: Vec<SourceId> = texts.into_iter().map(|(_, id)| id).collect();
    let mut allows = Vec::new();
    for id in &ids {
        let text = loader.sources.get(*id).map_or("", Source::text);
        allows.extend(syntax::allow::allows(*id, text));
    }
    let texts = loader.statements(&ids);
    loader.tell_empty(&texts, &mut allows);
    let group_files = loader.group_files(root, &texts);
    loader.tell_names(&found);
    let found = std::mem::take(&mut loader.before.found);
    let mut meaning = Meaning {
        texts,
        group_files,
        homeserver: origin.homeserver.clone(),
        found,
    };
    let resolved = resolve(&meaning.input(&loader.sources), &mut loader.problems);
    loader.keep(&mut meaning, resolved.users, resolved.found);
    loader.paths.sort();
    loader.paths.dedup();
    *kept = loader.kept;
    kept.again = true;
    for problem in &loader.problems {
        // What becomes unreadable is a change too, and so is another name that is not read.
        (problem.name.as_str(), &problem.message).hash(&mut loader.hasher);
    }
    Loaded {
        policy: resolved.policy,
        meaning,
        allows,
        fingerprint: loader.hasher.finish(),
        report: Report::new(loader.sources, loader.problems),
        paths: loader.paths,
    }
}

/// What a policy was resolved from, so that it can be resolved once more: it takes a small part of the
/// memory that the policy takes.
#[derive(Debug)]
pub struct Meaning {
    texts: Vec<(SourceId, Arc<[Packed]>)>,
    group_files: HashMap<Span, GroupFile>,
    homeserver: Option<ServerName>,
    found: Found,
}

impl Meaning {
    /// The policy, from the texts it was loaded from. Costs what resolving costs once names are known.
    pub fn policy(&self, sources: &Sources) -> PolicySet {
        resolve(&self.input(sources), &mut Vec::new()).policy
    }

    fn input<'a>(&'a self, sources: &'a Sources) -> Input<'a> {
        Input {
            sources,
            texts: &self.texts,
            group_files: &self.group_files,
            homeserver: self.homeserver.as_ref(),
            found: &self.found,
        }
    }
}

/// The policy files below some paths, or those that they are, each once with its text as it is, and why
/// others are not among them: as [`Router::load`](crate::router::Router::load) finds and reads them, but
/// for group files. Problems are shown under the files' paths.
///
/// Costs reading the files.
pub fn texts<P: AsRef<Path>>(paths: &[P]) -> (Vec<(PathBuf, String)>, Report) {
    let mut loader = Loader {
        shows_paths: true,
        ..Loader::default()
    };
    let mut texts = Vec::new();
    for path in paths {
        // Each is a policy of its own.
        loader.bytes = 0;
        for file in loader.find(path.as_ref()).files {
            if let Some(read) = loader.text(&file, None) {
                texts.push((file.path, read.text));
            }
        }
    }
    (texts, Report::new(loader.sources, loader.problems))
}

#[derive(Default)]
struct Loader {
    sources: Sources,
    problems: Vec<Diagnostic>,
    paths: Vec<PathBuf>,
    /// What earlier loads kept.
    before: Kept,
    /// What is kept of this one.
    kept: Kept,
    /// The files found: each is read once, whatever names lead to it.
    seen: HashSet<Identity>,
    /// The policy is a folder.
    is_folder: bool,
    /// Files are shown under the paths that are opened, and not under their names in the policy.
    shows_paths: bool,
    bytes: u64,
    hasher: DefaultHasher,
}

impl Loader {
    /// Reads one file, or takes what is kept of it. A problem with it is reported at `named`, the place
    /// that names it, or at its own start.
    fn read(&mut self, at: &FileAt, named: Option<Span>) -> Option<SourceId> {
        let (name, path) = (at.name.as_str(), at.path.as_path());
        let mut kept = self.before.take(path, name);
        let file = if let Some(file) = kept.take_if(|file| file.is_unchanged(at.stamp)) {
            self.within_limits(name, path, file.bytes)?;
            (&at.below, file.hash).hash(&mut self.hasher);
            file
        } else {
            let read = self.text(at, named)?;
            let source = Source::new(name, read.text).in_file(path);
            // Read again only because of its stamp: what was found in it stays.
            let same = kept.filter(|file| file.source.text() == source.text());
            match same {
                Some(file) => File {
                    stamp: read.stamp,
                    hash: read.hash,
                    bytes: read.bytes,
                    ..file
                },
                None => File {
                    stamp: read.stamp,
                    source: Arc::new(source),
                    hash: read.hash,
                    bytes: read.bytes,
                    statements: None,
                    users: None,
                },
            }
        };
        let id = self.sources.add(Arc::clone(&file.source));
        self.kept.files.insert(path.to_owned(), file);
        Some(id)
    }

    /// The text of a file as it is, and its stamp, if that can be trusted.
    fn text(&mut self, at: &FileAt, named: Option<Span>) -> Option<Read> {
        let (name, path) = (at.name.as_str(), at.path.as_path());
        let (bytes, stamp) = match read_regular(path) {
            Ok(read) => read,
            Err(error) => {
                let span = named.unwrap_or_else(|| self.nothing(name, path));
                self.unreadable(span, name, path, &error);
                return None;
            }
        };
        self.within_limits(name, path, bytes.len() as u64)?;
        let hash = hash_of(&bytes);
        (&at.below, hash).hash(&mut self.hasher);
        let size = bytes.len() as u64;
        match String::from_utf8(bytes) {
            Ok(text) => Some(Read {
                text,
                stamp,
                hash,
                bytes: size,
            }),
            Err(error) => {
                let at = error.utf8_error().valid_up_to();
                let bytes = error.as_bytes();
                let before = bytes.get(..at).unwrap_or_default();
                let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
                let wrong = bytes.get(at).copied().unwrap_or_default();
                let span = self.nothing(name, path);
                let (message, help) = match (encrypted(bytes), bytes) {
                    (Some(by), _) => (
                        format!("`{name}` is encrypted with {by}"),
                        format!("decrypt it with {by} first: it is read as plain text only"),
                    ),
                    (None, [0xff, 0xfe, ..] | [0xfe, 0xff, ..]) => (
                        format!("`{name}` is not UTF-8: it is UTF-16"),
                        "save it as UTF-8".into(),
                    ),
                    (None, _) => (
                        format!("`{name}` is not UTF-8: the byte 0x{wrong:02x} in line {line}"),
                        "save it as UTF-8".into(),
                    ),
                };
                self.problems
                    .push(Diagnostic::new(Name::NotUtf8, span, message, help));
                None
            }
        }
    }

    /// Counts the bytes of a file; `None` if they are too many, which is reported.
    fn within_limits(&mut self, name: &str, path: &Path, bytes: u64) -> Option<()> {
        self.bytes += bytes;
        if bytes <= MAX_FILE_BYTES && self.bytes <= MAX_POLICY_BYTES {
            return Some(());
        }
        let (what, limit) = if bytes > MAX_FILE_BYTES {
            (format!("`{name}` is"), MAX_FILE_BYTES)
        } else {
            (
                format!("with `{name}`, the files of this policy are together"),
                MAX_POLICY_BYTES,
            )
        };
        let span = self.nothing(name, path);
        let message = format!("{what} over {} MiB", limit >> 20);
        let help = "take out what is not needed; patterns and servers say more in fewer words \
                    than lists of users";
        self.problems
            .push(Diagnostic::new(Name::TooLarge, span, message, help));
        None
    }

    /// What is kept of a source's file.
    fn kept_of(&mut self, id: SourceId) -> Option<&mut File> {
        let source = self.sources.get(id)?;
        let file = self.kept.files.get_mut(source.path()?)?;
        std::ptr::eq(&*file.source, source).then_some(file)
    }

    /// The statements of all texts. Texts that are long together are read by several threads.
    fn statements(&mut self, ids: &[SourceId]) -> Vec<(SourceId, Arc<[Packed]>)> {
        let mut texts = Vec::with_capacity(ids.len());
        let mut unread = Vec::new();
        for id in ids {
            let known = self.kept_of(*id).and_then(|file| file.statements.clone());
            if known.is_none() {
                unread.push(*id);
            }
            texts.push((*id, known.unwrap_or_default()));
        }
        let mut read = self.parsed(&unread).into_iter();
        let mut unread = unread.into_iter().peekable();
        for (id, statements) in &mut texts {
            if unread.next_if_eq(&*id).is_none() {
                continue;
            }
            let Some((found, good)) = read.next() else {
                break;
            };
            *statements = found.into();
            if let Some(file) = self.kept_of(*id).filter(|_| good) {
                file.statements = Some(Arc::clone(statements));
            }
        }
        texts
    }

    /// Warns of each file that says nothing. A comment in it may allow that: it has no statement to stand at.
    fn tell_empty(&mut self, texts: &[(SourceId, Arc<[Packed]>)], allows: &mut [Allow]) {
        let wrong: HashSet<SourceId> = self.problems.iter().map(|p| p.span.source).collect();
        for (id, parts) in texts {
            let Some(source) = self.sources.get(*id) else {
                continue;
            };
            let is_empty = parts.iter().all(Packed::is_empty) && !wrong.contains(id);
            // What the host adds may well be nothing.
            if !is_empty || source.path().is_none() {
                continue;
            }
            let whole = Span::new(*id, 0, source.text().len());
            let allowing = |allow: &&mut Allow| {
                allow.comment.source == *id && allow.names.contains(&Name::EmptyPolicy)
            };
            for allow in allows.iter_mut().filter(allowing) {
                allow.statement = Some(whole);
            }
            let message = format!("there is no statement in `{}`", source.name());
            let help = "take the file away if it is not needed; one that is empty for a reason says so: \
                        `# allow empty-policy: REASON`";
            let problem = Diagnostic::new(Name::EmptyPolicy, Span::file(*id), message, help);
            self.problems.push(problem);
        }
    }

    /// The statements of texts, and whether nothing is wrong in each.
    fn parsed(&mut self, ids: &[SourceId]) -> Vec<(Vec<Packed>, bool)> {
        let threads = self.threads();
        let (sources, problems) = (&self.sources, &mut self.problems);
        let text = |id: &SourceId| sources.get(*id).map_or("", Source::text);
        let mut pieces = Vec::new();
        let is_long = ids.iter().map(|id| text(id).len()).sum::<usize>() >= 2 * syntax::PART_BYTES;
        for id in ids.iter().filter(|_| is_long) {
            let mut from = 0;
            for cut in syntax::cuts(text(id)) {
                pieces.push((*id, from, cut));
                from = cut;
            }
            pieces.push((*id, from, usize::MAX));
        }
        let parts = threads::each(pieces.len(), threads, |at| {
            let (id, from, to) = pieces.get(at)?;
            Some(syntax::part(*id, text(id), *from, *to))
        });
        let mut parts = pieces.iter().zip(parts).peekable();
        let mut read = Vec::with_capacity(ids.len());
        for id in ids {
            let before = problems.len();
            let mut own = Vec::new();
            while let Some((_, part)) = parts.next_if(|((of, ..), _)| of == id) {
                own.extend(part);
            }
            let statements = match is_long {
                true => syntax::joined(*id, text(id), own, problems),
                false => syntax::whole(*id, text(id), problems),
            };
            read.push((statements, problems.len() == before));
        }
        read
    }

    /// How many threads share the work. Where a policy is in force one processor is left to its readers.
    fn threads(&self) -> usize {
        match self.before.again {
            true => threads::processors().saturating_sub(1).max(1),
            false => threads::processors(),
        }
    }

    /// Keeps what resolving found.
    fn keep(&mut self, meaning: &mut Meaning, users: Vec<(SourceId, Users)>, found: Found) {
        for file in self.kept.files.values_mut() {
            // Those that were not looked at have the numbers of before.
            file.users = None;
        }
        let mut content: HashMap<SourceId, Content> = HashMap::new();
        for (id, users) in users {
            if let Some(file) = self.kept_of(id) {
                file.users = Some(users.clone());
            }
            content.insert(id, Content::Users(users));
        }
        for file in meaning.group_files.values_mut().flatten() {
            if let Some(users) = content.get(&file.0) {
                file.1 = users.clone();
            }
        }
        self.kept.found = found.clone();
        meaning.found = found;
    }

    fn unreadable(&mut self, span: Span, name: &str, path: &Path, error: &io::Error) {
        let message = format!("cannot read `{name}`: {}", why_unreadable(path, error));
        let help = "check the path and that the program may read it";
        self.problems
            .push(Diagnostic::new(Name::UnreadableFile, span, message, help));
    }

    /// The place of a fault of a file that has no text to show.
    fn nothing(&mut self, name: &str, path: &Path) -> Span {
        Span::file(self.sources.add(Source::new(name, "").in_file(path)))
    }
}

/// A file that was read, and not yet understood.
struct Read {
    text: String,
    stamp: Option<Stamp>,
    hash: u64,
    bytes: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_read_as_short_ones_are() {
        let pairs = "@ann:x.org sees @bob:x.org # a pair\n".repeat(20_000);
        let lists = "group g = (\n  @a:x, # one\n  @b:x,\n)\nsend all\n  to @c\n".repeat(6_000);
        let wrong = format!("{pairs}blokc @a\n{pairs}");
        for texts in [
            vec!["block @a\n", pairs.as_str(), "", lists.as_str()],
            vec![lists.as_str(), wrong.as_str(), "send all\n"],
        ] {
            let mut loader = Loader::default();
            let add = |text| loader.sources.add(Source::new("a", text));
            let ids: Vec<SourceId> = texts.iter().copied().map(add).collect();
            let mut problems = Vec::new();
            let whole = ids.iter().zip(&texts);
            let whole = whole.map(|(id, text)| syntax::whole(*id, text, &mut problems).into());
            let whole: Vec<(SourceId, Arc<[Packed]>)> = ids.iter().copied().zip(whole).collect();
            let said = |texts: &[(SourceId, Arc<[Packed]>)]| {
                let parts = texts
                    .iter()
                    .flat_map(|(id, parts)| parts.iter().map(|part| (*id, part)));
                let rules: Vec<_> = parts
                    .clone()
                    .flat_map(|(id, part)| part.rules(id))
                    .collect();
                (
                    rules,
                    parts
                        .flat_map(|(id, part)| part.others(id))
                        .collect::<Vec<_>>(),
                )
            };
            let found = loader.statements(&ids);
            assert!(said(&found) == said(&whole) && loader.problems == problems);
            assert!(texts.iter().any(|text| syntax::cuts(text).len() > 1));
        }
    }
}
