//! Checked Matrix identifiers.
//!
//! Each type here holds a text that was found well-formed, so that nothing behind this door checks
//! again. The rules are those of the Matrix specification, appendix "Identifier grammar", in the
//! lenient reading that servers must accept ("historical" localparts).
//!
//! A name without a server is none of them; which server it gets is for `resolve` to say, and here is
//! said which names get one at all.
//!
//! Not for: globs and quotes; those are of the policy language (`syntax::word`).
//!
//! Law: what `parse` accepts, a homeserver accepts; a value is never changed, only checked.

use std::borrow::Borrow;
use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

use arcstr::ArcStr;

/// The most bytes an identifier may have, its sigil and server included.
pub const MAX_BYTES: usize = 255;

/// Why a text is not an identifier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// The first character is not the sigil of this kind of identifier.
    #[error("does not start with `{0}`")]
    Sigil(char),
    /// There is no `:` with a server behind it.
    #[error("has no `:server`")]
    NoServer,
    /// Nothing stands between the sigil and the server.
    #[error("has an empty name")]
    Empty,
    /// A character that the part before the server cannot hold.
    #[error("holds the character {0:?}")]
    Character(char),
    /// There is no `:` with a server behind it, and a name with this character gets none.
    #[error("has no `:server`, and none is added to a name that holds {0:?}")]
    Short(char),
    /// The part after the first `:` is no server name.
    #[error("has the server `{0}`, which is not a server name")]
    Server(String),
    /// The whole text is no server name.
    #[error("is not a host name or an address, with or without a port")]
    NotAServer,
    /// Over [`MAX_BYTES`] bytes.
    #[error("has {0} bytes, more than {MAX_BYTES}")]
    TooLong(usize),
}

macro_rules! identifier {
    ($(#[$doc:meta])* $name:ident, $check:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(ArcStr);

        impl $name {
            /// Checks a text.
            ///
            /// # Errors
            /// An [`IdError`] that says what is wrong. Costs one pass and one allocation.
            pub fn parse(text: &str) -> Result<Self, IdError> {
                $check(text)?;
                Ok(Self(text.into()))
            }

            /// The identifier as it was written.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&*self.0, f)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl std::str::FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                Self::parse(text)
            }
        }
    };
}

identifier! {
    /// A user ID, `@localpart:server`, historical localparts included.
    UserId, check_user
}
identifier! {
    /// A server name: a host name, an IPv4 or an `[IPv6]` address, each with an optional port.
    ServerName, check_server
}
identifier! {
    /// A room ID, `!opaque:server`, or `!opaque` as from room version 12.
    RoomId, check_room_id
}
identifier! {
    /// A room alias, `#name:server`.
    RoomAlias, check_room_alias
}

impl UserId {
    /// The user of a text that may be without a server, as policies, group files, configurations and
    /// command lines have it.
    ///
    /// # Errors
    /// An [`IdError`] that says what is wrong: [`IdError::NoServer`] if only the server is missing and
    /// there is none to add. Costs as much as [`UserId::parse`].
    pub fn completed(text: &str, server: Option<&ServerName>) -> Result<Self, IdError> {
        if text.contains(':') || !text.starts_with('@') {
            return Self::parse(text);
        }
        check_short_user(text)?;
        let server = server.ok_or(IdError::NoServer)?;
        Self::parse(&format!("{text}:{server}"))
    }

    /// What stands between the sigil and the first `:`.
    pub fn localpart(&self) -> &str {
        let (localpart, _) = split(&self.0);
        localpart
    }

    /// What stands after the first `:`.
    pub fn server(&self) -> &str {
        server_of(&self.0)
    }
}

/// Whether a character may stand in a localpart without quotes, wildcards apart.
pub fn is_unquoted_localpart(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '=' | '/' | '+' | '-')
}

/// Whether a user's name without a server, `@ann`, gets one: only if it needs no quotes. So no two
/// names, no comment and no mail address is taken for a user whom nobody has.
///
/// # Errors
/// An [`IdError`] that says why not.
pub fn check_short_user(name: &str) -> Result<(), IdError> {
    let local = check_start(name, '@')?;
    check_characters(local)?;
    match local.chars().find(|c| !is_unquoted_localpart(*c)) {
        Some(odd) => Err(IdError::Short(odd)),
        None if local.is_empty() => Err(IdError::Empty),
        None => Ok(()),
    }
}

