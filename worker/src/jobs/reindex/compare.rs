//! Measures how much of the results stays the same: searches with recent queries in the old pair
//! and in the new one.

use std::collections::HashSet;

use clippy_core::ErrorCode;
use clippy_core::gallery::{Filter, With};
use clippy_core::ids::PointId;
use clippy_core::live::Live;
use clippy_core::recent::RecentQuery;
use clippy_core::search::weights::Weights;
use clippy_jobs::{JobContext, JobError};
use clippy_search::{SearchQuery, Searcher};
use serde::{Deserialize, Serialize};

use super::{ReindexTools, stage};

/// How many results of a query are compared.
const TOP: usize = 24;
/// How many of the newest recent queries are repeated.
const MOST_RECENT: usize = 100;
/// With fewer recent queries than this, pictures of the collection are used as further queries.
const ENOUGH: usize = 50;

/// The result of the comparison. Overlaps are shares, 0..1, of the first [`TOP`] results.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Comparison {
    /// How many results of each query are compared.
    top: usize,
    /// Queries that both pairs could answer.
    queries: usize,
    /// Of these, the recent queries by words or likes.
    recent: usize,
    /// Of these, the pictures of the collection.
    pictures: usize,
    /// Mean overlap of all queries.
    overlap: Option<f64>,
    /// Mean overlap of the recent queries.
    overlap_recent: Option<f64>,
    /// Mean overlap of the pictures.
    overlap_pictures: Option<f64>,
    /// The lowest overlap of a query.
    lowest: Option<f64>,
}

/// Searches in both pairs, and compares the results.
pub(super) async fn run(
    context: &JobContext,
    tools: &ReindexTools,
    old: &Live,
    new: &Live,
) -> Result<Comparison, JobError> {
    let recent: Vec<SearchQuery> = tools
        .recent
        .recent()
        .into_iter()
        .take(MOST_RECENT)
        .map(query_of)
        .collect();
    let pictures = pictures(old, ENOUGH.saturating_sub(recent.len())).await?;
    let total = (recent.len() + pictures.len()) as u64;
    let searchers = ((tools.searcher)(old), (tools.searcher)(new));
    let mut overlaps = (Vec::new(), Vec::new());
    let of_pictures = pictures.into_iter().map(|query| (query, false));
    for (done, (query, is_recent)) in recent
        .into_iter()
        .map(|query| (query, true))
        .chain(of_pictures)
        .enumerate()
    {
        context.go_on()?;
        stage(context, done as u64, Some(total), "comparing");
        if let Some(overlap) = overlap(&searchers.0, &searchers.1, query).await? {
            if is_recent {
                overlaps.0.push(overlap)
            } else {
                overlaps.1.push(overlap)
            }
        }
    }
    let (recent, pictures) = overlaps;
    let all: Vec<f64> = recent.iter().chain(&pictures).copied().collect();
    Ok(Comparison {
        top: TOP,
        queries: all.len(),
        recent: recent.len(),
        pictures: pictures.len(),
        overlap: mean(&all),
        overlap_recent: mean(&recent),
        overlap_pictures: mean(&pictures),
        lowest: all.iter().copied().reduce(f64::min),
    })
}

fn query_of(recent: RecentQuery) -> SearchQuery {
    let RecentQuery {
        text,
        negative_text,
        like,
        weights,
    } = recent;
    SearchQuery {
        text,
        negative_text,
        like,
        weights,
        top: TOP,
        ..SearchQuery::default()
    }
}

/// Returns queries by pictures that are spread over the collection. Both pairs have their vectors
/// already.
async fn pictures(old: &Live, wanted: usize) -> Result<Vec<SearchQuery>, JobError> {
    let points = old.gallery.count(&Filter::default()).await?;
    if wanted == 0 || points == 0 {
        return Ok(Vec::new());
    }
    let mut ids = Vec::new();
    let mut from = None;
    // Reads ids only. Of a large collection, only the first part is used.
    let page_size = usize::try_from(points)
        .unwrap_or(usize::MAX)
        .min(wanted * 1_000);
    let page = old
        .gallery
        .scroll(&Filter::default(), from.take(), page_size, With::NOTHING)
        .await?;
    let every = (page.points.len() / wanted).max(1);
    ids.extend(
        page.points
            .iter()
            .step_by(every)
            .take(wanted)
            .map(|point| point.id),
    );
    let look = Weights {
        image: 1.0,
        edge: 0.0,
        text: 0.0,
        style: 0.0,
    };
    let like = |id: PointId| SearchQuery {
        like: vec![id],
        weights: look,
        top: TOP,
        ..SearchQuery::default()
    };
    Ok(ids.into_iter().map(like).collect())
}

/// Returns the share of common results; `None` if the old pair has no answer.
async fn overlap(
    old: &Searcher,
    new: &Searcher,
    query: SearchQuery,
) -> Result<Option<f64>, JobError> {
    let Some(before) = results(old, query.clone()).await? else {
        return Ok(None);
    };
    if before.is_empty() {
        return Ok(None);
    }
    let after = results(new, query).await?.unwrap_or_default();
    let both = before.intersection(&after).count();
    Ok(Some(both as f64 / before.len().max(after.len()) as f64))
}

/// Returns the ids of the results; `None` for a query that cannot be answered, for example because
/// its picture is gone.
async fn results(
    searcher: &Searcher,
    query: SearchQuery,
) -> Result<Option<HashSet<PointId>>, JobError> {
    match searcher.search(query).await {
        Ok(answer) => Ok(Some(answer.hits.into_iter().map(|hit| hit.id).collect())),
        Err(error)
            if matches!(
                error.code,
                ErrorCode::NotFound | ErrorCode::InvalidInput | ErrorCode::Unsupported
            ) =>
        {
            tracing::debug!(%error, "a query is left out of the comparison");
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

fn mean(values: &[f64]) -> Option<f64> {
    if values.is_empty() {
        None
    } else {
        Some(values.iter().sum::<f64>() / values.len() as f64)
    }
}
