//! `clippy demo`: from nothing to a page that works, offline.

use clippy_core::settings::{CollectionSettings, ModelSettings, Settings};
use clippy_jobs::RunnerSettings;
use clippy_worker::ingest::{IngestOptions, ManifestOptions, ingest};
use tokio_util::sync::CancellationToken;

use crate::arguments::DemoArguments;
use crate::commands::progress_bar::BarProgress;
use crate::commands::serve::listen;
use crate::embedded::{Embedded, url_of};
use crate::failure::Failure;
use crate::queue::{self, Workers};

/// The gallery's folder in the data folder.
const GALLERY: &str = "demo";

/// Draws, embeds and serves the demo gallery.
pub async fn run(settings: &Settings, arguments: &DemoArguments, shutdown: CancellationToken) -> Result<(), Failure> {
    let settings = in_one_process(settings);
    let listener = listen(arguments.bind.unwrap_or(settings.server.bind)).await?;
    let url = url_of(&listener)?;
    let folder = settings.collection.data_dir.join(GALLERY);
    let embedded = Embedded::open(&settings, Some(&url)).await?;

    eprintln!("Drawing the demo gallery in {} …", folder.display());
    let drawn = {
        let folder = folder.clone();
        tokio::task::spawn_blocking(move || clippy_drawings::write_gallery(&folder))
            .await
            .map_err(|error| Failure::run(format!("drawing the gallery broke off: {error}")))?
            .map_err(|error| Failure::run(format!("the demo gallery cannot be drawn: {error}")))?
    };
    let options = IngestOptions {
        lines: ManifestOptions { images_root: Some(folder), ..ManifestOptions::new(drawn.manifest) },
        with_text: true,
        dry_run: false,
    };
    let progress = BarProgress::new(false);
    let report = ingest(embedded.tools(), &options, &progress, &shutdown).await;
    progress.finish();
    let report = report?;
    if !report.complete {
        return Err(Failure::run("stopped before the demo gallery was embedded; the next start goes on from here"));
    }
    if report.totals.failed > 0 {
        return Err(Failure::run(format!("{} of the demo's pictures could not be embedded", report.totals.failed)));
    }
    let pictures = embedded.gallery.info().await?.points;
    println!("{pictures} pictures are ready. Open {url} and draw an apple, a house or a cat.");
    // The demo is one process, whatever queue other commands are set to.
    let jobs = queue::embedded(&settings).await?;
    let workers = Workers::start(jobs.clone(), embedded.handlers(), RunnerSettings::default(), &shutdown)?;
    queue::beside(workers, &shutdown, embedded.serve(&settings, jobs, listener, shutdown.clone())).await
}

/// The demo is one process with the bundled model, whatever model and server other commands are set to.
fn in_one_process(settings: &Settings) -> Settings {
    let model = ModelSettings { name: None, pretrained: None, embedder_url: None, ..settings.model.clone() };
    let collection = CollectionSettings { qdrant_url: None, ..settings.collection.clone() };
    Settings { model, collection, ..settings.clone() }
}
