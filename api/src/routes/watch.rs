//! The events of one job for a stream: first a snapshot, then every event after the client's last
//! one, until `done`.

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
/// The pause before asking an unavailable store again.
const PAUSE: Duration = Duration::from_secs(1);
/// The id of a snapshot before the first event.
pub(crate) const BEGINNING: EventId = EventId { major: 0, minor: 0 };

/// One job that a stream follows. It is small, since there may be ten thousand streams.
pub(crate) struct Watch {
    job: JobId,
    /// Whether a snapshot comes before the next event.
    owes_snapshot: bool,
    /// The job when the stream was opened; taken when it is sent.
    first: Option<Box<Job>>,
    /// The id of the last event that was sent.
    last: EventId,
    follow: Follow,
    state: AppState,
}

/// One event as it is sent.
pub(crate) struct Told {
    /// Its name.
    pub name: &'static str,
    /// Its id.
    pub last: EventId,
    /// Its data.
    pub data: Value,
    /// Whether it is the last one, unless the job is retried.
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
    /// Follows a job from the event after this one, or from its first one.
    pub(crate) fn new(state: &AppState, mut job: Job, after: Option<EventId>) -> Self {
        // It may be large, and is never sent.
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

    /// The next event; `None` at the end. It waits for an unavailable store; meanwhile the client gets
    /// comments.
    pub(crate) async fn next(&mut self) -> Option<Told> {
        loop {
            match self.step().await {
                Ok(event) => return event,
                Err(error) if error.code == ErrorCode::NotFound => return None,
                Err(error) => {
                    tracing::debug!(job = %self.job, %error, "a stream of events asks again");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }

    async fn step(&mut self) -> Result<Option<Told>, Error> {
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
            return Ok(Some(Told {
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
                Ok(Some(Told {
                    name: event.kind.as_str(),
                    last: event.id,
                    data,
                    done,
                }))
            }
        }
    }
}

/// Whether a client that knows this event has seen the end of the job.
pub(crate) async fn is_told(
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
