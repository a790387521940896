//! Assembles the parts of a process: model, collection, database and picture files.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use clippy_api::metrics::MeteredEmbedder;
use clippy_api::{ApiOptions, ApiParts, AppState, CurrentEmbedder};
use clippy_core::backup::Backup;
use clippy_core::collections::{Collections, ModelSource, Models};
use clippy_core::embedding::ModelInfo;
use clippy_core::folders::Folders;
use clippy_core::gallery::{Gallery, GalleryReader};
use clippy_core::live::{Live, LiveGallery, LivePair};
use clippy_core::preparing::Preparing;
use clippy_core::settings::Settings;
use clippy_core::watching::{NotWatching, Watching};
use clippy_fetch::Pauses;
use clippy_gallery::{
    EdgeCollections, EdgeCollectionsOptions, EmbeddedMaps, EmbeddedState, EmbeddedTrash,
    FolderBackup, GalleryPictures, PictureFiles, PictureOptions, QdrantCollections,
    RecentQueryFile, StoreLock, holder,
};
use clippy_generate::GenerationSettings;
use clippy_history::{HistoryKeeper, IN_FLIGHT};
use clippy_imaging::DecodeLimits;
use clippy_jobs::{EventHub, JobStore, RunnerSettings};
use clippy_library::scan::Library;
use clippy_search::{LiveSearcher, MakeSearcher, Searcher, SearcherOptions};
use clippy_worker::ingest::{LiveTools, Tools};
use clippy_worker::jobs::{
    BulkSettings, FetchJob, FetchSettings, GalleryReferences, GenerateJob, IngestJob, ReindexJob,
    ReindexTools,
};
use clippy_worker::patience::Patience;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use crate::cleaning;
use crate::client::{Client, is_loopback};
use crate::failure::Failure;
use crate::following;
use crate::generation::{self, Generation};
use crate::model_choice;
use crate::models;
use crate::private;
use crate::qdrant;
use crate::queue::{self, Workers};
use crate::shutdown::until_stopped;
use crate::tending;

/// The parts with which a process fills and searches its collection.
pub struct LocalServices {
    /// The live model and collection.
    live: Arc<LivePair>,
    /// The live collection.
    pub gallery: Arc<dyn GalleryReader>,
    /// All collections behind the public name.
    collections: Arc<dyn Collections>,
    /// Loads further models, for a re-index.
    models: Arc<dyn Models>,
    /// Recent queries.
    recent: Arc<RecentQueryFile>,
    /// Makes a searcher for a live pair.
    searcher: MakeSearcher,
    /// Preferences and ledgers.
    pub state: Arc<EmbeddedState>,
    /// Deleted pictures, and the journal of changes.
    trash: Arc<EmbeddedTrash>,
    /// Maps of the collection.
    maps: EmbeddedMaps,
    /// Copies the data folder; `None` if the collection is not in it.
    backup: Option<Arc<dyn Backup>>,
    /// The files of the collection's pictures.
    pictures: Arc<GalleryPictures>,
    /// The folders that bulk work may use.
    folders: Folders,
    /// The providers and their budget.
    generation: Generation,
    /// Locks the data folder. A worker shares it with a server, and holds no lock.
    _lock: Option<StoreLock>,
}

impl LocalServices {
    /// Opens the data folder exclusively. `address` is where this process will serve; it is
    /// recorded, so that other commands find the server.
    pub async fn open(settings: &Settings, address: Option<&str>) -> Result<Self, Failure> {
        let lock = || StoreLock::acquire(&settings.collection.data_dir, address).map(Some);
        Box::pin(Self::open_with(settings, generation::settings()?, lock)).await
    }

