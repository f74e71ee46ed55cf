//! The law of plain statements: `plain` reads them as the whole grammar does.

use proptest::prelude::*;

use super::*;
use crate::source::{Source, Sources};

/// Words of statements, many of them such as a plain statement has.
fn word() -> impl Strategy<Value = String> {
    const WORDS: &[&str] = &[
        "@ann",
        "@ann:x.org",
        "@bot-*",
        "@",
        "@#",
        "@a=b",
        "group",
        "staff",
        "to",
        "from",
        "see",
        "sees",
        "send",
        "block",
        "each",
        "other",
        "and",
        "except",
        "who",
        "are",
        "all",
        "users",
        "=",
        ",",
        ",",
        "(",
        ")",
        "\"@a b\"",
        "\t",
        "#r",
        "group g",
        "@x,@y",
        "@a:x.org,",
        "sees@a",
        "group=",
        "g=",
        "a=b",
        "\r",
    ];
    prop_oneof![
        8 => proptest::sample::select(WORDS).prop_map(str::to_owned),
        1 => "[@a-z=,:\"(é ]{1,4}",
    ]
}

fn selector() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        4 => "@[a-z0-9=*:.-]{0,6}",
        2 => "group [a-z]{1,4}",
        1 => word(),
    ];
    let list = proptest::collection::vec(part, 1..4);
    (
        list,
        prop_oneof![Just(","), Just(", "), Just(" , "), Just(" and ")],
    )
        .prop_map(|(parts, comma)| parts.join(comma))
}

fn statement() -> impl Strategy<Value = String> {
    let two = || (selector(), selector());
    prop_oneof![
        two().prop_map(|(a, b)| format!("{a} sees {b}")),
        two().prop_map(|(a, b)| format!("{a}  see {b} ")),
        two().prop_map(|(a, b)| format!("send {a} to  {b}")),
        two().prop_map(|(a, b)| format!("block {a} from {b}")),
        selector().prop_map(|a| format!("block {a}")),
        selector().prop_map(|a| format!("group g = {a}")),
        selector().prop_map(|a| format!("group g={a}")),
        proptest::collection::vec(word(), 1..8).prop_map(|words| words.join(" ")),
    ]
}

/// What a statement says by the whole grammar alone, and what `plain` makes of it.
fn both(text: &str) -> (Option<Statement>, Option<Statement>) {
    let source = Sources::default().add(Source::new("a", text));
    let Some(line) = next_line(text, 0, &mut |_, _| {}) else {
        return (None, None);
    };
    let mut problems = Vec::new();
    let mut read = |pairs| {
        let mut reader = Reader {
            source,
            line: &line,
            problems: &mut problems,
        };
        reader.read(pairs)
    };
    let whole = Grammar::parse(Rule::line, &line.text).ok();
    let whole = whole.and_then(&mut read);
    let quick = tokens(&line.text).ok();
    (whole, quick.and_then(&mut read))
}

