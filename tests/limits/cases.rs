//! The cases: what is written, what must be said of it, and how much memory it may take.

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::Command;

use presence_router::policy::{MAX_REGEXES_BYTES, Pattern};
use presence_router::router::{Inline, Origin, Router};
use presence_router::{MAX_FILE_BYTES, MAX_POLICY_BYTES};

pub struct Case {
    pub name: &'static str,
    /// Writes the files of a policy folder, `main.policy` among them.
    pub write: Box<dyn Fn(&Path)>,
    pub wanted: Wanted,
    /// The most memory the command line may take, in MiB.
    pub mib: f64,
}

pub enum Wanted {
    /// It loads; there may be warnings.
    Good,
    /// It loads with this warning alone.
    Warned(Place),
    /// It does not load: the number of problems and the first one.
    Bad(usize, Place),
}

/// A problem and its place.
#[derive(Debug, PartialEq, Eq)]
pub struct Place {
    pub name: String,
    pub file: String,
    pub line: u64,
    pub column: u64,
}

impl Place {
    pub fn read(json: &str) -> Place {
        let value: serde_json::Value = serde_json::from_str(json).unwrap();
        let text = |key: &str| value[key].as_str().unwrap().to_owned();
        let number = |key: &str| value[key].as_u64().unwrap();
        Place {
            name: text("name"),
            file: text("file"),
            line: number("line"),
            column: number("column"),
        }
    }
}

fn place(name: &str, file: &str, line: u64, column: u64) -> Place {
    Place {
        name: name.into(),
        file: file.into(),
        line,
        column,
    }
}

fn bad(name: &str, line: u64, column: u64) -> Wanted {
    Wanted::Bad(1, place(name, "main.policy", line, column))
}

/// Whether the largest cases run in their full size.
pub fn all() -> bool {
    std::env::var_os("LIMITS").is_some_and(|value| value == "all")
}

/// A full size, or a tenth of it.
fn size(full: usize) -> usize {
    if all() { full } else { full / 10 }
}

fn case(name: &'static str, mib: f64, wanted: Wanted, write: impl Fn(&Path) + 'static) -> Case {
    Case {
        name,
        write: Box::new(write),
        wanted,
        mib,
    }
}

/// One file, `main.policy`.
fn text(name: &'static str, mib: f64, wanted: Wanted, text: impl Into<Vec<u8>>) -> Case {
    let text = text.into();
    case(name, mib, wanted, move |folder| {
        fs::write(folder.join("main.policy"), &text).unwrap();
    })
}

/// A text made only when it is written.
fn made(name: &'static str, mib: f64, wanted: Wanted, make: impl Fn() -> String + 'static) -> Case {
    case(name, mib, wanted, move |folder| {
        fs::write(folder.join("main.policy"), make()).unwrap();
    })
}

/// A policy that uses one group file.
fn group_file(
    name: &'static str,
    mib: f64,
    wanted: Wanted,
    make: impl Fn() -> String + 'static,
) -> Case {
    case(name, mib, wanted, move |folder| {
        fs::write(folder.join("list.yaml"), make()).unwrap();
        let policy = "group list from \"list.yaml\"\nsend group list to @b:x.org\n";
        fs::write(folder.join("main.policy"), policy).unwrap();
    })
}

fn lines(n: usize, line: impl Fn(usize) -> String) -> String {
    (0..n).fold(String::new(), |mut text, at| {
        let _ = writeln!(text, "{}", line(at));
        text
    })
}

fn deep(n: usize) -> String {
    format!("block {}@a:x.org{}\n", "(".repeat(n), ")".repeat(n))
}

/// Nine levels of nine aliases each: a billion texts if they were all made.
pub fn billion_laughs(start: &str) -> String {
    let mut text = format!("{start}  a: &a [\"@a:x.org\"]\n");
    for (name, before) in ('b'..='j').zip('a'..) {
        let aliases = vec![format!("*{before}"); 9].join(", ");
        let _ = writeln!(text, "  {name}: &{name} [{aliases}]");
    }
    text
}

/// Many rooms whose members are one long list.
pub fn squares() -> String {
    let users = vec!["\"@a:x.org\""; 20_000].join(", ");
    let rooms = lines(20_000, |at| format!("  \"!r{at}\": {{members: *all}}"));
    format!("users: &all [{users}]\nrooms:\n{rooms}")
}

/// A list in which aliases would make very many texts.
fn laughs_in_a_list() -> String {
    let mut text = String::from("- &a [\"@a:x.org\"]\n");
    for (name, before) in ('b'..='j').zip('a'..) {
        let aliases = vec![format!("*{before}"); 9].join(", ");
        let _ = writeln!(text, "- &{name} [{aliases}]");
    }
    text
}

