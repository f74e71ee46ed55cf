//! What the tests of warnings share: loading a text, naming places, and chance that repeats itself.

use presence_router::diagnostic::Report;
use presence_router::id::ServerName;
use presence_router::router::{Inline, Origin, Router};

/// Loads a policy as its homeserver `h.org` would.
pub fn router(text: &str) -> Router {
    let inline = vec![Inline {
        name: "a.policy".into(),
        text: text.into(),
    }];
    let origin = Origin {
        path: None,
        inline,
        homeserver: ServerName::parse("h.org").ok(),
        ..Origin::default()
    };
    Router::load(origin).unwrap_or_else(|report| panic!("{text}\n{report}"))
}

/// Name and place of each problem.
pub fn places(report: &Report) -> Vec<String> {
    let place = |problem| {
        let at = report.position(problem);
        format!("{} {}:{}", problem.name, at.line, at.column)
    };
    report.problems().iter().map(place).collect()
}

/// A small generator of its own, so that a failure is found again by its number.
pub struct Chance(pub u64);

impl Chance {
    pub fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((x ^ (x >> 31)) % n as u64).unwrap()
    }

    pub fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len())]
    }
}
