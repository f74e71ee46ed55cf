//! Which warnings `check` shows, and which of them make it say no.
//!
//! Law: a warning given by its name counts before `warnings`, which means all of them.

use clap::Args;
use presence_router::diagnostic::{Level, Name, Report, nearest};

use super::output::{Failure, count, note};

/// A warning, or all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Which {
    All,
    One(Name),
}

/// What is denied and allowed.
#[derive(Debug, Args)]
pub struct Verdict {
    /// Exit with 1 if this warning is given; `warnings` for any. May be given several times
    #[arg(long, value_name = "NAME", value_parser = denied)]
    deny: Vec<Which>,

    /// Do not show this warning or note; `warnings` for all warnings but those denied. May be given
    /// several times
    #[arg(long, value_name = "NAME", value_parser = allowed)]
    allow: Vec<Which>,
}

fn denied(word: &str) -> Result<Which, String> {
    which(word, &[Level::Warning])
}

fn allowed(word: &str) -> Result<Which, String> {
    which(word, &[Level::Warning, Level::Note])
}

fn which(word: &str, levels: &[Level]) -> Result<Which, String> {
    match Name::parse(word) {
        _ if word == "warnings" => Ok(Which::All),
        Some(name) if levels.contains(&name.level()) => Ok(Which::One(name)),
        Some(name) if name.level() == Level::Note => {
            Err(format!("`{name}` is a note, and notes are never denied"))
        }
        Some(name) => Err(format!(
            "`{name}` is an error: a policy with one never loads"
        )),
        None => {
            let warnings = Name::ALL.iter();
            let warnings = warnings.filter(|name| levels.contains(&name.level()));
            let words = warnings.map(|name| name.as_str()).chain(["warnings"]);
            let near = nearest(word, words);
            let meant = near.map_or(String::new(), |near| format!("; did you mean `{near}`?"));
            Err(format!("there is no such warning{meant}"))
        }
    }
}

impl Verdict {
    /// What makes no sense together.
    pub fn check(&self) -> Result<(), Failure> {
        let both = self.deny.iter().find(|which| self.allow.contains(which));
        let word = match both {
            None => return Ok(()),
            Some(Which::All) => "warnings",
            Some(Which::One(name)) => name.as_str(),
        };
        let message = format!("`{word}` is given to `--deny` and to `--allow`");
        Err(Failure::wrong(message, "give it to one of the two"))
    }

    /// The report without what is allowed.
    pub fn shown(&self, report: &Report) -> Report {
        report.filtered(|problem| {
            let one = Which::One(problem.name);
            let all = problem.level() == Level::Warning
                && self.allow.contains(&Which::All)
                && !self.deny.contains(&one);
            !self.allow.contains(&one) && !all
        })
    }

    /// Says no if something denied is shown, and says to people why.
    pub fn of(&self, shown: &Report, tell: bool) -> Result<(), Failure> {
        let denied =
            |name: &Name| self.deny.contains(&Which::All) || self.deny.contains(&Which::One(*name));
        let problems = shown.problems().iter();
        let problems = problems.filter(|problem| problem.level() == Level::Warning);
        let problems = problems.map(|problem| problem.name);
        let denied: Vec<Name> = problems.filter(denied).collect();
        if denied.is_empty() {
            return Ok(());
        }
        if tell {
            let mut names: Vec<&str> = denied.iter().map(|name| name.as_str()).collect();
            names.sort_unstable();
            names.dedup();
            let warnings = count(denied.len(), "warning");
            note(&format!("{warnings} denied: {}", names.join(", ")));
        }
        Err(Failure::No)
    }
}
