//! The bundled style head gives the vectors of its training code, and a head that does not fit is
//! refused.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clippy_clip::Device;
use clippy_clip::TorchEmbedder;
use clippy_clip::model::weights::WeightsFile;
use clippy_clip::{
    ClipError, ClipModel, EmbedderOptions, LoadedModel, ModelSource, PictureView, Precision,
};
use clippy_core::ErrorCode;
use clippy_core::embedding::{EmbedInput, Embedder, ModelInfo, ModelPixels};
use clippy_testing::{check_embedder, check_overload};
use serde_json::Value;

use crate::fixtures;

fn models() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models")
}

fn bundled() -> LoadedModel {
    let source = ModelSource::Folder(models().join("clippy-small"));
    LoadedModel::load(&source, Device::Cpu, Some(Precision::Fp32)).expect("loaded")
}

/// Returns the pictures of the fixture, and the style vectors that the training code computed for
/// them.
fn fixture(model: &LoadedModel) -> Vec<(ModelPixels, Vec<f32>)> {
    let folder = models().join("training/style-fixture");
    let text = std::fs::read(folder.join("style.json")).expect("there");
    let rows: Vec<Value> = serde_json::from_slice(&text).expect("JSON");
    let row = |row: &Value| {
        let name = row["picture"].as_str().expect("a name");
        let bytes = std::fs::read(folder.join(name)).expect("there");
        let picture = clippy_imaging::decode(&bytes, &clippy_imaging::DecodeLimits::bulk());
        let pixels = clippy_imaging::transform(&model.info.transform, &picture.expect("a picture"));
        let values = row["vector"].as_array().expect("a vector").iter();
        let vector = values.map(|value| value.as_f64().expect("a number") as f32);
        (pixels, vector.collect())
    };
    rows.iter().map(row).collect()
}

fn cosine(one: &[f32], other: &[f32]) -> f64 {
    let product = |left: &[f32], right: &[f32]| -> f64 {
        let pairs = left.iter().zip(right);
        pairs
            .map(|(left, right)| f64::from(*left) * f64::from(*right))
            .sum()
    };
    product(one, other) / (product(one, one) * product(other, other)).sqrt()
}

#[test]
fn style_vectors_are_those_of_the_training_code() {
    let model = bundled();
    let fixture = fixture(&model);
    assert!(fixture.len() >= 6);
    let wanted: Vec<_> = fixture
        .iter()
        .map(|(pixels, _)| (pixels, PictureView::Style))
        .collect();
    let found = model.model.embed_pictures(&wanted).expect("embedded");
    for ((_, expected), found) in fixture.iter().zip(&found) {
        let cosine = cosine(expected, found);
        assert!(cosine >= 0.9999, "{cosine}");
    }
}

#[test]
fn views_embedded_together_equal_views_embedded_alone() {
    let model = bundled();
    let pictures: Vec<ModelPixels> = fixture(&model)
        .into_iter()
        .map(|(pixels, _)| pixels)
        .collect();
    let [a, b, c] = &pictures[..3] else {
        panic!("three at least");
    };
    let mixed = [
        (a, PictureView::Style),
        (b, PictureView::Content),
        (a, PictureView::Content),
        (c, PictureView::Style),
    ];
    let together = model.model.embed_pictures(&mixed).expect("embedded");
    for (input, found) in mixed.iter().zip(together) {
        let alone = model.model.embed_pictures(&[*input]).expect("embedded");
        assert!(cosine(&alone[0], &found) > 0.999_999, "{:?}", input.1);
    }
    let content = model.model.embed_images(&[b, a]).expect("embedded");
    let again = model.model.embed_pictures(&mixed[1..3]).expect("embedded");
    assert_eq!(content, again);
}

#[tokio::test]
async fn the_bundled_model_and_one_without_a_head_keep_the_contract() {
    let options = EmbedderOptions::default();
    let embedder = TorchEmbedder::start(bundled(), options).expect("started");
    check_embedder(&embedder).await;
    let model = fixtures::load(fixtures::MODELS[0], Precision::Fp32);
    let options = EmbedderOptions {
        max_waiting: 6,
        ..EmbedderOptions::default()
    };
    let small = TorchEmbedder::start(model, options).expect("started");
    check_embedder(&small).await;
    check_overload(&small).await;
}

#[tokio::test]
async fn a_model_that_makes_no_styles_refuses_to_embed_them() {
    let loaded = fixtures::load(fixtures::MODELS[0], Precision::Fp32);
    let folder = fixtures::path("models").join(fixtures::MODELS[0]);
    let file = WeightsFile::open(&folder.join("open_clip_model.safetensors")).expect("opened");
    let bare = ClipModel::load(
        &loaded.config,
        &loaded.info.transform,
        &file,
        Device::Cpu,
        Precision::Fp32,
    );
    let model = LoadedModel {
        model: bare.expect("loaded"),
        info: Arc::new(ModelInfo {
            style: None,
            ..(*loaded.info).clone()
        }),
        ..loaded
    };
    let side = model.info.transform.side;
    let pixels = ModelPixels {
        side,
        rgb: vec![9; (side * side * 3) as usize],
    };
    let refused = model.model.embed_pictures(&[(&pixels, PictureView::Style)]);
    assert!(matches!(refused, Err(ClipError::NoStyle)), "{refused:?}");
    let embedder = TorchEmbedder::start(model, EmbedderOptions::default()).expect("started");
    let error = embedder.embed(vec![EmbedInput::Style(pixels)]).await;
    assert_eq!(error.expect_err("refused").code, ErrorCode::Unsupported);
}

#[test]
fn a_head_of_another_model_is_refused_with_the_reason() {
    let mut other = fixtures::load(fixtures::MODELS[0], Precision::Fp32);
    let head = models().join("clippy-small/style_head.safetensors");
    let error = other.model.load_style(&head).expect_err("it does not fit");
    assert!(matches!(error, ClipError::StyleHead { .. }), "{error}");

    let mut model = bundled();
    let known = model.info.style.clone().expect("it has one");
    assert_eq!(model.model.style(), Some(known.as_str()));
    let weights = models().join("clippy-small/open_clip_model.safetensors");
    let error = model.model.load_style(&weights).expect_err("no head");
    assert!(error.to_string().contains("format"), "{error}");
    assert_eq!(
        model.model.style(),
        Some(known.as_str()),
        "the old one stays"
    );
}
