//! Cedar, in two ways.
//!
//! *As data*: one policy for all, and what users are sent or blocked from in attributes of their
//! entities, as Cedar's documents advise for relations between very many users. Cedar keeps a set of
//! literals hashed, and `containsAny` walks the smaller of two sets, so a pair costs what the smaller
//! side holds, whatever the number of rules. Sets are numbers, the cheapest literals. Entities are made
//! once and found by hash: leaving out those that a question does not need would only cost time, as
//! they are all in memory.
//!
//! *A policy a rule*: `permit` and `forbid` for each rule, as one writes them by hand. Cedar looks at
//! every policy for each question.
//!
//! Cedar answers about pairs only. A list asks about each user in turn, with everything prepared but
//! the request itself.

use std::collections::{HashMap, HashSet};
use std::fmt::Write;

use cedar_policy::{
    Authorizer, Context, Decision, Entities, Entity, EntityId, EntityTypeName, EntityUid,
    PolicySet, Request, RestrictedExpression,
};

use super::{Ask, Peer, Source};
use crate::Fault;
use crate::facts::Facts;

const AS_DATA: &str = "
permit (principal, action, resource) when {
  principal.sends.containsAny(resource.stands) && !principal.blocks.containsAny(resource.stands)
};";

struct Cedar<'a> {
    facts: &'a Facts,
    authorizer: Authorizer,
    policies: PolicySet,
    entities: Entities,
    user: EntityTypeName,
    action: EntityUid,
    users: Vec<EntityUid>,
}

impl<'a> Cedar<'a> {
    fn new(
        facts: &'a Facts,
        policies: &str,
        entity: impl Fn(u32, EntityUid) -> Result<Entity, Fault>,
        more: Vec<Entity>,
    ) -> Result<Self, Fault> {
        let user: EntityTypeName = "User".parse()?;
        let uid = |id: &String| EntityUid::from_type_name_and_id(user.clone(), EntityId::new(id));
        let users: Vec<EntityUid> = facts.users.iter().map(uid).collect();
        let mut entities = more;
        for (number, uid) in (0..).zip(&users) {
            entities.push(entity(number, uid.clone())?);
        }
        let receive = EntityId::new("receive");
        Ok(Cedar {
            facts,
            authorizer: Authorizer::new(),
            policies: policies.parse()?,
            entities: Entities::from_entities(entities, None)?,
            action: EntityUid::from_type_name_and_id("Action".parse()?, receive),
            user,
            users,
        })
    }

    fn uid(&self, user: &str) -> EntityUid {
        EntityUid::from_type_name_and_id(self.user.clone(), EntityId::new(user))
    }

    fn allows(&self, sender: &EntityUid, recipient: &EntityUid) -> Result<bool, Fault> {
        let (sender, action, recipient) = (sender.clone(), self.action.clone(), recipient.clone());
        let request = Request::new(sender, action, recipient, Context::empty(), None)?;
        let response = self
            .authorizer
            .is_authorized(&request, &self.policies, &self.entities);
        Ok(response.decision() == Decision::Allow)
    }
}

pub fn load<'a>(source: &'a Source<'a>) -> Result<Box<dyn Peer + 'a>, Fault> {
    let facts = source.facts;
    let set = |sets: Vec<u32>| {
        let numbers = sets
            .into_iter()
            .map(|set| RestrictedExpression::new_long(set.into()));
        RestrictedExpression::new_set(numbers)
    };
    let entity = |user: u32, uid: EntityUid| {
        let attributes = HashMap::from([
            ("sends".to_owned(), set(facts.reached(false, user))),
            ("blocks".to_owned(), set(facts.reached(true, user))),
            ("stands".to_owned(), set(facts.recipient_in(user).collect())),
        ]);
        Ok(Entity::new(uid, attributes, HashSet::new())?)
    };
    Ok(Box::new(Cedar::new(facts, AS_DATA, entity, Vec::new())?))
}

pub fn load_policies<'a>(source: &'a Source<'a>) -> Result<Box<dyn Peer + 'a>, Fault> {
    let facts = source.facts;
    let everyone = facts.everyone();
    let side = |variable: &str, set: u32| match facts.users.get(set as usize) {
        Some(user) => format!("{variable} == User::{user:?}"),
        None if Some(set) == everyone => variable.to_owned(),
        None => format!("{variable} in Set::\"{set}\""),
    };
    let mut policies = String::new();
    for rule in &facts.rules {
        let effect = if rule.block { "forbid" } else { "permit" };
        let (senders, recipients) = (
            side("principal", rule.senders),
            side("resource", rule.recipients),
        );
        let _ = writeln!(policies, "{effect} ({senders}, action, {recipients});");
    }
    let kind: EntityTypeName = "Set".parse()?;
    let parent =
        |set: u32| EntityUid::from_type_name_and_id(kind.clone(), EntityId::new(set.to_string()));
    let entity = |user: u32, uid: EntityUid| {
        let sets = facts.sender_in(user).chain(facts.recipient_in(user));
        let sets = sets.filter(|set| *set != user && Some(*set) != everyone);
        Ok(Entity::new_no_attrs(uid, sets.map(parent).collect()))
    };
    let sets = facts
        .lists()
        .map(|(set, _)| Entity::new_no_attrs(parent(set), HashSet::new()));
    Ok(Box::new(Cedar::new(
        facts,
        &policies,
        entity,
        sets.collect(),
    )?))
}

impl Peer for Cedar<'_> {
    fn ask(&self) -> Result<Box<dyn Ask + '_>, Fault> {
        Ok(Box::new(self))
    }

    fn scans(&self) -> bool {
        true
    }
}

impl Ask for &Cedar<'_> {
    fn sees(&mut self, sender: &str, recipient: &str) -> Result<bool, Fault> {
        self.allows(&self.uid(sender), &self.uid(recipient))
    }

    fn recipients(&mut self, sender: &str, each: &mut dyn FnMut(&str)) -> Result<(), Fault> {
        let sender = self.uid(sender);
        for (recipient, name) in self.users.iter().zip(&self.facts.users) {
            if self.allows(&sender, recipient)? {
                each(name);
            }
        }
        Ok(())
    }

    fn senders(&mut self, recipient: &str, each: &mut dyn FnMut(&str)) -> Result<(), Fault> {
        let recipient = self.uid(recipient);
        for (sender, name) in self.users.iter().zip(&self.facts.users) {
            if self.allows(sender, &recipient)? {
                each(name);
            }
        }
        Ok(())
    }
}
