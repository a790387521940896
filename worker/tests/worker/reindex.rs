//! `reindex` jobs with real collections and a real embedded queue: models of different dimensions,
//! concurrent writes, missing pictures, kills, and rollback.

mod changes;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::support::timing::short_timing;
use crate::support::{Fixture, line, wait_for_job};
use async_trait::async_trait;
use clippy_core::bulk::{IngestRequest, ManifestRequest, ReindexRequest};
use clippy_core::collections::{Collections, ModelSource, Models, Role};
use clippy_core::embedding::{EmbedInput, Embedder, Embeddings, ModelInfo};
use clippy_core::folders::Folders;
use clippy_core::gallery::{Filter, Point, STYLE_GROUP_FIELD, With};
use clippy_core::ids::PointId;
use clippy_core::live::{Live, LiveGallery, LivePair};
use clippy_core::preferences::PreferenceRule;
use clippy_core::recent::{RecentQueries, RecentQuery};
use clippy_core::search::calibration;
use clippy_core::search::weights::Weights;
use clippy_core::styles::{self, StyleVectors, check_search};
use clippy_core::{Error, Result};
use clippy_gallery::{
    EdgeCollections, EdgeCollectionsOptions, EmbeddedState, GalleryPictures, PictureFiles,
    PictureOptions,
};
use clippy_jobs::{
    Envelope, Job, JobId, JobKind, JobState, JobStore, Lane, NewJob, Runner, RunnerSettings,
    SqliteJobs, SqliteSettings,
};
use clippy_search::{MakeSearcher, SearchQuery, Searcher, SearcherOptions};
use clippy_testing::{FakeEmbedder, MemoryRecent};
use clippy_worker::ingest::{IngestReport, LiveTools, MARK_FIELD, RunSettings, ingest};
use clippy_worker::jobs::{BulkSettings, ReindexJob, ReindexTools, handlers};
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

const PARTS: BulkSettings = BulkSettings {
    part_lines: 5,
    most_parts: 3,
    parts_at_once: 2,
};
const OLD: usize = 8;
const NEW: usize = 12;
/// The model that gives statistics instead of style vectors.
const WHITENED: usize = 16;

/// How many words may name a style.
const STYLE_WORDS: usize = 36;

/// The fake embedder, which embeds only as many inputs as the semaphore has permits.
struct GatedEmbedder {
    fake: FakeEmbedder,
    gate: Arc<Semaphore>,
    inputs: Arc<AtomicUsize>,
}

#[async_trait]
impl Embedder for GatedEmbedder {
    fn info(&self) -> &Arc<ModelInfo> {
        self.fake.info()
    }

    async fn embed(&self, inputs: Vec<EmbedInput>) -> Result<Embeddings> {
        let turn = self.gate.acquire_many(inputs.len() as u32).await;
        turn.map_err(|error| Error::internal("closed").with_source(error))?
            .forget();
        self.inputs.fetch_add(inputs.len(), Ordering::SeqCst);
        self.fake.embed(inputs).await
    }
}

/// Models whose names are the lengths of their vectors.
struct FakeModels {
    gate: Arc<Semaphore>,
    inputs: Arc<AtomicUsize>,
}

#[async_trait]
impl Models for FakeModels {
    fn configured(&self) -> ModelSource {
        source(OLD)
    }

    async fn load(&self, source: &ModelSource) -> Result<Arc<dyn Embedder>> {
        let dimension = source.model.as_deref().and_then(|model| model.parse().ok());
        let dimension =
            dimension.ok_or_else(|| Error::invalid(format!("no model is called {source:?}")))?;
        let (gate, inputs) = (Arc::clone(&self.gate), Arc::clone(&self.inputs));
        let fake = FakeEmbedder::new(dimension);
        Ok(Arc::new(GatedEmbedder {
            fake: match dimension {
                WHITENED => fake.with_style("statistics-of-the-fake"),
                _ => fake,
            },
            gate,
            inputs,
        }))
    }
}

fn source(dimension: usize) -> ModelSource {
    ModelSource {
        model: Some(dimension.to_string()),
        pretrained: None,
    }
}

/// An opened data folder with its collections and its queue.
struct Process {
    live: Arc<LivePair>,
    collections: Arc<EdgeCollections>,
    jobs: Arc<SqliteJobs>,
    recent: Arc<MemoryRecent>,
    tools: LiveTools,
    reindex: ReindexTools,
    gate: Arc<Semaphore>,
    inputs: Arc<AtomicUsize>,
}

