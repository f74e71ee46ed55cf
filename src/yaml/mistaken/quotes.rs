//! What is wrong with a user's quotes, and with blanks that are none to YAML.
//!
//! Law: what is to be written is the user who stands there.

use super::lines::{Quote, Word};
use crate::diagnostic::short;
use crate::syntax::marks;

/// What is wrong with a word's quotes, and what to write.
pub(super) fn quote_mistake(word: &Word<'_>, user: &str) -> Option<(String, String)> {
    let write = format!("write `{user}`");
    Some(match word.quote {
        Quote::Plain | Quote::Escaped => return None,
        Quote::None if word.inner.starts_with('@') => (
            format!("`{}` must stand in quotes: `{user}`", word.inner),
            write,
        ),
        Quote::None => return None,
        Quote::Open(mark) if matches!(mark, '"' | '\'') => {
            let entry = format!("{mark}{}{mark}", word.inner);
            (
                "this quote is never closed".into(),
                format!("end it with `{mark}`: write `- {entry}`"),
            )
        }
        Quote::Stray => ("a quote ends here that never began".into(), write),
        Quote::Apostrophe => (
            "the `'` within this name ends its quotes".into(),
            format!("in `\"` quotes a `'` is like any other: {write}"),
        ),
        Quote::Odd('`') | Quote::Open('`') => ("a backtick is no quote in YAML".into(), write),
        Quote::Odd('"' | '\'') => ("a quote stands within this name".into(), write),
        Quote::Odd(c) | Quote::Open(c) => (
            format!(
                "`{}` is not a user ID: it stands in no plain quotes",
                short(&word.inner)
            ),
            format!("{}: {write}", marks::name(c)),
        ),
    })
}

/// What is wrong with a blank that YAML does not take there.
pub(super) fn blank_message(c: char) -> String {
    match c {
        '\t' => "a tab stands where YAML takes only blanks".into(),
        c => look_alike(c),
    }
}

pub(super) fn look_alike(c: char) -> String {
    match c {
        '\u{feff}' => {
            "a byte order mark stands here (U+FEFF), which belongs only at a file's start".into()
        }
        c => marks::name(c),
    }
}
