//! The record of a generated picture in the list of outputs.

use clippy_core::ids::PointId;
use clippy_core::{Error, Result};
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

/// The id that a generated picture has in a gallery, from the beginning of its file's hash: a UUID
/// of version 8, which is for custom content.
///
/// # Errors
/// [`clippy_core::ErrorCode::Internal`] for a text that is not a SHA-256.
pub fn gallery_id(sha256: &str) -> Result<PointId> {
    let hash = sha256
        .get(..32)
        .and_then(|hash| u128::from_str_radix(hash, 16).ok());
    let hash = hash.ok_or_else(|| Error::internal(format!("{sha256} is not a SHA-256")))?;
    Ok(PointId::Uuid(
        uuid::Builder::from_custom_bytes(hash.to_be_bytes()).into_uuid(),
    ))
}
