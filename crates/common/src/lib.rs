//! Small helpers that several crates share, and that are not specific to Clippy.

mod blocking;
pub mod files;
pub mod machine;
pub mod paths;
mod sparse;
pub mod text;
pub mod trees;

pub use blocking::run_blocking;
pub use text::{shorten, with_causes};
