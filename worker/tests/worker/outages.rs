//! Servers that go away for a while, and pictures that go away for good, in the middle of a run.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use clippy_core::ErrorCode;
use clippy_core::bulk::{BackfillRequest, Which};
use clippy_core::ledger::{FailureKind, LineOutcome};
use clippy_worker::backfill::backfill;
use clippy_worker::ingest::{IngestReport, RunSettings, ingest};
use clippy_worker::patience::{Patience, Pauses, Tell};
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

use crate::support::{House, touch};

const PAUSES: Pauses = Pauses {
    first: Duration::from_millis(60),
    longest: Duration::from_millis(300),
    limit: Duration::from_secs(20),
};

/// Keeps what is told.
fn told() -> (Arc<Mutex<Vec<String>>>, Tell) {
    let messages: Arc<Mutex<Vec<String>>> = Arc::default();
    let kept = Arc::clone(&messages);
    let tell: Tell = Arc::new(move |message| {
        kept.lock().push(message);
        Box::pin(std::future::ready(()))
    });
    (messages, tell)
}

async fn patiently(
    house: &House,
    pauses: Pauses,
    tell: Tell,
    cancel: &CancellationToken,
) -> clippy_core::Result<IngestReport> {
    let tools = Patience::new(pauses, cancel.clone(), tell).with(house.tools());
    let settings = RunSettings::default();
    ingest(tools, &house.request(), &settings, &(), cancel).await
}

#[tokio::test]
async fn an_outage_in_the_middle_of_a_run_is_waited_for_and_told() {
    let house = House::with_pictures(20);
    house.gallery.fail_upserts(2, 6);
    let (messages, tell) = told();
    let report = patiently(&house, PAUSES, tell, &CancellationToken::new())
        .await
        .expect("it came back");
    assert_eq!((report.totals.embedded, report.totals.failed), (20, 0));
    let messages = messages.lock().clone();
    assert!(
        messages.len() >= 6 && messages[0].contains("waiting") && messages[0].contains("away"),
        "{messages:?}"
    );
    // The pauses grow.
    assert!(
        messages.windows(2).any(|pair| pair[0] != pair[1]),
        "{messages:?}"
    );
}

#[tokio::test]
async fn waiting_ends_at_its_limit_and_when_it_is_told_to_stop() {
    let house = House::with_pictures(8);
    house.gallery.fail_upserts(1, usize::MAX);
    let short = Pauses {
        limit: Duration::from_millis(30),
        ..PAUSES
    };
    let error = patiently(&house, short, told().1, &CancellationToken::new())
        .await
        .expect_err("it stays away");
    assert_eq!(error.code, ErrorCode::Unavailable);
    let cancel = CancellationToken::new();
    let stop = cancel.clone();
    let tell: Tell = Arc::new(move |_| {
        stop.cancel();
        Box::pin(std::future::ready(()))
    });
    let forever = Pauses {
        first: Duration::from_secs(600),
        longest: Duration::from_secs(600),
        ..PAUSES
    };
    patiently(&house, forever, tell, &cancel)
        .await
        .expect_err("stopped while it waited");
}

#[tokio::test]
async fn a_picture_that_is_deleted_between_look_and_storing_fails_its_own_line() {
    let house = House::with_pictures(5);
    house.ingest().await.expect("ingested");
    // A touched file changes the mark alone, which is set on the point that is there.
    touch(&house.path("2.png"));
    house.gallery.delete_before_next_write(2);
    let report = house
        .ingest()
        .await
        .expect("one picture that is gone is not fatal");
    assert_eq!(
        (report.totals.unchanged, report.totals.failed),
        (4, 1),
        "{report:?}"
    );
    assert!(matches!(
        &house.ledger.outcomes()[&1],
        LineOutcome::Failed {
            kind: FailureKind::Deleted,
            ..
        }
    ));
    assert_eq!(
        house.ingest().await.expect("ingested").totals.embedded,
        1,
        "the next run brings it back"
    );
}

#[tokio::test]
async fn a_backfill_does_not_count_a_picture_that_is_gone_as_filled() {
    for refuses_missing in [false, true] {
        let house = House::with_pictures(5);
        house.ingest().await.expect("ingested");
        for id in [2, 3, 4] {
            let mut points = house.gallery.points.lock();
            let point = points.get_mut(&id.into()).expect("there");
            point.vectors.text = None;
        }
        house.gallery.delete_before_next_write(3);
        let refuses = &house.gallery.refuses_missing;
        refuses.store(refuses_missing, Ordering::SeqCst);
        let request = BackfillRequest {
            lines: house.request().lines,
            which: Which::Text,
            force_all: false,
            ids_file: None,
        };
        let (settings, never) = (RunSettings::default(), CancellationToken::new());
        let report = backfill(house.tools(), &request, &settings, &(), &never)
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
            let filled = house.gallery.point(id).vectors.text.is_some();
            assert!(filled, "{id}, refuses missing points: {refuses_missing}");
        }
        assert_eq!(
            house.gallery.upserts.load(Ordering::SeqCst),
            1,
            "a backfill brings nothing back"
        );
    }
}

#[tokio::test]
async fn a_run_in_which_nothing_was_done_is_told_apart_from_one_in_which_nothing_was_to_do() {
    let house = House::with_pictures(3);
    let request = BackfillRequest {
        lines: house.request().lines,
        which: Which::All,
        force_all: false,
        ids_file: None,
    };
    let report = backfill(
        house.tools(),
        &request,
        &RunSettings::default(),
        &(),
        &CancellationToken::new(),
    )
    .await
    .expect("looked");
    assert!(
        report.reasons.nothing_succeeded(&report.totals),
        "nothing is stored that could be filled: {report:?}"
    );
    house.ingest().await.expect("ingested");
    let report = house.ingest().await.expect("ingested");
    assert!(
        !report.reasons.nothing_succeeded(&report.totals),
        "all is there already: {report:?}"
    );
    let mut wrong = house.request();
    std::fs::create_dir(house.path("empty")).expect("made");
    std::fs::rename(house.path("manifest.jsonl"), house.path("empty/m.jsonl")).expect("moved");
    wrong.lines.manifest = house.path("empty/m.jsonl");
    let report = house
        .ingest_with(&wrong)
        .await
        .expect("bad lines are not fatal");
    assert!(
        report.reasons.nothing_succeeded(&report.totals),
        "{report:?}"
    );
}
