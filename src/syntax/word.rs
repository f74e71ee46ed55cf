//! Words as they are written: quotes, escapes and wildcards.
//!
//! Law: in quotes `\*`, `\?`, `\\` and `\"` are literal and any other `\` is an error; without
//! quotes there are no escapes.

use crate::glob::Piece;
pub use crate::id::is_unquoted_localpart;

/// Takes a word's quotes and escapes away. `Err` gives the byte, within `text`, of a `\` that
/// escapes nothing.
pub fn pieces(text: &str, quoted: bool) -> Result<Vec<Piece>, usize> {
    let mut pieces = Vec::with_capacity(text.len());
    let mut chars = bare(text, quoted).char_indices();
    while let Some((at, c)) = chars.next() {
        pieces.push(match c {
            '*' => Piece::Run,
            '?' => Piece::One,
            '\\' if quoted => match chars.next() {
                Some((_, c @ ('*' | '?' | '\\' | '"'))) => Piece::Char(c),
                _ => return Err(at + 1),
            },
            c => Piece::Char(c),
        });
    }
    Ok(pieces)
}

/// A word in which wildcards have no meaning, such as a path.
pub fn plain(text: &str, quoted: bool) -> Result<String, usize> {
    let char_of = |piece| match piece {
        Piece::Char(c) => c,
        Piece::One => '?',
        Piece::Run => '*',
    };
    Ok(pieces(text, quoted)?.into_iter().map(char_of).collect())
}

/// The regex between its slashes, with `\/` read as `/`.
pub fn regex(text: &str) -> String {
    let inner = text.strip_prefix('/').unwrap_or(text);
    let inner = inner.strip_suffix('/').unwrap_or(inner);
    let mut out = String::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        match (c, chars.clone().next()) {
            ('\\', Some('/')) => continue,
            ('\\', Some(next)) => {
                out.extend(['\\', next]);
                chars.next();
            }
            _ => out.push(c),
        }
    }
    out
}

fn bare(text: &str, quoted: bool) -> &str {
    if !quoted {
        return text;
    }
    let inner = text.strip_prefix('"').unwrap_or(text);
    inner.strip_suffix('"').unwrap_or(inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes() {
        assert_eq!(plain(r#""a\*\?\\\"b""#, true).as_deref(), Ok(r#"a*?\"b"#));
        assert_eq!(plain(r#""a\n""#, true), Err(2));
        assert_eq!(
            pieces(r#""\**""#, true).unwrap(),
            [Piece::Char('*'), Piece::Run]
        );
        assert_eq!(regex(r"/a\/b\\\d/"), r"a/b\\\d");
    }
}
