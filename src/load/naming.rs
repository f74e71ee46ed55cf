//! What the name of a file tells: that it was meant as a policy though it is not read, or that it is the copy
//! of another one.
//!
//! Not for: which files are read (`find`); no name changes that.
//!
//! Law: a name that a program gave its copy tells it by itself. Any other is taken for one only if a file
//! stands beside it that has the rest of the name.

use std::collections::{HashMap, HashSet};
use std::ffi::OsStr;
use std::fs;
use std::path::Path;

use super::Loader;
use super::find::{FileAt, Findings};
use super::stamp::{Identity, Stamp};
use crate::diagnostic::{Diagnostic, Name, nearest};
use crate::source::shown;

/// What the names of policy files end in.
pub(super) const ENDING: &str = ".policy";

/// What people and programs write before or behind the name of something they keep a copy of, also in
/// systems that speak German, French, Spanish, Italian and Dutch.
const WORDS: &[&str] = &[
    "old", "bak", "backup", "orig", "original", "prev", "previous", "save", "saved", "copy",
    "kopie", "copie", "copia",
];

impl Loader {
    /// Tells what the names say of the files that were found. To be called when all files are read.
    pub(super) fn tell_names(&mut self, found: &Findings) {
        for file in &found.ignored {
            let stamp = fs::metadata(&file.path).ok().as_ref().and_then(Stamp::of);
            if !self.seen.contains(&Identity::of(&file.path, stamp)) {
                self.ignored(file);
            }
        }
        self.copies(&found.files);
    }

    fn ignored(&mut self, file: &FileAt) {
        let span = self.nothing(&file.name, &file.path);
        let message = format!(
            "`{}` is not read: its name does not end in `{ENDING}`",
            file.name
        );
        let help =
            format!("if it is part of the policy, let its name end in `{ENDING}`, in lower case");
        let problem = Diagnostic::new(Name::IgnoredFile, span, message, help);
        self.problems.push(problem);
    }

    /// A note for each file, and each folder, that is named like a copy.
    fn copies(&mut self, files: &[FileAt]) {
        let mut folders: HashSet<&OsStr> = HashSet::new();
        let mut named: Vec<(&Path, &FileAt)> = Vec::new();
        let mut suspects: Vec<(&Path, &FileAt)> = Vec::new();
        for file in files {
            let mut path = Path::new(&file.below);
            while let Some(name) = path.file_name() {
                named.push((path, file));
                let name = name.to_string_lossy();
                let stem = name.strip_suffix(ENDING).unwrap_or(&name);
                if !originals(stem).names.is_empty() {
                    suspects.push((path, file));
                }
                match path.parent() {
                    Some(folder) if folders.insert(folder.as_os_str()) => path = folder,
                    _ => break,
                }
            }
        }
        if suspects.is_empty() {
            return;
        }
        // By the folder they lie in, the names by what they are in lower case.
        let mut beside: HashMap<&OsStr, HashMap<String, String>> = HashMap::new();
        for (path, _) in named {
            let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
                continue;
            };
            let name = name.to_string_lossy();
            let names = beside.entry(folder.as_os_str()).or_default();
            names.insert(name.to_ascii_lowercase(), name.into_owned());
        }
        for (path, file) in suspects {
            let folder = path.parent().unwrap_or(path);
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let names = beside.get(folder.as_os_str());
            let there = |name: &str| names?.get(&name.to_ascii_lowercase()).cloned();
            let is_file = path.as_os_str() == file.below.as_os_str();
            if let Some(original) = copy_of(&name, is_file, there) {
                self.copied(path, file, original.as_deref());
            }
        }
    }

    fn copied(&mut self, path: &Path, file: &FileAt, original: Option<&str>) {
        let name = match path.as_os_str() == file.below.as_os_str() {
            true => file.name.clone(),
            false => format!("{}/", shown(path.as_os_str())),
        };
        let message = match original {
            Some(original) => {
                let original = path.with_file_name(original);
                let original = shown(original.as_os_str()).into_owned();
                format!(
                    "`{name}` looks like a copy of `{original}`, and both are read as one policy"
                )
            }
            None => format!("`{name}` looks like a copy that a program made, and it is read"),
        };
        let help = "if it is one, take it out of the policy, or begin its name with `.`; while it is \
                    there all its rules hold";
        let span = self.nothing(&file.name, &file.path);
        let problem = Diagnostic::new(Name::CopiedFile, span, message, help);
        self.problems.push(problem);
    }
}

/// Whether a file with a name that does not end in `.policy` was evidently meant as a policy: another case, a
/// blank or a full stop behind it, a slip of the hand, or what an editor adds to texts. Names of backups
/// and of what is put aside are not.
pub(super) fn is_meant_as_policy(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let name = name.trim_end_matches(|c: char| c.is_whitespace() || c == '.');
    let name = name
        .strip_suffix(".txt")
        .filter(|name| name.ends_with(ENDING))
        .unwrap_or(name);
    let Some((stem, ending)) = name.rsplit_once('.') else {
        return false;
    };
    let ending = ending.trim();
    let is_near = ["policy", "policies"].contains(&ending)
        || ending.starts_with('p') && nearest(ending, ["policy"]).is_some();
    // A backup (`main.policy~`) is as near as a slip.
    let is_word = ending.chars().all(|c| c.is_alphabetic() || !c.is_ascii());
    !stem.trim().is_empty() && is_near && is_word
}