#[test]
fn plain_statements_are_taken() {
    for text in [
        "@a sees @b",
        "@a, @b:x see group c , @d",
        "send @a to @b",
        "block @a, @b",
        "block group a from @b",
        "group a = @b, @c",
    ] {
        assert!(Grammar::parse(Rule::plain, text).is_ok(), "{text}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]

    #[test]
    fn a_plain_statement_is_what_the_whole_grammar_reads(
        text in statement(),
        at in any::<proptest::sample::Index>(),
        change in proptest::option::of(word()),
    ) {
        let mut text = text;
        if let Some(change) = change {
            let ends: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
            if !ends.is_empty() {
                text.insert_str(*at.get(&ends), &change);
            }
        }
        let (whole, quick) = both(&text);
        prop_assert_eq!(whole, quick, "{}", text);
    }
}

// ---- comments and words ----

/// A line's words and marks outside comments and its comments, by the words of the reference and
/// nothing of ours; `None` where that needs more than a line.
fn told_apart(line: &str) -> Option<(Vec<String>, Vec<String>)> {
    let chars: Vec<char> = line.chars().collect();
    let (mut words, mut comments): (Vec<String>, Vec<String>) = (Vec::new(), Vec::new());
    let mut at = 0;
    while let Some(c) = chars.get(at) {
        let mut end = at + 1;
        if *c == ' ' {
            at = end;
            continue;
        } else if *c == '#' {
            while chars.get(end) == Some(&'#') {
                end += 1;
            }
            if words.is_empty() || matches!(chars.get(end), None | Some(' ')) {
                comments.push(chars.get(at..)?.iter().collect());
                return Some((words, comments));
            }
            end = at;
        }
        if *c == '"' || *c == '/' && words.last().is_some_and(|word| word == "matching") {
            end += chars.get(end..)?.iter().position(|end| end == c)? + 1;
        } else if !"(),".contains(*c) {
            let rest = chars.get(end..)?;
            let word = rest.iter().position(|c| " (),\"".contains(*c));
            end += word.unwrap_or(rest.len());
        }
        words.push(chars.get(at..end)?.iter().collect());
        at = end;
    }
    Some((words, comments))
}

fn in_order(sources: &Sources, selector: &Selector, words: &mut Vec<String>) {
    let mut add = |span: Span| words.push(sources.text(span).to_owned());
    match &selector.kind {
        Kind::Everyone | Kind::Local | Kind::Remote => {}
        Kind::User(word) | Kind::Group(word) => add(word.span),
        Kind::Matching(span) => add(*span),
        Kind::Servers(list) | Kind::Members(list) => list.iter().for_each(|word| add(word.span)),
        Kind::Union(list) | Kind::Both(list) => {
            list.iter().for_each(|part| in_order(sources, part, words));
        }
        Kind::Except(base, less) => {
            in_order(sources, base, words);
            in_order(sources, less, words);
        }
    }
}

/// Words as they come with and without marks of comments at their ends and inside.
fn glued() -> impl Strategy<Value = String> {
    let name = prop_oneof![
        3 => proptest::sample::select(&[
            "@a", "@a:x.org", "\"@a, b:x.org\"", "members of #r", "members of (#r, !q)", "users on x.org",
            "group g", "all", "users matching /@a # (.*/", "(@a)",
        ][..]).prop_map(str::to_owned),
        1 => "@[a-z#:]{0,5}",
        1 => "members of [#!][a-z#:]{1,5}",
    ];
    let mark = proptest::sample::select(
        &[
            "",
            "",
            "",
            "",
            "#",
            "##",
            "# ",
            "## ",
            " #",
            " ##",
            " # ",
            " ### ",
            "#b",
            "##b",
            " #b",
            " ##b:x.org",
        ][..],
    );
    (name, mark).prop_map(|(name, mark)| format!("{name}{mark}"))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(5_000) })]

    /// Whatever is glued to a mark of a comment, each character is in the one comment or in a word.
    #[test]
    fn nothing_is_cut_silently(
        start in proptest::sample::select(&["block ", "send all to ", "group g = ", "@x see ", "", "server x.org"][..]),
        parts in proptest::collection::vec((glued(), proptest::sample::select(&[", ", ",", " and ", " except ", " "][..])), 1..4),
        end in proptest::sample::select(&["", "#", " #", "# end", " ## end, @z", "##", "\n#a\n", "\n##a b:c"][..]),
    ) {
        let mut line = start.to_owned();
        for (at, (part, joiner)) in parts.iter().enumerate() {
            line.push_str(if at > 0 { joiner } else { "" });
            line.push_str(part);
        }
        let text = format!("{line}{end}");
        let mut sources = Sources::default();
        let source = sources.add(Source::new("a", text.as_str()));
        let (mut problems, mut comments) = (Vec::new(), Vec::new());
        let statements = parse(source, &text, &mut problems, &mut |span| comments.push(span));
        let comments: Vec<&str> = comments.into_iter().map(|span| sources.text(span)).collect();
        let (mut words, mut wanted) = (Vec::new(), Vec::new());
        for line in text.lines() {
            let Some((of_line, comment)) = told_apart(line) else {
                // A quote or regex that is not closed.
                prop_assert!(!problems.is_empty(), "{}", text);
                return Ok(());
            };
            words.extend(of_line);
            wanted.extend(comment);
        }
        if !problems.is_empty() {
            return Ok(());
        }
        prop_assert_eq!(comments, wanted, "{}", text);
        let mut written = Vec::new();
        for statement in &statements {
            match statement {
                Statement::Server(word) => written.push(sources.text(word.span).to_owned()),
                Statement::Group(name, users) => {
                    written.push(sources.text(name.span).to_owned());
                    in_order(&sources, users, &mut written);
                }
                Statement::Rule(rule) => {
                    let recipients = rule.recipients.as_ref();
                    let see = text.starts_with('@');
                    if let Some(first) = recipients.filter(|_| see) {
                        in_order(&sources, first, &mut written);
                    }
                    in_order(&sources, &rule.senders, &mut written);
                    if let Some(second) = recipients.filter(|_| !see) {
                        in_order(&sources, second, &mut written);
                    }
                }
                _ => {}
            }
        }
        let mark = |word: &String| ["(", ")", ",", "="].contains(&word.as_str());
        words.retain(|word| !mark(word) && !crate::syntax::KEYWORDS.contains(&word.as_str()));
        prop_assert_eq!(written, words, "{}", text);
    }
}
