//! Bulk jobs with a real embedded queue: parts, kills, cancellation, and totals that add up.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::support::timing::short_timing;
use crate::support::{Fixture, line, touch, wait_for_job};
use clippy_core::bulk::{BackfillRequest, IngestRequest, ManifestRequest, ReindexRequest, Which};
use clippy_core::ledger::LedgerTotals;
use clippy_core::search::calibration;
use clippy_jobs::{
    Envelope, Job, JobFilter, JobId, JobKind, JobState, JobStore, Lane, NewJob, Runner,
    RunnerSettings, SqliteJobs, SqliteSettings,
};
use clippy_testing::wait_for;
use clippy_worker::jobs::{BulkSettings, handlers};
use serde::Serialize;
use tokio_util::sync::CancellationToken;

const PARTS: BulkSettings = BulkSettings {
    part_lines: 5,
    most_parts: 3,
    parts_at_once: 2,
};

fn settings() -> RunnerSettings {
    let timing = short_timing();
    RunnerSettings {
        lanes: vec![(Lane::Bulk, 2), (Lane::Control, 1)],
        timing,
        drain: Duration::from_secs(5),
    }
}

async fn store(fixture: &Fixture) -> Arc<SqliteJobs> {
    Arc::new(
        SqliteJobs::open(&fixture.path("jobs.db"), SqliteSettings::default())
            .await
            .expect("opened"),
    )
}

/// A worker that stops in the middle of its work when it is dropped, like a killed process.
struct Worker(Option<tokio::runtime::Runtime>);

impl Worker {
    fn start(fixture: &Fixture) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .expect("one");
        let (file, handlers) = (
            fixture.path("jobs.db"),
            handlers(&fixture.live_tools(), &fixture.folders(), PARTS),
        );
        runtime.spawn(async move {
            let store = Arc::new(
                SqliteJobs::open(&file, SqliteSettings::default())
                    .await
                    .expect("opened"),
            );
            let runner = Runner::new(store, handlers, settings()).expect("good settings");
            runner.run(CancellationToken::new()).await;
        });
        Self(Some(runtime))
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.0.take().expect("running").shutdown_background();
    }
}

async fn submit<R: Serialize>(store: &SqliteJobs, kind: JobKind, request: &R) -> JobId {
    let new = NewJob::new(
        kind,
        Lane::Control,
        Envelope::whole(request).to_payload().expect("JSON"),
    );
    store.create(&new).await.expect("made").job.id
}

async fn wait_until_finished(store: &SqliteJobs, id: JobId) -> Job {
    wait_for_job(store, "the job to end", id, |job| job.state.is_finished()).await
}

fn manifest(fixture: &Fixture) -> ManifestRequest {
    ManifestRequest {
        clip_batch: 2,
        upsert_batch: 2,
        ..ManifestRequest::new(fixture.path("manifest.jsonl"))
    }
}

fn ingest(fixture: &Fixture) -> IngestRequest {
    IngestRequest {
        lines: manifest(fixture),
        no_text: false,
        dry_run: false,
    }
}

fn totals(job: &Job) -> LedgerTotals {
    assert_eq!(job.state, JobState::Succeeded, "{job:?}");
    let totals = serde_json::from_value(job.result.as_ref().expect("a result")["totals"].clone())
        .expect("totals");
    assert!(LedgerTotals::adds_up(&totals), "{totals:?}");
    totals
}

/// Twenty pictures, two duplicates far from their first lines, an empty line, and four lines that
/// fail.
fn with_duplicates_and_failures() -> Fixture {
    let fixture = Fixture::with_pictures(20);
    for id in 1..=20 {
        // The modification time is stored with a point, and two fixtures are compared.
        touch(&fixture.path(&format!("{id}.png")));
    }
    let mut lines: Vec<String> = (1..=20).map(|id| line(id, "apple")).collect();
    lines.insert(3, "no json".to_owned());
    lines.insert(9, line(900, "gone"));
    lines.push(line(1, "apple"));
    lines.push(line(2, "pear"));
    lines.push(String::new());
    lines.push(line(901, "gone"));
    lines.push(line(902, "gone"));
    fixture.manifest(&lines);
    fixture
}

