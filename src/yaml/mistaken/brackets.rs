//! What is wrong in the lists of a group file that stand in brackets: users without quotes, missing commas, and
//! the brackets themselves.
//!
//! Law: of brackets that do not fit the inner ones are wrong.

use super::Mistake;
use super::lines::{Line, Mark, Piece, Word};
use super::list::Reader;
use super::quotes::blank_message;
use super::user::{LISTED, LONGEST_HELP, is_user, quoted};

impl<'t> Reader<'t> {
    /// A line in brackets, or with some.
    pub(super) fn flow(&mut self, line: &Line<'t>, odd: Option<char>) {
        if let Some(odd) = odd {
            let at = line.lead.indent.clone();
            self.mistakes.push(
                Mistake::new(at.clone(), blank_message(odd), "take it out").with_edit(at, ""),
            );
        }
        // `[x] @ann`, and a mark within a list in brackets, may say that a user is out.
        let after = line
            .text
            .get(line.lead.indent.len() + line.lead.marked.len()..);
        let after = after.unwrap_or_default().trim_start();
        let boxed = after
            .strip_prefix('[')
            .and_then(|rest| rest.split_once(']'));
        let boxed = boxed.is_some_and(|(mark, rest)| {
            mark.chars().count() <= 1 && rest.starts_with([' ', '\t']) && self.open.is_empty()
        });
        let marked = !self.open.is_empty() && matches!(line.lead.mark, Mark::Glued | Mark::Other);
        if boxed || marked {
            let message = match boxed {
                true => "a check box stands where a user ID must stand",
                false => "a mark stands before this user",
            };
            let at = line.lead.indent.end..line.start + line.text.len();
            self.mistakes.push(Mistake::new(at, message, LISTED));
            return;
        }
        let mut last = None;
        for piece in &line.pieces {
            match piece {
                Piece::Open(at) => {
                    self.open.push(*at);
                    self.separate = true;
                }
                Piece::Close(at) => {
                    self.close(*at);
                    self.separate = false;
                }
                Piece::Comma(at) => {
                    if self.slice(*at..at + 1) == ";" {
                        let mistake =
                            Mistake::new(*at..at + 1, "a `;` parts nothing in YAML", "write `,`");
                        self.mistakes.push(mistake.with_edit(*at..at + 1, ","));
                    }
                    self.separate = true;
                }
                Piece::Word(word) => {
                    self.in_brackets(line, word, last);
                    self.separate = false;
                    last = Some(word.at.end);
                }
                Piece::Key { .. } => self.separate = true,
                Piece::Sign(_) => {}
            }
        }
    }

    /// Closes a bracket, and those within it that are not closed themselves.
    fn close(&mut self, at: usize) {
        let close = self.slice(at..at + 1);
        let fits = |open: &usize| closing(self.slice(*open..open + 1)) == close;
        let Some(found) = self.open.iter().rposition(fits) else {
            let message = "this bracket closes nothing";
            self.mistakes
                .push(Mistake::new(at..at + 1, message, "take it away"));
            return;
        };
        for open in self.open.split_off(found).into_iter().skip(1) {
            let message = "this bracket is never closed";
            let end = closing(self.slice(open..open + 1));
            let help = format!("end it with `{end}` before the `{close}`");
            self.mistakes
                .push(Mistake::new(open..open + 1, message, help));
        }
    }

    fn in_brackets(&mut self, line: &Line<'t>, word: &Word<'t>, last: Option<usize>) {
        if !is_user(&word.inner) {
            self.no_user(word, false);
            return;
        }
        self.quotes(word);
        if !self.separate {
            let user = quoted(&word.inner);
            let few = line.pieces.len() <= 32;
            let help = few.then(|| flow_line(line)).flatten();
            let help = help.unwrap_or_else(|| format!("write `, {user}`"));
            let mistake = Mistake::new(word.at.clone(), "no comma stands before this user", help);
            let at = last.unwrap_or(word.at.start);
            let put = match last {
                Some(_) => ",",
                None => ", ",
            };
            self.mistakes.push(mistake.with_edit(at..at, put));
        }
    }

    /// The bracket that is open at the file's end.
    pub(super) fn unclosed(&mut self) {
        let Some(open) = self.open.last().copied() else {
            return;
        };
        let ends: String = self
            .open
            .iter()
            .rev()
            .take(64)
            .map(|open| closing(self.slice(*open..open + 1)))
            .collect();
        let rest = self.slice(open..self.text.len());
        let start = self
            .text
            .get(..open)
            .and_then(|before| before.rfind('\n'))
            .map_or(0, |at| at + 1);
        let line = self.slice(start..self.text.len()).trim();
        let short = rest.trim_end().lines().count() == 1 && line.len() < LONGEST_HELP / 2;
        let help = match short && !line.contains('#') {
            true => format!("end it with `{ends}`: write `{line}{ends}`"),
            false => format!("end it with `{ends}`"),
        };
        self.mistakes.push(Mistake::new(
            open..open + 1,
            "this bracket is never closed",
            help,
        ));
    }
}

/// A line that is one list in brackets, as it should be.
fn flow_line(line: &Line<'_>) -> Option<String> {
    let mut key = "";
    let mut users = Vec::new();
    let mut brackets = (false, false);
    for piece in &line.pieces {
        match piece {
            Piece::Key { name, .. } => key = name,
            Piece::Open(_) => brackets.0 = true,
            Piece::Close(_) => brackets.1 = true,
            Piece::Word(word) if is_user(&word.inner) => users.push(quoted(&word.inner)),
            Piece::Word(_) => return None,
            Piece::Comma(_) | Piece::Sign(_) => {}
        }
    }
    let list = format!("[{}]", users.join(", "));
    let help = match key {
        "" => format!("write `{list}`"),
        key => format!("write `{key}: {list}`"),
    };
    (brackets == (true, true) && help.len() <= LONGEST_HELP).then_some(help)
}

/// What closes a bracket.
fn closing(open: &str) -> &'static str {
    match open {
        "{" => "}",
        _ => "]",
    }
}
