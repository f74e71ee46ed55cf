//! Reload: a whole new policy, or the old one and the reason. Each test waits for what it is told,
//! with a limit.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use presence_router::directory::Directory;
use presence_router::router::{Origin, Reload, Router};
use presence_router::watch::Watcher;

const LIMIT: Duration = Duration::from_secs(10);

fn load(path: &Path) -> Arc<Router> {
    let origin = Origin {
        path: Some(path.to_owned()),
        ..Origin::default()
    };
    Arc::new(Router::load(origin).unwrap_or_else(|report| panic!("{report}")))
}

fn watch(router: &Arc<Router>) -> (Watcher, Receiver<Reload>) {
    let (tell, told) = channel();
    let watcher = router.watch(move |reload| tell.send(reload).unwrap_or_default());
    (watcher, told)
}

fn recipients(router: &Router, sender: &str) -> Vec<String> {
    let found = router
        .snapshot()
        .recipients_of(&Directory::new(None), sender);
    found.iter().map(ToString::to_string).collect()
}

/// As editors save: a new file, renamed over the old one.
fn save(path: &Path, text: &str) {
    let new = path.with_extension("new");
    fs::write(&new, text).unwrap();
    fs::rename(&new, path).unwrap();
}

fn loaded(told: &Receiver<Reload>) -> u64 {
    match told.recv_timeout(LIMIT).unwrap() {
        Reload::Loaded { generation, .. } => generation,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_good_edit_is_taken_a_bad_one_is_kept_out_and_the_next_good_one_works() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.policy");
    fs::write(&file, "server x.org\nsend all to @one\n").unwrap();
    let router = load(folder.path());
    let (_watcher, told) = watch(&router);
    let before = router.snapshot();

    save(&file, "server x.org\nsend all to @two\n");
    assert_eq!(loaded(&told), 2);
    assert_eq!(recipients(&router, "@s:x.org"), ["@two:x.org"]);
    // Who asked before goes on with what they had.
    let old = before.recipients_of(&Directory::new(None), "@s:x.org");
    assert_eq!(old[0].as_str(), "@one:x.org");

    fs::write(
        &file,
        "server x.org\nsnd all to @three\nblock group nobody\n",
    )
    .unwrap();
    match told.recv_timeout(LIMIT).unwrap() {
        Reload::Kept { generation, report } => {
            assert_eq!((generation, report.errors()), (2, 2), "{report}");
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(recipients(&router, "@s:x.org"), ["@two:x.org"]);

    save(&file, "server x.org\nsend all to @four\n");
    assert_eq!(loaded(&told), 3);
    assert_eq!(recipients(&router, "@s:x.org"), ["@four:x.org"]);

    // A second file is part of the same policy.
    save(&folder.path().join("b.policy"), "block @s\n");
    assert_eq!(loaded(&told), 4);
    assert!(recipients(&router, "@s:x.org").is_empty());
}

#[test]
fn group_files_are_followed_also_those_that_a_new_policy_names() {
    let folder = tempfile::tempdir().unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    let (file, list) = (
        folder.path().join("a.policy"),
        elsewhere.path().join("oncall.yaml"),
    );
    fs::write(&file, "server x.org\n").unwrap();
    fs::write(&list, "['@a']\n").unwrap();
    let router = load(&file);
    let (_watcher, told) = watch(&router);

    let text = format!(
        "server x.org\ngroup oncall from \"{}\"\nsend all to group oncall\n",
        list.display()
    );
    save(&file, &text);
    assert_eq!(loaded(&told), 2);
    save(&list, "['@b']\n");
    assert_eq!(loaded(&told), 3);
    assert_eq!(recipients(&router, "@s:x.org"), ["@b:x.org"]);

    // A file that goes away is a mistake, and its return is noticed.
    fs::remove_file(&list).unwrap();
    assert!(matches!(
        told.recv_timeout(LIMIT).unwrap(),
        Reload::Kept { .. }
    ));
    assert_eq!(recipients(&router, "@s:x.org"), ["@b:x.org"]);
    fs::write(&list, "['@c']\n").unwrap();
    assert_eq!(loaded(&told), 4);
    assert_eq!(recipients(&router, "@s:x.org"), ["@c:x.org"]);
}

#[cfg(unix)]
#[test]
fn a_configmap_swap_is_one_reload() {
    use std::os::unix::fs::symlink;

    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let version = |name: &str, text: &str| {
        fs::create_dir(root.join(name)).unwrap();
        fs::write(root.join(name).join("a.policy"), text).unwrap();
        symlink(name, root.join("..data_tmp")).unwrap();
        fs::rename(root.join("..data_tmp"), root.join("..data")).unwrap();
    };
    version("..v1", "send all to @one:x.org\n");
    symlink("..data/a.policy", root.join("a.policy")).unwrap();
    let router = load(root);
    let (_watcher, told) = watch(&router);
    for (number, name) in [(2, "two"), (3, "three")] {
        version(
            &format!("..v{number}"),
            &format!("send all to @{name}:x.org\n"),
        );
        assert_eq!(loaded(&told), number);
        assert_eq!(recipients(&router, "@s:x.org"), [format!("@{name}:x.org")]);
    }
}

#[test]
fn the_same_text_again_is_no_reload() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.policy");
    fs::write(&file, "send all to @one:x.org\n").unwrap();
    let router = load(&file);
    assert!(matches!(router.reload(), Reload::Unchanged));
    save(&file, "send all to @one:x.org\n");
    assert!(matches!(router.reload(), Reload::Unchanged));
    save(&file, "oops\n");
    assert!(matches!(
        router.reload(),
        Reload::Kept { generation: 1, .. }
    ));
    assert!(matches!(router.reload(), Reload::Unchanged));
    save(&file, "send all to @one:x.org\n");
    assert!(matches!(
        router.reload(),
        Reload::Loaded { generation: 2, .. }
    ));
}
