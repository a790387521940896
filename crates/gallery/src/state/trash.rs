//! Stores the trash and the journal of changes in the embedded database.

use async_trait::async_trait;
use clippy_core::gallery::{Payload, Point, Space, Vectors};
use clippy_core::ids::PointId;
use clippy_core::trash::{
    JournalEntry, JournalLine, KeptFilter, KeptKind, KeptPoint, KeptState, NumberedPoint,
    Tombstone, Trash, what_stays,
};
use clippy_core::{Error, Result};
use serde_json::{Number, Value};
use sqlx::{QueryBuilder, Sqlite, Transaction};

use super::{EmbeddedState, failed, number_in, number_out};

/// The number of values in one statement.
const AT_ONCE: usize = 400;

/// The trash of one collection in the embedded database.
#[derive(Debug, Clone)]
pub struct EmbeddedTrash {
    state: EmbeddedState,
    collection: String,
}

#[derive(sqlx::FromRow)]
struct Row {
    number: i64,
    point: String,
    change: String,
    kind: String,
    state: String,
    by: Option<String>,
    at: i64,
    until: Option<i64>,
    model: String,
    payload: String,
    vectors: Option<Vec<u8>>,
    newest: i64,
}

#[derive(sqlx::FromRow)]
struct JournalRow {
    number: i64,
    at: i64,
    by: Option<String>,
    change: String,
    action: String,
    pictures: i64,
    detail: String,
}

impl EmbeddedState {
    /// The trash of a collection, by its public name.
    #[must_use]
    pub fn trash(&self, collection: &str) -> EmbeddedTrash {
        EmbeddedTrash {
            state: self.clone(),
            collection: collection.to_owned(),
        }
    }
}

impl EmbeddedTrash {
    async fn insert(
        &self,
        transaction: &mut Transaction<'static, Sqlite>,
        kept: &KeptPoint,
    ) -> Result<()> {
        let vectors = (!kept.emptied).then(|| encode_vectors(&kept.point.vectors));
        sqlx::query(
            "INSERT OR REPLACE INTO kept_point (collection, point, change, kind, state, by, at, \
             until, md5, model, payload, vectors) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(&self.collection)
        .bind(kept.point.id.to_string())
        .bind(&kept.change)
        .bind(kept.kind.name())
        .bind(kept.state.name())
        .bind(&kept.by)
        .bind(number_in(kept.at)?)
        .bind(kept.until.map(number_in).transpose()?)
        .bind(kept.content())
        .bind(&kept.model)
        .bind(encode_payload(&kept.point.payload)?)
        .bind(vectors)
        .execute(&mut **transaction)
        .await
        .map_err(failed)?;
        Ok(())
    }

    fn select(&self, filter: &KeptFilter, after: i64) -> QueryBuilder<Sqlite> {
        let mut query = QueryBuilder::<Sqlite>::new(
            "SELECT number, point, change, kind, state, by, at, until, model, payload, vectors, \
             (SELECT MAX(number) FROM kept_point AS other WHERE other.collection = \
             kept.collection AND other.point = kept.point) AS newest FROM kept_point AS kept WHERE \
             collection = ",
        );
        query.push_bind(self.collection.clone());
        query.push(" AND number > ").push_bind(after);
        if let Some(change) = &filter.change {
            query.push(" AND change = ").push_bind(change.clone());
        }
        if !filter.kinds.is_empty() {
            query.push(" AND kind IN (");
            let mut listed = query.separated(", ");
            for kind in &filter.kinds {
                listed.push_bind(kind.name());
            }
            query.push(")");
        }
        if !filter.states.is_empty() {
            query.push(" AND state IN (");
            let mut listed = query.separated(", ");
            for state in &filter.states {
                listed.push_bind(state.name());
            }
            query.push(")");
        }
        query
    }

    /// Runs statements for each part of a list of numbers, in one transaction. A statement is given
    /// in two pieces: the SQL before and after the condition that selects the numbers.
    async fn for_numbers(&self, statements: &[(&str, &str)], numbers: &[u64]) -> Result<()> {
        let mut transaction = self.state.write().await?;
        for part in numbers.chunks(AT_ONCE) {
            let listed: Vec<String> = part.iter().map(u64::to_string).collect();
            for (begin, end) in statements {
                let mut query = QueryBuilder::<Sqlite>::new(*begin);
                query.push(" WHERE collection = ");
                query.push_bind(self.collection.clone());
                query.push(format_args!(" AND number IN ({}){end}", listed.join(", ")));
                let done = query.build().execute(&mut *transaction).await;
                done.map_err(failed)?;
            }
        }
        transaction.commit().await.map_err(failed)
    }

    /// Finds the tombstones with one of these values in a column.
    async fn read_tombstones(
        &self,
        column: &str,
        values: &[String],
    ) -> Result<Vec<(String, Tombstone)>> {
        let mut found = Vec::new();
        for part in values.chunks(AT_ONCE) {
            let mut query = QueryBuilder::<Sqlite>::new("SELECT ");
            query.push(column).push(
                ", point, kind, at FROM kept_point WHERE kind <> 'edited' AND state <> \
                 'restoring' AND collection = ",
            );
            query.push_bind(self.collection.clone());
            query.push(" AND ").push(column).push(" IN (");
            let mut listed = query.separated(", ");
            for value in part {
                listed.push_bind(value.clone());
            }
            query.push(")");
            let rows: Vec<(String, String, String, i64)> = query
                .build_query_as()
                .fetch_all(&self.state.pool)
                .await
                .map_err(failed)?;
            for (value, point, kind, at) in rows {
                let stone = Tombstone {
                    id: point.parse()?,
                    kind: decode_kind(&kind)?,
                    at: number_out(at)?,
                };
                found.push((value, stone));
            }
        }
        Ok(found)
    }
}

#[async_trait]
impl Trash for EmbeddedTrash {
    async fn keep(&self, points: &[KeptPoint]) -> Result<()> {
        let mut transaction = self.state.write().await?;
        for kept in points {
            self.insert(&mut transaction, kept).await?;
        }
        transaction.commit().await.map_err(failed)
    }

