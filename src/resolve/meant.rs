//! Identifiers that are wrong by a mark: what was likely meant.
//!
//! Law: what is proposed is right as it stands and names nobody but whom the word names, and nobody
//! besides. *Certain* is only what takes away a mark that no identifier of its kind can end in.

use std::net::{Ipv4Addr, Ipv6Addr};

use crate::id::{RoomAlias, RoomId, ServerName, UserId};
use crate::policy::Pattern;
use crate::syntax::link::{id_in_link, written};
use crate::syntax::marks::{self, plain_characters};
use crate::syntax::word::is_unquoted_localpart;

/// A text to write instead of a word.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Meant {
    pub text: String,
    /// Whether nothing else can have been meant.
    pub certain: bool,
    /// Whether it has other letters than the word that was written.
    pub other: bool,
    /// Why, with a colon, or nothing.
    pub why: &'static str,
}

impl Meant {
    /// What a help says. A word of which a letter or more had to change may be another one's, so it is
    /// only asked about.
    pub(super) fn help(&self) -> String {
        match self.other {
            true => format!("{}did you mean `{}`?", self.why, self.text),
            false => format!("{}write `{}`", self.why, self.text),
        }
    }
}

/// Why a `;` at a word's end is wrong.
const ENDS: &str = "a statement ends with its line, without `;`: ";

/// The server in a word that is none.
pub(super) fn server(text: &str) -> Option<String> {
    let bare = text.trim_start_matches(['@', '/']);
    let bare = bare
        .strip_prefix(':')
        .filter(|rest| !rest.contains(':'))
        .unwrap_or(bare);
    let bare = bare.split_once("://").map_or(bare, |(_, rest)| rest);
    let bare = bare.split(['/', '?', '#']).next().unwrap_or_default();
    let bare = bare.trim_end_matches(['.', ';', ',']).trim();
    let dashes = bare.replace('_', "-");
    let found = [bare, &dashes]
        .into_iter()
        .find(|text| ServerName::parse(text).is_ok())?;
    Some(found.to_owned())
}

/// The server word that was meant by one outside quotes.
pub(super) fn server_word(written: &str) -> Option<Meant> {
    let meant = |text: &str, certain, why| {
        let other = text.matches('-').count() != written.matches('-').count();
        let text = text.to_owned();
        Some(Meant {
            text,
            certain,
            other,
            why,
        })
    };
    let text = written;
    let is_server = |text: &str| ServerName::parse(text).is_ok();
    if let Some(bare) = text.strip_suffix(';').filter(|bare| is_server(bare)) {
        return meant(bare, true, ENDS);
    }
    let everyone = text.strip_prefix("*:").or(text.strip_prefix("*@"));
    if let Some(server) = everyone.filter(|server| is_server(server)) {
        return meant(server, false, "the server stands alone: ");
    }
    if let Some(bare) = text.strip_suffix('.').filter(|bare| is_server(bare)) {
        return meant(bare, true, "a server is written without the last dot: ");
    }
    if let Some((name, server)) = text.split_once(':').filter(|_| text.starts_with('@'))
        && !server.is_empty()
    {
        let everyone = name.trim_start_matches('@').chars().all(|c| c == '*');
        let right = is_server(server) || server.contains('*');
        return match everyone && right {
            true => meant(server, false, "the server stands alone: "),
            false => None,
        };
    }
    if !text.is_ascii() {
        return None;
    }
    server(text).and_then(|server| {
        let why = match text.contains('_') {
            true => "no server has a `_` in its name: ",
            false => "the server stands alone: ",
        };
        meant(&server, false, why)
    })
}

/// The user ID that was meant by a word outside quotes; the default server may be missing in it.
pub(super) fn user_word(text: &str) -> Option<Meant> {
    let is_user = |text: &str| {
        let local = text.split(':').next().unwrap_or_default();
        let local = local.strip_prefix('@').unwrap_or_default();
        let named = !local.is_empty() && local.chars().all(is_unquoted_localpart);
        let server = text.split_once(':').map(|(_, server)| server);
        named && server.is_none_or(|_| UserId::parse(text).is_ok())
    };
    let other = |new: &str| new.matches('-').count() != text.matches('-').count();
    let meant = |text: String, certain, why| {
        is_user(&text).then(|| Meant {
            other: other(&text),
            text,
            certain,
            why,
        })
    };
    if let Some(bare) = text.strip_suffix(';') {
        return meant(bare.to_owned(), true, ENDS);
    }
    let around = ['\'', '`', '"', '[', ']', '{', '}', '<', '>', '(', ')'];
    let bare: String = text.chars().filter(|c| !around.contains(c)).collect();
    let (first, last) = (text.chars().nth(1), text.chars().next_back());
    if bare.len() + 2 == text.len() && [first, last].iter().flatten().all(|c| around.contains(c)) {
        return meant(bare, false, "");
    }
    if let Some(bare) = text.strip_suffix('.').filter(|bare| bare.contains(':')) {
        return meant(
            bare.to_owned(),
            true,
            "a server is written without the last dot: ",
        );
    }
    if let Some(bare) = text.strip_suffix(':') {
        return meant(bare.to_owned(), false, "");
    }
    if let Some((name, rest)) = text.split_once(':') {
        let server = server(rest)?;
        return meant(format!("{name}:{server}"), false, "");
    }
    let (name, rest) = text.strip_prefix('@')?.split_once('@')?;
    if name.ends_with('/') {
        return None;
    }
    let text = format!("@{name}:{}", server(rest)?);
    meant(text, false, "`:` stands before the server of a user ID: ")
}

