//! `explain-code`: what a problem's name means.

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use presence_router::diagnostic::{Level, Name};
use serde::Serialize;

use super::output::{Failure, Output};

/// Explain a problem by its name, with an example and what to write instead
///
/// Every error and warning has a name, as `unknown-group` in `error[unknown-group]`. Without one
/// all names are listed.
#[derive(Debug, Args)]
#[command(after_long_help = AFTER)]
pub struct Arguments {
    /// The name
    #[arg(value_name = "NAME", hide_possible_values = true, value_parser = names())]
    name: Option<Name>,

    /// List in JSON, for scripts: one object a line with level, name and summary
    #[arg(long, conflicts_with = "name")]
    json: bool,
}

const AFTER: &str = r#"Example:

    $ presence-router explain-code idle-block | head -n 3
    # idle-block

    A warning: the policy loads.

Exit codes:
    0  good
    2  there is no such name
    3  an operation failed"#;

/// A name as the list shows it to scripts.
#[derive(Serialize)]
struct Listed {
    level: Level,
    name: &'static str,
    summary: &'static str,
}

/// Reads a name; any other word is told with those that are near to it.
fn names() -> impl TypedValueParser<Value = Name> {
    let words = PossibleValuesParser::new(Name::ALL.iter().map(|name| name.as_str()));
    // The parser takes no other word.
    words.map(|word| Name::parse(&word).unwrap_or(Name::Syntax))
}

pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let mut output = Output::new();
    if let Some(name) = arguments.name {
        output.text(name.page())?;
        return output.flush();
    }
    if arguments.json {
        for name in Name::ALL {
            output.json(&Listed {
                level: name.level(),
                name: name.as_str(),
                summary: name.summary(),
            })?;
        }
        return output.flush();
    }
    for (level, title) in [
        (Level::Error, "Errors:"),
        (Level::Warning, "\nWarnings:"),
        (Level::Note, "\nNotes:"),
    ] {
        output.line(title)?;
        for name in Name::ALL.iter().filter(|name| name.level() == level) {
            output.line(&format!("  {:20}{}", name.as_str(), name.summary()))?;
        }
    }
    output.flush()
}
