//! The collection on a Qdrant server, over gRPC.

mod address;
mod breaker;
mod collections;
mod connection;
mod convert;
mod crowding;
mod errors;
mod filter;
mod gallery;
mod graphs;
mod hybrid;
mod metadata;
mod migrate;
mod notes;
mod opening;
mod shape;
mod spelled;
mod version;

use std::fmt;
use std::sync::Arc;

use clippy_core::embedding::ModelInfo;
use clippy_core::{Error, Result};
use parking_lot::RwLock;

pub use self::collections::QdrantCollections;
use self::connection::Connection;
pub use self::connection::QdrantServer;
pub use self::migrate::{MigrationPlan, migrate, plan};
use self::shape::Shape;
use self::spelled::Spelled;
use self::version::Version;

/// How the server compresses vectors for the first look; the scores are always those of the vectors
/// themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quantization {
    /// Not at all.
    Off,
    /// A byte a value.
    Scalar,
    /// A bit a value: for vectors of 1,000 values and more.
    Binary,
}

/// How a collection is kept by the server. What is `None` is left as it is, or as the server has it
/// by itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StorageOptions {
    /// How many shards a new collection has.
    pub shards: Option<u32>,
    /// How many nodes have each shard.
    pub replication_factor: Option<u32>,
    /// How vectors are compressed.
    pub quantization: Option<Quantization>,
    /// Whether a new collection's vectors and graphs are kept on the disk rather than in memory.
    pub on_disk: Option<bool>,
}

/// Which collection on which server, and for which model.
#[derive(Debug, Clone)]
pub struct QdrantOptions {
    /// The server.
    pub server: QdrantServer,
    /// The collection's name, or an alias.
    pub name: String,
    /// The model in use: a collection that another one filled is refused.
    pub model: ModelInfo,
    /// How the collection is kept.
    pub storage: StorageOptions,
    /// Kilobytes of vectors a space from which on graphs are built; `None` is the schema's.
    pub indexing_threshold_kb: Option<usize>,
}

impl QdrantOptions {
    /// A collection as the schema has it.
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
    /// The collection's own name: an alias that is switched does not change what this gallery
    /// works with.
    physical: String,
    /// What the collection is called outside.
    name: String,
    /// The model in use; `None` for reading alone, or when it was checked before.
    model: Option<ModelInfo>,
    /// What the collection looks like, or why it is not to be used any more.
    shape: RwLock<Result<Arc<Shape>, Refusal>>,
    /// How its tags are written.
    spelled: Spelled,
}

/// Why a collection is not to be used: an error that can be told again and again.
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
    /// What the collection looks like. One search works with one answer from beginning to end.
    fn shape(&self) -> Result<Arc<Shape>> {
        match &*self.shape.read() {
            Ok(shape) => Ok(Arc::clone(shape)),
            Err(refusal) => Err(Error::new(refusal.code, refusal.message.clone())),
        }
    }
}
