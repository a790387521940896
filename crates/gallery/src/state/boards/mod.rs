//! Boards in the embedded database.
//!
//! Every change reads the board, applies the change, and writes the rows that differ, all in one
//! `BEGIN IMMEDIATE` transaction. So the changes of two tabs are applied one after the other.

mod rows;
mod shares;

use async_trait::async_trait;
use clippy_core::Result;
use clippy_core::boards::{
    Board, BoardRef, BoardSummary, Boards, BoardsImported, Edited, MOST_BOARDS, NewShare,
    Operation, Share, merged, saved_stays, too_many_boards, unknown_board,
};
use clippy_core::trash::now;
use sqlx::{Sqlite, Transaction};
use uuid::Uuid;

use self::rows::{BoardRow, delete_item, insert_board, read_items, set_item, update_board};
use super::{EmbeddedState, failed, number_in, number_out};

/// A query for boards, with what comes after their table.
macro_rules! select_boards {
    ($rest:literal) => {
        concat!(
            "SELECT id, owner, name, saved, version, created_at, changed_at FROM board ",
            $rest
        )
    };
}
use select_boards;

/// Reads an owner's board with its pictures. *Saved* must exist.
async fn read_board(
    transaction: &mut Transaction<'static, Sqlite>,
    owner: &str,
    board: BoardRef,
) -> Result<Board> {
    let query = match board {
        BoardRef::Saved => {
            sqlx::query_as(select_boards!("WHERE owner = ? AND saved = 1")).bind(owner)
        }
        BoardRef::Id(id) => sqlx::query_as(select_boards!("WHERE owner = ? AND id = ?"))
            .bind(owner)
            .bind(id.to_string()),
    };
    let row: Option<BoardRow> = query
        .fetch_optional(&mut **transaction)
        .await
        .map_err(failed)?;
    let row = row.ok_or_else(|| match board {
        BoardRef::Saved => unknown_board("saved"),
        BoardRef::Id(id) => unknown_board(&id.to_string()),
    })?;
    let items = read_items(transaction, &row.id).await?;
    row.board(items)
}

impl EmbeddedState {
    /// Makes an owner's *Saved*, unless it exists.
    async fn ensure_saved(&self, owner: &str) -> Result<()> {
        let known: Option<i64> =
            sqlx::query_scalar("SELECT 1 FROM board WHERE owner = ? AND saved = 1")
                .bind(owner)
                .fetch_optional(&self.pool)
                .await
                .map_err(failed)?;
        if known.is_some() {
            return Ok(());
        }
        let mut transaction = self.write().await?;
        // Another call may have made it meanwhile.
        let made: i64 =
            sqlx::query_scalar("SELECT COUNT(*) FROM board WHERE owner = ? AND saved = 1")
                .bind(owner)
                .fetch_one(&mut *transaction)
                .await
                .map_err(failed)?;
        if made == 0 {
            insert_board(&mut transaction, &Board::new_saved(owner, now())).await?;
            transaction.commit().await.map_err(failed)?;
        }
        Ok(())
    }

    /// Begins to read a board.
    async fn reading(&self, owner: &str, board: BoardRef) -> Result<Transaction<'static, Sqlite>> {
        if board == BoardRef::Saved {
            self.ensure_saved(owner).await?;
        }
        self.pool.begin().await.map_err(failed)
    }

    /// Begins to change a board.
    async fn writing(&self, owner: &str, board: BoardRef) -> Result<Transaction<'static, Sqlite>> {
        if board == BoardRef::Saved {
            self.ensure_saved(owner).await?;
        }
        self.write().await
    }
}

/// Writes what differs between two states of one board.
async fn write_changes(
    transaction: &mut Transaction<'static, Sqlite>,
    before: &Board,
    after: &Board,
) -> Result<()> {
    update_board(transaction, after).await?;
    for item in &before.items {
        let mut kept = after.items.iter();
        if !kept.any(|other| other.picture == item.picture) {
            delete_item(transaction, after.id, item.picture).await?;
        }
    }
    for (position, item) in after.items.iter().enumerate() {
        if before.items.get(position) != Some(item) {
            set_item(transaction, after.id, position, item).await?;
        }
    }
    Ok(())
}

