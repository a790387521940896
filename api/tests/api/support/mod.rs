//! A real server on a free port, over doubles of everything that is not HTTP.

pub mod doubles;
pub mod memory;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use clippy_api::{ApiOptions, ApiParts, AppState, GenerationParts, metrics, serve};
use clippy_core::backup::Backup;
use clippy_core::embedding::Embedder;
use clippy_core::live::{Live, LivePair};
use clippy_core::pictures::Pictures;
use clippy_core::preferences::PreferenceRule;
use clippy_core::settings::Secret;
use clippy_core::watching::{NotWatching, Watching};
use clippy_generate::{DailyBudget, Providers};
use clippy_imaging::{DecodeLimits, Encoding, RgbImage, encode};
use clippy_jobs::{EventHub, JobBackend, SqliteJobs, SqliteSettings};
use clippy_search::{LiveSearcher, MakeSearcher, Searcher, SearcherOptions};
use clippy_testing::{
    ApiClient, ApiRequest, FakeEmbedder, MemoryBoards, MemoryGallery, MemoryHistory, MemoryMaps,
    MemoryPreferences, MemoryRecent, MemoryTrash,
};
pub use clippy_testing::{json, problem, wait_until};
use reqwest::{Client, Method, Response};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

pub use doubles::{FakePictures, filled_gallery};

/// Length of the vectors.
pub const DIMENSION: usize = 16;

/// A server that runs until it is dropped or stopped.
pub struct TestServer {
    pub address: SocketAddr,
    /// Checks the shape of every error.
    pub api: ApiClient,
    /// Sends anything.
    pub client: Client,
    pub gallery: Arc<MemoryGallery>,
    /// The pair that searches use. Tests replace it as a re-index does.
    pub live: Arc<LivePair>,
    /// Deleted pictures.
    pub trash: Arc<MemoryTrash>,
    pub maps: Arc<MemoryMaps>,
    /// The history of generated pictures.
    pub history: Arc<MemoryHistory>,
    /// The recorded queries.
    pub recent: Arc<MemoryRecent>,
    pub state: AppState,
    /// The store behind the routes.
    pub jobs: Arc<dyn JobBackend>,
    /// The parts of generation.
    pub generation: GenerationParts,
    /// `DATA_DIR`, with the job file in it.
    pub data: tempfile::TempDir,
    stop: Option<oneshot::Sender<()>>,
    task: Option<JoinHandle<clippy_core::Result<()>>>,
}

/// The options of a test's server.
pub struct Setup {
    pub options: ApiOptions,
    pub embedder: Arc<dyn Embedder>,
    /// The job store; by default a file of the server's own.
    pub jobs: Option<Arc<dyn JobBackend>>,
    pub job_settings: SqliteSettings,
    pub providers: Providers,
    pub budget: DailyBudget,
    pub pictures: Arc<dyn Pictures>,
    pub backup: Option<Arc<dyn Backup>>,
    pub watching: Arc<dyn Watching>,
}

impl Default for Setup {
    fn default() -> Self {
        let options = ApiOptions {
            probe_every: Duration::from_millis(10),
            ..ApiOptions::default()
        };
        Self {
            options,
            embedder: Arc::new(FakeEmbedder::new(DIMENSION)),
            jobs: None,
            job_settings: SqliteSettings::default(),
            providers: Providers::default(),
            budget: DailyBudget::default(),
            pictures: FakePictures::of_names(),
            backup: None,
            watching: Arc::new(NotWatching),
        }
    }
}

impl TestServer {
    pub async fn start() -> Self {
        Self::with(Setup::default()).await
    }

