//! Matrix links: `https://matrix.to/#/@ann:example.org`, `matrix:u/ann:example.org`, and those of web
//! clients, `https://app.element.io/#/room/#ops:example.org`.
//!
//! Law: what is found is only as it was written; whether it is an ID is checked by who asks.

use super::word::is_unquoted_localpart;

/// The user or room ID, or the alias, that a link leads to.
pub fn id_in_link(text: &str) -> Option<String> {
    let text = text.trim_matches(['<', '>']);
    if let Some(rest) = text.strip_prefix("matrix:") {
        let rest = rest.split(['?', '#']).next()?;
        let (kind, name) = rest.split_once('/')?;
        // An event in the room may follow.
        let name = name.split('/').next()?;
        let sigil = match kind {
            "u" | "user" => '@',
            "r" | "room" => '#',
            "roomid" => '!',
            _ => return None,
        };
        return Some(format!("{sigil}{}", decoded(name)?));
    }
    let starts = ["matrix.to/#/", "/#/room/", "/#/user/"];
    let rest = starts.iter().find_map(|start| text.split_once(start));
    let (_, rest) = rest?;
    let rest = rest.split(['?', '/']).next()?;
    let id = decoded(rest)?;
    id.starts_with(['@', '#', '!']).then_some(id)
}

/// An ID as a policy writes it: in quotes where it needs them.
pub fn written(id: &str) -> String {
    let name = id.split(':').next().unwrap_or_default();
    let needs = match name.strip_prefix('@') {
        Some(name) => !name.chars().all(is_unquoted_localpart),
        None => name.contains([' ', '\t', ',', '(', ')', '"', '*', '?', '\\']),
    };
    let escaped = id.replace('\\', "\\\\").replace('"', "\\\"");
    let escaped = escaped.replace('*', "\\*").replace('?', "\\?");
    match needs {
        true => format!("\"{escaped}\""),
        false => id.to_owned(),
    }
}

/// Percent signs and what they stand for.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digits = [char::from(rest.next()?), char::from(rest.next()?)];
        let digit = |c: char| c.to_digit(16).and_then(|n| u8::try_from(n).ok());
        let [high, low] = digits.map(digit);
        bytes.push(high? * 16 + low?);
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::id_in_link;

    #[test]
    fn links_lead_to_ids() {
        for (link, id) in [
            ("https://matrix.to/#/@ann:example.org", "@ann:example.org"),
            ("https://matrix.to/#/%23ops%3Ax.org?via=x.org", "#ops:x.org"),
            ("matrix:u/ann:x.org?action=chat", "@ann:x.org"),
            ("matrix:r/ops:x.org", "#ops:x.org"),
            ("matrix:roomid/a", "!a"),
            ("matrix:roomid/a:x.org/e/event?via=y.org", "!a:x.org"),
            ("https://matrix.to/#/!a:x.org/$event?via=x.org", "!a:x.org"),
            ("https://matrix.to/#/%40we%2Cird%3Ax.org", "@we,ird:x.org"),
            ("https://app.element.io/#/room/#ops:x.org", "#ops:x.org"),
            ("<https://chat.x.org/#/user/@ann:x.org>", "@ann:x.org"),
        ] {
            assert_eq!(id_in_link(link).as_deref(), Some(id));
        }
        for no in [
            "https://example.org/#/@ann",
            "matrix:e/x",
            "matrix.to/#/%4",
            "@ann",
        ] {
            assert_eq!(id_in_link(no), None, "{no}");
        }
    }
}
