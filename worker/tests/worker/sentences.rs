//! A collection keeps to the sentence that made its text vectors.

use std::sync::atomic::Ordering;

use clippy_core::sentences::{NOTE, Underscores};

use crate::support::{House, line};

fn with_underscores() -> House {
    let house = House::with_pictures(2);
    house.manifest(&[line(1, "pixel_art"), line(2, "pixel art")]);
    house
}

#[tokio::test]
async fn a_new_collection_writes_spaces_and_says_so() {
    let house = with_underscores();
    house.ingest().await.expect("ingested");
    assert_eq!(
        house.gallery.point(1).vectors.text,
        house.gallery.point(2).vectors.text,
        "the same sentence"
    );
    assert_eq!(house.gallery.notes.lock()[NOTE], Underscores::Spaces.note());
}

#[tokio::test]
async fn a_collection_of_clippy_0_2_keeps_its_underscores_also_once_it_has_a_version() {
    let house = with_underscores();
    // What Clippy 0.2 left: points, and nobody who says what made them.
    let older = clippy_core::gallery::Point {
        id: 99.into(),
        vectors: Default::default(),
        payload: Default::default(),
    };
    house.gallery.points.lock().insert(99.into(), older);
    house.gallery.schema_version.store(0, Ordering::SeqCst);
    house.ingest().await.expect("ingested");
    assert_ne!(
        house.gallery.point(1).vectors.text,
        house.gallery.point(2).vectors.text
    );
    assert_eq!(house.gallery.notes.lock()[NOTE], Underscores::Kept.note());
    house.gallery.schema_version.store(3, Ordering::SeqCst);
    house.embedded();
    assert_eq!(
        house.ingest().await.expect("ingested").totals.unchanged,
        2,
        "the sentence stays the same"
    );
    assert_eq!(house.embedded(), (0, 0));
}

#[tokio::test]
async fn a_dry_run_decides_nothing() {
    let house = with_underscores();
    let mut options = house.request();
    options.dry_run = true;
    house.ingest_with(&options).await.expect("looked at");
    assert!(house.gallery.notes.lock().is_empty());
}
