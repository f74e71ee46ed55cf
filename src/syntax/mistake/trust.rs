//! Whether a proposal may be shown: it is held against what was written before anybody reads it.
//!
//! Not for: finding proposals (`meant`, `users`, `joins`, `sentences`), nor whether the grammar takes
//! them (`repair`).
//!
//! Law: help never widens, grants or inverts. Of a proposal and the text that it stands for:
//!
//! - whoever and whatever it names was written, as that: a user, a room, a server, a group, a regex
//!   with other marks around it at most, or a name of which only the `@` is missing;
//! - it says `all`, `local` or `remote` no more often than the text does, in these words or in others
//!   that mean the same;
//! - every denial stays one: it has as many `block` and `except` as the text has words that deny, and a
//!   text that denies a denial has no proposal;
//! - it lets nothing through without a word that says so;
//! - who stood on two sides of a `to`, `from` or `see` still does;
//! - every word of the text is in it, or means nothing by itself. Of a word that nobody knows it is not
//!   known what it would have changed.

use super::meant::is_bullet;
use super::sentences::{ALLOW, BLOCK};
use super::words::words;
use crate::diagnostic::nearest;
use crate::syntax::KEYWORDS;
use crate::syntax::link::id_in_link;
use crate::syntax::marks::{Change, plain_characters};

/// Whether a proposal, of one statement a line, may be shown for a text.
pub(super) fn keeps(written: &str, proposed: &str, groups: &[&str]) -> bool {
    let plain = plain_characters(written, true);
    let plain = plain.map(|(changes, _)| super::repair::apply(written, &spaced(changes)));
    let was = Said::of(plain.as_deref().unwrap_or(written), groups);
    let will = Said::of(proposed, groups);
    if was.doubtful || will.doubtful || will.negates || !will.is_named_in(&was, groups) {
        return false;
    }
    let mut was = was;
    let Some(()) = was.takes_words_of(&will) else {
        return false;
    };
    let lets_through = |said: &Said| (said.count("send") > 0, said.count("see") > 0);
    let (sends, sees) = lets_through(&will);
    let (sent, seen) = lets_through(&was);
    let as_often = |word| will.count(word) == was.count(word);
    was.denials == will.denials
        && will.count("all") + was.narrowed == was.count("all")
        && ["local", "remote", "other"].into_iter().all(as_often)
        && will.count("who") >= was.count("who")
        && (sent || was.count("to") > 0 || !sends)
        && (seen || !sees)
        && was.sides_stay(&will)
}

/// A `,` with a blank behind it, so that it ends a word.
fn spaced(changes: Vec<Change>) -> Vec<Change> {
    let spaced = changes
        .into_iter()
        .map(|(from, to, new)| match new.as_str() {
            "," => (from, to, ", ".to_owned()),
            _ => (from, to, new),
        });
    spaced.collect()
}

/// What may be named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mark {
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
struct Name {
    mark: Mark,
    /// Its letters, digits, dots and wildcards: what is left without marks of any language.
    key: String,
    /// On which side of a `to`, `from` or `see` it stands, from 0.
    side: usize,
    /// Where it stands among the words.
    at: usize,
    /// Whether it stands between words that join, divide or begin.
    lone: bool,
}

