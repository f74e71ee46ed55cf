//! What to say where no statement could be found that was likely meant.
//!
//! Law: what to write, not what was expected.

use super::comments;
use super::meant::STATEMENTS;
use super::sentences::first_keyword;
use super::words::tidy;
use super::{LONGEST_SHOWN, is_statement};
use crate::diagnostic::nearest;
use crate::syntax::KEYWORDS;

/// Keywords that later versions may use.
const RESERVED: [&str; 6] = ["baseline", "during", "hide", "mates", "space", "when"];

pub(super) fn advice(found: &str, before: &str, expected: &[&str], list: &str) -> String {
    let takes = |what: &str| expected.contains(&what);
    let keywords = expected.iter().filter_map(|name| name.strip_prefix('`'));
    let keywords = keywords.flat_map(|name| name.trim_end_matches('`').split(' '));
    let starts = before.trim().is_empty();
    let last = before.split_whitespace().next_back().unwrap_or_default();
    if let Some((marks, note)) = comments::marks(found).filter(|_| !takes("a room")) {
        if (takes("users") && last != ",") || matches!(last, "room" | "members" | "users") {
            return format!(
                "write `members of {found}` for a room, `{marks} {note}` for a comment"
            );
        }
        if last.starts_with(['#', '!']) {
            return format!(
                "write `({last}, {found})` for two rooms, `{marks} {note}` for a comment: it needs a \
                 blank behind its `#`"
            );
        }
        return format!("a comment needs a blank behind its `#`: write `{marks} {note}`");
    }
    if let Some((word, note)) = found
        .split_once('#')
        .filter(|_| found.starts_with(char::is_alphabetic))
    {
        return format!("for a comment, blanks stand around its `#`: write `{word} # {note}`");
    }
    if found.starts_with("//") || found.starts_with("/*") || found == "--" {
        let mark: String = found.chars().take(2).collect();
        return format!("a comment begins with `#` and a blank: write `# ` instead of `{mark}`");
    }
    let lower = found.to_lowercase();
    if lower != found && KEYWORDS.contains(&lower.as_str()) {
        return format!("keywords are lower case: write `{lower}`");
    }
    if takes("a group's name") && KEYWORDS.contains(&found) {
        let other = format!("{found}-users");
        return format!(
            "`{found}` is a keyword, so no group can have it as its name: write another one, such \
             as `{other}`"
        );
    }
    let first = before.split_whitespace().next().unwrap_or_default();
    if first == "server" && takes("the end of the statement") {
        return format!("a policy has one default server: write `{}`", tidy(before));
    }
    if found == "," && before.contains("from \"") {
        return "a group comes from one file: give each file a group, and join them: \
                `group both = group one, group two`"
            .into();
    }
    if found == "," && starts {
        return "a line goes on after a `,` at its end: put the `,` there".into();
    }
    if (found == "on" || found == "matching") && before.trim_end().ends_with("all users") {
        return format!("write `users {found} ...` without `all`");
    }
    if last.ends_with(';') || found == ";" {
        return "a statement ends with its line: begin a new line instead of the `;`".into();
    }
    if RESERVED.contains(&found) && !starts {
        return format!(
            "`{found}` is kept for later versions and means nothing yet: take it and what belongs \
             to it away"
        );
    }
    if starts {
        return advice_on_start(found);
    }
    if let Some(near) = nearest(found, keywords.filter(|word| KEYWORDS.contains(word))) {
        return format!("did you mean `{near}`?");
    }
    if takes("users") {
        let short = if tidy(before).len() <= LONGEST_SHOWN {
            before
        } else {
            ""
        };
        return nothing_behind(found, last, &tidy(short)).unwrap_or_else(|| advice_on_users(found));
    }
    if found.is_empty() && takes("a server") {
        return match first {
            "server" => "write the server behind it: `server example.org`".into(),
            _ => "write the server behind it: `users on example.org`".into(),
        };
    }
    if found.is_empty() && takes("a room") {
        return "write the room behind it: `members of #ops`; a `#` with a blank behind it begins a \
                comment"
            .into();
    }
    if found == "/" || found.starts_with('/') && takes("a regex between slashes") {
        return "flags are written inside the regex: `/(?i)@bot-.*/`".into();
    }
    let statement = tidy(before);
    let short = statement.len() <= LONGEST_SHOWN && !statement.contains('\n');
    match (found, last) {
        (")", _) => "take the `)` away, or open it with `(` before".into(),
        (_, "matching") => "write the regex between slashes: `users matching /@bot-.*:.*/`".into(),
        (_, "from") if takes("a path in quotes") => {
            "write the file's path in quotes: `from \"oncall.yaml\"`".into()
        }
        (_, "group") => "give the group a name: `group staff = @ann, @bob`".into(),
        ("", _) if takes("`to`") => match statement.split_once(", ") {
            Some((a, b)) if short && !b.contains(", ") && is_statement(&format!("{a} to {b}")) => {
                format!("write `{a} to {b}`, or say who receives them: `{statement} to @gobbler`")
            }
            _ if short => format!("say who receives it: `{statement} to @gobbler`"),
            _ => "say who receives it: `to @gobbler`".into(),
        },
        ("", _) if takes("`=`") && short => {
            format!("say who is in it: `{statement} = @ann, @bob`")
        }
        ("", _) if takes("`see`") && short => format!(
            "say whose presence they receive: `{statement} see @gobbler`, or \
             `{statement} see each other`"
        ),
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

const BEGINS: &str = "a statement begins with `server`, `group`, `send` or `block`, \
                      or with the users who see others: `@ann sees @bob`";

/// What a statement begins with in other languages and never in this one.
pub(super) fn foreign_start(found: &str) -> Option<String> {
    let statements = BEGINS;
    Some(match found {
        "-" => "lists are for group files: here a group is written `group staff = @ann, @bob`, or \
                `group staff from \"staff.yaml\"` with the list in that file"
            .into(),
        "{" | "[" | "}" | "]" | "{}" | "[]" | "---" => {
            format!("this looks like YAML or JSON, which only group files are; {statements}")
        }
        "include" | "import" | "source" => {
            "take this line away: of a folder every `*.policy` file \
                                            is part of the policy"
                .into()
        }
        "unblock" => {
            "nothing undoes a block: take the `block` away, or write on it whom it does not \
                      concern: `block users on evil.org except @friend:evil.org`"
                .into()
        }
        "default" => "take this line away: nobody receives anything unless a rule says so".into(),
        "if" | "when" | "unless" => format!("there are no conditions; {statements}"),
        _ if found.starts_with("//") || found == "--" => {
            "a comment begins with `#` and a blank".into()
        }
        _ => return None,
    })
}

/// Something stands where a statement must begin, and begins none.
fn advice_on_start(found: &str) -> String {
    if let Some(foreign) = foreign_start(found) {
        return foreign;
    }
    if found.ends_with(':') {
        return format!("this looks like YAML, which only group files are; {BEGINS}");
    }
    if first_keyword(found) == Some("send") {
        return "a rule is written `send SENDERS to RECIPIENTS`: say whose presence, and who receives \
                it"
            .into();
    }
    if let Some(near) = first_keyword(found).or_else(|| nearest(found, STATEMENTS)) {
        return format!("did you mean `{near}`?");
    }
    BEGINS.into()
}

/// A statement ends, or goes on, where users must stand.
fn nothing_behind(found: &str, last: &str, before: &str) -> Option<String> {
    Some(match (found, last) {
        ("", "send") => "say whose presence, and who receives it: `send @ann to @gobbler`".into(),
        ("to", "send") => "say whose presence: `send @ann to @gobbler`".into(),
        ("" | "from", "block") => "say whose presence: `block @ann`".into(),
        ("", "to") if !before.is_empty() => format!("say who receives it: `{before} @gobbler`"),
        ("", "from") if !before.is_empty() => {
            format!("say who does not receive it: `{before} @gobbler`")
        }
        ("", "see" | "sees") if !before.is_empty() => {
            format!("say whose presence they receive: `{before} @gobbler`")
        }
        ("", "=") if !before.is_empty() => format!("say who is in it: `{before} @ann, @bob`"),
        _ => return None,
    })
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
        Some('n') if ["nobody", "none", "no", "noone", "no-one"].contains(&found) => {
            "take this rule away: nobody receives anything unless a rule says so, and \
             `block @ann` alone holds back from everyone"
                .into()
        }
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
