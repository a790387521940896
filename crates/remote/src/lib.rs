//! An encoder in another process: for API machines without a GPU (`EMBEDDER_URL`).
//!
//! [`RemoteEmbedder`] is the calling side. The answering side is a worker (`clippy worker
//! --serve-embedder`), whose routes stand in the API crate; [`wire`] is what both speak: `GET
//! /embed` answers a model's [`clippy_core::embedding::ModelInfo`] as JSON, `POST /embed` takes and
//! gives safetensors files.

mod embedder;
pub mod wire;

pub use embedder::{RemoteEmbedder, RemoteOptions};
