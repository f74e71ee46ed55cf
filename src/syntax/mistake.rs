//! What to say of a statement that the grammar does not take.
//!
//! pest tells where it got stuck and what it would have taken there. This file looks at the word
//! that stands there and says what was likely meant.
//!
//! Law: one statement, one problem, at the word that is wrong; what is unclosed is shown where it
//! opens.

use pest::error::{Error, ErrorVariant, InputLocation};

use super::KEYWORDS;
use super::grammar::{Rule, name_of};
use super::layout::Logical;
use crate::diagnostic::{Diagnostic, Name, nearest};
use crate::source::{SourceId, Span};

/// The problem of a statement, and the byte of the file where the grammar got stuck.
pub(super) fn explain(
    source: SourceId,
    line: &Logical<'_>,
    error: &Error<Rule>,
) -> (Diagnostic, usize) {
    let text = line.text.trim_end();
    let stuck = stuck_at(error).min(text.len());
    let before = text.get(..stuck).unwrap_or_default();
    let rest = text.get(stuck..).unwrap_or_default();
    // At the end, the place is right behind the last word.
    let at = if rest.is_empty() {
        before.trim_end().len()
    } else {
        stuck
    };
    let found = word_at(rest);
    let span =
        |from: usize, len: usize| Span::new(source, line.start + from, line.start + from + len);
    let here = span(at, found.len());
    let syntax =
        |span, message: String, help: String| Diagnostic::new(Name::Syntax, span, message, help);
    let stuck_in_file = line.start + at;

    let unclosed = line.unclosed.filter(|open| *open <= stuck_in_file);
    let mistake = if let Some(mistake) = unclosed_mark(found, rest) {
        syntax(span(at, 1), mistake.0, mistake.1)
    } else if let Some(open) = unclosed {
        let open = Span::new(source, open, open + 1);
        let help = "close it with `)`, or take the `(` away";
        syntax(open, "this `(` is never closed".into(), help.into())
    } else {
        let expected = expected(error);
        keyword_as_name(here, found, &expected).unwrap_or_else(|| {
            let (message, help) = describe(found, before, &expected);
            syntax(here, message, help)
        })
    };
    (mistake, stuck_in_file)
}

/// The byte of the statement where the grammar got stuck.
pub(super) fn stuck_at(error: &Error<Rule>) -> usize {
    match error.location {
        InputLocation::Pos(at) | InputLocation::Span((at, _)) => at,
    }
}

/// A keyword where a server or a room must stand is a wrong name, not a wrong order of words.
fn keyword_as_name(here: Span, found: &str, expected: &[&str]) -> Option<Diagnostic> {
    let (name, what, help) = if expected.contains(&"a server") {
        (
            Name::InvalidServer,
            "server",
            "write the server before it: `users on example.org`",
        )
    } else if expected.contains(&"a room") {
        (
            Name::InvalidRoom,
            "room",
            "write the room before it: `members of #ops`",
        )
    } else {
        return None;
    };
    let message = format!("`{found}` is a keyword, not a {what}");
    KEYWORDS
        .contains(&found)
        .then(|| Diagnostic::new(name, here, message, help))
}

/// A quote or a regex that runs to the line's end.
fn unclosed_mark(found: &str, rest: &str) -> Option<(String, String)> {
    let (mark, what) = match found.chars().next()? {
        '"' => ('"', "quote"),
        '/' => ('/', "regex"),
        _ => return None,
    };
    let mut chars = rest.chars().skip(1);
    while let Some(c) = chars.next() {
        match c {
            '\\' => _ = chars.next(),
            c if c == mark => return None,
            _ => {}
        }
    }
    Some((
        format!("this {what} is never closed"),
        format!("end it with `{mark}` on the same line"),
    ))
}

/// What the grammar would have taken, in its order, each once.
fn expected(error: &Error<Rule>) -> Vec<&'static str> {
    let ErrorVariant::ParsingError { positives, .. } = &error.variant else {
        return Vec::new();
    };
    let mut names: Vec<&'static str> = Vec::new();
    for name in positives.iter().map(|rule| name_of(*rule)) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    // What goes on with the statement before what only makes the selector longer.
    let later = [
        "`,`",
        "`and`",
        "`except`",
        "`who are`",
        "`users`",
        "the end of the statement",
    ];
    names.sort_by_key(|name| later.contains(name));
    names
}

fn describe(found: &str, before: &str, expected: &[&str]) -> (String, String) {
    let list = join(expected);
    let message = match found {
        "" => format!("expected {list}, found the end of the statement"),
        _ if before.trim().is_empty() => format!("expected a statement, found `{found}`"),
        _ => format!("expected {list}, found `{found}`"),
    };
    (message, advice(found, before, expected, &list))
}

