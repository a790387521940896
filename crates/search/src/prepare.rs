//! From the files and words of a query to a model's inputs. Blocking: it decodes pictures.

use std::sync::Arc;

use clippy_core::embedding::{EmbedInput, Embedding, ImageTransform};
use clippy_core::gallery::{PerSpace, Space};
use clippy_core::{Error, ErrorCode, Result};
use clippy_imaging::{
    DecodeLimits, Picture, RgbImage, decode, edge_map, transform, transform_grey, trim_sketch,
};

use crate::digests::Digests;
use crate::known::{Key, Known};
use crate::query::{SearchQuery, filled};

/// One thing that a query compares by: one input of the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Part {
    /// The sketch, trimmed to what is drawn: its look or its edges.
    Sketch(Space),
    /// The picture: its look or its edges.
    Image(Space),
    /// The words to look for.
    Words,
    /// The words to stay away from.
    WordsAgainst,
}

impl Part {
    /// What a query compares by in the spaces that have a weight.
    fn of(query: &SearchQuery, wanted: PerSpace<bool>) -> Vec<Self> {
        let mut parts = Vec::new();
        for space in [Space::Image, Space::Edge]
            .into_iter()
            .filter(|space| *wanted.get(*space))
        {
            parts.extend(query.sketch.is_some().then_some(Self::Sketch(space)));
            parts.extend(query.image.is_some().then_some(Self::Image(space)));
        }
        if wanted.text {
            parts.extend(filled(query.text.as_ref()).map(|_| Self::Words));
            parts.extend(filled(query.negative_text.as_ref()).map(|_| Self::WordsAgainst));
        }
        parts
    }
}

/// A query with everything that can be made of it without a model.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub query: SearchQuery,
    /// Tells this query from any other one, for its cursors.
    pub fingerprint: String,
    /// What it compares by, each with its embedding where that is known.
    pub parts: Vec<(Key, Option<Arc<Embedding>>)>,
    /// The model's inputs for the parts that are not known, in their order.
    pub inputs: Vec<EmbedInput>,
}

/// Decodes and transforms what the spaces with a weight need and what was not embedded before.
pub(crate) fn prepare(
    query: SearchQuery,
    wanted: PerSpace<bool>,
    known: &Known,
    image_transform: &ImageTransform,
    limits: &DecodeLimits,
) -> Result<Prepared> {
    let digests = Digests::of(&query);
    let parts: Vec<(Key, Option<Arc<Embedding>>)> = Part::of(&query, wanted)
        .into_iter()
        .map(|part| {
            let key = digests.key(part);
            (key, known.get(&key))
        })
        .collect();
    // One picture at a time: it is decoded once for all spaces, and gone before the next one is
    // decoded.
    let mut inputs: Vec<Option<EmbedInput>> = vec![None; parts.len()];
    for source in [Source::Sketch, Source::Image, Source::Words] {
        let mut drawn = Drawn {
            query: &query,
            limits,
            picture: None,
        };
        let missing = parts
            .iter()
            .zip(&mut inputs)
            .filter(|((key, known), _)| known.is_none() && source.gives(key.part));
        for ((key, _), input) in missing {
            *input = Some(drawn.input(key.part, image_transform)?);
        }
    }
    let inputs = inputs.into_iter().flatten().collect();
    Ok(Prepared {
        fingerprint: digests.fingerprint(&query),
        parts,
        inputs,
        query,
    })
}

/// Where a part of a query comes from.
#[derive(Debug, Clone, Copy)]
enum Source {
    Sketch,
    Image,
    Words,
}

impl Source {
    fn gives(self, part: Part) -> bool {
        matches!(
            (self, part),
            (Self::Sketch, Part::Sketch(_))
                | (Self::Image, Part::Image(_))
                | (Self::Words, Part::Words | Part::WordsAgainst)
        )
    }
}

/// One picture of a query, decoded when it is first needed.
struct Drawn<'q> {
    query: &'q SearchQuery,
    limits: &'q DecodeLimits,
    picture: Option<Picture>,
}

/// Reads one of a query's pictures.
type Reader = fn(&SearchQuery, &DecodeLimits) -> Result<Picture>;

impl Drawn<'_> {
    fn input(&mut self, part: Part, image_transform: &ImageTransform) -> Result<EmbedInput> {
        let (space, read): (Space, Reader) = match part {
            Part::Words => return Ok(words(self.query.text.as_ref())),
            Part::WordsAgainst => return Ok(words(self.query.negative_text.as_ref())),
            Part::Sketch(space) => (space, |query, limits| {
                drawing(query.sketch.as_deref().unwrap_or_default(), limits)
            }),
            Part::Image(space) => (space, |query, limits| {
                picture("image", query.image.as_deref().unwrap_or_default(), limits)
            }),
        };
        let picture: &RgbImage = match &mut self.picture {
            Some(picture) => picture,
            empty => empty.insert(read(self.query, self.limits)?),
        };
        Ok(EmbedInput::Pixels(match space {
            Space::Edge => transform_grey(image_transform, &edge_map(picture)),
            _ => transform(image_transform, picture),
        }))
    }
}

fn words(text: Option<&String>) -> EmbedInput {
    EmbedInput::Text(filled(text).unwrap_or_default().to_owned())
}

fn drawing(bytes: &[u8], limits: &DecodeLimits) -> Result<Picture> {
    let whole = picture("sketch", bytes, limits)?;
    let trimmed = trim_sketch(&whole).ok_or_else(|| {
        Error::new(
            ErrorCode::InvalidPicture,
            "sketch: the pad is empty, nothing is drawn on it",
        )
    })?;
    // A long thin drawing becomes a large square, which needs memory of its own.
    drop(whole);
    Picture::holding(trimmed, limits).map_err(|error| named("sketch", error.into()))
}

/// A decoded picture; the error has the field that it is about in front.
fn picture(field: &str, bytes: &[u8], limits: &DecodeLimits) -> Result<Picture> {
    decode(bytes, limits).map_err(|error| named(field, error.into()))
}

fn named(field: &str, error: Error) -> Error {
    Error {
        message: format!("{field}: {}", error.message),
        ..error
    }
}