    async fn list(
        &self,
        filter: &KeptFilter,
        after: u64,
        limit: usize,
    ) -> Result<Vec<NumberedPoint>> {
        let after = number_in(after)?;
        let limit_in = i64::try_from(limit).unwrap_or(i64::MAX);
        let Some(ids) = &filter.ids else {
            let mut query = self.select(filter, after);
            query.push(" ORDER BY number LIMIT ").push_bind(limit_in);
            return rows_out(query.build_query_as().fetch_all(&self.state.pool).await);
        };
        let mut found = Vec::new();
        for part in ids.chunks(AT_ONCE) {
            let mut query = self.select(filter, after);
            query.push(" AND point IN (");
            let mut listed = query.separated(", ");
            for id in part {
                listed.push_bind(id.to_string());
            }
            query.push(") ORDER BY number LIMIT ").push_bind(limit_in);
            found.extend(rows_out(
                query.build_query_as().fetch_all(&self.state.pool).await,
            )?);
        }
        found.sort_by_key(|one| one.number);
        found.truncate(limit);
        Ok(found)
    }

    async fn set_state(&self, numbers: &[u64], state: KeptState) -> Result<()> {
        let statement = format!("UPDATE kept_point SET state = '{}'", state.name());
        self.for_numbers(&[(&statement, "")], numbers).await
    }

    async fn forget(&self, numbers: &[u64]) -> Result<()> {
        // The next scan reads the files of these pictures again, since they may have to be added
        // again.
        let files = (
            "DELETE FROM known_file WHERE (collection, point) IN (SELECT collection, point FROM \
             kept_point",
            " AND kind <> 'edited')",
        );
        let points = ("DELETE FROM kept_point", "");
        self.for_numbers(&[files, points], numbers).await
    }

