//! The meaning as Datalog: facts and rules, run by the `ascent` crate.
//!
//! `except` would need negation inside a recursion. So each selector has two relations, who is
//! inside and who is outside, both without negation; only leaves are turned around by one.

use super::relations::{Batch, Id, Relations};
use super::truth::Truth;

ascent::ascent! {
    struct Program;

    relation user(Id);
    relation server_of(Id, Id);
    relation own_server(Id);
    relation listed(Id);
    relation joined(Id, Id);
    relation alias(Id, Id);

    relation everyone(Id);
    relation is(Id, Id);
    relation on(Id, Id);
    relation matches(Id, Id);
    relation local(Id);
    relation remote(Id);
    relation members(Id, Id);
    relation members_by(Id, Id);
    relation leaf(Id);
    relation same(Id, Id);
    relation either(Id, Id, Id);
    relation both(Id, Id, Id);
    relation less(Id, Id, Id);

    relation send(Id, Id, Id);
    relation block(Id, Id, Id);
    relation policy(Id);
    relation rule_of(Id, Id);
    relation writes(Id, Id);
    relation written(Id);

    // leaves
    relation at_home(Id);
    at_home(u) <-- own_server(s), server_of(u, s);
    relation holds(Id, Id);
    holds(n, u) <-- everyone(n), user(u);
    holds(n, u) <-- is(n, u);
    holds(n, u) <-- on(n, s), server_of(u, s);
    holds(n, u) <-- matches(n, u);
    holds(n, u) <-- local(n), at_home(u);
    holds(n, u) <-- remote(n), user(u), !at_home(u);
    holds(n, u) <-- members(n, room), joined(room, u);
    holds(n, u) <-- members_by(n, a), alias(a, room), joined(room, u);

    // selectors
    relation inside(Id, Id);
    relation outside(Id, Id);
    inside(n, u) <-- holds(n, u);
    outside(n, u) <-- leaf(n), user(u), !holds(n, u);
    inside(n, u) <-- same(n, m), inside(m, u);
    outside(n, u) <-- same(n, m), outside(m, u);
    inside(n, u) <-- either(n, a, _), inside(a, u);
    inside(n, u) <-- either(n, _, b), inside(b, u);
    outside(n, u) <-- either(n, a, b), outside(a, u), outside(b, u);
    inside(n, u) <-- both(n, a, b), inside(a, u), inside(b, u);
    outside(n, u) <-- both(n, a, _), outside(a, u);
    outside(n, u) <-- both(n, _, b), outside(b, u);
    inside(n, u) <-- less(n, a, b), inside(a, u), outside(b, u);
    outside(n, u) <-- less(n, a, _), outside(a, u);
    outside(n, u) <-- less(n, _, b), inside(b, u);

    relation unbounded(Id);
    relation bounded(Id);
    unbounded(n) <-- everyone(n);
    bounded(n) <-- leaf(n), !everyone(n);
    unbounded(n) <-- same(n, m), unbounded(m);
    bounded(n) <-- same(n, m), bounded(m);
    unbounded(n) <-- either(n, a, _), unbounded(a);
    unbounded(n) <-- either(n, _, b), unbounded(b);
    bounded(n) <-- either(n, a, b), bounded(a), bounded(b);
    unbounded(n) <-- both(n, a, b), unbounded(a), unbounded(b);
    bounded(n) <-- both(n, a, _), bounded(a);
    bounded(n) <-- both(n, _, b), bounded(b);
    unbounded(n) <-- less(n, a, b), unbounded(a), bounded(b);
    bounded(n) <-- less(n, a, _), bounded(a);
    bounded(n) <-- less(n, _, b), unbounded(b);

    // policies
    relation allow(Id, Id, Id);
    relation hide(Id, Id, Id);
    relation sees(Id, Id, Id);
    relation open(Id, Id, Id);
    relation shut(Id, Id, Id);
    open(k, s, r) <-- send(k, ss, rs), inside(ss, s), inside(rs, r);
    shut(k, s, r) <-- block(k, ss, rs), inside(ss, s), inside(rs, r);
    allow(p, s, r) <-- rule_of(p, k), open(k, s, r);
    hide(p, s, r) <-- rule_of(p, k), shut(k, s, r);
    sees(p, s, r) <-- allow(p, s, r), !hide(p, s, r);

    relation given_all(Id, Id);
    relation denied_all(Id, Id);
    relation all(Id, Id);
    given_all(p, r) <-- rule_of(p, k), send(k, ss, rs), unbounded(ss), inside(rs, r);
    denied_all(p, r) <-- rule_of(p, k), block(k, ss, rs), unbounded(ss), inside(rs, r);
    all(p, r) <-- given_all(p, r), !denied_all(p, r);

    relation known(Id, Id);
    known(p, u) <-- policy(p), listed(u);
    known(p, u) <-- policy(p), joined(_, u);
    known(p, u) <-- policy(p), written(u);
    known(p, u) <-- rule_of(p, k), writes(k, u);
}

/// The truth of each policy.
pub fn answer(batch: &Batch<'_>) -> Vec<Truth> {
    let tables = Relations::new(batch);
    let mut program = Program {
        user: tables.user,
        server_of: tables.server_of,
        own_server: tables.own_server,
        listed: tables.listed,
        joined: tables.joined,
        alias: tables.alias,
        everyone: tables.everyone,
        is: tables.is,
        on: tables.on,
        matches: tables.matches,
        local: tables.local,
        remote: tables.remote,
        members: tables.members,
        members_by: tables.members_by,
        leaf: tables.leaf,
        same: tables.same,
        either: tables.either,
        both: tables.both,
        less: tables.less,
        send: tables.send,
        block: tables.block,
        policy: tables.policy,
        rule_of: tables.rule_of,
        writes: tables.writes,
        written: tables.written,
        ..Program::default()
    };
    program.run();
    let mut truths = vec![Truth::none(batch.universe.len()); batch.policies.len()];
    for (policy, sender, recipient) in program.sees {
        truths[policy as usize].add_pair(sender, recipient);
    }
    for (policy, recipient) in program.all {
        truths[policy as usize].add_all(recipient);
    }
    for (policy, user) in program.known {
        truths[policy as usize].add_known(user);
    }
    truths
}
