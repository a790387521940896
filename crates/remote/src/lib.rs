//! An encoder in another process: for API machines without a GPU (`EMBEDDER_URL`).
//!
//! [`RemoteEmbedder`] is the client. The server is a worker (`clippy worker --serve-embedder`),
//! whose routes are in the API crate. [`wire`] is their protocol: `GET /embed` returns the model's
//! [`clippy_core::embedding::ModelInfo`] as JSON; the request and the response of `POST /embed` are
//! safetensors files.

mod embedder;
pub mod wire;

pub use embedder::{RemoteEmbedder, RemoteOptions};
