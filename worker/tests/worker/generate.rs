//! `generate` jobs with a provider that costs money and counts its paid calls. Whenever a worker is
//! killed, a job pays at most once, unless a person retries it.
//!
//! The workers are processes of their own, which run this test program, and are killed with
//! `kill -9`.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::history::StoppingHistory;
use crate::support::timing::short_timing;
use crate::support::{DIMENSION, memory_gallery, wait_for_job};
use async_trait::async_trait;
use bytes::Bytes;
use clippy_core::ErrorCode;
use clippy_core::gallery::{Gallery, Space};
use clippy_core::ids::PointId;
use clippy_core::live::{Live, LivePair};
use clippy_generate::{
    CallPictures, CallRole, Capabilities, DailyBudget, Fetcher, FileJournal, FileSpending,
    GenerateError, GenerateRequest, Generated, GeneratedImage, Generation, GenerationContext,
    GenerationMeta, Intake, MicroDollars, Outputs, PaidCall, Provider, ProviderName, Providers,
    Receipt, ReferencePicture, ReferencePictures, Resolver, Spending, pay_once,
};
use clippy_imaging::{Encoding, RgbImage, encode};
use clippy_jobs::{
    Envelope, Handlers, Job, JobContext, JobError, JobHandler, JobId, JobKind, JobState, JobStore,
    Lane, NewJob, Runner, RunnerSettings, SqliteJobs, SqliteSettings, Timing,
};
use clippy_testing::{FakeEmbedder, MemoryHistory, wait_for, wait_until};
use clippy_worker::jobs::{GenerateJob, GenerateTools, ProviderPatience};
use tokio_util::sync::CancellationToken;

/// The variable that makes a process of this program a worker, and names the folder of its test.
const FOLDER: &str = "CLIPPY_TEST_WORKER_FOLDER";

/// Sells pictures for 0.25 dollars, and is controlled by files in its folder. Every paid call is a
/// line of `sold`, every call a line of `asked`. At the place that `stop` names, it writes
/// `stopped` and waits until `stop` is removed. The file `answer` names the failure to return
/// instead of a picture.
struct PaidProvider {
    folder: PathBuf,
}

/// Waits as long as the file `stop` in the folder names this place.
pub async fn stop_at(folder: &Path, place: &str) {
    while std::fs::read_to_string(folder.join("stop")).is_ok_and(|named| named == place) {
        std::fs::write(folder.join("stopped"), place).expect("written");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

impl PaidProvider {
    async fn stop_at(&self, place: &str) {
        stop_at(&self.folder, place).await;
    }

    async fn sell(&self) -> Result<CallPictures, GenerateError> {
        append(&self.folder.join("asked"));
        match std::fs::read_to_string(self.folder.join("answer")).as_deref() {
            Ok("busy") => return Err(GenerateError::transient("the provider is busy", None)),
            Ok("closed") => {
                let hour = Duration::from_secs(3_600);
                return Err(GenerateError::transient(
                    "the provider is closed",
                    Some(hour),
                ));
            }
            Ok("blocked") => {
                let message = "the provider does not draw this (IMAGE_SAFETY)";
                return Err(GenerateError::new(
                    clippy_generate::FailureClass::Blocked,
                    message,
                ));
            }
            Ok("key") => {
                let message = "401: the provider does not know the key: check PROVIDER_KEY";
                return Err(GenerateError::new(
                    clippy_generate::FailureClass::Auth,
                    message,
                ));
            }
            _ => {}
        }
        append(&self.folder.join("sold"));
        self.stop_at("during").await;
        let picture = RgbImage::from_pixel(16, 12, [9, 99, 199].into());
        let file = encode(&picture, Encoding::Png).expect("a picture");
        Ok(CallPictures {
            pictures: vec![file.into()],
            filtered: Vec::new(),
        })
    }
}

fn append(file: &Path) {
    use std::io::Write;
    let mut file = std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(file)
        .expect("opened");
    file.write_all(b"one\n")
        .and_then(|()| file.sync_all())
        .expect("written");
}

#[async_trait]
impl Provider for PaidProvider {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            paid: true,
            model: Some("paid-1".to_owned()),
            ..Capabilities::everything("paid")
        }
    }

    fn price_per_image(&self) -> Option<f64> {
        Some(0.25)
    }

    async fn generate(
        &self,
        generation: Arc<Generation>,
        receipt: Receipt,
        context: &GenerationContext,
    ) -> Result<Generated, GenerateError> {
        // The provider can free the inputs only if nothing else holds them.
        if Arc::strong_count(&generation) > 1 {
            append(&self.folder.join("shared"));
        }
        self.stop_at("before").await;
        let call = PaidCall {
            provider: "paid",
            model: "paid-1",
            role: CallRole::Picture,
            index: 0,
            body: generation.prompt.as_bytes(),
        };
        let sold = pay_once(context, &call, || self.sell()).await?;
        self.stop_at("after").await;
        let image = |bytes: &Bytes| GeneratedImage {
            bytes: bytes.clone(),
            media_type: "image/png".to_owned(),
            width: 16,
            height: 12,
            seed: Some(context.seed),
        };
        let meta = GenerationMeta {
            model: Some("paid-1".to_owned()),
            usd: Some(0.25),
            calls: 1,
            ..GenerationMeta::new("paid", generation.mode())
        };
        Ok(Generated {
            images: sold.pictures.iter().map(image).collect(),
            meta,
            receipt,
        })
    }
}

