//! Server-sent events, read as a browser reads them.

use std::convert::Infallible;
use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use eventsource_stream::Eventsource;
use futures::stream::{self, BoxStream};
use futures::{Stream, StreamExt};
use serde_json::Value;

use crate::waiting::wait_until;

/// One event of the API.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// The id that a client sends to continue after this event.
    pub id: String,
    /// The event's name.
    pub event: String,
    /// Its data.
    pub data: Value,
}

/// An open stream of events.
pub struct Events {
    stream: BoxStream<'static, Event>,
    comments: Arc<AtomicUsize>,
}

impl Events {
    /// Reads the events of a response.
    ///
    /// # Panics
    /// When the response is not a stream of events.
    #[must_use]
    pub fn of(response: reqwest::Response) -> Self {
        assert_eq!(response.status(), reqwest::StatusCode::OK);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self::read(response.bytes_stream())
    }

    fn read<B, E>(bytes: impl Stream<Item = Result<B, E>> + Send + 'static) -> Self
    where
        B: AsRef<[u8]> + Send + 'static,
        E: std::fmt::Debug + Send + 'static,
    {
        let comments = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&comments);
        let mut begins_line = true;
        let counted = bytes.inspect(move |bytes| {
            for &byte in bytes.iter().flat_map(AsRef::as_ref) {
                if begins_line && byte == b':' {
                    count.fetch_add(1, Ordering::Relaxed);
                }
                begins_line = byte == b'\n';
            }
        });
        let stream = counted.eventsource().map(|event| {
            let event = event.expect("a stream that does not break");
            assert!(!event.id.is_empty(), "an event without an id: {event:?}");
            Event {
                data: serde_json::from_str(&event.data).expect("JSON"),
                id: event.id,
                event: event.event,
            }
        });
        Self {
            stream: stream.boxed(),
            comments,
        }
    }

    /// The next event; `None` at the end of the stream.
    ///
    /// # Panics
    /// When the stream breaks, or an event has no id or its data is not JSON.
    pub async fn next(&mut self) -> Option<Event> {
        self.stream.next().await
    }

    /// Reads all events until the end of the stream.
    ///
    /// # Panics
    /// As [`Events::next`].
    pub async fn rest(self) -> Vec<Event> {
        self.stream.collect().await
    }

    /// Waits until this many comments were received, with no event among them.
    ///
    /// # Panics
    /// When an event comes, or the stream ends.
    pub async fn wait_for_comments(&mut self, count: usize) {
        let comments = Arc::clone(&self.comments);
        tokio::select! {
            event = self.next() => panic!("expected a comment, got {event:?}"),
            () = wait_until("comments", || async { comments.load(Ordering::Relaxed) >= count }) => {}
        }
    }
}

/// An open stream of events, for tests without an async runtime.
pub struct BlockingEvents {
    events: Events,
    /// The id of the last event that was read.
    pub last: Option<String>,
}

impl BlockingEvents {
    /// Reads the events of a response.
    ///
    /// # Panics
    /// When the response is not a stream of events.
    #[must_use]
    pub fn of(response: reqwest::blocking::Response) -> Self {
        assert_eq!(response.status(), reqwest::StatusCode::OK);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self::read(response)
    }

    /// Reads the events in these bytes. A stream that breaks simply ends, since tests kill servers.
    fn read(mut bytes: impl Read + Send + 'static) -> Self {
        let chunks = std::iter::from_fn(move || {
            let mut buffer = vec![0; 8 << 10];
            let count = bytes.read(&mut buffer).unwrap_or(0);
            buffer.truncate(count);
            (count > 0).then_some(Ok::<_, Infallible>(buffer))
        });
        Self {
            events: Events::read(stream::iter(chunks)),
            last: None,
        }
    }
}

impl Iterator for BlockingEvents {
    type Item = Event;

    /// The next event; `None` when the stream has ended or broken. Panics when an event has no id
    /// or its data is not JSON.
    fn next(&mut self) -> Option<Event> {
        let event = futures::executor::block_on(self.events.next())?;
        self.last = Some(event.id.clone());
        Some(event)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn events_and_comments_are_parsed_however_the_stream_is_split() {
        let text = ": hello\n\nid: 1-0\nevent: log\ndata: {\"message\":\ndata: \"a\"}\n\n\
                    : still here\n\nid: 2-0\nevent: done\ndata: {}\n\n";
        let mut events = BlockingEvents::read(text.as_bytes());
        let first = events.next().expect("an event");
        assert_eq!(
            (first.id.as_str(), first.event.as_str(), first.data),
            ("1-0", "log", json!({"message": "a"}))
        );
        assert_eq!(events.next().expect("an event").event, "done");
        assert_eq!(events.last.as_deref(), Some("2-0"));
        assert_eq!(events.next(), None);
        assert_eq!(events.events.comments.load(Ordering::Relaxed), 2);

        let pieces = text.as_bytes().chunks(3).map(Ok::<_, Infallible>);
        let pieces: Vec<_> = pieces.map(|piece| piece.map(<[u8]>::to_vec)).collect();
        let events = Events::read(stream::iter(pieces));
        assert_eq!(futures::executor::block_on(events.rest()).len(), 2);
    }
}
