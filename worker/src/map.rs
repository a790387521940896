//! Makes a map of a collection: a place in the plane for each of its own pictures.
//!
//! A sample of the pictures is arranged, the others are placed among them ([`clippy_layout`]). The
//! map replaces the earlier one at last, so that a run may be stopped or killed at any moment.

use std::collections::HashMap;
use std::sync::Arc;

use clippy_core::clustering::nearest;
use clippy_core::embedding::Embedder;
use clippy_core::gallery::{Filter, Gallery, Origin, Point, With};
use clippy_core::ids::PointId;
use clippy_core::maps::{MapPlace, MapSpace, Maps, PictureMap};
use clippy_core::search::calibration::SampleDraw;
use clippy_core::style_groups::StyleGroups;
use clippy_core::{Error, ErrorCode, Result, blocking, styles, trash};
use clippy_layout::{Layout, MOST_LANDMARKS, Place};
use tokio_util::sync::CancellationToken;

/// How many ids are listed in one call.
const IDS_AT_ONCE: usize = 10_000;
/// How many vectors are read in one call.
const READ_AT_ONCE: usize = 500;

/// What a run needs.
pub(crate) struct MapMaker<'m> {
    pub(crate) gallery: &'m dyn Gallery,
    pub(crate) embedder: &'m dyn Embedder,
    pub(crate) maps: &'m dyn Maps,
    /// The vectors to make it from.
    pub(crate) space: MapSpace,
    pub(crate) stop: &'m CancellationToken,
    /// Told the stage, and how many of how many pictures are done.
    pub(crate) report: &'m (dyn Fn(&str, u64, u64) + Sync),
}

/// The outcome of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Made {
    /// Pictures on the map.
    pub(crate) placed: u64,
    /// Pictures without a vector.
    pub(crate) unplaced: u64,
}

impl MapMaker<'_> {
    /// Makes the map. Returns `None` if the run was stopped.
    ///
    /// # Errors
    /// [`ErrorCode::Unsupported`] if no picture has a vector, and what the collection reports.
    pub(crate) async fn make(&self) -> Result<Option<Made>> {
        let Some((sample, total)) = self.sample().await? else {
            return Ok(None);
        };
        (self.report)("arranging", 0, total);
        let groups = StyleCentres::read(self.gallery, self.embedder).await?;
        let (ids, vectors): (Vec<PointId>, Vec<Vec<f32>>) = sample.into_iter().unzip();
        if ids.is_empty() {
            let needed = match self.space {
                MapSpace::Image => "add pictures".to_owned(),
                MapSpace::Style => styles::FILL.to_owned(),
            };
            return Err(Error::new(
                ErrorCode::Unsupported,
                format!(
                    "a map is made from the {} vectors of pictures, and this collection has none: \
                     {needed}",
                    self.space
                ),
            ));
        }
        let layout = blocking("arranging pictures", move || Ok(Layout::of(vectors))).await?;
        let placing = Placing {
            landmarks: ids
                .into_iter()
                .zip(layout.places().iter().copied())
                .collect(),
            layout,
            groups,
            space: self.space,
        };
        let Some(places) = self.place_all(placing, total).await? else {
            return Ok(None);
        };
        let placed = places.len() as u64;
        // Searches in an area name their map by its time, so no two have the same.
        let earlier = self.maps.made(self.space).await?;
        let map = PictureMap {
            space: self.space,
            made: trash::now().max(earlier.map_or(0, |made| made + 1)),
            places,
        };
        self.maps.replace(&map).await?;
        Ok(Some(Made {
            placed,
            unplaced: total.saturating_sub(placed),
        }))
    }

    /// Takes a sample of the gallery's own pictures that have a vector, and counts all of them.
    /// Returns `None` if the run was stopped.
    async fn sample(&self) -> Result<Option<(Vec<(PointId, Vec<f32>)>, u64)>> {
        let having = Filter {
            having: vec![self.space.space()],
            ..own()
        };
        let (mut draw, mut from) = (SampleDraw::of_size(MOST_LANDMARKS), None);
        loop {
            let page = self
                .gallery
                .scroll(&having, from, IDS_AT_ONCE, With::NOTHING)
                .await?;
            draw.offer(page.points.iter().map(|point| point.id));
            from = page.next;
            if self.stop.is_cancelled() {
                return Ok(None);
            }
            if from.is_none() {
                break;
            }
        }
        let (ids, total) = (draw.chosen(), self.gallery.count(&own()).await?);
        let mut sample = Vec::with_capacity(ids.len());
        for some in ids.chunks(READ_AT_ONCE) {
            (self.report)("reading", sample.len() as u64, ids.len() as u64);
            let points = self.gallery.retrieve(some, With::VECTORS).await?;
            let vectors = points.into_iter().filter_map(|mut point| {
                let vector = point.vectors.get_mut(self.space.space()).take()?;
                Some((point.id, vector))
            });
            sample.extend(vectors);
            if self.stop.is_cancelled() {
                return Ok(None);
            }
        }
        Ok(Some((sample, total)))
    }

    /// Places all pictures, page by page. Returns `None` if the run was stopped.
    async fn place_all(&self, placing: Placing, total: u64) -> Result<Option<Vec<MapPlace>>> {
        let (placing, mut places, mut from) = (Arc::new(placing), Vec::new(), None);
        loop {
            let page = self
                .gallery
                .scroll(&own(), from, READ_AT_ONCE, With::VECTORS)
                .await?;
            from = page.next;
            let (placing, points) = (Arc::clone(&placing), page.points);
            let placed = blocking("placing pictures", move || Ok(placing.places_of(&points)));
            places.extend(placed.await?);
            (self.report)("placing", places.len() as u64, total);
            if self.stop.is_cancelled() {
                return Ok(None);
            }
            if from.is_none() {
                return Ok(Some(places));
            }
        }
    }
}

