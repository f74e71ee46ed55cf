//! What is meant: a policy with every name resolved.
//!
//! A [`PolicySet`] is all rules together. Each [`Rule`] is a rectangle, senders times recipients,
//! and each side is a [`Selector`]. Nothing here knows who is in a room or which users exist: that
//! is the [`Directory`](crate::directory::Directory).
//!
//! Law: frozen once made. Groups stand in an order in which each comes after all groups it uses.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use regex_automata::nfa::thompson::NFA;
use regex_syntax::hir::literal::Extractor;

use crate::glob::Glob;
use crate::id::{RoomAlias, RoomId, ServerName, UserId};
use crate::names::Numbers;
use crate::source::Span;

pub use crate::names::Names;
pub use crate::syntax::ast::Action;

/// All rules of a policy together.
#[derive(Debug, Clone, Default)]
pub struct PolicySet {
    /// Every rule, in the order of files and lines.
    pub rules: Vec<Rule>,
    /// Every group, each after those it uses.
    pub groups: Vec<Group>,
    /// Every user ID written anywhere in the policy or in a group file.
    pub named: Arc<Names>,
    /// The numbers of the users in the selectors, by their keys.
    pub(crate) numbers: Numbers,
    /// Every room written anywhere, with its places.
    pub rooms: Vec<(Room, Span)>,
    /// The server that completes names: the `server` statement's, else the homeserver's.
    pub default_server: Option<ServerName>,
    /// Where the first `server` statement has it.
    pub server_place: Option<Span>,
}

/// A rectangle in the table of users times users.
#[derive(Debug, Clone)]
pub struct Rule {
    /// Whether it allows or blocks.
    pub action: Action,
    /// Whose presence.
    pub senders: Selector,
    /// Who receives it.
    pub recipients: Selector,
    /// The whole statement.
    pub span: Span,
}

/// Where a group stands in [`PolicySet::groups`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupId(pub u32);

/// A selector under a name.
#[derive(Debug, Clone)]
pub struct Group {
    /// Its name.
    pub name: String,
    /// Its name in its definition.
    pub span: Span,
    /// Who is in it.
    pub selector: Selector,
}

/// A part of a rule that picks users.
#[derive(Debug, Clone)]
pub struct Selector {
    /// In which way.
    pub kind: Kind,
    /// Where it stands.
    pub span: Span,
}

/// The ways to pick users.
#[derive(Debug, Clone)]
pub enum Kind {
    /// Every user, unknown ones too.
    Everyone,
    /// This user.
    User(Named),
    /// The users whose ID matches.
    UserGlob(Glob),
    /// The users on this server.
    Server(ServerName),
    /// The users whose server matches.
    ServerGlob(Glob),
    /// The users whose whole ID matches.
    Matching(Pattern),
    /// The users on the homeserver's own server.
    Local,
    /// All others.
    Remote,
    /// The users joined to this room.
    Members(Room),
    /// The users of a group file.
    Listed(Listed),
    /// The users of a group.
    Group(GroupId),
    /// The users in any of these.
    Any(Box<[Selector]>),
    /// The users in all of these.
    Both(Box<[Selector]>),
    /// The users in the first and not in the second.
    Except(Box<Selector>, Box<Selector>),
}

/// A user named in a policy: their ID.
#[derive(Clone)]
pub struct Named {
    id: UserId,
    /// Has their number in [`PolicySet::numbers`], so that nobody looks for it again.
    key: u32,
}

impl Named {
    pub(crate) fn new(id: UserId, key: u32) -> Self {
        Named { id, key }
    }

    pub(crate) fn key(&self) -> u32 {
        self.key
    }
}

impl Deref for Named {
    type Target = UserId;

    fn deref(&self) -> &UserId {
        &self.id
    }
}

impl fmt::Debug for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.id, f)
    }
}

