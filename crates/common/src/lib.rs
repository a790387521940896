//! Small helpers that several crates share, and that are not specific to Clippy.

pub mod files;
pub mod machine;
pub mod paths;
pub mod text;

pub use text::shorten;
