//! What tells a query, and each thing that it compares by, from every other one.

use clippy_core::search::cursor;
use sha2::{Digest, Sha256};

use crate::known::Key;
use crate::prepare::Part;
use crate::query::{SearchQuery, filled};

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

    /// Everything that decides the order of results, so that a cursor is only taken by its own
    /// query.
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
            "{like:?} {text:?} {negative_text:?} {weights:?} {filter:?} {exact} {user_id:?} \
             {personalize} {min_percentile:?} {diversity:?} {unlike:?} {collapse} {calibrated}"
        );
        cursor::fingerprint(&[&self.sketch, &self.image, rest.as_bytes()])
    }
}