/// Whether an alias without a server, `#ops`, gets one: not where it is as likely a comment, two
/// aliases, or a name of another kind.
///
/// # Errors
/// An [`IdError`] that says why not.
pub fn check_short_alias(name: &str) -> Result<(), IdError> {
    let local = check_start(name, '#')?;
    check_characters(local)?;
    let first = local.chars().next().ok_or(IdError::Empty)?;
    let odd = local.chars().find(|c| "#@!".contains(*c));
    match odd.or(Some(first).filter(|c| "+$".contains(*c))) {
        Some(odd) => Err(IdError::Short(odd)),
        None => Ok(()),
    }
}

/// The server of a user ID: what stands after its first `:`, empty without one. Costs the search.
pub fn server_of(user_id: &str) -> &str {
    let (_, server) = split(user_id);
    server
}

fn split(id: &str) -> (&str, &str) {
    // Byte by byte: so short a text is read before a search for a character has begun.
    let colon = id.bytes().position(|byte| byte == b':');
    let (name, server) = match colon {
        Some(at) => (id.get(..at), id.get(at + 1..)),
        None => (Some(id), None),
    };
    (
        name.and_then(|name| name.get(1..)).unwrap_or_default(),
        server.unwrap_or_default(),
    )
}

fn check_user(text: &str) -> Result<(), IdError> {
    check_named(text, '@')?;
    Ok(())
}

fn check_room_alias(text: &str) -> Result<(), IdError> {
    check_named(text, '#')?;
    Ok(())
}

fn check_room_id(text: &str) -> Result<(), IdError> {
    let opaque = check_start(text, '!')?;
    let (name, server) = match opaque.split_once(':') {
        Some((name, server)) => (name, Some(server)),
        None => (opaque, None),
    };
    if name.is_empty() {
        return Err(IdError::Empty);
    }
    check_characters(name)?;
    server.map_or(Ok(()), |server| {
        check_server(server).map_err(|_| IdError::Server(server.into()))
    })
}

/// Checks `<sigil>name:server` and gives the name.
fn check_named(text: &str, sigil: char) -> Result<&str, IdError> {
    let rest = check_start(text, sigil)?;
    let (name, server) = rest.split_once(':').ok_or(IdError::NoServer)?;
    check_characters(name)?;
    check_server(server).map_err(|_| IdError::Server(server.into()))?;
    Ok(name)
}

fn check_start(text: &str, sigil: char) -> Result<&str, IdError> {
    let rest = text.strip_prefix(sigil).ok_or(IdError::Sigil(sigil))?;
    if text.len() > MAX_BYTES {
        return Err(IdError::TooLong(text.len()));
    }
    Ok(rest)
}

fn check_characters(name: &str) -> Result<(), IdError> {
    match name.chars().find(|c| *c == '\0') {
        Some(found) => Err(IdError::Character(found)),
        None => Ok(()),
    }
}

