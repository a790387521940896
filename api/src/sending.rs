//! Sends pictures: a file is read only as fast as the caller reads the answer, and the caller must
//! read it in time.

use std::io;
use std::time::Duration;

use axum::body::Body;
use clippy_core::pictures::PictureContent;
use futures::{StreamExt, stream};
use tokio::io::AsyncReadExt;
use tokio::time::Instant;
use tokio_util::io::ReaderStream;

use crate::admission::Places;

/// Bytes that are read from a file at once.
const CHUNK: usize = 64 << 10;

/// The lowest rate at which a whole answer may be read, in bytes a second, in addition to
/// [`PATIENCE`].
const LEAST_RATE: u64 = 32 << 10;
/// The time that every answer may take, however short it is.
const PATIENCE: Duration = Duration::from_secs(60);

/// Returns when an answer of this many bytes must have been read.
pub(crate) fn end_of(length: u64) -> Instant {
    Instant::now() + PATIENCE + Duration::from_secs(length / LEAST_RATE)
}

/// Fails when the time of an answer is over. A caller that reads at the socket's lowest rate could
/// otherwise hold its place for hours.
pub(crate) fn in_time(end: Instant) -> io::Result<()> {
    if Instant::now() < end {
        return Ok(());
    }
    metrics::counter!("clippy_http_slow_readers_total").increment(1);
    Err(io::Error::new(
        io::ErrorKind::TimedOut,
        "the caller reads the answer too slowly",
    ))
}

/// Returns the body of an answer. It keeps its place until it was sent, the caller has disconnected
/// or its time is over.
pub(crate) fn body_of(content: PictureContent, place: Option<Places>) -> Body {
    let end = end_of(content.length());
    body_until(end, content, place)
}

fn body_until(end: Instant, content: PictureContent, place: Option<Places>) -> Body {
    let pieces = match content {
        PictureContent::Memory(bytes) => {
            let starts = (0..bytes.len()).step_by(CHUNK);
            let pieces = starts.map(move |at| Ok(bytes.slice(at..bytes.len().min(at + CHUNK))));
            stream::iter(pieces).boxed()
        }
        PictureContent::File(file, length) => {
            let file = tokio::fs::File::from_std(file).take(length);
            ReaderStream::with_capacity(file, CHUNK).boxed()
        }
    };
    Body::from_stream(pieces.map(move |bytes| {
        let _held = &place;
        in_time(end).and(bytes)
    }))
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;

    use super::*;

    #[tokio::test]
    async fn an_answer_that_takes_too_long_is_aborted() {
        let picture = || PictureContent::Memory(vec![7; 3 * CHUNK + 1].into());
        let whole = to_bytes(body_of(picture(), None), usize::MAX).await;
        assert_eq!(whole.expect("in time").len(), 3 * CHUNK + 1);
        let late = body_until(Instant::now(), picture(), None);
        assert!(to_bytes(late, usize::MAX).await.is_err());
    }

    #[test]
    fn a_long_answer_has_a_minute_and_the_time_of_its_length() {
        let left = end_of(100 * LEAST_RATE) - Instant::now();
        assert!((159..=160).contains(&left.as_secs()), "{left:?}");
    }
}
