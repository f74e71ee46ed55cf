//! Asks whoever claims to evaluate a policy every question there is, and holds the answers against
//! the oracle's. The real evaluator and the planted wrong ones go through the same function.

use std::collections::{BTreeMap, BTreeSet};

use super::model::{Edit, Facts, GroupBody, Policy, Room, Selector, Tally, World};
use super::oracle::{Meaning, Senders};

/// An evaluator under test, with its directory.
pub trait Subject {
    fn edit(&mut self, edit: &Edit);
    /// Asks about the directory of the beginning again, as it was before all edits.
    fn rewind(&mut self);
    /// The meaning of one pair.
    fn decide(&self, sender: &str, recipient: &str) -> bool;
    /// The same by way of the index.
    fn sees(&self, sender: &str, recipient: &str) -> bool;
    fn recipients_of(&self, sender: &str) -> Vec<String>;
    fn senders_for(&self, recipient: &str) -> Senders;
    fn route(&self, batch: &[String]) -> BTreeMap<String, Vec<u32>>;
    /// K, sorted by bytes.
    fn known_users(&self) -> Vec<String>;
    /// Those of K whom `senders_for` answers with all but some, sorted by bytes.
    fn receives_everyone(&self) -> Vec<String>;
}

/// What was compared.
#[derive(Clone, Debug, Default)]
pub struct Counts {
    pub policies: u64,
    /// (sender, recipient), each asked five ways.
    pub pairs: u64,
    pub pairs_seen: u64,
    pub pairs_blocked: u64,
    pub pairs_of_strangers: u64,
    pub only: u64,
    pub all_except: u64,
    pub batches: u64,
    pub edits: Tally,
    /// Policies in which each construct occurs.
    pub constructs: Tally,
    /// Selectors that picked some of the known users and not all.
    pub told_apart: Tally,
}

fn same<T: PartialEq + std::fmt::Debug>(
    question: impl FnOnce() -> String,
    expected: &T,
    got: &T,
) -> Result<(), String> {
    if expected == got {
        return Ok(());
    }
    Err(format!(
        "question  {}\nexpected  {expected:?}\ngot       {got:?}",
        question()
    ))
}

/// How much is asked in a round.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Depth {
    /// Every row and column, no single pair and no batch.
    Lists,
    /// Every known pair and every batch as well.
    Pairs,
    /// Also pairs with users whom nobody knows.
    Strangers,
}

/// One round of questions over one state of the directory.
fn ask(
    world: &World,
    facts: &Facts,
    subject: &dyn Subject,
    depth: Depth,
    counts: &mut Counts,
) -> Result<(), String> {
    let meaning = Meaning {
        policy: &world.policy,
        facts,
    };
    let known = meaning.known(&[]);
    let strangers: BTreeSet<String> = world.strangers.iter().cloned().collect();
    let strangers: Vec<&String> = strangers.difference(&known).collect();
    let table = meaning.over(
        known
            .iter()
            .chain(&world.strangers)
            .chain(world.batches.iter().flatten()),
    );

    let all: Vec<String> = known.iter().cloned().collect();
    same(|| "known_users()".to_owned(), &all, &subject.known_users())?;

    let mut everyone = Vec::new();
    let columns: Vec<(&String, Senders)> =
        known.iter().map(|r| (r, subject.senders_for(r))).collect();
    for (recipient, got) in &columns {
        let expected = table.senders_for(&known, recipient);
        same(|| format!("senders_for({recipient:?})"), &expected, got)?;
        match expected {
            Senders::Only(_) => counts.only += 1,
            Senders::AllExcept(_) => {
                counts.all_except += 1;
                everyone.push((*recipient).clone());
            }
        }
    }
    same(
        || "receives_everyone()".to_owned(),
        &everyone,
        &subject.receives_everyone(),
    )?;

    for sender in &known {
        let row = subject.recipients_of(sender);
        let expected = table.recipients_of(&known, sender);
        same(|| format!("recipients_of({sender:?})"), &expected, &row)?;
        for (recipient, column) in columns.iter().filter(|_| depth >= Depth::Pairs) {
            let pair = || format!("({sender:?}, {recipient:?})");
            let sees = expected.contains(recipient);
            let ways = [
                ("decide", subject.decide(sender, recipient)),
                ("sees", subject.sees(sender, recipient)),
                ("in recipients_of", row.contains(recipient)),
                ("in senders_for", column.contains(sender)),
            ];
            for (way, got) in ways {
                same(|| format!("{way}{}", pair()), &sees, &got)?;
            }
            counts.pairs += 1;
            counts.pairs_seen += u64::from(sees);
            counts.pairs_blocked += u64::from(!sees && table.some_rule(false, sender, recipient));
        }
    }

    // a pattern is decided for users whom nobody knows, too
    for stranger in strangers.iter().filter(|_| depth >= Depth::Strangers) {
        for other in known.iter().chain(strangers.iter().copied()) {
            for (sender, recipient) in [(*stranger, other), (other, *stranger)] {
                let expected = table.sees(sender, recipient);
                let pair = || format!("({sender:?}, {recipient:?}), not all known");
                same(
                    || format!("decide{}", pair()),
                    &expected,
                    &subject.decide(sender, recipient),
                )?;
                same(
                    || format!("sees{}", pair()),
                    &expected,
                    &subject.sees(sender, recipient),
                )?;
                counts.pairs_of_strangers += 1;
            }
        }
        // asked alone, a stranger is not in hand: only a batch and a command line make known
        same(
            || format!("recipients_of({stranger:?}), whom nobody knows"),
            &table.recipients_of(&known, stranger),
            &subject.recipients_of(stranger),
        )?;
        same(
            || format!("senders_for({stranger:?}), whom nobody knows"),
            &table.senders_for(&known, stranger),
            &subject.senders_for(stranger),
        )?;
    }

    // each batch's senders count as known for that batch, and for no later one
    for batch in world.batches.iter().filter(|_| depth >= Depth::Pairs) {
        same(
            || format!("route({batch:?})"),
            &table.route(&meaning.known(batch), batch),
            &subject.route(batch),
        )?;
        counts.batches += 1;
    }
    Ok(())
}

