//! The worker loops of one process: supervision, deliveries and shutdown.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use clippy_core::ErrorCode;
use parking_lot::Mutex;
use tokio::sync::{Notify, Semaphore, SemaphorePermit};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::context::{Run, StopReason};
use super::execution::execute;
use super::{Handlers, RunnerSettings};
use crate::backend::WorkerBackend;
use crate::record::{JobId, Lane};
use crate::runs::{Claim, Claimant, ClaimedJob, RunStore};
use crate::transport::{Bell, Control, Deliver, Delivery, LaneWorker, Tick};

/// The pause before a worker loop that ended is started again.
const RESTART: Duration = Duration::from_millis(300);
/// How often a paused lane is polled, in case the notice of its resumption was lost.
const PAUSED: Duration = Duration::from_secs(1);
/// How often a job that waits to run alone is looked up, in case it was cancelled.
const WAITING: Duration = Duration::from_secs(1);

/// A worker loop fetches one task at a time. A lane with high concurrency has several loops, up to
/// this many.
const LOOPS: usize = 4;
/// The concurrency that one loop can keep busy.
const ROOM_OF_A_LOOP: usize = 4;

/// Permits of a lane, and the one of a job that runs alone.
type Room<'a> = (SemaphorePermit<'a>, Option<SemaphorePermit<'a>>);

/// One lane of this process.
struct LaneState {
    lane: Lane,
    /// Bounds the jobs that run, including those that a loop delivered before it ended.
    room: Semaphore,
    /// The number of permits of `room`.
    concurrency: u32,
    changed: Notify,
    loops: Vec<Arc<LoopState>>,
    /// The loop that is woken first for the next job.
    turn: AtomicUsize,
}

/// One worker loop of a lane.
struct LoopState {
    concurrency: usize,
    bell: Arc<Bell>,
    /// Deliveries that it has not finished.
    busy: AtomicUsize,
    /// Its current name.
    name: Mutex<Option<String>>,
}

impl LaneState {
    fn new(lane: Lane, concurrency: usize) -> Self {
        let count = (concurrency / ROOM_OF_A_LOOP).clamp(1, LOOPS);
        let one = |place: usize| {
            // The remainder of the division goes to the first loops.
            let concurrency = concurrency / count + usize::from(place < concurrency % count);
            let (bell, busy, name) = (Arc::default(), AtomicUsize::new(0), Mutex::default());
            Arc::new(LoopState {
                concurrency,
                bell,
                busy,
                name,
            })
        };
        let (loops, room) = ((0..count).map(one).collect(), Semaphore::new(concurrency));
        let concurrency = u32::try_from(concurrency).unwrap_or(u32::MAX);
        Self {
            lane,
            room,
            concurrency,
            changed: Notify::new(),
            loops,
            turn: AtomicUsize::new(0),
        }
    }

    /// Wakes one loop that has room, in turn. One is enough, since it fetches until the queue is
    /// empty.
    fn ring(&self) {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let mut by_turns =
            (0..self.loops.len()).map(|place| &self.loops[(turn + place) % self.loops.len()]);
        let free = by_turns.find(|one| one.busy.load(Ordering::Acquire) < one.concurrency);
        free.into_iter().for_each(|one| one.bell.ring());
    }
}

pub(super) struct Engine {
    pub(super) store: Arc<dyn WorkerBackend>,
    handlers: Handlers,
    pub(super) settings: RunnerSettings,
    lanes: Vec<LaneState>,
    running: Mutex<HashMap<JobId, Arc<Run>>>,
    /// Held by the suspect that runs alone. Only one suspect runs at a time.
    suspects: Semaphore,
    tracker: TaskTracker,
    /// Cancelled first: no new job is started.
    stopping: CancellationToken,
    /// Cancelled after the drain: the worker loops end.
    halt: CancellationToken,
    /// Cancelled when all loops have ended: deliveries that are still held may be dropped.
    gone: CancellationToken,
    identity: String,
}

