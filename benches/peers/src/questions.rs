//! What is asked, with presence-router's answers.
//!
//! Of the pairs half are drawn like those of a server, and half from the rules, so that yes, no and
//! blocked all occur. Lists are asked of users drawn as in the workload.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use presence_router::Senders;
use presence_router::workload::{Chance, Workload};

use crate::Fault;
use crate::facts::Facts;
use crate::peer::{Ask, Own};

const PAIRS: usize = 1_000;
const LISTS: usize = 50;

/// Comparing stops after this, with one list of each kind at the least.
const PATIENCE: Duration = Duration::from_secs(2);

/// Questions and their answers; lists are sorted.
#[derive(Default)]
pub struct Questions {
    pub pairs: Vec<(String, String, bool)>,
    pub recipients: Vec<(String, Vec<String>)>,
    pub senders: Vec<(String, Vec<String>)>,
}

impl Questions {
    pub fn draw(workload: &Workload, own: &Own, facts: &Facts) -> Self {
        let (mut stream, mut chance) = (workload.questions(), Chance::new(1, 1));
        let mut member = |set: u32| {
            let members = facts.members(set);
            let at = chance.below(members.len() as u32);
            members
                .get(at as usize)
                .map(|user| facts.users[*user as usize].clone())
        };
        let mut choose = Chance::new(1, 2);
        let mut drawn = Questions::default();
        while drawn.pairs.len() < PAIRS {
            let mut pair = Some((stream.user(), stream.user()));
            if drawn.pairs.len() % 2 == 1 {
                let rule = facts.rules[choose.below(facts.rules.len() as u32) as usize];
                // Nobody may be in a set.
                pair = member(rule.senders).zip(member(rule.recipients));
            }
            if let Some((sender, recipient)) = pair {
                let sees = own.snapshot.sees(&own.directory, &sender, &recipient);
                drawn.pairs.push((sender, recipient, sees));
            }
        }
        for _ in 0..LISTS {
            let (sender, recipient) = (stream.user(), stream.user());
            let recipients = own.snapshot.recipients_of(&own.directory, &sender);
            let recipients = recipients
                .iter()
                .map(|user| user.as_str().to_owned())
                .collect();
            drawn.recipients.push((sender, recipients));
            let senders = match own.snapshot.senders_for(&own.directory, &recipient) {
                Senders::Only(users) => users.iter().map(|user| user.as_str().to_owned()).collect(),
                answer @ Senders::AllExcept(_) => facts
                    .users
                    .iter()
                    .filter(|user| answer.contains(user))
                    .cloned()
                    .collect(),
            };
            drawn.senders.push((recipient, senders));
        }
        drawn
    }

    pub fn write(&self, path: &Path) -> Result<(), Fault> {
        let mut text = String::new();
        for (sender, recipient, sees) in &self.pairs {
            text += &format!("pair {sender} {recipient} {sees}\n");
        }
        for (word, lists) in [("recipients", &self.recipients), ("senders", &self.senders)] {
            for (user, list) in lists {
                text += &format!("{word} {user} {}\n", list.join(" "));
            }
        }
        Ok(fs::write(path, text)?)
    }

    pub fn read(path: &Path) -> Result<Self, Fault> {
        let mut read = Questions::default();
        for line in fs::read_to_string(path)?.lines() {
            let mut words = line.split_ascii_whitespace().map(str::to_owned);
            let mut word = || words.next().ok_or("a question ends too early");
            let (kind, user) = (word()?, word()?);
            match kind.as_str() {
                "pair" => read.pairs.push((user, word()?, word()?.parse()?)),
                "recipients" => read.recipients.push((user, words.collect())),
                _ => read.senders.push((user, words.collect())),
            }
        }
        Ok(read)
    }

    /// Asks an engine all this, lists too if they are wanted; how many answers were compared. `everyone`
    /// tells that it may list who is missing from everyone.
    pub fn compare(&self, ask: &mut dyn Ask, lists: bool, everyone: bool) -> Result<usize, Fault> {
        let mut compared = 0;
        let start = Instant::now();
        for (sender, recipient, sees) in &self.pairs {
            if ask.sees(sender, recipient)? != *sees {
                let other = !sees;
                let line = format!("{recipient} receives {sender}: {sees} here, {other} there");
                return Err(line.into());
            }
            compared += 1;
            if start.elapsed() > PATIENCE {
                break;
            }
        }
        if !lists {
            return Ok(compared);
        }
        let start = Instant::now();
        for ((sender, recipients), (recipient, senders)) in
            self.recipients.iter().zip(&self.senders)
        {
            let mut list = Vec::new();
            ask.recipients(sender, &mut |user| list.push(user.to_owned()))?;
            same("who receives", sender, recipients, list)?;
            if !everyone {
                let mut list = Vec::new();
                ask.senders(recipient, &mut |user| list.push(user.to_owned()))?;
                same("whose presence reaches", recipient, senders, list)?;
            }
            compared += 2 - usize::from(everyone);
            if start.elapsed() > PATIENCE {
                break;
            }
        }
        Ok(compared)
    }
}

fn same(what: &str, user: &str, here: &[String], mut there: Vec<String>) -> Result<(), Fault> {
    there.sort_unstable();
    if here == there {
        return Ok(());
    }
    let (here, there) = (here.len(), there.len());
    Err(format!("{what} {user}: {here} users here, {there} others there").into())
}