/// Some of the users named in a policy, sorted, each once.
#[derive(Clone, Default)]
pub struct Listed {
    names: Arc<Names>,
    numbers: Arc<[u32]>,
}

impl Listed {
    /// From sorted numbers, each once.
    pub(crate) fn new(names: Arc<Names>, numbers: Arc<[u32]>) -> Self {
        Listed { names, numbers }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.numbers.len()
    }

    /// Whether there is nobody.
    pub fn is_empty(&self) -> bool {
        self.numbers.is_empty()
    }

    /// The users in byte order. Costs a look at each.
    pub fn iter(&self) -> impl Iterator<Item = &UserId> {
        self.names.users_of(&self.numbers).into_iter()
    }

    /// Whether a user is among them. Costs a look-up and a binary search.
    pub fn contains(&self, user: &str) -> bool {
        let number = self.names.number(user);
        number.is_some_and(|number| self.numbers.binary_search(&number).is_ok())
    }

    /// Their numbers in [`PolicySet::named`].
    pub(crate) fn numbers(&self) -> &Arc<[u32]> {
        &self.numbers
    }
}

impl fmt::Debug for Listed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// A room as a policy names it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Room {
    /// By its ID.
    Id(RoomId),
    /// By an alias, looked up in the directory at each question.
    Alias(RoomAlias),
}

impl Room {
    /// The ID or alias as it is written.
    pub fn as_str(&self) -> &str {
        match self {
            Room::Id(id) => id.as_str(),
            Room::Alias(alias) => alias.as_str(),
        }
    }
}

/// The most bytes a compiled regex may take.
pub const MAX_REGEX_BYTES: usize = 1 << 20;

/// The most bytes the compiled regexes of a policy may take together.
pub const MAX_REGEXES_BYTES: usize = 64 << 20;

/// The most bytes a regex may be written in: its letters alone take more when compiled than
/// [`MAX_REGEX_BYTES`]. What is made of its text before it is compiled has no limit of its own.
const MAX_REGEX_TEXT: usize = 64 << 10;

/// A regex that matches whole user IDs.
#[derive(Clone)]
pub struct Pattern(Arc<Compiled>);

/// Kept apart: a [`Selector`] is there for every side of every rule, and so small.
struct Compiled {
    text: Box<str>,
    regex: regex::Regex,
    bytes: usize,
    starts: Option<Box<[Box<str>]>>,
}

impl Pattern {
    /// Compiles a regex in the syntax of the `regex` crate.
    ///
    /// # Errors
    /// The crate's own, for a wrong regex and for one over [`MAX_REGEX_BYTES`].
    pub fn new(text: &str) -> Result<Self, regex::Error> {
        let build = |text: &str| {
            let mut builder = regex::RegexBuilder::new(text);
            builder.size_limit(MAX_REGEX_BYTES).build()
        };
        if text.len() > MAX_REGEX_TEXT {
            return Err(regex::Error::CompiledTooBig(MAX_REGEX_BYTES));
        }
        // By itself first: `a)(b` must not become right inside our own group.
        let wrong = |error: regex_syntax::Error| regex::Error::Syntax(error.to_string());
        regex_syntax::parse(text).map_err(wrong)?;
        // In verbose mode a last comment would swallow our `)`: a line end stops it.
        let regex = build(&format!(r"\A(?:{text})\z"))
            .or_else(|_| build(&format!("\\A(?:{text}\n)\\z")))?;
        let compiled = Compiled {
            text: text.into(),
            starts: starts_of(regex.as_str()),
            // The crate does not tell; its limit is on this automaton.
            bytes: NFA::new(regex.as_str()).map_or(0, |nfa| nfa.memory_usage()),
            regex,
        };
        Ok(Pattern(Arc::new(compiled)))
    }

    /// Whether the whole user ID matches. Linear in its length.
    pub fn matches(&self, user_id: &str) -> bool {
        self.0.regex.is_match(user_id)
    }

