//! Matrix links: `https://matrix.to/#/@ann:example.org` and `matrix:u/ann:example.org`.
//!
//! Law: what is found is only as it was written; whether it is an ID is checked by who asks.

/// The user or room ID, or the alias, that a link leads to.
pub fn id_in_link(text: &str) -> Option<String> {
    if let Some(rest) = text.strip_prefix("matrix:") {
        let rest = rest.split('?').next()?;
        let (kind, name) = rest.split_once('/')?;
        let sigil = match kind {
            "u" | "user" => '@',
            "r" | "room" => '#',
            "roomid" => '!',
            _ => return None,
        };
        return Some(format!("{sigil}{}", decoded(name)?));
    }
    let (_, rest) = text.split_once("matrix.to/#/")?;
    let rest = rest.split(['?', '/']).next()?;
    let id = decoded(rest)?;
    id.starts_with(['@', '#', '!']).then_some(id)
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
