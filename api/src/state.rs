//! The state that handlers share.

use std::sync::Arc;

use clippy_core::Result;
use clippy_core::backup::Backup;
use clippy_core::boards::Boards;
use clippy_core::embedding::ModelInfo;
use clippy_core::gallery::GalleryReader;
use clippy_core::history::History;
use clippy_core::live::Live;
use clippy_core::maps::Maps;
use clippy_core::pictures::Pictures;
use clippy_core::preferences::Preferences;
use clippy_core::recent::RecentQueries;
use clippy_core::tastes::Tastes;
use clippy_core::trash::Trash;
use clippy_core::watching::Watching;
use clippy_history::{HistoryKeeper, IN_FLIGHT};
use clippy_jobs::{EventHub, JobStore};
use clippy_search::{LiveSearcher, Searcher};
use tokio_util::sync::CancellationToken;
use tower_http::cors::CorsLayer;

use crate::access::{KeyRing, Sites};
use crate::admission::Admission;
use crate::cors::cors_layer;
use crate::generation::GenerationParts;
use crate::hidden::HiddenPaths;
use crate::listings::Listings;
use crate::maps::KnownMaps;
use crate::new_jobs::NewJobs;
use crate::options::ApiOptions;
use crate::readiness::Readiness;
use crate::tags::KnownTags;

/// The parts that a server needs.
#[derive(Clone)]
pub struct ApiParts {
    /// Runs searches, each with the model and collection that are live when it begins.
    pub searcher: Arc<LiveSearcher>,
    /// The live collection.
    pub gallery: Arc<dyn GalleryReader>,
    /// The preferences of artists.
    pub preferences: Arc<dyn Preferences>,
    /// The same preferences, for exports and imports.
    pub tastes: Arc<dyn Tastes>,
    /// Named sets of pictures.
    pub boards: Arc<dyn Boards>,
    /// Deleted pictures, and the journal of changes.
    pub trash: Arc<dyn Trash>,
    /// Maps of the collection.
    pub maps: Arc<dyn Maps>,
    /// Copies the data folder; `None` if the collection is not in it.
    pub backup: Option<Arc<dyn Backup>>,
    /// The files of pictures.
    pub pictures: Arc<dyn Pictures>,
    /// Recent queries, which a re-index compares models with.
    pub recent: Arc<dyn RecentQueries>,
    /// The job store. Workers run the jobs, in this process or others.
    pub jobs: Arc<dyn JobStore>,
    /// Wakes open streams when their jobs have new events. There is one per store.
    pub events: Arc<EventHub>,
    /// Providers, inputs and outputs of generation.
    pub generation: GenerationParts,
    /// The history of generated pictures.
    pub history: Arc<dyn History>,
    /// Watches folders.
    pub watching: Arc<dyn Watching>,
}

/// A server's parts, keys and limits; cheap to clone.
#[derive(Clone)]
pub struct AppState {
    inner: Arc<Inner>,
}

struct Inner {
    parts: ApiParts,
    options: ApiOptions,
    keys: KeyRing,
    sites: Sites,
    admission: Admission,
    readiness: Arc<Readiness>,
    cors: CorsLayer,
    stopping: CancellationToken,
    tags: KnownTags,
    listings: Listings,
    maps: KnownMaps,
    new_jobs: Arc<NewJobs>,
    hidden: HiddenPaths,
}

impl AppState {
    /// Assembles the state.
    ///
    /// # Errors
    /// [`clippy_core::ErrorCode::InvalidInput`] that names `ALLOWED_ORIGINS` or `ALLOWED_HOSTS`
    /// when an entry cannot be one.
    pub fn new(parts: ApiParts, options: ApiOptions) -> Result<Self> {
        let keys = KeyRing::new(&options.api_keys, &options.admin_keys);
        let admission = Admission::new(&options);
        let cors = cors_layer(&options.allowed_origins)?;
        let sites = Sites::new(&options)?;
        let hidden = HiddenPaths::new(&options);
        let readiness = Arc::new(Readiness::default());
        let stopping = CancellationToken::new();
        Ok(Self {
            inner: Arc::new(Inner {
                parts,
                options,
                keys,
                sites,
                admission,
                readiness,
                cors,
                stopping,
                tags: KnownTags::default(),
                listings: Listings::default(),
                maps: KnownMaps::default(),
                new_jobs: Arc::default(),
                hidden,
            }),
        })
    }

    /// The live pair and its searcher. Take them once per search.
    #[must_use]
    pub fn searcher(&self) -> (Arc<Searcher>, Arc<Live>) {
        self.inner.parts.searcher.now()
    }

