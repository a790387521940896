//! The real binary, in real processes, over real files: what a new user, a script and a fault would meet.

mod bad_input;
mod demo;
mod harness;
mod ingest;
mod jobs;
mod one_process;
mod reindex;
