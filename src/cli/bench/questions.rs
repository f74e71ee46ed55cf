//! What is asked: known users drawn from a seed, and the operations that they are asked with.
//!
//! Law: the same seed, policy and directory ask the same.

use std::hint::black_box;

use presence_router::directory::Directory;
use presence_router::id::UserId;
use presence_router::router::Snapshot;
use presence_router::workload::Chance;

/// So many questions go round.
const QUESTIONS: usize = 4_096;

/// Of so many senders, recipients are drawn who receive them.
const SENDERS: usize = 64;

/// The updates in a batch.
pub const BATCH: usize = 50;

/// So many batches go round.
const BATCHES: usize = 64;

/// An operation on a policy, as it is asked in turns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    Sees,
    RecipientsOf,
    SendersFor,
    Route,
}

impl Operation {
    pub const ALL: [Operation; 4] = [
        Operation::Sees,
        Operation::RecipientsOf,
        Operation::SendersFor,
        Operation::Route,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Operation::Sees => "sees",
            Operation::RecipientsOf => "recipients_of",
            Operation::SendersFor => "senders_for",
            Operation::Route => "route",
        }
    }
}

/// The questions of one seed.
pub struct Questions<'a> {
    pairs: Vec<(&'a str, &'a str)>,
    batches: Vec<Vec<&'a str>>,
}

impl<'a> Questions<'a> {
    /// Half of the users are drawn from all known ones, half from those the policy names. In half of
    /// the pairs the recipient receives the sender, as far as there are such.
    pub fn new(
        known: &'a [UserId],
        snapshot: &Snapshot,
        directory: &Directory,
        seed: u64,
    ) -> Option<Self> {
        let mut chance = Chance::new(seed, 8);
        let named: Vec<&UserId> = snapshot.policy().named.iter().collect();
        let named: Vec<&'a UserId> = named
            .iter()
            .filter_map(|user| known.get(known.binary_search(user).ok()?))
            .collect();
        let mut user = || {
            let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
            let from_named = chance.below(2) == 0;
            let of_named = named.get(chance.below(number(named.len())) as usize);
            let of_all = known.get(chance.below(number(known.len())) as usize);
            let user = of_named.filter(|_| from_named).copied().or(of_all);
            user.map(UserId::as_str)
        };
        let mut pairs = Vec::with_capacity(QUESTIONS);
        for _ in 0..SENDERS {
            let sender = user()?;
            let recipients = snapshot.recipients_of(directory, sender);
            let step = recipients.len().div_ceil(QUESTIONS / SENDERS / 2).max(1);
            let there = recipients.iter().step_by(step).filter_map(|recipient| {
                let recipient = known.get(known.binary_search(recipient).ok()?)?;
                Some((sender, recipient.as_str()))
            });
            pairs.extend(there);
        }
        while pairs.len() < QUESTIONS {
            pairs.push((user()?, user()?));
        }
        // In no order, so that one pair says nothing of the next.
        let mut chance = Chance::new(seed, 9);
        for at in (1..pairs.len()).rev() {
            let other = chance.below(u32::try_from(at + 1).unwrap_or(u32::MAX));
            pairs.swap(at, other as usize);
        }
        let senders: Vec<&str> = pairs.iter().map(|(sender, _)| *sender).collect();
        let batches = senders.chunks(BATCH).take(BATCHES).map(<[_]>::to_vec);
        let batches = batches.collect();
        Some(Questions { pairs, batches })
    }

    /// Asks one question, whose number may be any, and throws the answer away.
    #[inline]
    pub fn ask(&self, what: Operation, snapshot: &Snapshot, directory: &Directory, number: usize) {
        if what == Operation::Route {
            let at = number % self.batches.len().max(1);
            let batch = self.batches.get(at).map(Vec::as_slice).unwrap_or_default();
            black_box(snapshot.route(directory, batch));
            return;
        }
        let at = number % self.pairs.len().max(1);
        let Some((sender, recipient)) = self.pairs.get(at) else {
            return;
        };
        match what {
            Operation::Sees => {
                black_box(snapshot.sees(directory, sender, recipient));
            }
            Operation::RecipientsOf => {
                black_box(snapshot.recipients_of(directory, sender));
            }
            _ => {
                black_box(snapshot.senders_for(directory, recipient));
            }
        }
    }

    /// Each sender who is asked about once.
    pub fn senders(&self) -> Vec<&'a str> {
        let mut senders: Vec<&str> = self.pairs.iter().map(|(sender, _)| *sender).collect();
        senders.sort_unstable();
        senders.dedup();
        senders
    }
}
