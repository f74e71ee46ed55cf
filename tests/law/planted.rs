//! Wrong evaluators, planted to show that the comparison notices. Each is the oracle with one
//! mistake that somebody could really make.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use super::compare::Subject;
use super::model::{
    Edit, Expression, Facts, GroupBody, Piece, Policy, Room, Rule, Selector, UserPattern, World,
    has_glob,
};
use super::oracle::{Meaning, Senders, Table};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mistake {
    InverseIgnoresBlocks,
    ForwardIgnoresBlocks,
    AllExceptWhereOnly,
    OnlyWhereAllExcept,
    AllExceptForEveryRecipient,
    PatternCountsAsUnbounded,
    RemainderOfAllIsUnbounded,
    WrittenUsersUnknown,
    MembersUnknown,
    BatchSendersUnknown,
    BatchSendersStayKnown,
    RepeatedUpdateDropped,
    DirectoryFrozen,
    EditsOfAllDirectories,
    BlockBothWays,
    BlockFromIgnored,
    SeeReadForward,
    ExceptTooTight,
    WhoIsUnion,
    LocalIsDefaultServer,
    RegexSearches,
    GlobCrossesColon,
    GlobIgnoresCase,
    EscapedWildcardIsWild,
    OnTakesSubdomains,
    RoomIdCompleted,
    AliasIgnoresServer,
    GroupFileIgnored,
    GroupFileNotKnown,
    IndexForgetsStrangers,
}

pub const MISTAKES: [Mistake; 30] = [
    Mistake::InverseIgnoresBlocks,
    Mistake::ForwardIgnoresBlocks,
    Mistake::AllExceptWhereOnly,
    Mistake::OnlyWhereAllExcept,
    Mistake::AllExceptForEveryRecipient,
    Mistake::PatternCountsAsUnbounded,
    Mistake::RemainderOfAllIsUnbounded,
    Mistake::WrittenUsersUnknown,
    Mistake::MembersUnknown,
    Mistake::BatchSendersUnknown,
    Mistake::BatchSendersStayKnown,
    Mistake::RepeatedUpdateDropped,
    Mistake::DirectoryFrozen,
    Mistake::EditsOfAllDirectories,
    Mistake::BlockBothWays,
    Mistake::BlockFromIgnored,
    Mistake::SeeReadForward,
    Mistake::ExceptTooTight,
    Mistake::WhoIsUnion,
    Mistake::LocalIsDefaultServer,
    Mistake::RegexSearches,
    Mistake::GlobCrossesColon,
    Mistake::GlobIgnoresCase,
    Mistake::EscapedWildcardIsWild,
    Mistake::OnTakesSubdomains,
    Mistake::RoomIdCompleted,
    Mistake::AliasIgnoresServer,
    Mistake::GroupFileIgnored,
    Mistake::GroupFileNotKnown,
    Mistake::IndexForgetsStrangers,
];

pub struct Planted {
    mistake: Option<Mistake>,
    /// The policy as it was written.
    right: Policy,
    /// The policy as the mistake reads it.
    policy: Policy,
    first: Facts,
    facts: Facts,
    /// Whoever may be asked about.
    universe: BTreeSet<String>,
    table: Table,
    /// The same without the blocks.
    open: Table,
    /// K as the mistake takes it, without anybody in hand.
    known: BTreeSet<String>,
    seen: RefCell<BTreeSet<String>>,
}

impl Planted {
    /// With no mistake it is the oracle itself.
    pub fn new(world: &World, mistake: Option<Mistake>) -> Planted {
        let right = world.policy.clone();
        let policy = mistake.map_or_else(|| right.clone(), |mistake| misread(&right, mistake));
        let mut facts = world.facts.clone();
        let mut universe = BTreeSet::new();
        for edit in world.rounds.iter().flatten() {
            facts.apply(edit);
            universe.extend(
                Meaning {
                    policy: &right,
                    facts: &facts,
                }
                .known(&[]),
            );
        }
        universe.extend(
            Meaning {
                policy: &right,
                facts: &world.facts,
            }
            .known(&world.strangers),
        );
        universe.extend(world.batches.iter().flatten().cloned());
        let mut planted = Planted {
            mistake,
            right,
            policy,
            first: world.facts.clone(),
            facts: world.facts.clone(),
            universe,
            table: Table::default(),
            open: Table::default(),
            known: BTreeSet::new(),
            seen: RefCell::default(),
        };
        planted.evaluate();
        planted
    }

    fn evaluate(&mut self) {
        let mut open = self.policy.clone();
        open.rules.retain(|rule| !rule.is_block());
        self.known = self.known(&[]);
        self.open = Meaning {
            policy: &open,
            facts: &self.facts,
        }
        .over(&self.universe);
        self.table = Meaning {
            policy: &self.policy,
            facts: &self.facts,
        }
        .over(&self.universe);
    }

