//! Guesses at the subject of a query that also names a style.

use clippy_core::Result;
use clippy_core::gallery::{Probe, ProbeKind, With};
use clippy_core::ids::PointId;
use clippy_core::search::evidence::{Guesses, POOL, guess, subject_weight};

use crate::query::SearchQuery;
use crate::ranked::HitFinder;

/// The subject is not guessed if its share of the weight is less than this.
const LEAST_WEIGHT: f32 = 1e-3;

/// The probes that say what a picture shows, with weights that sum to 1. `None` if the query names
/// no style, or nothing but a style.
pub(crate) fn without_style(probes: &[Probe]) -> Option<Vec<Probe>> {
    let is_style = |probe: &Probe| probe.kind == ProbeKind::Style;
    let weight = subject_weight(probes);
    if !probes.iter().any(is_style) || weight < LEAST_WEIGHT {
        return None;
    }
    let of_subject = probes.iter().filter(|probe| !is_style(probe));
    let scaled = |probe: &Probe| Probe {
        weight: probe.weight / weight,
        ..probe.clone()
    };
    Some(of_subject.map(scaled).collect())
}

/// The query whose best hits are guesses. It has the same filters as the original query, so
/// pictures that a filter leaves out do not change the results.
pub(crate) fn query(query: &SearchQuery) -> SearchQuery {
    SearchQuery {
        min_percentile: None,
        collapse: false,
        facets: false,
        ..query.clone()
    }
}

/// The guesses: the sentences of the best hits. `None` if none of these has a sentence.
pub(crate) async fn guesses(finder: &HitFinder<'_>) -> Result<Option<Guesses>> {
    let mut hits = finder.find(POOL - 1).await?;
    hits.truncate(POOL);
    let ids: Vec<PointId> = hits.iter().map(|hit| hit.id).collect();
    let found = finder.gallery.retrieve(&ids, With::VECTORS).await?;
    let mut found = found.into_iter().peekable();
    // Points come in the order asked for; one that was deleted since is no guess.
    Ok(guess(hits.iter().map(|hit| {
        let point = found.next_if(|point| point.id == hit.id);
        (hit.score, point.and_then(|point| point.vectors.text))
    })))
}
