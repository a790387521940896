//! Transfers that break off, are damaged, or find no room.

use std::fs;

use clippy_clip::{ClipError, pretrained, pull};

use super::server::{Answer, COMMIT, FakeHub};
use super::{content, entry, pull_entry, tree, warnings};

const WEIGHTS: &str = "open_clip_model.safetensors";
const FOLDER: &str = "models--laion--CLIP-ViT-B-32-laion2B-s34B-b79K";

async fn hub() -> FakeHub {
    FakeHub::start([(WEIGHTS, content())]).await
}

/// Pulls with a client of its own.
async fn pull_from(
    hub: &FakeHub,
    folder: &std::path::Path,
) -> Result<std::path::PathBuf, ClipError> {
    pull_entry(&hub.client(folder).await, folder).await
}

fn parts(folder: &std::path::Path) -> usize {
    let files = tree(folder);
    files
        .iter()
        .filter(|file| file.ends_with(".incomplete"))
        .count()
}

#[tokio::test]
async fn weights_come_whole_and_are_not_downloaded_twice() {
    let folder = tempfile::tempdir().unwrap();
    let hub = hub().await;
    let client = hub.client(folder.path()).await;
    let mut last = (0, None);
    let models = folder.path().join("models");
    let path = pull::pull_tag(&client, entry(), &models, |there, whole| {
        last = (there, whole)
    })
    .await
    .unwrap();
    let snapshot = folder.path().join(FOLDER).join("snapshots").join(COMMIT);
    assert_eq!(path, snapshot.join(WEIGHTS));
    assert_eq!(fs::read(&path).unwrap(), content());
    assert_eq!(last, (200_000, Some(200_000)));
    assert_eq!(parts(folder.path()), 0);
    let first = hub.seen()[0].head.clone();
    let asked = format!("/{}/resolve/main/", entry().repository).to_lowercase();
    assert!(
        first.starts_with("head ") && first.contains(&asked),
        "{first}"
    );
    pull_entry(&client, folder.path()).await.unwrap();
    assert_eq!(hub.ranges(), [""]);
}

#[tokio::test]
async fn a_broken_download_resumes_where_it_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let hub = hub().await;
    hub.answers([
        Answer::BreakAfter(70_000),
        Answer::Status(503),
        Answer::BreakAfter(50_000),
    ]);
    let path = pull_from(&hub, folder.path());
    assert_eq!(fs::read(path.await.unwrap()).unwrap(), content());
    let ranges = ["", "bytes=70000-", "bytes=70000-", "bytes=120000-"];
    assert_eq!(hub.ranges(), ranges);
}

#[tokio::test]
async fn a_second_run_continues_the_part_of_the_first() {
    let folder = tempfile::tempdir().unwrap();
    let first = hub().await;
    first.answers([Answer::BreakAfter(90_000), Answer::Status(410)]);
    let error = pull_from(&first, folder.path());
    let error = error.await.unwrap_err().to_string();
    assert!(error.contains("410"), "{error}");
    // The storage's address is signed: whoever has it may read.
    assert!(!error.contains("hunter2"), "{error}");
    assert_eq!(parts(folder.path()), 1);
    let second = hub().await;
    let path = pull_from(&second, folder.path());
    assert_eq!(fs::read(path.await.unwrap()).unwrap(), content());
    assert_eq!(second.ranges(), ["bytes=90000-"]);
    assert_eq!(parts(folder.path()), 0);
}

#[tokio::test]
async fn an_address_of_the_storage_that_expired_is_asked_for_again() {
    let folder = tempfile::tempdir().unwrap();
    let hub = hub().await;
    hub.answers([Answer::BreakAfter(90_000), Answer::Status(403)]);
    let path = pull_from(&hub, folder.path());
    assert_eq!(fs::read(path.await.unwrap()).unwrap(), content());
}

