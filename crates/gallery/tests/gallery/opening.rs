//! Opens collections with another model, with another schema version, and after a kill.

use std::path::Path;

use clippy_core::gallery::{GalleryNotes, GalleryReader, GalleryWriter, Payload, Point, Vectors};
use clippy_core::ids::PointId;
use clippy_core::{ErrorCode, Result};
use clippy_gallery::{EdgeGallery, EdgeOptions, schema};
use clippy_gallery_contract::{DIMENSION, model};
use serde_json::{Value, json};
use tempfile::TempDir;

fn options(folder: &Path) -> EdgeOptions {
    EdgeOptions {
        folder: folder.to_owned(),
        name: "drawings".to_owned(),
        model: model(),
        indexing_threshold_kb: None,
    }
}

async fn with_one_point(folder: &Path) -> Result<()> {
    let gallery = EdgeGallery::open(options(folder)).await?;
    let vectors = Vectors {
        image: Some(vec![1.0; DIMENSION]),
        edge: None,
        text: None,
        style: None,
    };
    let payload = json!({"style": "ink", "rating": "safe"})
        .as_object()
        .cloned()
        .unwrap_or_else(Payload::new);
    gallery
        .upsert(vec![Point {
            id: PointId::Number(1),
            vectors,
            payload,
        }])
        .await?;
    gallery.set_note("scores", json!([0.5])).await?;
    gallery.add_root("/pictures").await
}

fn edit(folder: &Path, change: impl FnOnce(&mut Value)) {
    let path = folder.join("collection.json");
    let mut metadata = serde_json::from_slice(&std::fs::read(&path).expect("there")).expect("JSON");
    change(&mut metadata);
    std::fs::write(path, metadata.to_string()).expect("written");
}

fn folder() -> TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

#[tokio::test]
async fn another_model_is_refused_and_both_are_named() {
    let folder = folder();
    with_one_point(folder.path()).await.expect("made");
    let mut other = options(folder.path());
    other.model.fingerprint = "something-else".to_owned();
    other.model.name = "ViT-Other".to_owned();
    let error = EdgeGallery::open(other)
        .await
        .expect_err("another fingerprint");
    assert_eq!(error.code, ErrorCode::Conflict);
    for part in [
        "drawings",
        "contract",
        "ViT-Other",
        "something-e",
        "contract-32",
    ] {
        assert!(error.message.contains(part), "{part}: {}", error.message);
    }
    let mut other = options(folder.path());
    other.model.dimension = 48;
    let error = EdgeGallery::open(other)
        .await
        .expect_err("another dimension");
    assert_eq!(error.code, ErrorCode::Conflict);
    assert!(
        error.message.contains("32 dimensions") && error.message.contains("48 dimensions"),
        "{}",
        error.message
    );
    EdgeGallery::open(options(folder.path()))
        .await
        .expect("the first model still works");
}

#[tokio::test]
async fn a_newer_schema_is_refused() {
    let folder = folder();
    with_one_point(folder.path()).await.expect("made");
    let newest = schema::Schema::current().version;
    edit(folder.path(), |metadata| {
        metadata["schema_version"] = (newest + 1).into()
    });
    let error = EdgeGallery::open(options(folder.path()))
        .await
        .expect_err("newer");
    assert_eq!(error.code, ErrorCode::Conflict);
    assert!(
        error.message.contains(&format!("version {}", newest + 1)),
        "{}",
        error.message
    );
}

#[tokio::test]
async fn a_closed_collection_can_be_inspected_and_opened_again() {
    let folder = folder();
    assert_eq!(
        EdgeGallery::inspect(folder.path(), "drawings").expect("read"),
        None
    );
    with_one_point(folder.path()).await.expect("made");
    assert_eq!(
        std::fs::metadata(folder.path().join("journal"))
            .expect("there")
            .len(),
        0,
        "closing is a checkpoint"
    );
    let seen = EdgeGallery::inspect(folder.path(), "drawings")
        .expect("read")
        .expect("there");
    let gallery = EdgeGallery::open(options(folder.path()))
        .await
        .expect("opened");
    assert_eq!(gallery.info().await.expect("info"), seen);
    assert_eq!((seen.points, seen.roots), (1, vec!["/pictures".to_owned()]));
    assert_eq!(
        gallery.note("scores").await.expect("read"),
        Some(json!([0.5])),
        "notes are kept, too"
    );
}

#[tokio::test]
async fn an_unfinished_generation_is_removed_and_a_lost_description_is_an_error() {
    let folder = folder();
    with_one_point(folder.path()).await.expect("made");
    std::fs::create_dir_all(folder.path().join("shard-2/segments")).expect("left by a kill");
    std::fs::write(folder.path().join(".collection.json.1-0.tmp"), "half").expect("left by a kill");
    let gallery = EdgeGallery::open(options(folder.path()))
        .await
        .expect("opened");
    assert!(!folder.path().join("shard-2").exists());
    assert!(!folder.path().join(".collection.json.1-0.tmp").exists());
    drop(gallery);
    std::fs::remove_file(folder.path().join("collection.json")).expect("lost");
    let error = EdgeGallery::open(options(folder.path()))
        .await
        .expect_err("unknown");
    assert!(error.message.contains("shard-1"), "{}", error.message);
    assert!(folder.path().join("shard-1").exists(), "nothing is deleted");
}
