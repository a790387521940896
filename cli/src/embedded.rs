//! Puts the parts together: model, collection, database and picture files, all in this process.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clippy_api::metrics::MeteredEmbedder;
use clippy_api::{ApiOptions, ApiParts, AppState};
use clippy_clip::{DeviceChoice, EmbedderOptions, LoadedModel, ModelSource, TorchEmbedder, parse_precision};
use clippy_core::embedding::Embedder;
use clippy_core::settings::{ModelSettings, Settings};
use clippy_gallery::{
    EdgeGallery, EdgeOptions, EmbeddedState, GalleryPictures, PictureFiles, PictureOptions, StoreLock, holder,
};
use clippy_imaging::DecodeLimits;
use clippy_jobs::{EventHub, JobStore};
use clippy_search::{Searcher, SearcherOptions};
use clippy_worker::ingest::Tools;
use clippy_worker::jobs::{BulkSettings, GalleryReferences, GenerateJob};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::bundled;
use crate::client::Client;
use crate::failure::Failure;
use crate::generation::{self, Generation};
use crate::queue;

/// Everything that one process needs to fill and to search its collection.
pub struct Embedded {
    /// The model's thread.
    pub embedder: Arc<TorchEmbedder>,
    /// The collection.
    pub gallery: Arc<EdgeGallery>,
    /// Preferences and ledgers.
    pub state: Arc<EmbeddedState>,
    /// The files of the collection's pictures.
    pictures: Arc<GalleryPictures>,
    /// Who makes pictures.
    generation: Generation,
    /// Keeps other processes out until the end.
    _lock: StoreLock,
}

impl Embedded {
    /// Opens the data folder for this process alone; `address` is where it will serve, for the others to find.
    pub async fn open(settings: &Settings, address: Option<&str>) -> Result<Self, Failure> {
        refuse_servers(settings)?;
        let generation = generation::settings()?;
        let folder = &settings.collection.data_dir;
        // The model first: a wrong one must not leave an empty collection behind.
        let model = load_model(settings).await?;
        let lock = StoreLock::acquire(folder, address)?;
        let generation = Generation::open(&generation, folder)?;
        let gallery = EdgeGallery::open(EdgeOptions {
            folder: collection_folder(settings),
            name: settings.collection.name.clone(),
            model: (*model.info).clone(),
            indexing_threshold_kb: None,
        })
        .await?;
        let state = EmbeddedState::open(&database(settings), settings.preferences).await?;
        let embedder = tokio::task::spawn_blocking(|| TorchEmbedder::start(model, EmbedderOptions::default()))
            .await
            .map_err(|error| Failure::run(format!("the model's start broke off: {error}")))?
            .map_err(clippy_core::Error::from)?;
        let gallery = Arc::new(gallery);
        let files = PictureFiles::new(PictureOptions {
            images_root: settings.collection.images_root.clone(),
            ..PictureOptions::new(folder.join("thumbnails"))
        })?;
        let pictures = Arc::new(GalleryPictures::new(Arc::clone(&gallery) as _, files));
        let (embedder, state) = (Arc::new(embedder), Arc::new(state));
        Ok(Self { embedder, gallery, state, pictures, generation, _lock: lock })
    }

    /// What a run over a manifest works with.
    pub fn tools(&self) -> Tools {
        Tools {
            embedder: Arc::clone(&self.embedder) as _,
            gallery: Arc::clone(&self.gallery) as _,
            ledger: Arc::clone(&self.state) as _,
        }
    }

    /// What runs the jobs of this process's workers.
    pub fn handlers(&self) -> clippy_jobs::Handlers {
        let references = GalleryReferences::new(Arc::clone(&self.gallery) as _, Arc::clone(&self.pictures) as _);
        clippy_worker::jobs::handlers(&self.tools(), BulkSettings::default())
            .with(GenerateJob::new(self.generation.tools(references)))
    }

    /// Serves until the token is cancelled.
    pub async fn serve(
        &self,
        settings: &Settings,
        jobs: Arc<dyn JobStore>,
        listener: TcpListener,
        shutdown: CancellationToken,
    ) -> Result<(), Failure> {
        let options = ApiOptions {
            images_root: settings.collection.images_root.clone(),
            data_dir: Some(settings.collection.data_dir.clone()),
            ..ApiOptions::from(&settings.server)
        };
        let searcher = Searcher::new(
            Arc::new(MeteredEmbedder::new(Arc::clone(&self.embedder) as _)),
            Arc::clone(&self.gallery) as _,
            Arc::clone(&self.state) as _,
            SearcherOptions {
                hnsw_ef: settings.collection.hnsw_ef,
                rule: settings.preferences,
                limits: DecodeLimits::default(),
            },
        );
        let parts = ApiParts {
            searcher: Arc::new(searcher),
            gallery: Arc::clone(&self.gallery) as _,
            preferences: Arc::clone(&self.state) as _,
            pictures: Arc::clone(&self.pictures) as _,
            model: Arc::clone(self.embedder.info()),
            events: EventHub::start(Arc::clone(&jobs)),
            jobs,
            generation: self.generation.parts(),
        };
        let state = AppState::new(parts, options)?;
        Ok(clippy_api::serve(listener, state, shutdown.cancelled_owned()).await?)
    }
}

