//! Runs that are stopped, refused, sharded or very long, or fail in the middle.

use std::sync::atomic::Ordering;

use crate::support::{Fixture, line};
use clippy_core::ErrorCode;
use clippy_core::ids::PointId;
use clippy_core::ledger::LineOutcome;
use clippy_worker::ingest::{RunSettings, ingest};
use tokio_util::sync::CancellationToken;

#[tokio::test]
async fn a_stopped_run_keeps_its_results_and_the_next_one_continues() {
    let fixture = Fixture::with_pictures(60);
    let cancel = CancellationToken::new();
    *fixture.embedder.cancels.lock() = Some(cancel.clone());
    let report = ingest(
        fixture.tools(),
        &fixture.request(),
        &RunSettings::default(),
        &(),
        &cancel,
    )
    .await
    .expect("stopped cleanly");
    let done = report.totals.embedded;
    assert!(!report.complete && (4..60).contains(&done), "{report:?}");
    assert_eq!(
        fixture.gallery.points.lock().len() as u64,
        done,
        "the chunks in progress are stored"
    );
    assert_eq!(fixture.ledger.complete(), Some(false));
    let rest = fixture.ingest().await.expect("continues");
    assert_eq!(
        (rest.totals.unchanged, rest.totals.embedded),
        (done, 60 - done)
    );
    assert!(rest.complete);
}

#[tokio::test]
async fn a_line_is_recorded_as_embedded_only_after_the_collection_has_it() {
    let fixture = Fixture::with_pictures(40);
    fixture.gallery.fails_from.store(3, Ordering::SeqCst);
    let error = fixture.ingest().await.expect_err("the disk is full");
    assert!(error.message.contains("disk"), "{}", error.message);
    let stored = fixture.gallery.points.lock().len();
    assert_eq!(stored, 12, "two batches of six");
    let outcomes = fixture.ledger.outcomes();
    assert_eq!(outcomes.len(), 12);
    for (line, outcome) in outcomes {
        assert_eq!(outcome, LineOutcome::Embedded);
        assert!(
            fixture
                .gallery
                .points
                .lock()
                .contains_key(&PointId::Number(line + 1)),
            "line {line}"
        );
    }
    assert_eq!(fixture.ledger.complete(), Some(false));
    assert_eq!(
        fixture.gallery.upserts.load(Ordering::SeqCst),
        3,
        "nothing is tried after the failure"
    );
    fixture.gallery.fails_from.store(0, Ordering::SeqCst);
    let rest = fixture.ingest().await.expect("continues");
    assert_eq!((rest.totals.unchanged, rest.totals.embedded), (12, 28));
}

#[tokio::test]
async fn an_unavailable_embedder_ends_the_run() {
    let fixture = Fixture::with_pictures(9);
    fixture.embedder.broken.store(true, Ordering::SeqCst);
    let error = fixture.ingest().await.expect_err("no model");
    assert_eq!(error.code, ErrorCode::Unavailable);
    assert_eq!(fixture.ledger.complete(), Some(false));
}

#[tokio::test]
async fn a_busy_embedder_is_waited_for() {
    let fixture = Fixture::with_pictures(9);
    fixture.embedder.busy.store(3, Ordering::SeqCst);
    assert_eq!(
        fixture.ingest().await.expect("in the end").totals.embedded,
        9
    );
}

#[tokio::test]
async fn shards_cover_every_line_exactly_once() {
    let fixture = Fixture::with_pictures(21);
    let mut counts = Vec::new();
    for index in 0..2 {
        let mut request = fixture.request();
        (request.lines.shard_index, request.lines.shard_count) = (Some(index), Some(2));
        counts.push(
            fixture
                .ingest_with(&request)
                .await
                .expect("a shard")
                .totals
                .embedded,
        );
    }
    assert_eq!(counts, [11, 10]);
    assert_eq!(fixture.gallery.points.lock().len(), 21);
    assert_eq!(fixture.take_embedded().0, 42);
}

#[tokio::test]
async fn a_long_manifest_is_never_in_memory_as_a_whole() {
    const LINES: u64 = 200_000;
    let fixture = Fixture::new();
    fixture.manifest(&(0..LINES).map(|id| line(id, "apple")).collect::<Vec<_>>());
    let mut request = fixture.request();
    request.lines.clip_batch = 32;
    let report = fixture
        .ingest_with(&request)
        .await
        .expect("all lines fail, none is fatal");
    assert_eq!((report.totals.failed, report.totals.lines), (LINES, LINES));
    let open = fixture.ledger.most_open.load(Ordering::SeqCst);
    assert!(open <= 1024 + 5 * 32, "{open} lines were in memory at once");
}

#[tokio::test]
async fn an_invalid_request_is_refused_before_the_run_begins() {
    let fixture = Fixture::with_pictures(2);
    let refused = async |change: &dyn Fn(&mut clippy_core::bulk::IngestRequest), word: &str| {
        let mut request = fixture.request();
        change(&mut request);
        let error = fixture.ingest_with(&request).await.expect_err(word);
        assert_eq!(error.code, ErrorCode::InvalidInput);
        assert!(error.message.contains(word), "{}", error.message);
    };
    refused(
        &|request| request.lines.manifest = "none.jsonl".into(),
        "none.jsonl",
    )
    .await;
    refused(
        &|request| request.lines.images_root = Some("nowhere".into()),
        "nowhere",
    )
    .await;
    refused(
        &|request| request.lines.text_template = "no place".to_owned(),
        "{tags}",
    )
    .await;
    refused(&|request| request.lines.clip_batch = 0, "clip_batch").await;
    refused(
        &|request| {
            (request.lines.shard_index, request.lines.shard_count) = (Some(2), Some(2));
        },
        "shard_index is 2",
    )
    .await;
    refused(
        &|request| request.lines.fail_log = Some("no/such/folder/f".into()),
        "no/such/folder",
    )
    .await;
    *fixture.gallery.fingerprint.lock() = "another".to_owned();
    assert_eq!(
        fixture.ingest().await.expect_err("another model").code,
        ErrorCode::Conflict
    );
    assert!(fixture.ledger.accounts.lock().is_empty());
}
