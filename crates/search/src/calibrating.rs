//! Samples a collection, stores the calibration with it, and caches it for searches.

use std::sync::Arc;
use std::time::{Duration, Instant};

use clippy_core::gallery::{Filter, Gallery, With};
use clippy_core::search::calibration::{Calibration, NOTE, SampleDraw, Sampled, too_few};
use clippy_core::{Error, Result, blocking};
use parking_lot::RwLock;

/// Points of one page of the walk over all ids.
const PAGE: usize = 10_000;
/// How often the stored calibration is read again: it may have been replaced, or the collection may
/// have outgrown it.
const REFRESH_AFTER: Duration = Duration::from_secs(30);

/// Samples a collection again and stores the calibration with it.
///
/// # Errors
/// [`clippy_core::ErrorCode::Unsupported`] for a collection of too few pictures, and what the
/// collection reports.
pub async fn calibrate(gallery: &dyn Gallery) -> Result<Sampled> {
    let sampled = sample(gallery).await?.ok_or_else(too_few)?;
    store(gallery, &sampled.calibration).await?;
    Ok(sampled)
}

/// Calibrates a collection without a calibration for its model, that has outgrown it, or that got
/// vectors in a space without a background. A small collection is left as it is.
///
/// # Errors
/// What the collection reports.
pub async fn calibrate_if_outgrown(gallery: &dyn Gallery) -> Result<()> {
    let info = gallery.info().await?;
    let fresh = match read_stored(gallery, &info.fingerprint).await? {
        Some(stored) => {
            !stored.is_outgrown(info.points)
                && !lacks_a_space(gallery, &stored, info.points).await?
        }
        None => false,
    };
    if !fresh && let Some(sampled) = sample(gallery).await? {
        store(gallery, &sampled.calibration).await?;
    }
    Ok(())
}

/// Whether a good part of the points has a vector in a space that the calibration knows nothing of,
/// as after a backfill.
async fn lacks_a_space(gallery: &dyn Gallery, stored: &Calibration, points: u64) -> Result<bool> {
    for (space, background) in stored.spaces.iter() {
        if background.is_some() {
            continue;
        }
        let missing = Filter {
            missing_any: vec![space],
            ..Filter::default()
        };
        let filled = points.saturating_sub(gallery.count(&missing).await?);
        if filled * 5 > points {
            return Ok(true);
        }
    }
    Ok(false)
}

async fn store(gallery: &dyn Gallery, calibration: &Calibration) -> Result<()> {
    let note = serde_json::to_value(calibration).map_err(|error| {
        Error::internal("a calibration could not be written as JSON").with_source(error)
    })?;
    gallery.set_note(NOTE, note).await
}

/// Samples a collection as it is now; `None` when it has too few pictures.
async fn sample(gallery: &dyn Gallery) -> Result<Option<Sampled>> {
    let info = gallery.info().await?;
    let mut draw = SampleDraw::default();
    let mut from = None;
    loop {
        let page = gallery
            .scroll(&Filter::default(), from, PAGE, With::NOTHING)
            .await?;
        draw.offer(page.points.iter().map(|point| point.id));
        from = page.next;
        if from.is_none() {
            break;
        }
    }
    let points = gallery.retrieve(&draw.chosen(), With::VECTORS).await?;
    blocking("measuring a sample", move || {
        Ok(Sampled::measure(info.fingerprint, info.points, points))
    })
    .await
}

/// Reads the calibration that is stored with a collection; `None` when there is none for this
/// model.
async fn read_stored(gallery: &dyn Gallery, fingerprint: &str) -> Result<Option<Calibration>> {
    let note = gallery.note(NOTE).await?;
    Ok(note
        .and_then(Calibration::read)
        .filter(|found| found.fingerprint == fingerprint))
}

/// The calibration that searches use: the stored one, or else one that is sampled here and not
/// stored, so that a search never changes a collection.
#[derive(Default)]
pub(crate) struct CalibrationCache {
    cached: RwLock<Cached>,
    /// One search refreshes at a time; the others continue with the cached calibration.
    refreshing: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Cached {
    sampled: Option<Arc<Sampled>>,
    refreshed: Option<Instant>,
}

impl CalibrationCache {
    /// Returns the calibration; `None` for a collection of too few pictures.
    ///
    /// # Errors
    /// What the collection reports, when nothing is cached yet.
    pub(crate) async fn get(&self, gallery: &dyn Gallery) -> Result<Option<Arc<Sampled>>> {
        let (cached, refreshed) = self.read();
        let Some(cached) = cached else {
            // Nothing cached: wait for a search that is sampling already.
            let _turn = self.refreshing.lock().await;
            return match self.read().0 {
                Some(sampled) => Ok(Some(sampled)),
                None => Ok(self.write(refresh(gallery, None).await?)),
            };
        };
        if refreshed.is_some_and(|refreshed| refreshed.elapsed() < REFRESH_AFTER) {
            return Ok(Some(cached));
        }
        let Ok(_turn) = self.refreshing.try_lock() else {
            return Ok(Some(cached));
        };
        match refresh(gallery, Some(Arc::clone(&cached))).await {
            Ok(fresh) => Ok(self.write(fresh)),
            Err(error) => {
                tracing::warn!(%error,
                "the collection's calibration could not be read again; the old one stays");
                Ok(self.write(Some(cached)))
            }
        }
    }

    /// Uses this calibration from now on.
    pub(crate) fn set(&self, sampled: Arc<Sampled>) {
        self.write(Some(sampled));
    }

    fn read(&self) -> (Option<Arc<Sampled>>, Option<Instant>) {
        let cached = self.cached.read();
        (cached.sampled.clone(), cached.refreshed)
    }

    fn write(&self, sampled: Option<Arc<Sampled>>) -> Option<Arc<Sampled>> {
        let mut cached = self.cached.write();
        *cached = Cached {
            sampled,
            refreshed: Some(Instant::now()),
        };
        cached.sampled.clone()
    }
}

/// Returns the calibration to use from now on: the stored one, else the cached one while it fits,
/// else a new sample.
async fn refresh(
    gallery: &dyn Gallery,
    cached: Option<Arc<Sampled>>,
) -> Result<Option<Arc<Sampled>>> {
    let info = gallery.info().await?;
    let cached = cached.filter(|cached| cached.calibration.fingerprint == info.fingerprint);
    if let Some(calibration) = read_stored(gallery, &info.fingerprint).await? {
        if let Some(cached) = cached.filter(|cached| cached.calibration == calibration) {
            return Ok(Some(cached));
        }
        let points = gallery.retrieve(&calibration.sample, With::VECTORS).await?;
        // Without half of its sample, a calibration cannot be used.
        if points.len() * 2 > calibration.sample.len() {
            return Ok(Some(Arc::new(Sampled::new(calibration, points))));
        }
        return Ok(sample(gallery).await?.map(Arc::new));
    }
    match cached.filter(|cached| !cached.calibration.is_outgrown(info.points)) {
        Some(cached) => Ok(Some(cached)),
        None => Ok(sample(gallery).await?.map(Arc::new)),
    }
}
