//! Jobs in one SQLite file, carried by apalis-sqlite: for `clippy serve` without Redis.
//!
//! The tables are in `migrations/jobs`. Every change is one `BEGIN IMMEDIATE` transaction, which
//! takes the write lock before it reads. Notices stay in this process; another process that uses
//! the same file finds work by polling.

mod callers;
mod change;
mod damaged_rows;
mod lanes;
mod record;
mod runs;
mod store;
mod sweep;

use std::path::Path;
use std::str::FromStr;
use std::sync::atomic::AtomicI64;
use std::time::Duration;

use clippy_core::{Error, ErrorCode, Result};
use parking_lot::Mutex;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Connection as _, SqliteConnection, SqlitePool};
use tokio::sync::broadcast;

use crate::damage::Damage;
use crate::events::EventNotice;
use crate::redis::LaneLimits;
use crate::transport::sqlite::TaskError;
use crate::transport::{self, Control};

/// How long a transaction waits for the write lock.
const BUSY: Duration = Duration::from_secs(10);
const NOTICES: usize = 4_096;
/// The number of connections to the file.
const CONNECTIONS: u32 = 6;

/// Settings of a [`SqliteJobs`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqliteSettings {
    /// How long finished jobs and their events are kept.
    pub keep_finished: Duration,
    /// How many finished jobs are kept, the newest.
    pub max_finished: u64,
    /// How long an idempotency key is remembered.
    pub keep_idempotency: Duration,
    /// Jobs that may wait in a lane.
    pub limits: LaneLimits,
}

impl Default for SqliteSettings {
    fn default() -> Self {
        Self {
            keep_finished: Duration::from_secs(30 * 24 * 3_600),
            max_finished: 100_000,
            keep_idempotency: Duration::from_secs(24 * 3_600),
            limits: LaneLimits::default(),
        }
    }
}

/// A job store in one SQLite file.
#[derive(Debug)]
pub struct SqliteJobs {
    pool: SqlitePool,
    settings: SqliteSettings,
    events: broadcast::Sender<EventNotice>,
    control: broadcast::Sender<Control>,
    swept: Mutex<LastSweep>,
    /// When the first delayed job is due, as far as this process knows. The sweep reads the time
    /// from the file.
    next_due: AtomicI64,
    damage: Damage,
    /// Makes task ids. Tasks are fetched in the order of their ids, so these increase even within a
    /// millisecond.
    tasks: Mutex<ulid::Generator>,
    /// Keeps a database in memory.
    keeper: Option<Mutex<SqliteConnection>>,
}

/// When this process last swept the store. All times are in milliseconds since 1970.
#[derive(Debug, Default)]
struct LastSweep {
    last: Option<i64>,
    /// When old data was last dropped.
    tidied: Option<i64>,
    /// After a time without sweeps, no lease is ended before this.
    mercy_until: i64,
}

impl SqliteJobs {
    /// Opens the file, or creates it, and migrates its tables.
    ///
    /// # Errors
    /// `Unavailable`, naming the file, when it cannot be opened or is not a job file.
    pub async fn open(file: &Path, settings: SqliteSettings) -> Result<Self> {
        // Pragmas belong to a connection. apalis' own `setup` would set them on one of the pool's
        // only, and `synchronous` to OFF.
        let options = SqliteConnectOptions::new()
            .filename(file)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            // Acknowledged changes must survive a power cut. With NORMAL, the log is synced only
            // when it is copied back into the file.
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(BUSY)
            .foreign_keys(true);
        let pool = SqlitePoolOptions::new().max_connections(CONNECTIONS);
        Self::connect(&file.display().to_string(), pool, options, settings).await
    }

    /// Makes a store in memory, for tests: the same tables and statements, without a file. It ends
    /// with its owner.
    ///
    /// # Errors
    /// `Unavailable` when SQLite fails.
    pub async fn in_memory(settings: SqliteSettings) -> Result<Self> {
        let memory = ":memory:";
        let options = SqliteConnectOptions::from_str("sqlite::memory:")
            .map_err(|error| cannot_open(memory, error))?
            .foreign_keys(true);
        // The database lives as long as one of its connections. The pool may close its own, when a
        // caller is cancelled in the middle of a call.
        let keeper = options.connect().await;
        let keeper = keeper.map_err(|error| cannot_open(memory, error))?;
        // Connections to one database in memory lock each other out instead of waiting.
        let pool = SqlitePoolOptions::new().max_connections(1);
        let mut jobs = Self::connect(memory, pool, options, settings).await?;
        jobs.keeper = Some(Mutex::new(keeper));
        Ok(jobs)
    }

