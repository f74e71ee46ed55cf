//! What to say where no statement could be found that was likely meant.
//!
//! Law: what to write, not what was expected. What nobody wrote has a name in capitals, as in the
//! description of the language: an example with a name in it, written as it stands, would be a rule
//! about somebody.

use super::comments;
use super::meant::{STATEMENTS, is_name};
use super::sentences::first_keyword;
use super::words::tidy;
use super::{LONGEST_SHOWN, is_statement};
use crate::diagnostic::nearest;
use crate::syntax::KEYWORDS;

/// Keywords that later versions may use.
const RESERVED: [&str; 6] = ["baseline", "during", "hide", "mates", "space", "when"];

pub(super) fn advice(
    found: &str,
    before: &str,
    rest: &str,
    expected: &[&str],
    list: &str,
) -> String {
    let takes = |what: &str| expected.contains(&what);
    let keywords = expected.iter().filter_map(|name| name.strip_prefix('`'));
    let keywords = keywords.flat_map(|name| name.trim_end_matches('`').split(' '));
    let starts = before.trim().is_empty();
    let last = before.split_whitespace().next_back().unwrap_or_default();
    if found.starts_with('#')
        && ["not", "!", "except", "without", "no"].contains(&last)
        && let Some(help) = advice_on_meaning("not", rest, expected)
    {
        return help.into();
    }
    if let Some((marks, note)) = comments::marks(found).filter(|_| !takes("a room")) {
        if (takes("users") && last != ",") || matches!(last, "room" | "members" | "users") {
            return format!(
                "for those in a room stands `members of {found}`, for a comment `{marks} {note}`"
            );
        }
        if last.starts_with(['#', '!']) {
            return format!(
                "write `({last}, {found})` for two rooms, `{marks} {note}` for a comment: it needs a \
                 blank behind its `#`"
            );
        }
        return match ends_whole(before) {
            true => format!("a comment needs a blank behind its `#`: write `{marks} {note}`"),
            false => "rooms are joined by `,`, and a comment needs a blank behind its `#`".into(),
        };
    }
    if let Some((word, note)) = found
        .split_once('#')
        .filter(|_| found.starts_with(char::is_alphabetic))
    {
        return format!("for a comment, blanks stand around its `#`: write `{word} # {note}`");
    }
    if found == "\\" {
        return "a `\\` says nothing here: a list goes on behind `,`, and who is left out stands behind \
                `except`"
            .into();
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
        return "a policy has one default server: keep one of them, and write names on the other one \
                whole, with their server"
            .into();
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
            "`{found}` is kept for later versions and means nothing yet: without it the rule holds \
             always, so take all of the rule away if it may not"
        );
    }
    if starts {
        return advice_on_start(found, rest);
    }
    if let Some(help) = advice_on_meaning(found, rest, expected) {
        return help.into();
    }
    if let Some(near) = nearest(found, keywords.filter(|word| KEYWORDS.contains(word))) {
        return format!("did you mean `{near}`?");
    }
    if takes("`on`") && last == "users" {
        return match is_name(found) && !KEYWORDS.contains(&found) {
            true => "before the name of a group stands `group`, and nothing before a user",
            false => {
                "say which users: `users on SERVER`, `users matching /REGEX/`, `local users`, `remote \
                 users`, or `all` of them"
            }
        }
        .into();
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
            "server" => "name the server behind it: `server SERVER`".into(),
            _ => "name the server behind it: `users on SERVER`".into(),
        };
    }
    if found.is_empty() && takes("a room") {
        return "name the room behind it: `members of ROOM`; a `#` with a blank behind it begins a \
                comment"
            .into();
    }
    if found == "/" || found.starts_with('/') && takes("a regex between slashes") {
        return "flags are written inside the regex: `/(?i)REGEX/`".into();
    }
    let statement = tidy(before);
    let short = statement.len() <= LONGEST_SHOWN && !statement.contains('\n');
    match (found, last) {
        (")", _) => "take the `)` away, or open it with `(` before".into(),
        (_, "matching") => "a regex stands between slashes: `users matching /REGEX/`".into(),
        (_, "from") if takes("a path in quotes") => {
            "a file's path stands in quotes: `from \"FILE\"`".into()
        }
        (_, "group") => "give the group a name: `group NAME`".into(),
        ("", _) if takes("`to`") && short => {
            format!("say who receives it: `{statement} to RECIPIENTS`")
        }
        ("", _) if takes("`to`") => "say who receives it: `to RECIPIENTS`".into(),
        ("", _) if takes("`=`") && short => {
            format!("say who is in it: `{statement} = USERS`")
        }
        ("", _) if takes("`see`") && short => format!(
            "say whose presence they receive: `{statement} see SENDERS`, or \
             `{statement} see each other`"
        ),
        ("", _) if takes("`see`") => "say whose presence they receive: `see SENDERS`".into(),
        ("", _) => format!("write {list} after `{last}`"),
        _ if takes("`see`") => "a rule is written `send SENDERS to RECIPIENTS` or \
                                `RECIPIENTS see SENDERS`, and names are joined by `,`"
            .into(),
        _ if takes("the end of the statement") => {
            "begin a new line for a new statement; names are joined by `,`".into()
        }
        _ if takes("`to`") => {
            "a rule is written `send SENDERS to RECIPIENTS`, names are joined by `,`, and \
                               who is left out stands behind `except`"
                .into()
        }
        _ => format!("what may stand here: {list}"),
    }
}

