//! The collection in its folder: one writer, any number of readers, and the durability of
//! acknowledged changes.
//!
//! ```text
//! <folder>/collection.json   what the collection is, and which generation is the live one
//! <folder>/journal           operations acknowledged since the live generation's files were last known to be whole
//! <folder>/shard-<n>/        the engine's files of generation n
//! ```
//!
//! A change goes to the journal (synced to disk), then to the engine, then it is acknowledged. A
//! checkpoint syncs the engine's files to disk and then empties the journal. Opening replays the
//! journal. Every operation sets what it names to a constant, so replaying one that the engine's
//! files already have changes nothing.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clippy_core::embedding::{ImageTransform, Interpolation, ModelInfo, ResizeMode};
use clippy_core::gallery::{CollectionInfo, Filter, Payload, Point, TAGS_FIELD, With};
use clippy_core::ids::PointId;
use clippy_core::{Error, ErrorCode, Result};
use parking_lot::{Mutex, MutexGuard, RwLock};
use qdrant_edge as engine;
use serde_json::Value;

use super::EdgeOptions;
use super::convert::field_path;
use super::filter::filter_in;
use super::generations::{shard_folder, shard_folders};
use super::journal::Journal;
use super::metadata::{METADATA_FILE, Metadata};
use super::migrate::migrate;
use super::operation::Operation;
use super::room;
use super::shard::{Shard, ShardShape, call_engine};
use crate::identity::Identity;
use crate::lock::StoreLock;
use crate::schema::Schema;
use crate::spellings::{Spellings, asks_for_tags};
use clippy_common::files::{remove_folder, remove_leftovers};

pub(super) const JOURNAL_FILE: &str = "journal";

/// Bytes of journal after which the engine's files are synced to disk. A start after a kill may
/// have to replay that much, which takes about a second.
const CHECKPOINT_BYTES: u64 = 64 << 20;

/// An open collection.
#[derive(Debug)]
pub(super) struct Store {
    pub(super) folder: PathBuf,
    pub(super) name: String,
    pub(super) shape: ShardShape,
    writer: Mutex<Writer>,
    live: RwLock<Arc<Shard>>,
    /// The spellings of tags; `None` until the first query for a tag.
    spellings: RwLock<Option<Arc<Spellings>>>,
    /// Held while graphs are built: one at a time.
    pub(super) building: Mutex<()>,
    // Dropped last, so that another process gets the folder only when everything else is closed.
    _lock: StoreLock,
}

/// The state that only one writer may use at a time.
#[derive(Debug)]
pub(super) struct Writer {
    pub(super) journal: Journal,
    pub(super) metadata: Metadata,
    /// While a new generation is built, the journal must keep what that generation lacks.
    pub(super) keep_journal: bool,
}

impl Store {
    /// Opens the collection, or makes it.
    pub(super) fn open(options: EdgeOptions) -> Result<Self> {
        let EdgeOptions {
            folder,
            name,
            model,
            indexing_threshold_kb,
        } = options;
        let lock = StoreLock::acquire(&folder, None)?;
        let schema = Schema::current();
        let threshold = indexing_threshold_kb.unwrap_or(schema.indexing_threshold_kb);
        let mut graph = schema.graph;
        graph.full_scan_threshold_kb = graph.full_scan_threshold_kb.min(threshold);
        let shape = ShardShape {
            spaces: schema.vectors.names.clone(),
            dimension: model.dimension,
            graph,
            indexing_threshold_kb: threshold,
        };

        remove_leftovers(&folder).map_err(|error| broken(&folder, error))?;
        let mut metadata = match Metadata::read(&folder)? {
            Some(metadata) => metadata,
            None => {
                room::check(&folder, 0)?;
                let shards = shard_folders(&folder).map_err(|error| broken(&folder, error))?;
                if let Some((_, shard)) = shards.first() {
                    return Err(Error::internal(format!(
                        "{} exists, but {METADATA_FILE} beside it is missing: restore the file, \
                         or move the folder {} away to start afresh",
                        shard.display(),
                        folder.display()
                    )));
                }
                let mut metadata = Metadata::new(&model);
                // No generation is complete yet: if the process is killed from here on, the next
                // start ignores its files.
                metadata.generation = 0;
                metadata.write(&folder)?;
                metadata
            }
        };
        metadata.identity.check(&name, &model)?;
        for (number, shard) in shard_folders(&folder).map_err(|error| broken(&folder, error))? {
            if number != metadata.generation {
                remove_folder(&shard).map_err(|error| broken(&shard, error))?;
            }
        }
        let shard = if metadata.generation == 0 {
            let shard = Shard::create(&shard_folder(&folder, 1), &shape)?;
            shard.flush()?;
            metadata.generation = 1;
            metadata.write(&folder)?;
            shard
        } else {
            let spaces = Schema::spaces_at(metadata.identity.schema_version);
            let stored = ShardShape {
                spaces,
                ..shape.clone()
            };
            Shard::load(&shard_folder(&folder, metadata.generation), &stored)?
        };
        let mut changed = 0;
        let journal = Journal::open(&folder.join(JOURNAL_FILE), |operation| {
            changed += operation.points();
            shard.apply(operation)
        })?;
        metadata.changed_points += changed;
        if changed > 0 {
            tracing::info!(collection = %name, points = changed,
            "replayed what was stored before an abrupt end");
        }
        let shard = migrate(&folder, &name, &mut metadata, shard, &shape)?;
        let store = Self {
            folder,
            name,
            shape,
            writer: Mutex::new(Writer {
                journal,
                metadata,
                keep_journal: false,
            }),
            live: RwLock::new(Arc::new(shard)),
            spellings: RwLock::default(),
            building: Mutex::new(()),
            _lock: lock,
        };
        store.checkpoint(&mut store.writer())?;
        Ok(store)
    }

