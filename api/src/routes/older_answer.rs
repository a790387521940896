//! Sends the answer of Clippy 0.2's `generate_image`: its pictures are read and encoded only as
//! fast as the caller reads them.

use std::collections::VecDeque;
use std::io;

use axum::body::Body;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures::stream;
use tokio::fs::File;
use tokio::io::{AsyncReadExt, Take};
use tokio::time::Instant;

use crate::admission::Places;
use crate::sending::{end_of, in_time};

/// How many bytes are encoded at once: a multiple of three, so that the pieces need no padding.
const BLOCK: usize = 48 << 10;

/// A part of the answer.
enum Piece {
    Text(String),
    /// A file, to be sent as base64.
    File(Take<File>),
}

/// The answer while it is being sent.
struct Sending {
    pieces: VecDeque<Piece>,
    end: Instant,
    _place: Places,
}

/// Returns a body with this JSON, in which the files are inserted as base64 after the first
/// occurrences of `mark`, in their order.
pub(super) fn body_with_files(
    json: &str,
    mark: &str,
    files: Vec<(std::fs::File, u64)>,
    place: Places,
) -> Body {
    let mut length = json.len() as u64;
    let mut texts = json.splitn(files.len() + 1, mark);
    let mut pieces = VecDeque::new();
    let mut before = texts.next().unwrap_or_default().to_owned();
    for ((file, bytes), after) in files.into_iter().zip(texts) {
        length += bytes / 3 * 4;
        before.push_str(mark);
        pieces.push_back(Piece::Text(before));
        pieces.push_back(Piece::File(File::from_std(file).take(bytes)));
        before = after.to_owned();
    }
    pieces.push_back(Piece::Text(before));
    let sending = Sending {
        pieces,
        end: end_of(length),
        _place: place,
    };
    Body::from_stream(stream::try_unfold(sending, |mut sending| async move {
        in_time(sending.end)?;
        let bytes = sending.next().await?;
        Ok::<_, io::Error>(bytes.map(|bytes| (bytes, sending)))
    }))
}

impl Sending {
    async fn next(&mut self) -> io::Result<Option<Bytes>> {
        while let Some(piece) = self.pieces.pop_front() {
            match piece {
                Piece::Text(text) => return Ok(Some(text.into())),
                Piece::File(mut file) => {
                    let mut block = Vec::with_capacity(BLOCK);
                    (&mut file)
                        .take(BLOCK as u64)
                        .read_to_end(&mut block)
                        .await?;
                    if block.len() == BLOCK {
                        self.pieces.push_front(Piece::File(file));
                    }
                    if !block.is_empty() {
                        return Ok(Some(STANDARD.encode(&block).into()));
                    }
                }
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Seek as _, Write as _};

    use axum::body::to_bytes;
    use serde_json::{Value, json};

    use super::*;
    use crate::admission::{CallerId, Pool};

    #[tokio::test]
    async fn files_of_all_lengths_are_inserted_into_their_strings() {
        let mut files = Vec::new();
        let lengths = [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK + 2];
        for length in lengths {
            let mut file = tempfile::tempfile().expect("a file");
            file.write_all(&vec![length as u8; length])
                .expect("written");
            file.rewind().expect("rewound");
            files.push((file, length as u64));
        }
        let empty = vec![json!({"b64_json": ""}); lengths.len()];
        let text = json!({"data": empty, "meta": {"b64_json": ""}}).to_string();
        let place = Pool::new(1).take(CallerId::Unknown).expect("a place");
        let body = body_with_files(&text, "\"b64_json\":\"", files, place);
        let bytes = to_bytes(body, usize::MAX).await.expect("a body");
        let read: Value = serde_json::from_slice(&bytes).expect("JSON");
        for (index, length) in lengths.into_iter().enumerate() {
            let base64 = read["data"][index]["b64_json"].as_str().expect("text");
            assert_eq!(
                STANDARD.decode(base64).expect("base64"),
                vec![length as u8; length]
            );
        }
        assert_eq!(read["meta"]["b64_json"], "");
    }
}
