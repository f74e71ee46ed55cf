//! Makes a failing case small enough to be read: tries everything that leaves something out, as long
//! as something can be left out.
//!
//! proptest shrinks what was drawn, where one number less can mean quite another world; this goes
//! on with what was made of it.

use super::model::{GroupBody, Layout, Policy, Rule, Selector, World};

/// The least case that still fails. Every candidate must be smaller than what it is made of.
pub fn reduce<T>(mut least: T, smaller: impl Fn(&T) -> Vec<T>, fails: impl Fn(&T) -> bool) -> T {
    let (mut at, mut in_vain) = (0, 0);
    loop {
        let mut candidates = smaller(&least);
        if in_vain >= candidates.len() {
            return least;
        }
        at %= candidates.len();
        let candidate = candidates.swap_remove(at);
        if fails(&candidate) {
            least = candidate;
            in_vain = 0;
        } else {
            at += 1;
            in_vain += 1;
        }
    }
}

/// Worlds with one thing less.
pub fn smaller_worlds(world: &World) -> Vec<World> {
    let mut found = Vec::new();
    if world.layout.wild > 0 || !world.rounds.is_empty() || !world.batches.is_empty() {
        found.push(World {
            layout: Layout { wild: 0, seed: 0 },
            rounds: Vec::new(),
            batches: Vec::new(),
            ..world.clone()
        });
    }
    let with = |policy| World {
        policy,
        ..world.clone()
    };
    found.extend(smaller_policies(&world.policy).into_iter().map(with));
    let facts = &world.facts;
    let mut without = |change: &dyn Fn(&mut World)| {
        let mut other = world.clone();
        change(&mut other);
        found.push(other);
    };
    for room in facts.rooms.keys() {
        without(&|world| _ = world.facts.rooms.remove(room));
    }
    for alias in facts.aliases.keys() {
        without(&|world| _ = world.facts.aliases.remove(alias));
    }
    for user in &facts.users {
        without(&|world| _ = world.facts.users.remove(user));
    }
    for (room, members) in &facts.rooms {
        for member in members {
            without(&|world| {
                world.facts.rooms.get_mut(room).unwrap().remove(member);
            });
        }
    }
    found
}

fn smaller_policies(policy: &Policy) -> Vec<Policy> {
    let mut found = Vec::new();
    for at in 0..policy.rules.len() {
        let mut less = policy.clone();
        less.rules.remove(at);
        found.push(less);
    }
    for at in 0..policy.groups.len() {
        let less = policy.map(&|selector| match selector {
            Selector::Group(group) if group == at => Selector::All,
            other => other,
        });
        found.push(if less == *policy {
            without_group(policy, at)
        } else {
            less
        });
        let mut bodies = Vec::new();
        match &policy.groups[at].body {
            GroupBody::Is(selector) => {
                bodies.extend(smaller_selectors(selector).into_iter().map(GroupBody::Is));
            }
            GroupBody::File(users) => bodies.extend((0..users.len()).map(|user| {
                let mut less = users.clone();
                less.remove(user);
                GroupBody::File(less)
            })),
        }
        for body in bodies {
            let mut less = policy.clone();
            less.groups[at].body = body;
            found.push(less);
        }
    }
    for (at, rule) in policy.rules.iter().enumerate() {
        for rule in smaller_rules(rule) {
            let mut less = policy.clone();
            less.rules[at] = rule;
            found.push(less);
        }
    }
    found
}

/// Nobody names this group; the later ones move up.
fn without_group(policy: &Policy, at: usize) -> Policy {
    let mut less = policy.map(&|selector| match selector {
        Selector::Group(group) if group > at => Selector::Group(group - 1),
        other => other,
    });
    less.groups.remove(at);
    less
}

pub fn smaller_rules(rule: &Rule) -> Vec<Rule> {
    let of = smaller_selectors;
    match rule {
        Rule::EachOther(users) => of(users).into_iter().map(Rule::EachOther).collect(),
        Rule::Block(a, None) => of(a).into_iter().map(|a| Rule::Block(a, None)).collect(),
        Rule::Block(a, Some(b)) => {
            let first = of(a).into_iter().map(|a| Rule::Block(a, Some(b.clone())));
            let second = of(b).into_iter().map(|b| Rule::Block(a.clone(), Some(b)));
            first.chain(second).collect()
        }
        Rule::Send(a, b) => {
            let first = of(a).into_iter().map(|a| Rule::Send(a, b.clone()));
            let second = of(b).into_iter().map(|b| Rule::Send(a.clone(), b));
            first.chain(second).collect()
        }
        Rule::See(a, b) => {
            let first = of(a).into_iter().map(|a| Rule::See(a, b.clone()));
            let second = of(b).into_iter().map(|b| Rule::See(a.clone(), b));
            first.chain(second).collect()
        }
    }
}

/// Its parts; and of what has none, everyone.
fn smaller_selectors(selector: &Selector) -> Vec<Selector> {
    match selector {
        Selector::All => Vec::new(),
        Selector::Members(rooms) if rooms.len() > 1 => {
            let one = |room: &_| Selector::Members(vec![Clone::clone(room)]);
            rooms.iter().map(one).collect()
        }
        Selector::On(servers) if servers.len() > 1 => {
            let one = |server: &_| Selector::On(vec![Clone::clone(server)]);
            servers.iter().map(one).collect()
        }
        Selector::Union(_) | Selector::Except(..) | Selector::Who(_) => {
            selector.children().into_iter().cloned().collect()
        }
        _ => vec![Selector::All],
    }
}
