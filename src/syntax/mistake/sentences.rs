//! Whole statements in words that the language does not have: `allow @ann to see @bob`.
//!
//! Law: senders and recipients are those that the words say, however they are turned round.

use super::meant::Candidate;
use super::words::words;

/// Words that begin a rule which lets presence through.
pub(super) const ALLOW: &str = "allow permit grant let route share show forward";

/// Words that begin a rule which holds presence back.
pub(super) const BLOCK: &str = "deny forbid reject hide disallow prevent stop drop ban refuse mute \
                                ignore silence suppress conceal withhold blacklist blocklist denylist \
                                prohibit shun quarantine";

/// The keyword that a word of another language stands for at a statement's start.
pub(super) fn first_keyword(word: &str) -> Option<&'static str> {
    let word = word.to_lowercase();
    if is_in(ALLOW, &word) {
        Some("send")
    } else if is_in(BLOCK, &word) {
        Some("block")
    } else {
        None
    }
}

fn is_in(list: &str, word: &str) -> bool {
    list.split(' ').any(|known| known == word)
}

/// Other ways to write the whole statement.
pub(super) fn sentences(text: &str) -> Vec<Candidate> {
    let words = words(text);
    let plain: Vec<String> = words.iter().map(|(_, word)| word.to_lowercase()).collect();
    let plain: Vec<&str> = plain.iter().map(String::as_str).collect();
    let sentence = Sentence { text, words };
    let first = plain.first().copied().unwrap_or_default();
    let mut found = Vec::new();
    let mut say = |text: String, note: &'static str| {
        let changes = vec![(0, sentence.text.len(), text)];
        found.push(Candidate {
            note,
            ..Candidate::maybe(changes)
        });
    };
    let blocks = is_in(BLOCK, first) || first == "block";
    let allows = is_in(ALLOW, first) || first == "send";
    // allow A to see B, prevent A from seeing B, block A sees B
    if let Some((verb, len)) = verbs(&plain) {
        let (a, b) = (sentence.part(1, verb), sentence.from(verb + len));
        if blocks {
            say(format!("block {b} from {a}"), "");
        } else if first == "send" {
            say(see(&a, &b), "if the first receive the second");
            say(
                format!("send {a} to {b}"),
                "if the second receive the first",
            );
        } else if allows {
            say(see(&a, &b), "");
        }
    }
    let at = |word: &str| plain.iter().position(|other| *other == word);
    if let Some(to) = at("to").filter(|_| blocks) {
        let (a, b) = (sentence.part(1, to), sentence.from(to + 1));
        say(format!("block {a} from {b}"), "");
    }
    if let Some(from) = at("from").filter(|_| first == "send") {
        let (a, b) = (sentence.part(1, from), sentence.from(from + 1));
        say(
            format!("send {b} to {a}"),
            "if the first receive the second",
        );
        say(
            format!("send {a} to {b}"),
            "if the second receive the first",
        );
    }
    // never send A to B
    if let Some(send) = dont(&plain)
        && let Some(to) = at("to")
    {
        let (a, b) = (sentence.part(send, to), sentence.from(to + 1));
        say(format!("block {a} from {b}"), "");
    }
    // nobody sees A
    if let Some(verb) = nobody(&plain).filter(|_| at("except").is_none()) {
        say(format!("block {}", sentence.from(verb + 1)), "");
    }
    // from A to B, send from A to B, to B send A, A to B
    match (first, at("to"), at("send")) {
        ("from", Some(to), None) => {
            let (a, b) = (sentence.part(1, to), sentence.from(to + 1));
            say(format!("send {a} to {b}"), "");
        }
        ("send", Some(to), _) if plain.get(1) == Some(&"from") => {
            let (a, b) = (sentence.part(2, to), sentence.from(to + 1));
            say(format!("send {a} to {b}"), "");
        }
        ("to", _, Some(send)) => {
            let (b, a) = (sentence.part(1, send), sentence.from(send + 1));
            say(format!("send {a} to {b}"), "");
        }
        (_, Some(to), None) if to > 0 && !blocks && !allows && first != "group" => {
            say(format!("send {text}"), "");
        }
        _ => {}
    }
    // block from A B
    if plain.starts_with(&["block", "from"]) {
        for split in 3..plain.len().min(12) {
            let (a, b) = (sentence.part(2, split), sentence.from(split));
            say(format!("block {b} from {a}"), "");
        }
    }
    // group staff = file("staff.yaml")
    if let Some((name, path)) = group_file(&sentence.words) {
        say(format!("group {name} from {path}"), "");
    }
    // A cannot see B
    if let Some((verb, len)) = refusals(&plain) {
        let (a, b) = (sentence.part(0, verb), sentence.from(verb + len));
        say(format!("block {b} from {a}"), "");
    }
    for (at, arrow) in plain.iter().enumerate() {
        let (a, b) = (sentence.part(0, at), sentence.from(at + 1));
        match *arrow {
            "->" | "=>" | "-->" | "\u{2192}" if !allows => say(format!("send {a} to {b}"), ""),
            "<-" | "<=" | "<--" | "\u{2190}" => say(format!("send {b} to {a}"), ""),
            "<->" | "<=>" | "<-->" | "\u{2194}" => say(format!("{a}, {b} see each other"), ""),
            _ => {}
        }
    }
    // send to A B
    if plain.starts_with(&["send", "to"]) {
        for split in 3..plain.len().min(12) {
            let (a, b) = (sentence.part(2, split), sentence.from(split));
            say(format!("send {b} to {a}"), "");
        }
    }
    // A sees B sees C
    let sees: Vec<usize> = (0..plain.len())
        .filter(|at| matches!(plain.get(*at), Some(&("see" | "sees"))))
        .collect();
    if let [first, second] = sees[..] {
        let (a, b) = (sentence.part(0, first), sentence.part(first + 1, second));
        let (verb, c) = (sentence.part(second, second + 1), sentence.from(second + 1));
        let one = format!("{a} {} {b}", sentence.part(first, first + 1));
        say(format!("{one}\n{b} {verb} {c}"), "");
    }
    found
}

