//! One file a command.

pub mod backfill;
pub mod demo;
pub mod doctor;
pub mod eval;
pub mod ingest;
pub mod migrate;
pub mod models;
mod progress_bar;
mod pull;
pub mod search;
pub mod serve;
