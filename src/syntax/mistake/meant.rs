//! What may have been meant where the grammar gets stuck: words of English, of firewalls, of YAML and
//! of chat programs, and the keyword a mistyped word is near to.
//!
//! Not for: users (`users`), nor whether a change makes a statement (`repair` tries it).
//!
//! Law: the likeliest first. *Certain* is only what changes no name and no meaning: a letter's case,
//! a mark, a blank.

use super::Known;
use super::repair::is_statement;
use super::sentences::{first_keyword, sentences};
use super::words::{word_at, words};
use crate::diagnostic::nearest;
use crate::syntax::KEYWORDS;
use crate::syntax::marks::{self, Change, plain_characters, round_brackets};
use crate::syntax::word::is_unquoted_localpart;

/// Changes worth trying.
#[derive(Debug)]
pub(super) struct Candidate {
    pub changes: Vec<Change>,
    /// For which meaning, if there are several.
    pub note: &'static str,
    pub certain: bool,
    pub why: String,
}

impl Candidate {
    pub(super) fn maybe(changes: Vec<Change>) -> Self {
        Candidate {
            changes,
            note: "",
            certain: false,
            why: String::new(),
        }
    }

    /// A word is near to one that is known.
    pub(super) fn near(changes: Vec<Change>, word: &str) -> Self {
        Candidate {
            why: format!("did you mean `{word}`?"),
            ..Self::maybe(changes)
        }
    }

    pub(super) fn certain(changes: Vec<Change>, why: impl Into<String>) -> Self {
        Candidate {
            certain: true,
            why: why.into(),
            ..Self::maybe(changes)
        }
    }
}

/// What quotes no name here, though elsewhere.
const SINGLE_QUOTES: [char; 6] = ['\'', '`', '\u{b4}', '\u{2018}', '\u{2019}', '\u{201a}'];

/// The same, and what does quote one.
const QUOTES: [char; 4] = ['\'', '`', '\u{2018}', '\u{2019}'];

/// Words that stand for the `=` of a group.
pub(in crate::syntax) const DEFINES: [&str; 10] = [
    "is", "are", ":", ":=", "==", "contains", "means", "includes", "has", "in",
];

/// Words that begin a statement.
pub(super) const STATEMENTS: [&str; 11] = [
    "server", "group", "send", "block", "all", "everyone", "users", "local", "remote", "room",
    "members",
];

/// The changes to try in a statement that the grammar takes up to byte `at`; `whole` also those of
/// all of it.
pub(super) fn candidates(
    text: &str,
    at: usize,
    expected: &[&str],
    known: &Known<'_>,
    whole: bool,
) -> Vec<Candidate> {
    let rest = text.get(at..).unwrap_or_default();
    let before = text.get(..at).unwrap_or_default();
    let found = word_at(rest);
    let end = at + found.len();
    let next = words(text.get(end..).unwrap_or_default());
    let here = Here {
        text,
        at,
        end,
        found,
        expected,
        known,
        before: words(before),
        next: next
            .iter()
            .map(|(start, word)| (end + start, *word))
            .collect(),
    };
    let mut list = Vec::new();
    if whole {
        list.extend(here.characters());
    }
    here.capitals(&mut list);
    here.statement_ends(&mut list);
    if whole {
        list.extend(sentences(text));
    }
    if here.takes("`on`") || here.takes("`of`") || here.takes("`members`") {
        here.users_and_members(&mut list);
    }
    here.word(&mut list);
    if here.takes("users") {
        here.users(&mut list);
    }
    here.connectors(&mut list);
    list
}

