//! `CLIPModel` folders in Hugging Face's form: parity with transformers, and what is refused.
//!
//! `../fixtures/make_hugging_face.py` made the fixtures. The token embedding is not in them: it
//! follows from a formula.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use clippy_clip::{ClipError, Device, LoadedModel, ModelSource, Precision, verify};
use clippy_core::embedding::ModelPixels;
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::fixtures;

pub type Tensors = BTreeMap<String, (Dtype, Vec<usize>, Vec<u8>)>;

const TOKENS: &str = "text_model.embeddings.token_embedding.weight";
const QUERY: &str = "vision_model.encoder.layers.1.self_attn.q_proj.weight";
pub const SHARDS: [&str; 2] = [
    "model-00001-of-00002.safetensors",
    "model-00002-of-00002.safetensors",
];
pub const INDEX: &str = "model.safetensors.index.json";
const TEXTS: [&[i64]; 3] = [
    &[49406, 320, 22697, 49407],
    &[49406, 49407],
    &[49406, 320, 49407, 22697, 320, 49407],
];

pub fn tensors_of(model: &str) -> Tensors {
    let bytes = fixtures::read(&format!("hugging/{model}/model.safetensors"));
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let mut tensors: Tensors = file
        .iter()
        .map(|(name, view)| {
            let tensor = (view.dtype(), view.shape().to_vec(), view.data().to_vec());
            (name.to_owned(), tensor)
        })
        .collect();
    let embedding = (0..49_408_u64 * 32).flat_map(|at| {
        let hashed = (at * 2_654_435_761 % (1 << 32)) >> 16;
        (hashed as f32 / 65_536.0 - 0.5).to_le_bytes()
    });
    tensors.insert(
        TOKENS.to_owned(),
        (Dtype::F32, vec![49_408, 32], embedding.collect()),
    );
    tensors
}

fn write(path: &Path, tensors: &Tensors) {
    let views = tensors.iter().map(|(name, (kind, shape, data))| {
        (name, TensorView::new(*kind, shape.clone(), data).unwrap())
    });
    fs::write(path, safetensors::serialize(views, None).unwrap()).unwrap();
}

/// A folder with the model's configuration, and these tensors in one file.
pub fn folder_of(model: &str, tensors: &Tensors) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let config = fixtures::read(&format!("hugging/{model}/config.json"));
    fs::write(folder.path().join("config.json"), config).unwrap();
    write(&folder.path().join("model.safetensors"), tensors);
    folder
}

/// The model with its tensors in two shards.
pub fn sharded() -> TempDir {
    let mut first = tensors_of("gelu");
    let folder = folder_of("gelu", &first);
    fs::remove_file(folder.path().join("model.safetensors")).unwrap();
    // Between the keys and the queries of one layer, so that a join needs both files.
    let second = first.split_off(QUERY);
    let mut map = BTreeMap::new();
    for (file, tensors) in SHARDS.iter().zip([&first, &second]) {
        write(&folder.path().join(file), tensors);
        map.extend(tensors.keys().map(|name| (name.clone(), *file)));
    }
    write_json(
        folder.path(),
        INDEX,
        &json!({"metadata": {}, "weight_map": map}),
    );
    folder
}

fn write_json(folder: &Path, name: &str, json: &Value) {
    fs::write(folder.join(name), serde_json::to_vec(json).unwrap()).unwrap();
}

fn load(folder: &Path) -> Result<LoadedModel, ClipError> {
    let setting = format!("local-dir:{}", folder.display());
    let source = ModelSource::parse(None, Some(&setting), &fixtures::folders(folder))?;
    LoadedModel::load(&source, Device::Cpu, Some(Precision::Fp32))
}

fn error_of(folder: &Path) -> String {
    load(folder).err().expect("an error").to_string()
}

pub fn assert_same_as_transformers(model: &str, loaded: &LoadedModel) {
    let bytes = fixtures::read(&format!("hugging/{model}/expected.safetensors"));
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let pictures: Vec<ModelPixels> = fixtures::bytes(&file, "pictures")
        .chunks_exact(32 * 32 * 3)
        .map(|rgb| ModelPixels {
            side: 32,
            rgb: rgb.to_vec(),
        })
        .collect();
    let images = loaded
        .model
        .embed_images(&pictures.iter().collect::<Vec<_>>())
        .unwrap();
    let texts = loaded.model.embed_texts(&TEXTS).unwrap();
    for (name, found) in [("images", images), ("texts", texts)] {
        let expected = fixtures::floats(&file, name);
        assert_eq!(found.len() * 24, expected.len(), "{name}");
        for (found, expected) in found.iter().zip(expected.chunks_exact(24)) {
            let cosine: f32 = found.iter().zip(expected).map(|(a, b)| a * b).sum();
            assert!(cosine >= 0.99999, "{model} {name}: {cosine}");
        }
    }
}

#[test]
fn hugging_face_models_embed_as_transformers_does() {
    for model in ["quick_gelu", "gelu"] {
        let folder = folder_of(model, &tensors_of(model));
        assert_same_as_transformers(model, &load(folder.path()).unwrap());
    }
}

