//! Texts under their names, and places in them.
//!
//! A [`Source`] is one file (or one text given by the host) as it was read: its name, its text and
//! a table of its lines. A [`Span`] is a range of bytes in one of the [`Sources`] of a load. Lines
//! and columns are worked out only when a problem is shown.
//!
//! Not for: reading files (`files`), or saying what is wrong (`diagnostic`).
//!
//! Law: a span is only ever shown with the `Sources` it was made for; one past the end is shown at
//! the end.

use std::path::{Path, PathBuf};

/// Which of the [`Sources`] a [`Span`] lies in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceId(u32);

/// A range of bytes in one source. Sources are at most 64 MiB, so 32 bits are enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// The source it lies in.
    pub source: SourceId,
    /// The first byte.
    pub start: u32,
    /// The byte after the last one.
    pub end: u32,
}

impl Span {
    /// A span of `source` from byte `start` up to byte `end`.
    pub fn new(source: SourceId, start: usize, end: usize) -> Self {
        let clamp = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        Span {
            source,
            start: clamp(start),
            end: clamp(end.max(start)),
        }
    }

    /// A whole file's fault: its first place, line 1 column 1.
    pub fn file(source: SourceId) -> Self {
        Span::new(source, 0, 0)
    }
}

/// A place for people: line and column count from 1, columns in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
}

/// One text under its name.
#[derive(Debug, Clone)]
pub struct Source {
    name: String,
    path: Option<PathBuf>,
    text: String,
    line_starts: Vec<u32>,
}

impl Source {
    /// Takes a text; a leading byte order mark is dropped.
    ///
    /// Costs one pass over the text.
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Self {
        let mut text = text.into();
        if text.starts_with('\u{feff}') {
            text.drain(..'\u{feff}'.len_utf8());
        }
        let breaks = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let after = breaks.map(|(at, _)| u32::try_from(at + 1).unwrap_or(u32::MAX));
        let line_starts = std::iter::once(0).chain(after).collect();
        Source {
            name: name.into(),
            path: None,
            text,
            line_starts,
        }
    }

    /// The same text, read from this file.
    #[must_use]
    pub fn in_file(mut self, path: &Path) -> Self {
        self.path = Some(path.to_owned());
        self
    }

    /// The file that it was read from, if it was.
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// The name it is shown under: a path relative to the policy, with `/`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The text, without a byte order mark.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The line and column of a byte. Costs a binary search and one line.
    pub fn position(&self, byte: u32) -> Position {
        let line = self.line_starts.partition_point(|start| *start <= byte);
        let start = self.line_start(line);
        let before = self.text.get(start..byte as usize).unwrap_or_default();
        Position {
            line,
            column: before.chars().count() + 1,
        }
    }

    /// The byte of a line and column, both from 1; past the end of the line, its end.
    pub fn byte_at(&self, position: Position) -> usize {
        let start = self.line_start(position.line);
        let line = self.line(position.line);
        let skip = position.column.saturating_sub(1);
        let within = line
            .char_indices()
            .nth(skip)
            .map_or(line.len(), |(at, _)| at);
        start + within
    }

    /// The text of a line, from 1, without its end.
    pub fn line(&self, line: usize) -> &str {
        let start = self.line_start(line);
        let end = self.line_start(line + 1);
        let text = self.text.get(start..end).unwrap_or_default();
        text.trim_end_matches(['\n', '\r'])
    }

    /// The byte at which a line, from 1, begins; the text's length past the last line.
    pub fn line_start(&self, line: usize) -> usize {
        let start = self.line_starts.get(line.saturating_sub(1));
        start.map_or(self.text.len(), |start| *start as usize)
    }
}

/// All texts of one load, in the order they were added.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    list: Vec<Source>,
}

impl Sources {
    /// Adds a text and gives the id its spans carry.
    pub fn add(&mut self, source: Source) -> SourceId {
        let id = SourceId(u32::try_from(self.list.len()).unwrap_or(u32::MAX));
        self.list.push(source);
        id
    }

    /// The source of an id; `None` if the id is from other `Sources`.
    pub fn get(&self, id: SourceId) -> Option<&Source> {
        self.list.get(id.0 as usize)
    }

    /// The name of a source, empty if it is from other `Sources`.
    pub fn name(&self, id: SourceId) -> &str {
        self.get(id).map_or("", Source::name)
    }

    /// The text a span covers, empty where there is none.
    pub fn text(&self, span: Span) -> &str {
        let text = self.get(span.source).map_or("", Source::text);
        text.get(span.start as usize..span.end as usize)
            .unwrap_or_default()
    }

    /// Line and column of a span's first byte.
    pub fn position(&self, span: Span) -> Position {
        let start = Position { line: 1, column: 1 };
        self.get(span.source)
            .map_or(start, |source| source.position(span.start))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_characters_and_ignore_the_byte_order_mark() {
        let source = Source::new("a", "\u{feff}äb\r\ncd");
        assert_eq!(source.position(2), Position { line: 1, column: 2 });
        assert_eq!(source.position(5), Position { line: 2, column: 1 });
        assert_eq!(source.line(1), "äb");
        assert_eq!(source.line(2), "cd");
        assert_eq!(source.byte_at(Position { line: 2, column: 2 }), 6);
        assert_eq!(source.position(99), Position { line: 2, column: 1 });
    }
}
