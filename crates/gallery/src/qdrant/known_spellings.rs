//! How the tags of a collection on a server are written. Other processes write to it, too, so what
//! is known here is asked for again after a while; what this process writes itself is known at
//! once.

use std::sync::Arc;
use std::time::{Duration, Instant};

use clippy_core::Result;
use clippy_core::gallery::{Filter, Payload, TAGS_FIELD};
use parking_lot::RwLock;
use qdrant_client::qdrant as wire;

use super::Inner;
use super::shape::Shape;
use crate::spellings::{Spellings, asks_for_tags};

/// Most tags that are listed, the most frequent first. Of rarer ones only the common spellings are
/// found, and those that this process wrote.
const MOST_TAGS: u64 = 200_000;
/// How old the list may be at least. Where listing takes long, it is listed more rarely.
const KEPT: Duration = Duration::from_secs(5);
/// How much longer than it took to make a list is used.
const TIMES_AS_LONG: u32 = 50;
/// How long a filter waits for a list. After that it goes with what is known and the common
/// spellings.
const PATIENCE: Duration = Duration::from_secs(2);

/// What is known, and how old that is.
#[derive(Debug, Default)]
pub(super) struct Spelled {
    known: RwLock<Arc<Spellings>>,
    state: RwLock<State>,
    /// Taken while the list is made, so that one at a time makes it.
    turn: tokio::sync::Mutex<()>,
}

#[derive(Debug, Clone, Copy, Default)]
struct State {
    /// Until when the list is good enough.
    good_until: Option<Instant>,
    /// Since when one is being made.
    made_since: Option<Instant>,
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

    fn is_good(&self) -> bool {
        self.state
            .read()
            .good_until
            .is_some_and(|until| Instant::now() < until)
    }

    /// How much longer a filter waits for the list that is being made, or about to be.
    fn patience(&self) -> Duration {
        let made_since = self.state.read().made_since;
        PATIENCE.saturating_sub(made_since.map_or(Duration::ZERO, |since| since.elapsed()))
    }
}

impl Inner {
    /// How tags are written, for a query that asks for some in its filter or besides.
    pub(super) async fn spellings_for(
        self: &Arc<Self>,
        shape: &Arc<Shape>,
        filter: &Filter,
        tags: &[String],
    ) -> Arc<Spellings> {
        if !asks_for_tags(filter) && tags.is_empty() {
            return Arc::default();
        }
        if !self.spelled.is_good() {
            let patience = self.spelled.patience();
            // In a task of its own: a query that does not wait to its end leaves it to the next
            // ones.
            let (inner, shape) = (Arc::clone(self), Arc::clone(shape));
            let listing = tokio::spawn(async move {
                if let Err(error) = inner.list_spellings(&shape).await {
                    tracing::warn!(%error, "tags are found in the spellings that are known so far");
                }
            });
            // Tags that only add candidates are not worth waiting for.
            if asks_for_tags(filter) && tokio::time::timeout(patience, listing).await.is_err() {
                tracing::debug!("the tags are still being listed");
            }
        }
        Arc::clone(&self.spelled.known.read())
    }

    async fn list_spellings(&self, shape: &Shape) -> Result<()> {
        let Ok(_turn) = self.spelled.turn.try_lock() else {
            // Another call makes the list already: wait for it.
            drop(self.spelled.turn.lock().await);
            return Ok(());
        };
        if self.spelled.is_good() {
            return Ok(());
        }
        let begun = Instant::now();
        self.spelled.state.write().made_since = Some(begun);
        let listed = self.listed(shape).await;
        let listed =
            listed.map(|listed| Arc::make_mut(&mut *self.spelled.known.write()).merge(listed));
        let kept = KEPT.max(begun.elapsed() * TIMES_AS_LONG);
        // After a failure, too, so that other queries do not wait for each attempt.
        *self.spelled.state.write() = State {
            good_until: Some(Instant::now() + kept),
            made_since: None,
        };
        listed
    }

    async fn listed(&self, shape: &Shape) -> Result<Spellings> {
        let mut listed = Spellings::default();
        if shape.indexes.contains(TAGS_FIELD) {
            // Without a filter the server reads its index. What that still knows of deleted points
            // does no harm here.
            let request = wire::FacetCounts {
                collection_name: shape.physical.clone(),
                key: TAGS_FIELD.to_owned(),
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
                if let Some(wire::facet_value::Variant::StringValue(tag)) =
                    hit.value.and_then(|value| value.variant)
                {
                    listed.learn(&tag);
                }
            }
        } else {
            for tag in self
                .facet_by_walking(shape, TAGS_FIELD, None)
                .await?
                .into_keys()
            {
                listed.learn(&tag);
            }
        }
        Ok(listed)
    }
}
