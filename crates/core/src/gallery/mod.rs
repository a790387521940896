//! The contract between the code that searches or fills a collection and the engine that stores it.

mod fields;
mod filter;
mod query;
mod space;
mod traits;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use self::fields::{
    ACCEPTED_FIELD, ADDED_FIELD, GENERATED, HASH_FIELD, HEIGHT_FIELD, ID_FIELD, IMAGE_URL_FIELD,
    LICENCE_FIELD, LOCAL_PATH_FIELD, MD5_FIELD, MISSING_FIELD, NOTES_FIELD, ORIGIN_FIELD,
    PATH_FIELD, POST_URL_FIELD, PROPOSED_BY_FIELD, PROPOSED_FIELD, PROPOSED_WORDS_FIELD,
    RATING_FIELD, REJECTED_FIELD, STYLE_FIELD, STYLE_GROUP_FIELD, STYLE_TAGS_FIELD, TAGS_FIELD,
    WIDTH_FIELD, added_now, proposed_words_of, style_tags_of, tags_of, words_of,
};
pub use self::filter::{
    Filter, ORIGIN_SCHEMA_VERSION, Origin, PROPOSED_SCHEMA_VERSION, Proposed,
    STYLE_GROUPS_SCHEMA_VERSION, STYLE_SCHEMA_VERSION, TagMode,
};
pub use self::query::{Candidate, Candidates, HybridQuery, LackingList, Probe, ProbeKind};
pub use self::space::{Crowding, PerSpace, Space, Vectors, check_vector};
pub use self::traits::{ForwardReads, Gallery, GalleryNotes, GalleryReader, GalleryWriter};
use crate::ids::PointId;
use crate::{Error, ErrorCode, Result};

/// A point's payload: the manifest's fields.
pub type Payload = Map<String, Value>;

/// One picture of the collection.
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    /// The manifest's id.
    pub id: PointId,
    /// Its vectors; empty where they were not asked for.
    pub vectors: Vectors,
    /// Its payload; empty where it was not asked for.
    pub payload: Payload,
}

/// Which parts of a point to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct With {
    /// The payload.
    pub payload: bool,
    /// The vectors.
    pub vectors: bool,
}

impl With {
    /// The payload alone.
    pub const PAYLOAD: Self = Self {
        payload: true,
        vectors: false,
    };
    /// The vectors alone.
    pub const VECTORS: Self = Self {
        payload: false,
        vectors: true,
    };
    /// Both.
    pub const ALL: Self = Self {
        payload: true,
        vectors: true,
    };
    /// Only the id.
    pub const NOTHING: Self = Self {
        payload: false,
        vectors: false,
    };
}

/// One page of a walk over the collection in the order of ids.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    /// The points of this page.
    pub points: Vec<Point>,
    /// Where the next page begins; `None` at the end.
    pub next: Option<PointId>,
}

/// Describes a collection.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CollectionInfo {
    /// Name of the physical collection. After a re-index it differs from the public name.
    pub name: String,
    /// How many points it holds.
    pub points: u64,
    /// Length of its vectors.
    pub dimension: usize,
    /// open_clip's name of the model that filled it.
    pub model: String,
    /// The weights of that model.
    pub pretrained: String,
    /// [`crate::embedding::ModelInfo::fingerprint`] of the model that filled it.
    pub fingerprint: String,
    /// Version of the schema, counted by `migrations/`.
    pub schema_version: u32,
    /// Folders that manifests' relative paths were looked up under; pictures are served from these
    /// only.
    pub roots: Vec<String>,
    /// Whether every large enough segment has its graph.
    pub indexed: bool,
}

impl CollectionInfo {
    /// Refuses generated pictures for a collection without an index of the origin: they would be in
    /// the results of every search.
    ///
    /// # Errors
    /// [`crate::ErrorCode::Unsupported`] that says what to do.
    pub fn check_takes_generated(&self) -> Result<()> {
        if self.schema_version >= ORIGIN_SCHEMA_VERSION {
            return Ok(());
        }
        let Self {
            name,
            schema_version,
            ..
        } = self;
        Err(Error::new(
            ErrorCode::Unsupported,
            format!(
                "add_to_gallery: the collection {name} has version {schema_version} of the \
                 schema, and takes generated pictures from version {ORIGIN_SCHEMA_VERSION} on: run \
                 `clippy migrate`, or generate without it"
            ),
        ))
    }
}

/// The largest size of a note, in bytes of JSON. Notes are kept in the collection's metadata, which
/// must stay small.
pub const LONGEST_NOTE: usize = 64 << 10;

/// The number of points with a value in a payload field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FacetCount {
    /// The value.
    pub value: String,
    /// How many of the selected points have it.
    pub count: u64,
}

/// Checks a note before it is kept: its name is a plain word, and it is short.
///
/// # Errors
/// [`crate::ErrorCode::InvalidInput`] that says what is wrong.
pub fn check_note(name: &str, note: &Value) -> Result<()> {
    let plain = |letter: char| letter.is_ascii_lowercase() || letter == '_';
    if name.is_empty() || name.len() > 40 || !name.chars().all(plain) {
        return Err(Error::invalid(
            "a note's name is a word of up to 40 small letters and underscores",
        ));
    }
    let length = note.to_string().len();
    if length > LONGEST_NOTE {
        return Err(Error::invalid(format!(
            "the note {name} has {length} bytes, but at most {LONGEST_NOTE} are kept"
        )));
    }
    Ok(())
}