    /// Like [`LocalServices::open`], but does not create the data folder: for commands that only
    /// read.
    pub async fn open_existing(settings: &Settings) -> Result<Self, Failure> {
        let folder = &settings.collection.data_dir;
        let lock = || {
            if settings.collection.qdrant_url.is_none() && !folder.exists() {
                return Err(clippy_core::Error::not_found(format!(
                    "there is no collection in {}: fill one with `clippy ingest` or `clippy \
                     demo`, or choose another folder with --data-dir",
                    folder.display()
                )));
            }
            StoreLock::acquire(folder, None).map(Some)
        };
        Box::pin(Self::open_with(settings, generation::settings()?, lock)).await
    }

    /// Like [`LocalServices::open`], with the local provider only.
    pub async fn open_offline(settings: &Settings, address: Option<&str>) -> Result<Self, Failure> {
        let lock = || StoreLock::acquire(&settings.collection.data_dir, address).map(Some);
        Box::pin(Self::open_with(settings, generation::offline()?, lock)).await
    }

    /// Like [`LocalServices::open`], for workers that share the data folder with a server. Their
    /// collection and queue are on servers of their own.
    pub async fn open_beside(settings: &Settings) -> Result<Self, Failure> {
        Box::pin(Self::open_with(settings, generation::settings()?, || {
            Ok(None)
        }))
        .await
    }

    async fn open_with(
        settings: &Settings,
        generation: GenerationSettings,
        lock: impl FnOnce() -> clippy_core::Result<Option<StoreLock>>,
    ) -> Result<Self, Failure> {
        let folder = &settings.collection.data_dir;
        private::check_access(folder)?;
        // Load the model before the lock, so that a wrong one leaves no empty collection behind.
        let source = model_choice::initial(settings).await?;
        let models = models::open(settings)?;
        let embedder = models.load(&source).await?;
        let lock = lock()?;
        generation::announce(&generation);
        let generation = Generation::open(&generation, folder)?;
        let opened = open_collections(settings, source, embedder.info()).await;
        let OpenCollections {
            collections,
            live,
            backup,
        } = match opened {
            Ok(opened) => opened,
            Err(error) => return Err(model_choice::with_hint(settings, error).await),
        };
        let name = collections.live().await?.name;
        let live = LivePair::new(Live {
            name,
            embedder,
            gallery: live,
        });
        let state = Arc::new(EmbeddedState::open(&database(settings), settings.preferences).await?);
        let gallery: Arc<dyn GalleryReader> = Arc::new(LiveGallery::new(Arc::clone(&live)));
        let files = PictureFiles::new(PictureOptions {
            images_root: settings.collection.images_root.clone(),
            ..PictureOptions::new(folder.join("thumbnails"))
        })?;
        let pictures = Arc::new(GalleryPictures::new(Arc::clone(&gallery) as _, files));
        let recent = Arc::new(RecentQueryFile::start(folder.join("recent_queries.json")));
        let searcher = searcher(settings, &state);
        let folders = Folders::new(
            settings.collection.images_root.clone(),
            Some(folder.clone()),
        );
        let parts = Self {
            live,
            gallery,
            collections,
            models,
            recent,
            searcher,
            trash: Arc::new(state.trash(&settings.collection.name)),
            maps: state.maps(&settings.collection.name),
            state,
            backup,
            pictures,
            folders,
            generation,
            _lock: lock,
        };
        Ok(parts)
    }

    /// Returns the tools of a run over a manifest.
    pub fn tools(&self) -> Tools {
        self.live_tools().now()
    }

    /// Like [`LocalServices::tools`], but they wait while servers are unavailable.
    pub fn patient_tools(&self, settings: &Settings, patience: Patience) -> Tools {
        let patience = patience.while_live(&self.live);
        let mut tools = patience.with(self.tools());
        if settings.model.embedder_url.is_some() {
            tools.embedder = patience.with_embedder(tools.embedder);
        }
        tools
    }

    fn live_tools(&self) -> LiveTools {
        LiveTools {
            live: Arc::clone(&self.live),
            ledger: Arc::clone(&self.state) as _,
            trash: Arc::clone(&self.trash) as _,
            maps: Arc::new(self.maps.clone()),
        }
    }