/// Whether a name is that of a copy: then what it is a copy of, if that is there. Names of what is there are
/// found in whatever case they are written.
fn copy_of(
    name: &str,
    is_file: bool,
    there: impl Fn(&str) -> Option<String>,
) -> Option<Option<String>> {
    let stem = match is_file {
        true => name.strip_suffix(ENDING)?,
        false => name,
    };
    let mut is_certain = false;
    let mut left = vec![stem];
    // What a copy of a copy is called may be taken apart further.
    for at in 0..MAX_PARTS {
        let Some(stem) = left.get(at).copied() else {
            break;
        };
        let found = originals(stem);
        is_certain |= found.is_certain && at == 0;
        for original in found.names {
            let original = original.trim();
            let original = original.strip_suffix(ENDING).unwrap_or(original);
            if original.is_empty() || left.contains(&original) {
                continue;
            }
            let whole = match is_file {
                true => format!("{original}{ENDING}"),
                false => original.to_owned(),
            };
            if let Some(whole) = there(&whole) {
                return Some(Some(whole));
            }
            left.push(original);
        }
    }
    is_certain.then_some(None)
}

/// What `git mergetool` puts between a name and a number.
const MERGED: &[&str] = &[
    "_BACKUP_", "_BASE_", "_LOCAL_", "_REMOTE_", ".BACKUP.", ".BASE.", ".LOCAL.", ".REMOTE.",
];

/// How many names are taken apart to find what one is a copy of.
const MAX_PARTS: usize = 16;

#[derive(Default)]
struct Originals<'a> {
    names: Vec<&'a str>,
    /// Nobody but a program that makes copies writes such a name.
    is_certain: bool,
}

