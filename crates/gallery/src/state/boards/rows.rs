//! The rows of boards and of their pictures.

use clippy_core::boards::{Board, BoardItem, BoardRole, BoardSummary, COVERS};
use clippy_core::ids::PointId;
use clippy_core::{Error, Result};
use sqlx::{Sqlite, Transaction};
use uuid::Uuid;

use super::{failed, number_in, number_out};

#[derive(sqlx::FromRow)]
pub(super) struct BoardRow {
    pub(super) id: String,
    owner: String,
    name: String,
    saved: bool,
    version: i64,
    created_at: i64,
    changed_at: i64,
}

#[derive(sqlx::FromRow)]
pub(super) struct ItemRow {
    picture: String,
    role: String,
    weight: f64,
    note: String,
    added_at: i64,
}

impl BoardRow {
    pub(super) fn board(self, items: Vec<ItemRow>) -> Result<Board> {
        Ok(Board {
            id: board_id(&self.id)?,
            owner: self.owner,
            name: self.name,
            saved: self.saved,
            version: number_out(self.version)?,
            created_at: number_out(self.created_at)?,
            changed_at: number_out(self.changed_at)?,
            items: items
                .into_iter()
                .map(ItemRow::item)
                .collect::<Result<_>>()?,
        })
    }
}

impl ItemRow {
    fn item(self) -> Result<BoardItem> {
        let role = BoardRole::named(&self.role).ok_or_else(|| {
            Error::internal(format!("a board has a picture with the role {}", self.role))
        })?;
        Ok(BoardItem {
            picture: self.picture.parse()?,
            role,
            weight: self.weight,
            note: self.note,
            added_at: number_out(self.added_at)?,
        })
    }
}

pub(super) fn board_id(text: &str) -> Result<Uuid> {
    text.parse().map_err(|error: uuid::Error| {
        Error::internal(format!("{text} is no id of a board")).with_source(error)
    })
}

/// Reads the pictures of a board, in their order.
pub(super) async fn read_items(
    transaction: &mut Transaction<'static, Sqlite>,
    board: &str,
) -> Result<Vec<ItemRow>> {
    sqlx::query_as(
        "SELECT picture, role, weight, note, added_at FROM board_item WHERE board = ? ORDER BY \
         position",
    )
    .bind(board)
    .fetch_all(&mut **transaction)
    .await
    .map_err(failed)
}

/// Describes a board without reading all of its pictures.
pub(super) async fn summary(
    transaction: &mut Transaction<'static, Sqlite>,
    row: BoardRow,
    now: u64,
) -> Result<BoardSummary> {
    let (count, shared): (i64, bool) = sqlx::query_as(
        "SELECT (SELECT COUNT(*) FROM board_item WHERE board = ?1), EXISTS (SELECT 1 FROM \
         board_share WHERE board = ?1 AND expires_at > ?2)",
    )
    .bind(&row.id)
    .bind(number_in(now)?)
    .fetch_one(&mut **transaction)
    .await
    .map_err(failed)?;
    let covers: Vec<String> = sqlx::query_scalar(
        "SELECT picture FROM board_item WHERE board = ? ORDER BY position LIMIT ?",
    )
    .bind(&row.id)
    .bind(i64::try_from(COVERS).unwrap_or(i64::MAX))
    .fetch_all(&mut **transaction)
    .await
    .map_err(failed)?;
    let covers: Result<Vec<PointId>> = covers.iter().map(|picture| picture.parse()).collect();
    Ok(BoardSummary {
        covers: covers?,
        count: usize::try_from(number_out(count)?).unwrap_or(usize::MAX),
        shared,
        ..row.board(Vec::new())?.summary(shared)
    })
}

/// Adds a board with its pictures.
pub(super) async fn insert_board(
    transaction: &mut Transaction<'static, Sqlite>,
    board: &Board,
) -> Result<()> {
    sqlx::query(
        "INSERT INTO board (id, owner, name, saved, version, created_at, changed_at) VALUES (?, ?, \
         ?, ?, ?, ?, ?)",
    )
    .bind(board.id.to_string())
    .bind(&board.owner)
    .bind(&board.name)
    .bind(board.saved)
    .bind(number_in(board.version)?)
    .bind(number_in(board.created_at)?)
    .bind(number_in(board.changed_at)?)
    .execute(&mut **transaction)
    .await
    .map_err(failed)?;
    for (position, item) in board.items.iter().enumerate() {
        set_item(transaction, board.id, position, item).await?;
    }
    Ok(())
}

/// Writes a board's name, version and time.
pub(super) async fn update_board(
    transaction: &mut Transaction<'static, Sqlite>,
    board: &Board,
) -> Result<()> {
    sqlx::query("UPDATE board SET name = ?, version = ?, changed_at = ? WHERE id = ?")
        .bind(&board.name)
        .bind(number_in(board.version)?)
        .bind(number_in(board.changed_at)?)
        .bind(board.id.to_string())
        .execute(&mut **transaction)
        .await
        .map_err(failed)?;
    Ok(())
}

/// Writes a picture of a board.
pub(super) async fn set_item(
    transaction: &mut Transaction<'static, Sqlite>,
    board: Uuid,
    position: usize,
    item: &BoardItem,
) -> Result<()> {
    sqlx::query(
        "INSERT OR REPLACE INTO board_item (board, picture, position, role, weight, note, \
         added_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(board.to_string())
    .bind(item.picture.to_string())
    .bind(number_in(position as u64)?)
    .bind(item.role.name())
    .bind(item.weight)
    .bind(&item.note)
    .bind(number_in(item.added_at)?)
    .execute(&mut **transaction)
    .await
    .map_err(failed)?;
    Ok(())
}

/// Removes a picture of a board.
pub(super) async fn delete_item(
    transaction: &mut Transaction<'static, Sqlite>,
    board: Uuid,
    picture: PointId,
) -> Result<()> {
    sqlx::query("DELETE FROM board_item WHERE board = ? AND picture = ?")
        .bind(board.to_string())
        .bind(picture.to_string())
        .execute(&mut **transaction)
        .await
        .map_err(failed)?;
    Ok(())
}