#[tokio::test]
async fn a_server_without_ranges_sends_the_whole_file() {
    let folder = tempfile::tempdir().unwrap();
    let hub = hub().await;
    hub.answers([Answer::BreakAfter(90_000), Answer::IgnoreRange]);
    let path = pull_from(&hub, folder.path());
    assert_eq!(fs::read(path.await.unwrap()).unwrap(), content());
}

#[tokio::test]
async fn a_damaged_file_is_discarded() {
    let folder = tempfile::tempdir().unwrap();
    let hub = hub().await;
    hub.answers([Answer::Damaged]);
    let client = hub.client(folder.path()).await;
    let error = pull_entry(&client, folder.path()).await.unwrap_err();
    assert!(error.to_string().contains("SHA-256"), "{error}");
    // Neither a part nor a file, and no branch that promises one.
    assert_eq!(tree(folder.path()), [""; 0]);
    pull_entry(&client, folder.path()).await.unwrap();
}

#[tokio::test]
async fn an_unreachable_hub_is_reported_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let mut settings = hub().await.settings(folder.path());
    settings.endpoint = clippy_core::settings::Address::new("http://127.0.0.1:1");
    let client = clippy_clip::hub::Hub::new(&settings).await.unwrap();
    let error = pull_entry(&client, folder.path()).await.unwrap_err();
    assert!(matches!(error, ClipError::Download { .. }), "{error}");
    assert!(error.to_string().contains("HF_ENDPOINT"), "{error}");
}

#[tokio::test]
async fn the_files_of_a_tokenizer_come_with_the_weights() {
    let folder = tempfile::tempdir().unwrap();
    let names = [WEIGHTS, "tokenizer.json", "tokenizer_config.json"];
    let hub = FakeHub::start(names.map(|name| (name, content()))).await;
    let client = hub.client(folder.path()).await;
    let entry = pretrained::find("ViT-B-16-SigLIP2", "webli").unwrap();
    let path = pull::pull_tag(&client, entry, folder.path(), |_, _| ())
        .await
        .unwrap();
    for name in names {
        assert_eq!(fs::read(path.with_file_name(name)).unwrap(), content());
    }
    let without = FakeHub::start([(WEIGHTS, content())]).await;
    let folder = tempfile::tempdir().unwrap();
    let client = without.client(folder.path()).await;
    let error = pull::pull_tag(&client, entry, folder.path(), |_, _| ()).await;
    let error = error.unwrap_err().to_string();
    assert!(error.contains("has no file tokenizer.json"), "{error}");
    assert!(without.ranges().is_empty());
}

#[tokio::test]
async fn a_file_without_room_is_refused_before_it_is_downloaded() {
    let folder = tempfile::tempdir().unwrap();
    let hub = hub().await;
    hub.announces(1 << 50);
    let error = pull_from(&hub, folder.path());
    let error = error.await.unwrap_err();
    assert!(matches!(error, ClipError::Write { .. }), "{error}");
    let error = error.to_string();
    assert!(
        error.contains("MB free") && error.contains("HF_HOME"),
        "{error}"
    );
    assert!(hub.ranges().is_empty());
}

#[tokio::test]
async fn a_size_that_no_model_has_is_refused() {
    for size in [(1 << 50) + 1, u64::MAX] {
        let folder = tempfile::tempdir().unwrap();
        let hub = hub().await;
        hub.announces(size);
        let error = pull_from(&hub, folder.path());
        let error = error.await.unwrap_err();
        assert!(matches!(error, ClipError::Download { .. }), "{error}");
        let error = error.to_string();
        for part in [WEIGHTS, "more than any model has", "HF_ENDPOINT"] {
            assert!(error.contains(part), "{error}");
        }
        assert!(hub.ranges().is_empty());
    }
}

/// A hash as some stores send it: MD5, which is not compared.
const OTHER_HASH: &str = "0123456789abcdef0123456789abcdef";

