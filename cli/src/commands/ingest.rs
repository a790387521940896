//! `clippy ingest`: embeds and stores the pictures of a manifest.

use clippy_core::bulk::{IngestRequest, ManifestRequest};
use clippy_core::settings::Settings;
use clippy_worker::ingest::{IngestReport, RunSettings, ingest};
use tokio_util::sync::CancellationToken;

use crate::arguments::{IngestArguments, ManifestArguments};
use crate::commands::local_run::LocalRun;
use crate::commands::{enqueue, outcome};
use crate::failure::Failure;
use crate::output::{say, write_note};
use crate::shutdown::until_stopped;

/// Ingests as a job if that was requested or a server has the collection, else in this process.
pub async fn run(
    settings: &Settings,
    server: Option<&str>,
    arguments: &IngestArguments,
    shutdown: CancellationToken,
) -> Result<(), Failure> {
    let request = IngestRequest {
        lines: arguments.manifest.request(),
        no_text: arguments.no_text,
        dry_run: arguments.dry_run,
    };
    check(&request.lines)?;
    if let Some(client) = enqueue::server_for_job(settings, server, arguments.manifest.enqueue)? {
        let lines = enqueue::with_absolute_paths(request.lines)?;
        let request = IngestRequest { lines, ..request };
        let following = enqueue::run(
            &client,
            "ingest",
            &request,
            enqueue::JobOutput::of(&arguments.manifest),
        );
        return until_stopped(&shutdown, following).await;
    }
    let local = LocalRun::open(settings, arguments.manifest.json, &shutdown).await?;
    let lines = with_default_root(settings, request.lines);
    let request = IngestRequest { lines, ..request };
    let report = ingest(
        local.tools.clone(),
        &request,
        &run_settings(settings),
        &local.progress,
        &shutdown,
    )
    .await;
    local.progress.finish();
    let report = report?;
    if !arguments.dry_run && report.complete {
        local.calibrate().await?;
    }
    print_report(&report, &arguments.manifest)
}

/// Refuses invalid values before anything is opened or sent, with the exit code of clap's checks.
pub fn check(request: &ManifestRequest) -> Result<(), Failure> {
    request
        .check()
        .map_err(|error| Failure::usage(error.message))
}

/// Uses `IMAGES_ROOT` for a run in this process if no root is given. A server uses its own.
pub fn with_default_root(settings: &Settings, request: ManifestRequest) -> ManifestRequest {
    ManifestRequest {
        images_root: request
            .images_root
            .or_else(|| settings.collection.images_root.clone()),
        ..request
    }
}

/// Returns the settings of a run in this process. It may record folders with the collection.
pub fn run_settings(settings: &Settings) -> RunSettings {
    RunSettings {
        served_from: settings
            .collection
            .images_root
            .clone()
            .into_iter()
            .collect(),
        may_record_folders: true,
        ..RunSettings::default()
    }
}

/// Prints the outcome of a run over a manifest. A stopped run is a failure.
pub fn print_report(report: &IngestReport, arguments: &ManifestArguments) -> Result<(), Failure> {
    let totals = &report.totals;
    if arguments.json {
        let line = serde_json::to_string(report).map_err(|error| {
            Failure::run(format!("the report cannot be written as JSON: {error}"))
        })?;
        say!("{line}");
    } else {
        say!(
            "{}",
            outcome::sums(totals, &report.reasons, Some(report.seconds))
        );
    }
    if report.complete {
        return outcome::judge(totals, &report.reasons, arguments.fail_on_any);
    }
    write_note(&report.reasons.text());
    Err(Failure::run(
        "stopped before the end of the manifest; the results so far are stored, and the next run \
         continues from there",
    ))
}
