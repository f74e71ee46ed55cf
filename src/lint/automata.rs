//! Sets of user IDs as automata: regexes, globs, servers, lists, and all user IDs there can be.
//!
//! A [`Language`] is a table: a state for what was read so far, and where each byte leads from it.
//! What cannot be put into a table within the limits, and what a Unicode word boundary makes of
//! letters outside ASCII, leads to states that are *open*: a text that ends there may be in the
//! language or not.
//!
//! Not for: comparing languages (`product`).
//!
//! Law: in a state that is not open a text is in the language exactly if the matchers of `glob`
//! and `policy` say so, and in `user_ids` exactly if `id` accepts it.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::fmt::Write;
use std::sync::LazyLock;

use foldhash::fast::RandomState;
use regex_automata::dfa::{Automaton, StartKind, dense};
use regex_automata::nfa::thompson;
use regex_automata::util::syntax;
use regex_automata::{Anchored, Input, MatchKind};

use super::product::{Part, Product};
use crate::glob::{Glob, Piece};

/// The most bytes a table may take while it is made, and in the end.
const TABLE_BYTES: usize = 2 << 20;

/// The most states of a language.
const STATES: usize = 20_000;

/// More bytes than any ID has.
const NEVER: u16 = u16::MAX;

/// Whether texts that end in a state are in the language, the most certain to be so first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum End {
    In,
    /// Not known.
    Open,
    Out,
}

/// A set of texts.
#[derive(Debug, Clone)]
pub(super) struct Language {
    /// For each byte its column.
    columns: [u8; 256],
    width: usize,
    /// Row by row, a row for each state; the first is the start.
    table: Vec<u32>,
    ends: Vec<End>,
    /// For each state how many bytes are missing to a text that may be in the language, and to one
    /// that may be out of it.
    missing: Vec<(u16, u16)>,
}

/// Every user ID there can be. A constant: the grammar of user IDs never changes.
static USER_IDS: LazyLock<Language> = LazyLock::new(valid);

