//! A deterministic embedder without libtorch, for tests that need vectors but not their meaning.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use clippy_core::embedding::{
    EmbedInput, Embedder, Embedding, Embeddings, ImageTransform, Interpolation, ModelInfo,
    ModelPixels, ResizeMode,
};
use clippy_core::{Error, ErrorCode, Result};
use parking_lot::Mutex;
use sha2::{Digest, Sha256};
use tokio_util::sync::CancellationToken;

/// Embeds by hashing: equal inputs get equal unit vectors, different ones pseudo-random directions.
/// It counts the inputs, and fails while a test sets one of its faults.
#[derive(Debug)]
pub struct FakeEmbedder {
    info: Arc<ModelInfo>,
    /// Pictures embedded so far.
    pub pictures: AtomicUsize,
    /// Styles of pictures embedded so far.
    pub styles: AtomicUsize,
    /// Texts embedded so far.
    pub texts: AtomicUsize,
    /// Fault: this many of the next calls fail as overloaded. Each of them decrements it.
    pub busy: AtomicUsize,
    /// Fault: every call fails as unavailable while this is set.
    pub broken: AtomicBool,
    /// The next call cancels this token.
    pub cancels: Mutex<Option<CancellationToken>>,
}

impl FakeEmbedder {
    /// A fake of this dimension.
    #[must_use]
    pub fn new(dimension: usize) -> Self {
        Self {
            info: Arc::new(ModelInfo {
                name: "fake".to_owned(),
                pretrained: "none".to_owned(),
                dimension,
                context_length: 77,
                transform: ImageTransform {
                    side: 32,
                    mean: [0.481_454_66, 0.457_827_5, 0.408_210_73],
                    std: [0.268_629_54, 0.261_302_6, 0.275_777_1],
                    interpolation: Interpolation::Bicubic,
                    resize_mode: ResizeMode::Shortest,
                },
                fingerprint: format!("fake-{dimension}"),
                style: Some("fake-style".to_owned()),
            }),
            pictures: AtomicUsize::new(0),
            styles: AtomicUsize::new(0),
            texts: AtomicUsize::new(0),
            busy: AtomicUsize::new(0),
            broken: AtomicBool::new(false),
            cancels: Mutex::new(None),
        }
    }

    /// The same, but its style embeddings have this fingerprint.
    #[must_use]
    pub fn with_style(mut self, fingerprint: &str) -> Self {
        Arc::make_mut(&mut self.info).style = Some(fingerprint.to_owned());
        self
    }

    /// Pictures of the same mean colour, in steps of a quarter, have the same style.
    fn style(&self, pixels: &ModelPixels) -> Embedding {
        let count = (pixels.rgb.len() / 3).max(1);
        let mean = |channel: usize| {
            let values = pixels.rgb.iter().skip(channel).step_by(3);
            values.map(|value| usize::from(*value)).sum::<usize>() / count / 64
        };
        self.vector(format!("style {} {} {}", mean(0), mean(1), mean(2)).as_bytes())
    }

    /// Inputs embedded so far, without styles.
    #[must_use]
    pub fn embedded(&self) -> usize {
        self.pictures.load(Ordering::SeqCst) + self.texts.load(Ordering::SeqCst)
    }

    /// Decrements `busy`; false if it is 0.
    fn take_refusal(&self) -> bool {
        let less = |left: usize| left.checked_sub(1);
        self.busy
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, less)
            .is_ok()
    }

    fn vector(&self, seed: &[u8]) -> Embedding {
        let mut vector = Vec::with_capacity(self.info.dimension);
        let mut block = 0_u32;
        while vector.len() < self.info.dimension {
            let digest = Sha256::new()
                .chain_update(seed)
                .chain_update(block.to_le_bytes())
                .finalize();
            for pair in digest.chunks_exact(2) {
                vector.push(f32::from(u16::from_le_bytes([pair[0], pair[1]])) / 32_768.0 - 1.0);
            }
            block += 1;
        }
        vector.truncate(self.info.dimension);
        let length = vector
            .iter()
            .map(|value| value * value)
            .sum::<f32>()
            .sqrt()
            .max(f32::MIN_POSITIVE);
        vector.iter_mut().for_each(|value| *value /= length);
        vector
    }
}

#[async_trait]
impl Embedder for FakeEmbedder {
    fn info(&self) -> &Arc<ModelInfo> {
        &self.info
    }

    async fn embed(&self, inputs: Vec<EmbedInput>) -> Result<Embeddings> {
        if let Some(token) = self.cancels.lock().take() {
            token.cancel();
        }
        if self.broken.load(Ordering::SeqCst) {
            let message = "the model's thread has ended";
            return Err(Error::new(ErrorCode::Unavailable, message));
        }
        if self.take_refusal() {
            let message = "thread clip-3 already has 256 inputs in its queue";
            return Err(Error::new(ErrorCode::Overloaded, message));
        }
        for input in &inputs {
            let count = match input {
                EmbedInput::Pixels(_) => &self.pictures,
                EmbedInput::Style(_) => &self.styles,
                EmbedInput::Text(_) => &self.texts,
            };
            count.fetch_add(1, Ordering::SeqCst);
        }
        let embeddings = inputs
            .iter()
            .map(|input| match input {
                EmbedInput::Pixels(pixels) => self.vector(&pixels.rgb),
                EmbedInput::Text(text) => self.vector(text.as_bytes()),
                EmbedInput::Style(pixels) => self.style(pixels),
            })
            .collect();
        Ok(Embeddings {
            embeddings,
            queued: Duration::ZERO,
            computed: Duration::ZERO,
        })
    }
}
