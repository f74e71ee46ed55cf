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

/// Comparing pairs stops after this, and comparing lists, with one at the least.
const PATIENCE: Duration = Duration::from_secs(2);

/// A sender, a recipient, and whether the one is received by the other.
pub type Pair = (String, String, bool);

/// A user, and the users who receive them or whom they receive, sorted.
pub type List = (String, Vec<String>);

/// Questions and their answers.
#[derive(Default)]
pub struct Questions {
    pub pairs: Vec<Pair>,
    pub recipients: Vec<List>,
    pub senders: Vec<List>,
}

impl Questions {
    /// Draws them, and asks presence-router.
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

    /// Writes questions and answers, a line each.
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

    /// Reads what was written.
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

    /// Asks an engine all this, the lists too if they are wanted; how many answers were compared.
    pub fn compare(&self, ask: &mut dyn Ask, lists: bool) -> Result<usize, Fault> {
        let mut compared = 0;
        let start = Instant::now();
        for (sender, recipient, sees) in &self.pairs {
            if ask.sees(sender, recipient)? != *sees {
                return Err(differs(sender, recipient, *sees));
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
        for (recipients, senders) in self.recipients.iter().zip(&self.senders) {
            let (sender, here) = recipients;
            let mut there = Vec::new();
            ask.recipients(sender, &mut |user| there.push(user.to_owned()))?;
            if let Some((recipient, sees)) = difference(here, there) {
                return Err(differs(sender, &recipient, sees));
            }
            let (recipient, here) = senders;
            let mut there = Vec::new();
            ask.senders(recipient, &mut |user| there.push(user.to_owned()))?;
            if let Some((sender, sees)) = difference(here, there) {
                return Err(differs(&sender, recipient, sees));
            }
            compared += 2;
            if start.elapsed() > PATIENCE {
                break;
            }
        }
        Ok(compared)
    }
}

/// The fault that an answer differs; `sees` is presence-router's.
fn differs(sender: &str, recipient: &str, sees: bool) -> Fault {
    let not = if sees { "" } else { "not " };
    format!("{recipient} should {not}receive {sender}").into()
}

/// The first user by whom two lists differ, and whether they are in the first list, which is sorted.
fn difference(here: &[String], mut there: Vec<String>) -> Option<(String, bool)> {
    there.sort_unstable();
    let pairs = here.iter().zip(&there);
    let same = pairs.take_while(|(here, there)| here == there).count();
    match (here.get(same), there.get(same)) {
        (None, None) => None,
        (Some(user), other) if other.is_none_or(|other| user < other) => Some((user.clone(), true)),
        (_, Some(user)) => Some((user.clone(), false)),
        (Some(user), None) => Some((user.clone(), true)),
    }
}
