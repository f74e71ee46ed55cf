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
