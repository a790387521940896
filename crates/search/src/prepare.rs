//! Turns the files and words of a query into inputs of the model. Blocking: it decodes pictures.

use std::sync::Arc;

use clippy_core::embedding::{EmbedInput, Embedding, ImageTransform};
use clippy_core::search::weights::Weights;
use clippy_core::{Error, ErrorCode, Result};
use clippy_imaging::{
    DecodeLimits, Picture, RgbImage, decode, decode_sketch, edge_map, transform, transform_grey,
};

use crate::embedding_cache::EmbeddingCache;
use crate::inputs::{Digests, Input, InputKey, View};
use crate::query::{SearchQuery, non_blank};

/// A query with everything that can be computed without a model.
#[derive(Debug)]
pub(crate) struct PreparedQuery {
    pub(crate) query: SearchQuery,
    /// Identifies the query for its cursors.
    pub(crate) fingerprint: String,
    /// Its inputs, each with its embedding where that is cached.
    pub(crate) inputs: Vec<(InputKey, Option<Arc<Embedding>>)>,
    /// What the model has to embed: the inputs without an embedding, in their order.
    pub(crate) missing: Vec<EmbedInput>,
}

/// Decodes and transforms the inputs that have a weight and are not cached.
pub(crate) fn prepare(
    query: SearchQuery,
    weights: &Weights,
    cache: &EmbeddingCache,
    image_transform: &ImageTransform,
    limits: &DecodeLimits,
) -> Result<PreparedQuery> {
    let digests = Digests::of(&query);
    let inputs: Vec<(InputKey, Option<Arc<Embedding>>)> = Input::of(&query, weights)
        .into_iter()
        .map(|input| {
            let key = digests.key(input);
            (key, cache.get(&key))
        })
        .collect();
    // One source at a time: its picture is decoded once for all its inputs, and dropped before the
    // next one is decoded.
    let mut made: Vec<Option<EmbedInput>> = vec![None; inputs.len()];
    for source in [
        Source::Sketch,
        Source::Image,
        Source::StyleImage,
        Source::Words,
    ] {
        let mut reader = SourceReader {
            query: &query,
            limits,
            picture: None,
        };
        let missing = inputs
            .iter()
            .zip(&mut made)
            .filter(|((key, cached), _)| cached.is_none() && Source::of(key.input) == source);
        for ((key, _), made) in missing {
            *made = Some(reader.read(key.input, image_transform)?);
        }
    }
    Ok(PreparedQuery {
        fingerprint: digests.fingerprint(&query),
        inputs,
        missing: made.into_iter().flatten().collect(),
        query,
    })
}

/// Where an input comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    Sketch,
    Image,
    StyleImage,
    Words,
}

impl Source {
    fn of(input: Input) -> Self {
        match input {
            Input::Sketch(_) => Self::Sketch,
            Input::Image(_) => Self::Image,
            Input::StyleImage => Self::StyleImage,
            Input::Words | Input::UnwantedWords => Self::Words,
        }
    }
}

/// Reads the inputs of one source. Its picture is decoded when it is first needed.
struct SourceReader<'q> {
    query: &'q SearchQuery,
    limits: &'q DecodeLimits,
    picture: Option<Picture>,
}

impl SourceReader<'_> {
    fn read(&mut self, input: Input, image_transform: &ImageTransform) -> Result<EmbedInput> {
        let query = self.query;
        let (view, picture) = match input {
            Input::Words => return Ok(read_words(&query.text)),
            Input::UnwantedWords => return Ok(read_words(&query.negative_text)),
            Input::Sketch(view) => {
                let bytes = query.sketch.as_deref().unwrap_or_default();
                (view, self.decode_once(|limits| read_sketch(bytes, limits))?)
            }
            Input::StyleImage => {
                let bytes = query.style_image.as_deref().unwrap_or_default();
                let decode = |limits: &_| decode_picture("style_image", bytes, limits);
                let picture = self.decode_once(decode)?;
                return Ok(EmbedInput::Style(transform(image_transform, picture)));
            }
            Input::Image(view) => {
                let bytes = query.image.as_deref().unwrap_or_default();
                let decode = |limits: &_| decode_picture("image", bytes, limits);
                (view, self.decode_once(decode)?)
            }
        };
        Ok(EmbedInput::Pixels(match view {
            View::Edges => transform_grey(image_transform, &edge_map(picture)),
            View::Whole => transform(image_transform, picture),
        }))
    }

    fn decode_once(
        &mut self,
        decode: impl FnOnce(&DecodeLimits) -> Result<Picture>,
    ) -> Result<&RgbImage> {
        Ok(match &mut self.picture {
            Some(picture) => picture,
            empty => empty.insert(decode(self.limits)?),
        })
    }
}

fn read_words(text: &Option<String>) -> EmbedInput {
    EmbedInput::Text(non_blank(text).unwrap_or_default().to_owned())
}

fn read_sketch(bytes: &[u8], limits: &DecodeLimits) -> Result<Picture> {
    let trimmed = decode_sketch(bytes, limits).map_err(|error| about("sketch", error.into()))?;
    trimmed.ok_or_else(|| {
        Error::new(
            ErrorCode::InvalidPicture,
            "sketch: the pad is empty, nothing is drawn on it",
        )
    })
}

/// Decodes a picture; an error names the field.
fn decode_picture(field: &str, bytes: &[u8], limits: &DecodeLimits) -> Result<Picture> {
    decode(bytes, limits).map_err(|error| about(field, error.into()))
}

fn about(field: &str, error: Error) -> Error {
    Error {
        message: format!("{field}: {}", error.message),
        ..error
    }
}
