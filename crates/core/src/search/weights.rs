//! The artist's weights: checked, then normalised over the fields that the query uses.

use serde::{Deserialize, Serialize};

use crate::gallery::ProbeKind;
use crate::{Error, Result};

/// A field of a request that holds a weight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WeightField {
    /// `w_img`: how pictures look.
    Image,
    /// `w_edge`: their edges.
    Edge,
    /// `w_txt`: words.
    Text,
    /// `w_style`: the look, whatever a picture shows.
    Style,
}

impl WeightField {
    /// All fields.
    pub const ALL: [Self; 4] = [Self::Image, Self::Edge, Self::Text, Self::Style];

    /// The name of the field.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Image => "w_img",
            Self::Edge => "w_edge",
            Self::Text => "w_txt",
            Self::Style => "w_style",
        }
    }

    /// The field behind the weight of a probe.
    #[must_use]
    pub fn of(kind: ProbeKind) -> Self {
        match kind {
            // The subject is guessed from the pictures of the query.
            ProbeKind::Image | ProbeKind::Subject => Self::Image,
            ProbeKind::Edge => Self::Edge,
            ProbeKind::Text | ProbeKind::WordsImage => Self::Text,
            ProbeKind::Style => Self::Style,
        }
    }
}

/// One weight for each field.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Weights {
    /// `w_img`.
    pub image: f32,
    /// `w_edge`.
    pub edge: f32,
    /// `w_txt`.
    pub text: f32,
    /// `w_style`.
    #[serde(default = "default_style")]
    pub style: f32,
}

fn default_style() -> f32 {
    Weights::default().style
}

/// The weights of a query that names none.
impl Default for Weights {
    fn default() -> Self {
        Self {
            image: 0.7,
            edge: 0.3,
            text: 0.2,
            style: 0.5,
        }
    }
}

impl Weights {
    /// The weight of one field.
    #[must_use]
    pub fn get(&self, field: WeightField) -> f32 {
        match field {
            WeightField::Image => self.image,
            WeightField::Edge => self.edge,
            WeightField::Text => self.text,
            WeightField::Style => self.style,
        }
    }

    /// Weights that sum to 1 over the fields that are used, and are 0 elsewhere.
    ///
    /// # Errors
    /// [`crate::ErrorCode::InvalidInput`] when a weight is negative or not a number, or when every
    /// field that is used has a weight of 0, so that nothing could be ranked.
    pub fn normalised(&self, used: impl Fn(WeightField) -> bool) -> Result<Self> {
        for field in WeightField::ALL {
            let weight = self.get(field);
            if !weight.is_finite() || weight < 0.0 {
                return Err(Error::invalid(format!(
                    "{} is {weight}: a weight is a number of 0 or more, such as 0.5",
                    field.name()
                )));
            }
        }
        let of_used = |field| if used(field) { self.get(field) } else { 0.0 };
        // Scaled by the largest first, so that huge weights do not add up to infinity.
        let largest = WeightField::ALL
            .map(of_used)
            .into_iter()
            .fold(0.0, f32::max);
        if largest == 0.0 {
            let names: Vec<&str> = WeightField::ALL
                .into_iter()
                .filter(|field| used(*field))
                .map(WeightField::name)
                .collect();
            return Err(Error::invalid(format!(
                "every weight of this query is 0 ({}): give at least one of them a number above 0",
                names.join(", ")
            )));
        }
        let scaled = |field| of_used(field) / largest;
        let sum: f32 = WeightField::ALL.into_iter().map(scaled).sum();
        Ok(Self {
            image: scaled(WeightField::Image) / sum,
            edge: scaled(WeightField::Edge) / sum,
            text: scaled(WeightField::Text) / sum,
            style: scaled(WeightField::Style) / sum,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_sum_to_one_over_the_fields_that_are_used() {
        let weights = Weights::default()
            .normalised(|field| matches!(field, WeightField::Image | WeightField::Edge))
            .expect("good weights");
        assert!((weights.image - 0.7).abs() < 1e-6 && (weights.edge - 0.3).abs() < 1e-6);
        assert_eq!((weights.text, weights.style), (0.0, 0.0));
        let huge = Weights {
            image: f32::MAX,
            edge: f32::MAX,
            text: 0.0,
            style: 0.0,
        };
        let huge = huge
            .normalised(|field| field != WeightField::Style)
            .expect("large but finite");
        assert!((huge.image - 0.5).abs() < 1e-6);
    }

    #[test]
    fn an_error_names_the_wrong_weight() {
        for wrong in [f32::NAN, -0.1, f32::INFINITY] {
            let weights = Weights {
                edge: wrong,
                ..Weights::default()
            };
            let error = weights.normalised(|_| true).expect_err("a wrong weight");
            assert!(error.message.starts_with("w_edge"), "{}", error.message);
        }
        let only_image = Weights {
            image: 1.0,
            edge: 0.0,
            text: 0.0,
            style: 0.0,
        };
        let error = only_image
            .normalised(|field| field != WeightField::Image)
            .expect_err("nothing left to rank by");
        assert!(error.message.contains("w_edge, w_txt"), "{}", error.message);
    }
}
