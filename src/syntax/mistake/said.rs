//! What a text says as far as its single words tell, whatever their order: whom it names and on which
//! side, what it denies, what it lets through.
//!
//! Not for: comparing what two texts say (`trust`).
//!
//! Law: a word is a name, does something that is known, or is taken for a name that may be anything. The
//! same words are read the same way in mistaken texts and in right ones.

use super::meant::is_bullet;
use super::sentences::{ALLOW, BLOCK};
use super::words::words;
use crate::syntax::KEYWORDS;
use crate::syntax::link::id_in_link;

/// What may be named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    User,
    Room,
    Regex,
    /// A server or a path, or a text in quotes: no mark tells what it is.
    Other,
    /// A single word that may be a name, or a keyword that is misspelt, or anything.
    Bare,
}

/// A name as it stands in a text.
#[derive(Debug)]
pub(super) struct Name {
    pub(super) mark: Mark,
    /// Its letters, digits, dots and wildcards: what is left without marks of any language.
    pub(super) key: String,
    /// On which side of a `to`, `from` or `see` it stands, from 0.
    side: usize,
    /// Where it stands among the words.
    at: usize,
    /// Whether it stands between words that join, divide or begin.
    lone: bool,
}

/// What a text says, whatever the order of its words.
#[derive(Debug, Default)]
pub(super) struct Said {
    pub(super) names: Vec<Name>,
    /// Keywords, and words that stand for one.
    pub(super) words: Vec<&'static str>,
    /// On which sides somebody is who has no name, `all`, `local` or `remote`.
    nameless: Vec<(&'static str, usize)>,
    /// How often users stand beside users with nothing between them.
    pub(super) gaps: usize,
    pub(super) denials: usize,
    /// How many `all` are narrowed by what follows: `all local users`.
    pub(super) narrowed: usize,
    /// Whether there is a `not` in it, or another word that is none of this language's denials.
    pub(super) negates: bool,
    /// Whether a word without a mark stands where none can be a name.
    pub(super) unmarked: bool,
    /// Whether there is a word in it that does something and is none of this language.
    pub(super) foreign: bool,
    /// Whether a denial is denied.
    pub(super) doubtful: bool,
    /// The text is several statements.
    pub(super) lines: usize,
}

/// What a word does, apart from naming somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    /// `block` and words that mean the same.
    Block,
    /// `not`, `never`, `nobody`.
    Not,
    /// `except` and words that mean the same.
    Except,
    /// Stands for this keyword.
    For(&'static str),
    /// Lets both sides see the other: `<->`.
    Both,
    /// Stands for `each other` behind a `see`.
    Other,
    /// Joins names, and nothing else.
    Joins,
    /// Means nothing by itself.
    Nothing,
}

/// Words that deny whatever stands with them.
const NOT: &str = "not no never nothing nobody none noone no-one neither nor nowhere cannot can't cant \
                   don't dont doesn't doesnt won't wont shouldn't mustn't isn't aren't ! !=";

/// Words that take some users out.
const EXCEPT: &str = "except but without excluding excludes exclude minus besides excepting excepted \
                      bar save - -- \\ \u{2216}";

/// Words that stand for `all`.
const ALL: &str = "all everyone everybody anyone anybody any anything every everything world *";

/// Words that stand for `see`.
const SEE: &str = "see sees seeing receives receive receiving gets get watches watch follows follow \
                   subscribes subscribe observes notices";

/// Words that stand for `see each other`.
const BOTH: &str = "<-> <=> <--> \u{2194}";

/// Words that stand for `each other`.
const OTHER: &str = "other another eachother each-other themselves itself";

/// Words that stand for `to`.
const TO: &str = "to -> => --> \u{2192} <- <= <-- \u{2190} for towards onto";

/// Words that only join.
const JOINS: &str = ", and or plus & && | || + as ; including";

/// Words without which a statement says the same. None that says when, how long or whom else.
const NOTHING: &str = "the a an user presence updates update status people id please too also always \
                       again can may should must will could do does be is am was were has contains \
                       means includes : := = == in at inside with joined like match matches named ~ \
                       regex file one policy rule into 2 ( ) groups";

/// The words of this language that may come or go where all else stays.
const FREE: [&str; 17] = [
    "server", "group", "send", "to", "from", "see", "sees", "each", "and", "are", "users", "on",
    "matching", "room", "members", "of", "who",
];

impl Said {
    pub(super) fn of(text: &str, groups: &[&str]) -> Self {
        let mut said = Said {
            lines: text.lines().count(),
            ..Said::default()
        };
        let words = split(text);
        let (mut side, mut excepted, mut blocks, mut chained) = (0, false, false, false);
        let mut before: Option<Role> = None;
        for (at, word) in words.iter().enumerate() {
            let next = words.get(at + 1).map_or("", String::as_str);
            if word == "\n" {
                (side, excepted) = (side + 1, false);
                before = None;
                continue;
            }
            let previous = at.checked_sub(1).and_then(|at| words.get(at));
            let named = previous.is_some_and(|word| word == "group");
            let role = match named && !KEYWORDS.contains(&word.as_str()) {
                true => None,
                false => role(word, at == 0, groups),
            };
            let spelt = [Role::Block, Role::Not, Role::Except, Role::Joins];
            let spelt = role.is_some_and(|role| spelt.contains(&role)) && word != ",";
            let mark = !word.contains(char::is_alphabetic) && !spelt;
            said.foreign |= role.is_some() && !KEYWORDS.contains(&word.as_str()) && !mark;
            // `A who are B and C` reads two ways.
            said.foreign |= chained && word == "and" && before != Some(Role::Joins);
            let goes_on = role.is_none()
                || matches!(role, Some(Role::For(keyword)) if !["to", "from", "see"].contains(&keyword));
            chained = goes_on && (chained || role == Some(Role::For("who")));
            match role {
                Some(Role::Block) => {
                    said.denials += 1;
                    said.doubtful |= said.negates || before == Some(Role::Not);
                    blocks = true;
                }
                Some(Role::Not) => {
                    let opposite = match next.to_lowercase().as_str() {
                        "local" => Some("remote"),
                        "remote" => Some("local"),
                        _ => None,
                    };
                    if opposite.is_none() {
                        // `but not` denies once.
                        let but = at.checked_sub(1).and_then(|at| words.get(at));
                        if but.is_none_or(|word| word != "but") {
                            said.denials += 1;
                        }
                        said.doubtful |= blocks || before == Some(Role::Not);
                        said.negates = true;
                    }
                }
                Some(Role::Except) => {
                    // `all except @a except @b`
                    if !excepted {
                        said.denials += 1;
                    }
                    excepted = true;
                }
                Some(Role::For(keyword)) => {
                    let keyword = match (keyword, before) {
                        ("local", Some(Role::Not)) => "remote",
                        ("remote", Some(Role::Not)) => "local",
                        (keyword, _) => keyword,
                    };
                    if matches!(keyword, "to" | "from" | "see") && before != Some(Role::For("to")) {
                        (side, excepted) = (side + 1, false);
                    }
                    let narrowed = keyword == "all" && is_narrowed(words.get(at + 1..));
                    if narrowed {
                        said.narrowed += 1;
                    } else if matches!(keyword, "all" | "local" | "remote") {
                        said.nameless.push((keyword, side));
                    }
                    said.words.push(keyword);
                }
                Some(Role::Other) => said.words.push("other"),
                Some(Role::Both) => said.words.extend(["see", "other"]),
                Some(Role::Joins | Role::Nothing) => {}
                None => {
                    let name = name(word, side, at);
                    // Without a mark a group's name stands, or a server's.
                    let names = ["group", "on", "server"];
                    let before = at.checked_sub(1).and_then(|at| words.get(at));
                    let named = before.is_some_and(|word| names.contains(&word.as_str()));
                    said.unmarked |= name.mark == Mark::Bare && !named;
                    said.names.push(name);
                }
            }
            before = role;
        }
        said.gaps = gaps(&words, groups);
        let role_at = |at: Option<usize>| match at.and_then(|at| words.get(at)) {
            Some(word) if word != "\n" => role(word, at == Some(0), groups),
            _ => Some(Role::Joins),
        };
        for name in &mut said.names {
            let before = role_at(name.at.checked_sub(1));
            let after = role_at(Some(name.at + 1));
            let narrows = |role| matches!(role, Role::For("local" | "remote" | "all") | Role::Not);
            let alone = |role: Option<Role>| role.is_some_and(|role| !narrows(role));
            let begins = ["users", "members", "group", "room"];
            let users = matches!(after, Some(Role::For(word)) if begins.contains(&word));
            name.lone = alone(before) && alone(after) && !users;
        }
        said
    }

