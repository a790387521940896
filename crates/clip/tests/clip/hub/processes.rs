//! Several pulls of one file at the same time.

use std::fs::{self, File};
use std::path::Path;

use clippy_testing::wait_until;
use sha2::Digest;

use super::server::{Answer, COMMIT, FakeHub};
use super::{content, pull_entry, tree, warnings};

const WEIGHTS: &str = "open_clip_model.safetensors";
const FOLDER: &str = "models--laion--CLIP-ViT-B-32-laion2B-s34B-b79K";

#[tokio::test]
async fn of_two_pulls_one_downloads_and_the_other_waits() {
    let folder = tempfile::tempdir().unwrap();
    let hub = FakeHub::start([(WEIGHTS, content())]).await;
    hub.answers([Answer::HoldAfter(50_000)]);
    // A lock belongs to an open file, so two tasks lock each other out as two processes do.
    let pull = || {
        let (settings, path) = (hub.settings(folder.path()), folder.path().to_owned());
        tokio::spawn(async move {
            let client = clippy_clip::hub::Hub::new(&settings).await.unwrap();
            pull_entry(&client, &path).await.unwrap()
        })
    };
    let first = pull();
    wait_until("the first downloads", async || hub.ranges().len() == 1).await;
    let second = pull();
    let asked = || {
        let heads = hub
            .seen()
            .into_iter()
            .filter(|seen| seen.head.starts_with("head ") && seen.head.contains(WEIGHTS));
        heads.count()
    };
    wait_until("the second knows the file", async || asked() == 2).await;
    assert!(!first.is_finished() && !second.is_finished());
    hub.release();
    for pulled in [first.await.unwrap(), second.await.unwrap()] {
        assert_eq!(fs::read(pulled).unwrap(), content());
    }
    assert_eq!(hub.ranges(), [""]);
}

#[tokio::test]
async fn a_lock_of_python_is_waited_for() {
    warnings::record();
    let folder = tempfile::tempdir().unwrap();
    let hub = FakeHub::start([(WEIGHTS, content())]).await;
    // Where huggingface_hub locks (`flock`), and where it puts what it downloaded.
    let hash = hex::encode(sha2::Sha256::digest(content()));
    let lock = locked(folder.path());
    let client = hub.client(folder.path()).await;
    let path = folder.path().to_owned();
    let pulled = tokio::spawn(async move { pull_entry(&client, &path).await.unwrap() });
    wait_until("it knows the file", async || hub.seen().len() == 2).await;
    // Whoever waits is told for which file, once.
    let shown = folder.path().display().to_string();
    let waits = || warnings::with(&[shown.as_str(), WEIGHTS, "another process"]).len();
    wait_until("it says what it waits for", async || waits() > 0).await;
    let blobs = folder.path().join(FOLDER).join("blobs");
    fs::create_dir_all(&blobs).unwrap();
    fs::write(blobs.join(&hash), content()).unwrap();
    assert!(!pulled.is_finished());
    drop(lock);
    assert_eq!(fs::read(pulled.await.unwrap()).unwrap(), content());
    assert!(hub.ranges().is_empty());
    assert_eq!(waits(), 1);
}

#[tokio::test]
async fn what_another_process_left_on_a_disk_without_links_is_not_downloaded_again() {
    warnings::record();
    let folder = tempfile::tempdir().unwrap();
    let hub = FakeHub::start([(WEIGHTS, content())]).await;
    let lock = locked(folder.path());
    let client = hub.client(folder.path()).await;
    let path = folder.path().to_owned();
    let pulled = tokio::spawn(async move { pull_entry(&client, &path).await.unwrap() });
    let shown = folder.path().display().to_string();
    let waits = || !warnings::with(&[shown.as_str(), "another process"]).is_empty();
    wait_until("it waits for the lock", async || waits()).await;
    // The file itself is in the snapshot, and there is no content to link to.
    let snapshot = folder.path().join(FOLDER).join("snapshots").join(COMMIT);
    fs::create_dir_all(&snapshot).unwrap();
    fs::write(snapshot.join(WEIGHTS), content()).unwrap();
    assert!(!pulled.is_finished());
    drop(lock);
    assert_eq!(pulled.await.unwrap(), snapshot.join(WEIGHTS));
    assert!(hub.ranges().is_empty());
    let files = [
        format!("{FOLDER}/refs/main"),
        format!("{FOLDER}/snapshots/{COMMIT}/{WEIGHTS}"),
    ];
    assert_eq!(tree(folder.path()), files);
}

/// Locks the weights, as another process does that downloads them.
fn locked(cache: &Path) -> File {
    let hash = hex::encode(sha2::Sha256::digest(content()));
    let locks = cache.join(".locks").join(FOLDER);
    fs::create_dir_all(&locks).unwrap();
    let lock = File::create(locks.join(format!("{hash}.lock"))).unwrap();
    lock.lock().unwrap();
    lock
}