    fn makes(&self, mistake: Mistake) -> bool {
        self.mistake == Some(mistake)
    }

    fn known(&self, in_hand: &[String]) -> BTreeSet<String> {
        let right = Meaning {
            policy: &self.right,
            facts: &self.facts,
        };
        let mut known = right.known(in_hand);
        if self.makes(Mistake::WrittenUsersUnknown) {
            known = self.facts.users.clone();
            known.extend(self.facts.rooms.values().flatten().cloned());
            known.extend(in_hand.iter().cloned());
        }
        if self.makes(Mistake::MembersUnknown) {
            let facts = Facts {
                rooms: BTreeMap::new(),
                ..self.facts.clone()
            };
            known = Meaning {
                policy: &self.right,
                facts: &facts,
            }
            .known(in_hand);
        }
        if self.makes(Mistake::GroupFileNotKnown) {
            let mut policy = self.right.clone();
            policy
                .groups
                .retain(|group| matches!(group.body, GroupBody::Is(_)));
            // indexes of groups are not followed when users are collected
            known = Meaning {
                policy: &policy,
                facts: &self.facts,
            }
            .known(in_hand);
        }
        known
    }
}

impl Subject for Planted {
    fn edit(&mut self, edit: &Edit) {
        if !self.makes(Mistake::DirectoryFrozen) {
            self.facts.apply(edit);
            self.evaluate();
        }
    }

    fn rewind(&mut self) {
        if !self.makes(Mistake::EditsOfAllDirectories) {
            self.facts = self.first.clone();
            self.evaluate();
        }
    }

    fn decide(&self, sender: &str, recipient: &str) -> bool {
        self.table.sees(sender, recipient)
    }

    fn sees(&self, sender: &str, recipient: &str) -> bool {
        let unknown = || !self.known.contains(sender);
        !(self.makes(Mistake::IndexForgetsStrangers) && unknown())
            && self.table.sees(sender, recipient)
    }

    fn recipients_of(&self, sender: &str) -> Vec<String> {
        let known = &self.known;
        if self.makes(Mistake::ForwardIgnoresBlocks) {
            return self.open.recipients_of(known, sender);
        }
        self.table.recipients_of(known, sender)
    }

    fn senders_for(&self, recipient: &str) -> Senders {
        let known = &self.known;
        if self.makes(Mistake::InverseIgnoresBlocks) {
            return self.open.senders_for(known, recipient);
        }
        let right = self.table.senders_for(known, recipient);
        let seen: Vec<String> = known
            .iter()
            .filter(|s| right.contains(s))
            .cloned()
            .collect();
        let unseen: Vec<String> = known
            .iter()
            .filter(|s| !right.contains(s))
            .cloned()
            .collect();
        match self.mistake {
            Some(Mistake::AllExceptWhereOnly) if self.open.all_except(recipient) => {
                Senders::AllExcept(unseen)
            }
            Some(Mistake::OnlyWhereAllExcept) => Senders::Only(seen),
            Some(Mistake::AllExceptForEveryRecipient)
                if known.iter().any(|r| self.table.all_except(r)) =>
            {
                Senders::AllExcept(unseen)
            }
            _ => right,
        }
    }

    fn route(&self, batch: &[String]) -> BTreeMap<String, Vec<u32>> {
        let known = match self.mistake {
            Some(Mistake::BatchSendersUnknown) => self.known.clone(),
            Some(Mistake::BatchSendersStayKnown) => {
                let mut seen = self.seen.borrow_mut();
                seen.extend(batch.iter().cloned());
                self.known(&seen.iter().cloned().collect::<Vec<_>>())
            }
            _ => self.known(batch),
        };
        let mut routed = self.table.route(&known, batch);
        if self.makes(Mistake::RepeatedUpdateDropped) {
            let mut senders = BTreeSet::new();
            let first: BTreeSet<u32> = (0..)
                .zip(batch)
                .filter(|(_, s)| senders.insert(*s))
                .map(|(i, _)| i)
                .collect();
            for indexes in routed.values_mut() {
                indexes.retain(|index| first.contains(index));
            }
        }
        routed
    }

    fn known_users(&self) -> Vec<String> {
        // right even where the answers go wrong, so that these must be caught by the answers
        Meaning {
            policy: &self.right,
            facts: &self.facts,
        }
        .known(&[])
        .into_iter()
        .collect()
    }

    fn receives_everyone(&self) -> Vec<String> {
        let all = |r: &String| matches!(self.senders_for(r), Senders::AllExcept(_));
        self.known.iter().filter(|r| all(r)).cloned().collect()
    }
}