/// What to write for a word outside quotes that is a pattern of another language: `@*@evil.org`,
/// `@bad-[0-9]+:evil.org`.
pub(super) fn pattern_word(text: &str, default: Option<&str>) -> Option<String> {
    let inner = text.strip_prefix('@')?;
    if let Some((name, server)) = inner.split_once('@') {
        let wild = |c: char| is_unquoted_localpart(c) || c == '*' || c == '?';
        let right = ServerName::parse(server).is_ok() && name.chars().all(wild);
        return match name.chars().all(|c| c == '*') {
            _ if !right || name.is_empty() => None,
            true => Some(format!(
                "for everyone on a server write `users on {server}`"
            )),
            false => Some(format!(
                "`:` stands before the server of a user ID: write `@{name}:{server}`"
            )),
        };
    }
    let marks = [
        ".*", ".+", "]+", "]*", "[^", "\\d", "\\w", "]{", ")+", ")*", "|",
    ];
    let range = text.contains('[') && text.contains(']') && text.contains('-');
    let marked = range || marks.iter().any(|mark| text.contains(mark));
    let server = || match default {
        Some(server) => format!(":{}", server.replace('.', "\\.")),
        None => ":.*".to_owned(),
    };
    let whole = match text.split_once(':') {
        // A plain server stands for itself alone, and a dot of a regex for any character.
        Some((name, server)) if ServerName::parse(server).is_ok() => {
            format!("{name}:{}", server.replace('.', "\\."))
        }
        Some(_) => text.to_owned(),
        None if text.ends_with(".*") => text.to_owned(),
        None => format!("{text}{}", server()),
    };
    let regex = marked && Pattern::new(&whole).is_ok();
    regex.then(|| {
        let regex = whole.replace('/', "\\/");
        format!(
            "a regex stands between slashes, after `matching`: write `users matching /{regex}/`"
        )
    })
}

/// What to write for several users with another mark than `,` between them.
pub(super) fn joined_words(text: &str) -> Option<String> {
    let marks = [';', '|', '&', '+', '/'];
    let plain = |user: &str| {
        let (name, server) = user.split_once(':').unwrap_or((user, "x"));
        let name = name.strip_prefix('@').unwrap_or_default();
        !name.is_empty()
            && name.chars().all(is_unquoted_localpart)
            && ServerName::parse(server).is_ok()
    };
    let starts = text.match_indices('@').map(|(at, _)| at);
    let ends = starts.clone().skip(1).chain([text.len()]);
    let users: Vec<&str> = starts
        .zip(ends)
        .filter_map(|(from, to)| text.get(from..to))
        .map(|user| user.trim_end_matches(marks))
        .collect();
    let marked = text.matches(marks).count() >= users.len().saturating_sub(1);
    (users.len() > 1 && marked && users.iter().all(|user| plain(user)))
        .then(|| format!("names are joined by `,`: write `{}`", users.join(", ")))
}

/// Whether the odd characters of a word may be those of a user's name: not marks that join or enclose.
pub(super) fn may_be_odd(text: &str) -> bool {
    let rest = text.get(1..).unwrap_or_default();
    !rest.contains([
        '@', ';', '|', '<', '>', '{', '}', '[', ']', '(', ')', '`', '\\', '"',
    ])
}

/// What to say of an address with a range behind it, where a server must stand.
pub(super) fn addresses_help(text: &str) -> Option<String> {
    let none = "there are no ranges of addresses: name each server, or match the start of their names \
                with `*`";
    if let Some((address, bits)) = text.split_once('/')
        && bits.bytes().all(|b| b.is_ascii_digit())
        && !bits.is_empty()
    {
        let address = address.trim_matches(['[', ']']);
        let octets: Option<Vec<&str>> = address
            .parse::<Ipv4Addr>()
            .ok()
            .map(|_| address.split('.').collect());
        let Some(octets) = octets else {
            return address.parse::<Ipv6Addr>().ok().map(|_| none.to_owned());
        };
        let kept = match bits {
            "8" => 1,
            "16" => 2,
            "24" => 3,
            "32" => return Some(format!("write `{address}`")),
            _ => return Some(none.to_owned()),
        };
        let start = octets.get(..kept)?.join(".");
        return Some(format!(
            "the addresses of this range are written `{start}.*`"
        ));
    }
    let (from, to) = text.split_once('-')?;
    let last = to.bytes().all(|b| b.is_ascii_digit()) && !to.is_empty();
    let range = from.parse::<Ipv4Addr>().is_ok() && (last || to.parse::<Ipv4Addr>().is_ok());
    range.then(|| none.to_owned())
}