impl Language {
    /// Every text that [`UserId::parse`](crate::id::UserId::parse) accepts, but for the length.
    pub fn user_ids() -> &'static Language {
        &USER_IDS
    }

    /// The texts that a regex, as a policy holds it, matches as a whole.
    pub fn matching(regex: &str) -> Self {
        // In verbose mode a last comment would swallow the end, as in `policy`.
        Self::build(&format!(r"\A(?:{regex})\z"), true)
            .or_else(|| Self::build(&format!("\\A(?:{regex}\n)\\z"), true))
            .unwrap_or_else(Self::open)
    }

    /// The user IDs that match a glob for all before the first `:` and one for the server.
    pub fn glob(name: Option<&Glob>, server: &Glob) -> Self {
        let any_name = [Piece::Char('@'), Piece::Run];
        let name = name.map_or(any_name.as_slice(), Glob::pieces);
        let mut regex = String::from(r"(?s-u)\A");
        write_glob(name, false, &mut regex);
        regex.push(':');
        write_glob(server.pieces(), true, &mut regex);
        regex.push_str(r"\z");
        Self::build(&regex, false).unwrap_or_else(Self::open)
    }

    /// These texts, each after something in `before`: nothing, or a name and its `:`.
    pub fn listed<'a>(texts: impl Iterator<Item = &'a str>, after_colon: bool) -> Self {
        let mut nodes: Vec<(Vec<(u8, u32)>, End)> = vec![(Vec::new(), End::Out)];
        let mut root = 0;
        if after_colon {
            nodes.push((Vec::new(), End::Out));
            root = 1;
        }
        for text in texts {
            let mut at = root;
            for byte in text.bytes() {
                let fresh = u32::try_from(nodes.len()).unwrap_or(u32::MAX);
                let Some((edges, _)) = nodes.get_mut(at as usize) else {
                    break;
                };
                at = match edges.iter().find(|(other, _)| *other == byte) {
                    Some((_, to)) => *to,
                    None => {
                        edges.push((byte, fresh));
                        nodes.push((Vec::new(), End::Out));
                        fresh
                    }
                };
            }
            if let Some((_, end)) = nodes.get_mut(at as usize) {
                *end = End::In;
            }
            if nodes.len() > STATES {
                return Self::open();
            }
        }
        let nowhere = u32::try_from(nodes.len()).unwrap_or(u32::MAX);
        let mut table = Vec::with_capacity((nodes.len() + 1) * 256);
        for (at, (edges, _)) in nodes.iter().enumerate() {
            let stay = after_colon && at == 0;
            let mut row = [if stay { 0 } else { nowhere }; 256];
            let colon = stay.then_some((b':', 1)).into_iter();
            for (byte, to) in edges.iter().copied().chain(colon) {
                if let Some(slot) = row.get_mut(usize::from(byte)) {
                    *slot = to;
                }
            }
            table.extend(row);
        }
        table.extend([nowhere; 256]);
        let ends = nodes.iter().map(|(_, end)| *end).chain([End::Out]);
        let mut columns = [0_u8; 256];
        for (column, byte) in columns.iter_mut().zip(0_u8..=255) {
            *column = byte;
        }
        Self::new(columns, 256, table, ends.collect()).narrow()
    }

    /// A language of which nothing is known.
    pub fn open() -> Self {
        Self::new([0; 256], 1, vec![0], vec![End::Open])
    }

    fn new(columns: [u8; 256], width: usize, table: Vec<u32>, ends: Vec<End>) -> Self {
        let mut before: Vec<Vec<u32>> = vec![Vec::new(); ends.len()];
        for (from, row) in (0_u32..).zip(table.chunks(width.max(1))) {
            for to in row {
                if let Some(list) = before.get_mut(*to as usize) {
                    list.push(from);
                }
            }
        }
        let distances = |wanted: End| {
            let hit = |end: &End| *end == wanted || *end == End::Open;
            let start = |end: &End| if hit(end) { 0 } else { NEVER };
            let mut distances: Vec<u16> = ends.iter().map(start).collect();
            let mut left: VecDeque<(u32, u16)> = (0_u32..)
                .zip(&distances)
                .filter_map(|(at, distance)| (*distance == 0).then_some((at, 0)))
                .collect();
            while let Some((at, distance)) = left.pop_front() {
                for from in before.get(at as usize).into_iter().flatten() {
                    let slot = distances.get_mut(*from as usize);
                    if let Some(slot) = slot.filter(|slot| **slot == NEVER) {
                        *slot = distance.saturating_add(1);
                        left.push_back((*from, *slot));
                    }
                }
            }
            distances
        };
        let missing = distances(End::In).into_iter().zip(distances(End::Out));
        Language {
            columns,
            width,
            table,
            missing: missing.collect(),
            ends,
        }
    }

    fn build(regex: &str, unicode: bool) -> Option<Self> {
        let config = dense::Config::new()
            .start_kind(StartKind::Anchored)
            .match_kind(MatchKind::All)
            .accelerate(false)
            .unicode_word_boundary(true)
            .dfa_size_limit(Some(TABLE_BYTES))
            .determinize_size_limit(Some(TABLE_BYTES));
        let dfa = dense::Builder::new()
            .configure(config)
            .syntax(syntax::Config::new().utf8(unicode))
            .thompson(
                thompson::Config::new()
                    .utf8(unicode)
                    .nfa_size_limit(Some(TABLE_BYTES)),
            )
            .build(regex)
            .ok()?;
        let classes = dfa.byte_classes();
        let mut columns = [0_u8; 256];
        for (column, byte) in columns.iter_mut().zip(0_u8..=255) {
            *column = classes.get(byte);
        }
        let width = columns
            .iter()
            .max()
            .map_or(1, |last| usize::from(*last) + 1);
        // One byte of each column.
        let mut sample = vec![0_u8; width];
        for (column, byte) in columns.iter().zip(0_u8..=255) {
            if let Some(slot) = sample.get_mut(usize::from(*column)) {
                *slot = byte;
            }
        }
        let start = dfa
            .start_state_forward(&Input::new("").anchored(Anchored::Yes))
            .ok()?;
        let mut numbers = HashMap::with_hasher(RandomState::default());
        numbers.insert(start, 0_u32);
        let mut states = vec![start];
        let (mut table, mut ends) = (Vec::new(), Vec::new());
        let mut at = 0;
        while let Some(state) = states.get(at).copied() {
            at += 1;
            if dfa.is_quit_state(state) {
                table.extend(std::iter::repeat_n(
                    u32::try_from(at - 1).unwrap_or(u32::MAX),
                    width,
                ));
                ends.push(End::Open);
                continue;
            }
            let end = dfa.next_eoi_state(state);
            ends.push(if dfa.is_quit_state(end) {
                End::Open
            } else if dfa.is_match_state(end) {
                End::In
            } else {
                End::Out
            });
            for byte in &sample {
                let next = dfa.next_state(state, *byte);
                let fresh = u32::try_from(states.len()).unwrap_or(u32::MAX);
                table.push(*numbers.entry(next).or_insert_with(|| {
                    states.push(next);
                    fresh
                }));
            }
            if states.len() > STATES {
                return None;
            }
        }
        Some(Self::new(columns, width, table, ends))
    }

    /// The language of a product, in which nothing is open.
    pub fn of(product: &Product) -> Self {
        let (columns, width, mut table) = product.table();
        let nowhere = u32::try_from(product.ends().len()).unwrap_or(u32::MAX);
        for to in &mut table {
            *to = (*to).min(nowhere);
        }
        table.extend(std::iter::repeat_n(nowhere, width));
        let ends = product.ends().iter().copied().chain([End::Out]);
        Self::new(columns, width, table, ends.collect())
    }

    /// The same with equal columns made one.
    fn narrow(&self) -> Self {
        let mut numbers: HashMap<Vec<u32>, u8, RandomState> = HashMap::default();
        let mut kept: Vec<usize> = Vec::new();
        let mut columns = [0_u8; 256];
        let mut of_column: Vec<u8> = Vec::with_capacity(self.width);
        for column in 0..self.width {
            let whole = self.table.iter().skip(column).step_by(self.width).copied();
            let fresh = u8::try_from(kept.len()).unwrap_or(u8::MAX);
            of_column.push(match numbers.entry(whole.collect()) {
                Entry::Occupied(known) => *known.get(),
                Entry::Vacant(free) => {
                    kept.push(column);
                    *free.insert(fresh)
                }
            });
        }
        for (new, old) in columns.iter_mut().zip(self.columns) {
            *new = of_column.get(usize::from(old)).copied().unwrap_or_default();
        }
        let rows = self.table.chunks(self.width.max(1));
        let pick = |row: &[u32]| -> Vec<u32> {
            kept.iter().filter_map(|at| row.get(*at).copied()).collect()
        };
        let table = rows.flat_map(pick).collect();
        Self::new(columns, kept.len(), table, self.ends.clone())
    }

    /// The same language with the fewest states: those are made one that no text tells apart.
    fn shortest(&self) -> Self {
        let mut blocks: Vec<u32> = self.ends.iter().map(|end| *end as u32).collect();
        let mut count = 0;
        loop {
            let mut numbers: HashMap<Vec<u32>, u32, RandomState> = HashMap::default();
            let mut next = Vec::with_capacity(blocks.len());
            for (block, row) in blocks.iter().zip(self.table.chunks(self.width.max(1))) {
                let lead = row.iter().filter_map(|to| blocks.get(*to as usize));
                let key: Vec<u32> = std::iter::once(block).chain(lead).copied().collect();
                let fresh = u32::try_from(numbers.len()).unwrap_or(u32::MAX);
                next.push(*numbers.entry(key).or_insert(fresh));
            }
            blocks = next;
            if numbers.len() == count {
                break;
            }
            count = numbers.len();
        }
        // The start is the first state, so it stays the first block.
        let mut table = vec![0; count * self.width];
        let mut ends = vec![End::Out; count];
        for ((block, end), row) in blocks
            .iter()
            .zip(&self.ends)
            .zip(self.table.chunks(self.width.max(1)))
        {
            if let Some(slot) = ends.get_mut(*block as usize) {
                *slot = *end;
            }
            let target = table.chunks_mut(self.width.max(1)).nth(*block as usize);
            for (slot, to) in target.into_iter().flatten().zip(row) {
                *slot = blocks.get(*to as usize).copied().unwrap_or_default();
            }
        }
        Self::new(self.columns, self.width, table, ends).narrow()
    }

    /// The column of a byte: bytes of one column are alike.
    pub fn column(&self, byte: u8) -> u8 {
        self.columns
            .get(usize::from(byte))
            .copied()
            .unwrap_or_default()
    }

    /// Where a byte of a column leads.
    pub fn next(&self, state: u32, column: u8) -> u32 {
        let at = state as usize * self.width + usize::from(column);
        self.table.get(at).copied().unwrap_or_default()
    }

    /// Whether texts that end in a state are in the language.
    pub fn end(&self, state: u32) -> End {
        self.ends.get(state as usize).copied().unwrap_or(End::Open)
    }

    /// How many bytes more a text needs at least from a state to be in the language, or out of it.
    pub fn missing(&self, state: u32, wanted: bool) -> usize {
        let (into, out) = self
            .missing
            .get(state as usize)
            .copied()
            .unwrap_or_default();
        usize::from(if wanted { into } else { out })
    }

    /// What making it cost, roughly, in steps of a product.
    pub fn cost(&self) -> u64 {
        match self.ends.as_slice() {
            // Likely too large.
            [End::Open] => 4_000_000,
            _ => 2_000 + 8 * self.table.len() as u64,
        }
    }
}

