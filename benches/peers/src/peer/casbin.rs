//! casbin-rs, in two ways.
//!
//! *In its role manager*: casbin's documents on performance advise fewer than a hundred lines of policy,
//! and the rest as roles, which are found without looking at lines. So there is no line here; a sender
//! has their recipients as roles, through the sets on both sides, and is blocked from recipients under
//! another name. The matcher asks for both. Everyone as recipients is a role of that name, met first.
//! Nodes are made for users without rules too, since casbin looks for a name it lacks at every node.
//!
//! *A line a rule*: as one writes policies by hand. casbin looks at every line for each question.
//!
//! The cached enforcer is left out: what it adds is a map of questions asked before.

use std::collections::HashSet;

use ::casbin::prelude::{CoreApi, Enforcer, MgmtApi};
use ::casbin::{DefaultModel, RoleManager};

use super::{Ask, Peer, Source, Work};
use crate::Fault;
use crate::facts::Facts;

const EVERYONE: &str = "everyone";
const NOBODY: &str = "nobody";

/// Names of a user as one whose presence is sent, and as one who is blocked.
const SIDES: [(&str, bool); 2] = [("sends ", false), ("blocks ", true)];

struct Roles<'a> {
    facts: &'a Facts,
    enforcer: Enforcer,
}

fn model(text: &str) -> Result<Enforcer, Fault> {
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let mut enforcer =
        runtime.block_on(async { Enforcer::new(DefaultModel::from_str(text).await?, ()).await })?;
    enforcer.enable_auto_save(false);
    Ok(enforcer)
}

pub fn load<'a>(source: &'a Source<'a>) -> Result<Box<dyn Peer + 'a>, Fault> {
    let facts = source.facts;
    let everyone = facts.everyone();
    let reaches = |name: &str, block: bool| {
        let rules = facts.rules.iter().filter(|rule| rule.block == block);
        match rules
            .filter(|rule| Some(rule.recipients) == everyone)
            .count()
        {
            0 => format!("g(r.{name}, r.obj)"),
            _ => format!("(g(r.{name}, \"{EVERYONE}\") || g(r.{name}, r.obj))"),
        }
    };
    let mut matcher = reaches("sends", false);
    if facts.rules.iter().any(|rule| rule.block) {
        matcher = format!("{matcher} && !{}", reaches("blocks", true));
    }
    let enforcer = model(&format!(
        "[request_definition]\nr = sends, blocks, obj\n[policy_definition]\np = sub\n\
         [role_definition]\ng = _, _\n[policy_effect]\ne = some(where (p.eft == allow))\n\
         [matchers]\nm = {matcher}\n"
    ))?;
    let roles = enforcer.get_role_manager();
    let mut roles = roles.write();
    let name = |prefix: &str, set: u32| match facts.users.get(set as usize) {
        Some(user) => format!("{prefix}{user}"),
        None => format!("{prefix}{set}"),
    };
    roles.add_link(EVERYONE, NOBODY, None);
    for (side, block) in SIDES {
        for user in 0..facts.users.len() as u32 {
            let this = name(side, user);
            roles.add_link(&this, NOBODY, None);
            for set in facts.sender_in(user).filter(|set| *set != user) {
                if !facts.recipients(block, set).is_empty() {
                    roles.add_link(&this, &name(side, set), None);
                }
            }
        }
        for rule in facts.rules.iter().filter(|rule| rule.block == block) {
            let to = match Some(rule.recipients) == everyone {
                true => EVERYONE.to_owned(),
                false => name("", rule.recipients),
            };
            roles.add_link(&name(side, rule.senders), &to, None);
        }
    }
    for (set, members) in facts.lists().filter(|(set, _)| Some(*set) != everyone) {
        if !facts.senders(false, set).is_empty() || !facts.senders(true, set).is_empty() {
            for member in members {
                roles.add_link(&name("", set), &name("", *member), None);
            }
        }
    }
    drop(roles);
    Ok(Box::new(Roles { facts, enforcer }))
}

impl Peer for Roles<'_> {
    fn ask(&self, work: &mut Work) -> Result<(), Fault> {
        let mut this = self;
        work(&mut this)
    }
}

impl Roles<'_> {
    /// The users behind a node, who are found by going on from it with `next`.
    fn behind(
        &self,
        start: String,
        next: &dyn Fn(&dyn RoleManager, &str) -> Vec<String>,
        user: &dyn Fn(&str) -> Option<String>,
    ) -> HashSet<String> {
        let roles = self.enforcer.get_role_manager();
        let roles = roles.read();
        let (mut users, mut open, mut seen) = (HashSet::new(), vec![start], HashSet::new());
        while let Some(node) = open.pop() {
            for node in next(&*roles, &node) {
                if node == EVERYONE {
                    users.extend(self.facts.users.iter().cloned());
                } else if let Some(user) = user(&node) {
                    users.insert(user);
                } else if node != NOBODY && seen.insert(node.clone()) {
                    open.push(node);
                }
            }
        }
        users
    }
}

