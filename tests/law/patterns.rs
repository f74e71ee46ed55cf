//! Wildcards and regexes made of a user's name, near misses among them.

use super::model::{Expression, Pattern, Piece, UserPattern, has_glob, literal};

pub fn localpart_glob(localpart: &str, shape: u8, at: u8) -> Pattern {
    let mut pattern = literal(localpart);
    let length = pattern.len();
    let at = usize::from(at) % (length + 1);
    match shape % 9 {
        0 => return vec![Piece::Run],
        1 => {
            pattern.truncate(at);
            pattern.push(Piece::Run);
        }
        2 => {
            pattern.drain(..at);
            pattern.insert(0, Piece::Run);
        }
        3 if length > 0 => pattern[at % length] = Piece::One,
        4 => pattern.insert(at, Piece::Run),
        5 if length > 1 => {
            pattern.drain(1..length - 1);
            pattern.insert(1, Piece::Run);
        }
        6 => return vec![Piece::One; length.max(1)],
        7 => {
            pattern.insert(at, Piece::One);
            pattern.push(Piece::Run);
            pattern.insert(0, Piece::Run);
        }
        // left as it is: the server then has the wildcard, or this is one user written out
        _ => {}
    }
    pattern
}

pub fn server_glob(server: &str, shape: u8, at: u8) -> Pattern {
    let mut pattern = literal(server);
    // places where a wildcard leaves what looks like a server
    let places: Vec<usize> = server
        .char_indices()
        .filter(|(_, c)| c.is_ascii_alphanumeric())
        .map(|(place, _)| place)
        .collect();
    let at = places[usize::from(at) % places.len()];
    match shape % 12 {
        0 => return vec![Piece::Run],
        1 => {
            let dot = server.find('.').unwrap_or(0);
            pattern.drain(..dot);
            pattern.insert(0, Piece::Run);
        }
        2 => pattern[at] = Piece::One,
        3 => pattern.insert(at, Piece::Run),
        4 => {
            pattern.truncate(at);
            pattern.push(Piece::Run);
        }
        5 => pattern.push(Piece::Run),
        // what a wildcard that crosses the first colon would be needed for
        6 => return literal(&server[server.rfind(':').map_or(0, |colon| colon + 1)..]),
        _ => {}
    }
    pattern
}

pub fn expression(template: u8, a: (&str, &str), b: (&str, &str)) -> Expression {
    let esc = regex::escape;
    let (la, sa, lb, sb) = (esc(a.0), esc(a.1), esc(b.0), esc(b.1));
    let first = || {
        a.0.chars()
            .next()
            .map_or("a".to_owned(), |c| esc(&c.to_string()))
    };
    let (kind, text) = match template % 24 {
        0 => ("regex: everything", ".*".to_owned()),
        1 => ("regex: one localpart", format!("@{la}:.*")),
        2 => (
            "regex: alternation without anchors",
            format!("@{la}|@{lb}:.*"),
        ),
        3 => (
            "regex: alternation without anchors",
            format!("@{la}:{sa}|{lb}"),
        ),
        4 => ("regex: partial match", la.clone()),
        5 => ("regex: partial match", format!("@{la}")),
        6 => ("regex: partial match", format!(".*:{}", first())),
        7 => ("regex: alternation", format!("@({la}|{lb}):.*")),
        8 => ("regex: alternation", format!("(?:@{la}:{sa}|@{lb}:{sb})")),
        9 => (
            "regex: case-insensitive",
            format!("(?i)@{}:.*", esc(&a.0.to_uppercase())),
        ),
        10 => (
            "regex: case-insensitive",
            format!("@(?i:{}):{sa}", esc(&a.0.to_lowercase())),
        ),
        11 => ("regex: class", "@[a-m][^:]*:.*".to_owned()),
        12 => ("regex: class", format!("@[^:]+:{sb}")),
        13 => (
            "regex: class with \\/",
            r"@[\w/\\]*[-\\/+.]\w*[/\\]?:.*".to_owned(),
        ),
        14 => ("regex: escaped slash", format!("@{la}/?.*|@n/x.*")),
        15 => ("regex: anchors", format!("^@{la}:.*$")),
        16 => ("regex: anchors", format!(r"(?m)\A@.*:{sb}$")),
        17 => (
            "regex: verbose with a comment",
            format!("(?x) @ .* : {sa}  # why"),
        ),
        18 => ("regex: perl class", r"@\w+-\d:.*".to_owned()),
        19 => ("regex: lazy", format!("@{}.*?", first())),
        20 => ("regex: empty alternative", format!("|@{la}:{sa}")),
        21 => ("regex: ends in a backslash", format!(r"@{la}:{sa}|@n\\")),
        22 => (
            "regex: odd characters",
            format!("@[^\"#(), ]*:{sa}|@.* # .*|@[(#\"].*"),
        ),
        _ => ("regex: dot and line break", format!("(?s)@.*:{sa}")),
    };
    let verbose_end = if text.starts_with("(?x)") { "\n" } else { "" };
    let whole = format!(r"\A(?:{text}{verbose_end})\z");
    Expression { text, whole, kind }
}

/// Whether this pattern says more than one user.
pub fn is_glob(user: &UserPattern) -> bool {
    has_glob(&user.local) || has_glob(&user.server)
}
