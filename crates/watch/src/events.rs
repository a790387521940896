//! Listens for the operating system's events.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use notify::event::{AccessKind, AccessMode, CreateKind, MetadataKind, ModifyKind};
use notify::{Config, Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::changes::Part;
use crate::pending::Pending;

/// The file that lists what is left out. It is the only hidden file whose changes count.
pub(crate) const IGNORE_FILE: &str = ".clippyignore";
/// Whether the end of a write is an event, too.
const REPORTS_CLOSING: bool = cfg!(any(target_os = "linux", target_os = "android"));

/// Collects the events of one folder.
pub(crate) struct Collector {
    root: PathBuf,
    leave_out: Vec<PathBuf>,
    pending: Mutex<Pending>,
    /// Why listening has to begin again.
    broken: Mutex<Option<Broken>>,
    /// Wakes the task of the folder when something happened after a quiet time.
    pub(crate) wake: Notify,
}

/// Why listening has to begin again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Broken {
    /// Events were lost.
    Lost(String),
    /// The system cannot watch as many folders.
    TooMany(String),
}

impl Collector {
    pub(crate) fn new(root: &Path, leave_out: Vec<PathBuf>, pending: Pending) -> Self {
        Self {
            root: root.to_owned(),
            leave_out,
            pending: Mutex::new(pending),
            broken: Mutex::default(),
            wake: Notify::new(),
        }
    }

    /// Listens until the value is dropped. Waits for the disk.
    pub(crate) fn listen(self: &Arc<Self>) -> Result<RecommendedWatcher, Broken> {
        let collector = Arc::clone(self);
        let config = Config::default().with_follow_symlinks(false);
        let mut watcher = RecommendedWatcher::new(move |event| collector.receive(event), config)
            .map_err(|error| broken(&error))?;
        watcher
            .watch(&self.root, RecursiveMode::Recursive)
            .map_err(|error| broken(&error))?;
        Ok(watcher)
    }

    /// Runs work on the collected changes.
    pub(crate) fn with_pending<T>(&self, work: impl FnOnce(&mut Pending) -> T) -> T {
        work(&mut self.pending.lock())
    }

    /// Returns why listening has to begin again, once.
    pub(crate) fn take_broken(&self) -> Option<Broken> {
        self.broken.lock().take()
    }

    fn receive(&self, event: notify::Result<Event>) {
        match event {
            Ok(event) if event.need_rescan() => {
                self.stop(Broken::Lost("the system dropped events".to_owned()));
            }
            Ok(event) => self.note(&event),
            // A folder that is gone again is no fault.
            Err(error) if matches!(error.kind, notify::ErrorKind::PathNotFound) => {}
            Err(error) => self.stop(broken(&error)),
        }
    }

    fn stop(&self, why: Broken) {
        *self.broken.lock() = Some(why);
        self.wake.notify_one();
    }

    fn note(&self, event: &Event) {
        let now = Instant::now();
        let paths = event.paths.iter();
        for path in paths.filter(|path| !is_left_out(&self.root, path, &self.leave_out)) {
            let part = match event.kind {
                EventKind::Access(AccessKind::Close(AccessMode::Write)) => {
                    self.with_pending(|pending| pending.end_writing(path));
                    self.files_of(path)
                }
                EventKind::Access(_)
                | EventKind::Modify(ModifyKind::Metadata(MetadataKind::AccessTime)) => continue,
                EventKind::Modify(ModifyKind::Data(_)) => {
                    if REPORTS_CLOSING {
                        self.with_pending(|pending| pending.begin_writing(path.clone(), now));
                    }
                    self.files_of(path)
                }
                // Folders that are gone belong to the part of the folder that they were in.
                EventKind::Remove(_) => {
                    self.with_pending(|pending| pending.end_writing(path));
                    self.files_of(path)
                }
                EventKind::Create(CreateKind::File) => self.files_of(path),
                // A folder that is new, renamed or open again: everything in it is new. The folder
                // above it lists it.
                _ if path.is_dir() => self.everything_in(Some(path)),
                _ => self.files_of(path),
            };
            let part = if is_ignore_file(path) {
                self.everything_in(path.parent())
            } else {
                part
            };
            let was_quiet = self.with_pending(|pending| {
                let was_quiet = pending.is_empty();
                pending.note(part, now);
                was_quiet
            });
            if was_quiet {
                self.wake.notify_one();
            }
        }
    }

    /// The files of the folder that a path is in.
    fn files_of(&self, path: &Path) -> Part {
        match path.parent().filter(|_| path != self.root) {
            Some(folder) => Part {
                folder: folder.to_owned(),
                deep: false,
            },
            None => self.everything_in(None),
        }
    }

    fn everything_in(&self, folder: Option<&Path>) -> Part {
        Part {
            folder: folder.unwrap_or(&self.root).to_owned(),
            deep: true,
        }
    }
}

fn is_ignore_file(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == IGNORE_FILE)
}

/// Whether changes at a path below `root` do not count: it is hidden, or left out.
pub(crate) fn is_left_out(root: &Path, path: &Path, leave_out: &[PathBuf]) -> bool {
    let Ok(below) = path.strip_prefix(root) else {
        return true;
    };
    let mut names = below.iter().peekable();
    while let Some(name) = names.next() {
        let is_last = names.peek().is_none();
        let is_hidden = name.as_encoded_bytes().starts_with(b".");
        if is_hidden && !(is_last && name == IGNORE_FILE) {
            return true;
        }
    }
    leave_out
        .iter()
        .any(|folder| path.starts_with(folder) && folder != root)
}

/// Converts an error: whether the system has no more watches, or something else is wrong.
fn broken(error: &notify::Error) -> Broken {
    let no_room = match &error.kind {
        notify::ErrorKind::MaxFilesWatch => true,
        // ENOSPC: no more watches; EMFILE: no more watchers.
        notify::ErrorKind::Io(error) => matches!(error.raw_os_error(), Some(28 | 24)),
        _ => false,
    };
    let reason = error.to_string();
    if no_room {
        Broken::TooMany(reason)
    } else {
        Broken::Lost(reason)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_files_and_folders_and_those_left_out_do_not_count() {
        let root = Path::new("/home/.ann/art");
        let leave_out = [PathBuf::from("/home/.ann/art/data")];
        let left_out = |path: &str| is_left_out(root, Path::new(path), &leave_out);
        for path in [
            "/home/.ann/art/.git/HEAD",
            "/home/.ann/art/a/.one.png.part",
            "/home/.ann/art/data",
            "/home/.ann/art/data/clippy.db",
            "/home/.ann/other",
            "/home/.ann/art/.trash/.clippyignore",
        ] {
            assert!(left_out(path), "{path}");
        }
        for path in [
            "/home/.ann/art",
            "/home/.ann/art/a.png",
            "/home/.ann/art/database/a.png",
            "/home/.ann/art/a/.clippyignore",
        ] {
            assert!(!left_out(path), "{path}");
        }
    }
}
