//! Sets of users compared: each kind of selector with each other, where a warning must be given and
//! where it must not. `lint_exact` tries the same at random.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

#[path = "lint/large.rs"]
mod large;
#[allow(dead_code)]
#[path = "lint/setup.rs"]
mod setup;

use presence_router::diagnostic::{Name, Report};
use setup::{places, router};

fn given(text: &str) -> (Vec<String>, Report) {
    let report = router(text).snapshot().warnings().clone();
    (places(&report), report)
}

#[track_caller]
fn gives(text: &str, expected: &[&str]) {
    let (given, report) = given(text);
    assert_eq!(given, expected, "{text}\n{report}");
}

/// Whether all of the first is in the second: then a rule for it is redundant. The second may be in
/// the first all the same.
#[track_caller]
fn within(a: &str, b: &str, expected: bool) {
    for (text, place) in [
        (
            format!("send ({a}) to @r\nsend ({b}) to @r"),
            "redundant-rule 1:1",
        ),
        (
            format!("send @s to ({a})\nsend @s to ({b})"),
            "redundant-rule 1:1",
        ),
        (format!("send ({a}) to @r\nblock ({b})"), "blocked-rule 1:1"),
        (
            format!("send ({a}) except ({b}) to @r"),
            "empty-selector 1:6",
        ),
    ] {
        let (given, report) = given(&text);
        // Equal, the later one is the duplicate.
        let said = given
            .iter()
            .any(|given| given == place || given == "duplicate-rule 2:1");
        assert_eq!(said, expected, "{text}\n{report}");
    }
}

/// Whether nobody is in both: then a block has nothing to undo.
#[track_caller]
fn apart(a: &str, b: &str, expected: bool) {
    let idle: &[&str] = if expected { &["idle-block 2:1"] } else { &[] };
    let empty: &[&str] = if expected {
        &["empty-selector 1:6"]
    } else {
        &[]
    };
    for (a, b) in [(a, b), (b, a)] {
        gives(&format!("send ({a}) to @r, @q\nblock ({b}) from @r"), idle);
        gives(&format!("send ({a}) who are ({b}) to @r"), empty);
    }
}

#[test]
fn patterns_within_patterns() {
    within(r"users matching /@a[0-9]+:x\.org/", "@a*:x.org", true);
    within(r"users matching /@a[0-9]+:x\.org/", "@a?*:*.org", true);
    within(r"users matching /@a[0-9]+:x\.org/", "@a?:*.org", false);
    within(
        "@bot-??:x.org",
        r"users matching /(?s)@bot-.*:x\.org/",
        true,
    );
    // A line end is no `.`.
    within(
        "@bot-??:x.org",
        r"users matching /@bot-(..|abc):x\.org/",
        false,
    );
    within(
        "@bot-??:x.org",
        r"users matching /(?s)@bot-.{2,3}:x\.org/",
        true,
    );
    within(
        "users on (a.org, b.org)",
        r"users matching /(?s).*:[a-c]\.org/",
        true,
    );
    within(
        "users on (a.org, c.org)",
        r"users matching /(?s).*:[ab]\.org/",
        false,
    );
    within(
        r"users matching /@x:[ab]\.org/",
        "users on (a.org, b.org)",
        true,
    );
    within(
        r"users matching /@x:[abc]\.org/",
        "users on (a.org, b.org)",
        false,
    );
    within(
        r"users matching /@(ann|bob):h\.org/",
        "@ann, @bob, @carl",
        true,
    );
    within(r"users matching /@(ann|bob):h\.org/", "@ann, @carl", false);
    within(r"users matching /@a.*/", r"users matching /@[a-c].*/", true);
    within(
        r"users matching /@[a-c].*/",
        r"users matching /@a.*/",
        false,
    );
    within(
        r"users matching /(?i)@ANN:h.org/",
        r"users matching /@[aA].*/",
        true,
    );
    gives(
        "send @bot-??:x.org to @r\nsend users matching /(?s)@bot-..:x\\.org/ to @r",
        &["duplicate-rule 2:1"],
    );
    // Several parts together.
    within("@a*:x.org", r"@a:x.org, @a?*:x.org", true);
    within("@a*:x.org", r"@a:x.org, @a??*:x.org", false);
    within(
        "users on *.org",
        "@*a:*, @*b:*, users matching /(?s)@(.*[^ab])?:.*/",
        true,
    );
    within(
        "users on *.org",
        "@*a:*, @*b:*, users matching /(?s)@.*[^ab]:.*/",
        false,
    );
    within(
        "users on * except @a*:*",
        "users matching /(?s)@([^a].*|:.*)/",
        true,
    );
    within(
        "members of !r who are @a*:*",
        r"members of !r except users matching /@b.*/",
        true,
    );
    within(
        "members of !r who are @?*:*",
        r"members of !r except users matching /@b.*/",
        false,
    );
}

