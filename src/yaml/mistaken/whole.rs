//! Files that are something else as a whole: empty, of another program, of another format.
//!
//! Law: such a file is one mistake. It is named, and nothing of it is repeated but the users in it.

use super::Mistake;
use super::lines::is_marker;
use super::user::{self, SHAPE, as_list, quoted};
use crate::foreign::{Kind, foreign};

/// The one mistake of a file that is no group file at all.
pub(super) fn whole(text: &str) -> Option<Mistake> {
    other_program(text)
        .or_else(|| nothing(text))
        .or_else(|| policy(text))
        .or_else(|| prosody(text))
        .or_else(|| table(text))
        .or_else(|| addresses(text))
        .or_else(|| equals(text))
}

/// What is not empty and no comment, each line with the byte at which it begins.
fn content(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut start = 0;
    let lines = text.split_inclusive('\n').map(move |line| {
        let at = start;
        start += line.len();
        (at, line.trim_end())
    });
    lines.filter(|(_, line)| !line.trim().is_empty() && !line.trim_start().starts_with('#'))
}

/// What a merge, a template or an encryption left. What stands in a comment harms nobody.
pub(in crate::yaml) fn other_program(text: &str) -> Option<Mistake> {
    let found = foreign(text);
    let in_comment = |at: usize| {
        // A line may be as long as the file, and hold as many findings.
        let from = text.floor_char_boundary(at.saturating_sub(256));
        let before = text.get(from..at).unwrap_or_default();
        let line = before.rsplit('\n').next().unwrap_or_default();
        line.trim_start().starts_with('#') || line.contains(" #")
    };
    let mut found = found.iter().filter(|found| !in_comment(found.shown.start));
    let first = found.next()?;
    let more = found.filter(|more| more.kind == first.kind).count();
    let mut help = first.help();
    if more > 0 && !matches!(first.kind, Kind::Encrypted(_)) {
        help.push_str(&format!(" ({more} more of them in this file)"));
    }
    Some(Mistake::new(first.shown.clone(), first.message(text), help))
}

/// A file in which nothing stands, but for marks of YAML.
fn nothing(text: &str) -> Option<Mistake> {
    let (at, first) = content(text).next().unwrap_or_default();
    let all = content(text)
        .all(|(_, line)| is_marker(line) && line.trim_start_matches(['-', '.']).trim().is_empty());
    let null = content(text).count() == 1 && ["~", "null", "{}", "users: {}"].contains(&first);
    if !all && !null {
        return None;
    }
    let message = match null {
        true => format!("`{first}` is no list of users"),
        false => "the file is empty: write `[]` if nobody is meant".into(),
    };
    let help = match (null, first) {
        (true, "users: {}") => "write `users: []` for nobody".into(),
        (true, _) => format!("write `[]` for nobody; {SHAPE}"),
        (false, _) => format!("write `[]` for nobody; {SHAPE}"),
    };
    let span = match null {
        true => at..at + first.len(),
        false => 0..text.lines().next().map_or(0, str::len),
    };
    Some(Mistake::new(span, message, help))
}

/// A statement of a policy.
fn policy(text: &str) -> Option<Mistake> {
    let (at, line) = content(text).next()?;
    let first = line.split_whitespace().next()?;
    let more = line.split_whitespace().nth(1).is_some();
    if !more || !["group", "send", "block", "server"].contains(&first) {
        return None;
    }
    let help = "this is a statement of a policy: put it into a `*.policy` file; ";
    let message =
        format!("a statement that begins with `{first}` stands where the list of users must stand");
    Some(Mistake::new(
        at..at + line.len(),
        message,
        format!("{help}{SHAPE}"),
    ))
}

/// A file of shared groups, as Prosody has them: `[Group]`, then an address a line, with `=` and a name.
fn prosody(text: &str) -> Option<Mistake> {
    let heads: Vec<(usize, &str)> = content(text).filter(|(_, line)| is_head(line)).collect();
    let (at, line) = *heads.first()?;
    let members = content(text).filter(|(_, line)| !is_head(line));
    let members: Vec<&str> = members.map(|(_, line)| line).take(3).collect();
    if !members.iter().all(|line| line.contains('@'))
        || members.iter().any(|line| user::negates(line))
    {
        return None;
    }
    let address = |line: &&str| line.split('=').next().unwrap_or_default().trim().to_owned();
    let users = members
        .iter()
        .map(|line| user::meant(&address(line)).map(|(id, _)| id));
    let users: Vec<String> = users.collect::<Option<_>>()?;
    let users: Vec<&str> = users.iter().map(String::as_str).collect();
    let list = as_list(&users)?;
    let help = match heads.len() {
        1 => format!("take this line away, and {list}"),
        _ => format!(
            "give each group a file of its own, a user a line: there {}",
            as_list(users.get(..1)?)?
        ),
    };
    let message = "this is a group of an XMPP server, not a YAML list";
    Some(Mistake::new(at..at + line.len(), message, help))
}

