//! Whatever a help says to write is safe to write: random mistakes in random statements, of which the
//! meaning is known, and each proposal put where the statement was.
//!
//! A proposal names only what the text names, says `all` only where the text does, is a `block` where
//! the text denies and only there; what the mistake did not change, it gives and hides like the
//! statement before the mistake; and a denial that was put in is never left out again.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::BTreeSet;

use presence_router::diagnostic::{Diagnostic, Report};
use presence_router::directory::Directory;
use presence_router::id::ServerName;
use presence_router::router::{Inline, Origin, Router};

const STATEMENTS: usize = 1_500;

const USERS: [&str; 6] = [
    "@ann:example.org",
    "@bob:example.org",
    "@carol:example.org",
    "@dave:example.org",
    "@erin:example.org",
    "@zed:remote.org",
];

const DIRECTORY: &str = "
server_name: example.org
users: ['@ann:example.org', '@bob:example.org', '@carol:example.org', '@dave:example.org',
        '@erin:example.org', '@zed:remote.org']
rooms:
  '!ops:example.org': {aliases: ['#ops:example.org'], members: ['@ann:example.org', '@zed:remote.org']}
  '!dev:example.org': {aliases: ['#dev:example.org'], members: ['@bob:example.org']}
";

const GROUP: &str = "group staff = @erin, @dave";

const NEGATIONS: &[&str] = &[
    "not", "!", "no", "never", "nothing", "nobody", "none", "without", "except", "but", "unless",
    "neither", "minus", "-", "hide", "deny", "mute", "cannot", "don't",
];

const UNKNOWN: &[&str] = &[
    "foo",
    "external",
    "federated",
    "guest",
    "only",
    "if",
    "online",
    "tonight",
    "when",
    "possibly",
    "5",
    "<>",
    "other",
    "trusted",
    "bar2",
];

const GRANTS: &[&str] = &[
    "allow", "permit", "share", "Send", "SEND", "sedn", "snd", "forward",
];

const DENIALS: &[&str] = &[
    "mute", "ban", "hide", "deny", "ignore", "silence", "Block", "blokc", "reject",
];

/// Pseudo-random numbers, the same in every run.
struct Chance(u64);

impl Chance {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % n
    }

    fn of<'a>(&mut self, list: &[&'a str]) -> &'a str {
        list[self.below(list.len())]
    }
}

fn atom(chance: &mut Chance) -> String {
    let atoms = [
        "@ann",
        "@bob",
        "@carol",
        "@zed:remote.org",
        "@ann",
        "@bob",
        "group staff",
        "members of #ops",
        "members of #dev",
        "members of (#ops, #dev)",
        "local users",
        "remote users",
        "users on remote.org",
        "all",
        "everyone",
        "@d*",
        "users matching /@c.*/",
    ];
    chance.of(&atoms).to_owned()
}

fn selector(chance: &mut Chance) -> String {
    let mut text = atom(chance);
    while chance.below(3) == 0 {
        let joint = [", ", " and "][chance.below(2)];
        text = format!("{text}{joint}{}", atom(chance));
    }
    if chance.below(4) == 0 {
        text = format!("{text} except {}", atom(chance));
    }
    text
}

fn statement(chance: &mut Chance) -> String {
    let (a, b) = (selector(chance), selector(chance));
    match chance.below(6) {
        0 | 1 => format!("send {a} to {b}"),
        2 => format!("{a} see {b}"),
        3 => format!("{a} see each other"),
        4 => format!("block {a}"),
        _ => format!("block {a} from {b}"),
    }
}

/// What a mistake leaves of what a statement says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mistake {
    /// It is meant as before.
    Spelling,
    /// A denial was put in.
    Denial,
    /// Something else is meant, and nobody knows what.
    Unknown,
}

