//! What the reader says is wrong with a file, in words for people, and the place that is meant.
//!
//! Law: a pure function of the text and of the reader's message.

use crate::source::Position;

/// The reader's message without the places in it and without the words of its own making.
pub(super) fn message(told: &str) -> String {
    if told.contains("while scanning a quoted scalar") && told.contains("end of stream") {
        return "this quote is never closed".into();
    }
    if told.contains("more than one document") {
        return "there is more than one YAML document in this file".into();
    }
    let message = told.split(" at line ").next().unwrap_or(told);
    // `users: invalid type: string "@ann", expected a list`
    match message.split_once("invalid type: ") {
        Some((key, rest)) if rest.contains(", expected ") => {
            let (found, wanted) = rest.rsplit_once(", expected ").unwrap_or((rest, ""));
            let found = match found.split_once(' ') {
                Some(("string", _)) => "a text".into(),
                Some(("boolean" | "integer", value)) => format!("the value {value}"),
                Some(("floating", _)) => "a number".into(),
                Some(("unit", _)) => "nothing".into(),
                _ if found == "map" => "a mapping".into(),
                _ if found == "sequence" => "a list".into(),
                _ if found == "enum" => "a value with a tag".into(),
                _ => found.to_owned(),
            };
            format!("{key}expected {wanted}, found {found}")
        }
        _ => message.to_owned(),
    }
}

/// The place of a fault: the reader's own, but for what it finds only afterwards.
pub(super) fn place(text: &str, told: &str, position: Position) -> Position {
    let line_at = |line: usize| Position { line, column: 1 };
    let lines = || text.lines().zip(1..);
    if told.contains("more than one document") {
        let content = |(line, _): &(&str, usize)| {
            !line.is_empty() && !line.starts_with("---") && !line.starts_with(['#', '%'])
        };
        let mut rest = lines().skip_while(|line| !content(line));
        let next = rest.find(|(line, _)| line.starts_with("---"));
        return next.map_or(position, |(_, line)| line_at(line));
    }
    let blank = lines()
        .nth(position.line - 1)
        .is_none_or(|(line, _)| line.trim().is_empty());
    if blank || told.contains("scanning a simple key") || told.contains("scanning a quoted scalar")
    {
        return context(told)
            .filter(|at| *at < position)
            .unwrap_or(position);
    }
    position
}

/// Where began what the reader was in: the last place that its message names, or the text's start, which
/// it does not name.
fn context(told: &str) -> Option<Position> {
    if told
        .rsplit_once(", while ")
        .is_some_and(|(_, what)| !what.contains(" at line "))
    {
        return Some(Position { line: 1, column: 1 });
    }
    let (_, place) = told.rsplit_once(" at line ")?;
    let (line, column) = place.split_once(" column ")?;
    let (line, column) = (line.parse().ok()?, column.parse().ok()?);
    Some(Position { line, column })
}
