//! Who could be so: a user for one way in which a claim comes true, and a pair of users for two.
//!
//! A *world* is a homeserver, any or none, with any users that `id` accepts, and for each room that
//! a policy names any members: an alias may be another name of a room ID or not, so each name counts
//! for itself. A [`Way`] then asks of a user's ID that it is in some languages and not in others, of
//! their rooms and of whether they are local. Rooms and locality are free unless the way contradicts
//! itself, so one user is possible if some ID is. Of two users both may be bound: `local` on both
//! sides ties their servers, and if they can only be one and the same user, their rooms.
//!
//! IDs are found by trying a few that are likely, then by automata. Each one given was tried with
//! the matchers themselves.
//!
//! Law: `Never` holds in every world, `Found` shows one. `Open` past the budget, for a regex that
//! is too large for a table, and where one depends on a Unicode word boundary.

use std::cell::{Cell, RefCell};
use std::ops::ControlFlow;
use std::rc::Rc;
use std::sync::Arc;

use super::automata::Language;
use super::claims::{Answer, Claim, Way};
use super::product::{Part, Product};
use super::sets::{Map, Set, Sets, Shape};
use crate::glob::{Glob, Piece};
use crate::id::{UserId, server_of};

/// How many steps of claims all questions about a policy may take.
const ALL_STEPS: u64 = 4_000_000;

/// How many steps one product of automata may take, and all of them with making the automata.
const WORK: u64 = 10_000_000;
const ALL_WORK: u64 = 40_000_000;

/// How many ways of each side of a pair are looked at.
const WAYS: usize = 64;

/// How many likely IDs are tried.
const TRIES: usize = 8;

/// How deep sets may be made up of sets for a user to be looked up in them.
const DEPTH: usize = 100;

/// A user in a world.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Person {
    pub user: UserId,
    pub local: bool,
    /// The sets of members that they are in.
    pub rooms: Vec<Set>,
}

/// What was found out, and what may still be spent.
#[derive(Debug)]
pub(super) struct Memory {
    steps: Cell<u64>,
    work: Cell<u64>,
    languages: RefCell<Map<Set, Rc<Language>>>,
    likely: RefCell<Map<Set, Rc<[UserId]>>>,
    ids: RefCell<Map<Way, Answer<UserId>>>,
    products: RefCell<Map<Way, Option<Rc<Product>>>>,
    bound: RefCell<Map<Set, bool>>,
    /// Users like any other.
    plain: Vec<UserId>,
}

impl Default for Memory {
    fn default() -> Self {
        let plain = ["@zz:zz.zz", "@a:zz.zz", "@zz:a", "@0:z-9"];
        let plain = plain.iter().filter_map(|id| UserId::parse(id).ok());
        Memory {
            plain: plain.collect(),
            steps: Cell::new(ALL_STEPS),
            work: Cell::new(ALL_WORK),
            languages: RefCell::default(),
            likely: RefCell::default(),
            ids: RefCell::default(),
            products: RefCell::default(),
            bound: RefCell::default(),
        }
    }
}

impl Memory {
    /// At most so many steps that are left.
    pub fn steps(&self, most: u64) -> u64 {
        most.min(self.steps.get())
    }

    pub fn spend_steps(&self, steps: u64) {
        self.steps.set(self.steps.get().saturating_sub(steps));
    }

    /// Does some work within what is left of it.
    fn work<T>(&self, work: impl FnOnce(&mut u64) -> Option<T>) -> Option<T> {
        let most = WORK.min(self.work.get());
        let mut left = most;
        let done = work(&mut left);
        let spent = if done.is_some() { most - left } else { most };
        self.work.set(self.work.get().saturating_sub(spent));
        done
    }
}

impl Sets {
    /// A user of whom a claim can be true.
    pub fn possible(&self, claim: &Claim) -> Answer<Person> {
        if let [(true, set)] = claim
            && let Shape::Users(users) = self.shape(*set)
            && let Some(user) = users.first()
        {
            return Answer::Found(self.person(user.clone(), &Way::new()));
        }
        let mut answer = Answer::Never;
        let all = self.ways(claim, &mut |way| match self.someone(&way) {
            Answer::Found(user) => {
                answer = Answer::Found(self.person(user, &way));
                ControlFlow::Break(())
            }
            Answer::Never => ControlFlow::Continue(()),
            Answer::Open => {
                answer = Answer::Open;
                ControlFlow::Continue(())
            }
        });
        match answer {
            Answer::Never if !all => Answer::Open,
            answer => answer,
        }
    }

