//! `senders`: whose presence does a recipient receive?

use clap::Args;
use presence_router::Senders;
use presence_router::diagnostic::visible;
use presence_router::id::UserId;
use serde::Serialize;

use super::inputs::Inputs;
use super::output::{Failure, Output, count};

/// Show whose presence a user receives
///
/// For each USER, whose presence they receive: some users, or everyone except some. Both lists name
/// known users: those of the directory, those written in the policy, and the USERs. Everyone means
/// users who are not known yet, too.
#[derive(Debug, Args)]
#[command(after_long_help = AFTER)]
pub struct Arguments {
    #[command(flatten)]
    pub inputs: Inputs,

    /// Who receives: `@ann:example.org`, or `@ann` on the policy's own server. Without one, all known
    /// users
    #[arg(value_name = "USER")]
    users: Vec<String>,
}

const AFTER: &str = r#"Example, with the files of `presence-router --help`:

    $ presence-router senders --policy demo.policy --directory facts.yaml \
        @gobbler @zed:remote.org
    @gobbler:example.org receives everyone except 1 user:
      @alice:example.org
    @zed:remote.org receives 2 users:
      @ann:example.org
      @bob:example.org

    $ presence-router senders --policy demo.policy --directory facts.yaml \
        --json @gobbler @zed:remote.org
    {"recipient":"@gobbler:example.org","senders":{"all_except":["@alice:example.org"]}}
    {"recipient":"@zed:remote.org","senders":{"only":["@ann:example.org","@bob:example.org"]}}

Exit codes:
    0  answered
    2  the policy, the directory file or the command line is wrong
    3  an operation failed"#;

#[derive(Serialize)]
struct Answer<'a> {
    recipient: &'a str,
    senders: Listed<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Listed<'a> {
    Only(Vec<&'a str>),
    AllExcept(Vec<&'a str>),
}

pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let inputs = &arguments.inputs;
    let (snapshot, directory, users) = inputs.read_with_users(&arguments.users)?;
    let mut output = Output::new();
    for recipient in &users {
        let senders = snapshot.senders_for(&directory, recipient.as_str());
        if inputs.json {
            output.json(&answer(recipient, &senders))?;
            continue;
        }
        let (words, listed) = match &senders {
            Senders::Only(users) if users.is_empty() => ("nobody".to_owned(), users),
            Senders::Only(users) => (format!("{}:", count(users.len(), "user")), users),
            Senders::AllExcept(users) if users.is_empty() => ("everyone".to_owned(), users),
            Senders::AllExcept(users) => (
                format!("everyone except {}:", count(users.len(), "user")),
                users,
            ),
        };
        output.line(&format!("{} receives {words}", visible(recipient.as_str())))?;
        for sender in listed {
            output.line(&format!("  {}", visible(sender.as_str())))?;
        }
    }
    output.flush()
}

fn answer<'a>(recipient: &'a UserId, senders: &'a Senders) -> Answer<'a> {
    let senders = match senders {
        Senders::Only(users) => Listed::Only(users.iter().map(UserId::as_str).collect()),
        Senders::AllExcept(users) => Listed::AllExcept(users.iter().map(UserId::as_str).collect()),
    };
    Answer {
        recipient: recipient.as_str(),
        senders,
    }
}
