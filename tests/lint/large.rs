//! Large policies: of each of thousands of rules is said what is certain, whatever its selectors are.
//!
//! What compared each rule with each other would be out of its budget long before the last one, and
//! then say nothing of it.

use std::fmt::Write;

use presence_router::diagnostic::Name;
use presence_router::directory::Directory;

use super::given;
use super::setup::router;

/// More rules than can be compared with each other.
const RULES: usize = 2_000;

/// More pairs of patterns than automata can be made for.
const PATTERNS: usize = 8_000;

/// Of each of many rules, all in one rule at the end, it is told.
#[track_caller]
fn all_within(rules: usize, narrow: &dyn Fn(usize) -> String, wide: &str) {
    for wording in [
        |who: &str| format!("send {who} to @r\n"),
        |who: &str| format!("send @s to {who}\n"),
    ] {
        let mut text: String = (0..rules).map(|at| wording(&narrow(at))).collect();
        text += &wording(wide);
        told(&text, "redundant-rule", 0..rules);
    }
}

/// Of each of many blocks, none of what as many rules give, it is told.
#[track_caller]
fn all_apart(rules: usize, allow: &dyn Fn(usize) -> String, block: &dyn Fn(usize) -> String) {
    for wording in [
        |who: &str| {
            (
                format!("send {who} to @r\n"),
                format!("block {who} from @r\n"),
            )
        },
        |who: &str| {
            (
                format!("send @s to {who}\n"),
                format!("block @s from {who}\n"),
            )
        },
        |who: &str| (format!("send {who} to all\n"), format!("block {who}\n")),
    ] {
        let mut text = String::new();
        for at in 0..rules {
            text += &wording(&allow(at)).0;
        }
        for at in 0..rules {
            text += &wording(&block(at)).1;
        }
        told(&text, "idle-block", rules..2 * rules);
    }
}

#[track_caller]
fn told(text: &str, name: &str, lines: std::ops::Range<usize>) {
    let (given, _) = given(text);
    let mut lines = lines.map(|line| format!("{name} {}:1", line + 1));
    let first = text.lines().next().unwrap_or_default();
    let last = text.lines().next_back().unwrap_or_default();
    let differs = given
        .iter()
        .find(|given| Some(*given) != lines.next().as_ref());
    assert_eq!(differs, None, "{first} ... {last}");
    assert_eq!(lines.next(), None, "{first} ... {last}");
}

/// What is found out of a set is not asked again for each rule with it.
#[test]
fn few_sets_in_many_rules() {
    let mut text = String::new();
    for at in 0..2 * RULES {
        text += &format!("send @a{at} to users on *s{}.org\n", at % 500);
    }
    text += "send all to all";
    told(&text, "redundant-rule", 0..2 * RULES);
}

/// What a set's users are bounded by.
#[test]
fn rules_within_another() {
    let who: &[&dyn Fn(usize) -> String] = &[
        &|at| format!("@a{at}"),
        &|at| format!("users on s{at}.org"),
        &|at| format!("@a*:s{at}.org"),
        &|at| format!("members of !r{at}"),
        &|at| format!("@a{at}:s.org, members of !r{at}"),
        &|at| format!("(users on s{at}.org) except @x:s{at}.org"),
    ];
    for who in who {
        all_within(RULES, who, "all");
        // Of two parts the one that bounds better.
        let both = |at| format!("users on *.org who are ({})", who(at).replace("@a*", "@?*"));
        all_within(RULES, &both, "all");
    }
}

#[test]
fn blocks_of_what_nobody_gives() {
    let allow = |at| format!("@a{at}:s{at}.org");
    let who: &[&dyn Fn(usize) -> String] = &[
        &|at| format!("@b{at}:s{at}.org"),
        &|at| format!("users on t{at}.org"),
        &|at| format!("@b*:s{at}.org"),
        &|at| format!("@b{at}:s{at}.org, users on t{at}.org"),
        &|at| format!("users on *.org who are @b{at}:s{at}.org"),
        &|at| format!("(users on t{at}.org) except @x:t{at}.org"),
    ];
    for who in who {
        all_apart(RULES, &allow, who);
    }
}

#[test]
fn patterns_within_patterns() {
    let servers = (0..PATTERNS).fold("users on (s.org".to_owned(), |mut servers, at| {
        _ = write!(servers, ", s{at}.org");
        servers
    });
    let glob = |at| format!("@a*:s{at}.org");
    all_within(PATTERNS, &glob, "users on *.org");
    all_within(PATTERNS, &glob, &format!("{servers})"));
    all_within(PATTERNS, &glob, "@?*:*.org");
    all_within(PATTERNS, &glob, "all except users on *.com");
    all_within(
        PATTERNS,
        &|at| format!("users on s{at}.org"),
        "users on *.org",
    );
    all_within(
        PATTERNS,
        &|at| format!("users on s{at}.org"),
        &format!("{servers})"),
    );
    all_within(
        PATTERNS,
        &|at| format!("users on s{at}.org"),
        "all except @a*:*.com",
    );
}

/// Among many known users the few that matter are looked up.
#[test]
fn costly_rules_by_the_thousand() {
    let mut users: Vec<String> = (0..11_000).map(|at| format!("@u{at}:h.org")).collect();
    users.extend((0..3_000).map(|at| format!("@u:s{at}.org")));
    let rooms: String = (0..3_000)
        .map(|at| format!("  \"!r{at}\": {{members: [\"@u{at}:h.org\"]}}\n"))
        .collect();
    let text = format!(
        "server_name: h.org\nusers: {users:?}\n\
         rooms:\n  \"!small\": {{members: [\"@u1:h.org\", \"@u2:h.org\"]}}\n{rooms}"
    );
    let directory = Directory::from_yaml("directory.yaml", &text).unwrap();
    let rules: &[&dyn Fn(usize) -> String] = &[
        &|at| format!("send @u1 to all except @x{at}:x.org"),
        &|at| format!("send @u{at} to all"),
        &|at| format!("send users on s{at}.org to all"),
        &|at| format!("send members of !r{at} to all"),
        &|at| format!("send @u{at}, members of !small to all"),
        &|at| format!("send members of !small except @x{at}:x.org to all"),
        &|at| format!("send members of !small who are (@u1, @u{at}) to all"),
    ];
    for rule in rules {
        let rules: String = (0..3_000).map(|at| rule(at) + "\n").collect();
        let report = router(&rules).snapshot().warnings_with(&directory);
        let names = report.problems().iter().map(|problem| problem.name);
        let costly = names.filter(|name| *name == Name::CostlyRule).count();
        assert_eq!(costly, 3_000, "{}", rule(0));
    }
}

#[test]
fn patterns_apart_from_patterns() {
    let glob = |name: &'static str| move |at| format!("@{name}*:s{at}.org");
    all_apart(PATTERNS, &glob("a"), &glob("b"));
}
