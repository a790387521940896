//! Lists runs with everything that belongs to them.

use std::collections::HashMap;

use clippy_core::history::{
    HistoryEntry, HistoryFilter, HistoryInput, HistoryParent, HistoryPicture, HistoryPlace,
    HistoryUsage, ListedEntry, MOST_ENTRIES,
};
use clippy_core::{Error, Result};
use sqlx::{QueryBuilder, Sqlite, SqlitePool};

use super::super::{failed, number_out};

/// The most style tags that are counted.
const MOST_STYLES: i64 = 100;

/// The columns of a run, and the length of its chain.
const COLUMNS: &str = "number, id, owner, at, chain, parent, parent_picture, words, \
                       further_words, facts, (SELECT COUNT(*) FROM made_run AS other WHERE \
                       other.chain = made_run.chain) AS steps";

#[derive(sqlx::FromRow)]
struct Run {
    number: i64,
    id: String,
    owner: Option<String>,
    at: i64,
    chain: String,
    parent: Option<String>,
    parent_picture: Option<i64>,
    words: String,
    further_words: String,
    facts: String,
    steps: i64,
}

#[derive(sqlx::FromRow)]
struct Picture {
    run: i64,
    picture: i64,
    sha256: String,
    media_type: String,
    width: i64,
    height: i64,
    size: i64,
    seed: Option<i64>,
    favourite: bool,
}

pub(super) fn small(number: i64) -> Result<u32> {
    u32::try_from(number)
        .map_err(|_| Error::internal(format!("the database contains {number} instead of a count")))
}

pub(super) async fn list(pool: &SqlitePool, filter: &HistoryFilter) -> Result<Vec<ListedEntry>> {
    let mut query = QueryBuilder::<Sqlite>::new(
        "WITH matching AS (SELECT number, at, ROW_NUMBER() OVER (PARTITION BY ",
    );
    // Without a chain, each chain has one entry in the list.
    query.push(if filter.chain.is_some() {
        "number"
    } else {
        "chain"
    });
    query.push(" ORDER BY at DESC, number DESC) AS place FROM made_run WHERE 1");
    push_conditions(&mut query, filter);
    query.push(") SELECT ");
    query.push(COLUMNS);
    query.push(" FROM made_run WHERE number IN (SELECT number FROM matching WHERE place = 1");
    if let Some(after) = filter.after {
        query.push(" AND (at, number) < (").push_bind(after.at);
        query.push(", ").push_bind(after.number).push(")");
    }
    let limit = filter.limit.clamp(1, MOST_ENTRIES) as i64;
    query
        .push(" ORDER BY at DESC, number DESC LIMIT ")
        .push_bind(limit);
    query.push(") ORDER BY at DESC, number DESC");
    let runs = query
        .build_query_as()
        .fetch_all(pool)
        .await
        .map_err(failed)?;
    complete(pool, runs).await
}

fn push_conditions(query: &mut QueryBuilder<Sqlite>, filter: &HistoryFilter) {
    if let Some(owner) = &filter.owner {
        query.push(" AND owner = ").push_bind(owner.clone());
    }
    for word in &filter.words {
        query
            .push(" AND instr(findable, ")
            .push_bind(word.clone())
            .push(") > 0");
    }
    if let Some(from) = filter.from {
        query.push(" AND at >= ").push_bind(from);
    }
    if let Some(to) = filter.to {
        query.push(" AND at < ").push_bind(to);
    }
    if let Some(reference) = filter.reference {
        query.push(" AND number IN (SELECT run FROM made_reference WHERE point = ");
        query.push_bind(reference.to_string()).push(")");
    }
    if let Some(style) = &filter.style {
        query.push(" AND number IN (SELECT run FROM made_style WHERE style = ");
        query.push_bind(style.clone()).push(")");
    }
    if filter.favourite {
        query.push(" AND number IN (SELECT run FROM made_picture WHERE favourite = 1)");
    }
    if let Some(chain) = &filter.chain {
        query.push(" AND chain = ").push_bind(chain.clone());
    }
}

pub(super) async fn get(pool: &SqlitePool, id: &str) -> Result<Option<ListedEntry>> {
    let statement = sqlx::AssertSqlSafe(format!("SELECT {COLUMNS} FROM made_run WHERE id = ?"));
    let found = sqlx::query_as(statement).bind(id);
    let runs = found.fetch_all(pool).await.map_err(failed)?;
    Ok(complete(pool, runs).await?.pop())
}