/// What a text says, whatever the order of its words.
#[derive(Debug, Default)]
struct Said {
    names: Vec<Name>,
    /// Keywords, and words that stand for one.
    words: Vec<&'static str>,
    /// On which sides somebody is who has no name: `all`, `local`, `remote`.
    nameless: Vec<(&'static str, usize)>,
    denials: usize,
    /// How many `all` are narrowed by what follows: `all local users`.
    narrowed: usize,
    /// Whether there is a `not` in it, or another word that is none of this language's denials.
    negates: bool,
    /// Whether a denial is denied.
    doubtful: bool,
    /// The text is several statements.
    lines: usize,
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
                      bar save -";

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
                       regex file one policy rule into 2 \\ ( ) groups";

/// The words of this language that may come or go where all else stays.
const FREE: [&str; 17] = [
    "server", "group", "send", "to", "from", "see", "sees", "each", "and", "are", "users", "on",
    "matching", "room", "members", "of", "who",
];

impl Said {
    fn of(text: &str, groups: &[&str]) -> Self {
        let mut said = Said {
            lines: text.lines().count(),
            ..Said::default()
        };
        let words = split(text);
        let (mut side, mut excepted, mut blocks) = (0, false, false);
        let mut before: Option<Role> = None;
        for (at, word) in words.iter().enumerate() {
            let next = words.get(at + 1).map_or("", String::as_str);
            if word == "\n" {
                (side, excepted) = (side + 1, false);
                before = None;
                continue;
            }
            let role = role(word, at == 0, groups);
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
                        if before != Some(Role::Except) {
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
                None => said.names.push(name(word, side, at)),
            }
            before = role;
        }
        let role_at = |at: Option<usize>| match at.and_then(|at| words.get(at)) {
            Some(word) if word != "\n" => role(word, at == Some(0), groups),
            _ => Some(Role::Joins),
        };
        for name in &mut said.names {
            let before = role_at(name.at.checked_sub(1));
            let after = role_at(Some(name.at + 1));
            let narrows = |role| matches!(role, Role::For("local" | "remote" | "all") | Role::Not);
            let alone = |role: Option<Role>| role.is_some_and(|role| !narrows(role));
            name.lone = alone(before) && alone(after) && after != Some(Role::For("users"));
        }
        said
    }

    fn count(&self, word: &str) -> usize {
        self.words.iter().filter(|known| **known == word).count()
    }

    /// Whether all names of this proposal stand in a text.
    fn is_named_in(&self, text: &Said, groups: &[&str]) -> bool {
        self.names.iter().all(|name| {
            !name.key.is_empty() && text.names.iter().any(|other| name.is(other, groups))
                || text.is_in_parts(&name.key)
        })
    }

    /// Whether names that stand side by side make this one together: `@ann: example.org`.
    fn is_in_parts(&self, key: &str) -> bool {
        !key.is_empty()
            && (2..=3).any(|n| {
                self.names.windows(n).any(|parts| {
                    let together: String = parts.iter().map(|part| part.key.as_str()).collect();
                    together == key
                })
            })
    }

    /// Takes each word that is near to a keyword of a proposal, of which the text has too few, for that
    /// keyword. `None` if a name of the text is not in the proposal and cannot be so explained.
    fn takes_words_of(&mut self, proposal: &Said) -> Option<()> {
        let mut left = Vec::new();
        let named = |name: &&Name| self.names.iter().any(|other| name.is(other, &[]));
        let (_, in_parts): (Vec<&Name>, Vec<&Name>) = proposal.names.iter().partition(named);
        for name in std::mem::take(&mut self.names) {
            if proposal.names.iter().any(|other| other.is(&name, &[])) {
                left.push(name);
                continue;
            }
            if in_parts.iter().any(|other| other.key.contains(&name.key)) || name.key.is_empty() {
                left.push(name);
                continue;
            }
            if name.mark != Mark::Bare {
                return None;
            }
            let keyword = self.misspelt(&name.key, proposal)?;
            match keyword {
                "block" | "except" => self.denials += 1,
                keyword => self.words.push(keyword),
            }
        }
        self.names = left;
        Some(())
    }

    /// The keyword for which a word of this text stands in a proposal that has more of it.
    fn misspelt(&self, word: &str, proposal: &Said) -> Option<&'static str> {
        let mut more: Vec<&'static str> = Vec::new();
        let surplus = |word: &&'static str| proposal.count(word) > self.count(word);
        more.extend(proposal.words.iter().copied().filter(|word| surplus(word)));
        if proposal.denials > self.denials {
            more.extend(["block", "except"]);
        }
        let spelt = |keyword: &'static str| match keyword {
            "see" => vec!["see", "sees"],
            "all" => vec!["all", "everyone", "everybody"],
            keyword => vec![keyword],
        };
        more.into_iter()
            .find(|keyword| nearest(word, spelt(keyword)).is_some())
    }

    /// Whether who stands on one of two sides in this text does so in a proposal, and not with others.
    fn sides_stay(&self, proposal: &Said) -> bool {
        let (was, will) = (self.sides(), proposal.sides());
        if self.lines > 1 || proposal.lines > 1 || was.len() != 2 {
            return true;
        }
        will.len() == 2 && {
            let same = |a: Option<&Vec<&str>>, b: Option<&Vec<&str>>| a == b;
            same(was.first(), will.first()) && same(was.last(), will.last())
                || same(was.first(), will.last()) && same(was.last(), will.first())
        }
    }

