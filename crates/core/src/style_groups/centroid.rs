//! A direction that takes little space in a note.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::search::product;

/// A unit vector whose values are rounded to one byte each. In a note it is base64: a collection's
/// notes are small, and twenty centroids must fit into one.
#[derive(Debug, Clone, PartialEq)]
pub struct Centroid {
    bytes: Vec<u8>,
    values: Vec<f32>,
}

impl Centroid {
    /// Rounds a vector.
    #[must_use]
    pub fn new(vector: &[f32]) -> Self {
        let largest = vector
            .iter()
            .fold(1e-9_f32, |most, value| most.max(value.abs()));
        #[expect(
            clippy::cast_possible_truncation,
            reason = "the values are within -127..=127"
        )]
        let round = |value: &f32| ((value / largest * 127.0).round() as i8).cast_unsigned();
        Self::of_bytes(vector.iter().map(round).collect())
    }

    fn of_bytes(bytes: Vec<u8>) -> Self {
        let mut values: Vec<f32> = bytes
            .iter()
            .map(|byte| f32::from(byte.cast_signed()))
            .collect();
        let length = product(&values, &values).sqrt().max(1e-9);
        values.iter_mut().for_each(|value| *value /= length);
        Self { bytes, values }
    }

    /// The vector, of unit length.
    #[must_use]
    pub fn values(&self) -> &[f32] {
        &self.values
    }
}

impl Serialize for Centroid {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        STANDARD.encode(&self.bytes).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Centroid {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = STANDARD.decode(text).map_err(de::Error::custom)?;
        Ok(Self::of_bytes(bytes))
    }
}
