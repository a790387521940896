//! `clippy demo`: serves a demo gallery offline. It serves at once, and fills the gallery
//! meanwhile.

use std::path::{Path, PathBuf};

use clippy_common::run_blocking;
use clippy_core::bulk::{BackfillRequest, IngestRequest, ManifestRequest, Which};
use clippy_core::gallery::{Filter, Space};
use clippy_core::ledger::LedgerTotals;
use clippy_core::preparing::{Preparing, PreparingStage};
use clippy_core::settings::{CollectionSettings, ModelSettings, Settings};
use clippy_drawings::GallerySummary;
use clippy_jobs::RunnerSettings;
use clippy_worker::backfill::backfill;
use clippy_worker::ingest::progress::{IngestProgress, Stage};
use clippy_worker::ingest::{RunSettings, Tools, ingest};
use clippy_worker::style_groups;
use tokio_util::sync::CancellationToken;

use crate::arguments::DemoArguments;
use crate::commands::progress_bar::BarProgress;
use crate::commands::serve::ListenAddress;
use crate::failure::Failure;
use crate::local_services::{LocalServices, url_of};
use crate::output::{note, say};
use crate::queue::{self, Workers};
use crate::watching;

/// The gallery's folder in the data folder.
const GALLERY: &str = "demo";

/// Serves the demo gallery, and draws and embeds its missing pictures.
pub async fn run(
    settings: &Settings,
    arguments: &DemoArguments,
    shutdown: CancellationToken,
) -> Result<(), Failure> {
    let settings = in_one_process(settings);
    let listening =
        ListenAddress::resolve(arguments.bind.as_ref().unwrap_or(&settings.server.bind)).await?;
    listening.check_exposure(&settings, "")?;
    let listener = listening.bind().await?;
    let url = url_of(&listener)?;
    let opening = LocalServices::open_offline(&settings, Some(&url));
    let Some(services) = shutdown.run_until_cancelled(opening).await else {
        return Ok(());
    };
    let services = services?;
    // The demo is one process, so it always uses the embedded queue.
    let jobs = queue::open_embedded(&settings).await?;
    let preparing = Preparing::default();
    preparing.report(
        PreparingStage::Drawing,
        0,
        clippy_drawings::gallery_size() as u64,
    );
    let workers = Workers::start(
        jobs.clone(),
        services.handlers(&settings),
        RunnerSettings::embedded(),
        &shutdown,
    )?;
    say!("Clippy serves at {url} and fills its gallery meanwhile.");
    let serving = async {
        let served = async {
            let watching = watching::start(&settings, jobs.clone()).await?;
            let beside = (preparing.clone(), watching as _);
            services
                .serve_while(&settings, beside, jobs, listener, shutdown.clone())
                .await
        };
        let served = served.await;
        shutdown.cancel();
        served
    };
    let filling = async {
        let filling = fill(&settings, &services, &url, &preparing, &shutdown);
        let filled = Box::pin(filling).await;
        if filled.is_err() {
            shutdown.cancel();
        }
        filled
    };
    queue::run_beside(workers, &shutdown, async {
        let (served, filled) = tokio::join!(serving, filling);
        filled.and(served)
    })
    .await
}

/// Draws and embeds the missing pictures of the gallery, and reports the progress. A new start
/// continues where the last one stopped.
async fn fill(
    settings: &Settings,
    services: &LocalServices,
    url: &str,
    preparing: &Preparing,
    shutdown: &CancellationToken,
) -> Result<(), Failure> {
    let folder = settings.collection.data_dir.join(GALLERY);
    note!(
        "Drawing {} pictures in {} …",
        clippy_drawings::gallery_size(),
        folder.display()
    );
    let drawing = DemoProgress::new(preparing);
    let drawn = draw(&folder, &drawing, shutdown).await;
    drawing.bar.finish();
    let filled = match drawn? {
        None => false,
        Some(drawn) => {
            note!("Embedding them; finished pictures can be searched meanwhile …");
            let embedding = DemoProgress::new(preparing);
            let filled = embed(services, folder, drawn, &embedding, shutdown).await;
            embedding.bar.finish();
            filled?
        }
    };
    if !filled {
        note!("Stopped before the demo gallery was filled; the next start continues from here.");
        return Ok(());
    }
    preparing.finish();
    let pictures = services.gallery.info().await?.points;
    say!("{pictures} pictures are ready. Open {url} and draw an apple, a house or a cat.");
    Ok(())
}