    async fn connect(
        file: &str,
        pool: SqlitePoolOptions,
        options: SqliteConnectOptions,
        settings: SqliteSettings,
    ) -> Result<Self> {
        let failed = |error: sqlx::Error| cannot_open(file, error);
        let pool = pool
            .acquire_timeout(Duration::from_secs(30))
            // On a full disk, SQLite ends a transaction by itself, which sqlx does not notice: the
            // connection would refuse all further ones.
            .before_acquire(|connection, _| Box::pin(async { Ok(!connection.is_in_transaction()) }))
            .connect_with(options)
            .await
            .map_err(failed)?;
        // apalis' migrations and ours are recorded in one table, and each must ignore the other's.
        let mut theirs = transport::sqlite::migrations();
        theirs.set_ignore_missing(true);
        let mut ours = sqlx::migrate!("../../migrations/jobs");
        ours.set_ignore_missing(true);
        theirs
            .run(&pool)
            .await
            .map_err(|error| failed(error.into()))?;
        ours.run(&pool)
            .await
            .map_err(|error| failed(error.into()))?;
        let (events, control) = (broadcast::channel(NOTICES).0, broadcast::channel(NOTICES).0);
        Ok(Self {
            pool,
            settings,
            events,
            control,
            swept: Mutex::default(),
            // 0 means unknown, so the first check reads the file.
            next_due: AtomicI64::new(0),
            damage: Damage::default(),
            tasks: Mutex::default(),
            keeper: None,
        })
    }

    /// Returns the next task's id, above all earlier ones.
    fn next_task(&self) -> ulid::Ulid {
        let mut tasks = self.tasks.lock();
        match tasks.generate() {
            Ok(id) => id,
            Err(overflow) => overflow.commit_overflow_increment(),
        }
    }

    /// Closes the file after the calls in progress have ended.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX / 4)
}

fn cannot_open(file: &str, error: sqlx::Error) -> Error {
    let message = format!("The job file {file} cannot be opened: {error}");
    Error::new(ErrorCode::Unavailable, message).with_source(error)
}

/// Turns an error of SQLite into one for the caller.
fn unavailable(error: sqlx::Error) -> Error {
    // No room for the file (13), or for SQLite's list of pages in memory (4874).
    let code = error.as_database_error().and_then(|error| error.code());
    if matches!(code.as_deref(), Some("13" | "4874")) {
        return Error::disk_full("the job file cannot be written", error);
    }
    let message = match &error {
        sqlx::Error::Database(inner) if inner.message().contains("locked") => {
            "Another process has been writing to the job file for too long. Try again in a moment"
        }
        sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => {
            return Error::internal(format!("a stored record cannot be read ({error})"))
                .with_source(error);
        }
        _ => "The job file cannot be read or written",
    };
    Error::new(ErrorCode::Unavailable, format!("{message} ({error})")).with_source(error)
}

fn unavailable_task(error: TaskError) -> Error {
    match error {
        TaskError::Database(error) => unavailable(error),
        other => Error::internal("apalis could not write a task").with_source(other),
    }
}

fn damaged(name: &str) -> Error {
    Error::internal(format!("a stored job's field \"{name}\" cannot be read"))
}

fn parsed<T: FromStr>(name: &str, text: &str) -> Result<T> {
    text.parse().map_err(|_| damaged(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn every_connection_syncs_a_change_before_it_is_acknowledged() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("jobs.db");
        let jobs = SqliteJobs::open(&file, SqliteSettings::default())
            .await
            .expect("a store");
        let mut connections = Vec::new();
        for _ in 0..CONNECTIONS {
            connections.push(jobs.pool.acquire().await.expect("a connection"));
        }
        for connection in &mut connections {
            let level: i64 = sqlx::query_scalar("PRAGMA synchronous")
                .fetch_one(&mut **connection)
                .await
                .expect("a level");
            assert_eq!(level, 2, "FULL: the log is synced before a commit returns");
        }
    }
}
