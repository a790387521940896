//! The contract between those who search and fill a collection and the engine that holds it.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::ids::PointId;
use crate::{Error, ErrorCode, Result};

/// A point's payload: the manifest's fields.
pub type Payload = Map<String, Value>;

/// The three vector spaces of a collection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Space {
    /// CLIP of the picture.
    Image,
    /// CLIP of the picture's edge map.
    Edge,
    /// CLIP of the sentence made from the picture's tags.
    Text,
}

impl Space {
    /// All spaces, in the order that [`PerSpace`] keeps.
    pub const ALL: [Self; 3] = [Self::Image, Self::Edge, Self::Text];

    /// The name of the vector in the collection.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Edge => "edge",
            Self::Text => "text",
        }
    }
}

/// One value for each space.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PerSpace<T> {
    /// For [`Space::Image`].
    pub image: T,
    /// For [`Space::Edge`].
    pub edge: T,
    /// For [`Space::Text`].
    pub text: T,
}

impl<T> PerSpace<T> {
    /// The value of one space.
    pub fn get(&self, space: Space) -> &T {
        match space {
            Space::Image => &self.image,
            Space::Edge => &self.edge,
            Space::Text => &self.text,
        }
    }

    /// The value of one space, to be changed.
    pub fn get_mut(&mut self, space: Space) -> &mut T {
        match space {
            Space::Image => &mut self.image,
            Space::Edge => &mut self.edge,
            Space::Text => &mut self.text,
        }
    }

    /// One value for each space, made from the space.
    pub fn from_fn(mut make: impl FnMut(Space) -> T) -> Self {
        Self {
            image: make(Space::Image),
            edge: make(Space::Edge),
            text: make(Space::Text),
        }
    }

    /// The spaces and their values, in [`Space::ALL`]'s order.
    pub fn iter(&self) -> impl Iterator<Item = (Space, &T)> {
        Space::ALL.into_iter().map(|space| (space, self.get(space)))
    }
}

/// The vectors of a point; each has the collection's dimension and unit length, any may be missing.
pub type Vectors = PerSpace<Option<Vec<f32>>>;

/// How crowded it is around a point: the mean cosine to its nearest neighbours, in each space that
/// was looked at.
pub type Crowding = PerSpace<Option<f32>>;

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

/// Whether a picture needs one of the tags or all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TagMode {
    /// One of the tags is enough.
    #[default]
    Any,
    /// Every tag must be there.
    All,
}

/// The payload field that tells made pictures from the gallery's own.
pub const ORIGIN_FIELD: &str = "origin";
/// What [`ORIGIN_FIELD`] says of a made picture; the gallery's own say something else, or have no
/// such field.
pub const GENERATED: &str = "generated";
/// The version of the schema from which on a collection takes made pictures: older ones have no
/// index to leave them out of searches by.
pub const ORIGIN_SCHEMA_VERSION: u32 = 3;

/// Whether pictures that Clippy made itself count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// All pictures count.
    #[default]
    Any,
    /// The gallery's own alone.
    Gallery,
    /// Made pictures alone.
    Generated,
}

/// Which points count. Applied inside the vector search, never after it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Filter {
    /// Tags that `tags_all` must hold, by [`Filter::tag_mode`]; none asks for nothing.
    pub tags: Vec<String>,
    /// How [`Filter::tags`] are meant.
    pub tag_mode: TagMode,
    /// Tags that `tags_all` must not hold.
    pub exclude_tags: Vec<String>,
    /// Ratings that are let through; none lets all through.
    pub ratings: Vec<String>,
    /// Points that are left out.
    pub exclude_ids: Vec<PointId>,
    /// When given, only these points count.
    pub only_ids: Option<Vec<PointId>>,
    /// Spaces in which a point has no vector: it counts when any of them is missing. None asks for
    /// nothing.
    pub missing_any: Vec<Space>,
    /// Whether made pictures count.
    pub origin: Origin,
}

impl Filter {
    /// Whether it may leave out a good part of the collection, and not just a few points.
    #[must_use]
    pub fn narrows(&self) -> bool {
        !(self.tags.is_empty()
            && self.exclude_tags.is_empty()
            && self.ratings.is_empty()
            && self.missing_any.is_empty())
            || self.only_ids.is_some()
            || self.origin == Origin::Generated
    }
}

/// What to look for, in every space that was asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct HybridQuery {
    /// The query's vector in each space that is asked for.
    pub vectors: Vectors,
    /// Which points count.
    pub filter: Filter,
    /// How many candidates to take from each space.
    pub candidates: usize,
    /// Tags whose bearers are looked at besides: up to `candidates` points that hold one of these
    /// tags, best by the text space first (or, without a text query, in the order of their
    /// ids).
    pub lexical_tags: Vec<String>,
    /// Whether the candidates bring their payloads: ranking by tags or by preferences needs them.
    pub with_payload: bool,
    /// Look at every point instead of walking the graph.
    pub exact: bool,
    /// Size of the search beam in the graph.
    pub hnsw_ef: usize,
}

impl HybridQuery {
    /// The beam that a walk over the graph is made with. Wider than the candidates, since the last
    /// of them are found by what lies beyond; and wider still under a filter, where much of
    /// what the walk comes by does not count. (Of 100,000 points, half of which counted, a beam
    /// of 128 for 96 candidates found 96 % of the best 24.)
    #[must_use]
    pub fn beam(&self) -> usize {
        let times = if self.filter.narrows() { 4 } else { 2 };
        self.hnsw_ef.max(times * self.candidates)
    }
}

