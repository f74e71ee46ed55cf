//! One line on a terminal that says what is being measured.
//!
//! Law: a pipe or a file gets nothing. The line is gone when the answer comes.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

/// How often the line changes at most.
const PAUSE: Duration = Duration::from_millis(100);

pub struct Progress {
    shown: bool,
    began: Instant,
    whole: Duration,
    last: Option<Instant>,
    what: String,
}

impl Progress {
    /// `whole` is how long everything may take.
    pub fn new(whole: Duration) -> Self {
        Progress {
            shown: io::stderr().is_terminal(),
            began: Instant::now(),
            whole,
            last: None,
            what: String::new(),
        }
    }

    /// Something else is measured now.
    pub fn now(&mut self, what: &str) {
        self.what = what.to_owned();
        self.last = None;
        self.tick();
    }

    /// It goes on.
    pub fn tick(&mut self) {
        if !self.shown || self.last.is_some_and(|last| last.elapsed() < PAUSE) {
            return;
        }
        self.last = Some(Instant::now());
        let done = self.began.elapsed().as_secs_f64() / self.whole.as_secs_f64();
        let percent = (done * 100.0).min(99.0);
        let filled = (done * 20.0).min(19.0) as usize;
        let bar = format!("{}{}", "=".repeat(filled), " ".repeat(20 - filled));
        self.write(&format!(
            "\r\u{1b}[2K[{bar}] {percent:2.0} %  {}",
            self.what
        ));
    }

    fn write(&self, text: &str) {
        let mut stream = io::stderr().lock();
        // Where this fails there is nobody left to tell.
        let _ = stream.write_all(text.as_bytes());
        let _ = stream.flush();
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.shown {
            self.write("\r\u{1b}[2K");
        }
    }
}
