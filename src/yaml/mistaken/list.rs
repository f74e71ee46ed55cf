//! What is wrong in the lines of a group file: shapes that are no list of users, and what is wrong with
//! single entries.
//!
//! Law: done as it says, the help of all mistakes of a file makes it right.

use std::ops::Range;

use super::lines::{Line, Mark, Piece, Quote, Word, is_marker};
use super::user::{LONGEST_HELP, SHAPE, as_list, help_on_entry, is_user, quoted, several};
use super::whole::as_users;
use super::Mistake;
use crate::diagnostic::short;
use crate::syntax::marks;

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
    if facts.words > 2 * users.len() && facts.words > users.len() + 1 {
        return Reading::default();
    }
    let mut reader = Reader {
        text,
        base: base(lines, &facts),
        facts,
        mistakes: Vec::new(),
        bare: None,
        depth: 0,
        open: None,
        separate: true,
        empty_entry: false,
    };
    if let Some(shape) = reader.shape() {
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
    reader.keys(lines);
    reader.end();
    let mut once: Vec<&str> = Vec::new();
    for user in &users {
        if once.len() < 3 && !once.contains(user) {
            once.push(user);
        }
    }
    Reading {
        mistakes: reader.mistakes,
        help: as_list(&once),
        users,
    }
}

/// A key, and what follows it.
#[derive(Debug)]
struct KeyFacts<'t> {
    at: Range<usize>,
    name: &'t str,
    glued: bool,
    /// Whether it stands in an entry of a list or in brackets.
    within: bool,
    /// How many words follow it before the next key, and how many of these on its line.
    words: usize,
    inline: usize,
    /// Whether a bracket opens right behind it.
    opens: bool,
}

/// What all lines together say.
#[derive(Debug, Default)]
struct Facts<'t> {
    users: Vec<&'t str>,
    words: usize,
    keys: Vec<KeyFacts<'t>>,
    /// Where a second document begins.
    document: Option<Range<usize>>,
    /// The first tag, anchor or alias.
    sign: Option<Range<usize>>,
}

impl<'t> Facts<'t> {
    fn of(lines: &'t [Line<'t>]) -> Self {
        let mut facts = Facts::default();
        let mut ended = None;
        let mut depth = 0_usize;
        // What the mapping in a list's entry goes on at.
        let mut record = None;
        for line in lines {
            if is_marker(line.text) {
                if facts.words > 0 || !facts.keys.is_empty() {
                    ended = ended.or(Some(line.start..line.start + line.text.len()));
                }
                continue;
            }
            if facts.document.is_none() && !line.pieces.is_empty() {
                facts.document = ended.clone();
            }
            let indent = line.lead.indent.len();
            if !line.pieces.is_empty() && line.lead.mark == Mark::None {
                record = record.filter(|at| indent > *at);
            } else if line.lead.mark != Mark::None {
                record = Some(indent);
            }
            let keys_before = facts.keys.len();
            for piece in &line.pieces {
                match piece {
                    Piece::Word(word) => {
                        facts.words += 1;
                        if is_user(&word.inner) {
                            facts.users.push(&word.inner);
                        }
                        let inline = facts.keys.len() > keys_before;
                        if let Some(key) = facts.keys.last_mut() {
                            key.words += 1;
                            key.inline += usize::from(inline);
                        }
                    }
                    Piece::Key { at, name, glued } => facts.keys.push(KeyFacts {
                        at: at.clone(),
                        name,
                        glued: *glued,
                        within: record.is_some() || depth > 1,
                        words: 0,
                        inline: 0,
                        opens: false,
                    }),
                    Piece::Open(at) => {
                        depth += 1;
                        if let Some(key) = facts.keys.last_mut().filter(|key| key.words == 0) {
                            key.opens |= *at >= key.at.end;
                        }
                    }
                    Piece::Close(_) => depth = depth.saturating_sub(1),
                    Piece::Sign(at) => facts.sign = facts.sign.take().or(Some(at.clone())),
                    Piece::Comma(_) => {}
                }
            }
        }
        facts
    }

    fn users_keys(&self) -> impl Iterator<Item = &KeyFacts<'t>> {
        self.keys.iter().filter(|key| key.name == "users" && !key.within)
    }
}

