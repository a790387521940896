//! A collection in memory. Every search compares all of its points.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};

use async_trait::async_trait;
use clippy_core::embedding::ModelInfo;
use clippy_core::gallery::{
    ADDED_FIELD, Candidates, CollectionInfo, Crowding, FacetCount, Filter, GalleryNotes,
    GalleryReader, GalleryWriter, HybridQuery, ORIGIN_FIELD, PROPOSED_BY_FIELD,
    PROPOSED_SCHEMA_VERSION, PROPOSED_WORDS_FIELD, Page, Payload, Point, RATING_FIELD, STYLE_FIELD,
    STYLE_GROUP_FIELD, STYLE_TAGS_FIELD, Space, TAGS_FIELD, Vectors, With, check_note,
    check_vector,
};
use clippy_core::ids::PointId;
use clippy_core::{Error, ErrorCode, Result};
use parking_lot::Mutex;
use serde_json::Value;

use crate::search;

/// The payload fields whose values can be counted.
const KEYWORDS: [&str; 8] = [
    TAGS_FIELD,
    STYLE_TAGS_FIELD,
    RATING_FIELD,
    STYLE_FIELD,
    ORIGIN_FIELD,
    PROPOSED_WORDS_FIELD,
    PROPOSED_BY_FIELD,
    STYLE_GROUP_FIELD,
];

/// A collection in memory with faults that tests can set. Passes the contract suite while none is
/// set.
pub struct MemoryGallery {
    model: ModelInfo,
    /// The stored points.
    pub points: Mutex<BTreeMap<PointId, Point>>,
    /// The recorded folders.
    pub roots: Mutex<Vec<String>>,
    /// The notes.
    pub notes: Mutex<HashMap<String, Value>>,
    /// The fingerprint of the model that filled it.
    pub fingerprint: Mutex<String>,
    /// The version of the schema.
    pub schema_version: AtomicU32,
    /// The number of upserts, without those that failed by [`MemoryGallery::fail_upserts`].
    pub upserts: AtomicUsize,
    /// The number of calls of `optimize`.
    pub optimized: AtomicUsize,
    /// The number of searches that were started.
    pub searches: AtomicUsize,
    /// Searches wait while a test holds this.
    pub gate: Arc<tokio::sync::Mutex<()>>,
    /// Fault: `info` fails as unavailable while this is set.
    pub info_fails: AtomicBool,
    /// Fault: `facet` panics while this is set.
    pub facet_panics: AtomicBool,
    /// Fault: every upsert from this one on (counted from 1) fails; 0 means none.
    pub fails_from: AtomicUsize,
    /// Fault: an update of a missing point's vectors fails after the other vectors are stored, as a
    /// Qdrant server does when points are deleted while the gallery writes.
    pub refuses_missing: AtomicBool,
    /// Check: an upsert panics if no root was recorded before it.
    pub needs_root: AtomicBool,
    /// Fault: the first upsert that fails, and how many fail. See [`MemoryGallery::fail_upserts`].
    failing_upserts: Mutex<(usize, usize)>,
    /// Fault: see [`MemoryGallery::delete_before_next_write`].
    deleted_before_write: Mutex<Option<PointId>>,
}

impl MemoryGallery {
    /// An empty collection for this model.
    #[must_use]
    pub fn new(model: &ModelInfo) -> Self {
        Self {
            points: Mutex::default(),
            roots: Mutex::default(),
            notes: Mutex::default(),
            fingerprint: Mutex::new(model.fingerprint.clone()),
            schema_version: AtomicU32::new(PROPOSED_SCHEMA_VERSION),
            upserts: AtomicUsize::new(0),
            optimized: AtomicUsize::new(0),
            searches: AtomicUsize::new(0),
            gate: Arc::default(),
            info_fails: AtomicBool::new(false),
            facet_panics: AtomicBool::new(false),
            fails_from: AtomicUsize::new(0),
            refuses_missing: AtomicBool::new(false),
            needs_root: AtomicBool::new(false),
            failing_upserts: Mutex::default(),
            deleted_before_write: Mutex::default(),
            model: model.clone(),
        }
    }

    /// Makes `count` upserts fail as unavailable, starting with the `from`-th (counted from 1).
    pub fn fail_upserts(&self, from: usize, count: usize) {
        *self.failing_upserts.lock() = (from, count);
    }

    /// Deletes this point just before the next write, as another process could.
    pub fn delete_before_next_write(&self, id: u64) {
        *self.deleted_before_write.lock() = Some(id.into());
    }