/// Writes jobs straight into the queue, which bypasses the checks of the API.
#[tokio::test]
async fn a_job_cannot_use_files_outside_of_the_workers_folders() {
    let (fixture, elsewhere) = (
        Fixture::with_pictures(3),
        tempfile::tempdir().expect("a folder"),
    );
    std::fs::copy(
        fixture.path("manifest.jsonl"),
        elsewhere.path().join("manifest.jsonl"),
    )
    .expect("copied");
    let precious = elsewhere.path().join("precious.txt");
    std::fs::write(&precious, "precious").expect("written");
    std::os::unix::fs::symlink(&precious, fixture.path("link.txt")).expect("linked");
    std::os::unix::fs::symlink(elsewhere.path(), fixture.path("way-out")).expect("linked");
    let store = store(&fixture).await;
    let _worker = Worker::start(&fixture);
    let with = |change: &dyn Fn(&mut ManifestRequest)| {
        let mut lines = manifest(&fixture);
        change(&mut lines);
        lines
    };
    let outside = |name: &str| elsewhere.path().join(name);
    let planted = [
        (
            "fail_log",
            with(&|lines| lines.fail_log = Some(precious.clone())),
        ),
        (
            "fail_log",
            with(&|lines| lines.fail_log = Some(fixture.path("link.txt"))),
        ),
        (
            "fail_log",
            with(&|lines| lines.fail_log = Some(fixture.path("way-out/new.txt"))),
        ),
        (
            "fail_log",
            with(&|lines| lines.fail_log = Some(fixture.path("manifest.jsonl"))),
        ),
        (
            "fail_log",
            with(&|lines| lines.fail_log = Some(fixture.path("none/../../planted.txt"))),
        ),
        (
            "manifest",
            with(&|lines| lines.manifest = outside("manifest.jsonl")),
        ),
        (
            "manifest",
            with(&|lines| lines.manifest = fixture.path("way-out/manifest.jsonl")),
        ),
        (
            "images_root",
            with(&|lines| lines.images_root = Some(elsewhere.path().to_owned())),
        ),
        ("clip_batch", with(&|lines| lines.clip_batch = u64::MAX)),
    ];
    for (field, lines) in planted {
        let id = submit(
            &store,
            JobKind::Ingest,
            &IngestRequest {
                lines,
                ..ingest(&fixture)
            },
        )
        .await;
        let job = wait_until_finished(&store, id).await;
        assert_eq!(
            (job.state, job.attempt),
            (JobState::Failed, 1),
            "{field}: {job:?}"
        );
        let error = job.error.expect("a reason");
        assert!(
            error.message.contains(field) && !error.retryable,
            "{field}: {error:?}"
        );
    }
    let ids_file = Some(precious.clone());
    let request = BackfillRequest {
        lines: manifest(&fixture),
        which: Which::Edge,
        force_all: false,
        ids_file,
    };
    let id = submit(&store, JobKind::Backfill, &request).await;
    assert!(
        wait_until_finished(&store, id)
            .await
            .error
            .is_some_and(|error| error.message.contains("ids_file"))
    );
    assert_eq!(
        std::fs::read_to_string(&precious).expect("there"),
        "precious"
    );
    let names = std::fs::read_dir(elsewhere.path()).expect("there").count();
    assert!(
        names == 2 && fixture.gallery.points.lock().is_empty(),
        "nothing was written, and nothing stored"
    );
}

#[tokio::test]
async fn an_ingest_in_parts_has_the_same_result_as_a_single_run() {
    let (single, fixture) = (
        with_duplicates_and_failures(),
        with_duplicates_and_failures(),
    );
    let report = single.ingest().await.expect("a single run");
    let store = store(&fixture).await;
    let _worker = Worker::start(&fixture);
    let fail_log = fixture.path("failed.txt");
    let request = IngestRequest {
        lines: ManifestRequest {
            fail_log: Some(fail_log.clone()),
            ..manifest(&fixture)
        },
        ..ingest(&fixture)
    };
    let id = submit(&store, JobKind::Ingest, &request).await;
    let job = wait_until_finished(&store, id).await;

    assert_eq!(totals(&job), report.totals);
    assert!(
        fixture.points_without_times() == single.points_without_times(),
        "the points are not the same"
    );
    let result = job.result.expect("a result");
    assert_eq!(result["parts"], 6, "27 lines, 5 in a part");
    assert_eq!(result["failures"][0]["line"], 3);
    let failed = std::fs::read_to_string(fail_log).expect("written");
    let names: Vec<&str> = failed
        .lines()
        .filter(|line| !line.starts_with('#'))
        .collect();
    assert_eq!(names, ["line 3", "900", "901", "902"]);
    assert!(
        failed.contains("# there is no file 900.png\n900\n"),
        "each is below its reason: {failed}"
    );
    assert_eq!(
        (
            result["reasons"]["failed"][0]["kind"].as_str(),
            &result["reasons"]["failed"][0]["lines"]
        ),
        (Some("no_file"), &3.into())
    );
    let children = job.children.expect("parts");
    assert_eq!((children.total, children.succeeded), (6, 6));
    assert_eq!((job.progress.done, job.progress.total), (27, Some(27)));
    assert_eq!(
        fixture.gallery.optimized.load(Ordering::SeqCst),
        1,
        "once, at the end"
    );
    assert!(
        fixture.gallery.notes.lock().contains_key(calibration::NOTE),
        "its scores can be compared"
    );

    // A second run changes nothing.
    fixture.take_embedded();
    let again = submit(&store, JobKind::Ingest, &ingest(&fixture)).await;
    assert_eq!(
        totals(&wait_until_finished(&store, again).await).unchanged,
        20
    );
    assert_eq!(fixture.take_embedded(), (0, 0));
}

