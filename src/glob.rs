//! Globs: patterns with `*` (any run of characters, the empty one too) and `?` (one character).
//!
//! Two kinds share the matcher: over a user ID, where neither wildcard crosses the first `:`, so
//! that a pattern's localpart speaks of localparts only; and over a server name, where nothing is
//! special.
//!
//! Not for: regexes, nor for reading quotes and escapes (`syntax`).
//!
//! Law: matching takes at most pattern times text steps, without recursion.

use std::fmt;

/// One element of a glob.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Piece {
    /// This character.
    Char(char),
    /// `?`: one character.
    One,
    /// `*`: any run of characters.
    Run,
}

/// A text in which `*` and `?` may be wild. Made by the parser, where quoting is known.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Glob {
    pieces: Box<[Piece]>,
    /// What stands before the first wildcard.
    start: Box<str>,
    /// What stands behind the last wildcard; empty if there is none.
    end: Box<str>,
    /// Where the first `:` stands.
    colon: Option<usize>,
    /// Whether one `*` is all that is wild.
    one_run: bool,
}

impl Glob {
    /// A glob of these pieces.
    pub fn new(pieces: impl IntoIterator<Item = Piece>) -> Self {
        let pieces: Box<[Piece]> = pieces.into_iter().collect();
        let start: Box<str> = pieces.iter().map_while(plain).collect();
        let mut end: Vec<char> = pieces.iter().rev().map_while(plain).collect();
        end.reverse();
        let all = end.len() == pieces.len();
        Glob {
            start,
            end: end.into_iter().filter(|_| !all).collect(),
            one_run: pieces
                .iter()
                .filter(|piece| plain(piece).is_none())
                .eq([&Piece::Run]),
            colon: pieces.iter().position(|piece| *piece == Piece::Char(':')),
            pieces,
        }
    }

    /// The pieces in order.
    pub fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    /// The plain text, if nothing in it is wild.
    pub fn literal(&self) -> Option<String> {
        self.is_plain().then(|| self.start.to_string())
    }

    /// What every text that matches begins with.
    pub fn plain_start(&self) -> &str {
        &self.start
    }

    /// What every text that matches ends with, behind its start.
    pub fn plain_end(&self) -> &str {
        &self.end
    }

    /// The longest plain text between two wildcards; empty if there is none.
    pub fn plain_inside(&self) -> String {
        let first = self.pieces.iter().position(|piece| plain(piece).is_none());
        let last = self.pieces.iter().rposition(|piece| plain(piece).is_none());
        let range = first.zip(last).map(|(first, last)| first..last);
        let inside = range.and_then(|range| self.pieces.get(range));
        let texts = inside
            .unwrap_or_default()
            .split(|piece| plain(piece).is_none());
        let longest = texts.max_by_key(|text| text.len());
        longest
            .unwrap_or_default()
            .iter()
            .filter_map(plain)
            .collect()
    }

    /// What stands behind the first `:`, if there is one and nothing behind it is wild.
    pub fn plain_server(&self) -> Option<&str> {
        let colon = self.colon?;
        let server = self.pieces.get(colon + 1..).unwrap_or_default();
        let bytes = server
            .iter()
            .try_fold(0, |sum, piece| Some(sum + plain(piece)?.len_utf8()));
        let last = if self.is_plain() {
            &self.start
        } else {
            &self.end
        };
        last.get(last.len().checked_sub(bytes?)?..)
    }

    /// Whether all users on its plain server whose ID begins with its plain start match.
    pub fn is_start_and_server(&self) -> bool {
        self.one_run && self.end.starts_with(':') && !self.start.contains(':')
    }

    /// Whether the whole user ID matches; wildcards stay on their side of the first `:`.
    pub fn matches_user(&self, user_id: &str) -> bool {
        let Some(middle) = self.between(user_id) else {
            return false;
        };
        if self.one_run && self.colon.is_some() {
            // In the start, then anything may follow; or in the end, which must begin the server.
            return self.start.contains(':') || !middle.contains(':');
        }
        let (name, server) = user_id.split_once(':').unwrap_or((user_id, ""));
        let (left, right) = self
            .pieces
            .split_at(self.colon.unwrap_or(self.pieces.len()));
        matches(left, name) && matches(right.get(1..).unwrap_or_default(), server)
    }

    /// Whether the whole server name matches.
    pub fn matches_server(&self, server: &str) -> bool {
        self.between(server).is_some() && (self.one_run || matches(&self.pieces, server))
    }

