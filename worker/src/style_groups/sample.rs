//! The sample of style vectors that is divided into groups. It bounds the memory of a run.

use clippy_core::clustering::{self, Clusters, MOST};
use clippy_core::gallery::{Filter, Origin, With};
use clippy_core::ids::PointId;
use clippy_core::search::calibration::SampleDraw;
use clippy_core::style_groups::{Centroid, GroupCentroid, StyleGroup, StyleGroups, makeshift_name};
use clippy_core::{Result, blocking};

use super::Finder;

/// The size of the sample: far more vectors than are needed to tell twenty styles apart, and forty
/// megabytes.
const SIZE: usize = 20_000;
/// How many ids are listed in one call.
const IDS_AT_ONCE: usize = 10_000;
/// How many vectors are read in one call.
const READ_AT_ONCE: usize = 500;
/// The most bytes of all centroids of a note.
const CENTROID_BYTES: usize = 30_000;

/// Style vectors in the order of the hashes of their ids.
pub(super) struct Sample {
    vectors: Vec<Vec<f32>>,
}

/// Takes a sample of the gallery's own pictures. Returns `None` if the run was stopped.
pub(super) async fn take(finder: &Finder<'_>) -> Result<Option<Sample>> {
    let own = Filter {
        origin: Origin::Gallery,
        ..Filter::default()
    };
    let mut draw = SampleDraw::of_size(SIZE);
    let mut from = None;
    loop {
        let page = finder
            .gallery
            .scroll(&own, from, IDS_AT_ONCE, With::NOTHING)
            .await?;
        draw.offer(page.points.iter().map(|point| point.id));
        from = page.next;
        if finder.stop.is_cancelled() {
            return Ok(None);
        }
        if from.is_none() {
            break;
        }
    }
    let ids: Vec<PointId> = draw.chosen();
    let mut vectors = Vec::with_capacity(ids.len());
    for some in ids.chunks(READ_AT_ONCE) {
        let points = finder.gallery.retrieve(some, With::VECTORS).await?;
        vectors.extend(points.into_iter().filter_map(|point| point.vectors.style));
        if finder.stop.is_cancelled() {
            return Ok(None);
        }
    }
    Ok(Some(Sample { vectors }))
}

impl Sample {
    /// Divides the sample into groups. The earlier ones continue, with their ids.
    pub(super) async fn divide(
        self,
        found: StyleGroups,
        earlier: Option<StyleGroups>,
    ) -> Result<StyleGroups> {
        // Minutes of computation for a large gallery: not for an async thread.
        blocking("finding groups", move || {
            let vectors: Vec<&[f32]> = self.vectors.iter().map(Vec::as_slice).collect();
            let most = most_groups(vectors.first().map_or(1, |vector| vector.len()));
            let (mut directions, mut kept) = (Vec::new(), Vec::new());
            for group in earlier.iter().flat_map(|earlier| &earlier.groups) {
                for centroid in &group.centroids {
                    directions.push(centroid.centroid.values());
                    kept.push(group.is_named || group.centroids.len() > 1);
                }
            }
            let clusters = clustering::find(&vectors, &directions, &kept, most);
            Ok(with_ids(found, &clusters, earlier.as_ref()))
        })
        .await
    }
}

/// The most groups whose centroids fit into a note.
fn most_groups(dimension: usize) -> usize {
    MOST.min(CENTROID_BYTES / dimension.max(1)).max(1)
}

fn with_ids(
    mut found: StyleGroups,
    clusters: &Clusters,
    earlier: Option<&StyleGroups>,
) -> StyleGroups {
    let before: Vec<u64> = earlier
        .iter()
        .flat_map(|earlier| earlier.centroids())
        .map(|centroid| centroid.id)
        .collect();
    for (centroid, continued) in clusters.centroids.iter().zip(&clusters.earlier) {
        let id = match continued.and_then(|index| before.get(index)) {
            Some(id) => *id,
            None => {
                found.next_id += 1;
                found.next_id - 1
            }
        };
        found.groups.push(StyleGroup {
            id,
            name: makeshift_name(id),
            is_named: false,
            centroids: vec![GroupCentroid {
                id,
                centroid: Centroid::new(centroid),
            }],
            count: 0,
            tags: Vec::new(),
            covers: Vec::new(),
        });
    }
    found
}
