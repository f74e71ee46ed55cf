//! The random worlds put to SQLite and to Datalog.

use std::collections::HashMap;

use super::compare::Subject;
use super::datalog;
use super::model::World;
use super::oracle::{Meaning, Senders};
use super::relations::Batch;
use super::sql::Sql;
use super::truth::{Answers, Oracle, Users, WRONGS, Wrong, compare};

/// What was compared with each source.
#[derive(Clone, Debug, Default)]
pub struct Compared {
    pub policies: u64,
    pub sqlite: u64,
    pub datalog: u64,
}

/// A world as one policy of a batch, and everybody who may be asked about.
struct Posed<'a> {
    world: &'a World,
    universe: Vec<String>,
    policies: [Vec<usize>; 1],
}

impl<'a> Posed<'a> {
    fn new(world: &'a World) -> Self {
        let meaning = Meaning {
            policy: &world.policy,
            facts: &world.facts,
        };
        Posed {
            world,
            universe: meaning.known(&world.strangers).into_iter().collect(),
            policies: [(0..world.policy.rules.len()).collect()],
        }
    }

    fn batch(&self) -> Batch<'_> {
        Batch {
            groups: &self.world.policy.groups,
            all_groups: true,
            rules: &self.world.policy.rules,
            policies: &self.policies,
            facts: &self.world.facts,
            universe: &self.universe,
        }
    }
}

/// Every question of a universe, in bits.
pub fn answers(subject: &dyn Subject, universe: &[String]) -> Answers {
    let places: HashMap<&str, usize> = universe.iter().map(String::as_str).zip(0..).collect();
    let set =
        |users: &[String]| -> Users { users.iter().map(|user| 1 << places[user.as_str()]).sum() };
    let row = |sees: &dyn Fn(&str) -> bool| -> Users {
        let users = universe.iter().enumerate().filter(|(_, user)| sees(user));
        users.map(|(place, _)| 1 << place).sum()
    };
    let of_each = |answer: &dyn Fn(&String) -> Users| universe.iter().map(answer).collect();
    let routed = subject.route(universe);
    Answers {
        known: set(&subject.known_users()),
        decide: of_each(&|sender| row(&|recipient| subject.decide(sender, recipient))),
        sees: of_each(&|sender| row(&|recipient| subject.sees(sender, recipient))),
        recipients_of: of_each(&|sender| set(&subject.recipients_of(sender))),
        senders_for: universe
            .iter()
            .map(|recipient| match subject.senders_for(recipient) {
                Senders::Only(users) => (false, set(&users)),
                Senders::AllExcept(users) => (true, set(&users)),
            })
            .collect(),
        route: of_each(&|recipient| {
            let received = routed.get(recipient).into_iter().flatten();
            received.map(|&place| 1 << place).sum()
        }),
    }
}

/// Holds an evaluator against both.
pub fn hold(
    world: &World,
    subject: &dyn Subject,
    sql: &Sql,
    compared: &mut Compared,
) -> Result<(), String> {
    let posed = Posed::new(world);
    let batch = posed.batch();
    let answers = answers(subject, &posed.universe);
    let hold = |source: &str, truth: &_| {
        compare(&posed.universe, truth, &answers).map_err(|problem| format!("{source}: {problem}"))
    };
    compared.sqlite += hold("SQLite", &sql.answer(&batch)[0])?;
    compared.datalog += hold("Datalog", &datalog::answer(&batch)[0])?;
    compared.policies += 1;
    Ok(())
}

/// Which of the planted mistakes the oracle, SQLite and Datalog each see in this world.
pub fn caught(world: &World, sql: &Sql) -> Vec<(Wrong, [bool; 3])> {
    let posed = Posed::new(world);
    let batch = posed.batch();
    let oracle = Oracle::new(&batch);
    let rules = &posed.policies[0];
    let truths = [
        oracle.truth(rules),
        sql.answer(&batch).remove(0),
        datalog::answer(&batch).remove(0),
    ];
    let right = oracle.answers(rules, None);
    for truth in &truths {
        compare(&posed.universe, truth, &right).expect("the oracle agrees with itself");
    }
    let refused = |wrong| {
        let answers = oracle.answers(rules, Some(wrong));
        let refuses = |truth| compare(&posed.universe, truth, &answers).is_err();
        [0, 1, 2].map(|source: usize| refuses(&truths[source]))
    };
    WRONGS.map(|wrong| (wrong, refused(wrong))).to_vec()
}
