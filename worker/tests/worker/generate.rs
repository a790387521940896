//! Generation as a job, with a provider that costs money and counts what it sells: whatever is
//! killed, and when, a job is bought at most once, unless somebody asks for it again.
//!
//! The workers are processes of their own (this very program, told to be one), ended by `kill -9`.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::support::timing::short_timing;
use crate::support::{DIMENSION, memory_gallery};
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
    Receipt, ReferencePicture, ReferencePictures, Resolver, Spending, paid_once,
};
use clippy_imaging::{Encoding, RgbImage, encode};
use clippy_jobs::{
    Envelope, Handlers, Job, JobId, JobKind, JobState, JobStore, Lane, NewJob, Runner,
    RunnerSettings, SqliteJobs, SqliteSettings, Timing,
};
use clippy_testing::FakeEmbedder;
use clippy_worker::jobs::{GenerateJob, GenerateTools, ProviderPatience};
use tokio_util::sync::CancellationToken;

/// Names the folder of a test to a process that is to be its worker.
const FOLDER: &str = "CLIPPY_TEST_WORKER_FOLDER";

/// Sells pictures for 0.25 dollars. Every sale is a line of `sold`. Where the file `stop` says so
/// it stops until the file is gone, and `stopped` tells that it is there; what `answer` holds, it
/// answers instead of a picture.
struct Shop {
    folder: PathBuf,
}