/// The blanks that entries begin with.
fn base(lines: &[Line<'_>], facts: &Facts<'_>) -> String {
    let entry = |line: &&Line<'_>| line.lead.mark == Mark::Dash && !line.pieces.is_empty();
    let blanks = |line: &Line<'_>| {
        let indent = line.text.get(..line.lead.indent.len())?;
        indent.chars().all(|c| c == ' ').then(|| indent.to_owned())
    };
    let first = lines.iter().filter(entry).find_map(blanks);
    let below = match facts.keys.is_empty() {
        true => "",
        false => "  ",
    };
    first.unwrap_or_else(|| below.to_owned())
}

struct Reader<'t> {
    text: &'t str,
    base: String,
    facts: Facts<'t>,
    mistakes: Vec<Mistake>,
    /// The entries without a mark, all one mistake; and how many they are.
    bare: Option<(Mistake, usize)>,
    /// The brackets open, and the outermost.
    depth: usize,
    open: Option<usize>,
    /// Whether a comma or a bracket stands before the next word in brackets.
    separate: bool,
    /// Whether an entry began on the line before, and nothing stood in it.
    empty_entry: bool,
}

impl<'t> Reader<'t> {
    /// What is wrong with the file's shape, so that nothing else need be told.
    fn shape(&self) -> Option<Mistake> {
        let facts = &self.facts;
        let mut users: Vec<&str> = Vec::new();
        for user in &facts.users {
            if users.len() < 3 && !users.contains(user) {
                users.push(user);
            }
        }
        let list = as_list(&users);
        let shape = || list.clone().unwrap_or_else(|| SHAPE.into());
        if let Some(sign) = &facts.sign {
            let sign_text = self.text.get(sign.clone()).unwrap_or_default();
            let message = format!("a group file has no tags, anchors and aliases, such as `{sign_text}`");
            let many = facts.keys.iter().filter(|key| key.words > 0 && key.name != "users").count() > 1;
            let help = match many {
                true => format!("write the users out; {SHAPE}"),
                false => format!("write the users out, and nothing else: {}", shape()),
            };
            return Some(Mistake::new(sign.clone(), message, help));
        }
        let within: Vec<&KeyFacts<'_>> = facts.keys.iter().filter(|key| key.within).collect();
        if let Some(first) = within.first() {
            let records = within.iter().filter(|key| key.name == first.name).count();
            let help = match records == facts.users.len() {
                true => shape(),
                false => SHAPE.into(),
            };
            let message = "a mapping stands where a user ID must stand";
            return Some(Mistake::new(first.at.clone(), message, help));
        }
        let odd = || facts.keys.iter().filter(|key| key.name != "users");
        let first = odd().next()?;
        let message = format!(
            "unknown key `{}`: expected {}",
            first.name,
            crate::yaml::group::GROUP_FILE
        );
        let lists = facts.keys.iter().filter(|key| key.words > 0).count();
        // `ann: "@ann:example.org"`, a name before each user.
        let names = odd().all(|key| key.words == 1 && key.inline == 1 && !key.opens)
            && facts.users.len() == facts.keys.len();
        let help = if facts.users_keys().next().is_some() {
            format!("take `{}` away with what belongs to it: `users` is the only key of a group file", first.name)
        } else if facts.keys.len() == 1 && !names && facts.users.len() == facts.words {
            // The one list under another name: what is wrong in it is told besides.
            return None;
        } else if names || lists == 1 {
            shape()
        } else if lists == 0 {
            SHAPE.into()
        } else {
            format!("a group file is one group: give each list a file of its own; {SHAPE}")
        };
        Some(Mistake::new(first.at.clone(), message, help))
    }

