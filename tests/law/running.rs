//! The crate as a server runs it: one router that reloads, one directory that changes.

use std::path::Path;

use presence_router::diagnostic::Report;
use presence_router::directory::Directory;
use presence_router::id::ServerName;
use presence_router::router::{Origin, Reload, Router};

use super::core::{Core, change, filled};
use super::model::{Edit, Facts, Layout, Policy};
use super::render::render;

/// The folder that is the policy, below the case's own.
const POLICY: &str = "policy";

/// Files below the case's own folder: path and content.
pub type Files = Vec<(String, String)>;

/// A small source of choices, so that the same number gives the same files.
pub fn shuffle<T>(items: &mut [T], seed: u64) {
    let mut state = seed;
    for at in (1..items.len()).rev() {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        items.swap(at, usize::try_from(state >> 33).unwrap() % (at + 1));
    }
}

/// A policy as a folder in the plainest words, its statements dealt out to some files in an order
/// that the seed gives; and as one file in its own order if there is no seed.
pub fn folder_of(policy: &Policy, seed: Option<u64>, more: &[&str]) -> Files {
    let plain = Layout { wild: 0, seed: 0 };
    let mut files = render(policy, plain).files;
    let is_policy = |(name, _): &(String, String)| name == "policy/main.policy";
    let at = files.iter().position(is_policy).unwrap();
    let text = files.remove(at).1;
    let mut lines: Vec<&str> = text.lines().chain(more.iter().copied()).collect();
    let names = match seed {
        None => &["main.policy"][..],
        Some(_) => &["b.policy", "main.policy", "0.policy"],
    };
    if let Some(seed) = seed {
        shuffle(&mut lines, seed);
    }
    for (number, name) in names.iter().enumerate() {
        let mine = lines.iter().skip(number).step_by(names.len());
        let text = mine.map(|line| format!("{line}\n")).collect();
        files.push((format!("{POLICY}/{name}"), text));
    }
    files
}

fn write(folder: &Path, files: &Files) {
    let policy = folder.join(POLICY);
    if policy.exists() {
        std::fs::remove_dir_all(&policy).unwrap();
    }
    for (name, text) in files {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
}

fn load(folder: &Path, files: &Files, homeserver: Option<&String>) -> Result<Router, Report> {
    write(folder, files);
    Router::load(Origin {
        path: Some(folder.join(POLICY)),
        homeserver: homeserver.map(|name| ServerName::parse(name).unwrap()),
        ..Origin::default()
    })
}

/// The names of all problems of some files, sorted, but for files that got no statement.
pub fn problems(files: &Files, homeserver: Option<&String>) -> Vec<&'static str> {
    let folder = tempfile::tempdir().unwrap();
    let report = match load(folder.path(), files, homeserver) {
        Ok(router) => router.snapshot().warnings().clone(),
        Err(report) => report,
    };
    let names = report
        .problems()
        .iter()
        .map(|problem| problem.name.as_str())
        .filter(|name| *name != "empty-policy");
    let mut names: Vec<&str> = names.collect();
    names.sort_unstable();
    names
}

/// What a reload did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reloaded {
    Unchanged,
    Loaded,
    Kept,
}

pub struct Running {
    folder: tempfile::TempDir,
    router: Router,
    directory: Directory,
}

impl Running {
    pub fn start(policy: &Policy, facts: &Facts, files: &Files) -> Result<Running, String> {
        let folder = tempfile::tempdir().unwrap();
        let router = load(folder.path(), files, policy.homeserver.as_ref())
            .map_err(|report| format!("does not load:\n{report}"))?;
        Ok(Running {
            folder,
            router,
            directory: filled(facts),
        })
    }

    pub fn edit(&mut self, edit: &Edit) {
        change(&mut self.directory, edit);
    }

    /// Other files, read anew.
    pub fn save(&self, files: &Files) -> Reloaded {
        write(self.folder.path(), files);
        match self.router.reload() {
            Reload::Unchanged => Reloaded::Unchanged,
            Reload::Loaded { .. } => Reloaded::Loaded,
            Reload::Kept { .. } => Reloaded::Kept,
        }
    }

    /// To be asked as of now, and dropped before the next reload.
    pub fn core(&self) -> Core {
        Core::of(self.router.snapshot(), self.directory.clone())
    }
}