#[tokio::test]
async fn slices_and_shards_cover_the_manifest_once() {
    let fixture = Fixture::with_pictures(23);
    let store = store(&fixture).await;
    let _worker = Worker::start(&fixture);
    let mut lines = 0;
    for index in 0..2 {
        let shard = ManifestRequest {
            start_line: 2,
            max_lines: Some(9),
            shard_index: Some(index),
            shard_count: Some(2),
            ..manifest(&fixture)
        };
        let id = submit(
            &store,
            JobKind::Ingest,
            &IngestRequest {
                lines: shard,
                ..ingest(&fixture)
            },
        )
        .await;
        lines += totals(&wait_until_finished(&store, id).await).embedded;
    }
    assert_eq!(lines, 18);
    let stored: Vec<String> = fixture
        .gallery
        .points
        .lock()
        .keys()
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        stored,
        (3..=20).map(|id| id.to_string()).collect::<Vec<_>>()
    );
}

#[tokio::test]
async fn a_backfill_in_parts_fills_what_is_missing_and_touches_nothing_else() {
    let fixture = Fixture::with_pictures(12);
    fixture.ingest().await.expect("ingested");
    let whole = fixture.gallery.points.lock().clone();
    for (id, point) in fixture.gallery.points.lock().iter_mut() {
        point
            .payload
            .insert("note".to_owned(), id.to_string().into());
        if [2, 7, 11].map(Into::into).contains(id) {
            point.vectors.edge = None;
            point.vectors.text = None;
        }
    }
    fixture.take_embedded();
    let ids = fixture.path("ids.txt");
    std::fs::write(&ids, "2\n11\n3\n").expect("written");
    let store = store(&fixture).await;
    let _worker = Worker::start(&fixture);
    let request = |ids_file| BackfillRequest {
        lines: manifest(&fixture),
        which: Which::Edge,
        force_all: false,
        ids_file,
    };

    let listed = submit(&store, JobKind::Backfill, &request(Some(ids))).await;
    let listed = totals(&wait_until_finished(&store, listed).await);
    assert_eq!(
        (
            listed.lines,
            listed.embedded,
            listed.unchanged,
            listed.skipped
        ),
        (12, 2, 1, 9)
    );
    let rest = submit(&store, JobKind::Backfill, &request(None)).await;
    assert_eq!(totals(&wait_until_finished(&store, rest).await).embedded, 1);
    assert_eq!(
        fixture.take_embedded(),
        (3, 0),
        "three edge maps and no text"
    );
    let points = fixture.gallery.points.lock();
    for (id, point) in points.iter() {
        assert_eq!(point.vectors.edge, whole[id].vectors.edge, "{id}");
        assert_eq!(point.payload["note"], id.to_string());
    }
    assert_eq!(points[&7.into()].vectors.text, None, "not asked for");
}

