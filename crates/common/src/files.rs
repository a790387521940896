//! Atomic and durable file writes.
//!
//! A file is replaced in four steps: write the content to a temporary file in the same folder, sync
//! that file, rename it to the final name, and sync the folder, since a rename is durable only
//! after its folder is synced.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use tempfile::{Builder, NamedTempFile};

/// Replaces a file's content atomically and durably. After a kill or a power cut the file has
/// either its old or its new content. When this returns, the new content survives a power cut.
///
/// # Errors
/// An error of the file system. Unless only the last sync failed, the old content is unchanged.
pub fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let file = write_beside(path, content)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    sync_folder(folder_of(path))
}

/// Creates a file with this content atomically and durably. Returns `false` if the file exists; it
/// is not changed then.
///
/// # Errors
/// An error of the file system.
pub fn create(path: &Path, content: &[u8]) -> io::Result<bool> {
    let file = write_beside(path, content)?;
    file.as_file().sync_all()?;
    match file.persist_noclobber(path) {
        Ok(_) => sync_folder(folder_of(path)).map(|()| true),
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error.error),
    }
}

/// Replaces a file's content atomically, as [`replace`] does, with content that is written piece by
/// piece.
///
/// # Errors
/// Any error of the file system or of `content`; the old content stays.
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

/// A file that is written piece by piece and gets its name when it is whole. It is removed when this
/// is dropped; after a kill it stays in its folder, for [`remove_leftovers`].
#[derive(Debug)]
pub struct Unfinished {
    file: NamedTempFile,
    path: PathBuf,
}

impl Unfinished {
    /// Begins the file `path` in a folder of the same disk.
    ///
    /// # Errors
    /// An error of the file system.
    pub fn begin(folder: &Path, path: &Path) -> io::Result<Self> {
        Ok(Self {
            file: temporary_file(folder, path)?,
            path: path.to_owned(),
        })
    }

    /// Gives the file its name, atomically and durably. An older file of that name is replaced.
    ///
    /// # Errors
    /// An error of the file system. Unless only the last sync failed, the older file is unchanged.
    pub fn finish(self) -> io::Result<()> {
        self.file.as_file().sync_all()?;
        self.file.persist(&self.path)?;
        sync_folder(folder_of(&self.path))
    }
}