    /// Returns the record of added folders.
    pub fn library(&self, settings: &Settings) -> Library {
        Library {
            known: Arc::clone(&self.state) as _,
            collection: settings.collection.name.clone(),
            data: settings.collection.data_dir.clone(),
        }
    }

    /// Returns the tools of a re-index.
    fn reindex_tools(&self) -> ReindexTools {
        ReindexTools {
            live: Arc::clone(&self.live),
            collections: Arc::clone(&self.collections),
            models: Arc::clone(&self.models),
            pictures: Arc::clone(&self.pictures) as _,
            recent: Arc::clone(&self.recent) as _,
            searcher: Arc::clone(&self.searcher),
        }
    }

    /// Returns the job handlers of this process's workers.
    pub fn handlers(&self, settings: &Settings) -> clippy_jobs::Handlers {
        let references = GalleryReferences::new(
            Arc::clone(&self.gallery) as _,
            Arc::clone(&self.pictures) as _,
        );
        clippy_worker::jobs::handlers(&self.live_tools(), &self.folders, BulkSettings::default())
            .with(
                IngestJob::new(
                    self.live_tools(),
                    self.folders.clone(),
                    BulkSettings::default(),
                )
                .with_library(self.library(settings)),
            )
            .with(FetchJob::new(
                self.live_tools(),
                self.folders.clone(),
                BulkSettings::default(),
                FetchSettings {
                    data: settings.collection.data_dir.clone(),
                    sites: settings.jobs.fetch_sites.clone(),
                    user_agent: clippy_fetch::USER_AGENT.to_owned(),
                    pauses: Pauses::default(),
                },
            ))
            .with(ReindexJob::new(
                self.reindex_tools(),
                BulkSettings::default(),
            ))
            .with(GenerateJob::new(self.generation.tools(
                references,
                Arc::clone(&self.state) as _,
                Arc::clone(&self.live),
            )))
    }

    /// Returns a function that returns the live encoder, for a worker that serves its model.
    pub fn current_embedder(&self) -> CurrentEmbedder {
        let live = Arc::clone(&self.live);
        Arc::new(move || Arc::clone(&live.now().embedder))
    }

    /// Follows the switches of other processes until the handle is dropped.
    pub fn follow(&self) -> AbortOnDropHandle<()> {
        AbortOnDropHandle::new(tokio::spawn(following::follow(
            Arc::clone(&self.collections),
            Arc::clone(&self.models),
            Arc::clone(&self.live),
        )))
    }

    /// Serves until the token is cancelled.
    pub async fn serve(
        &self,
        settings: &Settings,
        jobs: Arc<dyn JobStore>,
        listener: TcpListener,
        shutdown: CancellationToken,
    ) -> Result<(), Failure> {
        let preparing = (Preparing::default(), Arc::new(NotWatching) as _);
        self.serve_while(settings, preparing, jobs, listener, shutdown)
            .await
    }

