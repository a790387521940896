//! apalis' worker loop on Redis.

use std::sync::Arc;
use std::time::Duration;

use apalis_core::backend::ext::BackendExt;
use apalis_redis::RedisStorage;
use redis::aio::ConnectionManager;
use tokio::sync::mpsc::UnboundedSender;

use super::worker_loop::{DeliveryCodec, WorkerLoop, build_worker_loop};
use super::{Deliver, Delivery, LaneWorker, Tick};

/// The id of a task that was seen through to its end.
pub(crate) use apalis_core::task::task_id::TaskId as EndedTask;

/// apalis' own heartbeats use the clients' clocks. Its search for silent workers is only the second
/// line of defence (ours, the store's sweep, uses the server's clock), so it is slow enough to bear
/// clocks that are a minute apart.
const HEARTBEAT: Duration = Duration::from_secs(20);
const MISSED_HEARTBEATS: usize = 9;

fn config(queue: &str) -> apalis_redis::Config {
    apalis_redis::Config::default()
        .queue(queue)
        // More than one, and the tail of a batch waits behind its head without a heartbeat.
        .batch_size(1)
        .heartbeat_interval(HEARTBEAT)
        .missed_heartbeats(MISSED_HEARTBEATS)
        .lock_tasks(false)
        .emit_events(false)
        // This is apalis' acknowledgement, whatever its name says: one call for each task. The
        // store forgets ended tasks many at a time instead.
        .persist_results(false)
}

/// A worker loop over one lane's queue. `ended` gets each task that was seen through to its end.
pub(crate) fn worker_loop(
    connection: ConnectionManager,
    queue: &str,
    worker: &LaneWorker,
    tick: Tick,
    deliver: Arc<dyn Deliver>,
    ended: UnboundedSender<EndedTask>,
) -> WorkerLoop {
    let backend = RedisStorage::<Delivery>::new(connection)
        .with_config(config(queue))
        .with_codec(DeliveryCodec)
        .poll_with_strategy(tick);
    build_worker_loop!(backend, worker, deliver, Some(ended))
}
