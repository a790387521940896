//! The embedder on libtorch: one thread a model, a bounded queue, batches across callers.

use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use clippy_core::embedding::{EmbedInput, Embedder, Embeddings, ModelInfo, ModelPixels};
use clippy_core::{Error, ErrorCode, Result as CoreResult, blocking};
use tch::Device;
use tokio::sync::{Semaphore, mpsc, oneshot};

use crate::batch::Limits;
use crate::error::{ClipError, Result};
use crate::model::PictureView;
use crate::source::LoadedModel;
use crate::threads::physical_cores;
use crate::tokenizer::ModelTokenizer;
use crate::worker::{self, Encoder, PreparedInput, Request};

/// Up to this many bytes of text are tokenised in well under a millisecond. More goes to a blocking
/// thread.
const QUICK_TEXT_BYTES: usize = 4096;

/// How an embedder batches and queues.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EmbedderOptions {
    /// Most pictures in one batch. `None`: 64 on a GPU and for models of small pictures, else 16.
    /// A query that comes while a batch runs waits for its end, so more gains little
    /// throughput and costs response time.
    pub max_batch_images: Option<usize>,
    /// Most texts in one batch.
    pub max_batch_texts: usize,
    /// Most inputs (of all calls together) that may wait or be computed at once; one more is
    /// refused with [`ErrorCode::Overloaded`]. A single call with more inputs than that is
    /// taken when nothing else waits.
    pub max_waiting: usize,
    /// Threads that libtorch computes with on the CPU. `None`: one for each physical core.
    pub threads: Option<usize>,
}

impl Default for EmbedderOptions {
    fn default() -> Self {
        Self {
            max_batch_images: None,
            max_batch_texts: 64,
            max_waiting: 512,
            threads: None,
        }
    }
}

impl EmbedderOptions {
    fn limits(&self, side: u32, device: Device) -> Limits {
        let images = self.max_batch_images.unwrap_or(match device {
            Device::Cpu if side > 128 => 16,
            _ => 64,
        });
        Limits {
            images: images.max(1),
            texts: self.max_batch_texts.max(1),
        }
    }
}

/// Embeds on a thread of its own, which owns the model. When it is dropped, the thread ends after
/// its current batch.
///
/// Concurrent calls are joined into batches (see [`crate::batch`] for the rules). A call whose
/// future is dropped is not computed any further.
pub struct TorchEmbedder {
    info: Arc<ModelInfo>,
    tokenizer: ModelTokenizer,
    requests: mpsc::UnboundedSender<Request>,
    /// One permit for each input that may wait: this bounds the channel.
    places: Arc<Semaphore>,
    max_waiting: usize,
}

impl TorchEmbedder {
    /// Starts the model's thread and computes one picture and one text on it, so that the first
    /// caller does not pay for what libtorch sets up. Blocks until then: call it outside async
    /// code, or from a blocking thread.
    ///
    /// # Errors
    /// [`ClipError::Thread`] when the thread cannot be started; the model's own error when it
    /// cannot compute.
    pub fn start(model: LoadedModel, options: EmbedderOptions) -> Result<Self> {
        let LoadedModel {
            model,
            info,
            tokenizer,
            ..
        } = model;
        let limits = options.limits(info.transform.side, model.device());
        let threads = options.threads.unwrap_or_else(physical_cores).max(1);
        Self::start_with(
            model,
            info,
            tokenizer,
            options.max_waiting,
            limits,
            move || {
                // libtorch keeps this for each thread that calls it.
                tch::set_num_threads(i32::try_from(threads).unwrap_or(i32::MAX));
            },
        )
    }

    fn start_with<E: Encoder>(
        mut encoder: E,
        info: Arc<ModelInfo>,
        tokenizer: ModelTokenizer,
        max_waiting: usize,
        limits: Limits,
        prepare: impl FnOnce() + Send + 'static,
    ) -> Result<Self> {
        let max_waiting = max_waiting.clamp(1, Semaphore::MAX_PERMITS.min(u32::MAX as usize));
        let (requests, receiver) = mpsc::unbounded_channel();
        let (ready, is_ready) = std::sync::mpsc::sync_channel(1);
        let side = info.transform.side;
        let of_thread = tokenizer.clone();
        let thread = move || {
            prepare();
            of_thread.warm_up();
            let outcome = warm_up(&mut encoder, &of_thread, side);
            let is_well = outcome.is_ok();
            // The starter waits for this, so the receiver exists.
            let _ = ready.send(outcome);
            if is_well {
                worker::run(encoder, receiver, limits);
            }
        };
        std::thread::Builder::new()
            .name("clip-model".to_owned())
            .spawn(thread)
            .map_err(|error| ClipError::Thread(format!("it cannot be started: {error}")))?;
        is_ready
            .recv()
            .map_err(|_| ClipError::Thread("it ended while the model warmed up".to_owned()))??;
        Ok(Self {
            info,
            tokenizer,
            requests,
            places: Arc::new(Semaphore::new(max_waiting)),
            max_waiting,
        })
    }

