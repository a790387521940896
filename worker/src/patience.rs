//! Retries the calls of a run while a server is unavailable, slow or overloaded, with growing
//! pauses. Each pause is reported.

use std::collections::BTreeMap;
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
    /// Before the first retry; doubled each time.
    pub first: Duration,
    /// The upper bound of a pause.
    pub longest: Duration,
    /// The run fails after this time without a successful call.
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

/// Receives a message for each pause: what failed, and when it is retried.
pub type ReportWait = Arc<dyn Fn(String) -> BoxFuture<'static, ()> + Send + Sync>;

/// Waits until an outage of a server is over.
#[derive(Clone)]
pub struct Patience {
    pauses: Pauses,
    cancel: CancellationToken,
    report_wait: ReportWait,
    /// The live pair and the name of its collection when the run began. Calls to a replaced pair
    /// are not retried, since its writes are refused for ever.
    live: Option<(Arc<LivePair>, String)>,
}

impl Patience {
    /// Retries until the token is cancelled, or the limit of `pauses` is reached.
    #[must_use]
    pub fn new(pauses: Pauses, cancel: CancellationToken, report_wait: ReportWait) -> Self {
        Self {
            pauses,
            cancel,
            report_wait,
            live: None,
        }
    }

    /// Stops retrying once the pair that is live now has been replaced.
    #[must_use]
    pub fn while_live(self, live: &Arc<LivePair>) -> Self {
        Self {
            live: Some((Arc::clone(live), live.now().name.clone())),
            ..self
        }
    }

    /// Returns the same tools, with a collection whose calls are retried.
    #[must_use]
    pub fn with(&self, tools: Tools) -> Tools {
        let gallery = Arc::new(PatientGallery {
            inner: tools.gallery,
            patience: self.clone(),
        });
        Tools { gallery, ..tools }
    }

    /// Wraps an embedder of another process, so that its calls are retried.
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

    /// Repeats the work while it fails because of an outage. If it ran longer than the longest
    /// pause before it failed, this counts as a new outage, with its own limit.
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
            self.report(&error, pause).await;
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = self.cancel.cancelled() => return Err(error.into()),
            }
            pause = (pause * 2).min(self.pauses.longest);
        }
    }

    async fn retry<T, F>(&self, waits_for: fn(ErrorCode) -> bool, call: impl Fn() -> F) -> Result<T>
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
            self.report(&error, pause).await;
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = self.cancel.cancelled() => return Err(error),
            }
            pause = (pause * 2).min(self.pauses.longest);
        }
    }

    async fn report(&self, error: &Error, pause: Duration) {
        let message = format!(
            "waiting: {}. The next attempt is in {:.1} s",
            error.message,
            pause.as_secs_f64()
        );
        tracing::debug!(%message, "a server is unavailable");
        (self.report_wait)(message).await;
    }
}

/// A collection whose calls are retried during an outage.
struct PatientGallery {
    inner: Arc<dyn Gallery>,
    patience: Patience,
}

impl PatientGallery {
    async fn retry<T, F>(&self, call: impl Fn() -> F) -> Result<T>
    where
        F: Future<Output = Result<T>>,
    {
        self.patience.retry(ErrorCode::is_retryable, call).await
    }
}

#[async_trait]
impl GalleryReader for PatientGallery {
    async fn info(&self) -> Result<CollectionInfo> {
        self.retry(|| self.inner.info()).await
    }

    async fn retrieve(&self, ids: &[PointId], with: With) -> Result<Vec<Point>> {
        self.retry(|| self.inner.retrieve(ids, with)).await
    }

    async fn hybrid(&self, query: HybridQuery) -> Result<Candidates> {
        self.retry(|| self.inner.hybrid(query.clone())).await
    }

    async fn crowding(
        &self,
        ids: &[PointId],
        spaces: &[Space],
        neighbours: usize,
    ) -> Result<Vec<Crowding>> {
        self.retry(|| self.inner.crowding(ids, spaces, neighbours))
            .await
    }

    async fn scroll(
        &self,
        filter: &Filter,
        from: Option<PointId>,
        limit: usize,
        with: With,
    ) -> Result<Page> {
        self.retry(|| self.inner.scroll(filter, from, limit, with))
            .await
    }

    async fn newest(&self, filter: &Filter, most: usize) -> Result<Vec<PointId>> {
        self.retry(|| self.inner.newest(filter, most)).await
    }

    async fn count(&self, filter: &Filter) -> Result<u64> {
        self.retry(|| self.inner.count(filter)).await
    }

    async fn facet(&self, field: &str, filter: &Filter, limit: usize) -> Result<Vec<FacetCount>> {
        self.retry(|| self.inner.facet(field, filter, limit)).await
    }
}

#[async_trait]
impl GalleryWriter for PatientGallery {
    async fn upsert(&self, points: Vec<Point>) -> Result<()> {
        self.retry(|| self.inner.upsert(points.clone())).await
    }

    async fn update_vectors(&self, updates: Vec<(PointId, Vectors)>) -> Result<()> {
        self.retry(|| self.inner.update_vectors(updates.clone()))
            .await
    }

    async fn set_payload(&self, id: PointId, fields: Payload) -> Result<()> {
        self.retry(|| self.inner.set_payload(id, fields.clone()))
            .await
    }

    async fn set_payload_of(&self, ids: &[PointId], fields: Payload) -> Result<()> {
        self.retry(|| self.inner.set_payload_of(ids, fields.clone()))
            .await
    }

    async fn delete(&self, ids: &[PointId]) -> Result<()> {
        self.retry(|| self.inner.delete(ids)).await
    }

    async fn add_root(&self, root: &str) -> Result<()> {
        self.retry(|| self.inner.add_root(root)).await
    }

    async fn optimize(&self) -> Result<()> {
        self.retry(|| self.inner.optimize()).await
    }
}

#[async_trait]
impl GalleryNotes for PatientGallery {
    async fn note(&self, name: &str) -> Result<Option<Value>> {
        self.retry(|| self.inner.note(name)).await
    }

    async fn notes(&self) -> Result<BTreeMap<String, Value>> {
        self.retry(|| self.inner.notes()).await
    }

    async fn set_note(&self, name: &str, note: Value) -> Result<()> {
        self.retry(|| self.inner.set_note(name, note.clone())).await
    }
}

/// An embedder whose calls are retried during an outage.
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
        // `Overloaded` is left to the caller, which retries after a shorter pause so that the
        // model does not become idle.
        let is_outage = |code| matches!(code, ErrorCode::Unavailable | ErrorCode::Timeout);
        self.patience
            .retry(is_outage, || self.inner.embed(inputs.clone()))
            .await
    }
}
