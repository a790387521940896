//! Bodies of answers, read no further than is allowed.

use bytes::{Bytes, BytesMut};
use reqwest::Response;

/// Why a body could not be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BodyFault {
    /// The connection broke off.
    #[error("broke off ({0})")]
    Broken(reqwest::Error),
    /// It is longer than is read.
    #[error("is longer than {} MiB", .0 >> 20)]
    TooLong(usize),
}

/// The whole body, when it has at most so many bytes.
pub(crate) async fn read(mut response: Response, most: usize) -> Result<Bytes, BodyFault> {
    let mut body = BytesMut::new();
    loop {
        // Without the URL, which may hold what nobody else should see.
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
