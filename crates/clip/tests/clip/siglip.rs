//! SigLIP and SigLIP 2 in both forms: parity with open_clip and transformers, and what is refused.
//!
//! `../fixtures/make_siglip.py` made the fixtures.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use clippy_clip::{
    ClipError, Device, EmbedderOptions, LoadedModel, ModelSource, PictureView, Precision,
    TorchEmbedder, verify,
};
use clippy_core::ErrorCode;
use clippy_core::embedding::{EmbedInput, Embedder, Interpolation, ModelPixels, ResizeMode};
use clippy_testing::check_embedder;
use safetensors::SafeTensors;
use safetensors::tensor::TensorView;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::fixtures;

/// The folder of a model, and of its tokenizer.
const MODELS: [(&str, &str); 4] = [
    ("open_clip", "siglip"),
    ("open_clip2", "siglip2"),
    ("hugging", "siglip"),
    ("hugging2", "siglip2"),
];
const OPEN_CLIP_CONFIG: &str = "open_clip_config.json";
const CONTEXT: usize = 64;

/// A copy of a model's folder with the files of its tokenizer.
fn folder_of(model: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let (_, tokenizer) = MODELS.iter().find(|(name, _)| *name == model).unwrap();
    for part in [model, &format!("tokenizers/{tokenizer}")] {
        for entry in fs::read_dir(fixtures::path("siglip").join(part)).unwrap() {
            let path = entry.unwrap().path();
            fs::copy(&path, folder.path().join(path.file_name().unwrap())).unwrap();
        }
    }
    fs::remove_file(folder.path().join("expected.safetensors")).unwrap();
    folder
}

pub(crate) fn load_in(folder: &Path, precision: Precision) -> Result<LoadedModel, ClipError> {
    let setting = format!("local-dir:{}", folder.display());
    let source = ModelSource::parse(None, Some(&setting), &fixtures::folders(folder))?;
    LoadedModel::load(&source, Device::Cpu, Some(precision))
}

fn load(folder: &Path) -> Result<LoadedModel, ClipError> {
    load_in(folder, Precision::Fp32)
}

fn error_of(folder: &Path) -> ClipError {
    load(folder).err().expect("an error")
}

/// Changes one value of a JSON file. `null` stays in the file.
fn change(folder: &Path, file: &str, pointer: &str, value: Value) {
    let path = folder.join(file);
    let mut json: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    let (parent, field) = pointer.rsplit_once('/').unwrap();
    json.pointer_mut(parent).unwrap()[field] = value;
    fs::write(path, json.to_string()).unwrap();
}

pub(crate) fn texts(file: &str) -> Vec<String> {
    serde_json::from_slice(&fixtures::read(&format!("siglip/{file}.json"))).unwrap()
}

pub(crate) struct Expected {
    pub(crate) pictures: Vec<ModelPixels>,
    pub(crate) images: Vec<Vec<f32>>,
    pub(crate) texts: Vec<Vec<f32>>,
}

fn expected(model: &str, side: u32) -> Expected {
    let path = fixtures::path("siglip").join(model);
    expected_in(&path.join("expected.safetensors"), side, 32)
}

pub(crate) fn expected_in(path: &Path, side: u32, dimension: usize) -> Expected {
    let bytes = fs::read(path).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let rows = |name| {
        let values = fixtures::floats(&file, name);
        let rows = values.chunks_exact(dimension);
        rows.map(<[f32]>::to_vec).collect()
    };
    let rgb = fixtures::bytes(&file, "pictures");
    let pictures = rgb.chunks_exact((side * side * 3) as usize);
    let of_model = |rgb: &[u8]| ModelPixels {
        side,
        rgb: rgb.to_vec(),
    };
    Expected {
        pictures: pictures.map(of_model).collect(),
        images: rows("images"),
        texts: rows("texts"),
    }
}

pub(crate) fn cosine(one: &[f32], other: &[f32]) -> f32 {
    one.iter().zip(other).map(|(one, other)| one * other).sum()
}

