//! What a text means that should be a user ID, and what to write where it is none.
//!
//! Law: what is to be written names a user who stands in the text, and nobody else. Nothing of it is certain.

use crate::id::{MAX_BYTES, ServerName, UserId};
use crate::syntax::link::id_in_link;
use crate::syntax::marks::{self, plain_characters};
use crate::syntax::word::is_unquoted_localpart;

/// What a group file is, for people.
pub(super) const SHAPE: &str = "a group file is a YAML list of user IDs in quotes, \
    `- \"@ann:example.org\"`, or a mapping with the key `users` that holds one";

/// What an entry is, for people.
const ENTRY: &str = "a group file lists whole user IDs in quotes: `- \"@ann:example.org\"`";

/// What to do where more than a user stands in an entry: it may say that they are out.
pub(super) const LISTED: &str = "a group file lists those who are in the group, each user ID alone in quotes: \
    take the line away if its user is not";

/// Whether a text says, or may say, that a user is out.
pub(super) fn negates(text: &str) -> bool {
    const OUT: [&str; 48] = [
        "not",
        "no",
        "non",
        "never",
        "none",
        "null",
        "nil",
        "without",
        "except",
        "exclude",
        "excluded",
        "excluding",
        "but",
        "minus",
        "former",
        "formerly",
        "ex",
        "old",
        "was",
        "left",
        "leaving",
        "gone",
        "removed",
        "remove",
        "deleted",
        "delete",
        "disabled",
        "disable",
        "inactive",
        "deactivated",
        "suspended",
        "retired",
        "banned",
        "ban",
        "blocked",
        "block",
        "deny",
        "denied",
        "ignore",
        "ignored",
        "blacklist",
        "blocklist",
        "false",
        "off",
        "f",
        "n",
        "x",
        "0",
    ];
    let text = text.trim().to_lowercase();
    let marks = [
        '-', '!', '~', '^', '+', '\u{d7}', '\u{2715}', '\u{2717}', '\u{2718}', '\u{274c}',
        '\u{2212}',
    ];
    // The words of an ID say nothing.
    let words = text.split(|c: char| c.is_whitespace() || ",;(){}[]\"'".contains(c));
    text.starts_with(marks)
        || words
            .filter(|word| !word.contains('@'))
            .flat_map(|word| word.split(|c: char| !c.is_alphanumeric()))
            .any(|word| OUT.contains(&word))
}

/// Whether a key only says that a user, or a user's name, stands behind it.
pub(super) fn is_neutral(key: &str) -> bool {
    let key: String = key.chars().filter(char::is_ascii_alphanumeric).collect();
    let known = [
        "user",
        "users",
        "id",
        "userid",
        "mxid",
        "matrix",
        "matrixid",
        "name",
        "displayname",
    ];
    known.contains(&key.to_lowercase().as_str())
}

/// What to say where this user stands among other words.
fn beside(user: &str, text: &str) -> String {
    match negates(&text.replacen(user, " ", 1)) {
        true => LISTED.into(),
        false => format!("is `{user}` meant? {LISTED}"),
    }
}

/// A help that quotes more than this says less instead.
pub(super) const LONGEST_HELP: usize = 300;

/// Whether a text is a user ID as it stands, whole or without its server.
pub(super) fn is_user(text: &str) -> bool {
    if text.contains(['*', '?']) || text.contains(char::is_control) {
        return false;
    }
    if text.contains(':') {
        return UserId::parse(text).is_ok();
    }
    let name = text.strip_prefix('@').unwrap_or_default();
    let fits = (1..MAX_BYTES).contains(&name.len());
    fits && name.chars().all(is_unquoted_localpart)
}

/// A user ID as YAML takes it.
pub(super) fn quoted(user: &str) -> String {
    match user.contains(['"', '\\']) {
        true => format!("'{}'", user.replace('\'', "''")),
        false => format!("\"{user}\""),
    }
}

