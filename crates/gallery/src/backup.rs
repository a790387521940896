//! Copies what changes in a data folder while a server uses it: the live collection and the
//! databases, all as of one moment.
//!
//! Writes to the collection wait while both are copied. So a database never says that a picture is
//! stored which the copy of the collection lacks, and what a deletion wrote first is in the copy
//! of the database.

use std::path::{Path, PathBuf};
use std::time::Duration;

use async_trait::async_trait;
use clippy_core::backup::{Backup, Copied, TARGET_FILE};
use clippy_core::{Error, ErrorCode, Result, blocking};
use sqlx::ConnectOptions as _;
use sqlx::sqlite::SqliteConnectOptions;

use crate::collections::EdgeCollections;

/// How long a copy waits for the writers of a database.
const BUSY_TIMEOUT: Duration = Duration::from_secs(30);

/// Copies the data folder of one process.
#[derive(Clone)]
pub struct FolderBackup {
    collections: EdgeCollections,
    data: PathBuf,
    databases: Vec<String>,
}

impl FolderBackup {
    /// Copies these collections, and these files of `DATA_DIR`, which are SQLite databases.
    #[must_use]
    pub fn new(collections: EdgeCollections, data: PathBuf, databases: &[&str]) -> Self {
        let databases = databases.iter().map(|name| (*name).to_owned()).collect();
        Self {
            collections,
            data,
            databases,
        }
    }
}

#[async_trait]
impl Backup for FolderBackup {
    async fn copy(&self) -> Result<Copied> {
        let data = self.data.clone();
        let target = blocking("looking at a folder", move || target_in(&data)).await?;
        let (points, pause) = self.collections.copy_live(&target).await?;
        for name in &self.databases {
            copy_database(&self.data.join(name), &target.join(name)).await?;
        }
        drop(pause);
        tracing::info!(points, "copied the collection and the databases");
        Ok(Copied { points })
    }
}

/// Reads the folder that a copy goes to, and checks that it is there and empty, except for a file
/// by which `clippy backup` recognises it.
fn target_in(data: &Path) -> Result<PathBuf> {
    let asked = std::fs::read(data.join(TARGET_FILE)).ok();
    let target = asked.and_then(|text| serde_json::from_slice::<PathBuf>(&text).ok());
    let target = target.ok_or_else(|| {
        Error::new(
            ErrorCode::Conflict,
            "the data folder does not say where a backup goes to: run `clippy backup DIR` on the \
             machine of the server",
        )
    })?;
    let is_new = std::fs::read_dir(&target).is_ok_and(|entries| entries.flatten().count() <= 1);
    if is_new {
        return Ok(target);
    }
    Err(Error::new(
        ErrorCode::Conflict,
        "the server cannot read the folder of the backup, or it is not empty: name a new folder \
         that the server's user can write to",
    ))
}

/// Copies an SQLite database, if there is one, as of one moment. Other processes may use it
/// meanwhile.
///
/// # Errors
/// [`ErrorCode::Internal`] when it cannot be read, or the copy cannot be written.
pub async fn copy_database(from: &Path, into: &Path) -> Result<()> {
    let failed = |error: sqlx::Error| {
        let (from, into) = (from.display(), into.display());
        Error::internal(format!("the database {from} could not be copied to {into}"))
            .with_source(error)
    };
    if !tokio::fs::try_exists(from).await.unwrap_or(true) {
        return Ok(());
    }
    let mut connection = SqliteConnectOptions::new()
        .filename(from)
        .busy_timeout(BUSY_TIMEOUT)
        .connect()
        .await
        .map_err(failed)?;
    let path = into.to_str().ok_or_else(|| {
        Error::invalid(format!(
            "{} is not valid UTF-8, which SQLite needs",
            into.display()
        ))
    })?;
    sqlx::query("VACUUM INTO ?")
        .bind(path)
        .execute(&mut connection)
        .await
        .map_err(failed)?;
    sqlx::Connection::close(connection).await.map_err(failed)?;
    let copied = into.to_owned();
    blocking("waiting for the disk", move || {
        let synced = std::fs::File::options().append(true).open(&copied);
        synced.and_then(|file| file.sync_all()).map_err(|error| {
            Error::internal(format!("{} could not be written", copied.display())).with_source(error)
        })
    })
    .await
}
