//! Cedar, in two ways.
//!
//! *As data*: one policy for all, and what users are sent or blocked from in attributes of their
//! entities, as Cedar's documents advise for relations between very many users. Cedar keeps a set of
//! literals hashed, and `containsAny` walks the smaller of two sets, so a pair costs what the smaller
//! side holds, whatever the number of rules. Sets are numbers, the cheapest literals. Entities are made
//! once and found by hash: leaving out those that a question does not need would only cost time, as
//! they are all in memory.
//!
//! *A policy a rule*: `permit` and `forbid` for each rule, as Cedar's best practices would have it: scopes
//! are filled in, and policies are linked to templates. Cedar looks at every policy it is given, so policies
//! are filed by the principals of their scopes, and a request is given those that its sender stands in;
//! senders who stand in the same share them. That is made once, when loading.
//!
//! Cedar answers about pairs only. A list asks about each user in turn, with everything prepared but
//! the request itself.

use std::collections::{HashMap, HashSet};

use cedar_policy::{
    Authorizer, Context, Decision, Entities, Entity, EntityId, EntityTypeName, EntityUid, Policy,
    PolicyId, PolicySet, Request, RestrictedExpression, SlotId, Template,
};

use super::{Ask, Peer, Source, Work};
use crate::Fault;
use crate::facts::Facts;

const AS_DATA: &str = "
permit (principal, action, resource) when {
  principal.sends.containsAny(resource.stands) && !principal.blocks.containsAny(resource.stands)
};";

struct Cedar<'a> {
    facts: &'a Facts,
    authorizer: Authorizer,
    /// The policies of senders who are not in `slices`, and then those of the others.
    policies: Vec<PolicySet>,
    slices: HashMap<EntityUid, usize>,
    entities: Entities,
    names: Names,
    action: EntityUid,
    users: Vec<EntityUid>,
}

/// The types of entities, from which their names are made.
struct Names {
    user: EntityTypeName,
    set: EntityTypeName,
}

impl Names {
    fn new() -> Result<Self, Fault> {
        Ok(Names {
            user: "User".parse()?,
            set: "Set".parse()?,
        })
    }

    fn user(&self, user: &str) -> EntityUid {
        EntityUid::from_type_name_and_id(self.user.clone(), EntityId::new(user))
    }

    fn set(&self, set: u32) -> EntityUid {
        EntityUid::from_type_name_and_id(self.set.clone(), EntityId::new(set.to_string()))
    }
}

impl<'a> Cedar<'a> {
    fn new(facts: &'a Facts, entities: Vec<Entity>) -> Result<Self, Fault> {
        let names = Names::new()?;
        Ok(Cedar {
            facts,
            authorizer: Authorizer::new(),
            policies: vec![PolicySet::new()],
            slices: HashMap::new(),
            entities: Entities::from_entities(entities, None)?,
            action: EntityUid::from_type_name_and_id("Action".parse()?, EntityId::new("receive")),
            users: facts.users.iter().map(|user| names.user(user)).collect(),
            names,
        })
    }

    fn allows(&self, sender: &EntityUid, recipient: &EntityUid) -> Result<bool, Fault> {
        let slice = self.slices.get(sender).copied().unwrap_or_default();
        let (sender, action, recipient) = (sender.clone(), self.action.clone(), recipient.clone());
        let request = Request::new(sender, action, recipient, Context::empty(), None)?;
        let policies = &self.policies[slice];
        let response = self
            .authorizer
            .is_authorized(&request, policies, &self.entities);
        Ok(response.decision() == Decision::Allow)
    }
}

pub fn load<'a>(source: &'a Source<'a>) -> Result<Box<dyn Peer + 'a>, Fault> {
    let (facts, names) = (source.facts, Names::new()?);
    let set = |sets: Vec<u32>| {
        let numbers = sets
            .into_iter()
            .map(|set| RestrictedExpression::new_long(set.into()));
        RestrictedExpression::new_set(numbers)
    };
    let mut entities = Vec::new();
    for (number, user) in (0..).zip(&facts.users) {
        let attributes = HashMap::from([
            ("sends".to_owned(), set(facts.reached(false, number))),
            ("blocks".to_owned(), set(facts.reached(true, number))),
            (
                "stands".to_owned(),
                set(facts.recipient_in(number).collect()),
            ),
        ]);
        entities.push(Entity::new(names.user(user), attributes, HashSet::new())?);
    }
    let mut cedar = Cedar::new(facts, entities)?;
    cedar.policies = vec![AS_DATA.parse()?];
    Ok(Box::new(cedar))
}

