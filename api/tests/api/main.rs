//! The tests of this crate, in one program: linking libtorch and the engine once is enough.

mod addresses;
mod boards;
mod bodies;
mod caller_events;
mod changes;
mod client;
mod connections;
mod embed;
mod gallery;
mod generate;
mod job_events;
mod jobs;
mod map;
mod older_client;
mod owner;
mod pictures;
mod preparing;
mod ranking;
mod search;
mod server;
mod shared_boards;
mod styles;
mod support;
mod tags;
mod transfer;
mod watched;
