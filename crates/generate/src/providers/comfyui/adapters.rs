//! Limits the number of different reference weights.
//!
//! References with the same weight share an adapter, and each adapter takes gigabytes of the
//! server's memory. If a role has more different weights than adapters are allowed, the nearest
//! weights are replaced by their mean.

/// The largest number of adapters of one role.
pub const MOST_ADAPTERS: usize = 3;

/// Returns the weight to send for each requested weight.
#[must_use]
pub fn merge_weights(weights: &[f32]) -> Vec<f32> {
    let round_weight = |weight: f32| (weight * 1000.0).round() / 1000.0;
    // Sets of references, each with its weight, in the order of the weights.
    let mut sets: Vec<(f32, Vec<usize>)> = Vec::new();
    for (index, weight) in weights
        .iter()
        .map(|weight| round_weight(*weight))
        .enumerate()
    {
        match sets.iter_mut().find(|(other, _)| *other == weight) {
            Some((_, members)) => members.push(index),
            None => sets.push((weight, vec![index])),
        }
    }
    sets.sort_by(|a, b| a.0.total_cmp(&b.0));
    while sets.len() > MOST_ADAPTERS {
        let gap = |at: &usize| sets[at + 1].0 - sets[*at].0;
        let nearest = (0..sets.len() - 1)
            .min_by(|a, b| gap(a).total_cmp(&gap(b)))
            .unwrap_or_default();
        let (weight, members) = sets.remove(nearest + 1);
        let (kept, own) = &mut sets[nearest];
        let (many, more) = (own.len() as f32, members.len() as f32);
        *kept = round_weight((*kept * many + weight * more) / (many + more));
        own.extend(members);
    }
    let mut sent = vec![0.0; weights.len()];
    for (weight, members) in sets {
        for index in members {
            sent[index] = weight;
        }
    }
    sent
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_weights_are_kept_and_of_many_the_nearest_are_merged() {
        assert!(merge_weights(&[]).is_empty());
        assert_eq!(merge_weights(&[0.7, 0.2, 0.7, 0.5]), [0.7, 0.2, 0.7, 0.5]);
        assert_eq!(
            merge_weights(&[0.1, 0.5, 0.52, 0.9]),
            [0.1, 0.51, 0.51, 0.9]
        );
        let many: Vec<f32> = (1..=16).map(|weight| weight as f32 / 16.0).collect();
        let sent = merge_weights(&many);
        let mut distinct = sent.clone();
        distinct.dedup();
        assert_eq!((sent.len(), distinct.len()), (16, MOST_ADAPTERS));
        assert!(sent.is_sorted());
    }
}
