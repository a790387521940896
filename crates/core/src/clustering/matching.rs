//! Recognises earlier groups among new ones by their common members.

use super::kmeans::Partition;

/// The least share of common members, of all members of both groups, of a group that was found
/// again.
const LEAST_SHARED: f64 = 0.25;

/// Returns the earlier group of each new group; `None` for a group that was not there before. No
/// earlier group is given twice.
pub(super) fn matches(earlier: &Partition, new: &Partition) -> Vec<Option<usize>> {
    let (rows, columns) = (earlier.centroids.len(), new.centroids.len());
    let mut common = vec![0_u32; rows * columns];
    let (mut sizes_before, mut sizes_now) = (vec![0_u32; rows], vec![0_u32; columns]);
    for (before, now) in earlier.members.iter().zip(&new.members) {
        common[before * columns + now] += 1;
        sizes_before[*before] += 1;
        sizes_now[*now] += 1;
    }
    let mut pairs = Vec::new();
    for before in 0..rows {
        for now in 0..columns {
            let shared = common[before * columns + now];
            let all = sizes_before[before] + sizes_now[now] - shared;
            let share = f64::from(shared) / f64::from(all.max(1));
            if share >= LEAST_SHARED {
                pairs.push((share, before, now));
            }
        }
    }
    // The sort is stable: of equal shares the first groups come first.
    pairs.sort_by(|left, right| right.0.total_cmp(&left.0));
    let mut found = vec![None; columns];
    let mut is_taken = vec![false; rows];
    for (_, before, now) in pairs {
        if found[now].is_none() && !is_taken[before] {
            found[now] = Some(before);
            is_taken[before] = true;
        }
    }
    found
}
