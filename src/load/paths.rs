//! Paths as a policy writes them, and what was likely meant by one that leads nowhere.
//!
//! Not for: which files a policy is made of, nor reading them (`load`).

use std::fs;
use std::path::{Component, Path, PathBuf};

use crate::diagnostic::nearest;
use crate::source::shown;

/// How many names of a folder are compared with one that is missing.
const LISTED: usize = 1_000;

/// Links followed to reach one file, as in Linux.
pub(super) const MAX_LINKS: usize = 40;

/// Whether a path is written in quotes as it is.
fn is_plain(path: &str) -> bool {
    !path.contains(['"', '\\', '*', '?'])
}

/// The path of a file that is there and was likely meant by one that is not. Costs listing a folder,
/// as far as [`LISTED`] names.
pub(super) fn near_file(missing: &Path, written: &str) -> Option<String> {
    if missing.exists() {
        return None;
    }
    let depth = Path::new(written).components().count();
    let folder = missing.ancestors().nth(depth)?;
    if written.contains('\\') {
        // As Windows joins folders; in quotes a `\` may be written twice.
        let path = written.replace("\\\\", "/").replace('\\', "/");
        return Some(path).filter(|path| is_plain(path) && folder.join(path).is_file());
    }
    // The folder that the policy file lies in already is written once more.
    let mut parts = Path::new(written).components();
    while parts.next().is_some() && parts.as_path().file_name().is_some() {
        let path = parts.as_path();
        if folder.join(path).is_file() {
            return path
                .to_str()
                .filter(|path| is_plain(path))
                .map(str::to_owned);
        }
    }
    let entries = fs::read_dir(or_here(missing.parent()?)).ok()?;
    let entries = entries.flatten().take(LISTED);
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let mut names: Vec<String> = names.filter(|name| is_plain(name)).collect();
    names.sort();
    let stem = |name: &str| {
        name.rsplit_once('.')
            .map_or(name, |(stem, _)| stem)
            .to_owned()
    };
    let wanted = missing.file_name()?.to_str()?;
    let near = nearest(wanted, names.iter().map(String::as_str));
    let near = near.or_else(|| {
        let stems: Vec<String> = names.iter().map(|name| stem(name)).collect();
        let stem = stem(wanted);
        let same = stems.iter().position(|other| *other == stem)?;
        names.get(same).map(String::as_str)
    })?;
    let path = Path::new(written).with_file_name(near);
    path.to_str().map(str::to_owned)
}

/// Where was looked for a file that is not there, if the policy file that names it is a link: people think
/// of the folder that it leads to.
pub(super) fn beside_link(policy: &Path, written: &str) -> Option<String> {
    fs::read_link(policy).ok()?;
    let looked = plain_path(&policy.parent()?.join(written));
    let looked = shown(looked.as_os_str());
    let link = shown(policy.as_os_str());
    Some(format!(
        "it was looked for as `{looked}`, beside the link `{link}`"
    ))
}

/// The path of a file that lies beside what a linked policy file leads to, as the link's folder sees it.
pub(super) fn beside_target(policy: &Path, written: &str) -> Option<String> {
    let folder = policy.parent()?;
    let mut link = PathBuf::from(policy.file_name()?);
    for _ in 0..MAX_LINKS {
        let target = fs::read_link(folder.join(&link)).ok()?;
        link = link.parent()?.join(target);
        let near = link.with_file_name(written);
        if folder.join(&near).is_file() {
            return near
                .to_str()
                .filter(|path| is_plain(path))
                .map(str::to_owned);
        }
    }
    None
}

/// The folder that a path without a folder lies in has a name too.
pub(super) fn or_here(folder: &Path) -> &Path {
    match folder.as_os_str().is_empty() {
        true => Path::new("."),
        false => folder,
    }
}

/// A path without `.` and, where that cannot change its meaning, without `..`.
pub(super) fn plain_path(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir
                if matches!(plain.components().next_back(), Some(Component::Normal(_)))
                    && !plain.is_symlink() =>
            {
                plain.pop();
            }
            part => plain.push(part),
        }
    }
    if plain.as_os_str().is_empty() {
        plain.push(".");
    }
    plain
}
