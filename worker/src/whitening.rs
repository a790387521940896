//! Fits the whitening of a collection whose model gives statistics instead of style vectors. It is
//! fitted on a sample of the collection's own pictures, and stored as a note.

use std::sync::Arc;

use clippy_core::embedding::{EmbedInput, Embedder, Embedding, ModelPixels};
use clippy_core::gallery::{Filter, Gallery, Origin, PATH_FIELD, Space, With};
use clippy_core::ids::PointId;
use clippy_core::pictures::Pictures;
use clippy_core::search::calibration::SampleDraw;
use clippy_core::styles::StyleVectors;
use clippy_core::whitening::{FEWEST_PICTURES, MOST_PICTURES, Whitening};
use clippy_core::{Error, ErrorCode, Result, blocking, styles};
use clippy_imaging::{DecodeLimits, decode, transform};
use serde_json::Value;

use crate::ingest::embed::EmbedRequests;
use crate::ingest::paths::Roots;
use crate::ingest::picture::read_file;

/// How many ids are listed in one call.
const IDS_AT_ONCE: usize = 10_000;
/// How many pictures are embedded in one call.
const PICTURES_AT_ONCE: usize = 16;

/// Where the pictures of the sample are read.
#[derive(Clone)]
pub(crate) enum SampleFiles {
    /// The folders that a manifest's pictures are looked up in.
    Roots(Arc<Roots>),
    /// The files that the collection serves.
    Served(Arc<dyn Pictures>),
}

/// Fits a whitening of the model's statistics on a sample of these pictures. Pictures whose files
/// cannot be read are left out.
///
/// # Errors
/// [`ErrorCode::Unsupported`] for too few pictures, or pictures that all look the same; what the
/// collection and the embedder report.
pub(crate) async fn fit(
    gallery: &dyn Gallery,
    embedder: &dyn Embedder,
    files: &SampleFiles,
) -> Result<Whitening> {
    let model = embedder.info();
    let statistics = model.style_statistics().ok_or_else(|| {
        Error::internal("only a model that gives statistics needs a whitening of them")
    })?;
    let mut sample: Vec<Embedding> = Vec::new();
    for ids in draw(gallery).await?.chunks(PICTURES_AT_ONCE) {
        let mut requests = EmbedRequests::default();
        let mut count = 0;
        for point in gallery.retrieve(ids, With::PAYLOAD).await? {
            let Some(path) = point.payload.get(PATH_FIELD).and_then(Value::as_str) else {
                continue;
            };
            if let Some(pixels) = read(files, path, embedder).await? {
                requests.push(count, Space::Style, EmbedInput::Style(pixels));
                count += 1;
            }
        }
        let made = requests.embed(embedder, count).await?;
        sample.extend(made.into_iter().filter_map(|made| made.ok()?.style));
    }
    Whitening::fit(statistics, &sample).ok_or_else(|| {
        Error::new(
            ErrorCode::Unsupported,
            format!(
                "the style vectors of the model {} are whitened on the collection's own pictures: \
                 this needs at least {FEWEST_PICTURES} pictures whose files can be read and that \
                 do not all look the same, and there are {}",
                model.name,
                sample.len()
            ),
        )
    })
}

/// Stores the whitening of the collection that is built beside the live one. If both use the same
/// statistics, it is the live one's whitening. Otherwise a new one is fitted on the live one's
/// pictures. If that is not possible, the new collection gets no style vectors.
///
/// # Errors
/// What the collections and the embedder report.
pub(crate) async fn settle_beside(
    live: &dyn Gallery,
    beside: &dyn Gallery,
    embedder: &dyn Embedder,
    pictures: Arc<dyn Pictures>,
) -> Result<()> {
    let model = embedder.info();
    if model.style_statistics().is_none() || beside.note(styles::NOTE).await?.is_some() {
        return Ok(());
    }
    if let StyleVectors::Whitened(whitening) = styles::settle(live, model).await? {
        return styles::record_whitening(beside, &whitening).await;
    }
    match fit(live, embedder, &SampleFiles::Served(pictures)).await {
        Ok(whitening) => styles::record_whitening(beside, &whitening).await,
        Err(error) if error.code == ErrorCode::Unsupported => {
            tracing::info!(%error, "the new collection gets no style vectors");
            Ok(())
        }
        Err(error) => Err(error),
    }
}

/// Draws the sample. Every engine gives the same pictures.
async fn draw(gallery: &dyn Gallery) -> Result<Vec<PointId>> {
    let own = Filter {
        origin: Origin::Gallery,
        ..Filter::default()
    };
    let mut draw = SampleDraw::of_size(MOST_PICTURES);
    let mut from = None;
    loop {
        let page = gallery
            .scroll(&own, from, IDS_AT_ONCE, With::NOTHING)
            .await?;
        draw.offer(page.points.iter().map(|point| point.id));
        from = page.next;
        if from.is_none() {
            return Ok(draw.chosen());
        }
    }
}

/// Reads a picture for the model; `None` where its file cannot be used.
async fn read(
    files: &SampleFiles,
    path: &str,
    embedder: &dyn Embedder,
) -> Result<Option<ModelPixels>> {
    let (model, limits) = (Arc::clone(embedder.info()), DecodeLimits::bulk());
    let served = match files {
        SampleFiles::Roots(_) => None,
        SampleFiles::Served(pictures) => match pictures.open(path, None).await {
            Ok(served) => Some(served),
            // A temporary failure says nothing about the picture.
            Err(error) if error.code.is_retryable() => return Err(error),
            Err(_) => return Ok(None),
        },
    };
    let (files, path) = (files.clone(), path.to_owned());
    blocking("reading a picture of the sample", move || {
        let bytes = match (files, served) {
            (_, Some(served)) => served.content.whole().ok().map(|bytes| bytes.to_vec()),
            (SampleFiles::Roots(roots), None) => roots
                .find(&path)
                .and_then(|found| read_file(&found, &model.fingerprint, &limits))
                .ok()
                .map(|(bytes, _)| bytes.to_vec()),
            (SampleFiles::Served(_), None) => None,
        };
        let picture = bytes.and_then(|bytes| decode(&bytes, &limits).ok());
        Ok(picture.map(|picture| transform(&model.transform, &picture)))
    })
    .await
}
