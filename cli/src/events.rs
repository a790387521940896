//! Follows a job's events over HTTP, and continues after the last one when the connection breaks.

use std::time::{Duration, Instant};

use eventsource_stream::{Event, EventStreamError, Eventsource};
use futures::stream::{self, BoxStream};
use futures::{Stream, StreamExt};
use serde_json::Value;

use crate::client::Client;
use crate::failure::Failure;

/// How long a server may be unreachable before the command gives up.
const PATIENCE: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(500);
/// Longer than the pause between two comments of a server: after this much silence the connection
/// is dead.
const SILENCE: Duration = Duration::from_secs(45);

/// An event of a job.
#[derive(Debug, Clone, PartialEq)]
pub struct JobEvent {
    /// `snapshot`, `state`, `progress`, `preview`, `log` or `done`.
    pub name: String,
    /// The details.
    pub data: Value,
}

/// Reads the events of one job, each once.
pub struct Events<'c> {
    client: &'c Client,
    job: String,
    /// The id of the last event that was read.
    last: Option<String>,
    open: Option<BoxStream<'static, Read>>,
    finished: bool,
    /// When the last connection began or ended.
    connected: Instant,
}

type Read = Result<Event, EventStreamError<reqwest::Error>>;

impl<'c> Events<'c> {
    /// Reads the events of this job, from the first one on.
    pub fn of(client: &'c Client, job: &str) -> Self {
        Self {
            client,
            job: job.to_owned(),
            last: None,
            open: None,
            finished: false,
            connected: Instant::now(),
        }
    }

    /// Returns the next event; `None` when the job has ended and every event was read.
    pub async fn next(&mut self) -> Result<Option<JobEvent>, Failure> {
        loop {
            let Some(stream) = &mut self.open else {
                if self.finished {
                    return Ok(None);
                }
                self.connect().await?;
                continue;
            };
            if let Some(Ok(event)) = stream.next().await {
                return Ok(Some(self.accept(event)));
            }
            // After reconnecting, the server repeats events after the last complete one.
            self.open = None;
            self.connected = Instant::now();
        }
    }

    async fn connect(&mut self) -> Result<(), Failure> {
        loop {
            match self
                .client
                .open_events(&self.job, self.last.as_deref())
                .await
            {
                Ok(response) => {
                    self.connected = Instant::now();
                    self.open = Some(
                        end_at_silence(response.bytes_stream(), SILENCE)
                            .eventsource()
                            .boxed(),
                    );
                    return Ok(());
                }
                Err(failure) if failure.is_transient() && self.connected.elapsed() < PATIENCE => {
                    tokio::time::sleep(PAUSE).await;
                }
                Err(failure) => return Err(failure.into()),
            }
        }
    }

    /// Records the event's id, and whether the stream has ended.
    fn accept(&mut self, event: Event) -> JobEvent {
        if !event.id.is_empty() {
            self.last = Some(event.id);
        }
        let data: Value = serde_json::from_str(&event.data).unwrap_or(Value::Null);
        let state = data["state"].as_str().unwrap_or_default();
        match event.event.as_str() {
            "done" => self.finished = true,
            // The `done` of a job that ended earlier may have been read already.
            "snapshot" => self.finished = matches!(state, "succeeded" | "failed" | "cancelled"),
            _ => {}
        }
        JobEvent {
            name: event.event,
            data,
        }
    }
}

/// Ends a stream of bytes when nothing, not even a comment, has come for this long.
fn end_at_silence<T, E>(
    bytes: impl Stream<Item = Result<T, E>> + Send + Unpin,
    silence: Duration,
) -> impl Stream<Item = Result<T, E>> + Send
where
    T: Send,
    E: Send,
{
    stream::unfold(bytes, move |mut bytes| async move {
        let next = tokio::time::timeout(silence, bytes.next()).await.ok()??;
        Some((next, bytes))
    })
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    /// Parses a stream that arrives in these pieces.
    async fn read(pieces: &[&'static str]) -> Vec<(String, String, String)> {
        let pieces: Vec<Result<&str, Infallible>> = pieces.iter().map(|piece| Ok(*piece)).collect();
        end_at_silence(stream::iter(pieces), SILENCE)
            .eventsource()
            .map(|event| event.expect("no fault in it"))
            .map(|event| (event.id, event.event, event.data))
            .collect()
            .await
    }

    fn event(id: &str, name: &str, data: &str) -> (String, String, String) {
        (id.to_owned(), name.to_owned(), data.to_owned())
    }

    #[tokio::test]
    async fn lines_of_data_are_joined_by_newlines() {
        let read = read(&["id: 1-0\nevent: log\ndata: one\ndata:two\ndata: \n\n"]).await;
        assert_eq!(read, [event("1-0", "log", "one\ntwo\n")]);
    }

    #[tokio::test]
    async fn events_may_be_split_anywhere_end_in_crlf_and_have_comments_between_them() {
        let read = read(&[
            ": still here\n\n",
            "id: 1-0\r\nevent: st",
            "ate\r\ndata: {\"state\":\"running\"}\r\n\r\n: still",
            " here\n\nid: 2-0\nevent: done\nda",
            "ta: {}\n\nid: 3-0\nevent: log\ndata: never ended",
        ])
        .await;
        assert_eq!(
            read,
            [
                event("1-0", "state", "{\"state\":\"running\"}"),
                event("2-0", "done", "{}")
            ]
        );
    }

    #[tokio::test]
    async fn silence_ends_a_stream() {
        let comments = [": still here\n\n", ": still here\n\n"];
        let chunks = stream::iter(comments.map(Ok::<_, Infallible>)).chain(stream::pending());
        let read = end_at_silence(chunks, Duration::from_millis(50));
        assert_eq!(read.collect::<Vec<_>>().await.len(), 2);
    }
}
