//! Progress and previews of a generation.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

/// The progress of a generation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GenerationProgress {
    /// What is being done: `analysing`, `painting`, `waiting`, …
    pub phase: String,
    /// The finished part of all pictures, 0 to 1; absent when it is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fraction: Option<f32>,
    /// The same in words, for a person.
    pub message: String,
}

/// An unfinished picture.
#[derive(Debug, Clone)]
pub struct Preview {
    /// Which of the pictures, from 0.
    pub index: u32,
    /// A small file.
    pub bytes: Bytes,
    /// Its media type.
    pub media_type: &'static str,
}

/// Receives progress and previews. Called from any thread; must not block.
pub trait GenerationProgressSink: Send + Sync {
    /// Receives progress.
    fn progress(&self, progress: GenerationProgress);
    /// Receives an unfinished picture.
    fn preview(&self, preview: Preview);
}

/// Discards progress and previews.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoProgress;

impl GenerationProgressSink for NoProgress {
    fn progress(&self, _progress: GenerationProgress) {}
    fn preview(&self, _preview: Preview) {}
}
