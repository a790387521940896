//! The embedded database: preferences, boards, maps, deleted pictures, the ledgers of ingests
//! and the history of generated pictures, in one SQLite file.
//!
//! Every write is one `BEGIN IMMEDIATE` transaction, so that concurrent writers wait for each other
//! from their first read on and no update is lost. The log is write-ahead, so readers never wait
//! for a writer.

mod boards;
mod history;
mod known;
mod ledger;
mod maps;
mod preferences;
mod tastes;
mod trash;

use std::path::Path;
use std::time::Duration;

use clippy_core::preferences::PreferenceRule;
use clippy_core::{Error, ErrorCode, Result};
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{Connection as _, Sqlite, Transaction};

pub use self::maps::EmbeddedMaps;
pub use self::trash::EmbeddedTrash;

static MIGRATIONS: Migrator = sqlx::migrate!("../../migrations/embedded");

/// How long a writer waits for the others before it fails.
const BUSY_TIMEOUT: Duration = Duration::from_secs(30);

/// The number of connections that only read.
const READERS: u32 = 4;
/// The size of each connection's cache, in KiB below 0. The system caches the file as well.
const CACHE: &str = "-512";

/// The embedded database of one process.
#[derive(Debug, Clone)]
pub struct EmbeddedState {
    /// For reading only, so that no reader waits for the writers.
    pool: SqlitePool,
    /// One connection: writers wait for it here, and not for each other's locks.
    writer: SqlitePool,
    rule: PreferenceRule,
}

impl EmbeddedState {
    /// Opens the database file (such as `DATA_DIR/clippy.db`), or makes it, and applies pending
    /// migrations.
    ///
    /// # Errors
    /// [`ErrorCode::Conflict`] when a newer clippy made the file, [`ErrorCode::Internal`] when it
    /// cannot be used.
    pub async fn open(path: &Path, rule: PreferenceRule) -> Result<Self> {
        let shown = path.display();
        if let Some(folder) = path.parent() {
            tokio::fs::create_dir_all(folder).await.map_err(|error| {
                Error::internal(format!("{} could not be made", folder.display()))
                    .with_source(error)
            })?;
        }
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            // One fsync per write, and there are few writes: acknowledged data survives a power
            // cut, too.
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(BUSY_TIMEOUT)
            .pragma("cache_size", CACHE);
        let connections = |number| {
            SqlitePoolOptions::new()
                .max_connections(number)
                // A file does not go away as a server does.
                .test_before_acquire(false)
                // On a full disk, SQLite ends a transaction by itself, which sqlx does not notice:
                // the connection would refuse all further ones.
                .before_acquire(|connection, _| {
                    Box::pin(async { Ok(!connection.is_in_transaction()) })
                })
                .acquire_timeout(BUSY_TIMEOUT)
        };
        let writer = connections(1)
            .connect_with(options.clone())
            .await
            .map_err(|error| {
                Error::internal(format!("the database {shown} could not be opened"))
                    .with_source(error)
            })?;
        MIGRATIONS.run(&writer).await.map_err(|error| match error {
            MigrateError::VersionMissing(version) | MigrateError::VersionTooNew(version, _) => {
                Error::new(
                    ErrorCode::Conflict,
                    format!(
                        "the database {shown} has migration {version}, which this clippy does not \
                         know: use the newer clippy that made it, or name another DATA_DIR"
                    ),
                )
            }
            error => Error::internal(format!("the database {shown} could not be migrated"))
                .with_source(error),
        })?;
        let pool = connections(READERS).connect_lazy_with(options.pragma("query_only", "ON"));
        Ok(Self { pool, writer, rule })
    }

    /// Waits until everything is written, and closes the file.
    pub async fn close(&self) {
        self.pool.close().await;
        self.writer.close().await;
    }

    async fn write(&self) -> Result<Transaction<'static, Sqlite>> {
        self.writer
            .begin_with("BEGIN IMMEDIATE")
            .await
            .map_err(failed)
    }
}

/// Converts an error of the database.
fn failed(error: sqlx::Error) -> Error {
    if is_disk_full(&error) {
        return Error::disk_full("the database cannot be written", error);
    }
    let code = match &error {
        sqlx::Error::PoolTimedOut => ErrorCode::Overloaded,
        sqlx::Error::Database(database) if database.message().contains("locked") => {
            ErrorCode::Overloaded
        }
        _ => ErrorCode::Internal,
    };
    let message = match code {
        ErrorCode::Overloaded => "the database was busy for 30 s: try again later",
        _ => "the database failed",
    };
    Error::new(code, message).with_source(error)
}

/// Whether SQLite had no room: for its file (13), or for its list of pages in memory (4874).
fn is_disk_full(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|error| error.code());
    matches!(code.as_deref(), Some("13" | "4874"))
}

/// Converts a count or line number for SQLite, which has only signed numbers.
fn number_in(number: u64) -> Result<i64> {
    i64::try_from(number)
        .map_err(|_| Error::invalid(format!("{number} is too large to be a line of a manifest")))
}

fn number_out(number: i64) -> Result<u64> {
    u64::try_from(number)
        .map_err(|_| Error::internal(format!("the database contains {number} instead of a count")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_transaction_that_sqlite_ended_by_itself_does_not_block_later_ones() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("clippy.db");
        let state = EmbeddedState::open(&path, PreferenceRule::default())
            .await
            .expect("made");
        // As on a full disk: the error ends the transaction.
        let mut transaction = state.write().await.expect("begun");
        let statement = "INSERT OR ROLLBACK INTO artist (user_id) VALUES (NULL)";
        let refused = sqlx::query(statement).execute(&mut *transaction).await;
        assert!(refused.is_err());
        drop(transaction);
        for _ in 0..3 {
            let transaction = state.write().await.expect("a new connection");
            transaction.commit().await.expect("nothing to write");
        }
    }

    #[tokio::test]
    async fn a_database_of_a_newer_clippy_is_refused() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("clippy.db");
        let state = EmbeddedState::open(&path, PreferenceRule::default())
            .await
            .expect("made");
        sqlx::query(
            "INSERT INTO _sqlx_migrations (version, description, success, checksum, \
             execution_time) VALUES (99, 'future', 1, x'00', 0)",
        )
        .execute(&state.writer)
        .await
        .expect("inserted");
        state.close().await;
        let error = EmbeddedState::open(&path, PreferenceRule::default())
            .await
            .expect_err("newer");
        assert_eq!(error.code, ErrorCode::Conflict);
        assert!(error.message.contains("99"), "{}", error.message);
    }
}
