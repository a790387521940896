//! Hugging Face's hub: its repositories, the cache on this machine, and downloads into it.
//!
//! The cache has the layout of Python's `huggingface_hub`, so each finds what the other downloaded:
//!
//! ```text
//! HF_HOME/hub/models--ORG--REPO/blobs/ETAG                       the files, by their hashes
//! HF_HOME/hub/models--ORG--REPO/snapshots/COMMIT/FILE            links to them
//! HF_HOME/hub/models--ORG--REPO/refs/main                        the commit of a branch
//! HF_HOME/hub/.locks/models--ORG--REPO/ETAG.lock                 locked while a file is downloaded
//! ```
//!
//! The `hf-hub` crate is not used: its version 1 brings a second TLS implementation and a hundred
//! crates for another protocol of transfer, and the earlier ones compare no hashes.

mod announcement;
mod blob;
mod cache;
mod client;
mod lock;
mod patience;
mod refusal;
mod repository;

pub use cache::Cache;
pub use client::Hub;
pub use repository::{PREFIX, Repository};

pub(crate) use announcement::Announcement;