impl Engine {
    pub(super) fn new(
        store: Arc<dyn WorkerBackend>,
        handlers: Handlers,
        settings: RunnerSettings,
    ) -> Self {
        let host = std::env::var("HOSTNAME")
            .unwrap_or_else(|_| "host".to_owned())
            .replace(' ', "-");
        Self {
            lanes: settings
                .lanes
                .iter()
                .map(|&(lane, concurrency)| LaneState::new(lane, concurrency))
                .collect(),
            store,
            handlers,
            settings,
            running: Mutex::default(),
            suspects: Semaphore::new(1),
            tracker: TaskTracker::new(),
            stopping: CancellationToken::new(),
            halt: CancellationToken::new(),
            gone: CancellationToken::new(),
            identity: format!("{host}-{}", std::process::id()),
        }
    }

    pub(super) async fn run(self: Arc<Self>, stop: CancellationToken) {
        let mut loops = tokio::task::JoinSet::new();
        for (index, state) in self.lanes.iter().enumerate() {
            for one in &state.loops {
                let (engine, one) = (Arc::clone(&self), Arc::clone(one));
                loops.spawn(async move { engine.supervise(index, one).await });
            }
        }
        let listener = tokio::spawn(Arc::clone(&self).listen());

        stop.cancelled().await;
        self.drain().await;
        self.halt.cancel();
        while loops.join_next().await.is_some() {}
        listener.abort();
        self.gone.cancel();
    }

    /// The worker loops that are running now.
    pub(super) fn workers(&self) -> Vec<(Lane, String)> {
        let loops = self
            .lanes
            .iter()
            .flat_map(|state| state.loops.iter().map(|one| (state.lane, one)));
        let name = |(lane, one): (Lane, &Arc<LoopState>)| {
            let name = one.name.lock().clone();
            name.map(|name| (lane, name))
        };
        loops.filter_map(name).collect()
    }

    /// Wakes a loop of each lane.
    pub(super) fn ring_all(&self) {
        self.lanes.iter().for_each(LaneState::ring);
    }

    fn lane(&self, lane: Lane) -> Option<&LaneState> {
        self.lanes.iter().find(|state| state.lane == lane)
    }

    /// Keeps a worker loop of a lane running. Each start has a new name, since the store refuses a
    /// used name until it has forgotten it.
    async fn supervise(self: Arc<Self>, index: usize, own: Arc<LoopState>) {
        let state = &self.lanes[index];
        while !self.halt.is_cancelled() {
            let name = format!("{}-{}", self.identity, ulid::Ulid::generate());
            let worker = LaneWorker {
                lane: state.lane,
                name: name.clone(),
                concurrency: own.concurrency,
            };
            *own.name.lock() = Some(name.clone());
            // Registered before it fetches its first task, so that the sweep finds its tasks if it
            // dies.
            let ended = match self.store.keep_alive(&[(state.lane, name.clone())]).await {
                Ok(()) => {
                    let tick = Tick::new(self.settings.timing.poll, Arc::clone(&own.bell));
                    let handle = EngineHandle {
                        engine: Arc::clone(&self),
                        index,
                        own: Arc::clone(&own),
                    };
                    let deliver: Arc<dyn Deliver> = Arc::new(handle);
                    self.store
                        .run_lane(&worker, tick, deliver, self.halt.clone())
                        .await
                }
                Err(error) => Err(error),
            };
            *own.name.lock() = None;
            if let Err(error) = &ended {
                tracing::warn!(lane = %state.lane, %error,
                "a worker loop ended and is started again; its jobs continue");
            }
            // If the store is unavailable, the sweep of a live process does this later.
            let release = self.store.release_worker(state.lane, &name);
            match tokio::time::timeout(Duration::from_secs(5), release).await {
                Ok(Ok(_)) => {}
                Ok(Err(error)) => {
                    tracing::debug!(%error, "a worker loop's tasks are left to the sweep")
                }
                Err(_) => tracing::debug!("a worker loop's tasks are left to the sweep"),
            }
            tokio::select! {
                () = tokio::time::sleep(RESTART) => {}
                () = self.halt.cancelled() => {}
            }
        }
    }