impl Ask for &Roles<'_> {
    fn sees(&mut self, sender: &str, recipient: &str) -> Result<bool, Fault> {
        let [sends, blocks] = SIDES.map(|(side, _)| format!("{side}{sender}"));
        Ok(self
            .enforcer
            .enforce(vec![sends, blocks, recipient.to_owned()])?)
    }

    fn recipients(&mut self, sender: &str, each: &mut dyn FnMut(&str)) -> Result<(), Fault> {
        let [allowed, blocked] = SIDES.map(|(side, _)| {
            let user = |node: &str| node.starts_with('@').then(|| node.to_owned());
            self.behind(
                format!("{side}{sender}"),
                &|roles, node| roles.get_roles(node, None),
                &user,
            )
        });
        allowed.difference(&blocked).for_each(|user| each(user));
        Ok(())
    }

    fn senders(&mut self, recipient: &str, each: &mut dyn FnMut(&str)) -> Result<(), Fault> {
        // The way back from everyone is not that of one's own name.
        let [allowed, blocked] = SIDES.map(|(side, _)| {
            let user = |node: &str| {
                let user = node.strip_prefix(side)?;
                user.starts_with('@').then(|| user.to_owned())
            };
            let mut users = HashSet::new();
            for start in [EVERYONE, recipient] {
                users.extend(self.behind(
                    start.to_owned(),
                    &|roles, node| {
                        let mut back = roles.get_users(node, None);
                        back.retain(|node| {
                            SIDES
                                .iter()
                                .all(|(other, _)| *other == side || !node.starts_with(other))
                        });
                        back
                    },
                    &user,
                ));
            }
            users
        });
        allowed.difference(&blocked).for_each(|user| each(user));
        Ok(())
    }
}

struct Lines<'a> {
    facts: &'a Facts,
    enforcer: Enforcer,
}

pub fn load_lines<'a>(source: &'a Source<'a>) -> Result<Box<dyn Peer + 'a>, Fault> {
    let facts = source.facts;
    let everyone = facts.everyone();
    let name = |set: u32| match facts.users.get(set as usize) {
        Some(user) => user.clone(),
        None if Some(set) == everyone => EVERYONE.to_owned(),
        None => set.to_string(),
    };
    let groups = facts.lists().any(|(set, _)| Some(set) != everyone);
    let side = |word: &str| {
        let mut text = format!("(r.{word} == p.{word}");
        if everyone.is_some() {
            text += &format!(" || p.{word} == \"{EVERYONE}\"");
        }
        if groups {
            text += &format!(" || g(r.{word}, p.{word})");
        }
        text + ")"
    };
    let mut enforcer = model(&format!(
        "[request_definition]\nr = sub, obj\n[policy_definition]\np = sub, obj, eft\n\
         [role_definition]\ng = _, _\n\
         [policy_effect]\ne = some(where (p.eft == allow)) && !some(where (p.eft == deny))\n\
         [matchers]\nm = {} && {}\n",
        side("sub"),
        side("obj"),
    ))?;
    let mut seen = HashSet::new();
    let lines = facts.rules.iter().map(|rule| {
        let effect = if rule.block { "deny" } else { "allow" };
        vec![name(rule.senders), name(rule.recipients), effect.to_owned()]
    });
    let lines = lines.filter(|line| seen.insert(line.clone())).collect();
    tokio::runtime::Builder::new_current_thread()
        .build()?
        .block_on(enforcer.add_policies(lines))?;
    if groups {
        let roles = enforcer.get_role_manager();
        let mut roles = roles.write();
        for (number, user) in (0..).zip(&facts.users) {
            roles.add_link(user, NOBODY, None);
            let sets = facts.sender_in(number).chain(facts.recipient_in(number));
            for set in sets.filter(|set| *set != number && Some(*set) != everyone) {
                roles.add_link(user, &set.to_string(), None);
            }
        }
    }
    Ok(Box::new(Lines { facts, enforcer }))
}

impl Peer for Lines<'_> {
    fn ask(&self, work: &mut Work) -> Result<(), Fault> {
        let mut this = self;
        work(&mut this)
    }

    fn scans(&self) -> bool {
        true
    }
}

impl Ask for &Lines<'_> {
    fn sees(&mut self, sender: &str, recipient: &str) -> Result<bool, Fault> {
        Ok(self
            .enforcer
            .enforce(vec![sender.to_owned(), recipient.to_owned()])?)
    }

    fn recipients(&mut self, sender: &str, each: &mut dyn FnMut(&str)) -> Result<(), Fault> {
        for user in &self.facts.users {
            if self.sees(sender, user)? {
                each(user);
            }
        }
        Ok(())
    }

    fn senders(&mut self, recipient: &str, each: &mut dyn FnMut(&str)) -> Result<(), Fault> {
        for user in &self.facts.users {
            if self.sees(user, recipient)? {
                each(user);
            }
        }
        Ok(())
    }
}
