//! Boards in memory.

use std::collections::BTreeMap;

use async_trait::async_trait;
use clippy_core::Result;
use clippy_core::boards::{
    Board, BoardRef, BoardSummary, Boards, BoardsImported, Edited, MOST_BOARDS, MOST_SHARES,
    NewShare, Operation, Share, merged, saved_stays, too_many_boards, too_many_shares,
    unknown_board,
};
use clippy_core::trash::now;
use parking_lot::Mutex;
use uuid::Uuid;

/// Boards and links in memory.
#[derive(Debug, Default)]
pub struct MemoryBoards {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    boards: BTreeMap<Uuid, Board>,
    shares: Vec<(Uuid, [u8; 32], Share)>,
}

impl State {
    fn ensure_saved(&mut self, owner: &str) {
        let mut boards = self.boards.values();
        if !boards.any(|board| board.saved && board.owner == owner) {
            let saved = Board::new_saved(owner, now());
            self.boards.insert(saved.id, saved);
        }
    }

    fn find(&mut self, owner: &str, board: BoardRef) -> Result<&mut Board> {
        self.ensure_saved(owner);
        let is_meant = |known: &&mut Board| match board {
            BoardRef::Saved => known.saved,
            BoardRef::Id(id) => known.id == id,
        };
        let owned = self
            .boards
            .values_mut()
            .filter(|known| known.owner == owner);
        let mut meant = owned.filter(is_meant);
        meant.next().ok_or_else(|| match board {
            BoardRef::Saved => unknown_board("saved"),
            BoardRef::Id(id) => unknown_board(&id.to_string()),
        })
    }

    fn valid(&self, board: Uuid, now: u64) -> Vec<Share> {
        let of_board = self.shares.iter().filter(|(of, ..)| *of == board);
        let valid = of_board.filter(|(.., share)| share.expires_at > now);
        valid.map(|(.., share)| share.clone()).collect()
    }
}

fn stale<T>(board: &Board, expected: Option<u64>) -> Option<Edited<T>> {
    let version = board.version;
    expected
        .is_some_and(|expected| expected != version)
        .then_some(Edited::Stale { version })
}

#[async_trait]
impl Boards for MemoryBoards {
    async fn list(&self, owner: &str, now: u64) -> Result<Vec<BoardSummary>> {
        let mut state = self.state.lock();
        state.ensure_saved(owner);
        let owned = state.boards.values().filter(|board| board.owner == owner);
        let mut listed: Vec<BoardSummary> = owned
            .map(|board| board.summary(!state.valid(board.id, now).is_empty()))
            .collect();
        listed.sort_by_key(|board| std::cmp::Reverse((board.saved, board.changed_at, board.id)));
        Ok(listed)
    }

    async fn board(&self, owner: &str, board: BoardRef) -> Result<Board> {
        self.state.lock().find(owner, board).cloned()
    }

    async fn add(&self, board: Board) -> Result<()> {
        let mut state = self.state.lock();
        let owned = state
            .boards
            .values()
            .filter(|known| known.owner == board.owner);
        if owned.count() >= MOST_BOARDS {
            return Err(too_many_boards());
        }
        state.boards.insert(board.id, board);
        Ok(())
    }

    async fn rename(
        &self,
        owner: &str,
        board: BoardRef,
        name: &str,
        expected: Option<u64>,
    ) -> Result<Edited<Board>> {
        let mut state = self.state.lock();
        let board = state.find(owner, board)?;
        if board.saved {
            return Err(saved_stays());
        }
        if let Some(stale) = stale(board, expected) {
            return Ok(stale);
        }
        if board.name != name {
            name.clone_into(&mut board.name);
            board.version += 1;
            board.changed_at = now();
        }
        Ok(Edited::Done(board.clone()))
    }

    async fn apply(
        &self,
        owner: &str,
        board: BoardRef,
        operations: &[Operation],
        expected: Option<u64>,
    ) -> Result<Edited<Board>> {
        let mut state = self.state.lock();
        let board = state.find(owner, board)?;
        if let Some(stale) = stale(board, expected) {
            return Ok(stale);
        }
        let mut after = board.clone();
        after.apply(operations, now())?;
        board.clone_from(&after);
        Ok(Edited::Done(after))
    }

    async fn delete(
        &self,
        owner: &str,
        board: BoardRef,
        expected: Option<u64>,
    ) -> Result<Edited<()>> {
        let mut state = self.state.lock();
        let board = state.find(owner, board)?.clone();
        if board.saved {
            return Err(saved_stays());
        }
        if let Some(stale) = stale(&board, expected) {
            return Ok(stale);
        }
        state.boards.remove(&board.id);
        state.shares.retain(|(of, ..)| *of != board.id);
        Ok(Edited::Done(()))
    }

    async fn share(&self, owner: &str, board: BoardRef, link: &NewShare) -> Result<Share> {
        let mut state = self.state.lock();
        let board = state.find(owner, board)?.id;
        if state.valid(board, now()).len() >= MOST_SHARES {
            return Err(too_many_shares());
        }
        state
            .shares
            .push((board, link.digest(), link.share.clone()));
        Ok(link.share.clone())
    }

    async fn shares(&self, owner: &str, board: BoardRef, now: u64) -> Result<Vec<Share>> {
        let mut state = self.state.lock();
        let board = state.find(owner, board)?.id;
        Ok(state.valid(board, now))
    }

    async fn revoke(&self, owner: &str, board: BoardRef, share: Uuid) -> Result<bool> {
        let mut state = self.state.lock();
        let board = state.find(owner, board)?.id;
        let before = state.shares.len();
        state
            .shares
            .retain(|(of, _, known)| *of != board || known.id != share);
        Ok(state.shares.len() < before)
    }

    async fn shared(&self, digest: &[u8; 32], now: u64) -> Result<Option<(Board, u64)>> {
        let state = self.state.lock();
        let mut valid = state
            .shares
            .iter()
            .filter(|(.., share)| share.expires_at > now);
        let found = valid.find(|(_, known, _)| known == digest);
        Ok(found.and_then(|(board, _, share)| {
            let board = state.boards.get(board)?;
            Some((board.clone(), share.expires_at))
        }))
    }

    async fn all(&self, after: Option<Uuid>, limit: usize) -> Result<Vec<Board>> {
        let state = self.state.lock();
        let boards = state.boards.values();
        let later = boards.filter(|board| after.is_none_or(|after| board.id > after));
        Ok(later.take(limit).cloned().collect())
    }

    async fn import(&self, boards: Vec<Board>) -> Result<BoardsImported> {
        let mut imported = BoardsImported::default();
        let mut state = self.state.lock();
        for board in boards {
            let mut all = state.boards.values();
            let same_saved = all
                .find(|known| known.saved && board.saved && known.owner == board.owner)
                .map(|known| known.id);
            let known = state.boards.get(&same_saved.unwrap_or(board.id));
            match merged(known, &board, now()) {
                Some(after) => {
                    state.boards.insert(after.id, after);
                    imported.changed += 1;
                }
                None => imported.unchanged += 1,
            }
        }
        Ok(imported)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{check_boards, check_boards_under_concurrency};

    #[tokio::test]
    async fn the_contract_holds() {
        check_boards(&MemoryBoards::default()).await;
        check_boards_under_concurrency(std::sync::Arc::new(MemoryBoards::default())).await;
    }
}
