//! The help: every example that `--help` shows is run in a shell. `help.snap` is the short help; after
//! a change that is meant, `INSTA_UPDATE=always cargo test --test cli` writes it anew.

use std::path::Path;
use std::process::Command;

use super::{PROGRAM, ended, folder, program};

fn help(arguments: &str) -> String {
    let mut command = program(Path::new("."), arguments);
    let (code, out, err) = ended(command.env("COLUMNS", "100").output().unwrap());
    assert_eq!((code, err.as_str()), (0, ""), "{arguments}");
    out
}

#[test]
fn short_help() {
    let commands = [
        "-h",
        "check -h",
        "recipients -h",
        "senders -h",
        "route -h",
        "fmt -h",
        "explain-code -h",
        "workload -h",
        "bench -h",
    ];
    let text: Vec<_> = commands
        .iter()
        .map(|command| format!("$ presence-router {command}\n{}", help(command)))
        .collect();
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!("help", text.join("\n")));
}

/// The indented block that begins with a line, without its indent.
fn block(help: &str, first: &str) -> String {
    let lines = help.lines().map(|line| line.strip_prefix("    "));
    let lines = lines.skip_while(|line| !line.is_some_and(|line| line.starts_with(first)));
    let block: Vec<_> = lines.map_while(|line| line).collect();
    assert!(!block.is_empty(), "{first}");
    format!("{}\n", block.join("\n"))
}

/// Commands in a help text, each with what it prints.
fn examples(help: &str) -> Vec<(String, String)> {
    let mut examples: Vec<(String, String)> = Vec::new();
    let mut open = false;
    for line in help.lines() {
        let indented = line.strip_prefix("    ");
        if let Some(command) = indented.and_then(|line| line.strip_prefix("$ ")) {
            examples.push((command.into(), String::new()));
            open = true;
        } else if let Some((command, printed)) = examples.last_mut().filter(|_| open) {
            if command.ends_with('\\') && printed.is_empty() {
                command.pop();
                command.push_str(line.trim());
            } else if line.is_empty() || indented.is_some() {
                printed.push_str(indented.unwrap_or_default());
                printed.push('\n');
            } else {
                open = false;
            }
        }
    }
    examples
}

#[test]
fn every_example_of_the_help_is_true() {
    let main = help("--help");
    let folder = folder(&[
        ("demo.policy", &block(&main, "server example.org")),
        ("facts.yaml", &block(&main, "server_name:")),
        ("batches.jsonl", &block(&help("route --help"), "[{")),
        ("wrong.policy", "snd all to @gobbler:example.org\n"),
        ("untidy.policy", &block(&help("fmt --help"), "send  all")),
    ]);
    let bin = Path::new(PROGRAM).parent().unwrap();
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let mut run = 0;
    for command in [
        "--help",
        "check --help",
        "recipients --help",
        "senders --help",
        "route --help",
        "fmt --help",
        "explain-code --help",
        "workload --help",
        "bench --help",
    ] {
        let help = help(command);
        assert!(help.contains("\nExit codes:\n"), "{help}");
        assert!(
            help.lines().all(|line| line.chars().count() <= 100),
            "{help}"
        );
        for (command, printed) in examples(&help) {
            let mut shell = Command::new("sh");
            shell.arg("-c").arg(&command).env("PATH", &path);
            let (_, out, err) = ended(shell.current_dir(folder.path()).output().unwrap());
            assert_eq!(err, "", "{command}");
            assert_eq!(out.trim_end(), printed.trim_end(), "{command}");
            run += 1;
        }
        // Each `help` subcommand says the same.
        if let Some(name) = command.strip_suffix(" --help") {
            assert_eq!(self::help(&format!("help {name}")), help);
        }
    }
    assert_eq!(run, 13);
}
