//! Languages at once: the texts that are in some and not in others, the shortest first.
//!
//! A [`Product`] goes through all languages in step, byte by byte. A state from which one of them
//! cannot end as wanted within 255 bytes is left out. What is asked of it: a text, two texts, texts on two
//! servers, and, of two products, two users of one server.
//!
//! Law: a text given is one that each language takes or may take (an open one), at most 255 bytes
//! long; if none is given there is none. Past the steps nothing is said.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::hash::Hash;

use foldhash::fast::RandomState;

use super::automata::{End, Language};
use crate::id::MAX_BYTES;

/// A language in which the texts are to be, or not to be.
#[derive(Debug, Clone, Copy)]
pub(super) struct Part<'a> {
    pub wanted: bool,
    pub language: &'a Language,
}

/// What two users are called, sigil and first `:` included.
type Names<'a> = (&'a [u8], &'a [u8]);

/// No state.
const NOWHERE: u32 = u32::MAX;

/// Which byte stands for those that are alike, the best first.
const LETTERS: &[u8] = b"abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ.-_= ";

/// Some languages in step.
#[derive(Debug)]
pub(super) struct Product {
    columns: [u8; 256],
    /// One byte of each column, and another.
    letters: Vec<(u8, Option<u8>)>,
    table: Vec<u32>,
    ends: Vec<End>,
    /// For each state whether the first `:` was read.
    colon: Vec<bool>,
    /// For each state the one it was found from, by which column.
    from: Vec<(u32, u8)>,
    /// The first state in which a text ends: certainly, and perhaps.
    ending: Option<u32>,
    perhaps: Option<u32>,
}

