//! `GET /api/boards/{id}/export`: a board as a zip archive.
//!
//! The archive is written while it is sent: one thread reads one picture at a time, and waits when
//! the caller reads slowly. Pictures are not compressed, since their formats are.

use std::io::{self, Write};
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use clippy_core::boards::Board;
use clippy_core::gallery::{PATH_FIELD, Payload};
use clippy_core::pictures::PictureContent;
use clippy_core::{Error, ErrorCode, Result};
use futures::{StreamExt, stream};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::answer::{payloads_of, time};
use super::attribution::{Entry, attribution, file_name, slug};
use super::zip::ZipStream;
use crate::access::Caller;
use crate::admission::CallerId;
use crate::problem::Problem;
use crate::state::AppState;

/// Bytes that are sent at once.
const CHUNK: usize = 64 << 10;
/// What is escaped in a name in a header: all but letters, digits, and the safe marks of RFC 8187.
const ATTRIBUTE_CHARS: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_');
/// Chunks that wait for the caller.
const WAITING: usize = 4;
/// The lowest rate at which an archive may be read, in bytes a second, in addition to [`PATIENCE`].
const LEAST_RATE: u64 = 32 << 10;
/// The time that every archive may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// Sends a board as a zip archive: its pictures in their order, `ATTRIBUTION.md` with their sources
/// and licences, and `board.json` with their roles, weights and notes.
///
/// A picture whose file is gone is named in `ATTRIBUTION.md`. If the server has keys, this route
/// also accepts `?ticket=`, since a download cannot send headers.
#[utoipa::path(
    get,
    path = "/api/boards/{id}/export",
    tag = "boards",
    params(("id" = String, Path, description = "The board's id, or `saved`.")),
    responses(
        (status = 200, description = "The archive.", content_type = "application/zip"),
        (status = 404, description = "There is no such board."),
    ),
    security((), ("bearer" = []), ("api_key" = []))
)]
pub(crate) async fn export_board(
    State(state): State<AppState>,
    caller: Caller,
    who: CallerId,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let board = state.boards().board(caller.owner(), id.parse()?).await?;
    let pictures: Vec<_> = board.items.iter().map(|item| item.picture).collect();
    let mut payloads = payloads_of(&state, &pictures).await?;
    let rows: Vec<Option<Payload>> = pictures.iter().map(|id| payloads.remove(id)).collect();
    // A caller who reads slowly holds one of the limited places for sending files.
    let place = state.admission().send_file(who)?;
    let headers = [
        (header::CONTENT_TYPE, "application/zip".to_owned()),
        (
            header::CONTENT_DISPOSITION,
            attachment(&format!("{}.zip", slug(&board.name, "board"))),
        ),
        (header::CACHE_CONTROL, "no-store".to_owned()),
    ];
    let (sender, receiver) = mpsc::channel(WAITING);
    let runtime = Handle::current();
    tokio::task::spawn_blocking(move || {
        let _held = place;
        let sink = ChannelWriter::new(sender);
        if let Err(error) = write_archive(&state, &runtime, &board, &rows, sink) {
            // The caller sees that the archive is cut.
            tracing::debug!(%error, "an archive of a board was not completed");
        }
    });
    let pieces = stream::unfold(receiver, |mut receiver| async move {
        let piece = receiver.recv().await?;
        Some((piece, receiver))
    });
    Ok((headers, Body::from_stream(pieces.boxed())).into_response())
}

/// The value of `Content-Disposition` for a file of this name (RFC 6266): in UTF-8, and for programs
/// that cannot read that, in ASCII.
fn attachment(name: &str) -> String {
    let ascii: String = name
        .chars()
        .map(|letter| if letter.is_ascii() { letter } else { '_' })
        .collect();
    let encoded = utf8_percent_encode(name, ATTRIBUTE_CHARS);
    format!("attachment; filename=\"{ascii}\"; filename*=UTF-8''{encoded}")
}

/// Writes the archive. It blocks this thread.
fn write_archive(
    state: &AppState,
    runtime: &Handle,
    board: &Board,
    rows: &[Option<Payload>],
    sink: ChannelWriter,
) -> Result<()> {
    let failed = sink.failures();
    let written = write_entries(state, runtime, board, rows, sink);
    if let Err(error) = &written {
        // Without this, the caller would take a cut archive for a whole one.
        let cut = io::Error::other(error.message.clone());
        let _ = failed.blocking_send(Err(cut));
    }
    written
}

