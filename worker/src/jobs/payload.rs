//! What a bulk job and its parts carry.

use std::path::Path;
use std::time::UNIX_EPOCH;

use clippy_core::bulk::PAYLOAD_VERSION;
use clippy_core::{Error, ErrorCode, Result};
use clippy_jobs::{JobContext, JobError};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::ingest::manifest::Place;

/// A job's payload: what was asked for and, in a part, which lines.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Payload<R, P = Part> {
    pub(super) version: u64,
    pub(super) request: R,
    pub(super) part: Option<P>,
}

impl<R: DeserializeOwned, P: DeserializeOwned> Payload<R, P> {
    pub(super) fn read(context: &JobContext) -> Result<Self, JobError> {
        let payload = &context.job().payload;
        if let Some(version) = payload["version"]
            .as_u64()
            .filter(|version| *version > PAYLOAD_VERSION)
        {
            let message = format!(
                "This job was made by a newer Clippy (payload {version}, this worker reads up to \
                 {PAYLOAD_VERSION}): update the workers, then retry it"
            );
            return Err(JobError::permanent(ErrorCode::Unsupported, message));
        }
        Self::deserialize(payload).map_err(|error| {
            let message =
                format!("The job's parameters cannot be understood: {error}. Ask for it again");
            JobError::permanent(ErrorCode::InvalidInput, message)
        })
    }
}

/// Which lines of a manifest a part is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Part {
    /// The manifest as it was when it was cut.
    pub(super) manifest: Fingerprint,
    /// Where the part begins.
    pub(super) begin: Place,
    /// How many lines it has, of those that were asked for.
    pub(super) lines: u64,
    /// Lines whose id an earlier line of the manifest has, with that line: known to whoever read
    /// all of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) duplicates: Vec<(u64, u64)>,
}

/// Tells a manifest from what it is after somebody wrote to it: places in it are then worth
/// nothing.
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
