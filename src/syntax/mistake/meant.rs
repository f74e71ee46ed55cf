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
use crate::id::ServerName;
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

    fn certain(changes: Vec<Change>, why: impl Into<String>) -> Self {
        Candidate {
            certain: true,
            why: why.into(),
            ..Self::maybe(changes)
        }
    }
}

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

    fn inserted(&self, new: &str) -> Vec<Change> {
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
        // `'@ann'` and `@ann` in backticks
        if let Some(bare) = bare(self.found, &['\'', '`']) {
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

    /// Something that joins or ends must stand here.
    fn connectors(&self, list: &mut Vec<Candidate>) {
        let (found, last) = (self.found, self.last());
        let first = self.before.first().map_or("", |(_, word)| *word);
        let mut put = |new: &str| list.push(Candidate::maybe(self.replaced(new)));
        if self.takes("`except`") {
            match found {
                "but" | "excluding" | "without" | "minus" | "besides" | "-" | "not" | "unless"
                | "excepting" | "bar" => put("except"),
                "or" | "plus" | "&" | "&&" | "|" | "||" | "+" | "as" => put("and"),
                _ => {}
            }
        }
        if self.takes("`,`") && found == "except" {
            list.push(Candidate::maybe(vec![(
                self.before
                    .last()
                    .map_or(self.at, |(at, word)| at + word.len()),
                self.end,
                ",".into(),
            )]));
        }
        let mut put = |new: &str| list.push(Candidate::maybe(self.replaced(new)));
        if self.takes("`to`") {
            match found {
                "->" | "=>" | "-->" | "\u{2192}" | "for" | "towards" | "into" | "onto" | "2" => {
                    put("to")
                }
                _ => {}
            }
        }
        if self.takes("`see`") {
            match found {
                "receives" | "receive" | "gets" | "get" | "watches" | "watch" | "follows"
                | "follow" | "subscribes" | "subscribe" | "observes" | "notices" => {
                    let to = self.next.first().filter(|(_, word)| *word == "to");
                    let end = to.map_or(self.end, |(at, word)| at + word.len());
                    let verb = if found.ends_with('s') { "sees" } else { "see" };
                    list.push(Candidate::maybe(vec![(self.at, end, verb.into())]));
                }
                "can" | "may" | "should" | "must" | "will" | "could" | "always" | "to" | "are" => {
                    let verb = self.next.first().filter(|(_, word)| *word == "see");
                    let one = self.before.len() == 1 && last.starts_with('@');
                    let word = if one { "sees" } else { "see" };
                    list.extend(verb.map(|(at, verb)| {
                        Candidate::maybe(vec![(self.at, at + verb.len(), word.into())])
                    }));
                }
                _ => {}
            }
        }
        if self.takes("`=`") {
            let mut put = |new: &str| list.push(Candidate::maybe(self.replaced(new)));
            match found {
                "is" | "are" | ":" | ":=" | "==" | "contains" | "means" | "includes" | "has" => {
                    put("=")
                }
                _ => {}
            }
            if let Some(name) = last.strip_suffix(':') {
                list.push(Candidate::maybe(self.last_replaced(&format!("{name} ="))));
            }
        }
        if let Some(name) = last.strip_suffix(':').filter(|last| last.starts_with('@')) {
            // `@ann: example.org`
            let end = self
                .before
                .last()
                .map_or(self.at, |(at, word)| at + word.len());
            if ServerName::parse(found).is_ok() && !name.is_empty() {
                list.push(Candidate::maybe(vec![(end, self.at, String::new())]));
            }
        }
        if last == "@" && is_name(found) {
            let end = self.before.last().map_or(self.at, |(at, _)| at + 1);
            list.push(Candidate::maybe(vec![(end, self.at, String::new())]));
        }
        if last == "=" && first == "server" {
            list.push(Candidate::maybe(self.last_replaced("")));
        }
        if last == "all" {
            // `all local users`, `all users on example.org`
            list.push(Candidate::maybe(self.last_replaced("")));
        }
        if let [.., (at, "all"), (_, "users")] = self.before[..]
            && matches!(found, "on" | "matching")
        {
            list.push(Candidate::maybe(vec![(
                at,
                at + "all ".len(),
                String::new(),
            )]));
        }
        self.values(list);
        for (what, new) in [
            ("`to`", "to "),
            ("`=`", "= "),
            ("`,`", ", "),
            ("`users`", "users "),
            (
                "`see`",
                if self.before.len() == 1 {
                    "sees "
                } else {
                    "see "
                },
            ),
        ] {
            if !self.takes(what) || found.is_empty() {
                continue;
            }
            // A comma stands at the word before it.
            let at = self.before.last().map_or(0, |(at, word)| at + word.len());
            let changes = if what == "`,`" {
                vec![(at, self.at, new.to_owned())]
            } else {
                self.inserted(new)
            };
            list.push(Candidate::maybe(changes));
        }
        if found == ")" {
            list.push(Candidate::maybe(vec![(self.at, self.end, String::new())]));
        }
    }

    /// A path, a regex or a name must stand here, or has just ended.
    fn values(&self, list: &mut Vec<Candidate>) {
        let (found, last) = (self.found, self.last());
        if self.takes("a group's name")
            && let Some(name) = bare(found, &['"', '\'', '`'])
        {
            let why = "a group's name stands without quotes";
            list.push(Candidate::certain(self.replaced(name), why));
        }
        if self.takes("a path in quotes") && !found.is_empty() {
            let bare = found.trim_matches(['\'', '`']);
            list.push(Candidate::maybe(self.replaced(format!("\"{bare}\""))));
        }
        if self.takes("a regex between slashes") {
            if found.starts_with('@') && found.contains('*') && !found.contains([']', '\\', '+']) {
                let start = self.before.len().checked_sub(2);
                let start = start.and_then(|at| self.before.get(at));
                if let Some((start, "users")) = start {
                    // A pattern is no regex: `@bot-*` needs no `matching`.
                    let pattern = found.replace(".*", "*");
                    let changes = vec![(*start, self.end, pattern)];
                    list.push(Candidate::maybe(changes));
                }
            }
            if let Some(flags) = self.text.get(self.end..).map(word_at)
                && found.len() > 1
                && found.starts_with('/')
                && flags.bytes().all(|b| b"imsxU".contains(&b))
                && !flags.is_empty()
            {
                let inner = found.trim_matches('/');
                let changes = vec![(
                    self.at,
                    self.end + flags.len(),
                    format!("/(?{flags}){inner}/"),
                )];
                list.push(Candidate::maybe(changes));
            }
            let inner = found.trim_matches(['"', '\'', '`']).replace('/', "\\/");
            list.push(Candidate::maybe(self.replaced(format!("/{inner}/"))));
        }
        if self.takes("a room") && matches!(found, "group" | "room" | "the") {
            let start = self
                .before
                .iter()
                .rev()
                .find(|(_, word)| *word == "members");
            if let Some((start, _)) = start.filter(|_| found == "group") {
                list.push(Candidate::maybe(vec![(*start, self.at, String::new())]));
            }
            list.push(Candidate::maybe(self.without()));
        }
        if self.takes("a server") && last == "on" && found == "server" {
            list.push(Candidate::maybe(self.without()));
        }
    }
}

/// What stands in quotes of another kind, if it needs none.
fn bare<'a>(word: &'a str, quotes: &[char]) -> Option<&'a str> {
    let quote = word.chars().next().filter(|c| quotes.contains(c))?;
    let inner = word.strip_prefix(quote)?.strip_suffix(quote)?;
    (!inner.is_empty()).then_some(inner)
}

/// Whether a word can be the name of a user without quotes.
pub(super) fn is_name(word: &str) -> bool {
    !word.is_empty() && word.chars().all(is_unquoted_localpart)
}
