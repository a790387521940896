//! Embeddings of what was asked before.
//!
//! An artist who moves a weight, narrows by a tag or turns the page sends the same drawing again.
//! What the model made of it is kept, so that only the search itself is done once more: no
//! decoding, no edge map, no turn of the model.

use std::sync::Arc;

use clippy_core::embedding::Embedding;
use moka::sync::Cache;

use crate::prepare::Part;

/// Most embeddings that are kept: 16 MB of 1,024 dimensions.
const MOST_KNOWN: u64 = 4_096;

/// What an embedding was made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    pub part: Part,
    pub digest: [u8; 32],
}

/// Embeddings by what they were made of, by one model.
pub(crate) struct Known {
    embeddings: Cache<Key, Arc<Embedding>>,
}

impl Default for Known {
    fn default() -> Self {
        Self {
            embeddings: Cache::new(MOST_KNOWN),
        }
    }
}

impl Known {
    pub(crate) fn get(&self, key: &Key) -> Option<Arc<Embedding>> {
        self.embeddings.get(key)
    }

    pub(crate) fn keep(&self, key: Key, embedding: Arc<Embedding>) {
        self.embeddings.insert(key, embedding);
    }
}
