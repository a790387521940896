//! apalis' worker loop, tables and tasks in SQLite.

use std::sync::Arc;
use std::time::Duration;

use apalis_core::backend::ext::BackendExt;
use apalis_core::task::builder::TaskBuilder;
use apalis_core::task::task_id::TaskId;
use apalis_sqlite::SqliteStorage;
use sqlx::migrate::Migrator;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, SqliteConnection, SqlitePool};
use ulid::Ulid;

use super::worker_loop::{DeliveryCodec, WorkerLoop, build_worker_loop};
use super::{Deliver, Delivery, LaneWorker, Tick};
use crate::record::{JobId, Lane};

/// The store's sweep finds silent workers first; apalis' own search is only a safeguard.
const HEARTBEAT: Duration = Duration::from_secs(20);
const MISSED_HEARTBEATS: usize = 6;

/// An error of apalis' storage.
pub(crate) use apalis_sqlite::Error as TaskError;

/// Whether there is a task with this id that a worker may still run.
macro_rules! has_task {
    ($id:literal) => {
        concat!(
            "EXISTS (SELECT 1 FROM Jobs WHERE Jobs.id = ",
            $id,
            " AND Jobs.status IN ('Pending', 'Queued', 'Running'))"
        )
    };
}

/// The rows of ended tasks.
macro_rules! ended_tasks {
    () => {
        "SELECT rowid FROM Jobs WHERE status IN ('Done', 'Failed', 'Killed')"
    };
}

pub(crate) use {ended_tasks, has_task};

/// Queues the tasks of a worker again.
pub(crate) const PUT_TASKS_BACK: &str = "UPDATE Jobs SET status = 'Pending', lock_by = NULL, \
                                         lock_at = NULL WHERE lock_by = ? AND status IN \
                                         ('Queued', 'Running')";
/// Deletes the ended tasks of a worker.
pub(crate) const DELETE_TASKS_OF_WORKER: &str = "DELETE FROM Jobs WHERE lock_by = ? AND status \
                                                 NOT IN ('Pending', 'Queued', 'Running')";
/// Deletes a worker. Rows of its ended tasks refer to it.
pub(crate) const DELETE_WORKER: &str = "DELETE FROM Workers WHERE id = ?";
/// Reports that workers are alive; their names follow, and a closing bracket.
pub(crate) const KEEP_WORKERS_ALIVE: &str = "UPDATE Workers SET last_seen = strftime('%s', \
                                             'now') WHERE id IN (";
/// The tasks that a worker holds, and those at the head of a queue: those that it may fetch next.
pub(crate) const NEXT_TASKS: &str = "SELECT rowid, * FROM Jobs WHERE lock_by = ?1 AND status IN \
                                     ('Queued', 'Running') UNION ALL SELECT * FROM (SELECT \
                                     rowid, * FROM Jobs WHERE job_type = ?2 AND status IN \
                                     ('Pending', 'Failed') ORDER BY priority DESC, run_at, id \
                                     LIMIT 100)";
/// Deletes a task.
pub(crate) const DELETE_TASK: &str = "DELETE FROM Jobs WHERE rowid = ?";
/// Deletes some ended tasks.
pub(crate) const DELETE_ENDED_TASKS: &str = concat!(
    "DELETE FROM Jobs WHERE rowid IN (",
    ended_tasks!(),
    " LIMIT 5000)"
);

/// The name of a lane's queue.
pub(crate) fn queue_name(lane: Lane) -> String {
    format!("clippy:{lane}")
}

/// Whether apalis can read the row as a task.
pub(crate) fn is_readable(row: &SqliteRow) -> bool {
    let is_text = |column: &str| row.try_get_unchecked::<Option<String>, _>(column);
    let id = is_text("id")
        .ok()
        .flatten()
        .is_some_and(|id| Ulid::from_string(&id).is_ok());
    let number = |column: &str| {
        row.try_get_unchecked::<Option<i64>, _>(column)
            .is_ok_and(|value| value.is_some())
    };
    let texts = [
        "job_type",
        "lock_by",
        "metadata",
        "idempotency_key",
        "last_result",
    ];
    id && number("attempts")
        && number("run_at")
        && texts.into_iter().all(|column| is_text(column).is_ok())
}

/// The migrations of apalis' own tables.
pub(crate) fn migrations() -> Migrator {
    SqliteStorage::<()>::migrations()
}

fn config(lane: Lane) -> apalis_sqlite::Config {
    apalis_sqlite::Config::default()
        .queue(queue_name(lane))
        .batch_size(1)
        .heartbeat_interval(HEARTBEAT)
        .missed_heartbeats(MISSED_HEARTBEATS)
        .lock_tasks(false)
}

/// Builds a worker loop over one lane's queue.
pub(crate) fn worker_loop(
    pool: &SqlitePool,
    worker: &LaneWorker,
    tick: Tick,
    deliver: Arc<dyn Deliver>,
) -> WorkerLoop {
    let backend = SqliteStorage::<Delivery>::new(pool)
        .with_config(config(worker.lane))
        .with_codec(DeliveryCodec)
        .poll_with_strategy(tick);
    build_worker_loop!(backend, worker, deliver, None)
}

/// Writes a job's task into apalis' table, in the caller's transaction.
pub(crate) async fn push_task(
    connection: &mut SqliteConnection,
    lane: Lane,
    job: JobId,
    task: Ulid,
) -> Result<(), TaskError> {
    let task = TaskBuilder::new(Delivery::encode(job))
        .task_id(TaskId::from_ulid(task))
        .build();
    apalis_sqlite::queries::push_tasks(connection, &queue_name(lane), &[task]).await?;
    Ok(())
}
