//! Which of many patterns a text may match, without trying each.
//!
//! A glob is filed under the plain texts it begins and ends with: `@bot-*:x.org` under `@bot-` and
//! `:x.org`. A text is looked up once for each pair of lengths that occurs, so globs that begin or end
//! differently cost nothing. Regexes are one set that reads a text once.
//!
//! Not for: whether a glob filed there does match; the caller asks it.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use foldhash::fast::RandomState;

use super::NodeId;
use crate::glob::{Glob, Piece};
use crate::policy::{Pattern, Patterns};

type ByEnds = HashMap<Box<str>, Vec<NodeId>, RandomState>;

/// Globs by the plain texts at both ends.
#[derive(Debug, Default)]
pub(crate) struct Globs {
    /// For each pair of lengths the globs with plain ends of those lengths, by these ends.
    by_lengths: BTreeMap<(usize, usize), ByEnds>,
}

impl Globs {
    /// Files a glob that node `node` stands for.
    pub(crate) fn add(&mut self, glob: &Glob, node: NodeId) {
        let pieces = glob.pieces();
        let plain = |piece: &&Piece| matches!(piece, Piece::Char(_));
        let text = |piece: &Piece| match piece {
            Piece::Char(c) => Some(*c),
            Piece::One | Piece::Run => None,
        };
        let start: String = pieces.iter().map_while(text).collect();
        let end = pieces.iter().rev().take_while(plain).count();
        // One that is plain as a whole has only a start.
        let end = pieces.len() - if end == pieces.len() { 0 } else { end };
        let end = pieces.get(end..).unwrap_or_default();
        let end: String = end.iter().map_while(text).collect();
        let lengths = (start.len(), end.len());
        let ends = (start + &end).into();
        let globs = self.by_lengths.entry(lengths).or_default();
        globs.entry(ends).or_default().push(node);
    }

    /// The globs whose plain ends a text has. Costs a look-up for each pair of lengths.
    pub(crate) fn may_match(&self, text: &str, found: &mut impl FnMut(NodeId)) {
        let mut ends = String::new();
        for ((start, end), globs) in &self.by_lengths {
            let Some(middle) = text.len().checked_sub(start + end) else {
                continue;
            };
            let (Some(first), Some(last)) = (text.get(..*start), text.get(start + middle..)) else {
                continue;
            };
            let nodes = match (first, last) {
                (one, "") | ("", one) => globs.get(one),
                _ => {
                    ends.clear();
                    ends.push_str(first);
                    ends.push_str(last);
                    globs.get(ends.as_str())
                }
            };
            nodes.into_iter().flatten().for_each(|node| found(*node));
        }
    }
}

/// Regexes, read in one pass where they fit together.
#[derive(Default)]
pub(crate) struct Regexes {
    nodes: Vec<NodeId>,
    together: Option<Patterns>,
    alone: Vec<Pattern>,
}

/// Fewer regexes are faster tried one by one.
const FEW: usize = 4;

impl Regexes {
    /// From regexes and the nodes that stand for them.
    pub(crate) fn new(regexes: Vec<(Pattern, NodeId)>) -> Self {
        let (alone, nodes): (Vec<Pattern>, Vec<NodeId>) = regexes.into_iter().unzip();
        let many = alone.len() > FEW;
        let together = many.then(|| Patterns::new(&alone)).flatten();
        Regexes {
            nodes,
            alone: if together.is_some() {
                Vec::new()
            } else {
                alone
            },
            together,
        }
    }

    /// The regexes that match a text.
    pub(crate) fn matching(&self, text: &str, found: &mut impl FnMut(NodeId)) {
        let at = |at: usize| self.nodes.get(at).copied();
        match &self.together {
            Some(together) => together.matching(text).filter_map(at).for_each(found),
            None => {
                let tried = self.alone.iter().zip(&self.nodes);
                let matching = tried.filter(|(pattern, _)| pattern.matches(text));
                matching.for_each(|(_, node)| found(*node));
            }
        }
    }
}

impl fmt::Debug for Regexes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} regexes", self.nodes.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn glob(text: &str) -> Glob {
        Glob::new(text.chars().map(|c| match c {
            '*' => Piece::Run,
            '?' => Piece::One,
            c => Piece::Char(c),
        }))
    }

    #[test]
    fn a_glob_that_matches_is_always_found() {
        let texts = [
            "@*:*", "@a*:x", "@*a:x", "@a?:x*", "@ä*b:x", "@a*a:x", "@*:??", "@a:y",
        ];
        let all: Vec<Glob> = texts.iter().map(|text| glob(text)).collect();
        let mut globs = Globs::default();
        for (at, glob) in (0..).zip(&all) {
            globs.add(glob, at);
        }
        for id in ["@a:x", "@aa:x", "@ba:x", "@äb:x", "@ab:xy", "@:xy", "@a:y"] {
            let mut found = Vec::new();
            globs.may_match(id, &mut |node| found.push(node));
            for (at, glob) in (0..).zip(&all) {
                assert!(!glob.matches_user(id) || found.contains(&at), "{glob} {id}");
            }
            assert!(found.len() < all.len(), "{id}");
        }
    }
}
