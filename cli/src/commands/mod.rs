//! One file a command.

pub mod backfill;
pub mod calibrate;
pub mod demo;
pub mod doctor;
pub mod enqueue;
pub mod eval;
pub mod ingest;
pub mod jobs;
pub mod migrate;
pub mod models;
mod progress_bar;
mod pull;
pub mod queues;
pub mod reindex;
pub mod search;
pub mod serve;
pub mod worker;