impl Write for Unfinished {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Opens a file, which is created if it is missing, and locks it. Returns `None` while another
/// process, or another part of this one, has the lock. The lock ends when the file is closed, so it
/// never outlives its process.
///
/// # Errors
/// An error of the file system.
pub fn open_locked(path: &Path) -> io::Result<Option<File>> {
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Creates a file without a name on the same disk. It is removed when it is closed.
///
/// # Errors
/// Any error of the file system.
pub fn unnamed_beside(path: &Path) -> io::Result<File> {
    tempfile::tempfile_in(folder_of(path))
}

/// Replaces a file's content atomically, but does not wait for the disk: after a power cut, unlike
/// after a kill, the file may be empty or damaged. For files that can be recreated.
///
/// # Errors
/// An error of the file system; the old content is unchanged.
pub fn replace_without_sync(path: &Path, content: &[u8]) -> io::Result<()> {
    write_beside(path, content)?.persist(path)?;
    Ok(())
}

/// Appends a line to a file, and waits for the disk. It is written in a single call, so that lines
/// of several processes do not mix.
///
/// # Errors
/// An error of the file system.
pub fn append_line(path: &Path, line: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .create(true)
        .append(true)
        .read(true)
        .open(path)?;
    let mut text = Vec::with_capacity(line.len() + 2);
    // A line that was cut off, by a full disk or a kill, must not swallow this one.
    if !ends_with_line(&mut file)? {
        text.push(b'\n');
    }
    text.extend_from_slice(line);
    text.push(b'\n');
    file.write_all(&text)?;
    file.sync_data()
}

/// Whether a file is empty or ends with a line break.
fn ends_with_line(file: &mut File) -> io::Result<bool> {
    if file.seek(SeekFrom::End(0))? == 0 {
        return Ok(true);
    }
    file.seek(SeekFrom::End(-1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    Ok(last == *b"\n")
}

/// Renames a file within its folder, durably. The file must be synced already.
///
/// # Errors
/// An error of the file system.
pub fn rename(from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to)?;
    sync_folder(folder_of(to))
}

/// Syncs a folder, so that its renames and new files survive a power cut.
///
/// # Errors
/// An error of the file system.
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    // Windows cannot sync folders.
    if cfg!(unix) {
        File::open(folder)?.sync_all()
    } else {
        Ok(())
    }
}

/// Removes the temporary files that [`replace`] leaves in a folder when the process is killed.
///
/// # Errors
/// An error of the file system.
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

/// Removes a folder and everything in it, if it exists.
///
/// # Errors
/// An error of the file system.
pub fn remove_folder(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Checks that files can be written in a folder, by writing one and removing it.
///
/// # Errors
/// The error of the file system that prevents it.
pub fn check_writable(folder: &Path) -> io::Result<()> {
    write_beside(&folder.join("probe"), b"probe")?.close()
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    }
}

/// Writes a temporary file in the same folder. It is removed when the value is dropped.
fn write_beside(path: &Path, content: &[u8]) -> io::Result<NamedTempFile> {
    let mut file = temporary_file(folder_of(path), path)?;
    file.write_all(content)?;
    Ok(file)
}

/// Creates a temporary file for `path`. It is removed when the value is dropped.
fn temporary_file(folder: &Path, path: &Path) -> io::Result<NamedTempFile> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let prefix = format!(".{name}.");
    let mut builder = Builder::new();
    builder.prefix(&prefix).suffix(".tmp");
    // `tempfile` uses 0600. With 0666, the umask decides the mode, as for any other file.
    #[cfg(unix)]
    builder.permissions(<fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o666));
    builder.tempfile_in(folder)
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
    fn replacing_a_file_leaves_only_the_new_content() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("collection.json");
        for write in [replace, replace_without_sync] {
            write(&path, b"first, and longer").expect("written");
            write(&path, b"second").expect("written again");
            assert_eq!(fs::read(&path).expect("readable"), b"second");
            assert_eq!(names(folder.path()), ["collection.json"]);
        }
    }

    #[test]
    fn a_failed_replacement_keeps_the_old_content_and_no_temporary_file() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("is_a_folder");
        fs::create_dir_all(path.join("full")).expect("a folder");
        for write in [replace, replace_without_sync] {
            write(&path, b"content").expect_err("a folder is in the way");
            assert_eq!(names(folder.path()), ["is_a_folder"]);
        }
    }

    #[test]
    fn a_file_is_created_once() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("sent");
        assert!(create(&path, b"first").expect("created"));
        assert!(!create(&path, b"second").expect("refused"));
        assert_eq!(fs::read(&path).expect("readable"), b"first");
        create(&folder.path().join("missing/sent"), b"").expect_err("no folder");
    }

    #[test]
    fn a_line_follows_a_line_that_was_cut_off() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("lines");
        append_line(&path, b"first").expect("written");
        append_line(&path, b"second").expect("written");
        assert_eq!(fs::read(&path).expect("readable"), b"first\nsecond\n");
        fs::write(&path, b"first\nsec").expect("cut off");
        append_line(&path, b"third").expect("written");
        assert_eq!(fs::read(&path).expect("readable"), b"first\nsec\nthird\n");
    }

    #[test]
    fn leftovers_of_a_killed_writer_are_removed_and_other_files_stay() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("collection.json");
        replace(&path, b"content").expect("written");
        let left = write_beside(&path, b"half").expect("written");
        left.keep().expect("not removed, as after a kill");
        assert_eq!(names(folder.path()).len(), 2);
        remove_leftovers(folder.path()).expect("removed");
        assert_eq!(names(folder.path()), ["collection.json"]);
    }

    #[test]
    fn an_unfinished_file_has_its_name_only_when_it_is_whole() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let parts = folder.path().join("parts");
        fs::create_dir(&parts).expect("a folder");
        let path = folder.path().join("picture.png");
        for (content, finished) in [("first", true), ("cut", false), ("second", true)] {
            let mut file = Unfinished::begin(&parts, &path).expect("begun");
            file.write_all(content.as_bytes()).expect("written");
            assert_eq!(names(&parts).len(), 1);
            if finished {
                file.finish().expect("finished");
                assert_eq!(fs::read_to_string(&path).expect("readable"), content);
            } else {
                drop(file);
                assert_eq!(fs::read_to_string(&path).expect("readable"), "first");
            }
            assert!(names(&parts).is_empty());
        }
    }

    #[test]
    fn a_file_is_locked_once() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("lock");
        let held = open_locked(&path).expect("opened").expect("free");
        assert!(open_locked(&path).expect("opened").is_none());
        drop(held);
        assert!(open_locked(&path).expect("opened").is_some());
    }

    #[test]
    fn checking_a_folder_leaves_no_file_and_reports_the_error() {
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
    fn the_mode_of_a_new_file_follows_the_umask() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mode = |name: &str| {
            let file = folder.path().join(name);
            fs::metadata(file).expect("a file").permissions().mode()
        };
        fs::write(folder.path().join("by std"), b"").expect("written");
        replace(&folder.path().join("by us"), b"").expect("written");
        assert_eq!(mode("by us"), mode("by std"));
    }
}
