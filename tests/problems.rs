//! What bad texts get: each file or folder in `tests/bad` beside the report that it must give.
//!
//! After a change that is meant, `INSTA_UPDATE=always cargo test --test problems` writes them anew;
//! read what changed.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::path::Path;

use presence_router::id::ServerName;
use presence_router::router::{Origin, Router};

fn report(path: &Path, homeserver: Option<&str>) -> String {
    let homeserver = homeserver.map(|name| ServerName::parse(name).unwrap());
    let origin = Origin {
        path: Some(path.to_owned()),
        inline: Vec::new(),
        homeserver,
    };
    let report = Router::load(origin)
        .err()
        .map_or(String::new(), |report| report.to_string());
    report.replace(&path.display().to_string(), "POLICY")
}

#[test]
fn bad_texts_get_their_reports() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bad");
    let mut names: Vec<_> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|e| e.unwrap().path())
        .collect();
    names.sort();
    names.retain(|path| path.is_dir() || path.extension().is_some_and(|e| e == "policy"));
    assert!(!names.is_empty());
    for path in names {
        let name = path.file_stem().unwrap().to_str().unwrap();
        let homeserver = (!name.starts_with("missing_server")).then_some("example.org");
        let mut settings = insta::Settings::clone_current();
        settings.set_snapshot_path(&folder);
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        settings.bind(|| insta::assert_snapshot!(name, report(&path, homeserver)));
    }
}
