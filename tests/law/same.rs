//! Laws that need no second opinion: what a change of the text must leave as it is, and which way
//! it may move what it changes.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::time::Instant;

use super::compare::Subject as _;
use super::core::Core;
use super::model::{
    Group, GroupBody, Layout, Policy, Rule, Selector, Tally, UserPattern, World, literal,
};
use super::oracle::{Meaning, split};
use super::render::render;
use super::running::{Files, Running, folder_of, problems};
use super::second::answers;
use super::truth::Answers;
use super::{for_all, generate, number, runner, say, shown};

// ---- order, and one rule more

fn told(core: &Core, users: &BTreeSet<String>) -> String {
    let mut text = String::new();
    for user in users {
        text += &format!("{user} is received by {:?}\n", core.recipients_of(user));
        text += &format!("{user} receives {:?}\n", core.senders_for(user));
    }
    text + &format!("{:?}", core.receives_everyone())
}

fn formatted(files: Files) -> Files {
    let one = |(name, text): (String, String)| {
        let text = if name.ends_with(".policy") {
            presence_router::format(&name, &text).unwrap()
        } else {
            text
        };
        (name, text)
    };
    files.into_iter().map(one).collect()
}

#[test]
fn order_never_matters_blocks_only_hide_sends_only_show() {
    let policies = number("LAW_POLICIES", 2_000) / 20;
    let start = Instant::now();
    let compared = RefCell::new((0_u64, 0_u64, 0_u64));
    for_all(
        runner(policies, 1),
        &generate::world_and_rules(),
        |(world, send, block)| {
            let load = |world: &World| {
                Core::load(world, &render(&world.policy, world.layout))
                    .map_err(|problem| shown(world, &problem))
            };
            let users = Meaning {
                policy: &world.policy,
                facts: &world.facts,
            }
            .known(&[]);
            let plain = World {
                layout: Layout { wild: 0, seed: 0 },
                ..world.clone()
            };
            let before = load(&plain)?;

            // other order, other files, other layout
            for turn in 0..2 {
                let mut other = world.clone();
                other.layout = Layout {
                    wild: 3,
                    seed: world.layout.seed.wrapping_add(turn),
                };
                other.policy.rules.reverse();
                let (want, got) = (told(&before, &users), told(&load(&other)?, &users));
                if want != got {
                    let problem = format!("expected\n{want}\ngot, of another layout\n{got}");
                    return Err(shown(&plain, &problem) + &shown(&other, ""));
                }
            }

            let rows = |core: &Core| -> Vec<Vec<String>> {
                users
                    .iter()
                    .map(|sender| core.recipients_of(sender))
                    .collect()
            };
            let then = rows(&before);
            let mut count = compared.borrow_mut();
            count.0 += 1;
            for (rule, may_grow) in [(block, false), (send, true)] {
                let mut more = plain.clone();
                more.policy.rules.insert(0, rule.clone());
                let now = rows(&load(&more)?);
                for ((sender, then), now) in users.iter().zip(&then).zip(&now) {
                    for recipient in &users {
                        let (then, now) = (then.contains(recipient), now.contains(recipient));
                        count.1 += 1;
                        count.2 += u64::from(then != now);
                        if then != now && now != may_grow {
                            let problem = format!(
                                "({sender:?}, {recipient:?}): {then} before {rule:?} and {now} after"
                            );
                            return Err(shown(&more, &problem));
                        }
                    }
                }
            }
            Ok(())
        },
    );
    let (worlds, pairs, changed) = compared.into_inner();
    say(&format!(
        "law: {worlds} policies in other orders and layouts; {pairs} pairs before and after a \
         block or a send more, {changed} changed; in {:.1} s\n",
        start.elapsed().as_secs_f64(),
    ));
    assert!(changed > 0);
}

// ---- other words for the same

