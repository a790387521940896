//! The artist's weights: checked, then normalised over the spaces that the query asks for.

use crate::gallery::{PerSpace, Space};
use crate::{Error, Result};

/// `w_img`, `w_edge` and `w_txt` when the query does not name them.
pub const DEFAULT_WEIGHTS: PerSpace<f32> = PerSpace {
    image: 0.7,
    edge: 0.3,
    text: 0.2,
};

/// The field of a request that a space's weight comes from.
#[must_use]
pub fn field_name(space: Space) -> &'static str {
    match space {
        Space::Image => "w_img",
        Space::Edge => "w_edge",
        Space::Text => "w_txt",
    }
}

/// Weights that sum to 1 over the spaces asked for, and are 0 elsewhere.
///
/// # Errors
/// [`crate::ErrorCode::InvalidInput`] when a weight is negative or not a number, or when every
/// space asked for has a weight of 0, so that nothing could be ranked.
pub fn normalised(weights: PerSpace<f32>, asked: PerSpace<bool>) -> Result<PerSpace<f32>> {
    for (space, weight) in weights.iter() {
        if !weight.is_finite() || *weight < 0.0 {
            return Err(Error::invalid(format!(
                "{} is {weight}: a weight is a number of 0 or more, such as 0.5",
                field_name(space)
            )));
        }
    }
    let used = PerSpace::from_fn(|space| {
        if *asked.get(space) {
            *weights.get(space)
        } else {
            0.0
        }
    });
    // Scaled by the largest first, so that huge weights do not add up to infinity.
    let largest = used.image.max(used.edge).max(used.text);
    if largest == 0.0 {
        let names: Vec<_> = asked
            .iter()
            .filter(|(_, asked)| **asked)
            .map(|(space, _)| field_name(space))
            .collect();
        return Err(Error::invalid(format!(
            "every weight of this query is 0 ({}): give at least one of them a number above 0",
            names.join(", ")
        )));
    }
    let sum = (used.image / largest) + (used.edge / largest) + (used.text / largest);
    Ok(PerSpace::from_fn(|space| used.get(space) / largest / sum))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: PerSpace<bool> = PerSpace {
        image: true,
        edge: true,
        text: true,
    };

    #[test]
    fn they_sum_to_one_over_what_is_asked_for() {
        let weights =
            normalised(DEFAULT_WEIGHTS, PerSpace { text: false, ..ALL }).expect("good weights");
        assert!((weights.image - 0.7).abs() < 1e-6 && (weights.edge - 0.3).abs() < 1e-6);
        assert_eq!(weights.text, 0.0);
        let huge = normalised(
            PerSpace {
                image: f32::MAX,
                edge: f32::MAX,
                text: 0.0,
            },
            ALL,
        )
        .expect("large but finite");
        assert!((huge.image - 0.5).abs() < 1e-6);
    }

    #[test]
    fn nonsense_is_refused_by_name() {
        for (wrong, name) in [
            (f32::NAN, "w_edge"),
            (-0.1, "w_edge"),
            (f32::INFINITY, "w_edge"),
        ] {
            let error = normalised(
                PerSpace {
                    edge: wrong,
                    ..DEFAULT_WEIGHTS
                },
                ALL,
            )
            .expect_err("a wrong weight");
            assert!(error.message.starts_with(name), "{}", error.message);
        }
        let error = normalised(
            PerSpace {
                image: 1.0,
                edge: 0.0,
                text: 0.0,
            },
            PerSpace {
                image: false,
                ..ALL
            },
        );
        assert!(
            error
                .expect_err("nothing left to rank by")
                .message
                .contains("w_edge, w_txt")
        );
    }
}
