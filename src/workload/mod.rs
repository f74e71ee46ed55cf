//! Workloads: a policy, a directory and questions of a size one names, made from a seed.
//!
//! The same for the benches, for `presence-router workload` and for whoever compares this engine with
//! another. What a shape has is said by its [`Size`]; the shapes stand for a family's server, a
//! company's, an agency's and a nation's, and for single things that may be slow.
//!
//! Not for: asking the questions, or timing anything.
//!
//! Law: a shape, a scale and a seed give the same bytes on every machine. Every policy loads.

mod chance;
mod people;
mod questions;
mod rules;

use std::fmt;
use std::fs;
use std::io::{self, BufWriter};
use std::path::Path;
use std::str::FromStr;

pub use chance::Chance;
pub use questions::{Change, Questions};

/// What a workload is like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// A family's server.
    Family,
    /// A company's.
    Company,
    /// An agency's.
    Agency,
    /// A nation's.
    Nation,
    /// So many rules `@a sees @b`, over a fifth as many users: each has some ten rules.
    Pairs(u32),
    /// Everyone receives everyone, less so many blocks of one user from another.
    Blocks(u32),
    /// So many globs that overlap.
    Globs(u32),
    /// One room of so many users, who receive each other.
    Room(u32),
}

/// How large a workload is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Known users on the homeserver.
    pub local: u32,
    /// Known users elsewhere.
    pub remote: u32,
    /// Rooms, and the members of the largest but for the one of all local users.
    pub rooms: u32,
    /// See `rooms`.
    pub largest: u32,
    /// Rules.
    pub rules: u32,
    /// Groups.
    pub groups: u32,
    /// Users named in groups, those in several groups as often.
    pub named: u32,
    /// Globs, servers and regexes.
    pub patterns: u32,
    /// Users who receive everyone.
    pub gobblers: u32,
    /// Updates in a usual batch, in one of a hundred, and in a full sync.
    pub batches: [u32; 3],
}

const FAMILY: Size = Size {
    local: 100,
    remote: 5_000,
    rooms: 100,
    largest: 60,
    rules: 10,
    groups: 3,
    named: 100,
    patterns: 2,
    gobblers: 1,
    batches: [1, 5, 30],
};

const COMPANY: Size = Size {
    local: 5_000,
    remote: 20_000,
    rooms: 2_000,
    largest: 5_000,
    rules: 200,
    groups: 40,
    named: 10_000,
    patterns: 20,
    gobblers: 5,
    batches: [1, 50, 1_000],
};

const AGENCY: Size = Size {
    local: 50_000,
    remote: 200_000,
    rooms: 20_000,
    largest: 50_000,
    rules: 2_000,
    groups: 400,
    named: 200_000,
    patterns: 200,
    gobblers: 20,
    batches: [5, 500, 10_000],
};

const NATION: Size = Size {
    local: 500_000,
    remote: 1_000_000,
    rooms: 200_000,
    largest: 500_000,
    rules: 20_000,
    groups: 4_000,
    named: 3_000_000,
    patterns: 2_000,
    gobblers: 50,
    batches: [20, 5_000, 100_000],
};

/// Sizes of the shapes that are about one thing: no rooms, no groups.
const PLAIN: Size = Size {
    local: 0,
    remote: 0,
    rooms: 0,
    largest: 0,
    rules: 0,
    groups: 0,
    named: 0,
    patterns: 0,
    gobblers: 0,
    batches: [1, 10, 1_000],
};

impl Shape {
    /// How large it is.
    pub fn size(self) -> Size {
        match self {
            Shape::Family => FAMILY,
            Shape::Company => COMPANY,
            Shape::Agency => AGENCY,
            Shape::Nation => NATION,
            Shape::Pairs(rules) => Size {
                local: (rules / 5).max(4),
                rules,
                ..PLAIN
            },
            Shape::Blocks(blocks) => Size {
                local: (blocks / 5).max(100),
                rules: blocks.saturating_add(1),
                ..PLAIN
            },
            Shape::Globs(globs) => Size {
                local: 10_000,
                rules: globs,
                patterns: globs,
                ..PLAIN
            },
            Shape::Room(members) => Size {
                local: members,
                rooms: 1,
                rules: 1,
                ..PLAIN
            },
        }
    }
}

