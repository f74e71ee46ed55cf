//! What a rule set takes in memory, told by the system, in a process of its own.
//!
//! In this process what the directory and the measuring took and gave back would be counted too, or be
//! used again unseen. So the program starts itself anew, and that process does nothing but load the
//! rule set: the first time for the *peak*, and again and again, keeping each, for what is *kept*. Each
//! further copy uses again what the loads before gave back, so that what a copy adds is what it keeps.
//!
//! Law: where the system does not tell (only Linux does), nothing is said.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use clap::Args;
use presence_router::id::ServerName;
use presence_router::workload::Shape;

use super::super::output::{Failure, Output};
use super::report::Memory;
use super::rules::RuleSet;

/// Enough memory to tell a copy's part from the pages it comes in.
const ENOUGH_BYTES: u64 = 256 << 20;

/// And enough copies.
const ENOUGH_LOADS: usize = 2_000;

/// Tell what memory a rule set takes; started by `bench`
#[derive(Debug, Args)]
pub struct Arguments {
    #[arg(long)]
    policy: Option<PathBuf>,
    #[arg(long)]
    workload: Option<Shape>,
    #[arg(long, default_value_t = 1.0)]
    scale: f64,
    #[arg(long, default_value_t = 1)]
    seed: u64,
    #[arg(long, value_parser = server)]
    homeserver: Option<ServerName>,
    #[arg(long)]
    seconds: f64,
}

fn server(text: &str) -> Result<ServerName, String> {
    ServerName::parse(text).map_err(|error| error.to_string())
}

pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let seconds = Duration::from_secs_f64(arguments.seconds.clamp(0.0, 3_600.0));
    let mut output = Output::new();
    output.json(&measured(arguments, seconds)?)?;
    output.flush()
}

fn measured(arguments: &Arguments, budget: Duration) -> Result<Option<Memory>, Failure> {
    let began = Instant::now();
    let Arguments { scale, seed, .. } = *arguments;
    let load = || match (&arguments.policy, arguments.workload) {
        (Some(path), _) => RuleSet::of_policy(path, arguments.homeserver.as_ref()),
        (None, Some(shape)) => RuleSet::of_workload(shape, scale, seed),
        (None, None) => Err(Failure::wrong("there is no rule set", "")),
    };
    let Some(before) = bytes("smaps_rollup", "Rss:") else {
        return Ok(None);
    };
    let first = load()?;
    let origin = first.origin.clone();
    let mut kept = vec![first.router];
    let (Some(one), Some(peak)) = (bytes("smaps_rollup", "Rss:"), bytes("status", "VmHWM:")) else {
        return Ok(None);
    };
    let mut now = one;
    while now - one < ENOUGH_BYTES && kept.len() < ENOUGH_LOADS && began.elapsed() < budget {
        kept.extend(presence_router::router::Router::load(origin.clone()).ok());
        if !kept.len().is_multiple_of(16) && kept.len() > 16 {
            continue;
        }
        now = bytes("smaps_rollup", "Rss:").unwrap_or(now).max(one);
    }
    now = bytes("smaps_rollup", "Rss:").unwrap_or(now).max(one);
    let kept_bytes = match kept.len() as u64 {
        // What the first load gave back is in it.
        1 => one.saturating_sub(before),
        copies => (now - one) / (copies - 1),
    };
    Ok(Some(Memory {
        kept_bytes,
        peak_bytes: peak.saturating_sub(before).max(kept_bytes),
        loads: kept.len(),
    }))
}

/// A number of this process that Linux tells.
fn bytes(file: &str, name: &str) -> Option<u64> {
    let text = std::fs::read_to_string(format!("/proc/self/{file}")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib << 10)
}

/// Starts this program anew to measure a rule set.
pub fn measure(
    rules: &RuleSet,
    homeserver: Option<&ServerName>,
    budget: Duration,
) -> Option<Memory> {
    let mut command = Command::new(std::env::current_exe().ok()?);
    command.arg("bench-memory");
    let option = |command: &mut Command, name: &str, value: &str| {
        command.arg(format!("--{name}={value}"));
    };
    if let Some(path) = &rules.origin.path {
        command.arg("--policy").arg(path);
    }
    if let Some(workload) = &rules.about.workload {
        option(&mut command, "workload", &workload.name);
        option(&mut command, "scale", &workload.scale.to_string());
        option(&mut command, "seed", &workload.seed.to_string());
    }
    if let Some(server) = homeserver {
        option(&mut command, "homeserver", server.as_str());
    }
    option(&mut command, "seconds", &budget.as_secs_f64().to_string());
    command.stdin(Stdio::null()).stderr(Stdio::null());
    let output = command.output().ok()?;
    let good = output.status.success().then_some(output.stdout)?;
    serde_json::from_slice(&good).ok()?
}
