//! Tests of the real binary: real processes, real files, real faults.

mod add;
#[path = "../attacks/mod.rs"]
mod attacks;
mod backup;
mod bad_input;
mod calibration;
mod changes;
mod closed_output;
mod demo;
mod doctor;
mod embedder;
mod fetch;
mod harness;
mod idle;
mod ingest;
mod jobs;
mod made_pictures;
mod older_collection;
#[path = "../older_data/mod.rs"]
mod older_data;
mod one_process;
mod outage;
mod own_gallery;
mod qdrant;
mod redis;
mod reindex;
mod secrets;
mod settings;
mod signals;
mod transfer;
mod untagged;
mod watching;
