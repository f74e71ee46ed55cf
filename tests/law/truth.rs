//! What is true of a policy, what an evaluator answered, and whether the answers are right. Users
//! are bits of a word, so that a hundred thousand policies are compared in a moment.
//!
//! Not for getting either: `oracle`, `sql` and `datalog` tell the truth, `core` and the small world
//! ask the crate.

use super::model::{Facts, Group, Policy, Rule};
use super::oracle::Meaning;
use super::relations::Batch;

/// A set of users, by their place in the universe.
pub type Users = u64;

fn bit(user: impl Into<u64>) -> Users {
    1 << user.into()
}

/// The places of the users in a set.
fn places(users: Users) -> impl Iterator<Item = usize> {
    (0..64).filter(move |user| users & (1 << user) != 0)
}

/// The whole relation of one policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Truth {
    pub known: Users,
    /// For each sender the recipients, known or not.
    pub sees: Vec<Users>,
    /// Who receives everyone but some.
    pub all: Users,
}

impl Truth {
    pub fn none(universe: usize) -> Truth {
        Truth {
            known: 0,
            sees: vec![0; universe],
            all: 0,
        }
    }

    pub fn add_pair(&mut self, sender: u32, recipient: u32) {
        self.sees[sender as usize] |= bit(recipient);
    }

    pub fn add_all(&mut self, recipient: u32) {
        self.all |= bit(recipient);
    }

    pub fn add_known(&mut self, user: u32) {
        self.known |= bit(user);
    }

    /// Whom a recipient sees.
    fn senders(&self, recipient: usize) -> Users {
        let senders = self.sees.iter().enumerate();
        let senders = senders.filter(|(_, recipients)| **recipients & (1 << recipient) != 0);
        senders.map(|(sender, _)| 1 << sender).sum()
    }
}

/// What an evaluator said of one policy, each question asked of every user of the universe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answers {
    pub known: Users,
    /// By sender.
    pub decide: Vec<Users>,
    /// By sender.
    pub sees: Vec<Users>,
    /// By sender.
    pub recipients_of: Vec<Users>,
    /// By recipient: whether it is everyone but some, and the list.
    pub senders_for: Vec<(bool, Users)>,
    /// By recipient: what they receive of a batch with one update of each.
    pub route: Vec<Users>,
}

/// How many pairs were compared, each in five answers, or the first that is wrong.
pub fn compare(universe: &[String], truth: &Truth, answers: &Answers) -> Result<u64, String> {
    let names = |users: Users| -> Vec<&str> {
        places(users)
            .map(|user| universe.get(user).map_or("?", String::as_str))
            .collect()
    };
    let same = |question: &str, user: &str, want: Users, got: Users| {
        if want == got {
            return Ok(());
        }
        let (want, got) = (names(want), names(got));
        Err(format!(
            "{question}({user})\nexpected {want:?}\ngot      {got:?}"
        ))
    };
    same("known_users", "", truth.known, answers.known)?;
    for (user, name) in universe.iter().enumerate() {
        let seen = truth.sees[user];
        same("decide by sender", name, seen, answers.decide[user])?;
        same("sees by sender", name, seen, answers.sees[user])?;
        let known = seen & truth.known;
        same("recipients_of", name, known, answers.recipients_of[user])?;
        let senders = truth.senders(user);
        same("route by recipient", name, senders, answers.route[user])?;
        let all = truth.all & (1 << user) != 0;
        let (got_all, got) = answers.senders_for[user];
        if all != got_all {
            let shape = |all| if all { "all except" } else { "only" };
            let (want, got) = (shape(all), shape(got_all));
            return Err(format!(
                "senders_for({name}): expected `{want}`, got `{got}`"
            ));
        }
        let listed = if all { !senders } else { senders } & truth.known;
        same("senders_for", name, listed, got)?;
    }
    Ok((universe.len() * universe.len()) as u64)
}

/// A rule as the oracle reads it, over a universe.
#[derive(Clone, Copy, Debug)]
pub struct Rectangle {
    pub block: bool,
    pub senders: Users,
    pub recipients: Users,
    /// Whether the senders are.
    pub unbounded: bool,
    /// Who is written in it.
    pub written: Users,
}

/// The oracle, by rules that are read once.
pub struct Oracle {
    pub rectangles: Vec<Rectangle>,
    /// Known under every policy.
    pub known: Users,
    universe: usize,
}