pub(crate) fn tokens_of(model: &LoadedModel, texts: &[String]) -> Vec<Vec<i64>> {
    let encode = |text: &String| model.tokenizer.encode(text).unwrap();
    texts.iter().map(encode).collect()
}

#[test]
fn siglip_embeds_as_open_clip_and_transformers_do() {
    let embedded = texts("embedded");
    // A tower with the other GELU has almost the same angles, so single values are compared, too.
    for (precision, least, most) in [
        (Precision::Fp32, 0.99999, 1e-5),
        (Precision::Bf16, 0.999, 0.05),
    ] {
        for (name, _) in MODELS {
            let model = load_in(folder_of(name).path(), precision).unwrap();
            let expected = expected(name, model.info.transform.side);
            let pictures: Vec<&ModelPixels> = expected.pictures.iter().collect();
            let tokens = tokens_of(&model, &embedded);
            let tokens: Vec<&[i64]> = tokens.iter().map(Vec::as_slice).collect();
            for (kind, found, expected) in [
                (
                    "images",
                    model.model.embed_images(&pictures),
                    expected.images,
                ),
                ("texts", model.model.embed_texts(&tokens), expected.texts),
            ] {
                let found = found.unwrap();
                assert_eq!(found.len(), expected.len(), "{name} {kind}");
                let cosines = found.iter().zip(&expected);
                let worst = cosines
                    .map(|(one, other)| cosine(one, other))
                    .fold(1.0, f32::min);
                let values = found.iter().flatten().zip(expected.iter().flatten());
                let apart = values
                    .map(|(one, other)| (one - other).abs())
                    .fold(0.0, f32::max);
                println!("{name} {precision} {kind}: {worst}, a value differs by {apart:e}");
                assert!(worst >= least, "{name} {precision} {kind}: {worst}");
                assert!(apart <= most, "{name} {precision} {kind}: {apart:e}");
            }
        }
    }
}

#[test]
fn siglip_tokens_equal_pythons_on_500_texts_in_20_languages() {
    let texts = texts("texts");
    assert_eq!(texts.len(), 500);
    let bytes = fixtures::read("siglip/tokens.safetensors");
    let file = SafeTensors::deserialize(&bytes).unwrap();
    for (name, tokenizer) in MODELS {
        let model = load(folder_of(name).path()).unwrap();
        let key = format!("{}.{tokenizer}", name.trim_end_matches('2'));
        let expected: Vec<i64> = file
            .tensor(&key)
            .unwrap()
            .data()
            .as_chunks::<2>()
            .0
            .iter()
            .map(|&id| i64::from(u16::from_le_bytes(id)))
            .collect();
        let mut wrong = Vec::new();
        for (text, expected) in texts.iter().zip(expected.chunks_exact(CONTEXT)) {
            let found = model.tokenizer.encode(text).unwrap();
            if found != expected {
                wrong.push(format!("{text:?}:\n  {found:?}\n  {expected:?}"));
            }
        }
        let count = wrong.len();
        assert!(
            wrong.is_empty(),
            "{key}: {count} differ:\n{}",
            wrong.join("\n")
        );
    }
}

#[tokio::test]
async fn siglip2_takes_german_japanese_and_arabic_queries_as_python_does() {
    let embedded = texts("embedded");
    let queries = [1, 2, 3];
    assert!(embedded[1].contains("Straße") && embedded[2].contains('猫'));
    assert!(embedded[3].contains("تفاحة"));
    for name in ["open_clip2", "hugging2"] {
        let folder = folder_of(name);
        let model = load(folder.path()).unwrap();
        let expected = expected(name, model.info.transform.side);
        let start = || TorchEmbedder::start(model, EmbedderOptions::default());
        let embedder = tokio::task::spawn_blocking(start).await.unwrap().unwrap();
        let inputs = queries.map(|at| EmbedInput::Text(embedded[at].clone()));
        let found = embedder.embed(inputs.into()).await.unwrap().embeddings;
        for (at, found) in queries.into_iter().zip(&found) {
            let alike = cosine(found, &expected.texts[at]);
            assert!(alike >= 0.99999, "{name} {}: {alike}", embedded[at]);
        }
        // Not one vector for all of them.
        assert!(cosine(&found[0], &found[1]) < 0.999);
        assert!(cosine(&found[1], &found[2]) < 0.999);
    }
}

