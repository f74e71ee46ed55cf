//! The command line: `check`, `explain-code`, `recipients`, `senders`, `route`, `fmt`, `workload`
//! and `bench`.
//!
//! One file a subcommand; each says what it wants and prints what the library answers. What they
//! share is in `inputs` (a policy, a directory, users), `output` (the two streams) and `replace` (writing
//! files); `given` is what `check` is given.
//!
//! Not for: meaning. Whatever is decided is decided in the library.
//!
//! Law: with `--json` standard output holds what the language reference, section 5, says and
//! nothing else. The exit code tells the four outcomes apart whatever else happens.

mod bench;
mod check;
mod diff;
mod explain_code;
mod fix;
mod fmt;
mod given;
mod inputs;
mod output;
mod recipients;
mod replace;
mod route;
mod senders;
mod verdict;
mod workload;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use output::{Color, Failure};

/// Good.
const GOOD: u8 = 0;
/// The answer is no.
const NO: u8 = 1;
/// The policy, the directory or the command line is wrong.
const WRONG: u8 = 2;
/// An operation failed.
const FAILED: u8 = 3;

/// Says who receives whose Matrix presence
#[derive(Debug, Parser)]
#[command(
    name = "presence-router",
    version,
    long_about = ABOUT,
    after_long_help = AFTER,
    arg_required_else_help = true,
    max_term_width = 100
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,

    /// When to colour what people read
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    color: Color,
}

#[derive(Debug, Subcommand)]
enum Command {
    Check(check::Arguments),
    ExplainCode(explain_code::Arguments),
    Recipients(recipients::Arguments),
    Senders(senders::Arguments),
    Route(route::Arguments),
    Fmt(fmt::Arguments),
    Workload(workload::Arguments),
    Bench(bench::Arguments),
    #[command(hide = true)]
    BenchMemory(bench::memory::Arguments),
}

const ABOUT: &str = r##"Says who receives whose Matrix presence.

A POLICY is a file like this, or a folder in which every `*.policy` file is
part of one policy:

    server example.org                  # @ann is @ann:example.org
    group oncall = @ann, @bob
    send all to @gobbler                # the gobbler receives everyone
    members of #ops see group oncall    # they receive ann and bob
    block @alice                        # nobody receives alice

What no line allows is not sent. A block always wins, and the order of lines
and files never matters.

A directory FILE holds what a homeserver knows, in YAML: its name, its users,
and who is joined to which room:

    server_name: example.org
    users: ["@alice:example.org", "@ann:example.org", "@bob:example.org",
            "@gobbler:example.org"]
    rooms:
      "!ops:example.org":
        aliases: ["#ops:example.org"]
        members: ["@ann:example.org", "@zed:remote.org"]"##;

const AFTER: &str = r#"Try it: save the two examples as `demo.policy` and `facts.yaml`.

    $ presence-router check --policy demo.policy --directory facts.yaml
    demo.policy: 3 rules, 1 group, no problems

    $ presence-router senders --policy demo.policy --directory facts.yaml @gobbler
    @gobbler:example.org receives everyone except 1 user:
      @alice:example.org

`presence-router help check`, and so on, shows each command with an example.

Exit codes:
    0  good; warnings alone are good
    1  the answer is no: `check` found a warning that is denied, `fmt --check` a file that it would
       change
    2  the policy, the directory file or the command line is wrong
    3  an operation failed, such as reading standard input"#;

/// Runs the program.
pub fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(answer) => {
            // `--help` and `--version` come here too. If nobody reads it, nobody misses it.
            let _ = answer.print();
            return ExitCode::from(if answer.use_stderr() { WRONG } else { GOOD });
        }
    };
    let color = arguments.color;
    let (json, result) = match arguments.command {
        Command::Check(arguments) => (false, check::run(&arguments, color)),
        Command::ExplainCode(arguments) => (false, explain_code::run(&arguments)),
        Command::Recipients(arguments) => (arguments.inputs.json, recipients::run(&arguments)),
        Command::Senders(arguments) => (arguments.inputs.json, senders::run(&arguments)),
        Command::Route(arguments) => (arguments.inputs.json, route::run(&arguments)),
        Command::Fmt(arguments) => (false, fmt::run(&arguments, color)),
        Command::Workload(arguments) => (false, workload::run(&arguments)),
        Command::Bench(arguments) => (arguments.json, bench::run(&arguments)),
        Command::BenchMemory(arguments) => (true, bench::memory::run(&arguments)),
    };
    let code = match result {
        Ok(()) | Err(Failure::NobodyReads) => GOOD,
        Err(Failure::Policy(report)) => {
            output::report_to_stderr(&report, json, color);
            WRONG
        }
        Err(Failure::Checked) => WRONG,
        Err(Failure::No) => NO,
        Err(Failure::Wrong(faults)) => {
            output::faults_to_stderr(&faults);
            WRONG
        }
        Err(Failure::Failed(fault)) => {
            output::faults_to_stderr(&[fault]);
            FAILED
        }
    };
    ExitCode::from(code)
}
