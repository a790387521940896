//! `clippy backfill`: computes missing vectors of stored pictures.

use clippy_core::bulk::BackfillRequest;
use clippy_core::settings::Settings;
use clippy_worker::backfill::{BackfillOptions, Which, backfill};
use clippy_worker::patience::{Patience, Pauses};
use tokio_util::sync::CancellationToken;

use crate::arguments::{self, BackfillArguments};
use crate::commands::enqueue;
use crate::commands::ingest::{manifest_options, print_report};
use crate::commands::progress_bar::BarProgress;
use crate::embedded::Embedded;
use crate::failure::Failure;
use crate::shutdown::until_stopped;

/// Backfills in this process, or as a job when that was asked for or a server has the collection.
pub async fn run(
    settings: &Settings,
    server: Option<&str>,
    arguments: &BackfillArguments,
    shutdown: CancellationToken,
) -> Result<(), Failure> {
    let which = match arguments.which {
        arguments::Which::Image => Which::Image,
        arguments::Which::Edge => Which::Edge,
        arguments::Which::Text => Which::Text,
        arguments::Which::Both => Which::Both,
        arguments::Which::All => Which::All,
    };
    if let Some(client) = enqueue::wanted(settings, server, arguments.manifest.enqueue)? {
        let request = BackfillRequest {
            lines: enqueue::manifest_request(&arguments.manifest)?,
            which,
            force_all: arguments.force_all,
            ids_file: arguments
                .ids_file
                .as_deref()
                .map(enqueue::absolute)
                .transpose()?,
        };
        let following = enqueue::run(
            &client,
            "backfill",
            &request,
            enqueue::Ending::of(&arguments.manifest),
        );
        return until_stopped(&shutdown, following).await;
    }
    let embedded = until_stopped(&shutdown, Embedded::open(settings, None)).await?;
    let _following = embedded.follow();
    let options = BackfillOptions {
        lines: manifest_options(settings, &arguments.manifest),
        which,
        force_all: arguments.force_all,
        ids_file: arguments.ids_file.clone(),
    };
    let progress = BarProgress::new(arguments.manifest.json);
    let patience = Patience::new(Pauses::default(), shutdown.clone(), progress.tell());
    let report = backfill(
        embedded.patient_tools(settings, patience),
        &options,
        &progress,
        &shutdown,
    )
    .await;
    progress.finish();
    print_report(&report?, &arguments.manifest)
}
