//! What a collection on the server looks like, checked.

use std::collections::HashSet;

use clippy_core::embedding::ModelInfo;
use clippy_core::gallery::Space;
use clippy_core::{Error, ErrorCode, Result};
use qdrant_client::qdrant as wire;

use super::metadata::{Place, Said, read};
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
    /// What it is there for, beside others.
    pub(super) place: Place,
    /// Folders that pictures are served from.
    pub(super) roots: Vec<String>,
    /// Fields with an index.
    pub(super) indexes: HashSet<String>,
    /// Whether searches go over compressed vectors first.
    pub(super) quantized: bool,
    /// Whether the server has nothing left to build.
    pub(super) indexed: bool,
    /// How many vectors have their graphs.
    pub(super) indexed_vectors: u64,
    /// Whether it builds nothing until something is changed.
    pub(super) waits_for_a_nudge: bool,
    /// Why it cannot build what it should.
    pub(super) fault: Option<String>,
    /// How it is set.
    pub(super) config: wire::CollectionConfig,
}

fn conflict(message: String) -> Error {
    Error::new(ErrorCode::Conflict, message)
}

impl Shape {
    /// Parses the server's answer.
    ///
    /// # Errors
    /// [`ErrorCode::Conflict`] when it is no collection of pictures.
    pub(super) fn of(name: &str, physical: String, info: wire::CollectionInfo) -> Result<Self> {
        let indexed = info.status == wire::CollectionStatus::Green as i32;
        let indexed_vectors = info.indexed_vectors_count.unwrap_or(0);
        let waits_for_a_nudge = info.status == wire::CollectionStatus::Grey as i32;
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
            // All vectors have unit length, so that both tell the cosine.
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
        let Said {
            identity,
            place,
            roots,
        } = read(&config.metadata)?;
        let indexes = info.payload_schema.into_keys().collect();
        Ok(Self {
            physical,
            spaces,
            dimension,
            identity,
            place,
            roots,
            indexes,
            quantized,
            indexed,
            indexed_vectors,
            waits_for_a_nudge,
            fault,
            config,
        })
    }

    /// Refuses a collection that another model filled, as far as can be told.
    ///
    /// # Errors
    /// [`ErrorCode::Conflict`], with both named.
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

    /// Version of the schema; 0 is a collection of Clippy 0.2.
    pub(super) fn schema_version(&self) -> u32 {
        self.identity
            .as_ref()
            .map_or(0, |identity| identity.schema_version)
    }

    /// Whether it has vectors for a space.
    pub(super) fn has(&self, space: Space) -> bool {
        self.spaces.contains(&space)
    }
}
