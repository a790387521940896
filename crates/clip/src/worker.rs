//! The thread that owns a model. It receives requests, joins them into batches, and answers.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use clippy_core::embedding::{Embedding, Embeddings, ModelPixels};
use clippy_core::{Error, ErrorCode, Result as CoreResult};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use crate::allowance::Allowance;
use crate::batch::{Batch, Kind, Limits, Waiting, next_batch};
use crate::error::{ClipError, Result};
use crate::model::{ClipModel, PictureView};

/// What the thread needs of a model.
pub(crate) trait Encoder: Send + 'static {
    /// Embeds views of pictures: one vector for each, in their order.
    fn images(&mut self, pictures: &[(&ModelPixels, PictureView)]) -> Result<Vec<Embedding>>;
    /// Embeds texts, given as tokens: one vector for each, in their order.
    fn texts(&mut self, texts: &[&[i64]]) -> Result<Vec<Embedding>>;
}

impl Encoder for ClipModel {
    fn images(&mut self, pictures: &[(&ModelPixels, PictureView)]) -> Result<Vec<Embedding>> {
        self.embed_pictures(pictures)
    }

    fn texts(&mut self, texts: &[&[i64]]) -> Result<Vec<Embedding>> {
        self.embed_texts(texts)
    }
}

/// An input that is ready for the model.
pub(crate) enum PreparedInput {
    Picture(ModelPixels, PictureView),
    Tokens(Vec<i64>),
}

/// One call to the thread.
pub(crate) struct Request {
    pub inputs: Vec<PreparedInput>,
    pub submitted: Instant,
    pub reply: oneshot::Sender<CoreResult<Embeddings>>,
    /// The places in the queue that the call takes, until it is answered.
    pub places: OwnedSemaphorePermit,
}

/// A call that is in progress.
struct Active {
    inputs: Vec<PreparedInput>,
    /// Empty vectors where nothing was computed yet.
    embeddings: Vec<Embedding>,
    computed: Duration,
    submitted: Instant,
    reply: oneshot::Sender<CoreResult<Embeddings>>,
    places: OwnedSemaphorePermit,
}

/// The calls that are waiting. `active` and `waiting` have the same order, that of arrival.
struct Worker<E> {
    encoder: E,
    allowance: Allowance,
    active: Vec<Active>,
    waiting: Vec<Waiting>,
    /// Number of inputs computed so far: the clock of [`crate::batch`].
    computed: u64,
}

/// Answers requests until no sender is left.
pub(crate) fn run<E: Encoder>(
    encoder: E,
    mut requests: UnboundedReceiver<Request>,
    limits: Limits,
) {
    let mut worker = Worker {
        encoder,
        allowance: Allowance::new(limits),
        active: Vec::new(),
        waiting: Vec::new(),
        computed: 0,
    };
    loop {
        if worker.active.is_empty() {
            match requests.blocking_recv() {
                Some(request) => worker.accept(request),
                None => return,
            }
        }
        while let Ok(request) = requests.try_recv() {
            worker.accept(request);
        }
        worker.remove_cancelled();
        metrics::gauge!("clippy_embed_waiting_inputs")
            .set(worker.waiting.iter().map(Waiting::remaining).sum::<usize>() as f64);
        if let Some(batch) = next_batch(&worker.waiting, worker.allowance.limits()) {
            worker.compute(&batch);
        }
    }
}

impl<E: Encoder> Worker<E> {
    fn accept(&mut self, request: Request) {
        let mut waiting = Waiting {
            since: self.computed,
            ..Waiting::default()
        };
        for (place, input) in request.inputs.iter().enumerate() {
            match input {
                PreparedInput::Picture(..) => waiting.images.push(place),
                PreparedInput::Tokens(tokens) => waiting.texts.push((place, tokens.len())),
            }
        }
        self.waiting.push(waiting);
        self.active.push(Active {
            embeddings: vec![Embedding::new(); request.inputs.len()],
            inputs: request.inputs,
            computed: Duration::ZERO,
            submitted: request.submitted,
            reply: request.reply,
            places: request.places,
        });
    }

    /// Removes the calls whose callers are gone.
    fn remove_cancelled(&mut self) {
        for at in (0..self.active.len()).rev() {
            if self.active[at].reply.is_closed() {
                self.remove(at);
            }
        }
    }

    fn remove(&mut self, at: usize) -> Active {
        self.waiting.remove(at);
        self.active.remove(at)
    }

