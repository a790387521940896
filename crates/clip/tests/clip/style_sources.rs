//! Style vectors without a style head: statistics of early layers, and published descriptors.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clippy_clip::{
    ClipError, Device, EmbedderOptions, LoadedModel, ModelSource, PictureView, Precision,
    TorchEmbedder,
};
use clippy_core::ErrorCode;
use clippy_core::embedding::{Embedding, ModelPixels};
use clippy_core::whitening::Whitening;
use clippy_testing::check_embedder;
use safetensors::Dtype;
use safetensors::tensor::TensorView;

use crate::fixtures;

fn embed(model: &LoadedModel, pictures: &[ModelPixels], view: PictureView) -> Vec<Embedding> {
    let inputs: Vec<_> = pictures.iter().map(|pixels| (pixels, view)).collect();
    model.model.embed_pictures(&inputs).expect("embedded")
}

fn cosine(left: &[f32], right: &[f32]) -> f32 {
    left.iter()
        .zip(right)
        .map(|(left, right)| left * right)
        .sum()
}

/// A disc whose size and place depend on the number, in one of two styles: softly shaded, or
/// hatched with lines.
fn picture(side: u32, number: u32, is_hatched: bool) -> ModelPixels {
    let scale = side as f32;
    let at = |factor: u32| (number * factor % 11) as f32 / 11.0;
    let (centre_x, centre_y) = (0.3 + 0.4 * at(3), 0.3 + 0.4 * at(7));
    let radius = 0.2 + 0.15 * at(5);
    let ink = 40.0 + 15.0 * at(2);
    let mut rgb = Vec::with_capacity((side * side * 3) as usize);
    for y in 0..side {
        for x in 0..side {
            let (across, down) = (x as f32 / scale - centre_x, y as f32 / scale - centre_y);
            let distance = (across * across + down * down).sqrt() / radius;
            let paper = 235.0;
            let value = if is_hatched {
                let is_line = (x + y + number).is_multiple_of(3);
                if distance < 1.0 && is_line {
                    ink
                } else {
                    paper
                }
            } else {
                let share = (1.3 - distance).clamp(0.0, 1.0);
                paper + (ink - paper) * share * 0.6
            };
            rgb.extend([value as u8, (value * 0.95) as u8, (value * 0.9) as u8]);
        }
    }
    ModelPixels { side, rgb }
}

/// Pictures of `count` subjects in both styles, which alternate.
fn pictures(side: u32, count: u32) -> Vec<ModelPixels> {
    (0..2 * count)
        .map(|number| picture(side, number / 2, number.is_multiple_of(2)))
        .collect()
}

#[test]
fn statistics_are_made_without_a_head_and_are_always_the_same() {
    let mut fingerprints = Vec::new();
    for name in fixtures::MODELS {
        let model = fixtures::load(name, Precision::Fp32);
        assert!(model.info.style_statistics().is_some(), "{name}");
        let pictures = pictures(model.info.transform.side, 3);
        let made = embed(&model, &pictures, PictureView::Style);
        for vector in &made {
            assert_eq!(vector.len(), model.info.dimension, "{name}");
            assert!((cosine(vector, vector) - 1.0).abs() < 1e-5, "{name}");
        }
        assert_ne!(made[0], made[1], "{name}");
        let again = fixtures::load(name, Precision::Fp32);
        assert_eq!(again.info.style, model.info.style, "{name}");
        assert_eq!(embed(&again, &pictures, PictureView::Style), made, "{name}");
        // One pass with both views gives the same vectors as one pass for each view.
        let both = [
            (&pictures[1], PictureView::Style),
            (&pictures[0], PictureView::Content),
        ];
        let together = model.model.embed_pictures(&both).expect("embedded");
        let content = embed(&model, &pictures[..1], PictureView::Content);
        assert!(cosine(&together[0], &made[1]) > 0.9999, "{name}");
        assert!(cosine(&together[1], &content[0]) > 0.9999, "{name}");
        fingerprints.push(model.info.style.clone());
    }
    fingerprints.sort();
    fingerprints.dedup();
    assert_eq!(fingerprints.len(), fixtures::MODELS.len());
}

