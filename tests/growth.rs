//! Eight times the text takes eight times the time, whatever stands in it.
//!
//! Time is that of all threads on their processors, the least of several runs; what grows with the
//! square of the text takes 64 times as long, so the line is drawn at 24: caches that no longer hold
//! the text, and what the machine does besides, stay far below.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::fmt::Write;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use presence_router::directory::Directory;
use presence_router::router::{Inline, Origin, Router};
use rustix::time::{ClockId, clock_gettime};

const TIMES: usize = 8;
const MOST: f64 = 24.0;
const RUNS: usize = 6;

/// The process has one time: one test at a time.
static TURN: Mutex<()> = Mutex::new(());

fn load(text: &str) {
    let inline = vec![Inline {
        name: "nasty.policy".into(),
        text: text.into(),
    }];
    let loaded = Router::load(Origin {
        inline,
        ..Origin::default()
    });
    match loaded {
        Ok(router) => _ = router.snapshot().warnings().json_lines(),
        Err(report) => _ = report.json_lines(),
    }
}

fn processor_time() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ProcessCPUTime)).unwrap()
}

fn time_of(work: &dyn Fn(usize), n: usize) -> Duration {
    let began = processor_time();
    work(n);
    processor_time().saturating_sub(began)
}

/// Fails if the time of `8n` is over 24 times that of `n` in every run.
fn is_linear(name: &str, n: usize, work: &dyn Fn(usize)) {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    // Too short a time says nothing. Too long a text does not either: what malloc takes from the system
    // anew each time, from 32 MiB on, costs more than the byte it holds.
    let mut n = n;
    while time_of(work, n) < Duration::from_millis(3) {
        n *= 2;
    }
    let (mut once, mut more) = (Duration::MAX, Duration::MAX);
    for _ in 0..RUNS {
        once = once.min(time_of(work, n));
        more = more.min(time_of(work, TIMES * n));
        if more.as_secs_f64() / once.as_secs_f64() < MOST {
            println!("{name}: n = {n}, {once:?}, then {more:?}");
            return;
        }
    }
    panic!("{name}: {once:?} for n = {n}, and {more:?} for {TIMES} times as much");
}

fn texts(name: &str, n: usize, text: &dyn Fn(usize) -> String) {
    is_linear(name, n, &|n| load(&text(n)));
}

fn numbered(n: usize, line: impl Fn(usize) -> String) -> String {
    (0..n).fold(String::new(), |mut text, at| {
        let _ = writeln!(text, "{}", line(at));
        text
    })
}

#[test]
fn broken_lines() {
    texts("unclosed parentheses", 500, &|n| "(@a:x.org @b\n".repeat(n));
    texts("closed and opened", 500, &|n| {
        "@a:x.org) @b (@c:x.org\n".repeat(n)
    });
    texts("opened and continued", 500, &|n| {
        "@a:x.org, (@b\n  and (@c\n".repeat(n)
    });
    texts("unclosed quotes", 500, &|n| "block \"@a:x.org\n".repeat(n));
    texts("quotes on one line", 2000, &|n| {
        format!("block {}\n", "\"".repeat(n))
    });
    texts("lines of no comment in a statement", 500, &|n| {
        format!("block @a:x\n{}from @b:x\n", "#x\n".repeat(n))
    });
    texts("templates never closed", 2000, &|n| {
        format!("block {}\n", "{{".repeat(n))
    });
    texts("unclosed regexes", 500, &|n| {
        "block users matching /a\n".repeat(n)
    });
    texts("unfinished before opened", 500, &|n| {
        "send all to\n@a:x.org\n(@b:x.org\n".repeat(n)
    });
    texts("users alone in an opened list", 500, &|n| {
        format!("block (\n{}", "  @a:x.org\n".repeat(n))
    });
    texts("users alone between comments", 500, &|n| {
        format!("all see all\n{}", "@a:x.org\n# note\n".repeat(n))
    });
    texts("one word", 500, &|n| numbered(n, |at| format!("blokc{at}")));
    texts("a keyword too few", 500, &|n| {
        "send all @a:x.org\n".repeat(n)
    });
    texts("joined without end", 1000, &|n| "@a:x.org,\n".repeat(n));
}

#[test]
fn broken_words() {
    texts("bad users on one line", 300, &|n| {
        format!("block @a:x.org{}\n", ", @b!:x.org".repeat(n))
    });
    texts("servers missing", 500, &|n| {
        numbered(n, |at| format!("block @a{at}"))
    });
    texts("groups unknown", 1000, &|n| {
        numbered(n, |at| {
            format!("group known{at} = all\nblock group unknown{at}")
        })
    });
    texts("groups twice", 500, &|n| "group a = all\n".repeat(n));
    texts("servers that differ", 500, &|n| {
        numbered(n, |at| format!("server a{at}.org"))
    });
}

#[test]
fn long_statements() {
    texts("a union", 500, &|n| {
        format!("block @a:x.org{}\n", ", @b:x.org".repeat(n))
    });
    texts("a chain", 500, &|n| {
        format!("block all{}\n", " who are local users".repeat(n))
    });
    texts("deep parentheses", 20, &|n| {
        numbered(n, |_| {
            format!("block {}all{}", "(".repeat(64), ")".repeat(64))
        })
    });
    texts("too deep parentheses", 2000, &|n| {
        format!("block {}", "(".repeat(n))
    });
    texts("parentheses side by side", 500, &|n| {
        format!("block @a:x.org{}\n", ",\n(all)".repeat(n))
    });
}