#[test]
fn patterns_apart_from_patterns() {
    apart("users matching /@a.*/", "users matching /@b.*/", true);
    apart("users matching /@a.*/", "users matching /@.*b:.*/", false);
    apart("users matching /@[0-9]+:.*/", "@a*:*", true);
    apart("users matching /@[0-9]+:.*/", "@*7:*", false);
    apart(r"users matching /.*\.org/", "users on *.com", true);
    apart(
        r"users matching /.*\.org/",
        "users on *.com, users on *rg",
        false,
    );
    apart("@*a*:x.org", r"users matching /@[^a]*:.*/", true);
    apart("@*a*:x.org", r"users matching /@[^b]*:.*/", false);
    apart("users on ?.org", r"users matching /.*:..+\.org/", true);
    apart("users on ??*.org", r"users matching /.*:..+\.org/", false);
    // An address is no host name, and a port has at most five digits.
    apart(
        "users on 1.2.3.*",
        r"users matching /.*:(1\.2\.3\.(2[6-9][0-9]|[0-9]{4})|y)/",
        true,
    );
    apart(
        "users on 1.2.3.*",
        r"users matching /.*:(1\.2\.3\.(2[5-9][0-9]|[0-9]{4})|y)/",
        false,
    );
    apart(
        "users on x.org:*",
        r"users matching /.*:(.*[^0-9][0-9]{6}|y)/",
        true,
    );
    apart(
        "users on x.org:*",
        r"users matching /.*:(.*[^0-9][0-9]{5}|y)/",
        false,
    );
}

#[test]
fn a_user_id_has_at_most_255_bytes() {
    let long = |n: usize| format!("users matching /@.{{{n}}}:b/");
    gives(&format!("send {} to @r", long(252)), &[]);
    gives(
        &format!("send {} to @r", long(253)),
        &["empty-selector 1:6"],
    );
    // With one letter of two bytes it is one too long.
    apart(&long(252), r"users matching /@.*ä.*/", true);
    apart(&long(251), r"users matching /@.*ä.*/", false);
}

#[test]
fn patterns_that_match_no_user_id() {
    gives("send users matching /ann/ to @r", &["empty-selector 1:6"]);
    gives(
        "send users matching /ann:h.org/ to @r",
        &["empty-selector 1:6"],
    );
    gives("send users matching /@ann/ to @r", &["empty-selector 1:6"]);
    gives("send users matching /.*ann.*/ to @r", &[]);
    gives("send users on 999.1.1.* to @r", &[]); // 999.1.1.a is a host name
    // One cause, one problem: nothing is said of what is made of it.
    gives(
        "group g = users matching /ann/\nsend group g to @r\nblock group g",
        &["empty-selector 1:11"],
    );
    gives(
        "send users matching /ann/ who are members of !r to @r",
        &["empty-selector 1:6"],
    );
    gives(
        "send @a, users matching /ann/ to @r\nsend all to @r",
        &["empty-selector 1:10"],
    );
    gives(
        "send @a, users matching /ann/ to @r\nsend @a, users matching /ann/ to @r",
        &["empty-selector 1:10", "empty-selector 2:10"],
    );
    // Not known: `\b` outside ASCII.
    gives(r"send users matching /@é\bann.*/ to @r", &[]);
    gives(r"send users matching /@ann\b:.*/ to @r", &[]);
}

