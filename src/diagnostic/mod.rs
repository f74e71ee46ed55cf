//! Problems in a policy, and how they are shown.
//!
//! A [`Diagnostic`] is one problem with its stable [`Name`], its place and what to write instead.
//! A [`Report`] is all problems of one load with the texts they lie in, in one order whatever
//! order they were found in. `human` shows one to people, `formats` to programs; `visible` is how
//! either shows texts; `nearest` finds the word that was meant.
//!
//! Not for: failed operations (`error`), nor for finding problems.
//!
//! Law: a report never loses a problem, and one place never gets the same problem twice.

mod formats;
mod human;
mod nearest;
mod visible;

use std::fmt;
use std::sync::Arc;

use serde::Serialize;

use crate::source::{Position, Sources, Span};

pub use nearest::nearest;
pub use visible::visible;
pub(crate) use visible::visible_message;

/// How grave a problem is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// The policy does not load.
    Error,
    /// The policy loads and does what it says, which is likely not what was meant.
    Warning,
}

macro_rules! names {
    ($($level:ident { $($variant:ident = $name:literal: $doc:literal,)* })*) => {
        /// The stable name of a kind of problem (the language reference, section 3).
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Name {
            $($(#[doc = $doc] $variant,)*)*
        }

        impl Name {
            /// All names, errors first.
            pub const ALL: &'static [Name] = &[$($(Name::$variant,)*)*];

            /// The name as it is written in reports and options.
            pub fn as_str(self) -> &'static str {
                match self { $($(Name::$variant => $name,)*)* }
            }

            /// Whether it keeps a policy from loading.
            pub fn level(self) -> Level {
                match self { $($(Name::$variant => Level::$level,)*)* }
            }
        }
    };
}

names! {
    Error {
        Syntax = "syntax": "The text does not follow the grammar.",
        InvalidUserId = "invalid-user-id": "A word that must be a user ID is none.",
        InvalidServer = "invalid-server": "A word that must be a server name is none.",
        InvalidRoom = "invalid-room": "A word that must be a room ID or alias is none.",
        InvalidRegex = "invalid-regex": "A regular expression does not compile.",
        MissingServer = "missing-server": "A name without a server, and no default to complete it.",
        ConflictingServer = "conflicting-server": "Two `server` statements that differ.",
        UnknownGroup = "unknown-group": "A group that is defined nowhere.",
        DuplicateGroup = "duplicate-group": "A second definition of a group.",
        GroupCycle = "group-cycle": "A group that contains itself.",
        UnreadableFile = "unreadable-file": "A file or folder that cannot be read.",
        InvalidGroupFile = "invalid-group-file": "A group file that is no list of user IDs.",
        NotUtf8 = "not-utf8": "A file that is not UTF-8.",
        TooLarge = "too-large": "Something over one of the limits.",
    }
    Warning {
        UnusedGroup = "unused-group": "A group that no rule uses.",
        DuplicateRule = "duplicate-rule": "A rule that an earlier one repeats.",
        RedundantRule = "redundant-rule": "Another rule already gives all of it.",
        BlockedRule = "blocked-rule": "A block undoes all of it.",
        IdleBlock = "idle-block": "A block with nothing to undo.",
        EmptySelector = "empty-selector": "A selector that no user can be in.",
        UnresolvedRoom = "unresolved-room": "A room that the directory does not know.",
        UnknownUser = "unknown-user": "A local user whom the directory does not know.",
        RemoteDisclosure = "remote-disclosure": "A remote recipient discloses to their whole server.",
        CostlyRule = "costly-rule": "One update makes very many deliveries.",
        ConfusableId = "confusable-id": "Another ID looks the same.",
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A second place that matters to a problem, such as the other definition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// Where.
    pub span: Span,
    /// What is there.
    pub message: String,
}

/// One change of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// What is taken out; empty where something is only put in.
    pub span: Span,
    /// What is put there.
    pub text: String,
}

/// One problem: what, where, and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// Its stable name; gives the level too.
    pub name: Name,
    /// What is wrong: lower case, no full stop, input in backticks.
    pub message: String,
    /// The offending words.
    pub span: Span,
    /// Other places that matter.
    pub labels: Vec<Label>,
    /// What to write instead.
    pub help: String,
    /// The edits that solve it, all together, if it is certain what was meant; else none.
    pub fix: Vec<Edit>,
}

