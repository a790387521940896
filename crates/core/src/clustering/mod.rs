//! Groups unit vectors by k-means, and decides how many groups there are.
//!
//! The algorithm is written here and not taken from a crate. `linfa-clustering`, the maintained
//! one, adds some thirty crates to the build, and still leaves the larger part to us: the choice of
//! the number of groups, and groups that keep their identity when the vectors change.
//!
//! The same vectors in the same order give the same groups on every machine.

mod choice;
mod kmeans;
mod matching;
mod random;
mod silhouette;

#[cfg(test)]
mod tests;

pub use choice::{Clusters, FEWEST, MOST, find};
pub use kmeans::nearest;
