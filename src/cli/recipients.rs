//! `recipients`: who receives a sender's presence?

use clap::Args;
use presence_router::diagnostic::visible;
use presence_router::id::UserId;
use serde::Serialize;

use super::inputs::Inputs;
use super::output::{Failure, Output, count};

/// Show who receives a user's presence
///
/// For each USER, who receives their presence. The answer names known users: those of the
/// directory, those written in the policy, and the USERs.
#[derive(Debug, Args)]
#[command(after_long_help = AFTER)]
pub struct Arguments {
    #[command(flatten)]
    pub inputs: Inputs,

    /// Whose presence: `@ann:example.org`, or `@ann` on the policy's own server. Without one, all
    /// known users
    #[arg(value_name = "USER")]
    users: Vec<String>,
}

const AFTER: &str = r#"Example, with the files of `presence-router --help`:

    $ presence-router recipients --policy demo.policy --directory facts.yaml @ann
    @ann:example.org is received by 3 users:
      @ann:example.org
      @gobbler:example.org
      @zed:remote.org

    $ presence-router recipients --policy demo.policy --directory facts.yaml \
        --json @zed:remote.org
    {"sender":"@zed:remote.org","recipients":["@gobbler:example.org"]}

Exit codes:
    0  answered
    2  the policy, the directory file or the command line is wrong
    3  an operation failed"#;

#[derive(Serialize)]
struct Answer<'a> {
    sender: &'a str,
    recipients: Vec<&'a str>,
}

pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let inputs = &arguments.inputs;
    let (snapshot, directory, users) = inputs.read_with_users(&arguments.users)?;
    let mut output = Output::new();
    for sender in &users {
        let recipients = snapshot.recipients_of(&directory, sender.as_str());
        if inputs.json {
            let recipients = recipients.iter().map(UserId::as_str).collect();
            output.json(&Answer {
                sender: sender.as_str(),
                recipients,
            })?;
            continue;
        }
        let sender = visible(sender.as_str());
        if recipients.is_empty() {
            output.line(&format!("{sender} is received by nobody"))?;
            continue;
        }
        let number = count(recipients.len(), "user");
        output.line(&format!("{sender} is received by {number}:"))?;
        for recipient in &recipients {
            output.line(&format!("  {}", visible(recipient.as_str())))?;
        }
    }
    output.flush()
}
