//! The house rules that a machine can see: imports go one way, and each dependency has one home.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::path::{Path, PathBuf};

/// The modules in the order in which each may use those before it.
const ORDER: &[&str] = &[
    "error",
    "source",
    "foreign",
    "diagnostic",
    "id",
    "names",
    "glob",
    "syntax",
    "policy",
    "yaml",
    "resolve",
    "directory",
    "workload",
    "decide",
    "extent",
    "reach",
    "lint",
    "index",
    "compile",
    "load",
    "watch",
    "router",
];

/// Dependencies with one home each.
const HOMES: &[(&str, &[&str])] = &[
    ("aho_corasick", &["index"]),
    ("annotate_snippets", &["diagnostic"]),
    ("arc_swap", &["index", "router"]),
    ("clap", &["cli"]),
    ("notify", &["watch"]),
    ("pest", &["syntax"]),
    ("pest_derive", &["syntax"]),
    ("regex", &["policy", "resolve"]),
    ("regex_automata", &["lint", "policy"]),
    ("regex_syntax", &["policy"]),
    ("rustix", &["cli", "load"]),
    ("serde_yaml", &["yaml"]),
    ("unicode_security", &["lint"]),
];

fn sources() -> Vec<(String, PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let module = path.strip_prefix(&root).unwrap().iter().next().unwrap();
            let module = module.to_str().unwrap().trim_end_matches(".rs").to_owned();
            let text = std::fs::read_to_string(&path).unwrap();
            let code = text.split("#[cfg(test)]").next().unwrap();
            let code = code
                .lines()
                .filter(|line| !line.trim_start().starts_with("//"));
            let code: Vec<&str> = code.collect();
            found.push((module, path, code.join("\n")));
        }
    }
    found
}

/// The names that follow `crate::` in a text, also in `crate::{a, b}`.
fn used(code: &str) -> Vec<&str> {
    let uses = code.split("crate::").skip(1);
    uses.filter_map(|rest| {
        rest.split(|c: char| !c.is_alphanumeric() && c != '_')
            .next()
    })
    .collect()
}

#[test]
fn imports_go_one_way() {
    let place = |module: &str| ORDER.iter().position(|name| *name == module);
    let mut checked = 0;
    for (module, path, code) in sources() {
        let Some(own) = place(&module) else {
            assert!(
                ["lib", "main", "cli"].contains(&module.as_str()),
                "{module} has no place"
            );
            continue;
        };
        for name in used(&code) {
            let Some(other) = place(name) else {
                continue;
            };
            checked += 1;
            assert!(other <= own, "{} uses crate::{name}", path.display());
        }
    }
    assert!(checked > 30, "{checked}");
}

#[test]
fn each_dependency_has_one_home() {
    for (module, path, code) in sources() {
        for (dependency, homes) in HOMES {
            let named = |prefix: &str| code.contains(&format!("{prefix}{dependency}::"));
            let uses = ["use ", " ", "(", "<", "&", "|"]
                .iter()
                .any(|prefix| named(prefix));
            let home = homes.contains(&module.as_str());
            assert!(home || !uses, "{} uses {dependency}", path.display());
        }
        let prints = ["println!", "eprintln!", "print!(", "eprint!("];
        let prints = prints.iter().any(|print| code.contains(print));
        assert!(
            !prints || ["cli", "main"].contains(&module.as_str()),
            "{}",
            path.display()
        );
    }
}
