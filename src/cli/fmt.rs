//! `fmt`: policy files in one style.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use clap::Args;
use presence_router::diagnostic::{Report, visible};
use presence_router::source::shown;
use presence_router::{format, policy_files, policy_text};

use super::diff::{colored, diff};
use super::inputs::{read_stdin, shell_word};
use super::output::{
    Color, Failure, Fault, Output, count, faults_to_stderr, note, report_to_stderr,
};
use super::replace::{Change, Interrupt, LeftBehind, Refused, is_full, put, stage};

/// Write policy files in one style
///
/// Changes blanks, line breaks and commas before a `)`, never a word or a comment: the policy says
/// what it said. Comments that stand in one column stay so. A file in which something cannot be
/// read is not touched.
#[derive(Debug, Args)]
#[command(after_long_help = AFTER)]
pub struct Arguments {
    /// Policy files, or folders with `*.policy` files; `-` alone writes standard input to standard
    /// output
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,

    /// Write no file, show what would change, and exit with 1 if anything would
    #[arg(long)]
    check: bool,
}

const AFTER: &str = r#"Example, with an `untidy.policy` that holds one statement in two lines:

    send  all
      to @gobbler:example.org # a bot

    $ presence-router fmt --check untidy.policy
    --- untidy.policy
    +++ untidy.policy, formatted
    @@ -1,2 +1,1 @@
    -send  all
    -  to @gobbler:example.org # a bot
    +send all to @gobbler:example.org # a bot
    1 of 1 file would change

    $ presence-router fmt untidy.policy
    formatted untidy.policy
    1 of 1 file formatted

Exit codes:
    0  all files are in this style now
    1  with `--check`: a file is not
    2  a file has an error, or the command line is wrong; the other files are done
    3  a file cannot be written or has changed meanwhile, or another operation failed; the other files
       are done"#;

/// What is known when all files are done.
#[derive(Default)]
struct Outcome {
    color: Color,
    seen: usize,
    changed: usize,
    /// What to print.
    text: String,
    /// A file has an error.
    broken: bool,
    /// Failed writes.
    faults: Vec<Fault>,
    left: LeftBehind,
}

pub fn run(arguments: &Arguments, color: Color) -> Result<(), Failure> {
    let is_stdin = |path: &PathBuf| path.as_os_str() == "-";
    let mut outcome = Outcome {
        color,
        ..Outcome::default()
    };
    if arguments.paths.iter().any(is_stdin) {
        if arguments.paths.len() > 1 {
            let message = "`-` stands for standard input and for no file";
            let help = "give it alone: `presence-router fmt - < main.policy`";
            return Err(Failure::wrong(message, help));
        }
        let text = read_stdin()?;
        if !arguments.check {
            let printed = format("<stdin>", &text).map_err(Failure::Policy)?;
            let mut output = Output::new();
            output.text(&printed)?;
            return output.flush();
        }
        outcome.show("<stdin>", &text);
        return outcome.end(true);
    }
    let files = outcome.files(&arguments.paths);
    if !arguments.check {
        let interrupt = Interrupt::watch();
        outcome.write(files, &interrupt);
        let ended = outcome.end(false);
        interrupt.obey();
        return ended;
    }
    for (path, _) in &files {
        if let Some(text) = outcome.text(path) {
            outcome.show(&shown(path.as_os_str()), &text);
        }
    }
    outcome.end(true)
}

impl Outcome {
    /// All files, each once: as they were given, and themselves, links followed.
    fn files(&mut self, paths: &[PathBuf]) -> Vec<(PathBuf, PathBuf)> {
        let (files, report) = policy_files(paths);
        self.broken(&report);
        let with_real = |path: PathBuf| {
            let real = fs::canonicalize(&path).unwrap_or_else(|_| path.clone());
            (path, real)
        };
        files.into_iter().map(with_real).collect()
    }

    fn text(&mut self, path: &Path) -> Option<String> {
        let text = policy_text(path)
            .map_err(|report| self.broken(&report))
            .ok()?;
        self.seen += 1;
        Some(text)
    }

    fn broken(&mut self, report: &Report) {
        if !report.is_empty() {
            self.broken = true;
            report_to_stderr(report, false, self.color);
        }
    }