impl Oracle {
    pub fn new(batch: &Batch<'_>) -> Oracle {
        let universe = batch.universe;
        let set = |inside: &dyn Fn(&String) -> bool| -> Users {
            let users = universe.iter().enumerate();
            users
                .filter(|(_, u)| inside(u))
                .map(|(at, _)| 1 << at)
                .sum()
        };
        let policy = |groups: &[Group], rules: &[Rule]| Policy {
            server: None,
            homeserver: None,
            groups: groups.to_vec(),
            rules: rules.to_vec(),
        };
        let nobody = Facts::default();
        let known = |policy: &Policy, facts: &Facts| {
            let known = Meaning { policy, facts }.known(&[]);
            set(&|user| known.contains(user))
        };
        let all = if batch.all_groups { batch.groups } else { &[] };
        let rectangles = batch.rules.iter().map(|rule| {
            let mut used = policy(batch.groups, std::slice::from_ref(rule));
            let meaning = Meaning {
                policy: &used,
                facts: batch.facts,
            };
            let (senders, recipients) = Meaning::sides(rule);
            let mut rectangle = Rectangle {
                block: rule.is_block(),
                senders: set(&|user| meaning.picks(senders, user)),
                recipients: set(&|user| meaning.picks(recipients, user)),
                unbounded: meaning.unbounded(senders),
                written: 0,
            };
            let names = used.used_groups();
            let groups = names.iter().map(|&index| batch.groups[index].clone());
            used.groups = groups.collect();
            rectangle.written = known(&used, &nobody);
            rectangle
        });
        Oracle {
            rectangles: rectangles.collect(),
            known: known(&policy(all, &[]), batch.facts),
            universe: universe.len(),
        }
    }

    /// The truth of a policy of these rules.
    pub fn truth(&self, rules: &[usize]) -> Truth {
        self.meant(rules, true)
    }

    fn meant(&self, rules: &[usize], blocks: bool) -> Truth {
        let mut truth = Truth::none(self.universe);
        truth.known = self.known;
        let (mut blocked, mut denied) = (vec![0; self.universe], 0);
        for rule in rules.iter().map(|&rule| &self.rectangles[rule]) {
            truth.known |= rule.written;
            if rule.block && !blocks {
                continue;
            }
            let (table, all) = if rule.block {
                (&mut blocked, &mut denied)
            } else {
                (&mut truth.sees, &mut truth.all)
            };
            for sender in places(rule.senders) {
                table[sender] |= rule.recipients;
            }
            if rule.unbounded {
                *all |= rule.recipients;
            }
        }
        for (row, blocked) in truth.sees.iter_mut().zip(&blocked) {
            *row &= !blocked;
        }
        truth.all &= !denied;
        truth
    }

    /// What an evaluator answers that makes one mistake, or none.
    pub fn answers(&self, rules: &[usize], wrong: Option<Wrong>) -> Answers {
        let right = self.truth(rules);
        let open = self.meant(rules, false);
        let row = match wrong {
            Some(Wrong::BlockIgnoredForward) => &open,
            _ => &right,
        };
        let senders_for = |recipient: usize| {
            let table = match wrong {
                Some(Wrong::BlockIgnoredInverse) => &open,
                _ => &right,
            };
            let user = 1 << recipient;
            let senders = table.senders(recipient);
            let all = match wrong {
                Some(Wrong::AllExceptWhereOnly) => open.all & user != 0,
                Some(Wrong::OnlyWhereAllExcept) => false,
                _ => right.all & user != 0,
            };
            (all, if all { !senders } else { senders } & right.known)
        };
        Answers {
            known: right.known,
            decide: right.sees.clone(),
            sees: right.sees.clone(),
            recipients_of: row.sees.iter().map(|row| row & right.known).collect(),
            senders_for: (0..self.universe).map(senders_for).collect(),
            route: (0..self.universe).map(|user| row.senders(user)).collect(),
        }
    }
}

/// Mistakes of an index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// `recipients_of` and `route` forget the blocks.
    BlockIgnoredForward,
    /// `senders_for` forgets them.
    BlockIgnoredInverse,
    /// A block of unbounded senders is not looked at when the form is chosen.
    AllExceptWhereOnly,
    /// Everyone is written out.
    OnlyWhereAllExcept,
}

pub const WRONGS: [Wrong; 4] = [
    Wrong::BlockIgnoredForward,
    Wrong::BlockIgnoredInverse,
    Wrong::AllExceptWhereOnly,
    Wrong::OnlyWhereAllExcept,
];