/// Returns the version of a board if another one was expected.
fn stale<T>(board: &Board, expected: Option<u64>) -> Option<Edited<T>> {
    let version = board.version;
    expected
        .is_some_and(|expected| expected != version)
        .then_some(Edited::Stale { version })
}

#[async_trait]
impl Boards for EmbeddedState {
    async fn list(&self, owner: &str, now: u64) -> Result<Vec<BoardSummary>> {
        let mut transaction = self.reading(owner, BoardRef::Saved).await?;
        let rows: Vec<BoardRow> = sqlx::query_as(select_boards!(
            "WHERE owner = ? ORDER BY saved DESC, changed_at DESC, id DESC"
        ))
        .bind(owner)
        .fetch_all(&mut *transaction)
        .await
        .map_err(failed)?;
        let mut listed = Vec::with_capacity(rows.len());
        for row in rows {
            listed.push(rows::summary(&mut transaction, row, now).await?);
        }
        Ok(listed)
    }

    async fn board(&self, owner: &str, board: BoardRef) -> Result<Board> {
        let mut transaction = self.reading(owner, board).await?;
        read_board(&mut transaction, owner, board).await
    }

    async fn add(&self, board: Board) -> Result<()> {
        let mut transaction = self.write().await?;
        let count: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM board WHERE owner = ?")
            .bind(&board.owner)
            .fetch_one(&mut *transaction)
            .await
            .map_err(failed)?;
        if number_out(count)? >= MOST_BOARDS as u64 {
            return Err(too_many_boards());
        }
        insert_board(&mut transaction, &board).await?;
        transaction.commit().await.map_err(failed)
    }

    async fn rename(
        &self,
        owner: &str,
        board: BoardRef,
        name: &str,
        expected: Option<u64>,
    ) -> Result<Edited<Board>> {
        let mut transaction = self.writing(owner, board).await?;
        let mut board = read_board(&mut transaction, owner, board).await?;
        if board.saved {
            return Err(saved_stays());
        }
        if let Some(stale) = stale(&board, expected) {
            return Ok(stale);
        }
        if board.name != name {
            name.clone_into(&mut board.name);
            board.version += 1;
            board.changed_at = now();
            update_board(&mut transaction, &board).await?;
            transaction.commit().await.map_err(failed)?;
        }
        Ok(Edited::Done(board))
    }

    async fn apply(
        &self,
        owner: &str,
        board: BoardRef,
        operations: &[Operation],
        expected: Option<u64>,
    ) -> Result<Edited<Board>> {
        let mut transaction = self.writing(owner, board).await?;
        let before = read_board(&mut transaction, owner, board).await?;
        if let Some(stale) = stale(&before, expected) {
            return Ok(stale);
        }
        let mut after = before.clone();
        if after.apply(operations, now())? {
            write_changes(&mut transaction, &before, &after).await?;
            transaction.commit().await.map_err(failed)?;
        }
        Ok(Edited::Done(after))
    }

    async fn delete(
        &self,
        owner: &str,
        board: BoardRef,
        expected: Option<u64>,
    ) -> Result<Edited<()>> {
        let mut transaction = self.writing(owner, board).await?;
        let board = read_board(&mut transaction, owner, board).await?;
        if board.saved {
            return Err(saved_stays());
        }
        if let Some(stale) = stale(&board, expected) {
            return Ok(stale);
        }
        sqlx::query("DELETE FROM board WHERE id = ?")
            .bind(board.id.to_string())
            .execute(&mut *transaction)
            .await
            .map_err(failed)?;
        transaction.commit().await.map_err(failed)?;
        Ok(Edited::Done(()))
    }

    async fn share(&self, owner: &str, board: BoardRef, share: &NewShare) -> Result<Share> {
        shares::add(self, owner, board, share).await
    }

    async fn shares(&self, owner: &str, board: BoardRef, now: u64) -> Result<Vec<Share>> {
        shares::list(self, owner, board, now).await
    }