/// Reads what belongs to the runs.
async fn complete(pool: &SqlitePool, runs: Vec<Run>) -> Result<Vec<ListedEntry>> {
    if runs.is_empty() {
        return Ok(Vec::new());
    }
    let numbers: Vec<String> = runs.iter().map(|run| run.number.to_string()).collect();
    let numbers = numbers.join(", ");
    let of_runs = |columns: &str, table: &str, order: &str| {
        sqlx::AssertSqlSafe(format!(
            "SELECT {columns} FROM {table} WHERE run IN ({numbers}) ORDER BY run, {order}"
        ))
    };
    let pictures: Vec<Picture> = sqlx::query_as(of_runs(
        "run, picture, sha256, media_type, width, height, size, seed, favourite",
        "made_picture",
        "picture",
    ))
    .fetch_all(pool)
    .await
    .map_err(failed)?;
    let references: Vec<(i64, String)> =
        sqlx::query_as(of_runs("run, point", "made_reference", "place"))
            .fetch_all(pool)
            .await
            .map_err(failed)?;
    let styles: Vec<(i64, String)> = sqlx::query_as(of_runs("run, style", "made_style", "place"))
        .fetch_all(pool)
        .await
        .map_err(failed)?;
    let inputs: Vec<(i64, String, i64)> =
        sqlx::query_as(of_runs("run, sha256, size", "made_input", "sha256"))
            .fetch_all(pool)
            .await
            .map_err(failed)?;
    let mut listed = Vec::with_capacity(runs.len());
    let mut places = HashMap::new();
    for run in runs {
        places.insert(run.number, listed.len());
        listed.push(entry_of(run)?);
    }
    for row in pictures {
        let picture = HistoryPicture {
            index: small(row.picture)?,
            sha256: row.sha256,
            media_type: row.media_type,
            width: small(row.width)?,
            height: small(row.height)?,
            size: number_out(row.size)?,
            seed: row.seed.map(i64::cast_unsigned),
            favourite: row.favourite,
        };
        if let Some(entry) = of_run(&mut listed, &places, row.run) {
            entry.pictures.push(picture);
        }
    }
    for (run, point) in references {
        let point = point.parse()?;
        if let Some(entry) = of_run(&mut listed, &places, run) {
            entry.references.push(point);
        }
    }
    for (run, style) in styles {
        if let Some(entry) = of_run(&mut listed, &places, run) {
            entry.styles.push(style);
        }
    }
    for (run, sha256, size) in inputs {
        let size = number_out(size)?;
        if let Some(entry) = of_run(&mut listed, &places, run) {
            entry.inputs.push(HistoryInput { sha256, size });
        }
    }
    Ok(listed)
}

/// The entry of a run that was read.
fn of_run<'l>(
    listed: &'l mut [ListedEntry],
    places: &HashMap<i64, usize>,
    run: i64,
) -> Option<&'l mut HistoryEntry> {
    let place = places.get(&run)?;
    listed.get_mut(*place).map(|one| &mut one.entry)
}

fn entry_of(run: Run) -> Result<ListedEntry> {
    let facts = serde_json::from_str(&run.facts).map_err(|error| {
        Error::internal(format!("entry {} of the history cannot be read", run.id))
            .with_source(error)
    })?;
    let parent = match run.parent.zip(run.parent_picture) {
        Some((id, index)) => Some(HistoryParent {
            id,
            index: small(index)?,
        }),
        None => None,
    };
    Ok(ListedEntry {
        chain: run.chain,
        steps: number_out(run.steps)?,
        place: HistoryPlace {
            at: run.at,
            number: run.number,
        },
        entry: HistoryEntry {
            id: run.id,
            owner: run.owner,
            at: run.at,
            parent,
            words: run.words,
            further_words: run.further_words,
            styles: Vec::new(),
            references: Vec::new(),
            inputs: Vec::new(),
            facts,
            pictures: Vec::new(),
        },
    })
}

pub(super) async fn usage(pool: &SqlitePool, owner: Option<&str>) -> Result<HistoryUsage> {
    let entries: i64 =
        sqlx::query_scalar("SELECT COUNT(*) FROM made_run WHERE ?1 IS NULL OR owner = ?1")
            .bind(owner)
            .fetch_one(pool)
            .await
            .map_err(failed)?;
    let (pictures, picture_bytes): (i64, i64) = sqlx::query_as(
        "SELECT COUNT(*), COALESCE(SUM(size), 0) FROM made_picture JOIN made_run ON number = run \
         WHERE ?1 IS NULL OR owner = ?1",
    )
    .bind(owner)
    .fetch_one(pool)
    .await
    .map_err(failed)?;
    let input_bytes: i64 = sqlx::query_scalar(
        "SELECT COALESCE(SUM(size), 0) FROM (SELECT DISTINCT sha256, size FROM made_input JOIN \
         made_run ON number = run WHERE ?1 IS NULL OR owner = ?1)",
    )
    .bind(owner)
    .fetch_one(pool)
    .await
    .map_err(failed)?;
    let styles: Vec<(String, i64)> = sqlx::query_as(
        "SELECT style, COUNT(*) AS entries FROM made_style JOIN made_run ON number = run WHERE ?1 \
         IS NULL OR owner = ?1 GROUP BY style ORDER BY entries DESC, style LIMIT ?2",
    )
    .bind(owner)
    .bind(MOST_STYLES)
    .fetch_all(pool)
    .await
    .map_err(failed)?;
    let styles = styles
        .into_iter()
        .map(|(style, entries)| Ok((style, number_out(entries)?)));
    Ok(HistoryUsage {
        entries: number_out(entries)?,
        pictures: number_out(pictures)?,
        picture_bytes: number_out(picture_bytes)?,
        input_bytes: number_out(input_bytes)?,
        styles: styles.collect::<Result<_>>()?,
    })
}
