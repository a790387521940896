//! An open folder of the engine's files.

use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use clippy_core::gallery::{ADDED_FIELD, Point, Space, With};
use clippy_core::ids::PointId;
use clippy_core::{Error, Result};
use qdrant_edge as engine;

use super::convert::{failed, field_path, id_in, id_out, operation_in, point_out};
use super::operation::Operation;
use crate::schema::{FieldKind, GraphSchema, Schema};
use clippy_common::files::remove_folder;

/// Size of one file of the engine's own log, in bytes. The log is never read back (the journal is),
/// so it is kept small.
const LOG_FILE_BYTES: usize = 8 << 20;

/// Points that are copied at a time.
pub(super) const COPY_BATCH: usize = 512;

/// What a shard is made with.
#[derive(Debug, Clone)]
pub(super) struct ShardShape {
    /// The named vectors.
    pub(super) spaces: Vec<Space>,
    /// Length of the vectors.
    pub(super) dimension: usize,
    /// The graphs' parameters.
    pub(super) graph: GraphSchema,
    /// Kilobytes of vectors above which a segment gets a graph.
    pub(super) indexing_threshold_kb: usize,
}

/// The engine on one folder. Writers must not run at the same time; readers may.
#[derive(Debug)]
pub(super) struct Shard {
    // Taken only when this is dropped.
    engine: Option<engine::EdgeShard>,
    /// The named vectors that it has.
    spaces: Vec<Space>,
    folder: PathBuf,
    retired: AtomicBool,
}

impl Shard {
    /// Makes an empty shard with all indexes. Anything in the folder is removed.
    pub(super) fn create(folder: &Path, shape: &ShardShape) -> Result<Self> {
        remove_folder(folder)
            .and_then(|()| std::fs::create_dir_all(folder))
            .map_err(|error| {
                Error::internal(format!("{} could not be made", folder.display()))
                    .with_source(error)
            })?;
        let opened = call_engine("make a collection", || {
            engine::EdgeShard::new(folder, config(shape))
        })?;
        Self::ready(opened, shape, folder)
    }

    /// Opens a shard that was created before.
    pub(super) fn load(folder: &Path, shape: &ShardShape) -> Result<Self> {
        let opened = call_engine("open the collection", || {
            engine::EdgeShard::load(folder, Some(config(shape)))
        })?;
        Self::ready(opened, shape, folder)
    }

    fn ready(opened: engine::EdgeShard, shape: &ShardShape, folder: &Path) -> Result<Self> {
        let shard = Self {
            engine: Some(opened),
            spaces: shape.spaces.clone(),
            folder: folder.to_owned(),
            retired: AtomicBool::new(false),
        };
        shard.ensure_indexes()?;
        Ok(shard)
    }

    /// Makes the indexes that are missing in any segment: after a load, the engine starts a new
    /// segment without them.
    pub(super) fn ensure_indexes(&self) -> Result<()> {
        for index in &Schema::current().payload_indexes {
            let kind = match index.kind {
                FieldKind::Keyword => engine::PayloadSchemaType::Keyword,
                FieldKind::Integer => engine::PayloadSchemaType::Integer,
            };
            self.update(engine::UpdateOperation::FieldIndexOperation(
                engine::FieldIndexOperations::CreateIndex(engine::CreateIndex {
                    field_name: field_path(&index.field)?,
                    field_schema: Some(engine::PayloadFieldSchema::FieldType(kind)),
                }),
            ))?;
        }
        Ok(())
    }

    /// Returns the engine, for reading.
    pub(super) fn engine(&self) -> &engine::EdgeShard {
        self.engine.as_ref().expect("it is taken by `drop` alone")
    }

    fn update(&self, operation: engine::UpdateOperation) -> Result<()> {
        call_engine("store a change", || self.engine().update(operation))
    }

    /// Applies an operation. Changes of points that do not exist are left out.
    pub(super) fn apply(&self, operation: Operation) -> Result<()> {
        let operation = match operation {
            Operation::Vectors(mut updates) => {
                let ids: Vec<PointId> = updates.iter().map(|(id, _)| *id).collect();
                let existing = self.existing(&ids)?;
                updates.retain(|(id, _)| existing.contains(id));
                Operation::Vectors(updates)
            }
            Operation::Fields(mut ids, fields) => {
                let existing = self.existing(&ids)?;
                ids.retain(|id| existing.contains(id));
                Operation::Fields(ids, fields)
            }
            other => other,
        };
        if operation.points() == 0 {
            return Ok(());
        }
        operation_in(operation, &self.spaces)
            .into_iter()
            .try_for_each(|update| self.update(update))
    }