    pub(super) fn count(&self, word: &str) -> usize {
        self.words.iter().filter(|known| **known == word).count()
    }

    /// Who stands on each side, where somebody does.
    pub(super) fn sides(&self) -> Vec<Vec<&str>> {
        let mut sides: Vec<Vec<&str>> = Vec::new();
        let last = self.names.iter().map(|name| name.side);
        let last = last
            .chain(self.nameless.iter().map(|(_, side)| *side))
            .max();
        for side in 0..=last.unwrap_or_default() {
            let names = self.names.iter().filter(|name| name.side == side);
            let mut here: Vec<&str> = names
                .map(|name| name.key.trim_start_matches('*').trim_start_matches('.'))
                .filter(|key| !key.is_empty())
                .collect();
            if here.is_empty() {
                let nameless = self.nameless.iter().filter(|(_, at)| *at == side);
                here.extend(nameless.map(|(word, _)| *word));
            }
            here.sort_unstable();
            here.dedup();
            if !here.is_empty() {
                sides.push(here);
            }
        }
        sides
    }
}

impl Name {
    /// Whether this name of a proposal is what stands in a text.
    pub(super) fn is(&self, written: &Name, groups: &[&str]) -> bool {
        let everyone_there = || {
            let server = written.key.strip_prefix('*');
            self.mark == Mark::Other && server == Some(self.key.as_str())
        };
        if self.key != written.key {
            return everyone_there();
        }
        match (self.mark, written.mark) {
            (Mark::Room, written) => written == Mark::Room,
            (_, Mark::Room) | (Mark::Other, Mark::User) => false,
            (_, Mark::Bare) => {
                written.lone || self.mark == Mark::Bare || groups.contains(&written.key.as_str())
            }
            _ => true,
        }
    }
}

/// How often users stand beside users, with no word between them that joins or divides.
fn gaps(words: &[String], groups: &[&str]) -> usize {
    let (mut gaps, mut behind) = (0, false);
    for (at, word) in words.iter().enumerate() {
        match role(word, at == 0, groups) {
            None | Some(Role::For("all" | "local" | "remote")) => {
                gaps += usize::from(behind);
                behind = true;
            }
            // `members of`, `users on`, `group`
            Some(Role::For("users" | "members" | "of" | "on" | "group" | "room" | "matching")) => {}
            Some(Role::Nothing) if word != "(" && word != ")" => {}
            _ => behind = false,
        }
    }
    gaps
}

/// Whether what follows an `all` narrows it: `all local users`, `everyone on evil.org`.
fn is_narrowed(next: Option<&[String]>) -> bool {
    let word = |at: usize| {
        next.and_then(|next| next.get(at))
            .map_or("", String::as_str)
    };
    let narrows =
        "local remote members group room on in at of matching federated external foreign internal";
    let has = |list: &str, at: usize| list.split(' ').any(|narrows| narrows == word(at));
    has(narrows, 0) || has("users user", 0) && has("on in at of from matching", 1)
}

/// The words of a text, with a line's end as a word; marks that are glued to a word are words.
fn split(text: &str) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    let mut end = 0;
    for (start, word) in words(text) {
        if text.get(end..start).is_some_and(|gap| gap.contains('\n')) {
            all.push("\n".into());
        }
        end = start + word.len();
        if word.starts_with(['"', '/']) && word.len() > 1 || !word.contains(char::is_alphanumeric) {
            all.push(word.to_owned());
            continue;
        }
        let flags = word.bytes().all(|b| b"imsxuUgy".contains(&b));
        if flags
            && text
                .get(..start)
                .is_some_and(|before| before.ends_with('/'))
        {
            continue;
        }
        let around = [
            '\'', '`', '[', ']', '{', '}', ';', '<', '>', '\u{2018}', '\u{2019}', '\u{201a}',
        ];
        let bare = word.trim_matches(around);
        let lower = bare.to_lowercase();
        // `apart from @ann`
        let pair = (all.last().map(String::as_str), lower.as_str());
        if let (Some("apart" | "aside"), "from") | (Some("other"), "than") = pair {
            all.pop();
            all.push("except".into());
            continue;
        }
        // `!@ann`, `!local`, `non-local`, `-see`
        let prefixes = ["!", "-", "~", "^", "\u{ac}", "non-", "non"];
        let negated = prefixes.iter().find_map(|prefix| {
            let rest = lower.strip_prefix(prefix)?;
            // `!evil.org` is no room: those have a `:server`, or no dot either.
            let server = rest.contains('.') && !rest.contains(':') && *prefix != "non";
            let known = server || rest.starts_with(['@', '#']) || KEYWORDS.contains(&rest);
            (known || *prefix == "non-").then(|| rest.to_owned())
        });
        if let Some(rest) = negated {
            all.extend(["not".into(), rest]);
            continue;
        }
        // `to@ann`
        let glued = KEYWORDS.iter().find_map(|keyword| {
            let rest = bare.strip_prefix(keyword)?;
            rest.starts_with(['@', '#', '!'])
                .then_some((*keyword, rest))
        });
        match glued {
            Some((keyword, rest)) => all.extend([keyword.to_owned(), rest.to_owned()]),
            None => all.push(bare.to_owned()),
        }
        if word.ends_with(';') {
            all.push(";".into());
        }
    }
    all
}

