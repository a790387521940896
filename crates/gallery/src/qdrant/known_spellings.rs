//! The known spellings of tags in a collection on a server. Other processes write to it, too, so
//! they are listed again after a while. What this process writes is known at once.

use std::sync::Arc;
use std::time::{Duration, Instant};

use clippy_core::Result;
use clippy_core::gallery::{Filter, Payload, TAGS_FIELD};
use parking_lot::RwLock;
use qdrant_client::qdrant as wire;

use super::Inner;
use super::shape::Shape;
use crate::spellings::{Spellings, asks_for_tags};

/// Most tags that are listed, the most frequent first. Rarer tags are found only in the common
/// spellings, and in those that this process wrote.
const MOST_TAGS: u64 = 200_000;
/// The shortest time for which a list is used. When listing takes long, it is repeated less often.
const KEPT: Duration = Duration::from_secs(5);
/// A list is used for this many times as long as listing took.
const TIMES_AS_LONG: u32 = 50;
/// How long a filter waits for a list. After that it uses what is known and the common spellings.
const PATIENCE: Duration = Duration::from_secs(2);

/// The known spellings, and their age.
#[derive(Debug, Default)]
pub(super) struct KnownSpellings {
    known: RwLock<Arc<Spellings>>,
    state: RwLock<State>,
    /// Held while the list is fetched, so that one call at a time fetches it.
    turn: tokio::sync::Mutex<()>,
}

#[derive(Debug, Clone, Copy, Default)]
struct State {
    /// Until when the list is used.
    good_until: Option<Instant>,
    /// Since when a list is being fetched.
    made_since: Option<Instant>,
}

impl KnownSpellings {
    /// Adds the tags that this process writes.
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

    /// Returns how much longer a filter waits for a list that is being fetched, or is about to be.
    fn patience(&self) -> Duration {
        let made_since = self.state.read().made_since;
        PATIENCE.saturating_sub(made_since.map_or(Duration::ZERO, |since| since.elapsed()))
    }
}

impl Inner {
    /// Returns the spellings of tags, for a query that asks for some, in its filter or elsewhere.
    pub(super) async fn spellings_for(
        self: &Arc<Self>,
        shape: &Arc<Shape>,
        filter: &Filter,
        tags: &[String],
    ) -> Arc<Spellings> {
        if !asks_for_tags(filter) && tags.is_empty() {
            return Arc::default();
        }
        if !self.known_spellings.is_good() {
            let patience = self.known_spellings.patience();
            // In a task of its own: when this query stops waiting, the list is completed for the
            // next ones.
            let (inner, shape) = (Arc::clone(self), Arc::clone(shape));
            let listing = tokio::spawn(async move {
                if let Err(error) = inner.list_spellings(&shape).await {
                    tracing::warn!(%error,
                    "tags are found only in the spellings that are known so far");
                }
            });
            // Tags that only add candidates are not worth waiting for.
            if asks_for_tags(filter) && tokio::time::timeout(patience, listing).await.is_err() {
                tracing::debug!("the tags are still being listed");
            }
        }
        Arc::clone(&self.known_spellings.known.read())
    }

    async fn list_spellings(&self, shape: &Shape) -> Result<()> {
        let Ok(_turn) = self.known_spellings.turn.try_lock() else {
            // Another call is fetching the list: wait for it.
            drop(self.known_spellings.turn.lock().await);
            return Ok(());
        };
        if self.known_spellings.is_good() {
            return Ok(());
        }
        let begun = Instant::now();
        self.known_spellings.state.write().made_since = Some(begun);
        let listed = self.fetch_list(shape).await;
        let listed = listed
            .map(|listed| Arc::make_mut(&mut *self.known_spellings.known.write()).merge(listed));
        let kept = KEPT.max(begun.elapsed() * TIMES_AS_LONG);
        // After a failure, too, so that other queries do not wait for each attempt.
        *self.known_spellings.state.write() = State {
            good_until: Some(Instant::now() + kept),
            made_since: None,
        };
        listed
    }

    async fn fetch_list(&self, shape: &Shape) -> Result<Spellings> {
        let mut listed = Spellings::default();
        if shape.indexes.contains(TAGS_FIELD) {
            // Without a filter the server reads its index. It may contain tags of deleted points,
            // which does no harm here.
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
