//! What all lines of a group file say together: its keys, its documents, and whether it is a list of users at all.
//!
//! Not for: single entries (`list`).
//!
//! Law: users of two lists are never proposed as one.

use std::ops::Range;

use super::Mistake;
use super::lines::{Line, Mark, Piece, is_marker};
use super::user::{LISTED, SHAPE, as_list, is_neutral, is_user, negates};
use super::whole::as_users;
use crate::diagnostic::short;
use crate::yaml::group::GROUP_FILE;

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
pub(super) struct Facts<'t> {
    pub(super) users: Vec<&'t str>,
    pub(super) words: usize,
    /// The words that are about users, and the lines with some, and with others alone.
    pub(super) about: usize,
    pub(super) about_lines: usize,
    pub(super) other_lines: usize,
    keys: Vec<KeyFacts<'t>>,
    /// Where a second document begins.
    document: Option<Range<usize>>,
    /// The first tag, anchor or alias.
    sign: Option<Range<usize>>,
}

impl<'t> Facts<'t> {
    pub(super) fn of(lines: &'t [Line<'t>]) -> Self {
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
            let (keys_before, words_before, about_before) =
                (facts.keys.len(), facts.words, facts.about);
            for piece in &line.pieces {
                match piece {
                    Piece::Word(word) => {
                        facts.words += 1;
                        let about = word.inner.contains('@') || word.inner.contains("matrix.to/#/");
                        facts.about += usize::from(about);
                        if is_user(&word.inner) {
                            facts.users.push(&word.inner);
                        }
                        let inline = facts.keys.len() > keys_before;
                        if let Some(key) = facts.keys.last_mut() {
                            key.words += 1;
                            key.inline += usize::from(inline);
                        }
                    }
                    Piece::Key { at, name, glued } => {
                        if is_user(name) {
                            facts.about += 1;
                            facts.users.push(name);
                        }
                        facts.keys.push(KeyFacts {
                            at: at.clone(),
                            name,
                            glued: *glued,
                            within: record.is_some() || depth > 1,
                            words: 0,
                            inline: 0,
                            opens: false,
                        });
                    }
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
            match (facts.about > about_before, facts.words > words_before) {
                (true, _) => facts.about_lines += 1,
                (false, true) => facts.other_lines += 1,
                (false, false) => {}
            }
        }
        facts
    }

    fn users_keys(&self) -> impl Iterator<Item = &KeyFacts<'t>> {
        self.keys
            .iter()
            .filter(|key| key.name == "users" && !key.within)
    }

    /// What is wrong with the file's shape, so that nothing else need be told.
    pub(super) fn shape(&self, text: &str) -> Option<Mistake> {
        let facts = self;
        let mut users: Vec<&str> = Vec::new();
        for user in &facts.users {
            if users.len() < 3 && !users.contains(user) {
                users.push(user);
            }
        }
        let list = as_list(&users);
        let shape = || list.clone().unwrap_or_else(|| SHAPE.into());
        let keyed = facts.keys.iter().any(|key| key.name != "users");
        let tag = |sign: &&Range<usize>| {
            text.get((*sign).clone())
                .unwrap_or_default()
                .starts_with('!')
        };
        if let Some(sign) = facts.sign.as_ref().filter(|sign| keyed || tag(sign)) {
            let sign_text = text.get(sign.clone()).unwrap_or_default();
            let message = match tag(&sign) {
                true => format!(
                    "the tag `{sign_text}` makes something else of this than a list of user IDs"
                ),
                false => format!(
                    "`{sign_text}` is for files with more keys than the one of a group file"
                ),
            };
            let many = facts
                .keys
                .iter()
                .filter(|key| key.words > 0 && key.name != "users")
                .count()
                > 1;
            let help = match many {
                // A mark alone before a user may say that they are out.
                _ if sign_text == "!" => LISTED.into(),
                true => SHAPE.into(),
                false => format!("a group file is a plain list: {}", shape()),
            };
            return Some(Mistake::new(sign.clone(), message, help));
        }
        let within: Vec<&KeyFacts<'_>> = facts.keys.iter().filter(|key| key.within).collect();
        if let Some(first) = within.first() {
            let records = within.iter().filter(|key| key.name == first.name).count();
            let out = text
                .lines()
                .any(|line| negates(line.trim_start().trim_start_matches("- ")));
            let neutral = within.iter().all(|key| is_neutral(key.name));
            let help = match records == facts.users.len() && neutral {
                _ if out => LISTED.into(),
                true => shape(),
                false => SHAPE.into(),
            };
            let message = "a mapping stands where a user ID must stand";
            return Some(Mistake::new(first.at.clone(), message, help));
        }
        let odd = || facts.keys.iter().filter(|key| key.name != "users");
        let first = odd().next()?;
        if is_user(first.name) {
            let message = format!("`{}` stands here as a key", short(first.name));
            let all = facts.words == 0 || odd().all(|key| is_user(key.name));
            // What stands behind each may say that they are out.
            let help = match all && facts.users.len() == odd().count() && facts.words == 0 {
                true => shape(),
                false => LISTED.into(),
            };
            return Some(Mistake::new(first.at.clone(), message, help));
        }
        let message = format!("unknown key `{}`: expected {}", first.name, GROUP_FILE);
        let lists = facts.keys.iter().filter(|key| key.words > 0).count();
        // `ann: "@ann:example.org"`, a name before each user.
        let names = odd().all(|key| key.words == 1 && key.inline == 1 && !key.opens)
            && facts.users.len() == odd().count();
        let help = if odd().any(|key| negates(key.name)) {
            format!("{LISTED}; `users` is the only key of a group file")
        } else if facts
            .keys
            .iter()
            .any(|key| key.name == "users" && (key.words > 0 || key.opens))
        {
            "`users` is the only key of a group file: one list below it holds all users of the group, \
             and those of another group stand in a file of their own"
                .into()
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

    /// What is wrong with documents and keys beside what is wrong in the list.
    pub(super) fn keys(&self, lines: &[Line<'_>]) -> Vec<Mistake> {
        let mut mistakes = Vec::new();
        let second = self.document.clone();
        let mut keys = self.users_keys();
        let first = keys.next().map(|key| key.at.clone());
        let twice = keys.next().map(|key| key.at.clone());
        if let Some(at) = second {
            let message = "a second YAML document begins here";
            let help = match (&twice, &first) {
                (Some(_), _) => "take this line away, and write all users under one `users:`",
                (None, Some(_)) if self.mixes(lines) => {
                    "write all users under the one `users:`, and take this line away"
                }
                _ => "take this line away: one list holds all users",
            };
            mistakes.push(Mistake::new(at, message, help));
        } else if let Some(at) = twice {
            let message = "the key `users` stands here twice";
            let help = "write all users under one `users:`, each on a line of its own";
            mistakes.push(Mistake::new(at, message, help));
        }
        if let Some(key) = self
            .keys
            .iter()
            .find(|key| key.name == "users" && key.glued)
        {
            let message = "no blank stands behind this `:`";
            let help = "a blank must stand behind `users:`";
            let mistake = Mistake::new(key.at.clone(), message, help);
            mistakes.push(mistake.with_edit(key.at.end..key.at.end, " "));
        }
        let Some(odd) = self.keys.iter().find(|key| key.name != "users") else {
            let empty =
                self.keys.len() == 1 && self.words == 0 && self.keys.iter().all(|key| !key.opens);
            if let (true, Some(at)) = (empty, first) {
                let message = "nothing stands where the list of users must stand";
                let help = "write `users: []` for nobody, or the users below it";
                mistakes.push(Mistake::new(at, message, help));
            }
            return mistakes;
        };
        let message = format!("unknown key `{}`: expected {}", odd.name, GROUP_FILE);
        let help = match (odd.inline > 0 && !odd.opens)
            .then(|| as_users(&self.users))
            .flatten()
        {
            Some(help) => help,
            None if negates(odd.name) => LISTED.into(),
            None => format!("write `users:` in place of `{}:`", short(odd.name)),
        };
        mistakes.push(Mistake::new(odd.at.clone(), message, help));
        mistakes
    }

    /// Whether users stand outside the one key as well.
    fn mixes(&self, lines: &[Line<'_>]) -> bool {
        let at = self.document.as_ref().map_or(0, |at| at.start);
        let key = self.users_keys().next().map_or(0, |key| key.at.start);
        key > at
            || lines
                .iter()
                .any(|line| line.start > at && line.lead.mark != Mark::None)
    }
}

/// The blanks that entries begin with.
pub(super) fn base(lines: &[Line<'_>], facts: &Facts<'_>) -> String {
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
