//! Backfill: fills what is missing and touches nothing else.

use crate::support::{DIMENSION, House};
use clippy_core::bulk::{BackfillRequest, Which};
use clippy_core::gallery::Space;
use clippy_core::ledger::LineOutcome;
use clippy_worker::backfill::backfill;
use clippy_worker::ingest::{IngestReport, RunSettings};
use tokio_util::sync::CancellationToken;

async fn filled(
    house: &House,
    which: Which,
    change: impl FnOnce(&mut BackfillRequest),
) -> IngestReport {
    let mut request = BackfillRequest {
        lines: house.request().lines,
        which,
        force_all: false,
        ids_file: None,
    };
    change(&mut request);
    let (settings, never) = (RunSettings::default(), CancellationToken::new());
    backfill(house.tools(), &request, &settings, &(), &never)
        .await
        .expect("filled")
}

/// Five pictures, of which the second misses its edge vector and the third has a zero one.
async fn with_gaps() -> House {
    let house = House::with_pictures(5);
    house.ingest().await.expect("ingested");
    house.embedded();
    let mut points = house.gallery.points.lock();
    points.get_mut(&2.into()).expect("there").vectors.edge = None;
    points.get_mut(&3.into()).expect("there").vectors.edge = Some(vec![0.0; DIMENSION]);
    points.get_mut(&4.into()).expect("there").vectors.text = None;
    drop(points);
    house
}

#[tokio::test]
async fn only_what_is_missing_or_zero_is_made() {
    let whole = House::with_pictures(5);
    whole.ingest().await.expect("ingested");
    let house = with_gaps().await;
    let report = filled(&house, Which::Edge, |_| {}).await;
    assert_eq!((report.totals.embedded, report.totals.unchanged), (2, 3));
    assert_eq!(house.embedded(), (2, 0));
    for id in 1..=5 {
        let (point, expected) = (house.gallery.point(id), whole.gallery.point(id));
        assert_eq!(point.vectors.edge, expected.vectors.edge, "{id}");
        assert_eq!(point.vectors.image, expected.vectors.image, "{id}");
    }
    assert_eq!(
        house.gallery.point(4).vectors.get(Space::Text),
        &None,
        "not asked for"
    );
    let report = filled(&house, Which::All, |_| {}).await;
    assert_eq!((report.totals.embedded, report.totals.unchanged), (1, 4));
    assert_eq!(house.embedded(), (0, 1));
    assert_eq!(
        house.gallery.point(4).vectors,
        whole.gallery.point(4).vectors
    );
}

#[tokio::test]
async fn payloads_stay_as_they_are() {
    let house = with_gaps().await;
    house
        .gallery
        .points
        .lock()
        .get_mut(&2.into())
        .expect("there")
        .payload
        .insert("note".to_owned(), "mine".into());
    let before = house.gallery.point(2).payload;
    filled(&house, Which::Both, |_| {}).await;
    assert_eq!(house.gallery.point(2).payload, before);
}

#[tokio::test]
async fn force_all_makes_everything_anew() {
    let house = with_gaps().await;
    let report = filled(&house, Which::Both, |request| request.force_all = true).await;
    assert_eq!(report.totals.embedded, 5);
    assert_eq!(house.embedded(), (10, 0));
}

#[tokio::test]
async fn the_list_of_ids_and_the_collection_say_which_lines_count() {
    let house = with_gaps().await;
    house.gallery.points.lock().remove(&3.into());
    std::fs::write(house.path("ids.txt"), "3\nline 1\n").expect("written");
    let report = filled(&house, Which::Edge, |request| {
        request.ids_file = Some(house.path("ids.txt"))
    })
    .await;
    assert_eq!((report.totals.embedded, report.totals.skipped), (1, 4));
    let outcomes = house.ledger.outcomes();
    assert!(
        matches!(&outcomes[&2], LineOutcome::Skipped { reason } if reason.contains("ingest it first"))
    );
    assert!(
        matches!(&outcomes[&0], LineOutcome::Skipped { reason } if reason.contains("list of ids"))
    );
    assert_eq!(outcomes[&1], LineOutcome::Embedded);
    assert_eq!(house.gallery.points.lock().len(), 4);
}
