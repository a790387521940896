//! The real binary, in real processes, over real files: what a new user, a script and a fault would meet.

mod bad_input;
mod calibration;
mod demo;
mod embedder;
mod harness;
mod ingest;
mod jobs;
mod made_pictures;
mod older_collection;
mod one_process;
mod qdrant;
mod reindex;
