//! `clippy backfill`: computes missing vectors of stored pictures.

use clippy_core::bulk::BackfillRequest;
use clippy_core::settings::Settings;
use clippy_worker::backfill::backfill;
use tokio_util::sync::CancellationToken;

use crate::arguments::BackfillArguments;
use crate::commands::enqueue;
use crate::commands::ingest::{check, print_report, run_settings, with_default_root};
use crate::commands::local_run::LocalRun;
use crate::failure::Failure;
use crate::shutdown::until_stopped;

/// Backfills as a job if that was requested or a server has the collection, else in this process.
pub async fn run(
    settings: &Settings,
    server: Option<&str>,
    arguments: &BackfillArguments,
    shutdown: CancellationToken,
) -> Result<(), Failure> {
    let request = BackfillRequest {
        lines: arguments.manifest.request(),
        which: arguments.which,
        force_all: arguments.force_all,
        ids_file: arguments.ids_file.clone(),
    };
    check(&request.lines)?;
    if let Some(client) = enqueue::server_for_job(settings, server, arguments.manifest.enqueue)? {
        let ids_file = request.ids_file.as_deref().map(enqueue::absolute);
        let request = BackfillRequest {
            lines: enqueue::with_absolute_paths(request.lines)?,
            ids_file: ids_file.transpose()?,
            ..request
        };
        let following = enqueue::run(
            &client,
            "backfill",
            &request,
            enqueue::JobOutput::of(&arguments.manifest),
        );
        return until_stopped(&shutdown, following).await;
    }
    let local = LocalRun::open(settings, arguments.manifest.json, &shutdown).await?;
    let lines = with_default_root(settings, request.lines);
    let request = BackfillRequest { lines, ..request };
    let report = backfill(
        local.tools.clone(),
        &request,
        &run_settings(settings),
        &local.progress,
        &shutdown,
    )
    .await;
    local.progress.finish();
    let report = report?;
    if report.complete {
        local.calibrate().await?;
    }
    print_report(&report, &arguments.manifest)
}