    /// Texts of which every user ID that matches begins with one: sorted, and none begins with another.
    /// `None` if it may begin with anything, or with too many.
    pub fn starts(&self) -> Option<&[Box<str>]> {
        self.0.starts.as_deref()
    }

    /// The bytes that it takes when compiled, as [`MAX_REGEX_BYTES`] counts them.
    pub fn bytes(&self) -> usize {
        self.0.bytes
    }

    /// The regex as it was written.
    pub fn as_str(&self) -> &str {
        &self.0.text
    }
}

/// What the matches of a regex begin with, as [`Pattern::starts`] says it.
fn starts_of(regex: &str) -> Option<Box<[Box<str>]>> {
    let hir = regex_syntax::parse(regex).ok()?;
    let starts = Extractor::new().extract(&hir);
    let mut texts: Vec<Box<str>> = Vec::new();
    for start in starts.literals()? {
        let text = std::str::from_utf8(start.as_bytes()).ok()?;
        if text.is_empty() {
            return None;
        }
        texts.push(text.into());
    }
    texts.sort_unstable();
    // A text stands before all that begin with it.
    texts.dedup_by(|next, before| next.starts_with(&**before));
    Some(texts.into())
}

/// Many regexes that are matched in one pass.
#[derive(Debug, Clone)]
pub struct Patterns(regex::RegexSet);

impl Patterns {
    /// Compiles regexes into one; `None` if they are too large together.
    pub fn new(patterns: &[Pattern]) -> Option<Self> {
        let texts = patterns.iter().map(|pattern| pattern.0.regex.as_str());
        let mut builder = regex::RegexSetBuilder::new(texts);
        let builder = builder.size_limit(MAX_REGEXES_BYTES);
        builder.build().ok().map(Patterns)
    }

    /// The positions of those that match the whole user ID, ascending. Costs the ID's length, and more
    /// only while states are met for the first time.
    pub fn matching(&self, user_id: &str) -> impl Iterator<Item = usize> {
        self.0.matches(user_id).into_iter()
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "/{}/", self.0.text)
    }
}

impl PolicySet {
    /// The group of an id.
    pub fn group(&self, id: GroupId) -> Option<&Group> {
        self.groups.get(id.0 as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::Pattern;

    #[test]
    fn patterns_match_the_whole_id() {
        let matches = |text: &str, id: &str| Pattern::new(text).unwrap().matches(id);
        assert!(matches("@a.*|@b:x", "@ann:x"));
        assert!(!matches("@a|@ann", "@ann:x"));
        assert!(matches("@a|@ann:x", "@ann:x"));
        assert!(!matches("ann", "@ann:x"));
        assert!(matches("(?x) @ann:x # the one", "@ann:x"));
        assert!(!matches("(?m)@ann:x$", "@ann:x\n"));
        assert!(Pattern::new("a)(b").is_err());
        assert!(Pattern::new(r"(?:a{1000}){1000}").is_err());
    }

    #[test]
    fn what_matches_begins_as_it_is_said() {
        let starts = |text: &str| {
            let pattern = Pattern::new(text).unwrap();
            let starts = pattern.starts();
            starts.map(|starts| starts.iter().map(|start| start.to_string()).collect())
        };
        let said = |texts: &[&str]| Some(texts.iter().map(|text| text.to_string()).collect());
        assert_eq!(
            starts(r"@(bob|carl)\.7[01]+:.*"),
            said(&["@bob.70", "@bob.71", "@carl.70", "@carl.71"])
        );
        assert_eq!(starts("@ann:x|@a.*|@ab:y|@b"), said(&["@a", "@b"]));
        assert_eq!(starts("(?i)@Ö:x"), said(&["@Ö:X", "@Ö:x", "@ö:X", "@ö:x"]));
        assert_eq!(starts(".*:x"), None::<Vec<String>>);
        assert_eq!(starts("(?:@a)?.*"), None);
        assert_eq!(starts("[a&&b]"), said(&[]));
    }
}
