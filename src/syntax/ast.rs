//! What was written: statements and selectors with their places.
//!
//! Words are kept as places in the text and nothing more; `word` reads them, `resolve` finds what
//! they mean.

use crate::source::Span;

/// A user, server, room, group name or path, where it stands. The span covers quotes too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Word {
    /// Its place.
    pub span: Span,
    /// Whether it stands in quotes.
    pub quoted: bool,
}

/// One statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Statement {
    /// `server example.org`
    Server(Word),
    /// `group staff = @ann, @bob`
    Group(Word, Selector),
    /// `group oncall from "oncall.yaml"`
    GroupFile(Word, Word),
    /// A group whose definition could not be read; the problem is reported already.
    BrokenGroup(Word),
    /// Any statement about who receives whose presence.
    Rule(Rule),
}

/// What a rule does with its rectangle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// The recipients receive the senders.
    Allow,
    /// The recipients do not receive the senders, whatever else allows it.
    Block,
}

/// A rule as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Allow or block.
    pub action: Action,
    /// Whose presence.
    pub senders: Selector,
    /// Who receives it; `None` as in `block @alice`: everyone.
    pub recipients: Option<Selector>,
    /// The whole statement.
    pub span: Span,
}

/// Who is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selector {
    /// In which way.
    pub kind: Kind,
    /// Where it stands.
    pub span: Span,
}

/// The ways to mean users.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// `all`, `all users`, `everyone`
    Everyone,
    /// `@ann`, `@bot-*:example.org`
    User(Word),
    /// `users on (a.org, *.b.org)`
    Servers(Vec<Word>),
    /// `users matching /.../`; the span covers the slashes
    Matching(Span),
    /// `local users`
    Local,
    /// `remote users`
    Remote,
    /// `members of (!a, #b)`
    Members(Vec<Word>),
    /// `group staff`
    Group(Word),
    /// `A, B and C`
    Union(Vec<Selector>),
    /// `A who are B who are C`
    Both(Vec<Selector>),
    /// `A except B`
    Except(Box<Selector>, Box<Selector>),
}
