//! Runs a search from its query to its page.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use clippy_core::embedding::{EmbedInput, Embedder, Embedding};
use clippy_core::gallery::{Gallery, Probe, Vectors, With};
use clippy_core::ids::PointId;
use clippy_core::preferences::{PreferenceRule, Preferences};
use clippy_core::search::calibration::{Sampled, too_few};
use clippy_core::search::cursor;
use clippy_core::search::duplicates::count_duplicates;
use clippy_core::search::evidence::Guesses;
use clippy_core::search::fusion::{Hit, Ranking, RankingParts, Taste};
use clippy_core::search::lexical::LexicalQuery;
use clippy_core::search::suggestions::corrected;
use clippy_core::search::weights::Weights;
use clippy_core::search::words::Words;
use clippy_core::style_groups::{self, StyleGroups};
use clippy_core::styles::StyleVectors;
use clippy_core::{Error, ErrorCode, Result, blocking, styles};
use clippy_imaging::DecodeLimits;
use tokio::sync::Semaphore;

use crate::answer::{DidYouMean, SearchAnswer, Took};
use crate::calibrating::{CalibrationCache, calibrate};
use crate::crowding::CrowdingCache;
use crate::embedding_cache::EmbeddingCache;
use crate::facets::count_facets;
use crate::guessed;
use crate::inputs::{Input, InputKey};
use crate::order::PageOrder;
use crate::prepare::{PreparedQuery, prepare};
use crate::probes::{ProbeParts, Probes};
use crate::query::{AskedOrder, SearchQuery, non_blank};
use crate::ranked::{HitFinder, fill_payloads};
use crate::vocabulary::VocabularyCache;

/// The settings of a searcher.
#[derive(Debug, Clone)]
pub struct SearcherOptions {
    /// Size of the search beam in the graph.
    pub hnsw_ef: usize,
    /// How an artist's taste changes a ranking.
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
    /// A decoded picture may take hundreds of megabytes, and decoding uses a whole core: the number
    /// of queries that are prepared at the same time is limited.
    preparing: Arc<Semaphore>,
    calibration: CalibrationCache,
    crowding: CrowdingCache,
    embeddings: Arc<EmbeddingCache>,
    vocabulary: VocabularyCache,
}

