//! Stores what runs propose in the embedded database.

use std::collections::HashSet;

use async_trait::async_trait;
use clippy_core::ids::PointId;
use clippy_core::known::{KnownContent, KnownFile, ProposedFiles};
use clippy_core::{Error, Result};
use uuid::Uuid;

use super::{POINTS_AT_ONCE, file_columns, files_of, insert, numbered, range_below};
use crate::state::{EmbeddedState, failed};

#[async_trait]
impl ProposedFiles for EmbeddedState {
    async fn propose(&self, collection: &str, run: Uuid, files: &[KnownFile]) -> Result<()> {
        if files.is_empty() {
            return Ok(());
        }
        if files
            .iter()
            .any(|file| !matches!(file.content, KnownContent::Picture(_)))
        {
            return Err(Error::internal("only pictures are proposed"));
        }
        let run = run.to_string();
        let mut transaction = self.write().await?;
        let statement = "INSERT OR REPLACE INTO proposed_file (collection, folder, name, size, \
                         modified_ns, inode, context, point, run) ";
        insert(&mut transaction, statement, collection, files, |_| {
            Some(&run)
        })
        .await?;
        transaction.commit().await.map_err(failed)
    }

    async fn proposed(&self, run: Uuid, points: &[PointId]) -> Result<HashSet<PointId>> {
        let mut found = HashSet::new();
        for some in points.chunks(POINTS_AT_ONCE) {
            let statement = format!(
                "SELECT DISTINCT point FROM proposed_file INDEXED BY proposed_file_point WHERE run \
                 = ?1 AND point IN ({}) AND context NOT LIKE 'gone:%'",
                numbered(2, some.len())
            );
            let mut query = sqlx::query_scalar::<_, String>(sqlx::AssertSqlSafe(statement))
                .bind(run.to_string());
            for point in some {
                query = query.bind(point.to_string());
            }
            for point in query.fetch_all(&self.pool).await.map_err(failed)? {
                found.insert(point.parse()?);
            }
        }
        Ok(found)
    }

    async fn proposed_files(
        &self,
        collection: &str,
        run: Uuid,
        (folder, name): (&str, &str),
        limit: usize,
    ) -> Result<Vec<KnownFile>> {
        let rows = sqlx::query_as(concat!(
            "SELECT ",
            file_columns!(""),
            "NULL FROM proposed_file WHERE run = ? AND collection = ? AND (folder, name) > (?, ?) \
             AND context NOT LIKE 'gone:%' ORDER BY folder, name LIMIT ?",
        ))
        .bind(run.to_string())
        .bind(collection)
        .bind(folder)
        .bind(name)
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(&self.pool)
        .await;
        files_of(rows)
    }

    async fn left_over(&self, collection: &str, run: Uuid, root: &str) -> Result<Vec<KnownFile>> {
        let (below, beyond) = range_below(root);
        let rows = sqlx::query_as(concat!(
            "SELECT ",
            file_columns!(""),
            "NULL FROM proposed_file AS proposed WHERE collection = ?1 AND run <> ?2 AND (folder = \
             ?3 OR (folder >= ?4 AND folder < ?5)) AND context NOT LIKE 'gone:%' AND NOT EXISTS \
             (SELECT 1 FROM known_file AS known WHERE known.collection = proposed.collection AND \
             known.folder = proposed.folder AND known.name = proposed.name AND known.point IS NOT \
             NULL) AND NOT EXISTS (SELECT 1 FROM known_file AS held INDEXED BY known_file_point \
             WHERE held.collection = proposed.collection AND held.point = proposed.point AND \
             held.context NOT LIKE 'gone:%') ORDER BY run",
        ))
        .bind(collection)
        .bind(run.to_string())
        .bind(root)
        .bind(below)
        .bind(beyond)
        .fetch_all(&self.pool)
        .await;
        files_of(rows)
    }

    async fn superseded(&self, collection: &str, run: Uuid) -> Result<Vec<KnownFile>> {
        let rows = sqlx::query_as(concat!(
            "SELECT ",
            file_columns!("proposed."),
            "NULL FROM proposed_file AS proposed LEFT JOIN known_file AS known USING \
             (collection, folder, name) WHERE proposed.collection = ?1 AND proposed.run < ?2 AND \
             proposed.context NOT LIKE 'gone:%' AND known.point IS NOT proposed.point AND \
             (known.context IS NOT NULL OR EXISTS (SELECT 1 FROM known_file AS held INDEXED BY \
             known_file_point WHERE held.collection = proposed.collection AND held.point = \
             proposed.point AND held.context NOT LIKE 'gone:%'))",
        ))
        .bind(collection)
        .bind(run.to_string())
        .fetch_all(&self.pool)
        .await;
        files_of(rows)
    }