impl Process {
    async fn open(data: &Path, dimension: usize) -> Self {
        let (gate, inputs) = (Arc::new(Semaphore::new(0)), Arc::new(AtomicUsize::new(0)));
        let models = Arc::new(FakeModels {
            gate: Arc::clone(&gate),
            inputs: Arc::clone(&inputs),
        });
        let embedder: Arc<dyn Embedder> = Arc::new(FakeEmbedder::new(dimension));
        let options = EdgeCollectionsOptions {
            data: data.to_owned(),
            name: "clippy".to_owned(),
            source: source(dimension),
            indexing_threshold_kb: None,
        };
        let (collections, gallery) = EdgeCollections::open(options, embedder.info())
            .await
            .expect("opened");
        let collections = Arc::new(collections);
        let name = collections.live().await.expect("known").name;
        let live = LivePair::new(Live {
            name,
            embedder,
            gallery,
        });
        let state = EmbeddedState::open(&data.join("clippy.db"), PreferenceRule::default())
            .await
            .expect("a database");
        let state = Arc::new(state);
        let files =
            PictureFiles::new(PictureOptions::new(data.join("thumbnails"))).expect("a folder");
        let pictures = GalleryPictures::new(Arc::new(LiveGallery::new(Arc::clone(&live))), files);
        let jobs = SqliteJobs::open(&data.join("jobs.db"), SqliteSettings::default())
            .await
            .expect("a queue");
        let recent = Arc::new(MemoryRecent::default());
        let taste = Arc::clone(&state);
        let searcher: MakeSearcher = Arc::new(move |live: &Live| {
            let options = SearcherOptions {
                hnsw_ef: 128,
                rule: PreferenceRule::default(),
                limits: clippy_imaging::DecodeLimits::default(),
            };
            Searcher::new(
                Arc::clone(&live.embedder),
                Arc::clone(&live.gallery),
                Arc::clone(&taste) as _,
                options,
            )
        });
        let reindex = ReindexTools {
            live: Arc::clone(&live),
            collections: Arc::clone(&collections) as _,
            models,
            pictures: Arc::new(pictures),
            recent: Arc::clone(&recent) as _,
            searcher,
        };
        let tools = LiveTools {
            live: Arc::clone(&live),
            trash: Arc::new(state.trash("pictures")),
            maps: Arc::new(state.maps("pictures")),
            ledger: state,
        };
        Self {
            live,
            collections,
            jobs: Arc::new(jobs),
            recent,
            tools,
            reindex,
            gate,
            inputs,
        }
    }

    /// Starts a worker. When it is dropped, its runs stop in the middle of their work.
    fn worker(&self) -> Worker {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .expect("one");
        let handlers = handlers(
            &self.tools,
            &Folders::new(None, Some(std::env::temp_dir())),
            PARTS,
        )
        .with(ReindexJob::new(self.reindex.clone(), PARTS));
        let jobs = Arc::clone(&self.jobs);
        runtime.spawn(async move {
            let timing = short_timing();
            let lanes = vec![(Lane::Bulk, 2), (Lane::Control, 2)];
            let settings = RunnerSettings {
                lanes,
                timing,
                drain: Duration::from_secs(5),
            };
            Runner::new(jobs, handlers, settings)
                .expect("good settings")
                .run(CancellationToken::new())
                .await;
        });
        Worker(Some(runtime))
    }

    async fn ingest(&self, fixture: &Fixture) -> IngestReport {
        let (request, stop) = (fixture.request(), CancellationToken::new());
        let settings = RunSettings::default();
        ingest(self.tools.now(), &request, &settings, &(), &stop)
            .await
            .expect("ingested")
    }

    fn open_gate(&self) {
        self.gate.add_permits(1_000_000);
    }

    async fn submit(&self, kind: JobKind, request: &impl serde::Serialize) -> JobId {
        let new = NewJob::new(
            kind,
            Lane::Control,
            Envelope::whole(request).to_payload().expect("JSON"),
        );
        self.jobs.create(&new).await.expect("made").job.id
    }

    async fn wait(&self, what: &str, id: JobId, good: impl Fn(&Job) -> bool) -> Job {
        wait_for_job(&self.jobs, what, id, good).await
    }