    /// What a text becomes; `None` if it stays, or if something in it cannot be read.
    fn printed(&mut self, name: &str, text: &str) -> Option<String> {
        let printed = format(name, text);
        let printed = printed.map_err(|report| self.broken(&report)).ok()?;
        (printed != text).then_some(printed)
    }

    fn show(&mut self, name: &str, text: &str) {
        if let Some(printed) = self.printed(name, text) {
            self.changed += 1;
            let diff = diff(name, text, &printed);
            self.text.push_str(&match self.color.is_on(&io::stdout()) {
                true => colored(&diff),
                false => diff,
            });
        }
    }

    /// Reads some files, writes them, and so on: each soon after it was read.
    fn write(&mut self, files: Vec<(PathBuf, PathBuf)>, interrupt: &Interrupt) {
        let (mut changes, mut names, mut bytes) = (Vec::new(), Vec::new(), 0);
        for (path, real) in files {
            if interrupt.came() {
                let message = "interrupted: the other files are as they were";
                self.faults.push(Fault::new(message, ""));
                return;
            }
            let Some(text) = self.text(&path) else {
                continue;
            };
            for old in self.left.of(&real, &text, |old| format("", old).ok()) {
                note(&old.to_string());
            }
            let name = path.to_string_lossy().into_owned();
            let Some(printed) = self.printed(&name, &text) else {
                continue;
            };
            names.push(name);
            bytes += text.len() + printed.len();
            changes.push(Change {
                target: real,
                before: text.into(),
                after: printed.into(),
            });
            if is_full(changes.len(), bytes) {
                self.put(std::mem::take(&mut names), std::mem::take(&mut changes));
                bytes = 0;
            }
        }
        self.put(names, changes);
    }

    fn put(&mut self, names: Vec<String>, changes: Vec<Change>) {
        let (mut staged, mut names_staged) = (Vec::new(), Vec::new());
        for (name, one) in names.into_iter().zip(stage(changes)) {
            match one {
                Ok(one) => {
                    staged.push(one);
                    names_staged.push(name);
                }
                Err(refused) => self.refused(&name, &refused),
            }
        }
        for (name, one) in names_staged.into_iter().zip(put(staged)) {
            match one {
                Ok(()) => {
                    self.changed += 1;
                    let name = visible(&name);
                    self.text.push_str(&std::format!("formatted {name}\n"));
                }
                Err(refused) => self.refused(&name, &refused),
            }
        }
    }

    fn refused(&mut self, name: &str, refused: &Refused) {
        let message = std::format!("cannot write `{name}`: {}", refused.why());
        let help = match refused {
            Refused::Changed => "run it again when nobody else writes the file".to_owned(),
            Refused::Tied(_) => {
                let name = shell_word(name);
                std::format!(
                    "write it in place yourself: \
                     `presence-router fmt - < {name} > new.txt && cat new.txt > {name}`"
                )
            }
            Refused::Failed(_) => "make it and its folder writable, or leave it out".to_owned(),
        };
        self.faults.push(Fault::new(message, help));
    }

    fn end(mut self, check: bool) -> Result<(), Failure> {
        let files = count(self.seen, "file");
        let summary = match (self.changed, check) {
            (0, _) if self.broken || !self.faults.is_empty() => String::new(),
            (0, _) => std::format!("{files}, formatted already\n"),
            (changed, true) => std::format!("{changed} of {files} would change\n"),
            (changed, false) => std::format!("{changed} of {files} formatted\n"),
        };
        let mut output = Output::new();
        let printed = output.text(&(self.text + &summary));
        let printed = printed.and_then(|()| output.flush());
        let last = self.faults.pop();
        faults_to_stderr(&self.faults);
        match (last, printed) {
            (Some(fault), _) => Err(Failure::Failed(fault)),
            (None, Err(Failure::Failed(fault))) => Err(Failure::Failed(fault)),
            // The verdict stands even if nobody reads the reasons.
            _ if self.broken => Err(Failure::Checked),
            _ if check && self.changed > 0 => Err(Failure::No),
            (None, printed) => printed,
        }
    }
}
