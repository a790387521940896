//! The tests of this crate, in one program: linking libtorch and the engine once is enough.

mod backfill;
mod changes;
mod comfyui;
mod generate;
mod history;
mod ingest;
mod jobs;
mod manifests;
mod map;
mod outages;
mod purchases;
mod reindex;
mod repeated_pages;
mod running;
mod sentences;
mod styles;
mod support;
mod tags;
mod watching;
mod whitening;
