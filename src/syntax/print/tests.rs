//! The laws of printing, over random statements of every construct in random layouts: comments
//! wherever a line may end, tabs, CRLF, byte order marks, words that end in `#`.

use std::cell::Cell;

use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, TestRunner};

use super::super::ast::{Kind, Selector, Statement, Word};
use super::{format, parse};
use crate::source::{Source, Sources, Span};

type Words = Vec<&'static str>;

/// The statements without their places, and the comments; `None` if the text has a problem.
fn read(text: &str) -> Option<(Vec<String>, Vec<String>)> {
    let mut sources = Sources::default();
    let id = sources.add(Source::new("x", text));
    let text = sources.get(id)?.text();
    let (mut problems, mut comments) = (Vec::new(), Vec::new());
    let mut told = |span: Span| comments.push(sources.text(span).trim_end().to_owned());
    let statements = parse(id, text, &mut problems, &mut told);
    let shapes = statements.iter().map(|one| statement(&sources, one));
    problems.is_empty().then(|| (shapes.collect(), comments))
}

fn statement(sources: &Sources, statement: &Statement) -> String {
    let word = |word: &Word| sources.text(word.span).to_owned();
    let users = |users| selector(sources, users);
    match statement {
        Statement::Server(name) => format!("server {}", word(name)),
        Statement::Group(name, all) => format!("group {} = {}", word(name), users(all)),
        Statement::GroupFile(name, path) => format!("group {} from {}", word(name), word(path)),
        Statement::BrokenGroup(_) => unreachable!(),
        Statement::Rule(rule) => {
            let recipients = rule.recipients.as_ref().map(users);
            format!("{:?} {} {recipients:?}", rule.action, users(&rule.senders))
        }
    }
}

fn selector(sources: &Sources, users: &Selector) -> String {
    let word = |word: &Word| sources.text(word.span).to_owned();
    let words = |words: &[Word]| words.iter().map(word).collect::<Vec<_>>();
    let all = |parts: &[Selector]| {
        let each = parts.iter().map(|part| selector(sources, part));
        each.collect::<Vec<_>>()
    };
    match &users.kind {
        Kind::Everyone | Kind::Local | Kind::Remote => format!("{:?}", users.kind),
        Kind::User(name) | Kind::Group(name) => word(name),
        Kind::Servers(list) => format!("on {:?}", words(list)),
        Kind::Members(list) => format!("in {:?}", words(list)),
        Kind::Matching(span) => sources.text(*span).to_owned(),
        Kind::Union(parts) => format!("any {:?}", all(parts)),
        Kind::Both(parts) => format!("both {:?}", all(parts)),
        Kind::Except(most, less) => {
            let (most, less) = (selector(sources, most), selector(sources, less));
            format!("{most:?} without {less:?}")
        }
    }
}

const LONG: &str = "@somebody-with-a-name-that-is-longer-than-most:long.example.org";

fn atoms() -> impl Strategy<Value = Words> {
    const ATOMS: &[&str] = &[
        "@a",
        "@ann:example.org",
        LONG,
        "all",
        "all users",
        "everyone",
        "\"@we, # (ird\"",
        "local users",
        "remote users",
        "group staff",
        "users on a.org",
        "users on ( a.org , *.b.org )",
        "users on ( a.org and b.org , and c.org , )",
        "users on ( x# , /a and b/c , )",
        "room members of #irc",
        "members of !room:example.org",
        "members of ( !a , #irc# )",
        "members of ( !a and #irc# , )",
        "members of ( !a and #irc# )",
        "members of ( # )",
        "members of ( ##linux:libera.chat , #c#:x.org , )",
        "users on ( \u{a0} , a.org\u{3000} )",
        "@zo\u{eb}-\u{1f600}",
    ];
    let regex = vec!["users", "matching", r"/@(a|b) # , ( \/ .*:x/"];
    prop_oneof![
        8 => select(ATOMS).prop_map(split),
        1 => Just(regex),
    ]
}

/// Words that hold a blank in quotes are kept whole.
fn split(text: &'static str) -> Words {
    if text.starts_with('"') {
        return vec![text];
    }
    text.split(' ').collect()
}