impl Diagnostic {
    /// A problem at a place.
    pub fn new(
        name: Name,
        span: Span,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        Diagnostic {
            name,
            message: visible_message(&message.into()),
            span,
            labels: Vec::new(),
            help: visible_message(&help.into()),
            fix: Vec::new(),
        }
    }

    /// The same problem with a second place.
    #[must_use]
    pub fn with_label(mut self, span: Span, message: impl Into<String>) -> Self {
        let message = visible_message(&message.into());
        self.labels.push(Label { span, message });
        self
    }

    /// The same problem with one edit more that belongs to its fix.
    #[must_use]
    pub fn with_edit(mut self, span: Span, text: impl Into<String>) -> Self {
        let text = text.into();
        self.fix.push(Edit { span, text });
        self
    }

    /// Error or warning.
    pub fn level(&self) -> Level {
        self.name.level()
    }
}

/// All problems of one load with the texts they lie in, ordered by file, line and column.
#[derive(Debug, Clone, Default)]
pub struct Report {
    sources: Arc<Sources>,
    problems: Vec<Diagnostic>,
}

impl Report {
    /// Puts problems in order. Costs a sort.
    pub fn new(sources: impl Into<Arc<Sources>>, mut problems: Vec<Diagnostic>) -> Self {
        let sources = sources.into();
        problems.sort_by(|a, b| {
            let place = |d: &Diagnostic| (d.span.start, d.level(), d.name);
            let files = sources.name(a.span.source).cmp(sources.name(b.span.source));
            files.then_with(|| place(a).cmp(&place(b)))
        });
        problems.dedup_by(|a, b| a.name == b.name && a.span == b.span);
        Report { sources, problems }
    }

    /// The problems in order.
    pub fn problems(&self) -> &[Diagnostic] {
        &self.problems
    }

    /// The texts the problems lie in.
    pub fn sources(&self) -> &Arc<Sources> {
        &self.sources
    }

    /// Line and column of a problem of this report, from 1, columns in characters.
    pub fn position(&self, problem: &Diagnostic) -> Position {
        self.sources.position(problem.span)
    }

    /// The name of the file a problem of this report lies in.
    pub fn file(&self, problem: &Diagnostic) -> &str {
        self.sources.name(problem.span.source)
    }

    /// Whether there is no problem at all.
    pub fn is_empty(&self) -> bool {
        self.problems.is_empty()
    }

    /// How many problems there are.
    pub fn len(&self) -> usize {
        self.problems.len()
    }

    /// Whether one of them keeps the policy from loading.
    pub fn has_errors(&self) -> bool {
        self.errors() > 0
    }

    /// How many errors there are.
    pub fn errors(&self) -> usize {
        let errors = self.problems.iter();
        errors.filter(|d| d.level() == Level::Error).count()
    }

    /// How many warnings there are.
    pub fn warnings(&self) -> usize {
        self.len() - self.errors()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl std::error::Error for Report {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Source;

    #[test]
    fn report_is_ordered_and_counts() {
        let mut sources = Sources::default();
        let b = sources.add(Source::new("b.policy", "one\ntwo\n"));
        let a = sources.add(Source::new("a.policy", "three\n"));
        let problem = |source, start, end| {
            let span = Span::new(source, start, end);
            Diagnostic::new(Name::Syntax, span, "message", "help")
        };
        let report = Report::new(
            sources,
            vec![problem(b, 4, 7), problem(a, 0, 5), problem(b, 0, 3)],
        );
        let places = report.problems().iter();
        let places: Vec<_> = places
            .map(|p| (report.file(p), report.position(p).line))
            .collect();
        assert_eq!(places, [("a.policy", 1), ("b.policy", 1), ("b.policy", 2)]);
        assert!(report.render(false).ends_with("\n3 errors\n"), "{report}");
        let first = r#"{"level":"error","name":"syntax","message":"message","file":"a.policy","line":1,"column":1,"help":"help"}"#;
        assert_eq!(report.json_lines().lines().next(), Some(first));
    }
}
