//! `clippy ingest`: a manifest's pictures, embedded and stored.

use clippy_core::bulk::IngestRequest;
use clippy_core::settings::Settings;
use clippy_worker::ingest::manifest::{Shard, Slice};
use clippy_worker::ingest::{IngestOptions, IngestReport, ManifestOptions, ingest};
use clippy_worker::patience::{Patience, Pauses};
use tokio_util::sync::CancellationToken;

use crate::arguments::{IngestArguments, ManifestArguments};
use crate::commands::progress_bar::BarProgress;
use crate::commands::{enqueue, outcome};
use crate::embedded::Embedded;
use crate::failure::Failure;
use crate::shutdown::until_stopped;

/// Ingests in this process, or as a job when that was asked for or a server has the collection.
pub async fn run(
    settings: &Settings,
    server: Option<&str>,
    arguments: &IngestArguments,
    shutdown: CancellationToken,
) -> Result<(), Failure> {
    if let Some(client) = enqueue::wanted(settings, server, arguments.manifest.enqueue)? {
        let lines = enqueue::manifest_request(&arguments.manifest)?;
        let request = IngestRequest {
            lines,
            no_text: arguments.no_text,
            dry_run: arguments.dry_run,
        };
        let following = enqueue::run(
            &client,
            "ingest",
            &request,
            enqueue::Ending::of(&arguments.manifest),
        );
        return until_stopped(&shutdown, following).await;
    }
    let embedded = until_stopped(&shutdown, Embedded::open(settings, None)).await?;
    let _following = embedded.follow();
    let options = IngestOptions {
        lines: manifest_options(settings, &arguments.manifest),
        with_text: !arguments.no_text,
        dry_run: arguments.dry_run,
    };
    let progress = BarProgress::new(arguments.manifest.json);
    let patience = Patience::new(Pauses::default(), shutdown.clone(), progress.tell());
    let tools = embedded.patient_tools(settings, patience);
    let report = ingest(tools.clone(), &options, &progress, &shutdown).await;
    progress.finish();
    let report = report?;
    if !arguments.dry_run && report.complete {
        clippy_search::calibrate_if_outgrown(tools.gallery.as_ref()).await?;
    }
    print_report(&report, &arguments.manifest)
}

/// Turns the flags into options.
pub fn manifest_options(settings: &Settings, arguments: &ManifestArguments) -> ManifestOptions {
    let slice = &arguments.slice;
    let shard = slice
        .shard_index
        .zip(slice.shard_count)
        .map(|(index, count)| Shard { index, count });
    let number = |value: u64| usize::try_from(value).unwrap_or(usize::MAX);
    ManifestOptions {
        images_root: arguments
            .images_root
            .clone()
            .or_else(|| settings.collection.images_root.clone()),
        slice: Slice {
            start_line: slice.start_line,
            max_lines: slice.max_lines,
            shard,
        },
        clip_batch: number(arguments.clip_batch),
        upsert_batch: number(arguments.upsert_batch),
        text_template: arguments.text_template.clone(),
        served_from: settings
            .collection
            .images_root
            .clone()
            .into_iter()
            .collect(),
        may_record_folders: true,
        fail_log: arguments.fail_log.clone(),
        ..ManifestOptions::new(&arguments.manifest)
    }
}

/// Prints the outcome of a run over a manifest. A stopped run is a failure.
pub fn print_report(report: &IngestReport, arguments: &ManifestArguments) -> Result<(), Failure> {
    let totals = &report.totals;
    if arguments.json {
        let line = serde_json::to_string(report).map_err(|error| {
            Failure::run(format!("the report cannot be written as JSON: {error}"))
        })?;
        println!("{line}");
    } else {
        println!("{}", outcome::sums(totals, Some(report.seconds)));
    }
    if report.complete {
        return outcome::judge(totals, &report.reasons, arguments.fail_on_any);
    }
    eprint!("{}", report.reasons.text());
    Err(Failure::run(
        "stopped before the end of the manifest; what was done is stored, and the next run goes \
         on from there",
    ))
}
