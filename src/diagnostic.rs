//! Problems in a policy, and how they are shown.
//!
//! A [`Diagnostic`] is one problem with its stable [`Name`], its place and what to write instead.
//! A [`Report`] is all problems of one load with the texts they lie in, in one order whatever
//! order they were found in. Shown two ways: for people in rustc's style, and as JSON lines
//! (the language reference, section 5).
//!
//! Not for: failed operations (`error`), nor for finding problems.
//!
//! Law: a report never loses a problem, and one place never gets the same problem twice.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use annotate_snippets::{AnnotationKind, Level as Shown, Origin, Renderer, Snippet};
use serde::Serialize;

use crate::source::{Position, Sources, Span};

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
            message: visible(&message.into()).into_owned(),
            span,
            labels: Vec::new(),
            help: visible(&help.into()).into_owned(),
        }
    }

    /// The same problem with a second place.
    #[must_use]
    pub fn with_label(mut self, span: Span, message: impl Into<String>) -> Self {
        let message = visible(&message.into()).into_owned();
        self.labels.push(Label { span, message });
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

/// A problem as one JSON object; the fields and their order are a promise to scripts.
#[derive(Serialize)]
struct JsonLine<'a> {
    level: Level,
    name: &'a str,
    message: &'a str,
    file: &'a str,
    line: usize,
    column: usize,
    help: &'a str,
}

/// A line longer than this is named but not printed.
const LONGEST_SHOWN_LINE: usize = 4096;

/// Marks at most so many lines apart are shown together.
const NEIGHBOURS: usize = 4;