    /// Two users, one of whom one claim can be true, and in the same world of the other the other.
    pub fn possible_pair(&self, senders: &Claim, recipients: &Claim) -> Answer<(Person, Person)> {
        let (sender, recipient) = (self.possible(senders), self.possible(recipients));
        let (sender, recipient) = match (sender, recipient) {
            (Answer::Never, _) | (_, Answer::Never) => return Answer::Never,
            (Answer::Found(sender), Answer::Found(recipient)) => (sender, recipient),
            _ => return Answer::Open,
        };
        let both = |about: fn(&Sets, Set) -> bool| {
            let is = |claim: &&Claim| claim.iter().any(|(_, set)| about(self, *set));
            [senders, recipients].iter().all(is)
        };
        if !both(Sets::is_about_local) && !both(Sets::is_about_rooms) {
            return Answer::Found(in_one_world(sender, recipient));
        }
        let (Some(senders), Some(recipients)) =
            (self.some_ways(senders), self.some_ways(recipients))
        else {
            return Answer::Open;
        };
        let mut open = false;
        for ours in &senders {
            for theirs in &recipients {
                match self.meet(ours, theirs) {
                    Answer::Found(found) => return Answer::Found(found),
                    Answer::Never => {}
                    Answer::Open => open = true,
                }
            }
        }
        if open { Answer::Open } else { Answer::Never }
    }

    /// Whether in some world a set can bind what another user is: it speaks of who is local, or
    /// speaks of rooms and can have one user only. "No" is certain.
    pub fn may_bind(&self, set: Set) -> bool {
        if self.is_about_local(set) {
            return true;
        }
        // Anyone can be in a room.
        if !self.is_about_rooms(set) || matches!(self.shape(set), Shape::Members(_)) {
            return false;
        }
        if let Some(known) = self.memory.bound.borrow().get(&set) {
            return *known;
        }
        let ways = self.some_ways(&[(true, set)]).unwrap_or_default();
        let two = |a: &Way, b: &Way| matches!(self.two_users(a, b), Answer::Found(_));
        let apart = ways
            .first()
            .is_some_and(|first| ways.iter().any(|way| two(first, way)));
        self.memory.bound.borrow_mut().insert(set, !apart);
        !apart
    }

    /// Whether a user in a world is in a set; `None` if it is made up too deep.
    pub fn holds(&self, set: Set, person: &Person) -> Option<bool> {
        self.holds_to(set, person, DEPTH)
    }

    fn holds_to(&self, set: Set, person: &Person, depth: usize) -> Option<bool> {
        let depth = depth.checked_sub(1)?;
        match self.shape(set) {
            Shape::Local => Some(person.local),
            Shape::Remote => Some(!person.local),
            Shape::Members(_) => Some(person.rooms.contains(&set)),
            Shape::Any(parts) | Shape::Both(parts) => {
                let any = matches!(self.shape(set), Shape::Any(_));
                for part in parts.iter() {
                    if self.holds_to(*part, person, depth)? == any {
                        return Some(any);
                    }
                }
                Some(!any)
            }
            Shape::Except(base, less) => {
                Some(self.holds_to(*base, person, depth)? && !self.holds_to(*less, person, depth)?)
            }
            _ => self.has(set, &person.user),
        }
    }

