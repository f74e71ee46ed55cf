//! The mistakes that people make, each with what they are told: a file or folder in `tests/mistakes`
//! beside its report.
//!
//! One mistake is one problem, and its help says what to write. Where edits are offered, the text
//! with them has no problem left. After a change that is meant,
//! `INSTA_UPDATE=always cargo test --test mistakes` writes the reports anew; read what changed.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::path::{Path, PathBuf};

use presence_router::diagnostic::Report;
use presence_router::directory::Directory;
use presence_router::router::{Origin, Router};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mistakes")
}

fn directory() -> Directory {
    let path = folder().join("directory.yaml");
    let text = std::fs::read_to_string(path).unwrap();
    Directory::from_yaml("directory.yaml", &text).unwrap()
}

/// The errors of a policy, else its warnings.
fn report(path: &Path) -> Report {
    let directory = directory();
    let origin = Origin {
        path: Some(path.to_owned()),
        inline: Vec::new(),
        homeserver: directory.server_name().cloned(),
        ..Origin::default()
    };
    match Router::load(origin) {
        Ok(router) => router.snapshot().warnings_with(&directory),
        Err(report) => report,
    }
}

fn mistakes() -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder()).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.is_dir() || path.extension().is_some_and(|e| e == "policy"));
    paths.sort();
    paths
}

/// The snapshot: where, what, and what to write; then each text as the edits leave it.
fn shown(report: &Report) -> String {
    let mut text = report.to_string();
    for fixed in report.fixed() {
        text.push_str(&format!("\nfixed {}:\n", fixed.source));
        for (before, after) in fixed.before.lines().zip(fixed.after.lines()) {
            if before != after {
                text.push_str(&format!("- {before}\n+ {after}\n"));
            }
        }
        for line in fixed.after.lines().skip(fixed.before.lines().count()) {
            text.push_str(&format!("+ {line}\n"));
        }
    }
    text
}

#[test]
fn one_mistake_is_one_problem_that_says_what_to_write() {
    let paths = mistakes();
    assert!(paths.len() >= 150, "{}", paths.len());
    for path in paths {
        let name = path.file_stem().unwrap().to_str().unwrap();
        let report = report(&path);
        assert_eq!(report.len(), 1, "{name}: {report}");
        let problem = &report.problems()[0];
        assert!(!problem.help.is_empty(), "{name}");
        let mut settings = insta::Settings::clone_current();
        settings.set_snapshot_path(folder());
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        settings.bind(|| insta::assert_snapshot!(name, shown(&report)));
    }
}

#[test]
fn a_text_with_its_edits_has_no_errors() {
    let mut fixes = 0;
    for path in mistakes() {
        let name = path.file_stem().unwrap().to_str().unwrap();
        let report = report(&path);
        for fixed in report.fixed() {
            let copy = tempfile::tempdir().unwrap();
            copy_all(&path, copy.path());
            let target = if path.is_dir() {
                copy.path().join(fixed.source)
            } else {
                copy.path().join(path.file_name().unwrap())
            };
            std::fs::write(target, &fixed.after).unwrap();
            let after = self::report(copy.path());
            assert!(!after.has_errors(), "{name}: {after}\n{}", fixed.after);
            fixes += 1;
        }
    }
    assert!(fixes >= 20, "{fixes}");
}

/// What a help says to write whole is a statement of the language.
#[test]
fn a_statement_in_a_help_is_one() {
    let mut statements = 0;
    for path in mistakes() {
        let report = report(&path);
        let problem = &report.problems()[0];
        let text = report.sources().get(problem.span.source).unwrap();
        if problem.name.as_str() != "syntax" || text.text().lines().count() > 1 {
            continue;
        }
        let Some((_, write)) = problem.help.split_once("write `") else {
            continue;
        };
        let written: Vec<&str> = write.split('`').step_by(2).collect();
        let whole = |line: &&str| {
            let starts = ["send ", "block ", "group ", "server "];
            starts.iter().any(|word| line.starts_with(word)) && line.contains(['@', '.', '='])
        };
        for line in written.into_iter().filter(whole) {
            let folder = tempfile::tempdir().unwrap();
            std::fs::write(folder.path().join("a.policy"), line).unwrap();
            let after = self::report(folder.path());
            let syntax = after
                .problems()
                .iter()
                .find(|p| p.name.as_str() == "syntax");
            assert!(syntax.is_none(), "{}: `{line}`: {after}", path.display());
            statements += 1;
        }
    }
    assert!(statements >= 60, "{statements}");
}

fn copy_all(from: &Path, to: &Path) {
    if from.is_file() {
        std::fs::copy(from, to.join(from.file_name().unwrap())).unwrap();
        return;
    }
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            let below = to.join(path.file_name().unwrap());
            std::fs::create_dir(&below).unwrap();
            copy_all(&path, &below);
        } else {
            copy_all(&path, to);
        }
    }
}
