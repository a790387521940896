//! Watches folders, and adds their pictures when they change.
//!
//! Each folder has a task. `clippy-watch` tells it which parts have complete changes, and it
//! creates the job of `clippy add` for them, one at a time. Watching begins with a job for the
//! whole folder, which finds what changed while nobody watched.
//!
//! A folder that two processes watch is scanned twice, which does no harm: ids come from the
//! content, so both find the same points, and each looks for a job of the folder before it creates
//! one.

mod folder;
mod list;
mod status;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use clippy_core::folders::Folders;
use clippy_core::watching::{WatchSwitch, WatchedFolder, Watching};
use clippy_core::{Error, Result, blocking};
use clippy_jobs::JobStore;
use clippy_watch::WatchOptions;
use tokio::sync::Mutex;
use tokio_util::task::AbortOnDropHandle;

use self::folder::{FolderTask, Parts};
use self::list::Entry;
use self::status::Status;

/// The largest number of folders in the list.
const MOST_FOLDERS: usize = 64;

/// What watching needs.
#[derive(Clone)]
pub struct WatchTools {
    /// Where jobs are created.
    pub jobs: Arc<dyn JobStore>,
    /// The data folder. The list of folders is stored there.
    pub data: PathBuf,
    /// How to watch. Its `leave_out` is not used: the data folder is always left out.
    pub options: WatchOptions,
}

/// Watches the folders of a data folder until it is dropped.
pub struct WatchService {
    tools: WatchTools,
    folders: Folders,
    watched: Mutex<BTreeMap<PathBuf, Watched>>,
}

/// A folder of the list.
struct Watched {
    entry: Entry,
    status: Arc<Status>,
    /// Watches it; dropping the handle ends that.
    _task: Option<AbortOnDropHandle<()>>,
}

impl WatchService {
    /// Watches the folders of the list, and these further ones. Those that were switched off stay
    /// off.
    ///
    /// # Errors
    /// If the list cannot be read or written.
    pub async fn start(tools: WatchTools, further: &[PathBuf]) -> Result<Arc<Self>> {
        let data = tools.data.clone();
        let listed = blocking("reading the list of watched folders", {
            let data = data.clone();
            move || list::read(&data)
        })
        .await?;
        let service = Self {
            folders: Folders::new(None, Some(data)),
            tools,
            watched: Mutex::default(),
        };
        let mut entries: BTreeMap<PathBuf, Entry> = listed
            .into_iter()
            .map(|entry| (entry.path.clone(), entry))
            .collect();
        for path in further {
            let path = resolved(path).await?;
            service.folders.check_not_own(&path)?;
            entries.entry(path.clone()).or_insert(Entry {
                path,
                on: true,
                tags_from_folders: false,
            });
        }
        if entries.len() > MOST_FOLDERS {
            return Err(too_many());
        }
        {
            let mut watched = service.watched.lock().await;
            for (path, entry) in entries {
                watched.insert(path, service.begin(entry));
            }
        }
        Ok(Arc::new(service))
    }

    /// Begins to watch a folder, if it is switched on.
    fn begin(&self, entry: Entry) -> Watched {
        let status = Arc::new(Status::default());
        let task = entry.on.then(|| {
            let task = FolderTask::new(Parts {
                tools: self.tools.clone(),
                folders: self.folders.clone(),
                entry: entry.clone(),
                status: Arc::clone(&status),
            });
            AbortOnDropHandle::new(tokio::spawn(task.run()))
        });
        Watched {
            entry,
            status,
            _task: task,
        }
    }
}

#[async_trait]
impl Watching for WatchService {
    async fn list(&self) -> Result<Vec<WatchedFolder>> {
        let watched = self.watched.lock().await;
        Ok(watched.values().map(Watched::describe).collect())
    }

    async fn switch(&self, path: &Path, switch: WatchSwitch) -> Result<WatchedFolder> {
        let folders = self.folders.clone();
        let given = path.to_owned();
        blocking("examining a folder", move || folders.check_not_own(&given)).await?;
        // Held until the list is written, so that two calls do not overwrite each other's list.
        let mut watched = self.watched.lock().await;
        let before = watched.get(path).map(|watched| watched.entry.clone());
        if before.is_none() && watched.len() >= MOST_FOLDERS {
            return Err(too_many());
        }
        let entry = Entry {
            path: path.to_owned(),
            on: switch.on,
            tags_from_folders: switch
                .tags_from_folders
                .or(before.as_ref().map(|entry| entry.tags_from_folders))
                .unwrap_or_default(),
        };
        if before.as_ref() != Some(&entry) {
            let mut entries: Vec<Entry> = watched
                .values()
                .map(|watched| watched.entry.clone())
                .filter(|known| known.path != entry.path)
                .collect();
            entries.push(entry.clone());
            let data = self.tools.data.clone();
            blocking("writing the list of watched folders", move || {
                list::write(&data, &entries)
            })
            .await?;
            // The task of the earlier entry ends first.
            watched.remove(path);
            let begun = self.begin(entry);
            watched.insert(path.to_owned(), begun);
        }
        watched
            .get(path)
            .map(Watched::describe)
            .ok_or_else(|| Error::internal("a watched folder is not in the list"))
    }
}

impl Watched {
    fn describe(&self) -> WatchedFolder {
        self.status.describe(&self.entry)
    }
}

/// Returns a path with links resolved as far as it exists.
async fn resolved(path: &Path) -> Result<PathBuf> {
    let path = path.to_owned();
    blocking("examining a folder", move || {
        let path = std::path::absolute(&path).map_err(|error| {
            Error::invalid(format!("\"{}\" is not a path: {error}", path.display()))
        })?;
        Ok(path.canonicalize().unwrap_or(path))
    })
    .await
}

fn too_many() -> Error {
    Error::invalid(format!(
        "at most {MOST_FOLDERS} folders are watched: watch a folder that contains them"
    ))
}
