//! A collection in memory. Every search looks at all of its points.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};

use async_trait::async_trait;
use clippy_core::embedding::ModelInfo;
use clippy_core::gallery::{
    Candidates, CollectionInfo, Crowding, FacetCount, Filter, GalleryNotes, GalleryReader,
    GalleryWriter, HybridQuery, ORIGIN_SCHEMA_VERSION, Page, Payload, Point, Space, Vectors, With,
    check_note, check_vector,
};
use clippy_core::ids::PointId;
use clippy_core::{Error, ErrorCode, Result};
use parking_lot::Mutex;
use serde_json::Value;

use crate::search;

/// The payload fields whose values can be counted.
const KEYWORDS: [&str; 5] = ["tags_all", "matched_tags", "rating", "style", "origin"];

/// Passes the contract suite as long as no fault is set.
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
    /// Upserts that succeeded or failed, but for those that found nobody.
    pub upserts: AtomicUsize,
    /// Calls of `optimize`.
    pub optimized: AtomicUsize,
    /// Searches that began.
    pub searches: AtomicUsize,
    /// Searches wait while a test holds this.
    pub gate: Arc<tokio::sync::Mutex<()>>,
    /// Fault: `info` fails as unavailable while this is set.
    pub info_fails: AtomicBool,
    /// Fault: `facet` panics while this is set.
    pub facet_panics: AtomicBool,
    /// Fault: upserts from this one on fail; 0 means none.
    pub fails_from: AtomicUsize,
    /// Fault: vectors of a missing point are refused, after the others were stored, as by a Qdrant
    /// server when points vanish faster than the gallery can leave them out.
    pub refuses_missing: AtomicBool,
    /// Check: an upsert panics when no root was recorded before it.
    pub needs_root: AtomicBool,
    /// Fault: see [`MemoryGallery::away_from_upsert`].
    away: Mutex<(usize, usize)>,
    /// Fault: see [`MemoryGallery::vanishes_before_a_write`].
    vanishing: Mutex<Option<PointId>>,
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
            schema_version: AtomicU32::new(ORIGIN_SCHEMA_VERSION),
            upserts: AtomicUsize::new(0),
            optimized: AtomicUsize::new(0),
            searches: AtomicUsize::new(0),
            gate: Arc::default(),
            info_fails: AtomicBool::new(false),
            facet_panics: AtomicBool::new(false),
            fails_from: AtomicUsize::new(0),
            refuses_missing: AtomicBool::new(false),
            needs_root: AtomicBool::new(false),
            away: Mutex::default(),
            vanishing: Mutex::default(),
            model: model.clone(),
        }
    }

    /// Makes upserts fail as unavailable: from the `from`-th on (counted from 1), `count` times.
    pub fn away_from_upsert(&self, from: usize, count: usize) {
        *self.away.lock() = (from, count);
    }

    /// Deletes this point just before the next write, as another process could.
    pub fn vanishes_before_a_write(&self, id: u64) {
        *self.vanishing.lock() = Some(id.into());
    }

    /// Deletes a point at once, as another process could.
    pub fn remove(&self, id: u64) {
        self.points.lock().remove(&id.into());
    }

    /// A point by its number.
    ///
    /// # Panics
    /// When there is none.
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

    fn vanish(&self) {
        if let Some(id) = self.vanishing.lock().take() {
            self.points.lock().remove(&id);
        }
    }

    fn is_away(&self) -> bool {
        let mut away = self.away.lock();
        let (from, count) = *away;
        let is_away = from > 0 && count > 0 && self.upserts.load(Ordering::SeqCst) + 1 >= from;
        if is_away {
            away.1 -= 1;
        }
        is_away
    }

    /// The vectors, checked and with unit length.
    fn checked(&self, id: PointId, mut vectors: Vectors) -> Result<Vectors> {
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

    async fn count(&self, filter: &Filter) -> Result<u64> {
        Ok(self.matching(filter).len() as u64)
    }

    async fn facet(&self, field: &str, filter: &Filter, limit: usize) -> Result<Vec<FacetCount>> {
        assert!(
            !self.facet_panics.load(Ordering::SeqCst),
            "the secret of /etc/passwd"
        );
        if !KEYWORDS.contains(&field) {
            return Err(Error::invalid(format!("{field} has no index of keywords")));
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
        // The sort is stable: values of the same count stay in their own order.
        counts.sort_by_key(|facet| std::cmp::Reverse(facet.count));
        counts.truncate(limit);
        Ok(counts)
    }
}

#[async_trait]
impl GalleryWriter for MemoryGallery {
    async fn upsert(&self, points: Vec<Point>) -> Result<()> {
        if self.is_away() {
            return Err(Error::new(ErrorCode::Unavailable, "the server is away"));
        }
        self.vanish();
        let call = self.upserts.fetch_add(1, Ordering::SeqCst) + 1;
        let fails_from = self.fails_from.load(Ordering::SeqCst);
        if fails_from > 0 && call >= fails_from {
            return Err(Error::new(ErrorCode::Unavailable, "the disk is full"));
        }
        assert!(
            !self.needs_root.load(Ordering::SeqCst) || !self.roots.lock().is_empty(),
            "a root is recorded before the first point"
        );
        let mut checked = Vec::with_capacity(points.len());
        for point in points {
            let vectors = self.checked(point.id, point.vectors)?;
            checked.push((point.id, Point { vectors, ..point }));
        }
        self.points.lock().extend(checked);
        Ok(())
    }

    async fn update_vectors(&self, updates: Vec<(PointId, Vectors)>) -> Result<()> {
        self.vanish();
        let mut checked = Vec::with_capacity(updates.len());
        for (id, vectors) in updates {
            checked.push((id, self.checked(id, vectors)?));
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
        self.vanish();
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

    async fn set_note(&self, name: &str, note: Value) -> Result<()> {
        check_note(name, &note)?;
        self.notes.lock().insert(name.to_owned(), note);
        Ok(())
    }
}
