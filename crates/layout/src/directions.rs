//! The two main directions of vectors, and where the vectors lie along them.

use super::{Place, dot};

/// How often a direction is turned towards the main one.
const TURNS: usize = 24;

/// Returns where each vector lies along the two directions in which they differ most.
pub(super) fn main_two(vectors: &[Vec<f32>]) -> Vec<Place> {
    let dimension = vectors.first().map_or(0, Vec::len);
    let mut mean = vec![0.0; dimension];
    for vector in vectors {
        for (sum, value) in mean.iter_mut().zip(vector) {
            *sum += value / vectors.len() as f32;
        }
    }
    let mut centred: Vec<Vec<f32>> = vectors
        .iter()
        .map(|vector| vector.iter().zip(&mean).map(|(a, b)| a - b).collect())
        .collect();
    let mut places = vec![[0.0; 2]; vectors.len()];
    for axis in 0..2 {
        let direction = main_one(&centred, dimension);
        for (place, vector) in places.iter_mut().zip(&mut centred) {
            let along = dot(vector, &direction);
            place[axis] = along;
            for (value, part) in vector.iter_mut().zip(&direction) {
                *value -= along * part;
            }
        }
    }
    places
}

/// The direction in which centred vectors differ most, by power iteration. All zeros if they do not
/// differ.
fn main_one(centred: &[Vec<f32>], dimension: usize) -> Vec<f32> {
    // Not along any axis, and the same each time.
    let mut direction: Vec<f32> = (0..dimension)
        .map(|index| 1.0 + 0.1 * (index as f32 * 12.9898).sin())
        .collect();
    for _ in 0..TURNS {
        let mut turned = vec![0.0; dimension];
        for vector in centred {
            let along = dot(vector, &direction);
            for (sum, value) in turned.iter_mut().zip(vector) {
                *sum += along * value;
            }
        }
        let length = dot(&turned, &turned).sqrt();
        if length <= f32::MIN_POSITIVE {
            return vec![0.0; dimension];
        }
        direction = turned.iter().map(|value| value / length).collect();
    }
    direction
}
