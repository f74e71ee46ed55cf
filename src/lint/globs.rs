//! Globs compared with globs.
//!
//! Law: "yes" holds for every text; a glob within another may be missed, never one that is not.

use crate::glob::{Glob, Piece};

/// A glob with each row of `*` and `?` in one form: the `?` first, then one `*`.
pub(super) fn plain(pieces: &[Piece]) -> Glob {
    let mut plain: Vec<Piece> = Vec::with_capacity(pieces.len());
    for piece in pieces {
        match (piece, plain.last()) {
            (Piece::Run, Some(Piece::Run)) => {}
            (Piece::One, Some(Piece::Run)) => {
                plain.pop();
                plain.extend([Piece::One, Piece::Run]);
            }
            (piece, _) => plain.push(*piece),
        }
    }
    Glob::new(plain)
}

/// Whether every text that `a` matches is matched by `b`: `b` matches `a` read as a text, in which
/// only a `*` of `b` takes a `*`. Quadratic in the lengths.
pub(super) fn glob_within(a: &Glob, b: &Glob) -> bool {
    // For each count of pieces of `b` that are used up: whether the pieces of `a` so far fit.
    let mut fits: Vec<bool> = Vec::with_capacity(b.pieces().len() + 1);
    fits.push(true);
    let mut open = true;
    for piece in b.pieces() {
        open = open && *piece == Piece::Run;
        fits.push(open);
    }
    for taken in a.pieces() {
        let mut before = fits.iter().copied();
        let mut last = before.next().unwrap_or_default();
        let mut next = Vec::with_capacity(fits.len());
        let mut here = false;
        next.push(here);
        for (piece, above) in b.pieces().iter().zip(before) {
            here = match (piece, taken) {
                // Takes it and stays, or takes none at all.
                (Piece::Run, _) => above || here,
                (Piece::One, Piece::One | Piece::Char(_)) => last,
                (Piece::Char(want), Piece::Char(found)) => last && want == found,
                _ => false,
            };
            next.push(here);
            last = above;
        }
        fits = next;
    }
    fits.last().copied().unwrap_or_default()
}

/// Whether no text is matched by both. Quadratic in the lengths.
pub(super) fn globs_apart(a: &Glob, b: &Glob) -> bool {
    // For each count of pieces of `b` that are used up: whether some text uses up so many of both.
    let mut meets: Vec<bool> = Vec::with_capacity(b.pieces().len() + 1);
    meets.push(true);
    let mut open = true;
    for piece in b.pieces() {
        open = open && *piece == Piece::Run;
        meets.push(open);
    }
    for left in a.pieces() {
        let mut before = meets.iter().copied();
        let mut last = before.next().unwrap_or_default();
        let mut next = Vec::with_capacity(meets.len());
        let mut here = last && *left == Piece::Run;
        next.push(here);
        for (right, above) in b.pieces().iter().zip(before) {
            here = match (left, right) {
                // A `*` takes what the other one is, or nothing.
                (Piece::Run, _) | (_, Piece::Run) => above || here,
                (Piece::Char(x), Piece::Char(y)) => last && x == y,
                _ => last,
            };
            next.push(here);
            last = above;
        }
        meets = next;
    }
    !meets.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn glob(text: &str) -> Glob {
        plain(
            &text
                .chars()
                .map(|c| match c {
                    '*' => Piece::Run,
                    '?' => Piece::One,
                    c => Piece::Char(c),
                })
                .collect::<Vec<_>>(),
        )
    }

    /// All globs of up to four letters over a small alphabet, and all texts long enough for what two of
    /// them have in common.
    #[test]
    fn globs_are_compared_as_they_match() {
        let words = |letters: &str, length: usize| {
            let mut all = vec![String::new()];
            let mut last = all.clone();
            for _ in 0..length {
                last = last
                    .iter()
                    .flat_map(|w| letters.chars().map(move |c| format!("{w}{c}")))
                    .collect();
                all.extend(last.iter().cloned());
            }
            all
        };
        let texts = words("ab", 6);
        let globs: Vec<Glob> = words("a*?b", 4).iter().map(|text| glob(text)).collect();
        let matched: Vec<u128> = globs
            .iter()
            .map(|g| {
                texts
                    .iter()
                    .enumerate()
                    .map(|(at, t)| u128::from(g.matches_server(t)) << at)
                    .sum()
            })
            .collect();
        let (mut within, mut apart) = (0, 0);
        for (a, a_texts) in globs.iter().zip(&matched) {
            for (b, b_texts) in globs.iter().zip(&matched) {
                if glob_within(a, b) {
                    within += 1;
                    assert_eq!(a_texts & !b_texts, 0, "{a} within {b}");
                }
                assert_eq!(globs_apart(a, b), a_texts & b_texts == 0, "{a} and {b}");
                apart += usize::from(a_texts & b_texts == 0);
            }
            assert!(glob_within(a, a), "{a}");
        }
        assert!(within > globs.len() && apart > globs.len());
        assert!(glob_within(&glob("*.a.org"), &glob("*.org")));
        assert!(!glob_within(&glob("*.org"), &glob("*.a.org")));
        assert!(glob_within(&glob("a?"), &glob("a*")) && !glob_within(&glob("a*"), &glob("a?")));
        assert!(globs_apart(&glob("*.a"), &glob("*.b")) && !globs_apart(&glob("a*"), &glob("*b")));
    }
}