    async fn drop_earlier(
        &self,
        collection: &str,
        run: Uuid,
        proposed: &[KnownFile],
    ) -> Result<()> {
        if proposed.is_empty() {
            return Ok(());
        }
        let mut transaction = self.write().await?;
        for file in proposed {
            sqlx::query(
                "DELETE FROM proposed_file INDEXED BY proposed_file_point WHERE point = ? AND run < \
                 ? AND collection = ? AND folder = ? AND name = ?",
            )
            .bind(file.point().map(|point| point.to_string()))
            .bind(run.to_string())
            .bind(collection)
            .bind(&file.folder)
            .bind(&file.name)
            .execute(&mut *transaction)
            .await
            .map_err(failed)?;
        }
        transaction.commit().await.map_err(failed)
    }

    async fn gone_in(&self, run: Uuid) -> Result<Vec<PointId>> {
        let statement = "SELECT DISTINCT point FROM proposed_file WHERE run = ? AND context LIKE \
                         'gone:%' ORDER BY point";
        self.points_of(statement, run).await
    }

    async fn withdraw(&self, run: Uuid, points: &[PointId]) -> Result<()> {
        let statement = "DELETE FROM proposed_file INDEXED BY proposed_file_point WHERE run = ? \
                         AND point = ? AND context NOT LIKE 'gone:%'";
        self.change_points(statement, run, points).await
    }

    async fn withdraw_files(
        &self,
        collection: &str,
        run: Uuid,
        files: &[(String, String)],
    ) -> Result<()> {
        self.delete_files(
            "DELETE FROM proposed_file WHERE collection = ?1 AND folder = ?2 AND name = ?3 AND run \
             = ?4",
            collection,
            files,
            Some(run),
        )
        .await
    }

    async fn doubt(&self, run: Uuid, points: &[PointId]) -> Result<()> {
        let statement = "UPDATE proposed_file INDEXED BY proposed_file_point SET context = \
                         'again:' || context WHERE run = ? AND point = ? AND context NOT LIKE \
                         'gone:%'";
        self.change_points(statement, run, points).await
    }

    async fn contradicted(&self, run: Uuid) -> Result<Vec<(KnownFile, KnownFile)>> {
        // Both in one transaction, so that they fit together.
        let mut transaction = self.pool.begin().await.map_err(failed)?;
        let mut sides = Vec::new();
        for columns in [
            concat!(file_columns!("known."), "known.other"),
            concat!(file_columns!("proposed."), "NULL"),
        ] {
            let statement = format!(
                "SELECT {columns} FROM proposed_file AS proposed JOIN known_file AS known USING \
                 (collection, folder, name) WHERE proposed.run = ? AND proposed.context NOT LIKE \
                 'gone:%' AND known.point IS NOT proposed.point ORDER BY proposed.folder, \
                 proposed.name"
            );
            let rows = sqlx::query_as(sqlx::AssertSqlSafe(statement))
                .bind(run.to_string())
                .fetch_all(&mut *transaction)
                .await;
            sides.push(files_of(rows)?);
        }
        let proposed = sides.pop().unwrap_or_default();
        let known = sides.pop().unwrap_or_default();
        Ok(known.into_iter().zip(proposed).collect())
    }

    async fn keep_aside(&self, collection: &str, run: Uuid, files: &[KnownFile]) -> Result<()> {
        // A run with a lower id, of the same time.
        let before = Uuid::from_u128(run.as_u128().saturating_sub(1));
        self.propose(collection, before, files).await
    }

    async fn overwritten(&self, run: Uuid) -> Result<Vec<PointId>> {
        let statement = "SELECT DISTINCT known.point FROM proposed_file AS proposed JOIN \
                         known_file AS known USING (collection, folder, name) WHERE proposed.run = \
                         ? AND known.point IS NOT NULL AND known.point <> proposed.point ORDER BY \
                         known.point";
        self.points_of(statement, run).await
    }

