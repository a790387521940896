//! Retries calls of a run over a manifest while a server is unavailable, slow or overloaded, with
//! growing pauses. Each pause is reported.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use clippy_core::embedding::{EmbedInput, Embedder, Embeddings, ModelInfo};
use clippy_core::gallery::{
    Candidates, CollectionInfo, Crowding, FacetCount, Filter, Gallery, GalleryNotes, GalleryReader,
    GalleryWriter, HybridQuery, Page, Payload, Point, Space, Vectors, With,
};
use clippy_core::ids::PointId;
use clippy_core::live::LivePair;
use clippy_core::{Error, ErrorCode, Result};
use clippy_jobs::JobError;
use futures::future::BoxFuture;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::ingest::Tools;

/// The pauses between retries, and when to give up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pauses {
    /// Before the first attempt to ask again; doubled each time.
    pub first: Duration,
    /// No pause is longer.
    pub longest: Duration,
    /// After so long without an answer the run fails.
    pub limit: Duration,
}

impl Default for Pauses {
    fn default() -> Self {
        Self {
            first: Duration::from_millis(500),
            longest: Duration::from_secs(30),
            limit: Duration::from_secs(15 * 60),
        }
    }
}

/// Reports what a run waits for.
pub type Tell = Arc<dyn Fn(String) -> BoxFuture<'static, ()> + Send + Sync>;

/// Waits for outages.
#[derive(Clone)]
pub struct Patience {
    pauses: Pauses,
    cancel: CancellationToken,
    tell: Tell,
    /// A pair that was replaced is not waited for: it does not come back.
    live: Option<(Arc<LivePair>, String)>,
}

impl Patience {
    /// Until the token is cancelled.
    #[must_use]
    pub fn new(pauses: Pauses, cancel: CancellationToken, tell: Tell) -> Self {
        Self {
            pauses,
            cancel,
            tell,
            live: None,
        }
    }

    /// Only while the pair that is live now stays it.
    #[must_use]
    pub fn while_live(self, live: &Arc<LivePair>) -> Self {
        Self {
            live: Some((Arc::clone(live), live.now().name.clone())),
            ..self
        }
    }

    /// The same tools, with a collection that is waited for.
    #[must_use]
    pub fn with(&self, tools: Tools) -> Tools {
        let gallery = Arc::new(PatientGallery {
            inner: tools.gallery,
            patience: self.clone(),
        });
        Tools { gallery, ..tools }
    }

    /// The same embedder, waited for: for one in another process.
    #[must_use]
    pub fn with_embedder(&self, embedder: Arc<dyn Embedder>) -> Arc<dyn Embedder> {
        Arc::new(PatientEmbedder {
            inner: embedder,
            patience: self.clone(),
        })
    }

    fn is_replaced(&self) -> bool {
        self.live
            .as_ref()
            .is_some_and(|(live, name)| live.now().name != *name)
    }

    /// Does the whole of some work again while it ends for an outage. Work that ran for a while
    /// before it did has a new outage to wait for.
    pub(crate) async fn run<T, F>(&self, work: impl Fn() -> F) -> Result<T, JobError>
    where
        F: Future<Output = Result<T, JobError>>,
    {
        let mut since = None;
        let mut pause = self.pauses.first;
        loop {
            let begun = Instant::now();
            let error = match work().await {
                Err(JobError::Transient {
                    code,
                    message,
                    after: None,
                }) => Error::new(code, message),
                done => return done,
            };
            if begun.elapsed() > self.pauses.longest {
                (since, pause) = (None, self.pauses.first);
            }
            let since: Instant = *since.get_or_insert(begun);
            if since.elapsed() >= self.pauses.limit || self.cancel.is_cancelled() {
                return Err(error.into());
            }
            self.say(&error, pause).await;
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = self.cancel.cancelled() => return Err(error.into()),
            }
            pause = (pause * 2).min(self.pauses.longest);
        }
    }

    async fn ask<T, F>(&self, waits_for: fn(ErrorCode) -> bool, call: impl Fn() -> F) -> Result<T>
    where
        F: Future<Output = Result<T>>,
    {
        let (mut begun, mut pause) = (None, self.pauses.first);
        loop {
            let error = match call().await {
                Err(error) if waits_for(error.code) => error,
                done => return done,
            };
            let since: Instant = *begun.get_or_insert_with(Instant::now);
            if since.elapsed() >= self.pauses.limit
                || self.cancel.is_cancelled()
                || self.is_replaced()
            {
                return Err(error);
            }
            self.say(&error, pause).await;
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = self.cancel.cancelled() => return Err(error),
            }
            pause = (pause * 2).min(self.pauses.longest);
        }
    }

    async fn say(&self, error: &Error, pause: Duration) {
        let message = format!(
            "waiting: {}. Asked again in {:.1} s",
            error.message,
            pause.as_secs_f64()
        );
        tracing::debug!(%message, "an outage");
        (self.tell)(message).await;
    }
}

