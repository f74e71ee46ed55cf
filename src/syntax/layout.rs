//! The layout: which lines make up one statement.
//!
//! A statement is one line. It goes on over a line's end after `,`, `and` and `except`, inside
//! parentheses, and before a line that begins with `to`, `from`, `see`, `sees`, `who`, `and` or
//! `except`. Where a word could begin, a `#` or several start a comment if a blank or the line's end
//! follows; at the start of a statement any `#` does. Inside words, quotes and regexes none does.
//!
//! A [`Logical`] line is handed to the grammar with its comments and inner line breaks blanked
//! out byte by byte, so that every place in it is a place in the file.
//!
//! Not for: what a statement says. Words are looked at only as far as the law above needs.
//!
//! Law: every byte of the file is in at most one logical line, and `server`, `send`, `block` and
//! `group NAME =` at a line's start always begin a new one, so that an unclosed parenthesis cannot
//! swallow the rest of the file.

use std::borrow::Cow;

/// How deep parentheses may nest.
pub const MAX_DEPTH: usize = 64;

/// What a statement can end in that is no part of it. Other white space, such as a no-break space, is
/// part of a word.
pub(super) const BLANKS: [char; 2] = [' ', '\t'];

/// One statement's text.
#[derive(Debug)]
pub(super) struct Logical<'a> {
    /// The byte of the file at which it starts.
    pub start: usize,
    /// Its text without comments and line breaks, byte for byte as long as in the file.
    pub text: Cow<'a, str>,
    /// The innermost `(` that is not closed.
    pub unclosed: Option<usize>,
    /// The first `(` that is deeper than [`MAX_DEPTH`].
    pub too_deep: Option<usize>,
    /// The first line in it that stands where only comments can, and begins with a `#` that starts none.
    pub no_comment: Option<usize>,
    /// Where reading goes on: behind it, and behind lines that can only belong to it.
    pub next: usize,
}

/// The logical line that starts at or after byte `from`, which must be the start of a line or of a
/// statement. Each comment before it and in it is told to `comment`, from its `#` to its line's
/// end; those after the last statement are told with the answer `None`. Costs the bytes it covers.
pub(super) fn next_line<'a>(
    text: &'a str,
    from: usize,
    comment: &mut dyn FnMut(usize, usize),
) -> Option<Logical<'a>> {
    let start = skip_empty(text, from, true, comment)?;
    let mut scan = Scan {
        text,
        comment,
        at: start,
        open: Vec::new(),
        deeper: 0,
        too_deep: None,
        no_comment: None,
        joins: false,
        matching: false,
        cut: false,
        blanks: Vec::new(),
    };
    while scan.step() {}
    let end = start
        + text
            .get(start..scan.at)
            .map_or(0, |t| t.trim_end_matches(BLANKS).len());
    let next = if scan.cut {
        after_rest(text, scan.at)
    } else {
        end
    };
    Some(Logical {
        start,
        text: blanked(text, start, end, &scan.blanks),
        unclosed: scan.open.last().copied(),
        too_deep: scan.too_deep,
        no_comment: scan.no_comment,
        next: next.max(start + 1),
    })
}

/// The end of the lines behind a statement that was cut off at `end` which would have gone on with it.
fn after_rest(text: &str, end: usize) -> usize {
    let mut at = end;
    while let Some(first) = first_byte(text, after_line(text, at)) {
        if !continues(text, first) {
            break;
        }
        at = line_end(text, first);
    }
    at
}

/// Where reading goes on after an error at `wrong` in a statement that was never closed: the next
/// line that can start a statement, or that begins with what `mistyped` takes for the word of one.
pub(super) fn resume_after(
    text: &str,
    line: &Logical<'_>,
    wrong: usize,
    mistyped: fn(&str) -> bool,
) -> usize {
    let line_start = before_line(text, wrong);
    let mut at = if line_start > line.start && first_byte(text, line_start) == Some(wrong) {
        line_start
    } else {
        after_line(text, wrong)
    };
    while let Some(first) = first_byte(text, at) {
        if can_start(text, first) || mistyped(word(text, first)) {
            return at;
        }
        at = after_line(text, first);
    }
    text.len()
}