impl Report {
    /// Puts problems in order. Costs a sort.
    pub fn new(sources: impl Into<Arc<Sources>>, mut problems: Vec<Diagnostic>) -> Self {
        let sources = sources.into();
        problems.sort_by(|a, b| {
            let file = |d: &Diagnostic| sources.name(d.span.source).as_bytes().to_vec();
            let place = |d: &Diagnostic| (d.span.start, d.level(), d.name);
            (file(a), place(a)).cmp(&(file(b), place(b)))
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

    /// For people, in rustc's style, every problem and a last line that counts them; empty for an
    /// empty report. `color` adds ANSI escapes.
    pub fn render(&self, color: bool) -> String {
        if self.is_empty() {
            return String::new();
        }
        let renderer = if color {
            Renderer::styled()
        } else {
            Renderer::plain()
        };
        let mut text = String::new();
        for problem in &self.problems {
            text.push_str(&self.render_one(&renderer, problem));
            text.push_str("\n\n");
        }
        text.push_str(&self.summary());
        text.push('\n');
        text
    }

    fn render_one(&self, renderer: &Renderer, problem: &Diagnostic) -> String {
        let level = match problem.level() {
            Level::Error => Shown::ERROR,
            Level::Warning => Shown::WARNING,
        };
        let mut group = level
            .primary_title(problem.message.as_str())
            .id(problem.name.as_str())
            .elements(Vec::<Snippet<'_, annotate_snippets::Annotation<'_>>>::new());
        let first = (problem.span, "", AnnotationKind::Primary);
        let others = problem.labels.iter();
        let others = others.map(|l| (l.span, l.message.as_str(), AnnotationKind::Context));
        // Neighbours share a snippet, so that they are drawn together.
        let mut marks: Vec<_> = std::iter::once(first).chain(others).collect();
        while let Some((span, ..)) = marks.first().copied() {
            let line = self.sources.position(span).line;
            let near = |mark: &(Span, &str, AnnotationKind)| {
                mark.0.source == span.source
                    && self.sources.position(mark.0).line.abs_diff(line) <= NEIGHBOURS
            };
            let (here, rest) = marks.into_iter().partition(near);
            marks = rest;
            group = self.add_marks(group, here);
        }
        if !problem.help.is_empty() {
            group = group.element(Shown::HELP.message(problem.help.as_str()));
        }
        renderer.render(&[group])
    }

    /// Adds the marks of one source to a group: the lines they lie on, or the bare place if there
    /// is no such line to show.
    fn add_marks<'a>(
        &'a self,
        group: annotate_snippets::Group<'a>,
        marks: Vec<(Span, &'a str, AnnotationKind)>,
    ) -> annotate_snippets::Group<'a> {
        let Some(&(span, ..)) = marks.first() else {
            return group;
        };
        let Some(source) = self.sources.get(span.source) else {
            return group;
        };
        let at = source.position(span.start);
        let lines = marks.iter().map(|mark| source.position(mark.0.start).line);
        let low = lines.clone().min().unwrap_or(at.line);
        let high = lines.max().unwrap_or(at.line);
        let start = source.line_start(low);
        let end = source.line_start(high) + source.line(high).len();
        let text = source.text().get(start..end).unwrap_or_default();
        if text.is_empty() || text.len() > LONGEST_SHOWN_LINE * (1 + high - low).min(64) {
            let place = Origin::path(source.name())
                .line(at.line)
                .char_column(at.column);
            return group.element(place);
        }
        let mut snippet = Snippet::source(text)
            .line_start(low)
            .path(visible(source.name()));
        for (span, label, kind) in marks {
            let from = (span.start as usize).clamp(start, end) - start;
            // A mark stays on the line it begins on.
            let line_end = start
                + source.line(source.position(span.start).line).len()
                + (source.line_start(source.position(span.start).line) - start);
            let to = (span.end as usize).clamp(start + from, line_end.max(start + from)) - start;
            let mark = kind.span(from..to);
            let label = (!label.is_empty()).then_some(label);
            snippet = snippet.annotation(mark.label(label));
        }
        group.element(snippet)
    }

    fn summary(&self) -> String {
        let count = |n: usize, what: &str| match n {
            0 => None,
            1 => Some(format!("1 {what}")),
            n => Some(format!("{n} {what}s")),
        };
        let parts = [
            count(self.errors(), "error"),
            count(self.warnings(), "warning"),
        ];
        parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
    }

    /// One JSON object a line (the language reference, section 5).
    pub fn json_lines(&self) -> String {
        let mut text = String::new();
        for problem in &self.problems {
            let position = self.position(problem);
            let line = JsonLine {
                level: problem.level(),
                name: problem.name.as_str(),
                message: &problem.message,
                file: self.file(problem),
                line: position.line,
                column: position.column,
                help: &problem.help,
            };
            // Strings and numbers alone: this cannot fail.
            text.push_str(&serde_json::to_string(&line).unwrap_or_default());
            text.push('\n');
        }
        text
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl std::error::Error for Report {}

/// A text for people: control characters, which a terminal would obey, are escaped. Costs one pass.
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.contains(char::is_control) {
        return text.into();
    }
    let escape = |c: char| {
        if c.is_control() {
            c.escape_default().to_string()
        } else {
            c.into()
        }
    };
    text.chars().map(escape).collect::<String>().into()
}

/// The known word nearest to a mistyped one, if one is near enough to be meant.
///
/// Near means at most one edit in three characters; a swap of neighbours counts as one. Costs the
/// product of the lengths for each known word.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let limit = (word.chars().count() / 3).max(1);
    let scored = known
        .into_iter()
        .filter(|k| k.len().abs_diff(word.len()) <= limit * 4);
    let scored = scored.map(|k| (edits(word, k), k));
    let best = scored.filter(|(d, k)| *d <= limit && *k != word).min();
    best.map(|(_, k)| k)
}

/// The optimal string alignment distance.
fn edits(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=b.len()).collect();
    let mut last = None;
    for (i, x) in a.chars().enumerate() {
        let mut row = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let at = |v: &[usize], k: usize| v.get(k).copied().unwrap_or(usize::MAX - 1);
            let mut cost = (at(&above, j) + usize::from(x != *y))
                .min(at(&above, j + 1) + 1)
                .min(at(&row, j) + 1);
            let crossed = j > 0 && last == Some(*y) && b.get(j - 1) == Some(&x);
            if crossed && !before.is_empty() {
                cost = cost.min(at(&before, j - 1) + 1);
            }
            row.push(cost);
        }
        before = std::mem::replace(&mut above, row);
        last = Some(x);
    }
    above.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Source;

    #[test]
    fn nearest_word() {
        let words = ["send", "block", "group", "server"];
        assert_eq!(nearest("snd", words), Some("send"));
        assert_eq!(nearest("blcok", words), Some("block"));
        assert_eq!(nearest("presence", words), None);
    }

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
