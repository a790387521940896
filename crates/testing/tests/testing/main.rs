//! Tests of the test doubles and of the API client.

mod client;
mod contract;
mod embedder;
