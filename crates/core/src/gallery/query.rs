//! A hybrid query: a list of probes, and the candidates that they find.

use super::{Filter, Payload, Space};
use crate::ids::PointId;

/// What a probe compares. It determines the space that the probe searches, and the name of its
/// score in an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ProbeKind {
    /// Drawings and pictures, with the pictures of the collection.
    Image,
    /// Their edges, with the edges of the collection's pictures.
    Edge,
    /// Words (or the tags of other pictures), with the sentences made from tags.
    Text,
    /// Words, with the pictures themselves.
    WordsImage,
    /// The look of pictures, with the look of the collection's pictures.
    Style,
    /// A guess at the subject of the query, with the sentences made from tags. A query may have
    /// several of this kind (see [`crate::search::evidence`]).
    Subject,
}

impl ProbeKind {
    /// The kinds that the parts of a query are compared by, in the order of the enum: all but
    /// guesses.
    pub const ALL: [Self; 5] = [
        Self::Image,
        Self::Edge,
        Self::Text,
        Self::WordsImage,
        Self::Style,
    ];

    /// The name of the score in an answer.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Edge => "edge",
            Self::Text => "text",
            Self::WordsImage => "words_image",
            Self::Style => "style",
            Self::Subject => "subject",
        }
    }

    /// Whether it compares the query's words (or tags): such probes share one weight.
    #[must_use]
    pub fn is_of_words(self) -> bool {
        matches!(self, Self::Text | Self::WordsImage)
    }

    /// Whether it compares what pictures show.
    #[must_use]
    pub fn is_of_pictures(self) -> bool {
        matches!(self, Self::Image | Self::Edge)
    }

    /// The space that a probe of this kind searches.
    #[must_use]
    pub fn space(self) -> Space {
        match self {
            Self::Image | Self::WordsImage => Space::Image,
            Self::Edge => Space::Edge,
            Self::Text | Self::Subject => Space::Text,
            Self::Style => Space::Style,
        }
    }
}

/// One comparison of a query with the collection.
#[derive(Debug, Clone, PartialEq)]
pub struct Probe {
    /// What it compares.
    pub kind: ProbeKind,
    /// The query vector: of the collection's dimension and unit length.
    pub vector: Vec<f32>,
    /// The artist's weight behind it, normalised. Probes with the same weight field have the same
    /// value here and share it when pictures are ranked.
    pub weight: f32,
}

impl Probe {
    /// The space that it searches.
    #[must_use]
    pub fn space(&self) -> Space {
        self.kind.space()
    }
}

/// A further list of candidates: the points without a vector in one space, ordered by a probe of
/// another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LackingList {
    /// The index of the probe in [`HybridQuery::probes`].
    pub probe: usize,
    /// Only points without a vector in this space are listed.
    pub space: Space,
}

/// What to search for.
#[derive(Debug, Clone, PartialEq)]
pub struct HybridQuery {
    /// The comparisons. Each has a list of candidates, and every candidate is scored by all.
    pub probes: Vec<Probe>,
    /// Which points count.
    pub filter: Filter,
    /// The length of each list of candidates.
    pub candidates: usize,
    /// One more list: points that have one of these tags, the best by the text probe first, then
    /// those without a text vector (or all, without a text probe) in the order of their ids.
    pub lexical_tags: Vec<String>,
    /// The fingerprint of the model whose proposed tags count for [`HybridQuery::lexical_tags`],
    /// too; `None` when proposed tags do not count.
    pub lexical_proposed_by: Option<String>,
    /// One more list: points that lack a vector in some space.
    pub lacking: Option<LackingList>,
    /// Whether the candidates bring their payloads: ranking by tags or by preferences needs them.
    pub with_payload: bool,
    /// Compare with every point instead of walking the graph.
    pub exact: bool,
    /// Size of the search beam in the graph.
    pub hnsw_ef: usize,
}

impl HybridQuery {
    /// The beam of a walk over the graph. Wider than the candidates, since the last of them are
    /// found through points beyond them; and wider still under a filter, where many of the points
    /// on the way do not count. (Of 100,000 points, half of which counted, a beam of 128 for 96
    /// candidates found 96 % of the best 24.)
    #[must_use]
    pub fn beam(&self) -> usize {
        let times = if self.filter.narrows() { 4 } else { 2 };
        self.hnsw_ef.max(times * self.candidates)
    }

    /// The index of the probe that orders the points with lexical tags.
    #[must_use]
    pub fn lexical_probe(&self) -> Option<usize> {
        self.probes
            .iter()
            .position(|probe| probe.kind == ProbeKind::Text)
    }
}

/// A point that is in at least one list, with its exact score by every probe.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// The point.
    pub id: PointId,
    /// The cosine with each probe, in the order of [`HybridQuery::probes`]; `None` where the point
    /// has no vector.
    pub scores: Vec<Option<f32>>,
    /// The whole payload when [`HybridQuery::with_payload`], else empty.
    pub payload: Payload,
}

/// The union of all lists.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Candidates {
    /// In no particular order, each point once.
    pub hits: Vec<Candidate>,
    /// For each probe: the lowest score in its own list, or `None` when the list has all points
    /// that count and have a vector. No point outside of `hits` scores higher by this probe.
    pub floors: Vec<Option<f32>>,
    /// Likewise for the points with lexical tags: the lowest text score in their list.
    pub lexical_floor: Option<f32>,
    /// Likewise for [`HybridQuery::lacking`].
    pub lacking_floor: Option<f32>,
}
