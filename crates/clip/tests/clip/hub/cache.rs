//! The cache has the layout of Python's `huggingface_hub`, and is shared with it both ways.

use std::fs;
use std::path::Path;

use clippy_clip::hub::{Cache, Hub};
use clippy_clip::{ModelSource, pretrained, pull, verify};
use clippy_core::settings::HubSettings;

use super::server::{COMMIT, FakeHub};
use super::{entry, pull_repository, tree};
use crate::fixtures;

const SETTING: &str = "hf-hub:ann/drawings";
const NEXT: &str = "2222222222222222222222222222222222222222";
const CONFIG: &str = "open_clip_config.json";
const WEIGHTS: &str = "open_clip_model.safetensors";

fn files() -> [(&'static str, Vec<u8>); 2] {
    [CONFIG, WEIGHTS].map(|name| {
        let content = fixtures::read(&format!("models/vit_quickgelu/{name}"));
        (name, content)
    })
}

fn source(setting: &str, cache: &Path) -> ModelSource {
    ModelSource::parse(None, Some(setting), &fixtures::folders(cache)).unwrap()
}

async fn offline(hub: &FakeHub, cache: &Path) -> Hub {
    let settings = HubSettings {
        offline: true,
        ..hub.settings(cache)
    };
    Hub::new(&settings).await.unwrap()
}

/// The repository as Python's `hf_hub_download` leaves it: with links, or, where there are none, as
/// on Windows, with the files themselves.
fn as_python(cache: &Path, with_links: bool) {
    let repository = cache.join("models--ann--drawings");
    let snapshot = repository.join("snapshots").join(COMMIT);
    for folder in ["blobs", "refs", ".no_exist"] {
        fs::create_dir_all(repository.join(folder)).unwrap();
    }
    fs::create_dir_all(&snapshot).unwrap();
    fs::write(repository.join("refs/main"), COMMIT).unwrap();
    for (at, (name, content)) in files().into_iter().enumerate() {
        let blob = repository.join(format!("blobs/hash{at}"));
        if with_links {
            fs::write(blob, content).unwrap();
            #[cfg(unix)]
            std::os::unix::fs::symlink(format!("../../blobs/hash{at}"), snapshot.join(name))
                .unwrap();
        } else {
            fs::write(snapshot.join(name), content).unwrap();
        }
    }
}

#[cfg(unix)]
#[tokio::test]
async fn what_is_pulled_lies_where_python_looks() {
    let folder = tempfile::tempdir().unwrap();
    let hub = FakeHub::start(files()).await;
    pull_repository(&hub.client(folder.path()).await, SETTING)
        .await
        .unwrap();
    // `git hash-object` and `sha256sum` of the two files are their names.
    let blobs: Vec<String> = fs::read_dir(folder.path().join("models--ann--drawings/blobs"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let [small, large] = [40, 64].map(|length| {
        let of_length = |name: &&String| name.len() == length;
        blobs.iter().find(of_length).unwrap().as_str()
    });
    let snapshot = format!("models--ann--drawings/snapshots/{COMMIT}");
    let mut wanted = vec![
        format!("models--ann--drawings/blobs/{small}"),
        format!("models--ann--drawings/blobs/{large}"),
        "models--ann--drawings/refs/main".to_owned(),
        format!("{snapshot}/{CONFIG} -> ../../blobs/{small}"),
        format!("{snapshot}/{WEIGHTS} -> ../../blobs/{large}"),
    ];
    wanted.sort();
    assert_eq!(tree(folder.path()), wanted);
    let branch = folder.path().join("models--ann--drawings/refs/main");
    assert_eq!(fs::read_to_string(branch).unwrap(), COMMIT);
    let lock = format!(".locks/models--ann--drawings/{large}.lock");
    assert!(folder.path().join(lock).is_file());
}

#[cfg(unix)]
#[tokio::test]
async fn what_python_downloaded_is_used_without_a_network() {
    let hub = FakeHub::start([]).await;
    for with_links in [true, false] {
        let folder = tempfile::tempdir().unwrap();
        as_python(folder.path(), with_links);
        let before = tree(folder.path());
        let found = source(SETTING, folder.path()).describe().unwrap();
        assert_eq!(found.pretrained, SETTING);
        let client = offline(&hub, folder.path()).await;
        let snapshot = pull_repository(&client, SETTING).await.unwrap();
        assert!(snapshot.ends_with(COMMIT));
        verify(&snapshot, None).unwrap();
        assert_eq!(tree(folder.path()), before);
    }
    assert!(hub.seen().is_empty());
}

#[cfg(unix)]
#[tokio::test]
async fn a_pull_completes_what_python_began() {
    let folder = tempfile::tempdir().unwrap();
    as_python(folder.path(), true);
    let snapshot = folder
        .path()
        .join("models--ann--drawings/snapshots")
        .join(COMMIT);
    fs::remove_file(snapshot.join(CONFIG)).unwrap();
    let error = source(SETTING, folder.path()).describe().unwrap_err();
    assert!(error.to_string().contains("clippy models pull"), "{error}");
    let hub = FakeHub::start(files()).await;
    pull_repository(&hub.client(folder.path()).await, SETTING)
        .await
        .unwrap();
    source(SETTING, folder.path()).describe().unwrap();
    assert!(hub.ranges().is_empty(), "the weights are there already");
}

#[tokio::test]
async fn weights_of_a_tag_that_pythons_open_clip_downloaded_are_found() {
    let folder = tempfile::tempdir().unwrap();
    let entry = entry();
    let repository = format!("models--{}", entry.repository.replace('/', "--"));
    let repository = folder.path().join(repository);
    let snapshot = repository.join("snapshots").join(COMMIT);
    fs::create_dir_all(&snapshot).unwrap();
    fs::create_dir_all(repository.join("refs")).unwrap();
    fs::write(repository.join("refs/main"), COMMIT).unwrap();
    fs::write(snapshot.join(WEIGHTS), "weights").unwrap();
    let source = ModelSource::Tag {
        model: entry.model.clone(),
        tag: entry.tag.clone(),
        models: folder.path().join("models"),
        cache: Some(Cache::new(folder.path())),
    };
    let found = source.describe().unwrap();
    assert_eq!(found.weights, snapshot.join(WEIGHTS));
    assert_eq!((&found.name, &found.pretrained), (&entry.model, &entry.tag));

    // The folder of an earlier version comes first, but only if it is complete.
    let siglip = pretrained::find("ViT-B-16-SigLIP2", "webli").unwrap();
    let older = folder.path().join("models/ViT-B-16-SigLIP2/webli");
    fs::create_dir_all(&older).unwrap();
    fs::write(older.join(WEIGHTS), "weights").unwrap();
    let hub = FakeHub::start([
        (WEIGHTS, b"weights".to_vec()),
        ("tokenizer.json", b"{}".to_vec()),
    ])
    .await;
    let client = hub.client(folder.path()).await;
    let models = folder.path().join("models");
    let path = pull::pull_tag(&client, siglip, &models, |_, _| ())
        .await
        .unwrap();
    assert!(!path.starts_with(&models), "{}", path.display());
    fs::write(older.join("tokenizer.json"), "{}").unwrap();
    let path = pull::pull_tag(&client, siglip, &models, |_, _| ())
        .await
        .unwrap();
    assert_eq!(path, older.join(WEIGHTS));
}

#[tokio::test]
async fn a_revision_has_its_own_snapshot() {
    let folder = tempfile::tempdir().unwrap();
    let hub = FakeHub::start(files()).await;
    let client = hub.client(folder.path()).await;
    pull_repository(&client, "hf-hub:ann/drawings@refs/pr/1")
        .await
        .unwrap();
    let asked = &hub.seen()[0].head;
    assert!(
        asked.contains("/ann/drawings/resolve/refs%2fpr%2f1/"),
        "{asked}"
    );
    assert!(hub.seen()[1].head.contains(&format!("/resolve/{COMMIT}/")));
    let repository = folder.path().join("models--ann--drawings");
    assert_eq!(
        fs::read_to_string(repository.join("refs/refs/pr/1")).unwrap(),
        COMMIT
    );
    source("hf-hub:ann/drawings@refs/pr/1", folder.path())
        .describe()
        .unwrap();
    source(&format!("{SETTING}@{COMMIT}"), folder.path())
        .describe()
        .unwrap();
    source(SETTING, folder.path()).describe().unwrap_err();
}

#[tokio::test]
async fn files_of_another_commit_than_the_first_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let hub = FakeHub::start(files()).await;
    // The weights are announced first, and then the configuration.
    hub.names_commits([COMMIT, NEXT]);
    let client = hub.client(folder.path()).await;
    let error = pull_repository(&client, SETTING).await.unwrap_err();
    let error = error.to_string();
    for part in [COMMIT, NEXT, CONFIG, "HF_ENDPOINT"] {
        assert!(error.contains(part), "{error}");
    }
    assert!(hub.ranges().is_empty());
    assert_eq!(tree(folder.path()), [""; 0]);
    // The answers that were named are used up: the server keeps to commits now.
    pull_repository(&client, SETTING).await.unwrap();
}

#[tokio::test]
async fn another_commit_than_the_setting_names_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let hub = FakeHub::start(files()).await;
    let client = hub.client(folder.path()).await;
    let error = pull_repository(&client, &format!("{SETTING}@{NEXT}")).await;
    let error = error.unwrap_err().to_string();
    assert!(error.contains(COMMIT) && error.contains(NEXT), "{error}");
    assert_eq!(tree(folder.path()), [""; 0]);
    pull_repository(&client, &format!("{SETTING}@{COMMIT}"))
        .await
        .unwrap();
}

#[tokio::test]
async fn a_pull_that_fails_leaves_the_older_commit_in_use() {
    let folder = tempfile::tempdir().unwrap();
    let hub = FakeHub::start(files()).await;
    let client = hub.client(folder.path()).await;
    let first = pull_repository(&client, SETTING).await.unwrap();
    let mut config = files()[0].1.clone();
    config.push(b'\n');
    hub.commit(NEXT, [(CONFIG, config), (WEIGHTS, super::content())]);
    hub.answers([super::server::Answer::Status(410)]);
    pull_repository(&client, SETTING).await.unwrap_err();
    let found = source(SETTING, folder.path()).describe().unwrap();
    assert_eq!(found.weights.parent().unwrap(), first);

    // A new commit with the same weights brings only what changed.
    hub.commit(NEXT, [files()[1].clone()]);
    let before = hub.ranges().len();
    let second = pull_repository(&client, SETTING).await.unwrap();
    assert!(second.ends_with(NEXT));
    assert_eq!(hub.ranges().len(), before);
    let found = source(SETTING, folder.path()).describe().unwrap();
    assert_eq!(found.weights.parent().unwrap(), second);
}