#[tokio::test]
async fn siglip_keeps_the_contract_of_an_embedder() {
    for name in ["open_clip2", "hugging"] {
        let model = load(folder_of(name).path()).unwrap();
        let embedder = TorchEmbedder::start(model, EmbedderOptions::default()).unwrap();
        check_embedder(&embedder).await;
    }
}

#[test]
fn siglip_makes_style_vectors_from_statistics() {
    for name in ["open_clip", "hugging2"] {
        let model = load(folder_of(name).path()).unwrap();
        assert!(model.info.style_statistics().is_some(), "{name}");
        let pictures = expected(name, model.info.transform.side).pictures;
        let inputs = [
            (&pictures[0], PictureView::Style),
            (&pictures[3], PictureView::Content),
            (&pictures[1], PictureView::Content),
            (&pictures[3], PictureView::Style),
        ];
        let together = model.model.embed_pictures(&inputs).unwrap();
        for (input, found) in inputs.iter().zip(&together) {
            assert!((cosine(found, found) - 1.0).abs() < 1e-5, "{name}");
            let alone = model.model.embed_pictures(&[*input]).unwrap();
            assert!(cosine(found, &alone[0]) > 0.9999, "{name}");
        }
        assert!(cosine(&together[0], &together[3]) < 0.9999, "{name}");
        assert!(cosine(&together[0], &together[2]) < 0.9999, "{name}");
    }
}

#[test]
fn siglip_prepares_pictures_in_its_own_way() {
    for (name, _) in MODELS {
        let transform = load(folder_of(name).path()).unwrap().info.transform.clone();
        assert_eq!((transform.mean, transform.std), ([0.5; 3], [0.5; 3]));
        assert_eq!(transform.resize_mode, ResizeMode::Squash, "{name}");
        assert_eq!(transform.interpolation, Interpolation::Bicubic, "{name}");
    }
    let folder = folder_of("hugging2");
    let name = "preprocessor_config.json";
    fs::write(folder.path().join(name), "{}").unwrap();
    let transform = load(folder.path()).unwrap().info.transform.clone();
    assert_eq!(transform.resize_mode, ResizeMode::Squash);
    let json = json!({"image_processor_type": "SiglipImageProcessor", "resample": 2,
        "size": {"height": 32, "width": 32}, "image_mean": [0.4, 0.5, 0.5],
        "image_std": [0.5, 0.5, 0.5], "do_convert_rgb": null});
    fs::write(folder.path().join(name), json.to_string()).unwrap();
    let transform = load(folder.path()).unwrap().info.transform.clone();
    assert_eq!(transform.mean, [0.4, 0.5, 0.5]);
    assert_eq!(transform.interpolation, Interpolation::Bilinear);
    assert_eq!(transform.resize_mode, ResizeMode::Squash);
    for (field, value) in [
        ("image_processor_type", json!("Siglip2ImageProcessor")),
        ("image_processor_type", json!("CLIPImageProcessor")),
        ("size", json!({"height": 64, "width": 64})),
        ("size", json!({"shortest_edge": 32})),
        ("resample", json!(0)),
    ] {
        let mut wrong = json.clone();
        wrong[field] = value;
        fs::write(folder.path().join(name), wrong.to_string()).unwrap();
        let error = error_of(folder.path()).to_string();
        assert!(error.contains(field) && error.contains(name), "{error}");
    }
}