    /// Like [`LocalServices::serve`], reports the preparation that is still in progress, and
    /// watches folders.
    pub async fn serve_while(
        &self,
        settings: &Settings,
        (preparing, watching): (Preparing, Arc<dyn Watching>),
        jobs: Arc<dyn JobStore>,
        listener: TcpListener,
        shutdown: CancellationToken,
    ) -> Result<(), Failure> {
        let options = ApiOptions {
            preparing,
            images_root: settings.collection.images_root.clone(),
            data_dir: Some(settings.collection.data_dir.clone()),
            fetch_sites: settings.jobs.fetch_sites.clone(),
            outputs_keep_days: settings.outputs.keep_days,
            ..ApiOptions::from(&settings.server)
        };
        let _following = self.follow();
        let _cleaning = cleaning::start(
            Arc::clone(&self.live),
            Arc::clone(&self.trash) as _,
            settings.collection.data_dir.clone(),
        );
        let parts = self.generation.parts();
        let keeper = HistoryKeeper {
            history: Arc::clone(&self.state) as _,
            outputs: parts.outputs,
            intake: parts.intake,
            jobs: Arc::clone(&jobs),
            gallery: Arc::clone(&self.gallery),
            in_flight: IN_FLIGHT,
        };
        let _tending = tending::start(keeper, settings.outputs.keep());
        if settings.jobs.redis_url.is_some() {
            self.generation.record_data_folder(&*jobs).await;
        }
        let parts = ApiParts {
            searcher: LiveSearcher::new(Arc::clone(&self.live), Arc::clone(&self.searcher)),
            gallery: Arc::clone(&self.gallery) as _,
            preferences: Arc::clone(&self.state) as _,
            tastes: Arc::clone(&self.state) as _,
            backup: self.backup.clone(),
            boards: Arc::clone(&self.state) as _,
            trash: Arc::clone(&self.trash) as _,
            maps: Arc::new(self.maps.clone()),
            pictures: Arc::clone(&self.pictures) as _,
            recent: Arc::clone(&self.recent) as _,
            events: EventHub::start(Arc::clone(&jobs)),
            jobs,
            generation: self.generation.parts(),
            history: Arc::clone(&self.state) as _,
            watching,
        };
        let state = AppState::new(parts, options)?;
        Ok(clippy_api::serve(listener, state, shutdown.cancelled_owned()).await?)
    }
}

/// Returns a function that makes a searcher for a live pair.
fn searcher(settings: &Settings, state: &Arc<EmbeddedState>) -> MakeSearcher {
    let options = SearcherOptions {
        hnsw_ef: settings.collection.hnsw_ef,
        rule: settings.preferences,
        limits: DecodeLimits::default(),
    };
    let state = Arc::clone(state);
    Arc::new(move |live: &Live| {
        Searcher::new(
            Arc::new(MeteredEmbedder::new(Arc::clone(&live.embedder))),
            Arc::clone(&live.gallery),
            Arc::clone(&state) as _,
            options.clone(),
        )
    })
}

/// The embedded database in the data folder.
const DATABASE: &str = "clippy.db";
/// All databases in the data folder.
pub const DATABASES: [&str; 2] = [DATABASE, queue::FILE];

/// Returns the file of the embedded database.
pub fn database(settings: &Settings) -> PathBuf {
    settings.collection.data_dir.join(DATABASE)
}

/// The open collections behind the public name.
pub struct OpenCollections {
    /// All of them.
    pub collections: Arc<dyn Collections>,
    /// The live one.
    pub live: Arc<dyn Gallery>,
    /// Copies them; `None` for those on a server.
    pub backup: Option<Arc<dyn Backup>>,
}

/// Opens the collections behind the public name, on the configured server or in the data folder.
pub async fn open_collections(
    settings: &Settings,
    source: ModelSource,
    model: &ModelInfo,
) -> clippy_core::Result<OpenCollections> {
    if let Some(server) = qdrant::server(settings) {
        let (collections, live) =
            QdrantCollections::open(qdrant::options(settings, server, model), source).await?;
        return Ok(OpenCollections {
            collections: Arc::new(collections),
            live,
            backup: None,
        });
    }
    let data = settings.collection.data_dir.clone();
    let options = EdgeCollectionsOptions {
        data: settings.collection.data_dir.clone(),
        name: settings.collection.name.clone(),
        source,
        indexing_threshold_kb: None,
    };
    let (collections, live) = EdgeCollections::open(options, model).await?;
    let backup = FolderBackup::new(collections.clone(), data, &DATABASES);
    Ok(OpenCollections {
        collections: Arc::new(collections),
        live,
        backup: Some(Arc::new(backup)),
    })
}

/// Runs `work` with a server: the one that the user gave, or the one that serves this data folder.
/// If there is none, one is started in this process, on a free port of loopback.
pub async fn with_server<T>(
    settings: &Settings,
    server: Option<&str>,
    work: impl AsyncFnOnce(&Client) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let open = Box::pin(LocalServices::open_existing(settings));
    with_server_or(settings, server, open, work).await
}

