//! The history with its files: older data folders, retention, and files that something still needs.

use std::sync::Arc;
use std::time::Duration;

use clippy_core::ErrorCode;
use clippy_core::embedding::Embedder as _;
use clippy_core::gallery::{Payload, Point, Vectors};
use clippy_core::history::{HistoryEntry, HistoryFilter};
use clippy_generate::{
    GenerateRequest, GeneratedImage, Intake, Lineage, LineageReference, Output, Outputs,
    ReferenceOrigin, Role, data_url, gallery_id, stored_inputs,
};
use clippy_history::{HistoryKeeper, MadeFacts};
use clippy_imaging::{Encoding, RgbImage, encode};
use clippy_jobs::{
    Claim, Envelope, Job, JobFailure, JobId, JobKind, JobStore, Lane, NewJob, Outcome, RunStore,
    SqliteJobs, SqliteSettings,
};
use clippy_testing::{FakeEmbedder, MemoryGallery, MemoryHistory, made_entry};

struct Fixture {
    keeper: HistoryKeeper,
    jobs: Arc<SqliteJobs>,
    gallery: Arc<MemoryGallery>,
    _folder: tempfile::TempDir,
}

impl Fixture {
    async fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let jobs = SqliteJobs::in_memory(SqliteSettings::default()).await;
        let jobs = Arc::new(jobs.expect("opened"));
        let gallery = Arc::new(MemoryGallery::new(FakeEmbedder::new(8).info()));
        let keeper = HistoryKeeper {
            history: Arc::new(MemoryHistory::default()),
            outputs: Outputs::open(folder.path().join("outputs")).expect("opened"),
            intake: Intake::open(folder.path().join("inputs")).expect("opened"),
            jobs: Arc::clone(&jobs) as _,
            gallery: Arc::clone(&gallery) as _,
            in_flight: Duration::ZERO,
        };
        Self {
            keeper,
            jobs,
            gallery,
            _folder: folder,
        }
    }

    /// Stores a picture as a worker does before it records it.
    async fn store(&self, job: Option<&str>, index: u32, words: &str) -> Output {
        let shade = words.len() as u8;
        let image = GeneratedImage {
            bytes: picture(shade).into(),
            media_type: "image/png".to_owned(),
            width: 8,
            height: 6,
            seed: Some(9),
        };
        let made_from = lineage(job, index, words);
        let kept = self.keeper.outputs.keep(&image, &made_from);
        kept.await.expect("stored")
    }

    async fn job(&self, request: GenerateRequest) -> Job {
        let request = self.keeper.intake.take(request).await.expect("taken");
        let payload = Envelope::whole(&request).to_payload().expect("JSON");
        let new = NewJob::new(JobKind::Generate, Lane::Interactive, payload).owner("ann");
        self.jobs.create(&new).await.expect("created").job
    }

    async fn end(&self, job: &Job) {
        let claimed = self.jobs.claim(job.id, "worker", Duration::from_secs(60));
        let Claim::Run(claimed) = claimed.await.expect("claimed") else {
            panic!("not to be had");
        };
        let failure = JobFailure {
            code: ErrorCode::Internal,
            message: "the gallery did not answer".to_owned(),
            retryable: false,
        };
        let outcome = Outcome::Failed(failure);
        let finished = self.jobs.finish(claimed.key, &outcome);
        finished.await.expect("finished");
    }

    async fn entries(&self) -> Vec<HistoryEntry> {
        let all = HistoryFilter {
            limit: 100,
            ..HistoryFilter::default()
        };
        let listed = self.keeper.history.list(&all).await.expect("listed");
        listed.into_iter().map(|one| one.entry).collect()
    }

    fn has(&self, output: &Output) -> bool {
        self.keeper.outputs.path_of(output).exists()
    }
}

fn picture(shade: u8) -> Vec<u8> {
    let pixels = RgbImage::from_pixel(8, 6, [shade; 3].into());
    encode(&pixels, Encoding::Png).expect("a picture")
}

fn lineage(job: Option<&str>, index: u32, words: &str) -> Lineage {
    Lineage {
        job: job.map(str::to_owned),
        index,
        provider: "local".to_owned(),
        model: None,
        seed: Some(9),
        mode: "style".to_owned(),
        prompt: words.to_owned(),
        constructed_prompt: format!("paint {words}"),
        style_tags: vec!["pixel_art".to_owned()],
        sketch_sha256: None,
        query: None,
        references: vec![LineageReference {
            role: Role::Style,
            weight: 0.5,
            origin: ReferenceOrigin {
                id: Some(7.into()),
                source_url: None,
                licence: None,
                sha256: "aa".to_owned(),
            },
        }],
        software: "clippy/0".to_owned(),
    }
}

fn uploads(shade: u8) -> GenerateRequest {
    GenerateRequest {
        prompt: Some("from its job".to_owned()),
        sketch: Some(data_url("image/png", &picture(shade))),
        ..GenerateRequest::default()
    }
}

