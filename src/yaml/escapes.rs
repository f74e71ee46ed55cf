//! What escapes in double quotes leave in an ID: `"@corp\\bob:x"` holds no `\\` but a backspace.
//!
//! Law: a text with such a character names nobody, and is never taken for a user.

/// How to write what was most likely meant.
pub const CONTROL_HELP: &str = "in double quotes a `\\` and what follows is an escape, as in `\\b`: \
    write the ID in single quotes, or `\\\\` for a `\\`";

/// The first character that no ID holds, and that only an escape or an accident brings into one.
pub fn control(text: &str) -> Option<char> {
    // YAML has escapes for these line ends and for this blank, too: `\\N`, `\\L`, `\\P`, `\\_`.
    let odd = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{a0}');
    text.chars().find(|c| odd(*c))
}

/// Says so behind the text.
pub fn holds(control: char) -> String {
    let kind = match control {
        '\u{a0}' => "no-break space",
        '\u{2028}' | '\u{2029}' => "line end",
        _ => "control character",
    };
    format!("holds a {kind} (U+{:04X})", u32::from(control))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::{Entry, directory, group_file};

    #[test]
    fn every_escape_that_is_no_plain_character_is_found() {
        for escape in [
            "b", "t", "n", "r", "a", "e", "v", "f", "0", "N", "L", "P", "_", "x07", "u0085", "t\t",
        ] {
            let text = format!("- \"@corp\\{escape}ob:x\"\n");
            let entries = group_file(&text).unwrap();
            let [Entry::Text(user)] = &entries[..] else {
                panic!("{entries:?}");
            };
            assert!(control(user).is_some(), "{text}");
            let fault = directory(&format!("users:\n{text}")).unwrap_err();
            assert!(fault.message.contains("holds a "), "{fault:?}");
            assert!(fault.message.contains("single quotes"), "{fault:?}");
            assert_eq!((fault.position.line, fault.position.column), (2, 3));
        }
        for text in ["@ann:x", "@corp\\bob:x", "@\u{fc}n\u{ef}:x"] {
            assert_eq!(control(text), None);
        }
    }
}
