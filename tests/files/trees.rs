//! Random trees of folders, links, names and modes that change while a policy is in force. What is read is all
//! that is there by a slow walk of the test's own, which follows each way to everything; or what cannot be
//! read is named, all of it and nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::fs::{self, Permissions};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use presence_router::diagnostic::Report;
use presence_router::router::{Reload, Router, Snapshot};

/// Names of every kind: policies, folders, hidden ones, other files; bytes that are no UTF-8.
const NAMES: &[&[u8]] = &[
    b"a.policy",
    b"b.policy",
    b"caf\xe9.policy",
    b"caf\xe8.policy",
    b"caf\\xe9.policy",
    b"old-a.policy",
    b"A.POLICY",
    b".hidden.policy",
    b".hidden",
    b"d",
    b"d-",
    b"d~",
    b"\xff",
    b"site",
    b"x.policy",
    b"README.md",
    b"lost+found",
];

/// What links may lead to, besides what was made.
const TARGETS: &[&str] = &[
    "..",
    ".",
    "../..",
    "gone",
    "d",
    "../d",
    "site",
    "a.policy",
    "../b.policy",
    "d/a.policy",
    "../out",
    "../../out/d",
    ".hidden",
    "/dev/null",
    "x.policy",
];

/// Pseudo-random numbers, the same in every run.
struct Chance(u64);

impl Chance {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        usize::try_from(self.0 >> 33).unwrap() % n
    }
}

/// What a file or folder is, by device and number.
type Id = (u64, u64);

fn id(meta: &fs::Metadata) -> Id {
    (meta.dev(), meta.ino())
}

/// What a slow walk finds.
#[derive(Default, Debug)]
struct There {
    /// The best name of each file: names without links first, then bytes.
    files: BTreeMap<Id, (bool, OsString)>,
    /// What cannot be read: a name in a folder, or a folder as a whole.
    faults: BTreeSet<(Id, OsString)>,
}

impl There {
    /// Goes every way there is; a circle ends where a folder is in itself. `way` are the folders above.
    fn walk(&mut self, root: &Path, below: &OsStr, linked: bool, way: &mut Vec<Id>) {
        let folder = root.join(below);
        let own = id(&fs::metadata(&folder).unwrap());
        if way.contains(&own) {
            return;
        }
        let Ok(entries) = fs::read_dir(&folder) else {
            self.fault(&folder);
            return;
        };
        way.push(own);
        for entry in entries {
            let entry = entry.unwrap();
            let name = entry.file_name();
            let bytes = name.as_bytes();
            if bytes[0] == b'.'
                || (below.is_empty() && bytes == b"lost+found" && is_real_dir(&entry))
            {
                continue;
            }
            let kind = entry.file_type().unwrap();
            if kind.is_file() && !bytes.ends_with(b".policy") {
                continue;
            }
            let path = entry.path();
            let below = Path::new(below).join(&name).into_os_string();
            let linked = linked || kind.is_symlink();
            match fs::metadata(&path) {
                Ok(meta) if meta.is_dir() => self.walk(root, &below, linked, way),
                Ok(_) if !bytes.ends_with(b".policy") => {}
                Ok(meta) if meta.is_file() && fs::File::open(&path).is_ok() => {
                    let best = self
                        .files
                        .entry(id(&meta))
                        .or_insert((linked, below.clone()));
                    *best = std::mem::take(best).min((linked, below));
                }
                Ok(_) => self.fault(&path),
                // Not even its name can be looked up.
                Err(_) if fs::symlink_metadata(&path).is_err() => self.fault(&folder),
                Err(_) => self.fault(&path),
            }
        }
        way.pop();
    }

    /// Wherever it is reached from, a place is that of a name in a folder.
    fn fault(&mut self, path: &Path) {
        self.faults.insert(place(path));
    }
}

fn is_real_dir(entry: &fs::DirEntry) -> bool {
    entry.file_type().unwrap().is_dir()
}

/// A folder or a file as itself, and anything else as a name in a folder.
fn place(path: &Path) -> (Id, OsString) {
    match fs::metadata(path) {
        Ok(meta) if meta.is_dir() || meta.is_file() => (id(&meta), OsString::new()),
        _ => {
            let folder = fs::metadata(path.parent().unwrap()).unwrap();
            (id(&folder), path.file_name().unwrap().to_owned())
        }
    }
}

fn there(root: &Path) -> There {
    let mut there = There::default();
    there.walk(root, OsStr::new(""), false, &mut Vec::new());
    there
}

/// The paths of the files that rules were read from.
fn read(snapshot: &Snapshot) -> Vec<PathBuf> {
    let rules = snapshot.policy().rules.iter();
    let source = |span: presence_router::source::Span| snapshot.sources().get(span.source).unwrap();
    rules
        .map(|rule| source(rule.span).path().unwrap().to_owned())
        .collect()
}

fn holds(root: &Path, there: &There, snapshot: &Snapshot, history: &str) {
    let mut wanted: Vec<OsString> = there.files.values().map(|(_, name)| name.clone()).collect();
    wanted.sort();
    let found = read(snapshot);
    let found = found
        .iter()
        .map(|path| path.strip_prefix(root).unwrap().as_os_str());
    assert_eq!(found.collect::<Vec<_>>(), wanted, "{history}");
    assert!(there.faults.is_empty(), "{history}: {there:?}");
}

