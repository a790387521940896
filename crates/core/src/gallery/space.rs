//! The vector spaces of a collection, and values for each of them.

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// A vector space of the collection: a named vector that a picture may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Space {
    /// CLIP of the picture.
    Image,
    /// CLIP of the picture's edge map.
    Edge,
    /// CLIP of the sentence made from the picture's tags.
    Text,
    /// What the picture looks like, whatever it shows.
    Style,
}

impl Space {
    /// All spaces, in the order that [`PerSpace`] keeps.
    pub const ALL: [Self; 4] = [Self::Image, Self::Edge, Self::Text, Self::Style];

    /// The name of the vector in the collection.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Edge => "edge",
            Self::Text => "text",
            Self::Style => "style",
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
    /// For [`Space::Style`]. Notes of collections without that space leave it out.
    #[serde(default)]
    pub style: T,
}

impl<T> PerSpace<T> {
    /// The value of one space.
    pub fn get(&self, space: Space) -> &T {
        match space {
            Space::Image => &self.image,
            Space::Edge => &self.edge,
            Space::Text => &self.text,
            Space::Style => &self.style,
        }
    }

    /// The value of one space, to be changed.
    pub fn get_mut(&mut self, space: Space) -> &mut T {
        match space {
            Space::Image => &mut self.image,
            Space::Edge => &mut self.edge,
            Space::Text => &mut self.text,
            Space::Style => &mut self.style,
        }
    }

    /// One value for each space, made from the space.
    pub fn from_fn(mut make: impl FnMut(Space) -> T) -> Self {
        Self {
            image: make(Space::Image),
            edge: make(Space::Edge),
            text: make(Space::Text),
            style: make(Space::Style),
        }
    }

    /// The spaces and their values, each by itself, in [`Space::ALL`]'s order.
    pub fn into_each(self) -> [(Space, T); 4] {
        let Self {
            image,
            edge,
            text,
            style,
        } = self;
        [
            (Space::Image, image),
            (Space::Edge, edge),
            (Space::Text, text),
            (Space::Style, style),
        ]
    }

    /// The spaces and their values, in [`Space::ALL`]'s order.
    pub fn iter(&self) -> impl Iterator<Item = (Space, &T)> {
        Space::ALL.into_iter().map(|space| (space, self.get(space)))
    }
}

/// The vectors of a point; each has the collection's dimension and unit length, any may be missing.
pub type Vectors = PerSpace<Option<Vec<f32>>>;

/// The crowding around a point: the mean cosine to its nearest neighbours, in each space that was
/// measured.
pub type Crowding = PerSpace<Option<f32>>;

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
