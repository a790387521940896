//! A made picture that is kept, as one line of the list tells of it.

use serde::{Deserialize, Serialize};

use crate::lineage::Lineage;

/// A picture that is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Output {
    /// SHA-256 of the file, in hexadecimal: its name.
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
