//! Bodies: how large one may be, and what becomes of one that is larger.

use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, header};
use clippy_core::{Error, ErrorCode};
use futures::StreamExt;

use crate::problem::Problem;

/// A caller that sends too much hears so only after it has sent everything, or its system drops our answer. So much
/// of a refused body is read and thrown away for that, and no longer than this.
const MOST_DRAINED: u64 = 256 << 20;
const LONGEST_DRAIN: Duration = Duration::from_secs(10);

/// The length that the caller announced.
pub(crate) fn announced(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Refuses a body that is announced to be longer than `limit` bytes.
///
/// # Errors
/// 413 with both numbers.
pub(crate) async fn refuse_too_large(headers: &HeaderMap, body: Body, limit: usize) -> Result<Body, Problem> {
    let Some(length) = announced(headers).filter(|length| *length > limit as u64) else {
        return Ok(body);
    };
    // A caller that asked first has not sent anything yet, and will not when it is told.
    if !headers.contains_key(header::EXPECT) && length <= MOST_DRAINED {
        let mut stream = body.into_data_stream();
        let drain = async { while let Some(Ok(_)) = stream.next().await {} };
        let _ = tokio::time::timeout(LONGEST_DRAIN, drain).await;
    }
    Err(Error::new(
        ErrorCode::TooLarge,
        format!("the body has {length} bytes, more than the {limit} that this route takes: send a smaller file"),
    )
    .into())
}