/// A statement with a mistake in it.
fn mistaken(chance: &mut Chance, statement: &str) -> (String, Mistake) {
    let mut words: Vec<String> = statement.split(' ').map(str::to_owned).collect();
    let at = chance.below(words.len());
    let mistake = match chance.below(9) {
        0 | 1 => {
            words.insert(at, chance.of(NEGATIONS).to_owned());
            Mistake::Denial
        }
        2 => {
            words[at].insert_str(0, ["!", "-", "not ", "non-"][chance.below(4)]);
            Mistake::Denial
        }
        3 => {
            words.insert(at, chance.of(UNKNOWN).to_owned());
            Mistake::Unknown
        }
        4 => {
            words.remove(at);
            Mistake::Unknown
        }
        5 if at > 0 => {
            words.swap(at - 1, at);
            Mistake::Unknown
        }
        6 => {
            let joint = words
                .iter()
                .position(|word| word == "and")
                .unwrap_or(usize::MAX);
            match words.get_mut(joint) {
                Some(word) => *word = ["or", "&", "plus", "|"][chance.below(4)].into(),
                None => words[at].push(';'),
            }
            Mistake::Spelling
        }
        7 => {
            let first = words[0].clone();
            match first.as_str() {
                "send" => words[0] = chance.of(GRANTS).into(),
                "block" => words[0] = chance.of(DENIALS).into(),
                _ => words[at].push(','),
            }
            Mistake::Spelling
        }
        _ => {
            // A keyword with a letter less, or with two in another order.
            let keyword = words[at].bytes().all(|b| b.is_ascii_lowercase()) && words[at].len() > 2;
            if keyword && words[at] != "staff" {
                let letter = chance.below(words[at].len() - 1);
                let gone = words[at].remove(letter);
                if chance.below(2) == 0 {
                    words[at].insert(letter + 1, gone);
                }
            }
            Mistake::Spelling
        }
    };
    (words.join(" "), mistake)
}

fn load(statement: &str, open: bool) -> Result<Router, Report> {
    let text = match open {
        true => format!("{GROUP}\nsend all to everyone\n{statement}\n"),
        false => format!("{GROUP}\n{statement}\n"),
    };
    Router::load(Origin {
        path: None,
        inline: vec![Inline {
            name: "inline".into(),
            text,
        }],
        homeserver: Some(ServerName::parse("example.org").unwrap()),
    })
}

/// Who receives whom under a statement alone, or under one where else everybody receives everybody.
fn pairs(statement: &str, open: bool, directory: &Directory) -> Option<BTreeSet<(usize, usize)>> {
    let router = load(statement, open).ok()?;
    let snapshot = router.snapshot();
    let all = (0..USERS.len()).flat_map(|s| (0..USERS.len()).map(move |r| (s, r)));
    Some(
        all.filter(|(s, r)| snapshot.sees(directory, USERS[*s], USERS[*r]))
            .collect(),
    )
}

/// What a help says to write: statements, several where they stand on lines of their own.
fn proposals(problem: &Diagnostic, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (at, write) in problem.help.match_indices("write `") {
        let mut rest = &problem.help[at + write.len()..];
        while let Some((piece, after)) = rest.split_once('`') {
            let mut whole = piece.to_owned();
            rest = after;
            while let Some((next, after)) =
                rest.strip_prefix(" and `").and_then(|r| r.split_once('`'))
            {
                whole = format!("{whole}\n{next}");
                rest = after;
            }
            let (start, end) = (problem.span.start as usize, problem.span.end as usize);
            let begins = ["send ", "block ", "group ", "server "]
                .iter()
                .any(|verb| whole.starts_with(verb));
            let line = begins || whole.contains(" see");
            found.push(match line {
                true => whole,
                false => {
                    let line_start = text[..start].rfind('\n').map_or(0, |at| at + 1);
                    let line_end = text[end..].find('\n').map_or(text.len(), |at| end + at);
                    let blank = if start == end { " " } else { "" };
                    let (before, after) = (&text[line_start..start], &text[end..line_end]);
                    format!("{before}{blank}{whole}{after}")
                }
            });
            match rest.find(", or `") {
                Some(next) => rest = &rest[next + ", or `".len()..],
                None => break,
            }
        }
    }
    found
}

/// The names in a text: users, rooms, servers, regexes and groups.
fn names(text: &str) -> BTreeSet<String> {
    let marks = |c: char| " ,()\"'\n;!-".contains(c);
    let words = text.split(marks).filter(|word| word.len() > 1);
    let named = |word: &&str| word.contains(['@', '#', '.', '/']) || *word == "staff";
    words
        .filter(named)
        .map(|word| word.to_lowercase())
        .collect()
}

