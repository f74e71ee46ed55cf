//! The languages against the matchers they are made of, and against `UserId::parse`.

use super::*;
use crate::id::UserId;
use crate::policy::Pattern;

fn end_of(language: &Language, text: &str) -> End {
    let step = |state, byte| language.next(state, language.column(byte));
    language.end(text.bytes().fold(0, step))
}

/// Numbers that look like chance.
struct Chance(u64);

impl Chance {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % n
    }

    fn text(&mut self) -> String {
        const SEEDS: &[&str] = &[
            "@a:b",
            "@:1.2.3.4",
            "@a:255.256.0.1",
            "@a:1.2.3:80",
            "@ä:h.org:65535",
            "@a:h:065536",
            "@a:[::1]:8448",
            "@a:[1:2:3:4:5:6:7:8]",
            "@a:[1:2:3:4:5:6:1.2.3.4]",
            "@a:[::ffff:1.2.3.4]",
            "@a:[1::7:8]",
            "@a:[1:2:3:4:5:6:7::]",
            "@a b\n:x-y.z",
            "@a:0.00.0.0",
            "@a:1.2.3.4.5",
            "@a:[1::1.2.3.4:5]",
            "@a:[::1:2:3:4:5:6:7]",
            "@a:[::1:2:3:4:5:1.2.3.4]",
            "@a:[1:2:3:4:5::1.2.3.4]",
        ];
        const LETTERS: &[&str] = &[
            "", "", "", "a", "F", "g", "0", "1", "2", "5", "6", "9", ".", ":", "::", "[", "]", "-",
            "_", "@", "ä", "\0", "\n", " ",
        ];
        let mut letters: Vec<char> = SEEDS[self.below(SEEDS.len())].chars().collect();
        for _ in 0..self.below(4) {
            let at = self.below(letters.len() + 1);
            let until = (at + self.below(2)).min(letters.len());
            letters.splice(at..until, LETTERS[self.below(LETTERS.len())].chars());
        }
        letters.into_iter().collect()
    }
}

#[test]
fn the_language_of_user_ids_is_what_id_accepts() {
    let mut chance = Chance(1);
    let mut good = 0;
    for _ in 0..60_000 {
        let text = chance.text();
        let accepted = UserId::parse(&text).is_ok();
        let end = if accepted { End::In } else { End::Out };
        assert_eq!(end_of(Language::user_ids(), &text), end, "{text:?}");
        good += u32::from(accepted);
    }
    assert!((10_000..50_000).contains(&good), "{good}");
}

#[test]
fn patterns_are_what_their_matchers_match() {
    let regexes = [
        "@a.*",
        ".*",
        "(?s).*",
        "(?i)@A:B",
        "(?x) @a:b # the one",
        "@[^:]*:b|@a:.*",
        r"@\w+:.*",
        r"(?-u:\b)@?a.*",
        "(?m)^@a:b$.*",
        "ann",
        "",
        "@(a|ab)(b|):.*",
        "(?R)@a:b.*$",
        r"\p{L}.*|@\p{L}:.*",
        "@.{1,3}:[a-z.]+",
    ];
    let globs = [
        "@a*:b",
        "@?:*",
        "@*?*:*.?",
        "@ä*:*",
        "@*:1.?.3.*",
        "@a:b",
        "@*b\n:x*y.z",
    ];
    let mut chance = Chance(2);
    let texts: Vec<String> = (0..4_000).map(|_| chance.text()).collect();
    let texts: Vec<&String> = texts.iter().filter(|t| UserId::parse(t).is_ok()).collect();
    assert!(texts.len() > 1_000);
    let (mut within, mut without) = (0, 0);
    for regex in regexes {
        let (language, pattern) = (Language::matching(regex), Pattern::new(regex).unwrap());
        for text in &texts {
            let end = if pattern.matches(text) {
                End::In
            } else {
                End::Out
            };
            assert_eq!(end_of(&language, text), end, "{regex} {text:?}");
            if end == End::In {
                within += 1
            } else {
                without += 1
            }
        }
    }
    for glob in globs {
        let pieces = |text: &str| {
            Glob::new(text.chars().map(|c| match c {
                '*' => Piece::Run,
                '?' => Piece::One,
                c => Piece::Char(c),
            }))
        };
        let (name, server) = glob.split_once(':').unwrap();
        let language = Language::glob(Some(&pieces(name)), &pieces(server));
        for text in &texts {
            let end = if pieces(glob).matches_user(text) {
                End::In
            } else {
                End::Out
            };
            assert_eq!(end_of(&language, text), end, "{glob} {text:?}");
            if end == End::In {
                within += 1
            } else {
                without += 1
            }
        }
    }
    assert!(within > 5_000 && without > 5_000, "{within} {without}");
    let users = Language::listed(["@a:b", "@a:bc", "@ä:b"].into_iter(), false);
    let servers = Language::listed(["b", "[::1]:8448"].into_iter(), true);
    for text in [
        "@a:b",
        "@a:bc",
        "@a:bcd",
        "@ä:b",
        "@",
        "@ä:[::1]:8448",
        "@:b",
        "@a:",
        "b",
    ] {
        let listed = ["@a:b", "@a:bc", "@ä:b"].contains(&text);
        assert_eq!(end_of(&users, text) == End::In, listed, "{text}");
        let server = text.split_once(':').map(|(_, server)| server);
        let on = server.is_some_and(|server| ["b", "[::1]:8448"].contains(&server));
        assert_eq!(end_of(&servers, text) == End::In, on, "{text}");
    }
}

#[test]
fn what_a_table_cannot_say_is_open() {
    let words = Language::matching(r"@\bann\b.*");
    assert_eq!(end_of(&words, "@ann:b"), End::In);
    assert_eq!(end_of(&words, "@anna:b"), End::Out);
    assert_eq!(end_of(&words, "@annä:b"), End::Open);
    let long = Language::matching("@.{253}:.+");
    assert_eq!(end_of(&long, "@ann:b"), End::Out);
    let large = Language::matching(r"@.*a.{200}:b");
    assert_eq!(end_of(&large, "@ann:b"), End::Open);
}
