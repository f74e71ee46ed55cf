//! Regexes of other dialects: what to write for what this one has not.
//!
//! Not for: whether a regex is right (`policy`).
//!
//! Law: a regex that is offered compiles and matches what the one that was written matches in its own
//! dialect. Where there is none, the help says what the language has instead.

use crate::policy::Pattern;

/// What to write instead of a regex that does not compile; `reason` is what the compiler says.
pub(super) fn regex_help(text: &str, reason: &str) -> String {
    let around = ["(?=", "(?!", "(?<=", "(?<!"];
    if around.iter().any(|mark| text.contains(mark)) {
        return "there is no look-ahead and no look-behind: who is not meant stands behind `except`, \
                `users matching /REGEX/ except users matching /REGEX/`"
            .into();
    }
    if reason.contains("backreference") || text.contains("(?P=") || text.contains("\\k") {
        return "there are no back-references: write each text that is meant, with `|` between them"
            .into();
    }
    if text.contains("(?>") {
        return "there are no atomic groups: `(?:` begins a group without a number".into();
    }
    let same = same(text);
    if same != text && Pattern::new(&same).is_ok() {
        return format!("here that is written `/{}/`", same.replace('/', "\\/"));
    }
    let any = match text.chars().next() {
        Some('*') => Some((".*", "any text")),
        Some('?') => Some((".", "any character")),
        _ => None,
    };
    if let Some((any, what)) = any {
        let dotted = format!("{any}{}", text.get(1..).unwrap_or_default());
        if Pattern::new(&dotted).is_ok() {
            return format!(
                "for {what} write `{any}`: `/{}/`",
                dotted.replace('/', "\\/")
            );
        }
    }
    if text.contains("\\h") || text.contains("\\R") || text.contains("\\H") {
        return "`\\h` and `\\R` mean nothing here, and no user ID holds blanks or line ends"
            .into();
    }
    "the syntax is that of Rust's `regex` crate; `\\` makes a mark plain: `\\(`".into()
}

/// The same regex without what other dialects write differently. A regex matches a whole ID, so that its
/// end is that of the text, with or without a last line end.
fn same(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let taken = match c {
            '\\' if rest.starts_with("\\Z") => {
                out.push_str("\\z");
                2
            }
            '\\' if rest.starts_with("\\Q") => {
                let inner = rest.get(2..).unwrap_or_default();
                let end = inner.find("\\E").unwrap_or(inner.len());
                for c in inner.get(..end).unwrap_or_default().chars() {
                    if c.is_ascii_punctuation() {
                        out.push('\\');
                    }
                    out.push(c);
                }
                (2 + end + 2).min(rest.len())
            }
            '\\' => {
                let len = 1 + rest.chars().nth(1).map_or(0, char::len_utf8);
                out.push_str(rest.get(..len).unwrap_or_default());
                len
            }
            '{' if rest.starts_with("{,") => {
                out.push_str("{0,");
                2
            }
            '(' if rest.starts_with("(?#") => rest.find(')').map_or(rest.len(), |end| end + 1),
            c => {
                out.push(c);
                c.len_utf8()
            }
        };
        rest = rest.get(taken..).unwrap_or_default();
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_offered_compiles() {
        for (text, offered) in [
            ("@a{,3}:x", "/@a{0,3}:x/"),
            ("@a:x\\Z", "/@a:x\\z/"),
            ("@\\Qa.b\\E:x", "/@a\\.b:x/"),
            ("@a(?#who):x", "/@a:x/"),
            ("*a/b:x", "/.*a\\/b:x/"),
            ("?a:x", "/.a:x/"),
        ] {
            let help = regex_help(text, "");
            assert!(help.contains(&format!("`{offered}`")), "{text}: {help}");
        }
    }

    #[test]
    fn what_is_not_there_is_not_written_another_way() {
        for text in ["@(?!a).*", "(a)\\1", "(?>a)", "a\\hb", "(a", "@\\Z("] {
            let help = regex_help(text, "backreferences are not supported");
            assert!(!help.contains("write `/"), "{text}: {help}");
        }
    }
}