    async fn tombstones(&self, ids: &[PointId]) -> Result<Vec<Tombstone>> {
        let ids: Vec<String> = ids.iter().map(PointId::to_string).collect();
        let found = self.read_tombstones("point", &ids).await?;
        Ok(found.into_iter().map(|(_, stone)| stone).collect())
    }

    async fn tombstones_of_content(&self, md5s: &[String]) -> Result<Vec<(String, Tombstone)>> {
        self.read_tombstones("md5", md5s).await
    }

    async fn empty(&self, now: u64) -> Result<Vec<PointId>> {
        let now = number_in(now)?;
        let mut transaction = self.state.write().await?;
        sqlx::query(
            "DELETE FROM kept_point WHERE collection = ? AND kind = 'edited' AND until < ?",
        )
        .bind(&self.collection)
        .bind(now)
        .execute(&mut *transaction)
        .await
        .map_err(failed)?;
        let due: Vec<(i64, String, String)> = sqlx::query_as(
            "SELECT number, point, payload FROM kept_point WHERE collection = ? AND kind = \
             'deleted' AND state = 'done' AND vectors IS NOT NULL AND until < ?",
        )
        .bind(&self.collection)
        .bind(now)
        .fetch_all(&mut *transaction)
        .await
        .map_err(failed)?;
        let mut emptied = Vec::with_capacity(due.len());
        for (number, point, payload) in due {
            sqlx::query("UPDATE kept_point SET vectors = NULL, payload = ? WHERE number = ?")
                .bind(encode_payload(&what_stays(&decode_payload(&payload)?))?)
                .bind(number)
                .execute(&mut *transaction)
                .await
                .map_err(failed)?;
            emptied.push(point.parse()?);
        }
        transaction.commit().await.map_err(failed)?;
        Ok(emptied)
    }

