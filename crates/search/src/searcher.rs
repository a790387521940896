//! Runs a search from its query to its page.

use std::sync::Arc;
use std::time::Instant;

use clippy_core::embedding::{Embedder, Embedding};
use clippy_core::gallery::{Gallery, HybridQuery, PerSpace, Space, Vectors, With};
use clippy_core::ids::PointId;
use clippy_core::preferences::{PreferenceRule, Preferences};
use clippy_core::search::fusion::{Hit, Ranking};
use clippy_core::search::lexical::LexicalQuery;
use clippy_core::search::weights::normalised;
use clippy_core::search::{cursor, diversity};
use clippy_core::{Error, Result};
use clippy_imaging::DecodeLimits;
use tokio::sync::Semaphore;

use crate::prepare::{Prepared, Role, prepare};
use crate::query::{SearchAnswer, SearchQuery, Took, filled};

/// How far a query's text vector is moved away from its negative words.
const NEGATIVE_SHARE: f32 = 0.5;
/// Fewest candidates that are taken from each space.
const FEWEST_CANDIDATES: usize = 256;
/// How often candidates are taken again, in greater number, when the ranking is not settled yet.
const MOST_ROUNDS: usize = 3;

/// What a searcher is set to.
#[derive(Debug, Clone)]
pub struct SearcherOptions {
    /// Size of the search beam in the graph.
    pub hnsw_ef: usize,
    /// How an artist's taste bends a ranking.
    pub rule: PreferenceRule,
    /// Limits for the pictures of queries.
    pub limits: DecodeLimits,
}

/// Searches one collection with the model that filled it.
pub struct Searcher {
    embedder: Arc<dyn Embedder>,
    gallery: Arc<dyn Gallery>,
    preferences: Arc<dyn Preferences>,
    options: SearcherOptions,
    /// A decoded picture may take hundreds of megabytes: only so many queries are prepared at once, and decoding uses
    /// up a core anyway.
    preparing: Arc<Semaphore>,
}

impl Searcher {
    /// A searcher over these parts.
    pub fn new(
        embedder: Arc<dyn Embedder>,
        gallery: Arc<dyn Gallery>,
        preferences: Arc<dyn Preferences>,
        options: SearcherOptions,
    ) -> Self {
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        Self { embedder, gallery, preferences, options, preparing: Arc::new(Semaphore::new(cores)) }
    }

    /// One page of results.
    ///
    /// # Errors
    /// [`clippy_core::ErrorCode::InvalidInput`] or `InvalidPicture` for a query that cannot work, `NotFound` for a
    /// `like` that is not in the collection, and whatever the model and the collection report.
    pub async fn search(&self, query: SearchQuery) -> Result<SearchAnswer> {
        let started = Instant::now();
        let weights = query.check()?;
        let fingerprint = fingerprint(&query);
        let offset = query.cursor.as_deref().map_or(Ok(0), |cursor| cursor::decode(cursor, &fingerprint))?;
        let tag_weights = self.tag_weights(&query).await?;

        let (query, prepared) = self.prepare(query, weights).await?;
        let prepared_at = Instant::now();
        let vectors = self.vectors(&query, prepared, weights).await?;
        let embedded_at = Instant::now();

        let weights = normalised(query.weights, PerSpace::from_fn(|space| vectors.get(space).is_some()))?;
        let lexical = vectors.text.as_ref().and_then(|_| filled(query.text.as_ref())).map(LexicalQuery::new);
        let priors_size = tag_weights.len();
        let ranking = Ranking { weights, lexical, tag_weights, rule: self.options.rule };
        let mut hits = self.rank(&query, &vectors, &ranking, offset + query.top).await?;
        if query.diversity > 0.0 {
            hits = self.diversified(hits, query.diversity).await?;
        }
        let more = hits.len() > offset + query.top;
        let mut page: Vec<Hit> = hits.into_iter().skip(offset).take(query.top).collect();
        if !ranking.needs_payload() {
            self.fill_payloads(&mut page).await?;
        }
        let ended = Instant::now();
        Ok(SearchAnswer {
            hits: page,
            weights,
            priors_size,
            took: Took {
                preprocess: prepared_at - started,
                embed: embedded_at - prepared_at,
                search: ended - embedded_at,
                total: ended - started,
            },
            next_cursor: if more { cursor::encode(offset + query.top, &fingerprint) } else { None },
        })
    }