    fn compute(&mut self, batch: &Batch) {
        let started = Instant::now();
        // A panic leaves no inconsistent state: every call starts from the weights.
        let outcome = catch_unwind(AssertUnwindSafe(|| self.encode(batch)));
        let took = started.elapsed();
        self.computed += batch.items.len() as u64;
        let kind = match batch.kind {
            Kind::Images => "image",
            Kind::Texts => "text",
        };
        metrics::histogram!("clippy_embed_batch_seconds", "kind" => kind)
            .record(took.as_secs_f64());
        metrics::histogram!("clippy_embed_batch_inputs", "kind" => kind)
            .record(batch.items.len() as f64);
        tracing::debug!(kind, inputs = batch.items.len(), stopped = ?batch.stopped,
        took_ms = took.as_millis(), "batch");
        match outcome {
            Ok(Ok(embeddings)) => {
                self.allowance.note_success(batch.kind, batch.items.len());
                self.deliver(batch, embeddings, took);
            }
            Ok(Err(error)) if error.may_be_full_memory() => self.divide(batch, &error),
            Ok(Err(error)) => self.fail(batch, &error.into()),
            Err(panic) => self.fail(
                batch,
                &Error::internal(format!("the model panicked: {}", text_of(&*panic))),
            ),
        }
    }

    fn encode(&mut self, batch: &Batch) -> Result<Vec<Embedding>> {
        let active = &self.active;
        let inputs = batch
            .items
            .iter()
            .map(|&(at, place)| &active[at].inputs[place]);
        let embeddings = match batch.kind {
            Kind::Images => {
                let pictures: Vec<(&ModelPixels, PictureView)> = inputs
                    .filter_map(|input| match input {
                        PreparedInput::Picture(pixels, view) => Some((pixels, *view)),
                        PreparedInput::Tokens(_) => None,
                    })
                    .collect();
                self.encoder.images(&pictures)?
            }
            Kind::Texts => {
                let texts: Vec<&[i64]> = inputs
                    .filter_map(|input| match input {
                        PreparedInput::Picture(..) => None,
                        PreparedInput::Tokens(tokens) => Some(tokens.as_slice()),
                    })
                    .collect();
                self.encoder.texts(&texts)?
            }
        };
        if embeddings.len() != batch.items.len() {
            let (found, wanted) = (embeddings.len(), batch.items.len());
            return Err(ClipError::Thread(format!(
                "{found} embeddings came out of {wanted} inputs"
            )));
        }
        Ok(embeddings)
    }

    fn deliver(&mut self, batch: &Batch, embeddings: Vec<Embedding>, took: Duration) {
        for (&(at, place), embedding) in batch.items.iter().zip(embeddings) {
            self.active[at].embeddings[place] = embedding;
        }
        for (at, places) in by_request(batch) {
            self.waiting[at].remove_taken(batch.kind, &places, self.computed);
            self.active[at].computed += took;
            if self.waiting[at].remaining() > 0 {
                continue;
            }
            let done = self.remove(at);
            let queued = done.submitted.elapsed().saturating_sub(done.computed);
            let answer = Embeddings {
                embeddings: done.embeddings,
                queued,
                computed: done.computed,
            };
            // Free the places before answering, so that the caller's next call finds them.
            drop(done.places);
            // The caller may be gone.
            let _ = done.reply.send(Ok(answer));
        }
    }

    /// Lowers the limit after a batch did not fit into the device's memory. Its inputs still wait, so
    /// they are in the next, smaller batches.
    fn divide(&mut self, batch: &Batch, error: &ClipError) {
        let inputs = batch.items.len();
        match self.allowance.note_full_memory(batch.kind, inputs) {
            Some(limit) => tracing::warn!(
                %error,
                inputs,
                limit,
                "a batch failed, probably since the device's memory is full: the same inputs are \
                 embedded in smaller batches"
            ),
            // The reason is not known: it need not be the memory.
            None if matches!(error, ClipError::Packed(_)) => {
                let error = Error::new(ErrorCode::Internal, error.to_string());
                self.fail(batch, &error);
            }
            None => {
                tracing::error!(%error, "a single input does not fit into the device's memory");
                let message = "the device's memory is full: not even one input fits. End other \
                               programs that use the device, or choose a smaller model, a shorter \
                               PRECISION or DEVICE=cpu";
                self.fail(batch, &Error::new(ErrorCode::Unavailable, message));
            }
        }
    }

    /// Fails every call with inputs in the batch. Other calls and the thread continue.
    fn fail(&mut self, batch: &Batch, error: &Error) {
        tracing::error!(%error, inputs = batch.items.len(), "a batch failed");
        for (at, _) in by_request(batch) {
            let failed = self.remove(at);
            drop(failed.places);
            let _ = failed
                .reply
                .send(Err(Error::new(error.code, error.message.clone())));
        }
    }
}

/// Returns the requests of a batch and their places in it, the last request first, so that removing
/// one does not move those that follow.
fn by_request(batch: &Batch) -> Vec<(usize, Vec<usize>)> {
    let mut requests = std::collections::BTreeMap::<usize, Vec<usize>>::new();
    for &(at, place) in &batch.items {
        requests.entry(at).or_default().push(place);
    }
    requests.into_iter().rev().collect()
}

/// Returns the message of a panic, if it is text.
fn text_of(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("without a message")
}
