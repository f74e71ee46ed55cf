//! What may have been meant where users must stand: names without their mark, `users in #room`, words
//! of English.
//!
//! Law: as in `meant`, the likeliest first; nothing here is certain.

use super::meant::{Candidate, Here, is_name};
use super::sentences::first_keyword;
use crate::diagnostic::nearest;
use crate::id::{ServerName, UserId};
use crate::syntax::KEYWORDS;
use crate::syntax::link::{id_in_link, written};

/// Words that begin users.
const USERS: [&str; 8] = [
    "all", "everyone", "users", "local", "remote", "room", "members", "group",
];

impl Here<'_, '_> {
    /// Users must stand here.
    pub(super) fn users(&self, list: &mut Vec<Candidate>) {
        let (found, last) = (self.found, self.last());
        let mut put = |new: String| list.push(Candidate::maybe(self.replaced(new)));
        let lower = found.to_lowercase();
        match lower.as_str() {
            "everybody" | "anyone" | "anybody" | "any" | "*" | "world" => put("everyone".into()),
            "anything" | "everything" => put("all".into()),
            "eachother" | "each-other" | "themselves" | "itself" => put("each other".into()),
            _ => {}
        }
        match id_in_link(found) {
            Some(id) if UserId::parse(&id).is_ok() => put(written(&id)),
            Some(id) if !id.starts_with('@') => put(format!("members of {}", written(&id))),
            _ => {}
        }
        let next = self.next.first().map_or("", |(_, word)| *word);
        let next_end = self
            .next
            .first()
            .map_or(self.end, |(at, word)| at + word.len());
        let mut put_both = |new: &str| {
            list.push(Candidate::maybe(vec![(self.at, next_end, new.to_owned())]));
        };
        match (lower.as_str(), next) {
            ("every", "user") => put_both("all users"),
            ("federated" | "external" | "foreign" | "!local" | "non-local", "user" | "users")
            | ("not", "remote") => put_both(match next {
                "remote" => "local",
                _ => "remote users",
            }),
            ("internal" | "!remote" | "non-remote", "user" | "users") | ("not", "local") => {
                put_both(match next {
                    "local" => "remote",
                    _ => "local users",
                });
            }
            ("server", _) if ServerName::parse(next).is_ok() => {
                let changes = self.replaced("users on");
                list.push(Candidate::maybe(changes));
            }
            ("in" | "on" | "at" | "of", _) if last == "are" => {
                let what = match next.chars().next() {
                    Some('#' | '!') => "members of",
                    _ if ServerName::parse(next).is_ok() && next.contains('.') => "users on",
                    _ => "",
                };
                let changes = match what {
                    "" => self.without(),
                    what => self.replaced(what),
                };
                list.push(Candidate::maybe(changes));
            }
            _ => {}
        }
        if found.starts_with('/') {
            list.push(Candidate::maybe(
                self.replaced(format!("users matching {found}")),
            ));
        }
        let server = found.strip_prefix("*@").or(found.strip_prefix("*:"));
        if let Some(server) = server.filter(|server| ServerName::parse(server).is_ok()) {
            list.push(Candidate::maybe(
                self.replaced(format!("users on {server}")),
            ));
        }
        // A word that belongs to another place.
        if found == "who" && next == "are" {
            let to = self.next.get(1).map_or(self.text.len(), |(at, _)| *at);
            list.push(Candidate::maybe(vec![(self.at, to, String::new())]));
        }
        if matches!(last, "and" | ",") && matches!(found, "to" | "send" | "block") {
            list.push(Candidate::maybe(self.without()));
        }
        if matches!(last, "and" | ",") && found == "except" {
            list.push(Candidate::maybe(self.last_replaced("")));
        }
        match self.next.first() {
            Some((at, word)) if lower == "one" && *word == "another" => {
                let changes = vec![(self.at, at + word.len(), "each other".into())];
                list.push(Candidate::maybe(changes));
            }
            _ => {}
        }
        let mut put = |new: String| list.push(Candidate::maybe(self.replaced(new)));
        if found.starts_with(['#', '!']) && !found.starts_with("!@") {
            put(format!("members of {found}"));
        }
        // A word too many, before or here.
        if found == "from" && last == "=" {
            list.push(Candidate::maybe(self.last_replaced("")));
        }
        if matches!(found, "to" | "from" | "see" | "sees" | "," | "") && matches!(last, "and" | ",")
        {
            list.push(Candidate::maybe(self.last_replaced("")));
        }
        if matches!(last, "and" | "," | "=" | "except" | "see" | "sees" | "to")
            && matches!(
                found,
                "," | "=" | "==" | "from" | "for" | "and" | "all" | "the"
            )
        {
            list.push(Candidate::maybe(self.without()));
        }
        let filler = [
            "user",
            "the",
            "presence",
            "of",
            "updates",
            "status",
            "people",
            "id",
            "every",
            "including",
            "also",
        ];
        if filler.contains(&lower.as_str()) {
            list.push(Candidate::maybe(self.without()));
        }
        self.names(list);
    }

