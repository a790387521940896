//! Underscores in the sentences of tags: a collection keeps the form that its text vectors were
//! made from.

use std::sync::atomic::Ordering;

use clippy_core::sentences::{NOTE, Underscores};

use crate::support::{Fixture, line};

/// Returns a fixture of two pictures with the same tag, written with an underscore and with a
/// space.
fn with_underscores() -> Fixture {
    let fixture = Fixture::with_pictures(2);
    fixture.manifest(&[line(1, "pixel_art"), line(2, "pixel art")]);
    fixture
}

#[tokio::test]
async fn a_new_collection_replaces_underscores_with_spaces_and_records_that() {
    let fixture = with_underscores();
    fixture.ingest().await.expect("ingested");
    assert_eq!(
        fixture.gallery.point(1).vectors.text,
        fixture.gallery.point(2).vectors.text,
        "the same sentence"
    );
    assert_eq!(
        fixture.gallery.notes.lock()[NOTE],
        Underscores::Spaces.note()
    );
}

#[tokio::test]
async fn a_collection_of_clippy_0_2_keeps_its_underscores_after_a_migration() {
    let fixture = with_underscores();
    // A collection of Clippy 0.2 has points, but no note about their sentences.
    let older = clippy_core::gallery::Point {
        id: 99.into(),
        vectors: Default::default(),
        payload: Default::default(),
    };
    fixture.gallery.points.lock().insert(99.into(), older);
    fixture.gallery.schema_version.store(0, Ordering::SeqCst);
    fixture.ingest().await.expect("ingested");
    assert_ne!(
        fixture.gallery.point(1).vectors.text,
        fixture.gallery.point(2).vectors.text
    );
    assert_eq!(fixture.gallery.notes.lock()[NOTE], Underscores::Kept.note());
    fixture.gallery.schema_version.store(3, Ordering::SeqCst);
    fixture.take_embedded();
    assert_eq!(
        fixture.ingest().await.expect("ingested").totals.unchanged,
        2,
        "the sentence stays the same"
    );
    assert_eq!(fixture.take_embedded(), (0, 0));
}

#[tokio::test]
async fn a_dry_run_does_not_record_the_form_of_sentences() {
    let fixture = with_underscores();
    let mut options = fixture.request();
    options.dry_run = true;
    fixture.ingest_with(&options).await.expect("looked at");
    assert!(fixture.gallery.notes.lock().is_empty());
}
