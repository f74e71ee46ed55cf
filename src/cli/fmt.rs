//! `fmt`: policy files in one style.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use clap::Args;
use presence_router::diagnostic::{Report, visible};
use presence_router::source::shown;
use presence_router::{MAX_FILE_BYTES, format, texts};

use super::diff::diff;
use super::output::{Failure, Fault, Output, count, faults_to_stderr, report_to_stderr};
use super::replace::replace;

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
    3  a file cannot be written, or another operation failed; the other files are done"#;

/// What is known when all files are done.
#[derive(Default)]
struct Outcome {
    seen: usize,
    changed: usize,
    /// What to print.
    text: String,
    /// A file has an error.
    broken: bool,
    /// Failed writes.
    faults: Vec<Fault>,
}

pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let is_stdin = |path: &PathBuf| path.as_os_str() == "-";
    let mut outcome = Outcome::default();
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
        outcome.one("<stdin>", &text, None);
    } else {
        for (path, text) in outcome.files(&arguments.paths) {
            let target = (!arguments.check).then_some(path.as_path());
            outcome.one(&shown(path.as_os_str()), &text, target);
        }
    }
    outcome.end(arguments.check)
}

impl Outcome {
    /// The texts of all files, each once, all read before the first is written.
    fn files(&mut self, paths: &[PathBuf]) -> Vec<(PathBuf, String)> {
        let (files, report) = texts(paths);
        self.broken(&report);
        files
    }

    fn broken(&mut self, report: &Report) {
        if !report.is_empty() {
            self.broken = true;
            report_to_stderr(report, false);
        }
    }

    /// One text: what would change is shown, or written to the file it came from.
    fn one(&mut self, name: &str, text: &str, target: Option<&Path>) {
        self.seen += 1;
        let printed = match format(name, text) {
            Ok(printed) => printed,
            Err(report) => return self.broken(&report),
        };
        if printed == text {
            return;
        }
        let Some(path) = target else {
            self.changed += 1;
            self.text.push_str(&diff(name, text, &printed));
            return;
        };
        match replace(path, &printed) {
            Ok(()) => {
                self.changed += 1;
                let name = visible(name);
                self.text.push_str(&std::format!("formatted {name}\n"));
            }
            Err(error) => {
                let message = std::format!("cannot write `{name}`: {error}");
                self.faults.push(Fault::new(message, ""));
            }
        }
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

fn read_stdin() -> Result<String, Failure> {
    let mut bytes = Vec::new();
    let stdin = io::stdin().lock();
    if let Err(error) = stdin.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes) {
        let message = std::format!("cannot read standard input: {error}");
        return Err(Failure::Failed(Fault::new(message, "")));
    }
    if bytes.len() as u64 > MAX_FILE_BYTES {
        let limit = MAX_FILE_BYTES >> 20;
        let message = std::format!("standard input is over {limit} MiB");
        return Err(Failure::wrong(message, "take out what is not needed"));
    }
    String::from_utf8(bytes)
        .map_err(|_| Failure::wrong("standard input is not UTF-8", "save the text as UTF-8"))
}
