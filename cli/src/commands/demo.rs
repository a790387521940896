//! `clippy demo`: a working page, offline. It serves at once, and fills its gallery meanwhile.

use std::path::{Path, PathBuf};

use clippy_core::bulk::{IngestRequest, ManifestRequest};
use clippy_core::ledger::LedgerTotals;
use clippy_core::preparing::{Preparing, PreparingStage};
use clippy_core::settings::{CollectionSettings, ModelSettings, Settings};
use clippy_drawings::GallerySummary;
use clippy_jobs::RunnerSettings;
use clippy_worker::ingest::progress::{ProgressSink, Stage};
use clippy_worker::ingest::{RunSettings, ingest};
use tokio_util::sync::CancellationToken;

use crate::arguments::DemoArguments;
use crate::commands::progress_bar::BarProgress;
use crate::commands::serve::Listening;
use crate::embedded::{Embedded, url_of};
use crate::failure::Failure;
use crate::queue::{self, Workers};

/// The gallery's folder in the data folder.
const GALLERY: &str = "demo";

/// Serves the demo gallery, and draws and embeds its missing pictures.
pub async fn run(
    settings: &Settings,
    arguments: &DemoArguments,
    shutdown: CancellationToken,
) -> Result<(), Failure> {
    let settings = in_one_process(settings);
    let listening = Listening::at(arguments.bind.as_ref().unwrap_or(&settings.server.bind)).await?;
    listening.check_exposure(&settings, "")?;
    let listener = listening.bind().await?;
    let url = url_of(&listener)?;
    let opening = Embedded::open_offline(&settings, Some(&url));
    let Some(embedded) = shutdown.run_until_cancelled(opening).await else {
        return Ok(());
    };
    let embedded = embedded?;
    // The demo is one process, so it always uses the embedded queue.
    let jobs = queue::open_embedded(&settings).await?;
    let preparing = Preparing::default();
    preparing.at(
        PreparingStage::Drawing,
        0,
        clippy_drawings::gallery_size() as u64,
    );
    let workers = Workers::start(
        jobs.clone(),
        embedded.handlers(&settings),
        RunnerSettings::embedded(),
        &shutdown,
    )?;
    println!("Clippy serves at {url} and fills its gallery meanwhile.");
    let serving = async {
        let served = embedded
            .serve_while(
                &settings,
                preparing.clone(),
                jobs,
                listener,
                shutdown.clone(),
            )
            .await;
        shutdown.cancel();
        served
    };
    let filling = async {
        let filling = fill(&settings, &embedded, &url, &preparing, &shutdown);
        let filled = Box::pin(filling).await;
        if filled.is_err() {
            shutdown.cancel();
        }
        filled
    };
    queue::beside(workers, &shutdown, async {
        let (served, filled) = tokio::join!(serving, filling);
        filled.and(served)
    })
    .await
}

/// Draws and embeds the missing pictures of the gallery, and reports the progress. A new start
/// continues where the last one stopped.
async fn fill(
    settings: &Settings,
    embedded: &Embedded,
    url: &str,
    preparing: &Preparing,
    shutdown: &CancellationToken,
) -> Result<(), Failure> {
    let folder = settings.collection.data_dir.join(GALLERY);
    eprintln!(
        "Drawing {} pictures in {} …",
        clippy_drawings::gallery_size(),
        folder.display()
    );
    let drawing = Watched::new(preparing);
    let drawn = draw(&folder, &drawing, shutdown).await;
    drawing.bar.finish();
    let filled = match drawn? {
        None => false,
        Some(drawn) => {
            eprintln!("Embedding them; what is there can be searched meanwhile …");
            let embedding = Watched::new(preparing);
            let embedded = embed(embedded, folder, drawn, &embedding, shutdown).await;
            embedding.bar.finish();
            embedded?
        }
    };
    if !filled {
        eprintln!("Stopped before the demo gallery was filled; the next start goes on from here.");
        return Ok(());
    }
    preparing.finished();
    let pictures = embedded.gallery.info().await?.points;
    println!("{pictures} pictures are ready. Open {url} and draw an apple, a house or a cat.");
    Ok(())
}

/// Draws the gallery on all processors; `None` when it was told to stop.
async fn draw(
    folder: &Path,
    watched: &Watched<'_>,
    shutdown: &CancellationToken,
) -> Result<Option<GallerySummary>, Failure> {
    let (sender, mut counts) = tokio::sync::watch::channel((0, clippy_drawings::gallery_size()));
    let (stop, target) = (shutdown.clone(), folder.to_owned());
    let drawing = tokio::task::spawn_blocking(move || {
        clippy_drawings::write_gallery_watched(&target, |done, total| {
            sender.send_if_modified(|now| {
                let further = done > now.0;
                *now = (done.max(now.0), total);
                further
            });
            !stop.is_cancelled()
        })
    });
    // Drawing owns the sender, so this loop ends with it.
    while counts.changed().await.is_ok() {
        let (done, total) = *counts.borrow_and_update();
        watched.at(
            "drawing",
            PreparingStage::Drawing,
            done as u64,
            total as u64,
        );
    }
    match drawing
        .await
        .map_err(|error| Failure::run(format!("drawing the gallery broke off: {error}")))?
    {
        Ok(drawn) => Ok(Some(drawn)),
        Err(clippy_drawings::Error::Stopped) => Ok(None),
        Err(error) => Err(Failure::run(format!(
            "the demo gallery cannot be drawn: {error}"
        ))),
    }
}

/// Embeds what was drawn; false when it was told to stop.
async fn embed(
    embedded: &Embedded,
    folder: PathBuf,
    drawn: GallerySummary,
    watched: &Watched<'_>,
    shutdown: &CancellationToken,
) -> Result<bool, Failure> {
    let request = IngestRequest::new(ManifestRequest {
        images_root: Some(folder),
        ..ManifestRequest::new(drawn.manifest)
    });
    let settings = RunSettings::default();
    let report = ingest(embedded.tools(), &request, &settings, watched, shutdown).await?;
    if report.totals.failed > 0 {
        return Err(Failure::run(format!(
            "{} of the demo's pictures could not be embedded",
            report.totals.failed
        )));
    }
    if report.complete {
        watched
            .preparing
            .at(PreparingStage::Calibrating, 0, report.totals.lines);
        clippy_search::calibrate_if_outgrown(embedded.tools().gallery.as_ref()).await?;
    }
    Ok(report.complete)
}

/// Reports progress to the terminal and to the page.
struct Watched<'w> {
    bar: BarProgress,
    preparing: &'w Preparing,
}

impl<'w> Watched<'w> {
    fn new(preparing: &'w Preparing) -> Self {
        Self {
            bar: BarProgress::new(false),
            preparing,
        }
    }

    fn at(&self, what: &'static str, stage: PreparingStage, done: u64, total: u64) {
        self.bar.at(what, done, total);
        self.preparing.at(stage, done, total);
    }
}

impl ProgressSink for Watched<'_> {
    fn report(&self, done: u64, total: u64, totals: &LedgerTotals, stage: Stage) {
        self.bar.report(done, total, totals, stage);
        self.preparing.at(PreparingStage::Embedding, done, total);
    }
}

/// The settings with the bundled model and without servers: the demo is one process.
fn in_one_process(settings: &Settings) -> Settings {
    let model = ModelSettings {
        name: None,
        pretrained: None,
        embedder_url: None,
        ..settings.model.clone()
    };
    let collection = CollectionSettings {
        qdrant_url: None,
        ..settings.collection.clone()
    };
    Settings {
        model,
        collection,
        ..settings.clone()
    }
}