/// The longest run of `a` whose regex loads: the limit is one of size, not of letters.
fn longest_regex() -> usize {
    let loads = |n: usize| {
        let text = format!("block users matching /a{{{n}}}/\n");
        let inline = vec![Inline {
            name: "a".into(),
            text,
        }];
        Router::load(Origin {
            inline,
            ..Origin::default()
        })
        .is_ok()
    };
    let (mut good, mut wrong) = (1, 1 << 20);
    while wrong - good > 1 {
        let middle = usize::midpoint(good, wrong);
        if loads(middle) {
            good = middle;
        } else {
            wrong = middle;
        }
    }
    good
}

const SMALL: f64 = 64.0;

pub fn small() -> Vec<Case> {
    let ascii = |n: usize| format!("block @{}:x.org\n", "a".repeat(n - 7));
    let wide = |n: usize| format!("block \"@{}a:x.org\"\n", "é".repeat((n - 8) / 2));
    let regex = |text: &str| format!("block users matching /{text}/\n");
    let longest = longest_regex();
    let unreadable = || bad("unreadable-file", 1, 1);
    let mut cases = vec![
        text("parentheses 64 deep", SMALL, Wanted::Good, deep(64)),
        text(
            "parentheses 65 deep",
            SMALL,
            bad("too-large", 1, 7 + 64),
            deep(65),
        ),
        text(
            "parentheses 10,000 deep",
            SMALL,
            bad("too-large", 1, 7 + 64),
            deep(10_000),
        ),
        text(
            "parentheses 100,000 never closed",
            SMALL,
            bad("too-large", 1, 7 + 64),
            format!("block {}", "(".repeat(100_000)),
        ),
        text("a user ID of 255 bytes", SMALL, Wanted::Good, ascii(255)),
        text(
            "a user ID of 256 bytes",
            SMALL,
            bad("invalid-user-id", 1, 7),
            ascii(256),
        ),
        text(
            "a user ID of 254 bytes in é",
            SMALL,
            Wanted::Good,
            wide(254),
        ),
        text(
            "a user ID of 256 bytes in é",
            SMALL,
            bad("invalid-user-id", 1, 7),
            wide(256),
        ),
        text(
            "a regex at the limit",
            SMALL,
            Wanted::Good,
            regex(&format!("a{{{longest}}}")),
        ),
        text(
            "a regex one past the limit",
            SMALL,
            bad("too-large", 1, 22),
            regex(&format!("a{{{}}}", longest + 1)),
        ),
        text(
            "a regex bomb",
            SMALL,
            bad("too-large", 1, 22),
            regex("(?:a{1000}){1000}"),
        ),
        text(
            "nested repetition",
            SMALL,
            bad("too-large", 1, 22),
            regex("(((a{50}){50}){50}){50}"),
        ),
        text(
            "a regex of wide classes",
            SMALL,
            bad("too-large", 1, 22),
            regex(r"\w{500}"),
        ),
        text(
            "a regex written in 64 KiB of classes",
            400.0,
            bad("too-large", 1, 22),
            regex(&r"\w".repeat(32 << 10)),
        ),
        text(
            "a regex written in 1 MiB",
            SMALL,
            bad("too-large", 1, 22),
            regex(&"a".repeat(1 << 20)),
        ),
        text(
            "a regex nested 100,000 deep",
            SMALL,
            bad("too-large", 1, 22),
            regex(&"(".repeat(100_000)),
        ),
        text(
            "a regex nested 300 deep",
            SMALL,
            bad("invalid-regex", 1, 22),
            regex(&format!("{}a{}", "(?:".repeat(300), ")".repeat(300))),
        ),
        text(
            "NUL in a user ID",
            SMALL,
            bad("invalid-user-id", 1, 7),
            "block \"@a\0b:x.org\"\n",
        ),
        text(
            "NUL in a line",
            SMALL,
            bad("syntax", 1, 1),
            "\0\nblock @a:x.org\n",
        ),
        text(
            "a byte that is not UTF-8",
            SMALL,
            bad("not-utf8", 1, 1),
            b"block @a:x.org\nblock @\xff:x.org\n",
        ),
        text(
            "UTF-16",
            SMALL,
            bad("not-utf8", 1, 1),
            b"\xff\xfeb\0l\0o\0c\0k\0",
        ),
        text(
            "a byte order mark",
            SMALL,
            Wanted::Bad(1, place("invalid-server", "main.policy", 1, 8)),
            "\u{feff}server x_y\n",
        ),
        text(
            "a byte order mark in the middle",
            SMALL,
            bad("syntax", 2, 1),
            "block @a:x.org\n\u{feff}block @b:x.org\n",
        ),
        text(
            "a carriage return alone",
            SMALL,
            bad("syntax", 1, 15),
            "block @a:x.org\rblock @b:x.org\n",
        ),
        text(
            "a right-to-left override",
            SMALL,
            bad("invalid-user-id", 1, 7),
            "block @a\u{202e}b:x.org\n",
        ),
        text(
            "a zero-width space",
            SMALL,
            bad("syntax", 1, 1),
            "blo\u{200b}ck @a:x.org\n",
        ),
        text(
            "a no-break space",
            SMALL,
            bad("syntax", 1, 1),
            "block\u{a0}@a:x.org\n",
        ),
        text(
            "IDs that look the same",
            SMALL,
            Wanted::Warned(place("confusable-id", "main.policy", 1, 20)),
            "send @ann:x.org to \"@аnn:x.org\"\n",
        ),
        text("an empty file", SMALL, Wanted::Good, ""),
        group_file(
            "a group file with an alias bomb",
            SMALL,
            Wanted::Bad(1, place("invalid-group-file", "list.yaml", 2, 3)),
            || billion_laughs("users:\n"),
        ),
        group_file(
            "a group file with a list of aliases",
            SMALL,
            Wanted::Bad(10, place("invalid-group-file", "list.yaml", 1, 3)),
            laughs_in_a_list,
        ),
        group_file(
            "a group file of brackets",
            SMALL,
            Wanted::Bad(1, place("invalid-group-file", "list.yaml", 1, 65)),
            || "[".repeat(1_000_000),
        ),
        group_file(
            "a group file of dashes",
            300.0,
            Wanted::Bad(1, place("invalid-group-file", "list.yaml", 1, 3)),
            || "- ".repeat(50_000),
        ),
        case(
            "a folder for a group file",
            SMALL,
            bad("unreadable-file", 1, 14),
            |folder| {
                fs::write(
                    folder.join("main.policy"),
                    "group g from \".\"\nblock group g\n",
                )
                .unwrap();
            },
        ),
    ];
    if cfg!(unix) {
        cases.push(case("a pipe for a file", SMALL, unreadable(), |folder| {
            let made = Command::new("mkfifo")
                .arg(folder.join("main.policy"))
                .status();
            assert!(made.unwrap().success());
        }));
        cases.push(case(
            "folders that link to each other",
            SMALL,
            Wanted::Good,
            |folder| {
                fs::write(folder.join("main.policy"), "block @a:x.org\n").unwrap();
                for (from, to) in [("a", "../b"), ("b", "../a")] {
                    fs::create_dir(folder.join(from)).unwrap();
                    for link in 0..4 {
                        #[cfg(unix)]
                        std::os::unix::fs::symlink(to, folder.join(from).join(link.to_string()))
                            .unwrap();
                    }
                }
            },
        ));
        cases.push(case("a device for a file", SMALL, unreadable(), |folder| {
            #[cfg(unix)]
            std::os::unix::fs::symlink("/dev/zero", folder.join("main.policy")).unwrap();
        }));
        cases.push(case("a link to nothing", SMALL, unreadable(), |folder| {
            #[cfg(unix)]
            std::os::unix::fs::symlink("nothing", folder.join("main.policy")).unwrap();
        }));
    }
    cases
}