    /// Who stands on each side, where somebody does.
    fn sides(&self) -> Vec<Vec<&str>> {
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
    fn is(&self, written: &Name, groups: &[&str]) -> bool {
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
        let flags = word.bytes().all(|b| b"imsxuU".contains(&b));
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
        // `!@ann`, `!local`, `non-local`
        let rest = lower.strip_prefix(['!', '-', '~', '^', '\u{ac}']);
        let kinds = [
            "local", "remote", "users", "group", "members", "room", "all", "everyone",
        ];
        let negated = |rest: &&str| rest.starts_with(['@', '#']) || kinds.contains(rest);
        if let Some(rest) = rest.filter(negated) {
            all.extend(["not".into(), rest.to_owned()]);
            continue;
        }
        let non = lower.strip_prefix("non-").or(lower.strip_prefix("non"));
        if let Some(kind) = non.filter(|kind| ["local", "remote"].contains(kind)) {
            all.extend(["not".into(), kind.to_owned()]);
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
    if groups.contains(&word) {
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
    let inner = inner
        .strip_prefix("/(?")
        .and_then(|rest| rest.split_once(')'))
        .map_or(inner, |(_, rest)| rest);
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether each proposal may be shown for the text before it.
    fn check(expected: bool, pairs: &[(&str, &str)]) {
        for (written, proposed) in pairs {
            assert_eq!(
                keeps(written, proposed, &["staff"]),
                expected,
                "{written} -> {proposed}"
            );
        }
    }

    #[test]
    fn what_says_the_same_is_kept() {
        check(
            true,
            &[
                ("send ann to @bob", "send @ann to @bob"),
                ("send ann to @bob", "send group ann to @bob"),
                (
                    "send ann@example.org to @bob",
                    "send @ann:example.org to @bob",
                ),
                ("block @ann: example.org", "block @ann:example.org"),
                ("blokc @alice", "block @alice"),
                ("mute @alice", "block @alice"),
                ("block federated users", "block remote users"),
                ("block !local users", "block remote users"),
                ("send all but @ann to @bob", "send all except @ann to @bob"),
                (
                    "send all exept @ann to @bob",
                    "send all except @ann to @bob",
                ),
                ("@ann cannot see @bob", "block @bob from @ann"),
                ("nobody sees @ann", "block @ann"),
                ("send evrybody to @bob", "send everyone to @bob"),
                ("send all local users to @bob", "send local users to @bob"),
                ("block everyone on evil.org", "block users on evil.org"),
                ("block *@evil.org", "block users on evil.org"),
                ("send to @gobbler all", "send all to @gobbler"),
                ("send @a, @b block @c", "send @a, @b\nblock @c"),
                (
                    "block members of (#ops or #dev)",
                    "block members of (#ops, #dev)",
                ),
                (
                    "send all to \u{ff20}bob\u{ff0c}@ann",
                    "send all to @bob, @ann",
                ),
                ("allow staff to see @bob", "group staff see @bob"),
                ("users in #ops see @ann", "members of #ops see @ann"),
            ],
        );
    }

    #[test]
    fn what_says_anything_else_is_not() {
        check(
            false,
            &[
                // more users
                ("block external users", "block @external, all users"),
                ("send users to @bob", "send all users to @bob"),
                ("send not @ann to @bob", "send all except @ann to @bob"),
                ("send @ann to @bob", "send @ann to @bob2"),
                ("block users on @ann:evil.org", "block users on evil.org"),
                ("block (#ops or #dev)", "block members of (#ops, or, #dev)"),
                ("block #ops", "block @ops"),
                // no denial
                ("block !local users", "block local users"),
                ("mute @alice", "@mute sees @alice"),
                (
                    "block members of (#ops except #dev)",
                    "block members of (#ops, #dev)",
                ),
                ("send nothing to @evil", "send @nothing to @evil"),
                ("never send @a to @b", "send @a to @b"),
                ("do not block @a", "block @a"),
                ("send @a to @b", "block @a from @b"),
                // no word that lets through
                ("@ann @bob", "@ann sees @bob"),
                ("snooze @alice", "@alice sees snooze"),
                // other sides
                ("send @a @b to @c", "send @a to @b, @c"),
                ("block @a from @b", "block @a, @b"),
                // less
                ("send @a to @b, @c", "send @a to @b"),
                ("send @a to @b when online", "send @a to @b"),
                ("block @a only", "block @a"),
                ("send local staff to @b", "send group staff to @b"),
                ("block all @ann", "block @ann"),
                ("send foo @ann to @b", "send @foo, @ann to @b"),
            ],
        );
    }
}
