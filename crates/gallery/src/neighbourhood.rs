//! The crowding around a point, from its nearest neighbours.

use clippy_core::ids::PointId;

/// Size of the search beam in the graph. A missed neighbour hardly changes a mean of ten.
pub(crate) const BEAM: usize = 64;

/// Returns the mean score of the `neighbours` best others; `None` when there are fewer.
pub(crate) fn mean_of_others(
    itself: PointId,
    found: impl IntoIterator<Item = (PointId, f32)>,
    neighbours: usize,
) -> Option<f32> {
    let others = found
        .into_iter()
        .filter(|(id, _)| *id != itself)
        .take(neighbours);
    let (count, sum) = others.fold((0_usize, 0.0), |(count, sum), (_, score)| {
        (count + 1, sum + score)
    });
    (neighbours > 0 && count == neighbours).then(|| sum / count as f32)
}
