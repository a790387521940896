//! Embeddings of earlier queries.
//!
//! An artist who moves a weight, narrows by a tag or turns the page sends the same drawing again.
//! Its embedding is cached, so that it is neither decoded nor sent to the model once more.

use std::sync::Arc;

use clippy_core::embedding::Embedding;
use moka::sync::Cache;

use crate::inputs::InputKey;

/// Most embeddings in the cache: 16 MB with 1,024 dimensions.
const CAPACITY: u64 = 4_096;

/// Embeddings of one model, by their inputs.
pub(crate) struct EmbeddingCache {
    embeddings: Cache<InputKey, Arc<Embedding>>,
}

impl Default for EmbeddingCache {
    fn default() -> Self {
        Self {
            embeddings: Cache::new(CAPACITY),
        }
    }
}

impl EmbeddingCache {
    pub(crate) fn get(&self, key: &InputKey) -> Option<Arc<Embedding>> {
        self.embeddings.get(key)
    }

    pub(crate) fn insert(&self, key: InputKey, embedding: Arc<Embedding>) {
        self.embeddings.insert(key, embedding);
    }
}