    /// Returns which of these points exist.
    pub(super) fn existing(&self, ids: &[PointId]) -> Result<HashSet<PointId>> {
        Ok(self
            .retrieve(ids, With::NOTHING)?
            .into_iter()
            .map(|point| point.id)
            .collect())
    }

    /// Returns the points with these ids that exist, in the order asked for; an id that is given
    /// twice comes once.
    pub(super) fn retrieve(&self, ids: &[PointId], with: With) -> Result<Vec<Point>> {
        self.retrieve_spaces(
            ids,
            with.payload,
            if with.vectors { &self.spaces } else { &[] },
        )
    }

    /// Like [`Shard::retrieve`], with the vectors of these spaces only.
    pub(super) fn retrieve_spaces(
        &self,
        ids: &[PointId],
        payload: bool,
        spaces: &[Space],
    ) -> Result<Vec<Point>> {
        let ids: Vec<_> = ids.iter().copied().map(id_in).collect();
        let records = call_engine("read points", || {
            self.engine().retrieve(
                &ids,
                Some(engine::WithPayloadInterface::Bool(payload)),
                Some(vectors_of(spaces)),
            )
        })?;
        Ok(records.into_iter().map(point_out).collect())
    }

    /// Returns a page of points in the order of their ids, and where the next one begins. The
    /// engine lists ids first and reads the points afterwards. When one is deleted in between, the
    /// page is short and looks like the last one.
    pub(super) fn scroll(
        &self,
        filter: Option<engine::Filter>,
        from: Option<PointId>,
        limit: usize,
        with: With,
    ) -> Result<(Vec<Point>, Option<PointId>)> {
        let request = engine::ScrollRequest {
            offset: from.map(id_in),
            limit: Some(limit),
            filter,
            with_payload: Some(engine::WithPayloadInterface::Bool(with.payload)),
            with_vector: vectors_of(if with.vectors { &self.spaces } else { &[] }),
            order_by: None,
        };
        let (records, next) =
            call_engine("walk over the points", || self.engine().scroll(request))?;
        Ok((
            records.into_iter().map(point_out).collect(),
            next.map(id_out),
        ))
    }

    /// Returns the ids of up to `most` points with a time of adding, the newest first.
    pub(super) fn newest(
        &self,
        filter: Option<engine::Filter>,
        most: usize,
    ) -> Result<Vec<PointId>> {
        // The engine may reserve memory for as many points as it is asked for.
        let most = most.min(usize::try_from(self.count(None)?).unwrap_or(usize::MAX));
        if most == 0 {
            return Ok(Vec::new());
        }
        let request = engine::ScrollRequest {
            offset: None,
            limit: Some(most),
            filter,
            with_payload: Some(engine::WithPayloadInterface::Bool(false)),
            with_vector: engine::WithVector::Bool(false),
            order_by: Some(engine::OrderByInterface::Struct(engine::OrderBy {
                key: field_path(ADDED_FIELD)?,
                direction: Some(engine::Direction::Desc),
                start_from: None,
            })),
        };
        let (records, _) = call_engine("list the newest points", || self.engine().scroll(request))?;
        // A point that is just being moved may be in two segments.
        let mut seen = HashSet::with_capacity(records.len());
        let ids = records.into_iter().map(|record| id_out(record.id));
        Ok(ids.filter(|id| seen.insert(*id)).collect())
    }

    /// Returns the points whose vectors are nearest to one in a space, best first.
    pub(super) fn nearest(
        &self,
        space: Space,
        vector: Vec<f32>,
        filter: Option<engine::Filter>,
        params: engine::SearchParams,
        limit: usize,
    ) -> Result<Vec<(PointId, f32)>> {
        let request = engine::SearchRequest {
            query: engine::QueryEnum::Nearest(engine::NamedQuery {
                query: engine::VectorInternal::Dense(vector),
                using: Some(space.name().into()),
            }),
            filter,
            params: Some(params),
            limit,
            offset: 0,
            with_payload: Some(engine::WithPayloadInterface::Bool(false)),
            with_vector: Some(engine::WithVector::Bool(false)),
            score_threshold: None,
        };
        let hits = call_engine("search", || self.engine().search(request))?;
        Ok(hits
            .into_iter()
            .map(|hit| (id_out(hit.id), hit.score))
            .collect())
    }

    /// The named vectors that it has.
    pub(super) fn spaces(&self) -> &[Space] {
        &self.spaces
    }

    /// Copies all points to another shard, while nobody writes.
    pub(super) fn copy_into(&self, other: &Self) -> Result<()> {
        let mut from = None;
        loop {
            let (points, next) = self.scroll(None, from, COPY_BATCH, With::ALL)?;
            other.apply(Operation::Put(points))?;
            if next.is_none() {
                return Ok(());
            }
            from = next;
        }
    }