    /// Returns the generation to read from.
    pub(super) fn live(&self) -> Arc<Shard> {
        Arc::clone(&self.live.read())
    }

    /// Makes readers use another generation from now on; returns the previous one.
    pub(super) fn switch(&self, shard: Arc<Shard>) -> Arc<Shard> {
        std::mem::replace(&mut *self.live.write(), shard)
    }

    /// Returns a page of points in the order of their ids, and where the next one begins.
    pub(super) fn page(
        &self,
        filter: Option<engine::Filter>,
        from: Option<PointId>,
        limit: usize,
        with: With,
    ) -> Result<(Vec<Point>, Option<PointId>)> {
        let (points, next) = self.live().scroll(filter.clone(), from, limit, with)?;
        if next.is_some() {
            return Ok((points, next));
        }
        // It may only look like the last page (see `Shard::scroll`). Nothing is deleted while the
        // writer's lock is held.
        let _turn = self.writer();
        self.live().scroll(filter, from, limit, with)
    }

    /// Waits for the writer's lock.
    pub(super) fn writer(&self) -> MutexGuard<'_, Writer> {
        self.writer.lock()
    }

    /// Makes a change. When this returns, it survives a kill.
    pub(super) fn change(&self, operation: Operation) -> Result<()> {
        let points = operation.points();
        if points == 0 {
            return Ok(());
        }
        room::check(&self.folder, 0)?;
        let mut writer = self.writer();
        let before = writer.journal.append(&operation)?;
        self.learn(&operation);
        if let Err(error) = self.live().apply(operation) {
            writer.journal.roll_back(before)?;
            return Err(error);
        }
        writer.metadata.changed_points += points;
        if writer.journal.length() >= CHECKPOINT_BYTES && !writer.keep_journal {
            // The change is safe in the journal whether or not this succeeds.
            if let Err(error) = self.checkpoint(&mut writer) {
                tracing::warn!(%error, source = ?error.source,
                "the engine's files could not be forced to the disk");
            }
        }
        Ok(())
    }

    /// Converts core's filter to the engine's.
    pub(super) fn filter_in(&self, filter: &Filter) -> Result<Option<engine::Filter>> {
        filter_in(filter, &*self.spellings_for(filter, &[])?)
    }

    /// Returns the spellings of tags, for a query that asks for some.
    pub(super) fn spellings_for(&self, filter: &Filter, tags: &[String]) -> Result<Arc<Spellings>> {
        if !asks_for_tags(filter) && tags.is_empty() {
            return Ok(Arc::default());
        }
        let known = || self.spellings.read().clone();
        if let Some(known) = known() {
            return Ok(known);
        }
        // Writers wait while we hold the lock, so no tag can be missing from both index and list.
        let _turn = self.writer();
        if let Some(known) = known() {
            return Ok(known);
        }
        let mut spellings = Spellings::default();
        // Without a filter the engine reads its index. It may contain tags of deleted points, which
        // does no harm here.
        let key = field_path(TAGS_FIELD)?;
        let request = engine::FacetRequest {
            key,
            limit: u32::MAX as usize,
            filter: None,
            exact: false,
        };
        let shard = self.live();
        for hit in call_engine("list its tags", || shard.engine().facet(request))?.hits {
            if let engine::FacetValue::Keyword(tag) = hit.value {
                spellings.learn(&tag);
            }
        }
        let spellings = Arc::new(spellings);
        *self.spellings.write() = Some(Arc::clone(&spellings));
        Ok(spellings)
    }

    /// Adds the tags of a change to the spellings; call it with the writer's lock held.
    fn learn(&self, operation: &Operation) {
        let payloads: Vec<&Payload> = match operation {
            Operation::Put(points) => points.iter().map(|point| &point.payload).collect(),
            Operation::Fields(_, fields) => vec![fields],
            Operation::Vectors(_) | Operation::Delete(_) => return,
        };
        let mut spellings = self.spellings.write();
        let Some(spellings) = spellings.as_mut() else {
            return;
        };
        for payload in payloads {
            if !spellings.knows(payload) {
                Arc::make_mut(spellings).learn_all(payload);
            }
        }
    }

    /// Syncs the engine's files to disk and empties the journal.
    pub(super) fn checkpoint(&self, writer: &mut Writer) -> Result<()> {
        let shard = self.live();
        shard.flush()?;
        writer.metadata.points = shard.count(None)?;
        writer.metadata.write(&self.folder)?;
        if writer.keep_journal {
            Ok(())
        } else {
            writer.journal.clear()
        }
    }

    /// Adds a folder that pictures may be served from.
    pub(super) fn add_root(&self, root: &str) -> Result<()> {
        let mut writer = self.writer();
        if writer.metadata.roots.iter().any(|known| known == root) {
            return Ok(());
        }
        let mut metadata = writer.metadata.clone();
        metadata.roots.push(root.to_owned());
        metadata.write(&self.folder)?;
        writer.metadata = metadata;
        Ok(())
    }

    /// Returns a note of this name.
    pub(super) fn note(&self, name: &str) -> Option<Value> {
        self.writer().metadata.notes.get(name).cloned()
    }

    /// Returns all notes.
    pub(super) fn notes(&self) -> BTreeMap<String, Value> {
        self.writer().metadata.notes.clone()
    }

    /// Stores a note.
    pub(super) fn set_note(&self, name: &str, note: Value) -> Result<()> {
        let mut writer = self.writer();
        let mut metadata = writer.metadata.clone();
        metadata.notes.insert(name.to_owned(), note);
        metadata.write(&self.folder)?;
        writer.metadata = metadata;
        Ok(())
    }

    /// Describes the collection.
    pub(super) fn info(&self) -> Result<CollectionInfo> {
        let points = self.live().count(None)?;
        let metadata = self.writer().metadata.clone();
        let indexed = !self.lacks_graphs(&metadata);
        Ok(info_of(&self.name, metadata, points, indexed))
    }

    /// Returns whether so much was written since the graphs were built that searches compare with
    /// many points one by one.
    pub(super) fn lacks_graphs(&self, metadata: &Metadata) -> bool {
        let bytes = metadata
            .changed_points
            .saturating_mul(self.shape.dimension as u64 * 4);
        bytes / 1024 >= self.shape.indexing_threshold_kb as u64
    }

    /// Returns the folder of a generation's files.
    pub(super) fn generation_folder(&self, generation: u64) -> PathBuf {
        shard_folder(&self.folder, generation)
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        let mut writer = self.writer();
        if writer.journal.length() > 0
            && let Err(error) = self.checkpoint(&mut writer)
        {
            tracing::warn!(%error,
            "the collection is closed with its journal, which the next start replays");
        }
    }
}

