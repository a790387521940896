//! Imports into a collection that has pictures already.

use clippy_core::gallery::{GalleryNotes, GalleryWriter, STYLE_GROUP_FIELD};
use clippy_core::ids::PointId;
use clippy_core::trash::Trash;
use clippy_transfer::{Records, Sink, import};
use serde_json::json;

use crate::support::{DIMENSION, Local, Place, deleted, payload, point};

#[tokio::test]
async fn a_correction_in_the_target_stays_unless_it_is_replaced() {
    let source = Local::filled(40).await;
    let place = Place::with(&source).await;
    let target = Local::empty("model");
    place.import_into(&target).await.expect("imported");
    let corrected = payload(json!({"tags_all": ["blue"]}));
    let id = PointId::Number(7);
    target
        .gallery
        .set_payload(id, corrected)
        .await
        .expect("corrected");
    target.gallery.remove(8);
    let again = place.import_into(&target).await.expect("imported");
    let counts = (
        again.points.added,
        again.points.kept,
        again.points.unchanged,
    );
    assert_eq!(counts, (1, 1, 38));
    assert_eq!(target.gallery.point(7).payload["tags_all"], json!(["blue"]));

    let replaced = import(&place.export, &target, true, &()).await;
    assert_eq!(replaced.expect("imported").points.replaced, 1);
    assert_eq!(target.points(), source.points());
}

#[tokio::test]
async fn what_is_deleted_on_either_side_stays_deleted() {
    let source = Local::filled(40).await;
    // Deleted in the source while its points were exported already.
    source.trash.keep(&[deleted(5)]).await.expect("kept");
    let place = Place::with(&source).await;
    let target = Local::empty("model");
    target.trash.keep(&[deleted(4)]).await.expect("kept");
    // The same content under another id.
    let mut same_content = deleted(7_000);
    same_content.point.payload["_clippy"] = point(2, DIMENSION).payload["_clippy"].clone();
    target.trash.keep(&[same_content]).await.expect("kept");
    let imported = place.import_into(&target).await.expect("imported");
    assert_eq!((imported.points.deleted, imported.points.added), (3, 37));
    for id in [2, 4, 5] {
        assert!(
            !target
                .gallery
                .points
                .lock()
                .contains_key(&PointId::Number(id)),
            "{id} came back"
        );
    }
}

#[tokio::test]
async fn a_picture_that_the_target_has_is_not_deleted_by_an_import() {
    let source = Local::filled(40).await;
    let place = Place::with(&source).await;
    let target = Local::empty("model");
    let kept = point(9_000, DIMENSION);
    target.gallery.upsert(vec![kept]).await.expect("stored");
    let imported = place.import_into(&target).await.expect("imported");
    assert_eq!((imported.records.deleted, imported.records.present), (0, 1));
    let stones = target.trash.tombstones(&[PointId::Number(9_000)]).await;
    assert!(stones.expect("read").is_empty());
    assert_eq!(target.points().len(), 41);
}

#[tokio::test]
async fn a_collection_with_pictures_keeps_its_notes_and_what_does_not_fit_them_is_left_out() {
    let source = Local::filled(40).await;
    let place = Place::with(&source).await;
    let target = Local::empty("model");
    let own = vec![point(8_000, DIMENSION)];
    target.gallery.upsert(own).await.expect("stored");
    for (name, note) in [
        ("style_model", json!({"head": "b"})),
        ("style_groups", json!({"run": 1})),
        ("text_sentence", json!({"underscores": "kept"})),
    ] {
        target.gallery.set_note(name, note).await.expect("kept");
    }
    let imported = place.import_into(&target).await.expect("imported");
    let accepted = imported.begun.accepted;
    assert!(!accepted.style && !accepted.groups && !accepted.text);
    let stored = target.gallery.point(1);
    assert!(stored.vectors.image.is_some() && stored.vectors.edge.is_some());
    assert!(stored.vectors.style.is_none() && stored.vectors.text.is_none());
    assert!(!stored.payload.contains_key(STYLE_GROUP_FIELD));
    let note = target.gallery.note("style_model").await.expect("read");
    assert_eq!(note, Some(json!({"head": "b"})));
    assert_eq!(
        target.gallery.note("calibration").await.expect("read"),
        None
    );
}

#[tokio::test]
async fn invalid_records_are_refused() {
    let target = Local::empty("model");
    let taste = |user: &str, weight: f64| {
        serde_json::from_value(json!({
            "user_id": user, "tags": {"a": weight}, "styles": {}, "clicked": 0, "saved": 0
        }))
        .expect("a taste")
    };
    for wrong in [taste(" ", 0.5), taste("ann", 1.5), taste("ann", -0.1)] {
        let records = Records {
            tastes: vec![wrong],
            ..Records::default()
        };
        assert!(Sink::records(&target, records).await.is_err());
    }
    let mut edited: Records = serde_json::from_value(json!({"trash": []})).expect("empty");
    let mut kept = serde_json::to_value(clippy_transfer::KeptRecord::from(deleted(1)));
    kept.as_mut().expect("an object")["kind"] = json!("edited");
    edited
        .trash
        .push(serde_json::from_value(kept.expect("JSON")).expect("a record"));
    assert!(Sink::records(&target, edited).await.is_err());
}
