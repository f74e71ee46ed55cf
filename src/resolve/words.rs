//! Words into identifiers: users, servers, rooms and regexes, completed by the default server.
//!
//! Law: a word is read whole and then checked, so that a mistake in it has its own name.

use super::{Default, Resolver};
use crate::diagnostic::{Diagnostic, Name};
use crate::glob::{Glob, Piece};
use crate::id::{IdError, RoomAlias, RoomId, ServerName, UserId};
use crate::policy::{Kind, Pattern, Room};
use crate::source::Span;
use crate::syntax::ast::Word;
use crate::syntax::word;

/// A word this long is no ID, however many of its characters are wild or escaped; it is not taken
/// apart, which would cost a multiple of it.
const LONGEST_WORD: usize = 64 << 10;

impl Resolver<'_, '_> {
    /// A server name without globs.
    pub(super) fn server(&mut self, word: &Word) -> Option<ServerName> {
        let text = self.text(word);
        if let Some(problem) = quoted_server(word, text) {
            self.problems.push(problem);
            return None;
        }
        match ServerName::parse(text) {
            Ok(server) => Some(server),
            Err(_) => {
                let message = format!("`{text}` is not a server name");
                self.report(Name::InvalidServer, word.span, message, server_help(text));
                None
            }
        }
    }

    /// A server name or glob after `users on`.
    pub(super) fn servers(&mut self, word: &Word) -> Option<Kind> {
        let text = self.text(word);
        if !text.contains(['*', '?']) {
            return self.server(word).map(Kind::Server);
        }
        if let Some(problem) = quoted_server(word, text) {
            self.problems.push(problem);
            return None;
        }
        if !is_server_glob(text) {
            let message = format!("`{text}` can match no server name");
            self.report(Name::InvalidServer, word.span, message, server_help(text));
            return None;
        }
        let pieces = word::pieces(text, false).ok()?;
        Some(Kind::ServerGlob(Glob::new(pieces)))
    }

    /// Adds the default server to a name without one.
    pub(super) fn complete(&mut self, span: Span, name: &str) -> Option<String> {
        if name.contains(':') {
            return Some(name.to_owned());
        }
        match &self.default {
            Default::Known(server) => Some(format!("{name}:{server}")),
            Default::Broken => None,
            Default::None => {
                let message = format!("`{name}` has no server, and there is no default one");
                let help = format!("write `{name}:example.org`, or a line `server example.org`");
                self.report(Name::MissingServer, span, message, help);
                None
            }
        }
    }

    pub(super) fn user(&mut self, word: &Word) -> Option<Kind> {
        let text = self.text(word);
        if text.len() > LONGEST_WORD {
            return self.user_id(word.span, text).map(Kind::User);
        }
        let pieces = match word::pieces(text, word.quoted) {
            Ok(pieces) => pieces,
            Err(at) => {
                self.bad_escape(Name::InvalidUserId, word, at);
                return None;
            }
        };
        if !word.quoted && !self.unquoted_user(word, &pieces) {
            return None;
        }
        let glob = Glob::new(pieces);
        if let Some(literal) = glob.literal() {
            return self.user_id(word.span, &literal).map(Kind::User);
        }
        let mut pieces = glob.pieces().to_vec();
        if !pieces.contains(&Piece::Char(':')) {
            let completed = self.complete(word.span, text)?;
            let server = completed.get(text.len()..).unwrap_or_default();
            pieces.extend(server.chars().map(Piece::Char));
        }
        if let Err(reason) = check_user_glob(&pieces) {
            let message = format!("`{text}` can match no user ID: {reason}");
            let help = "write it as `@localpart:server`, as in `@bot-*:example.org`";
            self.report(Name::InvalidUserId, word.span, message, help);
            return None;
        }
        Some(Kind::UserGlob(Glob::new(pieces)))
    }

