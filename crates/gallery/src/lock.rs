//! One process at a time: an embedded store belongs to the process that opened it.
//!
//! The lock is the operating system's, on an open file, so it ends with its process in every case.
//! The file's text names the holder: its process id and, when it serves, its address. The text
//! alone never locks anything.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

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
    /// The address at which it serves HTTP, such as `http://127.0.0.1:8000`; `None` when it does
    /// not serve.
    pub address: Option<String>,
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
        let failed = |error: std::io::Error| {
            Error::internal(format!(
                "the lock in {} could not be taken",
                folder.display()
            ))
            .with_source(error)
        };
        std::fs::create_dir_all(folder).map_err(failed)?;
        let path = folder.join(LOCK_FILE);
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(taken(folder, read_holder(&path))),
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
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

fn taken(folder: &Path, holder: Option<Holder>) -> Error {
    let who = match holder {
        Some(Holder {
            pid,
            address: Some(address),
        }) => format!("process {pid}, which serves at {address}"),
        Some(Holder { pid, address: None }) => format!("process {pid}"),
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
    fn the_file_of_a_killed_process_locks_nothing() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        std::fs::write(folder.path().join(LOCK_FILE), r#"{"pid":1,"address":null}"#)
            .expect("a stale lock");
        assert_eq!(holder(folder.path()), None);
        StoreLock::acquire(folder.path(), None).expect("stale text is no lock");
    }
}
