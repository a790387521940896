//! Stores known files in the embedded database.

use async_trait::async_trait;
use clippy_core::ids::PointId;
use clippy_core::known::{FileStamp, KnownContent, KnownFile, KnownFiles, NameRange};
use clippy_core::{Error, Result};
use sqlx::{Sqlite, Transaction};
use uuid::Uuid;

use super::{EmbeddedState, failed};

/// The number of points in one statement.
const POINTS_AT_ONCE: usize = 400;

/// A row: folder, name, size, modified_ns, inode, context, point, other.
type Row = (
    String,
    String,
    i64,
    i64,
    i64,
    String,
    Option<String>,
    Option<String>,
);

// SQLite's integers are signed, and inodes use all 64 bits. The bits are kept.
fn bits_in(number: u64) -> i64 {
    number.cast_signed()
}

fn bits_out(number: i64) -> u64 {
    number.cast_unsigned()
}

fn file_of(row: Row) -> Result<KnownFile> {
    let (folder, name, size, modified_ns, inode, context, point, other) = row;
    let content = match (point, other) {
        (Some(point), _) => KnownContent::Picture(point.parse()?),
        (None, Some(other)) => KnownContent::Other(other),
        (None, None) => {
            return Err(Error::internal(format!(
                "the database does not say what {folder}/{name} is"
            )));
        }
    };
    Ok(KnownFile {
        folder,
        name,
        stamp: FileStamp {
            size: bits_out(size),
            modified_ns: bits_out(modified_ns),
            inode: bits_out(inode),
        },
        context,
        content,
    })
}

