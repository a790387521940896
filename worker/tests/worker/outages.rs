//! Outages of servers, and pictures that are deleted, in the middle of a run.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use clippy_core::ErrorCode;
use clippy_core::bulk::{BackfillRequest, Which};
use clippy_core::ledger::{FailureKind, LineOutcome};
use clippy_worker::backfill::backfill;
use clippy_worker::ingest::{IngestReport, RunSettings, ingest};
use clippy_worker::patience::{Patience, Pauses, ReportWait};
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

use crate::support::{Fixture, touch};

const PAUSES: Pauses = Pauses {
    first: Duration::from_millis(60),
    longest: Duration::from_millis(300),
    limit: Duration::from_secs(20),
};

/// Returns a list for the messages about pauses, and the function that adds to it.
fn recorder() -> (Arc<Mutex<Vec<String>>>, ReportWait) {
    let messages: Arc<Mutex<Vec<String>>> = Arc::default();
    let kept = Arc::clone(&messages);
    let report: ReportWait = Arc::new(move |message| {
        kept.lock().push(message);
        Box::pin(std::future::ready(()))
    });
    (messages, report)
}

async fn ingest_patiently(
    fixture: &Fixture,
    pauses: Pauses,
    report: ReportWait,
    cancel: &CancellationToken,
) -> clippy_core::Result<IngestReport> {
    let tools = Patience::new(pauses, cancel.clone(), report).with(fixture.tools());
    let settings = RunSettings::default();
    ingest(tools, &fixture.request(), &settings, &(), cancel).await
}

#[tokio::test]
async fn an_outage_in_the_middle_of_a_run_is_waited_for_and_reported() {
    let fixture = Fixture::with_pictures(20);
    fixture.gallery.fail_upserts(2, 6);
    let (messages, report) = recorder();
    let report = ingest_patiently(&fixture, PAUSES, report, &CancellationToken::new())
        .await
        .expect("it came back");
    assert_eq!((report.totals.embedded, report.totals.failed), (20, 0));
    let messages = messages.lock().clone();
    assert!(
        messages.len() >= 6 && messages[0].contains("waiting") && messages[0].contains("down"),
        "{messages:?}"
    );
    // The pauses grow.
    assert!(
        messages.windows(2).any(|pair| pair[0] != pair[1]),
        "{messages:?}"
    );
}

#[tokio::test]
async fn waiting_ends_at_its_limit_and_when_it_is_cancelled() {
    let fixture = Fixture::with_pictures(8);
    fixture.gallery.fail_upserts(1, usize::MAX);
    let short = Pauses {
        limit: Duration::from_millis(30),
        ..PAUSES
    };
    let error = ingest_patiently(&fixture, short, recorder().1, &CancellationToken::new())
        .await
        .expect_err("the outage does not end");
    assert_eq!(error.code, ErrorCode::Unavailable);
    let cancel = CancellationToken::new();
    let stop = cancel.clone();
    let report: ReportWait = Arc::new(move |_| {
        stop.cancel();
        Box::pin(std::future::ready(()))
    });
    let forever = Pauses {
        first: Duration::from_secs(600),
        longest: Duration::from_secs(600),
        ..PAUSES
    };
    ingest_patiently(&fixture, forever, report, &cancel)
        .await
        .expect_err("cancelled while it waited");
}

#[tokio::test]
async fn a_picture_that_is_deleted_before_it_is_stored_fails_its_own_line() {
    let fixture = Fixture::with_pictures(5);
    fixture.ingest().await.expect("ingested");
    // A touched file changes only the mark, which is set on the stored point.
    touch(&fixture.path("2.png"));
    fixture.gallery.delete_before_next_write(2);
    let report = fixture
        .ingest()
        .await
        .expect("one picture that is gone is not fatal");
    assert_eq!(
        (report.totals.unchanged, report.totals.failed),
        (4, 1),
        "{report:?}"
    );
    assert!(matches!(
        &fixture.ledger.outcomes()[&1],
        LineOutcome::Failed {
            kind: FailureKind::Deleted,
            ..
        }
    ));
    assert_eq!(
        fixture.ingest().await.expect("ingested").totals.embedded,
        1,
        "the next run brings it back"
    );
}

#[tokio::test]
async fn a_backfill_does_not_count_a_deleted_picture_as_filled() {
    for refuses_missing in [false, true] {
        let fixture = Fixture::with_pictures(5);
        fixture.ingest().await.expect("ingested");
        for id in [2, 3, 4] {
            let mut points = fixture.gallery.points.lock();
            let point = points.get_mut(&id.into()).expect("there");
            point.vectors.text = None;
        }
        fixture.gallery.delete_before_next_write(3);
        let refuses = &fixture.gallery.refuses_missing;
        refuses.store(refuses_missing, Ordering::SeqCst);
        let request = BackfillRequest {
            lines: fixture.request().lines,
            which: Which::Text,
            force_all: false,
            ids_file: None,
        };
        let (settings, never) = (RunSettings::default(), CancellationToken::new());
        let report = backfill(fixture.tools(), &request, &settings, &(), &never)
            .await
            .expect("one picture that is gone is not fatal");
        assert_eq!(
            (
                report.totals.embedded,
                report.totals.failed,
                report.totals.unchanged
            ),
            (2, 1, 2),
            "{report:?}"
        );
        for id in [2, 4] {
            let filled = fixture.gallery.point(id).vectors.text.is_some();
            assert!(filled, "{id}, refuses missing points: {refuses_missing}");
        }
        assert_eq!(
            fixture.gallery.upserts.load(Ordering::SeqCst),
            1,
            "a backfill restores no deleted point"
        );
    }
}

#[tokio::test]
async fn a_run_without_success_is_distinguished_from_a_run_without_work() {
    let fixture = Fixture::with_pictures(3);
    let request = BackfillRequest {
        lines: fixture.request().lines,
        which: Which::All,
        force_all: false,
        ids_file: None,
    };
    let report = backfill(
        fixture.tools(),
        &request,
        &RunSettings::default(),
        &(),
        &CancellationToken::new(),
    )
    .await
    .expect("looked");
    assert!(
        report.reasons.nothing_succeeded(&report.totals),
        "no stored point could be filled: {report:?}"
    );
    fixture.ingest().await.expect("ingested");
    let report = fixture.ingest().await.expect("ingested");
    assert!(
        !report.reasons.nothing_succeeded(&report.totals),
        "everything is stored already: {report:?}"
    );
    let mut wrong = fixture.request();
    std::fs::create_dir(fixture.path("empty")).expect("made");
    std::fs::rename(
        fixture.path("manifest.jsonl"),
        fixture.path("empty/m.jsonl"),
    )
    .expect("moved");
    wrong.lines.manifest = fixture.path("empty/m.jsonl");
    let report = fixture
        .ingest_with(&wrong)
        .await
        .expect("bad lines are not fatal");
    assert!(
        report.reasons.nothing_succeeded(&report.totals),
        "{report:?}"
    );
}
