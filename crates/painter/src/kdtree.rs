//! A k-d tree for approximate nearest neighbours: built once, queried from many threads.

/// The largest number of points in a leaf.
const LEAF: usize = 16;

/// Points of `dimensions` numbers each.
#[derive(Debug)]
pub struct KdTree {
    dimensions: usize,
    points: Vec<f32>,
    order: Vec<u32>,
    splits: Vec<(u8, f32)>,
}

impl KdTree {
    /// Builds a tree of `points`, whose length is a multiple of `dimensions`.
    #[must_use]
    pub fn new(points: Vec<f32>, dimensions: usize) -> Self {
        let count = points.len() / dimensions;
        let mut order: Vec<u32> = (0..count as u32).collect();
        let mut splits = vec![(0, 0.0); 4 * count / LEAF + 8];
        split(&points, dimensions, &mut order, &mut splits, 0);
        Self {
            dimensions,
            points,
            order,
            splits,
        }
    }

    /// One of the points.
    #[must_use]
    pub fn point(&self, index: usize) -> &[f32] {
        &self.points[index * self.dimensions..(index + 1) * self.dimensions]
    }

    /// Returns the squared distances and indices of the nearest `K` points, searching at most
    /// `leaves` leaves. Unused entries have a distance of `f32::MAX`.
    #[must_use]
    pub fn nearest<const K: usize>(&self, query: &[f32], leaves: usize) -> [(f32, u32); K] {
        let mut best = [(f32::MAX, 0u32); K];
        let mut left = leaves;
        self.search(query, (0, 0, self.order.len()), &mut best, &mut left);
        best
    }

    fn search<const K: usize>(
        &self,
        query: &[f32],
        (node, low, high): (usize, usize, usize),
        best: &mut [(f32, u32); K],
        left: &mut usize,
    ) {
        if *left == 0 {
            return;
        }
        if high - low <= LEAF {
            *left -= 1;
            for index in &self.order[low..high] {
                let point = self.point(*index as usize);
                let distance: f32 = point
                    .iter()
                    .zip(query)
                    .map(|(a, b)| (a - b) * (a - b))
                    .sum();
                if distance < best[K - 1].0 {
                    let mut place = K - 1;
                    while place > 0 && best[place - 1].0 > distance {
                        best[place] = best[place - 1];
                        place -= 1;
                    }
                    best[place] = (distance, *index);
                }
            }
            return;
        }
        let (dimension, value) = self.splits[node];
        let middle = low + (high - low) / 2;
        let gap = query[usize::from(dimension)] - value;
        let (below, above) = ((2 * node + 1, low, middle), (2 * node + 2, middle, high));
        let (first, second) = if gap < 0.0 {
            (below, above)
        } else {
            (above, below)
        };
        self.search(query, first, best, left);
        if gap * gap < best[K - 1].0 {
            self.search(query, second, best, left);
        }
    }
}

fn split(
    points: &[f32],
    dimensions: usize,
    order: &mut [u32],
    splits: &mut Vec<(u8, f32)>,
    node: usize,
) {
    if order.len() <= LEAF {
        return;
    }
    let stride = (order.len() / 64).max(1);
    let spread = |dimension: usize| {
        let values = order
            .iter()
            .step_by(stride)
            .map(|index| points[*index as usize * dimensions + dimension]);
        let (low, high) = values.fold((f32::MAX, f32::MIN), |(low, high), value| {
            (low.min(value), high.max(value))
        });
        high - low
    };
    let mut widest = (0, -1.0);
    for dimension in 0..dimensions {
        let width = spread(dimension);
        if width > widest.1 {
            widest = (dimension, width);
        }
    }
    let dimension = widest.0;
    let middle = order.len() / 2;
    let value = |index: u32| points[index as usize * dimensions + dimension];
    order.select_nth_unstable_by(middle, |a, b| {
        value(*a).total_cmp(&value(*b)).then(a.cmp(b))
    });
    if node >= splits.len() {
        splits.resize(node * 2 + 2, (0, 0.0));
    }
    splits[node] = (dimension as u8, value(order[middle]));
    let (below, above) = order.split_at_mut(middle);
    split(points, dimensions, below, splits, 2 * node + 1);
    split(points, dimensions, above, splits, 2 * node + 2);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plane::Random;

    #[test]
    fn a_search_of_all_leaves_is_exact() {
        let mut chance = Random::new(1);
        let points: Vec<f32> = (0..3 * 500).map(|_| chance.share()).collect();
        let tree = KdTree::new(points, 3);
        for _ in 0..50 {
            let query = [chance.share(), chance.share(), chance.share()];
            let squared = |index: usize| {
                tree.point(index)
                    .iter()
                    .zip(query)
                    .map(|(a, b)| (a - b) * (a - b))
                    .sum::<f32>()
            };
            let mut exact: Vec<f32> = (0..500).map(squared).collect();
            exact.sort_by(f32::total_cmp);
            let found = tree.nearest::<3>(&query, usize::MAX);
            assert_eq!(
                found.map(|(distance, _)| distance).to_vec(),
                exact[..3].to_vec()
            );
        }
    }
}