/// As many of the largest regexes as a policy may have, and one more with `past`.
fn regexes(past: usize) -> (usize, String) {
    let regex = format!("a{{{}}}", longest_regex());
    let most = MAX_REGEXES_BYTES / Pattern::new(&regex).unwrap().bytes();
    let count = most + past;
    (
        count,
        format!("block users matching /{regex}/\n").repeat(count),
    )
}

pub fn large() -> Vec<Case> {
    let (_, regexes_at_the_limit) = regexes(0);
    let (count, regexes_past_it) = regexes(1);
    let errors = size(100_000);
    let deep = size(100_000);
    let statements = if all() { 1_000_000 } else { 25_000 };
    let users = size(1_000_000);
    let line = size(60_000_000);
    vec![
        text(
            "regexes at their limit together",
            600.0,
            Wanted::Good,
            regexes_at_the_limit,
        ),
        text(
            "regexes one past it",
            600.0,
            Wanted::Bad(1, place("too-large", "main.policy", count as u64, 22)),
            regexes_past_it,
        ),
        made("groups 100,000 deep", 600.0, Wanted::Good, move || {
            let chain = lines(deep, |at| format!("group g{at} = group g{}", at + 1));
            format!("{chain}group g{deep} = @a:x.org\nsend group g0 to @b:x.org\n")
        }),
        made(
            "a circle of 100,000 groups",
            600.0,
            Wanted::Bad(1, place("group-cycle", "main.policy", 1, 7)),
            move || {
                let chain = lines(deep, |at| format!("group g{at} = group g{}", at + 1));
                format!("{chain}group g{deep} = group g0\nsend group g0 to @b:x.org\n")
            },
        ),
        made(
            "100,000 errors",
            600.0,
            Wanted::Bad(errors, place("syntax", "main.policy", 1, 1)),
            move || lines(errors, |at| format!("blokc @a{at}:x.org")),
        ),
        made(
            "100,000 lines that open a parenthesis",
            600.0,
            Wanted::Bad(errors, place("syntax", "main.policy", 1, 5)),
            move || "(@a @b\n".repeat(errors),
        ),
        made(
            "100,000 unclosed parentheses",
            600.0,
            Wanted::Bad(errors, place("syntax", "main.policy", 1, 7)),
            move || lines(errors, |at| format!("block (@a{at}:x.org")),
        ),
        made("1,000,000 statements", 4000.0, Wanted::Good, move || {
            lines(statements, |at| {
                format!("send @a{at}:x.org to @b{at}:x.org")
            })
        }),
        made(
            "a group of 500,000 users written out",
            1500.0,
            Wanted::Good,
            move || {
                let list = lines(users / 2, |at| format!("@a{at}:x.org,"));
                format!("group all-of-them = {list}@b:x.org\nsend group all-of-them to @b:x.org\n")
            },
        ),
        group_file(
            "a group file of 1,000,000 users",
            1500.0,
            Wanted::Good,
            move || lines(users, |at| format!("- \"@a{at}:x.org\"")),
        ),
        group_file(
            "a group file with 1,000 wrong users at its end",
            1500.0,
            Wanted::Bad(
                1000,
                place("invalid-group-file", "list.yaml", users as u64 + 1, 3),
            ),
            move || {
                lines(users, |at| format!("- \"@a{at}:x.org\""))
                    + &lines(1000, |at| format!("- \"a{at}\""))
            },
        ),
        made(
            "one line of 60 MB: a word",
            900.0,
            bad("invalid-user-id", 1, 7),
            move || format!("block @{}:x.org\n", "a".repeat(line)),
        ),
        made(
            "one line of 60 MB: a keyword",
            900.0,
            bad("syntax", 1, 1),
            move || "b".repeat(line),
        ),
        made(
            "one line of 60 MB: a comment",
            300.0,
            Wanted::Good,
            move || format!("#{}", " note".repeat(line / 5)),
        ),
        made(
            "one line of 6 MB: wrong users",
            3000.0,
            Wanted::Bad(line / 100, place("invalid-user-id", "main.policy", 1, 7)),
            move || format!("block @b!:x.org{}\n", ", @b!:x.org".repeat(line / 100 - 1)),
        ),
    ]
}

