//! A deterministic embedder without libtorch, for everything that needs vectors but not their
//! meaning.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use sha2::{Digest, Sha256};

use crate::Result;
use crate::embedding::{
    EmbedInput, Embedded, Embedder, Embedding, ImageTransform, Interpolation, ModelInfo, ResizeMode,
};

/// Embeds by hashing: equal inputs get equal unit vectors, different ones get directions that look
/// random.
#[derive(Debug, Clone)]
pub struct FakeEmbedder {
    info: Arc<ModelInfo>,
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
            }),
        }
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

    async fn embed(&self, inputs: Vec<EmbedInput>) -> Result<Embedded> {
        let embeddings = inputs
            .iter()
            .map(|input| match input {
                EmbedInput::Pixels(pixels) => self.vector(&pixels.rgb),
                EmbedInput::Text(text) => self.vector(text.as_bytes()),
            })
            .collect();
        Ok(Embedded {
            embeddings,
            queued: Duration::ZERO,
            computed: Duration::ZERO,
        })
    }
}