/// The room that a link leads to, or that stands before what links carry, as it is written.
pub(super) fn room_in_link(text: &str) -> Option<String> {
    let carried = || {
        let id = text.split_once("?via=").map(|(id, _)| id.to_owned());
        id.filter(|id| id.starts_with(['#', '!']))
    };
    let id = id_in_link(text).or_else(carried)?;
    let right = match id.chars().next()? {
        '#' => RoomAlias::parse(&id).is_ok(),
        '!' => RoomId::parse(&id).is_ok(),
        _ => false,
    };
    right.then(|| written(&id))
}

/// What to say of a word that is no room and has no mark of one.
pub(super) fn no_room_help(name: &str) -> String {
    let forms = "a room is written by its ID, `!OPAQUE:SERVER`, or by its alias, `#ALIAS`";
    if let Some(user) = id_in_link(name).filter(|id| UserId::parse(id).is_ok()) {
        return format!(
            "this link leads to a user: write `{}` without `members of`",
            written(&user)
        );
    }
    let plain = |c: char| c.is_alphanumeric() || "-_.".contains(c);
    let (alias, server) = name.split_once(':').unwrap_or((name, ""));
    let right = server.is_empty() || ServerName::parse(server).is_ok();
    match !alias.is_empty() && alias.chars().all(plain) && right {
        true => format!("{forms}: `#{name}`"),
        false => forms.into(),
    }
}

/// What to say of a text in quotes where a user must stand that does not begin with `@`.
pub(super) fn no_user_help(text: &str) -> String {
    if let Some(id) = id_in_link(text) {
        let user = UserId::parse(&id).is_ok();
        return match user {
            true => format!("write `{}`", written(&id)),
            false => format!("for those in a room write `members of {}`", written(&id)),
        };
    }
    if text.starts_with(['#', '!']) {
        return format!("for those in a room write `members of \"{text}\"`");
    }
    let inner = text
        .strip_prefix('/')
        .and_then(|rest| rest.strip_suffix('/'));
    if let Some(inner) = inner.filter(|inner| Pattern::new(inner).is_ok()) {
        return format!("a regex stands after `matching`: write `users matching /{inner}/`");
    }
    let user = format!("@{text}");
    let wild = |c: char| is_unquoted_localpart(c) || "*?:".contains(c);
    if text.contains('*')
        && text.chars().all(wild)
        && !text.contains(".*")
        && !text.starts_with(':')
    {
        return format!("a user ID starts with `@`: write `{user}`");
    }
    let local = text.split(':').next().unwrap_or_default();
    let plain = !local.is_empty() && local.chars().all(is_unquoted_localpart);
    if plain && text.contains('.') && !text.contains(':') && ServerName::parse(text).is_ok() {
        return format!("write `users on {text}` for a server, `{user}` for a user");
    }
    match plain && (!text.contains(':') || UserId::parse(&user).is_ok()) {
        true => format!("write `{user}`"),
        false => "in quotes stands a user ID, `\"@LOCALPART:SERVER\"`; everything else is written \
                  without"
            .into(),
    }
}

/// A word with plain characters for those that only look like them.
pub(super) fn plain_word(text: &str) -> Option<(String, String)> {
    let (changes, first) = plain_characters(text, true)?;
    let mut out = String::new();
    let mut kept = 0;
    for (from, to, new) in changes {
        out.push_str(text.get(kept..from)?);
        out.push_str(&new);
        if new == "," {
            out.push(' ');
        }
        kept = to;
    }
    out.push_str(text.get(kept..)?);
    Some((out, marks::name(first)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_meant() {
        let user = |text| user_word(text).map(|meant| (meant.text, meant.certain));
        let some = |text: &str, certain| Some((text.to_owned(), certain));
        assert_eq!(user("@ann;"), some("@ann", true));
        assert_eq!(user("@ann:x.org."), some("@ann:x.org", true));
        assert_eq!(user("@ann:https://x.org/"), some("@ann:x.org", false));
        assert_eq!(user("@ann@x.org"), some("@ann:x.org", false));
        assert_eq!(user("@ann:"), some("@ann", false));
        assert_eq!(user("@we!rd;"), None);
        let server = |text| server_word(text).map(|meant| (meant.text, meant.certain));
        assert_eq!(server("x.org."), some("x.org", true));
        assert_eq!(server("@*:x.org"), some("x.org", false));
        assert_eq!(server("@ann:x.org"), None);
        assert_eq!(server("b_c.org"), some("b-c.org", false));
        assert_eq!(server("b\u{fc}cher.org"), None);
    }
}
