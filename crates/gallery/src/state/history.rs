//! Stores the history of generated pictures in the embedded database.

mod listing;
mod removing;
mod writing;

use async_trait::async_trait;
use clippy_core::Result;
use clippy_core::history::{
    History, HistoryEntry, HistoryFilter, HistoryParent, HistoryUsage, Leftover, ListedEntry,
};

use super::{EmbeddedState, failed, number_in, number_out};

#[async_trait]
impl History for EmbeddedState {
    async fn record(&self, entry: &HistoryEntry) -> Result<()> {
        let mut transaction = self.write().await?;
        writing::record(&mut transaction, entry).await?;
        transaction.commit().await.map_err(failed)
    }

    async fn list(&self, filter: &HistoryFilter) -> Result<Vec<ListedEntry>> {
        listing::list(&self.pool, filter).await
    }

    async fn get(&self, id: &str) -> Result<Option<ListedEntry>> {
        listing::get(&self.pool, id).await
    }

    async fn find_picture(&self, sha256: &str) -> Result<Option<(HistoryParent, Option<String>)>> {
        let found: Option<(String, i64, Option<String>)> = sqlx::query_as(
            "SELECT id, picture, owner FROM made_picture JOIN made_run ON number = run WHERE \
             sha256 = ? ORDER BY at LIMIT 1",
        )
        .bind(sha256)
        .fetch_optional(&self.pool)
        .await
        .map_err(failed)?;
        found
            .map(|(id, index, owner)| {
                let index = listing::small(index)?;
                Ok((HistoryParent { id, index }, owner))
            })
            .transpose()
    }

    async fn set_favourite(&self, id: &str, index: Option<u32>, favourite: bool) -> Result<bool> {
        let mut transaction = self.write().await?;
        let changed = sqlx::query(
            "UPDATE made_picture SET favourite = ?1 WHERE run = (SELECT number FROM made_run \
             WHERE id = ?2) AND (?3 IS NULL OR picture = ?3)",
        )
        .bind(favourite)
        .bind(id)
        .bind(index)
        .execute(&mut *transaction)
        .await
        .map_err(failed)?
        .rows_affected();
        transaction.commit().await.map_err(failed)?;
        Ok(changed > 0)
    }

    async fn remove(&self, id: &str, index: Option<u32>) -> Result<bool> {
        let mut transaction = self.write().await?;
        let removed = removing::remove(&mut transaction, id, index).await?;
        transaction.commit().await.map_err(failed)?;
        Ok(removed)
    }

    async fn remove_older(&self, before: i64, limit: usize) -> Result<u64> {
        let mut transaction = self.write().await?;
        let removed = removing::remove_older(&mut transaction, before, limit).await?;
        transaction.commit().await.map_err(failed)?;
        Ok(removed)
    }

    async fn leftovers(&self, limit: usize) -> Result<Vec<Leftover>> {
        removing::leftovers(&self.pool, limit).await
    }

    async fn needs(&self, file: &Leftover) -> Result<bool> {
        removing::needs(&self.pool, file).await
    }

    async fn settle(&self, files: &[Leftover]) -> Result<()> {
        let mut transaction = self.write().await?;
        for file in files {
            sqlx::query("DELETE FROM made_leftover WHERE kind = ? AND sha256 = ?")
                .bind(file.kind.name())
                .bind(&file.sha256)
                .execute(&mut *transaction)
                .await
                .map_err(failed)?;
        }
        transaction.commit().await.map_err(failed)
    }

    async fn usage(&self, owner: Option<&str>) -> Result<HistoryUsage> {
        listing::usage(&self.pool, owner).await
    }

    async fn imported(&self) -> Result<u64> {
        let read: Option<i64> = sqlx::query_scalar("SELECT read FROM made_import")
            .fetch_optional(&self.pool)
            .await
            .map_err(failed)?;
        number_out(read.unwrap_or(0))
    }

    async fn import(&self, entries: &[HistoryEntry], read: u64) -> Result<()> {
        let mut transaction = self.write().await?;
        for entry in entries {
            writing::import(&mut transaction, entry).await?;
        }
        sqlx::query(
            "INSERT INTO made_import (only, read) VALUES (0, ?) ON CONFLICT (only) DO UPDATE SET \
             read = excluded.read",
        )
        .bind(number_in(read)?)
        .execute(&mut *transaction)
        .await
        .map_err(failed)?;
        transaction.commit().await.map_err(failed)
    }
}

#[cfg(test)]
mod tests {
    use clippy_core::preferences::PreferenceRule;

    use super::*;

    #[tokio::test]
    async fn it_keeps_the_contract_of_a_history() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let state =
            EmbeddedState::open(&folder.path().join("clippy.db"), PreferenceRule::default())
                .await
                .expect("made");
        clippy_testing::check_history(&state).await;
        state.close().await;
    }
}
