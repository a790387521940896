//! Runs queries, and ranks their answers in the results.

use std::collections::{BTreeMap, HashMap, HashSet};

use futures::{StreamExt, TryStreamExt};
use serde_json::Value;

use super::query::{Query, StyleExample, read_picture};
use crate::arguments::{EvalArguments, WeightArguments};
use crate::client::{Client, SearchForm, SearchHit, id_text};
use crate::evaluation::{Ranks, Report};
use crate::failure::Failure;

/// How many results are considered. An answer beyond them counts as not found.
pub(super) const DEPTH: usize = 200;
/// The most ids that a search can exclude.
const MOST_EXCLUDED: usize = 256;
/// Queries that run at once.
pub(super) const CONCURRENCY: usize = 8;
/// How many of the first results are kept of each query.
const FIRST: usize = 6;

/// The outcome of a query.
#[derive(Debug, Clone)]
pub(super) struct Outcome {
    /// The query's kind.
    pub(super) kind: String,
    /// The ranks of its answers.
    pub(super) ranks: Ranks,
    /// The first results that count, best first.
    pub(super) first: Vec<Value>,
    /// The answer with the best rank; if none was found, the first one of the query.
    pub(super) wanted: Option<Value>,
}

/// The figures of these outcomes.
pub(super) fn report_of<'o>(outcomes: impl IntoIterator<Item = &'o Outcome>) -> Report {
    let outcomes = outcomes.into_iter();
    Report::of(outcomes.map(|outcome| (outcome.kind.clone(), outcome.ranks.clone())))
}

/// Runs the same queries with different weights.
pub(super) struct Measurement<'a> {
    client: &'a Client,
    arguments: &'a EvalArguments,
    hidden: HashSet<&'a str>,
    styles: HashMap<String, Option<String>>,
}

impl<'a> Measurement<'a> {
    /// Prepares the measurement of these queries.
    pub(super) async fn of(
        client: &'a Client,
        queries: &[Query],
        arguments: &'a EvalArguments,
    ) -> Result<Self, Failure> {
        Ok(Self {
            client,
            arguments,
            hidden: arguments.exclude_style.iter().map(String::as_str).collect(),
            styles: styles(client, queries).await?,
        })
    }

    /// Runs the queries with these weights. Outcomes are in the order of the queries.
    pub(super) async fn run(
        &self,
        queries: impl IntoIterator<Item = &Query>,
        weights: &WeightArguments,
    ) -> Result<Vec<Outcome>, Failure> {
        futures::stream::iter(queries)
            .map(|query| self.run_one(query, weights))
            .buffered(CONCURRENCY)
            .try_collect()
            .await
    }

    async fn run_one(&self, query: &Query, weights: &WeightArguments) -> Result<Outcome, Failure> {
        let hits = self.search(query, weights).await?;
        let excluded: HashSet<String> = query.exclude.iter().map(id_text).collect();
        let counted: Vec<(String, &SearchHit)> = hits
            .iter()
            .map(|hit| (id_text(&hit.id), hit))
            .filter(|(id, _)| !excluded.contains(id))
            .filter(|(_, hit)| !self.is_hidden(hit.payload.style.as_deref()))
            .collect();
        let relevant: BTreeMap<String, Option<&str>> = query
            .relevant
            .iter()
            .map(id_text)
            .map(|id| (id.clone(), self.styles.get(&id).and_then(Option::as_deref)))
            .filter(|(_, style)| !self.is_hidden(*style))
            .collect();
        let ranks = Ranks::of(counted.iter().map(|(id, _)| id.as_str()), &relevant);
        let found = ranks.best().and_then(|rank| counted.get(rank - 1));
        let missed = || {
            let mut answers = query.relevant.iter();
            answers.find(|id| relevant.contains_key(&id_text(id)))
        };
        Ok(Outcome {
            kind: query.kind.clone(),
            wanted: found.map(|(_, hit)| &hit.id).or_else(missed).cloned(),
            first: counted
                .iter()
                .take(FIRST)
                .map(|(_, hit)| hit.id.clone())
                .collect(),
            ranks,
        })
    }

    fn is_hidden(&self, style: Option<&str>) -> bool {
        style.is_some_and(|style| self.hidden.contains(style))
    }

    /// Returns the results of a query, best first.
    async fn search(
        &self,
        query: &Query,
        weights: &WeightArguments,
    ) -> Result<Vec<SearchHit>, Failure> {
        // Copies of a picture count as separate results here.
        let mut form = SearchForm::new(weights, DEPTH)
            .field("personalize", "false".to_owned())
            .field("collapse", "false".to_owned())
            .field("calibrated", (!self.arguments.raw).to_string());
        if let Some(diversity) = self.arguments.diversity {
            form = form.field("diversity", diversity.to_string());
        }
        if let Some(style) = &query.style {
            form = match style {
                StyleExample::File(path) => form.file("style_image", read_picture(path).await?),
                StyleExample::Stored(id) => form.field("style_like", id_text(id)),
            };
            // Excluded from the search, not only from its results. In a search with a style,
            // pictures are evidence for the subject of other pictures, and a copy of the query's
            // drawing would be unfairly strong evidence.
            if !query.exclude.is_empty() {
                let excluded = query.exclude.iter().take(MOST_EXCLUDED).map(id_text);
                let excluded: Vec<String> = excluded.collect();
                form = form.field("exclude_ids", excluded.join(","));
            }
        }
        if let Some(drawing) = &query.drawing {
            form = form.file("sketch", drawing.bytes().await?);
        }
        if let Some(words) = &query.words {
            form = form.field("query_text", words.clone());
        }
        Client::results(&self.client.search(form).await?)
    }
}

/// Fetches the styles of all pictures that answer a query, as far as the collection has them.
async fn styles(
    client: &Client,
    queries: &[Query],
) -> Result<HashMap<String, Option<String>>, Failure> {
    let ids: BTreeMap<String, &Value> = queries
        .iter()
        .flat_map(|query| &query.relevant)
        .map(|id| (id_text(id), id))
        .collect();
    let ids: Vec<Value> = ids.into_values().cloned().collect();
    let pictures = client.pictures(&ids).await?;
    if pictures.is_empty() {
        return Err(Failure::run(
            "the collection has none of the pictures that answer the queries: ingest their \
             manifest first",
        ));
    }
    Ok(pictures
        .into_iter()
        .map(|picture| (id_text(&picture.id), picture.payload.style))
        .collect())
}