/// A change that must not be seen, by its name.
type Change = (&'static str, fn(&Policy) -> Policy);

const CHANGES: &[Change] = &[
    ("statements in other order", reversed),
    ("groups renamed", renamed),
    ("groups inlined", inlined),
    ("`see` as `send`", sends),
    ("`send` as `see`", sees),
    ("`see each other` as `send`", each_other_as_send),
    ("`block` as `block from all`", block_from_all),
];

fn reversed(policy: &Policy) -> Policy {
    let mut policy = policy.clone();
    policy.rules.reverse();
    policy
}

fn renamed(policy: &Policy) -> Policy {
    const NAMES: [&str; 4] = ["z-1", "m_0", "b", "to-nobody"];
    let mut policy = policy.clone();
    for (group, name) in policy.groups.iter_mut().zip(NAMES) {
        group.name = name;
    }
    policy
}

/// Every group written out where it is used. Its definition stays, and so do the users it names.
fn inlined(policy: &Policy) -> Policy {
    let mut policy = policy.clone();
    for index in 0..policy.groups.len() {
        let Some(body) = written_out(&policy.groups[index]) else {
            continue;
        };
        policy = policy.map(&|selector| match selector {
            Selector::Group(at) if at == index => body.clone(),
            other => other,
        });
    }
    policy
}

/// A group as a selector, if one can be written.
fn written_out(group: &Group) -> Option<Selector> {
    let users = match &group.body {
        GroupBody::Is(selector) => return Some(selector.clone()),
        GroupBody::File(users) => users,
    };
    if users.iter().any(|user| user.contains('\n')) {
        return None;
    }
    let mut users: Vec<Selector> = users
        .iter()
        .map(|user| {
            let (local, server) = split(user);
            Selector::User(UserPattern {
                local: literal(local),
                server: literal(server),
            })
        })
        .collect();
    let all = || Box::new(Selector::All);
    match users.len() {
        0 => Some(Selector::Except(all(), all())),
        1 => users.pop(),
        _ => Some(Selector::Union(users)),
    }
}

fn each_rule(policy: &Policy, change: impl Fn(Rule) -> Rule) -> Policy {
    let mut policy = policy.clone();
    policy.rules = policy.rules.into_iter().map(change).collect();
    policy
}

fn sends(policy: &Policy) -> Policy {
    each_rule(policy, |rule| match rule {
        Rule::See(recipients, senders) => Rule::Send(senders, recipients),
        other => other,
    })
}

fn sees(policy: &Policy) -> Policy {
    each_rule(policy, |rule| match rule {
        Rule::Send(senders, recipients) => Rule::See(recipients, senders),
        other => other,
    })
}

fn each_other_as_send(policy: &Policy) -> Policy {
    each_rule(policy, |rule| match rule {
        Rule::EachOther(users) => Rule::Send(users.clone(), users),
        other => other,
    })
}

fn block_from_all(policy: &Policy) -> Policy {
    each_rule(policy, |rule| match rule {
        Rule::Block(senders, None) => Rule::Block(senders, Some(Selector::All)),
        other => other,
    })
}

fn answers_of(world: &World, files: &Files) -> Result<Answers, String> {
    let meaning = Meaning {
        policy: &world.policy,
        facts: &world.facts,
    };
    let universe: Vec<String> = meaning.known(&world.strangers).into_iter().collect();
    let running = Running::start(&world.policy, &world.facts, files)?;
    Ok(answers(&running.core(), &universe))
}

#[test]
fn the_same_in_other_words_is_the_same() {
    let start = Instant::now();
    let tried = RefCell::new(Tally::default());
    let count = number("LAW_POLICIES", 2_000) / 8;
    for_all(runner(count, 10), &generate::world(), |world| {
        let policy = &world.policy;
        let before = answers_of(world, &folder_of(policy, None, &[]))?;
        let changed = CHANGES.iter().map(|(name, change)| (*name, change(policy)));
        let changed = changed.filter(|(_, other)| other != policy);
        let others = changed.map(|(name, other)| (name, folder_of(&other, None, &[])));
        let mut others: Vec<(&str, Files)> = others.collect();
        let seed = Some(world.layout.seed);
        others.push(("statements in other files", folder_of(policy, seed, &[])));
        others.push(("formatted", formatted(folder_of(policy, None, &[]))));
        for (name, files) in others {
            let after = answers_of(world, &files);
            if after.as_ref() != Ok(&before) {
                let problem = format!("{name}: {files:#?}\nbefore {before:?}\nafter  {after:?}");
                return Err(shown(world, &problem));
            }
            tried.borrow_mut().hit(name);
        }
        Ok(())
    });
    let tried = tried.into_inner();
    let each: Vec<String> = tried
        .0
        .iter()
        .map(|(name, n)| format!("{name} {n}"))
        .collect();
    say(&format!(
        "law: {count} policies in other words, all answers the same: {}; in {:.1} s\n",
        each.join("; "),
        start.elapsed().as_secs_f64(),
    ));
    assert_eq!(tried.0.len(), CHANGES.len() + 2);
}

// ---- problems

/// Statements with an error, each a line. None is left open at its end, by a `(` or an `and`: what
/// comes next would belong to it.
const BROKEN: &[&str] = &[
    "blokc @ann:example.org",
    "send all too all",
    "send group nowhere to all",
    "group twice = all",
    "group twice = @x:example.org",
    "group ring = group gnir",
    "group gnir = group ring",
    "server one.example.org",
    "server other.example.org",
    "send users matching /(/ to all",
    "send users on -bad-. to all",
    "block members of !",
    "block \"@:\"",
    "group lost from \"missing.yaml\"",
    "local users see all)",
    "all see each",
    "group all = @x:example.org",
    "block @a*b?:x.org from /x/",
];

#[test]
fn order_never_changes_which_problems_there_are() {
    let start = Instant::now();
    let names = RefCell::new(Tally::default());
    let count = number("LAW_POLICIES", 2_000) / 10;
    for_all(runner(count, 11), &generate::world(), |world| {
        let homeserver = world.policy.homeserver.as_ref();
        // none of the wrong statements, then some of them, told by the world's own number
        let mask = world.layout.seed;
        let some = BROKEN.iter().enumerate();
        let some = some
            .filter(|(at, _)| mask >> at & 1 == 1)
            .map(|(_, line)| *line);
        for lines in [Vec::new(), some.collect::<Vec<_>>()] {
            let in_order = |seed| problems(&folder_of(&world.policy, seed, &lines), homeserver);
            let before = in_order(None);
            for seed in [mask, !mask] {
                let after = in_order(Some(seed));
                if before != after {
                    let problem = format!(
                        "with {lines:#?}\nin one file {before:?}\nin another order {after:?}\n{:#?}",
                        folder_of(&world.policy, Some(seed), &lines)
                    );
                    return Err(shown(world, &problem));
                }
            }
            for name in before {
                names.borrow_mut().hit(name);
            }
        }
        Ok(())
    });
    let names = names.into_inner();
    let each: Vec<String> = names
        .0
        .iter()
        .map(|(name, n)| format!("{name} {n}"))
        .collect();
    say(&format!(
        "law: problems of {count} policies, good ones and broken ones, in other orders and files: \
         {}; in {:.1} s\n",
        each.join("; "),
        start.elapsed().as_secs_f64(),
    ));
    assert!(names.0.len() > 10, "{names:?}");
}
