//! Follows one prompt: over the WebSocket where there is one, and by asking, as the WebSocket may
//! break off.

use std::time::Duration;

use futures::StreamExt;
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};
use uuid::Uuid;

use super::client::{Client, Seen, Stored};
use super::events::{Event, of_bytes, of_text};
use super::progress::Teller;
use crate::error::{FailureClass, GenerateError};
use crate::provider::{GenerationContext, Preview};

/// A server that does not answer is asked after pauses that grow to this.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// How long things take.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// How often the server is asked.
    pub poll: Duration,
    /// The longest that the server may work on a picture. Its time in the queue is not counted.
    pub longest: Duration,
    /// How long a server that stopped answering is waited for, before the job lets go of its
    /// place.
    pub patience: Duration,
}

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Opens the WebSocket; `None` when it cannot be had, which is no fault: the server is asked
/// instead.
pub async fn open(client: &Client, id: Uuid) -> Option<Socket> {
    let opening = tokio_tungstenite::connect_async(client.socket(id)?);
    match tokio::time::timeout(Duration::from_secs(5), opening).await {
        Ok(Ok((socket, _))) => Some(socket),
        Ok(Err(error)) => {
            tracing::info!(%error, "no WebSocket to ComfyUI: progress comes by asking");
            None
        }
        Err(_) => None,
    }
}

/// How following a prompt ended.
#[derive(Debug)]
pub enum Followed {
    /// With these pictures.
    Done(Vec<Stored>),
    /// The server no longer knows the prompt: its queue was cleared, or it was started anew.
    Lost,
}

/// One prompt that is followed.
pub struct Follow<'a> {
    /// The server.
    pub client: &'a Client,
    /// Our id of the prompt.
    pub prompt: Uuid,
    /// Which picture it is.
    pub index: u32,
    /// How long things take.
    pub pace: Pace,
    /// Tells how far it is.
    pub teller: &'a Teller<'a>,
    /// Where previews go, and who stops it.
    pub context: &'a GenerationContext,
}

impl Follow<'_> {
    /// Waits until the prompt is done. Cancelling takes exactly this prompt off the server.
    ///
    /// # Errors
    /// The graph's own failure; [`FailureClass::Cancelled`]; [`FailureClass::Permanent`] after
    /// [`Pace::longest`], with the prompt taken off the server; [`FailureClass::Transient`]
    /// when the server stays away.
    pub async fn wait(&self, mut socket: Option<Socket>) -> Result<Followed, GenerateError> {
        let mut running: Option<Instant> = None;
        let mut away: Option<Instant> = None;
        let mut pause = self.pace.poll;
        let mut ask = Instant::now() + pause;
        loop {
            let event = tokio::select! {
                biased;
                () = self.context.cancel.cancelled() => {
                    self.take_off().await;
                    return Err(GenerateError::cancelled());
                }
                () = until(running.map(|since| since + self.pace.longest)) => {
                    self.take_off().await;
                    return Err(self.too_long());
                }
                // Also with a WebSocket: the end may have been missed, and a server that talks without end must not
                // keep us from asking.
                () = tokio::time::sleep_until(ask) => None,
                event = next(&mut socket, self.prompt) => event,
            };
            match event {
                None | Some(Event::Finished) => {}
                Some(Event::Failed(error)) => return Err(error),
                Some(event) => {
                    running.get_or_insert_with(Instant::now);
                    self.tell(event);
                    continue;
                }
            }
            match self.client.look(self.prompt).await {
                Ok(seen) => {
                    (away, pause) = (None, self.pace.poll);
                    match seen {
                        Seen::Done(pictures) => return Ok(Followed::Done(pictures)),
                        Seen::Failed(error) => return Err(error),
                        Seen::Absent => return Ok(Followed::Lost),
                        Seen::Waiting(before) => self.teller.waits(before),
                        Seen::Running => {
                            running.get_or_insert_with(Instant::now);
                            self.teller.runs();
                        }
                    }
                }
                Err(error) if error.class != FailureClass::Transient => return Err(error),
                Err(error) => {
                    if away.get_or_insert_with(Instant::now).elapsed() >= self.pace.patience {
                        return Err(error);
                    }
                    self.teller.is_away();
                    pause = (pause * 2).min(LONGEST_PAUSE.max(self.pace.poll));
                }
            }
            ask = Instant::now() + pause;
        }
    }

    fn tell(&self, event: Event) {
        match event {
            Event::Started => self.teller.runs(),
            Event::Cached(nodes) => self.teller.cached(&nodes),
            Event::Working(node) => self.teller.works(&node),
            Event::Progress(nodes) => self.teller.steps(&nodes),
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
            "ComfyUI worked longer than {} s on a picture, which was taken off there: set \
             COMFYUI_TIMEOUT_SECS to more, or ask for less",
            self.pace.longest.as_secs()
        ))
    }

    async fn take_off(&self) {
        if let Err(error) = self.client.cancel(self.prompt).await {
            tracing::warn!(%error, prompt = %self.prompt, "a cancelled prompt could not be taken off ComfyUI");
        }
    }
}

/// Waits until then; without a time, for ever.
async fn until(end: Option<Instant>) {
    match end {
        Some(end) => tokio::time::sleep_until(end).await,
        None => std::future::pending().await,
    }
}

/// The next event of a socket. A socket that breaks off is forgotten, and one that is not there
/// never says anything.
async fn next(socket: &mut Option<Socket>, prompt: Uuid) -> Option<Event> {
    loop {
        let Some(open) = socket.as_mut() else {
            return std::future::pending().await;
        };
        match open.next().await {
            Some(Ok(Message::Text(text))) => {
                if let Some(event) = of_text(&text, prompt) {
                    return Some(event);
                }
            }
            Some(Ok(Message::Binary(bytes))) => {
                if let Some(event) = of_bytes(&bytes) {
                    return Some(event);
                }
            }
            Some(Ok(Message::Close(_)) | Err(_)) | None => {
                tracing::info!("the WebSocket to ComfyUI broke off: progress comes by asking");
                *socket = None;
                return None;
            }
            Some(Ok(_)) => {}
        }
    }
}
