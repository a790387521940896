//! What can be asked for, and what is answered.

use std::time::Duration;

use bytes::Bytes;
use clippy_core::gallery::{FacetCount, Filter, Origin, PerSpace};
use clippy_core::ids::PointId;
use clippy_core::search::fusion::Hit;
use clippy_core::search::weights::{DEFAULT_WEIGHTS, normalised};
use clippy_core::{Error, Result};

/// Most results a page may have.
pub const MOST_RESULTS: usize = 200;
/// Most pictures that one query may be alike to.
pub const MOST_LIKES: usize = 16;
/// Longest text that is looked at, in bytes; a text tower reads 77 tokens of it.
pub const LONGEST_TEXT: usize = 10_000;

/// A picture's file as it was sent: nothing of it is trusted.
pub type Picture = Bytes;

/// One search. Build it with [`SearchQuery::default`] and set what is asked for.
#[derive(Debug, Clone)]
pub struct SearchQuery {
    /// A drawing: trimmed to what is drawn, compared as a picture and by its edges.
    pub sketch: Option<Picture>,
    /// A picture: compared as it is, and by its edges.
    pub image: Option<Picture>,
    /// Pictures of the collection to be like.
    pub like: Vec<PointId>,
    /// Words to look for.
    pub text: Option<String>,
    /// Words to stay away from.
    pub negative_text: Option<String>,
    /// The artist's weights, as given.
    pub weights: PerSpace<f32>,
    /// How many results to answer with, 1..=[`MOST_RESULTS`].
    pub top: usize,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
    /// Which points count.
    pub filter: Filter,
    /// Look at every point.
    pub exact: bool,
    /// Whose taste bends the ranking.
    pub user_id: Option<String>,
    /// Whether it does.
    pub personalize: bool,
    /// Least percentile a result must reach, 0..1.
    pub min_percentile: Option<f32>,
    /// How much results should differ from each other in their look, 0..1. Where nothing is said,
    /// those of a sketch alone show several guesses at what was drawn.
    pub diversity: Option<f32>,
    /// Pictures of the collection to be unlike.
    pub unlike: Vec<PointId>,
    /// Whether pictures that look like a better one are left out.
    pub collapse: bool,
    /// Whether weights act on percentiles, where they can; else on cosines.
    pub calibrated: bool,
    /// Whether to count the tags and styles of the best hits.
    pub facets: bool,
}

impl Default for SearchQuery {
    fn default() -> Self {
        Self {
            sketch: None,
            image: None,
            like: Vec::new(),
            text: None,
            negative_text: None,
            weights: DEFAULT_WEIGHTS,
            top: 24,
            cursor: None,
            filter: Filter {
                origin: Origin::Gallery,
                ..Filter::default()
            },
            exact: false,
            user_id: None,
            personalize: true,
            min_percentile: None,
            diversity: None,
            unlike: Vec::new(),
            collapse: true,
            calibrated: true,
            facets: false,
        }
    }
}

impl SearchQuery {
    /// Checks everything that can be checked without a model, and normalises the weights.
    ///
    /// # Errors
    /// [`clippy_core::ErrorCode::InvalidInput`] that names the field;
    /// [`clippy_core::ErrorCode::Unsupported`] for what this version cannot do.
    pub fn check(&self) -> Result<PerSpace<f32>> {
        if self.top == 0 || self.top > MOST_RESULTS {
            return Err(Error::invalid(format!(
                "top is {}, but must be 1..{MOST_RESULTS}",
                self.top
            )));
        }
        for (field, ids) in [("like", &self.like), ("unlike", &self.unlike)] {
            if ids.len() > MOST_LIKES {
                return Err(Error::invalid(format!(
                    "{field} names {} pictures; at most {MOST_LIKES} work",
                    ids.len()
                )));
            }
        }
        if let Some(both) = self.like.iter().find(|id| self.unlike.contains(id)) {
            return Err(Error::invalid(format!(
                "picture {both} stands in like and in unlike: take it out of one"
            )));
        }
        for (field, text) in [
            ("query_text", &self.text),
            ("negative_text", &self.negative_text),
        ] {
            if text.as_ref().is_some_and(|text| text.len() > LONGEST_TEXT) {
                return Err(Error::invalid(format!(
                    "{field} is longer than {LONGEST_TEXT} bytes"
                )));
            }
        }
        if let Some(diversity) = self
            .diversity
            .filter(|diversity| !(0.0..=1.0).contains(diversity))
        {
            return Err(Error::invalid(format!(
                "diversity is {diversity}, but must be 0..1"
            )));
        }
        if let Some(percentile) = self
            .min_percentile
            .filter(|percentile| !(0.0..=1.0).contains(percentile))
        {
            return Err(Error::invalid(format!(
                "min_percentile is {percentile}, but must be 0..1"
            )));
        }
        let pictures = self.sketch.is_some() || self.image.is_some();
        let liked = !self.like.is_empty();
        let words =
            filled(self.text.as_ref()).is_some() || filled(self.negative_text.as_ref()).is_some();
        if !pictures && !liked && !words {
            if !self.unlike.is_empty() {
                return Err(Error::invalid(
                    "unlike only bends what is looked for: give a sketch, image, like or words too",
                ));
            }
            return Err(Error::invalid(
                "Provide sketch and/or query_text (or image, or like): there is nothing to look \
                 for",
            ));
        }
        normalised(
            self.weights,
            PerSpace {
                image: pictures || liked,
                edge: pictures || liked,
                text: words || liked,
            },
        )
    }

    /// Whether nothing but a sketch says what to look for.
    pub(crate) fn is_a_sketch_alone(&self) -> bool {
        let words = filled(self.text.as_ref()).or(filled(self.negative_text.as_ref()));
        self.sketch.is_some() && self.image.is_none() && self.like.is_empty() && words.is_none()
    }
}

/// The text, unless it is only spaces.
pub(crate) fn filled(text: Option<&String>) -> Option<&str> {
    text.map(|text| text.trim()).filter(|text| !text.is_empty())
}

/// Where the time of a search went.
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
}

/// A page of results.
#[derive(Debug, Clone, PartialEq)]
pub struct SearchAnswer {
    /// The results, best first, with their payloads.
    pub hits: Vec<Hit>,
    /// The weights that were used: they sum to 1 over the spaces asked for.
    pub weights: PerSpace<f32>,
    /// Whether the weights acted on percentiles.
    pub calibrated: bool,
    /// How many pictures were left out because they look like one of these.
    pub collapsed: usize,
    /// What the best hits have in common, when that was asked for.
    pub facets: Option<Facets>,
    /// How many tag weights of the artist were known.
    pub priors_size: usize,
    /// Where the time went.
    pub took: Took,
    /// The next page's cursor, when there is one.
    pub next_cursor: Option<String>,
}