    /// Deletes a point, as another process could.
    pub fn remove(&self, id: u64) {
        self.points.lock().remove(&id.into());
    }

    /// Returns a point by its number.
    ///
    /// # Panics
    /// When it does not exist.
    #[must_use]
    pub fn point(&self, id: u64) -> Point {
        let points = self.points.lock();
        let found = points.get(&PointId::Number(id)).cloned();
        found.unwrap_or_else(|| panic!("no point {id}"))
    }

    fn matching(&self, filter: &Filter) -> Vec<Point> {
        let points = self.points.lock();
        let matching = points
            .values()
            .filter(|point| search::matches(point, filter));
        matching.cloned().collect()
    }

    fn delete_if_requested(&self) {
        if let Some(id) = self.deleted_before_write.lock().take() {
            self.points.lock().remove(&id);
        }
    }

    /// Whether the next upsert fails; counts that failure.
    fn take_upsert_failure(&self) -> bool {
        let mut failing = self.failing_upserts.lock();
        let (from, count) = *failing;
        let fails = from > 0 && count > 0 && self.upserts.load(Ordering::SeqCst) + 1 >= from;
        if fails {
            failing.1 -= 1;
        }
        fails
    }

    /// Checks vectors, and scales them to unit length.
    fn normalise(&self, id: PointId, mut vectors: Vectors) -> Result<Vectors> {
        for space in Space::ALL {
            if let Some(vector) = vectors.get_mut(space) {
                check_vector(space, vector, self.model.dimension).map_err(|error| Error {
                    message: format!("picture {id}: {}", error.message),
                    ..error
                })?;
                search::normalise(vector);
            }
        }
        Ok(vectors)
    }
}

#[async_trait]
impl GalleryReader for MemoryGallery {
    async fn info(&self) -> Result<CollectionInfo> {
        if self.info_fails.load(Ordering::SeqCst) {
            let message = "qdrant at 10.0.0.7 refused the password hunter2";
            return Err(Error::new(ErrorCode::Unavailable, message));
        }
        Ok(CollectionInfo {
            name: "memory".to_owned(),
            points: self.points.lock().len() as u64,
            dimension: self.model.dimension,
            model: self.model.name.clone(),
            pretrained: self.model.pretrained.clone(),
            fingerprint: self.fingerprint.lock().clone(),
            schema_version: self.schema_version.load(Ordering::SeqCst),
            roots: self.roots.lock().clone(),
            indexed: true,
        })
    }

    async fn retrieve(&self, ids: &[PointId], with: With) -> Result<Vec<Point>> {
        let points = self.points.lock();
        let found = ids.iter().filter_map(|id| points.get(id));
        Ok(found.map(|point| search::part_of(point, with)).collect())
    }

    async fn hybrid(&self, query: HybridQuery) -> Result<Candidates> {
        self.searches.fetch_add(1, Ordering::SeqCst);
        drop(self.gate.lock().await);
        let mut probes = query.probes.clone();
        for probe in &mut probes {
            check_vector(probe.space(), &probe.vector, self.model.dimension)?;
            search::normalise(&mut probe.vector);
        }
        let points = self.matching(&query.filter);
        Ok(search::hybrid(&points, &HybridQuery { probes, ..query }))
    }

    async fn crowding(
        &self,
        ids: &[PointId],
        spaces: &[Space],
        neighbours: usize,
    ) -> Result<Vec<Crowding>> {
        let points = self.points.lock();
        let crowding = |id| search::crowding(&points, id, spaces, neighbours);
        Ok(ids.iter().map(crowding).collect())
    }

    async fn scroll(
        &self,
        filter: &Filter,
        from: Option<PointId>,
        limit: usize,
        with: With,
    ) -> Result<Page> {
        let mut points = self.matching(filter);
        points.retain(|point| from.is_none_or(|from| point.id >= from));
        let next = points.get(limit).map(|point| point.id);
        points.truncate(limit);
        let points = points.iter().map(|point| search::part_of(point, with));
        Ok(Page {
            points: points.collect(),
            next,
        })
    }

    async fn newest(&self, filter: &Filter, most: usize) -> Result<Vec<PointId>> {
        let points = self.matching(filter);
        let dated = points.iter().filter_map(|point| {
            let added = point.payload.get(ADDED_FIELD)?.as_i64()?;
            Some((Reverse(added), point.id))
        });
        let mut dated: Vec<_> = dated.collect();
        dated.sort_unstable();
        dated.truncate(most);
        Ok(dated.into_iter().map(|(_, id)| id).collect())
    }