/// Like [`with_server`], but makes the data folder and the collection if they are missing.
pub async fn with_server_to_fill<T>(
    settings: &Settings,
    server: Option<&str>,
    work: impl AsyncFnOnce(&Client) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let open = Box::pin(LocalServices::open(settings, None));
    with_server_or(settings, server, open, work).await
}

/// Runs `work` with a server; opens the data folder like this if there is none.
async fn with_server_or<T>(
    settings: &Settings,
    server: Option<&str>,
    open: impl Future<Output = Result<LocalServices, Failure>>,
    work: impl AsyncFnOnce(&Client) -> Result<T, Failure>,
) -> Result<T, Failure> {
    if let Some(client) = running_server(settings, server)? {
        return work(&client).await;
    }
    let services = open.await?;
    let jobs = queue::open_embedded(settings).await?;
    in_this_process(settings, &services, jobs, work).await
}

/// Like [`with_server`], with workers in this process. They also continue jobs that an earlier
/// process left unfinished.
pub async fn with_workers<T>(
    settings: &Settings,
    shutdown: &CancellationToken,
    work: impl AsyncFnOnce(&Client) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let services = until_stopped(shutdown, LocalServices::open(settings, None)).await?;
    let jobs = queue::open_embedded(settings).await?;
    let mut workers = Workers::start(
        jobs.clone(),
        services.handlers(settings),
        RunnerSettings::embedded(),
        shutdown,
    )?;
    let answer = tokio::select! {
        answer = in_this_process(settings, &services, jobs, work) => answer,
        ended = workers.wait() => {
            ended?;
            return Err(Failure::run("stopped; unfinished jobs continue at the next start"));
        }
    };
    workers.stop().await?;
    answer
}

async fn in_this_process<T>(
    settings: &Settings,
    services: &LocalServices,
    jobs: Arc<dyn JobStore>,
    work: impl AsyncFnOnce(&Client) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0)))
        .await
        .map_err(|error| Failure::run(format!("no loopback port is free: {error}")))?;
    let url = url_of(&listener)?;
    let client = Client::of_own_server(&url, settings)?;
    let shutdown = CancellationToken::new();
    // Keys are required here too, since other users of this machine could connect to this port.
    let serving = services.serve(settings, jobs, listener, shutdown.clone());
    tokio::pin!(serving);
    let answer = tokio::select! {
        ended = &mut serving => {
            return Err(ended.err().unwrap_or_else(|| Failure::run("the server ended early")));
        }
        answer = work(&client) => answer,
    };
    shutdown.cancel();
    serving.await?;
    answer
}

/// Returns the server that the user gave, or the one that serves this data folder.
pub fn running_server(
    settings: &Settings,
    server: Option<&str>,
) -> Result<Option<Client>, Failure> {
    if let Some(named) = server {
        return Client::new(named, settings).map(Some);
    }
    let Some(holder) = holder(&settings.collection.data_dir) else {
        return Ok(None);
    };
    let Some(address) = &holder.address else {
        return Ok(None);
    };
    match holder.other_machine() {
        Some(machine) if is_loopback(address) => Err(Failure::run(format!(
            "{} is in use by a server on machine {machine}, which other machines cannot reach at \
             {address}: run this command there, or pass the server's address with --server URL",
            settings.collection.data_dir.display()
        ))),
        _ => Client::from_data_folder(address, settings).map(Some),
    }
}

/// Like [`running_server`], but fails if there is none.
pub fn require_server(settings: &Settings, server: Option<&str>) -> Result<Client, Failure> {
    running_server(settings, server)?.ok_or_else(|| {
        Failure::run(format!(
            "no server has {} open: start `clippy serve` with it, or pass the address of a running \
             server with --server URL",
            settings.collection.data_dir.display()
        ))
    })
}

/// Returns the URL of a listener.
pub fn url_of(listener: &TcpListener) -> Result<String, Failure> {
    let address = listener
        .local_addr()
        .map_err(|error| Failure::run(format!("the server's own address is unknown: {error}")))?;
    Ok(format!("http://{address}"))
}