/// Describes a collection without opening the engine; its counts are those of the last checkpoint.
pub(super) fn inspect(folder: &Path, name: &str) -> Result<Option<CollectionInfo>> {
    let Some(metadata) = Metadata::read(folder)? else {
        return Ok(None);
    };
    let points = metadata.points;
    let bytes = metadata
        .changed_points
        .saturating_mul(metadata.identity.dimension as u64 * 4);
    let indexed = bytes / 1024 < Schema::current().indexing_threshold_kb as u64;
    Ok(Some(info_of(name, metadata, points, indexed)))
}

/// Reads the model that filled a collection, with what opening the collection needs.
pub(super) fn model_of(folder: &Path, name: &str) -> Result<ModelInfo> {
    let missing = || {
        Error::not_found(format!(
            "there is no collection {name} in {}",
            folder.display()
        ))
    };
    let identity = Metadata::read(folder)?.ok_or_else(missing)?.identity;
    Ok(ModelInfo {
        name: identity.model,
        pretrained: identity.pretrained,
        dimension: identity.dimension,
        fingerprint: identity.fingerprint,
        style: None,
        // Only embedding needs these; here the model is compared by its fingerprint.
        context_length: 0,
        transform: ImageTransform {
            side: 0,
            mean: [0.0; 3],
            std: [1.0; 3],
            interpolation: Interpolation::Bicubic,
            resize_mode: ResizeMode::Shortest,
        },
    })
}

fn info_of(name: &str, metadata: Metadata, points: u64, indexed: bool) -> CollectionInfo {
    let Metadata {
        identity, roots, ..
    } = metadata;
    let Identity {
        model,
        pretrained,
        fingerprint,
        dimension,
        schema_version,
    } = identity;
    let name = name.to_owned();
    CollectionInfo {
        name,
        points,
        dimension,
        model,
        pretrained,
        fingerprint,
        schema_version,
        roots,
        indexed,
    }
}

pub(super) fn broken(path: &Path, error: std::io::Error) -> Error {
    Error::new(
        ErrorCode::Internal,
        format!("{} could not be read or written", path.display()),
    )
    .with_source(error)
}