/// The start of a line at or behind byte `from` with which a statement most likely begins: one that
/// can be nothing else, or else one that can and that the line before does not go on with. Costs a look
/// at the lines of `bytes` bytes.
pub(super) fn likely_start(text: &str, from: usize, bytes: usize) -> Option<usize> {
    let mut at = after_line(text, text.floor_char_boundary(from));
    let end = at.saturating_add(bytes);
    let mut likely = None;
    let mut goes_on = true;
    while at < end
        && let Some(first) = first_byte(text, at)
    {
        if must_start(text, first) {
            return Some(at);
        }
        if likely.is_none() && !goes_on && first == at && can_start(text, first) {
            likely = Some(at);
        }
        let line_end = line_end(text, first);
        let line = text.get(first..line_end).unwrap_or_default();
        goes_on = line.trim_end_matches(BLANKS).ends_with([',', '(']);
        at = after_line(text, first);
    }
    likely
}

struct Scan<'a, 'c> {
    text: &'a str,
    comment: &'c mut dyn FnMut(usize, usize),
    at: usize,
    open: Vec<usize>,
    deeper: usize,
    too_deep: Option<usize>,
    no_comment: Option<usize>,
    /// Whether the last word or mark lets the statement go on over a line's end.
    joins: bool,
    /// Whether the last word says that a regex follows.
    matching: bool,
    /// Whether a quote or a regex is not closed: nothing on the next line closes it.
    cut: bool,
    blanks: Vec<(usize, usize)>,
}

impl Scan<'_, '_> {
    /// Takes one word or mark; `false` at the statement's end.
    fn step(&mut self) -> bool {
        let Some(byte) = byte(self.text, self.at) else {
            return false;
        };
        match byte {
            b' ' | b'\t' => self.at += 1,
            b'\n' => return self.line_end(self.at + 1),
            b'\r' if byte_is(self.text, self.at + 1, b'\n') => return self.line_end(self.at + 2),
            b'#' if starts_comment(self.text, self.at) => {
                let end = line_end(self.text, self.at);
                self.blanks.push((self.at, end));
                (self.comment)(self.at, end);
                self.at = end;
            }
            b'(' => self.open(),
            b')' => self.close(),
            b',' => {
                self.at += 1;
                self.joins = true;
            }
            b'"' => self.delimited(b'"'),
            b'/' if self.matching => {
                self.delimited(b'/');
                // What touches a regex is wrong, and no comment.
                self.at += word_len(self.text, self.at);
            }
            _ => {
                let end = word_end(self.text, self.at);
                let word = self.text.get(self.at..end);
                self.joins = matches!(word, Some("and" | "except"));
                self.matching = word == Some("matching");
                self.at = end;
            }
        }
        true
    }

    fn open(&mut self) {
        if self.open.len() < MAX_DEPTH {
            self.open.push(self.at);
        } else {
            self.deeper += 1;
            self.too_deep.get_or_insert(self.at);
        }
        self.at += 1;
        self.joins = false;
    }

    fn close(&mut self) {
        if self.deeper > 0 {
            self.deeper -= 1;
        } else {
            self.open.pop();
        }
        self.at += 1;
        self.joins = false;
    }

    /// A quoted word or a regex; one that is not closed ends with its line, and the statement too.
    fn delimited(&mut self, mark: u8) {
        let text = self.text;
        let ends = |at| match byte(text, at) {
            None | Some(b'\n') => true,
            Some(b'\r') => byte_is(text, at + 1, b'\n'),
            Some(_) => false,
        };
        let mut at = self.at + 1;
        while !ends(at) && !byte_is(text, at, mark) {
            let escapes = byte_is(text, at, b'\\') && !ends(at + 1);
            at += 1 + usize::from(escapes);
        }
        self.cut = ends(at);
        self.at = at + usize::from(!self.cut);
        self.joins = false;
    }

    /// At a line's end; `next` is the next line's first byte.
    fn line_end(&mut self, next: usize) -> bool {
        if self.cut {
            return false;
        }
        let inside = self.joins || !self.open.is_empty();
        // In front of a new statement any `#` starts a comment.
        let Some(first) = skip_empty(self.text, next, !inside, &mut |_, _| {}) else {
            return false;
        };
        let goes_on = if inside {
            !must_start(self.text, first)
        } else {
            continues(self.text, first)
        };
        if goes_on {
            // Comments in front of a new statement are told with that one. One line that begins with a
            // wrong `#` is told, and all others are passed over at once.
            let any = self.no_comment.is_some();
            let first = skip_empty(self.text, next, any, self.comment).unwrap_or(first);
            self.blanks.push((self.at, first));
            self.at = first;
            if !inside && byte_is(self.text, first, b'#') {
                self.no_comment.get_or_insert(first);
                self.at = line_end(self.text, first);
            }
        }
        goes_on
    }
}

