//! Did you mean: the known word that a mistyped one is nearest to.
//!
//! Law: a pure function of its arguments; ties go to the first in byte order.

/// The known word nearest to a mistyped one, if one is near enough to be meant.
///
/// Near means at most one edit in three characters, and not in all of them; a swap of neighbours counts
/// as one, and a letter's case as none. Costs the product of the lengths for each known word.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let length = word.chars().count();
    let limit = (length / 3).max(1);
    // Whatever is longer or shorter by more takes as many edits.
    let scored = known
        .into_iter()
        .filter(|k| k.chars().count().abs_diff(length) <= limit);
    let lower = word.to_ascii_lowercase();
    let scored = scored.map(|k| (edits(&lower, &k.to_ascii_lowercase()), k));
    let best = scored
        .filter(|(d, k)| *d <= limit && *d < length && *k != word)
        .min();
    best.map(|(_, k)| k)
}

/// The optimal string alignment distance.
fn edits(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=b.len()).collect();
    let mut last = None;
    for (i, x) in a.chars().enumerate() {
        let mut row = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let at = |v: &[usize], k: usize| v.get(k).copied().unwrap_or(usize::MAX - 1);
            let mut cost = (at(&above, j) + usize::from(x != *y))
                .min(at(&above, j + 1) + 1)
                .min(at(&row, j) + 1);
            let crossed = j > 0 && last == Some(*y) && b.get(j - 1) == Some(&x);
            if crossed && !before.is_empty() {
                cost = cost.min(at(&before, j - 1) + 1);
            }
            row.push(cost);
        }
        before = std::mem::replace(&mut above, row);
        last = Some(x);
    }
    above.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_word() {
        let words = ["send", "block", "group", "server"];
        assert_eq!(nearest("snd", words), Some("send"));
        assert_eq!(nearest("blcok", words), Some("block"));
        assert_eq!(nearest("presence", words), None);
        assert_eq!(nearest("BLOKC", words), Some("block"));
        assert_eq!(nearest("a", ["b"]), None);
        assert_eq!(nearest("a", ["A"]), Some("A"));
    }
}