/// Whether a statement can end here: the grammar takes any word for a room and leaves it to who looks at
/// rooms.
pub(super) fn ends_whole(before: &str) -> bool {
    let mut words = before.split_whitespace().rev();
    let (last, of) = (words.next().unwrap_or_default(), words.next());
    let room = of == Some("of") && !last.starts_with(['#', '!', '"']);
    is_statement(before) && !room
}

const BEGINS: &str = "a statement begins with `server`, `group`, `send` or `block`, \
                      or with the users who see others: `RECIPIENTS see SENDERS`";

/// What a statement begins with in other languages and never in this one.
pub(super) fn foreign_start(found: &str) -> Option<String> {
    let statements = BEGINS;
    Some(match found {
        "-" => "lists are for group files: here a group is written `group NAME = USERS`, or \
                `group NAME from \"FILE\"` with the list in that file"
            .into(),
        "{" | "[" | "}" | "]" | "{}" | "[]" | "---" => {
            format!("this looks like YAML or JSON, which only group files are; {statements}")
        }
        "include" | "import" | "source" => {
            "take this line away: of a folder every `*.policy` file \
                                            is part of the policy"
                .into()
        }
        "unblock" | "unmute" | "unban" | "unhide" | "unignore" | "undeny" => {
            "nothing undoes a block: take the `block` away, or write on it whom it does not \
                      concern: `block SENDERS except USERS`"
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
fn advice_on_start(found: &str, rest: &str) -> String {
    if let Some(foreign) = foreign_start(found) {
        return foreign;
    }
    // `stop blocking @ann`, `do not hide @ann`
    let others = rest
        .split([' ', '\t'])
        .skip(1)
        .take(3)
        .map(str::to_lowercase);
    let stems = [
        "block", "hid", "mut", "ban", "deny", "ignor", "silenc", "reject", "forbid",
    ];
    let denies = |word: String| stems.iter().any(|stem| word.starts_with(stem));
    let undoes =
        first_keyword(found) == Some("block") || NOT.contains(&found.to_lowercase().as_str());
    if let Some(foreign) =
        foreign_start("unblock").filter(|_| undoes && others.into_iter().any(denies))
    {
        return foreign;
    }
    if NOBODY.contains(&found.to_lowercase().as_str()) {
        return "presence is held back by `block SENDERS`, or by `block SENDERS from RECIPIENTS`"
            .into();
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
        ("", "send") => {
            "say whose presence, and who receives it: `send SENDERS to RECIPIENTS`".into()
        }
        ("to", "send") => "say whose presence: `send SENDERS to RECIPIENTS`".into(),
        ("", "block") => "say whose presence: `block SENDERS`".into(),
        ("from", "block") => "say whose presence: `block SENDERS from RECIPIENTS`".into(),
        ("", "to") if !before.is_empty() => format!("say who receives it: `{before} RECIPIENTS`"),
        ("", "from") if !before.is_empty() => {
            format!("say who does not receive it: `{before} RECIPIENTS`")
        }
        ("", "see" | "sees") if !before.is_empty() => {
            format!("say whose presence they receive: `{before} SENDERS`")
        }
        ("", "=") if !before.is_empty() => format!("say who is in it: `{before} USERS`"),
        _ => return None,
    })
}

/// Something stands where users must stand, and is no way to write them.
fn advice_on_users(found: &str) -> String {
    let users = "users are written `@NAME`, `group NAME`, `members of ROOM`, `users on SERVER`, \
                 `local users`, `all` or `(...)`";
    let statements = [
        "all", "everyone", "users", "local", "remote", "room", "members", "group",
    ];
    let word = found.starts_with(|c: char| c.is_ascii_alphabetic());
    match nearest(found, statements) {
        Some(near) if word && !KEYWORDS.contains(&found) => format!("did you mean `{near}`?"),
        _ => users.into(),
    }
}

/// Words that deny or narrow what the words around them say, in ways that this language has not or has
/// elsewhere.
fn advice_on_meaning(found: &str, rest: &str, expected: &[&str]) -> Option<&'static str> {
    let takes = |what: &str| expected.contains(&what);
    let lower = found.to_lowercase();
    let denied = ["!", "-", "~", "^", "\u{ac}"].iter().any(|mark| {
        let rest = lower.strip_prefix(mark);
        rest.is_some_and(|rest| {
            rest.is_empty() || rest.starts_with(['@', '#', '(']) || KEYWORDS.contains(&rest)
        })
    });
    let next = rest.get(found.len()..).unwrap_or_default().trim_start();
    if takes("users") && NOBODY.contains(&lower.as_str()) {
        return Some(
            "no users are nobody: nobody receives anything unless a rule says so, and what a rule \
             says is held back by `block SENDERS`, or `block SENDERS from RECIPIENTS`",
        );
    }
    if takes("a room") && lower == "except" || takes("`)`") && lower == "except" && !takes("users")
    {
        return Some(
            "`except` stands between users, not between rooms or servers: `USERS except USERS`",
        );
    }
    let next_denied = ["not ", "!@", "!#", "-@", "! "]
        .iter()
        .any(|mark| next.starts_with(mark));
    if ["not", "outside", "without"].contains(&lower.as_str()) || denied || next_denied {
        return Some(
            "there is no `not`: who is left out stands behind `except`, `USERS except USERS`, and \
             presence is held back by `block SENDERS from RECIPIENTS`",
        );
    }
    if lower == "except" && takes("users") {
        return Some("before `except` stands of whom some are left out: `USERS except USERS`");
    }
    match lower.as_str() {
        "only" | "just" | "solely" | "exclusively" => Some(
            "there is no `only`: nobody receives anything unless a rule says so, and what other rules \
             say is held back by `block SENDERS from RECIPIENTS`",
        ),
        "if" | "unless" | "until" | "while" | "whenever" | "once" | "after" | "before" | "now"
        | "today" | "during" | "between" | "since" => {
            Some("there are no conditions: a rule holds as long as it stands here")
        }
        _ => None,
    }
}

/// Words that deny the word behind them.
const NOT: [&str; 6] = ["do", "not", "don't", "dont", "never", "no"];

/// Words for no users at all.
const NOBODY: [&str; 8] = [
    "nobody", "none", "no", "noone", "no-one", "nothing", "neither", "nil",
];