/// The first byte at or after `from` that is no blank, line end or comment. With `any_comment`
/// every `#` starts one. Each comment is told to `comment`.
fn skip_empty(
    text: &str,
    from: usize,
    any_comment: bool,
    comment: &mut dyn FnMut(usize, usize),
) -> Option<usize> {
    let mut at = from;
    loop {
        match byte(text, at)? {
            b' ' | b'\t' | b'\n' => at += 1,
            b'\r' if byte_is(text, at + 1, b'\n') => at += 1,
            b'#' if any_comment || starts_comment(text, at) => {
                let end = line_end(text, at);
                comment(at, end);
                at = end;
            }
            _ => return Some(at),
        }
    }
}

/// Whether the `#` at a place where a word could begin starts a comment.
fn starts_comment(text: &str, hash: usize) -> bool {
    let mut end = hash + 1;
    while byte_is(text, end, b'#') {
        end += 1;
    }
    match byte(text, end) {
        None | Some(b' ' | b'\t' | b'\n') => true,
        Some(b'\r') => byte_is(text, end + 1, b'\n'),
        Some(_) => false,
    }
}

fn blanked<'a>(text: &'a str, start: usize, end: usize, blanks: &[(usize, usize)]) -> Cow<'a, str> {
    let whole = text.get(start..end).unwrap_or_default();
    if blanks.iter().all(|(from, _)| *from >= end) {
        return Cow::Borrowed(whole);
    }
    let mut out = String::with_capacity(whole.len());
    let mut kept = start;
    for (from, to) in blanks.iter().filter(|(from, _)| *from < end) {
        out.push_str(text.get(kept..*from).unwrap_or_default());
        out.extend(std::iter::repeat_n(' ', to - from));
        kept = *to;
    }
    out.push_str(text.get(kept..end).unwrap_or_default());
    Cow::Owned(out)
}

fn byte(text: &str, at: usize) -> Option<u8> {
    text.as_bytes().get(at).copied()
}

fn byte_is(text: &str, at: usize, want: u8) -> bool {
    byte(text, at) == Some(want)
}

/// The byte at which the line that holds `at` ends, before its LF or CRLF.
fn line_end(text: &str, at: usize) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    let end = at + rest.find('\n').unwrap_or(rest.len());
    if end > at && end < text.len() && byte_is(text, end - 1, b'\r') {
        end - 1
    } else {
        end
    }
}

fn after_line(text: &str, at: usize) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    rest.find('\n').map_or(text.len(), |n| at + n + 1)
}

fn before_line(text: &str, at: usize) -> usize {
    let before = text.get(..at).unwrap_or_default();
    before.rfind('\n').map_or(0, |n| n + 1)
}

/// The first byte of a line that is no blank; `None` past the last line.
fn first_byte(text: &str, line_start: usize) -> Option<usize> {
    let rest = text.get(line_start..).filter(|rest| !rest.is_empty())?;
    let blanks = rest.len() - rest.trim_start_matches([' ', '\t']).len();
    Some(line_start + blanks)
}

/// The end of the word at `at`, by the grammar's `word_char`.
fn word_end(text: &str, at: usize) -> usize {
    at + word_len(text, at).max(1)
}

/// How many bytes of a word stand at `at`.
fn word_len(text: &str, at: usize) -> usize {
    let rest = text.as_bytes().get(at..).unwrap_or_default();
    let ends = |i: usize| match rest.get(i) {
        Some(b' ' | b'\t' | b',' | b'(' | b')' | b'"' | b'\n') => true,
        Some(b'\r') => rest.get(i + 1) == Some(&b'\n'),
        _ => false,
    };
    (0..rest.len()).find(|i| ends(*i)).unwrap_or(rest.len())
}

fn word(text: &str, at: usize) -> &str {
    text.get(at..word_end(text, at)).unwrap_or_default()
}

/// Whether a line that begins here goes on with the statement before it.
fn continues(text: &str, at: usize) -> bool {
    let keywords = ["to", "from", "see", "sees", "who", "and", "except"];
    keywords.contains(&word(text, at))
}

/// Whether a line that begins here can be nothing but a new statement.
pub(super) fn must_start(text: &str, at: usize) -> bool {
    match word(text, at) {
        "server" | "send" | "block" => true,
        "group" => {
            let rest = text.get(at + "group".len()..).unwrap_or_default();
            let rest = rest.trim_start_matches([' ', '\t']);
            let name = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
            let rest = rest.trim_start_matches(name);
            rest.trim_start_matches([' ', '\t']).starts_with('=')
        }
        _ => false,
    }
}

