//! What a process took: its peak memory and its time on the processor, as Linux tells them.

use std::io::Read;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

#[derive(Debug, Clone, Copy, Default)]
pub struct Measured {
    /// The most memory it held at once; 0 where the system does not tell.
    pub mib: f64,
    /// On the processor; on the clock where the system does not tell.
    pub seconds: f64,
}

impl Measured {
    pub fn row(&self, name: &str) -> String {
        // A process may end before the first look at what it runs.
        if self.mib < 1.0 {
            return format!("| {name} | - | - |");
        }
        format!("| {name} | {:.0} | {:.2} |", self.mib, self.seconds)
    }
}

/// Runs a command to its end and looks at it meanwhile.
pub fn run(command: &mut Command) -> (Output, Measured) {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let (mut out, mut err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
    let read_err = std::thread::spawn(move || {
        let mut bytes = Vec::new();
        err.read_to_end(&mut bytes).unwrap();
        bytes
    });
    let read_out = std::thread::spawn(move || {
        let mut bytes = Vec::new();
        out.read_to_end(&mut bytes).unwrap();
        bytes
    });
    let began = Instant::now();
    let mut measured = Measured::default();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        look(child.id(), &mut measured);
        std::thread::sleep(Duration::from_millis(2));
    };
    if measured.seconds == 0.0 && !cfg!(target_os = "linux") {
        measured.seconds = began.elapsed().as_secs_f64();
    }
    let output = Output {
        status,
        stdout: read_out.join().unwrap(),
        stderr: read_err.join().unwrap(),
    };
    (output, measured)
}

fn look(process: u32, measured: &mut Measured) {
    let read = |name: &str| std::fs::read_to_string(format!("/proc/{process}/{name}"));
    let status = read("status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = peak.and_then(|peak| peak.trim().strip_suffix(" kB")?.parse::<f64>().ok());
    measured.mib = kib.map_or(measured.mib, |kib| kib / 1024.0);
    let nanos = read("schedstat").unwrap_or_default();
    let nanos = nanos.split(' ').next().and_then(|n| n.parse::<f64>().ok());
    measured.seconds = nanos.map_or(measured.seconds, |nanos| nanos / 1e9);
}
