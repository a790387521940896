//! How the tags of a collection on a server are written. Other processes write to it, too, so what is known here is asked
//! for again after a while; what this process writes itself is known at once.

use std::sync::Arc;
use std::time::{Duration, Instant};

use clippy_core::Result;
use clippy_core::gallery::{Filter, Payload};
use parking_lot::RwLock;
use qdrant_client::qdrant as wire;

use super::Inner;
use super::shape::Shape;
use crate::spellings::{Spellings, TAGS, asks_for_tags};

/// Most tags that are listed, the most frequent first. Of rarer ones only the common spellings are found, and those that
/// this process wrote.
const MOST_TAGS: u64 = 200_000;
/// How old the list may be at least. Where listing takes long, it is listed more rarely.
const KEPT: Duration = Duration::from_secs(5);
/// How much longer than it took to make a list is used.
const TIMES_AS_LONG: u32 = 50;
/// How long a query waits for the first list. After that it goes with the common spellings.
const PATIENCE: Duration = Duration::from_secs(2);

/// What is known, and how old that is.
#[derive(Debug, Default)]
pub(super) struct Spelled {
    known: RwLock<Arc<Spellings>>,
    /// Until when the list is good enough; taken while it is made, so that one at a time makes it.
    good_until: tokio::sync::Mutex<Option<Instant>>,
}

impl Spelled {
    /// Learns what this process writes.
    pub(super) fn learn<'p>(&self, payloads: impl IntoIterator<Item = &'p Payload>) {
        for payload in payloads {
            if !self.known.read().knows(payload) {
                Arc::make_mut(&mut *self.known.write()).learn_all(payload);
            }
        }
    }
}

impl Inner {
    /// How tags are written, for a query that asks for some.
    pub(super) async fn spellings_for(
        self: &Arc<Self>,
        shape: &Arc<Shape>,
        filter: &Filter,
        tags: &[String],
    ) -> Arc<Spellings> {
        if !asks_for_tags(filter) && tags.is_empty() {
            return Arc::default();
        }
        // In a task of its own: a query that does not wait to the end leaves it to the next ones.
        let (inner, shape) = (Arc::clone(self), Arc::clone(shape));
        let listing = tokio::spawn(async move { inner.list_spellings(&shape).await });
        match tokio::time::timeout(PATIENCE, listing).await {
            Ok(Ok(Ok(()))) => {}
            Ok(Ok(Err(error))) => tracing::warn!(%error, "tags are found in their common spellings only"),
            Ok(Err(error)) => tracing::warn!(%error, "listing the tags ended badly"),
            Err(_) => tracing::debug!("the tags are still being listed"),
        }
        Arc::clone(&self.spelled.known.read())
    }

    async fn list_spellings(&self, shape: &Shape) -> Result<()> {
        let mut good_until = self.spelled.good_until.lock().await;
        if good_until.is_some_and(|until| Instant::now() < until) {
            return Ok(());
        }
        let begun = Instant::now();
        let mut listed = Spellings::default();
        if shape.indexes.contains(TAGS) {
            // Without a filter the server reads its index. What that still knows of deleted points does no harm here.
            let request = wire::FacetCounts {
                collection_name: shape.physical.clone(),
                key: TAGS.to_owned(),
                limit: Some(MOST_TAGS),
                exact: Some(false),
                ..wire::FacetCounts::default()
            };
            let answer = self
                .connection
                .read("list its tags", |client| {
                    let request = request.clone();
                    async move { client.facet(request).await }
                })
                .await?;
            for hit in answer.hits {
                if let Some(wire::facet_value::Variant::StringValue(tag)) = hit.value.and_then(|value| value.variant) {
                    listed.learn(&tag);
                }
            }
        } else {
            for tag in self.facet_by_walking(shape, TAGS, None).await?.into_keys() {
                listed.learn(&tag);
            }
        }
        Arc::make_mut(&mut *self.spelled.known.write()).merge(listed);
        let kept = KEPT.max(begun.elapsed() * TIMES_AS_LONG);
        *good_until = Some(Instant::now() + kept);
        Ok(())
    }
}
