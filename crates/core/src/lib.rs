//! What every part of Clippy shares: names, errors, settings, the traits that the parts meet at,
//! and the pure arithmetic of search. Nothing here talks to a network, a disk or libtorch.
//!
//! Data flows `core <- imaging <- clip, gallery <- api <- cli`; nothing flows back.

mod blocking;
pub mod bulk;
pub mod collections;
pub mod embedding;
pub mod error;
pub mod folders;
pub mod gallery;
pub mod ids;
pub mod ledger;
pub mod live;
pub mod pictures;
pub mod preferences;
pub mod preparing;
pub mod recent;
pub mod search;
pub mod sentences;
pub mod settings;
pub mod tastes;

pub use blocking::blocking;
pub use error::{Error, ErrorCode, Result};