fn advice(found: &str, before: &str, expected: &[&str], list: &str) -> String {
    let takes = |what: &str| expected.contains(&what);
    let keywords = expected.iter().filter_map(|name| name.strip_prefix('`'));
    let keywords = keywords.flat_map(|name| name.trim_end_matches('`').split(' '));
    let starts = before.trim().is_empty();
    let last = before.split_whitespace().next_back().unwrap_or_default();
    if let Some(note) = found.strip_prefix('#').filter(|_| !takes("a room")) {
        if takes("users") && last != "," {
            return format!("write `members of {found}` for a room, `# {note}` for a comment");
        }
        return format!("a comment needs a blank behind its `#`: write `# {note}`");
    }
    let lower = found.to_lowercase();
    if lower != found && KEYWORDS.contains(&lower.as_str()) {
        return format!("keywords are lower case: write `{lower}`");
    }
    if takes("a group's name") && KEYWORDS.contains(&found) {
        return format!("`{found}` is a keyword, so no group can have it as its name");
    }
    if found == "," && starts {
        return "a line goes on after a `,` at its end: put the `,` there".into();
    }
    if (found == "on" || found == "matching") && before.trim_end().ends_with("all users") {
        return format!("write `users {found} ...` without `all`");
    }
    if last.ends_with(';') {
        return "a statement ends with its line: begin a new line instead of the `;`".into();
    }
    if starts {
        let statements = [
            "server", "group", "send", "block", "all", "everyone", "users", "local", "remote",
            "room", "members",
        ];
        let meant = match found {
            "allow" | "permit" | "grant" | "route" => Some("send"),
            "deny" | "forbid" | "reject" | "hide" => Some("block"),
            _ => nearest(found, statements),
        };
        if let Some(near) = meant {
            return format!("did you mean `{near}`?");
        }
        return "a statement begins with `server`, `group`, `send` or `block`, \
                or with the users who see others: `@ann sees @bob`"
            .into();
    }
    if let Some(near) = nearest(found, keywords.filter(|word| KEYWORDS.contains(word))) {
        return format!("did you mean `{near}`?");
    }
    if takes("users") {
        return advice_on_users(found);
    }
    if found == "/" || found.starts_with('/') && takes("a regex between slashes") {
        return "flags are written inside the regex: `/(?i)@bot-.*/`".into();
    }
    match (found, last) {
        (")", _) => "take the `)` away, or open it with `(` before".into(),
        (_, "matching") => "write the regex between slashes: `users matching /@bot-.*:.*/`".into(),
        (_, "from") if takes("a path in quotes") => {
            "write the file's path in quotes: `from \"oncall.yaml\"`".into()
        }
        (_, "group") => "give the group a name: `group staff = @ann, @bob`".into(),
        ("", _) if takes("`to`") => "say who receives it: `to @gobbler`".into(),
        ("", _) if takes("`see`") => "say whose presence they receive: `see @ann`".into(),
        ("", _) => format!("write {list} after `{last}`"),
        _ if takes("`see`") => "a rule is written `send SENDERS to RECIPIENTS` or \
                                `RECIPIENTS see SENDERS`, and names are joined by `,`"
            .into(),
        _ if takes("the end of the statement") => {
            "begin a new line for a new statement; names are joined by `,`".into()
        }
        _ => format!("write {list} here"),
    }
}

/// Something stands where users must stand, and is no way to write them.
fn advice_on_users(found: &str) -> String {
    let users = "users are written `@ann`, `all`, `group staff`, `members of #room`, \
                 `users on example.org`, `local users` or `(...)`";
    let statements = [
        "all", "everyone", "users", "local", "remote", "room", "members", "group",
    ];
    match found.chars().next() {
        Some('!') => format!("write `members of {found}`"),
        Some(c) if c.is_ascii_alphabetic() => {
            if KEYWORDS.contains(&found) {
                users.into()
            } else if let Some(near) = nearest(found, statements) {
                format!("did you mean `{near}`?")
            } else if found.contains('.') {
                format!("write `users on {found}` for a server, `@name:{found}` for one user")
            } else {
                format!("write `@{found}` for a user, `group {found}` for a group")
            }
        }
        _ => users.into(),
    }
}

fn join(names: &[&str]) -> String {
    match names {
        [] => "something else".into(),
        [one] => (*one).into(),
        [most @ .., last] => format!("{} or {last}", most.join(", ")),
    }
}

/// The word, quoted word or mark that `rest` begins with.
fn word_at(rest: &str) -> &str {
    let delimiter = |c: char| " \t,()\"".contains(c);
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
