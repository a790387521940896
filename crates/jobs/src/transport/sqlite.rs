//! apalis' worker loop, tables and tasks in SQLite.

use std::sync::Arc;
use std::time::Duration;

use apalis_core::backend::ext::BackendExt;
use apalis_core::task::builder::TaskBuilder;
use apalis_core::task::task_id::TaskId;
use apalis_sqlite::SqliteStorage;
use sqlx::migrate::Migrator;
use sqlx::{SqliteConnection, SqlitePool};
use ulid::Ulid;

use super::worker_loop::{DeliveryCodec, WorkerLoop, build_worker_loop};
use super::{Deliver, Delivery, LaneWorker, Tick};
use crate::record::JobId;

/// The store's sweep finds silent workers first; apalis' own search is only a safeguard.
const HEARTBEAT: Duration = Duration::from_secs(20);
const MISSED_HEARTBEATS: usize = 6;

/// An error of apalis' storage.
pub(crate) use apalis_sqlite::Error as TaskError;

/// The migrations of apalis' own tables.
pub(crate) fn migrations() -> Migrator {
    SqliteStorage::<()>::migrations()
}

fn config(queue: &str) -> apalis_sqlite::Config {
    apalis_sqlite::Config::default()
        .queue(queue)
        .batch_size(1)
        .heartbeat_interval(HEARTBEAT)
        .missed_heartbeats(MISSED_HEARTBEATS)
        .lock_tasks(false)
}

/// Builds a worker loop over one lane's queue.
pub(crate) fn worker_loop(
    pool: &SqlitePool,
    queue: &str,
    worker: &LaneWorker,
    tick: Tick,
    deliver: Arc<dyn Deliver>,
) -> WorkerLoop {
    let backend = SqliteStorage::<Delivery>::new(pool)
        .with_config(config(queue))
        .with_codec(DeliveryCodec)
        .poll_with_strategy(tick);
    build_worker_loop!(backend, worker, deliver, None)
}

/// Writes a job's task into apalis' table, in the caller's transaction.
pub(crate) async fn push_task(
    connection: &mut SqliteConnection,
    queue: &str,
    job: JobId,
    task: Ulid,
) -> Result<(), TaskError> {
    let task = TaskBuilder::new(Delivery::encode(job))
        .task_id(TaskId::from_ulid(task))
        .build();
    apalis_sqlite::queries::push_tasks(connection, queue, &[task]).await?;
    Ok(())
}
