//! Embeds a whole chunk with one call to the embedder.

use std::time::Duration;

use clippy_core::embedding::{EmbedInput, Embedder, Embedding, ModelPixels};
use clippy_core::gallery::{Space, Vectors, check_vector};
use clippy_core::ledger::{FailureKind, LineFailure};
use clippy_core::styles::StyleVectors;
use clippy_core::{Error, ErrorCode, Result};

const FIRST_WAIT: Duration = Duration::from_millis(50);
/// Short, so that the model does not become idle for long.
const LONGEST_WAIT: Duration = Duration::from_millis(200);
/// About a minute in all, with these waits.
const ATTEMPTS: u32 = 300;

/// The vectors that a chunk needs: which spaces of which of its lines.
#[derive(Default)]
pub(crate) struct EmbedRequests {
    inputs: Vec<EmbedInput>,
    places: Vec<(usize, Space)>,
    /// How style embeddings become vectors of the collection.
    styles: Option<StyleVectors>,
}

impl EmbedRequests {
    /// Requests one vector of the line at index `place` of the chunk.
    pub(crate) fn push(&mut self, place: usize, space: Space, input: EmbedInput) {
        self.inputs.push(input);
        self.places.push((place, space));
    }

    /// Requests the vectors of a picture: what it shows, its edges, and its style where styles are
    /// made.
    pub(crate) fn push_picture(
        &mut self,
        place: usize,
        image: ModelPixels,
        edge: ModelPixels,
        styles: &StyleVectors,
    ) {
        if styles.are_made() {
            self.push_style(place, image.clone(), styles);
        }
        self.push(place, Space::Image, EmbedInput::Pixels(image));
        self.push(place, Space::Edge, EmbedInput::Pixels(edge));
    }

    /// Requests the style vector of a picture.
    pub(crate) fn push_style(&mut self, place: usize, image: ModelPixels, styles: &StyleVectors) {
        self.push(place, Space::Style, EmbedInput::Style(image));
        self.styles = Some(styles.clone());
    }

    /// Makes the vectors. Returns one entry for each of the chunk's `lines`: its vectors, or why
    /// the model's output cannot be used.
    pub(crate) async fn embed(
        self,
        embedder: &dyn Embedder,
        lines: usize,
    ) -> Result<Vec<Result<Vectors, LineFailure>>> {
        let mut made: Vec<Result<Vectors, LineFailure>> =
            (0..lines).map(|_| Ok(Vectors::default())).collect();
        if self.inputs.is_empty() {
            return Ok(made);
        }
        let expected = self.inputs.len();
        let embeddings = embed_patiently(embedder, self.inputs).await?;
        if embeddings.len() != expected {
            return Err(Error::internal(format!(
                "the embedder returned {} vectors for {expected} inputs",
                embeddings.len()
            )));
        }
        let dimension = embedder.info().dimension;
        for ((place, space), embedding) in self.places.into_iter().zip(embeddings) {
            let embedding = match &self.styles {
                Some(styles) if space == Space::Style => styles.finish(embedding),
                _ => embedding,
            };
            match check_vector(space, &embedding, dimension) {
                Ok(()) => {
                    if let Ok(vectors) = &mut made[place] {
                        *vectors.get_mut(space) = Some(embedding);
                    }
                }
                Err(error) => {
                    let reason = format!("the model's vector cannot be used: {}", error.message);
                    made[place] = Err(LineFailure::new(FailureKind::NotEmbedded, reason));
                }
            }
        }
        Ok(made)
    }
}

/// Retries while the embedder is overloaded by other callers, since a run can wait.
async fn embed_patiently(
    embedder: &dyn Embedder,
    inputs: Vec<EmbedInput>,
) -> Result<Vec<Embedding>> {
    let mut wait = FIRST_WAIT;
    for _ in 1..ATTEMPTS {
        match embedder.embed(inputs.clone()).await {
            Ok(embedded) => return Ok(embedded.embeddings),
            Err(error) if error.code == ErrorCode::Overloaded => {
                tracing::debug!(wait_ms = wait.as_millis(), "the embedder is busy");
                tokio::time::sleep(wait).await;
                wait = (wait * 2).min(LONGEST_WAIT);
            }
            Err(error) => return Err(error),
        }
    }
    Ok(embedder.embed(inputs).await?.embeddings)
}
