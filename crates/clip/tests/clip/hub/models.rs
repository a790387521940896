//! Models of the hub in both forms: pulled, loaded, and compared.

use std::fs;
use std::path::Path;

use clippy_clip::hub::{Cache, Repository};
use clippy_clip::{
    ClipError, Device, LoadedModel, ModelFolders, ModelSource, Precision, pull, verify,
};
use serde_json::json;

use super::server::FakeHub;
use super::{pull_repository, warnings};
use crate::{fixtures, hugging};

const SETTING: &str = "hf-hub:ann/drawings";

/// All files of a folder, as a hub has them.
fn files_of(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let files = fs::read_dir(folder).unwrap().map(|entry| {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        (name, fs::read(path).unwrap())
    });
    files.collect()
}

async fn hub_of(files: &[(String, Vec<u8>)]) -> FakeHub {
    let files = files.iter();
    FakeHub::start(files.map(|(name, content)| (name.as_str(), content.clone()))).await
}

fn load(setting: &str, cache: &Path) -> Result<LoadedModel, ClipError> {
    let folders = ModelFolders {
        models: "/none".into(),
        bundled: "/none".into(),
        hub: Cache::new(cache),
    };
    let source = ModelSource::parse(None, Some(setting), &folders)?;
    LoadedModel::load(&source, Device::Cpu, Some(Precision::Fp32))
}

#[tokio::test]
async fn a_repository_in_open_clips_form_is_pulled_and_loaded() {
    let folder = tempfile::tempdir().unwrap();
    let own = fixtures::path("models/vit_quickgelu");
    let mut files = files_of(&own);
    files.push(("model.safetensors".to_owned(), b"not this one".to_vec()));
    let hub = hub_of(&files).await;
    let error = load(SETTING, folder.path()).err().unwrap().to_string();
    assert!(
        error.contains("clippy models pull hf-hub:ann/drawings"),
        "{error}"
    );

    let client = hub.client(folder.path()).await;
    let snapshot = pull_repository(&client, SETTING).await.unwrap();
    let mut names: Vec<_> = files_of(&snapshot)
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    names.sort();
    assert_eq!(
        names,
        ["open_clip_config.json", "open_clip_model.safetensors"]
    );

    let loaded = load(SETTING, folder.path()).unwrap();
    assert_eq!(loaded.info.name, "drawings");
    assert_eq!(loaded.info.pretrained, SETTING);
    let same = fixtures::load("vit_quickgelu", Precision::Fp32);
    assert_eq!(loaded.info.fingerprint, same.info.fingerprint);
    let expected = fixtures::expected("vit_quickgelu", &same);
    let pictures: Vec<_> = expected.pictures.iter().collect();
    let found = loaded.model.embed_images(&pictures).unwrap();
    assert_eq!(found, same.model.embed_images(&pictures).unwrap());
}

#[tokio::test]
async fn a_repository_in_hugging_faces_form_is_pulled_and_loaded() {
    let folder = tempfile::tempdir().unwrap();
    let own = hugging::folder_of("gelu", &hugging::tensors_of("gelu"));
    let hub = hub_of(&files_of(own.path())).await;
    let snapshot = pull_repository(&hub.client(folder.path()).await, SETTING)
        .await
        .unwrap();
    let loaded = load(SETTING, folder.path()).unwrap();
    hugging::assert_same_as_transformers("gelu", &loaded);
    // Another tool may add a part of the other form to the cache.
    fs::write(snapshot.join("open_clip_config.json"), "{}").unwrap();
    load(SETTING, folder.path()).unwrap();
}

#[tokio::test]
async fn shards_come_one_after_another_with_one_progress() {
    let folder = tempfile::tempdir().unwrap();
    let own = hugging::sharded();
    let hub = hub_of(&files_of(own.path())).await;
    let client = hub.client(folder.path()).await;
    let repository = clippy_clip::hub::Repository::main("ann/drawings").unwrap();
    let mut seen = Vec::new();
    pull::pull(&client, &repository, |there, whole| {
        seen.push((there, whole))
    })
    .await
    .unwrap();
    let bytes: u64 = hugging::SHARDS
        .iter()
        .map(|name| own.path().join(name).metadata().unwrap().len())
        .sum();
    assert_eq!(seen.last(), Some(&(bytes, Some(bytes))));
    assert!(seen.is_sorted(), "{seen:?}");
    let loaded = load(SETTING, folder.path()).unwrap();
    hugging::assert_same_as_transformers("gelu", &loaded);
}