async fn insert(
    transaction: &mut Transaction<'static, Sqlite>,
    collection: &str,
    file: &KnownFile,
) -> Result<()> {
    let (point, other) = match &file.content {
        KnownContent::Picture(point) => (Some(point.to_string()), None),
        KnownContent::Other(other) => (None, Some(other)),
    };
    sqlx::query(
        "INSERT OR REPLACE INTO known_file (collection, folder, name, size, modified_ns, inode, \
         context, point, other) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(collection)
    .bind(&file.folder)
    .bind(&file.name)
    .bind(bits_in(file.stamp.size))
    .bind(bits_in(file.stamp.modified_ns))
    .bind(bits_in(file.stamp.inode))
    .bind(&file.context)
    .bind(point)
    .bind(other)
    .execute(&mut **transaction)
    .await
    .map_err(failed)?;
    Ok(())
}

#[async_trait]
impl KnownFiles for EmbeddedState {
    async fn in_folder(
        &self,
        collection: &str,
        folder: &str,
        names: &NameRange,
    ) -> Result<Vec<KnownFile>> {
        let rows: Vec<Row> = sqlx::query_as(
            "SELECT folder, name, size, modified_ns, inode, context, point, other FROM known_file \
             WHERE collection = ?1 AND folder = ?2 AND (?3 IS NULL OR name > ?3) AND (?4 IS NULL \
             OR name <= ?4) ORDER BY name",
        )
        .bind(collection)
        .bind(folder)
        .bind(&names.after)
        .bind(&names.upto)
        .fetch_all(&self.pool)
        .await
        .map_err(failed)?;
        rows.into_iter().map(file_of).collect()
    }

    async fn folders(&self, collection: &str, root: &str) -> Result<Vec<String>> {
        // Each folder below starts with the root and a separator, and sorts after it.
        let gap = std::path::MAIN_SEPARATOR;
        let next = char::from_u32(gap as u32 + 1).unwrap_or(gap);
        let stem = root.trim_end_matches(gap);
        let (below, beyond) = (format!("{stem}{gap}"), format!("{stem}{next}"));
        sqlx::query_scalar(
            "SELECT DISTINCT folder FROM known_file WHERE collection = ?1 AND (folder = ?2 OR \
             (folder >= ?3 AND folder < ?4)) ORDER BY folder",
        )
        .bind(collection)
        .bind(root)
        .bind(below)
        .bind(beyond)
        .fetch_all(&self.pool)
        .await
        .map_err(failed)
    }

    async fn holders(&self, collection: &str, points: &[PointId]) -> Result<Vec<KnownFile>> {
        let mut found = Vec::new();
        for some in points.chunks(POINTS_AT_ONCE) {
            let marks = vec!["?"; some.len()].join(", ");
            let statement = format!(
                "SELECT folder, name, size, modified_ns, inode, context, point, other FROM \
                 known_file WHERE collection = ? AND point IN ({marks}) ORDER BY folder, name"
            );
            let mut query =
                sqlx::query_as::<_, Row>(sqlx::AssertSqlSafe(statement)).bind(collection);
            for point in some {
                query = query.bind(point.to_string());
            }
            let rows = query.fetch_all(&self.pool).await.map_err(failed)?;
            for row in rows {
                found.push(file_of(row)?);
            }
        }
        Ok(found)
    }

    async fn remember(&self, collection: &str, files: &[KnownFile]) -> Result<()> {
        if files.is_empty() {
            return Ok(());
        }
        let mut transaction = self.write().await?;
        for file in files {
            insert(&mut transaction, collection, file).await?;
        }
        transaction.commit().await.map_err(failed)
    }

    async fn forget(&self, collection: &str, files: &[(String, String)]) -> Result<()> {
        if files.is_empty() {
            return Ok(());
        }
        let mut transaction = self.write().await?;
        for (folder, name) in files {
            sqlx::query("DELETE FROM known_file WHERE collection = ? AND folder = ? AND name = ?")
                .bind(collection)
                .bind(folder)
                .bind(name)
                .execute(&mut *transaction)
                .await
                .map_err(failed)?;
        }
        transaction.commit().await.map_err(failed)
    }

    async fn propose(&self, collection: &str, run: Uuid, files: &[KnownFile]) -> Result<()> {
        if files.is_empty() {
            return Ok(());
        }
        let run = run.to_string();
        let mut transaction = self.write().await?;
        for file in files {
            let KnownContent::Picture(point) = &file.content else {
                return Err(Error::internal("only pictures are proposed"));
            };
            sqlx::query(
                "INSERT OR REPLACE INTO proposed_file (run, collection, folder, name, size, \
                 modified_ns, inode, context, point) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            )
            .bind(&run)
            .bind(collection)
            .bind(&file.folder)
            .bind(&file.name)
            .bind(bits_in(file.stamp.size))
            .bind(bits_in(file.stamp.modified_ns))
            .bind(bits_in(file.stamp.inode))
            .bind(&file.context)
            .bind(point.to_string())
            .execute(&mut *transaction)
            .await
            .map_err(failed)?;
        }
        transaction.commit().await.map_err(failed)
    }

    async fn gone_in(&self, run: Uuid) -> Result<Vec<PointId>> {
        let points: Vec<String> = sqlx::query_scalar(
            "SELECT DISTINCT gone.point FROM proposed_file AS gone WHERE gone.run = ?1 AND \
             gone.context LIKE 'gone:%' AND NOT EXISTS (SELECT 1 FROM proposed_file AS there \
             WHERE there.collection = gone.collection AND there.point = gone.point AND \
             there.context NOT LIKE 'gone:%') ORDER BY gone.point",
        )
        .bind(run.to_string())
        .fetch_all(&self.pool)
        .await
        .map_err(failed)?;
        points.iter().map(|point| point.parse()).collect()
    }

    async fn withdraw(&self, run: Uuid, points: &[PointId]) -> Result<()> {
        let mut transaction = self.write().await?;
        for point in points {
            sqlx::query("DELETE FROM proposed_file WHERE run = ? AND point = ?")
                .bind(run.to_string())
                .bind(point.to_string())
                .execute(&mut *transaction)
                .await
                .map_err(failed)?;
        }
        transaction.commit().await.map_err(failed)
    }

    async fn replaced(&self, run: Uuid) -> Result<Vec<PointId>> {
        let points: Vec<String> = sqlx::query_scalar(
            "SELECT DISTINCT known.point FROM proposed_file AS proposed JOIN known_file AS known \
             USING (collection, folder, name) WHERE proposed.run = ?1 AND known.point IS NOT NULL \
             AND known.point <> proposed.point AND NOT EXISTS (SELECT 1 FROM known_file AS other \
             WHERE other.collection = known.collection AND other.point = known.point AND NOT \
             EXISTS (SELECT 1 FROM proposed_file AS newer WHERE newer.run = ?1 AND \
             newer.collection = other.collection AND newer.folder = other.folder AND newer.name = \
             other.name AND newer.point <> other.point)) AND NOT EXISTS (SELECT 1 FROM \
             proposed_file AS again WHERE again.run = ?1 AND again.collection = known.collection \
             AND again.point = known.point) ORDER BY known.point",
        )
        .bind(run.to_string())
        .fetch_all(&self.pool)
        .await
        .map_err(failed)?;
        points.iter().map(|point| point.parse()).collect()
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
        // A picture that was found in another place is not gone.
        sqlx::query(
            "DELETE FROM known_file WHERE context LIKE 'gone:%' AND (collection, point) IN \
             (SELECT collection, point FROM proposed_file WHERE run = ? AND context NOT LIKE \
             'gone:%')",
        )
        .bind(&run)
        .execute(&mut *transaction)
        .await
        .map_err(failed)?;
        sqlx::query("DELETE FROM proposed_file WHERE run = ?")
            .bind(&run)
            .execute(&mut *transaction)
            .await
            .map_err(failed)?;
        transaction.commit().await.map_err(failed)
    }

    async fn discard(&self, run: Uuid) -> Result<()> {
        let mut transaction = self.write().await?;
        sqlx::query("DELETE FROM proposed_file WHERE run = ?")
            .bind(run.to_string())
            .execute(&mut *transaction)
            .await
            .map_err(failed)?;
        transaction.commit().await.map_err(failed)
    }

    async fn discard_older(&self, than: Uuid) -> Result<()> {
        let mut transaction = self.write().await?;
        sqlx::query("DELETE FROM proposed_file WHERE run < ?")
            .bind(than.to_string())
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

    const HERE: &str = "pictures";

    fn file(folder: &str, name: &str, point: u64) -> KnownFile {
        KnownFile {
            folder: folder.to_owned(),
            name: name.to_owned(),
            stamp: FileStamp {
                size: 7,
                modified_ns: 1_700_000_000_000_000_000,
                inode: u64::MAX - 1,
            },
            context: "alone".to_owned(),
            content: KnownContent::Picture(point.into()),
        }
    }

    async fn state(folder: &std::path::Path) -> EmbeddedState {
        EmbeddedState::open(&folder.join("clippy.db"), PreferenceRule::default())
            .await
            .expect("made")
    }

    #[tokio::test]
    async fn files_are_found_by_range_folder_and_point_in_their_own_collection() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let state = state(folder.path()).await;
        let other = KnownFile {
            content: KnownContent::Other("text".to_owned()),
            ..file("/a", "c.txt", 0)
        };
        let files = [file("/a", "a.png", 1), file("/a", "b.png", 2), other];
        state.remember(HERE, &files).await.expect("written");
        state
            .remember(HERE, &[file("/a/b", "a.png", 1), file("/ab", "a.png", 3)])
            .await
            .expect("written");
        let all = state
            .in_folder(HERE, "/a", &NameRange::default())
            .await
            .expect("read");
        assert_eq!(all, files, "every bit comes back");
        let range = |after: Option<&str>, upto: Option<&str>| NameRange {
            after: after.map(str::to_owned),
            upto: upto.map(str::to_owned),
        };
        for (range, names) in [
            (range(Some("a.png"), Some("b.png")), &["b.png"][..]),
            (range(None, Some("a.png")), &["a.png"]),
            (range(Some("b.png"), None), &["c.txt"]),
        ] {
            let found = state.in_folder(HERE, "/a", &range).await.expect("read");
            let found: Vec<_> = found.iter().map(|file| file.name.as_str()).collect();
            assert_eq!(found, names, "{range:?}");
        }
        let folders = state.folders(HERE, "/a").await.expect("read");
        assert_eq!(folders, ["/a", "/a/b"], "/ab is beside it");
        assert_eq!(state.folders(HERE, "/").await.expect("read").len(), 3);
        let holders = state.holders(HERE, &[1.into()]).await.expect("read");
        assert_eq!(holders.len(), 2);
        assert!(
            state
                .in_folder("other", "/a", &NameRange::default())
                .await
                .expect("read")
                .is_empty()
        );
        state
            .forget(HERE, &[("/a".to_owned(), "a.png".to_owned())])
            .await
            .expect("written");
        let holders = state.holders(HERE, &[1.into()]).await.expect("read");
        assert_eq!(holders, [file("/a/b", "a.png", 1)]);
    }

    #[tokio::test]
    async fn proposals_count_when_confirmed_and_show_which_points_were_overwritten() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let state = state(folder.path()).await;
        let before = [
            file("/a", "only.png", 1),
            file("/a", "copy.png", 2),
            file("/a", "other copy.png", 2),
            file("/a", "swapped.png", 3),
        ];
        state.remember(HERE, &before).await.expect("written");
        let run = Uuid::now_v7();
        let proposed = [
            file("/a", "only.png", 10),
            file("/a", "copy.png", 20),
            file("/a", "swapped.png", 30),
            file("/a", "new name.png", 3),
            file("/a", "broken.png", 40),
        ];
        state.propose(HERE, run, &proposed).await.expect("written");
        assert_eq!(
            state
                .in_folder(HERE, "/a", &NameRange::default())
                .await
                .expect("read")
                .len(),
            before.len(),
            "proposals are not known yet"
        );
        state.withdraw(run, &[40.into()]).await.expect("written");
        assert_eq!(
            state.replaced(run).await.expect("read"),
            [PointId::Number(1)],
            "2 has another copy, 3 was moved"
        );
        state.confirm(run).await.expect("written");
        let after = state
            .in_folder(HERE, "/a", &NameRange::default())
            .await
            .expect("read");
        assert_eq!(after.len(), 5, "{after:?}");
        assert!(after.contains(&file("/a", "only.png", 10)));
        assert!(!after.iter().any(|file| file.name == "broken.png"));
        state
            .propose(HERE, run, &[file("/a", "late.png", 50)])
            .await
            .expect("written");
        state.discard(run).await.expect("written");
        state.confirm(run).await.expect("nothing to do");
        state
            .propose(HERE, run, &[file("/a", "late.png", 50)])
            .await
            .expect("written");
        state.discard_older(Uuid::max()).await.expect("written");
        state.confirm(run).await.expect("nothing to do");
        let holders = state.holders(HERE, &[50.into()]).await.expect("read");
        assert!(holders.is_empty());
    }
}
