//! What may have been meant where something must join users, or end a statement, or give a value.
//!
//! Law: as in `meant`, the likeliest first.

use super::meant::{Candidate, DEFINES, Here, bare, before_is, is_name};
use super::words::word_at;
use crate::id::ServerName;
use crate::syntax::KEYWORDS;
use crate::syntax::marks::round_brackets;

impl Here<'_, '_> {
    /// Something that joins or ends must stand here.
    pub(super) fn connectors(&self, list: &mut Vec<Candidate>) {
        let (found, last) = (self.found, self.last());
        let first = self.before.first().map_or("", |(_, word)| *word);
        if self.takes("`except`") {
            let next = self.next.first().map_or("", |(_, word)| *word);
            if let ("apart" | "aside", "from") | ("other", "than") = (found, next) {
                let end = self
                    .next
                    .first()
                    .map_or(self.end, |(at, word)| at + word.len());
                list.push(Candidate::maybe(vec![(self.at, end, "except".into())]));
            }
            let mut put = |new: &str| list.push(Candidate::maybe(self.replaced(new)));
            match found {
                "but" | "excluding" | "without" | "minus" | "besides" | "-" | "not"
                | "excepting" | "bar" => put("except"),
                _ => {}
            }
        }
        if self.takes("`and`") {
            let mut put = |new: &str| list.push(Candidate::maybe(self.replaced(new)));
            match found {
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
        self.whose(list);
        if last == "the" {
            let start = self.before.last().map_or(self.at, |(at, _)| *at);
            let next = self.next.first().map_or(self.end, |(at, _)| *at);
            let end = if found == "room" { next } else { self.at };
            list.push(Candidate::maybe(vec![(start, end, String::new())]));
        }
        if found == "to" && self.takes("the end of the statement") && first == "send" {
            // `to @a to @b`
            list.push(Candidate::maybe(vec![(
                self.last_end(),
                self.end,
                ",".into(),
            )]));
        }
        let polite = ["please", "too", "also", "always", "again"];
        if self.takes("the end of the statement") && polite.contains(&found) {
            list.push(Candidate::maybe(self.without()));
        }
        if self.takes("`are`") {
            if matches!(found, "is" | "am" | "be" | "were" | "was") {
                list.push(Candidate::maybe(self.replaced("are")));
            }
            list.push(Candidate::maybe(self.inserted("are ")));
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
            if matches!(found, "also" | "always") {
                list.push(Candidate::maybe(self.without()));
            }
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
            if DEFINES.contains(&found) {
                put("=");
            }
            if let Some(name) = last.strip_suffix(':') {
                let mut changes = self.last_replaced(&format!("{name} ="));
                list.push(Candidate::maybe(changes.clone()));
                changes.extend(round_brackets(self.text));
                list.push(Candidate::maybe(changes));
            }
            let word = found.starts_with(|c: char| c.is_ascii_alphanumeric());
            if before_is(&self.before, &["group"])
                && word
                && is_name(found)
                && !KEYWORDS.contains(&found)
            {
                // `group my staff = ...`
                list.push(Candidate {
                    why: "a group's name is one word".into(),
                    ..Candidate::maybe(self.joined())
                });
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
        if last == "@"
            && let Some(name) = bare(found, &['"'])
        {
            // `@"ann"`
            let start = self.before.last().map_or(self.at, |(at, _)| *at);
            let user = match name.split(':').next().is_some_and(is_name) {
                true => format!("@{name}"),
                false => format!("\"@{name}\""),
            };
            list.push(Candidate::maybe(vec![(start, self.end, user)]));
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
            if !self.takes(what) || found.is_empty() || last.ends_with(':') {
                continue;
            }
            if what == "`users`" && matches!(found, "," | ")") {
                list.push(Candidate::maybe(vec![(
                    self.last_end(),
                    self.last_end(),
                    " users".into(),
                )]));
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

    /// Whole users stand before, and more is said of them: `local users in #ops`.
    fn whose(&self, list: &mut Vec<Candidate>) {
        let (found, last) = (self.found, self.last());
        if matches!(last, "local" | "remote") && matches!(found, "members" | "room" | "group") {
            list.push(Candidate::maybe(self.inserted("users who are ")));
        }
        let next = self.next.first().map_or("", |(_, word)| *word);
        let server = |word: &str| word.contains('.') && ServerName::parse(word).is_ok();
        let room = |word: &str| word.starts_with(['#', '!']);
        let every = matches!(self.before[..], [.., (_, "all"), (_, "users")]);
        if self.takes("`who are`") && !every {
            let with = if matches!(last, "everyone" | "all") {
                ""
            } else {
                "who are "
            };
            let mut put = |what: &str| {
                let changes = match with {
                    "" => {
                        let start = self.before.last().map_or(self.at, |(at, _)| *at);
                        vec![(start, self.end, what.to_owned())]
                    }
                    with => self.replaced(format!("{with}{what}")),
                };
                list.push(Candidate::maybe(changes));
            };
            match found {
                "on" | "in" | "at" if server(next) => put("users on"),
                "in" | "of" if room(next) => put("members of"),
                "matching" if next.starts_with('/') => put("users matching"),
                _ => {}
            }
            if found == "in" && next == "group" {
                list.push(Candidate::maybe(self.replaced("who are")));
            }
        }
        if found == "not"
            && let [(_, joining), (_, what), ..] = self.next[..]
        {
            let end = self
                .next
                .first()
                .map_or(self.end, |(at, word)| at + word.len());
            let mut put = |kind: &str| {
                let new = format!("except {kind}");
                list.push(Candidate::maybe(vec![(self.at, end, new)]));
            };
            match joining {
                "on" | "in" | "from" | "at" if server(what) => put("users on"),
                "in" | "of" if room(what) => put("members of"),
                "in" if what == "group" => put(""),
                _ => {}
            }
        }
        if self.takes("`,`") {
            let joined = |what: &str| {
                Candidate::maybe(vec![(self.last_end(), self.at, format!(", {what}"))])
            };
            if server(found) && matches!(self.before[..], [.., (_, "on"), _]) {
                list.push(joined("users on "));
            }
            let other = match self.before[..] {
                [.., (_, "group"), (_, name)] => self.known.groups().contains(&name),
                _ => true,
            };
            if other && self.known.groups().contains(&found) {
                list.push(joined("group "));
            }
            if let [.., (_, "group"), (_, name)] = self.before[..]
                && self
                    .known
                    .groups()
                    .contains(&format!("{name}-{found}").as_str())
            {
                list.push(Candidate::maybe(self.joined()));
            }
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
        if self.takes("a path in quotes")
            && !found.is_empty()
            && !found.starts_with(['@', '#', '!'])
        {
            let path = found.trim_matches(['\'', '`']).replace('\\', "/");
            list.push(Candidate::maybe(self.replaced(format!("\"{path}\""))));
        }
        if self.takes("a regex between slashes") {
            let inner = found.trim_matches(['"', '\'', '`']);
            let start = self.before.len().checked_sub(2);
            let start = start.and_then(|at| self.before.get(at));
            if let Some((start, "users")) = start
                && let Some(pattern) = wildcards(inner)
            {
                // `@bot-*` is no regex, and needs no `matching`.
                list.push(Candidate::maybe(vec![(*start, self.end, pattern)]));
                return;
            }
            if self
                .next
                .first()
                .is_some_and(|(_, word)| word.starts_with('/'))
            {
                list.push(Candidate::maybe(self.without()));
            }
            let rest = self.text.get(self.at..).unwrap_or_default();
            let run = rest.split([' ', '\t']).next().unwrap_or_default();
            let between = run.strip_prefix('/').and_then(|run| run.strip_suffix('/'));
            if let Some(inner) =
                between.filter(|inner| inner.contains('/') && !inner.contains('\\'))
            {
                let new = format!("/{}/", inner.replace('/', "\\/"));
                list.push(Candidate {
                    why: "a `/` in a regex is written `\\/`".into(),
                    ..Candidate::maybe(vec![(self.at, self.at + run.len(), new)])
                });
            }
            if let Some(flags) = self.text.get(self.end..).map(word_at)
                && found.len() > 1
                && found.starts_with('/')
                && let Some(known) = known_flags(flags)
                && !flags.is_empty()
            {
                let inner = found.trim_matches('/');
                let new = format!("/{known}{inner}/");
                let changes = vec![(self.at, self.end + flags.len(), new)];
                list.push(Candidate::maybe(changes));
            }
            list.extend(regex_between(inner).map(|regex| Candidate::maybe(self.replaced(regex))));
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

/// A text with wildcards, and nothing that only regexes have, as the pattern it is.
fn wildcards(text: &str) -> Option<String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "@:._=+-*?".contains(c);
    let wild = text.contains('*') && text.chars().all(plain) && !text.contains(".*");
    let regex = text.contains("+*") || text.contains("*?") || text.contains("**");
    let user = match text.strip_prefix('@') {
        Some(_) => text.to_owned(),
        None if text.contains('@') => return None,
        None => format!("@{text}"),
    };
    (wild && !regex && !text.starts_with("@:")).then_some(user)
}

/// What stands in quotes, or bare, as a regex between slashes, if it is one as far as a look at its marks
/// tells.
fn regex_between(text: &str) -> Option<String> {
    let (inner, flags) = match text
        .strip_prefix('/')
        .and_then(|rest| rest.rsplit_once('/'))
    {
        Some((inner, flags)) => (inner, known_flags(flags)?),
        None => (text, String::new()),
    };
    // A regex matches a whole ID, with its server.
    let whole = inner.contains(':') || inner.ends_with(".*") || inner.ends_with(".+");
    if inner.is_empty() || !whole || !is_like_a_regex(inner) {
        return None;
    }
    let mut slashed = String::with_capacity(inner.len() + 8);
    let mut escaped = false;
    for c in inner.chars() {
        if c == '/' && !escaped {
            slashed.push('\\');
        }
        escaped = c == '\\' && !escaped;
        slashed.push(c);
    }
    Some(format!("/{flags}{slashed}/"))
}

/// The flags behind a regex as they stand in it. Those that say how often to look mean nothing where a
/// whole ID must match.
fn known_flags(flags: &str) -> Option<String> {
    if !flags.bytes().all(|b| b"imsxUguy".contains(&b)) {
        return None;
    }
    let kept: String = flags.chars().filter(|c| "imsxU".contains(*c)).collect();
    Some(match kept.is_empty() {
        true => kept,
        false => format!("(?{kept})"),
    })
}

/// Whether brackets are closed, and what repeats stands behind something: regexes themselves are known
/// only where policies are resolved.
fn is_like_a_regex(text: &str) -> bool {
    let mut open = Vec::new();
    let mut before = '(';
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let in_class = open.last() == Some(&'[');
        match c {
            '\\' => {
                let Some(next) = chars.next() else {
                    return false;
                };
                let known = next.is_ascii_punctuation() || "dDwWsSbBAz".contains(next);
                if !known {
                    return false;
                }
            }
            ']' if in_class => _ = open.pop(),
            _ if in_class => {}
            '*' | '+' | '?' if "(|*+?".contains(before) => return false,
            '{' if !chars.peek().is_some_and(char::is_ascii_digit) => return false,
            '(' if chars.peek() == Some(&'?') => return false,
            '(' | '[' | '{' => open.push(c),
            ')' if open.pop() != Some('(') => return false,
            '}' if open.pop() != Some('{') => return false,
            _ => {}
        }
        before = if c == '\\' { 'x' } else { c };
    }
    open.is_empty()
}
