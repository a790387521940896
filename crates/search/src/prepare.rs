//! From the files and words of a query to a model's inputs. Blocking: it decodes pictures.

use clippy_core::embedding::{EmbedInput, ImageTransform};
use clippy_core::gallery::{PerSpace, Space};
use clippy_core::{Error, ErrorCode, Result};
use clippy_imaging::{DecodeLimits, decode, edge_map, transform, transform_grey, trim_sketch};

use crate::query::{SearchQuery, filled};

/// What one input of the model stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// Adds to the query's vector in this space.
    For(Space),
    /// Is taken away from the query's text vector.
    Against,
}

/// A query's inputs for the model, each with its role.
#[derive(Debug, Default)]
pub(crate) struct Prepared {
    pub inputs: Vec<EmbedInput>,
    pub roles: Vec<Role>,
}

impl Prepared {
    fn push(&mut self, role: Role, input: EmbedInput) {
        self.roles.push(role);
        self.inputs.push(input);
    }
}

/// Decodes and transforms what the spaces with a weight need.
pub(crate) fn prepare(
    query: &SearchQuery,
    wanted: PerSpace<bool>,
    image_transform: &ImageTransform,
    limits: &DecodeLimits,
) -> Result<Prepared> {
    let mut prepared = Prepared::default();
    if wanted.image || wanted.edge {
        if let Some(bytes) = &query.sketch {
            let drawing = decode(bytes, limits).map_err(|error| named("sketch", error.into()))?;
            let drawing = trim_sketch(&drawing).ok_or_else(|| {
                Error::new(ErrorCode::InvalidPicture, "sketch: the pad is empty, nothing is drawn on it")
            })?;
            push_picture(&mut prepared, &drawing, wanted, image_transform);
        }
        if let Some(bytes) = &query.image {
            let picture = decode(bytes, limits).map_err(|error| named("image", error.into()))?;
            push_picture(&mut prepared, &picture, wanted, image_transform);
        }
    }
    if wanted.text {
        if let Some(text) = filled(query.text.as_ref()) {
            prepared.push(Role::For(Space::Text), EmbedInput::Text(text.to_owned()));
        }
        if let Some(text) = filled(query.negative_text.as_ref()) {
            prepared.push(Role::Against, EmbedInput::Text(text.to_owned()));
        }
    }
    Ok(prepared)
}

fn push_picture(
    prepared: &mut Prepared,
    picture: &image::RgbImage,
    wanted: PerSpace<bool>,
    image_transform: &ImageTransform,
) {
    if wanted.image {
        prepared.push(Role::For(Space::Image), EmbedInput::Pixels(transform(image_transform, picture)));
    }
    if wanted.edge {
        let edges = edge_map(picture);
        prepared.push(Role::For(Space::Edge), EmbedInput::Pixels(transform_grey(image_transform, &edges)));
    }
}

/// The error, with the field that it is about in front.
fn named(field: &str, error: Error) -> Error {
    Error { message: format!("{field}: {}", error.message), ..error }
}
