//! An operator's own rule set and directory, made larger or smaller: what growth is measured on.
//!
//! Larger: every rule, group, room and user once more, renamed. A copy's users are `@c1.ann` beside
//! `@ann`; its rooms, groups and globs are renamed alike, so that the copy's rules are about the copy's
//! users as the first rules are about the first. What names nobody in particular (`all`, `local users`,
//! a server, most regexes) stays as it is and is about all of them. Smaller: every n-th rule, known
//! user and name in a list.
//!
//! Law: a copy of nothing but users, groups, rooms and globs answers about its users as the first does
//! about the first's.

use std::fmt::Write;

use presence_router::directory::Directory;
use presence_router::glob::{Glob, Piece};
use presence_router::id::{RoomAlias, RoomId, UserId};
use presence_router::policy::{Action, Kind, PolicySet, Room, Selector};

/// How a rule set is written anew.
#[derive(Debug, Clone, Copy)]
pub enum Change {
    /// So many times as large: the first, and copies.
    Times(u32),
    /// One rule and one user of so many.
    OneOf(u32),
}

/// The policy as one text.
pub fn policy(policy: &PolicySet, change: Change) -> String {
    let (copies, one_of) = match change {
        Change::Times(times) => (times, 1),
        Change::OneOf(one_of) => (1, one_of),
    };
    let mut text = String::new();
    for copy in 0..copies {
        let mut writer = Writer {
            text: &mut text,
            copy,
            one_of: one_of.max(1) as usize,
        };
        for (number, group) in policy.groups.iter().enumerate() {
            let _ = write!(writer.text, "group g{number}-{copy} = ");
            writer.selector(&group.selector, true);
            writer.text.push('\n');
        }
        for rule in policy.rules.iter().step_by(writer.one_of) {
            let (before, between) = match rule.action {
                Action::Allow => ("send ", " to "),
                Action::Block => ("block ", " from "),
            };
            writer.text.push_str(before);
            writer.selector(&rule.senders, false);
            writer.text.push_str(between);
            writer.selector(&rule.recipients, false);
            writer.text.push('\n');
        }
    }
    text
}

/// The directory that goes with it.
pub fn directory(directory: &Directory, change: Change) -> Directory {
    let rooms = directory.room_names().filter(|name| name.starts_with('!'));
    let rooms: Vec<RoomId> = rooms.filter_map(|id| RoomId::parse(id).ok()).collect();
    match change {
        Change::Times(times) => {
            let mut grown = directory.clone();
            for copy in 1..times {
                for user in directory.users() {
                    grown.add_user(renamed_user(user, copy));
                }
                for room in &rooms {
                    let new = renamed(room.as_str(), copy);
                    let new = RoomId::parse(&new).unwrap_or_else(|_| room.clone());
                    let old = Room::Id(room.clone());
                    let members = directory.members(&old);
                    for user in members.into_iter().flatten() {
                        grown.join(new.clone(), renamed_user(user, copy));
                    }
                    for alias in directory.aliases_of(room.as_str()) {
                        let renamed = RoomAlias::parse(&renamed(alias.as_str(), copy));
                        if let Ok(alias) = renamed {
                            grown.set_alias(alias, new.clone());
                        }
                    }
                }
            }
            grown
        }
        Change::OneOf(one_of) => {
            let mut thinned = Directory::new(directory.server_name().cloned());
            for user in directory.users().step_by(one_of.max(1) as usize) {
                thinned.add_user(user.clone());
            }
            for room in rooms {
                let old = Room::Id(room.clone());
                let members = directory.members(&old);
                let members = members.into_iter().flatten();
                let kept = members.filter(|user| thinned.knows_user(user.as_str()));
                let kept: Vec<UserId> = kept.cloned().collect();
                thinned.set_room_members(room.clone(), kept);
                for alias in directory.aliases_of(room.as_str()) {
                    thinned.set_alias(alias.clone(), room.clone());
                }
            }
            thinned
        }
    }
}

/// An ID of a copy: `@ann:x` is `@c1.ann:x`.
fn renamed(id: &str, copy: u32) -> String {
    let mut rest = id.chars();
    match (copy, rest.next()) {
        (1.., Some(sigil)) => format!("{sigil}c{copy}.{}", rest.as_str()),
        _ => id.to_owned(),
    }
}

