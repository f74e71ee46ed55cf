//! A report as a SARIF log, the format that code scanning services read.
//!
//! Source: OASIS, "Static Analysis Results Interchange Format (SARIF) Version 2.1.0".
//!
//! Law: a log is valid whatever the report holds, an empty report too; equal reports give equal
//! logs in one working directory.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value, json};

use super::{Diagnostic, Edit, Level, Name, Report};
use crate::source::{SourceId, Span};

impl Report {
    /// One run with every name as a rule and every problem as a result. Files below the working directory
    /// are named from there, others whole.
    ///
    /// Costs one pass over the problems, and the pages of all names.
    pub fn sarif(&self) -> String {
        let rules: Vec<Value> = Name::ALL.iter().map(|name| rule(*name)).collect();
        let results: Vec<Value> = self.problems.iter().map(|p| self.result(p)).collect();
        let log = json!({
            "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
            "version": "2.1.0",
            "runs": [{
                "tool": { "driver": {
                    "name": "presence-router",
                    "semanticVersion": env!("CARGO_PKG_VERSION"),
                    "rules": rules,
                }},
                "columnKind": "unicodeCodePoints",
                "results": results,
            }],
        });
        format!("{log:#}\n")
    }

    fn result(&self, problem: &Diagnostic) -> Value {
        let text = match problem.help.as_str() {
            "" => problem.message.clone(),
            help => format!("{}\nhelp: {help}", problem.message),
        };
        let mut result = json!({
            "ruleId": problem.name.as_str(),
            "ruleIndex": Name::ALL.iter().position(|name| *name == problem.name),
            "level": level(problem.level()),
            "message": { "text": text },
            "locations": [{ "physicalLocation": self.location(problem.span) }],
        });
        let related: Vec<Value> = problem
            .labels
            .iter()
            .enumerate()
            .map(|(id, label)| {
                json!({
                    "id": id,
                    "physicalLocation": self.location(label.span),
                    "message": { "text": label.message },
                })
            })
            .collect();
        let parts = result.as_object_mut();
        if let Some(parts) = parts {
            if !related.is_empty() {
                parts.insert("relatedLocations".into(), related.into());
            }
            if !problem.fix.is_empty() {
                let fix = json!({
                    "description": { "text": problem.help },
                    "artifactChanges": self.changes(&problem.fix),
                });
                parts.insert("fixes".into(), json!([fix]));
            }
        }
        result
    }

    /// One change a file, whatever the number of its edits (section 3.55.3).
    fn changes(&self, edits: &[Edit]) -> Vec<Value> {
        let mut files: BTreeMap<SourceId, Vec<&Edit>> = BTreeMap::new();
        for edit in edits {
            files.entry(edit.span.source).or_default().push(edit);
        }
        let change = |edits: Vec<&Edit>| {
            let first = edits.first()?;
            let replacement = |edit: &&Edit| {
                json!({
                    "deletedRegion": self.region(edit.span),
                    "insertedContent": { "text": edit.text },
                })
            };
            Some(json!({
                "artifactLocation": { "uri": uri(&self.place(first.span)) },
                "replacements": edits.iter().map(replacement).collect::<Vec<_>>(),
            }))
        };
        files.into_values().filter_map(change).collect()
    }

    fn location(&self, span: Span) -> Value {
        json!({
            "artifactLocation": { "uri": uri(&self.place(span)) },
            "region": self.region(span),
        })
    }

    fn region(&self, span: Span) -> Value {
        let (from, to) = (self.sources.position(span), self.end(span));
        json!({
            "startLine": from.line,
            "startColumn": from.column,
            "endLine": to.line,
            "endColumn": to.column,
        })
    }
}

fn rule(name: Name) -> Value {
    json!({
        "id": name.as_str(),
        "shortDescription": { "text": name.summary() },
        "help": { "text": name.page(), "markdown": name.page() },
        "defaultConfiguration": { "level": level(name.level()) },
    })
}

fn level(level: Level) -> &'static str {
    match level {
        Level::Error => "error",
        Level::Warning => "warning",
        Level::Note => "note",
    }
}

/// A path as a URI reference (RFC 3986): relative if the path is, else a `file` URI (RFC 8089), with every
/// byte escaped that a path's segments may not hold, so that no `:` makes a scheme of the first one.
fn uri(path: &Path) -> String {
    let bytes = path.as_os_str().as_encoded_bytes();
    let mut out = String::with_capacity(bytes.len());
    if path.is_absolute() {
        out.push_str(if bytes.starts_with(b"/") {
            "file://"
        } else {
            "file:///"
        });
    }
    for byte in bytes.iter().copied() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => out.push(byte.into()),
            b'-' | b'.' | b'_' | b'~' | b'/' => out.push(byte.into()),
            b'\\' if cfg!(windows) => out.push('/'),
            byte => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}
