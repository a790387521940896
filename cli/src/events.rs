//! Follows a job's events over HTTP, and goes on where it was when the connection breaks.

use std::time::{Duration, Instant};

use futures::StreamExt;
use futures::stream::BoxStream;
use serde_json::Value;

use crate::client::Client;
use crate::failure::Failure;

/// How long a server may be away before it is given up.
const PATIENCE: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(500);
/// Longer than the comment that a server sends: after this much silence the connection is dead.
const SILENCE: Duration = Duration::from_secs(45);

/// Something that happened to a job.
#[derive(Debug, Clone, PartialEq)]
pub struct JobEvent {
    /// `snapshot`, `state`, `progress`, `preview`, `log` or `done`.
    pub name: String,
    /// The details.
    pub data: Value,
}

/// The events of one job, each once.
pub struct Events<'c> {
    client: &'c Client,
    job: String,
    last: Option<String>,
    open: Option<BoxStream<'static, reqwest::Result<Vec<u8>>>>,
    read: Vec<u8>,
    finished: bool,
    /// When the server was last heard of.
    heard: Instant,
}

impl<'c> Events<'c> {
    /// The events of this job, from the first on.
    pub fn of(client: &'c Client, job: &str) -> Self {
        let job = job.to_owned();
        Self {
            client,
            job,
            last: None,
            open: None,
            read: Vec::new(),
            finished: false,
            heard: Instant::now(),
        }
    }

    /// The next event; `None` when the job has ended and everything was told.
    pub async fn next(&mut self) -> Result<Option<JobEvent>, Failure> {
        loop {
            if let Some(event) = self.parsed() {
                return Ok(Some(event));
            }
            let Some(stream) = &mut self.open else {
                if self.finished {
                    return Ok(None);
                }
                self.connect().await?;
                continue;
            };
            match tokio::time::timeout(SILENCE, stream.next()).await {
                Ok(Some(Ok(bytes))) => {
                    self.heard = Instant::now();
                    self.read.extend_from_slice(&bytes);
                }
                // The end, a cut, or silence: what was begun and not ended is sent again.
                Ok(None | Some(Err(_))) | Err(_) => {
                    self.open = None;
                    self.read.clear();
                }
            }
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
                    self.heard = Instant::now();
                    self.open = Some(
                        response
                            .bytes_stream()
                            .map(|bytes| bytes.map(|bytes| bytes.to_vec()))
                            .boxed(),
                    );
                    return Ok(());
                }
                Err(failure) if failure.is_passing() && self.heard.elapsed() < PATIENCE => {
                    tokio::time::sleep(PAUSE).await;
                }
                Err(failure) => return Err(failure.into()),
            }
        }
    }

    /// The first whole event of what was read; comments are passed over.
    fn parsed(&mut self) -> Option<JobEvent> {
        loop {
            let end = self.read.windows(2).position(|two| two == b"\n\n")?;
            let frame: Vec<u8> = self.read.drain(..end + 2).collect();
            let text = String::from_utf8_lossy(&frame);
            let (mut id, mut name, mut data) = (None, None, String::new());
            for line in text.lines() {
                match line
                    .split_once(':')
                    .map(|(field, value)| (field, value.strip_prefix(' ').unwrap_or(value)))
                {
                    Some(("id", value)) => id = Some(value.to_owned()),
                    Some(("event", value)) => name = Some(value.to_owned()),
                    Some(("data", value)) => data.push_str(value),
                    _ => {}
                }
            }
            let Some(name) = name else { continue };
            self.last = id.or(self.last.take());
            let data: Value = serde_json::from_str(&data).unwrap_or(Value::Null);
            let state = data["state"].as_str().unwrap_or_default();
            match name.as_str() {
                "done" => self.finished = true,
                // Of a job that ended before, `done` may have been told already.
                "snapshot" => self.finished = matches!(state, "succeeded" | "failed" | "cancelled"),
                _ => {}
            }
            return Some(JobEvent { name, data });
        }
    }
}
