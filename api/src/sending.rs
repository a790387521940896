//! Pictures on their way to a caller: read as fast as they are taken, and only so many at once.

use axum::body::Body;
use clippy_core::pictures::PictureContent;
use futures::{StreamExt, stream};
use tokio::io::AsyncReadExt;
use tokio_util::io::ReaderStream;

use crate::admission::Places;

/// Bytes of a file that are read at once.
const CHUNK: usize = 64 << 10;

/// The body of an answer. The place is given back when all of it was taken, or the caller is gone.
pub(crate) fn body_of(content: PictureContent, place: Places) -> Body {
    match content {
        PictureContent::Memory(bytes) => {
            let whole = stream::iter([bytes]);
            Body::from_stream(whole.map(move |bytes| {
                let _held = &place;
                Ok::<_, std::io::Error>(bytes)
            }))
        }
        PictureContent::File(file, length) => {
            let file = tokio::fs::File::from_std(file).take(length);
            Body::from_stream(ReaderStream::with_capacity(file, CHUNK).map(move |bytes| {
                let _held = &place;
                bytes
            }))
        }
    }
}
