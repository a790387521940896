//! The arithmetic of hybrid search: pure functions from scores to a ranking.

pub mod calibration;
mod closeness;
pub mod colour_order;
pub mod colours;
pub mod crowding;
pub mod cursor;
pub mod diversity;
pub mod duplicates;
pub mod evidence;
pub mod fusion;
pub mod lexical;
pub mod per_style;
mod product;
pub mod subjects;
pub mod suggestions;
pub mod weights;
pub mod words;

pub use product::product;
