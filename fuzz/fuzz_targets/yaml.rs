//! Any bytes as a directory file and as a group file: no panic, no long wait, faults in their place.
#![no_main]

use libfuzzer_sys::fuzz_target;
use presence_router::directory::Directory;
use presence_router::error::Error;

#[path = "../budget.rs"]
#[allow(dead_code)]
mod budget;

use budget::{check_load, folder, load_text, within_budget};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(text) = std::str::from_utf8(bytes) {
        let directory = within_budget(text.len(), || Directory::from_yaml("facts.yaml", text));
        match directory {
            Ok(directory) => {
                for room in directory.room_names() {
                    assert!(room.starts_with(['!', '#']), "{room:?}");
                }
            }
            Err(Error::Directory { line, column, message, .. }) => {
                assert!(line > 0 && column > 0 && !message.is_empty());
                assert!(line <= text.matches('\n').count() + 2, "{line}");
            }
            Err(other) => panic!("{other}"),
        }
    }
    let path = folder().join("group.yaml");
    std::fs::write(&path, bytes).unwrap();
    let policy = format!("group g from \"{}\"\nsend all to group g\n", path.display());
    within_budget(bytes.len(), || check_load(&load_text(&policy)));
});
