//! The part of a bulk job: a range of a manifest's lines.

use std::path::Path;
use std::time::UNIX_EPOCH;

use clippy_core::{Error, Result};
use serde::{Deserialize, Serialize};

use crate::ingest::manifest::Place;

/// A range of lines of a manifest, as stored in the payload of a part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ManifestPart {
    /// The manifest as it was when it was cut into parts.
    pub(super) manifest: Fingerprint,
    /// Where the part begins.
    pub(super) begin: Place,
    /// How many of the requested lines it has.
    pub(super) lines: u64,
    /// Lines that repeat the id of an earlier line, each with the number of that line. Only the
    /// planner knows them, since it reads the whole manifest.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) duplicates: Vec<(u64, u64)>,
}

/// Detects changes of a file. Offsets into a manifest are valid only while its fingerprint is the
/// same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Fingerprint {
    bytes: u64,
    modified_ms: u64,
}

impl Fingerprint {
    pub(super) async fn of(file: &Path) -> Result<Self> {
        let failed = |error: std::io::Error| {
            Error::invalid(format!("{} cannot be read: {error}", file.display()))
        };
        let metadata = tokio::fs::metadata(file).await.map_err(failed)?;
        let since = metadata
            .modified()
            .map_err(failed)?
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Ok(Self {
            bytes: metadata.len(),
            modified_ms: u64::try_from(since.as_millis()).unwrap_or(u64::MAX),
        })
    }
}
