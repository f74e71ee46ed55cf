//! Problems in a policy, and how they are shown.
//!
//! A [`Diagnostic`] is one problem with its stable [`Name`], its place and what to write instead.
//! A [`Report`] is all problems of one load with the texts they lie in, in one order whatever
//! order they were found in. `human` shows one to people, `json`, `sarif` and `github`
//! to programs; `visible` is how all show texts; `name` holds the names, `nearest` finds the word
//! that was meant, and `fix` makes the edits that are certain.
//!
//! Not for: failed operations (`error`), nor for finding problems.
//!
//! Law: a report never loses a problem, and one place never gets the same problem twice.

mod fix;
mod github;
mod human;
mod json;
mod name;
mod nearest;
mod sarif;
mod visible;

use std::fmt;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use crate::source::{Position, Sources, Span};

pub use fix::{Fixed, apply};
pub use name::{Level, Name};
pub use nearest::nearest;
use visible::quoting_little;
pub(crate) use visible::visible_message;
pub use visible::{short, visible};

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
        let paths = matches!(name, Name::UnreadableFile | Name::NotUtf8 | Name::TooLarge);
        Diagnostic {
            name,
            message: visible_message(&quoting_little(&message.into(), paths)),
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

    /// Error, warning or note.
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

    /// The same report without the problems that are not `kept`.
    #[must_use]
    pub fn filtered(&self, kept: impl Fn(&Diagnostic) -> bool) -> Self {
        let mut report = self.clone();
        report.problems.retain(kept);
        report
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

    /// Line and column behind the last character of a span, from 1, columns in characters.
    fn end(&self, span: Span) -> Position {
        let end = Span {
            start: span.end.max(span.start),
            ..span
        };
        self.sources.position(end)
    }

    /// The file a span lies in as it was opened, without `.` in it; a text from no file by its name.
    fn opened(&self, span: Span) -> PathBuf {
        let source = self.sources.get(span.source);
        let path = source.and_then(|source| source.path());
        let path = path.unwrap_or_else(|| Path::new(self.sources.name(span.source)));
        let parts = path.components();
        parts.filter(|part| *part != Component::CurDir).collect()
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
        self.count(Level::Error)
    }

    /// How many warnings there are.
    pub fn warnings(&self) -> usize {
        self.count(Level::Warning)
    }

    /// How many notes there are.
    pub fn notes(&self) -> usize {
        self.count(Level::Note)
    }

    fn count(&self, level: Level) -> usize {
        let problems = self.problems.iter();
        problems.filter(|d| d.level() == level).count()
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
