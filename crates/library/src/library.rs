//! The parts of the program that a library uses.

use std::path::PathBuf;
use std::sync::Arc;

use clippy_core::known::KnownFiles;

/// The parts that a scan uses.
#[derive(Clone)]
pub struct Library {
    /// The record of known files.
    pub known: Arc<dyn KnownFiles>,
    /// The collection's public name. Files are known per collection.
    pub collection: String,
    /// The data folder. Manifests of scans are written there, and it is never scanned itself.
    pub data: PathBuf,
}
