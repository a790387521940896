//! Checks points and vectors, and gives vectors unit length, before they are stored or searched
//! with.

use std::collections::HashSet;

use clippy_core::gallery::{Point, Probe, Space, Vectors, check_vector};
use clippy_core::ids::PointId;
use clippy_core::{Error, Result};

/// Tolerance of the squared length. Rounding a unit vector to `f32` stays below it; scaling such a
/// vector again would only change its last bits.
const UNIT_TOLERANCE: f64 = 1e-6;

/// Checks the vectors that exist and gives them unit length.
///
/// # Errors
/// [`clippy_core::ErrorCode::InvalidInput`] for another length, values that are not finite, or no
/// direction.
pub(crate) fn check_and_normalise(vectors: &mut Vectors, dimension: usize) -> Result<()> {
    for space in Space::ALL {
        if let Some(vector) = vectors.get_mut(space) {
            check_vector(space, vector, dimension)?;
            normalise(vector);
        }
    }
    Ok(())
}

/// Checks the vectors of probes and gives them unit length.
///
/// # Errors
/// Like [`check_and_normalise`].
pub(crate) fn check_and_normalise_probes(probes: &mut [Probe], dimension: usize) -> Result<()> {
    for probe in probes {
        check_vector(probe.space(), &probe.vector, dimension)?;
        normalise(&mut probe.vector);
    }
    Ok(())
}

/// Keeps the last one of points with the same id: the result of storing them one after the other.
pub(crate) fn last_of_each(mut points: Vec<Point>) -> Vec<Point> {
    let mut seen = HashSet::with_capacity(points.len());
    points.reverse();
    points.retain(|point| seen.insert(point.id));
    points.reverse();
    points
}

/// Adds the point that an error is about to its message.
pub(crate) fn of_point(id: PointId, error: Error) -> Error {
    Error {
        message: format!("picture {id}: {}", error.message),
        ..error
    }
}

fn normalise(vector: &mut [f32]) {
    let squared: f64 = vector
        .iter()
        .map(|value| f64::from(*value) * f64::from(*value))
        .sum();
    if (squared - 1.0).abs() <= UNIT_TOLERANCE {
        return;
    }
    let length = squared.sqrt();
    for value in vector {
        #[expect(clippy::cast_possible_truncation, reason = "at most 1")]
        let scaled = (f64::from(*value) / length) as f32;
        *value = scaled;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vector_of_unit_length_is_not_scaled_again() {
        for scale in [1e-30_f32, 0.3, 7.0, 1e30] {
            let mut vector: Vec<f32> = (1..=512)
                .map(|value| (value as f32).sin() * scale)
                .collect();
            normalise(&mut vector);
            let length: f64 = vector
                .iter()
                .map(|value| f64::from(*value).powi(2))
                .sum::<f64>()
                .sqrt();
            assert!((length - 1.0).abs() < 1e-6, "{length}");
            let once = vector.clone();
            normalise(&mut vector);
            assert_eq!(vector, once);
        }
    }
}
