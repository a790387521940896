//! Follows one prompt to its end, over the WebSocket and by polling, because the WebSocket may be
//! missing or break.

use std::time::Duration;

use futures::StreamExt;
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};
use uuid::Uuid;

use super::client::{Client, PromptState, StoredPicture};
use super::events::{Event, parse_binary, parse_text};
use super::reporter::ProgressReporter;
use crate::contract::{FailureClass, GenerateError, GenerationContext, Preview};

/// The longest pause between polls of a server that does not answer.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Intervals and time limits.
#[derive(Debug, Clone, Copy)]
pub struct Timing {
    /// The pause between polls.
    pub poll: Duration,
    /// How long the server may work on a picture, without its time in the queue.
    pub longest: Duration,
    /// How long to wait for a server that has stopped answering.
    pub patience: Duration,
}

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Opens the WebSocket. `None` if that fails, which is not an error: the server is polled instead.
pub async fn open(client: &Client, id: Uuid) -> Option<Socket> {
    let opening = tokio_tungstenite::connect_async(client.socket(id)?);
    match tokio::time::timeout(Duration::from_secs(5), opening).await {
        Ok(Ok((socket, _))) => Some(socket),
        Ok(Err(error)) => {
            tracing::info!(%error, "no WebSocket to ComfyUI: polling for progress");
            None
        }
        Err(_) => None,
    }
}

/// How following a prompt ended.
#[derive(Debug)]
pub enum PromptEnd {
    /// It produced these pictures.
    Done(Vec<StoredPicture>),
    /// The server no longer knows it: its queue was cleared, or it was restarted.
    Lost,
}

/// Follows one prompt.
pub struct PromptFollower<'a> {
    /// The server.
    pub client: &'a Client,
    /// The id of the prompt, which Clippy chose.
    pub prompt: Uuid,
    /// The number of the picture.
    pub index: u32,
    /// Intervals and time limits.
    pub timing: Timing,
    /// Reports progress.
    pub reporter: &'a ProgressReporter<'a>,
    /// Receives previews, and can cancel.
    pub context: &'a GenerationContext,
}

impl PromptFollower<'_> {
    /// Waits until the prompt has ended. Cancelling removes exactly this prompt from the server;
    /// handing the generation over to another run leaves it there.
    ///
    /// # Errors
    /// The failure of the graph; [`FailureClass::Cancelled`]; [`FailureClass::Permanent`] after
    /// [`Timing::longest`], when the prompt is removed from the server;
    /// [`FailureClass::Transient`] if the server stays unreachable.
    pub async fn wait(&self, mut socket: Option<Socket>) -> Result<PromptEnd, GenerateError> {
        let mut running: Option<Instant> = None;
        let mut unreachable: Option<Instant> = None;
        let mut pause = self.timing.poll;
        let mut next_poll = Instant::now() + pause;
        loop {
            let event = tokio::select! {
                biased;
                () = self.context.cancel.cancelled() => {
                    self.remove_prompt().await;
                    return Err(GenerateError::cancelled());
                }
                // Another run continues the generation, and finds the prompt.
                () = self.context.hand_over.cancelled() => {
                    return Err(GenerateError::cancelled());
                }
                () = until(running.map(|since| since + self.timing.longest)) => {
                    self.remove_prompt().await;
                    return Err(self.too_long());
                }
                // Polls even with a WebSocket: its last frame may have been missed, and a stream of
                // other frames must not prevent polling.
                () = tokio::time::sleep_until(next_poll) => None,
                event = next(&mut socket, self.prompt) => event,
            };
            match event {
                None | Some(Event::Finished) => {}
                Some(Event::Failed(error)) => return Err(error),
                Some(event) => {
                    running.get_or_insert_with(Instant::now);
                    self.report(event);
                    continue;
                }
            }
            match self.client.prompt_state(self.prompt).await {
                Ok(seen) => {
                    (unreachable, pause) = (None, self.timing.poll);
                    match seen {
                        PromptState::Done(pictures) => return Ok(PromptEnd::Done(pictures)),
                        PromptState::Failed(error) => return Err(error),
                        PromptState::Absent => return Ok(PromptEnd::Lost),
                        PromptState::Waiting(before) => self.reporter.report_waiting(before),
                        PromptState::Running => {
                            running.get_or_insert_with(Instant::now);
                            self.reporter.report_running();
                        }
                    }
                }
                Err(error) if error.class != FailureClass::Transient => return Err(error),
                Err(error) => {
                    let since = unreachable.get_or_insert_with(Instant::now);
                    if since.elapsed() >= self.timing.patience {
                        return Err(error);
                    }
                    self.reporter.report_unreachable();
                    pause = (pause * 2).min(LONGEST_PAUSE.max(self.timing.poll));
                }
            }
            next_poll = Instant::now() + pause;
        }
    }

    fn report(&self, event: Event) {
        match event {
            Event::Started => self.reporter.report_running(),
            Event::Cached(nodes) => self.reporter.report_cached(&nodes),
            Event::Working(node) => self.reporter.report_node(&node),
            Event::Progress(nodes) => self.reporter.report_steps(&nodes),
            Event::Preview(bytes, media_type) => {
                self.context.progress.preview(Preview {
                    index: self.index,
                    bytes,
                    media_type,
                });
            }
            Event::Finished | Event::Failed(_) => {}
        }
    }

    fn too_long(&self) -> GenerateError {
        GenerateError::permanent(format!(
            "ComfyUI worked on a picture for more than {} s, so it was cancelled: increase \
             COMFYUI_TIMEOUT_SECS, or ask for less",
            self.timing.longest.as_secs()
        ))
    }

    async fn remove_prompt(&self) {
        if let Err(error) = self.client.cancel(self.prompt).await {
            tracing::warn!(%error, prompt = %self.prompt,
            "a cancelled prompt could not be removed from ComfyUI");
        }
    }
}

/// Waits until this time, or forever if there is none.
async fn until(end: Option<Instant>) {
    match end {
        Some(end) => tokio::time::sleep_until(end).await,
        None => std::future::pending().await,
    }
}

/// The next event of a socket. A broken socket is dropped; without a socket this waits forever.
async fn next(socket: &mut Option<Socket>, prompt: Uuid) -> Option<Event> {
    loop {
        let Some(open) = socket.as_mut() else {
            return std::future::pending().await;
        };
        match open.next().await {
            Some(Ok(Message::Text(text))) => {
                if let Some(event) = parse_text(&text, prompt) {
                    return Some(event);
                }
            }
            Some(Ok(Message::Binary(bytes))) => {
                if let Some(event) = parse_binary(&bytes) {
                    return Some(event);
                }
            }
            Some(Ok(Message::Close(_)) | Err(_)) | None => {
                tracing::info!("the WebSocket to ComfyUI was closed: polling for progress");
                *socket = None;
                return None;
            }
            Some(Ok(_)) => {}
        }
    }
}
