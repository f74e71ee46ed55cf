//! Texts under their names, and places in them.
//!
//! A [`Source`] is one file (or one text given by the host) as it was read: its name, its text and
//! a sparse table of its lines and characters. A [`Span`] is a range of bytes in one of the
//! [`Sources`] of a load. Lines and columns are worked out only when a problem is shown.
//!
//! Not for: reading files (`files`), or saying what is wrong (`diagnostic`).
//!
//! Law: a span is only ever shown with the `Sources` it was made for; one past the end is shown at
//! the end. A place costs the same wherever it is, also in a line of 60 MB: a report has one for
//! each problem.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

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
    /// One every [`STEP`] bytes, the first at the start.
    marks: Vec<Count>,
}

/// How many bytes of a text one mark of its table stands for.
const STEP: usize = 1024;

/// How many line ends and characters stand before a byte.
#[derive(Debug, Clone, Copy, Default)]
struct Count {
    lines: u32,
    chars: u32,
}

impl Count {
    /// This and what `bytes` hold besides. Continuation bytes are no characters of their own.
    fn and(self, bytes: &[u8]) -> Count {
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let lines = bytes.iter().filter(|byte| **byte == b'\n').count();
        let chars = bytes.iter().filter(|byte| **byte & 0xc0 != 0x80).count();
        Count {
            lines: self.lines.saturating_add(count(lines)),
            chars: self.chars.saturating_add(count(chars)),
        }
    }
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
        let mut marks = Vec::with_capacity(text.len() / STEP + 1);
        let mut count = Count::default();
        marks.push(count);
        for chunk in text.as_bytes().chunks_exact(STEP) {
            count = count.and(chunk);
            marks.push(count);
        }
        Source {
            name: name.into(),
            path: None,
            text,
            marks,
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

    /// The line and column of a byte. Costs a binary search and two steps of the table.
    pub fn position(&self, byte: u32) -> Position {
        let here = self.before(byte as usize);
        let line = here.lines as usize + 1;
        if byte as usize > self.text.len() {
            return Position { line, column: 1 };
        }
        let start = self.before(self.line_start(line));
        Position {
            line,
            column: here.chars.saturating_sub(start.chars) as usize + 1,
        }
    }

    /// What stands before a byte.
    fn before(&self, byte: usize) -> Count {
        let byte = byte.min(self.text.len());
        let mark = self.marks.get(byte / STEP).copied().unwrap_or_default();
        let rest = self.text.as_bytes().get(byte / STEP * STEP..byte);
        mark.and(rest.unwrap_or_default())
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
        let ends = line.saturating_sub(1);
        if ends == 0 {
            return 0;
        }
        // The last mark with fewer line ends before it than the line has.
        let mark = self.marks.partition_point(|m| (m.lines as usize) < ends);
        let mark = mark.saturating_sub(1);
        let missing = ends - self.marks.get(mark).map_or(0, |m| m.lines as usize);
        let rest = self.text.as_bytes().get(mark * STEP..).unwrap_or_default();
        let breaks = rest.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
        let end = breaks.map(|(at, _)| at).nth(missing.saturating_sub(1));
        end.map_or(self.text.len(), |at| mark * STEP + at + 1)
    }
}

/// The name or path of a file as a text: as it is, but for bytes that are no UTF-8, which are written as
/// in `caf\xe9.policy`. No two names of one system are shown alike. Costs one pass.
pub fn shown(name: &OsStr) -> Cow<'_, str> {
    // Elsewhere `\` stands between folders, and only half a surrogate pair cannot be shown.
    if !cfg!(unix) {
        return name.to_string_lossy();
    }
    match name.to_str() {
        Some(text) if !text.contains("\\x") => text.into(),
        _ => {
            let mut shown = String::new();
            for chunk in name.as_encoded_bytes().utf8_chunks() {
                shown.push_str(&chunk.valid().replace('\\', "\\\\"));
                for byte in chunk.invalid() {
                    shown.push_str(&format!("\\x{byte:02x}"));
                }
            }
            shown.into()
        }
    }
}

/// All texts of one load, in the order they were added.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    list: Vec<Arc<Source>>,
}

impl Sources {
    /// Adds a text and gives the id its spans carry.
    pub fn add(&mut self, source: impl Into<Arc<Source>>) -> SourceId {
        let id = SourceId(u32::try_from(self.list.len()).unwrap_or(u32::MAX));
        self.list.push(source.into());
        id
    }

    /// The source of an id; `None` if the id is from other `Sources`.
    pub fn get(&self, id: SourceId) -> Option<&Source> {
        self.list.get(id.0 as usize).map(Arc::as_ref)
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

    #[cfg(unix)]
    #[test]
    fn no_two_names_are_shown_alike() {
        use std::os::unix::ffi::OsStrExt;

        // Of bytes that could be taken for each other once escaped.
        let bytes = [b"\\".as_slice(), b"x", b"e9", b"\xe9", b"\xc3\xa9"];
        let mut shown_names = std::collections::HashMap::new();
        for n in 0..bytes.len().pow(5) {
            let digits = (0..5).map(|digit| n / bytes.len().pow(digit) % bytes.len());
            let name: Vec<u8> = digits.flat_map(|digit| bytes[digit].to_vec()).collect();
            let shown = shown(OsStr::from_bytes(&name)).into_owned();
            let before = shown_names.insert(shown, name.clone());
            assert!(before.is_none_or(|other| other == name), "{name:?}");
        }
        assert_eq!(shown(OsStr::from_bytes(b"a\\b.c")), "a\\b.c");
        assert_eq!(shown(OsStr::from_bytes(b"a\xe9")), "a\\xe9");
    }

    #[test]
    fn places_are_those_of_a_plain_count() {
        let mut text = "ä".repeat(700) + "\n\r\n";
        text += &"line with ü\n".repeat(400);
        text += &"\n".repeat(3000);
        text += &"€x".repeat(2000);
        let source = Source::new("a", text.clone());
        let (mut line, mut column) = (1, 1);
        for (at, c) in text.char_indices() {
            let byte = u32::try_from(at).unwrap();
            let position = Position { line, column };
            assert_eq!(source.position(byte), position);
            if !['\r', '\n'].contains(&c) {
                assert_eq!(source.byte_at(position), at);
            }
            column += 1;
            if c == '\n' {
                (line, column) = (line + 1, 1);
                assert_eq!(source.line_start(line), at + 1);
            }
        }
        assert_eq!(source.line_start(line + 1), text.len());
        let end = u32::try_from(text.len()).unwrap();
        assert_eq!(source.position(end), Position { line, column });
    }
}
