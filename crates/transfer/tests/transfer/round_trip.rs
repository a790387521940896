//! What an export has, and that an import brings all of it back.

use std::sync::atomic::Ordering;

use clippy_core::ErrorCode;
use clippy_core::boards::{BoardRef, Boards};
use clippy_core::gallery::{GalleryNotes, PATH_FIELD};
use clippy_core::tastes::Tastes;
use clippy_core::trash::{KeptFilter, Trash};
use clippy_transfer::{ExportFolder, export};
use serde_json::Value;
use sha2::Digest as _;

use crate::support::{Local, Place};

#[tokio::test]
async fn an_import_brings_back_everything_bit_for_bit_and_a_second_one_changes_nothing() {
    let source = Local::filled(600).await;
    let place = Place::with(&source).await;
    let target = Local::empty("model");
    let first = place.import_into(&target).await.expect("imported");
    assert_eq!(first.points.added, 600, "{first:?}");
    assert_eq!(first.records.tastes.artists, 70);
    assert_eq!(first.records.deleted, 1);
    assert_eq!(first.records.boards.changed, 21);
    assert_eq!(first.begun.closed, ["/pictures"]);
    assert_eq!(target.points(), source.points());
    let notes = [source.gallery.notes().await, target.gallery.notes().await];
    let [theirs, ours] = notes.map(|notes| notes.expect("read"));
    assert_eq!(ours, theirs);
    let tastes = [&source, &target].map(|local| local.preferences.list(None, 100));
    let [theirs, ours] = tastes;
    assert_eq!(ours.await.expect("listed"), theirs.await.expect("listed"));
    let boards = [&source, &target].map(|local| local.boards.all(None, 100));
    let [theirs, ours] = boards;
    assert_eq!(ours.await.expect("listed"), theirs.await.expect("listed"));
    let all = KeptFilter::default();
    let trashes = [&source, &target].map(|local| local.trash.list(&all, 0, 100));
    let [theirs, ours] = trashes;
    assert_eq!(ours.await.expect("listed"), theirs.await.expect("listed"));
    assert_eq!(target.gallery.optimized.load(Ordering::SeqCst), 1);

    let upserts = target.gallery.upserts.load(Ordering::SeqCst);
    let second = place.import_into(&target).await.expect("imported again");
    assert_eq!(second.points.unchanged, 600, "{second:?}");
    assert_eq!((second.records.deleted, second.records.known), (0, 1));
    let boards = second.records.boards;
    assert_eq!((boards.changed, boards.unchanged), (0, 21));
    assert_eq!(target.gallery.upserts.load(Ordering::SeqCst), upserts);
    assert_eq!(target.points(), source.points());
}

#[tokio::test]
async fn an_export_of_a_version_without_boards_is_imported() {
    let place = Place::with(&Local::filled(20).await).await;
    let file = place.export.join("export.json");
    let text = std::fs::read_to_string(&file).expect("read");
    let mut index: Value = serde_json::from_str(&text).expect("JSON");
    let files = index["files"].as_object_mut().expect("an object");
    files.remove("boards.jsonl").expect("listed");
    index.as_object_mut().expect("an object").remove("boards");
    let text = serde_json::to_string(&index).expect("JSON");
    let sum = hex::encode(sha2::Sha256::digest(text.as_bytes()));
    std::fs::write(&file, text).expect("written");
    std::fs::write(
        place.export.join("export.json.sha256"),
        format!("{sum}  export.json\n"),
    )
    .expect("written");
    std::fs::remove_file(place.export.join("boards.jsonl")).expect("removed");
    let target = Local::empty("model");
    let imported = place.import_into(&target).await.expect("imported");
    assert_eq!(imported.points.added, 20);
    assert_eq!(imported.records.boards.changed, 0);
    let hearts = target.boards.board("", BoardRef::Saved).await;
    assert!(hearts.expect("there").items.is_empty());
}

