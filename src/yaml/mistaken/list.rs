//! What is wrong in the lines of a group file, entry by entry.
//!
//! Not for: what the lines are together (`shape`), nor lists in brackets (`brackets`).
//!
//! Law: done as it says, the help of all mistakes of a file makes it right.

use std::ops::Range;

use super::Mistake;
use super::lines::{Line, Mark, Piece, Quote, Word, is_marker};
use super::quotes::{blank_message, look_alike, quote_mistake};
use super::shape::{Facts, base};
use super::user::{
    LISTED, LONGEST_HELP, SHAPE, as_list, help_on_entry, is_user, negates, quoted, several,
};
use super::whole::as_users;
use crate::diagnostic::short;

/// What was read of a file.
#[derive(Debug, Default)]
pub(super) struct Reading<'t> {
    /// What is wrong, as far as it is known.
    pub mistakes: Vec<Mistake>,
    /// The users written in the file, in order.
    pub users: Vec<&'t str>,
    /// What to write if nothing is known to be wrong, and the file is about users.
    pub help: Option<String>,
}

/// Reads the lines of a group file.
pub(super) fn read<'t>(text: &'t str, lines: &'t [Line<'t>]) -> Reading<'t> {
    let facts = Facts::of(lines);
    let users: Vec<&str> = facts.users.clone();
    if facts.about == 0 && facts.words > 0 || facts.other_lines > 2 * facts.about_lines {
        return Reading::default();
    }
    let mut reader = Reader {
        text,
        base: base(lines, &facts),
        facts,
        mistakes: Vec::new(),
        bare: None,
        open: Vec::new(),
        separate: true,
        empty_entry: false,
    };
    let mixed = mixed(lines);
    if let Some(mut shape) = reader.facts.shape(text) {
        if mixed {
            shape.help = LISTED.into();
        }
        let mistakes = vec![shape];
        return Reading {
            mistakes,
            users,
            help: None,
        };
    }
    for line in lines {
        reader.line(line);
    }
    reader.end(lines);
    if mixed {
        for mistake in &mut reader.mistakes {
            mistake.edits.clear();
            mistake.help = LISTED.into();
        }
    }
    let mut once: Vec<&str> = Vec::new();
    for user in &users {
        if once.len() < 3 && !once.contains(user) {
            once.push(user);
        }
    }
    Reading {
        mistakes: reader.mistakes,
        help: as_list(&once).filter(|_| !mixed),
        users,
    }
}

/// Whether entries begin in different ways: one mark may stand for those who are in, another for those who
/// are not, as in a diff.
fn mixed(lines: &[Line<'_>]) -> bool {
    let mut marks: Vec<&str> = Vec::new();
    let (mut dashes, mut bare, mut empty) = (0_usize, 0_usize, false);
    for line in lines.iter().filter(|line| !is_marker(line.text)) {
        let below = empty && line.lead.mark == Mark::None;
        empty = line.pieces.is_empty() && line.lead.mark != Mark::None;
        let Some(Piece::Word(_)) = line.pieces.first().filter(|_| !below) else {
            continue;
        };
        let at = line.lead.indent.len()..line.lead.indent.len() + line.lead.marked.len();
        let mark = match line.lead.mark {
            Mark::None => {
                bare += 1;
                continue;
            }
            Mark::Dash => {
                dashes += 1;
                "- "
            }
            // `1.`, `2.`: all are one.
            _ => line.text.get(at).unwrap_or_default(),
        };
        let mark = match mark.starts_with(|c: char| c.is_ascii_digit()) {
            true => "1",
            false => mark,
        };
        if !marks.contains(&mark) {
            marks.push(mark);
        }
    }
    marks.len() > 1 || bare > 0 && !marks.is_empty() && (marks != ["- "] || bare > dashes)
}

pub(super) struct Reader<'t> {
    pub(super) text: &'t str,
    pub(super) base: String,
    pub(super) facts: Facts<'t>,
    pub(super) mistakes: Vec<Mistake>,
    /// The entries without a mark, all one mistake; and how many they are.
    pub(super) bare: Option<(Mistake, usize)>,
    /// Where brackets are open.
    pub(super) open: Vec<usize>,
    /// Whether a comma or a bracket stands before the next word in brackets.
    pub(super) separate: bool,
    /// Whether an entry began on the line before, and nothing stood in it.
    pub(super) empty_entry: bool,
}