/// One whose new name were too long keeps the old one.
fn renamed_user(user: &UserId, copy: u32) -> UserId {
    UserId::parse(&renamed(user.as_str(), copy)).unwrap_or_else(|_| user.clone())
}

struct Writer<'t> {
    text: &'t mut String,
    copy: u32,
    one_of: usize,
}

impl Writer<'_> {
    /// Writes a selector; in a group one that is many users may be thinned.
    fn selector(&mut self, selector: &Selector, in_group: bool) {
        let copy = self.copy;
        match &selector.kind {
            Kind::Everyone => self.text.push_str("all"),
            Kind::Local => self.text.push_str("local users"),
            Kind::Remote => self.text.push_str("remote users"),
            Kind::User(user) => self.word(&literal(renamed_user(user, copy).as_str())),
            Kind::UserGlob(glob) => {
                let mut pieces = glob.pieces().to_vec();
                if copy > 0 {
                    let prefix = format!("c{copy}.");
                    pieces.splice(1..1, prefix.chars().map(Piece::Char));
                }
                self.word(&pieces);
            }
            Kind::Server(server) => {
                let _ = write!(self.text, "users on {}", server.as_str());
            }
            Kind::ServerGlob(glob) => {
                let _ = write!(self.text, "users on {}", plain(glob));
            }
            Kind::Matching(pattern) => {
                let pattern = pattern.as_str().replace('/', "\\/");
                // With a `|` in it the start is not the start of all of it.
                let rest = pattern.strip_prefix('@').filter(|rest| !rest.contains('|'));
                let _ = match rest {
                    Some(rest) if copy > 0 => {
                        write!(self.text, "users matching /@c{copy}\\.{rest}/")
                    }
                    _ => write!(self.text, "users matching /{pattern}/"),
                };
            }
            Kind::Members(room) => {
                self.text.push_str("members of ");
                let new = renamed(room.as_str(), copy);
                let legal = match room {
                    Room::Id(_) => RoomId::parse(&new).is_ok(),
                    Room::Alias(_) => RoomAlias::parse(&new).is_ok(),
                };
                let name = if legal { &new } else { room.as_str() };
                self.word(&literal(name));
            }
            Kind::Listed(users) if users.is_empty() => self.text.push_str("(all except all)"),
            Kind::Listed(users) => {
                self.text.push('(');
                for (at, user) in users.iter().step_by(self.one_of).enumerate() {
                    self.text.push_str(if at > 0 { ", " } else { "" });
                    self.word(&literal(renamed_user(user, copy).as_str()));
                }
                self.text.push(')');
            }
            Kind::Group(id) => {
                let _ = write!(self.text, "group g{}-{copy}", id.0);
            }
            Kind::Any(parts) => {
                let step = if in_group { self.one_of } else { 1 };
                self.list(parts, ", ", step);
            }
            Kind::Both(parts) => self.list(parts, " who are ", 1),
            Kind::Except(base, less) => {
                self.text.push('(');
                self.selector(base, in_group);
                self.text.push_str(" except ");
                self.selector(less, in_group);
                self.text.push(')');
            }
        }
    }

    fn list(&mut self, parts: &[Selector], between: &str, step: usize) {
        self.text.push('(');
        for (at, part) in parts.iter().step_by(step).enumerate() {
            self.text.push_str(if at > 0 { between } else { "" });
            self.selector(part, false);
        }
        self.text.push(')');
    }

    /// Writes an ID or a glob, in quotes if it must be.
    fn word(&mut self, pieces: &[Piece]) {
        let odd = |piece: &Piece| match piece {
            Piece::Char(c) => !c.is_ascii_alphanumeric() && !"@:!#._=/+-[]".contains(*c),
            _ => false,
        };
        let quoted = pieces.iter().any(odd);
        self.text.push_str(if quoted { "\"" } else { "" });
        for piece in pieces {
            match piece {
                Piece::Run => self.text.push('*'),
                Piece::One => self.text.push('?'),
                Piece::Char(c) => {
                    if matches!(c, '*' | '?' | '\\' | '"') {
                        self.text.push('\\');
                    }
                    self.text.push(*c);
                }
            }
        }
        self.text.push_str(if quoted { "\"" } else { "" });
    }
}

