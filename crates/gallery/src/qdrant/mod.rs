//! The collection on a Qdrant server, over gRPC.

mod address;
mod breaker;
mod collections;
mod connection;
mod convert;
mod crowding;
mod errors;
mod facets;
mod filter;
mod gallery;
mod graphs;
mod hybrid;
mod known_spellings;
mod metadata;
mod migrate;
mod newest;
mod notes;
mod opening;
mod shape;
mod version;
mod writing;

use std::fmt;
use std::sync::Arc;

use clippy_core::embedding::ModelInfo;
use clippy_core::{Error, Result};
use parking_lot::RwLock;

pub use self::collections::QdrantCollections;
use self::connection::Connection;
pub use self::connection::QdrantServer;
use self::known_spellings::KnownSpellings;
pub use self::migrate::{MigrationPlan, migrate, plan};
use self::shape::Shape;
use self::version::Version;

/// How the server compresses vectors for finding candidates. Scores are always computed from the
/// uncompressed vectors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quantization {
    /// Not at all.
    Off,
    /// One byte per value.
    Scalar,
    /// One bit per value: for vectors of 1,000 values and more.
    Binary,
}

/// How the server stores a collection. `None` keeps the current value, or the server's default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StorageOptions {
    /// How many shards a new collection has.
    pub shards: Option<u32>,
    /// How many nodes have each shard.
    pub replication_factor: Option<u32>,
    /// How vectors are compressed.
    pub quantization: Option<Quantization>,
    /// Whether a new collection's vectors and graphs are kept on disk rather than in memory.
    pub on_disk: Option<bool>,
}

/// Which collection on which server, and for which model.
#[derive(Debug, Clone)]
pub struct QdrantOptions {
    /// The server.
    pub server: QdrantServer,
    /// The collection's name, or an alias.
    pub name: String,
    /// The model in use. A collection that another model filled is refused.
    pub model: ModelInfo,
    /// How the collection is kept.
    pub storage: StorageOptions,
    /// Kilobytes of vectors in a space above which graphs are built; `None` means the schema's
    /// value.
    pub indexing_threshold_kb: Option<usize>,
}

impl QdrantOptions {
    /// Makes options for a collection with the schema's defaults.
    #[must_use]
    pub fn new(server: QdrantServer, name: impl Into<String>, model: ModelInfo) -> Self {
        Self {
            server,
            name: name.into(),
            model,
            storage: StorageOptions::default(),
            indexing_threshold_kb: None,
        }
    }
}

/// A collection on a Qdrant server, which any number of processes may share.
#[derive(Debug, Clone)]
pub struct QdrantGallery {
    inner: Arc<Inner>,
}

struct Inner {
    connection: Arc<Connection>,
    version: Version,
    /// The collection's own name: this gallery keeps using the collection when the alias is
    /// switched.
    physical: String,
    /// The collection's public name.
    name: String,
    /// The model in use; `None` for reading alone, or when it was checked before.
    model: Option<ModelInfo>,
    /// The collection's shape, or why it must not be used any more.
    shape: RwLock<Result<Arc<Shape>, Refusal>>,
    /// The known spellings of its tags.
    known_spellings: KnownSpellings,
}

/// Why a collection must not be used: an error that can be returned again and again.
#[derive(Debug, Clone)]
struct Refusal {
    code: clippy_core::ErrorCode,
    message: String,
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self {
            code: error.code,
            message: error.message,
        }
    }
}

impl fmt::Debug for Inner {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("QdrantGallery")
            .field("name", &self.name)
            .field("physical", &self.physical)
            .finish_non_exhaustive()
    }
}

impl Inner {
    /// Returns the collection's shape. A search uses one shape from beginning to end.
    fn shape(&self) -> Result<Arc<Shape>> {
        match &*self.shape.read() {
            Ok(shape) => Ok(Arc::clone(shape)),
            Err(refusal) => Err(Error::new(refusal.code, refusal.message.clone())),
        }
    }
}
