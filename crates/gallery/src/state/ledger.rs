//! The ledgers of ingests in the embedded database.

use std::time::{SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use clippy_core::ids::PointId;
use clippy_core::ledger::{FailureKind, Ledger, LedgerTotals, LineOutcome, LineRecord};
use clippy_core::{Error, Result};
use sqlx::{Sqlite, Transaction};
use uuid::Uuid;

use super::{EmbeddedState, failed, number_in, number_out};

const EMBEDDED: &str = "embedded";
const UNCHANGED: &str = "unchanged";
const DUPLICATE: &str = "duplicate_of";
const SKIPPED: &str = "skipped";
const FAILED: &str = "failed";

fn now() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |passed| {
            i64::try_from(passed.as_secs()).unwrap_or(i64::MAX)
        })
}

fn unknown(run: Uuid) -> Error {
    Error::not_found(format!("there is no ledger {run}"))
}

impl EmbeddedState {
    /// Begins a write to an existing ledger.
    async fn write_run(&self, run: Uuid) -> Result<Transaction<'static, Sqlite>> {
        let mut transaction = self.write().await?;
        let there: Option<i64> = sqlx::query_scalar("SELECT 1 FROM ledger_run WHERE id = ?")
            .bind(run.to_string())
            .fetch_optional(&mut *transaction)
            .await
            .map_err(failed)?;
        there.map(|_| transaction).ok_or_else(|| unknown(run))
    }
}

#[async_trait]
impl Ledger for EmbeddedState {
    async fn begin(&self, manifest: &str) -> Result<Uuid> {
        let run = Uuid::now_v7();
        let mut transaction = self.write().await?;
        sqlx::query("INSERT INTO ledger_run (id, manifest, started_at) VALUES (?, ?, ?)")
            .bind(run.to_string())
            .bind(manifest)
            .bind(now())
            .execute(&mut *transaction)
            .await
            .map_err(failed)?;
        transaction.commit().await.map_err(failed)?;
        Ok(run)
    }

    /// The first line that claims an id keeps it, so that a repeated chunk gets the same answer.
    async fn claim(&self, run: Uuid, lines: &[(u64, PointId)]) -> Result<Vec<(u64, u64)>> {
        let mut taken = Vec::new();
        let mut transaction = self.write_run(run).await?;
        let run = run.to_string();
        for (line, point) in lines {
            // The update changes nothing; it makes RETURNING return the line that exists already.
            let holder: i64 = sqlx::query_scalar(
                "INSERT INTO ledger_claim (run, point, line) VALUES (?, ?, ?) ON CONFLICT (run, \
                 point) DO UPDATE SET line = line RETURNING line",
            )
            .bind(&run)
            .bind(point.to_string())
            .bind(number_in(*line)?)
            .fetch_one(&mut *transaction)
            .await
            .map_err(failed)?;
            let holder = number_out(holder)?;
            if holder != *line {
                taken.push((*line, holder));
            }
        }
        transaction.commit().await.map_err(failed)?;
        Ok(taken)
    }

    async fn record(&self, run: Uuid, lines: &[LineRecord]) -> Result<()> {
        let mut transaction = self.write_run(run).await?;
        let run = run.to_string();
        for LineRecord { line, id, outcome } in lines {
            let (name, duplicate_of, reason) = match outcome {
                LineOutcome::Embedded => (EMBEDDED, None, None),
                LineOutcome::Unchanged => (UNCHANGED, None, None),
                LineOutcome::DuplicateOf { line } => (DUPLICATE, Some(number_in(*line)?), None),
                LineOutcome::Skipped { reason } => (SKIPPED, None, Some(reason)),
                LineOutcome::Failed { reason, .. } => (FAILED, None, Some(reason)),
            };
            sqlx::query(
                "INSERT OR REPLACE INTO ledger_line (run, line, point, outcome, duplicate_of, \
                 reason) VALUES (?, ?, ?, ?, ?, ?)",
            )
            .bind(&run)
            .bind(number_in(*line)?)
            .bind(id.map(|id| id.to_string()))
            .bind(name)
            .bind(duplicate_of)
            .bind(reason)
            .execute(&mut *transaction)
            .await
            .map_err(failed)?;
        }
        transaction.commit().await.map_err(failed)
    }

    async fn totals(&self, run: Uuid) -> Result<LedgerTotals> {
        let counts: Vec<(String, i64)> = sqlx::query_as(
            "SELECT outcome, COUNT(*) FROM ledger_line WHERE run = ? GROUP BY outcome",
        )
        .bind(run.to_string())
        .fetch_all(&self.pool)
        .await
        .map_err(failed)?;
        let mut totals = LedgerTotals::default();
        for (outcome, count) in counts {
            let count = number_out(count)?;
            totals.lines += count;
            match outcome.as_str() {
                EMBEDDED => totals.embedded = count,
                UNCHANGED => totals.unchanged = count,
                DUPLICATE => totals.duplicates = count,
                SKIPPED => totals.skipped = count,
                FAILED => totals.failed = count,
                other => {
                    return Err(Error::internal(format!(
                        "the database holds the outcome \"{other}\""
                    )));
                }
            }
        }
        Ok(totals)
    }

    async fn failures(
        &self,
        run: Uuid,
        after: Option<u64>,
        limit: usize,
    ) -> Result<Vec<LineRecord>> {
        let after = after.map_or(Ok(-1), number_in)?;
        let lines: Vec<(i64, Option<String>, Option<String>)> = sqlx::query_as(
            "SELECT line, point, reason FROM ledger_line WHERE run = ? AND outcome = ? AND line > \
             ? ORDER BY line LIMIT ?",
        )
        .bind(run.to_string())
        .bind(FAILED)
        .bind(after)
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(&self.pool)
        .await
        .map_err(failed)?;
        lines
            .into_iter()
            .map(|(line, point, reason)| {
                Ok(LineRecord {
                    line: number_out(line)?,
                    id: point.map(|point| point.parse()).transpose()?,
                    outcome: LineOutcome::Failed {
                        reason: reason.unwrap_or_default(),
                        kind: FailureKind::Other,
                    },
                })
            })
            .collect()
    }

    async fn finish(&self, run: Uuid, complete: bool) -> Result<()> {
        let mut transaction = self.write_run(run).await?;
        sqlx::query("UPDATE ledger_run SET finished_at = ?, complete = ? WHERE id = ?")
            .bind(now())
            .bind(complete)
            .bind(run.to_string())
            .execute(&mut *transaction)
            .await
            .map_err(failed)?;
        transaction.commit().await.map_err(failed)
    }
}
