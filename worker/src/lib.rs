//! Long-running work that fills and maintains a collection. Each kind of job has its own module.
//!
//! The code uses the traits of `clippy-core` only, so that it works with any engine and any model.

pub mod add;
pub mod backfill;
pub mod ingest;
pub mod jobs;
pub mod patience;