/// What a word does; `None` for a name, or a word that nobody knows.
fn role(word: &str, first: bool, groups: &[&str]) -> Option<Role> {
    let lower = word.to_lowercase();
    let lower = lower.as_str();
    if word.starts_with(['"', '/']) && word.len() > 1 {
        return None;
    }
    if first && is_bullet(lower) {
        return Some(Role::Nothing);
    }
    if groups.contains(&word) && !KEYWORDS.contains(&word) {
        return None;
    }
    let bare = match lower.trim_end_matches([':', '.']) {
        "" => lower,
        bare => bare,
    };
    let has = |list: &str| list.split(' ').any(|word| word == lower || word == bare);
    let keyword = |keyword| Some(Role::For(keyword));
    match lower {
        _ if has(BLOCK) || bare == "block" => Some(Role::Block),
        _ if has(NOT) => Some(Role::Not),
        _ if has(EXCEPT) => Some(Role::Except),
        _ if has(ALL) => keyword("all"),
        _ if has(OTHER) => Some(Role::Other),
        _ if has(BOTH) => Some(Role::Both),
        _ if has(SEE) => keyword("see"),
        _ if has(TO) => keyword("to"),
        _ if has(ALLOW) => keyword("send"),
        "federated" | "external" | "foreign" => keyword("remote"),
        "internal" => keyword("local"),
        _ if has(JOINS) => Some(Role::Joins),
        _ if has(NOTHING) => Some(Role::Nothing),
        _ => {
            let known = FREE.iter().chain(["local", "remote"].iter());
            let known = known.copied().find(|known| *known == bare)?;
            Some(Role::For(known))
        }
    }
}

