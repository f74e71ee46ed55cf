//! A statement as its words, for looking at what stands where.
//!
//! Law: a word ends where the grammar's ends; quotes and regexes are whole.

/// The words, quoted words and marks of a text with the bytes they begin at.
pub(super) fn words(text: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(rest) = text.get(at..) {
        let word = rest.trim_start_matches([' ', '\t', '\n']);
        let start = at + (rest.len() - word.len());
        let word = word_at(word);
        if word.is_empty() {
            break;
        }
        found.push((start, word));
        at = start + word.len();
    }
    found
}

/// The word, quoted word or mark that `rest` begins with.
pub(super) fn word_at(rest: &str) -> &str {
    let delimiter = |c: char| " \t,()\"\n".contains(c);
    let Some(first) = rest.chars().next() else {
        return "";
    };
    let len = if first == '"' || first == '/' {
        let inner = rest.get(1..).unwrap_or_default();
        inner.find(first).map_or(rest.len(), |n| n + 2)
    } else if delimiter(first) {
        first.len_utf8()
    } else {
        rest.find(delimiter).unwrap_or(rest.len())
    };
    rest.get(..len).unwrap_or(rest)
}

/// A statement with each run of blanks outside quotes as one blank.
pub(super) fn tidy(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut end = 0;
    for (start, word) in words(text) {
        let between = text.get(end..start).unwrap_or_default();
        if between.contains('\n') {
            out.push('\n');
        } else if !between.is_empty() && !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
        end = start + word.len();
    }
    out
}