#[tokio::test]
async fn a_file_with_neither_a_size_nor_a_known_hash_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let hub = hub().await;
    hub.announces_hash(OTHER_HASH).announces_no_size();
    hub.answers([Answer::WithoutLength(50_000)]);
    // Nor is a file used that has this name already.
    let blobs = folder.path().join(FOLDER).join("blobs");
    fs::create_dir_all(&blobs).unwrap();
    fs::write(blobs.join(OTHER_HASH), "something").unwrap();
    let error = pull_from(&hub, folder.path());
    let error = error.await.unwrap_err();
    assert!(matches!(error, ClipError::Download { .. }), "{error}");
    let error = error.to_string();
    for part in [WEIGHTS, "neither its size nor a hash", "HF_ENDPOINT"] {
        assert!(error.contains(part), "{error}");
    }
    assert!(hub.ranges().is_empty());
}

#[tokio::test]
async fn without_a_known_hash_the_size_is_checked_and_this_is_said() {
    warnings::record();
    let folder = tempfile::tempdir().unwrap();
    let hub = hub().await;
    hub.announces_hash(OTHER_HASH);
    hub.answers([Answer::WithoutLength(50_000)]);
    let path = pull_from(&hub, folder.path());
    assert_eq!(fs::read(path.await.unwrap()).unwrap(), content());
    assert_eq!(hub.ranges(), ["", "bytes=50000-"]);
    let parts = [
        hub.url.as_str(),
        WEIGHTS,
        "only the size of the file is checked",
    ];
    assert_eq!(warnings::with(&parts).len(), 1);
}

#[tokio::test]
async fn without_a_size_the_hash_is_checked() {
    let folder = tempfile::tempdir().unwrap();
    let hub = hub().await;
    hub.announces_no_size();
    hub.answers([Answer::WithoutLength(50_000)]);
    let error = pull_from(&hub, folder.path());
    let error = error.await.unwrap_err().to_string();
    assert!(error.contains("SHA-256"), "{error}");
    assert_eq!(tree(folder.path()), [""; 0]);
    // Nor is a file used that only has the right name.
    let snapshot = folder.path().join(FOLDER).join("snapshots").join(COMMIT);
    fs::create_dir_all(&snapshot).unwrap();
    fs::write(snapshot.join(WEIGHTS), &content()[..50_000]).unwrap();
    let path = pull_from(&hub, folder.path()).await.unwrap();
    assert_eq!(fs::read(path).unwrap(), content());
    let asked = hub.ranges().len();
    pull_from(&hub, folder.path()).await.unwrap();
    assert_eq!(hub.ranges().len(), asked, "it is there");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_disk_that_fills_up_meanwhile_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let hub = hub().await;
    // A part whose disk is always full.
    let hash = hex::encode(<sha2::Sha256 as sha2::Digest>::digest(content()));
    let blobs = folder.path().join(FOLDER).join("blobs");
    fs::create_dir_all(&blobs).unwrap();
    let part = blobs.join(format!("{hash}.incomplete"));
    std::os::unix::fs::symlink("/dev/full", part).unwrap();
    let error = pull_from(&hub, folder.path());
    let error = error.await.unwrap_err().to_string();
    assert!(
        error.contains("the disk is full") && error.contains("HF_HOME"),
        "{error}"
    );
    assert_eq!(hub.ranges(), [""], "it is not tried again");
}

#[tokio::test]
async fn weights_that_an_earlier_version_pulled_stay_in_use() {
    let folder = tempfile::tempdir().unwrap();
    let hub = hub().await;
    let own = folder.path().join("models/ViT-B-32/laion2b_s34b_b79k");
    fs::create_dir_all(&own).unwrap();
    fs::write(own.join(WEIGHTS), "weights").unwrap();
    let client = hub.client(folder.path()).await;
    let path = pull_entry(&client, folder.path()).await.unwrap();
    assert_eq!(path, own.join(WEIGHTS));
    assert!(hub.seen().is_empty());
}