#[tokio::test]
async fn the_files_are_bounded_and_every_line_is_a_line_of_a_manifest() {
    // 16 KiB of vectors a picture.
    let source = Local::filled_with(1_400, 1_024).await;
    let place = Place::with(&source).await;
    let shards: Vec<String> = place
        .files()
        .into_iter()
        .filter(|name| name.starts_with("vectors-"))
        .collect();
    assert_eq!(
        shards,
        ["vectors-00000.safetensors", "vectors-00001.safetensors"]
    );
    for name in &shards {
        let size = place.export.join(name).metadata().expect("there").len();
        assert!(size < 18 << 20, "{name}: {size}");
    }
    ExportFolder::open(&place.export)
        .expect("opened")
        .verify()
        .expect("whole");
    let manifest = std::fs::read_to_string(place.export.join("manifest.jsonl")).expect("text");
    let lines: Vec<Value> = manifest
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert_eq!(lines.len(), 1_400);
    let mut expected = source.points().into_iter();
    for line in &lines {
        let point = expected.next().expect("as many");
        assert_eq!(line.as_object(), Some(&point.payload));
        assert!(line[PATH_FIELD].is_string() && !line["id"].is_null());
    }
    let mut target = Local::empty("model");
    target.gallery = Local::filled_with(0, 1_024).await.gallery;
    place.import_into(&target).await.expect("imported");
    assert_eq!(target.points(), source.points());
}

#[tokio::test]
async fn an_empty_collection_is_exported_and_imported() {
    let place = Place::with(&Local::empty("model")).await;
    let target = Local::empty("model");
    let imported = place.import_into(&target).await.expect("imported");
    assert_eq!(imported.points, clippy_transfer::Stored::default());
}

#[tokio::test]
async fn an_interrupted_export_is_recognised_and_made_again() {
    let source = Local::filled(600).await;
    source.readable_pages.store(1, Ordering::SeqCst);
    let place = Place::new();
    let error = export(&source, &place.export, &()).await.expect_err("cut");
    assert_eq!(error.code, ErrorCode::Unavailable);
    assert!(!place.export.exists());
    let unfinished = place.export.with_extension("part");
    assert!(ExportFolder::is_one(&unfinished));
    let error = ExportFolder::open(&unfinished).expect_err("unfinished");
    assert!(error.message.contains("not completed"), "{error}");

    source.readable_pages.store(usize::MAX, Ordering::SeqCst);
    export(&source, &place.export, &()).await.expect("exported");
    assert!(!unfinished.exists());
    let target = Local::empty("model");
    place.import_into(&target).await.expect("imported");
    assert_eq!(target.points(), source.points());
    let error = export(&source, &place.export, &())
        .await
        .expect_err("there");
    assert_eq!(error.code, ErrorCode::Conflict);
}

#[tokio::test]
async fn an_import_that_was_killed_is_completed_by_the_next_one() {
    let source = Local::filled(600).await;
    let place = Place::with(&source).await;
    let target = Local::empty("model");
    target.gallery.fails_from.store(2, Ordering::SeqCst);
    place.import_into(&target).await.expect_err("killed");
    assert_eq!(target.points().len(), 256);
    target.gallery.fails_from.store(0, Ordering::SeqCst);
    let rest = place.import_into(&target).await.expect("imported");
    assert_eq!((rest.points.unchanged, rest.points.added), (256, 344));
    assert_eq!(target.points(), source.points());
    assert!(rest.begun.accepted.style && rest.begun.accepted.groups);
}

#[tokio::test]
async fn a_switch_to_another_model_ends_the_export() {
    let source = Local::filled(600).await;
    let place = Place::new();
    let switched = Switching(&source);
    let error = export(&switched, &place.export, &()).await;
    let error = error.expect_err("switched");
    assert_eq!(error.code, ErrorCode::Conflict);
    assert!(error.message.contains("re-index"), "{error}");
}

/// A source that switches to another model after its description.
struct Switching<'a>(&'a Local);

#[async_trait::async_trait]
impl clippy_transfer::Source for Switching<'_> {
    async fn describe(&self) -> clippy_core::Result<clippy_transfer::Description> {
        let described = clippy_transfer::Source::describe(self.0).await;
        "another".clone_into(&mut self.0.gallery.fingerprint.lock());
        described
    }

    async fn points(
        &self,
        from: Option<clippy_core::ids::PointId>,
    ) -> clippy_core::Result<clippy_transfer::PointPage> {
        clippy_transfer::Source::points(self.0, from).await
    }

    async fn records(&self, after: Option<&str>) -> clippy_core::Result<clippy_transfer::Records> {
        clippy_transfer::Source::records(self.0, after).await
    }
}