    pub async fn with(setup: Setup) -> Self {
        let gallery = Arc::new(filled_gallery(DIMENSION).await);
        let preferences = Arc::new(MemoryPreferences::default());
        let embedder: Arc<dyn Embedder> = Arc::new(metrics::MeteredEmbedder::new(setup.embedder));
        let limits = DecodeLimits {
            pixels: 4_000_000,
            ..DecodeLimits::default()
        };
        let taste = preferences.clone();
        let make: MakeSearcher = Arc::new(move |live: &Live| {
            let options = SearcherOptions {
                hnsw_ef: 128,
                rule: PreferenceRule::default(),
                limits,
            };
            Searcher::new(
                Arc::clone(&live.embedder),
                Arc::clone(&live.gallery),
                taste.clone(),
                options,
            )
        });
        let name = "memory".to_owned();
        let live = LivePair::new(Live {
            name,
            embedder: Arc::clone(&embedder),
            gallery: gallery.clone(),
        });
        let recent = Arc::new(MemoryRecent::default());
        let trash = Arc::new(MemoryTrash::default());
        let maps = Arc::new(MemoryMaps::default());
        let history = Arc::new(MemoryHistory::default());
        let data = tempfile::tempdir().expect("a temporary folder");
        let jobs: Arc<dyn JobBackend> = match setup.jobs {
            Some(jobs) => jobs,
            None => {
                let file = data.path().join("jobs.db");
                let jobs = SqliteJobs::open(&file, setup.job_settings).await;
                Arc::new(jobs.expect("a new file"))
            }
        };
        let options = ApiOptions {
            data_dir: Some(data.path().to_owned()),
            ..setup.options
        };
        let generation = GenerationParts {
            providers: Arc::new(setup.providers),
            budget: setup.budget,
            ..GenerationParts::local(data.path()).expect("folders")
        };
        let parts = ApiParts {
            searcher: LiveSearcher::new(Arc::clone(&live), make),
            gallery: gallery.clone(),
            preferences: preferences.clone(),
            tastes: preferences,
            backup: setup.backup,
            boards: Arc::new(MemoryBoards::default()),
            trash: trash.clone(),
            maps: maps.clone(),
            pictures: Arc::clone(&setup.pictures),
            recent: recent.clone(),
            jobs: jobs.clone(),
            events: EventHub::start(jobs.clone()),
            generation: generation.clone(),
            history: history.clone(),
            watching: setup.watching,
        };
        let state = AppState::new(parts, options).expect("good options");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(serve(listener, state.clone(), async {
            let _ = stopped.await;
        }));
        Self {
            address,
            api: ApiClient::new(format!("http://{address}")),
            client: clippy_http::client().build().expect("a client"),
            gallery,
            live,
            trash,
            maps,
            history,
            recent,
            state,
            jobs,
            generation,
            data,
            stop: Some(stop),
            task: Some(task),
        }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub fn get(&self, path: &str) -> ApiRequest {
        self.api.request(Method::GET, path)
    }

    pub fn post(&self, path: &str) -> ApiRequest {
        self.api.request(Method::POST, path)
    }

    /// Sends a search as JSON.
    pub async fn search(&self, body: &Value) -> Response {
        self.post("/api/search/hybrid")
            .json(body)
            .send()
            .await
            .expect("an answer")
    }

    /// Tells the server to stop; the task ends when it has.
    pub fn stop(&mut self) -> JoinHandle<clippy_core::Result<()>> {
        self.stop
            .take()
            .expect("running")
            .send(())
            .expect("listening");
        self.task.take().expect("running")
    }
}

pub fn secrets(keys: &[&str]) -> Vec<Secret> {
    keys.iter()
        .map(|key| Secret::new((*key).to_owned()))
        .collect()
}

/// A PNG with something drawn on it.
pub fn drawing() -> Vec<u8> {
    let picture = RgbImage::from_fn(90, 60, |x, y| {
        let inside = (30..60).contains(&x) && (20..40).contains(&y);
        if inside {
            [20, 20, 20].into()
        } else {
            [255, 255, 255].into()
        }
    });
    encode(&picture, Encoding::Png).expect("a small picture")
}
