//! The tests of this crate, in one program: linking libtorch and the engine once is enough.

mod backfill;
mod generate;
mod ingest;
mod jobs;
mod manifests;
mod outages;
mod reindex;
mod running;
mod sentences;
mod support;
