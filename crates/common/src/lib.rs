//! Small helpers that several crates share. They know nothing of pictures, searches or jobs.

pub mod files;
pub mod paths;
pub mod text;

pub use text::shorten;