/// All questions of one world.
pub fn compare(
    world: &World,
    subject: &mut dyn Subject,
    counts: &mut Counts,
) -> Result<(), String> {
    let mut facts = world.facts.clone();
    ask(world, &facts, subject, Depth::Strangers, counts)?;
    tell_apart(world, &facts, counts);
    for (round, edits) in world.rounds.iter().enumerate() {
        for edit in edits {
            facts.apply(edit);
            subject.edit(edit);
            counts.edits.hit(edit.kind());
        }
        let last = round + 1 == world.rounds.len();
        let depth = if last { Depth::Pairs } else { Depth::Lists };
        ask(world, &facts, subject, depth, counts)
            .map_err(|problem| format!("after edits {:?}\n{problem}", &world.rounds[..=round]))?;
    }
    // an older directory is still that directory
    subject.rewind();
    ask(
        world,
        &world.facts,
        subject,
        Depth::Lists,
        &mut Counts::default(),
    )
    .map_err(|problem| format!("asked again without the edits\n{problem}"))?;
    counts.policies += 1;
    Ok(())
}

fn tell_apart(world: &World, facts: &Facts, counts: &mut Counts) {
    let meaning = Meaning {
        policy: &world.policy,
        facts,
    };
    let known = meaning.known(&[]);
    let told = &mut counts.told_apart;
    world.policy.walk(&mut |selector| {
        let picked = known
            .iter()
            .filter(|user| meaning.picks(selector, user))
            .count();
        if picked == 0 || picked == known.len() {
            return;
        }
        told.hit(match selector {
            Selector::User(user) if user.exact().is_some() => "user",
            Selector::User(_) => "user glob",
            Selector::All => return,
            Selector::On(_) => "users on",
            Selector::Matching(expression) => expression.kind,
            Selector::Local => "local users",
            Selector::Remote => "remote users",
            Selector::Members(_) => "members of",
            Selector::Group(index) => match world.policy.groups[*index].body {
                GroupBody::Is(_) => "group of a selector",
                GroupBody::File(_) => "group file",
            },
            Selector::Union(_) => "union",
            Selector::Except(..) => "except",
            Selector::Who(_) => "who are",
        });
    });
}

/// Every room ID and alias that is written anywhere.
pub fn rooms_named(policy: &Policy) -> BTreeSet<String> {
    let mut named = BTreeSet::new();
    policy.walk(&mut |selector| {
        if let Selector::Members(rooms) = selector {
            named.extend(rooms.iter().map(|room| match room {
                Room::Id(id) => id.clone(),
                Room::Alias { name, server } => format!("#{name}:{server}"),
            }));
        }
    });
    named
}

/// Facts about rooms named in the policy, for the count.
pub fn unknown_rooms(world: &World, tally: &mut Tally) {
    world.policy.walk(&mut |selector| {
        if let Selector::Members(rooms) = selector {
            for room in rooms {
                match room {
                    Room::Id(id) if !world.facts.rooms.contains_key(id) => {
                        tally.hit("room ID that nobody knows");
                    }
                    Room::Alias { name, server } => {
                        match world.facts.aliases.get(&format!("#{name}:{server}")) {
                            None => tally.hit("room alias that nobody knows"),
                            Some(id) if world.facts.rooms.contains_key(id) => {
                                tally.hit("room alias of a known room");
                            }
                            Some(_) => tally.hit("room alias of an unknown room"),
                        }
                    }
                    Room::Id(_) => {}
                }
            }
        }
    });
}