#[tokio::test]
async fn shards_that_have_room_only_one_by_one_are_refused_before_the_first_comes() {
    let folder = tempfile::tempdir().unwrap();
    let own = hugging::sharded();
    let hub = hub_of(&files_of(own.path())).await;
    // Each of the two takes three quarters of what is free.
    let free = fs4::available_space(folder.path()).unwrap();
    hub.announces(free / 4 * 3);
    let client = hub.client(folder.path()).await;
    let error = pull_repository(&client, SETTING).await.unwrap_err();
    assert!(matches!(error, ClipError::Write { .. }), "{error}");
    assert!(error.to_string().contains("MB free"), "{error}");
    assert!(hub.ranges().is_empty());
}

#[tokio::test]
async fn what_was_pulled_in_either_form_can_be_checked() {
    let files = [
        files_of(&fixtures::path("models/vit_quickgelu")),
        files_of(hugging::folder_of("gelu", &hugging::tensors_of("gelu")).path()),
        files_of(hugging::sharded().path()),
    ];
    for files in files {
        let folder = tempfile::tempdir().unwrap();
        let hub = hub_of(&files).await;
        let snapshot = pull_repository(&hub.client(folder.path()).await, SETTING)
            .await
            .unwrap();
        // As `clippy models verify hf-hub:ORG/REPO` finds the folder.
        let source = ModelSource::Hub {
            repository: Repository::main("ann/drawings").unwrap(),
            cache: Cache::new(folder.path()),
        };
        let described = source.describe().unwrap();
        assert_eq!(described.weights.parent(), Some(snapshot.as_path()));
        let found = verify(&snapshot, None).unwrap();
        let loaded = load(SETTING, folder.path()).unwrap();
        assert_eq!(found.info.fingerprint, loaded.info.fingerprint);
        assert_eq!(found.weights, described.weights);

        // The last bytes of the weights are lost.
        let last = described.files().last().unwrap();
        let content = fs::read(last).unwrap();
        fs::remove_file(last).unwrap();
        fs::write(last, &content[..content.len() - 8]).unwrap();
        let error = verify(&snapshot, None).unwrap_err();
        assert!(
            matches!(&error, ClipError::UnreadableWeights { path, .. } if path == last),
            "{error}"
        );
    }
}

#[test]
fn a_setting_beside_one_that_names_the_whole_model_is_said_to_be_unused() {
    warnings::record();
    let folder = tempfile::tempdir().unwrap();
    let folders = fixtures::folders(folder.path());
    for (model, pretrained, parts) in [
        (
            "ViT-B-32",
            "hf-hub:ann/first",
            ["MODEL_NAME is ViT-B-32", "PRETRAINED is hf-hub:ann/first"],
        ),
        (
            "hf-hub:ann/second",
            "openai",
            ["PRETRAINED is openai", "MODEL_NAME is hf-hub:ann/second"],
        ),
        (
            "RN50",
            "local-dir:/ann/third",
            ["MODEL_NAME is RN50", "PRETRAINED is local-dir:/ann/third"],
        ),
    ] {
        ModelSource::parse(Some(model), Some(pretrained), &folders).unwrap();
        assert_eq!(warnings::with(&parts).len(), 1, "{parts:?}");
    }
    let same = "hf-hub:ann/fourth";
    ModelSource::parse(Some(same), Some(same), &folders).unwrap();
    ModelSource::parse(Some(same), Some(" "), &folders).unwrap();
    assert!(warnings::with(&[same]).is_empty());
}

#[tokio::test]
async fn an_index_cannot_name_files_of_other_folders() {
    for name in [
        "../../../up.safetensors",
        "/tmp/up.safetensors",
        "a\\b.safetensors",
    ] {
        let folder = tempfile::tempdir().unwrap();
        let config = fixtures::read("hugging/gelu/config.json");
        let index = json!({"weight_map": {"x": name}}).to_string().into_bytes();
        let hub = FakeHub::start([
            ("config.json", config),
            (hugging::INDEX, index),
            ("up.safetensors", b"evil".to_vec()),
        ])
        .await;
        let cache = folder.path().join("a/b/c");
        let error = pull_repository(&hub.client(&cache).await, SETTING).await;
        let error = error.unwrap_err().to_string();
        assert!(error.contains("names no file"), "{name}: {error}");
        assert!(hub.ranges().is_empty());
        assert!(
            !super::tree(folder.path())
                .iter()
                .any(|file| file.contains("up."))
        );
    }
}

#[tokio::test]
async fn a_model_that_is_not_computed_is_refused_before_its_weights_come() {
    let folder = tempfile::tempdir().unwrap();
    let config = json!({"model_type": "bert", "architectures": ["BertModel"]});
    let hub = FakeHub::start([
        ("config.json", config.to_string().into_bytes()),
        ("model.safetensors", super::content()),
    ])
    .await;
    let client = hub.client(folder.path()).await;
    let error = pull_repository(&client, SETTING)
        .await
        .unwrap_err()
        .to_string();
    assert!(error.to_lowercase().contains("bert"), "{error}");
    assert!(hub.ranges().is_empty());
}