/// Draws the gallery on all processors. Returns `None` if it was stopped.
async fn draw(
    folder: &Path,
    progress: &DemoProgress<'_>,
    shutdown: &CancellationToken,
) -> Result<Option<GallerySummary>, Failure> {
    let (sender, mut counts) = tokio::sync::watch::channel((0, clippy_drawings::gallery_size()));
    let (stop, target) = (shutdown.clone(), folder.to_owned());
    let draw = move || {
        let drawn = clippy_drawings::write_gallery_watched(&target, |done, total| {
            sender.send_if_modified(|now| {
                let further = done > now.0;
                *now = (done.max(now.0), total);
                further
            });
            !stop.is_cancelled()
        });
        match drawn {
            Ok(drawn) => Ok(Some(drawn)),
            Err(clippy_drawings::Error::Stopped) => Ok(None),
            Err(error) => Err(Failure::run(format!(
                "the demo gallery cannot be drawn: {error}"
            ))),
        }
    };
    let drawing = run_blocking(draw, |error| {
        Failure::run(format!("drawing the gallery was interrupted: {error}"))
    });
    // Drawing owns the sender, so this loop ends with it.
    while counts.changed().await.is_ok() {
        let (done, total) = *counts.borrow_and_update();
        progress.report_step(
            "drawing",
            PreparingStage::Drawing,
            done as u64,
            total as u64,
        );
    }
    drawing.await
}

/// Embeds the drawn pictures. Returns `false` if it was stopped.
async fn embed(
    services: &LocalServices,
    folder: PathBuf,
    drawn: GallerySummary,
    progress: &DemoProgress<'_>,
    shutdown: &CancellationToken,
) -> Result<bool, Failure> {
    let lines = ManifestRequest {
        images_root: Some(folder),
        ..ManifestRequest::new(drawn.manifest)
    };
    let settings = RunSettings::default();
    let request = IngestRequest::new(lines.clone());
    let mut report = ingest(services.tools(), &request, &settings, progress, shutdown).await?;
    if report.complete && report.totals.failed == 0 && lacks_styles(&services.tools()).await? {
        // The gallery is of a version that made no style vectors.
        let request = BackfillRequest {
            lines,
            which: Which::Style,
            force_all: false,
            ids_file: None,
        };
        report = backfill(services.tools(), &request, &settings, progress, shutdown).await?;
    }
    if report.totals.failed > 0 {
        return Err(Failure::run(format!(
            "{} of the demo's pictures could not be embedded",
            report.totals.failed
        )));
    }
    if report.complete {
        progress
            .preparing
            .report(PreparingStage::Calibrating, 0, report.totals.lines);
        let Tools {
            gallery, embedder, ..
        } = services.tools();
        clippy_search::calibrate_if_outgrown(&*gallery).await?;
        style_groups::refresh(&*gallery, &*embedder, shutdown).await;
    }
    Ok(report.complete)
}

async fn lacks_styles(tools: &Tools) -> Result<bool, Failure> {
    let missing = Filter {
        missing_any: vec![Space::Style],
        ..Filter::default()
    };
    let makes_styles = tools.embedder.info().style.is_some();
    Ok(makes_styles && tools.gallery.count(&missing).await? > 0)
}

/// Reports progress to the terminal and to the page.
struct DemoProgress<'w> {
    bar: BarProgress,
    preparing: &'w Preparing,
}

impl<'w> DemoProgress<'w> {
    fn new(preparing: &'w Preparing) -> Self {
        Self {
            bar: BarProgress::new(false),
            preparing,
        }
    }

    fn report_step(&self, what: &'static str, stage: PreparingStage, done: u64, total: u64) {
        self.bar.report_step(what, done, total);
        self.preparing.report(stage, done, total);
    }
}

impl IngestProgress for DemoProgress<'_> {
    fn report(&self, done: u64, total: u64, totals: &LedgerTotals, stage: Stage) {
        self.bar.report(done, total, totals, stage);
        self.preparing
            .report(PreparingStage::Embedding, done, total);
    }
}

/// Returns the settings with the bundled model and without servers, since the demo is one process.
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