    async fn count(&self, filter: &Filter) -> Result<u64> {
        Ok(self.matching(filter).len() as u64)
    }

    async fn facet(&self, field: &str, filter: &Filter, limit: usize) -> Result<Vec<FacetCount>> {
        assert!(
            !self.facet_panics.load(Ordering::SeqCst),
            "the secret of /etc/passwd"
        );
        if !KEYWORDS.contains(&field) {
            return Err(Error::invalid(format!("{field} has no keyword index")));
        }
        let mut counts: BTreeMap<String, u64> = BTreeMap::new();
        for point in self.matching(filter) {
            for value in search::values(&point, field) {
                *counts.entry(value.to_owned()).or_default() += 1;
            }
        }
        let mut counts: Vec<_> = counts
            .into_iter()
            .map(|(value, count)| FacetCount { value, count })
            .collect();
        // The sort is stable: values with the same count stay in alphabetical order.
        counts.sort_by_key(|facet| std::cmp::Reverse(facet.count));
        counts.truncate(limit);
        Ok(counts)
    }
}

#[async_trait]
impl GalleryWriter for MemoryGallery {
    async fn upsert(&self, points: Vec<Point>) -> Result<()> {
        if self.take_upsert_failure() {
            return Err(Error::new(ErrorCode::Unavailable, "the server is down"));
        }
        self.delete_if_requested();
        let call = self.upserts.fetch_add(1, Ordering::SeqCst) + 1;
        let fails_from = self.fails_from.load(Ordering::SeqCst);
        if fails_from > 0 && call >= fails_from {
            return Err(Error::new(ErrorCode::Unavailable, "the disk is full"));
        }
        assert!(
            !self.needs_root.load(Ordering::SeqCst) || !self.roots.lock().is_empty(),
            "a root must be recorded before the first point"
        );
        let mut checked = Vec::with_capacity(points.len());
        for point in points {
            let vectors = self.normalise(point.id, point.vectors)?;
            checked.push((point.id, Point { vectors, ..point }));
        }
        self.points.lock().extend(checked);
        Ok(())
    }

    async fn update_vectors(&self, updates: Vec<(PointId, Vectors)>) -> Result<()> {
        self.delete_if_requested();
        let mut checked = Vec::with_capacity(updates.len());
        for (id, vectors) in updates {
            checked.push((id, self.normalise(id, vectors)?));
        }
        let mut points = self.points.lock();
        let mut missing = None;
        for (id, vectors) in checked {
            let Some(point) = points.get_mut(&id) else {
                missing = Some(id);
                continue;
            };
            for (space, vector) in vectors.iter().filter(|(_, vector)| vector.is_some()) {
                point.vectors.get_mut(space).clone_from(vector);
            }
        }
        match missing.filter(|_| self.refuses_missing.load(Ordering::SeqCst)) {
            Some(id) => Err(Error::not_found(format!("there is no picture {id}"))),
            None => Ok(()),
        }
    }

    async fn set_payload(&self, id: PointId, fields: Payload) -> Result<()> {
        self.delete_if_requested();
        let mut points = self.points.lock();
        let missing = || Error::not_found(format!("there is no picture {id}"));
        let point = points.get_mut(&id).ok_or_else(missing)?;
        point.payload.extend(fields);
        Ok(())
    }

    async fn delete(&self, ids: &[PointId]) -> Result<()> {
        let mut points = self.points.lock();
        for id in ids {
            points.remove(id);
        }
        Ok(())
    }

    async fn add_root(&self, root: &str) -> Result<()> {
        let mut roots = self.roots.lock();
        if !roots.iter().any(|known| known == root) {
            roots.push(root.to_owned());
        }
        Ok(())
    }

    async fn optimize(&self) -> Result<()> {
        self.optimized.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }
}

#[async_trait]
impl GalleryNotes for MemoryGallery {
    async fn note(&self, name: &str) -> Result<Option<Value>> {
        Ok(self.notes.lock().get(name).cloned())
    }

    async fn notes(&self) -> Result<BTreeMap<String, Value>> {
        Ok(self.notes.lock().clone().into_iter().collect())
    }

    async fn set_note(&self, name: &str, note: Value) -> Result<()> {
        check_note(name, &note)?;
        self.notes.lock().insert(name.to_owned(), note);
        Ok(())
    }
}
