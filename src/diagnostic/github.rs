//! A report as annotations of GitHub's checks: workflow commands, one a line.
//!
//! Source: "Workflow commands for GitHub Actions", `error`, `warning` and `notice`.
//!
//! Law: one line a problem, whatever its texts hold. Of many problems the number is among what is shown.

use std::fmt::Write as _;

use super::{Level, Report};

/// How many annotations of one level GitHub shows of a step.
const SHOWN: usize = 10;

impl Report {
    /// One workflow command a problem, and before them one that says how many there are, if some are not
    /// shown. Files below the working directory are named from there, so that they are found in the
    /// repository.
    ///
    /// Costs one pass over the problems.
    pub fn github(&self) -> String {
        let mut text = String::new();
        let most = [self.errors(), self.warnings(), self.notes()];
        if most.into_iter().any(|number| number > SHOWN) {
            let message = format!(
                "{} in all: of each kind GitHub shows {SHOWN} a step, and the step's log all",
                self.summary()
            );
            let _ = writeln!(
                text,
                "::notice title=presence-router::{}",
                escape(&message, false)
            );
        }
        for problem in &self.problems {
            let level = match problem.level() {
                Level::Error => "error",
                Level::Warning => "warning",
                Level::Note => "notice",
            };
            let (from, to) = (self.position(problem), self.end(problem.span));
            let mut place = format!("line={},endLine={}", from.line, to.line);
            // Columns are for marks within one line.
            if from.line == to.line {
                let end = to.column.max(from.column);
                let _ = write!(place, ",col={},endColumn={end}", from.column);
            }
            let message = match problem.help.as_str() {
                "" => problem.message.clone(),
                help => format!("{}\nhelp: {help}", problem.message),
            };
            let _ = writeln!(
                text,
                "::{level} file={},{place},title={}::{}",
                escape(&self.place(problem.span).to_string_lossy(), true),
                escape(problem.name.as_str(), true),
                escape(&message, false),
            );
        }
        text
    }
}

/// What ends a command's part, written as that part can hold it.
fn escape(text: &str, property: bool) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '%' => out.push_str("%25"),
            '\r' => out.push_str("%0D"),
            '\n' => out.push_str("%0A"),
            ':' if property => out.push_str("%3A"),
            ',' if property => out.push_str("%2C"),
            c => out.push(c),
        }
    }
    out
}
