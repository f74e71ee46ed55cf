//! `check`: is this policy right?

use std::io;
use std::path::PathBuf;

use clap::Args;
use presence_router::diagnostic::{Name, Report, visible};

use super::fix;
use super::inputs::{knows_what_is_local, read_directory, read_policy};
use super::output::{Failure, Output, count, has_color, note};

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
    #[arg(long)]
    pub json: bool,

    /// First mend what is certain, such as `SEND`, in the files; then show what is left
    #[arg(long)]
    fix: bool,
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
    2  the policy, the directory file or the command line is wrong
    3  an operation failed"#;

pub fn run(arguments: &Arguments) -> Result<(), Failure> {
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
            // The verdict stands even if nobody reads the reasons.
            match print(&report, arguments.json) {
                Ok(()) | Err(Failure::NobodyReads) => {}
                Err(failure) => return Err(failure),
            }
            if !arguments.json {
                hint_at_server(&report, arguments);
            }
            return Err(Failure::Checked);
        }
    };
    if let (Some(path), Some(directory)) = (&arguments.directory, &directory) {
        knows_what_is_local(&snapshot, path, directory)?;
    }
    let report = match &directory {
        Some(directory) => snapshot.warnings_with(directory),
        None => snapshot.warnings().clone(),
    };
    if !report.is_empty() || arguments.json {
        return print(&report, arguments.json);
    }
    let policy = snapshot.policy();
    let (rules, groups) = (
        count(policy.rules.len(), "rule"),
        count(policy.groups.len(), "group"),
    );
    let mut output = Output::new();
    let name = arguments.policy.to_string_lossy();
    output.line(&format!(
        "{}: {rules}, {groups}, no problems",
        visible(&name)
    ))?;
    output.flush()
}

fn print(report: &Report, json: bool) -> Result<(), Failure> {
    let mut output = Output::new();
    if json {
        output.text(&report.json_lines())?;
    } else {
        output.text(&report.render(has_color(&io::stdout())))?;
    }
    output.flush()
}

/// Names without a server are an error here that they may not be in the homeserver.
fn hint_at_server(report: &Report, arguments: &Arguments) {
    if report
        .problems()
        .iter()
        .any(|problem| problem.name == Name::MissingServer)
    {
        note(match &arguments.directory {
            None => "with `--directory` names take the server that is its `server_name`",
            Some(_) => "the directory has no `server_name` that names could take",
        });
    }
}
