//! Watches folders in this process, which has the data folder open.

use std::path::PathBuf;
use std::sync::Arc;

use clippy_core::settings::Settings;
use clippy_core::watching::WatchSwitch;
use clippy_core::watching::Watching as _;
use clippy_jobs::JobStore;
use clippy_watch::WatchOptions;
use clippy_worker::watching::{WatchService, WatchTools};

use crate::failure::Failure;

/// Watches the folders of the list in the data folder, and those of `WATCH_FOLDERS`.
pub async fn start(
    settings: &Settings,
    jobs: Arc<dyn JobStore>,
) -> Result<Arc<WatchService>, Failure> {
    let tools = WatchTools {
        jobs,
        data: settings.collection.data_dir.clone(),
        options: WatchOptions::default(),
    };
    let folders = &settings.collection.watch_folders;
    Ok(WatchService::start(tools, folders).await?)
}

/// Begins to watch further folders.
pub async fn add(
    service: &WatchService,
    folders: &[PathBuf],
    tags_from_folders: bool,
) -> Result<(), Failure> {
    let switch = WatchSwitch {
        on: true,
        tags_from_folders: Some(tags_from_folders),
    };
    for folder in folders {
        service.switch(folder, switch).await?;
    }
    Ok(())
}
