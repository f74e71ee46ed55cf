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
pub struct Glob(Box<[Piece]>);

impl Glob {
    /// A glob of these pieces.
    pub fn new(pieces: impl IntoIterator<Item = Piece>) -> Self {
        Glob(pieces.into_iter().collect())
    }

    /// The pieces in order.
    pub fn pieces(&self) -> &[Piece] {
        &self.0
    }

    /// The plain text, if nothing in it is wild.
    pub fn literal(&self) -> Option<String> {
        let plain = |piece: &Piece| match piece {
            Piece::Char(c) => Some(*c),
            Piece::One | Piece::Run => None,
        };
        self.0.iter().map(plain).collect()
    }

    /// What every text that matches begins with.
    pub fn plain_start(&self) -> String {
        plain(&self.0)
    }

    /// What stands behind the first `:`, if there is one and nothing behind it is wild.
    pub fn plain_server(&self) -> Option<String> {
        let colon = self.0.iter().position(|piece| *piece == Piece::Char(':'))?;
        let server = self.0.get(colon + 1..).unwrap_or_default();
        let wild = |piece: &Piece| !matches!(piece, Piece::Char(_));
        (!server.iter().any(wild)).then(|| plain(server))
    }

    /// Whether the whole user ID matches; wildcards stay on their side of the first `:`.
    pub fn matches_user(&self, user_id: &str) -> bool {
        let (name, server) = user_id.split_once(':').unwrap_or((user_id, ""));
        let colon = self.0.iter().position(|piece| *piece == Piece::Char(':'));
        let (left, right) = self.0.split_at(colon.unwrap_or(self.0.len()));
        matches(left, name) && matches(right.get(1..).unwrap_or_default(), server)
    }

    /// Whether the whole server name matches.
    pub fn matches_server(&self, server: &str) -> bool {
        matches(&self.0, server)
    }
}

/// The characters before the first wildcard.
fn plain(pieces: &[Piece]) -> String {
    let characters = pieces.iter().map_while(|piece| match piece {
        Piece::Char(c) => Some(*c),
        Piece::One | Piece::Run => None,
    });
    characters.collect()
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
        for piece in &self.0 {
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

    #[test]
    fn servers() {
        assert!(glob("*.example.org").matches_server("a.b.example.org"));
        assert!(!glob("*.example.org").matches_server("example.org"));
        assert!(glob("a*b*c").matches_server("axxbxbxc"));
        assert!(!glob("a*b*c").matches_server("axxbxbx"));
        assert!(glob("??").matches_server("äö"));
    }
}
