//! Which of many patterns a text may match, without trying each.
//!
//! A glob is filed under the plain texts it begins and ends with: `@bot-*:x.org` under `@bot-` and
//! `:x.org`. A text is looked up once for each pair of lengths that occurs, so globs that begin or end
//! differently cost nothing. Where many begin and end alike, as `@*-one-*:x.org` and `@*-two-*:x.org`
//! do, the longest plain texts inside them are looked for together, in one pass over the text. Regexes
//! are one set that reads a text once.
//!
//! Not for: whether a glob filed there does match; the caller asks it.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use aho_corasick::{AhoCorasick, AhoCorasickKind};
use foldhash::fast::RandomState;
use smallvec::SmallVec;

use super::NodeId;
use crate::glob::Glob;
use crate::policy::{Pattern, Patterns};

type ByText = HashMap<Box<str>, Vec<NodeId>, RandomState>;

/// Globs by the plain texts in them.
#[derive(Debug, Default)]
pub(crate) struct Globs {
    /// For each pair of lengths the globs with plain ends of those lengths, by these ends.
    by_ends: BTreeMap<(usize, usize), ByText>,
    /// Globs by a plain text inside them.
    inside: Option<(AhoCorasick, Vec<Vec<NodeId>>)>,
}

/// As many patterns are tried one by one.
const FEW: usize = 8;

impl Globs {
    /// From globs and the nodes that stand for them.
    pub(crate) fn new(globs: &[(Glob, NodeId)]) -> Self {
        let mut alike: BTreeMap<(&str, &str), Vec<&(Glob, NodeId)>> = BTreeMap::new();
        for filed in globs {
            let ends = (filed.0.plain_start(), filed.0.plain_end());
            alike.entry(ends).or_default().push(filed);
        }
        let mut by_ends: BTreeMap<(usize, usize), ByText> = BTreeMap::new();
        let mut by_inside: BTreeMap<String, Vec<NodeId>> = BTreeMap::new();
        for ((start, end), globs) in alike {
            let many = globs.len() > FEW;
            for (glob, node) in globs {
                let inside = glob.plain_inside();
                if many && !inside.is_empty() {
                    by_inside.entry(inside).or_default().push(*node);
                    continue;
                }
                let globs = by_ends.entry((start.len(), end.len())).or_default();
                let ends = format!("{start}{end}");
                globs.entry(ends.into()).or_default().push(*node);
            }
        }
        let mut builder = AhoCorasick::builder();
        builder.kind(Some(AhoCorasickKind::ContiguousNFA));
        let inside = builder.build(by_inside.keys()).ok();
        let inside = inside.filter(|_| !by_inside.is_empty());
        Globs {
            by_ends,
            inside: inside.map(|texts| (texts, by_inside.into_values().collect())),
        }
    }

    /// The globs whose plain texts a text has, each once. Costs a look-up for each pair of lengths, and
    /// a pass over the text.
    pub(crate) fn may_match(&self, text: &str, found: &mut impl FnMut(NodeId)) {
        let mut ends = String::new();
        for ((start, end), globs) in &self.by_ends {
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
        if let Some((texts, nodes)) = &self.inside {
            let at = texts
                .find_overlapping_iter(text)
                .map(|at| at.pattern().as_usize());
            let mut at: SmallVec<[usize; 16]> = at.collect();
            at.sort_unstable();
            at.dedup();
            let nodes = at.into_iter().filter_map(|at| nodes.get(at));
            nodes.flatten().for_each(|node| found(*node));
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
    use crate::glob::Piece;

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
        let globs: Vec<(Glob, NodeId)> = all.iter().cloned().zip(0..).collect();
        let globs = Globs::new(&globs);
        for id in ["@a:x", "@aa:x", "@ba:x", "@äb:x", "@ab:xy", "@:xy", "@a:y"] {
            let mut found = Vec::new();
            globs.may_match(id, &mut |node| found.push(node));
            for (at, glob) in (0..).zip(&all) {
                assert!(!glob.matches_user(id) || found.contains(&at), "{glob} {id}");
            }
            assert!(found.len() < all.len(), "{id}");
        }
    }

    #[test]
    fn globs_that_begin_and_end_alike_are_found_by_what_is_inside() {
        let globs = (0..100).map(|at| (glob(&format!("@*-{at}-*:x")), at));
        let globs = Globs::new(&globs.collect::<Vec<_>>());
        let found = |id: &str| {
            let mut found = Vec::new();
            globs.may_match(id, &mut |node| found.push(node));
            found
        };
        assert_eq!(found("@a-7-b-42-7-:x"), [42, 7]);
        assert_eq!(found("@a7:x"), [0; 0]);
    }
}
