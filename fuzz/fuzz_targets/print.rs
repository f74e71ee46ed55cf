//! A text printed in the one style means what it meant and is printed the same again; a text with an
//! error is not printed.
#![no_main]

use libfuzzer_sys::fuzz_target;
use presence_router::format;
use presence_router::policy::PolicySet;

#[path = "../budget.rs"]
#[allow(dead_code)]
mod budget;

use budget::{check_report, load_text, within_budget};

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let printed = match within_budget(text.len(), || format("fuzz.policy", text)) {
        Ok(printed) => printed,
        Err(report) => {
            assert!(report.has_errors());
            check_report(&report);
            return;
        }
    };
    let again = format("fuzz.policy", &printed);
    let again = again.unwrap_or_else(|report| panic!("{text:?}\n{printed}\n{report}"));
    assert_eq!(again, printed, "{text:?}");
    match (load_text(text), load_text(&printed)) {
        (Ok(before), Ok(after)) => {
            let (before, after) = (before.snapshot(), after.snapshot());
            let (before, after) = (before.policy(), after.policy());
            let users = |policy: &PolicySet| policy.named.iter().map(ToString::to_string).collect::<Vec<_>>();
            assert_eq!(users(before), users(after), "{text:?}\n{printed}");
            assert_eq!(before.rules.len(), after.rules.len(), "{text:?}\n{printed}");
            assert_eq!(before.groups.len(), after.groups.len(), "{text:?}\n{printed}");
            for (one, other) in before.rules.iter().zip(&after.rules) {
                let kinds = |rule: &presence_router::policy::Rule| {
                    without_places(&format!("{:?} {:?}", rule.senders, rule.recipients))
                };
                assert_eq!(one.action, other.action);
                assert_eq!(kinds(one), kinds(other), "{text:?}\n{printed}");
            }
        }
        (Err(before), Err(after)) => {
            let names = |report: &presence_router::diagnostic::Report| {
                let mut names: Vec<_> = report.problems().iter().map(|p| p.name).collect();
                names.sort_unstable();
                names
            };
            assert_eq!(names(&before), names(&after), "{text:?}\n{printed}");
        }
        (before, _) => panic!("one of them loads: {}\n{text:?}\n{printed}", before.is_ok()),
    }
});

/// A debugging text without the places in it.
fn without_places(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("span: Span {") {
        out.push_str(rest.get(..at).unwrap());
        let after = rest.get(at..).unwrap();
        rest = after.split_once('}').map_or("", |(_, rest)| rest);
    }
    out + rest
}