    async fn tag_weights(&self, query: &SearchQuery) -> Result<std::collections::HashMap<String, f64>> {
        match &query.user_id {
            Some(user) if query.personalize => self.preferences.tag_weights(user).await,
            _ => Ok(std::collections::HashMap::new()),
        }
    }

    /// Decoding and edge maps take milliseconds of pure computing: they run beside the async threads.
    async fn prepare(&self, query: SearchQuery, weights: PerSpace<f32>) -> Result<(SearchQuery, Prepared)> {
        let wanted = PerSpace::from_fn(|space| *weights.get(space) > 0.0);
        if query.sketch.is_none() && query.image.is_none() {
            let prepared = prepare(&query, wanted, &self.embedder.info().transform, &self.options.limits)?;
            return Ok((query, prepared));
        }
        let info = Arc::clone(self.embedder.info());
        let limits = self.options.limits.clone();
        let turn = Arc::clone(&self.preparing)
            .acquire_owned()
            .await
            .map_err(|error| Error::internal("queries are not prepared any more").with_source(error))?;
        tokio::task::spawn_blocking(move || {
            // Held until the work ends, also when nobody waits for it any more.
            let _turn = turn;
            let prepared = prepare(&query, wanted, &info.transform, &limits)?;
            Ok((query, prepared))
        })
        .await
        .map_err(|error| Error::internal("preparing a query's pictures ended early").with_source(error))?
    }

    /// The query's unit vector in each space that has a weight and something to compare.
    async fn vectors(&self, query: &SearchQuery, prepared: Prepared, weights: PerSpace<f32>) -> Result<Vectors> {
        let mut sums: PerSpace<Option<Embedding>> = PerSpace::default();
        for id_vectors in self.liked(&query.like).await? {
            for space in Space::ALL {
                if *weights.get(space) > 0.0
                    && let Some(vector) = id_vectors.get(space)
                {
                    add(sums.get_mut(space), vector, 1.0);
                }
            }
        }
        let Prepared { inputs, roles } = prepared;
        if !inputs.is_empty() {
            let embedded = self.embedder.embed(inputs).await?;
            for (role, vector) in roles.iter().zip(&embedded.embeddings) {
                if let Role::For(space) = role {
                    add(sums.get_mut(*space), vector, 1.0);
                }
            }
            for (role, vector) in roles.iter().zip(&embedded.embeddings) {
                if *role == Role::Against {
                    let share = if sums.text.is_some() { NEGATIVE_SHARE } else { 1.0 };
                    // Against a unit vector, so that several likes do not drown the negative words.
                    sums.text.as_mut().map(|sum| to_unit_length(sum));
                    add(&mut sums.text, vector, -share);
                }
            }
        }
        for space in Space::ALL {
            if let Some(sum) = sums.get_mut(space) {
                to_unit_length(sum);
            }
        }
        if sums.iter().all(|(_, sum)| sum.is_none()) {
            return Err(Error::invalid(
                "nothing to compare by: what the query names has no vector in any space that has a weight",
            ));
        }
        Ok(sums)
    }