impl Searcher {
    /// Makes a searcher of these parts.
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
            calibration: CalibrationCache::default(),
            crowding: CrowdingCache::default(),
            embeddings: Arc::new(EmbeddingCache::default()),
            vocabulary: VocabularyCache::default(),
        }
    }

    /// Searches, and returns one page of results.
    ///
    /// # Errors
    /// [`clippy_core::ErrorCode::InvalidInput`] or `InvalidPicture` for a query that cannot work,
    /// `NotFound` for a `like` that is not in the collection, and whatever the model and the
    /// collection report.
    pub async fn search(&self, query: SearchQuery) -> Result<SearchAnswer> {
        self.search_holding(query, ()).await
    }

    /// Like [`Searcher::search`]. If the search is dropped while a thread works on the query's
    /// pictures, `held` is dropped when that thread ends.
    ///
    /// # Errors
    /// As [`Searcher::search`].
    pub async fn search_holding(
        &self,
        query: SearchQuery,
        held: impl Send + 'static,
    ) -> Result<SearchAnswer> {
        let started = Instant::now();
        let weights = query.check()?;
        let groups = self.groups_for(&query).await?;
        let query = within_groups(query, groups.as_ref())?;
        let tag_weights = self.tag_weights(&query).await?;
        let priors_size = tag_weights.len();
        let PreparedQuery {
            query,
            fingerprint,
            inputs,
            missing,
        } = self.prepare(query, weights, held).await?;
        let offset = query
            .cursor
            .as_deref()
            .map_or(Ok(0), |cursor| cursor::decode(cursor, &fingerprint))?;
        let prepared_at = Instant::now();
        // Resolve ids first, so that an unknown id costs no model call.
        let (like, unlike, (style_like, styles)) = tokio::try_join!(
            self.vectors_of("like", &query.like),
            self.vectors_of("unlike", &query.unlike),
            self.styles_of(&query, groups.as_ref())
        )?;
        let mut embedded = self.embed(inputs, missing).await?;
        for (_, embedding) in embedded
            .iter_mut()
            .filter(|(input, _)| *input == Input::StyleImage)
        {
            *embedding = Arc::new(styles.finish(embedding.to_vec()));
        }
        let parts = ProbeParts {
            like: &like,
            unlike: &unlike,
            style_like: &style_like,
            embedded: embedded
                .iter()
                .map(|(input, embedding)| (*input, embedding.as_ref()))
                .collect(),
        };
        let Probes {
            mut probes,
            weights,
        } = Probes::new(&parts, &weights)?;
        let embedded_at = Instant::now();

        let guesses = self.guesses(&query, &probes).await?;
        probes.extend(guesses.iter().flat_map(Guesses::probes));
        let ranking = self.ranking(&query, &probes, guesses.as_ref(), tag_weights);
        let ranking = ranking.await?;
        let finder = HitFinder {
            gallery: self.gallery.as_ref(),
            crowding: &self.crowding,
            query: &query,
            probes: &probes,
            ranking: &ranking,
            order: PageOrder::of(&query, &ranking),
            groups: groups.as_ref(),
            hnsw_ef: self.options.hnsw_ef,
        };
        let end = offset + query.top;
        let mut hits = finder.find(end).await?;
        let facets = if query.facets {
            Some(count_facets(self.gallery.as_ref(), &hits, groups.as_ref()).await?)
        } else {
            None
        };
        let styles = finder.style_groups(&mut hits).await?;
        let hits = finder.reorder(hits, end).await?;
        let next_cursor = (hits.len() > end).then(|| cursor::encode(end, &fingerprint));
        let mut page: Vec<Hit> = hits.into_iter().skip(offset).take(query.top).collect();
        fill_payloads(self.gallery.as_ref(), &mut page).await?;
        let nothing_close = offset == 0 && ranking.nothing_is_close(&page);
        let did_you_mean = match offset {
            0 => self.did_you_mean(&query, &probes).await?,
            _ => None,
        };
        let ended = Instant::now();
        Ok(SearchAnswer {
            collapsed: count_duplicates(&page),
            hits: page,
            nothing_close,
            did_you_mean,
            weights,
            calibrated: ranking.is_calibrated(),
            priors_size,
            facets,
            styles,
            took: Took {
                preprocess: prepared_at - started,
                embed: embedded_at - prepared_at,
                search: ended - embedded_at,
                total: ended - started,
            },
            next_cursor: next_cursor.flatten(),
        })
    }

    /// Samples the collection again, stores the calibration with it, and uses it from now on.
    ///
    /// # Errors
    /// [`clippy_core::ErrorCode::Unsupported`] for a collection of too few pictures, and what the
    /// collection reports.
    pub async fn calibrate(&self) -> Result<Arc<Sampled>> {
        let sampled = Arc::new(calibrate(self.gallery.as_ref()).await?);
        self.calibration.set(Arc::clone(&sampled));
        self.crowding.clear();
        Ok(sampled)
    }

    /// Corrects the words of a query that the gallery's tags do not have.
    async fn did_you_mean(
        &self,
        query: &SearchQuery,
        probes: &[Probe],
    ) -> Result<Option<DidYouMean>> {
        let Some(text) = wanted_text(query, probes) else {
            return Ok(None);
        };
        let vocabulary = self.vocabulary.get(self.gallery.as_ref()).await?;
        let text = text.to_owned();
        // Thousands of words are compared.
        blocking("correcting words", move || {
            let corrections = vocabulary.corrections(&text);
            Ok((!corrections.is_empty()).then(|| DidYouMean {
                text: corrected(&text, &corrections),
                corrections,
            }))
        })
        .await
    }

    async fn tag_weights(&self, query: &SearchQuery) -> Result<HashMap<String, f64>> {
        match &query.user_id {
            Some(user) if query.personalize => self.preferences.tag_weights(user).await,
            _ => Ok(HashMap::new()),
        }
    }

    /// Prepares a query. Decoding and edge maps take milliseconds of computation, so they run off
    /// the async threads.
    async fn prepare(
        &self,
        query: SearchQuery,
        weights: Weights,
        held: impl Send + 'static,
    ) -> Result<PreparedQuery> {
        let (info, cache, limits) = (
            Arc::clone(self.embedder.info()),
            Arc::clone(&self.embeddings),
            self.options.limits,
        );
        if query.sketch.is_none() && query.image.is_none() && query.style_image.is_none() {
            return prepare(query, &weights, &cache, &info.transform, &limits);
        }
        let permit = Arc::clone(&self.preparing)
            .acquire_owned()
            .await
            .map_err(|error| {
                Error::internal("queries are not prepared any more").with_source(error)
            })?;
        blocking("preparing a query's pictures", move || {
            // Held until the work ends, even when the caller has gone.
            let _held = (permit, held);
            prepare(query, &weights, &cache, &info.transform, &limits)
        })
        .await
    }

    /// Embeds the inputs that are not cached, and caches them.
    async fn embed(
        &self,
        inputs: Vec<(InputKey, Option<Arc<Embedding>>)>,
        missing: Vec<EmbedInput>,
    ) -> Result<Vec<(Input, Arc<Embedding>)>> {
        let embedded = if missing.is_empty() {
            Vec::new()
        } else {
            self.embedder.embed(missing).await?.embeddings
        };
        let mut embedded = embedded.into_iter().map(Arc::new);
        inputs
            .into_iter()
            .map(|(key, cached)| {
                let embedding = match cached {
                    Some(embedding) => embedding,
                    None => {
                        let embedding = embedded.next().ok_or_else(|| {
                            Error::internal("the model returned too few embeddings")
                        })?;
                        self.embeddings.insert(key, Arc::clone(&embedding));
                        embedding
                    }
                };
                Ok((key.input, embedding))
            })
            .collect()
    }

    /// Returns the vectors of the pictures in a field.
    async fn vectors_of(&self, field: &str, ids: &[PointId]) -> Result<Vec<Vectors>> {
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

    /// The vectors of the pictures whose look is wanted, and how the embedding of a picture's look
    /// becomes such a vector. Refuses a query by style where there are no styles to compare with.
    async fn styles_of(
        &self,
        query: &SearchQuery,
        groups: Option<&StyleGroups>,
    ) -> Result<(Vec<Vectors>, StyleVectors)> {
        if query.asks_for_groups_alone()
            && let Some(groups) = groups
        {
            let middle = Vectors {
                style: Some(groups.middle(&query.style_groups)?),
                ..Vectors::default()
            };
            return Ok((vec![middle], StyleVectors::NotMade));
        }
        if !query.names_a_style() {
            return Ok((Vec::new(), StyleVectors::NotMade));
        }
        let made = styles::check_search(self.gallery.as_ref(), self.embedder.info()).await?;
        let found = self.vectors_of("style_like", &query.style_like).await?;
        let lacking = query.style_like.iter().zip(&found);
        if let Some((id, _)) = lacking.into_iter().find(|(_, of)| of.style.is_none()) {
            return Err(Error::new(
                ErrorCode::Unsupported,
                format!(
                    "style_like: the picture {id} has no style vector: {}",
                    styles::FILL
                ),
            ));
        }
        Ok((found, made))
    }

    /// Reads the groups of similar styles, if the query needs them.
    async fn groups_for(&self, query: &SearchQuery) -> Result<Option<StyleGroups>> {
        let needs_groups = !query.style_groups.is_empty()
            || query.facets
            || query.order == Some(AskedOrder::PerStyle);
        if !needs_groups {
            return Ok(None);
        }
        let gallery = self.gallery.as_ref();
        let head = styles::head_of(gallery, self.embedder.info()).await?;
        StyleGroups::read(gallery, head.as_deref()).await
    }

    /// Guesses at the subject of a query that also names a style: from its best hits without the
    /// style. None for any other query, and where scores are not calibrated.
    async fn guesses(&self, query: &SearchQuery, probes: &[Probe]) -> Result<Option<Guesses>> {
        let Some(of_subject) = guessed::without_style(probes) else {
            return Ok(None);
        };
        let query = guessed::query(query);
        let ranking = self.ranking(&query, &of_subject, None, HashMap::new());
        let ranking = ranking.await?;
        if !ranking.is_calibrated() {
            return Ok(None);
        }
        let finder = HitFinder {
            gallery: self.gallery.as_ref(),
            crowding: &self.crowding,
            query: &query,
            probes: &of_subject,
            ranking: &ranking,
            groups: None,
            order: PageOrder::Likeness,
            hnsw_ef: self.options.hnsw_ef,
        };
        guessed::guesses(&finder).await
    }

    async fn ranking(
        &self,
        query: &SearchQuery,
        probes: &[Probe],
        guesses: Option<&Guesses>,
        tag_weights: HashMap<String, f64>,
    ) -> Result<Ranking> {
        let sampled = self.calibration.get(self.gallery.as_ref()).await?;
        let ranking = Ranking::new(RankingParts {
            probes,
            guesses,
            words: Words {
                proposed_by: Some(self.embedder.info().fingerprint.clone()),
                ..words_of(query, probes)
            },
            taste: Taste {
                tag_weights,
                rule: self.options.rule,
            },
            sampled: sampled.as_deref(),
            calibrated: query.calibrated,
        });
        if query.min_percentile.is_some() && !ranking.has_percentiles() {
            return Err(Error {
                message: format!("min_percentile: {}", too_few().message),
                ..too_few()
            });
        }
        Ok(ranking)
    }
}