/// Whether a line that begins here can be a statement at all.
fn can_start(text: &str, at: usize) -> bool {
    let first = byte(text, at);
    matches!(first, Some(b'(' | b'@' | b'"'))
        || matches!(
            word(text, at),
            "server"
                | "group"
                | "send"
                | "block"
                | "all"
                | "everyone"
                | "users"
                | "local"
                | "remote"
                | "room"
                | "members"
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<String> {
        let mut out = Vec::new();
        let mut at = 0;
        while let Some(line) = next_line(text, at, &mut |_, _| {}) {
            let words: Vec<_> = line.text.split_whitespace().collect();
            out.push(words.join(" "));
            at = line.next;
        }
        out
    }

    #[test]
    fn statements_are_lines_unless_they_go_on() {
        let text = "#note\nsend all # why\r\n\n # more\n  to @x # end\nblock @a,\n@b # c\n\n(@x\n@y)\nsee @z";
        assert_eq!(
            lines(text),
            ["send all to @x", "block @a, @b", "(@x @y) see @z"]
        );
    }

    #[test]
    fn hash_is_a_comment_only_where_a_word_could_begin_and_with_a_blank_behind_it() {
        assert_eq!(
            lines("members of (#a, ## b\n##c, ###\r\n#d)# e"),
            ["members of (#a, ##c, #d)"]
        );
        assert_eq!(lines("block @a#\n### b\n##c"), ["block @a#"]);
        assert_eq!(lines("block @a##b # c"), ["block @a##b"]);
        assert_eq!(lines("send all to @x #now"), ["send all to @x #now"]);
        assert_eq!(
            lines("send \"# a\", users matching /# (/ to @x# b"),
            ["send \"# a\", users matching /# (/ to @x# b"]
        );
        assert_eq!(
            lines("block \"@a\"# b\nblock users matching /a/# b"),
            ["block \"@a\"", "block users matching /a/# b"]
        );
    }

    #[test]
    fn between_the_lines_of_a_statement_a_comment_needs_its_blank() {
        let line = |text: &str| {
            let line = next_line(text, 0, &mut |_, _| {});
            line.map(|line| (line.no_comment, line.next == text.len()))
        };
        assert_eq!(line("send all\n# (a\n  to @x"), Some((None, true)));
        assert_eq!(line("send all\n#(a\n#b\n  to @x"), Some((Some(9), true)));
        assert_eq!(line("block @x\n#a\nblock @y"), Some((None, false)));
        assert_eq!(line("block @x,\n#a, @y"), Some((None, true)));
    }

    #[test]
    fn every_comment_is_told_once() {
        let text = "#a\nsend all # b\n# c\n  to @x # d\n #e\n\nblock (@a,# f\n  # g\n @b)\n#h";
        let mut told = Vec::new();
        let mut at = 0;
        let mut tell = |from: usize, to: usize| told.push(&text[from..to]);
        while let Some(line) = next_line(text, at, &mut tell) {
            at = line.next;
        }
        assert_eq!(told, ["#a", "# b", "# c", "# d", "#e", "# f", "# g", "#h"]);
    }

    #[test]
    fn an_unclosed_parenthesis_ends_at_the_next_sure_statement() {
        assert_eq!(
            lines("send (all\n@x\nblock @b"),
            ["send (all @x", "block @b"]
        );
        assert_eq!(
            lines("group a = @x,\ngroup b = @y"),
            ["group a = @x,", "group b = @y"]
        );
        assert_eq!(
            lines("block (group a,\ngroup b)"),
            ["block (group a, group b)"]
        );
    }

    #[test]
    fn nothing_closes_a_quote_or_a_regex_on_another_line() {
        assert_eq!(lines("block (\"@a\n:x\")"), ["block (\"@a", ":x\")"]);
        assert_eq!(
            lines("send users matching /a\nto @b/ to @c"),
            ["send users matching /a"]
        );
        assert_eq!(
            lines("send users on /a\n  to @b"),
            ["send users on /a to @b"]
        );
    }

    #[test]
    fn depth_is_counted_not_recursed() {
        let deep = |n: usize| format!("block {}@a{}", "(".repeat(n), ")".repeat(n));
        let line = |n: usize| {
            let text = deep(n);
            let line = next_line(&text, 0, &mut |_, _| {}).unwrap();
            (line.too_deep, line.unclosed)
        };
        assert_eq!(line(64), (None, None));
        assert_eq!(line(65), (Some(6 + 64), None));
        assert_eq!(line(10_000), (Some(6 + 64), None));
    }
}