/// The users that are to be entries of a list, for people: each on a line of its own.
pub(super) fn as_list(users: &[&str]) -> Option<String> {
    let line = |user: &&str| format!("`- {}`", quoted(user));
    let list = match users {
        [] => return None,
        [one] => line(one),
        [one, two] => format!("{} and {}", line(one), line(two)),
        [one, two, ..] => format!("{}, {} and so on", line(one), line(two)),
    };
    let list = match users.len() {
        1 => format!("write {list}"),
        _ => format!("write each user on a line of its own: {list}"),
    };
    (list.len() <= LONGEST_HELP).then_some(list)
}

/// The users that stand in a text between other things, each once. Costs a pass.
pub(super) fn users_in(text: &str) -> Vec<&str> {
    let mut found: Vec<&str> = Vec::new();
    let mut rest = text;
    let mut before = ' ';
    while let Some(at) = rest.find('@') {
        let (skipped, from) = rest.split_at(at);
        before = skipped.chars().next_back().unwrap_or(before);
        let ends = |c: char| c.is_whitespace() || "\"'`<>,;(){}".contains(c);
        let end = from.find(ends).unwrap_or(from.len());
        let word = from.get(..end).unwrap_or_default();
        let word = match word.contains('[') {
            true => word,
            false => word.trim_end_matches(']'),
        };
        if !before.is_alphanumeric() && is_user(word) && !found.contains(&word) {
            found.push(word);
        }
        if found.len() > 2 {
            break;
        }
        let len = word.len().max(1);
        before = word.chars().next_back().unwrap_or('@');
        rest = from.get(len..).unwrap_or_default();
    }
    found
}

/// The users of a text that is a list of nothing else.
pub(super) fn several(text: &str) -> Option<Vec<&str>> {
    let words = text.split(|c: char| c.is_whitespace() || ",;".contains(c));
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    (words.len() > 1 && words.iter().all(|word| is_user(word))).then_some(words)
}

/// The user that was meant by a text that is none, and why, with a colon, or nothing.
pub(super) fn meant(text: &str) -> Option<(String, String)> {
    let some = |id: &str, why: &str| is_user(id).then(|| (id.to_owned(), why.to_owned()));
    let bare = text.trim();
    if let Some(found) = some(bare, "") {
        return Some(found);
    }
    if let Some(id) = id_in_link(bare) {
        return some(&id, "");
    }
    if let Some((changes, first)) = plain_characters(bare, true) {
        let mut plain = String::new();
        let mut kept = 0;
        for (from, to, new) in changes {
            plain.push_str(bare.get(kept..from)?);
            plain.push_str(&new);
            kept = to;
        }
        plain.push_str(bare.get(kept..)?);
        let plain = plain.trim_matches(['"', '\'', ' ']);
        return some(plain, &format!("{}: ", marks::name(first)));
    }
    let bare = bare
        .strip_prefix('<')
        .and_then(|bare| bare.strip_suffix('>'))
        .unwrap_or(bare);
    let bare = ["mailto:", "xmpp:", "acct:"]
        .iter()
        .find_map(|scheme| bare.strip_prefix(scheme))
        .unwrap_or(bare);
    let bare = bare.trim_matches(|c| "\"'`,;\u{2018}\u{2019}\u{201a}\u{201b}\u{b4}".contains(c));
    if let Some(found) = some(bare, "") {
        return Some(found);
    }
    if let Some(bare) = bare.strip_suffix('.').filter(|bare| bare.contains(':')) {
        return some(bare, "a server is written without the last dot: ");
    }
    // What only looks like a name is a word of the policy.
    if ["all", "everyone", "local", "remote"].contains(&bare) {
        return None;
    }
    let sigil = bare.starts_with('@');
    let name = bare.strip_prefix('@').unwrap_or(bare);
    let (name, server) = match name.split_once(['@', ':']) {
        Some((name, server)) => (name, Some(server)),
        None => (name, None),
    };
    if name.is_empty() || !name.chars().all(is_unquoted_localpart) {
        return None;
    }
    match server {
        Some(server) => {
            ServerName::parse(server).ok()?;
            let why = match sigil {
                true => "`:` stands before the server of a user ID: ",
                false => "",
            };
            some(&format!("@{name}:{server}"), why)
        }
        // A bare word may be anything.
        None if sigil => some(&format!("@{name}"), ""),
        None => None,
    }
}