/// A collection that is waited for.
struct PatientGallery {
    inner: Arc<dyn Gallery>,
    patience: Patience,
}

impl PatientGallery {
    async fn ask<T, F>(&self, call: impl Fn() -> F) -> Result<T>
    where
        F: Future<Output = Result<T>>,
    {
        self.patience.ask(ErrorCode::is_retryable, call).await
    }
}

#[async_trait]
impl GalleryReader for PatientGallery {
    async fn info(&self) -> Result<CollectionInfo> {
        self.ask(|| self.inner.info()).await
    }

    async fn retrieve(&self, ids: &[PointId], with: With) -> Result<Vec<Point>> {
        self.ask(|| self.inner.retrieve(ids, with)).await
    }

    async fn hybrid(&self, query: HybridQuery) -> Result<Candidates> {
        self.ask(|| self.inner.hybrid(query.clone())).await
    }

    async fn crowding(
        &self,
        ids: &[PointId],
        spaces: &[Space],
        neighbours: usize,
    ) -> Result<Vec<Crowding>> {
        self.ask(|| self.inner.crowding(ids, spaces, neighbours))
            .await
    }

    async fn scroll(
        &self,
        filter: &Filter,
        from: Option<PointId>,
        limit: usize,
        with: With,
    ) -> Result<Page> {
        self.ask(|| self.inner.scroll(filter, from, limit, with))
            .await
    }

    async fn count(&self, filter: &Filter) -> Result<u64> {
        self.ask(|| self.inner.count(filter)).await
    }

    async fn facet(&self, field: &str, filter: &Filter, limit: usize) -> Result<Vec<FacetCount>> {
        self.ask(|| self.inner.facet(field, filter, limit)).await
    }
}

#[async_trait]
impl GalleryWriter for PatientGallery {
    async fn upsert(&self, points: Vec<Point>) -> Result<()> {
        self.ask(|| self.inner.upsert(points.clone())).await
    }

    async fn update_vectors(&self, updates: Vec<(PointId, Vectors)>) -> Result<()> {
        self.ask(|| self.inner.update_vectors(updates.clone()))
            .await
    }

    async fn set_payload(&self, id: PointId, fields: Payload) -> Result<()> {
        self.ask(|| self.inner.set_payload(id, fields.clone()))
            .await
    }

    async fn delete(&self, ids: &[PointId]) -> Result<()> {
        self.ask(|| self.inner.delete(ids)).await
    }

    async fn add_root(&self, root: &str) -> Result<()> {
        self.ask(|| self.inner.add_root(root)).await
    }

    async fn optimize(&self) -> Result<()> {
        self.ask(|| self.inner.optimize()).await
    }
}

#[async_trait]
impl GalleryNotes for PatientGallery {
    async fn note(&self, name: &str) -> Result<Option<Value>> {
        self.ask(|| self.inner.note(name)).await
    }

    async fn set_note(&self, name: &str, note: Value) -> Result<()> {
        self.ask(|| self.inner.set_note(name, note.clone())).await
    }
}

/// An embedder that is waited for.
struct PatientEmbedder {
    inner: Arc<dyn Embedder>,
    patience: Patience,
}

#[async_trait]
impl Embedder for PatientEmbedder {
    fn info(&self) -> &Arc<ModelInfo> {
        self.inner.info()
    }

    async fn embed(&self, inputs: Vec<EmbedInput>) -> Result<Embeddings> {
        // One that is merely busy is waited for by whoever asks, who knows how long the model may
        // be idle.
        let is_away = |code| matches!(code, ErrorCode::Unavailable | ErrorCode::Timeout);
        self.patience
            .ask(is_away, || self.inner.embed(inputs.clone()))
            .await
    }
}
