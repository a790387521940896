//! Follows one job for a stream: first a snapshot, then every event after the client's last one,
//! until `done`.

use std::time::Duration;

use clippy_core::{Error, ErrorCode};
use clippy_jobs::{EventId, EventKind, Follow, FollowSettings, Following, Job, JobId};
use serde::Serialize;
use serde_json::Value;

use crate::routes::job_answer::JobResponse;
use crate::state::AppState;

/// How often a stream polls, in case a notice was lost, and how many events it reads at once.
const FOLLOW: FollowSettings = FollowSettings {
    poll: Duration::from_secs(5),
    page: 100,
};
/// The pause before an unavailable store is called again.
const PAUSE: Duration = Duration::from_secs(1);
/// The id of a snapshot before the first event.
pub(crate) const BEGINNING: EventId = EventId { major: 0, minor: 0 };

/// One job that a stream follows. It is small, since there may be ten thousand streams.
pub(crate) struct Watch {
    job: JobId,
    /// Whether a snapshot has to be sent before the next event.
    owes_snapshot: bool,
    /// The job at the time when the stream was opened, until its snapshot is sent.
    first: Option<Box<Job>>,
    /// The id of the last event that was sent.
    last: EventId,
    follow: Follow,
    state: AppState,
}

/// An event that is sent to the client.
pub(crate) struct StreamEvent {
    /// Its name.
    pub name: &'static str,
    /// Its id.
    pub last: EventId,
    /// Its data.
    pub data: Value,
    /// Whether it is the job's last event, unless the job is retried.
    pub done: bool,
}

/// The data of a `snapshot`.
#[derive(Serialize)]
struct Snapshot {
    #[serde(flatten)]
    job: JobResponse,
    #[serde(skip_serializing_if = "Option::is_none")]
    preview: Option<Value>,
}

impl Watch {
    /// Follows a job from the event after `after`, or from its first event.
    pub(crate) fn new(state: &AppState, mut job: Job, after: Option<EventId>) -> Self {
        // The payload may be large, and is never sent.
        job.payload = Value::Null;
        Self {
            job: job.id,
            owes_snapshot: true,
            follow: state.events().follow(job.id, after, FOLLOW),
            first: Some(Box::new(job)),
            last: after.unwrap_or(BEGINNING),
            state: state.clone(),
        }
    }

    /// Returns the next event; `None` at the end. It waits for an unavailable store; meanwhile the
    /// client gets comments.
    pub(crate) async fn next(&mut self) -> Option<StreamEvent> {
        loop {
            match self.step().await {
                Ok(event) => return event,
                Err(error) if error.code == ErrorCode::NotFound => return None,
                Err(error) => {
                    tracing::debug!(job = %self.job, %error,
                    "reading events failed and is retried");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }

    async fn step(&mut self) -> Result<Option<StreamEvent>, Error> {
        if self.owes_snapshot {
            let job = match self.first.take() {
                Some(job) => *job,
                None => self.state.jobs().get(self.job).await?,
            };
            let preview = self.state.jobs().last_preview(self.job).await?;
            let snapshot = Snapshot {
                job: JobResponse::of(&self.state, job),
                preview,
            };
            let data = serde_json::to_value(&snapshot).map_err(|error| {
                Error::internal("a job cannot be written as JSON").with_source(error)
            })?;
            self.owes_snapshot = false;
            return Ok(Some(StreamEvent {
                name: "snapshot",
                last: self.last,
                data,
                done: false,
            }));
        }
        match self.follow.next().await? {
            None => Ok(None),
            // Some events were trimmed from the store; a snapshot replaces them.
            Some(Following::Gap) => {
                self.owes_snapshot = true;
                Box::pin(self.step()).await
            }
            Some(Following::Event(event)) => {
                self.last = event.id;
                let mut data = self.state.hidden().in_value(event.data);
                if let Some(fields) = data.as_object_mut() {
                    fields.insert("at".to_owned(), event.at.to_string().into());
                }
                let done = event.kind == EventKind::Done;
                Ok(Some(StreamEvent {
                    name: event.kind.as_str(),
                    last: event.id,
                    data,
                    done,
                }))
            }
        }
    }
}

/// Whether a client that received this event has seen the end of the job.
pub(crate) async fn has_seen_end(
    state: &AppState,
    job: &Job,
    after: Option<EventId>,
) -> Result<bool, Error> {
    let Some(after) = after.filter(|_| job.state.is_finished()) else {
        return Ok(false);
    };
    let page = state.jobs().events_after(job.id, Some(after), 1).await?;
    Ok(page.events.is_empty() && !page.gap)
}