    /// A name without what must stand before it.
    fn names(&self, list: &mut Vec<Candidate>) {
        let found = self.found;
        let mut put = |new: String, note| {
            list.push(Candidate {
                note,
                ..Candidate::maybe(self.replaced(new))
            });
        };
        let first = found.chars().next();
        let other = ["in", "every", "no", "not"].contains(&found)
            || (self.before.is_empty() && first_keyword(found).is_some());
        if KEYWORDS.contains(&found) || first.is_none() || other {
            return;
        }
        let groups = || self.known.groups();
        if groups().contains(&found) {
            put(format!("group {found}"), "");
            return;
        }
        if let Some(near) = nearest(found, USERS) {
            list.push(Candidate::near(self.replaced(near), near));
        }
        // Which is asked, for it may be another one.
        if nearest(found, groups().iter().copied()).is_some() {
            return;
        }
        let mut put = |new: String, note| {
            list.push(Candidate {
                note,
                ..Candidate::maybe(self.replaced(new))
            });
        };
        if let Some((name, server)) = found.split_once('@') {
            // As in mail and in XMPP.
            if is_name(name) && ServerName::parse(server).is_ok() {
                put(format!("@{name}:{server}"), "");
            }
        }
        if UserId::parse(&format!("@{found}")).is_ok()
            && found.split(':').next().is_some_and(is_name)
        {
            put(format!("@{found}"), "");
        }
        let host = found
            .trim_start_matches("*.")
            .trim_start_matches("https://");
        let host = host.trim_end_matches('/');
        if host.contains('.') && ServerName::parse(host).is_ok() {
            let glob = if found.starts_with("*.") { "*." } else { "" };
            put(format!("users on {glob}{host}"), "");
        }
        if is_name(found) && first.is_some_and(|c| c.is_ascii_alphabetic()) {
            let group = found.to_lowercase();
            let capital = found.chars().skip(1).all(|c| !c.is_ascii_uppercase());
            let user = if capital { &group } else { found };
            let note = "for a user; before the name of a group stands `group`";
            put(format!("@{user}"), note);
        }
    }

    /// `users` or `members` stands before, or `room`.
    pub(super) fn users_and_members(&self, list: &mut Vec<Candidate>) {
        let (found, last) = (self.found, self.last());
        let next = self.next.first().map_or("", |(_, word)| *word);
        let joining = ["in", "of", "inside", "from", "at", "with", "joined"].contains(&found);
        let before = self.before.len().checked_sub(2);
        let before = before
            .and_then(|at| self.before.get(at))
            .map(|(_, word)| *word);
        let start = self.before.last().map_or(0, |(at, _)| *at);
        let mut from_last = |to: usize, new: &str| {
            list.push(Candidate::maybe(vec![(start, to, new.to_owned())]));
        };
        if last == "users" {
            if joining && next == "room" {
                let end = self
                    .next
                    .first()
                    .map_or(self.end, |(at, word)| at + word.len());
                from_last(end, "members of");
            }
            if joining && next.starts_with(['#', '!', '(']) {
                from_last(self.end, "members of");
            }
            if joining && ServerName::parse(next).is_ok() {
                from_last(self.end, "users on");
            }
            if joining && self.known.groups().contains(&next) {
                from_last(self.end + 1, "group ");
            }
            if self.known.groups().contains(&found) {
                from_last(self.at, "group ");
            }
            match found.chars().next() {
                Some('@' | '"') => from_last(self.at, ""),
                Some('#' | '!') => from_last(self.at, "members of "),
                Some('/') => from_last(self.at, "users matching "),
                _ => {}
            }
            if found.contains('.') && ServerName::parse(found).is_ok() {
                from_last(self.at, "users on ");
            }
            if matches!(found, "like" | "match" | "matches" | "named" | "~") {
                from_last(self.end, "users matching");
            }
        }
        if self.takes("`of`") && last == "members" {
            if matches!(found, "in" | "from" | "on" | "at") {
                from_last(self.end, "members of");
            }
            from_last(self.at, "members of ");
        }
        if last == "room" && found.starts_with(['#', '!', '(']) {
            // `users in room #ops`
            let from = if before == Some("of") { self.at } else { start };
            list.push(Candidate::maybe(vec![(
                from,
                self.at,
                "members of ".into(),
            )]));
        }
    }
}
