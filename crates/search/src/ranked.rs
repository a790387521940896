//! Finds the hits of a query's probes, in the order of the page.

use clippy_core::gallery::{
    Filter, Gallery, HybridQuery, LackingList, Payload, Probe, ProbeKind, Space, Vectors, With,
};
use clippy_core::ids::PointId;
use clippy_core::search::duplicates::collapse;
use clippy_core::search::fusion::{Hit, Ranking};
use clippy_core::search::per_style::{self, StyleGroup};
use clippy_core::search::{colour_order, crowding, diversity, subjects};
use clippy_core::style_groups::StyleGroups;
use clippy_core::{Result, blocking};

use crate::answer::StyleHits;
use crate::crowding::CrowdingCache;
use crate::facets::FACET_POOL;
use crate::order::PageOrder;
use crate::query::SearchQuery;

/// Shortest list of candidates of a probe. The look of a picture and the look of its edges are
/// related, so fewer than 64 candidates settle a page of a real drawing. A drawing with words may
/// need a second round.
const FEWEST_CANDIDATES: usize = 96;
/// How often more candidates are taken while the ranking is not settled.
const MOST_ROUNDS: usize = 3;
/// How many more hits than a page needs are ranked when duplicates are left out.
const SPARE: usize = 16;

/// What is needed to find the hits of one query.
pub(crate) struct HitFinder<'a> {
    pub(crate) gallery: &'a dyn Gallery,
    pub(crate) crowding: &'a CrowdingCache,
    pub(crate) query: &'a SearchQuery,
    pub(crate) probes: &'a [Probe],
    pub(crate) ranking: &'a Ranking,
    pub(crate) order: PageOrder,
    /// The groups of similar styles, where they are needed.
    pub(crate) groups: Option<&'a StyleGroups>,
    /// Size of the search beam in the graph.
    pub(crate) hnsw_ef: usize,
}

/// Some of the best hits.
struct Ranked {
    hits: Vec<Hit>,
    /// Whether there are no other hits.
    is_complete: bool,
}

