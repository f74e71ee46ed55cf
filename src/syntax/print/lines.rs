//! The lines that are printed: words first, and when all are there, the comments behind them.
//!
//! Comments behind words stand in columns. Those that follow each other in one column already, with
//! no comment line between them, stay in it if the words leave room; so a table that was set by hand
//! stays. Those on adjacent lines come into one column: the one that most of them stand in already,
//! else one blank behind the longest line.
//!
//! Not for: what stands in a line, or where it breaks.
//!
//! Law: aligned lines are aligned again as they are. A comment's line is never another's.

use super::words::Comment;

/// Lines that grow at their end.
#[derive(Debug, Default)]
pub(super) struct Lines<'a> {
    list: Vec<Line<'a>>,
}

#[derive(Debug, Default)]
struct Line<'a> {
    /// Whether an empty line stands above it.
    blank: bool,
    indent: usize,
    words: String,
    /// The columns up to the last word's end.
    columns: usize,
    comment: Option<(&'a Comment<'a>, Place)>,
}

/// Where a comment stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// In a line of its own.
    Alone,
    /// Behind words.
    Behind,
    /// In the line below such a one, in the same column: it goes on there.
    Below,
}

impl<'a> Lines<'a> {
    /// Begins a line, below an empty one if `blank`.
    pub fn start(&mut self, indent: usize, blank: bool) {
        self.list.push(Line {
            blank: blank && !self.list.is_empty(),
            indent,
            columns: indent,
            ..Line::default()
        });
    }

    /// Adds to the last line.
    pub fn add(&mut self, blanks: usize, text: &str) {
        if let Some(line) = self.list.last_mut() {
            line.words.extend(std::iter::repeat_n(' ', blanks));
            line.words.push_str(text);
            line.columns += blanks + text.chars().count();
        }
    }

    /// The columns of the last line.
    pub fn columns(&self) -> usize {
        self.list.last().map_or(0, |line| line.columns)
    }

    /// Whether the last line is nothing but this, at its very start.
    pub fn last_is(&self, text: &str) -> bool {
        let last = self.list.last();
        last.is_some_and(|line| line.indent == 0 && line.words == text)
    }

    /// Adds a comment: behind the last line's words if it stood there, else in a line of its own.
    pub fn comment(&mut self, comment: &'a Comment<'a>, indent: usize, blank: bool) {
        let last = self.list.last_mut();
        let above = last.as_ref().and_then(|line| line.comment);
        let behind = last.filter(|line| comment.breaks == 0 && line.comment.is_none());
        if let Some(line) = behind {
            line.comment = Some((comment, Place::Behind));
            return;
        }
        let goes_on = above.is_some_and(|(above, place)| {
            let same = comment.column.is_some() && comment.column == above.column;
            place != Place::Alone && comment.breaks == 1 && same && comment.column != Some(indent)
        });
        let place = if goes_on { Place::Below } else { Place::Alone };
        self.start(indent, blank && !goes_on);
        if let Some(line) = self.list.last_mut() {
            line.comment = Some((comment, place));
        }
    }

    /// The text. Costs its length.
    pub fn print(&self) -> String {
        let mut out = String::new();
        for (line, column) in self.list.iter().zip(self.columns_of_comments()) {
            if line.blank {
                out.push('\n');
            }
            let words = if line.words.is_empty() {
                0
            } else {
                line.indent
            };
            out.extend(std::iter::repeat_n(' ', words));
            out.push_str(&line.words);
            if let Some((comment, place)) = line.comment {
                let (from, to) = match place {
                    Place::Alone => (0, line.indent),
                    Place::Behind => (line.columns, column),
                    Place::Below => (0, column),
                };
                out.extend(std::iter::repeat_n(' ', to.saturating_sub(from)));
                out.push_str(comment.text);
            } else if out.ends_with('\r') {
                // Else the line's end would swallow it.
                out.push(' ');
            }
            out.push('\n');
        }
        out
    }

    /// In which column the comment of each line stands, if it has one that is not alone.
    fn columns_of_comments(&self) -> Vec<usize> {
        let mut columns = vec![0; self.list.len()];
        let mut run = Run::default();
        for (at, line) in self.list.iter().enumerate() {
            let Some((comment, place)) = line.comment else {
                continue;
            };
            if place == Place::Alone {
                run.set(&mut columns);
                continue;
            }
            let below = run.list.last().filter(|_| place == Place::Below);
            let least = below.map_or(line.columns + 1, |above| above.least);
            let member = Member {
                line: at,
                least,
                column: comment.column.filter(|column| *column >= least),
                length: comment.text.chars().count(),
            };
            if below.is_none() && !run.takes(&member, line.blank) {
                run.set(&mut columns);
            }
            run.list.push(member);
        }
        run.set(&mut columns);
        columns
    }
}

/// Comments that come into one column.
#[derive(Debug, Default)]
struct Run {
    list: Vec<Member>,
}

#[derive(Debug)]
struct Member {
    line: usize,
    /// The first column that the words leave free.
    least: usize,
    /// The column in which it stood, if it can stay there.
    column: Option<usize>,
    length: usize,
}

impl Run {
    fn takes(&self, member: &Member, blank: bool) -> bool {
        let Some(last) = self.list.last() else {
            return true;
        };
        let stay = last.column.is_some() && last.column == member.column;
        let end = last.least.max(member.least) + last.length.max(member.length);
        let adjacent = last.line + 1 == member.line && !blank;
        stay || adjacent && end <= super::MOST_COLUMNS
    }

    fn set(&mut self, columns: &mut [usize]) {
        let least = self.list.iter().map(|member| member.least).max();
        let column = self.most_stand_in(least.unwrap_or_default()).or(least);
        for member in self.list.drain(..) {
            if let (Some(place), Some(column)) = (columns.get_mut(member.line), column) {
                *place = column;
            }
        }
    }

    /// The column in which the most comments stand, two or more, and all can.
    fn most_stand_in(&self, least: usize) -> Option<usize> {
        let columns = self.list.iter().filter_map(|member| member.column);
        let mut columns: Vec<usize> = columns.filter(|column| *column >= least).collect();
        columns.sort_unstable();
        let runs = columns
            .chunk_by(|a, b| a == b)
            .filter(|same| same.len() > 1);
        let most = runs.max_by_key(|same| same.len())?;
        most.first().copied()
    }
}