#[test]
fn whitened_statistics_tell_two_styles_apart() {
    for name in fixtures::MODELS {
        let model = fixtures::load(name, Precision::Fp32);
        let pictures = pictures(model.info.transform.side, 40);
        let raw = embed(&model, &pictures, PictureView::Style);
        let statistics = model.info.style_statistics().expect("it gives them");
        let whitening = Whitening::fit(statistics, &raw[..48]).expect("enough pictures");
        let made: Vec<Embedding> = raw.iter().map(|raw| whitening.apply(raw)).collect();
        // How often the nearest picture of another subject has the same style, for pictures outside
        // of the sample.
        let right = (48..made.len()).filter(|&one| {
            let others = (0..made.len()).filter(|other| other / 2 != one / 2);
            let near = |other: usize| cosine(&made[one], &made[other]);
            let nearest = others.max_by(|left, right| near(*left).total_cmp(&near(*right)));
            nearest.is_some_and(|nearest| nearest % 2 == one % 2)
        });
        let (right, all) = (right.count(), made.len() - 48);
        assert!(right * 100 >= all * 80, "{name}: {right} of {all}");
    }
}

#[tokio::test]
async fn a_model_of_statistics_keeps_the_contract() {
    let model = LoadedModel::random("ViT-B-32", Device::Cpu, Some(Precision::Fp32), 7);
    let model = model.expect("made");
    assert!(model.info.style_statistics().is_some());
    let embedder = TorchEmbedder::start(model, EmbedderOptions::default()).expect("started");
    check_embedder(&embedder).await;
}

type Tensors = BTreeMap<String, Vec<usize>>;

const WIDTH: usize = 64;
const OUTPUTS: usize = 24;

/// The shapes of small style descriptors: two blocks, 2 x 2 patches of 8 pixels.
fn descriptor_shapes() -> Tensors {
    let mut shapes = Tensors::new();
    let mut add = |name: &str, shape: &[usize]| {
        shapes.insert(name.to_owned(), shape.to_vec());
    };
    add("backbone.class_embedding", &[WIDTH]);
    add("backbone.conv1.weight", &[WIDTH, 3, 8, 8]);
    add("backbone.positional_embedding", &[5, WIDTH]);
    for norm in ["ln_pre", "ln_post"] {
        add(&format!("backbone.{norm}.weight"), &[WIDTH]);
        add(&format!("backbone.{norm}.bias"), &[WIDTH]);
    }
    for block in 0..2 {
        let of_block = format!("backbone.transformer.resblocks.{block}");
        for (name, outputs, inputs) in [
            ("attn.in_proj_", 3 * WIDTH, WIDTH),
            ("attn.out_proj.", WIDTH, WIDTH),
            ("mlp.c_fc.", 4 * WIDTH, WIDTH),
            ("mlp.c_proj.", WIDTH, 4 * WIDTH),
        ] {
            add(&format!("{of_block}.{name}weight"), &[outputs, inputs]);
            add(&format!("{of_block}.{name}bias"), &[outputs]);
        }
        for norm in ["ln_1", "ln_2"] {
            add(&format!("{of_block}.{norm}.weight"), &[WIDTH]);
            add(&format!("{of_block}.{norm}.bias"), &[WIDTH]);
        }
    }
    add("last_layer_style", &[WIDTH, OUTPUTS]);
    add("last_layer_content", &[WIDTH, OUTPUTS]);
    shapes
}

/// Writes descriptors with pseudo-random weights.
fn write_descriptors(path: &Path, shapes: &Tensors, seed: u32) {
    let data: Vec<Vec<u8>> = shapes
        .iter()
        .map(|(name, shape)| {
            let mut state = name.bytes().fold(seed, |state, byte| {
                state.wrapping_mul(31).wrapping_add(u32::from(byte))
            });
            let mut next = || {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let value = (state >> 8) as f32 / (1 << 24) as f32 - 0.5;
                (value * 0.3).to_le_bytes()
            };
            (0..shape.iter().product()).flat_map(|_| next()).collect()
        })
        .collect();
    let views = shapes.iter().zip(&data).map(|((name, shape), data)| {
        let view = TensorView::new(Dtype::F32, shape.clone(), data).expect("of that size");
        (name, view)
    });
    let bytes = safetensors::serialize(views, None).expect("a file");
    std::fs::write(path, bytes).expect("written");
}

fn descriptors(folder: &Path) -> PathBuf {
    let path = folder.join("csd.safetensors");
    write_descriptors(&path, &descriptor_shapes(), 1);
    path
}

fn load(model: &str, descriptors: &Path) -> Result<LoadedModel, ClipError> {
    let source = ModelSource::Folder(fixtures::path("models").join(model));
    let fp32 = Some(Precision::Fp32);
    LoadedModel::load_with_style(&source, Device::Cpu, fp32, Some(descriptors))
}

