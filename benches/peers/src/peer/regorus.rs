//! regorus, an engine for Rego, with the rules as data.
//!
//! One policy for all, compiled once into the program of its virtual machine, and a machine for each
//! thread that is kept between questions: the fastest way of its own benchmarks ("hot"). Data is held as
//! objects and sets that are looked up by key, as the documents of Rego advise, and made as values, not
//! read from JSON. What a sender reaches is laid out by sender, so that no rule is looked for.

use std::collections::BTreeMap;
use std::sync::Arc;

use ::regorus::languages::rego::compiler::Compiler;
use ::regorus::rvm::program::Program;
use ::regorus::rvm::vm::RegoVM;
use ::regorus::{Engine, Rc, Value};

use super::{Ask, Peer, Source, Work};
use crate::Fault;
use crate::facts::Facts;

const POLICY: &str = "
package presence

import rego.v1

sender := data.users[input.sender]

recipient := data.users[input.recipient]

default sees := false

sees if {
	some set in recipient.stands
	sender.sends[set]
	not blocked
}

blocked if {
	some set in recipient.stands
	sender.blocks[set]
}

hidden contains name if {
	some set in sender.blocks
	some name in data.members[set]
}

recipients contains name if {
	some set in sender.sends
	some name in data.members[set]
	not hidden[name]
}

withheld contains name if {
	some set in recipient.stands
	some from in data.blocked_from[set]
	some name in data.members[from]
}

senders contains name if {
	some set in recipient.stands
	some from in data.sent_from[set]
	some name in data.members[from]
	not withheld[name]
}
";

const QUESTIONS: [&str; 3] = [
    "data.presence.sees",
    "data.presence.recipients",
    "data.presence.senders",
];

struct Rego {
    program: Arc<Program>,
    data: Value,
}

/// A set of numbers.
fn set(sets: impl IntoIterator<Item = u32>) -> Value {
    Value::from(
        sets.into_iter()
            .map(Value::from)
            .collect::<std::collections::BTreeSet<_>>(),
    )
}

fn array(values: impl Iterator<Item = Value>) -> Value {
    Value::from(values.collect::<Vec<_>>())
}

fn object(entries: impl IntoIterator<Item = (Value, Value)>) -> Value {
    Value::from(entries.into_iter().collect::<BTreeMap<_, _>>())
}

fn data(facts: &Facts) -> Value {
    let names: Vec<Value> = facts
        .users
        .iter()
        .map(|user| Value::from(user.as_str()))
        .collect();
    let sets = || (0..facts.users.len() as u32).chain(facts.lists().map(|(set, _)| set));
    let users = (0..).zip(&names).map(|(number, name)| {
        let user = object([
            ("sends".into(), set(facts.reached(false, number))),
            ("blocks".into(), set(facts.reached(true, number))),
            (
                "stands".into(),
                array(facts.recipient_in(number).map(Value::from)),
            ),
        ]);
        (name.clone(), user)
    });
    let members = sets().map(|set| {
        let members = facts
            .members(set)
            .iter()
            .map(|user| names[*user as usize].clone());
        (set.into(), array(members))
    });
    let from = |block: bool| {
        let from = sets().map(move |set| (set, facts.senders(block, set)));
        let from = from.filter(|(_, from)| !from.is_empty());
        object(from.map(|(set, from)| (set.into(), array(from.iter().map(|set| (*set).into())))))
    };
    object([
        ("users".into(), object(users)),
        ("members".into(), object(members)),
        ("sent_from".into(), from(false)),
        ("blocked_from".into(), from(true)),
    ])
}

pub fn load<'a>(source: &'a Source<'a>) -> Result<Box<dyn Peer + 'a>, Fault> {
    let mut engine = Engine::new();
    engine.add_policy("presence.rego".into(), POLICY.into())?;
    let policy = engine.compile_with_entrypoint(&Rc::from(QUESTIONS[0]))?;
    let program = Compiler::compile_from_policy(&policy, &QUESTIONS)?;
    Ok(Box::new(Rego {
        program,
        data: data(source.facts),
    }))
}

impl Peer for Rego {
    fn ask(&self, work: &mut Work) -> Result<(), Fault> {
        let mut machine = RegoVM::new();
        machine.load_program(self.program.clone());
        machine.set_data(self.data.clone())?;
        machine.set_max_instructions(usize::MAX);
        work(&mut Machine {
            machine,
            sender: "sender".into(),
            recipient: "recipient".into(),
        })
    }
}

struct Machine {
    machine: RegoVM,
    /// The keys of the input.
    sender: Value,
    recipient: Value,
}

impl Machine {
    fn list(&mut self, question: usize, each: &mut dyn FnMut(&str)) -> Result<(), Fault> {
        let answer = self.machine.execute_entry_point_by_index(question)?;
        // Nobody may be told as undefined.
        if let Ok(users) = answer.as_set() {
            for user in users.iter() {
                each(user.as_string()?);
            }
        }
        Ok(())
    }
}

impl Ask for Machine {
    fn sees(&mut self, sender: &str, recipient: &str) -> Result<bool, Fault> {
        self.machine.set_input(object([
            (self.sender.clone(), sender.into()),
            (self.recipient.clone(), recipient.into()),
        ]));
        Ok(*self.machine.execute_entry_point_by_index(0)?.as_bool()?)
    }

    fn recipients(&mut self, sender: &str, each: &mut dyn FnMut(&str)) -> Result<(), Fault> {
        self.machine
            .set_input(object([(self.sender.clone(), sender.into())]));
        self.list(1, each)
    }

    fn senders(&mut self, recipient: &str, each: &mut dyn FnMut(&str)) -> Result<(), Fault> {
        self.machine
            .set_input(object([(self.recipient.clone(), recipient.into())]));
        self.list(2, each)
    }
}
