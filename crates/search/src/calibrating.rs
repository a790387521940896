//! Samples a collection, keeps what was found with it, and has it at hand for searches.

use std::sync::Arc;
use std::time::{Duration, Instant};

use clippy_core::gallery::{Filter, Gallery, With};
use clippy_core::search::calibration::{Calibration, Draw, NOTE, Sampled, too_few};
use clippy_core::{Error, Result, blocking};
use parking_lot::RwLock;

/// Points of one page while the ids are walked over.
const PAGE: usize = 10_000;
/// After how long it is looked again whether the collection has another calibration, or has
/// outgrown its own.
const LOOK_AGAIN: Duration = Duration::from_secs(30);

/// Samples a collection again and keeps what was found with it.
///
/// # Errors
/// [`clippy_core::ErrorCode::Unsupported`] for a collection of too few pictures, and what the
/// collection reports.
pub async fn calibrate(gallery: &dyn Gallery) -> Result<Sampled> {
    let sampled = take(gallery).await?.ok_or_else(too_few)?;
    keep(gallery, &sampled.calibration).await?;
    Ok(sampled)
}

/// Calibrates a collection that has no calibration of its model, or has outgrown it; a small one
/// needs none yet.
///
/// # Errors
/// What the collection reports.
pub async fn calibrate_if_outgrown(gallery: &dyn Gallery) -> Result<()> {
    let info = gallery.info().await?;
    let fresh = kept(gallery, &info.fingerprint)
        .await?
        .is_some_and(|kept| !kept.is_outgrown(info.points));
    if !fresh && let Some(sampled) = take(gallery).await? {
        keep(gallery, &sampled.calibration).await?;
    }
    Ok(())
}

async fn keep(gallery: &dyn Gallery, calibration: &Calibration) -> Result<()> {
    let note = serde_json::to_value(calibration).map_err(|error| {
        Error::internal("a calibration could not be written as JSON").with_source(error)
    })?;
    gallery.set_note(NOTE, note).await
}

/// Samples a collection as it is now; `None` when it has too few pictures.
async fn take(gallery: &dyn Gallery) -> Result<Option<Sampled>> {
    let info = gallery.info().await?;
    let mut draw = Draw::default();
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

/// The calibration that is kept with a collection; `None` when there is none, or none of this
/// model.
async fn kept(gallery: &dyn Gallery, fingerprint: &str) -> Result<Option<Calibration>> {
    let note = gallery.note(NOTE).await?;
    Ok(note
        .and_then(Calibration::read)
        .filter(|found| found.fingerprint == fingerprint))
}

/// The calibration that searches use: the kept one, or else one that is sampled here and not kept,
/// so that a collection that nobody calibrated is not changed by being searched.
#[derive(Default)]
pub(crate) struct AtHand {
    state: RwLock<State>,
    /// One looks at a time; searches meanwhile go on with what there was.
    looking: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct State {
    sampled: Option<Arc<Sampled>>,
    looked: Option<Instant>,
}

impl AtHand {
    /// The calibration; `None` for a collection of too few pictures.
    ///
    /// # Errors
    /// What the collection reports, when there is none at hand yet.
    pub(crate) async fn get(&self, gallery: &dyn Gallery) -> Result<Option<Arc<Sampled>>> {
        let (had, looked) = self.read();
        let Some(had) = had else {
            // Nothing to go on with: wait for whoever samples already.
            let _turn = self.looking.lock().await;
            return match self.read().0 {
                Some(sampled) => Ok(Some(sampled)),
                None => Ok(self.write(refreshed(gallery, None).await?)),
            };
        };
        if looked.is_some_and(|looked| looked.elapsed() < LOOK_AGAIN) {
            return Ok(Some(had));
        }
        let Ok(_turn) = self.looking.try_lock() else {
            return Ok(Some(had));
        };
        match refreshed(gallery, Some(Arc::clone(&had))).await {
            Ok(fresh) => Ok(self.write(fresh)),
            Err(error) => {
                tracing::warn!(%error, "the collection's calibration could not be read again; the old one stays");
                Ok(self.write(Some(had)))
            }
        }
    }

    /// From now on searches use this one.
    pub(crate) fn set(&self, sampled: Arc<Sampled>) {
        self.write(Some(sampled));
    }

    fn read(&self) -> (Option<Arc<Sampled>>, Option<Instant>) {
        let state = self.state.read();
        (state.sampled.clone(), state.looked)
    }

    fn write(&self, sampled: Option<Arc<Sampled>>) -> Option<Arc<Sampled>> {
        let mut state = self.state.write();
        *state = State {
            sampled,
            looked: Some(Instant::now()),
        };
        state.sampled.clone()
    }
}

/// What to use after `had`: the kept calibration, else `had` while it fits, else a new sample.
async fn refreshed(
    gallery: &dyn Gallery,
    had: Option<Arc<Sampled>>,
) -> Result<Option<Arc<Sampled>>> {
    let info = gallery.info().await?;
    let had = had.filter(|had| had.calibration.fingerprint == info.fingerprint);
    if let Some(calibration) = kept(gallery, &info.fingerprint).await? {
        if let Some(had) = had.filter(|had| had.calibration == calibration) {
            return Ok(Some(had));
        }
        let points = gallery.retrieve(&calibration.sample, With::VECTORS).await?;
        // Most of the sample was deleted since: as good as none.
        if points.len() * 2 > calibration.sample.len() {
            return Ok(Some(Arc::new(Sampled::new(calibration, points))));
        }
        return Ok(take(gallery).await?.map(Arc::new));
    }
    match had.filter(|had| !had.calibration.is_outgrown(info.points)) {
        Some(had) => Ok(Some(had)),
        None => Ok(take(gallery).await?.map(Arc::new)),
    }
}