pub fn largest() -> Vec<Case> {
    let file = usize::try_from(MAX_FILE_BYTES).unwrap();
    let files = usize::try_from(MAX_POLICY_BYTES / MAX_FILE_BYTES).unwrap();
    let padded = |size: usize| {
        let mut text = String::from("send all to @b:x.org\n");
        text += &"# note\n".repeat((size - text.len()) / 7);
        text + &"\n".repeat(size % 7 + 7)
    };
    let exactly = move |size: usize| {
        let mut text = padded(size);
        text.truncate(size);
        text
    };
    let whole = move |folder: &Path| {
        for number in 1..files {
            let blank = "\n".repeat(file);
            fs::write(folder.join(format!("part{number}.policy")), blank).unwrap();
        }
    };
    vec![
        made("a file of 64 MiB", 400.0, Wanted::Good, move || {
            exactly(file)
        }),
        made(
            "a file of 64 MiB and a byte",
            200.0,
            bad("too-large", 1, 1),
            move || exactly(file + 1),
        ),
        made(
            "a file of 64 MiB of line ends",
            400.0,
            Wanted::Good,
            move || "\n".repeat(file),
        ),
        made(
            "a file of 64 MiB of parentheses",
            400.0,
            bad("too-large", 1, 65),
            move || "(".repeat(file),
        ),
        made(
            "a file of 64 MiB of unclosed lines",
            8000.0,
            Wanted::Bad(file / 64, place("syntax", "main.policy", 1, 7)),
            move || {
                let word = "a".repeat(64 - "block (@:x.org\n".len());
                format!("block (@{word}:x.org\n").repeat(file / 64)
            },
        ),
        case("a policy of 256 MiB", 600.0, Wanted::Good, move |folder| {
            whole(folder);
            fs::write(folder.join("main.policy"), exactly(file)).unwrap();
        }),
        case(
            "a policy of 256 MiB and a byte",
            600.0,
            Wanted::Bad(1, place("too-large", "z.policy", 1, 1)),
            move |folder| {
                whole(folder);
                fs::write(folder.join("main.policy"), exactly(file)).unwrap();
                fs::write(folder.join("z.policy"), "\n").unwrap();
            },
        ),
    ]
}
