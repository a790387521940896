//! Notifies streams that follow all jobs of a caller when there is a new job.
//!
//! A job that this process creates is announced at once. A job of another process is noticed by its
//! first event, which the store announces; then its owner is looked up once.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, OnceLock};

use clippy_jobs::{EventNotice, JobId, JobStore};
use parking_lot::{Mutex, MutexGuard};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::watch;

/// How many jobs are remembered as looked up. Older ones have few events left.
const MOST_KNOWN: usize = 20_000;

/// Announces new jobs to streams. There is one per process.
#[derive(Default)]
pub(crate) struct NewJobs {
    listening: OnceLock<()>,
    owners: Mutex<HashMap<String, watch::Sender<u64>>>,
}

/// Waits for new jobs of one owner.
pub(crate) struct NewJobWatch {
    hub: Arc<NewJobs>,
    owner: String,
    receiver: Option<watch::Receiver<u64>>,
}

impl NewJobs {
    /// Starts to watch for new jobs of an owner.
    pub(crate) fn watch(self: &Arc<Self>, jobs: &Arc<dyn JobStore>, owner: &str) -> NewJobWatch {
        self.listening.get_or_init(|| {
            let (hub, jobs) = (Arc::downgrade(self), Arc::clone(jobs));
            tokio::spawn(async move {
                let mut notices = jobs.watch_events();
                let mut known = SeenJobs::default();
                loop {
                    let notice = notices.recv().await;
                    let Some(hub) = hub.upgrade() else { return };
                    match notice {
                        Ok(EventNotice(job)) => hub.look_up(jobs.as_ref(), &mut known, job).await,
                        Err(RecvError::Lagged(_)) => hub.lock().values().for_each(notify),
                        Err(RecvError::Closed) => return,
                    }
                }
            });
        });
        let mut owners = self.lock();
        let sender = owners
            .entry(owner.to_owned())
            .or_insert_with(|| watch::channel(0).0);
        NewJobWatch {
            hub: Arc::clone(self),
            owner: owner.to_owned(),
            receiver: Some(sender.subscribe()),
        }
    }

    /// Announces a new job of this owner.
    pub(crate) fn announce(&self, owner: &str) {
        if let Some(sender) = self.lock().get(owner) {
            notify(sender);
        }
    }

    async fn look_up(&self, jobs: &dyn JobStore, known: &mut SeenJobs, id: JobId) {
        if self.lock().is_empty() || !known.is_new(id) {
            return;
        }
        match jobs.get(id).await {
            // Streams follow only parents, whose progress includes their parts.
            Ok(job) if job.parent.is_none() => {
                self.announce(job.owner.as_deref().unwrap_or_default())
            }
            Ok(_) => {}
            Err(error) => {
                tracing::debug!(job = %id, %error, "the owner of a job cannot be looked up now");
                known.forget(id);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, watch::Sender<u64>>> {
        self.owners.lock()
    }
}

fn notify(sender: &watch::Sender<u64>) {
    sender.send_modify(|told| *told += 1);
}

impl NewJobWatch {
    /// Waits until there is a new job. No job is missed between two calls.
    pub(crate) async fn next(&mut self) {
        let changed = match &mut self.receiver {
            Some(receiver) => receiver.changed().await.is_ok(),
            None => false,
        };
        if !changed {
            // The hub is gone. The caller also polls, so it may wait here for ever.
            std::future::pending::<()>().await;
        }
    }
}

impl Drop for NewJobWatch {
    fn drop(&mut self) {
        self.receiver = None;
        let mut owners = self.hub.lock();
        if owners
            .get(&self.owner)
            .is_some_and(|sender| sender.receiver_count() == 0)
        {
            owners.remove(&self.owner);
        }
    }
}

/// The jobs that were looked up most recently.
#[derive(Default)]
struct SeenJobs {
    ids: HashSet<JobId>,
    order: VecDeque<JobId>,
}

impl SeenJobs {
    fn is_new(&mut self, id: JobId) -> bool {
        if !self.ids.insert(id) {
            return false;
        }
        self.order.push_back(id);
        if self.order.len() > MOST_KNOWN
            && let Some(oldest) = self.order.pop_front()
        {
            self.ids.remove(&oldest);
        }
        true
    }

    fn forget(&mut self, id: JobId) {
        self.ids.remove(&id);
    }
}
