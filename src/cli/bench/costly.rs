//! Who and what costs the most: senders by the time of their answer, rules by their deliveries.
//!
//! Law: what is named is named with the figures that make it costly, and with how many were looked at.

use std::time::{Duration, Instant};

use presence_router::directory::Directory;
use presence_router::extent::{Extent, extents};
use presence_router::id::UserId;
use presence_router::policy::{Action, Rule as PolicyRule};
use presence_router::router::Snapshot;
use presence_router::workload::Chance;

use super::clock::Clock;
use super::progress::Progress;
use super::report::{Costliest, Rule, Sender};
use super::statistics::quantile;

/// So many are shown.
const SHOWN: usize = 10;

/// So many senders are timed again, since one time may be anything; and so often.
const AGAIN: (usize, usize) = (40, 9);

/// Of a rule's text as many characters.
const TEXT: usize = 200;

pub fn costliest(
    snapshot: &Snapshot,
    directory: &Directory,
    known: &[UserId],
    clock: Clock,
    seed: u64,
    budget: Duration,
    progress: &mut Progress,
) -> Costliest {
    let (senders_asked, senders) = senders(
        snapshot,
        directory,
        known,
        clock,
        seed,
        budget / 2,
        progress,
    );
    let began = Instant::now();
    let extents = extents(snapshot.policy(), directory, || {
        progress.tick();
        began.elapsed() < budget / 2
    });
    let rules: Vec<(&PolicyRule, Extent)> = snapshot.policy().rules.iter().zip(extents).collect();
    let pairs = |extent: &Extent| extent.senders as u64 * extent.recipients as u64;
    let mut most: Vec<_> = rules.iter().collect();
    most.retain(|(rule, extent)| rule.action == Action::Allow && pairs(extent) > 0);
    most.sort_by_key(|(_, extent)| std::cmp::Reverse(pairs(extent)));
    let looks: Vec<_> = rules
        .iter()
        .filter(|(_, extent)| extent.looks_at_all)
        .collect();
    let shown = |rules: &[&(&PolicyRule, Extent)]| -> Vec<Rule> {
        let rules = rules.iter().take(SHOWN);
        rules
            .map(|(rule, extent)| shown(snapshot, rule, extent, pairs(extent)))
            .collect()
    };
    Costliest {
        senders_asked,
        senders,
        rules_counted: rules.len(),
        rules: shown(&most),
        rules_that_look_at_all: looks.len(),
        looks_at_all: shown(&looks),
    }
}

fn shown(snapshot: &Snapshot, rule: &PolicyRule, extent: &Extent, pairs: u64) -> Rule {
    let (sources, span) = (snapshot.sources(), rule.span);
    let place = sources.position(span);
    let words: Vec<&str> = sources.text(span).split_whitespace().collect();
    let text = words.join(" ");
    let cut = text.char_indices().nth(TEXT).map(|(at, _)| at);
    let text = match cut.and_then(|at| text.get(..at)) {
        Some(start) => format!("{start}…"),
        None => text,
    };
    Rule {
        file: sources.name(span.source).to_owned(),
        line: place.line,
        column: place.column,
        text,
        senders: extent.senders,
        recipients: extent.recipients,
        pairs,
    }
}

/// How many senders were asked about, and the costliest.
fn senders(
    snapshot: &Snapshot,
    directory: &Directory,
    known: &[UserId],
    clock: Clock,
    seed: u64,
    budget: Duration,
    progress: &mut Progress,
) -> (usize, Vec<Sender>) {
    let began = Instant::now();
    let time = |user: &UserId| {
        let mut recipients = 0;
        let time = clock.time(|| {
            recipients = snapshot.recipients_of(directory, user.as_str()).len();
        });
        (time, recipients)
    };
    // In an order of chance: if time runs out, those asked stand for all.
    let mut order: Vec<&UserId> = known.iter().collect();
    let mut chance = Chance::new(seed, 10);
    let mut asked: Vec<(u64, usize, &UserId)> = Vec::new();
    for at in 0..order.len() {
        if at > 0 && began.elapsed() > budget * 3 / 4 {
            break;
        }
        let left = u32::try_from(order.len() - at).unwrap_or(u32::MAX);
        order.swap(at, at + chance.below(left) as usize);
        let Some(user) = order.get(at) else {
            break;
        };
        let (time, recipients) = time(user);
        asked.push((time, recipients, user));
        progress.tick();
    }
    let count = asked.len();
    // Those who took long, and those who should have.
    let (most, times) = AGAIN;
    asked.sort_unstable_by(|a, b| b.cmp(a));
    let by_time: Vec<&UserId> = asked.iter().take(most).map(|(.., user)| *user).collect();
    asked.sort_unstable_by_key(|(_, recipients, user)| (std::cmp::Reverse(*recipients), *user));
    let mut again: Vec<&UserId> = asked.iter().take(most).map(|(.., user)| *user).collect();
    again.extend(by_time);
    again.sort_unstable();
    again.dedup();
    let mut costliest: Vec<Sender> = Vec::new();
    for user in again {
        let mut found = Vec::new();
        let mut recipients = 0;
        for _ in 0..times {
            let (time, count) = time(user);
            found.push(time);
            recipients = count;
            if began.elapsed() > budget * 2 {
                break;
            }
        }
        found.sort_unstable();
        costliest.push(Sender {
            sender: user.as_str().to_owned(),
            recipients,
            median_ns: quantile(&found, 0.5),
        });
        progress.tick();
    }
    costliest.sort_by_key(|sender| std::cmp::Reverse(sender.median_ns));
    costliest.truncate(SHOWN);
    (count, costliest)
}
