//! Reads the bodies of answers up to a limit.

use bytes::{Bytes, BytesMut};
use reqwest::Response;

/// Why a body could not be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BodyFault {
    /// The connection was lost.
    #[error("broke off ({0})")]
    Broken(reqwest::Error),
    /// It is longer than the limit, in bytes.
    #[error("is longer than {} MiB", .0 >> 20)]
    TooLong(usize),
}

/// Reads a body of at most `most` bytes.
pub(crate) async fn read(mut response: Response, most: usize) -> Result<Bytes, BodyFault> {
    let mut body = BytesMut::new();
    loop {
        // The URL is removed, because it may contain secrets.
        match response
            .chunk()
            .await
            .map_err(|error| BodyFault::Broken(error.without_url()))?
        {
            None => return Ok(body.freeze()),
            Some(chunk) if body.len() + chunk.len() > most => return Err(BodyFault::TooLong(most)),
            Some(chunk) => body.extend_from_slice(&chunk),
        }
    }
}
