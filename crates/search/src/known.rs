//! Embeddings of what was asked before.
//!
//! An artist who moves a weight, narrows by a tag or turns the page sends the same drawing again. What the model made of it
//! is kept, so that only the search itself is done once more: no decoding, no edge map, no turn of the model.

use std::sync::Arc;

use clippy_core::embedding::Embedding;
use clippy_core::search::cursor;
use moka::sync::Cache;
use sha2::{Digest, Sha256};

use crate::prepare::Part;
use crate::query::{SearchQuery, filled};

/// Most embeddings that are kept: 16 MB of 1,024 dimensions.
const MOST_KNOWN: u64 = 4_096;

/// What an embedding was made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    pub part: Part,
    digest: [u8; 32],
}

/// Embeddings by what they were made of, by one model.
pub(crate) struct Known {
    embeddings: Cache<Key, Arc<Embedding>>,
}

impl Default for Known {
    fn default() -> Self {
        Self { embeddings: Cache::new(MOST_KNOWN) }
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

/// SHA-256 of what a query holds: nobody can make another's drawing stand for theirs.
pub(crate) struct Digests {
    sketch: [u8; 32],
    image: [u8; 32],
    words: [u8; 32],
    words_against: [u8; 32],
}

impl Digests {
    /// Reads each picture's file once.
    pub(crate) fn of(query: &SearchQuery) -> Self {
        let of = |bytes: Option<&[u8]>| bytes.map_or([0; 32], |bytes| Sha256::digest(bytes).into());
        let words = |text: Option<&String>| of(filled(text).map(str::as_bytes));
        Self {
            sketch: of(query.sketch.as_deref()),
            image: of(query.image.as_deref()),
            words: words(query.text.as_ref()),
            words_against: words(query.negative_text.as_ref()),
        }
    }

    /// What tells an input of the model from any other one.
    pub(crate) fn key(&self, part: Part) -> Key {
        let digest = match part {
            Part::Sketch(_) => self.sketch,
            Part::Image(_) => self.image,
            Part::Words => self.words,
            Part::WordsAgainst => self.words_against,
        };
        Key { part, digest }
    }

    /// Everything that decides the order of results, so that a cursor is only taken by its own query.
    pub(crate) fn fingerprint(&self, query: &SearchQuery) -> String {
        let SearchQuery {
            sketch: _,
            image: _,
            like,
            text,
            negative_text,
            weights,
            top: _,
            cursor: _,
            filter,
            exact,
            user_id,
            personalize,
            min_percentile,
            diversity,
            unlike,
            collapse,
            calibrated,
            facets: _,
        } = query;
        let rest = format!(
            "{like:?} {text:?} {negative_text:?} {weights:?} {filter:?} {exact} {user_id:?} {personalize} {min_percentile:?} \
             {diversity} {unlike:?} {collapse} {calibrated}"
        );
        cursor::fingerprint(&[&self.sketch, &self.image, rest.as_bytes()])
    }
}