#[test]
fn siglip_folders_are_verified_and_shards_too() {
    for (name, tokenizer) in MODELS {
        let folder = folder_of(name);
        let verified = verify(folder.path(), None).unwrap();
        assert_eq!(verified.info.dimension, 32, "{name}");
        assert_eq!(verified.info.context_length, CONTEXT, "{name}");
        assert!(verified.config.text.siglip.is_some(), "{name} {tokenizer}");
    }
    let folder = folder_of("hugging2");
    let whole = folder.path().join("model.safetensors");
    let bytes = fs::read(&whole).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let mut map = BTreeMap::new();
    for (number, shard) in ["model-1.safetensors", "model-2.safetensors"]
        .iter()
        .enumerate()
    {
        let is_here = |name: &str| name.len() % 2 == number;
        let views: Vec<(String, TensorView<'_>)> = file
            .tensors()
            .into_iter()
            .filter(|(name, _)| is_here(name))
            .collect();
        map.extend(views.iter().map(|(name, _)| (name.clone(), *shard)));
        let shard = folder.path().join(shard);
        fs::write(shard, safetensors::serialize(views, None).unwrap()).unwrap();
    }
    fs::remove_file(whole).unwrap();
    let index = json!({"weight_map": map});
    let path = folder.path().join("model.safetensors.index.json");
    fs::write(path, index.to_string()).unwrap();
    let model = load(folder.path()).unwrap();
    let expected = expected("hugging2", 32);
    let found = model.model.embed_images(&[&expected.pictures[0]]).unwrap();
    assert!(cosine(&found[0], &expected.images[0]) >= 0.99999);
}

#[test]
fn siglip_without_a_tokenizer_names_the_file_and_where_it_comes_from() {
    for (name, origin) in [
        ("open_clip2", "timm/ViT-B-16-SigLIP2"),
        ("hugging", "the model's repository"),
    ] {
        let folder = folder_of(name);
        fs::remove_file(folder.path().join("tokenizer.json")).unwrap();
        let error = error_of(folder.path());
        assert!(matches!(error, ClipError::NotThere { .. }), "{error:?}");
        let text = error.to_string();
        for part in ["tokenizer.json", "beside the weights", origin] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }
}

#[test]
fn siglip_tokenizers_that_do_not_fit_are_refused() {
    let folder = folder_of("hugging2");
    let path = folder.path().join("tokenizer.json");
    let whole = fs::read(&path).unwrap();
    let refused = |content: &[u8], part: &str| {
        fs::write(&path, content).unwrap();
        let error = error_of(folder.path());
        assert!(matches!(error, ClipError::Tokenizer { .. }), "{error:?}");
        let text = error.to_string();
        assert!(
            text.contains(part) && text.contains("tokenizer.json"),
            "{text}"
        );
        let code = clippy_core::Error::from(error).code;
        assert_eq!(code, ErrorCode::InvalidInput);
    };
    refused(&whole[..whole.len() / 2], "EOF");
    refused(b"", "EOF");
    refused(b"{}", "model");
    let mut json: Value = serde_json::from_slice(&whole).unwrap();
    json["model"]["vocab"]["beyond"] = json!(5000);
    refused(json.to_string().as_bytes(), "5000");
    let mut json: Value = serde_json::from_slice(&whole).unwrap();
    json["model"]["merges"][0] = json!(["no such", "token"]);
    refused(json.to_string().as_bytes(), "no such");
    fs::write(&path, &whole).unwrap();
    // It does not say how texts are padded, and the configuration names a token that it lacks.
    let config = folder.path().join("tokenizer_config.json");
    change(
        folder.path(),
        "tokenizer_config.json",
        "/pad_token",
        json!("<none>"),
    );
    assert!(error_of(folder.path()).to_string().contains("<none>"));
    fs::remove_file(config).unwrap();
    let error = error_of(folder.path()).to_string();
    assert!(error.contains("tokenizer_config.json"), "{error}");
}

#[test]
fn siglip_marks_and_padding_follow_the_tokenizers_configuration() {
    let folder = folder_of("hugging2");
    let of = |folder: &Path| load(folder).unwrap().tokenizer.encode("cat").unwrap();
    let plain = of(folder.path());
    let count = plain.iter().position(|&id| id == 0).unwrap();
    assert_eq!(plain[count - 1], 1, "it ends with <eos>");
    let file = "tokenizer_config.json";
    change(folder.path(), file, "/padding_side", json!("left"));
    let left = of(folder.path());
    assert_eq!(left[CONTEXT - count..], plain[..count]);
    change(folder.path(), file, "/padding_side", json!("right"));
    change(folder.path(), file, "/add_bos_token", json!(true));
    change(folder.path(), file, "/add_eos_token", json!(false));
    let marked = of(folder.path());
    assert_eq!(marked[0], 2, "it begins with <bos>");
    assert_eq!(marked[1..count], plain[..count - 1]);
    assert_eq!(marked[count], 0);
}

#[test]
fn siglip_fingerprints_depend_on_the_tokenizer() {
    let folder = folder_of("open_clip2");
    let first = load(folder.path()).unwrap().info.fingerprint.clone();
    assert_eq!(load(folder.path()).unwrap().info.fingerprint, first);
    change(
        folder.path(),
        "tokenizer_config.json",
        "/padding_side",
        json!("left"),
    );
    assert_ne!(load(folder.path()).unwrap().info.fingerprint, first);
}

#[test]
fn siglip_texts_must_fill_the_context() {
    let model = load(folder_of("open_clip").path()).unwrap();
    let error = model.model.embed_texts(&[&[5, 6, 1]]).err().unwrap();
    assert!(
        matches!(
            error,
            ClipError::WrongText {
                expected: 64,
                found: 3
            }
        ),
        "{error}"
    );
}

#[test]
fn other_variants_of_siglip_are_refused_by_name() {
    let folder = folder_of("hugging2");
    let file = "config.json";
    let whole = fs::read(folder.path().join(file)).unwrap();
    for (pointer, value, part) in [
        ("/model_type", json!("siglip2"), "NaFlex"),
        ("/architectures", json!(["Siglip2Model"]), "NaFlex"),
        ("/model_type", json!("siglip_vision_model"), "SiglipModel"),
        (
            "/architectures",
            json!(["SiglipForImageClassification"]),
            "SiglipModel",
        ),
        ("/vision_config/hidden_act", json!("relu"), "hidden_act"),
        (
            "/vision_config/vision_use_head",
            json!(false),
            "vision_use_head",
        ),
        (
            "/vision_config/layer_norm_eps",
            json!(1e-5),
            "layer_norm_eps",
        ),
        ("/vision_config/num_channels", json!(4), "num_channels"),
        ("/vision_config/image_size", json!([32, 64]), "image_size"),
        ("/text_config/projection_size", json!(64), "projection_size"),
        (
            "/text_config/num_attention_heads",
            json!(5),
            "num_attention_heads",
        ),
        (
            "/text_config/num_hidden_layers",
            json!(1e9),
            "num_hidden_layers",
        ),
    ] {
        fs::write(folder.path().join(file), &whole).unwrap();
        change(folder.path(), file, pointer, value);
        let error = error_of(folder.path()).to_string();
        assert!(
            error.contains(part) && error.contains(file),
            "{part}: {error}"
        );
    }
    let folder = folder_of("open_clip2");
    let whole = fs::read(folder.path().join(OPEN_CLIP_CONFIG)).unwrap();
    for (pointer, value) in [
        (
            "/vision_cfg/timm_model_name",
            json!("vit_base_patch16_siglip_gap_224"),
        ),
        (
            "/vision_cfg/timm_model_name",
            json!("naflexvit_so400m_patch16_siglip"),
        ),
        ("/vision_cfg/timm_model_name", json!("convnext_base")),
        ("/vision_cfg/timm_pool", json!("avg")),
        ("/vision_cfg/timm_proj", json!("linear")),
        ("/vision_cfg/image_size", json!(64)),
        ("/text_cfg/no_causal_mask", json!(false)),
        ("/text_cfg/proj_bias", json!(false)),
        ("/text_cfg/proj_type", json!("mlp")),
        ("/text_cfg/pool_type", json!("argmax")),
        ("/text_cfg/norm_kwargs", json!({"eps": 1e-5})),
        ("/text_cfg/act_kwargs", json!({"approximate": "other"})),
        ("/text_cfg/tokenizer_kwargs", json!({"clean": "other"})),
        (
            "/text_cfg/tokenizer_kwargs",
            json!({"strip_sep_token": true}),
        ),
        ("/text_cfg/use_pad_mask", json!(true)),
        ("/text_cfg/hf_model_name", json!("xlm-roberta-base")),
        ("/embed_dim", json!(64)),
        ("/custom_text", json!(false)),
    ] {
        fs::write(folder.path().join(OPEN_CLIP_CONFIG), &whole).unwrap();
        change(
            folder.path(),
            OPEN_CLIP_CONFIG,
            &format!("/model_cfg{pointer}"),
            value,
        );
        let error = error_of(folder.path()).to_string();
        let field = pointer.rsplit('/').next().unwrap();
        assert!(error.contains(field), "{field}: {error}");
    }
}

#[test]
fn siglip_tensors_that_do_not_fit_are_named_as_the_file_names_them() {
    for (name, file, tensor) in [
        (
            "open_clip",
            "open_clip_model.safetensors",
            "visual.trunk.attn_pool.kv.weight",
        ),
        ("hugging", "model.safetensors", "vision_model.head.probe"),
    ] {
        let folder = folder_of(name);
        let path = folder.path().join(file);
        let bytes = fs::read(&path).unwrap();
        let whole = SafeTensors::deserialize(&bytes).unwrap();
        let rest = whole
            .tensors()
            .into_iter()
            .filter(|(name, _)| name != tensor);
        let rest = safetensors::serialize(rest.collect::<Vec<_>>(), None).unwrap();
        fs::write(path, rest).unwrap();
        let error = error_of(folder.path()).to_string();
        assert!(error.contains(&format!("missing: {tensor}")), "{error}");
        assert_eq!(error.lines().count(), 2, "{error}");
    }
}

/// Without a projection the vectors are those of the projection that changes nothing.
#[test]
fn siglip_may_have_no_projection_of_texts() {
    let folder = folder_of("open_clip");
    let path = folder.path().join("open_clip_model.safetensors");
    let bytes = fs::read(&path).unwrap();
    let whole = SafeTensors::deserialize(&bytes).unwrap();
    let half = |is_one: bool| if is_one { [0, 0x3c] } else { [0, 0] };
    let identity: Vec<u8> = (0..32 * 32).flat_map(|at| half(at % 33 == 0)).collect();
    let zeros = vec![0; 64];
    let mut embedded = Vec::new();
    for is_projected in [true, false] {
        let mut tensors: BTreeMap<String, TensorView<'_>> = whole.tensors().into_iter().collect();
        for (part, shape, data) in [
            ("weight", vec![32, 32], &identity),
            ("bias", vec![32], &zeros),
        ] {
            let name = format!("text.text_projection.{part}");
            tensors.remove(&name).unwrap();
            if is_projected {
                let view = TensorView::new(safetensors::Dtype::F16, shape, data).unwrap();
                tensors.insert(name, view);
            }
        }
        fs::write(&path, safetensors::serialize(tensors, None).unwrap()).unwrap();
        if !is_projected {
            let pointer = "/model_cfg/text_cfg/proj_type";
            change(folder.path(), OPEN_CLIP_CONFIG, pointer, json!("none"));
        }
        let model = load(folder.path()).unwrap();
        let tokens = model.tokenizer.encode("a red apple").unwrap();
        embedded.extend(model.model.embed_texts(&[&tokens]).unwrap());
    }
    assert!(cosine(&embedded[0], &embedded[1]) > 0.99999);
}