/// A union too long to be taken apart at once.
#[test]
fn long_unions() {
    let rooms = |from: usize| -> String {
        let rooms: Vec<String> = (from..20).map(|at| format!("#r{at}")).collect();
        format!("members of ({})", rooms.join(", "))
    };
    within("members of #r7", &rooms(0), true);
    within("members of #r7", &rooms(8), false);
    within("members of #r7 who are members of #q", &rooms(0), true);
    let globs = |from: char| -> String {
        let globs: Vec<String> = (from..='z').map(|c| format!("@{c}*:x.org")).collect();
        globs.join(", ")
    };
    within("@ab*:x.org", &globs('a'), true);
    within("@ab*:x.org", &globs('b'), false);
    within(r"users matching /@[a-z]+:x\.org/", &globs('a'), true);
    within(r"users matching /@[a-z]+:x\.org/", &globs('b'), false);
}

/// Unions of ten rooms in ten thousand ways, of which one part settles the question.
#[test]
fn the_part_that_settles_it_is_looked_at_first() {
    let rooms = |of: &str, n: usize| -> String {
        let rooms: Vec<String> = (0..n).map(|at| format!("#{of}{at}")).collect();
        format!("members of ({})", rooms.join(", "))
    };
    let many = ["a", "b", "c", "d"]
        .map(|of| rooms(of, 10))
        .join(" who are ");
    within(&many, &rooms("a", 11), true);
    within(&many, &rooms("d", 11), true);
    within(&many, &rooms("a", 9), false);
    let few = format!("{} who are {many}", rooms("p", 2));
    within(&few, &rooms("p", 3), true);
    within(&few, &rooms("p", 1), false);
    let less = format!("({many} who are members of #p0) except members of #q");
    let base = rooms("p", 2);
    within(&less, &format!("({base}) except members of #q"), true);
    within(&less, &format!("({base}) except members of #d0"), false);
    // Longer than can be gone through one by one.
    within("members of #r7", &rooms("r", 300), true);
    // Not found out, so nothing is said; `@a` may well be in none of the rooms.
    let rooms = rooms("r", 300);
    gives(
        &format!("send local users except {rooms} to local users\nblock @a from @b"),
        &[],
    );
}

#[test]
fn local_on_both_sides_is_of_one_homeserver() {
    gives(
        "send @a who are local users to @b\nsend @a to local users",
        &["redundant-rule 1:1"],
    );
    gives(
        "send @a who are local users to @b:x.org\nsend @a to local users",
        &[],
    );
    gives(
        "send @a:x.org who are local users to @b\nsend @a:x.org to remote users",
        &["redundant-rule 1:1"],
    );
    gives(
        "send local users to @a, @a:x.org\nblock users on *.org from local users",
        &[],
    );
    gives(
        "send local users to @a who are local users\nblock users on h.org",
        &["blocked-rule 1:1"],
    );
    gives(
        "send local users to @a who are local users\nblock users on x.org",
        &["idle-block 2:1"],
    );
    gives(
        "send local users to @a who are remote users\nblock users on h.org",
        &["idle-block 2:1"],
    );
    gives("send local users to @a\nblock users on h.org", &[]);
    gives(
        "send remote users to local users\nblock @a from @b",
        &["idle-block 2:1"],
    );
    gives(
        "send remote users to local users\nblock @a from @b:x.org",
        &[],
    );
    gives(
        "send local users to local users\nblock @a from @b:x.org",
        &["idle-block 2:1"],
    );
    gives(
        "send @a*:* who are local users to local users\nblock @?:h.org from @?:x.org",
        &["idle-block 2:1"],
    );
    gives(
        "send @a*:* who are local users to local users\nblock @?:h.org from @?:*.org",
        &[],
    );
    // Each gives what the other gives: only to itself, where both are local.
    gives(
        "send users matching /@a:[hx]\\.org/ who are local users to @a who are local users\n\
         send @a who are local users to @a",
        &["duplicate-rule 2:1"],
    );
    // A rule that can give nothing to anyone is no other rule's fault.
    gives(
        "send @a who are local users to @b:x.org who are local users\nsend all to all",
        &[],
    );
    gives(
        "send all to all\nblock @a who are local users from @b:x.org who are local users",
        &["idle-block 2:1"],
    );
}