#[tokio::test]
async fn workers_that_are_killed_lose_nothing_and_the_account_adds_up() {
    let fixture = Fixture::with_pictures(40);
    let store = store(&fixture).await;
    let id = submit(&store, JobKind::Ingest, &ingest(&fixture)).await;
    for done in [5, 15, 25] {
        let worker = Worker::start(&fixture);
        wait_for_job(&store, "some progress", id, |job| {
            job.progress.done >= done || job.state.is_finished()
        })
        .await;
        drop(worker);
    }
    let _worker = Worker::start(&fixture);
    let mut job = wait_until_finished(&store, id).await;
    // A part that was killed twice without progress fails, and is retried here.
    let given_up = "ended its worker process twice";
    while job.state == JobState::Failed
        && job
            .error
            .as_ref()
            .is_some_and(|error| error.message.contains(given_up))
    {
        store.retry(id).await.expect("retried");
        job = wait_until_finished(&store, id).await;
    }
    let totals = totals(&job);
    assert_eq!(
        (
            totals.lines,
            totals.embedded + totals.unchanged,
            totals.failed
        ),
        (40, 40, 0)
    );
    assert_eq!(fixture.gallery.points.lock().len(), 40);
    // Three kills, two parts at a time: only the work in progress may have been repeated.
    let (pictures, _) = fixture.take_embedded();
    assert!(
        (80..=80 + 3 * 2 * 5 * 2).contains(&pictures),
        "{pictures} embeddings for 40 pictures and their edges"
    );
}

#[tokio::test]
async fn cancelling_a_job_cancels_all_its_parts() {
    let fixture = Fixture::with_pictures(60);
    fixture.embedder.busy.store(usize::MAX, Ordering::SeqCst);
    let store = store(&fixture).await;
    let _worker = Worker::start(&fixture);
    let id = submit(&store, JobKind::Ingest, &ingest(&fixture)).await;
    wait_for_job(&store, "parts", id, |job| {
        job.children.is_some_and(|children| children.total > 0)
    })
    .await;
    store.cancel(id).await.expect("running");
    let job = wait_until_finished(&store, id).await;
    assert_eq!(job.state, JobState::Cancelled);
    let filter = JobFilter {
        parent: Some(id),
        limit: 500,
        ..JobFilter::default()
    };
    wait_for("the parts to be cancelled", || async {
        let parts = store.list(&filter).await.expect("listed").jobs;
        let are_cancelled = parts.iter().all(|part| part.state == JobState::Cancelled);
        are_cancelled.then_some(()).ok_or(parts)
    })
    .await;
    assert_eq!(fixture.gallery.points.lock().len(), 0);
}

#[tokio::test]
async fn an_impossible_job_fails_at_once_with_a_reason() {
    let fixture = Fixture::with_pictures(3);
    let store = store(&fixture).await;
    let _worker = Worker::start(&fixture);
    let missing = ManifestRequest::new(fixture.path("none.jsonl"));
    let no_ids = BackfillRequest {
        lines: manifest(&fixture),
        which: Which::All,
        force_all: false,
        ids_file: Some(fixture.path("none.txt")),
    };
    let ids = [
        (
            submit(
                &store,
                JobKind::Ingest,
                &IngestRequest {
                    lines: missing,
                    ..ingest(&fixture)
                },
            )
            .await,
            "none.jsonl",
        ),
        (submit(&store, JobKind::Backfill, &no_ids).await, "none.txt"),
        (
            submit(&store, JobKind::Ingest, &"nonsense").await,
            "cannot be understood",
        ),
        (
            submit(&store, JobKind::Reindex, &ReindexRequest::default()).await,
            "This worker cannot run",
        ),
    ];
    for (id, word) in ids {
        let job = wait_until_finished(&store, id).await;
        assert_eq!((job.state, job.attempt), (JobState::Failed, 1), "{job:?}");
        let error = job.error.expect("a reason");
        assert!(error.message.contains(word), "{}", error.message);
    }
    std::fs::write(fixture.path("empty.jsonl"), "").expect("written");
    let lines = ManifestRequest::new(fixture.path("empty.jsonl"));
    let empty = submit(
        &store,
        JobKind::Ingest,
        &IngestRequest {
            lines,
            ..ingest(&fixture)
        },
    )
    .await;
    assert_eq!(totals(&wait_until_finished(&store, empty).await).lines, 0);
}

