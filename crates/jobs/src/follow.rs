//! Following one job: first the events that were missed, then new ones, until the job is done.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use clippy_core::Result;
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::sync::broadcast::error::RecvError;

use crate::events::{Event, EventId, EventKind, EventNotice};
use crate::record::JobId;
use crate::store::JobStore;

/// How a watcher reads events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FollowSettings {
    /// The store is polled at this interval, in case a notice is lost.
    pub poll: Duration,
    /// Events read at once.
    pub page: usize,
}

impl Default for FollowSettings {
    fn default() -> Self {
        Self {
            poll: Duration::from_secs(5),
            page: 200,
        }
    }
}

/// What [`Follow::next`] returns.
#[derive(Debug, Clone, PartialEq)]
pub enum Following {
    /// Events were dropped before they could be read: the client needs a snapshot.
    Gap,
    /// The next event.
    Event(Event),
}

/// Wakes each watcher when its own job has new events. There is one hub per process, so that ten
/// thousand watchers cost one subscription.
pub struct EventHub {
    store: Arc<dyn JobStore>,
    watched: Mutex<HashMap<JobId, Watched>>,
}

struct Watched {
    news: Arc<Notify>,
    watchers: usize,
}

impl EventHub {
    /// Starts a hub, which listens to the store's notices until its last `Arc` is dropped.
    #[must_use]
    pub fn start(store: Arc<dyn JobStore>) -> Arc<Self> {
        let mut notices = store.watch_events();
        let hub = Arc::new(Self {
            store,
            watched: Mutex::default(),
        });
        let listening = Arc::downgrade(&hub);
        tokio::spawn(async move {
            loop {
                let notice = notices.recv().await;
                let Some(hub) = listening.upgrade() else {
                    return;
                };
                let watched = hub.watched.lock();
                match notice {
                    Ok(EventNotice(job)) => watched
                        .get(&job)
                        .into_iter()
                        .for_each(|one| one.news.notify_waiters()),
                    Err(RecvError::Lagged(_)) => {
                        watched.values().for_each(|one| one.news.notify_waiters())
                    }
                    Err(RecvError::Closed) => return,
                }
            }
        });
        hub
    }

    /// Follows a job's events after the id `after`; all of them when it is `None`.
    #[must_use]
    pub fn follow(
        self: &Arc<Self>,
        job: JobId,
        after: Option<EventId>,
        settings: FollowSettings,
    ) -> Follow {
        let mut watched = self.watched.lock();
        let one = watched.entry(job).or_insert_with(|| Watched {
            news: Arc::default(),
            watchers: 0,
        });
        one.watchers += 1;
        let news = Arc::clone(&one.news);
        Follow {
            hub: Arc::clone(self),
            job,
            after,
            settings,
            news,
            read: VecDeque::new(),
            gap: false,
            done: false,
        }
    }

    fn leave(&self, job: JobId) {
        let mut watched = self.watched.lock();
        if let Some(one) = watched.get_mut(&job) {
            one.watchers -= 1;
            if one.watchers == 0 {
                watched.remove(&job);
            }
        }
    }
}

impl std::fmt::Debug for EventHub {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("EventHub").finish_non_exhaustive()
    }
}

/// One watcher of one job; made by [`EventHub::follow`].
pub struct Follow {
    hub: Arc<EventHub>,
    job: JobId,
    after: Option<EventId>,
    settings: FollowSettings,
    news: Arc<Notify>,
    read: VecDeque<Event>,
    gap: bool,
    done: bool,
}

impl Drop for Follow {
    fn drop(&mut self) {
        self.hub.leave(self.job);
    }
}

impl Follow {
    /// Waits for the next event. Returns `None` after the last one of a finished job.
    ///
    /// # Errors
    /// `NotFound` when the job is unknown or was dropped; `Unavailable` when the store is
    /// unavailable: call again to continue.
    pub async fn next(&mut self) -> Result<Option<Following>> {
        loop {
            if std::mem::take(&mut self.gap) {
                return Ok(Some(Following::Gap));
            }
            if let Some(event) = self.read.pop_front() {
                self.after = Some(event.id);
                // A job that is retried has events after its `done`.
                self.done = event.kind == EventKind::Done;
                return Ok(Some(Following::Event(event)));
            }
            // Subscribe before reading, so that no event is missed in between.
            let news = Arc::clone(&self.news);
            let news = news.notified();
            let page = self
                .hub
                .store
                .events_after(self.job, self.after, self.settings.page)
                .await?;
            if !page.events.is_empty() {
                self.gap = page.gap;
                self.read = page.events.into();
                continue;
            }
            if self.done || self.hub.store.get(self.job).await?.state.is_finished() {
                // It may have ended between the two calls.
                let page = self
                    .hub
                    .store
                    .events_after(self.job, self.after, self.settings.page)
                    .await?;
                if page.events.is_empty() {
                    return Ok(None);
                }
                self.read = page.events.into();
                continue;
            }
            // Read again after a notice or the interval, whichever comes first.
            let _ = tokio::time::timeout(self.settings.poll, news).await;
        }
    }
}

impl std::fmt::Debug for Follow {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Follow")
            .field("job", &self.job)
            .field("after", &self.after)
            .finish_non_exhaustive()
    }
}