/// A gallery with one picture, as long as `reference.png` exists.
struct OnePicture {
    folder: PathBuf,
}

#[async_trait]
impl ReferencePictures for OnePicture {
    async fn reference_picture(&self, id: PointId) -> clippy_core::Result<ReferencePicture> {
        let missing = || clippy_core::Error::not_found(format!("picture {id} is not here"));
        let bytes = std::fs::read(self.folder.join("reference.png")).map_err(|_| missing())?;
        Ok(ReferencePicture {
            bytes: bytes.into(),
            source_url: None,
            licence: None,
        })
    }
}

pub fn tools(folder: &Path, gallery: Arc<dyn Gallery>) -> GenerateTools {
    let mut providers = Providers::default();
    providers.put(
        ProviderName::Gemini,
        PaidProvider {
            folder: folder.to_owned(),
        },
    );
    if let Ok(url) = std::fs::read_to_string(folder.join("comfyui")) {
        providers.put(ProviderName::ComfyUi, crate::comfyui::provider(&url));
    }
    GenerateTools {
        providers: Arc::new(providers),
        resolver: Arc::new(Resolver::new(
            Arc::new(OnePicture {
                folder: folder.to_owned(),
            }),
            Arc::new(Fetcher::default()),
        )),
        intake: Intake::open(folder.join("inputs")).expect("opened"),
        outputs: Outputs::open(folder.join("outputs")).expect("opened"),
        history: Arc::new(MemoryHistory::default()),
        journal: Arc::new(FileJournal::new(folder.join("calls"))),
        data_folder: "a folder".to_owned(),
        budget: DailyBudget {
            limit: Some(MicroDollars::from_dollars(1.0)),
        },
        spending: FileSpending::new(folder.join("spending")),
        longest_call: Duration::from_secs(60),
        patience: ProviderPatience::of(Duration::ZERO),
        live: LivePair::new(Live {
            name: "memory".to_owned(),
            embedder: Arc::new(FakeEmbedder::new(DIMENSION)),
            gallery,
        }),
    }
}

pub async fn open(folder: &Path) -> Arc<SqliteJobs> {
    Arc::new(
        SqliteJobs::open(&folder.join("jobs.db"), SqliteSettings::default())
            .await
            .expect("opened"),
    )
}

/// Does nothing in a test run. If the variable [`FOLDER`] is set, this is a worker until it is
/// killed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_process() {
    let Ok(folder) = std::env::var(FOLDER) else {
        return;
    };
    let folder = PathBuf::from(folder);
    let comfyui = folder.join("comfyui").exists();
    let timing = short_timing();
    let settings = RunnerSettings {
        lanes: vec![(Lane::Interactive, if comfyui { 1 } else { 2 })],
        timing,
        drain: Duration::from_secs(5),
    };
    let tools = GenerateTools {
        history: Arc::new(StoppingHistory::open(&folder).await),
        ..tools(&folder, Arc::new(memory_gallery()))
    };
    let handlers = Handlers::new().with(GenerateJob::new(tools));
    Runner::new(open(&folder).await, handlers, settings)
        .expect("good settings")
        .run(CancellationToken::new())
        .await;
}

