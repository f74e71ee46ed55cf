//! `check`: is this policy right?

use std::io;
use std::path::PathBuf;

use clap::{ArgGroup, Args, ValueEnum};
use presence_router::diagnostic::{Name, Report};
use presence_router::directory::Directory;
use presence_router::router::Snapshot;
use presence_router::source::Source;

use super::fix;
use super::given::{Given, STDIN};
use super::inputs::{Unusable, hint_at_server, knows_what_is_local, read_directory};
use super::output::{Color, Failure, Fault, Output, count, summary_to_stderr};
use super::verdict::Verdict;

/// Show every problem of a policy
///
/// Errors keep a policy from being used; all of them are shown at once, each with its place and
/// with what to write instead. Warnings are shown when there are no errors. With a directory there
/// are more of them: names that nobody has, rooms that are not there.
#[derive(Debug, Args)]
#[command(after_long_help = AFTER)]
#[command(group(ArgGroup::new("given").required(true).multiple(true).args(["paths", "policy"])))]
pub struct Arguments {
    /// The policy: a file, a folder with `*.policy` files, or `-` for standard input
    /// (`presence-router --help` shows one). Several paths together are one policy: groups and the
    /// `server` of one hold in the others
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,

    /// The same, as other commands have it
    #[arg(long, value_name = "POLICY")]
    policy: Vec<PathBuf>,

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

    $ presence-router check wrong.policy
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

pub fn run(arguments: &Arguments, color: Color) -> Result<(), Failure> {
    arguments.verdict.check()?;
    let format = if arguments.json {
        Format::Json
    } else {
        arguments.format
    };
    let shown = Shown { format, color };
    let paths: Vec<PathBuf> = [&arguments.policy, &arguments.paths]
        .into_iter()
        .flatten()
        .cloned()
        .collect();
    let is_stdin = Given::is_stdin(&paths)?;
    if is_stdin && arguments.fix {
        let message = "`--fix` changes files, and `-` is none";
        return Err(Failure::wrong(
            message,
            "give the file, or leave out `--fix`",
        ));
    }
    let given = match is_stdin {
        true => shown.or_log(Given::stdin())?,
        false => Given::paths(paths),
    };
    let directory = match arguments.directory.as_deref().map(read_directory) {
        None => None,
        Some(Ok(directory)) => Some(directory),
        Some(Err(wrong)) => return Err(shown.unusable(wrong)),
    };
    let fixed = match arguments.fix {
        true => fix::run(&given, directory.as_ref()),
        false => Ok(()),
    };
    let checked = check(arguments, shown, &given, directory.as_ref());
    // Whoever reads the log learns what is there now, and then that it could not all be mended.
    fixed.and(checked)
}

fn check(
    arguments: &Arguments,
    shown: Shown,
    given: &Given,
    directory: Option<&Directory>,
) -> Result<(), Failure> {
    let people = shown.format == Format::Human;
    let snapshot = match given.load(directory) {
        Ok(snapshot) => snapshot,
        Err(report) => {
            verdict_stands(shown.print(&report))?;
            if people {
                hint_at_server(&report, directory.is_some());
            }
            return Err(Failure::Checked);
        }
    };
    if let (Some(path), Some(directory)) = (&arguments.directory, directory)
        && let Err(wrong) = knows_what_is_local(&snapshot, path, directory)
    {
        return Err(shown.unusable(wrong));
    }
    let report = match directory {
        Some(directory) => &snapshot.warnings_with(directory),
        None => snapshot.warnings(),
    };
    let report = arguments.verdict.shown(report);
    if !report.is_empty() || !people {
        verdict_stands(shown.print(&report))?;
    } else {
        verdict_stands(no_problems(&snapshot, &given.name()))?;
    }
    arguments.verdict.of(&report, people)
}

fn no_problems(snapshot: &Snapshot, name: &str) -> Result<(), Failure> {
    let policy = snapshot.policy();
    let (rules, groups) = (
        count(policy.rules.len(), "rule"),
        count(policy.groups.len(), "group"),
    );
    let mut output = Output::new();
    output.line(&format!("{name}: {rules}, {groups}, no problems"))?;
    output.flush()
}

/// The exit code tells the verdict even if nobody reads the reasons.
fn verdict_stands(printed: Result<(), Failure>) -> Result<(), Failure> {
    match printed {
        Err(Failure::NobodyReads) => Ok(()),
        printed => printed,
    }
}

/// How problems are shown.
#[derive(Debug, Clone, Copy)]
struct Shown {
    format: Format,
    color: Color,
}

impl Shown {
    /// Shows the problems; where a service reads them people are told how many there are. JSON lines are
    /// for scripts, which may read both streams as one.
    fn print(self, report: &Report) -> Result<(), Failure> {
        let text = match self.format {
            Format::Human => report.render(self.color.is_on(&io::stdout())),
            Format::Json => report.json_lines(),
            Format::Sarif => report.sarif(),
            Format::Github => report.github(),
        };
        let mut output = Output::new();
        output.text(&text)?;
        output.flush()?;
        if matches!(self.format, Format::Sarif | Format::Github) && !report.is_empty() {
            summary_to_stderr(report);
        }
        Ok(())
    }

    /// A file that cannot be used is a problem to a program, too: it waits for a log.
    fn unusable(self, wrong: Unusable) -> Failure {
        if self.format == Format::Human {
            return wrong.into();
        }
        match verdict_stands(self.print(&wrong.report)) {
            Ok(()) => wrong.into(),
            Err(failure) => failure,
        }
    }

    /// The same for standard input.
    fn or_log<T>(self, read: Result<T, Failure>) -> Result<T, Failure> {
        let (Err(Failure::Wrong(faults)), false) = (&read, self.format == Format::Human) else {
            return read;
        };
        for fault in faults {
            let source = Source::new(STDIN, "");
            let fault = Fault::new(&fault.message, &fault.help);
            let wrong = Unusable::whole(Name::UnreadableFile, source, fault);
            verdict_stands(self.print(&wrong.report))?;
        }
        read
    }
}