pub fn load_policies<'a>(source: &'a Source<'a>) -> Result<Box<dyn Peer + 'a>, Fault> {
    let (facts, names, everyone) = (source.facts, Names::new()?, source.facts.everyone());
    let mut entities = Vec::new();
    for (number, user) in (0..).zip(&facts.users) {
        let sets = facts.sender_in(number).chain(facts.recipient_in(number));
        let sets = sets.filter(|set| *set != number && Some(*set) != everyone);
        let parents = sets.map(|set| names.set(set)).collect();
        entities.push(Entity::new_no_attrs(names.user(user), parents));
    }
    for (set, _) in facts.lists() {
        entities.push(Entity::new_no_attrs(names.set(set), HashSet::new()));
    }
    let mut cedar = Cedar::new(facts, entities)?;
    let mut templates = HashMap::new();
    let mut known: HashMap<Vec<u32>, usize> = HashMap::from([(Vec::new(), 0)]);
    for number in 0..facts.users.len() as u32 {
        let sets: Vec<u32> = facts.sender_in(number).collect();
        let next = cedar.policies.len();
        let slice = *known.entry(sets).or_insert(next);
        if slice == next {
            let policies = slice_of(facts, &cedar.names, number, &mut templates)?;
            cedar.policies.push(policies);
        }
        if slice > 0 {
            let user = cedar.users[number as usize].clone();
            cedar.slices.insert(user, slice);
        }
    }
    Ok(Box::new(cedar))
}

/// The policies whose scope has a sender. Templates are parsed once, and kept by their texts.
fn slice_of(
    facts: &Facts,
    names: &Names,
    sender: u32,
    templates: &mut HashMap<String, Template>,
) -> Result<PolicySet, Fault> {
    let mut policies = PolicySet::new();
    let everyone = facts.everyone();
    let side = |variable: &str, set: u32| match facts.users.get(set as usize) {
        Some(user) => (format!("{variable} == ?{variable}"), Some(names.user(user))),
        None if Some(set) == everyone => (variable.to_owned(), None),
        None => (format!("{variable} in ?{variable}"), Some(names.set(set))),
    };
    let mut number = 0;
    for set in facts.sender_in(sender) {
        for (effect, block) in [("permit", false), ("forbid", true)] {
            for to in facts.recipients(block, set) {
                let (principal, senders) = side("principal", set);
                let (resource, recipients) = side("resource", *to);
                let text = format!("{effect} ({principal}, action, {resource});");
                let slots = [
                    senders.map(|senders| (SlotId::principal(), senders)),
                    recipients.map(|recipients| (SlotId::resource(), recipients)),
                ];
                let slots: HashMap<_, _> = slots.into_iter().flatten().collect();
                let id = PolicyId::new(number.to_string());
                number += 1;
                if slots.is_empty() {
                    policies.add(Policy::parse(Some(id), &text)?)?;
                    continue;
                }
                let template = PolicyId::new(&text);
                if policies.template(&template).is_none() {
                    if !templates.contains_key(&text) {
                        let parsed = Template::parse(Some(template.clone()), &text)?;
                        templates.insert(text.clone(), parsed);
                    }
                    policies.add_template(templates[&text].clone())?;
                }
                policies.link(template, id, slots)?;
            }
        }
    }
    Ok(policies)
}

impl Peer for Cedar<'_> {
    fn ask(&self, work: &mut Work) -> Result<(), Fault> {
        let mut this = self;
        work(&mut this)
    }

    fn scans(&self) -> bool {
        true
    }
}

impl Ask for &Cedar<'_> {
    fn sees(&mut self, sender: &str, recipient: &str) -> Result<bool, Fault> {
        self.allows(&self.names.user(sender), &self.names.user(recipient))
    }

    fn recipients(&mut self, sender: &str, each: &mut dyn FnMut(&str)) -> Result<(), Fault> {
        let sender = self.names.user(sender);
        for (recipient, name) in self.users.iter().zip(&self.facts.users) {
            if self.allows(&sender, recipient)? {
                each(name);
            }
        }
        Ok(())
    }

    fn senders(&mut self, recipient: &str, each: &mut dyn FnMut(&str)) -> Result<(), Fault> {
        let recipient = self.names.user(recipient);
        for (sender, name) in self.users.iter().zip(&self.facts.users) {
            if self.allows(sender, &recipient)? {
                each(name);
            }
        }
        Ok(())
    }
}
