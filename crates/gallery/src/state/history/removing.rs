//! Removes runs and pictures, and lists the files that they leave.

use clippy_core::history::{Leftover, LeftoverKind};
use clippy_core::{Error, Result};
use sqlx::{Sqlite, SqlitePool, Transaction};

use super::super::failed;

type Writing = Transaction<'static, Sqlite>;

/// Removes a picture, or all pictures of a run.
pub(super) async fn remove(
    transaction: &mut Writing,
    id: &str,
    index: Option<u32>,
) -> Result<bool> {
    let pictures: Vec<(i64, i64)> = sqlx::query_as(
        "SELECT run, picture FROM made_picture WHERE run = (SELECT number FROM made_run WHERE id \
         = ?1) AND (?2 IS NULL OR picture = ?2)",
    )
    .bind(id)
    .bind(index)
    .fetch_all(&mut **transaction)
    .await
    .map_err(failed)?;
    remove_pictures(transaction, &pictures).await?;
    Ok(!pictures.is_empty())
}

/// Removes pictures of runs that are older, the oldest first.
pub(super) async fn remove_older(
    transaction: &mut Writing,
    before: i64,
    limit: usize,
) -> Result<u64> {
    let pictures: Vec<(i64, i64)> = sqlx::query_as(
        "SELECT run, picture FROM made_picture JOIN made_run ON number = run WHERE at < ? AND \
         favourite = 0 ORDER BY at, number LIMIT ?",
    )
    .bind(before)
    .bind(i64::try_from(limit).unwrap_or(i64::MAX))
    .fetch_all(&mut **transaction)
    .await
    .map_err(failed)?;
    remove_pictures(transaction, &pictures).await?;
    Ok(pictures.len() as u64)
}

async fn remove_pictures(transaction: &mut Writing, pictures: &[(i64, i64)]) -> Result<()> {
    for (run, picture) in pictures {
        sqlx::query(
            "INSERT OR IGNORE INTO made_leftover (kind, sha256) SELECT 'picture', sha256 FROM \
             made_picture WHERE run = ? AND picture = ?",
        )
        .bind(run)
        .bind(picture)
        .execute(&mut **transaction)
        .await
        .map_err(failed)?;
        sqlx::query("DELETE FROM made_picture WHERE run = ? AND picture = ?")
            .bind(run)
            .bind(picture)
            .execute(&mut **transaction)
            .await
            .map_err(failed)?;
    }
    let mut runs: Vec<i64> = pictures.iter().map(|(run, _)| *run).collect();
    runs.dedup();
    for run in runs {
        // A run without pictures needs its inputs no longer.
        let empty = "NOT EXISTS (SELECT 1 FROM made_picture WHERE run = ?1)";
        let inputs = sqlx::AssertSqlSafe(format!(
            "INSERT OR IGNORE INTO made_leftover (kind, sha256) SELECT 'input', sha256 FROM \
             made_input WHERE run = ?1 AND {empty}"
        ));
        let gone = sqlx::AssertSqlSafe(format!(
            "DELETE FROM made_run WHERE number = ?1 AND {empty}"
        ));
        for statement in [inputs, gone] {
            let done = sqlx::query(statement).bind(run);
            done.execute(&mut **transaction).await.map_err(failed)?;
        }
    }
    Ok(())
}

pub(super) async fn leftovers(pool: &SqlitePool, limit: usize) -> Result<Vec<Leftover>> {
    let rows: Vec<(String, String)> =
        sqlx::query_as("SELECT kind, sha256 FROM made_leftover ORDER BY number LIMIT ?")
            .bind(i64::try_from(limit).unwrap_or(i64::MAX))
            .fetch_all(pool)
            .await
            .map_err(failed)?;
    let leftover = |(kind, sha256): (String, String)| {
        let kind = match kind.as_str() {
            "picture" => LeftoverKind::Picture,
            "input" => LeftoverKind::Input,
            other => {
                return Err(Error::internal(format!(
                    "the database contains a leftover of the unknown kind {other}"
                )));
            }
        };
        Ok(Leftover { kind, sha256 })
    };
    rows.into_iter().map(leftover).collect()
}

pub(super) async fn needs(pool: &SqlitePool, file: &Leftover) -> Result<bool> {
    let statement = match file.kind {
        LeftoverKind::Picture => "SELECT EXISTS (SELECT 1 FROM made_picture WHERE sha256 = ?)",
        LeftoverKind::Input => "SELECT EXISTS (SELECT 1 FROM made_input WHERE sha256 = ?)",
    };
    sqlx::query_scalar(statement)
        .bind(&file.sha256)
        .fetch_one(pool)
        .await
        .map_err(failed)
}