    /// Whether a localpart outside quotes has only characters that need none.
    fn unquoted_user(&mut self, word: &Word, pieces: &[Piece]) -> bool {
        let text = self.text(word);
        let local = pieces
            .iter()
            .skip(1)
            .take_while(|p| **p != Piece::Char(':'));
        let mut empty = true;
        let mut odd = None;
        for piece in local {
            empty = false;
            match piece {
                Piece::Char(c) if !word::is_unquoted_localpart(*c) => odd = odd.or(Some(*c)),
                _ => {}
            }
        }
        if let Some(c) = odd {
            let message = format!("`{text}` holds {c:?}, which needs quotes in a user ID");
            let help = if c == '#' {
                let (id, note) = text.split_once('#').unwrap_or((text, ""));
                format!("write `{id} # {note}` for a comment, `\"{text}\"` for the user")
            } else {
                format!("write `\"{}\"`", text.replace('\\', "\\\\"))
            };
            self.report(Name::InvalidUserId, word.span, message, help);
        } else if empty {
            let message = format!("`{text}` has no name between `@` and the server");
            self.report(
                Name::InvalidUserId,
                word.span,
                message,
                "write it as `@ann:example.org`",
            );
        }
        odd.is_none() && !empty
    }

    fn user_id(&mut self, span: Span, text: &str) -> Option<UserId> {
        let checked = if text.starts_with('@') {
            let completed = self.complete(span, text)?;
            UserId::parse(&completed)
        } else {
            UserId::parse(text)
        };
        match checked {
            Ok(id) => {
                self.named.insert(id.clone());
                Some(id)
            }
            Err(error) => {
                let message = format!("`{}` is not a user ID: it {error}", shorten(text));
                self.report(Name::InvalidUserId, span, message, user_help(text, &error));
                None
            }
        }
    }

    pub(super) fn room(&mut self, word: &Word) -> Option<Room> {
        let text = self.text(word);
        if text.len() > LONGEST_WORD {
            let message = format!(
                "`{}` is not a room: it has over {LONGEST_WORD} bytes",
                shorten(text)
            );
            let help = "a room ID or alias has at most 255 bytes, its server included";
            self.report(Name::InvalidRoom, word.span, message, help);
            return None;
        }
        let pieces = match word::pieces(text, word.quoted) {
            Ok(pieces) => pieces,
            Err(at) => {
                self.bad_escape(Name::InvalidRoom, word, at);
                return None;
            }
        };
        let wrong = |message: String, help: String| {
            Some(Diagnostic::new(Name::InvalidRoom, word.span, message, help))
        };
        let Some(name) = Glob::new(pieces).literal() else {
            let help = "name each room: `members of (#a, #b)`; in quotes `\\*` is a plain `*`";
            let message = format!("`{text}` has a wildcard, and rooms have none");
            self.problems.extend(wrong(message, help.into()));
            return None;
        };
        let problem = match name.chars().next() {
            Some('!') => match RoomId::parse(&name) {
                Ok(id) => return self.named_room(Room::Id(id), word.span),
                Err(error) => wrong(
                    format!("`{}` is not a room ID: it {error}", shorten(&name)),
                    "write the room's ID as its settings show it: `!opaque:example.org`".into(),
                ),
            },
            Some('#') => {
                let completed = self.complete(word.span, &name)?;
                match RoomAlias::parse(&completed) {
                    Ok(alias) => return self.named_room(Room::Alias(alias), word.span),
                    Err(error) => wrong(
                        format!("`{}` is not a room alias: it {error}", shorten(&name)),
                        "write it as `#alias:example.org`; a comment needs a blank behind its `#`"
                            .into(),
                    ),
                }
            }
            _ => wrong(
                format!("`{}` is not a room", shorten(&name)),
                format!(
                    "a room is written by its ID `!opaque:example.org` or by its alias: `#{name}`"
                ),
            ),
        };
        self.problems.extend(problem);
        None
    }

    fn named_room(&mut self, room: Room, span: Span) -> Option<Room> {
        self.rooms.push((room.clone(), span));
        Some(room)
    }

    fn bad_escape(&mut self, name: Name, word: &Word, at: usize) {
        let text = self.text(word);
        let escape: String = text.get(at..).unwrap_or_default().chars().take(2).collect();
        let start = word.span.start as usize + at;
        let span = Span::new(word.span.source, start, start + escape.len());
        let message = format!("`{escape}` is no escape");
        let help = "in quotes `\\*`, `\\?`, `\\\\` and `\\\"` are the plain characters; \
                    a single `\\` is written `\\\\`";
        self.report(name, span, message, help);
    }

