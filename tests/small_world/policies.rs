//! Which policies the small world has.
//!
//! A *behaviour* is what a rule does to Ann and Cat, one local and one remote user: its action,
//! which of the two are among its senders, whether the senders are unbounded, which of the two are
//! among its recipients. There are 2 x 4 x 2 x 4 = 64, and every one of them occurs. Any policy
//! whatever, on any two users, does what some set of these does.
//!
//! - one rule: every shape on either side, in every wording;
//! - two rules: every shape on either side of a rule, with every behaviour that rule can have by its
//!   other side, beside every behaviour of a second rule;
//! - three rules: every three behaviours.
//!
//! The rule that stands for a behaviour is another each time, so that all its shapes take turns.
//! `SMALL_WORLD=large` has every two of the first rules of the second line besides. Never tried are
//! two rules with every shape on all four sides, and three with every shape.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::Rule;
use crate::shapes::Shape;

/// Every rule: as the model has it, and its text.
pub struct Rules {
    pub rules: Vec<Rule>,
    pub texts: Vec<String>,
    /// The rules `send A to B` and `block A from B`: one for each two shapes and action.
    pub plain: Vec<usize>,
    /// Of those, for each shape, side and action one for each behaviour of the other side.
    pub one_sided: Vec<usize>,
    /// Behaviour to the rules that have it, in an order in which they take turns.
    pub behaviours: Vec<Vec<usize>>,
}

/// The two users behaviours are told by, as bits of what a shape picks.
fn on_two(shape: &Shape) -> (bool, bool) {
    (shape.picks.contains('a'), shape.picks.contains('c'))
}

impl Rules {
    pub fn new(shapes: &[Shape]) -> Rules {
        let mut rules = Rules {
            rules: Vec::new(),
            texts: Vec::new(),
            plain: Vec::new(),
            one_sided: Vec::new(),
            behaviours: Vec::new(),
        };
        let mut behaviours: BTreeMap<_, Vec<usize>> = BTreeMap::new();
        for senders in shapes {
            let (s, from) = (|| senders.selector.clone(), senders.text);
            for recipients in shapes {
                let (r, to) = (|| recipients.selector.clone(), recipients.text);
                let send = rules.add(Rule::Send(s(), r()), format!("send {from} to {to}"));
                let block = rules.add(
                    Rule::Block(s(), Some(r())),
                    format!("block {from} from {to}"),
                );
                for rule in [send, block] {
                    let (rule, sides) = (rule, (on_two(senders), on_two(recipients)));
                    let behaviour = (rule == block, senders.unbounded, sides);
                    behaviours.entry(behaviour).or_default().push(rule);
                    rules.plain.push(rule);
                }
                let see = if (from.len() + to.len()) % 2 == 0 {
                    "see"
                } else {
                    "sees"
                };
                rules.add(Rule::See(r(), s()), format!("{to} {see} {from}"));
            }
            rules.add(Rule::EachOther(s()), format!("{from} see each other"));
            rules.add(Rule::Block(s(), None), format!("block {from}"));
        }
        rules.choose_one_sided(shapes);
        rules.behaviours = behaviours.into_values().collect();
        for (number, rules) in rules.behaviours.iter_mut().enumerate() {
            shuffle(rules, number);
        }
        rules
    }

    fn choose_one_sided(&mut self, shapes: &[Shape]) {
        let mut by_senders: BTreeMap<_, Vec<usize>> = BTreeMap::new();
        let mut by_recipients: BTreeMap<_, Vec<usize>> = BTreeMap::new();
        for (at, shape) in shapes.iter().enumerate() {
            let behaviour = (on_two(shape), shape.unbounded);
            by_senders.entry(behaviour).or_default().push(at);
            by_recipients.entry(on_two(shape)).or_default().push(at);
        }
        let count = shapes.len();
        let mut chosen = BTreeSet::new();
        for shape in 0..count {
            for others in by_recipients.values() {
                chosen.insert((shape, others[shape % others.len()]));
            }
            for others in by_senders.values() {
                chosen.insert((others[shape % others.len()], shape));
            }
        }
        for (senders, recipients) in chosen {
            let at = 2 * (senders * count + recipients);
            self.one_sided.extend(&self.plain[at..at + 2]);
        }
    }

    fn add(&mut self, rule: Rule, text: String) -> usize {
        self.rules.push(rule);
        self.texts.push(text);
        self.rules.len() - 1
    }
}

/// So that rules that take turns are not all of one shape for long.
fn shuffle(rules: &mut [usize], seed: usize) {
    let mut state = seed as u64 + 1;
    for at in (1..rules.len()).rev() {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        rules.swap(at, usize::try_from(state >> 33).unwrap() % (at + 1));
    }
}

/// Deals a behaviour's rules in turn.
struct Deal<'a> {
    behaviours: &'a [Vec<usize>],
    turns: Vec<usize>,
}

impl Deal<'_> {
    fn next(&mut self, behaviour: usize) -> usize {
        let rules = &self.behaviours[behaviour];
        self.turns[behaviour] += 1;
        rules[self.turns[behaviour] % rules.len()]
    }
}

/// How many of all policies there are.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Size {
    /// As told above.
    Plain,
    /// With every shape on either side of both of two rules.
    Large,
}

/// The policies, as indexes into the rules.
pub fn policies(rules: &Rules, size: Size) -> Vec<Vec<usize>> {
    let mut all: Vec<Vec<usize>> = vec![Vec::new()];
    all.extend((0..rules.rules.len()).map(|rule| vec![rule]));
    let count = rules.behaviours.len();
    let mut deal = Deal {
        behaviours: &rules.behaviours,
        turns: vec![0; count],
    };
    for (at, &first) in rules.one_sided.iter().enumerate() {
        all.extend((0..count).map(|other| vec![first, deal.next(other)]));
        if size == Size::Large {
            let seconds = &rules.one_sided[at..];
            all.extend(seconds.iter().map(|&second| vec![first, second]));
        }
    }
    for a in 0..count {
        for b in a..count {
            for c in b..count {
                all.push(vec![deal.next(a), deal.next(b), deal.next(c)]);
            }
        }
    }
    all
}
