//! One process at a time: an embedded store belongs to the process that opened it.
//!
//! The lock is the operating system's, on an open file, so it ends with its process in every case.
//! The file's text names the holder: its process id, its machine and, when it serves, its address.
//! The text alone never locks anything.

use std::fs::{File, TryLockError};
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use clippy_common::files;
use clippy_core::{Error, ErrorCode, Result};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

/// The file's name inside the folder that it guards.
pub const LOCK_FILE: &str = "lock";

/// The process that holds a store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// The process.
    pub pid: u32,
    /// The machine that it runs on, if that has a stable name.
    #[serde(default)]
    pub machine: Option<String>,
    /// The address at which it serves HTTP, such as `http://127.0.0.1:8000`; `None` when it does
    /// not serve.
    pub address: Option<String>,
}

impl Holder {
    /// Returns the name of the holder's machine, if it is not this one. The holder's process id and
    /// loopback address mean nothing here then.
    #[must_use]
    pub fn other_machine(&self) -> Option<&str> {
        let theirs = self.machine.as_deref()?;
        let ours = clippy_common::machine::name()?;
        (ours != theirs).then_some(theirs)
    }
}

/// A held lock. It is released when this is dropped, or when the process ends.
#[derive(Debug)]
pub struct StoreLock {
    file: Mutex<File>,
    path: PathBuf,
}

impl StoreLock {
    /// Takes the lock of a folder, which is made when it is missing.
    ///
    /// # Errors
    /// [`ErrorCode::Conflict`] when another process (or another part of this one) holds it: the
    /// message names it and says how to work with it.
    pub fn acquire(folder: &Path, address: Option<&str>) -> Result<Self> {
        let failed = |error| unusable(folder, error);
        std::fs::create_dir_all(folder).map_err(failed)?;
        let path = folder.join(LOCK_FILE);
        let file = files::open_locked(&path)
            .map_err(failed)?
            .ok_or_else(|| taken(folder, read_holder(&path).as_ref()))?;
        warn_of_other_machine(folder, &path);
        let lock = Self {
            file: Mutex::new(file),
            path,
        };
        lock.set_address(address)?;
        Ok(lock)
    }

    /// Records the address at which this process serves, once it is known.
    ///
    /// # Errors
    /// [`ErrorCode::Internal`] when the file cannot be written.
    pub fn set_address(&self, address: Option<&str>) -> Result<()> {
        let holder = Holder {
            pid: std::process::id(),
            machine: clippy_common::machine::name().map(str::to_owned),
            address: address.map(str::to_owned),
        };
        let mut file = self.file.lock();
        let written = (|| {
            let text = serde_json::to_string(&holder).map_err(std::io::Error::other)?;
            file.seek(SeekFrom::Start(0))?;
            file.set_len(0)?;
            file.write_all(text.as_bytes())
        })();
        written.map_err(|error| {
            Error::internal(format!("{} could not be written", self.path.display()))
                .with_source(error)
        })
    }
}

impl Drop for StoreLock {
    fn drop(&mut self) {
        // An empty file says that there is no holder; the lock itself ends when the file is closed.
        let _ = self.file.lock().set_len(0);
    }
}

/// Returns the process that holds the lock of a folder now, if any.
#[must_use]
pub fn holder(folder: &Path) -> Option<Holder> {
    let path = folder.join(LOCK_FILE);
    let file = File::open(&path).ok()?;
    match file.try_lock_shared() {
        Err(TryLockError::WouldBlock) => Some(read_holder(&path).unwrap_or(Holder {
            pid: 0,
            machine: None,
            address: None,
        })),
        _ => None,
    }
}

fn read_holder(path: &Path) -> Option<Holder> {
    let mut text = String::new();
    File::open(path).ok()?.read_to_string(&mut text).ok()?;
    serde_json::from_str(&text).ok()
}

/// The locks of some network file systems exclude only processes of one machine. There, the name of
/// another machine is the only sign that two machines use the folder.
fn warn_of_other_machine(folder: &Path, path: &Path) {
    let Some(last) = read_holder(path) else {
        return;
    };
    if let Some(machine) = last.other_machine() {
        tracing::warn!(
            folder = %folder.display(), machine, pid = last.pid,
            "a process on another machine used this data folder and did not stop cleanly; if it \
             still runs, stop it or this one, since only one process can use the folder"
        );
    }
}

