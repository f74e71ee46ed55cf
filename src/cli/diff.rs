//! What a formatted text changes, line by line, for people: like a unified diff, with characters
//! that are not seen, such as tabs and the CR of CRLF, shown as escapes.
//!
//! Not for: any two texts. The formatter changes blanks and commas only, so that two places belong
//! together if equally many other characters stand in front of them. This needs no search.
//!
//! Law: the lines with ` ` and `-` are the old text, those with ` ` and `+` the new one; the cost is
//! linear.

use std::fmt::Write as _;

use presence_router::diagnostic::visible;

/// How many equal lines are shown around a change.
const CONTEXT: usize = 3;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change {
    Same,
    Old,
    New,
}

/// What becomes of `old`, empty if nothing.
pub fn diff(name: &str, old: &str, new: &str) -> String {
    let lines = pair(old, new);
    let changed = |at: usize| lines.get(at).is_some_and(|line| line.0 != Change::Same);
    let mut out = String::new();
    let (mut old_line, mut new_line) = (1, 1);
    let mut at = 0;
    while at < lines.len() {
        let Some(first) = (at..lines.len()).find(|at| changed(*at)) else {
            break;
        };
        let start = first.saturating_sub(CONTEXT).max(at);
        // Up to the next run of equal lines that is too long to be context on both of its sides.
        let mut end = first + 1;
        for next in first + 1..lines.len() {
            if changed(next) {
                end = next + 1;
            } else if next >= end + 2 * CONTEXT {
                break;
            }
        }
        let end = (end + CONTEXT).min(lines.len());
        for (change, _) in lines.iter().take(start).skip(at) {
            step(*change, &mut old_line, &mut new_line);
        }
        let hunk = lines.get(start..end).unwrap_or_default();
        if out.is_empty() {
            let name = visible(name);
            let _ = writeln!(out, "--- {name}\n+++ {name}, formatted");
        }
        let from = |than| hunk.iter().filter(|line| line.0 != than).count();
        let (old_count, new_count) = (from(Change::New), from(Change::Old));
        let place = |line: usize, count: usize| line - usize::from(count == 0);
        let _ = writeln!(
            out,
            "@@ -{},{old_count} +{},{new_count} @@",
            place(old_line, old_count),
            place(new_line, new_count),
        );
        for (change, line) in hunk {
            step(*change, &mut old_line, &mut new_line);
            show(&mut out, *change, line);
        }
        at = end;
    }
    out
}

/// The same in colours: what goes is red, what comes green.
pub fn colored(diff: &str) -> String {
    let mut out = String::with_capacity(diff.len() * 2);
    for (number, line) in diff.lines().enumerate() {
        let style = match line.chars().next() {
            _ if number < 2 => "\x1b[1m",
            Some('-') => "\x1b[31m",
            Some('+') => "\x1b[32m",
            Some('@') => "\x1b[36m",
            _ => "",
        };
        let end = if style.is_empty() { "" } else { "\x1b[0m" };
        let _ = writeln!(out, "{style}{line}{end}");
    }
    out
}

fn step(change: Change, old_line: &mut usize, new_line: &mut usize) {
    *old_line += usize::from(change != Change::New);
    *new_line += usize::from(change != Change::Old);
}

fn show(out: &mut String, change: Change, line: &str) {
    let mark = match change {
        Change::Same => ' ',
        Change::Old => '-',
        Change::New => '+',
    };
    let (text, end) = match line.strip_suffix('\n') {
        Some(text) => (text, ""),
        None => (line, "\\ no line break at the end\n"),
    };
    let text = text.replace('\u{feff}', "\\u{feff}");
    let _ = write!(out, "{mark}{}\n{end}", visible(&text));
}

/// The lines of both texts in order; of lines that belong together the old ones first.
fn pair<'a>(old: &'a str, new: &'a str) -> Vec<(Change, &'a str)> {
    let mut out = Vec::new();
    let mut olds = old.split_inclusive('\n').peekable();
    let mut news = new.split_inclusive('\n').peekable();
    let (mut removed, mut added) = (Vec::new(), Vec::new());
    loop {
        // Here as much is behind as in front on both sides.
        match (olds.peek(), news.peek()) {
            (None, None) => {
                out.append(&mut removed);
                out.append(&mut added);
                return out;
            }
            (Some(a), Some(b)) if a == b => {
                out.append(&mut removed);
                out.append(&mut added);
                out.push((Change::Same, *a));
                olds.next();
                news.next();
                continue;
            }
            _ => {}
        }
        let (mut behind, mut ahead) = (0, 0);
        loop {
            let is_old = match (olds.peek(), news.peek()) {
                (None, None) => break,
                (Some(_), None) => true,
                (None, Some(_)) => false,
                // Of empty lines all are taken, so that the texts are in step behind them.
                (Some(a), Some(b)) => {
                    behind < ahead || behind == ahead && (weight(a) == 0 || weight(b) > 0)
                }
            };
            if is_old {
                let line = olds.next().unwrap_or_default();
                behind += weight(line);
                removed.push((Change::Old, line));
            } else {
                let line = news.next().unwrap_or_default();
                ahead += weight(line);
                added.push((Change::New, line));
            }
            if behind == ahead {
                break;
            }
        }
    }
}

/// How much in a line the formatter never changes.
fn weight(line: &str) -> usize {
    let fixed = |c: &char| !c.is_whitespace() && *c != ',' && *c != '\u{feff}';
    line.chars().filter(fixed).count()
}