#[tokio::test]
async fn pictures_of_older_folders_are_found_once_and_deleted_ones_stay_away() {
    let fixture = Fixture::new().await;
    let keeper = &fixture.keeper;
    assert_eq!(keeper.import_older().await.expect("no list"), 0);
    let gone = JobId::generate().to_string();
    fixture.store(Some(&gone), 0, "an apple").await;
    fixture.store(Some(&gone), 1, "an apple").await;
    let alone = fixture.store(None, 0, "a boat").await;
    let lost = fixture.store(None, 0, "its file is gone").await;
    std::fs::remove_file(keeper.outputs.path_of(&lost)).expect("removed");
    keeper.import_older().await.expect("imported");
    let entries = fixture.entries().await;
    assert_eq!(entries.len(), 2, "{entries:?}");
    let of = |id: &str| entries.iter().find(|entry| entry.id == id).expect("there");
    let (apple, boat) = (of(&gone), of(&alone.sha256));
    assert_eq!(
        (apple.id.as_str(), apple.pictures.len()),
        (gone.as_str(), 2)
    );
    assert!(apple.at > 1_700_000_000_000, "from the id of its job");
    assert_eq!(boat.id, alone.sha256);
    assert!(boat.at > 1_700_000_000_000, "from its file");
    assert_eq!(apple.owner, None);
    assert_eq!(
        (apple.words.as_str(), apple.pictures[0].seed),
        ("an apple", Some(9))
    );
    assert_eq!(apple.references, [7.into()]);
    let facts = MadeFacts::of(apple).expect("facts");
    assert!(!facts.complete && facts.receipt.is_none());
    assert_eq!(facts.request.refs[0].weight, Some(0.5));

    assert!(keeper.remove(&gone, Some(0)).await.expect("removed"));
    assert!(keeper.remove(&alone.sha256, None).await.expect("removed"));
    assert!(!fixture.has(&alone));
    // Even if the whole list is read again.
    keeper.history.import(&[], 0).await.expect("forgotten");
    keeper.import_older().await.expect("imported");
    let entries = fixture.entries().await;
    let [apple] = entries.as_slice() else {
        panic!("{entries:?}");
    };
    assert_eq!(apple.pictures.len(), 1);
    fixture.store(None, 0, "a newer one").await;
    assert_eq!(keeper.import_older().await.expect("imported"), 1);
    assert_eq!(fixture.entries().await.len(), 2);
}

#[tokio::test]
async fn a_picture_is_imported_only_after_its_job_has_ended_with_what_the_job_still_has() {
    let fixture = Fixture::new().await;
    let keeper = &fixture.keeper;
    let job = fixture.job(uploads(3)).await;
    fixture.store(Some(&job.id.to_string()), 0, "kept").await;
    fixture.store(None, 0, "after it").await;
    keeper.import_older().await.expect("imported");
    assert!(
        fixture.entries().await.is_empty(),
        "its worker may record it"
    );
    fixture.end(&job).await;
    keeper.import_older().await.expect("imported");
    let entries = fixture.entries().await;
    assert_eq!(entries.len(), 2);
    let id = job.id.to_string();
    let entry = entries.iter().find(|entry| entry.id == id).expect("there");
    assert_eq!(entry.owner.as_deref(), Some("ann"));
    assert_eq!(entry.words, "from its job");
    assert_eq!(entry.inputs.len(), 1, "its sketch");
    assert!(MadeFacts::of(entry).expect("facts").complete);
}

#[tokio::test]
async fn retention_spares_favourites_and_files_that_something_needs() {
    let fixture = Fixture::new().await;
    let keeper = &fixture.keeper;
    let failed = fixture.job(uploads(3)).await;
    fixture.end(&failed).await;
    let taken = keeper.intake.take(uploads(3)).await.expect("taken");
    let sketch = stored_inputs(&taken).remove(0);
    let shared = fixture.store(None, 0, "in the gallery").await;
    let plain = fixture.store(None, 0, "plain").await;
    let dear = fixture.store(None, 0, "dear").await;
    keeper.import_older().await.expect("imported");
    for mut entry in fixture.entries().await {
        // As if it had been made from that sketch.
        entry.inputs = made_entry("x", 0).inputs;
        entry.inputs.truncate(1);
        entry.inputs[0].sha256.clone_from(&sketch);
        entry.at = 0;
        keeper.history.record(&entry).await.expect("recorded");
    }
    let marked = keeper.history.set_favourite(&dear.sha256, None, true).await;
    assert!(marked.expect("marked"));
    let point = Point {
        id: gallery_id(&shared.sha256).expect("an id"),
        vectors: Vectors::default(),
        payload: Payload::default(),
    };
    fixture.gallery.points.lock().insert(point.id, point);

    let century = Duration::from_secs(100 * 365 * 86_400);
    assert_eq!(keeper.expire(century).await.expect("expired"), 0);
    let day = Duration::from_secs(86_400);
    assert_eq!(keeper.expire(day).await.expect("expired"), 2);
    let left = fixture.entries().await;
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].id, dear.sha256);
    assert!(fixture.has(&dear) && fixture.has(&shared) && !fixture.has(&plain));

    assert!(keeper.remove(&dear.sha256, None).await.expect("removed"));
    let there = keeper.intake.size_of(&sketch).await;
    assert!(there.is_some(), "the failed job can be retried");
    fixture.jobs.retry(failed.id).await.expect("retried");
    assert_eq!(keeper.sweep().await.expect("swept"), 0, "it waits");
    let claimed = fixture.jobs.claim(failed.id, "worker", day).await;
    let Claim::Run(claimed) = claimed.expect("claimed") else {
        panic!("not to be had");
    };
    let done = Outcome::Succeeded {
        result: serde_json::json!({}),
        receipt: None,
    };
    fixture
        .jobs
        .finish(claimed.key, &done)
        .await
        .expect("finished");
    assert_eq!(keeper.sweep().await.expect("swept"), 1);
    assert_eq!(keeper.intake.size_of(&sketch).await, None);
    keeper.history.import(&[], 0).await.expect("forgotten");
    keeper.import_older().await.expect("imported");
    assert!(fixture.entries().await.is_empty(), "nothing comes back");
}