    /// Acts on the store's notices.
    async fn listen(self: Arc<Self>) {
        let mut notices = self.store.watch_control();
        loop {
            match notices.recv().await {
                Ok(Control::Wake(lane)) => {
                    if let Some(state) = self.lane(lane) {
                        state.ring();
                    }
                }
                Ok(Control::Cancel(id)) => {
                    let run = self.running.lock().get(&id).cloned();
                    if let Some(run) = run {
                        run.stop(StopReason::Cancelled);
                    }
                    let engine = Arc::clone(&self);
                    self.tracker.spawn(async move { engine.clean_up(id).await });
                }
                Ok(Control::Lane(lane)) => {
                    if let Some(state) = self.lane(lane) {
                        state.changed.notify_waiters();
                    }
                }
                // Polling and heartbeats make up for missed notices.
                Err(tokio::sync::broadcast::error::RecvError::Lagged(_)) => self.ring_all(),
                Err(tokio::sync::broadcast::error::RecvError::Closed) => return,
            }
        }
    }

    /// Cleans up after a job that was cancelled while no run of it could do so.
    async fn clean_up(&self, id: JobId) {
        let job = match self.store.cancelled(id).await {
            Ok(Some(job)) if self.lane(job.lane).is_some() => job,
            Ok(_) => return,
            Err(error) => {
                tracing::info!(job = %id, %error, "cannot clean up after a cancelled job");
                return;
            }
        };
        if let Some(handler) = self.handlers.get(job.kind) {
            handler.clean_up(&job).await;
        }
    }

    /// Waits for running jobs. Those that do not end in time are asked to stop, and are then handed
    /// back.
    async fn drain(&self) {
        self.stopping.cancel();
        self.tracker.close();
        if tokio::time::timeout(self.settings.drain, self.tracker.wait())
            .await
            .is_ok()
        {
            return;
        }
        let left: Vec<Arc<Run>> = self.running.lock().values().cloned().collect();
        tracing::info!(
            jobs = left.len(),
            "handing back the jobs that did not end in time"
        );
        let held = left.iter().map(|run| run.held_for()).max();
        for run in left {
            run.stop(StopReason::HandBack);
        }
        let last = held.unwrap_or_default() + self.settings.timing.grace + Duration::from_secs(3);
        if tokio::time::timeout(last, self.tracker.wait())
            .await
            .is_err()
        {
            tracing::warn!("some jobs could not be handed back; their leases will end instead");
        }
    }

    /// Claims a job and runs it. Returns when the queue may forget the delivery.
    async fn take(&self, state: &LaneState, id: JobId) {
        let mut delay = Duration::from_millis(100);
        let mut alone = false;
        let mut claimant = Claimant::new(&self.identity);
        loop {
            let room = match alone {
                true => self.whole_room(state, id).await,
                false => self.room(state).await,
            };
            let Some(_room) = room else {
                return;
            };
            // Held during the claim, so that no job is claimed after the drain has seen none
            // running.
            let token = self.tracker.token();
            if self.stopping.is_cancelled() {
                drop(token);
                // Not handled, so the queue must not forget the delivery: wait until the loop is
                // dropped and its tasks are queued again.
                self.gone.cancelled().await;
                return;
            }
            // Registered before the check, so that a change in between is not missed.
            let changed = state.changed.notified();
            let lease = self.settings.timing.lease;
            claimant.beside = !alone;
            match self.store.claim_for(id, &claimant, lease).await {
                Ok(Claim::Run(claimed)) => return self.execute(id, *claimed).await,
                Ok(Claim::Busy | Claim::Nothing) => return,
                Ok(Claim::Alone) => {
                    tracing::warn!(
                        job = %id,
                        "a worker process ended while it ran this job, so it now runs alone"
                    );
                    alone = true;
                }
                Ok(Claim::Damaged { reason }) => {
                    tracing::error!(job = %id, reason,
                    "a job's record cannot be read, and was set aside");
                    return;
                }
                Ok(Claim::Paused) => {
                    drop(token);
                    tokio::select! {
                        () = changed => {}
                        () = tokio::time::sleep(PAUSED) => {}
                        () = self.stopping.cancelled() => {}
                    }
                }
                // A retry would not help, and would hold a place that other jobs need.
                Err(error) if !error.code.is_retryable() => {
                    tracing::error!(job = %id, %error,
                    "a job cannot be claimed; it is left to the sweep");
                    return;
                }
                Err(error) => {
                    drop(token);
                    tracing::debug!(job = %id, %error, "a claim failed; trying again");
                    tokio::select! {
                        () = tokio::time::sleep(delay) => {}
                        () = self.stopping.cancelled() => {}
                    }
                    delay = (delay * 2).min(Duration::from_secs(2));
                }
            }
        }
    }