#[tokio::test]
async fn a_job_in_which_no_line_succeeded_fails_with_the_reasons() {
    let fixture = Fixture::new();
    fixture.manifest(&(1..=12).map(|id| line(id, "gone")).collect::<Vec<_>>());
    let store = store(&fixture).await;
    let _worker = Worker::start(&fixture);
    let fail_log = fixture.path("failed.txt");
    let lines = ManifestRequest {
        fail_log: Some(fail_log.clone()),
        ..manifest(&fixture)
    };
    let id = submit(
        &store,
        JobKind::Ingest,
        &IngestRequest {
            lines,
            ..ingest(&fixture)
        },
    )
    .await;
    let job = wait_until_finished(&store, id).await;
    assert_eq!(job.state, JobState::Failed, "{job:?}");
    let message = job.error.expect("a reason").message;
    for word in [
        "none of the manifest's 12 lines",
        "12 ×",
        "no file 1.png",
        "--images-root",
    ] {
        assert!(message.contains(word), "{word}: {message}");
    }
    assert_eq!(
        std::fs::read_to_string(fail_log)
            .expect("written")
            .lines()
            .count(),
        24
    );
    // The same for a backfill of pictures that were never ingested.
    let request = BackfillRequest {
        lines: manifest(&fixture),
        which: Which::All,
        force_all: false,
        ids_file: None,
    };
    let id = submit(&store, JobKind::Backfill, &request).await;
    let message = wait_until_finished(&store, id)
        .await
        .error
        .expect("a reason")
        .message;
    assert!(message.contains("ingest it first"), "{message}");
}

#[tokio::test]
async fn a_job_reads_a_compressed_manifest_in_parts() {
    let fixture = Fixture::with_pictures(12);
    let text = std::fs::read(fixture.path("manifest.jsonl")).expect("there");
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut encoder, &text).expect("in memory");
    std::fs::write(
        fixture.path("manifest.jsonl"),
        encoder.finish().expect("in memory"),
    )
    .expect("written");
    let store = store(&fixture).await;
    let _worker = Worker::start(&fixture);
    let id = submit(&store, JobKind::Ingest, &ingest(&fixture)).await;
    assert_eq!(totals(&wait_until_finished(&store, id).await).embedded, 12);
}

#[tokio::test]
async fn a_job_waits_for_an_unavailable_server_and_logs_it() {
    let fixture = Fixture::with_pictures(6);
    // More failures than a job has attempts.
    fixture.gallery.fail_upserts(1, 4);
    let store = store(&fixture).await;
    let _worker = Worker::start(&fixture);
    let id = submit(&store, JobKind::Ingest, &ingest(&fixture)).await;
    let job = wait_until_finished(&store, id).await;
    assert_eq!(totals(&job).embedded, 6);
    let filter = JobFilter {
        parent: Some(id),
        limit: 500,
        ..JobFilter::default()
    };
    let parts = store.list(&filter).await.expect("listed").jobs;
    assert!(
        parts.iter().all(|part| part.attempt == 1),
        "an outage does not count as an attempt: {parts:?}"
    );
    let mut logged = false;
    for part in parts {
        let events = store
            .events_after(part.id, None, 100)
            .await
            .expect("kept")
            .events;
        logged |= events
            .iter()
            .any(|event| event.data.to_string().contains("waiting"));
    }
    assert!(logged, "the part's log says what it waits for");
}

#[tokio::test]
async fn a_manifest_that_changes_during_a_job_is_refused_and_a_new_job_does_the_rest() {
    let fixture = Fixture::with_pictures(12);
    let store = store(&fixture).await;
    let fail_log = fixture.path("failed.txt");
    let lines = ManifestRequest {
        fail_log: Some(fail_log.clone()),
        ..manifest(&fixture)
    };
    let request = IngestRequest {
        lines,
        ..ingest(&fixture)
    };
    let id = submit(&store, JobKind::Ingest, &request).await;
    // The job is planned, but its parts do not run, since the bulk lane is paused.
    store.pause(Lane::Bulk, true).await.expect("paused");
    let _worker = Worker::start(&fixture);
    wait_for_job(&store, "all parts", id, |job| {
        job.state == JobState::Waiting
    })
    .await;
    fixture.manifest(
        &(1..=12)
            .rev()
            .map(|id| line(id, "another tag"))
            .collect::<Vec<_>>(),
    );
    store.pause(Lane::Bulk, false).await.expect("resumed");
    let job = wait_until_finished(&store, id).await;
    assert_eq!(job.state, JobState::Failed);
    let error = job.error.expect("a reason");
    assert!(
        error.message.contains("was changed") && error.message.contains("3 of 3 parts"),
        "{}",
        error.message
    );
    assert!(fail_log.exists(), "written although parts failed");
    let again = submit(&store, JobKind::Ingest, &ingest(&fixture)).await;
    assert_eq!(
        totals(&wait_until_finished(&store, again).await).embedded,
        12
    );
}
