//! The arithmetic of hybrid search: pure functions from scores to a ranking.

pub mod cursor;
pub mod diversity;
pub mod fusion;
pub mod lexical;
pub mod weights;