/// The folder of the collection that the settings name.
pub fn collection_folder(settings: &Settings) -> PathBuf {
    settings.collection.data_dir.join("collection")
}

/// The file of the embedded database.
pub fn database(settings: &Settings) -> PathBuf {
    settings.collection.data_dir.join("clippy.db")
}

/// Which model the settings ask for.
pub fn model_source(settings: &ModelSettings, data: &Path) -> Result<ModelSource, Failure> {
    let models = data.join("models");
    ModelSource::parse(settings.name.as_deref(), settings.pretrained.as_deref(), &models, &bundled::model())
        .map_err(|error| clippy_core::Error::from(error).into())
}

/// Reads the model onto its device.
pub async fn load_model(settings: &Settings) -> Result<LoadedModel, Failure> {
    let source = model_source(&settings.model, &settings.collection.data_dir)?;
    let device = settings.model.device.clone();
    let precision = settings.model.precision.map_or("auto", |precision| match precision {
        clippy_core::settings::Precision::Fp32 => "fp32",
        clippy_core::settings::Precision::Fp16 => "fp16",
        clippy_core::settings::Precision::Bf16 => "bf16",
    });
    tokio::task::spawn_blocking(move || {
        let device = device.parse::<DeviceChoice>()?.resolve()?;
        LoadedModel::load(&source, device, parse_precision(precision)?)
    })
    .await
    .map_err(|error| Failure::run(format!("reading the model broke off: {error}")))?
    .map_err(|error| clippy_core::Error::from(error).into())
}

/// A setting that this version cannot honour is refused, rather than passed over.
fn refuse_servers(settings: &Settings) -> Result<(), Failure> {
    for (name, value) in
        [("QDRANT_URL", &settings.collection.qdrant_url), ("EMBEDDER_URL", &settings.model.embedder_url)]
    {
        if let Some(value) = value {
            return Err(Failure::usage(format!(
                "{name} is {value}, but this version keeps its collection and its model in its own process: unset it"
            )));
        }
    }
    Ok(())
}

/// Does something with a server: the one that is named, the one that serves this data folder, or, when there is none, one
/// in this process on a free port of loopback for as long as it takes.
pub async fn with_server<T>(
    settings: &Settings,
    server: Option<&str>,
    work: impl AsyncFnOnce(&Client) -> Result<T, Failure>,
) -> Result<T, Failure> {
    if let Some(client) = running_server(settings, server)? {
        return work(&client).await;
    }
    let embedded = Embedded::open(settings, None).await?;
    let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0)))
        .await
        .map_err(|error| Failure::run(format!("no port of loopback is free: {error}")))?;
    let url = url_of(&listener)?;
    let client = Client::new(&url, settings)?;
    let shutdown = CancellationToken::new();
    let jobs = queue::embedded(settings).await?;
    // The keys stay in force: another user of this machine must not get in by this port either.
    let serving = embedded.serve(settings, jobs, listener, shutdown.clone());
    tokio::pin!(serving);
    let answer = tokio::select! {
        ended = &mut serving => return Err(ended.err().unwrap_or_else(|| Failure::run("the server ended early"))),
        answer = work(&client) => answer,
    };
    shutdown.cancel();
    serving.await?;
    answer
}

/// The server that is named, or the one that serves this data folder.
pub fn running_server(settings: &Settings, server: Option<&str>) -> Result<Option<Client>, Failure> {
    let running = || holder(&settings.collection.data_dir).and_then(|holder| holder.address);
    server.map(str::to_owned).or_else(running).map(|url| Client::new(&url, settings)).transpose()
}

/// As [`running_server`]; jobs are run by a server, so one is needed.
pub fn needed_server(settings: &Settings, server: Option<&str>) -> Result<Client, Failure> {
    running_server(settings, server)?.ok_or_else(|| {
        Failure::run(format!(
            "nobody serves {}: start `clippy serve` there, or name a running one with --server URL",
            settings.collection.data_dir.display()
        ))
    })
}

/// The address that a listener serves at.
pub fn url_of(listener: &TcpListener) -> Result<String, Failure> {
    let address =
        listener.local_addr().map_err(|error| Failure::run(format!("the server's own address is unknown: {error}")))?;
    Ok(format!("http://{address}"))
}
