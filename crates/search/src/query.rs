//! What a search can ask for.

use bytes::Bytes;
use clippy_core::gallery::{Filter, Origin};
use clippy_core::ids::PointId;
use clippy_core::search::weights::{WeightField, Weights};
use clippy_core::{Error, Result};
use serde::{Deserialize, Serialize};

/// Most results a page may have.
pub const MOST_RESULTS: usize = 200;
/// Most pictures that `like` or `unlike` may name.
pub const MOST_LIKES: usize = 16;
/// Longest text, in bytes; a text tower reads 77 tokens of it.
pub const LONGEST_TEXT: usize = 10_000;

/// A picture's file as it was sent, unchecked.
pub type Picture = Bytes;

/// The order that a query asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AskedOrder {
    /// As they are ranked.
    Likeness,
    /// Several guesses at what was drawn come first.
    Guesses,
    /// Hits that differ from each other come first.
    Diverse,
    /// The best few of each style come first.
    PerStyle,
}

/// One search. Build it with [`SearchQuery::default`] and set what is asked for.
#[derive(Debug, Clone)]
pub struct SearchQuery {
    /// A drawing: trimmed to what is drawn, compared as a picture and by its edges.
    pub sketch: Option<Picture>,
    /// A picture: compared as it is, and by its edges.
    pub image: Option<Picture>,
    /// Pictures of the collection to be like.
    pub like: Vec<PointId>,
    /// Pictures of the collection whose look results should have.
    pub style_like: Vec<PointId>,
    /// A picture whose look results should have.
    pub style_image: Option<Picture>,
    /// Ids of groups of similar styles, of which results must be in one.
    pub style_groups: Vec<u64>,
    /// Words to search for.
    pub text: Option<String>,
    /// Words to avoid.
    pub negative_text: Option<String>,
    /// The artist's weights, as given.
    pub weights: Weights,
    /// How many results to answer with, 1..=[`MOST_RESULTS`].
    pub top: usize,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
    /// Which points are searched.
    pub filter: Filter,
    /// Compare with every point.
    pub exact: bool,
    /// The artist whose taste changes the ranking.
    pub user_id: Option<String>,
    /// Whether the artist's taste changes the ranking.
    pub personalize: bool,
    /// The lowest percentile that a result may have, 0..1.
    pub min_percentile: Option<f32>,
    /// How much results should differ from each other in their look, 0..1. Without a value, the
    /// results of a sketch alone show several guesses at what was drawn.
    pub diversity: Option<f32>,
    /// The order of the results. Without one, a sketch alone gets several guesses, `diversity` gets
    /// diverse results, and everything else is ordered by likeness.
    pub order: Option<AskedOrder>,
    /// Pictures of the collection to be unlike.
    pub unlike: Vec<PointId>,
    /// Whether pictures that look like a better one are left out.
    pub collapse: bool,
    /// Whether weights act on calibrated scores, where they can; else on cosines.
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
            style_like: Vec::new(),
            style_image: None,
            style_groups: Vec::new(),
            text: None,
            negative_text: None,
            weights: Weights::default(),
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
            order: None,
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
    pub fn check(&self) -> Result<Weights> {
        if self.top == 0 || self.top > MOST_RESULTS {
            return Err(Error::invalid(format!(
                "top is {}, but must be 1..{MOST_RESULTS}",
                self.top
            )));
        }
        for (field, ids) in [
            ("like", &self.like),
            ("unlike", &self.unlike),
            ("style_like", &self.style_like),
        ] {
            if ids.len() > MOST_LIKES {
                return Err(Error::invalid(format!(
                    "{field} names {} pictures; at most {MOST_LIKES} work",
                    ids.len()
                )));
            }
        }
        if let Some(both) = self.like.iter().find(|id| self.unlike.contains(id)) {
            return Err(Error::invalid(format!(
                "picture {both} is in both like and unlike: remove it from one"
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
        if self.diversity.is_some_and(|diversity| diversity > 0.0)
            && self.order.is_some_and(|order| order != AskedOrder::Diverse)
        {
            return Err(Error::invalid(
                "diversity belongs to order=diverse: leave one of the two out",
            ));
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
        let words = non_blank(&self.text).is_some() || non_blank(&self.negative_text).is_some();
        let styled = self.names_a_style();
        if self.style_groups.len() > MOST_LIKES {
            return Err(Error::invalid(format!(
                "style_groups names {} styles; at most {MOST_LIKES} work",
                self.style_groups.len()
            )));
        }
        let grouped = !self.style_groups.is_empty();
        if !pictures && !liked && !words && !styled && !grouped {
            if !self.unlike.is_empty() {
                return Err(Error::invalid(
                    "unlike only changes a search: give a sketch, image, like, style or words \
                     too",
                ));
            }
            return Err(Error::invalid(
                "Provide sketch and/or query_text (or image, like, or a style): there is nothing \
                 to search for",
            ));
        }
        self.weights.normalised(|field| match field {
            WeightField::Image | WeightField::Edge => pictures || liked,
            WeightField::Text => words || liked,
            WeightField::Style => styled || self.asks_for_groups_alone(),
        })
    }

    /// Whether it asks for groups of styles and for nothing else, so that what is typical of them
    /// is searched for.
    pub(crate) fn asks_for_groups_alone(&self) -> bool {
        !self.style_groups.is_empty()
            && self.sketch.is_none()
            && self.image.is_none()
            && self.like.is_empty()
            && !self.names_a_style()
            && non_blank(&self.text).is_none()
            && non_blank(&self.negative_text).is_none()
    }

    /// Whether it says what results should look like.
    pub(crate) fn names_a_style(&self) -> bool {
        self.style_image.is_some() || !self.style_like.is_empty()
    }

    /// Returns whether the query consists of a sketch only (and pictures to be unlike).
    pub(crate) fn is_a_sketch_alone(&self) -> bool {
        let words = non_blank(&self.text).or(non_blank(&self.negative_text));
        self.sketch.is_some()
            && self.image.is_none()
            && self.like.is_empty()
            && !self.names_a_style()
            && words.is_none()
    }
}

/// Returns the text, unless it is only spaces.
pub(crate) fn non_blank(text: &Option<String>) -> Option<&str> {
    let text = text.as_deref().map(str::trim);
    text.filter(|text| !text.is_empty())
}
