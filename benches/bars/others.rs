//! What of the processors other programs used: beside figures by the clock it says what they are worth.

use std::fs;
use std::time::Duration;

use rustix::time::ClockId;

use super::measure::used;

/// What the processors did since the machine started, in hundredths of a second, as Linux counts.
#[derive(Debug, Clone, Copy)]
pub struct Use {
    all: f64,
    idle: f64,
    own: Duration,
}

impl Use {
    /// `None` where the system does not tell (only Linux does).
    pub fn now() -> Option<Self> {
        let text = fs::read_to_string("/proc/stat").ok()?;
        let numbers = text.lines().next()?.strip_prefix("cpu ")?;
        let numbers = numbers.split_whitespace().map(str::parse::<f64>);
        // User, nice, system, idle, waiting for a disk, interrupts of two kinds, and what the machine that
        // this one is in used for others; what follows is counted already.
        let numbers: Vec<f64> = numbers.take(8).collect::<Result<_, _>>().ok()?;
        Some(Use {
            all: numbers.iter().sum(),
            idle: numbers.get(3)? + numbers.get(4)?,
            own: used(ClockId::ProcessCPUTime),
        })
    }

    /// How much of all processors' time was used since then, but not by this process.
    pub fn others_percent(self) -> Option<f64> {
        let now = Use::now()?;
        let (all, idle) = (now.all - self.all, now.idle - self.idle);
        let own = (now.own - self.own).as_secs_f64() * 100.0;
        (all > 0.0).then(|| (100.0 * (all - idle - own) / all).clamp(0.0, 100.0))
    }
}
