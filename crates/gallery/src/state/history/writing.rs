//! Records runs and their pictures.

use clippy_core::history::{HistoryEntry, HistoryPicture};
use clippy_core::{Error, Result};
use sqlx::{Sqlite, Transaction};

use super::super::{failed, number_in};

type Writing = Transaction<'static, Sqlite>;

/// Writes a run with everything that belongs to it, over what is there under its id.
pub(super) async fn record(transaction: &mut Writing, entry: &HistoryEntry) -> Result<()> {
    let number = write_run(transaction, entry).await?;
    for table in ["made_reference", "made_style", "made_input"] {
        // The names are those above.
        let statement = sqlx::AssertSqlSafe(format!("DELETE FROM {table} WHERE run = ?"));
        let done = sqlx::query(statement).bind(number);
        done.execute(&mut **transaction).await.map_err(failed)?;
    }
    write_parts(transaction, number, entry).await?;
    for picture in &entry.pictures {
        let replaces = "ON CONFLICT (run, picture) DO UPDATE SET sha256 = excluded.sha256, \
                        media_type = excluded.media_type, width = excluded.width, height = \
                        excluded.height, size = excluded.size, seed = excluded.seed";
        write_picture(transaction, number, picture, replaces).await?;
    }
    Ok(())
}

/// Adds a run, or those of its pictures that are not known.
pub(super) async fn import(transaction: &mut Writing, entry: &HistoryEntry) -> Result<()> {
    let mut unknown = Vec::new();
    for picture in &entry.pictures {
        let known: bool = sqlx::query_scalar(
            "SELECT EXISTS (SELECT 1 FROM made_picture WHERE sha256 = ?1) OR EXISTS (SELECT 1 \
             FROM made_leftover WHERE kind = 'picture' AND sha256 = ?1)",
        )
        .bind(&picture.sha256)
        .fetch_one(&mut **transaction)
        .await
        .map_err(failed)?;
        if !known {
            unknown.push(picture);
        }
    }
    if unknown.is_empty() {
        return Ok(());
    }
    let there: Option<i64> = sqlx::query_scalar("SELECT number FROM made_run WHERE id = ?")
        .bind(&entry.id)
        .fetch_optional(&mut **transaction)
        .await
        .map_err(failed)?;
    let number = match there {
        Some(number) => number,
        None => {
            let number = write_run(transaction, entry).await?;
            write_parts(transaction, number, entry).await?;
            number
        }
    };
    for picture in unknown {
        write_picture(
            transaction,
            number,
            picture,
            "ON CONFLICT (run, picture) DO NOTHING",
        )
        .await?;
    }
    Ok(())
}

async fn write_run(transaction: &mut Writing, entry: &HistoryEntry) -> Result<i64> {
    let facts = serde_json::to_string(&entry.facts)
        .map_err(|error| Error::internal("an entry of the history").with_source(error))?;
    sqlx::query_scalar(
        "INSERT INTO made_run (id, owner, at, chain, parent, parent_picture, words, \
         further_words, findable, facts) VALUES (?1, ?2, ?3, COALESCE((SELECT chain FROM made_run \
         WHERE id = ?4 AND owner IS ?2), ?1), ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT (id) DO UPDATE \
         SET owner = excluded.owner, at = excluded.at, chain = excluded.chain, parent = \
         excluded.parent, parent_picture = excluded.parent_picture, words = excluded.words, \
         further_words = excluded.further_words, findable = excluded.findable, facts = \
         excluded.facts RETURNING number",
    )
    .bind(&entry.id)
    .bind(&entry.owner)
    .bind(entry.at)
    .bind(entry.parent.as_ref().map(|parent| &parent.id))
    .bind(entry.parent.as_ref().map(|parent| parent.index))
    .bind(&entry.words)
    .bind(&entry.further_words)
    .bind(entry.findable())
    .bind(facts)
    .fetch_one(&mut **transaction)
    .await
    .map_err(failed)
}

async fn write_parts(transaction: &mut Writing, number: i64, entry: &HistoryEntry) -> Result<()> {
    for (place, point) in (0_i64..).zip(&entry.references) {
        sqlx::query("INSERT INTO made_reference (run, place, point) VALUES (?, ?, ?)")
            .bind(number)
            .bind(place)
            .bind(point.to_string())
            .execute(&mut **transaction)
            .await
            .map_err(failed)?;
    }
    for (place, style) in (0_i64..).zip(&entry.styles) {
        sqlx::query("INSERT INTO made_style (run, place, style) VALUES (?, ?, ?)")
            .bind(number)
            .bind(place)
            .bind(style)
            .execute(&mut **transaction)
            .await
            .map_err(failed)?;
    }
    for input in &entry.inputs {
        sqlx::query("INSERT OR IGNORE INTO made_input (run, sha256, size) VALUES (?, ?, ?)")
            .bind(number)
            .bind(&input.sha256)
            .bind(number_in(input.size)?)
            .execute(&mut **transaction)
            .await
            .map_err(failed)?;
    }
    Ok(())
}

async fn write_picture(
    transaction: &mut Writing,
    run: i64,
    picture: &HistoryPicture,
    on_conflict: &'static str,
) -> Result<()> {
    let statement = sqlx::AssertSqlSafe(format!(
        "INSERT INTO made_picture (run, picture, sha256, media_type, width, height, size, seed, \
         favourite) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) {on_conflict}"
    ));
    sqlx::query(statement)
        .bind(run)
        .bind(picture.index)
        .bind(&picture.sha256)
        .bind(&picture.media_type)
        .bind(picture.width)
        .bind(picture.height)
        .bind(number_in(picture.size)?)
        .bind(picture.seed.map(u64::cast_signed))
        .bind(picture.favourite)
        .execute(&mut **transaction)
        .await
        .map_err(failed)?;
    Ok(())
}