/// What a name is that of a copy of, as far as the name tells.
fn originals(stem: &str) -> Originals<'_> {
    let mut found = Originals::default();
    let lower = stem.to_ascii_lowercase();
    let before = |at: usize| stem.get(..at).unwrap_or_default();
    let behind = |at: usize| stem.get(at..).unwrap_or_default();
    // Syncthing: `main.sync-conflict-20260102-030405-ABCDEFG`.
    if let Some(at) = lower.find(".sync-conflict-") {
        found.names.push(before(at));
        found.is_certain = true;
    }
    // Nextcloud, Dropbox, Seafile: `main (conflicted copy 2026-01-02)`, `main (Ann's conflicted copy)`.
    if let Some(at) = lower.find('(') {
        let inside = behind(at).to_ascii_lowercase();
        found.names.push(before(at));
        found.is_certain |= inside.contains("conflict") && inside.ends_with(')');
    }
    // ownCloud: `main_conflict-20260102-030405`; Synology: `main_NAS_Jan-02_Conflict`.
    for mark in [
        "_conflict-",
        "-conflict-",
        ".conflict-",
        "_conflict",
        "-conflict",
        ".conflict",
    ] {
        if let Some(at) = lower.find(mark) {
            found.names.push(before(at));
            let digits = behind(at + mark.len())
                .bytes()
                .take_while(u8::is_ascii_digit);
            found.is_certain |= digits.count() >= 6;
            found
                .names
                .extend(lower.match_indices('_').map(|(at, _)| before(at)));
        }
    }
    // git mergetool: `main_BACKUP_1234`, of old `main.policy.BACKUP.1234`.
    for mark in MERGED {
        if let Some((name, number)) = stem.rsplit_once(mark)
            && !number.is_empty()
            && number.bytes().all(|byte| byte.is_ascii_digit())
        {
            found.names.push(name);
            found.is_certain = true;
        }
    }
    for word in WORDS {
        // `old-main`, `Copy of main`, `Copy (2) of main`, `Kopie von main`.
        if let Some(rest) = lower.strip_prefix(word)
            && rest.starts_with(['-', '_', '.', ' '])
        {
            found.names.push(behind(word.len() + 1));
            for of in [" of ", " von ", " de ", " di ", " van "] {
                let at = rest.find(of).map(|at| word.len() + at + of.len());
                found.names.extend(at.map(behind));
            }
        }
        // `main.old`, `main-backup2`, `main - Copy`.
        let numbered = lower.trim_end_matches(|c: char| c.is_ascii_digit());
        let numbered = numbered
            .strip_suffix(['-', '_', '.', ' '])
            .unwrap_or(numbered);
        for end in [lower.as_str(), numbered] {
            if let Some(rest) = end.strip_suffix(word)
                && rest.ends_with(['-', '_', '.', ' '])
            {
                let rest = rest.trim_end_matches(['-', '_', '.', ' ']);
                found.names.push(before(rest.len()));
            }
        }
    }
    // `main~`, `main 2`, `main-2026-01-02`, `main.20260102`.
    found.names.extend(stem.strip_suffix('~'));
    let digits = |c: char| c.is_ascii_digit();
    let name = stem.trim_end_matches(digits);
    if name.ends_with(' ') && name.len() < stem.len() {
        found.names.push(name);
    }
    let name = stem
        .trim_end_matches(|c: char| c.is_ascii_digit() || ['-', '_', '.', 'T', ':'].contains(&c));
    let date: String = behind(name.len())
        .chars()
        .filter(char::is_ascii_digit)
        .collect();
    if name.len() < stem.len()
        && date.len() >= 8
        && (date.starts_with("19") || date.starts_with("20"))
    {
        found.names.push(name);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_meant_as_policies() {
        for name in [
            "Block.POLICY",
            "Block.Policy",
            "block.policy.txt",
            "Block.Policy.TXT",
            "block.policy ",
            "block.policy.",
            "block. policy",
            "block.polciy",
            "block.plicy",
            "block.policies",
            "block.policy\u{200b}",
            "block.p\u{43e}licy",
            "a.b.POLICY",
        ] {
            assert!(is_meant_as_policy(name), "{name:?}");
        }
        for name in [
            "README.md",
            "policy",
            "policy.md",
            "policy.txt",
            "oncall.yaml",
            "main.policy~",
            "main.policy.bak",
            "main.policy.orig",
            "main.policy.old",
            "main.policy.disabled",
            "main.policy.rpmnew",
            "main.policy.tmp",
            "main.policy.swp",
            "main.policy.sample",
            "main.policy.yaml",
            "main.policy.sha256",
            "main.policy.1",
            "main.policy2",
            "main.py",
            "main.pol",
            "notes.txt",
            "POLICY",
            "",
            ".",
        ] {
            assert!(!is_meant_as_policy(name), "{name:?}");
        }
    }

    /// What a file is a copy of where `main.policy` lies beside it.
    fn beside_main(name: &str) -> Option<Option<String>> {
        let main = "main.policy";
        copy_of(name, true, |other| {
            other.eq_ignore_ascii_case(main).then(|| main.to_owned())
        })
    }

    #[test]
    fn names_of_copies() {
        for name in [
            "main.sync-conflict-20261130-101112-ABCDEFG.policy",
            "main (conflicted copy 2026-11-30 101112).policy",
            "main (Ann's conflicted copy 2026-11-30).policy",
            "main (Case Conflict).policy",
            "main (SFConflict ann@x.org 2026-11-30-10-11-12).policy",
            "main_conflict-20261130-101112.policy",
            "main_NAS_Nov-30-101112-2026_Conflict.policy",
            "main_BACKUP_1234.policy",
            "main_BASE_1234.policy",
            "main_LOCAL_1234.policy",
            "main_REMOTE_1234.policy",
            "main.policy.BACKUP.1234.policy",
            "old-main.policy",
            "old_main.policy",
            "Old-Main.policy",
            "main-old.policy",
            "main.old.policy",
            "main_old2.policy",
            "main.policy.old.policy",
            "main.bak.policy",
            "main-backup.policy",
            "main.orig.policy",
            "main~.policy",
            "main (1).policy",
            "main(1).policy",
            "main 2.policy",
            "main copy.policy",
            "main copy 2.policy",
            "main - Copy.policy",
            "main - Copy (2).policy",
            "main - Kopie.policy",
            "Copy of main.policy",
            "Copy (2) of main.policy",
            "Kopie von main.policy",
            "main-2026-11-30.policy",
            "main.20261130.policy",
            "main_20261130-1011.policy",
            "main-2026-11-30T10:11.policy",
        ] {
            let original = beside_main(name);
            assert_eq!(original, Some(Some("main.policy".into())), "{name}");
        }
        let is_alone = |name| copy_of(name, true, |_| None);
        for name in [
            "x.sync-conflict-20261130-101112-ABCDEFG.policy",
            "x (conflicted copy 2026-11-30).policy",
            "x_conflict-20261130-101112.policy",
            "x_BACKUP_1234.policy",
        ] {
            assert_eq!(is_alone(name), Some(None), "{name}");
        }
    }

    #[test]
    fn names_of_no_copies() {
        for name in [
            "main.policy",
            "maintenance.policy",
            "main-2.policy",
            "main2.policy",
            "main-guests.policy",
            "remain.policy",
            "olden-main.policy",
            "old.policy",
            "backup.policy",
            "backup-bots.policy",
            "old-staff.policy",
            "staff-old.policy",
            "staff (1).policy",
            "users_local_2.policy",
            "users_LOCAL_.policy",
            "rooms-2026.policy",
            "conflict-room.policy",
            "no-conflict.policy",
            "copyright.policy",
            "save-the-date.policy",
            "(1).policy",
            "~.policy",
            "2026-11-30.policy",
            "main@old.policy",
            ".policy",
        ] {
            assert_eq!(beside_main(name), None, "{name}");
        }
    }

    #[test]
    fn folders_may_be_copies_too() {
        let site = |name: &str| (name == "site").then(|| name.to_owned());
        let found = Some(Some("site".to_owned()));
        assert_eq!(copy_of("site.old", false, site), found);
        assert_eq!(copy_of("site - Copy", false, site), found);
        assert_eq!(copy_of("sites", false, site), None);
    }
}
