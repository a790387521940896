//! The answer of a search.

use std::time::Duration;

use clippy_core::gallery::FacetCount;
use clippy_core::ids::PointId;
use clippy_core::search::fusion::Hit;
use clippy_core::search::suggestions::Correction;
use clippy_core::search::weights::Weights;

/// How long each step of a search took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Took {
    /// Decoding, trimming, edge maps, resizing.
    pub preprocess: Duration,
    /// Waiting for the model and its work.
    pub embed: Duration,
    /// Candidates, ranking and payloads.
    pub search: Duration,
    /// All of it.
    pub total: Duration,
}

/// What the best hits have in common.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Facets {
    /// How many hits were counted.
    pub of: usize,
    /// Their tags, styles left out, most frequent first.
    pub tags: Vec<FacetCount>,
    /// Their styles, most frequent first.
    pub styles: Vec<FacetCount>,
    /// The groups of similar styles that they are in, most frequent first.
    pub style_groups: Vec<GroupCount>,
}

/// How many hits are in a group of similar styles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupCount {
    /// The group's id.
    pub id: u64,
    /// The group's name.
    pub name: String,
    /// How many.
    pub count: u64,
}

/// The best hits of one style.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StyleHits {
    /// The style's name; `None` for the pictures that have none.
    pub style: Option<String>,
    /// How many of the best hits are of this style.
    pub count: usize,
    /// The few that the results begin with, best first.
    pub ids: Vec<PointId>,
}

/// A query with its misspelt words corrected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DidYouMean {
    /// The whole text.
    pub text: String,
    /// The corrected words.
    pub corrections: Vec<Correction>,
}

/// A page of results.
#[derive(Debug, Clone, PartialEq)]
pub struct SearchAnswer {
    /// The results, best first, with their payloads.
    pub hits: Vec<Hit>,
    /// The weights that were used: they sum to 1 over the fields that the query uses.
    pub weights: Weights,
    /// Whether the weights acted on calibrated scores.
    pub calibrated: bool,
    /// How many pictures were left out because they look like one of these.
    pub collapsed: usize,
    /// Whether even the best hits are no closer to the words than chance. Only for queries by words
    /// alone, on the first page.
    pub nothing_close: bool,
    /// What was probably meant, when words of the query are unknown to the gallery. Only on the first
    /// page.
    pub did_you_mean: Option<DidYouMean>,
    /// What the best hits have in common, when that was asked for.
    pub facets: Option<Facets>,
    /// The styles of the best hits, when the results are ordered by them.
    pub styles: Option<Vec<StyleHits>>,
    /// How many tag weights of the artist were known.
    pub priors_size: usize,
    /// How long each step took.
    pub took: Took,
    /// The next page's cursor, when there is one.
    pub next_cursor: Option<String>,
}