    /// Returns the exact number of points that the filter selects.
    pub(super) fn count(&self, filter: Option<engine::Filter>) -> Result<u64> {
        let request = engine::CountRequest {
            filter,
            exact: true,
        };
        call_engine("count points", || self.engine().count(request)).map(|count| count as u64)
    }

    /// Syncs everything to disk. Only the one writer may call it: the engine panics when its log is
    /// in use.
    pub(super) fn flush(&self) -> Result<()> {
        call_engine("write its files", || {
            self.engine().flush();
            Ok(())
        })?;
        self.trim_log();
        Ok(())
    }

    /// Builds graphs in place, for a shard without other users.
    pub(super) fn build_graphs(&self) -> Result<()> {
        call_engine("build its graphs", || self.engine().optimize())?;
        self.ensure_indexes()
    }

    /// Marks the folder as not needed any more: the last reader removes it.
    pub(super) fn retire(&self) {
        self.retired.store(true, Ordering::Release);
    }

    /// Removes the closed files of the engine's own log except the last one, which its numbering
    /// continues from. The engine never reads them, so they would only grow.
    fn trim_log(&self) {
        let Ok(entries) = std::fs::read_dir(self.folder.join("wal")) else {
            return;
        };
        let mut closed: Vec<(u64, PathBuf)> = entries
            .flatten()
            .filter_map(|entry| {
                let number = entry
                    .file_name()
                    .to_str()?
                    .strip_prefix("closed-")?
                    .parse()
                    .ok()?;
                Some((number, entry.path()))
            })
            .collect();
        closed.sort_unstable();
        closed.pop();
        for (_, path) in closed {
            if let Err(error) = std::fs::remove_file(&path) {
                // It only wastes disk space; on systems that keep open files locked it is removed
                // after the next start.
                tracing::debug!(path = %path.display(), %error,
                "an old file of the engine's log stays");
                return;
            }
        }
    }
}

impl Drop for Shard {
    fn drop(&mut self) {
        // The engine writes its files when it is dropped, and panics when it cannot. The journal
        // has what they lack.
        let engine = self.engine.take();
        if catch_unwind(AssertUnwindSafe(|| drop(engine))).is_err() {
            tracing::warn!(folder = %self.folder.display(),
            "the engine could not write its files while closing");
        }
        if self.retired.load(Ordering::Acquire)
            && let Err(error) = remove_folder(&self.folder)
        {
            tracing::warn!(folder = %self.folder.display(), %error,
            "an old generation could not be removed");
        }
    }
}

/// Calls the engine, and turns its panics (mostly because of a full disk) into errors. The state
/// after a panic is repaired from the journal at the next start.
pub(super) fn call_engine<T>(
    what: &str,
    call: impl FnOnce() -> engine::OperationResult<T>,
) -> Result<T> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(outcome) => outcome.map_err(|error| failed(what, error)),
        Err(panic) => {
            let reason = panic
                .downcast_ref::<String>()
                .map(String::as_str)
                .or_else(|| panic.downcast_ref::<&str>().copied())
                .unwrap_or("no reason given");
            Err(Error::internal(format!(
                "the vector engine could not {what}: {reason}"
            )))
        }
    }
}

fn vectors_of(spaces: &[Space]) -> engine::WithVector {
    if spaces.is_empty() {
        engine::WithVector::Bool(false)
    } else {
        engine::WithVector::Selector(spaces.iter().map(|space| space.name().into()).collect())
    }
}

/// Makes the engine's configuration. The engine compares by the dot product, not by its own cosine:
/// for a cosine it would scale every vector again whenever it moves one. The vectors already have
/// unit length, and stay bit for bit as they were stored.
fn config(shape: &ShardShape) -> engine::EdgeConfig {
    let mut builder = engine::EdgeConfig::builder()
        .on_disk_payload(true)
        .hnsw_config(engine::HnswIndexConfig {
            m: shape.graph.m,
            ef_construct: shape.graph.ef_construct,
            full_scan_threshold: shape.graph.full_scan_threshold_kb,
            max_indexing_threads: 0,
            on_disk: None,
            payload_m: None,
            inline_storage: None,
        })
        .optimizers(engine::EdgeOptimizersConfig {
            indexing_threshold: Some(shape.indexing_threshold_kb),
            ..engine::EdgeOptimizersConfig::default()
        })
        .wal_options(engine::WalOptions {
            segment_capacity: LOG_FILE_BYTES,
            ..engine::WalOptions::default()
        });
    for space in &shape.spaces {
        builder = builder.vector(
            space.name(),
            engine::EdgeVectorParams::builder(shape.dimension, engine::Distance::Dot).build(),
        );
    }
    builder.build()
}
