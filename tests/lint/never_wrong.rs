//! A warning is never wrong: random policies, and what taking a rule away changes in random worlds.

use presence_router::decide::{decide, receives_everyone};
use presence_router::diagnostic::Name;
use presence_router::directory::Directory;
use presence_router::id::{RoomId, ServerName, UserId};
use presence_router::policy::{Action, Group, Kind, PolicySet, Selector};

use super::setup::{Chance, router};

impl Chance {
    fn selector(&mut self, depth: usize, groups: usize) -> String {
        if depth == 0 || self.below(3) == 0 {
            if groups > 0 && self.below(5) == 0 {
                return format!("group g{}", self.below(groups));
            }
            return self.one(ATOMS).into();
        }
        let (a, b) = (
            self.selector(depth - 1, groups),
            self.selector(depth - 1, groups),
        );
        match self.below(5) {
            0 => format!("(({a}), ({b}))"),
            1 => format!("(({a}), ({b}), ({}))", self.selector(depth - 1, groups)),
            2 => format!("(({a}) who are ({b}))"),
            3 => format!("(({a}) except ({b}))"),
            _ => format!("({a})"),
        }
    }

    fn policy(&mut self) -> String {
        let mut text = String::new();
        let groups = self.below(4);
        for n in 0..groups {
            text.push_str(&format!("group g{n} = {}\n", self.selector(2, n)));
        }
        for _ in 0..2 + self.below(5) {
            let (s, r) = (self.below(4), self.below(4));
            let (a, b) = (
                self.selector(s.min(2), groups),
                self.selector(r.min(2), groups),
            );
            text.push_str(&match self.below(7) {
                0..3 => format!("send {a} to {b}\n"),
                3 => format!("{a} see each other\n"),
                4 => format!("block {a}\n"),
                _ => format!("block {a} from {b}\n"),
            });
        }
        text
    }

    fn directory(&mut self) -> Directory {
        let name = self.one(&["h.org", "h.org", "x.org", "a.x.org", "elsewhere", ""]);
        let mut directory = Directory::new(ServerName::parse(name).ok());
        for room in ["!r", "!s:h.org"] {
            for user in USERS {
                if self.below(2) == 0 {
                    directory.join(RoomId::parse(room).unwrap(), UserId::parse(user).unwrap());
                }
            }
        }
        directory
    }
}

const ATOMS: &[&str] = &[
    "all",
    "@a",
    "@a",
    "@b",
    "@a:x.org",
    "@a*:h.org",
    "@?:*",
    "@*:x.org",
    "@*:*.org",
    "@b?:*",
    "users on h.org",
    "users on x.org",
    "users on (x.org, h.org)",
    "users on *.x.org",
    "users on *",
    "users on ?.x.org",
    "users matching /@a.*/",
    "users matching /.*x.org/",
    "local users",
    "remote users",
    "members of !r",
    "members of !s:h.org",
    "members of (!r, !s:h.org)",
];

const USERS: &[&str] = &[
    "@a:h.org",
    "@b:h.org",
    "@ab:h.org",
    "@a:x.org",
    "@b:x.org",
    "@bb:x.org",
    "@a:a.x.org",
    "@c:a.x.org",
    "@ba:elsewhere",
];

/// Every selector written, groups not entered.
fn walk<'a>(selector: &'a Selector, visit: &mut impl FnMut(&'a Selector)) {
    visit(selector);
    match &selector.kind {
        Kind::Any(parts) | Kind::Both(parts) => parts.iter().for_each(|part| walk(part, visit)),
        Kind::Except(base, less) => {
            walk(base, visit);
            walk(less, visit);
        }
        _ => {}
    }
}

fn nobody_is_in(policy: &PolicySet, directory: &Directory, selector: &Selector) -> bool {
    let mut alone = policy.clone();
    alone.rules.truncate(1);
    alone.rules[0].action = Action::Allow;
    alone.rules[0].senders = selector.clone();
    alone.rules[0].recipients = Selector {
        kind: Kind::Everyone,
        span: selector.span,
    };
    USERS
        .iter()
        .all(|user| !decide(&alone, directory, user, user).sees())
}

