//! Links to boards.

use clippy_core::Result;
use clippy_core::boards::{Board, BoardRef, MOST_SHARES, NewShare, Share, too_many_shares};
use clippy_core::trash::now;
use sqlx::{Sqlite, Transaction};
use uuid::Uuid;

use super::rows::{BoardRow, board_id, read_items};
use super::{EmbeddedState, failed, number_in, number_out, read_board, select_boards};

#[derive(sqlx::FromRow)]
struct ShareRow {
    id: String,
    created_at: i64,
    expires_at: i64,
}

impl ShareRow {
    fn share(self) -> Result<Share> {
        Ok(Share {
            id: board_id(&self.id)?,
            created_at: number_out(self.created_at)?,
            expires_at: number_out(self.expires_at)?,
        })
    }
}

pub(super) async fn add(
    state: &EmbeddedState,
    owner: &str,
    board: BoardRef,
    link: &NewShare,
) -> Result<Share> {
    let mut transaction = state.writing(owner, board).await?;
    let board = read_board(&mut transaction, owner, board).await?;
    // Links that expired are of no use to anybody.
    sqlx::query("DELETE FROM board_share WHERE expires_at <= ?")
        .bind(number_in(now())?)
        .execute(&mut *transaction)
        .await
        .map_err(failed)?;
    if read(&mut transaction, board.id, 0).await?.len() >= MOST_SHARES {
        return Err(too_many_shares());
    }
    sqlx::query(
        "INSERT INTO board_share (id, board, token, created_at, expires_at) VALUES (?, ?, ?, ?, ?)",
    )
    .bind(link.share.id.to_string())
    .bind(board.id.to_string())
    .bind(link.digest().to_vec())
    .bind(number_in(link.share.created_at)?)
    .bind(number_in(link.share.expires_at)?)
    .execute(&mut *transaction)
    .await
    .map_err(failed)?;
    transaction.commit().await.map_err(failed)?;
    Ok(link.share.clone())
}

async fn read(
    transaction: &mut Transaction<'static, Sqlite>,
    board: Uuid,
    now: u64,
) -> Result<Vec<Share>> {
    let rows: Vec<ShareRow> = sqlx::query_as(
        "SELECT id, created_at, expires_at FROM board_share WHERE board = ? AND expires_at > ? \
         ORDER BY id",
    )
    .bind(board.to_string())
    .bind(number_in(now)?)
    .fetch_all(&mut **transaction)
    .await
    .map_err(failed)?;
    rows.into_iter().map(ShareRow::share).collect()
}

pub(super) async fn list(
    state: &EmbeddedState,
    owner: &str,
    board: BoardRef,
    now: u64,
) -> Result<Vec<Share>> {
    let mut transaction = state.reading(owner, board).await?;
    let board = read_board(&mut transaction, owner, board).await?;
    read(&mut transaction, board.id, now).await
}

pub(super) async fn revoke(
    state: &EmbeddedState,
    owner: &str,
    board: BoardRef,
    share: Uuid,
) -> Result<bool> {
    let mut transaction = state.writing(owner, board).await?;
    let board = read_board(&mut transaction, owner, board).await?;
    let done = sqlx::query("DELETE FROM board_share WHERE board = ? AND id = ?")
        .bind(board.id.to_string())
        .bind(share.to_string())
        .execute(&mut *transaction)
        .await
        .map_err(failed)?;
    transaction.commit().await.map_err(failed)?;
    Ok(done.rows_affected() > 0)
}

pub(super) async fn open(
    state: &EmbeddedState,
    digest: &[u8; 32],
    now: u64,
) -> Result<Option<(Board, u64)>> {
    let mut transaction = state.pool.begin().await.map_err(failed)?;
    let found: Option<(String, i64)> = sqlx::query_as(
        "SELECT board, expires_at FROM board_share WHERE token = ? AND expires_at > ?",
    )
    .bind(digest.to_vec())
    .bind(number_in(now)?)
    .fetch_optional(&mut *transaction)
    .await
    .map_err(failed)?;
    let Some((id, until)) = found else {
        return Ok(None);
    };
    let row: BoardRow = sqlx::query_as(select_boards!("WHERE id = ?"))
        .bind(&id)
        .fetch_one(&mut *transaction)
        .await
        .map_err(failed)?;
    let items = read_items(&mut transaction, &row.id).await?;
    Ok(Some((row.board(items)?, number_out(until)?)))
}
