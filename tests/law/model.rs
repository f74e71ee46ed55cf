//! The test's own model of a policy: what a policy says, apart from how it is written and from how
//! the crate holds it. Written from the language's definition only; it shares no type with `src/`.
//!
//! Not for text (`render`), meaning (`oracle`) or chance (`generate`).

use std::collections::{BTreeMap, BTreeSet};

/// One character of a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece {
    Lit(char),
    /// `*`
    Run,
    /// `?`
    One,
}

pub type Pattern = Vec<Piece>;

pub fn literal(text: &str) -> Pattern {
    text.chars().map(Piece::Lit).collect()
}

pub fn has_glob(pattern: &[Piece]) -> bool {
    pattern.iter().any(|piece| !matches!(piece, Piece::Lit(_)))
}

/// The text of a pattern without wildcards.
pub fn plain(pattern: &[Piece]) -> Option<String> {
    pattern
        .iter()
        .map(|piece| match piece {
            Piece::Lit(c) => Some(*c),
            _ => None,
        })
        .collect()
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserPattern {
    pub local: Pattern,
    pub server: Pattern,
}

impl UserPattern {
    pub fn exact(&self) -> Option<String> {
        Some(format!("@{}:{}", plain(&self.local)?, plain(&self.server)?))
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expression {
    /// As written between the slashes, `/` not yet escaped.
    pub text: String,
    /// The same for the oracle, anchored by hand at both ends.
    pub whole: String,
    /// What is special about it, for the count.
    pub kind: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Room {
    Id(String),
    Alias { name: String, server: String },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selector {
    User(UserPattern),
    All,
    On(Vec<Pattern>),
    Matching(Expression),
    Local,
    Remote,
    Members(Vec<Room>),
    /// Index into [`Policy::groups`].
    Group(usize),
    Union(Vec<Selector>),
    Except(Box<Selector>, Box<Selector>),
    Who(Vec<Selector>),
}

impl Selector {
    pub fn children(&self) -> Vec<&Selector> {
        match self {
            Selector::Union(all) | Selector::Who(all) => all.iter().collect(),
            Selector::Except(a, b) => vec![a, b],
            _ => Vec::new(),
        }
    }

    /// Itself and everything below it; groups are not entered.
    pub fn walk<'a>(&'a self, visit: &mut impl FnMut(&'a Selector)) {
        visit(self);
        for child in self.children() {
            child.walk(visit);
        }
    }

    /// A copy with every node replaced from the leaves up.
    pub fn map(&self, change: &impl Fn(Selector) -> Selector) -> Selector {
        change(match self {
            Selector::Union(all) => Selector::Union(all.iter().map(|s| s.map(change)).collect()),
            Selector::Who(all) => Selector::Who(all.iter().map(|s| s.map(change)).collect()),
            Selector::Except(a, b) => {
                Selector::Except(Box::new(a.map(change)), Box::new(b.map(change)))
            }
            leaf => leaf.clone(),
        })
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rule {
    /// `send senders to recipients`
    Send(Selector, Selector),
    /// `recipients see senders`
    See(Selector, Selector),
    EachOther(Selector),
    /// `block senders [from recipients]`
    Block(Selector, Option<Selector>),
}

impl Rule {
    pub fn is_block(&self) -> bool {
        matches!(self, Rule::Block(..))
    }

    pub fn selectors(&self) -> Vec<&Selector> {
        match self {
            Rule::Send(a, b) | Rule::See(a, b) | Rule::Block(a, Some(b)) => vec![a, b],
            Rule::EachOther(a) | Rule::Block(a, None) => vec![a],
        }
    }

    pub fn map(&self, change: &impl Fn(Selector) -> Selector) -> Rule {
        match self {
            Rule::Send(a, b) => Rule::Send(a.map(change), b.map(change)),
            Rule::See(a, b) => Rule::See(a.map(change), b.map(change)),
            Rule::EachOther(a) => Rule::EachOther(a.map(change)),
            Rule::Block(a, b) => Rule::Block(a.map(change), b.as_ref().map(|b| b.map(change))),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GroupBody {
    Is(Selector),
    /// A group file's user IDs, whole.
    File(Vec<String>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    pub name: &'static str,
    pub body: GroupBody,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// The `server` statement.
    pub server: Option<String>,
    /// The homeserver that the host names when it loads the policy.
    pub homeserver: Option<String>,
    pub groups: Vec<Group>,
    pub rules: Vec<Rule>,
}

impl Policy {
    pub fn default_server(&self) -> Option<&str> {
        self.server.as_deref().or(self.homeserver.as_deref())
    }

    /// Every selector that is written anywhere.
    pub fn walk<'a>(&'a self, visit: &mut impl FnMut(&'a Selector)) {
        for rule in &self.rules {
            for selector in rule.selectors() {
                selector.walk(visit);
            }
        }
        for group in &self.groups {
            if let GroupBody::Is(selector) = &group.body {
                selector.walk(visit);
            }
        }
    }

    pub fn map(&self, change: &impl Fn(Selector) -> Selector) -> Policy {
        Policy {
            rules: self.rules.iter().map(|rule| rule.map(change)).collect(),
            groups: self
                .groups
                .iter()
                .map(|group| Group {
                    name: group.name,
                    body: match &group.body {
                        GroupBody::Is(selector) => GroupBody::Is(selector.map(change)),
                        file => file.clone(),
                    },
                })
                .collect(),
            ..self.clone()
        }
    }

    /// The groups that some rule names, itself or through other groups.
    pub fn used_groups(&self) -> BTreeSet<usize> {
        fn enter(policy: &Policy, selector: &Selector, used: &mut BTreeSet<usize>) {
            selector.walk(&mut |node| {
                if let Selector::Group(index) = node
                    && used.insert(*index)
                    && let GroupBody::Is(body) = &policy.groups[*index].body
                {
                    enter(policy, body, used);
                }
            });
        }
        let mut used = BTreeSet::new();
        for rule in &self.rules {
            for selector in rule.selectors() {
                enter(self, selector, &mut used);
            }
        }
        used
    }
}

/// The homeserver's facts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    pub server_name: Option<String>,
    pub users: BTreeSet<String>,
    pub rooms: BTreeMap<String, BTreeSet<String>>,
    pub aliases: BTreeMap<String, String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Edit {
    Join(String, String),
    Leave(String, String),
    AddUser(String),
    RemoveUser(String),
    SetAlias(String, String),
    RemoveAlias(String),
    SetMembers(String, Vec<String>),
}

impl Edit {
    pub fn kind(&self) -> &'static str {
        match self {
            Edit::Join(..) => "edit: join",
            Edit::Leave(..) => "edit: leave",
            Edit::AddUser(_) => "edit: user added",
            Edit::RemoveUser(_) => "edit: user removed",
            Edit::SetAlias(..) => "edit: alias set or moved",
            Edit::RemoveAlias(_) => "edit: alias removed",
            Edit::SetMembers(..) => "edit: members replaced",
        }
    }
}

impl Facts {
    pub fn apply(&mut self, edit: &Edit) {
        match edit {
            Edit::Join(room, user) => {
                self.rooms
                    .entry(room.clone())
                    .or_default()
                    .insert(user.clone());
            }
            Edit::Leave(room, user) => {
                if let Some(members) = self.rooms.get_mut(room) {
                    members.remove(user);
                }
            }
            Edit::AddUser(user) => {
                self.users.insert(user.clone());
            }
            Edit::RemoveUser(user) => {
                self.users.remove(user);
            }
            Edit::SetAlias(alias, room) => {
                self.aliases.insert(alias.clone(), room.clone());
            }
            Edit::RemoveAlias(alias) => {
                self.aliases.remove(alias);
            }
            Edit::SetMembers(room, members) => {
                self.rooms
                    .insert(room.clone(), members.iter().cloned().collect());
            }
        }
    }
}

/// How the policy is written down: chance, and how much of it. `wild == 0` is the plainest text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    pub wild: u8,
    pub seed: u64,
}

/// One whole case.
#[derive(Clone, Debug)]
pub struct World {
    pub policy: Policy,
    pub layout: Layout,
    pub facts: Facts,
    /// The directory comes from a YAML file instead of calls.
    pub facts_from_yaml: bool,
    /// Edits of the directory between one round of questions and the next.
    pub rounds: Vec<Vec<Edit>>,
    /// Senders of batches, asked in each round.
    pub batches: Vec<Vec<String>>,
    /// Users whom at first nobody knows, asked about as well.
    pub strangers: Vec<String>,
}

/// How often each thing occurred.
#[derive(Clone, Debug, Default)]
pub struct Tally(pub BTreeMap<&'static str, u64>);

impl Tally {
    pub fn hit(&mut self, name: &'static str) {
        *self.0.entry(name).or_default() += 1;
    }

    /// Counts each thing once, however often it occurred.
    pub fn absorb_once(&mut self, other: &Tally) {
        for name in other.0.keys() {
            self.hit(name);
        }
    }

    pub fn of(&self, name: &str) -> u64 {
        self.0.get(name).copied().unwrap_or(0)
    }
}