/// The policy as somebody reads it who makes the mistake.
fn misread(policy: &Policy, mistake: Mistake) -> Policy {
    let default_server = policy.default_server().map(str::to_owned);
    let change = |selector: Selector| match (mistake, selector) {
        (Mistake::PatternCountsAsUnbounded, Selector::On(servers))
            if servers.contains(&vec![Piece::Run]) =>
        {
            Selector::All
        }
        // `all except (all except x)` taken for unbounded
        (Mistake::RemainderOfAllIsUnbounded, Selector::Except(a, b)) if *a == Selector::All => {
            Selector::Except(
                a,
                Box::new(Selector::Who(vec![
                    *b,
                    Selector::Matching(Expression {
                        text: String::new(),
                        whole: r"(?s)\A.*\z".to_owned(),
                        kind: "",
                    }),
                ])),
            )
        }
        (Mistake::ExceptTooTight, Selector::Except(a, b)) => match *a {
            Selector::Union(mut all) => {
                let last = all.pop().unwrap();
                all.push(Selector::Except(Box::new(last), b));
                Selector::Union(all)
            }
            a => Selector::Except(Box::new(a), b),
        },
        (Mistake::WhoIsUnion, Selector::Who(all)) => Selector::Union(all),
        (Mistake::LocalIsDefaultServer, Selector::Local) => match &default_server {
            Some(server) => Selector::On(vec![super::model::literal(server)]),
            None => Selector::Local,
        },
        (Mistake::RegexSearches, Selector::Matching(expression)) => {
            Selector::Matching(Expression {
                whole: expression.text.clone(),
                ..expression
            })
        }
        (Mistake::GlobCrossesColon, Selector::User(user))
            if has_glob(&user.local) || has_glob(&user.server) =>
        {
            regex_of(&user, "")
        }
        (Mistake::GlobIgnoresCase, Selector::User(user)) if has_glob(&user.local) => {
            regex_of(&user, "(?i)")
        }
        // only what reads the text can make this one; a user written so is no longer one user
        (Mistake::EscapedWildcardIsWild, Selector::User(user)) => Selector::User(UserPattern {
            local: user
                .local
                .iter()
                .map(|piece| match piece {
                    Piece::Lit('*') => Piece::Run,
                    Piece::Lit('?') => Piece::One,
                    other => *other,
                })
                .collect(),
            ..user
        }),
        (Mistake::OnTakesSubdomains, Selector::On(mut servers)) => {
            for server in servers.clone() {
                let mut wider = vec![Piece::Run, Piece::Lit('.')];
                wider.extend(server);
                servers.push(wider);
            }
            Selector::On(servers)
        }
        (Mistake::RoomIdCompleted, Selector::Members(mut rooms)) => {
            for room in &mut rooms {
                if let (Room::Id(id), Some(server)) = (room, &default_server)
                    && !id.contains(':')
                {
                    *id = format!("{id}:{server}");
                }
            }
            Selector::Members(rooms)
        }
        (Mistake::AliasIgnoresServer, Selector::Members(mut rooms)) => {
            for room in &mut rooms {
                if let (Room::Alias { server, .. }, Some(default)) = (room, &default_server) {
                    server.clone_from(default);
                }
            }
            Selector::Members(rooms)
        }
        (_, selector) => selector,
    };
    let mut policy = policy.map(&change);
    let mut more = Vec::new();
    for rule in &mut policy.rules {
        match (mistake, rule) {
            (Mistake::BlockBothWays, Rule::Block(a, b)) => more.push(Rule::Block(
                b.clone().unwrap_or(Selector::All),
                Some(a.clone()),
            )),
            (Mistake::BlockFromIgnored, Rule::Block(_, from)) => *from = None,
            (Mistake::SeeReadForward, Rule::See(a, b)) => std::mem::swap(a, b),
            _ => {}
        }
    }
    policy.rules.extend(more);
    if mistake == Mistake::GroupFileIgnored {
        for group in &mut policy.groups {
            if let GroupBody::File(users) = &mut group.body {
                users.clear();
            }
        }
    }
    policy
}

/// A glob turned into a regex over the whole ID, the way that loses the colon.
fn regex_of(user: &UserPattern, flags: &str) -> Selector {
    let side = |pattern: &[Piece]| {
        pattern
            .iter()
            .map(|piece| match piece {
                Piece::Run => "(?s:.*)".to_owned(),
                Piece::One => "(?s:.)".to_owned(),
                Piece::Lit(c) => regex::escape(&c.to_string()),
            })
            .collect::<String>()
    };
    let whole = format!(r"{flags}\A@{}:{}\z", side(&user.local), side(&user.server));
    Selector::Matching(Expression {
        text: String::new(),
        whole,
        kind: "",
    })
}