#[test]
fn hugging_face_shards_embed_as_one_file_does() {
    let folder = sharded();
    assert_same_as_transformers("gelu", &load(folder.path()).unwrap());
    let bytes = SHARDS.map(|name| fs::metadata(folder.path().join(name)).unwrap().len());
    let verified = verify(folder.path(), None).unwrap();
    assert_eq!(verified.bytes, bytes[0] + bytes[1]);
    assert_eq!(verified.info.dimension, 24);
}

#[test]
fn hugging_face_shard_that_is_missing_is_named() {
    let folder = sharded();
    fs::remove_file(folder.path().join(SHARDS[1])).unwrap();
    assert!(error_of(folder.path()).contains(SHARDS[1]));
}

#[test]
fn hugging_face_tensor_that_is_not_in_its_shard_is_named_with_the_shard() {
    let folder = sharded();
    let path = folder.path().join(INDEX);
    let mut index: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    index["weight_map"][QUERY] = json!(SHARDS[0]);
    write_json(folder.path(), INDEX, &index);
    let error = error_of(folder.path());
    assert!(
        error.contains(QUERY) && error.contains(SHARDS[0]),
        "{error}"
    );
}

#[test]
fn hugging_face_index_cannot_name_files_elsewhere() {
    let folder = sharded();
    let inner = folder.path().join("inner");
    fs::create_dir(&inner).unwrap();
    for name in ["config.json", SHARDS[0], SHARDS[1]] {
        fs::copy(folder.path().join(name), inner.join(name)).unwrap();
    }
    // The file is there, and holds the tensor.
    let elsewhere = format!("../{}", SHARDS[1]);
    write_json(&inner, INDEX, &json!({"weight_map": {QUERY: elsewhere}}));
    let error = error_of(&inner);
    assert!(
        error.contains(&elsewhere) && error.contains("names no file"),
        "{error}"
    );
}

#[test]
fn hugging_face_tensors_that_do_not_fit_are_all_named() {
    let mut tensors = tensors_of("gelu");
    tensors.remove(QUERY).unwrap();
    tensors.get_mut("text_projection.weight").unwrap().1 = vec![32, 24];
    let extra = tensors["visual_projection.weight"].clone();
    tensors.insert("classifier.weight".to_owned(), extra);
    let folder = folder_of("gelu", &tensors);
    let error = error_of(folder.path());
    for part in [
        "model.safetensors",
        &format!("missing: {QUERY}"),
        "wrong shape: text_projection.weight is [32, 24]",
        "not asked for: classifier.weight",
    ] {
        assert!(error.contains(part), "{part}: {error}");
    }
}

#[test]
fn hugging_face_position_ids_are_ignored() {
    let mut tensors = tensors_of("gelu");
    let ids = (Dtype::I64, vec![1, 1], vec![0; 8]);
    tensors.insert("text_model.embeddings.position_ids".to_owned(), ids);
    load(folder_of("gelu", &tensors).path()).unwrap();
}

#[test]
fn hugging_face_configurations_that_are_not_computed_are_refused_by_name() {
    let folder = folder_of("gelu", &tensors_of("gelu"));
    let bytes = fixtures::read("hugging/gelu/config.json");
    for (pointer, value) in [
        ("/model_type", json!("blip")),
        ("/architectures/0", json!("SiglipModel")),
        ("/text_config/hidden_act", json!("gelu_new")),
        ("/vision_config/hidden_act", json!("quick_gelu")),
        ("/text_config/eos_token_id", json!(7)),
        ("/text_config/vocab_size", json!(50000)),
        ("/vision_config/layer_norm_eps", json!(1e-6)),
        ("/vision_config/num_hidden_layers", json!(1_000_000_000)),
    ] {
        let mut config: Value = serde_json::from_slice(&bytes).unwrap();
        *config.pointer_mut(pointer).unwrap() = value;
        write_json(folder.path(), "config.json", &config);
        let error = error_of(folder.path());
        let field = pointer.trim_end_matches("/0").rsplit('/').next().unwrap();
        let is_named = error.contains(field) || error.contains("hidden_act");
        assert!(is_named && error.contains("config.json"), "{error}");
    }
}

