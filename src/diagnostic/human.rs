//! A report for people, in rustc's style.
//!
//! Law: what a text holds is shown and never obeyed by a terminal.

use annotate_snippets::{AnnotationKind, Level as Shown, Origin, Renderer, Snippet};

use super::visible::drawn;
use super::{Diagnostic, Level, Report, visible};
use crate::source::Span;

/// A line longer than this is named but not printed.
const LONGEST_SHOWN_LINE: usize = 4096;

/// Marks at most so many lines apart are shown together.
const NEIGHBOURS: usize = 4;

impl Report {
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
            Level::Note => Shown::NOTE,
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
            let place = Origin::path(visible(source.name()))
                .line(at.line)
                .char_column(at.column);
            return group.element(place);
        }
        let (text, place) = drawn(text);
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
            let mark = kind.span(place(from)..place(to));
            let label = (!label.is_empty()).then_some(label);
            snippet = snippet.annotation(mark.label(label));
        }
        group.element(snippet)
    }

    /// How many errors, warnings and notes there are; empty for an empty report.
    pub fn summary(&self) -> String {
        let count = |n: usize, what: &str| match n {
            0 => None,
            1 => Some(format!("1 {what}")),
            n => Some(format!("{n} {what}s")),
        };
        let parts = [
            count(self.errors(), "error"),
            count(self.warnings(), "warning"),
            count(self.notes(), "note"),
        ];
        parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
    }
}