    pub(super) fn pattern(&mut self, span: Span) -> Option<Pattern> {
        let text = word::regex(self.input.sources.text(span));
        match Pattern::new(&text) {
            Ok(pattern) => Some(pattern),
            Err(regex::Error::CompiledTooBig(limit)) => {
                let message = format!("this regex takes over {} MiB when compiled", limit >> 20);
                let help = "write a smaller one: fewer or smaller repetitions such as `{1000}`";
                self.report(Name::TooLarge, span, message, help);
                None
            }
            Err(error) => {
                let error = error.to_string();
                let reason = error.lines().last().unwrap_or_default();
                let reason = reason.strip_prefix("error: ").unwrap_or(reason);
                let message = format!("this regex does not compile: {reason}");
                let help =
                    "the syntax is that of Rust's `regex` crate; `\\` makes a mark plain: `\\(`";
                self.report(Name::InvalidRegex, span, message, help);
                None
            }
        }
    }
}

fn quoted_server(word: &Word, text: &str) -> Option<Diagnostic> {
    let bare = text.trim_matches('"');
    let problem = || {
        let message = format!("the server {text} stands in quotes");
        Diagnostic::new(
            Name::InvalidServer,
            word.span,
            message,
            format!("write `{bare}`"),
        )
    };
    word.quoted.then(problem)
}

fn server_help(text: &str) -> String {
    if let Some((_, server)) = text.split_once(':').filter(|_| text.starts_with('@')) {
        return format!("write the server alone: `{server}`");
    }
    if let Some((_, rest)) = text.split_once("://") {
        return format!("write the server alone: `{}`", rest.trim_end_matches('/'));
    }
    if text.contains(['*', '?']) && is_server_glob(text) {
        return "wildcards stand only after `users on`; write one server".into();
    }
    if let Some(bare) = text
        .strip_suffix('.')
        .filter(|bare| ServerName::parse(bare).is_ok())
    {
        return format!("write it without the last dot: `{bare}`");
    }
    "a server is a host name or an address, with or without a port: `example.org`, \
     `matrix.example.org:8448`, `1.2.3.4`, `[::1]`"
        .into()
}

fn is_server_glob(text: &str) -> bool {
    let legal = |b: u8| b.is_ascii_alphanumeric() || b"-.:[]*?".contains(&b);
    text.bytes().all(legal) && !text.ends_with('.') && text.len() <= crate::id::MAX_BYTES
}

/// `Err` says why no user ID can match.
fn check_user_glob(pieces: &[Piece]) -> Result<(), &'static str> {
    let mut sides = pieces.splitn(2, |piece| *piece == Piece::Char(':'));
    let name = sides.next().unwrap_or_default();
    let server = Glob::new(sides.next().unwrap_or_default().iter().copied()).to_string();
    if name.first() != Some(&Piece::Char('@')) {
        Err("a user ID starts with `@`")
    } else if name.contains(&Piece::Char('\0')) {
        Err("it holds a NUL")
    } else if server.is_empty() || !is_server_glob(&server) {
        Err("what stands after the first `:` is no server")
    } else if pieces.iter().filter(|piece| **piece != Piece::Run).count() > crate::id::MAX_BYTES {
        Err("it is over 255 bytes long")
    } else {
        Ok(())
    }
}

fn user_help(text: &str, error: &IdError) -> String {
    match error {
        IdError::Sigil(_) if text.ends_with(".yaml") || text.ends_with(".yml") => {
            format!("write `group NAME from \"{text}\"` for a group file")
        }
        IdError::Sigil(_) => format!("write `\"@{}\"`", text.trim_start_matches('@')),
        IdError::TooLong(_) => "a user ID has at most 255 bytes, its server included".into(),
        _ => "a user ID is written `@localpart:server`, as in `@ann:example.org`".into(),
    }
}

/// A text short enough for a message.
pub(super) fn shorten(text: &str) -> String {
    if text.chars().nth(80).is_none() {
        return text.escape_debug().to_string();
    }
    let start: String = text.chars().take(60).collect();
    format!("{}...", start.escape_debug())
}
