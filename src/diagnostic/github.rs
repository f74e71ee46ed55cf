//! A report as annotations of GitHub's checks: workflow commands, one a line.
//!
//! Source: "Workflow commands for GitHub Actions", `error`, `warning` and `notice`.
//!
//! Law: one line a problem, whatever its texts hold.

use std::fmt::Write as _;

use super::{Level, Report};

impl Report {
    /// One workflow command a problem. Files are named as they were opened, so that a policy given
    /// by its path in the repository is found there.
    ///
    /// Costs one pass over the problems.
    pub fn github(&self) -> String {
        let mut text = String::new();
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
                escape(&self.opened(problem.span).to_string_lossy(), true),
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
