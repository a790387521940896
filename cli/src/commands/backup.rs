//! `clippy backup`: copies a data folder while a server uses it, and checks copies.

use std::path::{Path, PathBuf};

use clippy_core::backup::{Copied, TARGET_FILE};
use clippy_core::blocking;
use clippy_core::settings::Settings;
use clippy_gallery::{StoreLock, copy_database};
use clippy_transfer::backup::{BackupReport, NewBackup, verify};
use serde::Deserialize;

use super::export::{TransferBar, print_json};
use crate::arguments::BackupArguments;
use crate::client::Client;
use crate::failure::Failure;
use crate::local_services::{DATABASES, running_server};
use crate::output::say;

/// The file in the data folder that is locked while a backup is made.
const LOCK: &str = "backup.lock";

/// Makes a backup, or checks one.
pub async fn run(
    settings: &Settings,
    server: Option<&str>,
    arguments: &BackupArguments,
) -> Result<(), Failure> {
    let bar = TransferBar::new(arguments.json);
    let folder = arguments.folder.clone();
    let (report, what) = if arguments.verify {
        let checked = blocking("checking a backup", move || verify(&folder, &bar)).await?;
        (checked, "is as it was made")
    } else {
        let made = make(settings, server, arguments, bar).await?;
        (made, "has a copy of the data folder")
    };
    if arguments.json {
        return print_json(&report);
    }
    let BackupReport {
        folder,
        points,
        files,
        bytes,
        ..
    } = report;
    let pictures = points.map_or(String::new(), |points| format!(", {points} pictures"));
    let megabytes = bytes / 1_000_000;
    say!(
        "{} {what}: {files} files, {megabytes} MB{pictures}.",
        folder.display()
    );
    Ok(())
}

async fn make(
    settings: &Settings,
    server: Option<&str>,
    arguments: &BackupArguments,
    bar: TransferBar,
) -> Result<BackupReport, Failure> {
    if server.is_some() {
        return Err(Failure::usage(
            "a backup copies the data folder of this machine: run it on the machine of the server, \
             without --server",
        ));
    }
    if settings.collection.qdrant_url.is_some() {
        return Err(Failure::run(
            "QDRANT_URL is set, so the collection is on a Qdrant server and not in the data \
             folder: use the server's snapshots, or `clippy export`",
        ));
    }
    let data = settings.collection.data_dir.clone();
    let (from, into) = (data.clone(), arguments.folder.clone());
    let backup = blocking("beginning a backup", move || NewBackup::begin(&from, &into)).await?;
    let _one_at_a_time = take_turn(&data)?;
    let server = running_server(settings, None)?;
    let points = match &server {
        Some(client) => Some(copy_on_server(client, &data, backup.path()).await?.points),
        None => None,
    };
    // Without a server no other process may use the folder meanwhile.
    let _lock = match server {
        Some(_) => None,
        None => Some(StoreLock::acquire(&data, None)?),
    };
    if points.is_none() {
        for name in DATABASES {
            copy_database(&data.join(name), &backup.path().join(name)).await?;
        }
    }
    let thumbnails = arguments.thumbnails;
    let report = blocking("copying the data folder", move || {
        backup.copy_files(&DATABASES, points.is_some(), thumbnails)?;
        backup.finish(points, &bar)
    })
    .await?;
    Ok(report)
}

/// Keeps a second backup out, as long as the file is open.
fn take_turn(data: &Path) -> Result<std::fs::File, Failure> {
    let path = data.join(LOCK);
    let file = std::fs::File::create(&path)
        .map_err(|error| Failure::run(format!("{} cannot be made: {error}", path.display())))?;
    file.try_lock().map_err(|error| {
        Failure::run(format!(
            "another `clippy backup` of {} is running ({error}): wait for it",
            data.display()
        ))
    })?;
    Ok(file)
}

/// Has the server of the data folder copy what only it can copy.
async fn copy_on_server(client: &Client, data: &Path, into: &Path) -> Result<Copied, Failure> {
    let target = Target::write(data, into)?;
    let answer = client.post_until_done("/api/admin/backup").await;
    drop(target);
    Copied::deserialize(&answer?)
        .map_err(|error| Failure::run(format!("the server's answer cannot be understood: {error}")))
}

/// The file that tells the server where the copy goes to; removed when this is dropped.
struct Target(PathBuf);

impl Target {
    fn write(data: &Path, into: &Path) -> Result<Self, Failure> {
        let path = data.join(TARGET_FILE);
        serde_json::to_vec(into)
            .map_err(std::io::Error::other)
            .and_then(|text| clippy_common::files::replace(&path, &text))
            .map_err(|error| {
                Failure::run(format!("{} cannot be written: {error}", path.display()))
            })?;
        Ok(Self(path))
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_file(&self.0) {
            tracing::debug!(%error, "the name of a backup's folder stays");
        }
    }
}
