//! Edits of policy and directory: after each one, what runs answers like what is made anew, and both
//! as the oracle says.
//!
//! A failure is made small by `reduce`; `a_lapse_is_caught_and_made_small` holds it to that.

use std::cell::RefCell;
use std::time::Instant;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;

use super::generate;
use super::model::{Edit, Facts, GroupBody, Policy, Rule, Selector, Tally, World};
use super::oracle::Meaning;
use super::reduce::{reduce, smaller_rules, smaller_worlds};
use super::relations::Batch;
use super::running::{Files, Reloaded, Running, folder_of};
use super::second::answers;
use super::truth::{Answers, Oracle, compare};
use super::{number, runner, say, shown};

/// A change of the policy or of the directory.
#[derive(Clone, Debug)]
enum Step {
    Directory(Edit),
    RemoveRule(usize),
    AddRule(Rule),
    ChangeRule(usize, Rule),
    /// Everybody, or nobody from a file; or what it was.
    ChangeGroup(usize, GroupBody),
    /// A statement that is none, taken away again by the next step.
    Break,
    /// Other files, other order, the same statements.
    Move,
}

impl Step {
    fn kind(&self) -> &'static str {
        match self {
            Step::Directory(edit) => edit.kind(),
            Step::RemoveRule(_) => "rule removed",
            Step::AddRule(_) => "rule added",
            Step::ChangeRule(..) => "rule changed",
            Step::ChangeGroup(..) => "group changed",
            Step::Break => "policy broken",
            Step::Move => "statements moved",
        }
    }
}

#[derive(Clone, Debug)]
struct Story {
    world: World,
    steps: Vec<Step>,
}

fn story() -> impl Strategy<Value = Story> {
    let numbers = vec(any::<(u8, u8)>(), 1..=8);
    (numbers, generate::world_and_rules()).prop_map(|(numbers, (world, send, block))| {
        let mut edits: Vec<Edit> = world.rounds.iter().flatten().cloned().collect();
        edits.reverse();
        let mut left = world.policy.rules.len();
        let mut steps = Vec::new();
        for (kind, number) in numbers {
            let number = usize::from(number);
            let rule = || if number % 2 == 0 { &send } else { &block }.clone();
            let groups = &world.policy.groups;
            steps.push(match kind % 9 {
                0..=2 if !edits.is_empty() => Step::Directory(edits.pop().unwrap()),
                3 if left > 0 => {
                    left -= 1;
                    Step::RemoveRule(number % (left + 1))
                }
                4 => {
                    left += 1;
                    Step::AddRule(rule())
                }
                5 if left > 0 => Step::ChangeRule(number % left, rule()),
                6 if !groups.is_empty() => {
                    let group = number % groups.len();
                    let body = match number / groups.len() % 3 {
                        0 => GroupBody::Is(Selector::All),
                        1 => GroupBody::File(Vec::new()),
                        _ => groups[group].body.clone(),
                    };
                    Step::ChangeGroup(group, body)
                }
                7 => Step::Break,
                _ => Step::Move,
            });
        }
        Story { world, steps }
    })
}

/// What somebody could forget who keeps things up to date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lapse {
    LeaveForgotten,
    AliasStays,
    RemovedRuleStays,
    BrokenPolicyIsEmpty,
}

const LAPSES: [Lapse; 4] = [
    Lapse::LeaveForgotten,
    Lapse::AliasStays,
    Lapse::RemovedRuleStays,
    Lapse::BrokenPolicyIsEmpty,
];

/// Makes every edit and holds all answers after each. A lapse is made in what runs.
fn live(story: &Story, lapse: Option<Lapse>, told: &mut Told) -> Result<(), String> {
    let mut policy = story.world.policy.clone();
    let mut facts = story.world.facts.clone();
    let mut running = Running::start(&policy, &facts, &folder_of(&policy, None, &[]))?;
    for (number, step) in story.steps.iter().enumerate() {
        let mut broken = false;
        let mut lapses = false;
        match step {
            Step::Directory(edit) => {
                facts.apply(edit);
                lapses = matches!(
                    (lapse, edit),
                    (Some(Lapse::LeaveForgotten), Edit::Leave(..))
                        | (Some(Lapse::AliasStays), Edit::RemoveAlias(_))
                );
                if !lapses {
                    running.edit(edit);
                }
            }
            Step::RemoveRule(at) => {
                if *at < policy.rules.len() {
                    policy.rules.remove(*at);
                }
                lapses = lapse == Some(Lapse::RemovedRuleStays);
            }
            Step::AddRule(rule) => policy.rules.push(rule.clone()),
            // a smaller story may have no such rule and no such group
            Step::ChangeRule(at, rule) => {
                if let Some(old) = policy.rules.get_mut(*at) {
                    old.clone_from(rule);
                }
            }
            Step::ChangeGroup(at, body) => {
                if let Some(group) = policy.groups.get_mut(*at) {
                    group.body.clone_from(body);
                }
            }
            Step::Break => broken = true,
            Step::Move => {}
        }
        told.steps.hit(step.kind());
        if !lapses && !matches!(step, Step::Directory(_)) {
            let seed = Some(number as u64 + 1);
            let broken_line: &[&str] = if broken { &["send all too all"] } else { &[] };
            let mut files = folder_of(&policy, seed, broken_line);
            if broken && lapse == Some(Lapse::BrokenPolicyIsEmpty) {
                files.retain(|(name, _)| !name.ends_with(".policy"));
                files.push(("policy/a.policy".to_owned(), String::new()));
            }
            let reloaded = running.save(&files);
            let wrong = match reloaded {
                Reloaded::Kept => !broken,
                Reloaded::Loaded => broken && lapse.is_none(),
                Reloaded::Unchanged => false,
            };
            if wrong {
                return Err(format!("step {}, {step:?}: {reloaded:?}", number + 1));
            }
        }
        told.answers += agree(story, &policy, &facts, &running)
            .map_err(|problem| format!("after step {}, {step:?}\n{problem}", number + 1))?;
    }
    Ok(())
}