fn literal(id: &str) -> Vec<Piece> {
    id.chars().map(Piece::Char).collect()
}

/// A glob over servers: no character of a server's name needs quotes.
fn plain(glob: &Glob) -> String {
    let chars = glob.pieces().iter().map(|piece| match piece {
        Piece::Run => '*',
        Piece::One => '?',
        Piece::Char(c) => *c,
    });
    chars.collect()
}

#[cfg(test)]
mod tests {
    use presence_router::workload::{Shape, Workload};

    use super::super::super::output::Failure;
    use super::super::rules::RuleSet;
    use super::*;

    const POLICY: &str = "server example.org
        group some = @ann.0, \"@we,ird\\*:example.org\", @b*.1 except @carl.2
        group others = group some, members of (!room1, \"#odd (room)\") except group some
        send group some to group others
        @dora.3 sees (users on example.org, users on *.town.org) who are group some
        @dora.3 sees users on example.org, users on *.org
        send users matching /@ann[.]\\d\\/?.*:.*/ to @ann.0, local users who are @a*
        send all to (remote users except users matching /@x|@y.*/)
        block @ann.0
        block @bob.1 from @dora.3, \"@q\\\"uote\\\\:example.org\"
        ";

    fn rule_set(text: String) -> RuleSet {
        match RuleSet::of_text(text) {
            Ok(rules) => rules,
            Err(Failure::Policy(report)) => panic!("{report}"),
            Err(failure) => panic!("{failure:?}"),
        }
    }

    fn facts() -> Directory {
        Workload::new(Shape::Company, 0.004, 1).directory()
    }

    #[test]
    fn written_anew_it_says_the_same() {
        let (first, facts) = (rule_set(POLICY.into()), facts());
        let snapshot = first.snapshot();
        for change in [Change::Times(1), Change::OneOf(1)] {
            let again = rule_set(policy(snapshot.policy(), change)).snapshot();
            let directory = directory(&facts, change);
            assert!(directory.users().eq(facts.users()));
            for user in snapshot.known_users(&facts) {
                let user = user.as_str();
                let recipients = again.recipients_of(&directory, user);
                assert_eq!(recipients, snapshot.recipients_of(&facts, user));
                let senders = again.senders_for(&directory, user);
                assert_eq!(senders, snapshot.senders_for(&facts, user));
            }
        }
    }

    #[test]
    fn a_copy_is_about_its_own_users() {
        let text = "server example.org
            group some = @ann.0, @b*
            send group some to members of !room1:example.org
            send @carl.2 to group some except @bob.1
            block @bob.1 from @ann.0
            ";
        let (first, facts) = (rule_set(text.into()), facts());
        let snapshot = first.snapshot();
        let change = Change::Times(3);
        let grown = rule_set(policy(snapshot.policy(), change)).snapshot();
        let directory = directory(&facts, change);
        assert_eq!(directory.user_count(), 3 * facts.user_count());
        assert_eq!(
            grown.policy().rules.len(),
            3 * snapshot.policy().rules.len()
        );
        let mut some = 0;
        for copy in 0..3 {
            for user in snapshot.known_users(&facts) {
                let recipients = snapshot.recipients_of(&facts, user.as_str());
                let recipients = recipients.iter().map(|user| renamed_user(user, copy));
                let mut recipients: Vec<UserId> = recipients.collect();
                recipients.sort_unstable();
                let new = renamed_user(&user, copy);
                assert_eq!(grown.recipients_of(&directory, new.as_str()), recipients);
                some += recipients.len();
            }
        }
        assert!(some > 6, "{some}");
    }

    #[test]
    fn thinned_it_is_smaller() {
        let shape = Shape::Company;
        let whole = RuleSet::of_workload(shape, 0.1, 1).ok().unwrap();
        let snapshot = whole.snapshot();
        let facts = Workload::new(shape, 0.1, 1).directory();
        let change = Change::OneOf(2);
        let half = rule_set(policy(snapshot.policy(), change));
        assert_eq!(half.about.rules, whole.about.rules.div_ceil(2));
        let directory = directory(&facts, change);
        assert_eq!(directory.user_count(), facts.user_count().div_ceil(2));
        let named = half.snapshot().policy().named.len();
        assert!(named * 3 < snapshot.policy().named.len() * 2, "{named}");
    }
}