fn write_entries(
    state: &AppState,
    runtime: &Handle,
    board: &Board,
    rows: &[Option<Payload>],
    sink: ChannelWriter,
) -> Result<()> {
    let mut zip = ZipStream::new(sink);
    let mut entries = Vec::with_capacity(rows.len());
    for (place, (item, payload)) in board.items.iter().zip(rows).enumerate() {
        let file = match payload {
            None => Err("it is not in the gallery any more".to_owned()),
            Some(payload) => match open(state, runtime, payload) {
                Ok((content, content_type)) => {
                    let name = file_name(place, payload, &content_type);
                    add(&mut zip, &name, content)?;
                    Ok(name)
                }
                Err(error) if error.code == ErrorCode::Internal => return Err(error),
                Err(error) => Err(state.hidden().name_folders(&error.message)),
            },
        };
        entries.push(Entry {
            item,
            payload: payload.as_ref(),
            file,
        });
    }
    let description = serde_json::to_vec_pretty(&describe(board, &entries))
        .map_err(|error| Error::internal("a board cannot be written as JSON").with_source(error))?;
    for (name, content) in [
        (
            "ATTRIBUTION.md",
            attribution(&board.name, &entries).into_bytes(),
        ),
        ("board.json", description),
    ] {
        zip.add(name, &mut content.as_slice())
            .map_err(cannot_write)?;
    }
    let mut sink = zip.finish().map_err(cannot_write)?;
    sink.flush().map_err(cannot_write)
}

/// Opens the file of a picture.
fn open(state: &AppState, runtime: &Handle, payload: &Payload) -> Result<(PictureContent, String)> {
    let Some(Value::String(path)) = payload.get(PATH_FIELD) else {
        return Err(Error::not_found("its payload has no path"));
    };
    let picture = runtime.block_on(state.pictures().open(path, None))?;
    Ok((picture.content, picture.content_type))
}

fn add(zip: &mut ZipStream<ChannelWriter>, name: &str, content: PictureContent) -> Result<()> {
    let added = match content {
        PictureContent::Memory(bytes) => zip.add(name, &mut bytes.as_ref()),
        PictureContent::File(file, length) => zip.add(name, &mut io::Read::take(file, length)),
    };
    added.map_err(cannot_write)
}

/// The roles, weights and notes of the pictures, for programs.
fn describe(board: &Board, entries: &[Entry<'_>]) -> Value {
    let items: Vec<Value> = entries
        .iter()
        .map(|entry| {
            json!({
                "id": entry.item.picture,
                "file": entry.file.as_ref().ok(),
                "role": entry.item.role.name(),
                "weight": entry.item.weight,
                "note": entry.item.note,
                "added_at": time(entry.item.added_at),
            })
        })
        .collect();
    json!({
        "name": board.name,
        "created_at": time(board.created_at),
        "changed_at": time(board.changed_at),
        "items": items,
    })
}

fn cannot_write(error: io::Error) -> Error {
    Error::internal("an archive cannot be written").with_source(error)
}

/// Sends what is written to the caller, in chunks. Writing fails when the caller is gone, or reads
/// too slowly.
struct ChannelWriter {
    sender: mpsc::Sender<io::Result<Bytes>>,
    pending: Vec<u8>,
    sent: u64,
    begun: Instant,
}

impl ChannelWriter {
    fn new(sender: mpsc::Sender<io::Result<Bytes>>) -> Self {
        Self {
            sender,
            pending: Vec::with_capacity(CHUNK),
            sent: 0,
            begun: Instant::now(),
        }
    }

    /// Where a failure is sent, so that the answer ends with an error.
    fn failures(&self) -> mpsc::Sender<io::Result<Bytes>> {
        self.sender.clone()
    }

    fn send(&mut self) -> io::Result<()> {
        if self.pending.is_empty() {
            return Ok(());
        }
        let chunk = std::mem::replace(&mut self.pending, Vec::with_capacity(CHUNK));
        self.sent += chunk.len() as u64;
        let limit = PATIENCE + Duration::from_secs(self.sent / LEAST_RATE);
        if self.begun.elapsed() > limit {
            return Err(io::Error::new(
                io::ErrorKind::TimedOut,
                "the caller reads the archive too slowly",
            ));
        }
        self.sender
            .blocking_send(Ok(chunk.into()))
            .map_err(|_| io::Error::new(io::ErrorKind::BrokenPipe, "the caller is gone"))
    }
}

impl Write for ChannelWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let room = CHUNK - self.pending.len();
        let taken = bytes.len().min(room);
        self.pending.extend_from_slice(&bytes[..taken]);
        if self.pending.len() == CHUNK {
            self.send()?;
        }
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.send()
    }
}