fn everyone(text: &str) -> usize {
    let words = text.split([' ', ',', '(', ')', '\n']);
    words
        .filter(|word| ["all", "everyone"].contains(word))
        .count()
}

/// What is wrong with a proposal; nothing if it is safe.
fn wrong(
    statement: &str,
    written: &str,
    mistake: Mistake,
    proposal: &str,
    directory: &Directory,
) -> Option<&'static str> {
    if !names(proposal).is_subset(&names(written)) {
        return Some("names somebody new");
    }
    // A misspelt `all` is one.
    if everyone(proposal) > everyone(statement) {
        return Some("says `all`");
    }
    let blocks = statement.starts_with("block ");
    let denies = proposal.lines().all(|line| line.starts_with("block "));
    let negated = mistake == Mistake::Denial;
    if blocks && !denies || denies && !blocks && !negated {
        return Some("is of the other kind");
    }
    let Some(after) = pairs(proposal, denies, directory) else {
        return Some("does not load");
    };
    let before = pairs(statement, blocks, directory).unwrap();
    let nothing = pairs("", blocks, directory).unwrap();
    match mistake {
        Mistake::Spelling if after != before => Some("gives or hides others"),
        Mistake::Denial if denies == blocks && after == before && before != nothing => {
            // `local` turned into `remote`, or `except` put where nobody is left out.
            let kept = ["except", "remote", "local"]
                .iter()
                .any(|word| proposal.matches(word).count() != statement.matches(word).count());
            (!kept).then_some("leaves the denial out")
        }
        Mistake::Denial if !denies && !after.is_subset(&before) => {
            let opposite = proposal.contains("remote") || proposal.contains("local");
            (!opposite).then_some("gives more than was given before the denial")
        }
        Mistake::Unknown
            if !blocks && mistake_is_a_word(statement, written) && !after.is_subset(&before) =>
        {
            Some("gives more than without the unknown word")
        }
        _ => None,
    }
}

/// Whether the written text is the statement with a word more.
fn mistake_is_a_word(statement: &str, written: &str) -> bool {
    written.split(' ').count() > statement.split(' ').count()
}

#[test]
fn what_a_help_says_to_write_is_safe() {
    let directory = Directory::from_yaml("directory.yaml", DIRECTORY).unwrap();
    let mut chance = Chance(11);
    let (mut wrongs, mut shown) = (Vec::new(), [0; 3]);
    for _ in 0..STATEMENTS {
        let statement = statement(&mut chance);
        let (written, mistake) = mistaken(&mut chance, &statement);
        let Err(report) = load(&written, false) else {
            continue;
        };
        // A `-` at the start of a line begins an entry of a list, in every language that has some.
        if written.starts_with("- ") {
            continue;
        }
        for problem in report.problems() {
            let text = report.sources().text(presence_router::source::Span {
                start: 0,
                end: u32::MAX,
                ..problem.span
            });
            let text = match text.is_empty() {
                true => report.sources().get(problem.span.source).unwrap().text(),
                false => text,
            };
            for proposal in proposals(problem, text) {
                shown[mistake as usize] += 1;
                if let Some(why) = wrong(&statement, &written, mistake, &proposal, &directory) {
                    wrongs.push(format!("{why}: {statement} -> {written} -> {proposal}"));
                }
            }
        }
        for fixed in report.fixed() {
            let line = fixed.after.strip_prefix(GROUP).unwrap().trim();
            if let Some(why) = wrong(&statement, &written, mistake, line, &directory) {
                wrongs.push(format!("fix {why}: {statement} -> {written} -> {line}"));
            }
        }
    }
    assert!(
        wrongs.is_empty(),
        "{} wrong:\n{}",
        wrongs.len(),
        wrongs.join("\n")
    );
    // Help is still given: where nothing but the spelling is wrong most of all.
    assert!(shown[0] > 150 && shown[1] > 5 && shown[2] > 30, "{shown:?}");
}
