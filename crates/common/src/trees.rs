//! Copies whole folders, durably.

use std::ffi::OsString;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use crate::{files, sparse};

/// Copies the content of a folder into another one, which is made if it is missing, and waits for
/// the disk. `leave_out` is asked for each path, relative to the folder. Symbolic links are copied
/// as links, and holes of files as holes. Left out are temporary files of [`files::replace`], files that vanish meanwhile, and
/// what is neither a file, a folder nor a link.
///
/// # Errors
/// An error of the file system. What was copied by then stays.
pub fn copy(from: &Path, to: &Path, leave_out: &dyn Fn(&Path) -> bool) -> io::Result<()> {
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        fs::create_dir_all(to.join(&folder))?;
        let entries = match fs::read_dir(from.join(&folder)) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound && folder != PathBuf::new() => {
                continue;
            }
            Err(error) => return Err(error),
        };
        for entry in entries {
            let name: OsString = entry?.file_name();
            let shown = name.to_string_lossy();
            let path = folder.join(&name);
            if leave_out(&path) || (shown.starts_with('.') && shown.ends_with(".tmp")) {
                continue;
            }
            match copy_one(&from.join(&path), &to.join(&path)) {
                Ok(true) => folders.push(path),
                Ok(false) => {}
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        files::sync_folder(&to.join(&folder))?;
    }
    Ok(())
}

/// Copies a file or a link. Returns whether it is a folder, which is not copied.
fn copy_one(from: &Path, to: &Path) -> io::Result<bool> {
    let kind = fs::symlink_metadata(from)?.file_type();
    if kind.is_dir() {
        return Ok(true);
    }
    if kind.is_symlink() {
        copy_link(from, to)?;
    } else if kind.is_file() {
        sparse::copy(from, to)?.sync_all()?;
    }
    Ok(false)
}

#[cfg(unix)]
fn copy_link(from: &Path, to: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(fs::read_link(from)?, to)
}

#[cfg(not(unix))]
fn copy_link(from: &Path, _to: &Path) -> io::Result<()> {
    Err(io::Error::new(
        ErrorKind::Unsupported,
        format!("{} is a link, which cannot be copied here", from.display()),
    ))
}

/// The files below a folder, as paths relative to it, in the order of their names. Links are not
/// followed and not listed.
///
/// # Errors
/// An error of the file system.
pub fn list(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let (mut found, mut folders) = (Vec::new(), vec![PathBuf::new()]);
    while let Some(below) = folders.pop() {
        for entry in fs::read_dir(folder.join(&below))? {
            let entry = entry?;
            let (kind, path) = (entry.file_type()?, below.join(entry.file_name()));
            if kind.is_dir() {
                folders.push(path);
            } else if kind.is_file() {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_copied_but_what_is_left_out() {
        let place = tempfile::tempdir().expect("a temporary folder");
        let (from, to) = (place.path().join("from"), place.path().join("to"));
        fs::create_dir_all(from.join("a/b")).expect("made");
        fs::create_dir_all(from.join("cache/deep")).expect("made");
        for name in [
            "one",
            "a/two",
            "a/b/three",
            "cache/deep/four",
            ".x.1.tmp",
            "lock",
        ] {
            fs::write(from.join(name), name).expect("written");
        }
        let leave_out = |path: &Path| [Path::new("cache"), Path::new("lock")].contains(&path);
        copy(&from, &to, &leave_out).expect("copied");
        let found = list(&to).expect("listed");
        assert_eq!(found, ["a/b/three", "a/two", "one"].map(PathBuf::from));
        assert_eq!(fs::read(to.join("a/b/three")).expect("read"), b"a/b/three");
        assert!(copy(&place.path().join("missing"), &to, &|_| false).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn links_are_copied_as_links_and_circles_end() {
        let place = tempfile::tempdir().expect("a temporary folder");
        let (from, to) = (place.path().join("from"), place.path().join("to"));
        fs::create_dir_all(&from).expect("made");
        std::os::unix::fs::symlink(&from, from.join("circle")).expect("linked");
        copy(&from, &to, &|_| false).expect("copied");
        assert_eq!(fs::read_link(to.join("circle")).expect("a link"), from);
        assert!(list(&to).expect("listed").is_empty());
    }
}