    /// Recent queries.
    #[must_use]
    pub fn recent(&self) -> &dyn RecentQueries {
        self.inner.parts.recent.as_ref()
    }

    /// The collection.
    #[must_use]
    pub fn gallery(&self) -> &Arc<dyn GalleryReader> {
        &self.inner.parts.gallery
    }

    /// The preferences of artists.
    #[must_use]
    pub fn preferences(&self) -> &dyn Preferences {
        self.inner.parts.preferences.as_ref()
    }

    /// The files of pictures.
    #[must_use]
    pub fn pictures(&self) -> &dyn Pictures {
        self.inner.parts.pictures.as_ref()
    }

    /// Deleted pictures, and the journal of changes.
    pub(crate) fn trash(&self) -> &dyn Trash {
        self.inner.parts.trash.as_ref()
    }

    /// Maps of the collection.
    pub(crate) fn maps(&self) -> &dyn Maps {
        self.inner.parts.maps.as_ref()
    }

    /// Maps that were read lately.
    pub(crate) fn known_maps(&self) -> &KnownMaps {
        &self.inner.maps
    }

    /// Named sets of pictures.
    pub(crate) fn boards(&self) -> &dyn Boards {
        self.inner.parts.boards.as_ref()
    }

    /// All preferences, for exports and imports.
    pub(crate) fn tastes(&self) -> &dyn Tastes {
        self.inner.parts.tastes.as_ref()
    }

    /// Copies the data folder, if the collection is in it.
    pub(crate) fn backup(&self) -> Option<Arc<dyn Backup>> {
        self.inner.parts.backup.clone()
    }

    /// The model that queries are embedded with, now.
    #[must_use]
    pub fn model(&self) -> Arc<ModelInfo> {
        Arc::clone(self.searcher().1.embedder.info())
    }

    /// The job store.
    #[must_use]
    pub fn jobs(&self) -> &dyn JobStore {
        self.inner.parts.jobs.as_ref()
    }

    /// Wakes streams when their jobs have new events.
    #[must_use]
    pub fn events(&self) -> &Arc<EventHub> {
        &self.inner.parts.events
    }

    /// Providers, inputs and outputs of generation.
    #[must_use]
    pub fn generation(&self) -> &GenerationParts {
        &self.inner.parts.generation
    }

    /// The history of generated pictures.
    pub(crate) fn history(&self) -> &dyn History {
        self.inner.parts.history.as_ref()
    }

    /// Deletes entries of the history with their files.
    pub(crate) fn history_keeper(&self) -> HistoryKeeper {
        let parts = &self.inner.parts;
        HistoryKeeper {
            history: Arc::clone(&parts.history),
            outputs: parts.generation.outputs.clone(),
            intake: parts.generation.intake.clone(),
            jobs: Arc::clone(&parts.jobs),
            gallery: Arc::clone(&parts.gallery),
            in_flight: IN_FLIGHT,
        }
    }

    /// The collection's tags.
    pub(crate) fn tags(&self) -> &KnownTags {
        &self.inner.tags
    }

    /// Lists of the gallery's pictures.
    pub(crate) fn listings(&self) -> &Listings {
        &self.inner.listings
    }

    /// Cancelled when the server stops, so that streams end.
    pub(crate) fn stopping(&self) -> &CancellationToken {
        &self.inner.stopping
    }

    /// Watches folders.
    pub(crate) fn watching(&self) -> &dyn Watching {
        self.inner.parts.watching.as_ref()
    }

    /// The server's options.
    #[must_use]
    pub fn options(&self) -> &ApiOptions {
        &self.inner.options
    }

    /// Whether the server is ready.
    #[must_use]
    pub fn readiness(&self) -> &Arc<Readiness> {
        &self.inner.readiness
    }

    pub(crate) fn keys(&self) -> &KeyRing {
        &self.inner.keys
    }

    /// The names and origins of this server.
    pub(crate) fn sites(&self) -> &Sites {
        &self.inner.sites
    }

    /// Hides this machine's paths in answers.
    pub(crate) fn hidden(&self) -> &HiddenPaths {
        &self.inner.hidden
    }

    /// Notifies streams of new jobs.
    pub(crate) fn new_jobs(&self) -> &Arc<NewJobs> {
        &self.inner.new_jobs
    }

    /// The job store, shared with tasks that outlive a call.
    pub(crate) fn shared_jobs(&self) -> &Arc<dyn JobStore> {
        &self.inner.parts.jobs
    }

    pub(crate) fn admission(&self) -> &Admission {
        &self.inner.admission
    }

    pub(crate) fn cors(&self) -> CorsLayer {
        self.inner.cors.clone()
    }
}