impl Shop {
    async fn stop_at(&self, place: &str) {
        while std::fs::read_to_string(self.folder.join("stop")).is_ok_and(|named| named == place) {
            std::fs::write(self.folder.join("stopped"), place).expect("written");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    async fn sell(&self) -> Result<CallPictures, GenerateError> {
        append(&self.folder.join("asked"));
        match std::fs::read_to_string(self.folder.join("answer")).as_deref() {
            Ok("busy") => return Err(GenerateError::transient("the shop is busy", None)),
            Ok("closed") => {
                let hour = Duration::from_secs(3_600);
                return Err(GenerateError::transient("the shop is closed", Some(hour)));
            }
            Ok("blocked") => {
                let message = "the shop does not draw this (IMAGE_SAFETY)";
                return Err(GenerateError::new(
                    clippy_generate::FailureClass::Blocked,
                    message,
                ));
            }
            Ok("key") => {
                let message = "401: the shop does not know the key: check SHOP_KEY";
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
impl Provider for Shop {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            paid: true,
            model: Some("shop-1".to_owned()),
            ..Capabilities::everything("shop")
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
        // Only who alone holds the pictures can let go of them.
        if Arc::strong_count(&generation) > 1 {
            append(&self.folder.join("shared"));
        }
        self.stop_at("before").await;
        let call = PaidCall {
            provider: "shop",
            model: "shop-1",
            role: CallRole::Picture,
            index: 0,
            body: generation.prompt.as_bytes(),
        };
        let sold = paid_once(context, &call, || self.sell()).await?;
        self.stop_at("after").await;
        let image = |bytes: &Bytes| GeneratedImage {
            bytes: bytes.clone(),
            media_type: "image/png".to_owned(),
            width: 16,
            height: 12,
            seed: None,
        };
        let meta = GenerationMeta {
            model: Some("shop-1".to_owned()),
            usd: Some(0.25),
            calls: 1,
            ..GenerationMeta::new("shop", generation.mode())
        };
        Ok(Generated {
            images: sold.pictures.iter().map(image).collect(),
            meta,
            receipt,
        })
    }
}

/// A gallery of one picture, while `reference.png` is there.
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
        Shop {
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
        journal: Arc::new(FileJournal::new(folder.join("calls"))),
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

/// Does nothing in a test run. Told a folder, this program is a worker there until it is killed.
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
    let handlers =
        Handlers::new().with(GenerateJob::new(tools(&folder, Arc::new(memory_gallery()))));
    Runner::new(open(&folder).await, handlers, settings)
        .expect("good settings")
        .run(CancellationToken::new())
        .await;
}

pub struct Worker(Child);

impl Worker {
    pub fn start(house: &House) -> Self {
        let program = std::env::current_exe().expect("this program");
        let child = Command::new(program)
            .args([
                "--exact",
                "generate::a_worker_process",
                "--nocapture",
                "--test-threads",
                "1",
            ])
            .env(FOLDER, house.folder.path())
            .stdout(Stdio::null())
            .spawn()
            .expect("started");
        Self(child)
    }
}

impl Worker {
    /// `STOP` freezes it, `CONT` lets it go on.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill")
            .args([format!("-{name}"), self.0.id().to_string()])
            .status()
            .expect("kill runs");
        assert!(sent.success());
    }
}

impl Drop for Worker {
    /// `kill -9`.
    fn drop(&mut self) {
        self.0.kill().expect("killed");
        self.0.wait().expect("ended");
    }
}

pub struct House {
    pub folder: tempfile::TempDir,
    pub store: Arc<SqliteJobs>,
}

impl House {
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

    pub async fn ask(&self) -> JobId {
        self.ask_for(GenerateRequest::default()).await
    }

    pub async fn ask_for(&self, request: GenerateRequest) -> JobId {
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

    pub async fn ended(&self, id: JobId) -> Job {
        for _ in 0..6_000 {
            let job = self.store.get(id).await.expect("there");
            if job.state.is_finished() {
                return job;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("never ended: {:?}", self.store.get(id).await);
    }

    /// Asks for a picture, and kills the worker where it stopped.
    pub async fn killed(&self, place: &str) -> JobId {
        self.killed_with(place, GenerateRequest::default()).await
    }

    pub async fn killed_with(&self, place: &str, request: GenerateRequest) -> JobId {
        self.write("stop", place);
        let id = self.ask_for(request).await;
        let worker = Worker::start(self);
        for _ in 0..6_000 {
            if self.path("stopped").exists() {
                drop(worker);
                self.remove("stop");
                self.remove("stopped");
                return id;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("never came to {place}: {:?}", self.store.get(id).await);
    }

    pub fn shows(&self, job: &Job) {
        assert_eq!(job.state, JobState::Succeeded, "{job:?}");
        let result = job.result.as_ref().expect("a result");
        let sha256 = result["images"][0]["sha256"].as_str().expect("a picture");
        let file = self
            .path("outputs")
            .join(&sha256[..2])
            .join(format!("{sha256}.png"));
        let size = file.metadata().expect("the file is there").len();
        assert_eq!(result["images"][0]["size"], size);
        assert_eq!(result["model_used"], "shop-1");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_before_the_call_a_job_is_bought_once_by_the_next_worker() {
    let house = House::new().await;
    let id = house.killed("before").await;
    assert_eq!(house.sold(), 0);
    let _worker = Worker::start(&house);
    house.shows(&house.ended(id).await);
    assert_eq!(house.sold(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_during_the_call_a_job_fails_as_maybe_charged_and_is_bought_again_only_when_asked() {
    let house = House::new().await;
    let id = house.killed("during").await;
    assert_eq!(house.sold(), 1);
    let worker = Worker::start(&house);
    let failure = house.ended(id).await.error.expect("failed");
    assert_eq!(
        (failure.code, failure.retryable),
        (ErrorCode::MaybeCharged, false)
    );
    assert!(failure.message.contains("retry"), "{}", failure.message);
    assert_eq!(house.sold(), 1, "nobody bought it again by himself");

    house.store.retry(id).await.expect("asked for again");
    house.shows(&house.ended(id).await);
    assert_eq!(house.sold(), 2);
    drop(worker);

    // The second purchase is as safe as the first.
    let other = House::new().await;
    let id = other.killed("during").await;
    let worker = Worker::start(&other);
    other.ended(id).await;
    drop(worker);
    other.write("stop", "during");
    other.store.retry(id).await.expect("asked for again");
    let worker = Worker::start(&other);
    for _ in 0..6_000 {
        if other.path("stopped").exists() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    drop(worker);
    other.remove("stop");
    let _worker = Worker::start(&other);
    assert_eq!(
        other.ended(id).await.error.expect("failed").code,
        ErrorCode::MaybeCharged
    );
    assert_eq!(other.sold(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_after_the_call_a_job_shows_what_was_bought() {
    let house = House::new().await;
    let id = house.killed("after").await;
    assert_eq!(house.sold(), 1);
    let _worker = Worker::start(&house);
    house.shows(&house.ended(id).await);
    assert_eq!(house.sold(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_ends_the_job_with_its_reason_and_a_busy_shop_is_asked_again() {
    let house = House::new().await;
    let _worker = Worker::start(&house);
    for (answer, code, said) in [
        ("blocked", ErrorCode::Blocked, "IMAGE_SAFETY"),
        ("key", ErrorCode::Unsupported, "SHOP_KEY"),
    ] {
        house.write("answer", answer);
        let job = house.ended(house.ask().await).await;
        let failure = job.error.expect("failed");
        assert_eq!((failure.code, job.attempt), (code, 1));
        assert!(failure.message.contains(said), "{}", failure.message);
    }
    house.write("answer", "busy");
    let job = house.ended(house.ask().await).await;
    let failure = job.error.expect("failed");
    assert_eq!(
        (failure.code, failure.retryable, job.attempt),
        (ErrorCode::Unavailable, true, 3)
    );
    assert_eq!(house.sold(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_bought_that_could_not_be_kept() {
    let house = House::new().await;
    let _worker = Worker::start(&house);
    house.shows(&house.ended(house.ask().await).await);
    let outputs = house.path("outputs");
    std::fs::rename(&outputs, house.path("elsewhere")).expect("moved");
    std::fs::write(&outputs, "a file where the folder was").expect("written");
    let failure = house.ended(house.ask().await).await.error.expect("failed");
    assert!(
        failure.message.contains("none is bought"),
        "{}",
        failure.message
    );
    assert_eq!(house.sold(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_of_the_provider_is_waited_for_and_counts_as_no_attempt() {
    let house = House::new().await;
    house.write("answer", "busy");
    let (first, most) = (Duration::from_millis(20), Duration::from_millis(40));
    let patience = ProviderPatience {
        longest: Duration::from_secs(300),
        first,
        most,
    };
    let tools = GenerateTools {
        patience,
        ..tools(house.folder.path(), Arc::new(memory_gallery()))
    };
    let handlers = Handlers::new().with(GenerateJob::new(tools));
    let lanes = vec![(Lane::Interactive, 2)];
    let settings = RunnerSettings {
        lanes,
        timing: short_timing(),
        drain: Duration::from_secs(5),
    };
    let stop = CancellationToken::new();
    let store = Arc::clone(&house.store);
    let running = tokio::spawn(
        Runner::new(store, handlers, settings)
            .expect("good settings")
            .run(stop.clone()),
    );
    let id = house.ask().await;
    // Three attempts would long be over.
    while house.asked() < 8 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let job = house.store.get(id).await.expect("there");
    assert!(job.attempt <= 1 && !job.state.is_finished(), "{job:?}");
    house.remove("answer");
    let job = house.ended(id).await;
    house.shows(&job);
    assert_eq!((job.attempt, house.sold()), (1, 1));
    stop.cancel();
    running.await.expect("no panic");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_whose_gallery_is_away_is_bought_once_and_added_when_the_gallery_is_back() {
    let house = House::new().await;
    let gallery = Arc::new(memory_gallery());
    gallery.fails_from.store(1, Ordering::SeqCst);
    let handlers = Handlers::new().with(GenerateJob::new(tools(
        house.folder.path(),
        Arc::clone(&gallery) as _,
    )));
    let lanes = vec![(Lane::Interactive, 2)];
    let settings = RunnerSettings {
        lanes,
        timing: short_timing(),
        drain: Duration::from_secs(5),
    };
    let stop = CancellationToken::new();
    let store = Arc::clone(&house.store);
    let running = tokio::spawn(
        Runner::new(store, handlers, settings)
            .expect("good settings")
            .run(stop.clone()),
    );

    let request = GenerateRequest {
        add_to_gallery: true,
        ..GenerateRequest::default()
    };
    let id = house.ask_for(request.clone()).await;
    while gallery.upserts.load(Ordering::SeqCst) == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    gallery.fails_from.store(0, Ordering::SeqCst);
    let job = house.ended(id).await;
    house.shows(&job);
    assert!(job.attempt > 1, "the first attempt found no gallery");
    assert_eq!(house.sold(), 1);
    let points: Vec<_> = gallery.points.lock().values().cloned().collect();
    let [point] = points.as_slice() else {
        panic!("one picture, and not {}", points.len())
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
        path.is_relative() && house.path("outputs").join(path).is_file(),
        "{path:?}"
    );

    // A collection without an index of the origin takes none, and nothing is bought for it.
    gallery.schema_version.store(2, Ordering::SeqCst);
    let failure = house
        .ended(house.ask_for(request).await)
        .await
        .error
        .expect("failed");
    assert_eq!(failure.code, ErrorCode::Unsupported);
    assert!(
        failure.message.contains("clippy migrate"),
        "{}",
        failure.message
    );
    assert_eq!(house.sold(), 1);
    stop.cancel();
    running.await.expect("no panic");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_job_did_not_cost_is_given_back() {
    let house = House::new().await;
    let spending = FileSpending::new(house.path("spending"));
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
    // What the API sets aside for two jobs.
    spending
        .add_within("key-1", day, MicroDollars::from_dollars(0.5), limit)
        .await
        .expect("a store");
    house.write("answer", "key");
    let _worker = Worker::start(&house);
    house.ended(house.ask().await).await;
    assert!((spent().await - 0.25).abs() < 1e-9, "a refusal is free");
    house.remove("answer");
    house.ended(house.ask().await).await;
    assert!((spent().await - 0.25).abs() < 1e-9, "a picture is not");
}

/// What `key-1` has spent today.
pub async fn spent(house: &House) -> f64 {
    let day = std::time::UNIX_EPOCH
        .elapsed()
        .expect("after 1970")
        .as_secs()
        / 86_400;
    let limit = MicroDollars::from_dollars(1.0);
    FileSpending::new(house.path("spending"))
        .add_within("key-1", day, MicroDollars(0), limit)
        .await
        .expect("a store")
        .0
        .dollars()
}

/// Sets aside what the API sets aside for one job.
pub async fn set_aside(house: &House) {
    let day = std::time::UNIX_EPOCH
        .elapsed()
        .expect("after 1970")
        .as_secs()
        / 86_400;
    FileSpending::new(house.path("spending"))
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
async fn what_an_earlier_attempt_paid_is_not_given_back_when_a_later_one_fails_for_nothing() {
    let house = House::new().await;
    set_aside(&house).await;
    let id = house.killed("after").await;
    assert_eq!(house.sold(), 1);
    // Opened while the folder is there; at the next attempt no picture can be kept.
    let tools = tools(house.folder.path(), Arc::new(memory_gallery()) as _);
    let outputs = house.path("outputs");
    std::fs::rename(&outputs, house.path("elsewhere")).expect("moved");
    std::fs::write(&outputs, "a file where the folder was").expect("written");
    let running = Running::start(&house, tools);
    assert_eq!(house.ended(id).await.state, JobState::Failed);
    assert!((spent(&house).await - 0.25).abs() < 1e-9);
    running.stop().await;
}

/// A runner of this process.
pub struct Running {
    pub stop: CancellationToken,
    task: tokio::task::JoinHandle<()>,
}

impl Running {
    pub fn start(house: &House, tools: GenerateTools) -> Self {
        let settings = RunnerSettings {
            lanes: vec![(Lane::Interactive, 2)],
            timing: Timing {
                grace: Duration::from_millis(100),
                ..short_timing()
            },
            drain: Duration::from_millis(50),
        };
        let handlers = Handlers::new().with(GenerateJob::new(tools));
        let stop = CancellationToken::new();
        let runner = Runner::new(Arc::clone(&house.store) as _, handlers, settings);
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
    let house = House::new().await;
    let gallery = Arc::new(memory_gallery());
    gallery.fails_from.store(1, Ordering::SeqCst);
    let running = Running::start(
        &house,
        tools(house.folder.path(), Arc::clone(&gallery) as _),
    );
    let request = GenerateRequest {
        add_to_gallery: true,
        ..GenerateRequest::default()
    };
    let id = house.ask_for(request).await;
    assert_eq!(house.ended(id).await.state, JobState::Failed);
    gallery.fails_from.store(0, Ordering::SeqCst);
    house.store.retry(id).await.expect("asked for again");
    house.shows(&house.ended(id).await);
    assert_eq!(house.sold(), 1);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gallery_that_is_away_is_waited_for_and_counts_as_no_attempt() {
    let house = House::new().await;
    let gallery = Arc::new(memory_gallery());
    gallery.fails_from.store(1, Ordering::SeqCst);
    let tools = GenerateTools {
        patience: ProviderPatience {
            longest: Duration::from_secs(300),
            first: Duration::from_millis(20),
            most: Duration::from_millis(40),
        },
        ..tools(house.folder.path(), Arc::clone(&gallery) as _)
    };
    let running = Running::start(&house, tools);
    let request = GenerateRequest {
        add_to_gallery: true,
        ..GenerateRequest::default()
    };
    let id = house.ask_for(request).await;
    // Three attempts would long be over.
    while gallery.upserts.load(Ordering::SeqCst) < 8 {
        let job = house.store.get(id).await.expect("there");
        assert!(!job.state.is_finished(), "{job:?}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    gallery.fails_from.store(0, Ordering::SeqCst);
    let job = house.ended(id).await;
    house.shows(&job);
    assert_eq!((job.attempt, house.sold()), (1, 1));
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_stops_waits_for_the_call_that_is_under_way() {
    let house = House::new().await;
    house.write("stop", "during");
    let all = || tools(house.folder.path(), Arc::new(memory_gallery()));
    let mut running = Running::start(&house, all());
    let id = house.ask().await;
    while !house.path("stopped").exists() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    running.stop.cancel();
    tokio::time::timeout(Duration::from_millis(800), &mut running.task)
        .await
        .expect_err("the call is not over");
    house.remove("stop");
    running.stop().await;
    let next = Running::start(&house, all());
    house.shows(&house.ended(id).await);
    assert_eq!(house.sold(), 1);
    next.stop().await;
}
