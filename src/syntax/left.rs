//! What other programs left in a policy's text, told once each so that the rest can be read.
//!
//! Not for: finding it (`foreign`).
//!
//! Law: a conflict is one problem, however many lines it has, and so are an encrypted text and each
//! place of a template. What stands in a comment is none. A statement with a place of a template in it
//! is not read, for nobody knows what it would have said.

use std::borrow::Cow;

use super::ast::{Statement, Word};
use super::layout::Logical;
use crate::diagnostic::{Diagnostic, Name};
use crate::foreign::{Foreign, Kind, foreign, without_hidden};
use crate::source::{SourceId, Span};

/// What was left in one text.
pub(super) struct Left {
    source: SourceId,
    found: Vec<Foreign>,
}

impl Left {
    /// Looks through a text once.
    pub(super) fn of(source: SourceId, text: &str) -> Self {
        let found = foreign(text);
        Left { source, found }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// The text to read, byte for byte as long.
    pub(super) fn seen<'t>(&self, text: &'t str) -> Cow<'t, str> {
        match self.is_empty() {
            true => Cow::Borrowed(text),
            false => Cow::Owned(without_hidden(text, &self.found)),
        }
    }

    /// The problems of all that is not read.
    pub(super) fn problems(&self, text: &str) -> Vec<Diagnostic> {
        let hidden = self.found.iter().filter(|found| !found.hidden.is_empty());
        hidden.map(|found| self.problem(found, text)).collect()
    }

    /// The problems of the places of templates in a statement.
    pub(super) fn in_statement(&self, line: &Logical<'_>, text: &str) -> Vec<Diagnostic> {
        let from = self
            .found
            .partition_point(|found| found.shown.start < line.start);
        let inside = self.found.get(from..).unwrap_or_default().iter();
        let end = line.start + line.text.len();
        let inside = inside.take_while(|found| found.shown.start < end);
        // A comment in the statement is blank.
        let is_read = |found: &&Foreign| {
            let at = found.shown.start - line.start;
            let first = text.get(found.shown.clone()).and_then(|t| t.chars().next());
            found.hidden.is_empty() && line.text.get(at..).and_then(|t| t.chars().next()) == first
        };
        let inside = inside.filter(is_read);
        inside.map(|found| self.problem(found, text)).collect()
    }

    /// Whether a problem lies in a conflict, whose lines need not be right.
    pub(super) fn explains(&self, problem: &Diagnostic) -> bool {
        let at = problem.span.start as usize;
        self.found.iter().any(|found| {
            let end = found.hidden.last().map_or(0, |last| last.end);
            found.kind == Kind::Conflict && found.shown.start < at && at < end
        })
    }

    /// The groups that the sides define which are not read, each once and none of those `defined`, so
    /// that their uses are not called unknown as well.
    pub(super) fn groups(&self, text: &str, defined: &[Statement]) -> Vec<Statement> {
        let conflicts = self.found.iter().filter(|f| f.kind == Kind::Conflict);
        let name_of = |statement: &Statement| match statement {
            Statement::Group(name, _)
            | Statement::GroupFile(name, _)
            | Statement::BrokenGroup(name) => {
                text.get(name.span.start as usize..name.span.end as usize)
            }
            Statement::Server(_) | Statement::Rule(_) => None,
        };
        let mut known: Vec<&str> = Vec::new();
        let mut groups = Vec::new();
        for hidden in conflicts.flat_map(|conflict| conflict.hidden.clone()) {
            let line = text.get(hidden.clone()).unwrap_or_default();
            let Some((at, name)) = defines(line) else {
                continue;
            };
            if known.is_empty() {
                known.extend(defined.iter().filter_map(name_of));
            }
            if !known.contains(&name) {
                known.push(name);
                let start = hidden.start + at;
                let span = Span::new(self.source, start, start + name.len());
                let quoted = false;
                groups.push(Statement::BrokenGroup(Word { span, quoted }));
            }
        }
        groups
    }

    fn problem(&self, found: &Foreign, text: &str) -> Diagnostic {
        let span = Span::new(self.source, found.shown.start, found.shown.end);
        let problem = Diagnostic::new(Name::Syntax, span, found.message(text), found.help());
        match (found.kind, found.hidden.last()) {
            (Kind::Conflict, Some(last)) if found.hidden.len() > 1 => {
                let line = text.get(last.clone()).unwrap_or_default();
                let end = last.start + line.trim_end_matches(['\n', '\r']).len();
                let end = Span::new(self.source, last.start, end);
                problem.with_label(end, "up to here")
            }
            _ => problem,
        }
    }
}

/// The group that a line defines, and at which byte of it.
fn defines(line: &str) -> Option<(usize, &str)> {
    let rest = line.trim_start().strip_prefix("group")?;
    let from_name = rest.trim_start_matches([' ', '\t']);
    let end = from_name.find([' ', '\t', '='])?;
    let (name, after) = from_name.split_at(end);
    let after = after.trim_start_matches([' ', '\t']);
    let defines = after.starts_with('=') || after.starts_with("from ");
    (rest.len() > from_name.len() && defines).then_some((line.len() - from_name.len(), name))
}
