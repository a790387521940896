//! The commands, one module each.

pub mod add;
mod add_outcome;
pub mod backfill;
pub mod calibrate;
pub mod demo;
pub mod doctor;
pub mod enqueue;
pub mod eval;
pub mod fetch;
pub mod import;
pub mod ingest;
pub mod jobs;
mod local_run;
pub mod migrate;
pub mod models;
mod outcome;
mod progress_bar;
pub mod pull;
pub mod queues;
pub mod reindex;
pub mod search;
pub mod serve;
pub mod styles;
pub mod tag;
pub mod worker;
