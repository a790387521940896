//! The silhouette: how much nearer vectors are to their own group than to the next one.

use super::kmeans::Partition;
use crate::search::product;

/// The distances between any two of some vectors.
pub(super) struct Distances {
    count: usize,
    values: Vec<f32>,
}

impl Distances {
    pub(super) fn between(vectors: &[&[f32]]) -> Self {
        let count = vectors.len();
        let mut values = vec![0.0; count * count];
        for (row, left) in vectors.iter().enumerate() {
            for (column, right) in vectors.iter().enumerate().skip(row + 1) {
                // Of unit vectors; rounding may take the difference below 0.
                let distance = (2.0 - 2.0 * product(left, right)).max(0.0).sqrt();
                values[row * count + column] = distance;
                values[column * count + row] = distance;
            }
        }
        Self { count, values }
    }

    /// Returns the mean silhouette of these vectors, the first ones of a partition: -1..1. A vector
    /// that is alone in its group counts 0, and so does a partition with one group.
    pub(super) fn silhouette(&self, partition: &Partition) -> f64 {
        let groups = partition.centroids.len();
        let members = &partition.members[..self.count];
        let mut sizes = vec![0_u32; groups];
        for group in members {
            sizes[*group] += 1;
        }
        let mut total = 0.0;
        for (own, row) in members
            .iter()
            .zip(self.values.chunks_exact(self.count.max(1)))
        {
            let mut sums = vec![0.0_f64; groups];
            for (group, distance) in members.iter().zip(row) {
                sums[*group] += f64::from(*distance);
            }
            total += silhouette_of(*own, &sums, &sizes);
        }
        total / self.count.max(1) as f64
    }
}

fn silhouette_of(own: usize, sums: &[f64], sizes: &[u32]) -> f64 {
    if sizes[own] < 2 {
        return 0.0;
    }
    let within = sums[own] / f64::from(sizes[own] - 1);
    let others = sums.iter().zip(sizes).enumerate();
    let to_next = others
        .filter(|(group, (_, size))| *group != own && **size > 0)
        .map(|(_, (sum, size))| sum / f64::from(*size))
        .min_by(f64::total_cmp);
    match to_next {
        Some(next) if next.max(within) > 0.0 => (next - within) / next.max(within),
        _ => 0.0,
    }
}