    /// All ways of a claim that are not ruled out; `None` if they are too many.
    fn some_ways(&self, claim: &Claim) -> Option<Vec<Way>> {
        let mut found = Vec::new();
        let all = self.ways(claim, &mut |way| {
            if self.someone(&way) != Answer::Never {
                found.push(way);
            }
            if found.len() > WAYS {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        });
        Some(found).filter(|found| all && found.len() <= WAYS)
    }

    fn person(&self, user: UserId, way: &Way) -> Person {
        let mut rooms = self.leaves(way, |shape| matches!(shape, Shape::Members(_)));
        rooms.retain(|(wanted, _)| *wanted);
        Person {
            user,
            local: self.locality(way) == Some(true),
            rooms: rooms.into_iter().map(|(_, set)| set).collect(),
        }
    }

    fn leaves(&self, way: &Way, of: impl Fn(&Shape) -> bool) -> Way {
        let is = |(_, set): &&(bool, Set)| of(self.shape(*set));
        way.iter().filter(is).copied().collect()
    }

    /// Whether a way wants a local user, or a remote one.
    fn locality(&self, way: &Way) -> Option<bool> {
        way.iter().find_map(|(wanted, set)| match self.shape(*set) {
            Shape::Local => Some(*wanted),
            Shape::Remote => Some(!*wanted),
            _ => None,
        })
    }

    /// An ID for a way.
    pub fn someone(&self, way: &Way) -> Answer<UserId> {
        if let Some(list) = self.listed(way) {
            let mut fits = list.iter().filter(|user| self.fits(way, user));
            return fits
                .next()
                .map_or(Answer::Never, |user| Answer::Found(user.clone()));
        }
        if let Some(user) = self.likely_in(way, 1).into_iter().next() {
            return Answer::Found(user);
        }
        let mut ids = self.leaves(way, is_about_ids);
        ids.sort_unstable();
        if let Some(known) = self.memory.ids.borrow().get(&ids) {
            return known.clone();
        }
        // Lists of exceptions make large automata, and hardly ever matter.
        let patterns = self.leaves(&ids, |shape| !matches!(shape, Shape::Users(_)));
        let mut answer = self.first_text(&patterns, way);
        if answer == Answer::Open && patterns.len() < ids.len() {
            answer = self.first_text(&ids, way);
        }
        self.memory.ids.borrow_mut().insert(ids, answer.clone());
        answer
    }

    /// The shortest ID in these languages, if it fits the way too.
    fn first_text(&self, ids: &Way, way: &Way) -> Answer<UserId> {
        let Some(product) = self.product(ids, None, true) else {
            return Answer::Open;
        };
        match product.text().map(|text| UserId::parse(&text)) {
            None => Answer::Never,
            Some(Ok(user)) if self.fits(way, &user) => Answer::Found(user),
            Some(_) => Answer::Open,
        }
    }

    /// The shortest list of users that a way allows.
    pub fn listed(&self, way: &Way) -> Option<&Arc<[UserId]>> {
        let lists = way
            .iter()
            .filter_map(|(wanted, set)| match self.shape(*set) {
                Shape::Users(users) if *wanted => Some(users),
                _ => None,
            });
        lists.min_by_key(|list| list.len())
    }

    /// Whether a user's ID is as a way wants it.
    pub fn fits(&self, way: &Way, user: &UserId) -> bool {
        way.iter()
            .all(|(wanted, set)| self.has(*set, user).is_none_or(|has| has == *wanted))
    }

    /// A few IDs that fit a way, at most so many.
    fn likely_in(&self, way: &Way, most: usize) -> Vec<UserId> {
        let fits = |user: &&UserId| self.fits(way, user);
        if let Some(list) = self.listed(way) {
            return list.iter().filter(fits).take(most).cloned().collect();
        }
        let patterns = way
            .iter()
            .filter(|(wanted, set)| *wanted && is_about_ids(self.shape(*set)));
        let mut found: Vec<UserId> = Vec::new();
        let mut none = true;
        for (_, set) in patterns {
            none = false;
            let likely = self.likely(*set);
            found.extend(likely.iter().filter(fits).take(most).cloned());
            if found.len() >= most {
                break;
            }
        }
        if none {
            let plain = self.memory.plain.iter();
            found.extend(plain.filter(fits).take(most).cloned());
        }
        found
    }

    /// A few IDs that are likely in a pattern.
    fn likely(&self, set: Set) -> Rc<[UserId]> {
        if let Some(known) = self.memory.likely.borrow().get(&set) {
            return known.clone();
        }
        let names = |glob: Option<&Glob>| match glob {
            Some(glob) => fill(glob),
            None => vec!["@zz".into(), "@".into(), "@a".into()],
        };
        let all = |names: Vec<String>, servers: Vec<String>| {
            let texts = servers
                .iter()
                .flat_map(|server| names.iter().map(move |name| format!("{name}:{server}")));
            texts
                .filter_map(|text| UserId::parse(&text).ok())
                .take(TRIES)
                .collect()
        };
        let found: Vec<UserId> = match self.shape(set) {
            Shape::Servers(servers) => {
                let servers = servers.iter().take(TRIES).map(|server| server.to_string());
                all(names(None), servers.collect())
            }
            Shape::ServerGlob(server) => all(names(None), fill(server)),
            Shape::UserGlob(name, server) => all(names(Some(name)), fill(server)),
            Shape::Matching(_) => {
                let product = self.product(&vec![(true, set)], None, true);
                let text = product.and_then(|product| product.text());
                text.into_iter()
                    .filter_map(|text| UserId::parse(&text).ok())
                    .collect()
            }
            _ => Vec::new(),
        };
        let found: Rc<[UserId]> = found.into();
        self.memory.likely.borrow_mut().insert(set, found.clone());
        found
    }

    /// The user IDs in these languages, or among a list; `None` past the budget. With `stop` one of
    /// them is enough.
    fn product(&self, ids: &Way, list: Option<&[UserId]>, stop: bool) -> Option<Product> {
        self.memory.work(|work| {
            let mut languages = Vec::new();
            if let Some(list) = list {
                let language = Language::listed(list.iter().map(UserId::as_str), false);
                *work = work.checked_sub(language.cost())?;
                languages.push((true, Rc::new(language)));
            } else {
                for (wanted, set) in ids {
                    languages.push((*wanted, self.language(*set, work)?));
                }
            }
            let parts = languages.iter().map(|(wanted, language)| Part {
                wanted: *wanted,
                language,
            });
            let valid = Part {
                wanted: true,
                language: Language::user_ids(),
            };
            let parts: Vec<Part<'_>> = parts.chain([valid]).collect();
            Product::new(&parts, work, stop)
        })
    }

    fn language(&self, set: Set, work: &mut u64) -> Option<Rc<Language>> {
        if let Some(known) = self.memory.languages.borrow().get(&set) {
            return Some(known.clone());
        }
        let language = match self.shape(set) {
            Shape::Users(users) => Language::listed(users.iter().map(UserId::as_str), false),
            Shape::Servers(servers) => Language::listed(servers.iter().map(|s| s.as_str()), true),
            Shape::ServerGlob(server) => Language::glob(None, server),
            Shape::UserGlob(name, server) => Language::glob(Some(name), server),
            Shape::Matching(regex) => Language::matching(regex),
            _ => Language::open(),
        };
        let language = Rc::new(language);
        let mut languages = self.memory.languages.borrow_mut();
        languages.insert(set, language.clone());
        *work = work.checked_sub(language.cost())?;
        Some(language)
    }

    /// All IDs of a way.
    fn all_ids(&self, way: &Way) -> Option<Rc<Product>> {
        let mut ids = self.leaves(way, is_about_ids);
        ids.sort_unstable();
        if let Some(known) = self.memory.products.borrow().get(&ids) {
            return known.clone();
        }
        let list = self.listed(way).map(|list| {
            let fits = list.iter().filter(|user| self.fits(way, user));
            fits.cloned().collect::<Vec<UserId>>()
        });
        let product = self.product(&ids, list.as_deref(), false).map(Rc::new);
        self.memory
            .products
            .borrow_mut()
            .insert(ids, product.clone());
        product
    }

    /// Two users for two ways, in one world.
    fn meet(&self, ours: &Way, theirs: &Way) -> Answer<(Person, Person)> {
        let pair = |(a, b)| in_one_world(self.person(a, ours), self.person(b, theirs));
        let differ = match self.two_users(ours, theirs) {
            Answer::Found(users) => return Answer::Found(pair(users)),
            other => other,
        };
        // One user who is both.
        let both: Way = ours.iter().chain(theirs).copied().collect();
        match self.possible(&both) {
            Answer::Found(person) => Answer::Found((person.clone(), person)),
            Answer::Never if differ == Answer::Never => Answer::Never,
            _ => Answer::Open,
        }
    }

    /// Two users who are not the same.
    fn two_users(&self, ours: &Way, theirs: &Way) -> Answer<(UserId, UserId)> {
        let servers = match (self.locality(ours), self.locality(theirs)) {
            (Some(true), Some(true)) => Some(true),
            (Some(true), Some(false)) | (Some(false), Some(true)) => Some(false),
            _ => None,
        };
        let fit = |a: &UserId, b: &UserId| {
            a != b
                && servers.is_none_or(|same| (a.server() == b.server()) == same)
                && self.fits(ours, a)
                && self.fits(theirs, b)
        };
        let (a, b) = (self.likely_in(ours, TRIES), self.likely_in(theirs, TRIES));
        // With each one likely the neighbours.
        let near = |users: &[UserId]| -> Vec<UserId> {
            let names = ["@zz", "@a", "@"];
            let near = users.iter().take(2).flat_map(|user| {
                let texts = names.map(|name| format!("{name}:{}", user.server()));
                texts
                    .into_iter()
                    .filter_map(|text| UserId::parse(&text).ok())
            });
            users.iter().cloned().chain(near).collect()
        };
        for (ours, theirs) in [(&a, &near(&b)), (&near(&a), &b)] {
            let theirs = if servers == Some(true) {
                [theirs.as_slice(), &near(ours)].concat()
            } else {
                theirs.clone()
            };
            for a in ours {
                if let Some(b) = theirs.iter().find(|b| fit(a, b)) {
                    return Answer::Found((a.clone(), b.clone()));
                }
            }
        }
        let (Some(a), Some(b)) = (self.all_ids(ours), self.all_ids(theirs)) else {
            return Answer::Open;
        };
        let found = self.memory.work(|work| match servers {
            Some(true) => a.neighbours(&b, work),
            Some(false) => {
                let (a, b) = (on_two_servers(&a, work)?, on_two_servers(&b, work)?);
                Some(pick(&a, &b, |a, b| server_of(a) != server_of(b)))
            }
            None => Some(pick(&a.two(work)?, &b.two(work)?, |a, b| a != b)),
        });
        match found {
            None => Answer::Open,
            Some(None) => Answer::Never,
            Some(Some((a, b))) => match (UserId::parse(&a), UserId::parse(&b)) {
                (Ok(a), Ok(b)) if fit(&a, &b) => Answer::Found((a, b)),
                _ => Answer::Open,
            },
        }
    }
}

/// Two users of whom no more than one was asked whether they are local, or of their rooms: the other
/// is as the world of that one makes them.
fn in_one_world(mut a: Person, mut b: Person) -> (Person, Person) {
    let home = [&a, &b].into_iter().find(|person| person.local);
    let home = home.map(|person| person.user.server().to_owned());
    for person in [&mut a, &mut b] {
        person.local = Some(person.user.server()) == home.as_deref();
    }
    if a.user == b.user {
        a.rooms.append(&mut b.rooms);
        b.rooms.clone_from(&a.rooms);
    }
    (a, b)
}

fn is_about_ids(shape: &Shape) -> bool {
    matches!(
        shape,
        Shape::Users(_)
            | Shape::Servers(_)
            | Shape::ServerGlob(_)
            | Shape::UserGlob(..)
            | Shape::Matching(_)
    )
}

/// Up to two texts on different servers.
fn on_two_servers(product: &Product, work: &mut u64) -> Option<Vec<String>> {
    let mut texts: Vec<String> = product.text().into_iter().collect();
    if let Some(first) = texts.first() {
        let other = product.on_another_server(server_of(first), work)?;
        texts.extend(other);
    }
    Some(texts)
}

fn pick(
    ours: &[String],
    theirs: &[String],
    wanted: impl Fn(&str, &str) -> bool,
) -> Option<(String, String)> {
    let pairs = ours.iter().flat_map(|a| theirs.iter().map(move |b| (a, b)));
    let mut pairs = pairs.filter(|(a, b)| wanted(a, b));
    pairs.next().map(|(a, b)| (a.clone(), b.clone()))
}

/// A few texts that a glob matches.
fn fill(glob: &Glob) -> Vec<String> {
    let with = |run: &str| -> String {
        let mut text = String::new();
        for piece in glob.pieces() {
            match piece {
                Piece::Char(c) => text.push(*c),
                Piece::One => text.push('z'),
                Piece::Run => text.push_str(run),
            }
        }
        text
    };
    let mut texts = vec![with("zz"), with(""), with("a")];
    texts.dedup();
    texts
}
