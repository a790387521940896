//! OpenCLIP on libtorch: architectures, weights, tokenizer, and the thread that embeds.
//!
//! This is the only crate that knows libtorch. A [`ModelSource`] says which model,
//! [`LoadedModel::load`] reads it onto a device, and [`TorchEmbedder::start`] gives it a thread
//! that joins concurrent requests into batches:
//!
//! ```no_run
//! # fn main() -> clippy_clip::Result<()> {
//! use clippy_clip::{DeviceChoice, EmbedderOptions, LoadedModel, ModelSource, TorchEmbedder};
//!
//! let source = ModelSource::Folder("models/clippy-small".into());
//! let model = LoadedModel::load(&source, DeviceChoice::Auto.resolve()?, None)?;
//! let embedder = TorchEmbedder::start(model, EmbedderOptions::default())?;
//! # Ok(()) }
//! ```

mod allowance;
pub mod architectures;
pub mod batch;
pub mod config;
mod description;
pub mod device;
mod embedder;
mod error;
mod folder;
pub mod hub;
mod hugging;
pub mod model;
pub mod preprocess;
pub mod pretrained;
pub mod pull;
mod source;
mod threads;
mod timm;
pub mod tokenizer;
mod verify;
mod worker;

pub use description::Description;
pub use device::{DeviceChoice, Precision, parse_precision};
pub use embedder::{EmbedderOptions, TorchEmbedder};
pub use error::{ClipError, Result};
pub use hugging::Shards;
pub use model::{ClipModel, PictureView};
pub use source::{LoadedModel, ModelFolders, ModelSource};
/// The device type of libtorch, so that callers need no dependency on `tch`.
pub use tch::Device;
pub use verify::{Verified, verify};
