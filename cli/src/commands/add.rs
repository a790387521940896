//! `clippy add`: adds the pictures of folders, without a manifest.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use clippy_core::bulk::AddRequest;
use clippy_core::folders::Folders;
use clippy_core::settings::Settings;
use clippy_worker::add::add;
use tokio_util::sync::CancellationToken;

use crate::arguments::AddArguments;
use crate::commands::add_outcome::AddOutcome;
use crate::commands::enqueue;
use crate::commands::ingest::run_settings;
use crate::commands::local_run::LocalRun;
use crate::failure::Failure;
use crate::shutdown::until_stopped;

/// Adds folders in this process, or as a job if a server has the collection open.
pub async fn run(
    settings: &Settings,
    server: Option<&str>,
    arguments: &AddArguments,
    shutdown: CancellationToken,
) -> Result<(), Failure> {
    let request = AddRequest {
        paths: paths(arguments)?,
        tags_from_folders: arguments.tags_from_folders,
        dry_run: arguments.dry_run,
    };
    request
        .check()
        .map_err(|error| Failure::usage(error.message))?;
    if let Some(client) = enqueue::server_for_job(settings, server, false)? {
        // Whoever can write to the data folder decides what its server may read. A server that is
        // given by its address has its own data folder.
        if server.is_none() && !arguments.dry_run {
            allow(settings, &request.paths)?;
        }
        let job = enqueue::run_to_end(&client, "add", &request, arguments.json);
        let job = until_stopped(&shutdown, job).await?;
        return AddOutcome::of_job(&job)?.report(arguments.json);
    }
    let local = LocalRun::open(settings, arguments.json, &shutdown).await?;
    let report = add(
        local.tools.clone(),
        &local.services.library(settings),
        &request,
        &run_settings(settings),
        &local.progress,
        &shutdown,
    )
    .await;
    local.progress.finish();
    let report = report?;
    if !request.dry_run && report.complete && report.totals.embedded > 0 {
        local.calibrate().await?;
    }
    AddOutcome::of_run(report, request.dry_run)?.report(arguments.json)
}

/// Returns the given paths as absolute paths, with those of a list on standard input.
fn paths(arguments: &AddArguments) -> Result<Vec<PathBuf>, Failure> {
    let mut paths = Vec::new();
    for given in &arguments.paths {
        if given == Path::new("-") {
            paths.extend(listed()?);
        } else {
            paths.push(given.clone());
        }
    }
    for path in &mut paths {
        *path = enqueue::absolute(path)?;
        path.metadata().map_err(|error| {
            Failure::usage(format!("{} cannot be read: {error}", path.display()))
        })?;
    }
    Ok(paths)
}

/// Reads one path a line. If the list has zero bytes, as `find -print0` writes, these separate the
/// paths.
fn listed() -> Result<Vec<PathBuf>, Failure> {
    let mut text = String::new();
    std::io::stdin()
        .lock()
        .read_to_string(&mut text)
        .map_err(|error| Failure::run(format!("the list of paths cannot be read: {error}")))?;
    let gap = if text.contains('\0') { '\0' } else { '\n' };
    Ok(text
        .split(gap)
        .map(|line| line.trim_end_matches('\r'))
        .filter(|line| !line.is_empty())
        .map(PathBuf::from)
        .collect())
}

/// Allows the server of this data folder to read these folders.
fn allow(settings: &Settings, paths: &[PathBuf]) -> Result<(), Failure> {
    let folders = Folders::new(None, Some(settings.collection.data_dir.clone()));
    let wanted: Vec<PathBuf> = paths
        .iter()
        .filter_map(|path| path.canonicalize().ok())
        .map(|path| match path.parent() {
            Some(folder) if path.is_file() => folder.to_owned(),
            _ => path,
        })
        .collect();
    Ok(folders.allow(&wanted)?)
}
