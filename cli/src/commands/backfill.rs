//! `clippy backfill`: computes missing vectors of stored pictures.

use clippy_core::bulk::BackfillRequest;
use clippy_core::settings::Settings;
use clippy_worker::backfill::backfill;
use clippy_worker::patience::{Patience, Pauses};
use tokio_util::sync::CancellationToken;

use crate::arguments::BackfillArguments;
use crate::commands::enqueue;
use crate::commands::ingest::{check, print_report, run_settings, with_default_root};
use crate::commands::progress_bar::BarProgress;
use crate::embedded::Embedded;
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
    let embedded = until_stopped(&shutdown, Embedded::open(settings, None)).await?;
    let _following = embedded.follow();
    let lines = with_default_root(settings, request.lines);
    let request = BackfillRequest { lines, ..request };
    let progress = BarProgress::new(arguments.manifest.json);
    let patience = Patience::new(
        Pauses::default(),
        shutdown.clone(),
        progress.wait_reporter(),
    );
    let tools = embedded.patient_tools(settings, patience);
    let report = backfill(
        tools.clone(),
        &request,
        &run_settings(settings),
        &progress,
        &shutdown,
    )
    .await;
    progress.finish();
    let report = report?;
    if report.complete {
        clippy_search::calibrate_if_outgrown(tools.gallery.as_ref()).await?;
    }
    print_report(&report, &arguments.manifest)
}