fn fails(root: &Path, there: &There, report: &Report, history: &str) {
    let mut named = BTreeSet::new();
    for problem in report.problems() {
        if problem.level() != presence_router::diagnostic::Level::Error {
            continue;
        }
        assert_eq!(
            problem.name.as_str(),
            "unreadable-file",
            "{history}: {report}"
        );
        let path = report
            .sources()
            .get(problem.span.source)
            .unwrap()
            .path()
            .unwrap();
        assert!(named.insert(place(path)), "{history}: twice: {report}");
    }
    if there.files.is_empty() && there.faults.is_empty() {
        assert_eq!(
            named.into_iter().collect::<Vec<_>>(),
            [place(root)],
            "{history}"
        );
    } else {
        assert_eq!(named, there.faults, "{history}: {report}");
    }
}

/// A tree that grows and is changed.
struct Tree {
    /// The policy's folder, and one beside it.
    roots: [PathBuf; 2],
    folders: Vec<PathBuf>,
    files: Vec<PathBuf>,
    /// Links and sockets.
    odd: Vec<PathBuf>,
    made: usize,
}

impl Tree {
    /// One change, and what it is in words.
    fn change(&mut self, chance: &mut Chance) -> String {
        let folder = self.folders[chance.below(self.folders.len())].clone();
        let path = folder.join(OsStr::from_bytes(NAMES[chance.below(NAMES.len())]));
        match chance.below(14) {
            0..=2 => {
                self.made += 1;
                let rule = format!("@s{0}:x sees @r{0}:x\n", self.made);
                if fs::symlink_metadata(&path).is_err() && fs::write(&path, rule).is_ok() {
                    self.files.push(path.clone());
                }
            }
            3 | 4 => {
                if fs::create_dir(&path).is_ok() {
                    self.folders.push(path.clone());
                }
            }
            5 | 6 => {
                let target = TARGETS[chance.below(TARGETS.len())];
                if symlink(target, &path).is_ok() {
                    self.odd.push(path.clone());
                }
                return format!("{path:?} -> {target}; ");
            }
            7 if !self.files.is_empty() => {
                let target = &self.files[chance.below(self.files.len())];
                if symlink(target, &path).is_ok() {
                    self.odd.push(path.clone());
                }
                return format!("{path:?} -> {target:?}; ");
            }
            8 if !self.files.is_empty() => {
                let target = &self.files[chance.below(self.files.len())];
                let _ = fs::hard_link(target, &path);
                return format!("{path:?} = {target:?}; ");
            }
            9 => {
                if UnixListener::bind(&path).is_ok() {
                    self.odd.push(path.clone());
                }
                return format!("socket {path:?}; ");
            }
            10..=12 => {
                let mut gone = String::new();
                let list = match chance.below(4) {
                    0 => &mut self.files,
                    _ => &mut self.odd,
                };
                if !list.is_empty() {
                    let path = list.swap_remove(chance.below(list.len()));
                    let _ = fs::remove_file(&path);
                    gone = format!("without {path:?}; ");
                }
                return gone;
            }
            _ => {
                let modes = [0o755, 0o000, 0o444, 0o111, 0o644, 0o755];
                let mode = modes[chance.below(modes.len())];
                let of = fs::symlink_metadata(&path);
                if !self.roots.contains(&path)
                    && of.is_ok_and(|meta| meta.is_dir() || meta.is_file())
                {
                    let _ = fs::set_permissions(&path, Permissions::from_mode(mode));
                }
                return format!("{mode:o} {path:?}; ");
            }
        }
        format!("{path:?}; ")
    }
}

fn lives(seed: u64, steps: usize, told: &mut [usize; 3]) {
    let mut chance = Chance(seed);
    let folder = tempfile::tempdir().unwrap();
    // So deep that no link leads out of it.
    let base = folder.path().join("one/two");
    let roots = [base.join("p"), base.join("out")];
    for root in &roots {
        fs::create_dir_all(root).unwrap();
    }
    let main = roots[0].join("main.policy");
    fs::write(&main, "@s:x sees @r:x\n").unwrap();
    let mut tree = Tree {
        folders: roots.to_vec(),
        files: vec![main],
        odd: Vec::new(),
        made: 0,
        roots,
    };
    let root = tree.roots[0].clone();
    let router = Router::load(super::origin(&root)).unwrap();
    let mut history = String::new();
    let mut was_kept = false;
    for _ in 0..steps {
        for _ in 0..=chance.below(2) {
            history += &tree.change(&mut chance);
        }
        let there = there(&root);
        match Router::load(super::origin(&root)) {
            Ok(router) => holds(&root, &there, &router.snapshot(), &history),
            Err(report) => fails(&root, &there, &report, &history),
        }
        match router.reload() {
            Reload::Loaded { .. } => {
                holds(&root, &there, &router.snapshot(), &history);
                (told[0], was_kept) = (told[0] + 1, false);
            }
            Reload::Kept { report, .. } => {
                fails(&root, &there, &report, &history);
                (told[1], was_kept) = (told[1] + 1, true);
            }
            Reload::Unchanged if was_kept => {
                assert!(!there.faults.is_empty() || there.files.is_empty())
            }
            Reload::Unchanged => {
                holds(&root, &there, &router.snapshot(), &history);
                told[2] += 1;
            }
        }
    }
    for folder in &tree.folders {
        let _ = fs::set_permissions(folder, Permissions::from_mode(0o755));
    }
}

#[test]
fn what_is_read_is_all_that_is_there_or_an_error() {
    let mut told = [0; 3];
    for seed in 0..120 {
        lives(seed, 30, &mut told);
    }
    let [loaded, kept, unchanged] = told;
    assert!(
        loaded > 150 && kept > 150 && unchanged > 150,
        "{loaded} {kept} {unchanged}"
    );
}
