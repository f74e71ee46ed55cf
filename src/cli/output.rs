//! The two streams, and how a command ends badly.
//!
//! Law: no write panics. Whoever stops reading ends the program quietly; a full disk ends it with
//! an error. Colour goes to a terminal and nowhere else.

use std::io::{self, BufWriter, ErrorKind, IsTerminal, StdoutLock, Write};

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
    /// The answer is no, shown already.
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

/// Whether a stream is shown in colour; see <https://no-color.org>.
pub fn has_color(stream: &impl IsTerminal) -> bool {
    let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    stream.is_terminal() && !refused
}

/// `1 rule`, `2 rules`.
pub fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

/// Something worth knowing that changes no answer.
pub fn note(text: &str) {
    to_stderr(&format!("note: {}\n", visible(text)));
}

pub fn report_to_stderr(report: &Report, json: bool) {
    let text = if json {
        report.json_lines()
    } else {
        report.render(has_color(&io::stderr()))
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