/// The first answer in which two policies differ.
fn differ(one: &PolicySet, other: &PolicySet, directory: &Directory) -> Option<String> {
    for r in USERS {
        if receives_everyone(one, directory, r) != receives_everyone(other, directory, r) {
            return Some(format!("the kind of answer for {r}"));
        }
        for s in USERS {
            if decide(one, directory, s, r).sees() != decide(other, directory, s, r).sees() {
                return Some(format!("({s}, {r})"));
            }
        }
    }
    None
}

#[test]
fn a_warning_is_never_wrong() {
    let policies = std::env::var("LINT_POLICIES").map_or(1_500, |n| n.parse().unwrap());
    let mut given = std::collections::BTreeMap::<Name, u32>::new();
    for number in 0..policies {
        let mut chance = Chance(number);
        let text = chance.policy();
        let snapshot = router(&text).snapshot();
        let (policy, report) = (snapshot.policy(), snapshot.warnings());
        let directories: Vec<Directory> = (0..6).map(|_| chance.directory()).collect();
        let fail = |name: Name, line: usize, why: &str| -> ! {
            panic!("policy {number}: {name} in line {line} is wrong: {why}\n{text}\n{report}")
        };
        let mut all_less = policy.clone();
        for problem in report.problems() {
            let line = report.position(problem).line;
            *given.entry(problem.name).or_default() += 1;
            match problem.name {
                Name::DuplicateRule | Name::RedundantRule | Name::BlockedRule | Name::IdleBlock => {
                    all_less.rules.retain(|rule| rule.span != problem.span);
                    let mut less = policy.clone();
                    less.rules.retain(|rule| rule.span != problem.span);
                    assert_eq!(less.rules.len() + 1, policy.rules.len());
                    for directory in &directories {
                        if let Some(change) = differ(policy, &less, directory) {
                            fail(problem.name, line, &change);
                        }
                    }
                }
                Name::EmptySelector => {
                    let groups = policy.groups.iter().map(|group| &group.selector);
                    let rules = policy
                        .rules
                        .iter()
                        .flat_map(|rule| [&rule.senders, &rule.recipients]);
                    let mut there = 0;
                    for selector in groups.chain(rules) {
                        walk(selector, &mut |selector| {
                            let composed =
                                matches!(selector.kind, Kind::Both(_) | Kind::Except(..));
                            if selector.span == problem.span && composed {
                                there += 1;
                                if !directories
                                    .iter()
                                    .all(|d| nobody_is_in(policy, d, selector))
                                {
                                    fail(problem.name, line, "somebody is in it");
                                }
                            }
                        });
                    }
                    assert!(there > 0);
                }
                Name::UnusedGroup => {
                    let mut other = policy.clone();
                    let group: Option<&mut Group> =
                        other.groups.iter_mut().find(|g| g.span == problem.span);
                    let group = group.unwrap();
                    group.selector.kind = Kind::Both(Box::new([Selector {
                        kind: Kind::Local,
                        span: group.span,
                    }]));
                    for directory in &directories {
                        if let Some(change) = differ(policy, &other, directory) {
                            fail(problem.name, line, &change);
                        }
                    }
                }
                Name::ConfusableId | Name::UppercaseServer => {}
                name => fail(name, line, "it needs a directory"),
            }
        }
        // All at once as well: of two that cover each other only one is named.
        for directory in &directories {
            if let Some(change) = differ(policy, &all_less, directory) {
                panic!(
                    "policy {number}: without all of them {change} is another\n{text}\n{report}"
                );
            }
        }
    }
    println!("{given:?}");
    for name in [
        Name::UnusedGroup,
        Name::DuplicateRule,
        Name::RedundantRule,
        Name::BlockedRule,
        Name::IdleBlock,
        Name::EmptySelector,
    ] {
        assert!(
            given.get(&name).copied().unwrap_or_default() > 5,
            "{name} is hardly ever given: {given:?}"
        );
    }
}