#[test]
fn hugging_face_vocabulary_of_another_kind_is_refused_by_its_file() {
    let folder = folder_of("gelu", &tensors_of("gelu"));
    let files = [
        ("vocab.json", r#"{"a": 0}"#),
        ("merges.txt", "#version: 0.2\na b\n"),
        ("tokenizer.json", r#"{"model": {"vocab": {"a": 0}}}"#),
    ];
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        assert!(error_of(folder.path()).contains(name));
        fs::remove_file(path).unwrap();
    }
}

#[test]
fn hugging_face_preprocessing_is_read_or_refused_by_field() {
    let folder = folder_of("gelu", &tensors_of("gelu"));
    let name = "preprocessor_config.json";
    let json = json!({"image_processor_type": "CLIPImageProcessor", "size": {"shortest_edge": 32},
        "crop_size": {"height": 32, "width": 32}, "resample": 2, "image_mean": [0.5, 0.5, 0.5],
        "image_std": [0.25, 0.25, 0.25], "do_center_crop": true});
    write_json(folder.path(), name, &json);
    let transform = load(folder.path()).unwrap().info.transform.clone();
    assert_eq!((transform.mean, transform.std), ([0.5; 3], [0.25; 3]));
    for (field, value) in [
        ("size", json!(64)),
        ("crop_size", json!(64)),
        ("resample", json!(1)),
        ("image_std", json!([0, 1, 1])),
        ("image_processor_type", json!("SiglipImageProcessor")),
        ("do_center_crop", json!(false)),
    ] {
        let mut wrong = json.clone();
        wrong[field] = value;
        write_json(folder.path(), name, &wrong);
        let error = error_of(folder.path());
        assert!(error.contains(field) && error.contains(name), "{error}");
    }
}

/// A safetensors file of this header, with so many bytes of data.
fn with_header(header: &str, data: usize) -> Vec<u8> {
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header.bytes());
    bytes.resize(bytes.len() + data, 0);
    bytes
}

#[test]
fn hugging_face_weights_with_a_false_header_are_refused() {
    let folder = folder_of("gelu", &tensors_of("gelu"));
    let path = folder.path().join("model.safetensors");
    let tensor = |shape: &str, from: u64, to: u64| {
        format!(r#"{{"dtype":"F32","shape":{shape},"data_offsets":[{from},{to}]}}"#)
    };
    let overlapping = format!(
        r#"{{"a":{},"b":{}}}"#,
        tensor("[2]", 0, 8),
        tensor("[2]", 4, 12)
    );
    let beyond = format!(r#"{{"a":{}}}"#, tensor("[1099511627776]", 0, 4 << 40));
    let overflowing = format!(r#"{{"a":{}}}"#, tensor("[4294967296,4294967296,4]", 0, 8));
    let backwards = format!(r#"{{"a":{}}}"#, tensor("[2]", 8, 0));
    let smaller = format!(r#"{{"a":{}}}"#, tensor("[2]", 0, 4));
    let mut long = u64::MAX.to_le_bytes().to_vec();
    long.resize(64, b'{');
    for bytes in [
        with_header(&overlapping, 12),
        with_header(&beyond, 12),
        with_header(&overflowing, 8),
        with_header(&backwards, 8),
        with_header(&smaller, 4),
        with_header("{}", 8),
        with_header(&"[".repeat(100_000), 0),
        long,
    ] {
        fs::write(&path, &bytes).unwrap();
        let error = load(folder.path()).err().expect("an error");
        assert!(
            matches!(error, ClipError::UnreadableWeights { .. }),
            "{error}"
        );
    }
}

#[test]
fn hugging_face_configurations_of_any_size_end_at_once() {
    let folder = folder_of("gelu", &tensors_of("gelu"));
    let bytes = fixtures::read("hugging/gelu/config.json");
    let mut config: Value = serde_json::from_slice(&bytes).unwrap();
    for tower in ["text_config", "vision_config"] {
        config[tower]["hidden_size"] = json!(1 << 20);
        config[tower]["intermediate_size"] = json!(1 << 20);
        config[tower]["num_attention_heads"] = json!(1 << 10);
        config[tower]["num_hidden_layers"] = json!(1024);
    }
    write_json(folder.path(), "config.json", &config);
    let error = load(folder.path()).err().expect("an error");
    assert!(
        matches!(error, ClipError::WeightsMismatch { .. }),
        "{error}"
    );
    assert!(error.to_string().contains("the rest was not compared"));
    // Narrow towers with a great many layers.
    let mut config: Value = serde_json::from_slice(&bytes).unwrap();
    config["vision_config"]["num_hidden_layers"] = json!(1024);
    write_json(folder.path(), "config.json", &config);
    let error = error_of(folder.path());
    assert!(error.lines().count() < 2100, "{}", error.lines().count());
    assert!(error.contains("the rest was not compared"));
    // A file without an end, as far as its readers are concerned.
    for name in ["config.json", "open_clip_config.json"] {
        let file = fs::File::create(folder.path().join(name)).unwrap();
        file.set_len(1 << 40).unwrap();
        let error = error_of(folder.path());
        assert!(error.contains(name) && error.contains("16 MiB"), "{error}");
    }
}

#[test]
fn hugging_face_weights_with_nan_are_an_error() {
    let mut tensors = tensors_of("gelu");
    let (kind, _, data) = tensors.get_mut("visual_projection.weight").unwrap();
    let nan = match kind {
        Dtype::F16 => 0x7e00_u16.to_le_bytes().to_vec(),
        _ => f32::NAN.to_le_bytes().to_vec(),
    };
    data[..nan.len()].copy_from_slice(&nan);
    let error = verify(folder_of("gelu", &tensors).path(), None).unwrap_err();
    assert!(matches!(error, ClipError::NotFinite), "{error}");
}
