//! Identifiers that are wrong by a mark: what was likely meant.
//!
//! Law: what is proposed is an identifier. *Certain* is only what takes away a mark that no identifier
//! of its kind can end in.

use crate::id::{ServerName, UserId};
use crate::syntax::marks::{self, plain_characters};
use crate::syntax::word::is_unquoted_localpart;

/// A text to write instead of a word.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Meant {
    pub text: String,
    /// Whether nothing else can have been meant.
    pub certain: bool,
    /// Why, with a colon, or nothing.
    pub why: &'static str,
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
pub(super) fn server_word(text: &str) -> Option<Meant> {
    let meant = |text: &str, certain, why| {
        let text = text.to_owned();
        Some(Meant { text, certain, why })
    };
    let is_server = |text: &str| ServerName::parse(text).is_ok();
    if let Some(bare) = text.strip_suffix(';').filter(|bare| is_server(bare)) {
        return meant(bare, true, ENDS);
    }
    if let Some(bare) = text.strip_suffix('.').filter(|bare| is_server(bare)) {
        return meant(bare, true, "a server is written without the last dot: ");
    }
    if let Some((_, server)) = text.split_once(':').filter(|_| text.starts_with('@'))
        && !server.is_empty()
    {
        return meant(server, false, "the server stands alone: ");
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
    let meant = |text: String, certain, why| is_user(&text).then_some(Meant { text, certain, why });
    if let Some(bare) = text.strip_suffix(';') {
        return meant(bare.to_owned(), true, ENDS);
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
    let (name, server) = text.strip_prefix('@')?.split_once('@')?;
    let text = format!("@{name}:{server}");
    meant(text, false, "`:` stands before the server of a user ID: ")
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
        assert_eq!(server("@ann:x.org"), some("x.org", false));
        assert_eq!(server("b_c.org"), some("b-c.org", false));
        assert_eq!(server("b\u{fc}cher.org"), None);
    }
}