#[test]
fn one_user_on_both_sides_is_in_the_same_rooms() {
    gives(
        "send @a who are members of !r to @a\nsend @a to @a who are members of !r",
        &["duplicate-rule 2:1"],
    );
    gives(
        "send @a who are members of !r to @b\nsend @a to @b who are members of !r",
        &[],
    );
    gives(
        "send @a who are members of !r to @a\nmembers of !r see each other",
        &["redundant-rule 1:1"],
    );
    gives(
        "send @a who are members of !r to @a\nmembers of #r see each other",
        &[],
    );
    gives(
        "send @a except members of !r to @a\nblock all from @a who are members of !r",
        &["idle-block 2:1"],
    );
    gives(
        "send @a except members of !r to @a, @b\nblock all from members of !r",
        &[],
    );
    gives(
        "send users matching /@a:h\\.org/ who are members of !r to @a\nblock all from members of !r",
        &["blocked-rule 1:1"],
    );
    gives(
        "send @?:h.org who are members of !r to @a\nblock all from members of !r",
        &[],
    );
}

#[test]
fn the_kind_of_an_answer_does_not_change() {
    // With the rule the recipient is answered with everyone but some, without it with a list.
    gives(
        "send all except @a:x to @r\nsend users matching /(?s)@([^a]|a[^:]).*/ to @r",
        &["redundant-rule 2:1"],
    );
    gives(
        "send users matching /(?s).*/ to @r\nsend all except @a:x to @r",
        &[],
    );
    gives(
        "send users matching /(?s).*/ to @r\nsend all to @r",
        &["redundant-rule 1:1"],
    );
    // All blocked, pair by pair, but with a block of everyone the answer is a list.
    gives("send all to @r\nblock users matching /(?s).*/ from @r", &[]);
    gives("send all to @r\nblock all from @r", &["blocked-rule 1:1"]);
    // Nothing to undo, and yet a block of everyone makes a list of the answer.
    gives(
        "send all except members of !r to @r\nblock all who are all except @x from @r",
        &[],
    );
    gives(
        "send all except users matching /(?s)@.*/ to @r\nblock all from @r",
        &["empty-selector 1:6"],
    );
    gives(
        "send all except users matching /(?s)@.*/ to @r\nblock all from @q",
        &["empty-selector 1:6", "idle-block 2:1"],
    );
}

#[test]
fn each_warning_about_two_rules_marks_the_other() {
    let (_, report) = given(
        "send @a to @b\nsend @a to @b\nsend @c to @d\nsend users matching /@c.*/ to @d\nsend @e to @f\nblock @e",
    );
    let marked: Vec<(Name, usize)> = report
        .problems()
        .iter()
        .map(|problem| {
            (
                problem.name,
                report.sources().position(problem.labels[0].span).line,
            )
        })
        .collect();
    assert_eq!(
        marked,
        [
            (Name::DuplicateRule, 1),
            (Name::RedundantRule, 4),
            (Name::BlockedRule, 6)
        ]
    );
}