#[test]
fn empty_texts() {
    texts("comments", 5000, &|n| "# note\n".repeat(n));
    texts("comments in a statement", 5000, &|n| {
        format!("block (all,\n{}@a:x.org)\n", "# note\n".repeat(n))
    });
    texts("comments after statements", 1000, &|n| {
        "block all\n# note\n\n#\n".repeat(n)
    });
    texts("blank lines", 10_000, &|n| "\n".repeat(n));
    texts("one long comment", 100_000, &|n| {
        format!("#{}", " ".repeat(n))
    });
}

#[test]
fn good_policies() {
    texts("rules", 300, &|n| {
        numbered(n, |at| format!("send @a{at}:x.org to @b{at}:x.org"))
    });
    texts("groups in groups", 500, &|n| {
        let chain = numbered(n, |at| format!("group g{at} = group g{}", at + 1));
        format!("{chain}group g{n} = @a:x.org\nsend group g0 to @b:x.org\n")
    });
    texts("groups in a circle", 500, &|n| {
        let chain = numbered(n, |at| format!("group g{at} = group g0, group g{}", at + 1));
        format!("{chain}group g{n} = group g0\nsend group g0 to @b:x.org\n")
    });
    texts("regexes", 20, &|n| {
        numbered(n, |at| format!("block users matching /@a{at}.*/"))
    });
}

/// Questions about pairs of rules that would each take long.
#[test]
fn rules_that_are_hard_to_compare() {
    let rooms = |of: &str, n: usize| {
        let rooms = (0..n).map(|at| format!("#{of}{at}:x.org"));
        format!("members of ({})", rooms.collect::<Vec<_>>().join(", "))
    };
    let many = ["a", "b", "c", "d"].map(|of| rooms(of, 10));
    let (many, a) = (many.join(" who are "), rooms("a", 10));
    texts("many ways", 5, &|n| {
        numbered(n, |at| {
            let more = rooms(&format!("x{at}"), 10);
            format!("send ({many}) except @a{at}:x.org to @r:x.org\nsend {a}, {more} to @r:x.org")
        })
    });
    texts("regexes that are nearly the same", 10, &|n| {
        numbered(n, |at| {
            let same = "b".repeat(at + 1);
            format!("send users matching /(?s)@.*a.{{7}}[{same}].*/ to @r:x.org")
        })
    });
    let blocks = |who: String, n: usize| {
        let blocks = numbered(n, |at| format!("block group big from @b{at}:x.org"));
        format!("group big = {who}\nsend all to @r:x.org\n{blocks}")
    };
    let listed =
        |n: usize, each: &dyn Fn(usize) -> String| (0..n).map(each).collect::<Vec<_>>().join(", ");
    texts("blocks of many users", 300, &|n| {
        blocks(listed(n, &|at| format!("@a{at}:x.org")), n)
    });
    texts("blocks of many servers", 300, &|n| {
        blocks(
            format!("users on ({})", listed(n, &|at| format!("s{at}.org"))),
            n,
        )
    });
}

#[test]
fn group_files() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("group.yaml");
    let policy = format!("group g from \"{}\"\nblock group g\n", path.display());
    let with = |name: &str, n: usize, text: &dyn Fn(usize) -> String| {
        is_linear(name, n, &|n| {
            std::fs::write(&path, text(n)).unwrap();
            load(&policy);
        });
    };
    with("users", 300, &|n| {
        numbered(n, |at| format!("- \"@a{at}:x.org\""))
    });
    with("wrong users", 300, &|n| {
        numbered(n, |at| format!("- \"a{at}:x.org\""))
    });
    with("wrong users at the end", 300, &|n| {
        let good = numbered(n, |at| format!("- \"@a{at}:x.org\""));
        good + &numbered(n / 2, |at| format!("- \"b{at}\""))
    });
    with("numbers", 300, &|n| numbered(n, |at| format!("- {at}")));
    with("users without quotes", 300, &|n| {
        numbered(n, |at| format!("- @a{at}:x.org"))
    });
    with("users without marks", 300, &|n| {
        numbered(n, |at| format!("@a{at}:x.org"))
    });
    with("quotes left open", 300, &|n| {
        numbered(n, |at| format!("- \"@a{at}:x.org"))
    });
    with("no commas", 300, &|n| {
        format!("[{}]", "'@a:x.org' ".repeat(n))
    });
    with("templates on a line", 300, &|n| {
        format!("- \"@a:x.org\" # {}", "{{ a }} ".repeat(n))
    });
    with("one line", 300, &|n| {
        format!("[{}]", "'@a:x.org', ".repeat(n))
    });
}

#[test]
fn reports_for_people() {
    let report = |n: usize| {
        let text = numbered(n, |at| format!("blokc @a{at}"));
        let inline = vec![Inline {
            name: "a.policy".into(),
            text,
        }];
        Router::load(Origin {
            inline,
            ..Origin::default()
        })
        .unwrap_err()
    };
    is_linear("shown", 50, &|n| _ = report(n).render(true));
}

#[test]
fn directory_files() {
    is_linear("members", 300, &|n| {
        let members = numbered(n, |at| format!("      - \"@a{at}:x.org\""));
        let text = format!("rooms:\n  \"!r:x.org\":\n    members:\n{members}");
        let directory = Directory::from_yaml("facts.yaml", &text).unwrap();
        assert_eq!(directory.user_count(), n);
    });
}