    fn is_plain(&self) -> bool {
        self.pieces.iter().all(|piece| plain(piece).is_some())
    }

    /// What stands between the start and the end in a text that has both.
    fn between<'t>(&self, text: &'t str) -> Option<&'t str> {
        text.strip_prefix(&*self.start)?.strip_suffix(&*self.end)
    }
}

fn plain(piece: &Piece) -> Option<char> {
    match piece {
        Piece::Char(c) => Some(*c),
        Piece::One | Piece::Run => None,
    }
}

/// The classic two-pointer match: on a mismatch, let the last `*` take one character more.
fn matches(pattern: &[Piece], text: &str) -> bool {
    let (mut at, mut rest) = (0, text.chars());
    let mut retry: Option<(usize, std::str::Chars<'_>)> = None;
    loop {
        let next = rest.clone().next();
        match (pattern.get(at), next) {
            (Some(Piece::Run), _) => {
                retry = Some((at + 1, rest.clone()));
                at += 1;
            }
            (Some(Piece::Char(want)), Some(found)) if *want == found => {
                rest.next();
                at += 1;
            }
            (Some(Piece::One), Some(_)) => {
                rest.next();
                at += 1;
            }
            (None, None) => return true,
            _ => {
                let Some((after, from)) = retry.as_mut() else {
                    return false;
                };
                if from.next().is_none() {
                    return false;
                }
                at = *after;
                rest = from.clone();
            }
        }
    }
}

/// As it would be written in quotes: literal wildcards and marks escaped.
impl fmt::Display for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for piece in &self.pieces {
            match piece {
                Piece::Char(c @ ('*' | '?' | '\\' | '"')) => write!(f, "\\{c}")?,
                Piece::Char(c) => write!(f, "{c}")?,
                Piece::One => f.write_str("?")?,
                Piece::Run => f.write_str("*")?,
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn glob(text: &str) -> Glob {
        Glob::new(text.chars().map(|c| match c {
            '*' => Piece::Run,
            '?' => Piece::One,
            c => Piece::Char(c),
        }))
    }

    #[test]
    fn wildcards_do_not_cross_the_first_colon_of_a_user_id() {
        assert!(glob("@bot-*:x.org").matches_user("@bot-1:x.org"));
        assert!(glob("@bot-*:x.org").matches_user("@bot-:x.org"));
        assert!(!glob("@*x.org").matches_user("@a:x.org"));
        assert!(glob("@a:*").matches_user("@a:x.org:8448"));
        assert!(!glob("@a?b:x").matches_user("@a:b:x"));
    }

    /// The shortcut for one `*` says what the matcher says.
    #[test]
    fn one_run_is_no_special_case() {
        for text in [
            "@a*b:x", "@a*:x", "@*:x", "@a:*", "@a:x*y", "@a:*.x", "@*a:x:1",
        ] {
            let glob = glob(text);
            assert!(glob.one_run);
            let slow = Glob {
                one_run: false,
                ..glob.clone()
            };
            for id in [
                "@a:x", "@ab:x", "@aab:x", "@ab:x:x", "@a:b:x", "@a:xy", "@a:xzy", "@a:y:x", "@:x",
                "@a:.x", "@a:b.x", "@a:x:1", "@aa:x:1", "@a:x.x",
            ] {
                assert_eq!(glob.matches_user(id), slow.matches_user(id), "{text} {id}");
                assert_eq!(
                    glob.matches_server(id),
                    slow.matches_server(id),
                    "{text} {id}"
                );
            }
        }
        for (text, all) in [
            ("@a*:x", true),
            ("@*:x:1", true),
            ("@a*b:x", false),
            ("@a*:*", false),
            ("@a:*x", false),
            ("@a?:x", false),
            ("@a*b*:x", false),
            ("@a*:x?", false),
        ] {
            assert_eq!(glob(text).is_start_and_server(), all, "{text}");
        }
        assert_eq!(glob("@a*:x:1").plain_server(), Some("x:1"));
        assert_eq!(glob("@a:b").plain_server(), Some("b"));
        assert_eq!(glob("@a:b*").plain_server(), None);
    }

    #[test]
    fn servers() {
        assert!(glob("*.example.org").matches_server("a.b.example.org"));
        assert!(!glob("*.example.org").matches_server("example.org"));
        assert!(glob("a*b*c").matches_server("axxbxbxc"));
        assert!(!glob("a*b*c").matches_server("axxbxbx"));
        assert!(glob("??").matches_server("äö"));
    }
}