fn joined(parts: Vec<Words>, by: &[&'static str]) -> Words {
    let mut parts = parts.into_iter();
    let mut words = parts.next().unwrap_or_default();
    for part in parts {
        words.extend(by);
        words.extend(part);
    }
    words
}

fn users() -> BoxedStrategy<Words> {
    let joiners = select(&[", ", ",", "and", ", and"][..]);
    atoms()
        .prop_recursive(4, 24, 5, move |inner| {
            let several = prop::collection::vec(inner.clone(), 2..6);
            let pair = (inner.clone(), inner.clone()).boxed();
            prop_oneof![
                3 => (several, joiners.clone()).prop_map(|(parts, by)| {
                    let by: Words = by.split_whitespace().collect();
                    joined(parts, &by)
                }),
                2 => (inner.clone(), any::<bool>()).prop_map(|(mut words, comma)| {
                    words.insert(0, "(");
                    words.extend(comma.then_some(","));
                    words.push(")");
                    words
                }),
                1 => pair.clone().prop_map(|(a, b)| joined(vec![a, b], &["except"])),
                1 => pair.prop_map(|(a, b)| joined(vec![a, b], &["who", "are"])),
            ]
        })
        .boxed()
}

fn statements() -> impl Strategy<Value = Words> {
    let names = select(&["staff", "x#", "a-long-name", "y"][..]);
    let pair = (users(), users()).boxed();
    let after = |first, users| joined(vec![vec![first], users], &[]);
    prop_oneof![
        1 => Just(vec!["server", "example.org"]),
        1 => names.clone().prop_map(|name| vec!["group", name, "from", "\"a # b.yaml\""]),
        3 => (names, users()).prop_map(|(name, all)| joined(vec![vec!["group", name], all], &["="])),
        2 => pair.clone().prop_map(move |(a, b)| joined(vec![after("send", a), b], &["to"])),
        2 => pair.clone().prop_map(|(a, b)| joined(vec![a, b], &["see"])),
        1 => users().prop_map(|a| joined(vec![a, vec!["each", "other"]], &["sees"])),
        1 => users().prop_map(move |a| after("block", a)),
        1 => pair.prop_map(move |(a, b)| joined(vec![after("block", a), b], &["from"])),
    ]
}

/// What stands between two words; line ends only where the layout allows them.
fn gap(before: &str, next: &str, depth: usize, dice: usize) -> &'static str {
    let joins = depth > 0 || [",", "and", "except"].contains(&before);
    let goes_on = ["to", "from", "see", "sees", "who", "and", "except"].contains(&next);
    let mark = |word: &str| ["(", ")", ",", "="].contains(&word) || word.starts_with('"');
    // A `#` by itself is a word only if something follows at once.
    if before == "#" {
        return "";
    }
    match dice {
        0 if mark(before) || mark(next) => "",
        1 => "  ",
        2 => "\t",
        3 if joins || goes_on => "\n",
        4 if joins || goes_on => "\r\n\n  ",
        5 if joins || goes_on => " # why, (\n",
        6 if (joins || goes_on) && mark(before) => "# x \t\r\n    # y\n\n\t",
        7 if joins || goes_on => "\n\n\n  # z\n",
        8 if goes_on && !joins => "\n### nothing\n",
        9 if joins || goes_on => "     ##\n          # below\n",
        _ => " ",
    }
}

