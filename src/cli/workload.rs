//! `workload`: a policy and a directory of a size one names, to try things on.

use std::path::PathBuf;

use clap::Args;
use presence_router::workload::{Shape, Workload};

use super::output::{Failure, Fault, Output, count};

/// Make a policy and a directory of a size you name, to try and measure things on
///
/// The same name, scale and seed make the same files everywhere.
#[derive(Debug, Args)]
#[command(after_long_help = AFTER)]
pub struct Arguments {
    /// What it is like: family, company, agency, nation, or one thing N times: pairs:N, blocks:N,
    /// globs:N, room:N
    #[arg(value_name = "NAME")]
    shape: Shape,

    /// The folder to write `policy/` and `directory.yaml` into; it is made if it is not there
    #[arg(long, value_name = "FOLDER")]
    out: PathBuf,

    /// Make it so many times as large
    #[arg(long, value_name = "FACTOR", default_value = "1", value_parser = factor)]
    scale: f64,

    /// Make another one of the same size
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    seed: u64,
}

const AFTER: &str = r#"Example:

    $ presence-router workload family --out family
    family: 5100 users, 100 rooms, 10 rules, 3 groups

Exit codes:
    0  good
    2  the command line is wrong, or there is a policy in the folder already
    3  an operation failed, such as writing a file"#;

/// A scale as it is written.
pub fn factor(text: &str) -> Result<f64, String> {
    let factor = text.parse().ok();
    factor
        .filter(|factor| (0.000_001..=10.0).contains(factor))
        .ok_or_else(|| "write a number from 0.000001 to 10".into())
}

pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let (shape, folder) = (arguments.shape, &arguments.out);
    // Files of another size that stay behind would be part of this policy.
    for name in ["policy", "directory.yaml"] {
        let there = folder.join(name);
        if there.exists() {
            let message = format!("`{}` is there already", there.display());
            return Err(Failure::wrong(message, "name another folder, or remove it"));
        }
    }
    let workload = Workload::new(shape, arguments.scale, arguments.seed);
    workload.write(folder).map_err(|error| {
        let message = format!("cannot write to `{}`: {error}", folder.display());
        Failure::Failed(Fault::new(message, ""))
    })?;
    let size = workload.size();
    let counts = [
        count(size.users() as usize, "user"),
        count(size.rooms as usize, "room"),
        count(size.rules as usize, "rule"),
        count(size.groups as usize, "group"),
    ];
    let mut output = Output::new();
    output.line(&format!("{shape}: {}", counts.join(", ")))?;
    output.flush()
}