impl Size {
    /// Each number times `factor`, at least 1 where it was.
    fn times(self, factor: f64) -> Self {
        // Sizes are far below the numbers that a float cannot hold.
        let times = |n: u32| ((f64::from(n) * factor) as u32).max(n.min(1));
        Size {
            local: times(self.local),
            remote: times(self.remote),
            rooms: times(self.rooms),
            largest: times(self.largest),
            rules: times(self.rules),
            groups: times(self.groups),
            named: times(self.named),
            patterns: times(self.patterns),
            gobblers: times(self.gobblers),
            batches: self.batches.map(times),
        }
    }

    /// All known users.
    pub fn users(&self) -> u32 {
        self.local.saturating_add(self.remote)
    }
}

/// The names of the shapes, as they are written.
pub const SHAPES: &[&str] = &[
    "family", "company", "agency", "nation", "pairs:N", "blocks:N", "globs:N", "room:N",
];

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Shape::Family => f.write_str("family"),
            Shape::Company => f.write_str("company"),
            Shape::Agency => f.write_str("agency"),
            Shape::Nation => f.write_str("nation"),
            Shape::Pairs(n) => write!(f, "pairs:{n}"),
            Shape::Blocks(n) => write!(f, "blocks:{n}"),
            Shape::Globs(n) => write!(f, "globs:{n}"),
            Shape::Room(n) => write!(f, "room:{n}"),
        }
    }
}

/// A text names no shape.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no workload: write one of {list}", list = SHAPES.join(", "))]
pub struct UnknownShape(String);

/// The most that may stand behind `pairs:` and the like.
const MOST: u32 = 10_000_000;

impl FromStr for Shape {
    type Err = UnknownShape;

    fn from_str(text: &str) -> Result<Self, UnknownShape> {
        let unknown = || UnknownShape(text.into());
        let (name, number) = match text.split_once(':') {
            None => (text, None),
            Some((name, number)) => {
                let number = number.parse().ok().filter(|n| (1..=MOST).contains(n));
                (name, Some(number.ok_or_else(unknown)?))
            }
        };
        Ok(match (name, number) {
            ("family", None) => Shape::Family,
            ("company", None) => Shape::Company,
            ("agency", None) => Shape::Agency,
            ("nation", None) => Shape::Nation,
            ("pairs", Some(n)) => Shape::Pairs(n),
            ("blocks", Some(n)) => Shape::Blocks(n),
            ("globs", Some(n)) => Shape::Globs(n),
            ("room", Some(n)) => Shape::Room(n),
            _ => return Err(unknown()),
        })
    }
}

/// A shape with its size and seed. Costs nothing until something is made.
#[derive(Debug, Clone, Copy)]
pub struct Workload {
    shape: Shape,
    size: Size,
    seed: u64,
}

/// A file of a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Where it stands below the policy's folder.
    pub name: String,
    /// What is in it.
    pub text: String,
}

impl Workload {
    /// A workload of a shape; the sizes of its [`Size`] are multiplied by `scale`.
    pub fn new(shape: Shape, scale: f64, seed: u64) -> Self {
        Workload {
            shape,
            size: shape.size().times(scale),
            seed,
        }
    }

    /// How large it is.
    pub fn size(&self) -> Size {
        self.size
    }

    /// Writes `policy/` and `directory.yaml` into a folder, which is made if it is not there.
    ///
    /// # Errors
    /// The file system's.
    pub fn write(&self, folder: &Path) -> io::Result<()> {
        for File { name, text } in self.files() {
            let path = folder.join("policy").join(name);
            if let Some(parent) = path.parent() {
                fs::create_dir_all(parent)?;
            }
            fs::write(path, text)?;
        }
        let file = fs::File::create(folder.join("directory.yaml"))?;
        self.write_directory(&mut BufWriter::new(file))
    }
}
