//! A report as JSON lines (the language reference, section 5).
//!
//! Law: fields and their order are a promise to scripts.

use serde::Serialize;

use super::{Level, Report};

/// A problem as one JSON object; the fields and their order are a promise to scripts.
#[derive(Serialize)]
struct JsonLine<'a> {
    level: Level,
    name: &'a str,
    message: &'a str,
    file: &'a str,
    line: usize,
    column: usize,
    help: &'a str,
}

impl Report {
    /// One JSON object a line (the language reference, section 5).
    pub fn json_lines(&self) -> String {
        let mut text = String::new();
        for problem in &self.problems {
            let position = self.position(problem);
            let line = JsonLine {
                level: problem.level(),
                name: problem.name.as_str(),
                message: &problem.message,
                file: self.file(problem),
                line: position.line,
                column: position.column,
                help: &problem.help,
            };
            // Strings and numbers alone: this cannot fail.
            text.push_str(&serde_json::to_string(&line).unwrap_or_default());
            text.push('\n');
        }
        text
    }
}
