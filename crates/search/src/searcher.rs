//! Runs a search from its query to its page.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use clippy_core::embedding::{EmbedInput, Embedder, Embedding};
use clippy_core::gallery::{Filter, Gallery, HybridQuery, PerSpace, Vectors, With};
use clippy_core::ids::PointId;
use clippy_core::preferences::{PreferenceRule, Preferences};
use clippy_core::search::calibration::{Sampled, too_few};
use clippy_core::search::duplicates::{collapsed, left_out};
use clippy_core::search::fusion::{Hit, Ranking};
use clippy_core::search::lexical::LexicalQuery;
use clippy_core::search::weights::normalised;
use clippy_core::search::{crowding, cursor, diversity, subjects};
use clippy_core::{Error, Result, blocking};
use clippy_imaging::DecodeLimits;
use tokio::sync::Semaphore;

use crate::calibrating::{AtHand, calibrate};
use crate::crowding::Crowds;
use crate::known::{Key, Known};
use crate::prepare::{Part, Prepared, prepare};
use crate::query::{Facets, SearchAnswer, SearchQuery, Took, filled};
use crate::vectors::{Ingredients, combined};

/// Fewest candidates that are taken from each space. What a picture looks like and what its edges
/// look like go together, so that of real drawings a page is settled by fewer than 64; words beside
/// a drawing may take a second round.
const FEWEST_CANDIDATES: usize = 96;
/// How often candidates are taken again, in greater number, when the ranking is not settled yet.
const MOST_ROUNDS: usize = 3;
/// How many hits more than a page needs are ranked when copies are left out.
const SPARE: usize = 16;
/// How many of the best hits facets are counted over.
pub const FACET_POOL: usize = 200;
/// How many values of a facet are answered.
const MOST_FACET_VALUES: usize = 40;

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
    /// A decoded picture may take hundreds of megabytes: only so many queries are prepared at
    /// once, and decoding uses up a core anyway.
    preparing: Arc<Semaphore>,
    calibration: AtHand,
    crowds: Crowds,
    known: Arc<Known>,
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
        Self {
            embedder,
            gallery,
            preferences,
            options,
            preparing: Arc::new(Semaphore::new(cores)),
            calibration: AtHand::default(),
            crowds: Crowds::default(),
            known: Arc::new(Known::default()),
        }
    }

    /// One page of results.
    ///
    /// # Errors
    /// [`clippy_core::ErrorCode::InvalidInput`] or `InvalidPicture` for a query that cannot work,
    /// `NotFound` for a `like` that is not in the collection, and whatever the model and the
    /// collection report.
    pub async fn search(&self, query: SearchQuery) -> Result<SearchAnswer> {
        let started = Instant::now();
        let weights = query.check()?;
        let tag_weights = self.tag_weights(&query).await?;

        let Prepared {
            query,
            fingerprint,
            parts,
            inputs,
        } = self.prepare(query, weights).await?;
        let offset = query
            .cursor
            .as_deref()
            .map_or(Ok(0), |cursor| cursor::decode(cursor, &fingerprint))?;
        let prepared_at = Instant::now();
        // First what may be named in vain: the model is not asked for a query that cannot be
        // answered.
        let (like, unlike) = tokio::try_join!(
            self.named("like", &query.like),
            self.named("unlike", &query.unlike)
        )?;
        let embedded = self.embedded(parts, inputs).await?;
        let embedded = embedded
            .iter()
            .map(|(part, embedding)| (*part, embedding.as_ref()))
            .collect();
        let vectors = combined(
            &Ingredients {
                like: &like,
                unlike: &unlike,
                embedded,
            },
            weights,
        )?;
        let embedded_at = Instant::now();

        let weights = normalised(
            query.weights,
            PerSpace::from_fn(|space| vectors.get(space).is_some()),
        )?;
        let priors_size = tag_weights.len();
        let ranking = self.ranking(&query, &vectors, weights, tag_weights).await?;
        let end = offset + query.top;
        let mut hits = self.ranked(&query, &vectors, &ranking, end).await?;
        let facets = if query.facets {
            Some(self.facets(&hits).await?)
        } else {
            None
        };
        match query.diversity {
            Some(share) if share > 0.0 => hits = self.diversified(hits, share, end).await?,
            None if guesses(&query, &ranking) => hits = self.several_guesses(hits).await?,
            _ => {}
        }
        let more = hits.len() > end;
        let mut page: Vec<Hit> = hits.into_iter().skip(offset).take(query.top).collect();
        self.fill_payloads(&mut page).await?;
        let ended = Instant::now();
        Ok(SearchAnswer {
            collapsed: left_out(&page),
            hits: page,
            weights,
            calibrated: ranking.ranks_calibrated(),
            priors_size,
            facets,
            took: Took {
                preprocess: prepared_at - started,
                embed: embedded_at - prepared_at,
                search: ended - embedded_at,
                total: ended - started,
            },
            next_cursor: if more {
                cursor::encode(end, &fingerprint)
            } else {
                None
            },
        })
    }

    /// Samples the collection again, keeps what was found with it, and searches with it from now
    /// on.
    ///
    /// # Errors
    /// [`clippy_core::ErrorCode::Unsupported`] for a collection of too few pictures, and what the
    /// collection reports.
    pub async fn calibrate(&self) -> Result<Arc<Sampled>> {
        let sampled = Arc::new(calibrate(self.gallery.as_ref()).await?);
        self.calibration.set(Arc::clone(&sampled));
        self.crowds.forget();
        Ok(sampled)
    }

    async fn tag_weights(&self, query: &SearchQuery) -> Result<HashMap<String, f64>> {
        match &query.user_id {
            Some(user) if query.personalize => self.preferences.tag_weights(user).await,
            _ => Ok(HashMap::new()),
        }
    }

    /// Decoding and edge maps take milliseconds of pure computing: they run beside the async
    /// threads.
    async fn prepare(&self, query: SearchQuery, weights: PerSpace<f32>) -> Result<Prepared> {
        let wanted = PerSpace::from_fn(|space| *weights.get(space) > 0.0);
        let (info, known, limits) = (
            Arc::clone(self.embedder.info()),
            Arc::clone(&self.known),
            self.options.limits,
        );
        if query.sketch.is_none() && query.image.is_none() {
            return prepare(query, wanted, &known, &info.transform, &limits);
        }
        let turn = Arc::clone(&self.preparing)
            .acquire_owned()
            .await
            .map_err(|error| {
                Error::internal("queries are not prepared any more").with_source(error)
            })?;
        blocking("preparing a query's pictures", move || {
            // Held until the work ends, also when nobody waits for it any more.
            let _turn = turn;
            prepare(query, wanted, &known, &info.transform, &limits)
        })
        .await
    }

    /// Embeds what is not known yet, and keeps it.
    async fn embedded(
        &self,
        parts: Vec<(Key, Option<Arc<Embedding>>)>,
        inputs: Vec<EmbedInput>,
    ) -> Result<Vec<(Part, Arc<Embedding>)>> {
        let made = if inputs.is_empty() {
            Vec::new()
        } else {
            self.embedder.embed(inputs).await?.embeddings
        };
        let mut made = made.into_iter().map(Arc::new);
        parts
            .into_iter()
            .map(|(key, known)| {
                let embedding = match known {
                    Some(embedding) => embedding,
                    None => {
                        let embedding = made
                            .next()
                            .ok_or_else(|| Error::internal("the model embedded too little"))?;
                        self.known.keep(key, Arc::clone(&embedding));
                        embedding
                    }
                };
                Ok((key.part, embedding))
            })
            .collect()
    }

    /// The vectors of pictures that a field names.
    async fn named(&self, field: &str, ids: &[PointId]) -> Result<Vec<Vectors>> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let points = self.gallery.retrieve(ids, With::VECTORS).await?;
        if let Some(missing) = ids
            .iter()
            .find(|id| !points.iter().any(|point| point.id == **id))
        {
            return Err(Error::not_found(format!(
                "{field}: the collection has no picture {missing}"
            )));
        }
        Ok(points.into_iter().map(|point| point.vectors).collect())
    }

    async fn ranking(
        &self,
        query: &SearchQuery,
        vectors: &Vectors,
        weights: PerSpace<f32>,
        tag_weights: HashMap<String, f64>,
    ) -> Result<Ranking> {
        let words = |text: Option<&String>| {
            vectors
                .text
                .as_ref()
                .and_then(|_| filled(text))
                .map(LexicalQuery::new)
        };
        let mut ranking = Ranking::new(weights);
        ranking.lexical = words(query.text.as_ref());
        ranking.against = words(query.negative_text.as_ref());
        ranking.tag_weights = tag_weights;
        ranking.rule = self.options.rule;
        if let Some(sampled) = self.calibration.get(self.gallery.as_ref()).await? {
            ranking = ranking.calibrated_by(sampled.background(vectors), query.calibrated);
        }
        if query.min_percentile.is_some() && !ranking.has_percentiles() {
            return Err(Error {
                message: format!("min_percentile: {}", too_few().message),
                ..too_few()
            });
        }
        Ok(ranking)
    }

    /// The best hits, copies left out: at least as many as the page up to `end`, the one after it,
    /// and what else was asked for need, when there are so many.
    async fn ranked(
        &self,
        query: &SearchQuery,
        vectors: &Vectors,
        ranking: &Ranking,
        end: usize,
    ) -> Result<Vec<Hit>> {
        // One more than the page, to know whether there is a next one.
        let mut wanted = end + 1;
        if query.diversity.is_some_and(|share| share > 0.0) {
            wanted = wanted.max(diversity::POOL);
        } else if guesses(query, ranking) {
            wanted = wanted.max(subjects::POOL);
        }
        if query.facets {
            wanted = wanted.max(FACET_POOL);
        }
        let mut needed = if query.collapse {
            wanted + SPARE
        } else {
            wanted
        };
        if ranking.heeds_crowding() {
            needed = needed.max(crowding::POOL);
        }
        loop {
            let (mut hits, all) = self.rank(query, vectors, ranking, needed).await?;
            // What lies beyond is not settled: somebody unseen may belong there.
            let all = all && hits.len() <= needed;
            hits.truncate(needed);
            if ranking.heeds_crowding() {
                let last = hits.last().map(|hit| hit.score);
                self.heed_crowding(ranking, &mut hits).await?;
                // Who fell behind those who were ranked stands among others who were not.
                if let (false, Some(last)) = (all, last) {
                    hits.retain(|hit| hit.score >= last);
                }
            }
            if query.collapse {
                self.fill_payloads(&mut hits).await?;
                hits = collapsed(hits);
            }
            if all || hits.len() >= wanted {
                return Ok(hits);
            }
            needed *= 2;
        }
    }

    async fn heed_crowding(&self, ranking: &Ranking, hits: &mut [Hit]) -> Result<()> {
        let pool: Vec<PointId> = hits.iter().take(crowding::POOL).map(|hit| hit.id).collect();
        let around = self.crowds.around(self.gallery.as_ref(), &pool).await?;
        ranking.heed(&around, hits);
        Ok(())
    }

    /// Takes candidates until no point that was not seen could still belong to the first `needed`.
    /// Also tells whether these are all the hits that there are.
    async fn rank(
        &self,
        query: &SearchQuery,
        vectors: &Vectors,
        ranking: &Ranking,
        needed: usize,
    ) -> Result<(Vec<Hit>, bool)> {
        let mut filter = query.filter.clone();
        filter.exclude_ids.extend_from_slice(&query.like);
        filter.exclude_ids.extend_from_slice(&query.unlike);
        let mut candidates = (2 * needed).max(FEWEST_CANDIDATES);
        for round in 1.. {
            let found = self
                .gallery
                .hybrid(HybridQuery {
                    vectors: vectors.clone(),
                    filter: filter.clone(),
                    candidates,
                    lexical_tags: ranking
                        .lexical
                        .as_ref()
                        .map(LexicalQuery::tags)
                        .unwrap_or_default(),
                    with_payload: ranking.needs_payload(),
                    exact: query.exact,
                    hnsw_ef: self.options.hnsw_ef,
                })
                .await?;
            let bound = ranking.unseen_bound(&found);
            let mut hits = ranking.rank(found.hits);
            let passes = |percentile: Option<f32>| {
                query
                    .min_percentile
                    .is_none_or(|least| percentile >= Some(least))
            };
            hits.retain(|hit| passes(hit.percentile));
            // Who was not seen either does not exist, or is cut off, or stands behind those who are
            // needed.
            let all = bound.is_none_or(|bound| !passes(bound.percentile));
            let settled = all
                || hits
                    .get(needed - 1)
                    .is_some_and(|last| bound.is_some_and(|bound| last.score >= bound.score));
            if settled || round >= MOST_ROUNDS {
                return Ok((hits, all || !settled));
            }
            candidates *= 4;
        }
        Ok((Vec::new(), true))
    }

    async fn diversified(&self, hits: Vec<Hit>, share: f32, wanted: usize) -> Result<Vec<Hit>> {
        let ids: Vec<PointId> = hits
            .iter()
            .take(diversity::POOL)
            .map(|hit| hit.id)
            .collect();
        let mut found = self
            .gallery
            .retrieve(&ids, With::VECTORS)
            .await?
            .into_iter()
            .peekable();
        // Points come in the order asked for; one deleted meanwhile leaves a gap, not a shift.
        let vectors: Vec<Vectors> = ids
            .iter()
            .map(|id| {
                found
                    .next_if(|point| point.id == *id)
                    .map(|point| point.vectors)
                    .unwrap_or_default()
            })
            .collect();
        // Hundreds of pictures are compared with each other: beside the async threads.
        blocking("ordering results", move || {
            let order = diversity::order(&hits, &vectors, share, wanted);
            Ok(reordered(hits, order))
        })
        .await
    }

    async fn several_guesses(&self, mut hits: Vec<Hit>) -> Result<Vec<Hit>> {
        let pool = hits.len().min(subjects::POOL);
        self.fill_payloads(&mut hits[..pool]).await?;
        let order = subjects::order(&hits);
        Ok(reordered(hits, order))
    }

    /// What tags and styles the best hits have.
    async fn facets(&self, hits: &[Hit]) -> Result<Facets> {
        let ids: Vec<PointId> = hits.iter().take(FACET_POOL).map(|hit| hit.id).collect();
        let of = ids.len();
        if ids.is_empty() {
            return Ok(Facets::default());
        }
        let filter = Filter {
            only_ids: Some(ids),
            ..Filter::default()
        };
        let (styles, mut tags) = tokio::try_join!(
            self.gallery
                .facet("matched_tags", &filter, MOST_FACET_VALUES),
            self.gallery
                .facet("tags_all", &filter, 2 * MOST_FACET_VALUES),
        )?;
        // Styles stand among all tags, too: they are shown once.
        tags.retain(|tag| !styles.iter().any(|style| style.value == tag.value));
        tags.truncate(MOST_FACET_VALUES);
        Ok(Facets { of, tags, styles })
    }

    /// Fetches the payloads of hits that have none yet.
    async fn fill_payloads(&self, hits: &mut [Hit]) -> Result<()> {
        let ids: Vec<PointId> = hits
            .iter()
            .filter(|hit| hit.payload.is_empty())
            .map(|hit| hit.id)
            .collect();
        if ids.is_empty() {
            return Ok(());
        }
        let mut found = self
            .gallery
            .retrieve(&ids, With::PAYLOAD)
            .await?
            .into_iter()
            .peekable();
        for hit in hits.iter_mut().filter(|hit| hit.payload.is_empty()) {
            if let Some(point) = found.next_if(|point| point.id == hit.id) {
                hit.payload = point.payload;
            }
        }
        Ok(())
    }
}

/// Whether the first places should hold several guesses at what the query shows: it is a sketch and
/// nothing else, nobody asked for another order, and scores are in the unit that guesses are
/// compared in.
fn guesses(query: &SearchQuery, ranking: &Ranking) -> bool {
    query.is_a_sketch_alone() && query.diversity.is_none() && ranking.ranks_calibrated()
}

fn reordered(hits: Vec<Hit>, order: Vec<usize>) -> Vec<Hit> {
    let mut hits: Vec<Option<Hit>> = hits.into_iter().map(Some).collect();
    order
        .into_iter()
        .filter_map(|index| hits[index].take())
        .collect()
}
