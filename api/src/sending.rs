//! Sends pictures: a file is read only as fast as the caller reads it.

use axum::body::Body;
use clippy_core::pictures::PictureContent;
use futures::{StreamExt, stream};
use tokio::io::AsyncReadExt;
use tokio_util::io::ReaderStream;

use crate::admission::Places;

/// Bytes that are read from a file at once.
const CHUNK: usize = 64 << 10;

/// The body of an answer. It keeps the place until it was sent or the caller is gone.
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
