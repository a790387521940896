//! Backfill makes missing vectors and changes nothing else.

use crate::support::{DIMENSION, Fixture};
use clippy_core::bulk::{BackfillRequest, Which};
use clippy_core::gallery::Space;
use clippy_core::ledger::LineOutcome;
use clippy_worker::backfill::backfill;
use clippy_worker::ingest::{IngestReport, RunSettings};
use tokio_util::sync::CancellationToken;

async fn run_backfill(
    fixture: &Fixture,
    which: Which,
    change: impl FnOnce(&mut BackfillRequest),
) -> IngestReport {
    let mut request = BackfillRequest {
        lines: fixture.request().lines,
        which,
        force_all: false,
        ids_file: None,
    };
    change(&mut request);
    let (settings, never) = (RunSettings::default(), CancellationToken::new());
    backfill(fixture.tools(), &request, &settings, &(), &never)
        .await
        .expect("filled")
}

/// Five pictures: the second lacks its edge vector, the third has a zero one, and the fourth lacks
/// its text vector.
async fn with_gaps() -> Fixture {
    let fixture = Fixture::with_pictures(5);
    fixture.ingest().await.expect("ingested");
    fixture.take_embedded();
    let mut points = fixture.gallery.points.lock();
    points.get_mut(&2.into()).expect("there").vectors.edge = None;
    points.get_mut(&3.into()).expect("there").vectors.edge = Some(vec![0.0; DIMENSION]);
    points.get_mut(&4.into()).expect("there").vectors.text = None;
    drop(points);
    fixture
}

#[tokio::test]
async fn only_missing_and_zero_vectors_are_made() {
    let whole = Fixture::with_pictures(5);
    whole.ingest().await.expect("ingested");
    let fixture = with_gaps().await;
    let report = run_backfill(&fixture, Which::Edge, |_| {}).await;
    assert_eq!((report.totals.embedded, report.totals.unchanged), (2, 3));
    assert_eq!(fixture.take_embedded(), (2, 0));
    for id in 1..=5 {
        let (point, expected) = (fixture.gallery.point(id), whole.gallery.point(id));
        assert_eq!(point.vectors.edge, expected.vectors.edge, "{id}");
        assert_eq!(point.vectors.image, expected.vectors.image, "{id}");
    }
    assert_eq!(
        fixture.gallery.point(4).vectors.get(Space::Text),
        &None,
        "not asked for"
    );
    let report = run_backfill(&fixture, Which::All, |_| {}).await;
    assert_eq!((report.totals.embedded, report.totals.unchanged), (1, 4));
    assert_eq!(fixture.take_embedded(), (0, 1));
    assert_eq!(
        fixture.gallery.point(4).vectors,
        whole.gallery.point(4).vectors
    );
}

#[tokio::test]
async fn payloads_are_kept() {
    let fixture = with_gaps().await;
    fixture
        .gallery
        .points
        .lock()
        .get_mut(&2.into())
        .expect("there")
        .payload
        .insert("note".to_owned(), "mine".into());
    let before = fixture.gallery.point(2).payload;
    run_backfill(&fixture, Which::Both, |_| {}).await;
    assert_eq!(fixture.gallery.point(2).payload, before);
}

#[tokio::test]
async fn force_all_makes_all_vectors_again() {
    let fixture = with_gaps().await;
    let report = run_backfill(&fixture, Which::Both, |request| request.force_all = true).await;
    assert_eq!(report.totals.embedded, 5);
    assert_eq!(fixture.take_embedded(), (10, 0));
}

#[tokio::test]
async fn lines_that_are_not_listed_or_not_stored_are_skipped() {
    let fixture = with_gaps().await;
    fixture.gallery.points.lock().remove(&3.into());
    std::fs::write(fixture.path("ids.txt"), "3\nline 1\n").expect("written");
    let report = run_backfill(&fixture, Which::Edge, |request| {
        request.ids_file = Some(fixture.path("ids.txt"))
    })
    .await;
    assert_eq!((report.totals.embedded, report.totals.skipped), (1, 4));
    let outcomes = fixture.ledger.outcomes();
    assert!(matches!(&outcomes[&2],
        LineOutcome::Skipped { reason } if reason.contains("ingest it first")));
    assert!(
        matches!(&outcomes[&0], LineOutcome::Skipped { reason } if reason.contains("list of ids"))
    );
    assert_eq!(outcomes[&1], LineOutcome::Embedded);
    assert_eq!(fixture.gallery.points.lock().len(), 4);
}
