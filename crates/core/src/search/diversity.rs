//! Maximal marginal relevance (Carbonell, Goldstein 1998): results that differ from each other.

use super::fusion::Hit;
use super::product;
use crate::gallery::PerSpace;

/// How many of the best results are reordered; the rest keep their places behind them.
pub const POOL: usize = 400;

/// The order in which to show these hits: each next one maximises
/// `(1 - diversity) * score - diversity * (highest cosine to one shown already)`.
///
/// `vectors` holds the unit-length image vector of each hit, where it has one. Scores are brought
/// to 0..1 over the pool first, so that `diversity` means the same whatever the scale of the
/// scores. Only the first `wanted` places are chosen that way; the other hits follow in the order
/// of the ranking. More places never change the first ones.
#[must_use]
pub fn order(
    hits: &[Hit],
    vectors: &[PerSpace<Option<Vec<f32>>>],
    diversity: f32,
    wanted: usize,
) -> Vec<usize> {
    let pool = hits.len().min(POOL).min(vectors.len());
    let highest = hits.first().map_or(0.0, |hit| hit.score);
    let lowest = hits
        .get(pool.saturating_sub(1))
        .map_or(0.0, |hit| hit.score);
    let spread = (highest - lowest).max(f32::MIN_POSITIVE);
    let mut closest = vec![0.0_f32; pool];
    let mut waiting: Vec<usize> = (0..pool).collect();
    let mut shown = Vec::with_capacity(hits.len());
    while !waiting.is_empty() && shown.len() < wanted {
        let value = |index: usize| {
            (1.0 - diversity) * (hits[index].score - lowest) / spread - diversity * closest[index]
        };
        let mut best = 0;
        for place in 1..waiting.len() {
            // Strictly greater: equal values keep the order of the ranking.
            if value(waiting[place]) > value(waiting[best]) {
                best = place;
            }
        }
        let chosen = waiting.remove(best);
        shown.push(chosen);
        if let Some(vector) = &vectors[chosen].image {
            for &index in &waiting {
                if let Some(other) = &vectors[index].image {
                    closest[index] = closest[index].max(product(vector, other));
                }
            }
        }
    }
    shown.extend(waiting);
    shown.extend(pool..hits.len());
    shown
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::PointId;

    fn hit(id: u64, score: f32) -> Hit {
        Hit::bare(PointId::Number(id), score)
    }

    fn at(degrees: f32) -> PerSpace<Option<Vec<f32>>> {
        let radians = degrees.to_radians();
        PerSpace {
            image: Some(vec![radians.cos(), radians.sin()]),
            ..PerSpace::default()
        }
    }

    #[test]
    fn a_copy_of_the_first_gives_way_to_something_else() {
        let hits = [hit(1, 0.9), hit(2, 0.89), hit(3, 0.6), hit(4, 0.5)];
        let vectors = [at(0.0), at(1.0), at(80.0), at(40.0)];
        assert_eq!(order(&hits, &vectors, 0.0, 4), [0, 1, 2, 3]);
        assert_eq!(order(&hits, &vectors, 0.6, 4)[..2], [0, 2]);
        assert_eq!(
            order(&hits, &vectors, 0.6, 2),
            [0, 2, 1, 3],
            "the rest keep the order of the ranking"
        );
    }
}
