//! Writes the keys of groups to pictures, page by page.

use std::collections::HashMap;

use clippy_core::Result;
use clippy_core::clustering::nearest;
use clippy_core::gallery::{
    Filter, GENERATED, Gallery, ORIGIN_FIELD, Payload, Point, STYLE_GROUP_FIELD, With,
};
use clippy_core::ids::PointId;
use clippy_core::style_groups::{StyleGroups, key, keys_of};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::Finder;

/// How many pictures are read in one call.
const PAGE: usize = 500;
/// How many typical pictures a group shows.
const COVERS: usize = 8;

/// What is known about the groups after all pictures were read.
#[derive(Debug)]
pub(super) struct Gathered {
    groups: Vec<Members>,
}

/// What is gathered about one group.
#[derive(Debug, Clone, Default)]
pub(super) struct Members {
    pub(super) count: u64,
    /// The sum of the image vectors.
    pub(super) images: Vec<f64>,
    /// The nearest pictures, with their cosines.
    covers: Vec<(f32, PointId)>,
}

impl Gathered {
    /// What is known about each group, in their order.
    pub(super) fn groups(&self) -> &[Members] {
        &self.groups
    }

    /// Adds counts and covers to the groups.
    pub(super) fn describe(&self, mut found: StyleGroups) -> StyleGroups {
        for (group, members) in found.groups.iter_mut().zip(&self.groups) {
            group.count = members.count;
            group.covers = members.covers.iter().map(|(_, id)| *id).collect();
        }
        found
    }
}

impl Members {
    fn add(&mut self, point: &Point, cosine: f32) {
        self.count += 1;
        // Covers are the gallery's own pictures: generated ones are shown only when they are asked
        // for.
        if is_generated(&point.payload) {
            return;
        }
        if let Some(image) = &point.vectors.image {
            self.images.resize(image.len(), 0.0);
            for (sum, value) in self.images.iter_mut().zip(image) {
                *sum += f64::from(*value);
            }
        }
        self.covers.push((cosine, point.id));
        self.covers
            .sort_by(|left, right| right.0.total_cmp(&left.0).then(left.1.cmp(&right.1)));
        self.covers.truncate(COVERS);
    }
}

fn is_generated(payload: &Payload) -> bool {
    payload.get(ORIGIN_FIELD).and_then(Value::as_str) == Some(GENERATED)
}

/// Adds the keys of a run to all pictures with a style vector, beside those of the run before.
/// Returns `None` if the run was stopped.
pub(super) async fn assign_all(
    finder: &Finder<'_>,
    found: &StyleGroups,
    before: Option<&StyleGroups>,
) -> Result<Option<Gathered>> {
    let mut gathered = Gathered {
        groups: vec![Members::default(); found.groups.len()],
    };
    let (mut done, mut from) = (0, None);
    loop {
        let page = finder
            .gallery
            .scroll(&Filter::default(), from, PAGE, With::ALL)
            .await?;
        let mut changes = Changes::default();
        for point in &page.points {
            let Some(style) = &point.vectors.style else {
                continue;
            };
            // In a new run each group has one centroid.
            let directions = found.centroids().map(|known| known.centroid.values());
            let Some((place, cosine)) = nearest(directions, style) else {
                continue;
            };
            gathered.groups[place].add(point, cosine);
            done += 1;
            let new = key(&found.run, found.groups[place].id);
            changes.add(point, before, new);
        }
        changes.write(finder.gallery).await?;
        (finder.report)(done, found.pictures.max(done));
        from = page.next;
        if finder.stop.is_cancelled() {
            return Ok(None);
        }
        if from.is_none() {
            return Ok(Some(gathered));
        }
    }
}

/// Adds keys to the pictures that have a style vector and no key of these groups: those that were
/// stored while the groups were found, and those that got a style vector since.
///
/// # Errors
/// What the collection reports.
pub async fn group_the_rest(
    gallery: &dyn Gallery,
    groups: &StyleGroups,
    stop: &CancellationToken,
) -> Result<()> {
    let rest = Filter {
        outside_style_groups: groups.all_keys(),
        ..Filter::default()
    };
    let mut from = None;
    loop {
        let page = gallery.scroll(&rest, from, PAGE, With::VECTORS).await?;
        let mut changes = Changes::default();
        for point in &page.points {
            let style = point.vectors.style.as_deref();
            if let Some(key) = style.and_then(|style| groups.key_for(style)) {
                changes.keys.entry(vec![key]).or_default().push(point.id);
            }
        }
        changes.write(gallery).await?;
        from = page.next;
        if from.is_none() || stop.is_cancelled() {
            return Ok(());
        }
    }
}

/// The keys that pictures get. Pictures with the same keys are written together.
#[derive(Default)]
struct Changes {
    keys: HashMap<Vec<String>, Vec<PointId>>,
}

impl Changes {
    fn add(&mut self, point: &Point, before: Option<&StyleGroups>, new: String) {
        let shown = before.and_then(|before| {
            keys_of(&point.payload).find(|key| {
                let run = key.split_once('.').map(|(run, _)| run);
                run == Some(before.run.as_str())
            })
        });
        let mut keys: Vec<String> = shown.map(str::to_owned).into_iter().collect();
        keys.push(new);
        if !keys_of(&point.payload).eq(keys.iter().map(String::as_str)) {
            self.keys.entry(keys).or_default().push(point.id);
        }
    }

    async fn write(self, gallery: &dyn Gallery) -> Result<()> {
        for (keys, ids) in self.keys {
            gallery.set_payload_of(&ids, payload_of(keys)).await?;
        }
        Ok(())
    }
}

/// Returns the payload field with these keys.
pub(crate) fn payload_of(keys: Vec<String>) -> Payload {
    Payload::from_iter([(STYLE_GROUP_FIELD.to_owned(), keys.into())])
}