impl HitFinder<'_> {
    /// Finds the best hits without duplicates: enough for the page that ends at `end`, the one
    /// after it, the order and the facets, if there are that many.
    pub(crate) async fn find(&self, end: usize) -> Result<Vec<Hit>> {
        // One more than the page, to know whether there is a next one.
        let mut wanted = (end + 1).max(self.order.pool());
        if self.query.facets {
            wanted = wanted.max(FACET_POOL);
        }
        let spare = if self.query.collapse { SPARE } else { 0 };
        let mut needed = wanted + spare;
        if self.ranking.corrects_crowding() {
            needed = needed.max(crowding::POOL);
        }
        if self.ranking.compares_colours() {
            needed = needed.max(colour_order::POOL);
        }
        loop {
            let Ranked {
                mut hits,
                is_complete,
            } = self.rank(needed).await?;
            // Hits beyond `needed` are not final: an unseen point may rank above them.
            let is_complete = is_complete && hits.len() <= needed;
            hits.truncate(needed);
            if self.ranking.corrects_crowding() {
                self.correct_crowding(&mut hits, is_complete).await?;
            }
            if self.ranking.compares_colours() {
                fill_payloads(self.gallery, &mut hits).await?;
                self.ranking.prefer_colours(&mut hits);
            }
            if self.query.collapse {
                fill_payloads(self.gallery, &mut hits).await?;
                hits = collapse(hits);
            }
            if is_complete || hits.len() >= wanted {
                return Ok(hits);
            }
            needed *= 2;
        }
    }

    /// Puts hits into the order of the page; only the places up to `end` matter.
    pub(crate) async fn reorder(&self, mut hits: Vec<Hit>, end: usize) -> Result<Vec<Hit>> {
        match self.order {
            PageOrder::Likeness => Ok(hits),
            PageOrder::Guesses => {
                let pool = hits.len().min(subjects::POOL);
                fill_payloads(self.gallery, &mut hits[..pool]).await?;
                let order = subjects::order(&hits);
                Ok(permute(hits, order))
            }
            PageOrder::Diverse(share) => self.diversify(hits, share, end).await,
            PageOrder::PerStyle => {
                let hits_with_styles = self.with_styles(&mut hits).await?;
                let order =
                    per_style::order(hits_with_styles, &|payload| self.found_style(payload));
                Ok(permute(hits, order))
            }
        }
    }

    /// The styles of the best hits, when the page is ordered by them.
    pub(crate) async fn style_groups(&self, hits: &mut [Hit]) -> Result<Option<Vec<StyleHits>>> {
        if self.order != PageOrder::PerStyle {
            return Ok(None);
        }
        let hits = self.with_styles(hits).await?;
        let of_group = |StyleGroup { style, count, best }| StyleHits {
            style,
            count,
            ids: best.into_iter().map(|index| hits[index].id).collect(),
        };
        Ok(Some(
            per_style::groups(hits, &|payload| self.found_style(payload))
                .into_iter()
                .map(of_group)
                .collect(),
        ))
    }

    /// The name of the group of similar styles that a picture is in.
    fn found_style(&self, payload: &Payload) -> Option<String> {
        let group = self.groups?.group_of(payload)?;
        Some(group.name.clone())
    }

    /// The hits, with the payloads of those that are grouped by style.
    async fn with_styles<'h>(&self, hits: &'h mut [Hit]) -> Result<&'h [Hit]> {
        let pool = hits.len().min(per_style::POOL);
        fill_payloads(self.gallery, &mut hits[..pool]).await?;
        Ok(hits)
    }

    async fn correct_crowding(&self, hits: &mut Vec<Hit>, is_complete: bool) -> Result<()> {
        let lowest = hits.last().map(|hit| hit.score);
        let pool: Vec<PointId> = hits.iter().take(crowding::POOL).map(|hit| hit.id).collect();
        let around = self.crowding.around(self.gallery, &pool).await?;
        self.ranking.correct_crowding(&around, hits);
        // The correction may lower a hit's score below that of points that were not fetched. Such a
        // hit is dropped.
        if let (false, Some(lowest)) = (is_complete, lowest) {
            hits.retain(|hit| hit.score >= lowest);
        }
        Ok(())
    }

    /// Takes candidates until no unseen point can be among the first `needed` hits.
    async fn rank(&self, needed: usize) -> Result<Ranked> {
        let mut query = self.first_query(needed);
        for round in 1.. {
            let found = self.gallery.hybrid(query.clone()).await?;
            let bound = self.ranking.unseen_bound(&found);
            let mut hits = self.ranking.rank(found.hits);
            hits.retain(|hit| self.passes(hit.percentile));
            // All points were seen, or the unseen ones do not pass.
            let is_complete = bound.is_none_or(|bound| !self.passes(bound.percentile));
            let is_settled = is_complete
                || hits
                    .get(needed - 1)
                    .is_some_and(|last| bound.is_some_and(|bound| last.score >= bound.score));
            if is_settled || round >= MOST_ROUNDS {
                return Ok(Ranked {
                    hits,
                    is_complete: is_complete || !is_settled,
                });
            }
            query.candidates *= 4;
        }
        Ok(Ranked {
            hits: Vec::new(),
            is_complete: true,
        })
    }

    fn passes(&self, percentile: Option<f32>) -> bool {
        let least = self.query.min_percentile;
        least.is_none_or(|least| percentile >= Some(least))
    }

    fn first_query(&self, needed: usize) -> HybridQuery {
        let mut filter: Filter = self.query.filter.clone();
        filter.exclude_ids.extend_from_slice(&self.query.like);
        filter.exclude_ids.extend_from_slice(&self.query.unlike);
        filter.exclude_ids.extend_from_slice(&self.query.style_like);
        // Untagged pictures are compared with words by the picture alone, and with the whole weight
        // of the words: they get a list of their own.
        let words_image = |probe: &Probe| probe.kind == ProbeKind::WordsImage;
        let lacking = self.probes.iter().position(words_image);
        HybridQuery {
            probes: self.probes.to_vec(),
            filter,
            candidates: (2 * needed).max(FEWEST_CANDIDATES),
            lexical_tags: self.ranking.lexical_tags(),
            lexical_proposed_by: self.ranking.lexical_proposed_by(),
            lacking: lacking.map(|probe| LackingList {
                probe,
                space: Space::Text,
            }),
            with_payload: self.ranking.needs_payload(),
            exact: self.query.exact,
            hnsw_ef: self.hnsw_ef,
        }
    }

    async fn diversify(&self, hits: Vec<Hit>, share: f32, wanted: usize) -> Result<Vec<Hit>> {
        let ids: Vec<PointId> = hits
            .iter()
            .take(diversity::POOL)
            .map(|hit| hit.id)
            .collect();
        let found = self.gallery.retrieve(&ids, With::VECTORS).await?;
        let mut found = found.into_iter().peekable();
        // Points come in the order asked for; one that was deleted since leaves a gap, and does not
        // shift the others.
        let vectors: Vec<Vectors> = ids
            .iter()
            .map(|id| {
                found
                    .next_if(|point| point.id == *id)
                    .map(|point| point.vectors)
                    .unwrap_or_default()
            })
            .collect();
        // Hundreds of pictures are compared with each other: not on the async threads.
        blocking("ordering results", move || {
            let order = diversity::order(&hits, &vectors, share, wanted);
            Ok(permute(hits, order))
        })
        .await
    }
}

/// Fetches the payloads of hits that have none yet.
pub(crate) async fn fill_payloads(gallery: &dyn Gallery, hits: &mut [Hit]) -> Result<()> {
    let ids: Vec<PointId> = hits
        .iter()
        .filter(|hit| hit.payload.is_empty())
        .map(|hit| hit.id)
        .collect();
    if ids.is_empty() {
        return Ok(());
    }
    let found = gallery.retrieve(&ids, With::PAYLOAD).await?;
    let mut found = found.into_iter().peekable();
    for hit in hits.iter_mut().filter(|hit| hit.payload.is_empty()) {
        if let Some(point) = found.next_if(|point| point.id == hit.id) {
            hit.payload = point.payload;
        }
    }
    Ok(())
}

fn permute(hits: Vec<Hit>, order: Vec<usize>) -> Vec<Hit> {
    let mut hits: Vec<Option<Hit>> = hits.into_iter().map(Some).collect();
    order
        .into_iter()
        .filter_map(|index| hits[index].take())
        .collect()
}