    async fn result(&self, id: JobId) -> Value {
        let job = self
            .wait("the job to end", id, |job| job.state.is_finished())
            .await;
        assert_eq!(job.state, JobState::Succeeded, "{job:?}");
        job.result.expect("a result")
    }

    /// As [`Process::result`], for tests that kill workers: a part that was killed twice without
    /// progress fails, and is retried here.
    async fn result_after_kills(&self, id: JobId) -> Value {
        loop {
            let job = self
                .wait("the job to end", id, |job| job.state.is_finished())
                .await;
            if job.state == JobState::Succeeded {
                return job.result.expect("a result");
            }
            let given_up = job
                .error
                .as_ref()
                .is_some_and(|error| error.message.contains("ended its worker process twice"));
            assert!(given_up, "{job:?}");
            self.jobs.retry(id).await.expect("asked for again");
        }
    }

    async fn failure(&self, id: JobId) -> String {
        let job = self
            .wait("the job to end", id, |job| job.state.is_finished())
            .await;
        assert_eq!(job.state, JobState::Failed, "{job:?}");
        job.error.expect("a reason").message
    }

    async fn points(&self) -> BTreeMap<PointId, Point> {
        let page = self
            .live
            .now()
            .gallery
            .scroll(&Filter::default(), None, 10_000, With::ALL)
            .await
            .expect("read");
        page.points
            .into_iter()
            .map(|point| (point.id, point))
            .collect()
    }

    async fn roles(&self) -> Vec<(String, Role)> {
        self.collections
            .list()
            .await
            .expect("listed")
            .into_iter()
            .map(|one| (one.name, one.role))
            .collect()
    }
}

struct Worker(Option<tokio::runtime::Runtime>);

impl Drop for Worker {
    fn drop(&mut self) {
        self.0.take().expect("running").shutdown_background();
    }
}

fn to_new() -> ReindexRequest {
    ReindexRequest {
        model: Some(NEW.to_string()),
        ..ReindexRequest::default()
    }
}