    async fn replaced(&self, run: Uuid) -> Result<Vec<PointId>> {
        let statement = "SELECT DISTINCT known.point FROM proposed_file AS proposed JOIN \
                         known_file AS known USING (collection, folder, name) WHERE proposed.run = \
                         ?1 AND known.point IS NOT NULL AND known.point <> proposed.point AND NOT \
                         EXISTS (SELECT 1 FROM known_file AS other INDEXED BY known_file_point \
                         WHERE other.collection = known.collection AND other.point = known.point \
                         AND NOT EXISTS (SELECT 1 FROM proposed_file AS newer WHERE newer.run = ?1 \
                         AND newer.collection = other.collection AND newer.folder = other.folder \
                         AND newer.name = other.name AND newer.point <> other.point)) AND NOT \
                         EXISTS (SELECT 1 FROM proposed_file AS again INDEXED BY \
                         proposed_file_point WHERE again.point = known.point AND again.run = ?1 \
                         AND again.collection = known.collection) ORDER BY known.point";
        self.points_of(statement, run).await
    }

    async fn confirm(&self, run: Uuid) -> Result<()> {
        let run = run.to_string();
        let mut transaction = self.write().await?;
        sqlx::query(
            "INSERT OR REPLACE INTO known_file (collection, folder, name, size, modified_ns, \
             inode, context, point, other) SELECT collection, folder, name, size, modified_ns, \
             inode, context, point, NULL FROM proposed_file WHERE run = ?",
        )
        .bind(&run)
        .execute(&mut *transaction)
        .await
        .map_err(failed)?;
        // A picture that was found in another place is not gone. What is still gone stays proposed.
        // Nothing here holds a list of all points in memory.
        for statement in [
            "DELETE FROM known_file INDEXED BY known_file_gone WHERE context >= 'gone:' AND \
             context < 'gone;' AND EXISTS (SELECT 1 FROM proposed_file AS found INDEXED BY \
             proposed_file_point WHERE found.point = known_file.point AND found.run = ? AND \
             found.collection = known_file.collection AND found.context NOT LIKE 'gone:%')",
            "DELETE FROM proposed_file WHERE run = ?1 AND context LIKE 'gone:%' AND EXISTS (SELECT \
             1 FROM proposed_file AS found INDEXED BY proposed_file_point WHERE found.point = \
             proposed_file.point AND found.run = ?1 AND found.context NOT LIKE 'gone:%')",
            "DELETE FROM proposed_file WHERE run = ? AND context NOT LIKE 'gone:%'",
        ] {
            sqlx::query(statement)
                .bind(&run)
                .execute(&mut *transaction)
                .await
                .map_err(failed)?;
        }
        transaction.commit().await.map_err(failed)
    }

    async fn discard(&self, run: Uuid) -> Result<()> {
        self.change_run("DELETE FROM proposed_file WHERE run = ?", run)
            .await
    }

    async fn discard_older(&self, than: Uuid) -> Result<()> {
        self.change_run("DELETE FROM proposed_file WHERE run < ?", than)
            .await
    }
}

impl EmbeddedState {
    /// Returns the points that a statement selects. Its parameter is the run.
    async fn points_of(&self, statement: &'static str, run: Uuid) -> Result<Vec<PointId>> {
        let points: Vec<String> = sqlx::query_scalar(statement)
            .bind(run.to_string())
            .fetch_all(&self.pool)
            .await
            .map_err(failed)?;
        points.iter().map(|point| point.parse()).collect()
    }

    /// Runs a statement. Its parameter is the run.
    async fn change_run(&self, statement: &'static str, run: Uuid) -> Result<()> {
        let mut transaction = self.write().await?;
        sqlx::query(statement)
            .bind(run.to_string())
            .execute(&mut *transaction)
            .await
            .map_err(failed)?;
        transaction.commit().await.map_err(failed)
    }

    /// Runs a statement for each of these points, in one transaction. Its parameters are the run
    /// and the point.
    async fn change_points(
        &self,
        statement: &'static str,
        run: Uuid,
        points: &[PointId],
    ) -> Result<()> {
        let mut transaction = self.write().await?;
        for point in points {
            sqlx::query(statement)
                .bind(run.to_string())
                .bind(point.to_string())
                .execute(&mut *transaction)
                .await
                .map_err(failed)?;
        }
        transaction.commit().await.map_err(failed)
    }
}