    /// Refuses pictures of another size, which would make the batch fail for other callers, too.
    fn check(&self, inputs: &[EmbedInput]) -> CoreResult<()> {
        let side = self.info.transform.side;
        let expected = side as usize * side as usize * 3;
        for input in inputs {
            if matches!(input, EmbedInput::Style(_)) && self.info.style.is_none() {
                return Err(Error::new(
                    ErrorCode::Unsupported,
                    format!("the model {} makes no style vectors", self.info.name),
                ));
            }
            if let EmbedInput::Pixels(pixels) | EmbedInput::Style(pixels) = input
                && (pixels.side != side || pixels.rgb.len() != expected)
            {
                let (found, bytes) = (pixels.side, pixels.rgb.len());
                return Err(Error::invalid(format!(
                    "a picture is {found} x {found} pixels in {bytes} bytes, but {} takes {side} \
                     x {side} in {expected}",
                    self.info.name
                )));
            }
        }
        Ok(())
    }

    async fn prepare(&self, inputs: Vec<EmbedInput>) -> CoreResult<Vec<PreparedInput>> {
        let tokenizer = self.tokenizer.clone();
        let text_bytes: usize = inputs
            .iter()
            .map(|input| match input {
                EmbedInput::Pixels(_) | EmbedInput::Style(_) => 0,
                EmbedInput::Text(text) => text.len(),
            })
            .sum();
        let work = move || {
            let prepare = |input| {
                Ok(match input {
                    EmbedInput::Pixels(pixels) => {
                        PreparedInput::Picture(pixels, PictureView::Content)
                    }
                    EmbedInput::Style(pixels) => PreparedInput::Picture(pixels, PictureView::Style),
                    EmbedInput::Text(text) => PreparedInput::Tokens(tokenizer.encode(&text)?),
                })
            };
            inputs.into_iter().map(prepare).collect::<CoreResult<_>>()
        };
        if text_bytes <= QUICK_TEXT_BYTES {
            return work();
        }
        blocking("cutting texts into tokens", work).await
    }
}

fn warm_up(encoder: &mut impl Encoder, tokenizer: &ModelTokenizer, side: u32) -> Result<()> {
    let grey = ModelPixels {
        side,
        rgb: vec![127; side as usize * side as usize * 3],
    };
    encoder.images(&[(&grey, PictureView::Content)])?;
    encoder.texts(&[&tokenizer.encode("")?])?;
    Ok(())
}

fn ended() -> Error {
    Error::new(
        ErrorCode::Unavailable,
        "the model's thread has ended: restart Clippy, and see its log for the reason",
    )
}

#[async_trait]
impl Embedder for TorchEmbedder {
    fn info(&self) -> &Arc<ModelInfo> {
        &self.info
    }

    async fn embed(&self, inputs: Vec<EmbedInput>) -> CoreResult<Embeddings> {
        let submitted = Instant::now();
        self.check(&inputs)?;
        if self.requests.is_closed() {
            return Err(ended());
        }
        // At most `max_waiting`, which fits.
        let wanted = u32::try_from(inputs.len().min(self.max_waiting)).unwrap_or(u32::MAX);
        let places = Arc::clone(&self.places)
            .try_acquire_many_owned(wanted)
            .map_err(|_| {
                let waiting = self.max_waiting - self.places.available_permits();
                Error::new(
                    ErrorCode::Overloaded,
                    format!(
                        "{waiting} of at most {} inputs wait for the model already: try again \
                         shortly",
                        self.max_waiting
                    ),
                )
            })?;
        let inputs = self.prepare(inputs).await?;
        if inputs.is_empty() {
            return Ok(Embeddings {
                embeddings: Vec::new(),
                queued: Default::default(),
                computed: Default::default(),
            });
        }
        let (reply, answer) = oneshot::channel();
        self.requests
            .send(Request {
                inputs,
                submitted,
                reply,
                places,
            })
            .map_err(|_| ended())?;
        answer.await.map_err(|_| ended())?
    }
}

#[cfg(test)]
mod tests;
