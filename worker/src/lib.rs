//! Slow work: what fills and mends a collection. One file a kind of job.
//!
//! Everything goes through the traits of `clippy-core`; nothing here knows which engine or model is
//! behind them.

pub mod add;
pub mod backfill;
pub mod ingest;
pub mod jobs;
pub mod patience;