/// The place where the grammar is stuck.
pub(super) struct Here<'a, 't> {
    pub(super) text: &'a str,
    pub(super) at: usize,
    pub(super) end: usize,
    pub(super) found: &'a str,
    pub(super) expected: &'a [&'a str],
    pub(super) known: &'a Known<'t>,
    pub(super) before: Vec<(usize, &'a str)>,
    pub(super) next: Vec<(usize, &'a str)>,
}

impl<'a> Here<'a, '_> {
    pub(super) fn takes(&self, what: &str) -> bool {
        self.expected.contains(&what)
    }

    pub(super) fn last(&self) -> &'a str {
        self.before.last().map_or("", |(_, word)| word)
    }

    pub(super) fn replaced(&self, new: impl Into<String>) -> Vec<Change> {
        vec![(self.at, self.end, new.into())]
    }

    /// The word joined to the one before it.
    pub(super) fn joined(&self) -> Vec<Change> {
        vec![(self.last_end(), self.at, "-".into())]
    }

    /// Where the word before ends.
    pub(super) fn last_end(&self) -> usize {
        self.before.last().map_or(0, |(at, word)| at + word.len())
    }

    pub(super) fn inserted(&self, new: &str) -> Vec<Change> {
        vec![(self.at, self.at, new.into())]
    }

    /// The word taken out with the blanks behind it, unless it is joined to the one before.
    pub(super) fn without(&self) -> Vec<Change> {
        if self
            .before
            .last()
            .is_some_and(|(at, word)| at + word.len() == self.at)
        {
            return vec![(self.at, self.end, String::new())];
        }
        let to = self.next.first().map_or(self.text.len(), |(at, _)| *at);
        vec![(self.at, to, String::new())]
    }

    /// The word before taken out with the blanks behind it, or replaced.
    pub(super) fn last_replaced(&self, new: &str) -> Vec<Change> {
        let Some((at, word)) = self.before.last() else {
            return Vec::new();
        };
        let joined = self.text.get(..*at).unwrap_or_default();
        let joined = !joined.is_empty() && !joined.ends_with([' ', '\t']);
        if new.is_empty() {
            let to = if joined { at + word.len() } else { self.at };
            vec![(*at, to, String::new())]
        } else {
            vec![(*at, at + word.len(), new.into())]
        }
    }

    /// Characters that only look right.
    fn characters(&self) -> Vec<Candidate> {
        let mut list = Vec::new();
        if let Some((changes, first)) = plain_characters(self.text, false) {
            list.push(Candidate::certain(changes, marks::name(first)));
        }
        if let Some((changes, first)) = plain_characters(self.text, true) {
            list.push(Candidate {
                why: marks::name(first),
                ..Candidate::maybe(changes)
            });
        }
        let round = round_brackets(self.text);
        if !round.is_empty() {
            list.push(Candidate::maybe(round));
        }
        // All of the statement in quotes
        if let Some(inner) = bare(self.text, &QUOTES).filter(|inner| is_statement(inner)) {
            let why = "a statement stands without quotes";
            let quote = (self.text.len() - inner.len()) / 2;
            let changes = vec![
                (0, quote, String::new()),
                (quote + inner.len(), self.text.len(), String::new()),
            ];
            list.push(Candidate::certain(changes, why));
        }
        // `'@ann'` and `@ann` in backticks
        if let Some(bare) = bare(self.found, &SINGLE_QUOTES) {
            let plain = |c: char| is_unquoted_localpart(c) || "@:[]*?#!".contains(c);
            let why = "only `\"` quotes a name, and few need it";
            let new = if bare.chars().all(plain) {
                bare.to_owned()
            } else {
                format!("\"{bare}\"")
            };
            list.push(Candidate::certain(self.replaced(new), why));
        }
        list
    }

    /// Keywords in capitals.
    fn capitals(&self, list: &mut Vec<Candidate>) {
        let why = "keywords are lower case";
        let lower = |(at, word): (usize, &str)| {
            let lower = word.to_lowercase();
            let wrong = lower != word && KEYWORDS.contains(&lower.as_str());
            wrong.then(|| (at, at + word.len(), lower))
        };
        list.extend(
            lower((self.at, self.found)).map(|change| Candidate::certain(vec![change], why)),
        );
        let all: Vec<Change> = words(self.text).into_iter().filter_map(lower).collect();
        if all.len() > 1 {
            list.push(Candidate::certain(all, why));
        }
    }

    /// A statement is over, and something follows on its line.
    fn statement_ends(&self, list: &mut Vec<Candidate>) {
        let before = self.text.get(..self.at).unwrap_or_default().trim_end();
        let rest = self.text.get(self.at..).unwrap_or_default();
        let why = "a statement ends with its line";
        if let Some(one) = before.strip_suffix(';')
            && is_statement(one)
            && is_statement(rest)
        {
            let changes = vec![(one.len(), self.at, "\n".to_owned())];
            list.push(Candidate::certain(changes, why));
        }
        let semicolon = self.end.saturating_sub(1);
        if self.found.len() > 1
            && self.found.ends_with(';')
            && self.text.get(..semicolon).is_some_and(is_statement)
        {
            // `local users; block @ann`
            let (to, new) = match self.next.first() {
                Some((next, _)) if self.text.get(*next..).is_some_and(is_statement) => {
                    (*next, "\n")
                }
                _ => (self.end, ""),
            };
            list.push(Candidate::certain(
                vec![(semicolon, to, new.to_owned())],
                why,
            ));
        }
        let joined = before.strip_suffix(',').or(before.strip_suffix(" and"));
        if let Some(one) = joined
            && is_statement(one)
            && is_statement(rest)
        {
            let why = why.to_owned();
            list.push(Candidate {
                why,
                ..Candidate::maybe(vec![(one.len(), self.at, "\n".to_owned())])
            });
        }
        if before.ends_with(';') {
            let changes = vec![(before.len() - 1, before.len(), ",".to_owned())];
            list.push(Candidate::maybe(changes));
        }
        if self.found == ";" && self.next.is_empty() {
            let changes = vec![(before.len(), self.end, String::new())];
            list.push(Candidate::certain(changes, why));
        }
        if self.found == ";" && is_statement(before) {
            let rest = rest.get(1..).unwrap_or_default();
            let start = self.end + (rest.len() - rest.trim_start().len());
            let changes = vec![(before.len(), start, "\n".to_owned())];
            list.push(Candidate::certain(changes, why));
        }
        if self.takes("the end of the statement") && is_statement(before) && is_statement(rest) {
            let changes = vec![(before.len(), self.at, "\n".to_owned())];
            let why = why.to_owned();
            list.push(Candidate {
                why,
                ..Candidate::maybe(changes)
            });
        }
        if self.found == "\\" {
            let why = "a statement goes on over its line's end without a `\\`";
            list.push(Candidate::certain(self.without(), why));
        }
    }

    /// The word itself, mistyped or from another language.
    fn word(&self, list: &mut Vec<Candidate>) {
        let starts = self.before.is_empty();
        let found = self.found;
        if let Some(bare) = found
            .strip_suffix(':')
            .filter(|bare| KEYWORDS.contains(bare))
        {
            list.push(Candidate::maybe(self.replaced(bare)));
        }
        // `to@ann`
        let glued = KEYWORDS.iter().filter_map(|word| {
            let rest = found.strip_prefix(word)?;
            rest.starts_with(['@', '#', '!'])
                .then_some(self.at + word.len())
        });
        let blank = |at| Candidate::certain(vec![(at, at, " ".into())], "a blank is missing");
        list.extend(glued.map(blank));
        if starts && is_bullet(found) {
            let why = "a statement stands without a mark before it";
            list.push(Candidate::certain(self.without(), why));
        }
        if starts {
            list.extend(first_keyword(found).map(|word| Candidate::maybe(self.replaced(word))));
            let near = nearest(found, STATEMENTS);
            list.extend(near.map(|word| Candidate::near(self.replaced(word), word)));
            if found.ends_with(':') {
                list.push(Candidate::maybe(self.without()));
            }
            let word = self.next.first().map_or("", |(_, word)| word);
            let verb = ["see", "sees", "may", "can", "should", "receives", "gets"];
            if verb.contains(&word) && is_name(found) {
                let user = format!("@{}", found.to_lowercase());
                list.push(Candidate::maybe(self.replaced(user)));
            }
            return;
        }
        let keywords = self
            .expected
            .iter()
            .filter_map(|name| name.strip_prefix('`'));
        let keywords = keywords.flat_map(|name| name.trim_end_matches('`').split(' '));
        let keywords = keywords.filter(|word| KEYWORDS.contains(word));
        if !found.is_empty() && !KEYWORDS.contains(&found) {
            let near = nearest(found, keywords);
            list.extend(near.map(|word| Candidate::near(self.replaced(word), word)));
        }
    }
}

/// Whether a word is what lists of other languages begin their entries with.
pub(super) fn is_bullet(word: &str) -> bool {
    let number = word.trim_end_matches(['.', ')', ':']);
    let number = number.len() < word.len() && number.bytes().all(|b| b.is_ascii_digit());
    number || ["-", "*", "+", ">", "\u{2022}", "\u{2013}", "$", "%"].contains(&word)
}

/// Whether just these words stand before the last one.
pub(super) fn before_is(before: &[(usize, &str)], words: &[&str]) -> bool {
    let before = before.split_last().map_or(before, |(_, before)| before);
    before.iter().map(|(_, word)| word).eq(words)
}

/// What stands in quotes of another kind, if it needs none.
pub(super) fn bare<'a>(word: &'a str, quotes: &[char]) -> Option<&'a str> {
    let inner = word.strip_prefix(quotes)?.strip_suffix(quotes)?;
    (!inner.is_empty()).then_some(inner)
}

/// Whether a word can be the name of a user without quotes.
pub(super) fn is_name(word: &str) -> bool {
    !word.is_empty() && word.chars().all(is_unquoted_localpart)
}
