//! Stores known files in the embedded database.

use async_trait::async_trait;
use clippy_core::ids::PointId;
use clippy_core::known::{FileStamp, KnownContent, KnownFile, KnownFiles, NameRange};
use clippy_core::{Error, Result};
use sqlx::{QueryBuilder, Sqlite, Transaction};
use uuid::Uuid;

use super::{EmbeddedState, failed};

mod proposed;
#[cfg(test)]
mod tests;

/// The columns of a file, each after this prefix. One for `other` must follow.
macro_rules! file_columns {
    ($prefix:literal) => {
        concat!(
            $prefix,
            "folder, ",
            $prefix,
            "name, ",
            $prefix,
            "size, ",
            $prefix,
            "modified_ns, ",
            $prefix,
            "inode, ",
            $prefix,
            "context, ",
            $prefix,
            "point, "
        )
    };
}
use file_columns;

// The planner has no statistics, and would read all files of a collection or of a run to find one
// point: `INDEXED BY` names the index, and fails if it cannot be used.

/// The number of points in one statement.
const POINTS_AT_ONCE: usize = 400;
/// The number of files in one statement.
const FILES_AT_ONCE: usize = 100;

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

/// A row without its folder.
type InFolder = (
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

fn files_of(rows: sqlx::Result<Vec<Row>>) -> Result<Vec<KnownFile>> {
    rows.map_err(failed)?.into_iter().map(file_of).collect()
}

/// Returns the range of the folders below this one: each starts with it and a separator, and sorts
/// after it.
fn range_below(root: &str) -> (String, String) {
    let gap = std::path::MAIN_SEPARATOR;
    let next = char::from_u32(gap as u32 + 1).unwrap_or(gap);
    let stem = root.trim_end_matches(gap);
    (format!("{stem}{gap}"), format!("{stem}{next}"))
}

/// Returns this many numbered placeholders.
fn numbered(first: usize, count: usize) -> String {
    let marks: Vec<String> = (first..first + count).map(|at| format!("?{at}")).collect();
    marks.join(", ")
}

/// Inserts files, and replaces those of the same names. The statement ends before the rows. The
/// first eight columns of a row are the collection, folder, name, size, `modified_ns`, inode,
/// context and point; `ninth` returns the last one.
async fn insert<'f>(
    transaction: &mut Transaction<'static, Sqlite>,
    statement: &'static str,
    collection: &'f str,
    files: &'f [KnownFile],
    ninth: impl Fn(&'f KnownFile) -> Option<&'f str>,
) -> Result<()> {
    for some in files.chunks(FILES_AT_ONCE) {
        let mut query = QueryBuilder::<Sqlite>::new(statement);
        query.push_values(some, |mut row, file| {
            let point = file.point().map(|point| point.to_string());
            row.push_bind(collection)
                .push_bind(&file.folder)
                .push_bind(&file.name)
                .push_bind(bits_in(file.stamp.size))
                .push_bind(bits_in(file.stamp.modified_ns))
                .push_bind(bits_in(file.stamp.inode))
                .push_bind(&file.context)
                .push_bind(point)
                .push_bind(ninth(file));
        });
        // Only the statement of a whole chunk is worth keeping.
        query
            .build()
            .persistent(some.len() == FILES_AT_ONCE)
            .execute(&mut **transaction)
            .await
            .map_err(failed)?;
    }
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
        // One row for all of them: a row for each costs more than everything else of a scan.
        let files: String = sqlx::query_scalar(
            "SELECT json_group_array(json_array(name, size, modified_ns, inode, context, point, \
             other)) FROM known_file WHERE collection = ?1 AND folder = ?2 AND (?3 IS \
             NULL OR name > ?3) AND (?4 IS NULL OR name <= ?4)",
        )
        .bind(collection)
        .bind(folder)
        .bind(&names.after)
        .bind(&names.upto)
        .fetch_one(&self.pool)
        .await
        .map_err(failed)?;
        let files: Vec<InFolder> = serde_json::from_str(&files).map_err(|error| {
            Error::internal(format!("the known files of {folder} cannot be parsed"))
                .with_source(error)
        })?;
        files
            .into_iter()
            .map(|(name, size, modified_ns, inode, context, point, other)| {
                let folder = folder.to_owned();
                file_of((
                    folder,
                    name,
                    size,
                    modified_ns,
                    inode,
                    context,
                    point,
                    other,
                ))
            })
            .collect()
    }

    async fn folders(&self, collection: &str, root: &str) -> Result<Vec<String>> {
        let (below, beyond) = range_below(root);
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
        self.files_with(collection, points, |marks| {
            format!(
                "SELECT {}other FROM known_file INDEXED BY known_file_point WHERE collection = ?1 \
                 AND point IN ({marks}) ORDER BY folder, name",
                file_columns!("")
            )
        })
        .await
    }

    async fn remember(&self, collection: &str, files: &[KnownFile]) -> Result<()> {
        if files.is_empty() {
            return Ok(());
        }
        let mut transaction = self.write().await?;
        let statement = "INSERT OR REPLACE INTO known_file (collection, folder, name, size, \
                         modified_ns, inode, context, point, other) ";
        insert(
            &mut transaction,
            statement,
            collection,
            files,
            |file| match &file.content {
                KnownContent::Picture(_) => None,
                KnownContent::Other(other) => Some(other),
            },
        )
        .await?;
        transaction.commit().await.map_err(failed)
    }

    async fn forget(&self, collection: &str, files: &[(String, String)]) -> Result<()> {
        if files.is_empty() {
            return Ok(());
        }
        self.delete_files(
            "DELETE FROM known_file WHERE collection = ? AND folder = ? AND name = ?",
            collection,
            files,
            None,
        )
        .await
    }

    async fn claims(&self, collection: &str, points: &[PointId]) -> Result<Vec<KnownFile>> {
        let columns = file_columns!("");
        self.files_with(collection, points, |marks| {
            format!(
                "SELECT {columns}other FROM known_file INDEXED BY known_file_point WHERE \
                 collection = ?1 AND point IN ({marks}) AND context NOT LIKE 'gone:%' UNION SELECT \
                 {columns}NULL FROM proposed_file INDEXED BY proposed_file_point WHERE collection \
                 = ?1 AND point IN ({marks}) AND context NOT LIKE 'gone:%'"
            )
        })
        .await
    }
}