/// Returns pictures 1 to `count`, and a data folder in which the old model has ingested them.
async fn process_with_pictures(count: u64) -> (Fixture, Process) {
    let fixture = Fixture::with_pictures(count);
    let process = Process::open(&fixture.path("data"), OLD).await;
    process.ingest(&fixture).await;
    (fixture, process)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reindex_embeds_every_picture_with_the_new_model_compares_and_switches() {
    let (fixture, process) = process_with_pictures(23).await;
    let before = process.points().await;
    for (text, like) in [
        (Some("apple".to_owned()), vec![]),
        (None, vec![PointId::Number(3)]),
    ] {
        process.recent.record(RecentQuery {
            text,
            negative_text: None,
            like,
            weights: Weights::default(),
        });
    }
    process.open_gate();
    let _worker = process.worker();
    let id = process.submit(JobKind::Reindex, &to_new()).await;
    let result = process.result(id).await;

    assert_eq!(
        (&result["live"], &result["previous"]),
        (&json!("clippy@fake-1"), &json!("clippy"))
    );
    assert_eq!(
        (&result["totals"]["lines"], &result["totals"]["embedded"]),
        (&json!(23), &json!(23)),
        "{result}"
    );
    assert_eq!(result["parts"], 5, "{result}");
    let comparison = &result["comparison"];
    assert_eq!(
        (&comparison["recent"], &comparison["pictures"]),
        (&json!(2), &json!(23)),
        "{comparison}"
    );
    // All 23 pictures fit on a page of 24, whatever the model. A like leaves out its own picture.
    assert_eq!(comparison["overlap"], 1.0, "{comparison}");
    // The settings still name the old model, so there is a note about the next start.
    assert!(
        result["settings"]
            .as_str()
            .expect("a note")
            .contains(&format!("MODEL_NAME={NEW}")),
        "{result}"
    );

    let live = process.live.now();
    assert_eq!(
        (live.name.as_str(), live.embedder.info().dimension),
        ("clippy@fake-1", NEW)
    );
    let info = live.gallery.info().await.expect("known");
    assert_eq!(
        (info.dimension, info.points, info.roots.len()),
        (NEW, 23, 1)
    );
    let calibration = live
        .gallery
        .note(calibration::NOTE)
        .await
        .expect("read")
        .expect("the new scores are calibrated");
    assert_eq!(calibration["fingerprint"], format!("fake-{NEW}"));
    for (id, point) in process.points().await {
        assert!(
            point
                .vectors
                .iter()
                .all(|(_, vector)| vector.as_ref().is_some_and(|vector| vector.len() == NEW))
        );
        let old = &before[&id];
        let without_mark = |point: &Point| {
            let mut payload = point.payload.clone();
            payload.remove(MARK_FIELD);
            // Styles are found in the new collection after it is filled.
            payload.remove(STYLE_GROUP_FIELD);
            payload
        };
        assert_eq!(
            without_mark(&point),
            without_mark(old),
            "the payload is copied"
        );
        assert_eq!(point.payload[MARK_FIELD]["model"], format!("fake-{NEW}"));
        assert_eq!(
            point.payload[MARK_FIELD]["mtime_ns"],
            old.payload[MARK_FIELD]["mtime_ns"]
        );
    }
    // An ingest of the same manifest then has nothing to do, but a second re-index by the same
    // model embeds everything again.
    process.inputs.store(0, Ordering::SeqCst);
    let lines = ManifestRequest::new(fixture.path("manifest.jsonl"));
    let again = process
        .submit(
            JobKind::Ingest,
            &IngestRequest {
                lines,
                no_text: false,
                dry_run: false,
            },
        )
        .await;
    assert_eq!(process.result(again).await["totals"]["unchanged"], 23);
    assert_eq!(process.inputs.load(Ordering::SeqCst), 0);
    let same = process
        .submit(JobKind::Reindex, &ReindexRequest::default())
        .await;
    let result = process.result(same).await;
    assert_eq!(
        (&result["live"], &result["settings"]),
        (&json!("clippy@fake-2"), &result["settings"])
    );
    assert_eq!(result["totals"]["embedded"], 23);
    assert_eq!(
        process.roles().await,
        [
            ("clippy@fake-2".to_owned(), Role::Live),
            ("clippy@fake-1".to_owned(), Role::Previous)
        ],
        "only one previous collection is kept"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writes_during_a_reindex_are_in_the_new_collection() {
    let (fixture, process) = process_with_pictures(20).await;
    // Permits for the inputs of two parts only.
    process.gate.add_permits(2 * 5 * 3);
    let _worker = process.worker();
    let id = process.submit(JobKind::Reindex, &to_new()).await;
    let twelve = || process.inputs.load(Ordering::SeqCst) >= 12;
    process.wait("some of it", id, |_| twelve()).await;

    // Pictures are added, changed, deleted and get a field; some of them are copied already, others
    // not yet.
    let old = process.live.now();
    for id in 21..=24_u64 {
        fixture.picture(&format!("{id}.png"), id as u8);
    }
    fixture.picture("2.png", 200);
    fixture.picture("19.png", 201);
    let mut lines: Vec<String> = (21..=24).map(|id| line(id, "pear")).collect();
    lines.extend([line(2, "apple"), line(19, "plum")]);
    fixture.manifest(&lines);
    let written = process.ingest(&fixture).await;
    assert_eq!(written.totals.embedded, 6);
    old.gallery
        .delete(&[PointId::Number(1), PointId::Number(20), PointId::Number(24)])
        .await
        .expect("deleted");
    let note = json!({"note": "kept"})
        .as_object()
        .cloned()
        .expect("fields");
    old.gallery
        .set_payload(PointId::Number(4), note)
        .await
        .expect("set");
    assert_eq!(process.live.now().name, "clippy", "not switched yet");

    process.open_gate();
    let result = process.result(id).await;
    let caught_up = &result["caught_up"];
    // Later parts read the new state; for earlier ones there is the list of changes.
    assert!(
        caught_up["embedded"].as_u64().expect("a count") >= 1,
        "{result}"
    );
    assert!(
        caught_up["deleted"].as_u64().expect("a count") >= 1,
        "{result}"
    );
    let points = process.points().await;
    let ids: BTreeSet<PointId> = points.keys().copied().collect();
    let expected: BTreeSet<PointId> = (2..=19).chain(21..=23).map(PointId::Number).collect();
    assert_eq!(ids, expected);
    assert_eq!(points[&PointId::Number(4)].payload["note"], "kept");
    assert_eq!(
        points[&PointId::Number(19)].payload["tags_all"],
        json!(["plum"])
    );
    // The vectors match the current files: an ingest by the new model has nothing to do.
    process.inputs.store(0, Ordering::SeqCst);
    fixture.manifest(
        &lines[..3]
            .iter()
            .chain(&lines[4..])
            .cloned()
            .collect::<Vec<_>>(),
    );
    let again = process.ingest(&fixture);
    assert_eq!(again.await.totals.unchanged, 5);
    // A writer that began before the switch is refused, and must retry with the new model.
    let late = old
        .gallery
        .upsert(
            old.gallery
                .retrieve(&[PointId::Number(5)], With::ALL)
                .await
                .expect("read"),
        )
        .await;
    assert_eq!(
        late.expect_err("of the old model").code,
        clippy_core::ErrorCode::Unavailable
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_workers_lose_nothing_and_repeat_little() {
    let (_fixture, process) = process_with_pictures(40).await;
    process.open_gate();
    let id = process.submit(JobKind::Reindex, &to_new()).await;
    for inputs in [9, 45, 80, 115] {
        let worker = process.worker();
        process
            .wait("some of it", id, |job| {
                process.inputs.load(Ordering::SeqCst) >= inputs || job.state.is_finished()
            })
            .await;
        drop(worker);
    }
    let _worker = process.worker();
    let result = process.result_after_kills(id).await;
    let totals = &result["totals"];
    let count = |name: &str| totals[name].as_u64().expect("a count");
    assert_eq!(
        (
            count("lines"),
            count("embedded") + count("unchanged"),
            count("failed")
        ),
        (40, 40, 0),
        "{result}"
    );
    assert_eq!(process.points().await.len(), 40);
    let inputs = process.inputs.load(Ordering::SeqCst);
    assert!(
        (120..=120 + 4 * 2 * 15).contains(&inputs),
        "{inputs} inputs for 40 pictures, their edges and texts"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rollback_loses_nothing_until_the_old_collection_is_dropped() {
    let (fixture, process) = process_with_pictures(12).await;
    process.open_gate();
    let _worker = process.worker();
    let back = ReindexRequest {
        rollback: true,
        ..ReindexRequest::default()
    };
    let nowhere = process.submit(JobKind::Reindex, &back).await;
    assert!(
        process
            .failure(nowhere)
            .await
            .contains("no collection to go back to")
    );

    let id = process.submit(JobKind::Reindex, &to_new()).await;
    process.result(id).await;
    fixture.picture("13.png", 13);
    fixture.manifest(&[line(13, "pear")]);
    process.ingest(&fixture).await;
    process
        .live
        .now()
        .gallery
        .delete(&[PointId::Number(1)])
        .await
        .expect("deleted");

    let id = process.submit(JobKind::Reindex, &back).await;
    let result = process.result(id).await;
    assert_eq!(
        (&result["live"], &result["previous"]),
        (&json!("clippy"), &json!("clippy@fake-1")),
        "{result}"
    );
    assert_eq!(
        result["settings"],
        Value::Null,
        "the settings name this one"
    );
    let live = process.live.now();
    assert_eq!(
        (live.name.as_str(), live.embedder.info().dimension),
        ("clippy", OLD)
    );
    let points = process.points().await;
    assert_eq!(
        points.keys().copied().collect::<Vec<_>>(),
        (2..=13).map(PointId::Number).collect::<Vec<_>>()
    );
    assert_eq!(
        points[&PointId::Number(13)]
            .vectors
            .image
            .as_ref()
            .map(Vec::len),
        Some(OLD),
        "made by the old model"
    );
    let searcher = (process.reindex.searcher)(&live);
    let query = SearchQuery {
        text: Some("pear".to_owned()),
        ..SearchQuery::default()
    };
    assert_eq!(
        searcher.search(query).await.expect("found").hits[0].id,
        PointId::Number(13)
    );

    let drop_old = ReindexRequest {
        drop_old: true,
        ..ReindexRequest::default()
    };
    drop((live, searcher));
    let id = process.submit(JobKind::Reindex, &drop_old).await;
    assert_eq!(
        process.result(id).await["dropped"],
        json!(["clippy@fake-1"])
    );
    assert_eq!(process.roles().await, [("clippy".to_owned(), Role::Live)]);
    let id = process.submit(JobKind::Reindex, &back).await;
    assert!(
        process
            .failure(id)
            .await
            .contains("no collection to go back to")
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pictures_without_a_file_stay_searchable_and_are_reported() {
    let (fixture, process) = process_with_pictures(20).await;
    process.open_gate();
    let _worker = process.worker();
    for id in [3, 7, 8] {
        std::fs::remove_file(fixture.path(&format!("{id}.png"))).expect("there");
    }
    std::fs::write(fixture.path("8.png"), "no picture").expect("written");
    let id = process.submit(JobKind::Reindex, &to_new()).await;
    let refused = process.failure(id).await;
    assert!(
        refused.contains("3 of 20 pictures") && refused.contains("allow_missing"),
        "{refused}"
    );
    assert_eq!(process.live.now().name, "clippy", "not switched");

    process.inputs.store(0, Ordering::SeqCst);
    let allowed = ReindexRequest {
        allow_missing: true,
        ..to_new()
    };
    let id = process.submit(JobKind::Reindex, &allowed).await;
    let result = process.result(id).await;
    let totals = &result["totals"];
    assert_eq!(
        (&totals["failed"], &totals["unchanged"]),
        (&json!(3), &json!(17)),
        "what was made is kept: {result}"
    );
    // Besides, the words that may name a style are embedded, once.
    let texts = process.inputs.load(Ordering::SeqCst) - STYLE_WORDS;
    assert_eq!(texts, 3, "three sentences");
    assert_eq!(result["unreadable"], json!(["3", "7", "8"]), "{result}");
    let reasons: Vec<&str> = result["failures"]
        .as_array()
        .expect("some")
        .iter()
        .map(|one| one["reason"].as_str().expect("text"))
        .collect();
    assert!(
        reasons[0].contains("3.png") && reasons[2].contains("8.png"),
        "{reasons:?}"
    );
    let points = process.points().await;
    assert_eq!(points.len(), 20, "no picture is lost");
    let gone = &points[&PointId::Number(7)].vectors;
    assert!(
        gone.image.is_none() && gone.edge.is_none() && gone.text.is_some(),
        "found by its words"
    );

    // When the file is back, an ingest makes what is missing.
    fixture.picture("7.png", 7);
    fixture.manifest(&[line(7, "apple")]);
    let back = process.ingest(&fixture);
    assert_eq!(back.await.totals.embedded, 1);
    assert!(
        process.points().await[&PointId::Number(7)]
            .vectors
            .image
            .is_some()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_impossible_reindex_fails_at_once_and_changes_nothing() {
    let (_fixture, process) = process_with_pictures(3).await;
    process.open_gate();
    let _worker = process.worker();
    let unknown = ReindexRequest {
        model: Some("apple".to_owned()),
        ..ReindexRequest::default()
    };
    let id = process.submit(JobKind::Reindex, &unknown).await;
    assert!(process.failure(id).await.contains("apple"));
    let nonsense = process.submit(JobKind::Reindex, &"nonsense").await;
    assert!(
        process
            .failure(nonsense)
            .await
            .contains("cannot be understood")
    );
    assert_eq!(process.roles().await, [("clippy".to_owned(), Role::Live)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_empty_collection_is_switched_at_once() {
    let fixture = Fixture::new();
    let process = Process::open(&fixture.path("data"), OLD).await;
    process.open_gate();
    let _worker = process.worker();
    let id = process.submit(JobKind::Reindex, &to_new()).await;
    let result = process.result(id).await;
    assert_eq!(
        (&result["live"], &result["comparison"]["queries"]),
        (&json!("clippy@fake-1"), &json!(0)),
        "{result}"
    );
    assert_eq!(process.live.now().embedder.info().dimension, NEW);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reindex_fits_a_whitening_once_and_carries_it() {
    let (_fixture, process) = process_with_pictures(40).await;
    process.open_gate();
    let _worker = process.worker();
    let request = ReindexRequest {
        model: Some(WHITENED.to_string()),
        ..ReindexRequest::default()
    };
    let mut notes = Vec::new();
    for _ in 0..2 {
        let id = process.submit(JobKind::Reindex, &request).await;
        process.result(id).await;
        let live = process.live.now();
        let made = check_search(&*live.gallery, live.embedder.info()).await;
        let made = made.expect("it can be searched by style");
        assert!(matches!(made, StyleVectors::Whitened(_)), "{made:?}");
        for (id, point) in process.points().await {
            let style = point
                .vectors
                .style
                .unwrap_or_else(|| panic!("{id} has none"));
            let length: f32 = style.iter().map(|value| value * value).sum();
            assert!((length - 1.0).abs() < 1e-4, "{id}: {length}");
        }
        notes.push(live.gallery.note(styles::NOTE).await.expect("read"));
    }
    assert!(notes[0].is_some());
    assert_eq!(notes[0], notes[1]);
}