    fn slice(&self, at: Range<usize>) -> &'t str {
        self.text.get(at).unwrap_or_default()
    }

    fn line(&mut self, line: &Line<'t>) {
        if is_marker(line.text) {
            return;
        }
        let (start, end) = (line.start, line.start + line.text.len());
        let indent = self.slice(line.lead.indent.clone());
        let comment_only = line.pieces.is_empty() && line.lead.mark == Mark::None;
        let odd = indent.chars().find(|c| *c != ' ' && (*c != '\t' || self.depth == 0));
        if comment_only {
            let Some(odd) = odd else { return };
            let blank = line.lead.indent.end == end;
            let (message, help): (String, &str) = match (odd, blank) {
                ('\t', true) => ("a tab stands on this empty line, where YAML takes none".into(), "leave the line empty"),
                ('\t', false) => ("a tab stands where YAML takes only blanks".into(), "put blanks in place of the tab"),
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
        let (mut key, mut brackets, mut commas) = (None, false, Vec::new());
        for piece in &line.pieces {
            match piece {
                Piece::Word(word) => words.push(word),
                Piece::Key { name, .. } => key = Some(*name),
                Piece::Open(_) | Piece::Close(_) => brackets = true,
                Piece::Comma(at) => commas.push(*at),
                Piece::Sign(_) => {}
            }
        }
        if self.depth > 0 || brackets {
            self.flow(line, odd);
            return;
        }
        let content = line.lead.indent.end..line.pieces.last().map_or(end, |piece| piece.at().end);
        if let Some(name) = key {
            if let (Some(odd), true) = (odd, words.is_empty()) {
                self.mistakes.push(
                    Mistake::new(start..line.lead.indent.end, blank_message(odd), "take it out")
                        .with_edit(start..line.lead.indent.end, ""),
                );
            }
            if let (Some(first), "users") = (words.first(), name) {
                self.inline(&words, first.at.start..content.end);
            }
            return;
        }
        let several_words = words.len() > 1;
        match words.first() {
            Some(word) if !several_words => self.single(line, word, content, &commas, odd, below),
            Some(_) => self.several(line, &words, content),
            None => {
                let message = "no user stands on this line";
                self.mistakes.push(Mistake::new(content, message, "take the line away"));
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
            self.mistakes.push(mistake.with_edit(line.start..content.end, whole));
            return;
        }
        if below {
            if let Some((message, help)) = quote_mistake(word, &user) {
                let mistake = Mistake::new(word.at.clone(), message, help);
                self.mistakes.push(mistake.with_edit(word.at.clone(), user));
            }
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
                        let message = format!("{} is no entry of a list: no `- ` stands before it", shown(word));
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
                    let message = format!("a {what} stands behind this entry, where a list has none");
                    (*comma..comma + 1, message, format!("take the {what} away: write `{entry}`"))
                } else if indent != self.base {
                    let help = format!("begin each entry in the same column as those above: `{entry}`");
                    (content.clone(), "this entry begins in another column than those above".into(), help)
                } else {
                    return;
                }
            }
        };
        let mistake = Mistake::new(at, message, help);
        self.mistakes.push(mistake.with_edit(whole, canonical));
    }

    /// A line that holds several words, none in brackets.
    fn several(&mut self, line: &Line<'t>, words: &[&Word<'t>], content: Range<usize>) {
        let users: Vec<&str> = words.iter().map(|word| &*word.inner).collect();
        if words.first().is_some_and(|word| word.inner == "-") {
            let users: Vec<&str> = users.iter().copied().filter(|user| is_user(user)).collect();
            let help = as_list(&users).unwrap_or_else(|| SHAPE.into());
            self.mistakes.push(Mistake::new(content, "a list stands where a user ID must stand", help));
            return;
        }
        if users.iter().all(|user| is_user(user)) {
            let message = "several users stand on this line, where an entry is one";
            let help = as_list(&users).unwrap_or_else(|| SHAPE.into());
            self.mistakes.push(Mistake::new(content, message, help));
            return;
        }
        match words {
            [user, rest, ..] if is_user(&user.inner) && !words.iter().skip(1).any(|word| word.inner.contains('@')) => {
                let rest = rest.at.start..content.end;
                let note = self.slice(rest.clone()).trim_start_matches(['(', '-', '/', ',', ';', ' ']);
                let entry = format!("- {} # {}", quoted(&user.inner), note.trim_end_matches(')'));
                let message = "something stands behind this user";
                let help = match entry.len() <= LONGEST_HELP {
                    true => format!("a comment begins with `#`: write `{entry}`"),
                    false => "a comment begins with `#`".into(),
                };
                self.mistakes.push(Mistake::new(rest, message, help));
            }
            _ => {
                let whole = self.slice(line.lead.marked.end..content.end).trim();
                let message = format!("`{}` is not a user ID", short(whole));
                self.mistakes.push(Mistake::new(content, message, help_on_entry(whole)));
            }
        }
    }

    /// `users: @ann, @bob`, without brackets.
    fn inline(&mut self, words: &[&Word<'t>], at: Range<usize>) {
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

    /// A line in brackets, or with some.
    fn flow(&mut self, line: &Line<'t>, odd: Option<char>) {
        if let Some(odd) = odd {
            let at = line.lead.indent.clone();
            self.mistakes.push(
                Mistake::new(at.clone(), blank_message(odd), "take it out").with_edit(at, ""),
            );
        }
        let mut last = None;
        for piece in &line.pieces {
            match piece {
                Piece::Open(at) => {
                    if self.depth == 0 {
                        self.open = Some(*at);
                    }
                    self.depth += 1;
                    self.separate = true;
                }
                Piece::Close(at) => {
                    if self.depth == 0 {
                        let message = "this bracket closes nothing";
                        self.mistakes.push(Mistake::new(*at..at + 1, message, "take it away"));
                    }
                    self.depth = self.depth.saturating_sub(1);
                    self.separate = false;
                }
                Piece::Comma(at) => {
                    if self.slice(*at..at + 1) == ";" {
                        let mistake = Mistake::new(*at..at + 1, "a `;` parts nothing in YAML", "write `,`");
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

    fn in_brackets(&mut self, line: &Line<'t>, word: &Word<'t>, last: Option<usize>) {
        if !is_user(&word.inner) {
            self.no_user(word, false);
            return;
        }
        let user = quoted(&word.inner);
        if let Some((message, help)) = quote_mistake(word, &user) {
            let mistake = Mistake::new(word.at.clone(), message, help);
            self.mistakes.push(mistake.with_edit(word.at.clone(), user.clone()));
        }
        if !self.separate {
            let users: Vec<&str> = line
                .pieces
                .iter()
                .filter_map(|piece| match piece {
                    Piece::Word(word) if is_user(&word.inner) => Some(&*word.inner),
                    _ => None,
                })
                .collect();
            let list: Vec<String> = users.iter().take(16).map(|user| quoted(user)).collect();
            let list = format!("[{}]", list.join(", "));
            let key = line.pieces.iter().find_map(|piece| match piece {
                Piece::Key { name, .. } => Some(format!("{name}: ")),
                _ => None,
            });
            let whole = line.pieces.iter().any(|piece| matches!(piece, Piece::Open(_)))
                && line.pieces.iter().any(|piece| matches!(piece, Piece::Close(_)));
            let help = match whole && users.len() <= 16 && list.len() < LONGEST_HELP {
                true => format!("write `{}{list}`", key.unwrap_or_default()),
                false => format!("write `, {user}`"),
            };
            let mistake = Mistake::new(word.at.clone(), "no comma stands before this user", help);
            let at = last.unwrap_or(word.at.start);
            let put = match last {
                Some(_) => ",",
                None => ", ",
            };
            self.mistakes.push(mistake.with_edit(at..at, put));
        }
    }

    fn no_user(&mut self, word: &Word<'t>, entry: bool) {
        if word.quote == Quote::Escaped {
            return;
        }
        let (message, help) = if let Quote::Open(mark) = word.quote {
            ("this quote is never closed".into(), format!("end it with `{mark}`; {SHAPE}"))
        } else if several(&word.inner).is_some() && !entry {
            let users = several(&word.inner).unwrap_or_default();
            let quoted: Vec<String> = users.iter().take(16).map(|user| quoted(user)).collect();
            ("several users stand in one text".into(), format!("write `{}`", quoted.join(", ")))
        } else {
            (format!("`{}` is not a user ID", short(&word.inner)), help_on_entry(&word.inner))
        };
        let help = match help.len() <= LONGEST_HELP {
            true => help,
            false => SHAPE.into(),
        };
        self.mistakes.push(Mistake::new(word.at.clone(), message, help));
    }

    /// What is wrong with keys.
    fn keys(&mut self, lines: &[Line<'_>]) {
        let second = self.facts.document.clone();
        let mut keys = self.facts.users_keys();
        let first = keys.next().map(|key| key.at.clone());
        let twice = keys.next().map(|key| key.at.clone());
        if let Some(at) = second {
            let message = "a second YAML document begins here";
            let help = match (&twice, &first) {
                (Some(_), _) => "take this line away, and write all users under one `users:`",
                (None, Some(_)) if self.mixes(lines) => "write all users under the one `users:`, and take this line away",
                _ => "take this line away: one list holds all users",
            };
            self.mistakes.push(Mistake::new(at, message, help));
        } else if let Some(at) = twice {
            let message = "the key `users` stands here twice";
            let help = "write all users under one `users:`, each on a line of its own";
            self.mistakes.push(Mistake::new(at, message, help));
        }
        if let Some(key) = self.facts.keys.iter().find(|key| key.name == "users" && key.glued) {
            let message = "no blank stands behind this `:`";
            let help = "a blank must stand behind `users:`";
            let mistake = Mistake::new(key.at.clone(), message, help);
            self.mistakes.push(mistake.with_edit(key.at.end..key.at.end, " "));
        }
        let Some(odd) = self.facts.keys.iter().find(|key| key.name != "users") else {
            let empty = self.facts.keys.len() == 1 && self.facts.words == 0 && self.facts.keys.iter().all(|key| !key.opens);
            if let (true, Some(at)) = (empty && self.depth == 0, first) {
                let message = "nothing stands where the list of users must stand";
                let help = "write `users: []` for nobody, or the users below it";
                self.mistakes.push(Mistake::new(at, message, help));
            }
            return;
        };
        let message = format!(
            "unknown key `{}`: expected {}",
            odd.name,
            crate::yaml::group::GROUP_FILE
        );
        let help = match (odd.inline > 0 && !odd.opens).then(|| as_users(&self.facts.users)).flatten() {
            Some(help) => help,
            None => format!("write `users:` in place of `{}:`", short(odd.name)),
        };
        self.mistakes.push(Mistake::new(odd.at.clone(), message, help));
    }

    /// Whether users stand outside the one key as well.
    fn mixes(&self, lines: &[Line<'_>]) -> bool {
        let at = self.facts.document.as_ref().map_or(0, |at| at.start);
        let key = self.facts.users_keys().next().map_or(0, |key| key.at.start);
        key > at || lines.iter().any(|line| line.start > at && line.lead.mark != Mark::None)
    }

    fn end(&mut self) {
        if let Some((mut mistake, more)) = self.bare.take() {
            if more > 0 {
                mistake.help = format!("{}, and each of the {} lines like it so", mistake.help, more + 1);
            }
            self.mistakes.push(mistake);
        }
        if let Some(open) = self.open.filter(|_| self.depth > 0) {
            let close = match self.slice(open..open + 1) {
                "{" => "}",
                _ => "]",
            };
            let line = self.slice(open..self.text.len());
            let one_line = line.trim_end().lines().count() == 1 && line.len() < LONGEST_HELP / 2;
            let help = match one_line && close == "]" {
                true => {
                    let start = self.text.get(..open).and_then(|before| before.rfind('\n')).map_or(0, |at| at + 1);
                    format!("end it with `]`: write `{}]`", self.slice(start..self.text.len()).trim())
                }
                false => format!("end it with `{close}`"),
            };
            self.mistakes.push(Mistake::new(open..open + 1, "this bracket is never closed", help));
        }
    }
}

/// What is wrong with a word's quotes, and what to write.
fn quote_mistake(word: &Word<'_>, user: &str) -> Option<(String, String)> {
    let write = format!("write `{user}`");
    Some(match word.quote {
        Quote::Plain | Quote::Escaped => return None,
        Quote::None if word.inner.starts_with('@') => {
            (format!("`{}` must stand in quotes: `{user}`", word.inner), write)
        }
        Quote::None => return None,
        Quote::Open(mark) if matches!(mark, '"' | '\'') => {
            let entry = format!("{mark}{}{mark}", word.inner);
            ("this quote is never closed".into(), format!("end it with `{mark}`: write `- {entry}`"))
        }
        Quote::Stray => ("a quote ends here that never began".into(), write),
        Quote::Apostrophe => (
            "the `'` within this name ends its quotes".into(),
            format!("in `\"` quotes a `'` is like any other: {write}"),
        ),
        Quote::Odd('`') | Quote::Open('`') => ("a backtick is no quote in YAML".into(), write),
        Quote::Odd('"' | '\'') => ("a quote stands within this name".into(), write),
        Quote::Odd(c) | Quote::Open(c) => (
            format!("`{}` is not a user ID: it stands in no plain quotes", short(&word.inner)),
            format!("{}: {write}", marks::name(c)),
        ),
    })
}

/// What is wrong with a blank that YAML does not take there.
fn blank_message(c: char) -> String {
    match c {
        '\t' => "a tab stands where YAML takes only blanks".into(),
        c => look_alike(c),
    }
}

fn look_alike(c: char) -> String {
    match c {
        '\u{feff}' => "a byte order mark stands here (U+FEFF), which belongs only at a file's start".into(),
        c => marks::name(c),
    }
}

fn shown(word: &Word<'_>) -> String {
    format!("`{}`", short(&word.inner))
}

