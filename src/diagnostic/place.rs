//! Where a file lies, as the services name it that take a report: seen from the working directory, which
//! is the repository's folder there.
//!
//! Law: never empty. Whoever joins a relative path with the working directory is at the file.

use std::env;
use std::fs;
use std::path::{Component, Path, PathBuf};

/// A path from the working directory if it lies below, `.` for itself; else the whole path.
pub(super) fn from_here(path: &Path) -> PathBuf {
    match env::current_dir() {
        Ok(here) => below(&here, path),
        Err(_) => plain(path),
    }
}

fn below(here: &Path, path: &Path) -> PathBuf {
    let is_outside =
        path.is_absolute() || path.components().any(|part| part == Component::ParentDir);
    if !is_outside {
        return plain(path);
    }
    let whole = here.join(path);
    let as_written = whole.strip_prefix(here).ok().filter(|path| !leaves(path));
    if let Some(path) = as_written {
        return plain(path);
    }
    // What `..` leads to behind a link is known to the system alone.
    let (folder, name) = match (whole.parent(), whole.file_name()) {
        (Some(folder), Some(name)) => (folder, Path::new(name)),
        _ => (whole.as_path(), Path::new("")),
    };
    let Ok(folder) = fs::canonicalize(folder) else {
        return plain(&whole);
    };
    let real = folder.join(name);
    let here = fs::canonicalize(here);
    let inside = here
        .ok()
        .and_then(|here| real.strip_prefix(here).ok().map(plain));
    inside.unwrap_or_else(|| plain(&real))
}

fn leaves(path: &Path) -> bool {
    path.components().any(|part| part == Component::ParentDir)
}

/// A path without `.` in it, that says something.
fn plain(path: &Path) -> PathBuf {
    let parts = path.components();
    let plain: PathBuf = parts.filter(|part| *part != Component::CurDir).collect();
    match plain.as_os_str().is_empty() {
        true => PathBuf::from("."),
        false => plain,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_seen_from_the_working_directory() {
        let folder = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(folder.path()).unwrap();
        let here = root.join("here");
        fs::create_dir_all(here.join("p")).unwrap();
        fs::create_dir_all(root.join("beside")).unwrap();
        let seen = |path: &str| below(&here, Path::new(&path.replace('~', root.to_str().unwrap())));
        for (path, wanted) in [
            ("p/a.policy", "p/a.policy"),
            ("./p//./a.policy", "p/a.policy"),
            (".", "."),
            ("~/here", "."),
            ("~/here/p/a.policy", "p/a.policy"),
            ("p/../a.policy", "a.policy"),
            ("../here/p/a.policy", "p/a.policy"),
        ] {
            assert_eq!(seen(path), Path::new(wanted), "{path}");
        }
        assert_eq!(seen("../beside/a.policy"), root.join("beside/a.policy"));
        assert_eq!(seen("/nowhere/a.policy"), Path::new("/nowhere/a.policy"));
    }

    #[cfg(unix)]
    #[test]
    fn a_link_to_the_working_directory_is_the_working_directory() {
        let folder = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(folder.path()).unwrap();
        fs::create_dir(root.join("here")).unwrap();
        std::os::unix::fs::symlink("here", root.join("link")).unwrap();
        let path = root.join("link/a.policy");
        assert_eq!(below(&root.join("here"), &path), Path::new("a.policy"));
    }
}
