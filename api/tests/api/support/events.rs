//! A client of server-sent events, such as a browser is.

use futures::StreamExt;
use futures::stream::BoxStream;
use reqwest::{Response, StatusCode};
use serde_json::Value;

/// One frame of a stream.
#[derive(Debug, Clone, PartialEq)]
pub struct Frame {
    pub id: String,
    pub event: String,
    pub data: Value,
}

/// An open stream.
pub struct Frames {
    bytes: BoxStream<'static, reqwest::Result<bytes::Bytes>>,
    read: String,
    /// Comments seen so far.
    pub comments: usize,
}

impl Frames {
    pub fn of(response: Response) -> Self {
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self {
            bytes: response.bytes_stream().boxed(),
            read: String::new(),
            comments: 0,
        }
    }

    /// The next frame, or `None` at the end of the stream.
    pub async fn next(&mut self) -> Option<Frame> {
        loop {
            while let Some(end) = self.read.find("\n\n") {
                let text: String = self.read.drain(..end + 2).collect();
                match Self::parse(&text) {
                    Some(frame) => return Some(frame),
                    None => self.comments += 1,
                }
            }
            let bytes = self.bytes.next().await?.expect("the stream is whole");
            self.read
                .push_str(std::str::from_utf8(&bytes).expect("frames are ASCII here"));
        }
    }

    /// All frames until the end.
    pub async fn rest(mut self) -> Vec<Frame> {
        let mut frames = Vec::new();
        while let Some(frame) = self.next().await {
            frames.push(frame);
        }
        frames
    }

    /// `None` for a comment.
    fn parse(text: &str) -> Option<Frame> {
        let field = |name: &str| {
            let start = format!("{name}: ");
            text.lines()
                .find_map(|line| line.strip_prefix(&start))
                .map(str::to_owned)
        };
        if text
            .lines()
            .all(|line| line.is_empty() || line.starts_with(':'))
        {
            return None;
        }
        let data = serde_json::from_str(&field("data").expect("data")).expect("JSON");
        Some(Frame {
            id: field("id").expect("every event has an id"),
            event: field("event").expect("a name"),
            data,
        })
    }
}
