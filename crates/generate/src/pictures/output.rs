//! The record of a generated picture in the list of outputs.

use serde::{Deserialize, Serialize};

use super::lineage::Lineage;

/// A generated picture that is stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Output {
    /// SHA-256 of the file, in hexadecimal, which is also its name.
    pub sha256: String,
    /// The file, relative to the folder of outputs.
    pub path: String,
    /// Its media type.
    pub media_type: String,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Where it came from.
    pub lineage: Lineage,
}
