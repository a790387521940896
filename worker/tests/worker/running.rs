//! How a run goes and ends: stopped, refused, failing in its middle, in shards, and very long.

use std::sync::atomic::Ordering;

use crate::support::{House, line};
use clippy_core::ErrorCode;
use clippy_core::ids::PointId;
use clippy_core::ledger::LineOutcome;
use clippy_worker::ingest::{RunSettings, ingest};
use tokio_util::sync::CancellationToken;

#[tokio::test]
async fn a_stopped_run_keeps_what_it_did_and_the_next_goes_on() {
    let house = House::with_pictures(60);
    let cancel = CancellationToken::new();
    *house.embedder.cancels.lock() = Some(cancel.clone());
    let report = ingest(
        house.tools(),
        &house.request(),
        &RunSettings::default(),
        &(),
        &cancel,
    )
    .await
    .expect("stopped cleanly");
    let done = report.totals.embedded;
    assert!(!report.complete && (4..60).contains(&done), "{report:?}");
    assert_eq!(
        house.gallery.points.lock().len() as u64,
        done,
        "what was in work is stored"
    );
    assert_eq!(house.ledger.complete(), Some(false));
    let rest = house.ingest().await.expect("goes on");
    assert_eq!(
        (rest.totals.unchanged, rest.totals.embedded),
        (done, 60 - done)
    );
    assert!(rest.complete);
}

#[tokio::test]
async fn the_ledger_never_says_embedded_before_the_collection_does() {
    let house = House::with_pictures(40);
    house.gallery.fails_from.store(3, Ordering::SeqCst);
    let error = house.ingest().await.expect_err("the disk is full");
    assert!(error.message.contains("disk"), "{}", error.message);
    let stored = house.gallery.points.lock().len();
    assert_eq!(stored, 12, "two batches of six");
    let outcomes = house.ledger.outcomes();
    assert_eq!(outcomes.len(), 12);
    for (line, outcome) in outcomes {
        assert_eq!(outcome, LineOutcome::Embedded);
        assert!(
            house
                .gallery
                .points
                .lock()
                .contains_key(&PointId::Number(line + 1)),
            "line {line}"
        );
    }
    assert_eq!(house.ledger.complete(), Some(false));
    assert_eq!(
        house.gallery.upserts.load(Ordering::SeqCst),
        3,
        "nothing is tried after the failure"
    );
    house.gallery.fails_from.store(0, Ordering::SeqCst);
    let rest = house.ingest().await.expect("goes on");
    assert_eq!((rest.totals.unchanged, rest.totals.embedded), (12, 28));
}

#[tokio::test]
async fn an_embedder_that_has_ended_ends_the_run() {
    let house = House::with_pictures(9);
    house.embedder.broken.store(true, Ordering::SeqCst);
    let error = house.ingest().await.expect_err("no model");
    assert_eq!(error.code, ErrorCode::Unavailable);
    assert_eq!(house.ledger.complete(), Some(false));
}

#[tokio::test]
async fn a_busy_embedder_is_waited_for() {
    let house = House::with_pictures(9);
    house.embedder.busy.store(3, Ordering::SeqCst);
    assert_eq!(house.ingest().await.expect("in the end").totals.embedded, 9);
}

#[tokio::test]
async fn shards_cover_everything_once() {
    let house = House::with_pictures(21);
    let mut counts = Vec::new();
    for index in 0..2 {
        let mut request = house.request();
        (request.lines.shard_index, request.lines.shard_count) = (Some(index), Some(2));
        counts.push(
            house
                .ingest_with(&request)
                .await
                .expect("a shard")
                .totals
                .embedded,
        );
    }
    assert_eq!(counts, [11, 10]);
    assert_eq!(house.gallery.points.lock().len(), 21);
    assert_eq!(house.embedded().0, 42);
}

#[tokio::test]
async fn a_long_manifest_is_never_held_whole() {
    const LINES: u64 = 200_000;
    let house = House::new();
    house.manifest(&(0..LINES).map(|id| line(id, "apple")).collect::<Vec<_>>());
    let mut request = house.request();
    request.lines.clip_batch = 32;
    let report = house
        .ingest_with(&request)
        .await
        .expect("all lines fail, none is fatal");
    assert_eq!((report.totals.failed, report.totals.lines), (LINES, LINES));
    let open = house.ledger.most_open.load(Ordering::SeqCst);
    assert!(open <= 1024 + 5 * 32, "{open} lines were held at once");
}

#[tokio::test]
async fn what_can_never_work_is_refused_before_anything_is_done() {
    let house = House::with_pictures(2);
    let refused = async |change: &dyn Fn(&mut clippy_core::bulk::IngestRequest), word: &str| {
        let mut request = house.request();
        change(&mut request);
        let error = house.ingest_with(&request).await.expect_err(word);
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
    *house.gallery.fingerprint.lock() = "another".to_owned();
    assert_eq!(
        house.ingest().await.expect_err("another model").code,
        ErrorCode::Conflict
    );
    assert!(house.ledger.accounts.lock().is_empty());
}