/// `[Support Team]`
fn is_head(line: &str) -> bool {
    let name = line
        .trim()
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    let plain = |c: char| c.is_alphanumeric() || " _-.+".contains(c);
    name.is_some_and(|name| name.chars().any(char::is_alphabetic) && name.chars().all(plain))
}

/// A table with the users in one of its columns: values between commas, semicolons or tabs.
fn table(text: &str) -> Option<Mistake> {
    let (at, first) = content(text).next()?;
    if first.starts_with(['-', '[', '{', '\'', '@']) && !first.contains([',', ';', '\t'])
        || first.starts_with(['-', '[', '{'])
    {
        return None;
    }
    let comma = [',', ';', '\t']
        .into_iter()
        .find(|comma| first.contains(*comma))?;
    let columns = first.split(comma).count();
    let bare = |field: &str| field.trim().trim_matches(['"', '\'']).to_owned();
    // The head of a column is no user; the first line may be no head.
    let rows = || content(text).map(|(_, line)| line);
    if !rows().all(|row| row.split(comma).count() == columns) {
        return None;
    }
    let is_column = |column: &usize| {
        rows().count() > 1
            && rows().skip(1).all(|row| {
                row.split(comma)
                    .nth(*column)
                    .is_some_and(|f| user::is_user(&bare(f)))
            })
    };
    let mut found = (0..columns.min(16)).filter(is_column);
    let column = found.next()?;
    if found.next().is_some() || columns == 1 {
        return None;
    }
    let head = user::is_user(&bare(first.split(comma).nth(column)?));
    // `"@ann",` on each line is a list with commas.
    if columns == 2
        && rows().all(|row| {
            row.split(comma)
                .nth(1 - column)
                .is_some_and(|f| f.trim().is_empty())
        })
    {
        return None;
    }
    let rows = rows().skip(usize::from(!head));
    let users: Vec<String> = rows
        .filter_map(|row| row.split(comma).nth(column).map(bare))
        .take(3)
        .collect();
    let users: Vec<&str> = users.iter().map(String::as_str).collect();
    // Another column may say who is out.
    let says = |row: &str| {
        let others = row.split(comma).enumerate().filter(|(at, _)| *at != column);
        others
            .map(|(_, field)| bare(field))
            .any(|field| user::negates(&field) || field.parse::<f64>().is_ok() || field == "true")
    };
    let neutral = head
        || first
            .split(comma)
            .enumerate()
            .all(|(at, name)| at == column || user::is_neutral(&bare(name)));
    let help = match !neutral || content(text).any(|(_, row)| says(row)) {
        true => user::LISTED.into(),
        false => as_list(&users)?,
    };
    let message = "this is a table, not a YAML list";
    Some(Mistake::new(at..at + first.len(), message, help))
}

/// Addresses or links, one a line, as other servers and clients have them.
fn addresses(text: &str) -> Option<Mistake> {
    let mut lines = content(text);
    let (at, first) = lines.next()?;
    let meant = |line: &str| {
        let other = (line.contains('@') || line.contains("matrix.to/#/"))
            && !line.starts_with(['@', '-', '[', '{', '"', '\'']);
        let word = other && !line.trim().contains([' ', '\t']);
        word.then(|| user::meant(line.trim()))
            .flatten()
            .map(|(id, _)| id)
    };
    let mut users = vec![meant(first)?];
    for (_, line) in lines {
        let user = meant(line)?;
        if users.len() < 3 && !users.contains(&user) {
            users.push(user);
        }
    }
    let users: Vec<&str> = users.iter().map(String::as_str).collect();
    let message = "these are addresses or links, not a YAML list of user IDs";
    Some(Mistake::new(
        at..at + first.len(),
        message,
        as_list(&users)?,
    ))
}

/// `users = [...]`, as other formats have it.
fn equals(text: &str) -> Option<Mistake> {
    let (at, first) = content(text).next()?;
    let value = first.trim_start().strip_prefix("users")?.trim_start();
    value.strip_prefix('=')?;
    let equals = at + (first.len() - value.len());
    let message = "a `=` stands here, where YAML has a `:`";
    Some(Mistake::new(
        equals..equals + 1,
        message,
        "write `users:` in place of `users =`",
    ))
}

/// `users: [...]` with these users, if that is short.
pub(super) fn as_users(users: &[&str]) -> Option<String> {
    let quoted: Vec<String> = users.iter().map(|user| quoted(user)).collect();
    let line = format!("write `users: [{}]`", quoted.join(", "));
    (line.len() <= user::LONGEST_HELP)
        .then_some(line)
        .or_else(|| as_list(users))
}
