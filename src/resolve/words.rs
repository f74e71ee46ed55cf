//! Words into identifiers: users, servers, rooms and regexes, completed by the default server.
//!
//! Law: a word is read whole and then checked, so that a mistake in it has its own name.

use super::dialect::regex_help;
use super::meant::{self, Meant};
use super::short::{Written, short_alias_help, short_user_help};
use super::{Default, Resolver};
use crate::diagnostic::{Diagnostic, Name};
use crate::glob::{Glob, Piece};
use crate::id::{
    IdError, RoomAlias, RoomId, ServerName, UserId, check_short_alias, check_short_user,
};
use crate::policy::{Kind, MAX_REGEXES_BYTES, Named, Pattern, Room};
use crate::source::Span;
use crate::syntax::ast::Word;
use crate::syntax::word;

/// A word this long is no ID, however many of its characters are wild or escaped; it is not taken
/// apart, which would cost a multiple of it.
const LONGEST_WORD: usize = 64 << 10;

/// What to say where it is not known who was meant.
const USER_FORM: &str =
    "a user ID is written `@localpart:server`, in quotes if it holds other marks";

impl Resolver<'_, '_> {
    /// A server name without globs.
    pub(super) fn server(&mut self, word: &Word) -> Option<ServerName> {
        let text = self.text(word);
        if let Some(problem) = quoted_server(word, text) {
            self.problems.push(problem);
            return None;
        }
        // `.evil.org` is of other lists, and nobody's.
        match ServerName::parse(text) {
            Ok(_) if text.starts_with('.') => {
                let message = format!("`{text}` is not a server name");
                self.wrong_server(word.span, text, message);
                None
            }
            Ok(server) => Some(server),
            Err(_) => {
                let message = format!("`{text}` is not a server name");
                self.wrong_server(word.span, text, message);
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
            self.wrong_server(word.span, text, message);
            return None;
        }
        let pieces = word::pieces(text, false).ok()?;
        Some(Kind::ServerGlob(Glob::new(pieces)))
    }

    fn wrong_server(&mut self, span: Span, text: &str, message: String) {
        let meant = meant::server_word(text);
        let problem = Diagnostic::new(
            Name::InvalidServer,
            span,
            message,
            server_help(text, &meant),
        );
        self.problems.push(with_fix(problem, meant));
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
            return self.user_id(word, text).map(Kind::User);
        }
        if !word.quoted && is_plain_user(text) {
            return self.user_id(word, text).map(Kind::User);
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
            return self.user_id(word, &literal).map(Kind::User);
        }
        let mut pieces = glob.pieces().to_vec();
        if !pieces.contains(&Piece::Char(':')) {
            let mut plain = pieces.iter().skip(1).filter_map(|piece| match piece {
                Piece::Char(c) => Some(*c),
                Piece::Run | Piece::One => None,
            });
            if pieces.first() == Some(&Piece::Char('@'))
                && let Some(odd) = plain.find(|c| *c != '\0' && !word::is_unquoted_localpart(*c))
            {
                let error = IdError::Short(odd);
                let message = format!("`{text}` can match no user ID: it {error}");
                let help =
                    "write it with its server: `@localpart:server`, as in `@bot-*:example.org`";
                self.report(Name::InvalidUserId, word.span, message, help);
                return None;
            }
            let completed = self.complete(word.span, text)?;
            let server = completed.get(text.len()..).unwrap_or_default();
            pieces.extend(server.chars().map(Piece::Char));
        }
        if let Err(reason) = check_user_glob(&pieces) {
            let message = format!("`{text}` can match no user ID: {reason}");
            let help = match text.trim_matches('"').strip_suffix('.') {
                Some(bare) if !word.quoted && is_user_glob(bare) => {
                    format!("a server is written without the last dot: write `{bare}`")
                }
                _ if !text.trim_matches('"').starts_with('@') => {
                    meant::no_user_help(text.trim_matches('"'))
                }
                _ => {
                    let server = self.default_server().map(ServerName::as_str);
                    let regex = meant::pattern_word(text, server).filter(|_| !word.quoted);
                    let form =
                        "a pattern is written `@localpart:server`, with `*` and `?` on either side";
                    regex.unwrap_or_else(|| form.into())
                }
            };
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
            let meant = meant::user_word(text);
            let quoted = || {
                let whole = match (&self.default, text.contains(':')) {
                    (Default::Known(server), false) => format!("{text}:{server}"),
                    _ => text.to_owned(),
                };
                let id = UserId::parse(&whole).is_ok() && meant::may_be_odd(text);
                id.then(|| format!("`\"{}\"`", whole.replace('\\', "\\\\")))
            };
            let help = if c.is_control() {
                "this character cannot be seen: take it out".into()
            } else if c == '#' && text.contains(':') {
                let (id, note) = text.split_once('#').unwrap_or((text, ""));
                let note = note.trim_start_matches('#');
                let comment =
                    format!("write `{id} # {note}`, with blanks around the `#`, for a comment");
                match quoted() {
                    Some(quoted) => format!("{comment}, {quoted} for the user"),
                    None => comment,
                }
            } else if c == '#' {
                short_user_help(text, self.default_server(), Written::Policy)
            } else if let Some(meant) = &meant {
                meant.help()
            } else if let Some(help) = meant::joined_words(text) {
                help
            } else if let Some(pattern) =
                meant::pattern_word(text, self.default_server().map(ServerName::as_str))
            {
                pattern
            } else if let Some((plain, why)) = meant::plain_word(text) {
                format!("{why}: write `{plain}`")
            } else if text.contains(':') {
                match quoted() {
                    Some(quoted) => format!("write {quoted}"),
                    None => USER_FORM.into(),
                }
            } else if text.contains(['*', '?']) {
                let server = self
                    .default_server()
                    .map_or("example.org", ServerName::as_str);
                let text = text.replace('\\', "\\\\");
                format!("write it with its server, in quotes: `\"{text}:{server}\"`")
            } else if meant::may_be_odd(text) || text.matches('@').count() > 1 {
                short_user_help(text, self.default_server(), Written::Policy)
            } else {
                USER_FORM.into()
            };
            let problem = Diagnostic::new(Name::InvalidUserId, word.span, message, help);
            self.problems
                .push(with_fix(problem, meant.filter(|_| c != '#')));
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

    fn user_id(&mut self, word: &Word, text: &str) -> Option<Named> {
        let span = word.span;
        match self.named_user(span, text)? {
            Ok((key, id)) => Some(Named::new(id, key)),
            Err(error) => {
                let message = format!("`{}` is not a user ID: it {error}", shorten(text));
                let meant = meant::user_word(text).filter(|_| !word.quoted);
                let short = matches!(error, IdError::Short(_) | IdError::Empty);
                let help = match (&meant, self.path_for_group(word, text)) {
                    _ if short && !text.contains(':') => {
                        short_user_help(text, self.default_server(), Written::Policy)
                    }
                    (Some(meant), _) => meant.help(),
                    (None, Some(help)) => help,
                    (None, None) if self.groups.contains_key(text) => {
                        format!("write `group {text}` for the users of the group")
                    }
                    (None, None) => user_help(text, &error),
                };
                let problem = Diagnostic::new(Name::InvalidUserId, span, message, help);
                self.problems.push(with_fix(problem, meant));
                None
            }
        }
    }

    /// The user of a text in which nothing is wild, completed if it has no server; `None` if that is
    /// not possible, which is reported. The user is named from now on, by their key.
    pub(super) fn named_user(
        &mut self,
        span: Span,
        text: &str,
    ) -> Option<Result<(u32, UserId), IdError>> {
        let completed;
        let whole = if text.starts_with('@') && !text.as_bytes().contains(&b':') {
            if let Err(error) = check_short_user(text) {
                return Some(Err(error));
            }
            completed = self.complete(span, text)?;
            &completed
        } else {
            text
        };
        Some(self.named.name(whole))
    }

    /// `group oncall = "oncall.yaml"`, with `=` where `from` must stand.
    fn path_for_group(&self, word: &Word, text: &str) -> Option<String> {
        if !text.ends_with(".yaml") && !text.ends_with(".yml") {
            return None;
        }
        let source = self.input.sources.get(word.span.source)?;
        let start = source.line_start(source.position(word.span.start).line);
        let before = source.text().get(start..word.span.start as usize)?;
        let name = before
            .trim()
            .strip_prefix("group ")?
            .strip_suffix('=')?
            .trim();
        let written = self.text(word);
        super::is_group_name(name).then(|| format!("write `group {name} from {written}`"))
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
        if let Some(room) = meant::room_in_link(text.trim_matches('"')) {
            let message = format!(
                "`{}` is a link, not a room",
                shorten(text.trim_matches('"'))
            );
            self.problems
                .extend(wrong(message, format!("write `{room}`")));
            return None;
        }
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
                if !name.contains(':')
                    && let Err(error) = check_short_alias(&name)
                {
                    let message = format!("`{}` is not a room alias: it {error}", shorten(&name));
                    let help = short_alias_help(&name, self.default_server());
                    self.report(Name::InvalidRoom, word.span, message, help);
                    return None;
                }
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
                match self.groups.contains_key(name.as_str()) {
                    true => format!(
                        "write `group {name}` without `members of` for the users of the group, \
                         `members of #{name}` for those in the room"
                    ),
                    false => meant::no_room_help(&name),
                },
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
        let known = self.patterns.get(&text);
        let known = known.or_else(|| self.input.found.patterns.get(&text));
        let made = known.map_or_else(|| Pattern::new(&text), |known| Ok(known.clone()));
        match made {
            Ok(pattern) => {
                let pattern = self.within_limit(span, pattern)?;
                self.patterns.insert(text, pattern.clone());
                Some(pattern)
            }
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
                let help = regex_help(&text, reason);
                self.report(Name::InvalidRegex, span, message, help);
                None
            }
        }
    }
}

impl Resolver<'_, '_> {
    /// The same regex, unless it takes all regexes together over their limit, which is told once.
    fn within_limit(&mut self, span: Span, pattern: Pattern) -> Option<Pattern> {
        let before = self.regexes;
        let after = before.saturating_add(pattern.bytes());
        if after <= MAX_REGEXES_BYTES {
            self.regexes = after;
            return Some(pattern);
        }
        if before <= MAX_REGEXES_BYTES {
            let limit = MAX_REGEXES_BYTES >> 20;
            let message =
                format!("with this one the policy's regexes take over {limit} MiB when compiled");
            let help = "write fewer or smaller ones: `[a-z0-9_]` takes less than `\\w`, and a pattern such \
                        as `@bot-*` next to nothing";
            self.report(Name::TooLarge, span, message, help);
            self.regexes = usize::MAX;
        }
        None
    }
}

/// Whether a word outside quotes is a user without anything wild or odd in the name.
fn is_plain_user(text: &str) -> bool {
    let name = text.strip_prefix('@').unwrap_or_default();
    let end = name.find(':').unwrap_or(name.len());
    let (name, server) = name.split_at(end);
    let wild = |b: u8| b == b'*' || b == b'?';
    !name.is_empty() && name.chars().all(word::is_unquoted_localpart) && !server.bytes().any(wild)
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
    let certain = ServerName::parse(bare).is_ok();
    let problem = move || match certain {
        true => problem().with_edit(word.span, bare),
        false => problem(),
    };
    word.quoted.then(problem)
}

/// The same problem with the edit that solves it, if that is certain.
fn with_fix(problem: Diagnostic, meant: Option<Meant>) -> Diagnostic {
    let span = problem.span;
    match meant.filter(|meant| meant.certain) {
        Some(meant) => problem.with_edit(span, meant.text),
        None => problem,
    }
}

fn server_help(text: &str, meant: &Option<Meant>) -> String {
    if let Some(inner) = text.strip_prefix('/').and_then(|t| t.strip_suffix('/')) {
        let whole = match inner.trim_start_matches('^').starts_with(['@', '.']) {
            true => inner.to_owned(),
            false => format!("@[^:]*:(?:{inner})"),
        };
        if Pattern::new(&word::regex(&format!("/{whole}/"))).is_ok() {
            return format!(
                "a regex stands after `matching`, and matches a whole user ID: write \
                 `users matching /{whole}/` instead of `users on`"
            );
        }
    }
    if let Some((_, server)) = text.split_once(':').filter(|_| text.starts_with('@'))
        && meant.is_none()
        && ServerName::parse(server).is_ok()
    {
        return format!(
            "write `{text}` without `users on` for this user, `users on {server}` for everyone there"
        );
    }
    if let Some(host) = text.strip_prefix('.')
        && ServerName::parse(host).is_ok()
    {
        return format!(
            "`*.{host}` is every server below `{host}`, and `({host}, *.{host})` is that one too"
        );
    }
    if let Some(help) = meant::addresses_help(text) {
        return help;
    }
    if let Some(meant) = meant {
        return meant.help();
    }
    if let Some(glob) = text.strip_suffix('.').filter(|bare| bare.contains('*'))
        && is_server_glob(glob)
    {
        return format!("a server is written without the last dot: write `{glob}`");
    }
    if text.contains(['*', '?']) && is_server_glob(text) {
        return "wildcards stand only after `users on`; write one server".into();
    }
    if text.starts_with(['#', '!']) {
        return format!(
            "for those in a room write `members of {text}` instead of `users on {text}`"
        );
    }
    if ServerName::parse(&format!("[{text}]")).is_ok() {
        return format!("an IPv6 address stands in brackets: write `[{text}]`");
    }
    if !text.is_ascii() {
        return "a server is written in its ASCII form: `xn--...` for other letters".into();
    }
    "a server is a host name or an address, with or without a port: `example.org`, \
     `matrix.example.org:8448`, `1.2.3.4`, `[::1]`"
        .into()
}

fn is_server_glob(text: &str) -> bool {
    let legal = |b: u8| b.is_ascii_alphanumeric() || b"-.:[]*?".contains(&b);
    // Behind a `:` stands a port, or the rest of an IPv6 address whose bracket a wildcard may cover.
    let rest = text.split_once(':').map_or("", |(_, rest)| rest);
    let numbers = rest
        .bytes()
        .all(|b| b.is_ascii_hexdigit() || b".:[]*?".contains(&b));
    // No server begins with a dot: `.*` is of regexes, `.evil.org` of other lists.
    let dots = text.starts_with('.') || text.ends_with('.');
    text.bytes().all(legal) && !dots && text.len() <= crate::id::MAX_BYTES && numbers
}

/// Whether a word outside quotes is a pattern of user IDs with a server.
fn is_user_glob(text: &str) -> bool {
    let pieces = word::pieces(text, false).unwrap_or_default();
    check_user_glob(&pieces).is_ok()
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
        IdError::Sigil(_) if text == "all" || text == "everyone" => {
            format!("write `{text}` without quotes for every user")
        }
        IdError::Sigil(_) if text.trim_matches('@').is_empty() => {
            "write it as `@ann:example.org`".into()
        }
        IdError::Sigil(_) => meant::no_user_help(text),
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
