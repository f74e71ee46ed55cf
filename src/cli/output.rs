//! The two streams, and how a command ends badly.
//!
//! Law: no write panics. Whoever stops reading ends the program quietly; a full disk ends it with
//! an error. Colour goes to a terminal and nowhere else, unless somebody asks for it.

use std::ffi::OsString;
use std::io::{self, BufWriter, ErrorKind, IsTerminal, StdoutLock, Write};

use clap::ValueEnum;
use presence_router::diagnostic::{Report, visible};

/// What is wrong, and what to write instead (may be empty).
#[derive(Debug)]
pub struct Fault {
    pub message: String,
    pub help: String,
}

impl Fault {
    pub fn new(message: impl Into<String>, help: impl Into<String>) -> Self {
        Fault {
            message: message.into(),
            help: help.into(),
        }
    }
}

/// Why a command ends without the whole of its answer, or with a bad one.
#[derive(Debug)]
pub enum Failure {
    /// Nobody reads standard output any more: no error.
    NobodyReads,
    /// The policy has errors, still to be shown.
    Policy(Report),
    /// The policy has errors, shown already.
    Checked,
    /// The answer is no, and why is shown already.
    No,
    /// The directory or the command line is wrong.
    Wrong(Vec<Fault>),
    /// An operation failed.
    Failed(Fault),
}

impl Failure {
    pub fn wrong(message: impl Into<String>, help: impl Into<String>) -> Self {
        Failure::Wrong(vec![Fault::new(message, help)])
    }
}

/// Standard output, written when it is flushed or much is waiting.
pub struct Output(BufWriter<StdoutLock<'static>>);

impl Output {
    pub fn new() -> Self {
        Output(BufWriter::with_capacity(1 << 16, io::stdout().lock()))
    }

    pub fn line(&mut self, line: &str) -> Result<(), Failure> {
        self.text(line)?;
        self.text("\n")
    }

    pub fn json(&mut self, value: &impl serde::Serialize) -> Result<(), Failure> {
        let text = serde_json::to_string(value).map_err(|error| Self::failed(&error.into()))?;
        self.line(&text)
    }

    pub fn text(&mut self, text: &str) -> Result<(), Failure> {
        self.0
            .write_all(text.as_bytes())
            .map_err(|error| Self::failed(&error))
    }

    /// To be called at the end of every command: what is lost later is lost without a word.
    pub fn flush(&mut self) -> Result<(), Failure> {
        self.0.flush().map_err(|error| Self::failed(&error))
    }

    fn failed(error: &io::Error) -> Failure {
        if error.kind() == ErrorKind::BrokenPipe {
            return Failure::NobodyReads;
        }
        Failure::Failed(Fault::new(
            format!("cannot write to standard output: {error}"),
            "",
        ))
    }
}

/// When to colour what people read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless the environment says otherwise
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

impl Color {
    /// Whether a stream is shown in colour.
    pub fn is_on(self, stream: &impl IsTerminal) -> bool {
        let value = |name: &str| std::env::var_os(name);
        match self {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => wanted(value).unwrap_or_else(|| stream.is_terminal()),
        }
    }
}

/// Whether the environment wants colour; `None` if it leaves that to the stream.
///
/// Sources: `NO_COLOR` of <https://no-color.org>; `CLICOLOR_FORCE` and `CLICOLOR` of
/// <https://bixense.com/clicolors>, by which `NO_COLOR` comes first and forcing second; `FORCE_COLOR` of
/// <https://force-color.org>, where `0` and `false` refuse, as Node.js takes them. A terminal that calls
/// itself `dumb` has no colours.
fn wanted(value: impl Fn(&str) -> Option<OsString>) -> Option<bool> {
    let set = |name: &str| value(name).filter(|value| !value.is_empty());
    if set("NO_COLOR").is_some() {
        return Some(false);
    }
    if let Some(forced) = set("FORCE_COLOR") {
        return Some(forced != "0" && forced != "false");
    }
    if set("CLICOLOR_FORCE").is_some_and(|forced| forced != "0") {
        return Some(true);
    }
    let dumb = set("TERM").is_some_and(|term| term == "dumb");
    let off = set("CLICOLOR").is_some_and(|on| on == "0");
    (dumb || off).then_some(false)
}

/// `1 rule`, `2 rules`.
pub fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

/// Something worth knowing that changes no answer.
pub fn note(text: &str) {
    to_stderr(&format!("note: {}\n", visible(text)));
}

/// How many problems there are, for people who read what a program is told.
pub fn summary_to_stderr(report: &Report) {
    to_stderr(&format!("{}\n", report.summary()));
}

pub fn report_to_stderr(report: &Report, json: bool, color: Color) {
    let text = if json {
        report.json_lines()
    } else {
        report.render(color.is_on(&io::stderr()))
    };
    to_stderr(&text);
}

pub fn faults_to_stderr(faults: &[Fault]) {
    for Fault { message, help } in faults {
        to_stderr(&format!("error: {}\n", visible(message)));
        let mut before = "  = help: ";
        for line in help.lines() {
            to_stderr(&format!("{before}{}\n", visible(line)));
            before = "          ";
        }
    }
}

/// Where this fails there is nobody left to tell.
fn to_stderr(text: &str) {
    let _ = io::stderr().lock().write_all(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::wanted;

    #[test]
    fn the_environment_says_whether_there_is_colour() {
        for (environment, colour) in [
            (&[][..], None),
            (&[("NO_COLOR", "")], None),
            (&[("NO_COLOR", "0")], Some(false)),
            (&[("NO_COLOR", "1"), ("FORCE_COLOR", "1")], Some(false)),
            (&[("NO_COLOR", "1"), ("CLICOLOR_FORCE", "1")], Some(false)),
            (&[("FORCE_COLOR", "1")], Some(true)),
            (&[("FORCE_COLOR", "true"), ("TERM", "dumb")], Some(true)),
            (&[("FORCE_COLOR", "0")], Some(false)),
            (&[("FORCE_COLOR", "false")], Some(false)),
            (&[("FORCE_COLOR", "")], None),
            (&[("CLICOLOR_FORCE", "1"), ("CLICOLOR", "0")], Some(true)),
            (&[("CLICOLOR_FORCE", "1"), ("TERM", "dumb")], Some(true)),
            (&[("CLICOLOR_FORCE", "0")], None),
            (&[("CLICOLOR", "0")], Some(false)),
            (&[("CLICOLOR", "1"), ("TERM", "xterm")], None),
            (&[("TERM", "dumb")], Some(false)),
        ] {
            let value = |name: &str| {
                let mut set = environment.iter().filter(|(set, _)| *set == name);
                set.next().map(|(_, value)| value.into())
            };
            assert_eq!(wanted(value), colour, "{environment:?}");
        }
    }
}