/// A glob as a regex over bytes; its texts are only ever compared in whole characters.
fn write_glob(pieces: &[Piece], colons: bool, regex: &mut String) {
    for piece in pieces {
        match piece {
            Piece::Run if colons => regex.push_str(".*"),
            Piece::Run => regex.push_str("[^:]*"),
            Piece::One => {
                let ascii = if colons {
                    r"[\x00-\x7f]"
                } else {
                    r"[\x00-\x39\x3b-\x7f]"
                };
                let more =
                    r"[\xc0-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf7][\x80-\xbf]{3}";
                _ = write!(regex, "(?:{ascii}|{more})");
            }
            Piece::Char(c) => {
                for byte in c.encode_utf8(&mut [0; 4]).bytes() {
                    _ = write!(regex, r"\x{byte:02x}");
                }
            }
        }
    }
}

/// The grammar of `id`: a name without `:` and NUL; a host name, an IPv4 or an `[IPv6]` address; a
/// port or none. Four numbers with dots are an address, so they must be one.
fn valid() -> Language {
    let number = "(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])";
    let four = format!(r"{number}(?:\.{number}){{3}}");
    let hex = "[0-9A-Fa-f]{1,4}";
    let mut addresses = vec![
        format!("(?:{hex}:){{7}}{hex}"),
        format!("(?:{hex}:){{6}}{four}"),
    ];
    // `::` stands for one group or more.
    for head in 0..8_usize {
        let before = match head {
            0 => String::new(),
            n => format!("{hex}(?::{hex}){{{}}}", n - 1),
        };
        let left = 7 - head;
        let mut tails = vec![String::new()];
        if left > 0 {
            tails.push(format!("{hex}(?::{hex}){{0,{}}}", left - 1));
        }
        if left > 1 {
            tails.push(format!("(?:{hex}:){{0,{}}}{four}", left - 2));
        }
        addresses.push(format!("{before}::(?:{})", tails.join("|")));
    }
    let port = "0{0,4}[0-9]|0{0,3}[0-9]{2}|0{0,2}[0-9]{3}|0?[0-9]{4}|[1-5][0-9]{4}\
                |6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]";
    let host = "[A-Za-z0-9.-]*[A-Za-z0-9-]";
    let all = format!(
        r"\A@[^:\x00]*:(?:{host}|\[(?:{})\])(?::(?:{port}))?\z",
        addresses.join("|")
    );
    let wrong = "(?:0[0-9]+|[1-9][0-9]{3,}|[3-9][0-9]{2}|2[6-9][0-9]|25[6-9])";
    let mut numbers = Vec::new();
    for at in 0..4 {
        let part = |n| if n == at { wrong } else { "[0-9]+" };
        numbers.push((0..4).map(part).collect::<Vec<_>>().join(r"\."));
    }
    let numbers = format!(r"\A@[^:\x00]*:(?:{})(?::[0-9]*)?\z", numbers.join("|"));
    let (Some(all), Some(numbers)) = (Language::build(&all, true), Language::build(&numbers, true))
    else {
        return Language::open();
    };
    let parts = [
        Part {
            wanted: true,
            language: &all.shortest(),
        },
        Part {
            wanted: false,
            language: &numbers.shortest(),
        },
    ];
    match Product::new(&parts, &mut u64::MAX.clone(), false) {
        Some(product) => Language::of(&product).shortest(),
        None => Language::open(),
    }
}

#[cfg(test)]
mod tests;
