//! What all crates of Clippy share: ids, errors, settings, the traits between crates, and the
//! arithmetic of search. Nothing here uses a network or libtorch.

pub mod backup;
mod blocking;
pub mod boards;
pub mod bulk;
pub mod changes;
pub mod clustering;
pub mod collections;
pub mod embedding;
pub mod error;
pub mod folders;
pub mod gallery;
pub mod history;
pub mod ids;
pub mod known;
pub mod ledger;
pub mod live;
pub mod maps;
pub mod paths;
pub mod pictures;
pub mod preferences;
pub mod preparing;
pub mod recent;
pub mod search;
pub mod sentences;
pub mod settings;
pub mod style_groups;
pub mod styles;
pub mod tastes;
pub mod trash;
pub mod watching;
pub mod whitening;

pub use blocking::blocking;
pub use error::{Error, ErrorCode, Result};