/// What to write where an entry's text is no user ID.
pub fn help_on_entry(text: &str) -> String {
    let help = known_help(text).filter(|help| help.len() <= LONGEST_HELP);
    help.unwrap_or_else(|| ENTRY.into())
}

fn known_help(text: &str) -> Option<String> {
    if text.contains("matrix.to/#/") || text.starts_with("matrix:") {
        let id = id_in_link(text)?;
        return match id.starts_with('@') {
            true => is_user(&id).then(|| format!("write `{}`", quoted(&id))),
            false => Some(format!("rooms are named in the policy: `members of {id}`")),
        };
    }
    if text.starts_with('@') && text.contains(['*', '?']) {
        return Some(format!(
            "write the pattern in the policy: `group NAME = {text}`"
        ));
    }
    if let Some(users) = several(text) {
        return as_list(&users);
    }
    if text.contains('@') && negates(text) {
        return Some(LISTED.into());
    }
    // A word alone may be a name, a heading or a value of YAML.
    if !text.contains('@') && !text.contains("://") && !text.starts_with(['#', '!']) {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        let other = [
            "yes", "on", "true", "users", "members", "group", "all", "everyone", "local", "remote",
        ];
        let name = text.starts_with(|c: char| c.is_ascii_lowercase()) && text.chars().all(plain);
        if name && !other.contains(&text) && !negates(text) {
            return Some(format!("did you mean `\"@{text}\"`? {ENTRY}"));
        }
        if !text.starts_with("group ") && !text.starts_with("users on ") && text != "all" {
            return None;
        }
    }
    if let Some((user, why)) = meant(text) {
        return Some(format!("{why}write `{}`", quoted(&user)));
    }
    if text.starts_with(['#', '!']) {
        return Some(format!(
            "rooms are named in the policy: `members of {text}`"
        ));
    }
    if text.starts_with("group ") || text.starts_with("users on ") || text == "all" {
        return Some(format!(
            "this is for the policy, which can say `group NAME = {text}`"
        ));
    }
    match users_in(text).as_slice() {
        [] => None,
        [user] => Some(beside(user, text)),
        _ => Some(LISTED.into()),
    }
}

/// What to write where something stands at this byte of a group file that is no text.
pub fn help_on_value(text: &str, start: usize) -> String {
    let (before, rest) = text.split_at_checked(start).unwrap_or((text, ""));
    let indent = |line: &str| line.len() - line.trim_start_matches([' ', '\t']).len();
    let own = indent(before.rsplit('\n').next().unwrap_or_default());
    let mut end = rest.find('\n').unwrap_or(rest.len());
    // A mapping or a list may go on below, further in.
    while let Some(next) = rest
        .get(end + 1..)
        .filter(|next| end < 2_000 && !next.is_empty())
    {
        let line = next.lines().next().unwrap_or_default();
        if indent(line) <= own {
            break;
        }
        end += 1 + line.len();
    }
    let value = rest.get(..end.min(2_000)).or(rest.lines().next());
    let value = value.unwrap_or_default();
    let block = before.trim_end_matches([' ', '\t']).ends_with('-');
    let own = match block || value.starts_with(['{', '[']) {
        true => value.split_inclusive(['}', ']']).next().unwrap_or(value),
        false => return ENTRY.into(),
    };
    let own = if block { value } else { own };
    let help = match users_in(own).as_slice() {
        [user] if records_alone(own) => Some(format!("write the user alone: `{}`", quoted(user))),
        [user] => Some(beside(user, own)),
        users
            if block
                && own.starts_with(['[', '-'])
                && !negates(own.trim_start_matches(['-', ' '])) =>
        {
            as_list(users)
        }
        _ => None,
    };
    help.filter(|help| help.len() <= LONGEST_HELP)
        .unwrap_or_else(|| ENTRY.into())
}