    async fn record(&self, entry: &JournalEntry) -> Result<()> {
        let mut transaction = self.state.write().await?;
        sqlx::query(
            "INSERT INTO change_journal (collection, at, by, change, action, pictures, detail) \
             VALUES (?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(&self.collection)
        .bind(number_in(entry.at)?)
        .bind(&entry.by)
        .bind(&entry.change)
        .bind(&entry.action)
        .bind(number_in(entry.pictures)?)
        .bind(entry.detail.to_string())
        .execute(&mut *transaction)
        .await
        .map_err(failed)?;
        transaction.commit().await.map_err(failed)
    }

    async fn journal(&self, before: Option<u64>, limit: usize) -> Result<Vec<JournalLine>> {
        let rows: Vec<JournalRow> = sqlx::query_as(
            "SELECT number, at, by, change, action, pictures, detail FROM change_journal WHERE \
             collection = ? AND number < ? ORDER BY number DESC LIMIT ?",
        )
        .bind(&self.collection)
        .bind(before.map_or(Ok(i64::MAX), number_in)?)
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(&self.state.pool)
        .await
        .map_err(failed)?;
        let line_of = |row: JournalRow| {
            let entry = JournalEntry {
                at: number_out(row.at)?,
                by: row.by,
                change: row.change,
                action: row.action,
                pictures: number_out(row.pictures)?,
                detail: serde_json::from_str(&row.detail).map_err(damaged)?,
            };
            Ok(JournalLine {
                number: number_out(row.number)?,
                entry,
            })
        };
        rows.into_iter().map(line_of).collect()
    }
}

fn rows_out(rows: sqlx::Result<Vec<Row>>) -> Result<Vec<NumberedPoint>> {
    rows.map_err(failed)?.into_iter().map(row_out).collect()
}

fn row_out(row: Row) -> Result<NumberedPoint> {
    let emptied = row.vectors.is_none();
    let vectors = row.vectors.as_deref().map(decode_vectors).transpose()?;
    let point = Point {
        id: row.point.parse()?,
        vectors: vectors.unwrap_or_default(),
        payload: decode_payload(&row.payload)?,
    };
    let mut states = KeptState::ALL.into_iter();
    let state = states.find(|state| state.name() == row.state);
    Ok(NumberedPoint {
        number: number_out(row.number)?,
        is_outdated: row.newest > row.number,
        kept: KeptPoint {
            point,
            kind: decode_kind(&row.kind)?,
            state: state.ok_or_else(|| unknown(&row.state))?,
            change: row.change,
            by: row.by,
            at: number_out(row.at)?,
            until: row.until.map(number_out).transpose()?,
            model: row.model,
            emptied,
        },
    })
}

fn decode_kind(name: &str) -> Result<KeptKind> {
    let found = KeptKind::ALL.into_iter().find(|kind| kind.name() == name);
    found.ok_or_else(|| unknown(name))
}

fn unknown(name: &str) -> Error {
    Error::internal(format!("the trash has a picture that is \"{name}\""))
}

fn damaged(error: serde_json::Error) -> Error {
    Error::internal("the trash has a damaged row").with_source(error)
}

/// Marks a number that is written as its bits, since parsing a decimal fraction may change the last
/// bit.
const BITS: &str = "\u{1}bits:";

fn encode_payload(payload: &Payload) -> Result<String> {
    let mut payload = payload.clone();
    payload.values_mut().for_each(encode_fractions);
    serde_json::to_string(&payload).map_err(damaged)
}

fn decode_payload(text: &str) -> Result<Payload> {
    let mut payload: Payload = serde_json::from_str(text).map_err(damaged)?;
    payload.values_mut().for_each(decode_fractions);
    Ok(payload)
}

fn encode_fractions(value: &mut Value) {
    match value {
        Value::Number(number) if number.is_f64() => {
            let bits = number.as_f64().unwrap_or_default().to_bits();
            *value = Value::String(format!("{BITS}{bits:016x}"));
        }
        Value::Array(values) => values.iter_mut().for_each(encode_fractions),
        Value::Object(values) => values.values_mut().for_each(encode_fractions),
        _ => {}
    }
}

fn decode_fractions(value: &mut Value) {
    match value {
        Value::String(text) => {
            let bits = text.strip_prefix(BITS);
            let bits = bits.and_then(|bits| u64::from_str_radix(bits, 16).ok());
            if let Some(fraction) = bits.map(f64::from_bits).and_then(Number::from_f64) {
                *value = Value::Number(fraction);
            }
        }
        Value::Array(values) => values.iter_mut().for_each(decode_fractions),
        Value::Object(values) => values.values_mut().for_each(decode_fractions),
        _ => {}
    }
}

/// Writes vectors bit for bit: for each space the number of values, or `u32::MAX` without a vector,
/// and the values.
fn encode_vectors(vectors: &Vectors) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (_, vector) in vectors.iter() {
        let Some(vector) = vector else {
            bytes.extend(u32::MAX.to_le_bytes());
            continue;
        };
        let length = u32::try_from(vector.len()).unwrap_or(u32::MAX - 1);
        bytes.extend(length.to_le_bytes());
        bytes.extend(vector.iter().flat_map(|value| value.to_le_bytes()));
    }
    bytes
}

fn decode_vectors(mut bytes: &[u8]) -> Result<Vectors> {
    let mut take = |count: usize| {
        let (taken, rest) = bytes.split_at_checked(count)?;
        bytes = rest;
        Some(taken)
    };
    let mut vectors = Vectors::default();
    for space in Space::ALL {
        let cut = || Error::internal("the trash has a picture whose vectors are cut off");
        let length = take(4).and_then(|length| length.try_into().ok());
        let length = u32::from_le_bytes(length.ok_or_else(cut)?);
        if length == u32::MAX {
            continue;
        }
        let values = take(length as usize * 4).ok_or_else(cut)?;
        let values = values.as_chunks::<4>().0.iter();
        *vectors.get_mut(space) = Some(values.map(|value| f32::from_le_bytes(*value)).collect());
    }
    Ok(vectors)
}

#[cfg(test)]
mod tests;