fn name(word: &str, side: usize, at: usize) -> Name {
    let link = id_in_link(word);
    let word = link.as_deref().unwrap_or(word);
    let quoted = word.starts_with(['"', '/']) && word.len() > 1;
    let inner = word.trim_matches(['"', '\'']);
    let inner = inner.split_once("://").map_or(inner, |(_, rest)| rest);
    let mark = match inner.chars().next() {
        Some('@') => Mark::User,
        Some('#' | '!') => Mark::Room,
        Some('/') if quoted => Mark::Regex,
        _ if quoted || inner.contains(['.', ':', '*', '@', '/']) => Mark::Other,
        _ => Mark::Bare,
    };
    let plain = |c: &char| c.is_alphanumeric() || matches!(c, '.' | '*' | '?');
    let inner = match inner
        .strip_prefix('/')
        .and_then(|rest| rest.rsplit_once('/'))
    {
        // Flags before and behind are no part of what a regex names.
        Some((regex, _)) => match regex
            .strip_prefix("(?")
            .and_then(|rest| rest.split_once(')'))
        {
            Some((_, regex)) => regex,
            None => regex,
        },
        None => inner,
    };
    let key: String = inner.to_lowercase().chars().filter(plain).collect();
    let key = key.trim_end_matches('.').replace(".*", "*");
    Name {
        mark,
        key,
        side,
        at,
        lone: false,
    }
}