impl EmbeddedState {
    /// Returns the files that a statement selects. It is made for a list of placeholders, one for
    /// each point; its first parameter is the collection.
    async fn files_with(
        &self,
        collection: &str,
        points: &[PointId],
        statement: impl Fn(&str) -> String + Send + Sync,
    ) -> Result<Vec<KnownFile>> {
        let mut found = Vec::new();
        for some in points.chunks(POINTS_AT_ONCE) {
            let statement = statement(&numbered(2, some.len()));
            let mut query =
                sqlx::query_as::<_, Row>(sqlx::AssertSqlSafe(statement)).bind(collection);
            for point in some {
                query = query.bind(point.to_string());
            }
            found.extend(files_of(query.fetch_all(&self.pool).await)?);
        }
        Ok(found)
    }

    /// Runs a statement for each of these files, in one transaction. Its parameters are the
    /// collection, the folder, the name and, if given, the run.
    async fn delete_files(
        &self,
        statement: &'static str,
        collection: &str,
        files: &[(String, String)],
        run: Option<Uuid>,
    ) -> Result<()> {
        let mut transaction = self.write().await?;
        for (folder, name) in files {
            let mut query = sqlx::query(statement)
                .bind(collection)
                .bind(folder)
                .bind(name);
            if let Some(run) = run {
                query = query.bind(run.to_string());
            }
            query.execute(&mut *transaction).await.map_err(failed)?;
        }
        transaction.commit().await.map_err(failed)
    }
}
