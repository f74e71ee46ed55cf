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
//! - a line that says two things has no proposal, but where each begins with its own `send`;
//! - every word of the text is in it, or means nothing by itself. Of a word that nobody knows it is not
//!   known what it would have changed.

use super::said::{Mark, Name, Said};
use crate::diagnostic::nearest;
use crate::syntax::marks::{Change, plain_characters};

/// Whether a proposal, of one statement a line, may be shown for a text.
pub(super) fn keeps(written: &str, proposed: &str, groups: &[&str]) -> bool {
    let plain = plain_characters(written, true);
    let plain = plain.map(|(changes, _)| super::repair::apply(written, &spaced(changes)));
    let was = Said::of(plain.as_deref().unwrap_or(written), groups);
    let will = Said::of(proposed, groups);
    let right = !(will.doubtful || will.negates || will.foreign || will.unmarked);
    if was.doubtful || !right || !will.is_named_in(&was, groups) {
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
        && was.is_one_clause()
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

impl Said {
    /// Whether one line says one thing: of two in one, which part belongs to which is a guess, unless
    /// each begins with its own `send`.
    fn is_one_clause(&self) -> bool {
        let (to, see) = (self.count("to"), self.count("see"));
        self.lines > 1 || (to < 2 || to == self.count("send")) && see < 2
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
            // It stood between others and is no name.
            self.gaps = self.gaps.saturating_sub(2);
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
        if ["if", "or", "no", "by", "so"].contains(&word) {
            return None;
        }
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
        if self.lines > 1 || proposal.lines > 1 {
            return true;
        }
        if let [first, rest @ ..] = &was[..]
            && was.len() > 2
        {
            // `send @a to @b to @c`: whoever stands behind the first side may stand together.
            let mut rest: Vec<&str> = rest.iter().flatten().copied().collect();
            rest.sort_unstable();
            rest.dedup();
            let all_from = self.count("from") == proposal.count("from");
            return all_from && will.first() == Some(first) && will.get(1) == Some(&rest);
        }
        if was.len() < 2 {
            // Where one side ends is known of two only.
            return will.len() < 2 || self.gaps < 2;
        }
        will.len() == 2 && {
            let same = |a: Option<&Vec<&str>>, b: Option<&Vec<&str>>| a == b;
            same(was.first(), will.first()) && same(was.last(), will.last())
                || same(was.first(), will.last()) && same(was.last(), will.first())
        }
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
                // a part taken out, and put in
                ("send all \\ @ann to @b", "send all, @ann to @b"),
                (
                    "block users on a.org,!b.org",
                    "block users on a.org, members of !b.org",
                ),
                (
                    "send all to users on * -b.org",
                    "send all to users on *, users on -b.org",
                ),
                // two things in one line
                ("send @a to @b, @c to @d", "send @a to @b, @c, @d"),
                (
                    "@a sees @b and @c sees @d",
                    "@a sees @b and @c\n@b and @c sees @d",
                ),
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
