//! Does the long-running work that fills and maintains a collection. In [`jobs`], each kind of job
//! has its own module.
//!
//! This crate uses only the traits of `clippy-core`, so it works with any engine and any model.

pub mod add;
pub mod backfill;
pub mod ingest;
pub mod jobs;
mod map;
mod named_lines;
pub mod patience;
mod prune;
pub mod style_groups;
pub mod watching;
mod whitening;