    /// Takes a permit for one job of a lane; `None` when the runner has stopped.
    async fn room<'a>(&'a self, state: &'a LaneState) -> Option<Room<'a>> {
        Some((state.room.acquire().await.ok()?, None))
    }

    /// Takes all permits of a lane, for a job that runs alone: running jobs end first, and new ones
    /// wait. Only one such job runs at a time in all lanes, so that the next loss shows which job
    /// caused it. `None` when the runner has stopped, or when the job was cancelled: it must not
    /// keep the lane waiting.
    async fn whole_room<'a>(&'a self, state: &'a LaneState, id: JobId) -> Option<Room<'a>> {
        let taken = async {
            let suspect = self.suspects.acquire().await.ok()?;
            let all = state.room.acquire_many(state.concurrency).await.ok()?;
            Some((all, Some(suspect)))
        };
        tokio::pin!(taken);
        loop {
            tokio::select! {
                room = &mut taken => return room,
                () = tokio::time::sleep(WAITING) => {}
            }
            match self.store.cancelled(id).await {
                Ok(Some(_)) => return None,
                Err(error) if error.code == ErrorCode::NotFound => return None,
                // An unavailable store says nothing about the job.
                Ok(None) | Err(_) => {}
            }
        }
    }

    async fn execute(&self, id: JobId, claimed: ClaimedJob) {
        let store = Arc::clone(&self.store) as Arc<dyn RunStore>;
        let handler = self.handlers.get(claimed.job.kind);
        let run = Arc::new(Run::new(store, claimed, self.settings.timing.lease));
        self.running.lock().insert(id, Arc::clone(&run));
        execute(Arc::clone(&run), handler, &self.settings.timing).await;
        let mut running = self.running.lock();
        if running
            .get(&id)
            .is_some_and(|current| Arc::ptr_eq(current, &run))
        {
            running.remove(&id);
        }
    }

    async fn bury(&self, payload: &[u8], reason: &str) {
        tracing::error!(reason, "a task could not be read and was set aside");
        while let Err(error) = self.store.bury(payload, reason).await {
            tracing::debug!(%error, "a task could not be set aside; trying again");
            tokio::select! {
                () = tokio::time::sleep(Duration::from_secs(1)) => {}
                () = self.gone.cancelled() => return,
            }
        }
    }
}

/// What apalis' handler delivers to: one worker loop of an [`Engine`].
struct EngineHandle {
    engine: Arc<Engine>,
    /// The lane's index.
    index: usize,
    own: Arc<LoopState>,
}

/// Counts a delivery until it is finished.
struct Busy(Arc<LoopState>);

impl Busy {
    fn new(own: &Arc<LoopState>) -> Self {
        own.busy.fetch_add(1, Ordering::AcqRel);
        Self(Arc::clone(own))
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.busy.fetch_sub(1, Ordering::AcqRel);
    }
}

#[async_trait]
impl Deliver for EngineHandle {
    /// Runs the delivery in a task of its own, so that it continues when apalis drops the worker
    /// loop on an error of the store.
    async fn deliver(&self, _: Lane, delivery: Delivery) {
        let (engine, index, busy) = (Arc::clone(&self.engine), self.index, Busy::new(&self.own));
        let task = tokio::spawn(async move {
            let _busy = busy;
            match delivery {
                Delivery::Job(id) => engine.take(&engine.lanes[index], id).await,
                Delivery::Unreadable { payload, reason } => engine.bury(&payload, &reason).await,
            }
        });
        if let Err(error) = task.await {
            tracing::error!(%error, "a delivery ended unexpectedly");
        }
    }
}
