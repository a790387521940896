//! The shape of a collection on the server, checked.

use std::collections::HashSet;

use clippy_core::embedding::ModelInfo;
use clippy_core::gallery::Space;
use clippy_core::{Error, ErrorCode, Result};
use qdrant_client::qdrant as wire;

use super::metadata::{Lifecycle, Metadata, read};
use crate::identity::Identity;

/// A collection as it is on the server.
#[derive(Debug, Clone)]
pub(super) struct Shape {
    /// The collection's own name; the public one may be an alias.
    pub(super) physical: String,
    /// The spaces that it has vectors for.
    pub(super) spaces: Vec<Space>,
    /// Length of its vectors.
    pub(super) dimension: usize,
    /// The model that filled it; `None` when it was not recorded, as by Clippy 0.2.
    pub(super) identity: Option<Identity>,
    /// Its use among others with the same public name.
    pub(super) lifecycle: Lifecycle,
    /// Folders that pictures are served from.
    pub(super) roots: Vec<String>,
    /// Fields with an index.
    pub(super) indexes: HashSet<String>,
    /// Whether searches find candidates by compressed vectors.
    pub(super) quantized: bool,
    /// Whether the server has nothing left to build.
    pub(super) indexed: bool,
    /// How many vectors have their graphs.
    pub(super) indexed_vectors: u64,
    /// Whether the server builds nothing until something is changed.
    pub(super) needs_trigger: bool,
    /// Why the server cannot build the graphs.
    pub(super) fault: Option<String>,
    /// The collection's configuration.
    pub(super) config: wire::CollectionConfig,
}

fn conflict(message: String) -> Error {
    Error::new(ErrorCode::Conflict, message)
}

impl Shape {
    /// Parses the server's answer.
    ///
    /// # Errors
    /// [`ErrorCode::Conflict`] when it is not a collection of pictures.
    pub(super) fn of(name: &str, physical: String, info: wire::CollectionInfo) -> Result<Self> {
        let indexed = info.status == wire::CollectionStatus::Green as i32;
        let indexed_vectors = info.indexed_vectors_count.unwrap_or(0);
        let needs_trigger = info.status == wire::CollectionStatus::Grey as i32;
        let fault = info
            .optimizer_status
            .filter(|status| !status.ok)
            .map(|status| status.error);
        let config = info.config.unwrap_or_default();
        let params = config.params.as_ref();
        let vectors = params
            .and_then(|params| params.vectors_config.as_ref())
            .and_then(|found| found.config.as_ref());
        let Some(wire::vectors_config::Config::ParamsMap(named)) = vectors else {
            return Err(conflict(format!(
                "the collection {name} has a vector without a name, but a collection of pictures \
                 has vectors named image, edge and text: name another with QDRANT_COLLECTION"
            )));
        };
        let (mut spaces, mut dimension, mut quantized) =
            (Vec::new(), None, config.quantization_config.is_some());
        for space in Space::ALL {
            let Some(params) = named.map.get(space.name()) else {
                continue;
            };
            let distance = wire::Distance::try_from(params.distance);
            // All vectors have unit length, so both give the cosine.
            if !matches!(distance, Ok(wire::Distance::Cosine | wire::Distance::Dot)) {
                return Err(conflict(format!(
                    "the vector {} of the collection {name} is compared by {distance:?}, but must \
                     be by cosine",
                    space.name()
                )));
            }
            let size = usize::try_from(params.size).unwrap_or(usize::MAX);
            if dimension.is_some_and(|known| known != size) {
                return Err(conflict(format!(
                    "the vectors of the collection {name} are not of one length"
                )));
            }
            quantized |= params.quantization_config.is_some();
            dimension = Some(size);
            spaces.push(space);
        }
        let Some(dimension) = dimension else {
            return Err(conflict(format!(
                "the collection {name} has none of the vectors image, edge and text: name another \
                 with QDRANT_COLLECTION"
            )));
        };
        let Metadata {
            identity,
            lifecycle,
            roots,
        } = read(&config.metadata)?;
        let indexes = info.payload_schema.into_keys().collect();
        Ok(Self {
            physical,
            spaces,
            dimension,
            identity,
            lifecycle,
            roots,
            indexes,
            quantized,
            indexed,
            indexed_vectors,
            needs_trigger,
            fault,
            config,
        })
    }

    /// Refuses a collection that another model filled, as far as that is recorded.
    ///
    /// # Errors
    /// [`ErrorCode::Conflict`] that names both.
    pub(super) fn check(&self, name: &str, model: &ModelInfo) -> Result<()> {
        if let Some(identity) = &self.identity {
            identity.check(name, model)?;
        }
        if self.dimension != model.dimension {
            return Err(conflict(format!(
                "the collection {name} was filled by a model of {} dimensions, but the model in \
                 use is {} ({}, {} dimensions): vectors of different models cannot be compared. \
                 Set MODEL_NAME and PRETRAINED to the model that filled it, or name another \
                 QDRANT_COLLECTION",
                self.dimension, model.name, model.pretrained, model.dimension
            )));
        }
        Ok(())
    }

    /// Returns the version of the schema; 0 is a collection of Clippy 0.2.
    pub(super) fn schema_version(&self) -> u32 {
        self.identity
            .as_ref()
            .map_or(0, |identity| identity.schema_version)
    }

    /// Returns whether it has vectors for a space.
    pub(super) fn has(&self, space: Space) -> bool {
        self.spaces.contains(&space)
    }
}