fn own() -> Filter {
    Filter {
        origin: Origin::Gallery,
        ..Filter::default()
    }
}

/// What decides the places of pictures.
struct Placing {
    layout: Layout,
    landmarks: HashMap<PointId, Place>,
    groups: StyleCentres,
    space: MapSpace,
}

impl Placing {
    /// Returns the places of those pictures that have a vector.
    fn places_of(&self, points: &[Point]) -> Vec<MapPlace> {
        let placed = points.iter().filter_map(|point| {
            let vector = point.vectors.get(self.space.space()).as_deref()?;
            let known = self.landmarks.get(&point.id).copied();
            let [x, y] = known.unwrap_or_else(|| self.layout.place(vector, salt_of(point.id)));
            let style = point.vectors.style.as_deref();
            Some(MapPlace {
                id: point.id,
                x: rounded(x),
                y: rounded(y),
                style: style.and_then(|style| self.groups.nearest(style)),
            })
        });
        placed.collect()
    }
}

/// Fewer digits, which no screen shows.
fn rounded(value: f32) -> f32 {
    (value * 10_000.0).round() / 10_000.0
}

fn salt_of(id: PointId) -> u64 {
    match id {
        PointId::Number(number) => number,
        PointId::Uuid(uuid) => uuid.as_u64_pair().1,
    }
}

/// The styles of a collection. Empty if none were found.
struct StyleCentres(Vec<(u64, Vec<f32>)>);

impl StyleCentres {
    async fn read(gallery: &dyn Gallery, embedder: &dyn Embedder) -> Result<Self> {
        let head = styles::head_of(gallery, embedder.info()).await?;
        let found = StyleGroups::read(gallery, head.as_deref()).await?;
        let groups = found.into_iter().flat_map(|found| found.groups);
        let centres = groups.flat_map(|group| {
            let id = group.id;
            let centroids = group.centroids.into_iter();
            centroids.map(move |known| (id, known.centroid.values().to_vec()))
        });
        Ok(Self(centres.collect()))
    }

    /// The id of the style that a style vector belongs to.
    fn nearest(&self, style: &[f32]) -> Option<u64> {
        let directions = self.0.iter().map(|(_, centre)| centre.as_slice());
        let (index, _) = nearest(directions, style)?;
        self.0.get(index).map(|(id, _)| *id)
    }
}