/// Whether a mapping or a list only names a user, by keys that say no more.
fn records_alone(value: &str) -> bool {
    let lines = value.split(['\n', ',', '{', '}', '[', ']']);
    let mut fields = lines.map(|line| line.trim().trim_start_matches("- ").trim());
    fields.all(|field| {
        let bare = |text: &str| text.trim().trim_matches(['"', '\'']).to_owned();
        let record = || {
            let (key, value) = field.split_once(": ").or_else(|| field.split_once("\":"))?;
            Some(is_neutral(&bare(key)) && !negates(&bare(value)))
        };
        field.is_empty() || is_user(&bare(field)) || record().unwrap_or(false)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_says_that_a_user_is_out_gets_no_text_to_write() {
        for text in [
            "-@bob:x",
            "not @bob:x",
            "except @bob:x",
            "formerly @bob:x",
            "!@bob:x",
            "~ @bob:x",
            "+@bob:x",
            "\u{274c} @bob:x",
            "@bob:x,0",
            "@bob:x (disabled)",
            "nicht @bob:x",
            "name = @bob:x",
            "Ann <@bob:x>",
            "yes",
            "no",
            "on",
            "true",
            "users",
            "evil.org",
            "Team",
            "a:b",
            "@<user>",
            "@{user}",
        ] {
            let help = help_on_entry(text);
            assert!(!help.contains("write"), "{text}: {help}");
            assert!(!help.contains("members of"), "{text}: {help}");
        }
        assert!(help_on_entry("name = @ann:x").starts_with("is `@ann:x` meant? "));
        assert!(help_on_entry("ann").starts_with("did you mean `\"@ann\"`? "));
        for value in [
            "- \"@bob:x\": false\n",
            "- id: \"@bob:x\"\n  active: no\n",
            "- not: \"@bob:x\"\n",
        ] {
            let help = help_on_value(value, 2);
            assert!(!help.contains("write"), "{value}: {help}");
        }
    }

    #[test]
    fn what_is_to_be_written_stands_in_the_text() {
        for (text, wanted) in [
            ("ann@example.org", "@ann:example.org"),
            ("@ann@example.org", "@ann:example.org"),
            (" @ann", "@ann"),
            ("<@ann:x.org>", "@ann:x.org"),
            ("xmpp:ann@x.org", "@ann:x.org"),
            ("@ann:x.org.", "@ann:x.org"),
            ("https://matrix.to/#/@zoe:x.org?via=y.org", "@zoe:x.org"),
            ("https://matrix.to/#/%40zoe%3Ax.org", "@zoe:x.org"),
            ("\u{201c}@ann\u{201d}", "@ann"),
        ] {
            assert_eq!(
                meant(text).map(|(id, _)| id).as_deref(),
                Some(wanted),
                "{text}"
            );
            let help = help_on_entry(text);
            assert!(help.ends_with(&format!("write `\"{wanted}\"`")), "{help}");
        }
        for text in [
            "all",
            "@all@",
            "@",
            "",
            "@b*",
            "Ann Smith",
            "ann",
            "#ops:x",
            "@:x:y",
        ] {
            assert_eq!(meant(text), None, "{text}");
        }
        assert_eq!(
            help_on_entry("@ann, @bob"),
            as_list(&["@ann", "@bob"]).unwrap()
        );
        assert_eq!(
            help_on_entry("https://matrix.to/#/#ops:x.org"),
            "rooms are named in the policy: `members of #ops:x.org`"
        );
        assert_eq!(
            help_on_entry("Ann <@ann:x.org>"),
            format!("is `@ann:x.org` meant? {LISTED}")
        );
        assert_eq!(help_on_entry(&"x y".repeat(1000)), ENTRY);
    }

    #[test]
    fn users_within_other_values() {
        let on = |text: &str, at: &str| help_on_value(text, text.find(at).unwrap());
        assert!(on("- user: \"@ann\"\n", "user").ends_with("`\"@ann\"`"));
        assert!(on("- name: Ann\n  id: '@ann:x'\n- '@bob'\n", "name").ends_with("`\"@ann:x\"`"));
        assert!(
            on("[{\"id\":\"@a:x\"},{\"id\":\"@b:x\"}]", "{\"id\":\"@b").ends_with("`\"@b:x\"`")
        );
        assert!(on("- ['@a', '@b']\n", "[").ends_with("`- \"@a\"` and `- \"@b\"`"));
        assert_eq!(on("- 12\n- '@a'\n", "12"), ENTRY);
    }
}