    async fn liked(&self, ids: &[PointId]) -> Result<Vec<Vectors>> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let points = self.gallery.retrieve(ids, With::VECTORS).await?;
        if let Some(missing) = ids.iter().find(|id| !points.iter().any(|point| point.id == **id)) {
            return Err(Error::not_found(format!("like: the collection has no picture {missing}")));
        }
        Ok(points.into_iter().map(|point| point.vectors).collect())
    }

    /// Takes candidates until no point that was not seen could still belong to the first `needed`.
    async fn rank(&self, query: &SearchQuery, vectors: &Vectors, ranking: &Ranking, needed: usize) -> Result<Vec<Hit>> {
        let mut filter = query.filter.clone();
        filter.exclude_ids.extend_from_slice(&query.like);
        // One more than the page, to know whether there is a next one.
        let needed = if query.diversity > 0.0 { (needed + 1).max(diversity::POOL) } else { needed + 1 };
        let mut candidates = (4 * needed).max(FEWEST_CANDIDATES);
        for round in 1.. {
            let found = self
                .gallery
                .hybrid(HybridQuery {
                    vectors: vectors.clone(),
                    filter: filter.clone(),
                    candidates,
                    lexical_tags: ranking.lexical.as_ref().map(LexicalQuery::tags).unwrap_or_default(),
                    with_payload: ranking.needs_payload(),
                    exact: query.exact,
                    hnsw_ef: self.options.hnsw_ef,
                })
                .await?;
            let bound = ranking.unseen_bound(&found);
            let hits = ranking.rank(found.hits);
            let settled = bound.is_none_or(|bound| hits.get(needed - 1).is_some_and(|last| last.score >= bound));
            if settled || round >= MOST_ROUNDS {
                return Ok(hits);
            }
            candidates *= 4;
        }
        Ok(Vec::new())
    }

    async fn diversified(&self, hits: Vec<Hit>, share: f32) -> Result<Vec<Hit>> {
        let ids: Vec<PointId> = hits.iter().take(diversity::POOL).map(|hit| hit.id).collect();
        let mut found = self.gallery.retrieve(&ids, With::VECTORS).await?.into_iter().peekable();
        // Points come in the order asked for; one deleted meanwhile leaves a gap, not a shift.
        let vectors: Vec<Vectors> = ids
            .iter()
            .map(|id| found.next_if(|point| point.id == *id).map(|point| point.vectors).unwrap_or_default())
            .collect();
        let mut hits: Vec<Option<Hit>> = hits.into_iter().map(Some).collect();
        let plain: Vec<Hit> = hits.iter().flatten().cloned().collect();
        Ok(diversity::order(&plain, &vectors, share).into_iter().filter_map(|index| hits[index].take()).collect())
    }

    async fn fill_payloads(&self, page: &mut [Hit]) -> Result<()> {
        let ids: Vec<PointId> = page.iter().map(|hit| hit.id).collect();
        let mut found = self.gallery.retrieve(&ids, With::PAYLOAD).await?.into_iter().peekable();
        for hit in page {
            if let Some(point) = found.next_if(|point| point.id == hit.id) {
                hit.payload = point.payload;
            }
        }
        Ok(())
    }
}

fn add(sum: &mut Option<Embedding>, vector: &[f32], share: f32) {
    match sum {
        None => *sum = Some(vector.iter().map(|value| value * share).collect()),
        Some(sum) => sum.iter_mut().zip(vector).for_each(|(sum, value)| *sum += value * share),
    }
}

fn to_unit_length(vector: &mut [f32]) {
    let length = vector.iter().map(|value| value * value).sum::<f32>().sqrt();
    if length > 0.0 {
        vector.iter_mut().for_each(|value| *value /= length);
    }
}

/// Everything that decides the order of results, so that a cursor is only taken by its own query.
fn fingerprint(query: &SearchQuery) -> String {
    let SearchQuery {
        sketch,
        image,
        like,
        text,
        negative_text,
        weights,
        top: _,
        cursor: _,
        filter,
        exact,
        user_id,
        personalize,
        min_percentile,
        diversity,
    } = query;
    let rest = format!(
        "{like:?} {text:?} {negative_text:?} {weights:?} {filter:?} {exact} {user_id:?} {personalize} {min_percentile:?} {diversity}"
    );
    cursor::fingerprint(&[sketch.as_deref().unwrap_or_default(), image.as_deref().unwrap_or_default(), rest.as_bytes()])
}