impl<'t> Reader<'t> {
    pub(super) fn slice(&self, at: Range<usize>) -> &'t str {
        self.text.get(at).unwrap_or_default()
    }

    fn line(&mut self, line: &Line<'t>) {
        if is_marker(line.text) {
            return;
        }
        let (start, end) = (line.start, line.start + line.text.len());
        let indent = self.slice(line.lead.indent.clone());
        let comment_only = line.pieces.is_empty() && line.lead.mark == Mark::None;
        let odd = indent
            .chars()
            .find(|c| *c != ' ' && (*c != '\t' || self.open.is_empty()));
        if comment_only {
            let Some(odd) = odd else { return };
            let blank = line.lead.indent.end == end;
            let (message, help): (String, &str) = match (odd, blank) {
                ('\t', true) => (
                    "a tab stands on this empty line, where YAML takes none".into(),
                    "leave the line empty",
                ),
                ('\t', false) => (
                    "a tab stands where YAML takes only blanks".into(),
                    "put blanks in place of the tab",
                ),
                (c, _) => (look_alike(c), "take it out"),
            };
            let new = match (odd, blank) {
                ('\t', false) => self.base.clone(),
                _ => String::new(),
            };
            let at = start..line.lead.indent.end;
            let mistake = Mistake::new(at.clone(), message, help);
            self.mistakes.push(mistake.with_edit(at, new));
            return;
        }
        if line.pieces.is_empty() {
            self.empty_entry = true;
            return;
        }
        let below = std::mem::take(&mut self.empty_entry) && line.lead.mark == Mark::None;
        let mut words: Vec<&Word<'t>> = Vec::new();
        let (mut key, mut brackets, mut sign, mut commas) = (None, false, false, Vec::new());
        for piece in &line.pieces {
            match piece {
                Piece::Word(word) => words.push(word),
                Piece::Key { name, .. } => key = Some(*name),
                Piece::Open(_) | Piece::Close(_) => brackets = true,
                Piece::Comma(at) => commas.push(*at),
                Piece::Sign(_) => sign = true,
            }
        }
        if !self.open.is_empty() || brackets {
            self.flow(line, odd);
            return;
        }
        let content = line.lead.indent.end..line.pieces.last().map_or(end, |piece| piece.at().end);
        if let Some(name) = key {
            if let (Some(odd), true) = (odd, words.is_empty()) {
                self.mistakes.push(
                    Mistake::new(
                        start..line.lead.indent.end,
                        blank_message(odd),
                        "take it out",
                    )
                    .with_edit(start..line.lead.indent.end, ""),
                );
            }
            if let (Some(first), "users") = (words.first(), name) {
                self.inline(&words, first.at.start..content.end);
            }
            return;
        }
        if sign {
            // An anchor or an alias: what this entry is, is not known here.
            for word in words.into_iter().filter(|word| is_user(&word.inner)) {
                self.quotes(word);
            }
            return;
        }
        match words.first() {
            Some(word) if words.len() == 1 => self.single(line, word, content, &commas, odd, below),
            Some(_) => self.several(line, &words, content),
            None => {
                let message = "no user stands on this line";
                self.mistakes
                    .push(Mistake::new(content, message, "take the line away"));
            }
        }
    }

    /// A line that holds one user.
    fn single(
        &mut self,
        line: &Line<'t>,
        word: &Word<'t>,
        content: Range<usize>,
        commas: &[usize],
        odd: Option<char>,
        below: bool,
    ) {
        if !is_user(&word.inner) {
            self.no_user(word, line.lead.mark != Mark::None);
            return;
        }
        let user = quoted(&word.inner);
        let entry = format!("- {user}");
        if let Some(odd) = odd {
            let whole = format!("{}{entry}", self.base);
            let help = match odd {
                '\t' => format!("YAML takes no tab there: write `{whole}` with blanks"),
                _ => format!("write `{whole}`"),
            };
            let mistake = Mistake::new(line.start..content.end, blank_message(odd), help);
            self.mistakes
                .push(mistake.with_edit(line.start..content.end, whole));
            return;
        }
        if below {
            self.quotes(word);
            return;
        }
        let canonical = format!("{}{entry}", self.base);
        let whole = line.start..content.end;
        let mark = self.slice(line.lead.marked.clone());
        let (at, message, help) = match line.lead.mark {
            Mark::None => {
                let edit = (whole, canonical);
                match &mut self.bare {
                    Some((mistake, more)) => {
                        mistake.edits.push(edit);
                        *more += 1;
                    }
                    None => {
                        let message = format!(
                            "{} is no entry of a list: no `- ` stands before it",
                            shown(word)
                        );
                        let help = format!("write `{entry}`");
                        let mistake = Mistake::new(word.at.clone(), message, help);
                        self.bare = Some((mistake.with_edit(edit.0, edit.1), 0));
                    }
                }
                return;
            }
            Mark::Other => (
                content.clone(),
                format!("`{mark}` begins no entry of a YAML list"),
                format!("write `{entry}`"),
            ),
            Mark::Glued => (
                content.clone(),
                "no blank stands behind this `-`".into(),
                format!("a blank must stand behind the `-`: write `{entry}`"),
            ),
            Mark::Dash => {
                let indent = self.slice(line.lead.indent.clone());
                if let Some((message, help)) = quote_mistake(word, &user) {
                    let help = match commas.is_empty() && indent == self.base {
                        true => help,
                        false => format!("write `{entry}`"),
                    };
                    (word.at.clone(), message, help)
                } else if let Some(comma) = commas.first() {
                    let what = match self.slice(*comma..comma + 1) {
                        ";" => "semicolon",
                        _ => "comma",
                    };
                    let message =
                        format!("a {what} stands behind this entry, where a list has none");
                    (
                        *comma..comma + 1,
                        message,
                        format!("take the {what} away: write `{entry}`"),
                    )
                } else if indent != self.base {
                    let help =
                        format!("begin each entry in the same column as those above: `{entry}`");
                    (
                        content.clone(),
                        "this entry begins in another column than those above".into(),
                        help,
                    )
                } else {
                    return;
                }
            }
        };
        let mistake = Mistake::new(at, message, help);
        self.mistakes.push(mistake.with_edit(whole, canonical));
    }

    /// What is wrong with a user's quotes alone.
    pub(super) fn quotes(&mut self, word: &Word<'t>) {
        let user = quoted(&word.inner);
        if let Some((message, help)) = quote_mistake(word, &user) {
            let mistake = Mistake::new(word.at.clone(), message, help);
            self.mistakes.push(mistake.with_edit(word.at.clone(), user));
        }
    }

    /// A line that holds several words, none in brackets.
    fn several(&mut self, line: &Line<'t>, words: &[&Word<'t>], content: Range<usize>) {
        let users: Vec<&str> = words.iter().map(|word| &*word.inner).collect();
        if words.first().is_some_and(|word| word.inner == "-") {
            let users: Vec<&str> = users.iter().copied().filter(|user| is_user(user)).collect();
            let help = as_list(&users).unwrap_or_else(|| SHAPE.into());
            self.mistakes.push(Mistake::new(
                content,
                "a list stands where a user ID must stand",
                help,
            ));
            return;
        }
        if users.iter().all(|user| is_user(user)) {
            let message = "several users stand on this line, and an entry is one user";
            let help = as_list(&users).unwrap_or_else(|| SHAPE.into());
            self.mistakes.push(Mistake::new(content, message, help));
            return;
        }
        match words {
            [user, rest, ..]
                if is_user(&user.inner)
                    && !words
                        .iter()
                        .skip(1)
                        .any(|word| word.inner.contains(['@', ':'])) =>
            {
                let rest = rest.at.start..content.end;
                let message = "something stands behind this user";
                let help = match negates(self.slice(rest.clone())) {
                    true => LISTED.into(),
                    false => format!("a comment begins with `#`; {LISTED}"),
                };
                self.mistakes.push(Mistake::new(rest, message, help));
            }
            _ => {
                let whole = self.slice(line.lead.marked.end..content.end).trim();
                let message = format!("`{}` is not a user ID", short(whole));
                self.mistakes
                    .push(Mistake::new(content, message, help_on_entry(whole)));
            }
        }
    }

    /// `users: @ann, @bob`, without brackets.
    fn inline(&mut self, words: &[&Word<'t>], at: Range<usize>) {
        if let [text] = words
            && text.inner.starts_with(['|', '>'])
        {
            let message = "a text begins here where the list of users must stand";
            let help = format!(
                "take the `{}` away, and begin each line below with `- `",
                short(&text.inner)
            );
            let mistake = Mistake::new(at.clone(), message, help);
            self.mistakes.push(mistake.with_edit(at, ""));
            return;
        }
        let mut users: Vec<&str> = Vec::new();
        for word in words {
            match several(&word.inner) {
                Some(more) => users.extend(more),
                None => users.push(&word.inner),
            }
        }
        let message = "a text stands where the list of users must stand";
        let help = match users.iter().all(|user| is_user(user)) {
            true => as_users(&users).unwrap_or_else(|| SHAPE.into()),
            false => SHAPE.into(),
        };
        self.mistakes.push(Mistake::new(at, message, help));
    }

    pub(super) fn no_user(&mut self, word: &Word<'t>, entry: bool) {
        if word.quote == Quote::Escaped {
            return;
        }
        let (message, help) = if let Quote::Open(mark) = word.quote {
            (
                "this quote is never closed".into(),
                format!("end it with `{mark}`; {SHAPE}"),
            )
        } else if several(&word.inner).is_some() && !entry {
            let users = several(&word.inner).unwrap_or_default();
            let quoted: Vec<String> = users.iter().take(16).map(|user| quoted(user)).collect();
            (
                "several users stand in one text".into(),
                format!("write `{}`", quoted.join(", ")),
            )
        } else {
            (
                format!("`{}` is not a user ID", short(&word.inner)),
                match entry || word.inner.contains('@') {
                    true => help_on_entry(&word.inner),
                    false => SHAPE.into(),
                },
            )
        };
        let help = match help.len() <= LONGEST_HELP {
            true => help,
            false => SHAPE.into(),
        };
        self.mistakes
            .push(Mistake::new(word.at.clone(), message, help));
    }

    /// What is known once all lines are read.
    fn end(&mut self, lines: &[Line<'_>]) {
        self.mistakes.extend(self.facts.keys(lines));
        self.unclosed();
        if let Some((mut mistake, more)) = self.bare.take() {
            if more > 0 {
                let others = match more {
                    1 => "the other line".to_owned(),
                    more => format!("the other {more} lines"),
                };
                mistake.help = format!("{}, and change {others} the same way", mistake.help);
            }
            self.mistakes.push(mistake);
        }
    }
}

fn shown(word: &Word<'_>) -> String {
    format!("`{}`", short(&word.inner))
}