/// Everything asked of what runs, of what is made anew, and of the oracle.
fn agree(story: &Story, policy: &Policy, facts: &Facts, running: &Running) -> Result<u64, String> {
    let files: Files = folder_of(policy, None, &[]);
    let anew = Running::start(policy, facts, &files)?;
    let known = Meaning { policy, facts }.known(&story.world.strangers);
    let universe: Vec<String> = known.into_iter().collect();
    let [runs, anew]: [Result<Answers, String>; 2] = [running, &anew].map(|one| {
        let core = one.core();
        let known: Vec<String> = super::compare::Subject::known_users(&core);
        match known.iter().find(|user| !universe.contains(user)) {
            Some(user) => Err(format!("{user:?} is still known")),
            None => Ok(answers(&core, &universe)),
        }
    });
    let (runs, anew) = (runs?, anew?);
    let batch = Batch {
        groups: &policy.groups,
        all_groups: true,
        rules: &policy.rules,
        policies: &[],
        facts,
        universe: &universe,
    };
    let rules: Vec<usize> = (0..policy.rules.len()).collect();
    let truth = Oracle::new(&batch).truth(&rules);
    let pairs = compare(&universe, &truth, &runs)?;
    compare(&universe, &truth, &anew).map_err(|problem| format!("made anew: {problem}"))?;
    if runs != anew {
        return Err(format!("running {runs:?}\nmade anew {anew:?}"));
    }
    Ok(pairs)
}

#[derive(Default)]
struct Told {
    steps: Tally,
    answers: u64,
}

fn shown_story(story: &Story, problem: &str) -> String {
    let steps = story.steps.iter().enumerate();
    let steps: String = steps
        .map(|(at, step)| format!("  step {}: {step:?}\n", at + 1))
        .collect();
    shown(&story.world, &format!("{problem}\n{steps}"))
}

/// Stories with one thing less.
fn smaller(story: &Story) -> Vec<Story> {
    let mut found = Vec::new();
    for at in 0..story.steps.len() {
        let mut less = story.clone();
        less.steps.remove(at);
        found.push(less);
    }
    for (at, step) in story.steps.iter().enumerate() {
        let rules = match step {
            Step::AddRule(rule) | Step::ChangeRule(_, rule) => smaller_rules(rule),
            _ => Vec::new(),
        };
        for rule in rules {
            let mut less = story.clone();
            match &mut less.steps[at] {
                Step::AddRule(old) | Step::ChangeRule(_, old) => *old = rule,
                _ => unreachable!(),
            }
            found.push(less);
        }
    }
    let worlds = smaller_worlds(&story.world).into_iter();
    found.extend(worlds.map(|world| Story {
        world,
        steps: story.steps.clone(),
    }));
    found
}

/// Runs random stories; of the first that fails the least that does, and how.
fn first_failure(
    count: u64,
    salt: u64,
    lapse: Option<Lapse>,
    told: &RefCell<Told>,
) -> Option<(Story, String)> {
    let mut runner = runner(count, salt);
    let strategy = story();
    for _ in 0..count {
        let story = strategy.new_tree(&mut runner).unwrap().current();
        if live(&story, lapse, &mut told.borrow_mut()).is_ok() {
            continue;
        }
        let fails = |story: &Story| live(story, lapse, &mut Told::default()).err();
        let least = reduce(story, smaller, |story| fails(story).is_some());
        let problem = fails(&least).unwrap();
        return Some((least, problem));
    }
    None
}

#[test]
fn what_runs_answers_like_what_is_made_anew() {
    let start = Instant::now();
    let told = RefCell::new(Told::default());
    let count = number("LAW_POLICIES", 2_000) / 10;
    if let Some((least, problem)) = first_failure(count, 8, None, &told) {
        panic!("{}", shown_story(&least, &problem));
    }
    let told = told.into_inner();
    let steps: Vec<String> = told
        .steps
        .0
        .iter()
        .map(|(kind, n)| format!("{kind} {n}"))
        .collect();
    say(&format!(
        "law: {count} policies lived through edits: {}; {} pairs, of what runs and of what is made \
         anew; in {:.1} s\n",
        steps.join("; "),
        told.answers,
        start.elapsed().as_secs_f64(),
    ));
    assert_eq!(told.steps.0.len(), 13, "kinds of steps");
    assert!(told.answers > 0);
}

#[test]
fn a_lapse_is_caught_and_made_small() {
    for lapse in LAPSES {
        let (least, problem) = first_failure(2_000, 9, Some(lapse), &RefCell::default())
            .unwrap_or_else(|| panic!("{lapse:?} is not caught"));
        let text = folder_of(&least.world.policy, None, &[]).pop().unwrap().1;
        say(&format!(
            "law: planted {lapse:?}, made small: `{}`; then {:?}\n",
            text.trim_end().replace('\n', "; "),
            least.steps,
        ));
        let rules = least.world.policy.rules.len();
        assert!(
            rules <= 2 && least.steps.len() <= 3 && text.len() < 200,
            "{}",
            shown_story(&least, &problem)
        );
    }
}
