use std::sync::Arc;

use clippy_clip::tokenizer::Tokenizer;
use clippy_clip::{EmbedderOptions, LoadedModel, Precision, TorchEmbedder};
use clippy_core::embedding::{EmbedInput, Embedder, ModelPixels};

use crate::fixtures::{self, MODELS};

fn cosine(one: &[f32], other: &[f32]) -> f64 {
    one.iter()
        .zip(other)
        .map(|(&one, &other)| f64::from(one) * f64::from(other))
        .sum()
}

fn furthest(one: &[f32], other: &[f32]) -> f32 {
    one.iter()
        .zip(other)
        .map(|(one, other)| (one - other).abs())
        .fold(0.0, f32::max)
}

fn embed(model: &LoadedModel, pictures: &[ModelPixels], texts: &[String]) -> [Vec<Vec<f32>>; 2] {
    let tokenizer = Tokenizer::new(model.info.context_length);
    let tokens: Vec<Vec<i64>> = texts.iter().map(|text| tokenizer.encode(text)).collect();
    let tokens: Vec<&[i64]> = tokens.iter().map(Vec::as_slice).collect();
    let pictures: Vec<&ModelPixels> = pictures.iter().collect();
    [
        model.model.embed_images(&pictures).unwrap(),
        model.model.embed_texts(&tokens).unwrap(),
    ]
}

#[test]
fn embeddings_are_open_clips() {
    for (precision, least, most) in [
        (Precision::Fp32, 0.99999, 2e-5),
        (Precision::Bf16, 0.999, 0.05),
    ] {
        for name in MODELS {
            let model = fixtures::load(name, precision);
            let expected = fixtures::expected(name, &model);
            let [images, texts] = embed(&model, &expected.pictures, &fixtures::texts());
            for (kind, found, expected) in [
                ("images", images, expected.images),
                ("texts", texts, expected.texts),
            ] {
                assert_eq!(found.len(), expected.len());
                let worst = found
                    .iter()
                    .zip(&expected)
                    .map(|(one, other)| cosine(one, other))
                    .fold(1.0, f64::min);
                let apart = found
                    .iter()
                    .zip(&expected)
                    .map(|(one, other)| furthest(one, other))
                    .fold(0.0, f32::max);
                println!(
                    "{name} {precision} {kind}: cosine {worst:.7}, largest difference {apart:e}"
                );
                assert!(worst >= least, "{name} {precision} {kind}: cosine {worst}");
                assert!(
                    apart <= most,
                    "{name} {precision} {kind}: a value differs by {apart}"
                );
                for row in &found {
                    assert!(
                        (cosine(row, row) - 1.0).abs() < 1e-5,
                        "{name} {kind} is not of unit length"
                    );
                }
            }
        }
    }
}

#[test]
fn a_batch_equals_its_members_alone() {
    for name in MODELS {
        let model = fixtures::load(name, Precision::Fp32);
        let pictures = fixtures::expected(name, &model).pictures;
        let texts = fixtures::texts();
        let together = embed(&model, &pictures, &texts);
        for (at, picture) in pictures.iter().enumerate() {
            let [alone, _] = embed(&model, std::slice::from_ref(picture), &[]);
            assert!(
                furthest(&alone[0], &together[0][at]) < 1e-5,
                "{name} picture {at}"
            );
        }
        for (at, text) in texts.iter().enumerate() {
            let [_, alone] = embed(&model, &[], std::slice::from_ref(text));
            assert!(
                furthest(&alone[0], &together[1][at]) < 1e-5,
                "{name} text {text:?}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_callers_get_what_they_would_get_alone() {
    let model = fixtures::load("vit_quickgelu", Precision::Fp32);
    let expected = fixtures::expected("vit_quickgelu", &model);
    let texts = fixtures::texts();
    let embedder =
        tokio::task::spawn_blocking(|| TorchEmbedder::start(model, EmbedderOptions::default()));
    let embedder = Arc::new(embedder.await.unwrap().unwrap());
    let calls: Vec<_> = (0..32)
        .map(|caller| {
            let (picture, text) = (caller % expected.pictures.len(), caller % texts.len());
            let inputs = vec![
                EmbedInput::Text(texts[text].clone()),
                EmbedInput::Pixels(expected.pictures[picture].clone()),
            ];
            let answers = [
                expected.texts[text].clone(),
                expected.images[picture].clone(),
            ];
            let embedder = Arc::clone(&embedder);
            (
                answers,
                tokio::spawn(async move { embedder.embed(inputs).await }),
            )
        })
        .collect();
    for (answers, call) in calls {
        let embedded = call.await.unwrap().unwrap();
        for (found, expected) in embedded.embeddings.iter().zip(&answers) {
            assert!(cosine(found, expected) > 0.99999);
        }
        assert_eq!(embedded.embeddings.len(), 2);
    }
}

#[tokio::test]
async fn a_random_model_embeds() {
    let model = tokio::task::spawn_blocking(|| {
        LoadedModel::random("RN50", clippy_clip::Device::Cpu, None, 7)
    });
    let model = model.await.unwrap().unwrap();
    assert_eq!(
        (model.info.dimension, model.info.transform.side),
        (1024, 224)
    );
    let [_, texts] = embed(&model, &[], &["a cat".to_owned()]);
    assert!((cosine(&texts[0], &texts[0]) - 1.0).abs() < 1e-4);
}
