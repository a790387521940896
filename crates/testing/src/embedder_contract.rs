//! The contract of embedders: every implementation passes these checks.

use clippy_core::embedding::{EmbedInput, Embedder, Embedding, ModelPixels};
use clippy_core::{ErrorCode, Result};
use futures::future::join_all;

use crate::waiting::wait_for;

/// The largest difference between two values of the same input's embeddings: a model may compute
/// it in another batch.
const SAME: f32 = 1e-4;

/// Checks the description of the model, and the embeddings of pictures, words and styles.
///
/// # Panics
/// When the embedder breaks the contract.
pub async fn check_embedder(embedder: &dyn Embedder) {
    let info = embedder.info().clone();
    assert!(info.dimension > 0 && !info.fingerprint.is_empty());
    let none = embed(embedder, Vec::new()).await.expect("an empty call");
    assert!(none.is_empty(), "an empty call has an empty answer");

    check_order(embedder).await;
    check_style(embedder).await;
    assert_eq!(embedder.info(), &info, "the description stays the same");
}

/// The answers have the order of the inputs, and the same input has the same embedding, alone and
/// among others.
async fn check_order(embedder: &dyn Embedder) {
    let (one, other) = (pixels(embedder, 3), pixels(embedder, 11));
    let inputs = vec![
        EmbedInput::Pixels(one.clone()),
        EmbedInput::Text("a red apple".to_owned()),
        EmbedInput::Pixels(other),
        EmbedInput::Text("night sky over a harbour".to_owned()),
        EmbedInput::Pixels(one),
    ];
    let together = embed(embedder, inputs.clone()).await.expect("embedded");
    assert_eq!(together.len(), inputs.len());
    for (place, (input, found)) in inputs.into_iter().zip(&together).enumerate() {
        check_shape(embedder, found);
        let alone = embed(embedder, vec![input]).await.expect("embedded");
        assert_eq!(alone.len(), 1);
        let difference = difference(&alone[0], found);
        assert!(difference < SAME, "input {place} differs by {difference}");
    }
    assert!(difference(&together[0], &together[4]) < SAME, "same input");
    for (left, right) in [(0, 1), (0, 2), (1, 2), (1, 3), (2, 3)] {
        let difference = difference(&together[left], &together[right]);
        assert!(difference > SAME, "inputs {left} and {right} are the same");
    }
}

/// Styles are embedded exactly if the description names a style.
async fn check_style(embedder: &dyn Embedder) {
    let style = vec![EmbedInput::Style(pixels(embedder, 3))];
    let found = embed(embedder, style.clone()).await;
    if embedder.info().style.is_none() {
        let refused = found.expect_err("a model without a style");
        assert_eq!(refused.code, ErrorCode::Unsupported);
        return;
    }
    let found = found.expect("a model with a style");
    check_shape(embedder, &found[0]);
    let again = embed(embedder, style).await.expect("embedded");
    assert!(difference(&found[0], &again[0]) < SAME, "the same style");
}

/// Checks an embedder that has no room for eight calls at once: it refuses some as overloaded, with
/// a reason, answers the others, and works again afterwards.
///
/// # Panics
/// When the embedder breaks the contract.
pub async fn check_overload(embedder: &dyn Embedder) {
    let words = || vec![EmbedInput::Text("a red apple".to_owned())];
    let (mut answered, mut refused) = (0, 0);
    for found in join_all((0..8).map(|_| embed(embedder, words()))).await {
        match found {
            Ok(_) => answered += 1,
            Err(error) => {
                assert_eq!(error.code, ErrorCode::Overloaded, "{error}");
                assert!(!error.message.is_empty());
                refused += 1;
            }
        }
    }
    assert!(answered > 0 && refused > 0, "{answered} of 8 were answered");
    wait_for("room for a call", || embed(embedder, words())).await;
}

async fn embed(embedder: &dyn Embedder, inputs: Vec<EmbedInput>) -> Result<Vec<Embedding>> {
    Ok(embedder.embed(inputs).await?.embeddings)
}

fn check_shape(embedder: &dyn Embedder, embedding: &[f32]) {
    assert_eq!(embedding.len(), embedder.info().dimension);
    let length = embedding.iter().map(|value| value * value).sum::<f32>();
    assert!((length.sqrt() - 1.0).abs() < 1e-3, "the length is {length}");
}

fn difference(one: &[f32], other: &[f32]) -> f32 {
    let pairs = one.iter().zip(other);
    pairs
        .map(|(one, other)| (one - other).abs())
        .fold(0.0, f32::max)
}

/// Stripes of this width, in the size that the model takes.
fn pixels(embedder: &dyn Embedder, width: u32) -> ModelPixels {
    let side = embedder.info().transform.side;
    let rgb = (0..side * side).flat_map(|place| {
        let (x, y) = (place % side, place / side);
        let light = if (x / width).is_multiple_of(2) {
            230
        } else {
            20
        };
        [light, (y * 255 / side) as u8, width as u8 * 9]
    });
    ModelPixels {
        side,
        rgb: rgb.collect(),
    }
}