fn laid_out(words: &[&'static str], dice: &[usize]) -> String {
    let mut text = String::new();
    let mut depth = 0_usize;
    for (at, word) in words.iter().enumerate() {
        if at > 0 {
            let dice = dice[at % dice.len()];
            text.push_str(gap(words[at - 1], word, depth, dice));
        }
        text.push_str(word);
        match *word {
            "(" => depth += 1,
            ")" => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    text
}

const ENDS: [&str; 10] = [
    "\n",
    "\n\n",
    "  \r\n",
    " # end\n",
    "     # end\n     # more\n",
    "\n\n\n\n#\n",
    "\n#!nothing\n\n",
    "# end \n# zo\u{eb}\n",
    "\t## tab\n  ",
    " # a long comment that has more to say than most of the others have\n",
];

fn texts() -> impl Strategy<Value = String> {
    let dice = prop::collection::vec(0..24_usize, 1..40);
    let one = (statements(), dice, select(&ENDS[..]), 0..12_usize);
    let all = prop::collection::vec(one, 0..7);
    (all, 0..6_u8).prop_map(|(all, form)| {
        let mut text = String::new();
        for (words, dice, end, blanks) in all {
            text.push_str(&laid_out(&words, &dice));
            text.push_str(&" ".repeat(if end.starts_with(' ') { blanks } else { 0 }));
            text.push_str(end);
        }
        match form {
            0 => format!("\u{feff}{text}"),
            1 => text.replace("\r\n", "\n").replace('\n', "\r\n"),
            2 => text.trim_end_matches('\n').to_owned(),
            3 => format!("{text}# last\r"),
            _ => text,
        }
    })
}

fn fixed(text: &str) -> String {
    let fixed = |c: &char| !c.is_whitespace() && *c != ',' && *c != '\u{feff}';
    text.chars().filter(fixed).collect()
}

/// All that holds for a text and what is printed of it.
fn holds(text: &str) -> Result<bool, TestCaseError> {
    let Some(before) = read(text) else {
        prop_assert!(format("x", text).is_err());
        return Ok(false);
    };
    let printed = format("x", text).map_err(|report| TestCaseError::fail(report.to_string()))?;
    prop_assert_eq!(Some(before), read(&printed), "printed:\n{}", printed);
    prop_assert_eq!(fixed(text), fixed(&printed));
    let again = format("x", &printed).map_err(|report| TestCaseError::fail(report.to_string()))?;
    prop_assert_eq!(&printed, &again, "of {:?}", text);
    prop_assert!(!printed.starts_with('\n') && !printed.ends_with("\n\n"));
    prop_assert!(printed.is_empty() || printed.ends_with('\n'));
    prop_assert!(
        !printed.contains("\n\n\n") && !printed.contains(" \n"),
        "{}",
        printed
    );
    Ok(true)
}

#[test]
fn what_is_printed_is_read_the_same_and_printed_as_it_is() {
    let config = Config {
        failure_persistence: None,
        ..Config::with_cases(1_500)
    };
    let (read, all) = (Cell::new(0), Cell::new(0));
    TestRunner::new(config)
        .run(&texts(), |text| {
            all.set(all.get() + 1);
            read.set(read.get() + usize::from(holds(&text)?));
            Ok(())
        })
        .unwrap_or_else(|error| panic!("{error}"));
    // `A who are B and C` has two readings and is refused; the rest is right.
    assert!(
        read.get() * 2 > all.get(),
        "{} of {}",
        read.get(),
        all.get()
    );
}

#[test]
fn words_in_any_order_are_printed_or_refused() {
    const SOUP: &[&str] = &[
        "send", "block", "group", "x", "=", "to", "see", "from", "except", "and", "who", "are",
        "@a", "@b#", "#c", "#", "##", "#c#", "(", ")", ",", "\"@q\"", "\"", "/r/", "/", "users",
        "on", "matching", "all", "members", "of", "\n", "\n", " ", " ", " ", "\t", "\r", "\r\n",
        "# c", "\u{a0}", "\u{feff}",
    ];
    let soup = prop::collection::vec(select(SOUP), 0..14);
    const STARTS: &[&str] = &["block ", "send all to ", "@a see (", "group x = "];
    let config = Config {
        failure_persistence: None,
        ..Config::with_cases(5_000)
    };
    let read = Cell::new(0);
    TestRunner::new(config)
        .run(&(select(STARTS), soup), |(start, soup)| {
            let text = format!("{start}{}", soup.concat());
            read.set(read.get() + usize::from(holds(&text)?));
            Ok(())
        })
        .unwrap_or_else(|error| panic!("{error}"));
    assert!(read.get() > 20, "{} were right", read.get());
}

#[test]
fn what_was_once_wrong_stays_right() {
    let texts = [
        "group staff from \"a\"\ngroup y=(all users,users matching /@(a|b) # , ( \\/ .*:x/,\
         users matching /@(a|b) # , ( \\/ .*:x/)\n",
        "block @b#\u{a0}#",
        "group #=@a",
        "block members of (#)",
        "block @b# , @c##d",
    ];
    for text in texts {
        let held = holds(text).unwrap_or_else(|error| panic!("{error}"));
        assert!(held, "{text:?} is refused");
    }
}
