//! The tests of this crate, in one program: linking libtorch and the engine once is enough.

mod client;
mod embed;
mod generate;
mod job_events;
mod jobs;
mod older_client;
mod ranking;
mod search;
mod server;
mod support;
