//! The contract of models that embed pictures and texts.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::Result;

/// How a picture becomes a model's input: open_clip's `preprocess_cfg` with the model's image size.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ImageTransform {
    /// Side of the model's square input, in pixels.
    pub side: u32,
    /// Mean of each channel (red, green, blue), on values in 0..1.
    pub mean: [f32; 3],
    /// Standard deviation of each channel, on values in 0..1.
    pub std: [f32; 3],
    /// How the picture is scaled down.
    pub interpolation: Interpolation,
    /// How a picture that is not square is made square.
    pub resize_mode: ResizeMode,
}

/// Pillow's resampling filters that open_clip configurations name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Interpolation {
    /// Catmull-Rom with antialiasing, as Pillow's `BICUBIC`.
    Bicubic,
    /// Triangle filter with antialiasing, as Pillow's `BILINEAR`.
    Bilinear,
}

/// open_clip's `resize_mode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ResizeMode {
    /// The short side is scaled to the model's side, then the centre is cropped.
    Shortest,
    /// The long side is scaled to the model's side, then the rest is filled.
    Longest,
    /// Both sides are scaled to the model's side; the aspect ratio is lost.
    Squash,
}

/// A picture resized and cropped for one model, not yet normalised: `side * side * 3` bytes, rows
/// first, RGB.
///
/// Bytes rather than floats: Pillow resizes in bytes too, and they are a quarter of the size to
/// pass to a model thread or to a remote encoder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelPixels {
    /// Width and height in pixels.
    pub side: u32,
    /// `side * side * 3` values, rows first, RGB.
    pub rgb: Vec<u8>,
}

/// One thing to embed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EmbedInput {
    /// A picture that went through the model's [`ImageTransform`].
    Pixels(ModelPixels),
    /// Words as a person typed them; the model's tokenizer cleans them.
    Text(String),
    /// The same picture as for [`EmbedInput::Pixels`], to be embedded by its look alone. Only for
    /// models with [`ModelInfo::style`].
    Style(ModelPixels),
}

/// A unit-length vector of the model's dimension.
pub type Embedding = Vec<f32>;

/// What a collection must know about the model that filled it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelInfo {
    /// open_clip's name of the architecture, such as `ViT-B-32`.
    pub name: String,
    /// The weights: a known tag, or the path they were read from.
    pub pretrained: String,
    /// Length of an embedding.
    pub dimension: usize,
    /// Most tokens that one text may have.
    pub context_length: usize,
    /// How pictures are prepared.
    pub transform: ImageTransform,
    /// SHA-256 (hex) of configuration and weights. Models with the same fingerprint make the same
    /// embeddings.
    pub fingerprint: String,
    /// The fingerprint of what makes style embeddings; `None` when the model makes none. It is apart
    /// from `fingerprint`, so that a model may get another one while its embeddings stay. It is a
    /// SHA-256 (hex), after [`STATISTICS`] or [`DESCRIPTORS`] unless a style head makes them.
    #[serde(default)]
    pub style: Option<String>,
}

/// What the fingerprint of style embeddings begins with if they are statistics of early layers. A
/// collection whitens them (see [`crate::whitening`]) before it stores or compares them.
pub const STATISTICS: &str = "statistics-";
/// What the fingerprint of style embeddings begins with if published style descriptors make them.
pub const DESCRIPTORS: &str = "descriptors-";

impl ModelInfo {
    /// Returns the fingerprint of the style embeddings if they are statistics, which a collection
    /// whitens.
    #[must_use]
    pub fn style_statistics(&self) -> Option<&str> {
        let style = self.style.as_deref();
        style.filter(|style| style.starts_with(STATISTICS))
    }
}

/// The embeddings of one call, in the order of its inputs.
#[derive(Debug, Clone)]
pub struct Embeddings {
    /// One unit-length vector per input.
    pub embeddings: Vec<Embedding>,
    /// Time spent waiting for a place in a batch.
    pub queued: Duration,
    /// Time the model took for the batch that held these inputs.
    pub computed: Duration,
}

/// Turns pictures and words into vectors of one space.
#[async_trait]
pub trait Embedder: Send + Sync + 'static {
    /// Returns the model behind this embedder.
    fn info(&self) -> &Arc<ModelInfo>;

    /// Embeds all inputs, in their order.
    ///
    /// # Errors
    /// [`crate::ErrorCode::Overloaded`] when too many are waiting,
    /// [`crate::ErrorCode::InvalidInput`] when the pixels are not of the model's side,
    /// [`crate::ErrorCode::Unsupported`] for a style input when the model has no style,
    /// [`crate::ErrorCode::Unavailable`] when the model's thread has ended.
    async fn embed(&self, inputs: Vec<EmbedInput>) -> Result<Embeddings>;
}