/// Narrows a query to the groups of similar styles that it names.
fn within_groups(mut query: SearchQuery, groups: Option<&StyleGroups>) -> Result<SearchQuery> {
    if query.style_groups.is_empty() {
        return Ok(query);
    }
    let groups = groups.ok_or_else(style_groups::none_yet)?;
    for id in &query.style_groups {
        let group = groups.group(*id).map_err(|error| Error {
            message: format!("style_groups: {}", error.message),
            ..error
        })?;
        let keys = groups.keys_of_group(group);
        query.filter.style_groups.extend(keys);
    }
    Ok(query)
}

/// Returns the words that count in the ranking; none when they have no weight.
fn words_of(query: &SearchQuery, probes: &[Probe]) -> Words {
    let has_words_probe = has_words_probe(probes);
    let unwanted = non_blank(&query.negative_text).filter(|_| has_words_probe);
    Words {
        wanted: wanted_text(query, probes).map(LexicalQuery::new),
        unwanted: unwanted.map(LexicalQuery::new),
        proposed_by: None,
    }
}

/// Returns the words of a query, when they have a weight.
fn wanted_text<'q>(query: &'q SearchQuery, probes: &[Probe]) -> Option<&'q str> {
    non_blank(&query.text).filter(|_| has_words_probe(probes))
}

fn has_words_probe(probes: &[Probe]) -> bool {
    probes.iter().any(|probe| probe.kind.is_of_words())
}
