//! Several pulls of one file at the same time.

use std::fs::{self, File};

use clippy_testing::wait_until;
use sha2::Digest;

use super::server::{Answer, FakeHub};
use super::{content, pull_entry};

const WEIGHTS: &str = "open_clip_model.safetensors";

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
    let folder = tempfile::tempdir().unwrap();
    let hub = FakeHub::start([(WEIGHTS, content())]).await;
    // Where huggingface_hub locks (`flock`), and where it puts what it downloaded.
    let name = "models--laion--CLIP-ViT-B-32-laion2B-s34B-b79K";
    let hash = hex::encode(sha2::Sha256::digest(content()));
    let locks = folder.path().join(".locks").join(name);
    fs::create_dir_all(&locks).unwrap();
    let lock = File::create(locks.join(format!("{hash}.lock"))).unwrap();
    lock.lock().unwrap();
    let client = hub.client(folder.path()).await;
    let path = folder.path().to_owned();
    let pulled = tokio::spawn(async move { pull_entry(&client, &path).await.unwrap() });
    wait_until("it knows the file", async || hub.seen().len() == 2).await;
    let blobs = folder.path().join(name).join("blobs");
    fs::create_dir_all(&blobs).unwrap();
    fs::write(blobs.join(&hash), content()).unwrap();
    assert!(!pulled.is_finished());
    drop(lock);
    assert_eq!(fs::read(pulled.await.unwrap()).unwrap(), content());
    assert!(hub.ranges().is_empty());
}
