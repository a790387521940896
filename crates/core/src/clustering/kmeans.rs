//! K-means on unit vectors: a group's centroid is the direction of the sum of its members.

use super::random::Random;
use crate::search::product;

/// How often vectors are assigned again at most. On real galleries twenty rounds are enough.
const MOST_ROUNDS: usize = 50;

/// A division of vectors into groups.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Partition {
    /// The direction of each group.
    pub(super) centroids: Vec<Vec<f32>>,
    /// The group of each vector.
    pub(super) members: Vec<usize>,
    /// The sum of the distances (one minus the cosine) of the vectors from their centroids.
    pub(super) spread: f64,
}

/// Returns the nearest centroid and its cosine with the vector. Of two that are equally near, the
/// first one is returned. `None` without centroids.
#[must_use]
pub fn nearest<'c>(
    centroids: impl IntoIterator<Item = &'c [f32]>,
    vector: &[f32],
) -> Option<(usize, f32)> {
    let mut best: Option<(usize, f32)> = None;
    for (index, centroid) in centroids.into_iter().enumerate() {
        let cosine = product(centroid, vector);
        if best.is_none_or(|(_, highest)| cosine > highest) {
            best = Some((index, cosine));
        }
    }
    best
}

/// Improves centroids until no vector changes its group. A group without members keeps its
/// centroid.
pub(super) fn fit(vectors: &[&[f32]], mut centroids: Vec<Vec<f32>>) -> Partition {
    let mut members = vec![usize::MAX; vectors.len()];
    let mut spread = 0.0;
    for _ in 0..MOST_ROUNDS {
        let mut is_changed = false;
        spread = 0.0;
        for (vector, member) in vectors.iter().zip(&mut members) {
            let found = nearest(centroids.iter().map(Vec::as_slice), vector);
            let Some((group, cosine)) = found else {
                break;
            };
            is_changed |= *member != group;
            *member = group;
            spread += 1.0 - f64::from(cosine);
        }
        if !is_changed {
            break;
        }
        move_to_members(vectors, &members, &mut centroids);
    }
    Partition {
        centroids,
        members,
        spread,
    }
}

fn move_to_members(vectors: &[&[f32]], members: &[usize], centroids: &mut [Vec<f32>]) {
    let dimension = centroids.first().map_or(0, Vec::len);
    let mut sums = vec![vec![0.0_f64; dimension]; centroids.len()];
    for (vector, group) in vectors.iter().zip(members) {
        for (sum, value) in sums[*group].iter_mut().zip(*vector) {
            *sum += f64::from(*value);
        }
    }
    for (centroid, sum) in centroids.iter_mut().zip(sums) {
        if let Some(direction) = direction(&sum) {
            *centroid = direction;
        }
    }
}

/// Scales a sum of vectors to unit length. `None` if it has no direction.
pub(super) fn direction(sum: &[f64]) -> Option<Vec<f32>> {
    let length = sum.iter().map(|value| value * value).sum::<f64>().sqrt();
    #[expect(clippy::cast_possible_truncation, reason = "values of a unit vector")]
    let scaled = || sum.iter().map(|value| (value / length) as f32).collect();
    (length > 1e-9).then(scaled)
}

/// Chooses `count` vectors to begin with, by greedy k-means++: each time some vectors are drawn,
/// those far from the ones before with a higher chance, and the one that leaves the least spread is
/// taken. Fewer are returned if there are fewer different vectors.
pub(super) fn seeds(vectors: &[&[f32]], count: usize, seed: u64) -> Vec<Vec<f32>> {
    let mut random = Random::new(seed);
    let draws = 2 + count.ilog2();
    let mut chosen: Vec<Vec<f32>> = Vec::with_capacity(count);
    // Any vector is farther from nothing than from another vector.
    let mut distances = vec![2.0_f64; vectors.len()];
    while chosen.len() < count {
        let total: f64 = distances.iter().sum();
        if total < 1e-6 {
            break;
        }
        let candidate = |_| {
            let mut rest = random.unit() * total;
            let is_reached = |distance: &f64| {
                rest -= distance;
                rest < 0.0
            };
            let place = distances.iter().position(is_reached);
            let place = place.unwrap_or(vectors.len() - 1);
            (place, distances_with(vectors, &distances, vectors[place]))
        };
        let spread = |(_, distances): &(usize, Vec<f64>)| distances.iter().sum::<f64>();
        let best = (0..draws)
            .map(candidate)
            .min_by(|left, right| spread(left).total_cmp(&spread(right)));
        let Some((place, nearer)) = best else { break };
        distances = nearer;
        chosen.push(vectors[place].to_vec());
    }
    chosen
}

/// Returns the distances from the nearest chosen vector when one more is chosen.
fn distances_with(vectors: &[&[f32]], distances: &[f64], chosen: &[f32]) -> Vec<f64> {
    let nearer = |(vector, distance): (&&[f32], &f64)| {
        let from_chosen = f64::from(1.0 - product(chosen, vector)).max(0.0);
        distance.min(from_chosen)
    };
    vectors.iter().zip(distances).map(nearer).collect()
}