    async fn revoke(&self, owner: &str, board: BoardRef, share: Uuid) -> Result<bool> {
        shares::revoke(self, owner, board, share).await
    }

    async fn shared(&self, digest: &[u8; 32], now: u64) -> Result<Option<(Board, u64)>> {
        shares::open(self, digest, now).await
    }

    async fn all(&self, after: Option<Uuid>, limit: usize) -> Result<Vec<Board>> {
        let mut transaction = self.pool.begin().await.map_err(failed)?;
        let rows: Vec<BoardRow> = sqlx::query_as(select_boards!(
            "WHERE ?1 IS NULL OR id > ?1 ORDER BY id LIMIT ?2"
        ))
        .bind(after.map(|id| id.to_string()))
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(&mut *transaction)
        .await
        .map_err(failed)?;
        let mut boards = Vec::with_capacity(rows.len());
        for row in rows {
            let items = read_items(&mut transaction, &row.id).await?;
            boards.push(row.board(items)?);
        }
        Ok(boards)
    }

    async fn import(&self, boards: Vec<Board>) -> Result<BoardsImported> {
        let mut imported = BoardsImported::default();
        let mut transaction = self.write().await?;
        for board in &boards {
            let row: Option<BoardRow> = sqlx::query_as(select_boards!(
                "WHERE id = ? OR (saved = 1 AND ? = 1 AND owner = ?) ORDER BY saved DESC LIMIT 1"
            ))
            .bind(board.id.to_string())
            .bind(i64::from(board.saved))
            .bind(&board.owner)
            .fetch_optional(&mut *transaction)
            .await
            .map_err(failed)?;
            let known = match row {
                Some(row) => {
                    let items = read_items(&mut transaction, &row.id).await?;
                    Some(row.board(items)?)
                }
                None => None,
            };
            let Some(after) = merged(known.as_ref(), board, now()) else {
                imported.unchanged += 1;
                continue;
            };
            match known {
                Some(before) => write_changes(&mut transaction, &before, &after).await?,
                None => insert_board(&mut transaction, &after).await?,
            }
            imported.changed += 1;
        }
        transaction.commit().await.map_err(failed)?;
        Ok(imported)
    }
}

#[cfg(test)]
mod tests {
    use clippy_core::preferences::PreferenceRule;
    use clippy_testing::{check_boards, check_boards_under_concurrency};

    use super::*;

    async fn opened(folder: &std::path::Path) -> EmbeddedState {
        EmbeddedState::open(&folder.join("clippy.db"), PreferenceRule::default())
            .await
            .expect("made")
    }

    #[tokio::test]
    async fn the_contract_of_boards_holds() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let state = opened(folder.path()).await;
        check_boards(&state).await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn two_writers_of_one_board_lose_nothing() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let state = std::sync::Arc::new(opened(folder.path()).await);
        check_boards_under_concurrency(state).await;
    }

    #[tokio::test]
    async fn boards_and_links_are_there_after_a_restart_and_no_token_is_in_the_file() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let state = opened(folder.path()).await;
        let mut board = Board::new("", "mine", 5);
        let added = Operation::Add {
            picture: 7.into(),
            place: clippy_core::boards::Place::End,
            role: None,
            weight: None,
            note: Some("the door".to_owned()),
        };
        board.apply(&[added], 6).expect("applied");
        state.add(board.clone()).await.expect("added");
        let link = NewShare::new(now(), 600);
        let id = BoardRef::Id(board.id);
        state.share("", id, &link).await.expect("shared");
        state.close().await;

        let mut bytes = Vec::new();
        for entry in std::fs::read_dir(folder.path()).expect("there").flatten() {
            bytes.extend(std::fs::read(entry.path()).expect("read"));
        }
        let token = link.token.as_bytes();
        assert!(!bytes.windows(token.len()).any(|part| part == token));
        let state = opened(folder.path()).await;
        assert_eq!(state.board("", id).await.expect("there"), board);
        let shared = state.shared(&link.digest(), now()).await.expect("read");
        assert_eq!(shared.map(|(board, _)| board), Some(board));
    }
}
