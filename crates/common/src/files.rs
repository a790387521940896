//! Files that are never seen half written.
//!
//! A file is replaced in three steps: the content goes to a new file in the same folder, that file
//! is synced, and it takes the old file's name. A rename is durable only after its folder was
//! synced, too.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;

use tempfile::{Builder, NamedTempFile};

/// Replaces a file's content. After a kill or a power cut the file has its old or its new content,
/// never a part of one. When this returns, the new content outlasts a power cut.
///
/// # Errors
/// Whatever the file system says; the old content stays.
pub fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let file = write_beside(path, content)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    sync_folder(folder_of(path))
}

/// Like [`replace`], for content that is written piece by piece.
///
/// # Errors
/// Whatever the file system or `content` says; the old content stays.
pub fn replace_with(
    path: &Path,
    content: impl FnOnce(&mut BufWriter<&File>) -> io::Result<()>,
) -> io::Result<()> {
    let file = write_beside(path, b"")?;
    let mut writer = BufWriter::new(file.as_file());
    content(&mut writer)?;
    writer.flush()?;
    drop(writer);
    file.as_file().sync_all()?;
    file.persist(path)?;
    sync_folder(folder_of(path))
}

/// A file without a name on the same disk, which is gone when it is closed.
///
/// # Errors
/// Whatever the file system says.
pub fn unnamed_beside(path: &Path) -> io::Result<File> {
    tempfile::tempfile_in(folder_of(path))
}

/// Like [`replace`], but does not wait for the disk. A kill does no harm; after a power cut the
/// file may be empty or damaged. For many files that can be made again.
///
/// # Errors
/// Whatever the file system says; the old content stays.
pub fn replace_without_sync(path: &Path, content: &[u8]) -> io::Result<()> {
    write_beside(path, content)?.persist(path)?;
    Ok(())
}

/// Gives a file that was written and synced another name in the same folder, durably.
///
/// # Errors
/// Whatever the file system says.
pub fn rename(from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to)?;
    sync_folder(folder_of(to))
}

/// Makes renames and new files in a folder outlast a power cut.
///
/// # Errors
/// Whatever the file system says.
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    // Windows cannot sync folders; there the rename itself is all there is.
    if cfg!(unix) {
        File::open(folder)?.sync_all()
    } else {
        Ok(())
    }
}

/// Removes the new files that [`replace`] leaves in a folder when it is killed.
///
/// # Errors
/// Whatever the file system says.
pub fn remove_leftovers(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with('.') && name.ends_with(".tmp") {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// Removes a folder and everything in it; one that does not exist is fine.
///
/// # Errors
/// Whatever the file system says.
pub fn remove_folder(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Finds out whether files can be written in a folder, by writing one and removing it.
///
/// # Errors
/// Why none can be written.
pub fn check_writable(folder: &Path) -> io::Result<()> {
    write_beside(&folder.join("probe"), b"probe")?.close()
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    }
}

/// A new file in the same folder, which is removed when it is dropped.
fn write_beside(path: &Path, content: &[u8]) -> io::Result<NamedTempFile> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let prefix = format!(".{name}.");
    let mut builder = Builder::new();
    builder.prefix(&prefix).suffix(".tmp");
    // The umask decides who may read the file, as for any other file.
    #[cfg(unix)]
    builder.permissions(<fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o666));
    let mut file = builder.tempfile_in(folder_of(path))?;
    file.write_all(content)?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        fs::read_dir(folder)
            .expect("a folder")
            .map(|entry| {
                entry
                    .expect("an entry")
                    .file_name()
                    .to_string_lossy()
                    .into_owned()
            })
            .collect()
    }

    #[test]
    fn content_is_replaced_whole_and_nothing_is_left_over() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("collection.json");
        for write in [replace, replace_without_sync] {
            write(&path, b"first, and longer").expect("written");
            write(&path, b"second").expect("written again");
            assert_eq!(fs::read(&path).expect("there"), b"second");
            assert_eq!(names(folder.path()), ["collection.json"]);
        }
    }

    #[test]
    fn a_failed_replacement_keeps_the_old_content_and_leaves_nothing() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("is_a_folder");
        fs::create_dir_all(path.join("full")).expect("made");
        for write in [replace, replace_without_sync] {
            write(&path, b"content").expect_err("a folder is in the way");
            assert_eq!(names(folder.path()), ["is_a_folder"]);
        }
    }

    #[test]
    fn leftovers_of_a_killed_writer_are_removed_and_other_files_stay() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("collection.json");
        replace(&path, b"content").expect("written");
        let left = write_beside(&path, b"half").expect("written");
        left.keep().expect("kept, as after a kill");
        assert_eq!(names(folder.path()).len(), 2);
        remove_leftovers(folder.path()).expect("removed");
        assert_eq!(names(folder.path()), ["collection.json"]);
    }

    #[test]
    fn a_check_of_a_folder_leaves_nothing_and_reports_why_it_cannot_be_written() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        check_writable(folder.path()).expect("writable");
        assert!(names(folder.path()).is_empty());
        let missing = check_writable(&folder.path().join("missing"));
        assert_eq!(
            missing.expect_err("missing").kind(),
            io::ErrorKind::NotFound
        );
    }

    #[cfg(unix)]
    #[test]
    fn a_new_file_has_the_rights_that_the_umask_leaves() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mode = |name: &str| {
            let file = folder.path().join(name);
            fs::metadata(file).expect("there").permissions().mode()
        };
        fs::write(folder.path().join("by std"), b"").expect("written");
        replace(&folder.path().join("by us"), b"").expect("written");
        assert_eq!(mode("by us"), mode("by std"));
    }
}
