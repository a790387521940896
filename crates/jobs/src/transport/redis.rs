//! apalis' worker loop on Redis.

use std::sync::Arc;
use std::time::Duration;

use apalis_core::backend::ext::BackendExt;
use apalis_redis::RedisStorage;
use redis::aio::ConnectionManager;
use tokio::sync::mpsc::UnboundedSender;

use super::worker_loop::{DeliveryCodec, WorkerLoop, build_worker_loop};
use super::{Deliver, Delivery, LaneWorker, Tick};
use crate::record::Lane;

/// The id of an ended task.
pub(crate) use apalis_core::task::task_id::TaskId as EndedTask;

/// apalis' own heartbeats use the clients' clocks. The store's sweep, which uses the server's
/// clock, finds silent workers first. So apalis' limit is long enough for clocks that are a minute
/// apart.
const HEARTBEAT: Duration = Duration::from_secs(20);
const MISSED_HEARTBEATS: usize = 9;

/// The keys and tasks of apalis, for the store's scripts.
pub(crate) const LUA: &str = include_str!("apalis.lua");

/// `prefix` is that of all keys of the store.
fn config(prefix: &str, lane: Lane) -> apalis_redis::Config {
    apalis_redis::Config::default()
        .queue(format!("{prefix}:lane:{lane}"))
        // In a larger batch, later tasks would wait for the first one without a heartbeat.
        .batch_size(1)
        .heartbeat_interval(HEARTBEAT)
        .missed_heartbeats(MISSED_HEARTBEATS)
        .lock_tasks(false)
        .emit_events(false)
        // Despite its name, this is apalis' acknowledgement, one call for each task. The store
        // forgets ended tasks in batches instead.
        .persist_results(false)
}

/// Builds a worker loop over one lane's queue. `ended` receives each task that has ended.
pub(crate) fn worker_loop(
    connection: ConnectionManager,
    prefix: &str,
    worker: &LaneWorker,
    tick: Tick,
    deliver: Arc<dyn Deliver>,
    ended: UnboundedSender<EndedTask>,
) -> WorkerLoop {
    let backend = RedisStorage::<Delivery>::new(connection)
        .with_config(config(prefix, worker.lane))
        .with_codec(DeliveryCodec)
        .poll_with_strategy(tick);
    build_worker_loop!(backend, worker, deliver, Some(ended))
}