impl Product {
    /// Makes a product; `None` past the steps. With `stop` up to its first certain text only.
    pub fn new(parts: &[Part<'_>], steps: &mut u64, stop: bool) -> Option<Self> {
        let mut product = Product::letters(parts);
        let mut numbers: HashMap<Box<[u32]>, u32, RandomState> = HashMap::default();
        let mut keys: Vec<Box<[u32]>> = Vec::new();
        // The first number says whether a `:` was read.
        let start: Box<[u32]> = std::iter::repeat_n(0, parts.len() + 1).collect();
        let short = parts
            .iter()
            .all(|part| part.language.missing(0, part.wanted) <= MAX_BYTES);
        if short {
            product.note(parts, &start, (NOWHERE, 0));
            numbers.insert(start.clone(), 0);
            keys.push(start);
        }
        let mut per_letter: Vec<Vec<u8>> = Vec::new();
        for (letter, _) in &product.letters {
            per_letter.push(
                parts
                    .iter()
                    .map(|part| part.language.column(*letter))
                    .collect(),
            );
        }
        let colon = product.column(b':');
        let (mut at, mut level_end, mut level) = (0, 1, 0);
        while let Some(key) = keys.get(at).cloned() {
            if at == level_end {
                (level_end, level) = (keys.len(), level + 1);
            }
            let state = u32::try_from(at).unwrap_or(NOWHERE);
            at += 1;
            if stop && product.ending.is_some() {
                break;
            }
            *steps = steps.checked_sub((per_letter.len() * (1 + parts.len())) as u64)?;
            for (column, columns) in (0_u8..).zip(&per_letter) {
                let mut next: Vec<u32> = Vec::with_capacity(key.len());
                next.push(u32::from(column == colon || key.first() == Some(&1)));
                let states = key.iter().skip(1);
                for ((part, state), column) in parts.iter().zip(states).zip(columns) {
                    let to = part.language.next(*state, *column);
                    if level + 1 + part.language.missing(to, part.wanted) > MAX_BYTES {
                        break;
                    }
                    next.push(to);
                }
                if next.len() < key.len() {
                    product.table.push(NOWHERE);
                    continue;
                }
                let fresh = u32::try_from(keys.len()).unwrap_or(NOWHERE);
                let to = match numbers.get(next.as_slice()) {
                    Some(known) => *known,
                    None => {
                        let next: Box<[u32]> = next.into();
                        product.note(parts, &next, (state, column));
                        numbers.insert(next.clone(), fresh);
                        keys.push(next);
                        fresh
                    }
                };
                product.table.push(to);
            }
        }
        Some(product)
    }

    /// A product without states.
    fn letters(parts: &[Part<'_>]) -> Self {
        let mut numbers: HashMap<Vec<u8>, u8, RandomState> = HashMap::default();
        let mut columns = [0_u8; 256];
        let mut letters: Vec<(u8, Option<u8>)> = Vec::new();
        let preferred = LETTERS.iter().copied();
        for byte in preferred.chain((0..=255).filter(|byte| !LETTERS.contains(byte))) {
            let alike = parts.iter().map(|part| part.language.column(byte));
            let alike = alike.chain([u8::from(matches!(byte, b':'))]).collect();
            let fresh = u8::try_from(numbers.len()).unwrap_or(u8::MAX);
            let column = *numbers.entry(alike).or_insert(fresh);
            if let Some(slot) = columns.get_mut(usize::from(byte)) {
                *slot = column;
            }
            match letters.get_mut(usize::from(column)) {
                None => letters.push((byte, None)),
                Some((_, second)) => _ = second.get_or_insert(byte),
            }
        }
        Product {
            columns,
            letters,
            table: Vec::new(),
            ends: Vec::new(),
            colon: Vec::new(),
            from: Vec::new(),
            ending: None,
            perhaps: None,
        }
    }

    fn note(&mut self, parts: &[Part<'_>], key: &[u32], from: (u32, u8)) {
        let ends = parts.iter().zip(key.iter().skip(1));
        let ends = ends.map(
            |(part, state)| match (part.language.end(*state), part.wanted) {
                (End::In, true) | (End::Out, false) => End::In,
                (End::Open, _) => End::Open,
                (End::In, false) | (End::Out, true) => End::Out,
            },
        );
        let end = ends.max().unwrap_or(End::In);
        let state = u32::try_from(self.ends.len()).unwrap_or(NOWHERE);
        match end {
            End::In => _ = self.ending.get_or_insert(state),
            End::Open => _ = self.perhaps.get_or_insert(state),
            End::Out => {}
        }
        self.ends.push(end);
        self.colon.push(key.first() == Some(&1));
        self.from.push(from);
    }

    /// For each byte its column, how many columns there are, and where each leads, row by row; past
    /// the last state where it leads nowhere.
    pub fn table(&self) -> ([u8; 256], usize, Vec<u32>) {
        (self.columns, self.letters.len(), self.table.clone())
    }

    /// How texts end in each state.
    pub fn ends(&self) -> &[End] {
        &self.ends
    }

    fn column(&self, byte: u8) -> u8 {
        self.columns
            .get(usize::from(byte))
            .copied()
            .unwrap_or_default()
    }

    fn next(&self, state: u32, column: u8) -> Option<u32> {
        let at = state as usize * self.letters.len() + usize::from(column);
        self.table.get(at).copied().filter(|to| *to != NOWHERE)
    }

    fn ends_in(&self, state: u32) -> bool {
        !matches!(self.ends.get(state as usize), None | Some(End::Out))
    }

    fn after_colon(&self, state: u32) -> bool {
        self.colon.get(state as usize).copied().unwrap_or_default()
    }

    /// The shortest text that is certainly one, else the shortest that may be one.
    pub fn text(&self) -> Option<String> {
        let mut state = self.ending.or(self.perhaps)?;
        let mut bytes = Vec::new();
        while let Some((before, column)) = self.from.get(state as usize) {
            if *before == NOWHERE {
                break;
            }
            bytes.extend(
                self.letters
                    .get(usize::from(*column))
                    .map(|(letter, _)| *letter),
            );
            state = *before;
        }
        bytes.reverse();
        String::from_utf8(bytes).ok()
    }

    /// The two shortest texts, as far as there are two.
    pub fn two(&self, steps: &mut u64) -> Option<Vec<String>> {
        let start = self.ends.first().map(|_| (0, 0));
        let walk = Walk {
            visits: 2,
            wanted: 2,
            next: |state: u32| self.letters_from(state),
            ends: |state| self.ends_in(state),
        };
        let found = walk.go(start.into_iter().collect(), steps)?;
        Some(
            found
                .into_iter()
                .filter_map(|(_, _, text)| String::from_utf8(text).ok())
                .collect(),
        )
    }

    /// Where each letter leads, both of each column.
    fn letters_from(&self, state: u32) -> Vec<(u8, u32)> {
        let mut next = Vec::new();
        for (column, (first, second)) in (0_u8..).zip(&self.letters) {
            if let Some(to) = self.next(state, column) {
                next.push((*first, to));
                next.extend(second.map(|second| (second, to)));
            }
        }
        next
    }

    /// The shortest text whose server is another one.
    pub fn on_another_server(&self, server: &str, steps: &mut u64) -> Option<Option<String>> {
        // How much of the server was read; all of it and more is another one.
        let server = server.as_bytes();
        let off = u16::MAX;
        let walk = Walk {
            visits: 1,
            wanted: 1,
            next: |(state, read): (u32, u16)| {
                let mut next = Vec::new();
                let expected = server.get(usize::from(read)).copied();
                let in_server = self.after_colon(state);
                for (letter, to) in self.letters_from(state) {
                    let read = if in_server { off } else { 0 };
                    if !in_server || Some(letter) != expected {
                        next.push((letter, (to, read)));
                    }
                }
                if let Some(letter) = expected.filter(|_| in_server)
                    && let Some(to) = self.next(state, self.column(letter))
                {
                    next.push((letter, (to, read + 1)));
                }
                next
            },
            ends: |(state, read)| self.ends_in(state) && usize::from(read) != server.len(),
        };
        let start = self.ends.first().map(|_| (0, (0, 0)));
        let found = walk.go(start.into_iter().collect(), steps)?;
        let text = found.into_iter().next().map(|(_, _, text)| text);
        Some(text.and_then(|text| String::from_utf8(text).ok()))
    }

    /// For each state reached with the first `:` its two shortest texts, as far as there are two.
    fn names(&self, steps: &mut u64) -> Option<Vec<(u32, Vec<Vec<u8>>)>> {
        let walk = Walk {
            visits: 2,
            wanted: usize::MAX,
            next: |state: u32| {
                if self.after_colon(state) {
                    Vec::new()
                } else {
                    self.letters_from(state)
                }
            },
            ends: |state| self.after_colon(state),
        };
        let start = self.ends.first().map(|_| (0, 0));
        let mut names: Vec<(u32, Vec<Vec<u8>>)> = Vec::new();
        for (_, state, text) in walk.go(start.into_iter().collect(), steps)? {
            match names.iter_mut().find(|(other, _)| *other == state) {
                Some((_, texts)) => texts.push(text),
                None => names.push((state, vec![text])),
            }
        }
        Some(names)
    }

    /// Two users of one server with other names, one of each product.
    pub fn neighbours(&self, other: &Product, steps: &mut u64) -> Option<Option<(String, String)>> {
        let (ours, theirs) = (self.names(steps)?, other.names(steps)?);
        let mut starts: Vec<(usize, (u32, u32))> = Vec::new();
        let mut names: HashMap<(u32, u32), Names<'_>, RandomState> = HashMap::default();
        for (p, p_names) in &ours {
            for (q, q_names) in &theirs {
                *steps = steps.checked_sub(4)?;
                let pairs = p_names
                    .iter()
                    .flat_map(|a| q_names.iter().map(move |b| (a, b)));
                let differ = pairs.filter(|(a, b)| a != b);
                if let Some((a, b)) = differ.min_by_key(|(a, b)| a.len().max(b.len())) {
                    starts.push((a.len().max(b.len()), (*p, *q)));
                    names.insert((*p, *q), (a.as_slice(), b.as_slice()));
                }
            }
        }
        let mut letters: BTreeMap<(u8, u8), u8> = BTreeMap::new();
        for byte in LETTERS.iter().copied().chain(0..=255) {
            letters
                .entry((self.column(byte), other.column(byte)))
                .or_insert(byte);
        }
        let walk = Walk {
            visits: 1,
            wanted: 1,
            next: |(p, q): (u32, u32)| {
                let step = |((a, b), letter): (&(u8, u8), &u8)| {
                    Some((*letter, (self.next(p, *a)?, other.next(q, *b)?)))
                };
                letters.iter().filter_map(step).collect()
            },
            ends: |(p, q)| self.ends_in(p) && other.ends_in(q),
        };
        let found = walk.go(starts, steps)?;
        let whole = |name: &[u8], server: &[u8]| String::from_utf8([name, server].concat()).ok();
        Some(found.into_iter().next().and_then(|(start, _, server)| {
            let (a, b) = names.get(&start)?;
            Some((whole(a, &server)?, whole(b, &server)?))
        }))
    }
}

/// A search for the shortest texts.
struct Walk<N, E> {
    /// How often a state may be come to: as many texts to it are found.
    visits: u8,
    /// How many texts are wanted.
    wanted: usize,
    next: N,
    ends: E,
}

impl<N, E> Walk<N, E> {
    /// From states that are come to with so many bytes: the start, the end and the text of each.
    fn go<K: Copy + Eq + Hash>(
        &self,
        mut starts: Vec<(usize, K)>,
        steps: &mut u64,
    ) -> Option<Vec<(K, K, Vec<u8>)>>
    where
        N: Fn(K) -> Vec<(u8, K)>,
        E: Fn(K) -> bool,
    {
        starts.sort_by_key(|(length, _)| *length);
        let mut starts = starts.into_iter().peekable();
        let mut visits: HashMap<K, u8, RandomState> = HashMap::default();
        // State, the node before, the byte between them.
        let mut nodes: Vec<(K, Option<usize>, u8)> = Vec::new();
        let mut level: VecDeque<usize> = VecDeque::new();
        let mut found = Vec::new();
        for length in 0..=MAX_BYTES {
            while let Some((_, state)) = starts.next_if(|(start, _)| *start == length) {
                let seen = visits.entry(state).or_default();
                if *seen < self.visits {
                    *seen += 1;
                    nodes.push((state, None, 0));
                    level.push_back(nodes.len() - 1);
                }
            }
            for node in std::mem::take(&mut level) {
                let Some((state, ..)) = nodes.get(node).copied() else {
                    continue;
                };
                if (self.ends)(state) {
                    let (start, text) = Self::back(&nodes, node);
                    found.push((start.unwrap_or(state), state, text));
                    if found.len() >= self.wanted {
                        return Some(found);
                    }
                }
                let next = (self.next)(state);
                *steps = steps.checked_sub(1 + next.len() as u64)?;
                for (letter, to) in next {
                    let seen = visits.entry(to).or_default();
                    if *seen < self.visits {
                        *seen += 1;
                        nodes.push((to, Some(node), letter));
                        level.push_back(nodes.len() - 1);
                    }
                }
            }
            if level.is_empty() && starts.peek().is_none() {
                break;
            }
        }
        Some(found)
    }

    fn back<K: Copy>(nodes: &[(K, Option<usize>, u8)], node: usize) -> (Option<K>, Vec<u8>) {
        let (mut at, mut text, mut start) = (Some(node), Vec::new(), None);
        while let Some((state, before, letter)) = at.and_then(|at| nodes.get(at)) {
            start = Some(*state);
            if before.is_some() {
                text.push(*letter);
            }
            at = *before;
        }
        text.reverse();
        (start, text)
    }
}