/// Returns the error of a folder whose lock file cannot be opened or locked, by what helps.
fn unusable(folder: &Path, error: std::io::Error) -> Error {
    let path = folder.display();
    let remedy = match error.kind() {
        ErrorKind::PermissionDenied => {
            "it, or its file lock, belongs to another user. Run as that user, give the folder to \
             this one (chown -R), or choose another folder with --data-dir"
        }
        ErrorKind::ReadOnlyFilesystem => {
            "its file system is mounted read-only. Choose another folder with --data-dir"
        }
        ErrorKind::Unsupported => {
            "its file system has no locks, so that two processes could damage the collection. \
             Choose a folder on a local disk with --data-dir"
        }
        ErrorKind::NotADirectory | ErrorKind::AlreadyExists => {
            "it is no folder. Choose another one with --data-dir"
        }
        _ => "its lock could not be taken",
    };
    Error::internal(format!("cannot use the data folder {path}: {remedy}")).with_source(error)
}

fn taken(folder: &Path, holder: Option<&Holder>) -> Error {
    let who = match holder {
        Some(holder) => {
            let machine = holder.other_machine();
            let machine = machine.map_or_else(String::new, |name| format!(" on machine {name}"));
            let serves = holder.address.as_ref();
            let serves = serves.map_or_else(String::new, |at| format!(", which serves at {at}"));
            format!("process {}{machine}{serves}", holder.pid)
        }
        None => "another process".to_owned(),
    };
    Error::new(
        ErrorCode::Conflict,
        format!(
            "{} is in use by {who}; an embedded store belongs to one process. While `clippy \
             serve` runs, the other commands talk to it over HTTP (--server URL names its \
             address); otherwise wait for it or stop it",
            folder.display()
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_opener_gets_an_error_that_names_the_holder() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let lock = StoreLock::acquire(folder.path(), Some("http://127.0.0.1:8000")).expect("free");
        let error = StoreLock::acquire(folder.path(), None).expect_err("taken");
        assert_eq!(error.code, ErrorCode::Conflict);
        let pid = std::process::id().to_string();
        for part in [
            pid.as_str(),
            "http://127.0.0.1:8000",
            "clippy serve",
            "HTTP",
        ] {
            assert!(error.message.contains(part), "{part}: {}", error.message);
        }
        assert_eq!(
            holder(folder.path()).map(|holder| holder.pid),
            Some(std::process::id())
        );
        drop(lock);
        assert_eq!(holder(folder.path()), None);
        StoreLock::acquire(folder.path(), None).expect("free again");
    }

    #[test]
    fn a_holder_on_another_machine_is_named() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let lock = StoreLock::acquire(folder.path(), None).expect("free");
        let own = holder(folder.path()).expect("held");
        assert_eq!(own.other_machine(), None);
        let text = r#"{"pid":7,"machine":"atelier-2","address":"http://127.0.0.1:8000"}"#;
        std::fs::write(folder.path().join(LOCK_FILE), text).expect("written");
        let other = holder(folder.path()).expect("held");
        if clippy_common::machine::name().is_none() {
            return;
        }
        assert_eq!(other.other_machine(), Some("atelier-2"));
        let error = StoreLock::acquire(folder.path(), None).expect_err("taken");
        assert!(
            error.message.contains("process 7 on machine atelier-2"),
            "{}",
            error.message
        );
        drop(lock);
        // Versions before this one wrote no machine.
        let older: Holder = serde_json::from_str(r#"{"pid":7,"address":null}"#).expect("a holder");
        assert_eq!(older.other_machine(), None);
    }

    #[test]
    fn an_unusable_folder_is_named_with_what_helps() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("file");
        std::fs::write(&file, "").expect("written");
        let error = StoreLock::acquire(&file, None).expect_err("no folder");
        assert!(error.message.contains("it is no folder"), "{error}");
        for (kind, words) in [
            (ErrorKind::PermissionDenied, "another user"),
            (ErrorKind::ReadOnlyFilesystem, "read-only"),
            (ErrorKind::Unsupported, "no locks"),
        ] {
            let error = unusable(folder.path(), kind.into());
            assert!(error.message.contains(words), "{}", error.message);
            assert!(error.message.contains("--data-dir"), "{}", error.message);
        }
    }

    #[test]
    fn the_file_of_a_killed_process_locks_nothing() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        std::fs::write(folder.path().join(LOCK_FILE), r#"{"pid":1,"address":null}"#)
            .expect("a stale lock");
        assert_eq!(holder(folder.path()), None);
        StoreLock::acquire(folder.path(), None).expect("stale text is no lock");
    }
}
