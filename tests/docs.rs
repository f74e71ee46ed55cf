//! The README's and the documentation's examples, run.
//!
//! In each document a fenced block with a file's name (```` ```policy team.policy ````) is written
//! to a folder; every block of language `policy` must load, unless a `console` block checks it; and
//! each `console` block's commands must print what stands there.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::path::{Path, PathBuf};
use std::process::Command;

use presence_router::directory::Directory;
use presence_router::id::ServerName;
use presence_router::router::{Origin, Router};

/// Language, file name if any, and text of each fenced block.
fn blocks(document: &str) -> Vec<(String, Option<String>, String)> {
    let mut found = Vec::new();
    let mut lines = document.lines();
    while let Some(line) = lines.next() {
        let Some(info) = line.strip_prefix("```") else {
            continue;
        };
        let mut info = info.split(' ').map(str::to_owned);
        let (language, name) = (info.next().unwrap_or_default(), info.next());
        let text = lines.by_ref().take_while(|line| *line != "```");
        let text = text.map(|line| format!("{line}\n")).collect();
        found.push((language, name, text));
    }
    found
}

fn run(folder: &Path, transcript: &str) {
    let mut wanted = String::new();
    let mut printed = String::new();
    for line in transcript.lines() {
        let Some(command) = line.strip_prefix("$ ") else {
            wanted.push_str(&format!("{line}\n"));
            continue;
        };
        assert_eq!(printed, std::mem::take(&mut wanted));
        let mut words = command.split(' ');
        assert_eq!(words.next(), Some("presence-router"), "{command}");
        let output = Command::new(env!("CARGO_BIN_EXE_presence-router"))
            .args(words)
            .current_dir(folder)
            .output()
            .unwrap();
        printed = String::from_utf8(output.stdout).unwrap();
        printed.push_str(&String::from_utf8(output.stderr).unwrap());
    }
    assert_eq!(printed, wanted);
}

fn check(path: &str) -> usize {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let document = std::fs::read_to_string(root.join(path)).unwrap();
    let blocks = blocks(&document);
    let folder = tempfile::tempdir().unwrap();
    for (_, name, text) in &blocks {
        if let Some(name) = name {
            let file = folder.path().join(name);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, text).unwrap();
        }
    }
    // What no page can hold.
    let latin1 = b"server example.org\n# Caf\xe9\nsend all to @gobbler\n";
    std::fs::write(folder.path().join("latin1.policy"), latin1).unwrap();
    if path.ends_with("costly-rule.md") {
        let users = (0..10_001).map(|n| format!("- \"@u{n}:example.org\"\n"));
        let facts = format!(
            "server_name: example.org\nusers:\n{}",
            users.collect::<String>()
        );
        std::fs::write(folder.path().join("facts.yaml"), facts).unwrap();
    }
    let transcripts = blocks.iter().filter(|(language, ..)| language == "console");
    let transcripts: Vec<&String> = transcripts.map(|(_, _, text)| text).collect();
    for transcript in &transcripts {
        run(folder.path(), transcript);
    }
    let policies = blocks.iter().filter(|(language, ..)| language == "policy");
    let mut count = transcripts.len();
    for (_, name, text) in policies {
        let shown = |name: &String| {
            let name = name.rsplit('/').next().unwrap();
            transcripts.iter().any(|text| text.contains(name))
        };
        if name.as_ref().is_some_and(shown) {
            continue;
        }
        let file = folder.path().join("example.policy");
        std::fs::write(&file, text).unwrap();
        let homeserver = ServerName::parse("example.org").ok();
        let origin = Origin {
            path: Some(file),
            homeserver,
            ..Origin::default()
        };
        let router = Router::load(origin).unwrap_or_else(|report| panic!("{path}: {report}"));
        // What is to be written instead of a problem has none.
        if path.starts_with("docs/problems/") {
            let facts = std::fs::read_to_string(folder.path().join("facts.yaml"));
            let facts = facts.map(|facts| Directory::from_yaml("facts.yaml", &facts).unwrap());
            let report = match facts.ok() {
                Some(facts) => router.snapshot().warnings_with(&facts),
                None => router.snapshot().warnings().clone(),
            };
            assert!(report.is_empty(), "{path}: {report}");
        }
        count += 1;
    }
    count
}

#[test]
fn examples_do_what_they_say() {
    assert!(check("README.md") > 0);
    assert!(check("docs/language.md") > 0);
    check("docs/operating.md");
    assert!(check("docs/warnings.md") > 0);
}

#[test]
fn the_pages_of_problems_show_what_is_printed() {
    for name in presence_router::diagnostic::Name::ALL {
        assert!(check(&format!("docs/problems/{name}.md")) > 0, "{name}");
    }
}

#[test]
fn the_language_reference_names_every_problem_and_keyword() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let reference = std::fs::read_to_string(root.join("docs/language.md")).unwrap();
    for name in presence_router::diagnostic::Name::ALL {
        assert!(reference.contains(&format!("`{name}`")), "{name}");
    }
    let words: Vec<&str> = reference
        .split(|c: char| !c.is_ascii_alphabetic())
        .collect();
    for keyword in presence_router::KEYWORDS {
        assert!(words.contains(keyword), "{keyword}");
    }
}

#[test]
fn links_lead_somewhere() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut paths = documents(root);
    for folder in ["docs", "docs/problems", "policies", "python"] {
        paths.extend(documents(&root.join(folder)));
    }
    let mut links = 0;
    for path in paths {
        let document = std::fs::read_to_string(&path).unwrap();
        for link in document.split("](").skip(1) {
            let link = link.split(')').next().unwrap();
            if link.contains("://") {
                continue;
            }
            let (file, heading) = link.split_once('#').unwrap_or((link, ""));
            let target = match file {
                "" => path.clone(),
                file => path.parent().unwrap().join(file),
            };
            assert!(target.exists(), "{}: {link}", path.display());
            if !heading.is_empty() {
                let target = std::fs::read_to_string(&target).unwrap();
                let found = headings(&target).any(|found| found == heading);
                assert!(found, "{}: {link}", path.display());
            }
            links += 1;
        }
    }
    assert!(links > 30, "{links}");
}

/// The documents of a folder, without those of folders in it.
fn documents(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .collect()
}

/// The headings of a document as links name them.
fn headings(document: &str) -> impl Iterator<Item = String> {
    let headings = document.lines().filter_map(|line| line.strip_prefix('#'));
    headings.map(|heading| {
        let heading = heading.trim_start_matches('#').trim().to_lowercase();
        let named = heading.replace(' ', "-");
        named.replace(|c: char| !c.is_alphanumeric() && c != '-' && c != '_', "")
    })
}