pub struct WorkerProcess(Child);

impl WorkerProcess {
    pub fn start(fixture: &Fixture) -> Self {
        let program = std::env::current_exe().expect("this program");
        let child = Command::new(program)
            .args([
                "--exact",
                "generate::a_worker_process",
                "--nocapture",
                "--test-threads",
                "1",
            ])
            .env(FOLDER, fixture.folder.path())
            .stdout(Stdio::null())
            .spawn()
            .expect("started");
        Self(child)
    }
}

impl WorkerProcess {
    /// Sends the process a signal. `STOP` freezes it, `CONT` continues it.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill")
            .args([format!("-{name}"), self.0.id().to_string()])
            .status()
            .expect("kill runs");
        assert!(sent.success());
    }
}

impl Drop for WorkerProcess {
    /// `kill -9`.
    fn drop(&mut self) {
        self.0.kill().expect("killed");
        self.0.wait().expect("ended");
    }
}

pub struct Fixture {
    pub folder: tempfile::TempDir,
    pub store: Arc<SqliteJobs>,
}

impl Fixture {
    pub async fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let store = open(folder.path()).await;
        Self { folder, store }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).expect("written");
    }

    pub fn remove(&self, name: &str) {
        std::fs::remove_file(self.path(name)).expect("removed");
    }

    pub fn sold(&self) -> usize {
        std::fs::read_to_string(self.path("sold")).map_or(0, |sold| sold.lines().count())
    }

    pub fn asked(&self) -> usize {
        std::fs::read_to_string(self.path("asked")).map_or(0, |asked| asked.lines().count())
    }

    pub async fn submit(&self) -> JobId {
        self.submit_request(GenerateRequest::default()).await
    }

    pub async fn submit_request(&self, request: GenerateRequest) -> JobId {
        let request = GenerateRequest {
            prompt: Some("a red apple".to_owned()),
            provider: Some("gemini".to_owned()),
            ..request
        };
        let new = NewJob::new(
            JobKind::Generate,
            Lane::Interactive,
            Envelope::whole(&request).to_payload().expect("JSON"),
        )
        .owner("key-1");
        self.store.create(&new).await.expect("made").job.id
    }

    pub async fn wait_until_finished(&self, id: JobId) -> Job {
        wait_for_job(&self.store, "the job to end", id, |job| {
            job.state.is_finished()
        })
        .await
    }

    /// Submits a job, and kills its worker at this place.
    pub async fn kill_worker_at(&self, place: &str) -> JobId {
        self.kill_worker_at_with(place, GenerateRequest::default())
            .await
    }

    pub async fn kill_worker_at_with(&self, place: &str, request: GenerateRequest) -> JobId {
        self.write("stop", place);
        let id = self.submit_request(request).await;
        let worker = WorkerProcess::start(self);
        wait_for("the provider to stop", || async {
            let is_stopped = self.path("stopped").exists();
            is_stopped.then_some(()).ok_or(self.store.get(id).await)
        })
        .await;
        drop(worker);
        self.remove("stop");
        self.remove("stopped");
        id
    }

    pub fn assert_picture_stored(&self, job: &Job) {
        assert_eq!(job.state, JobState::Succeeded, "{job:?}");
        let result = job.result.as_ref().expect("a result");
        let sha256 = result["images"][0]["sha256"].as_str().expect("a picture");
        let file = self
            .path("outputs")
            .join(&sha256[..2])
            .join(format!("{sha256}.png"));
        let size = file.metadata().expect("the file is there").len();
        assert_eq!(result["images"][0]["size"], size);
        assert_eq!(result["model_used"], "paid-1");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_job_without_a_seed_gets_its_own_which_its_receipt_names() {
    let fixture = Fixture::new().await;
    let _worker = WorkerProcess::start(&fixture);
    let mut seeds = Vec::new();
    for _ in 0..2 {
        let id = fixture.submit().await;
        let job = fixture.wait_until_finished(id).await;
        let receipt = job.receipt.expect("a receipt");
        let lines = receipt["lines"].as_array().expect("lines");
        let line = lines.iter().find(|line| line["input"] == "seed");
        let sent = line.and_then(|line| line["sent"].as_str()).expect("a seed");
        assert!(sent.ends_with(", chosen for this job"), "{sent}");
        seeds.push(sent.to_owned());
    }
    assert_ne!(seeds[0], seeds[1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_before_the_call_lets_the_next_worker_pay_once() {
    let fixture = Fixture::new().await;
    let id = fixture.kill_worker_at("before").await;
    assert_eq!(fixture.sold(), 0);
    let _worker = WorkerProcess::start(&fixture);
    fixture.assert_picture_stored(&fixture.wait_until_finished(id).await);
    assert_eq!(fixture.sold(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_during_the_call_fails_as_maybe_charged_and_only_a_retry_pays_again() {
    let fixture = Fixture::new().await;
    let id = fixture.kill_worker_at("during").await;
    assert_eq!(fixture.sold(), 1);
    let worker = WorkerProcess::start(&fixture);
    let failure = fixture.wait_until_finished(id).await.error.expect("failed");
    assert_eq!(
        (failure.code, failure.retryable),
        (ErrorCode::MaybeCharged, false)
    );
    assert!(failure.message.contains("retry"), "{}", failure.message);
    assert_eq!(fixture.sold(), 1, "it is not bought again automatically");

    fixture.store.retry(id).await.expect("asked for again");
    fixture.assert_picture_stored(&fixture.wait_until_finished(id).await);
    assert_eq!(fixture.sold(), 2);
    drop(worker);

    // The second purchase is as safe as the first.
    let other = Fixture::new().await;
    let id = other.kill_worker_at("during").await;
    let worker = WorkerProcess::start(&other);
    other.wait_until_finished(id).await;
    drop(worker);
    other.write("stop", "during");
    other.store.retry(id).await.expect("asked for again");
    let worker = WorkerProcess::start(&other);
    wait_until("the provider to stop", || async {
        other.path("stopped").exists()
    })
    .await;
    drop(worker);
    other.remove("stop");
    let _worker = WorkerProcess::start(&other);
    assert_eq!(
        other
            .wait_until_finished(id)
            .await
            .error
            .expect("failed")
            .code,
        ErrorCode::MaybeCharged
    );
    assert_eq!(other.sold(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_after_the_call_keeps_the_paid_picture() {
    let fixture = Fixture::new().await;
    let id = fixture.kill_worker_at("after").await;
    assert_eq!(fixture.sold(), 1);
    let _worker = WorkerProcess::start(&fixture);
    fixture.assert_picture_stored(&fixture.wait_until_finished(id).await);
    assert_eq!(fixture.sold(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_fails_the_job_with_its_reason_and_a_busy_provider_is_retried() {
    let fixture = Fixture::new().await;
    let _worker = WorkerProcess::start(&fixture);
    for (answer, code, said) in [
        ("blocked", ErrorCode::Blocked, "IMAGE_SAFETY"),
        ("key", ErrorCode::Unsupported, "PROVIDER_KEY"),
    ] {
        fixture.write("answer", answer);
        let job = fixture.wait_until_finished(fixture.submit().await).await;
        let failure = job.error.expect("failed");
        assert_eq!((failure.code, job.attempt), (code, 1));
        assert!(failure.message.contains(said), "{}", failure.message);
    }
    fixture.write("answer", "busy");
    let job = fixture.wait_until_finished(fixture.submit().await).await;
    let failure = job.error.expect("failed");
    assert_eq!(
        (failure.code, failure.retryable, job.attempt),
        (ErrorCode::Unavailable, true, 3)
    );
    assert_eq!(fixture.sold(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_bought_if_it_cannot_be_stored() {
    let fixture = Fixture::new().await;
    let _worker = WorkerProcess::start(&fixture);
    fixture.assert_picture_stored(&fixture.wait_until_finished(fixture.submit().await).await);
    let outputs = fixture.path("outputs");
    std::fs::rename(&outputs, fixture.path("elsewhere")).expect("moved");
    std::fs::write(&outputs, "a file where the folder was").expect("written");
    let failure = fixture
        .wait_until_finished(fixture.submit().await)
        .await
        .error
        .expect("failed");
    assert!(
        failure.message.contains("none is bought"),
        "{}",
        failure.message
    );
    assert_eq!(fixture.sold(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn waiting_for_a_provider_does_not_count_as_an_attempt() {
    let fixture = Fixture::new().await;
    fixture.write("answer", "busy");
    let (first, most) = (Duration::from_millis(20), Duration::from_millis(40));
    let patience = ProviderPatience {
        longest: Duration::from_secs(300),
        first,
        most,
    };
    let tools = GenerateTools {
        patience,
        ..tools(fixture.folder.path(), Arc::new(memory_gallery()))
    };
    let handlers = Handlers::new().with(GenerateJob::new(tools));
    let lanes = vec![(Lane::Interactive, 2)];
    let settings = RunnerSettings {
        lanes,
        timing: short_timing(),
        drain: Duration::from_secs(5),
    };
    let stop = CancellationToken::new();
    let store = Arc::clone(&fixture.store);
    let running = tokio::spawn(
        Runner::new(store, handlers, settings)
            .expect("good settings")
            .run(stop.clone()),
    );
    let id = fixture.submit().await;
    // More calls than a job has attempts.
    wait_until("many calls", || async { fixture.asked() >= 8 }).await;
    let job = fixture.store.get(id).await.expect("there");
    assert!(job.attempt <= 1 && !job.state.is_finished(), "{job:?}");
    fixture.remove("answer");
    let job = fixture.wait_until_finished(id).await;
    fixture.assert_picture_stored(&job);
    assert_eq!((job.attempt, fixture.sold()), (1, 1));
    stop.cancel();
    running.await.expect("no panic");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_is_bought_once_and_added_when_the_gallery_is_back() {
    let fixture = Fixture::new().await;
    let gallery = Arc::new(memory_gallery());
    gallery.fails_from.store(1, Ordering::SeqCst);
    let handlers = Handlers::new().with(GenerateJob::new(tools(
        fixture.folder.path(),
        Arc::clone(&gallery) as _,
    )));
    let lanes = vec![(Lane::Interactive, 2)];
    let settings = RunnerSettings {
        lanes,
        timing: short_timing(),
        drain: Duration::from_secs(5),
    };
    let stop = CancellationToken::new();
    let store = Arc::clone(&fixture.store);
    let running = tokio::spawn(
        Runner::new(store, handlers, settings)
            .expect("good settings")
            .run(stop.clone()),
    );

    let request = GenerateRequest {
        add_to_gallery: true,
        ..GenerateRequest::default()
    };
    let id = fixture.submit_request(request.clone()).await;
    wait_until("the first write", || async {
        gallery.upserts.load(Ordering::SeqCst) > 0
    })
    .await;
    gallery.fails_from.store(0, Ordering::SeqCst);
    let job = fixture.wait_until_finished(id).await;
    fixture.assert_picture_stored(&job);
    assert!(job.attempt > 1, "the first attempt found no gallery");
    assert_eq!(fixture.sold(), 1);
    let points: Vec<_> = gallery.points.lock().values().cloned().collect();
    let [point] = points.as_slice() else {
        panic!("expected one picture, found {}", points.len())
    };
    assert!(matches!(point.id, PointId::Uuid(_)));
    let image = &job.result.as_ref().expect("a result")["images"][0];
    assert_eq!(image["gallery_id"], serde_json::json!(point.id));
    assert!(
        Space::ALL
            .iter()
            .all(|space| point.vectors.get(*space).is_some())
    );
    assert_eq!(point.payload["origin"], "generated");
    assert_eq!(
        point.payload["tags_all"],
        serde_json::json!(["red", "apple"])
    );
    assert_eq!(point.payload["sha256"], image["sha256"]);
    let path = Path::new(point.payload["path"].as_str().expect("a path"));
    assert!(
        path.is_relative() && fixture.path("outputs").join(path).is_file(),
        "{path:?}"
    );

    // A collection without an index of the origin accepts no generated pictures, so that nothing is
    // bought for it.
    gallery.schema_version.store(2, Ordering::SeqCst);
    let failure = fixture
        .wait_until_finished(fixture.submit_request(request).await)
        .await
        .error
        .expect("failed");
    assert_eq!(failure.code, ErrorCode::Unsupported);
    assert!(
        failure.message.contains("clippy migrate"),
        "{}",
        failure.message
    );
    assert_eq!(fixture.sold(), 1);
    stop.cancel();
    running.await.expect("no panic");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_unspent_part_of_a_reservation_is_given_back() {
    let fixture = Fixture::new().await;
    let spending = FileSpending::new(fixture.path("spending"));
    let day = std::time::UNIX_EPOCH
        .elapsed()
        .expect("after 1970")
        .as_secs()
        / 86_400;
    let limit = MicroDollars::from_dollars(1.0);
    let spent = async || {
        spending
            .add_within("key-1", day, MicroDollars(0), limit)
            .await
            .expect("a store")
            .0
            .dollars()
    };
    // The amount that the API reserves for two jobs.
    spending
        .add_within("key-1", day, MicroDollars::from_dollars(0.5), limit)
        .await
        .expect("a store");
    fixture.write("answer", "key");
    let _worker = WorkerProcess::start(&fixture);
    fixture.wait_until_finished(fixture.submit().await).await;
    assert!((spent().await - 0.25).abs() < 1e-9, "a refusal is free");
    fixture.remove("answer");
    fixture.wait_until_finished(fixture.submit().await).await;
    assert!((spent().await - 0.25).abs() < 1e-9, "a picture is not");
}

/// Returns the dollars that `key-1` has spent today.
pub async fn spent(fixture: &Fixture) -> f64 {
    let day = std::time::UNIX_EPOCH
        .elapsed()
        .expect("after 1970")
        .as_secs()
        / 86_400;
    let limit = MicroDollars::from_dollars(1.0);
    FileSpending::new(fixture.path("spending"))
        .add_within("key-1", day, MicroDollars(0), limit)
        .await
        .expect("a store")
        .0
        .dollars()
}

/// Reserves the amount that the API reserves for one job.
pub async fn reserve(fixture: &Fixture) {
    let day = std::time::UNIX_EPOCH
        .elapsed()
        .expect("after 1970")
        .as_secs()
        / 86_400;
    FileSpending::new(fixture.path("spending"))
        .add_within(
            "key-1",
            day,
            MicroDollars::from_dollars(0.25),
            MicroDollars::from_dollars(1.0),
        )
        .await
        .expect("a store");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_cost_of_an_earlier_attempt_is_kept_when_a_later_one_fails_for_free() {
    let fixture = Fixture::new().await;
    reserve(&fixture).await;
    let id = fixture.kill_worker_at("after").await;
    assert_eq!(fixture.sold(), 1);
    // The tools are opened while the folder is there. The next attempt cannot store a picture.
    let tools = tools(fixture.folder.path(), Arc::new(memory_gallery()) as _);
    let outputs = fixture.path("outputs");
    std::fs::rename(&outputs, fixture.path("elsewhere")).expect("moved");
    std::fs::write(&outputs, "a file where the folder was").expect("written");
    let running = InProcessWorker::start(&fixture, tools);
    assert_eq!(
        fixture.wait_until_finished(id).await.state,
        JobState::Failed
    );
    assert!((spent(&fixture).await - 0.25).abs() < 1e-9);
    running.stop().await;
}

/// A worker in this process.
pub struct InProcessWorker {
    pub stop: CancellationToken,
    task: tokio::task::JoinHandle<()>,
}

impl InProcessWorker {
    pub fn start(fixture: &Fixture, tools: GenerateTools) -> Self {
        Self::start_with(fixture, Handlers::new().with(GenerateJob::new(tools)))
    }

    fn start_with(fixture: &Fixture, handlers: Handlers) -> Self {
        let settings = RunnerSettings {
            lanes: vec![(Lane::Interactive, 2)],
            timing: Timing {
                grace: Duration::from_millis(100),
                ..short_timing()
            },
            drain: Duration::from_millis(50),
        };
        let stop = CancellationToken::new();
        let runner = Runner::new(Arc::clone(&fixture.store) as _, handlers, settings);
        let task = tokio::spawn(runner.expect("good settings").run(stop.clone()));
        Self { stop, task }
    }

    pub async fn stop(self) {
        self.stop.cancel();
        self.task.await.expect("no panic");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_uses_the_picture_that_was_bought_before_the_job_failed() {
    let fixture = Fixture::new().await;
    let gallery = Arc::new(memory_gallery());
    gallery.fails_from.store(1, Ordering::SeqCst);
    let running = InProcessWorker::start(
        &fixture,
        tools(fixture.folder.path(), Arc::clone(&gallery) as _),
    );
    let request = GenerateRequest {
        add_to_gallery: true,
        ..GenerateRequest::default()
    };
    let id = fixture.submit_request(request).await;
    assert_eq!(
        fixture.wait_until_finished(id).await.state,
        JobState::Failed
    );
    gallery.fails_from.store(0, Ordering::SeqCst);
    fixture.store.retry(id).await.expect("asked for again");
    fixture.assert_picture_stored(&fixture.wait_until_finished(id).await);
    assert_eq!(fixture.sold(), 1);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn waiting_for_the_gallery_does_not_count_as_an_attempt() {
    let fixture = Fixture::new().await;
    let gallery = Arc::new(memory_gallery());
    gallery.fails_from.store(1, Ordering::SeqCst);
    let tools = GenerateTools {
        patience: ProviderPatience {
            longest: Duration::from_secs(300),
            first: Duration::from_millis(20),
            most: Duration::from_millis(40),
        },
        ..tools(fixture.folder.path(), Arc::clone(&gallery) as _)
    };
    let running = InProcessWorker::start(&fixture, tools);
    let request = GenerateRequest {
        add_to_gallery: true,
        ..GenerateRequest::default()
    };
    let id = fixture.submit_request(request).await;
    // More calls than a job has attempts.
    wait_until("many writes", || async {
        let job = fixture.store.get(id).await.expect("there");
        assert!(!job.state.is_finished(), "{job:?}");
        gallery.upserts.load(Ordering::SeqCst) >= 8
    })
    .await;
    gallery.fails_from.store(0, Ordering::SeqCst);
    let job = fixture.wait_until_finished(id).await;
    fixture.assert_picture_stored(&job);
    assert_eq!((job.attempt, fixture.sold()), (1, 1));
    running.stop().await;
}

/// Never ends by itself. When its worker stops, it is dropped later than a job that holds nothing.
struct EndlessJob {
    dropped: CancellationToken,
}

#[async_trait]
impl JobHandler for EndlessJob {
    fn kind(&self) -> JobKind {
        JobKind::Ingest
    }

    async fn run(&self, context: JobContext) -> Result<serde_json::Value, JobError> {
        let _dropped = self.dropped.clone().drop_guard();
        let _hold = context.hold(Duration::from_millis(300));
        std::future::pending().await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_stops_waits_for_the_call_in_progress() {
    let fixture = Fixture::new().await;
    fixture.write("stop", "during");
    let all = || tools(fixture.folder.path(), Arc::new(memory_gallery()));
    let dropped = CancellationToken::new();
    let handlers = Handlers::new()
        .with(GenerateJob::new(all()))
        .with(EndlessJob {
            dropped: dropped.clone(),
        });
    let running = InProcessWorker::start_with(&fixture, handlers);
    let id = fixture.submit().await;
    let endless = NewJob::new(JobKind::Ingest, Lane::Interactive, serde_json::json!({}));
    let endless = fixture.store.create(&endless).await.expect("made").job.id;
    wait_until("both jobs to run", || async {
        let job = fixture.store.get(endless).await.expect("there");
        fixture.path("stopped").exists() && job.state == JobState::Running
    })
    .await;
    running.stop.cancel();
    // The worker has dropped the other job, and not the call.
    wait_until("the other job to be dropped", || async {
        dropped.is_cancelled()
    })
    .await;
    assert!(!running.task.is_finished());
    fixture.remove("stop");
    running.stop().await;
    let next = InProcessWorker::start(&fixture, all());
    fixture.assert_picture_stored(&fixture.wait_until_finished(id).await);
    assert_eq!(fixture.sold(), 1);
    next.stop().await;
}
