//! `clippy add`: adds the pictures of folders, without a manifest.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use clippy_core::bulk::AddRequest;
use clippy_core::folders::Folders;
use clippy_core::settings::Settings;
use clippy_jobs::RunnerSettings;
use clippy_library::scan::check_ordinary;
use clippy_worker::add::add;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::arguments::AddArguments;
use crate::client::Client;
use crate::commands::add_outcome::AddOutcome;
use crate::commands::enqueue;
use crate::commands::ingest::run_settings;
use crate::commands::local_run::LocalRun;
use crate::failure::Failure;
use crate::output::note;
use crate::queue::{self, Workers};
use crate::shutdown::until_stopped;
use crate::watching;

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
        prune: arguments.prune,
        ..AddRequest::default()
    };
    let watched = if arguments.watch {
        folders_to_watch(&request.paths)?
    } else {
        Vec::new()
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
        let reported = AddOutcome::of_job(&job)?.report(arguments.json);
        ask_to_watch(&client, &watched, arguments).await?;
        return reported;
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
    let reported = AddOutcome::of_run(report, request.dry_run)?.report(arguments.json);
    if watched.is_empty() || shutdown.is_cancelled() {
        return reported;
    }
    if let Err(failure) = reported {
        note!("clippy: {failure}");
    }
    watch_here(settings, &local, &watched, arguments, shutdown).await
}

/// Returns the folders to watch, with links resolved.
fn folders_to_watch(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let resolve = |path: &PathBuf| match path.canonicalize() {
        Ok(folder) if folder.is_dir() => Ok(folder),
        Ok(_) => Err(Failure::usage(format!(
            "{} is not a folder: --watch takes only folders",
            path.display()
        ))),
        Err(error) => Err(Failure::usage(format!(
            "{} cannot be read: {error}",
            path.display()
        ))),
    };
    paths.iter().map(resolve).collect()
}

/// Asks a server to watch folders.
async fn ask_to_watch(
    client: &Client,
    folders: &[PathBuf],
    arguments: &AddArguments,
) -> Result<(), Failure> {
    for path in folders {
        let body = json!({
            "path": path, "on": true, "tags_from_folders": arguments.tags_from_folders,
        });
        client.post("/api/admin/watch", &body).await?;
        note!("The server watches {}.", path.display());
    }
    Ok(())
}

/// Watches folders in this process until it is told to stop.
async fn watch_here(
    settings: &Settings,
    local: &LocalRun,
    folders: &[PathBuf],
    arguments: &AddArguments,
    shutdown: CancellationToken,
) -> Result<(), Failure> {
    let jobs = queue::open_embedded(settings).await?;
    let workers = Workers::start(
        jobs.clone(),
        local.services.handlers(settings),
        RunnerSettings::embedded(),
        &shutdown,
    )?;
    queue::run_beside(workers, &shutdown, async {
        let service = watching::start(settings, jobs).await?;
        watching::add(&service, folders, arguments.tags_from_folders).await?;
        note!("Watching the folders. Ctrl-C stops; `clippy serve` goes on with them.");
        shutdown.cancelled().await;
        Ok(())
    })
    .await
}

/// Returns the given paths as absolute paths, with those of a list on standard input.
fn paths(arguments: &AddArguments) -> Result<Vec<PathBuf>, Failure> {
    let mut paths = Vec::new();
    for given in &arguments.paths {
        if given == Path::new("-") {
            paths.extend(read_list()?);
        } else {
            paths.push(given.clone());
        }
    }
    for path in &mut paths {
        *path = enqueue::absolute(path)?;
        check_ordinary(path).map_err(|error| Failure::usage(error.message))?;
    }
    Ok(paths)
}

/// Reads one path a line. If the list has zero bytes, as `find -print0` writes, these separate the
/// paths.
fn read_list() -> Result<Vec<PathBuf>, Failure> {
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
