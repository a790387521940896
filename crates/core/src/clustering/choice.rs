//! Decides how many groups there are, and whether earlier groups still fit.

use super::kmeans::{Partition, fit, seeds};
use super::matching::matches;
use super::silhouette::Distances;

/// The fewest vectors that are divided into groups.
pub const FEWEST: usize = 16;
/// The most groups that are looked for.
pub const MOST: usize = 20;
/// The fewest vectors of a group, on average.
const FEWEST_OF_A_GROUP: usize = 6;
/// How many vectors the number of groups is chosen by.
const CHOOSING: usize = 2_000;
/// How many vectors silhouettes are measured on.
const MEASURED: usize = 1_000;
/// How often each number of groups is tried.
const TRIES: u64 = 3;
/// A division with a lower silhouette is none: all vectors are one group.
const LEAST_SILHOUETTE: f64 = 0.05;
/// How much better other groups must be than earlier ones, so that these are given up.
const CLEARLY_BETTER: f64 = 0.05;

/// Groups of vectors.
#[derive(Debug, Clone, PartialEq)]
pub struct Clusters {
    /// The direction of each group, a unit vector.
    pub centroids: Vec<Vec<f32>>,
    /// For each group the index of the earlier group that it continues; `None` for a new one.
    pub earlier: Vec<Option<usize>>,
    /// The group of each vector.
    pub members: Vec<usize>,
}

/// Divides unit vectors into at most `most` groups.
///
/// The number of groups is the one with the highest silhouette. Groups of an earlier call continue:
/// their centroids are where the search begins, and other groups replace them only if those are
/// clearly better. Groups marked in `kept` are never given up for that reason; a group that no
/// vector is nearest to is left out.
///
/// The vectors should be in random order, since the number of groups is chosen by the first few
/// thousand.
#[must_use]
pub fn find(vectors: &[&[f32]], earlier: &[&[f32]], kept: &[bool], most: usize) -> Clusters {
    let most = most.min(MOST).min(vectors.len() / FEWEST_OF_A_GROUP).max(1);
    let choosing = &vectors[..vectors.len().min(CHOOSING)];
    let distances = Distances::between(&vectors[..vectors.len().min(MEASURED)]);
    if earlier.is_empty() {
        return first_time(vectors, choosing, &distances, most);
    }
    let centroids = earlier.iter().map(|centroid| centroid.to_vec()).collect();
    let continued = fit(vectors, centroids);
    let before = distances.silhouette(&continued);
    let (silhouette, fresh) = best(choosing, &distances, most);
    if silhouette > before + CLEARLY_BETTER {
        let fresh = fit(vectors, fresh.centroids);
        let found = matches(&continued, &fresh);
        let mut needed = kept.iter().enumerate().filter(|(_, is_kept)| **is_kept);
        if needed.all(|(index, _)| found.contains(&Some(index))) {
            return clusters(&fresh, &found);
        }
    }
    let found: Vec<_> = (0..continued.centroids.len()).map(Some).collect();
    clusters(&continued, &found)
}

fn first_time(
    vectors: &[&[f32]],
    choosing: &[&[f32]],
    distances: &Distances,
    most: usize,
) -> Clusters {
    let (_, fresh) = best(choosing, distances, most);
    let fresh = fit(vectors, fresh.centroids);
    let found = vec![None; fresh.centroids.len()];
    clusters(&fresh, &found)
}

/// Returns the best division into 1..=`most` groups, with its silhouette.
fn best(vectors: &[&[f32]], distances: &Distances, most: usize) -> (f64, Partition) {
    let one = fit(vectors, seeds(vectors, 1, 0));
    let mut best = (LEAST_SILHOUETTE, one);
    for count in 2..=most {
        let tries = (0..TRIES).map(|seed| fit(vectors, seeds(vectors, count, seed)));
        let Some(division) = tries.min_by(|left, right| left.spread.total_cmp(&right.spread))
        else {
            continue;
        };
        let silhouette = distances.silhouette(&division);
        if silhouette > best.0 {
            best = (silhouette, division);
        }
    }
    best
}

/// Leaves out the groups without members, and puts the largest ones first.
fn clusters(partition: &Partition, earlier: &[Option<usize>]) -> Clusters {
    let mut sizes = vec![0_usize; partition.centroids.len()];
    for group in &partition.members {
        sizes[*group] += 1;
    }
    let mut order: Vec<usize> = (0..sizes.len()).filter(|group| sizes[*group] > 0).collect();
    order.sort_by_key(|group| std::cmp::Reverse(sizes[*group]));
    let mut places = vec![0; sizes.len()];
    for (place, group) in order.iter().enumerate() {
        places[*group] = place;
    }
    Clusters {
        centroids: order
            .iter()
            .map(|group| partition.centroids[*group].clone())
            .collect(),
        earlier: order.iter().map(|group| earlier[*group]).collect(),
        members: partition
            .members
            .iter()
            .map(|group| places[*group])
            .collect(),
    }
}
