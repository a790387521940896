//! Waits for one prompt: over the WebSocket where there is one, by asking where there is none or where it breaks off.

use std::time::Duration;

use futures::StreamExt;
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};
use uuid::Uuid;

use super::client::{Client, History, Stored};
use super::events::{Event, of_bytes, of_text};
use crate::error::GenerateError;
use crate::provider::{GenerationContext, Preview};

/// How long things take.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// How often the server is asked without a WebSocket, and when it has been silent.
    pub poll: Duration,
    /// The longest a picture may take, its wait in the queue among it.
    pub longest: Duration,
}

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Opens the WebSocket; `None` when it cannot be had, which is no fault: the server is asked instead.
pub async fn open(client: &Client, id: Uuid) -> Option<Socket> {
    let opened =
        tokio::time::timeout(Duration::from_secs(5), tokio_tungstenite::connect_async(client.socket(id))).await;
    match opened {
        Ok(Ok((socket, _))) => Some(socket),
        Ok(Err(error)) => {
            tracing::info!(%error, "no WebSocket to ComfyUI: progress comes by asking");
            None
        }
        Err(_) => None,
    }
}

/// One prompt that is followed.
pub struct Follow<'a> {
    /// The server.
    pub client: &'a Client,
    /// Our id of the prompt.
    pub prompt: Uuid,
    /// Which picture it is, of how many.
    pub index: u32,
    /// How many pictures there are.
    pub count: u32,
    /// How long things take.
    pub pace: Pace,
    /// Where progress goes.
    pub context: &'a GenerationContext,
}

impl Follow<'_> {
    /// Waits until the prompt is done, and gives its pictures. Cancelling takes exactly this prompt off the server.
    ///
    /// # Errors
    /// The graph's own failure; [`crate::FailureClass::Cancelled`]; [`crate::FailureClass::Transient`] after
    /// [`Pace::longest`], with the prompt taken off the server.
    pub async fn wait(&self, mut socket: Option<Socket>) -> Result<Vec<Stored>, GenerateError> {
        let end = Instant::now() + self.pace.longest;
        let mut failures = 0;
        // An interval, not a pause: a server that talks without end must not keep us from asking.
        let mut ask = tokio::time::interval_at(Instant::now() + self.pace.poll, self.pace.poll);
        ask.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            let event = tokio::select! {
                biased;
                () = self.context.cancel.cancelled() => {
                    self.take_off().await;
                    return Err(GenerateError::cancelled());
                }
                () = tokio::time::sleep_until(end) => {
                    self.take_off().await;
                    let message = format!("ComfyUI took longer than {} s: it was taken off there", self.pace.longest.as_secs());
                    return Err(GenerateError::transient(message, None));
                }
                // Also with a WebSocket: a finished prompt may have been missed between queueing and reading.
                _ = ask.tick() => None,
                event = next(&mut socket, self.prompt) => event,
            };
            match event {
                Some(Event::Step(value, most)) => {
                    self.say(Some((value / most.max(1.0)).clamp(0.0, 1.0)), "painting");
                    continue;
                }
                Some(Event::Preview(bytes, media_type)) => {
                    self.context.progress.preview(Preview { index: self.index, bytes, media_type });
                    continue;
                }
                Some(Event::Failed(error)) => return Err(error),
                Some(Event::Finished) | None => {}
            }
            match self.client.history(self.prompt).await {
                Ok(History::Done(pictures)) => return Ok(pictures),
                Ok(History::Failed(error)) => return Err(error),
                Ok(History::Open) => {
                    failures = 0;
                    if let Ok(Some(before)) = self.client.waiting_before(self.prompt).await {
                        self.context.say("waiting", None, format!("{before} pictures are before this one at ComfyUI"));
                    }
                }
                // A server that restarts is given a few tries; the prompt is lost then, and history stays empty.
                Err(error) => {
                    failures += 1;
                    if failures >= 5 {
                        return Err(error);
                    }
                }
            }
        }
    }

    fn say(&self, share: Option<f32>, phase: &str) {
        let whole = share.map(|share| (self.index as f32 + share) / self.count.max(1) as f32);
        self.context.say(phase, whole, format!("ComfyUI paints picture {} of {}", self.index + 1, self.count));
    }

    async fn take_off(&self) {
        if let Err(error) = self.client.cancel(self.prompt).await {
            tracing::warn!(%error, prompt = %self.prompt, "a cancelled prompt could not be taken off ComfyUI");
        }
    }
}

/// The next event of a socket. A socket that breaks off is forgotten, and one that is not there never says anything.
async fn next(socket: &mut Option<Socket>, prompt: Uuid) -> Option<Event> {
    loop {
        let Some(open) = socket.as_mut() else { return std::future::pending().await };
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