/// A point that was found in at least one space, with its exact score in every space asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// The point.
    pub id: PointId,
    /// Cosine in each space asked for; `None` where it was not asked for or the point has no
    /// vector.
    pub scores: PerSpace<Option<f32>>,
    /// The whole payload when [`HybridQuery::with_payload`], else empty.
    pub payload: Payload,
}

/// The union of what the spaces found.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Candidates {
    /// In no particular order, each point once.
    pub hits: Vec<Candidate>,
    /// For each space asked for: the lowest score among its own best `candidates`, or `None` when
    /// the space has no more points that count. No point outside of `hits` scores higher
    /// there.
    pub floors: PerSpace<Option<f32>>,
    /// Likewise for the bearers of the lexical tags: the lowest text score among them, `None` when
    /// all are in `hits`.
    pub lexical_floor: Option<f32>,
}

/// What to bring along with a point.
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

/// What a collection is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CollectionInfo {
    /// The collection's own name: after a re-index another one than the public name.
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
    /// Refuses made pictures for a collection that has no index of the origin: they would get into
    /// every search there.
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
                 schema, and takes made pictures from version {ORIGIN_SCHEMA_VERSION} on: run \
                 `clippy migrate`, or generate without it"
            ),
        ))
    }
}

/// Most bytes of JSON that a note takes: it lies among the collection's own few lines of metadata.
pub const LONGEST_NOTE: usize = 64 << 10;

/// How often a value stands in a payload field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FacetCount {
    /// The value.
    pub value: String,
    /// How many points that count hold it.
    pub count: u64,
}

/// A collection of pictures with three vectors each.
///
/// An implementation promises: what [`Gallery::upsert`] and [`Gallery::update_vectors`]
/// acknowledged survives a `kill -9`; reads see it at once; scores are exact cosines; a batch is
/// not half visible after an error of its input.
#[async_trait]
pub trait Gallery: Send + Sync + 'static {
    /// What the collection is, now.
    async fn info(&self) -> Result<CollectionInfo>;

    /// Adds or replaces whole points: payload and all vectors.
    ///
    /// # Errors
    /// [`crate::ErrorCode::InvalidInput`] for a vector of another length, or one that is not
    /// finite.
    async fn upsert(&self, points: Vec<Point>) -> Result<()>;

    /// Replaces the vectors that are given; vectors that are `None`, and the payload, stay as they
    /// are. Points that do not exist are left out.
    async fn update_vectors(&self, updates: Vec<(PointId, Vectors)>) -> Result<()>;

    /// Sets these payload fields; other fields stay as they are.
    async fn set_payload(&self, id: PointId, fields: Payload) -> Result<()>;

    /// The points with these ids that exist, in the order asked for.
    async fn retrieve(&self, ids: &[PointId], with: With) -> Result<Vec<Point>>;

    /// The candidates of every space asked for, scored in all of them.
    async fn hybrid(&self, query: HybridQuery) -> Result<Candidates>;

    /// How crowded it is around these points, in the order asked for: in each of these spaces the
    /// mean cosine to the `neighbours` other points that are nearest. `None` where the point
    /// has no vector or does not exist, and where fewer others have one. Neighbours are found
    /// as [`Gallery::hybrid`] finds candidates, by the graphs.
    async fn crowding(
        &self,
        ids: &[PointId],
        spaces: &[Space],
        neighbours: usize,
    ) -> Result<Vec<Crowding>>;

    /// A page of points in the order of their ids, beginning at `from`. Whatever is written
    /// meanwhile, a walk from page to page comes by every point that is there all the time; a
    /// page may be short, even empty, without being the last.
    async fn scroll(
        &self,
        filter: &Filter,
        from: Option<PointId>,
        limit: usize,
        with: With,
    ) -> Result<Page>;

    /// How many points count, exactly.
    async fn count(&self, filter: &Filter) -> Result<u64>;

    /// The most frequent values of a keyword field among the points that count.
    async fn facet(&self, field: &str, filter: &Filter, limit: usize) -> Result<Vec<FacetCount>>;

    /// Deletes points; those that do not exist are left out.
    async fn delete(&self, ids: &[PointId]) -> Result<()>;

    /// Adds a folder to [`CollectionInfo::roots`].
    async fn add_root(&self, root: &str) -> Result<()>;

    /// A note that is kept with the collection, such as what its scores are calibrated by; `None`
    /// when there is none of this name.
    async fn note(&self, name: &str) -> Result<Option<Value>>;

    /// Keeps a note of up to [`LONGEST_NOTE`] bytes of JSON, instead of the one of the same name.
    /// Other notes stay.
    async fn set_note(&self, name: &str, note: Value) -> Result<()>;

    /// Builds what searching fast needs (the graphs) after a load; returns when it is there.
    async fn optimize(&self) -> Result<()>;
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

/// Checks a vector before it is stored or searched with: the right length, finite, not all zero.
///
/// # Errors
/// [`crate::ErrorCode::InvalidInput`] that names the space and what is wrong.
pub fn check_vector(space: Space, vector: &[f32], dimension: usize) -> Result<()> {
    let name = space.name();
    if vector.len() != dimension {
        return Err(Error::invalid(format!(
            "the {name} vector has {} values, but this collection's vectors have {dimension}: it \
             was made by another model",
            vector.len()
        )));
    }
    if !vector.iter().all(|value| value.is_finite()) {
        return Err(Error::invalid(format!(
            "the {name} vector holds values that are not finite numbers"
        )));
    }
    if vector.iter().all(|value| *value == 0.0) {
        return Err(Error::invalid(format!(
            "the {name} vector is all zero, which has no direction to compare"
        )));
    }
    Ok(())
}
