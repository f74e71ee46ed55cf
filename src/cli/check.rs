//! `check`: is this policy right?

use std::io;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use presence_router::diagnostic::{Report, visible};
use presence_router::router::Snapshot;

use super::fix;
use super::inputs::{hint_at_server, knows_what_is_local, read_directory, read_policy};
use super::output::{Color, Failure, Output, count, has_color};
use super::verdict::Verdict;

/// Show every problem of a policy
///
/// Errors keep a policy from being used; all of them are shown at once, each with its place and
/// with what to write instead. Warnings are shown when there are no errors. With a directory there
/// are more of them: names that nobody has, rooms that are not there.
#[derive(Debug, Args)]
#[command(after_long_help = AFTER)]
pub struct Arguments {
    /// The policy: a file, or a folder with `*.policy` files (`presence-router --help` shows one)
    #[arg(long, value_name = "POLICY")]
    policy: PathBuf,

    /// The known users and rooms: a YAML file (`presence-router --help` shows one). Its
    /// `server_name` completes names if the policy has no `server` line
    #[arg(long, value_name = "FILE")]
    directory: Option<PathBuf>,

    /// Show problems in JSON, for scripts: one object a line, nothing if there is none
    #[arg(long, conflicts_with = "format")]
    json: bool,

    /// How to show problems
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    format: Format,

    /// When to colour what people read
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    color: Color,

    #[command(flatten)]
    verdict: Verdict,

    /// First mend what is certain, such as `SEND`, in the files; then show what is left
    #[arg(long)]
    fix: bool,
}

/// How problems are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Human,
    /// One JSON object a line, as `--json`
    Json,
    /// A SARIF 2.1.0 log, for code scanning
    Sarif,
    /// Annotations of a GitHub workflow
    Github,
}

const AFTER: &str = r#"Example, with a `wrong.policy` that holds the line `snd all to @gobbler:example.org`:

    $ presence-router check --policy wrong.policy
    error[syntax]: expected a statement, found `snd`
     --> wrong.policy:1:1
      |
    1 | snd all to @gobbler:example.org
      | ^^^
      |
      = help: did you mean `send`? write `send all to @gobbler:example.org`

    1 error

Exit codes:
    0  the policy can be used; there may be warnings
    1  it can be used, and a warning was given that `--deny` names
    2  the policy, the directory file or the command line is wrong
    3  an operation failed"#;

pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    arguments.verdict.check()?;
    let format = if arguments.json {
        Format::Json
    } else {
        arguments.format
    };
    let people = format == Format::Human;
    let directory = arguments
        .directory
        .as_deref()
        .map(read_directory)
        .transpose()?;
    if arguments.fix {
        fix::run(&arguments.policy, directory.as_ref())?;
    }
    let snapshot = match read_policy(&arguments.policy, directory.as_ref()) {
        Ok(snapshot) => snapshot,
        Err(report) => {
            verdict_stands(print(&report, format, arguments.color))?;
            if people {
                hint_at_server(&report, arguments.directory.is_some());
            }
            return Err(Failure::Checked);
        }
    };
    if let (Some(path), Some(directory)) = (&arguments.directory, &directory) {
        knows_what_is_local(&snapshot, path, directory)?;
    }
    let report = match &directory {
        Some(directory) => &snapshot.warnings_with(directory),
        None => snapshot.warnings(),
    };
    let report = arguments.verdict.shown(report);
    if !report.is_empty() || !people {
        verdict_stands(print(&report, format, arguments.color))?;
    } else {
        verdict_stands(no_problems(&snapshot, &arguments.policy))?;
    }
    arguments.verdict.of(&report, people)
}

fn no_problems(snapshot: &Snapshot, path: &Path) -> Result<(), Failure> {
    let policy = snapshot.policy();
    let (rules, groups) = (
        count(policy.rules.len(), "rule"),
        count(policy.groups.len(), "group"),
    );
    let mut output = Output::new();
    let name = path.to_string_lossy();
    output.line(&format!(
        "{}: {rules}, {groups}, no problems",
        visible(&name)
    ))?;
    output.flush()
}

/// The exit code tells the verdict even if nobody reads the reasons.
fn verdict_stands(printed: Result<(), Failure>) -> Result<(), Failure> {
    match printed {
        Err(Failure::NobodyReads) => Ok(()),
        printed => printed,
    }
}

fn print(report: &Report, format: Format, color: Color) -> Result<(), Failure> {
    let text = match format {
        Format::Human => report.render(match color {
            Color::Auto => has_color(&io::stdout()),
            Color::Always => true,
            Color::Never => false,
        }),
        Format::Json => report.json_lines(),
        Format::Sarif => report.sarif(),
        Format::Github => report.github(),
    };
    let mut output = Output::new();
    output.text(&text)?;
    output.flush()
}