#[test]
fn published_descriptors_make_the_style_vectors_of_any_model() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = descriptors(folder.path());
    let mut fingerprints = Vec::new();
    for name in fixtures::MODELS {
        let plain = fixtures::load(name, Precision::Fp32);
        let model = load(name, &file).expect("loaded");
        assert_eq!(model.style_weights.as_ref(), Some(&file));
        assert_eq!(model.info.fingerprint, plain.info.fingerprint);
        let style = model.info.style.clone().expect("it makes them");
        assert!(style.starts_with("descriptors-"), "{style}");
        assert_eq!(model.info.style_statistics(), None);
        let pictures = pictures(model.info.transform.side, 2);
        let made = embed(&model, &pictures, PictureView::Style);
        for vector in &made {
            assert_eq!(vector.len(), model.info.dimension, "{name}");
            assert!((cosine(vector, vector) - 1.0).abs() < 1e-5, "{name}");
        }
        assert_ne!(made[0], made[1], "{name}");
        let content = embed(&plain, &pictures, PictureView::Content);
        assert_eq!(
            embed(&model, &pictures, PictureView::Content),
            content,
            "{name}"
        );
        let both = [
            (&pictures[2], PictureView::Content),
            (&pictures[1], PictureView::Style),
        ];
        let together = model.model.embed_pictures(&both).expect("embedded");
        assert!(cosine(&together[0], &content[2]) > 0.9999, "{name}");
        assert!(cosine(&together[1], &made[1]) > 0.9999, "{name}");
        // A folder with the file is the same source.
        let again = load(name, folder.path()).expect("loaded");
        assert_eq!(again.info.style.as_deref(), Some(style.as_str()));
        assert_eq!(embed(&again, &pictures, PictureView::Style), made, "{name}");
        fingerprints.push(style);
    }
    // Vectors of another length or of pictures of another side cannot be compared with these.
    fingerprints.sort();
    fingerprints.dedup();
    assert_eq!(fingerprints.len(), fixtures::MODELS.len());
    let other = folder.path().join("other.safetensors");
    write_descriptors(&other, &descriptor_shapes(), 2);
    let other = load(fixtures::MODELS[0], &other).expect("loaded");
    assert!(!fingerprints.contains(other.info.style.as_ref().expect("it makes them")));
}

#[tokio::test]
async fn a_model_with_descriptors_keeps_the_contract() {
    let folder = tempfile::tempdir().expect("a folder");
    let model = load("resnet", &descriptors(folder.path())).expect("loaded");
    let embedder = TorchEmbedder::start(model, EmbedderOptions::default()).expect("started");
    check_embedder(&embedder).await;
}

#[test]
fn wrong_descriptors_are_refused_by_naming_what_is_wrong() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    let refused = |path: &Path, part: &str| {
        let error = load("vit_odd", path).err().expect("refused");
        let text = error.to_string();
        assert!(text.contains(part), "{part}: {text}");
        assert_eq!(
            clippy_core::Error::from(error).code,
            ErrorCode::InvalidInput
        );
    };
    let changed = |name: &str, change: &dyn Fn(&mut Tensors)| {
        let mut shapes = descriptor_shapes();
        change(&mut shapes);
        write_descriptors(&path(name), &shapes, 1);
        path(name)
    };
    let missing = |tensor: &'static str| {
        move |shapes: &mut Tensors| {
            shapes.remove(tensor);
        }
    };
    let norm = "backbone.transformer.resblocks.1.ln_2.bias";
    refused(&changed("a.safetensors", &missing(norm)), norm);
    for tensor in ["last_layer_style", "backbone.conv1.weight"] {
        refused(&changed("b.safetensors", &missing(tensor)), tensor);
    }
    let narrow = changed("c.safetensors", &|shapes| {
        shapes.insert("last_layer_style".to_owned(), vec![WIDTH - 1, OUTPUTS]);
    });
    refused(&narrow, "last_layer_style");
    let more = changed("d.safetensors", &|shapes| {
        shapes.insert("backbone.extra".to_owned(), vec![3]);
    });
    refused(&more, "backbone.extra");
    let positions = changed("e.safetensors", &|shapes| {
        shapes.insert("backbone.positional_embedding".to_owned(), vec![7, WIDTH]);
    });
    refused(&positions, "7 positions");
    // The weights of a model are no descriptors.
    let weights = fixtures::path("models/vit_odd/open_clip_model.safetensors");
    refused(&weights, "backbone.conv1.weight");

    std::fs::write(path("csd.pth"), b"pickle").expect("written");
    refused(&path("csd.pth"), "safetensors.torch import save_file");
    refused(&path("none.safetensors"), "does not exist");
    refused(&path("none"), "neither a .safetensors file nor a folder");
    refused(folder.path(), "5 .safetensors files");
}