/// Host name, IPv4 or `[IPv6]`, with an optional port (specification, "Server Name").
fn check_server(text: &str) -> Result<(), IdError> {
    let wrong = || IdError::NotAServer;
    if text.len() > MAX_BYTES {
        return Err(IdError::TooLong(text.len()));
    }
    let (host, port) = if let Some(rest) = text.strip_prefix('[') {
        let (address, after) = rest.split_once(']').ok_or_else(wrong)?;
        address.parse::<Ipv6Addr>().map_err(|_| wrong())?;
        ("", after)
    } else {
        let end = text.find(':').unwrap_or(text.len());
        let (host, port) = text.split_at(end);
        let legal = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'.';
        if host.is_empty() || !host.bytes().all(legal) || host.ends_with('.') {
            return Err(wrong());
        }
        (host, port)
    };
    // Four numbers with dots are an address, so they must be one.
    let numeric = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    if host.split('.').count() == 4
        && host.split('.').all(numeric)
        && host.parse::<Ipv4Addr>().is_err()
    {
        return Err(wrong());
    }
    match port.strip_prefix(':') {
        Some(digits) if (1..=5).contains(&digits.len()) && numeric(digits) => {
            digits.parse::<u16>().map(|_| ()).map_err(|_| wrong())
        }
        None if port.is_empty() => Ok(()),
        _ => Err(wrong()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_ids() {
        for good in [
            "@a:b",
            "@A b:c.org",
            "@:b",
            "@ä:[::1]:8448",
            "@a:1.2.3.4",
            "@a:b:80",
        ] {
            assert!(UserId::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "a:b", "@a", "@a:", "@a\0:b", "@a:b.", "@a:b c", "@a:b:", "@a:b:x", "@a:[::1",
        ] {
            assert!(UserId::parse(bad).is_err(), "{bad}");
        }
        let id = UserId::parse("@ann:example.org:8448").unwrap();
        assert_eq!((id.localpart(), id.server()), ("ann", "example.org:8448"));
    }

    #[test]
    fn at_most_255_bytes() {
        let at = |n: usize| format!("@{}:b", "a".repeat(n - 3));
        assert!(UserId::parse(&at(255)).is_ok());
        assert_eq!(UserId::parse(&at(256)), Err(IdError::TooLong(256)));
    }

    #[test]
    fn rooms() {
        assert!(RoomId::parse("!abc").is_ok());
        assert!(RoomId::parse("!abc:x.org").is_ok());
        assert!(RoomId::parse("!").is_err());
        assert!(RoomId::parse("!a:b.").is_err());
        assert!(RoomAlias::parse("#ops:x.org").is_ok());
        assert!(RoomAlias::parse("#ops").is_err());
    }

    #[test]
    fn short_names() {
        let server = ServerName::parse("x.org").unwrap();
        let completed = |text| UserId::completed(text, Some(&server));
        assert_eq!(
            completed("@a.B_=/+-9").unwrap().as_str(),
            "@a.B_=/+-9:x.org"
        );
        assert_eq!(completed("@a@b:y.org").unwrap().as_str(), "@a@b:y.org");
        assert_eq!(completed("@"), Err(IdError::Empty));
        for odd in [
            "@a@x.org",
            "@a, @b",
            "@all@",
            "@a # b",
            "@a ",
            "@*",
            "@\u{e9}",
            "@a\u{200b}",
        ] {
            assert!(matches!(completed(odd), Err(IdError::Short(_))), "{odd}");
        }
        assert_eq!(UserId::completed("@a", None), Err(IdError::NoServer));
        for good in ["#ops", "#a+b$", "#z\u{f6}e", "#we,ird (x)"] {
            assert_eq!(check_short_alias(good), Ok(()), "{good}");
        }
        for bad in [
            "#", "##linux", "#c#", "#!old", "#a@b", "#+a", "#$a", "#a, #b",
        ] {
            assert!(check_short_alias(bad).is_err(), "{bad}");
        }
    }

    /// The rules of the ruma project's validator, as a second opinion.
    #[test]
    fn agrees_with_ruma() {
        for text in [
            "@a:b",
            "@:b",
            "@a b:c",
            "@ä:b",
            "@a",
            "a:b",
            "@a:b:1",
            "@a:b:99999",
            "@a:[::1]",
            "@a:[::1]:1",
            "@a:[x]",
            "@a:",
            "@a:b_c",
            "@A.b-c=/+:d",
            "@a:b:c:d",
            "@a\0:b",
        ] {
            let theirs = ruma_identifiers_validation::user_id::validate(text).is_ok();
            assert_eq!(UserId::parse(text).is_ok(), theirs, "{text:?}");
        }
        for text in [
            "#a:b",
            "##linux:libera.chat",
            "#c#:b",
            "#!old:b",
            "#@a:b",
            "#$a:b",
            "#+a:b",
            "#:b",
            "# a:b",
            "#a",
            "#a:b.c_d",
            "#a\0:b",
        ] {
            let theirs = ruma_identifiers_validation::room_alias_id::validate(text).is_ok();
            assert_eq!(RoomAlias::parse(text).is_ok(), theirs, "{text:?}");
        }
    }
}
