//! Comments that allow a warning on one statement: `# allow idle-block: guards rules to come`.
//!
//! One stands behind its statement, inside it, or on a line of its own directly above it; lines of
//! comments may stand between. Each names the warnings and gives the reason.
//!
//! Not for: taking warnings away (`lint`).
//!
//! Law: a comment that only begins with the word `allow` is left alone, and no comment changes what
//! a policy means.

use super::layout::{Logical, next_line};
use crate::diagnostic::{Level, Name, nearest};
use crate::source::{SourceId, Span};

/// One comment that allows something, or tries to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allow {
    /// The warnings it allows.
    pub names: Vec<Name>,
    /// The statement on which; `None` if it stands at none.
    pub statement: Option<Span>,
    /// The comment.
    pub comment: Span,
    /// Why it allows nothing, if it does not.
    pub mistake: Option<String>,
}

/// All of a text. Costs a search for the word, and the layout of texts that hold it.
pub fn allows(source: SourceId, text: &str) -> Vec<Allow> {
    let mut found = Vec::new();
    if !text.contains("allow") {
        return found;
    }
    let mut at = 0;
    loop {
        let mut comments = Vec::new();
        let line = next_line(text, at, &mut |from, to| {
            if let Some(read) = text.get(from..to).and_then(read) {
                comments.push((from, to, read));
            }
        });
        let place = |line: &Logical<'_>| (line.start, line.start + line.text.len());
        let statement = line.as_ref().map(place);
        let first = comments.first().map(|(from, ..)| *from);
        let above = first.zip(statement);
        let above = above.map_or(at, |(first, (start, _))| top(text, first, start));
        found.extend(comments.into_iter().map(|(from, to, (names, mistake))| {
            let place = statement.filter(|_| from >= above);
            let statement = place.map(|(start, end)| Span::new(source, start, end));
            Allow {
                names,
                statement,
                comment: Span::new(source, from, to),
                mistake,
            }
        }));
        match line {
            Some(line) => at = line.next,
            None => return found,
        }
    }
}

/// Where the lines directly above the statement at `start` begin: behind the last empty line, or at
/// `first`, the first comment. Costs one pass over what lies between, however many comments it holds.
fn top(text: &str, first: usize, start: usize) -> usize {
    let between = text.get(first..start).unwrap_or_default();
    // Without the blanks in front of the statement.
    let Some((lines, _)) = between.rsplit_once('\n') else {
        return first;
    };
    let mut end = lines.len();
    for line in lines.rsplit('\n') {
        if line.trim().is_empty() {
            return first + end;
        }
        end = end.saturating_sub(line.len() + 1);
    }
    first
}

/// What a comment allows, and what is wrong with it; `None` if it is about something else.
fn read(comment: &str) -> Option<(Vec<Name>, Option<String>)> {
    let text = comment.trim_start_matches('#').trim();
    let text = text.strip_prefix("allow")?;
    let text = text.strip_prefix([' ', '\t'])?.trim_start();
    let (list, reason) = match text.split_once(':') {
        Some((list, reason)) => (list, Some(reason.trim())),
        None => (text, None),
    };
    let mut words = list.split([',', ' ', '\t']).filter(|word| !word.is_empty());
    let first = words.next()?;
    let alone = words.next().is_none();
    let looks = |c: char| c.is_ascii_lowercase() || c == '-';
    let meant = first.contains('-') && first.chars().all(looks) && alone && reason.is_some();
    // `# allow syntax highlighting` is about something else, `syntax` being a plain word.
    let named = Name::parse(first).is_some() && (first.contains('-') || reason.is_some());
    if !named && !meant {
        return None;
    }
    let mut names = Vec::new();
    for word in list.split([',', ' ', '\t']).filter(|word| !word.is_empty()) {
        match Name::parse(word) {
            Some(name) if name.level() == Level::Warning => names.push(name),
            Some(name) => {
                let mistake = match name.level() {
                    Level::Note => format!("`{name}` is a note, which needs no leave"),
                    _ => format!("`{name}` is an error, and errors cannot be allowed"),
                };
                return Some((Vec::new(), Some(mistake)));
            }
            // `# allow idle-block since ...`: the colon is missing.
            None if reason.is_none() => break,
            None => {
                let warnings = Name::ALL.iter().filter(|n| n.level() == Level::Warning);
                let near = nearest(word, warnings.map(|name| name.as_str()));
                let help = near.map_or(String::new(), |near| format!(": did you mean `{near}`?"));
                let mistake = format!("there is no warning `{word}`{help}");
                return Some((Vec::new(), Some(mistake)));
            }
        }
    }
    match reason {
        Some(reason) if !reason.is_empty() => Some((names, None)),
        _ => {
            let name = names.first().map_or("", |name| name.as_str());
            let mistake = format!("it gives no reason: write `# allow {name}: ...` and why");
            Some((Vec::new(), Some(mistake)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{Source, Sources};

    fn found(text: &str) -> Vec<(String, Option<String>, bool)> {
        let mut sources = Sources::default();
        let id = sources.add(Source::new("a", text));
        let allows = allows(id, text);
        let one = |allow: &Allow| {
            let names: Vec<&str> = allow.names.iter().map(|name| name.as_str()).collect();
            let statement = allow.statement.map(|span| sources.text(span).to_owned());
            (names.join(" "), statement, allow.mistake.is_some())
        };
        allows.iter().map(one).collect()
    }

    fn at(name: &str, statement: &str) -> (String, Option<String>, bool) {
        (name.into(), Some(statement.into()), false)
    }

    #[test]
    fn above_behind_and_inside() {
        let text = "# allow idle-block: x\n# why\nblock @a\nblock @b # allow idle-block: y\n\
                    block @c, # allow idle-block, costly-rule: z\n  @d\n";
        assert_eq!(
            found(text),
            [
                at("idle-block", "block @a"),
                at("idle-block", "block @b # allow idle-block: y"),
                at(
                    "idle-block costly-rule",
                    "block @c, # allow idle-block, costly-rule: z\n  @d"
                ),
            ]
        );
    }

    #[test]
    fn at_no_statement() {
        let text = "# allow idle-block: x\n\nblock @a\n# allow idle-block: y\n";
        let none = ("idle-block".into(), None, false);
        assert_eq!(found(text), [none.clone(), none]);
    }

    #[test]
    fn what_is_wrong_is_told_and_other_comments_are_left_alone() {
        let wrong = |text: &str| {
            let found = found(text);
            found
                .iter()
                .any(|(names, _, wrong)| *wrong && names.is_empty())
        };
        assert!(wrong("# allow idle-block\nblock @a"));
        assert!(wrong("# allow idle-block:  \nblock @a"));
        assert!(wrong("# allow idle-blok: x\nblock @a"));
        assert!(wrong("# allow idle-block idle-blok: x\nblock @a"));
        assert!(wrong("# allow unknown-group: x\nblock @a"));
        for text in [
            "# allow everyone to see the gobbler",
            "# allow: why not",
            "# allow",
            "# allowing idle-block: x",
            "# allow staff-only rooms: later",
            "# allow syntax highlighting",
            "send all to @x # allowed by idle-block: x",
        ] {
            assert_eq!(found(text), [], "{text}");
        }
    }
}