fn see(recipients: &str, senders: &str) -> String {
    let one = recipients.starts_with('@') && !recipients.contains([' ', '*', '?']);
    let verb = if one { "sees" } else { "see" };
    format!("{recipients} {verb} {senders}")
}

/// Where `to see`, `from seeing` and the like stand, and of how many words they are.
fn verbs(plain: &[&str]) -> Option<(usize, usize)> {
    let long: [&[&str]; 5] = [
        &["to", "see"],
        &["to", "receive"],
        &["from", "seeing"],
        &["from", "receiving"],
        &["to", "watch"],
    ];
    let short: [&[&str]; 4] = [&["see"], &["sees"], &["seeing"], &["receive"]];
    find(plain, &long).or_else(|| find(plain, &short))
}

fn refusals(plain: &[&str]) -> Option<(usize, usize)> {
    let long: [&[&str]; 12] = [
        &["does", "not", "see"],
        &["do", "not", "see"],
        &["can", "not", "see"],
        &["may", "not", "see"],
        &["must", "not", "see"],
        &["should", "not", "see"],
        &["cannot", "see"],
        &["can't", "see"],
        &["don't", "see"],
        &["doesn't", "see"],
        &["never", "see"],
        &["never", "sees"],
    ];
    find(plain, &long)
}

/// The word behind `never send`.
fn dont(plain: &[&str]) -> Option<usize> {
    let phrases: [&[&str]; 5] = [
        &["never", "send"],
        &["don't", "send"],
        &["dont", "send"],
        &["do", "not", "send"],
        &["not", "send"],
    ];
    let phrase = phrases.iter().find(|phrase| plain.starts_with(phrase))?;
    Some(phrase.len())
}

/// The verb of `nobody sees`.
fn nobody(plain: &[&str]) -> Option<usize> {
    let nobody: [&[&str]; 4] = [&["nobody"], &["no", "one"], &["no-one"], &["noone"]];
    let verb = nobody.iter().find(|words| plain.starts_with(words))?.len();
    let verbs = ["see", "sees", "receives", "gets"];
    plain
        .get(verb)
        .is_some_and(|word| verbs.contains(word))
        .then_some(verb)
}

/// The name and the path of `group NAME = "FILE"` with any words between them.
fn group_file<'a>(words: &[(usize, &'a str)]) -> Option<(&'a str, &'a str)> {
    let [(_, "group"), (_, name), rest @ ..] = words else {
        return None;
    };
    let mut paths = rest.iter().filter(|(_, word)| word.starts_with('"'));
    let (_, path) = paths.next()?;
    let yaml = path.ends_with(".yaml\"") || path.ends_with(".yml\"");
    let one = paths.next().is_none() && rest.len() > 1;
    (yaml && one).then_some((name.trim_end_matches(':'), path))
}

fn find(plain: &[&str], phrases: &[&[&str]]) -> Option<(usize, usize)> {
    phrases.iter().find_map(|phrase| {
        let mut windows = plain.windows(phrase.len());
        windows
            .position(|words| words == *phrase)
            .map(|at| (at, phrase.len()))
    })
}

struct Sentence<'a> {
    text: &'a str,
    words: Vec<(usize, &'a str)>,
}

impl Sentence<'_> {
    /// The text from one word up to another, as it is written.
    fn part(&self, from: usize, to: usize) -> String {
        let start = |word: usize| self.words.get(word).map_or(self.text.len(), |(at, _)| *at);
        let part = self.text.get(start(from)..start(to)).unwrap_or_default();
        part.trim().to_owned()
    }

    fn from(&self, word: usize) -> String {
        self.part(word, self.words.len())
    }
}
