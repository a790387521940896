//! The handler of `reindex` jobs: builds a new collection beside the live one, with the same or
//! another model, and switches to it.
//!
//! A re-index is one parent job with parts. The parent first creates the new collection and divides
//! the points of the live one among the parts ([`plan`]). A part ([`part`]) embeds its points
//! again, on any worker ([`renew`]). Then the parent ([`finish`]) adds up the outcomes, copies what
//! was written meanwhile ([`catch_up`]), builds the graphs, compares the results of both
//! collections ([`compare`]) and switches.
//!
//! Each of these steps may run twice: a point that is already in the new collection is left
//! unchanged, the list of changes keeps what is not copied yet, and a later run detects that the
//! switch was made.

mod catch_up;
mod compare;
mod finish;
mod part;
mod plan;
mod renew;
mod rollback;

use std::sync::Arc;

use async_trait::async_trait;
use clippy_core::bulk::ReindexRequest;
use clippy_core::collections::{Collections, ModelSource, Models, PhysicalCollection, Role};
use clippy_core::embedding::Embedder;
use clippy_core::live::{Live, LivePair};
use clippy_core::pictures::Pictures;
use clippy_core::recent::RecentQueries;
use clippy_core::{Error, ErrorCode, Result};
use clippy_jobs::{Envelope, JobContext, JobError, JobHandler, JobKind, JobProgress, Phase};
use clippy_search::MakeSearcher;
use parking_lot::Mutex;
use serde_json::{Value, json};

use self::plan::PointRange;
use self::renew::Renewer;
use super::{BulkSettings, wait_logger};
use crate::patience::{Patience, Pauses};
use crate::whitening;

/// The unit of a re-index's progress.
const UNIT: &str = "pictures";

/// The tools of a re-index.
#[derive(Clone)]
pub struct ReindexTools {
    /// The live pair of model and collection in this process. The switch replaces it.
    pub live: Arc<LivePair>,
    /// The physical collections.
    pub collections: Arc<dyn Collections>,
    /// Loads models.
    pub models: Arc<dyn Models>,
    /// Reads the pictures' files, under the roots of the live collection.
    pub pictures: Arc<dyn Pictures>,
    /// The recent queries, for the comparison.
    pub recent: Arc<dyn RecentQueries>,
    /// Makes a searcher for a pair, for the comparison.
    pub searcher: MakeSearcher,
}

/// Handles `reindex` jobs: builds a new collection, rolls back to the previous one, or drops old
/// ones.
pub struct ReindexJob {
    tools: ReindexTools,
    settings: BulkSettings,
    /// The model that was loaded last. It is kept because all parts of a job use the same model,
    /// and dropped once the job has switched to it.
    cached_model: Mutex<Option<(ModelSource, Arc<dyn Embedder>)>>,
}

impl ReindexJob {
    /// Returns a handler with these tools.
    #[must_use]
    pub fn new(tools: ReindexTools, settings: BulkSettings) -> Self {
        Self {
            tools,
            settings,
            cached_model: Mutex::default(),
        }
    }

    /// Returns the model of a source. It is loaded unless it was the last one loaded.
    async fn load_model(&self, source: &ModelSource) -> Result<Arc<dyn Embedder>> {
        let kept = self.cached_model.lock().clone();
        if let Some((_, model)) = kept.filter(|(known, _)| known == source) {
            return Ok(model);
        }
        let model = self.tools.models.load(source).await?;
        *self.cached_model.lock() = Some((source.clone(), Arc::clone(&model)));
        Ok(model)
    }

    fn forget_model(&self) {
        *self.cached_model.lock() = None;
    }

    /// Returns the requested model, or the one in use if none is requested.
    async fn requested_model(&self, request: &ReindexRequest) -> Result<ModelSource> {
        if request.model.is_some() || request.pretrained.is_some() {
            return Ok(ModelSource {
                model: request.model.clone(),
                pretrained: request.pretrained.clone(),
            });
        }
        let live = self.tools.collections.live().await?;
        Ok(live
            .source
            .unwrap_or_else(|| self.tools.models.configured()))
    }

    /// Plans the parts of a re-index, or finishes it once they have ended.
    async fn build(
        &self,
        context: &JobContext,
        request: &ReindexRequest,
    ) -> Result<Value, JobError> {
        let tools = &self.tools;
        let source = self.requested_model(request).await?;
        if context.phase() == Phase::Merge {
            let work = finish::MergeWork::begin(context, tools, request).await?;
            let work = match work {
                finish::MergeState::AlreadySwitched(result) => {
                    self.forget_model();
                    return Ok(result);
                }
                finish::MergeState::Pending(work) => work,
            };
            let model = self.load_model(&work.source(&source)).await?;
            let finished = work.run(context, tools, request, model).await;
            if finished.is_ok() {
                self.forget_model();
            }
            return finished;
        }
        let model = self.load_model(&source).await?;
        let owner = context.job().id.to_string();
        let beside = tools
            .collections
            .begin_beside(model.info(), &source, &owner)
            .await?;
        let (live, pictures) = (tools.live.now(), Arc::clone(&tools.pictures));
        let filled = Collections::open(&*tools.collections, &beside.name).await?;
        whitening::settle_beside(&*live.gallery, &*filled, &*model, pictures).await?;
        match plan::run(context, tools, self.settings, request, &beside).await? {
            // The collection is empty: there are no parts to wait for, so merge at once.
            0 => {
                let work = finish::MergeWork::empty(beside);
                let finished = work.run(context, tools, request, model).await;
                self.forget_model();
                finished
            }
            // The job now waits for its parts. Nobody reads this value.
            _ => Ok(Value::Null),
        }
    }
}

#[async_trait]
impl JobHandler for ReindexJob {
    fn kind(&self) -> JobKind {
        JobKind::Reindex
    }

    async fn run(&self, context: JobContext) -> Result<Value, JobError> {
        // Repeating a run does no harm, so during an outage it is repeated here. Otherwise the
        // attempts of the job could be used up before a server has started.
        let patience = Patience::new(
            Pauses::default(),
            context.token().clone(),
            wait_logger(&context),
        );
        patience.run(|| self.run_once(context.clone())).await
    }
}

impl ReindexJob {
    /// Runs a part or the parent once. An outage is an error here.
    async fn run_once(&self, context: JobContext) -> Result<Value, JobError> {
        let Envelope { request, part, .. } =
            Envelope::<ReindexRequest, PointRange>::read(&context.job().payload)?;
        request.check()?;
        let tools = &self.tools;
        if let Some(range) = part {
            let found = tools.collections.list().await?;
            let beside = found
                .into_iter()
                .find(|one| one.name == range.collection && one.role == Role::Building);
            let Some(beside) = beside else {
                return Err(not_being_built(&range.collection).into());
            };
            let model = self.load_model(&source_of(tools, &beside)).await?;
            let renewer = Renewer::new(tools, &beside.name, model, &request.text_template).await?;
            return part::run(&context, tools, &range, &renewer).await;
        }
        if request.drop_old {
            let dropped = tools.collections.drop_old().await?;
            return Ok(json!({ "dropped": dropped }));
        }
        if request.rollback {
            let finished = rollback::run(&context, tools, &request).await;
            self.forget_model();
            return finished;
        }
        self.build(&context, &request).await
    }
}

/// Returns where a collection's model comes from: as the collection records it, or else as the
/// settings say.
fn source_of(tools: &ReindexTools, collection: &PhysicalCollection) -> ModelSource {
    collection
        .source
        .clone()
        .unwrap_or_else(|| tools.models.configured())
}

fn not_being_built(name: &str) -> Error {
    Error::new(
        ErrorCode::Conflict,
        format!(
            "the collection {name}, which this job fills, is no longer being built: start the \
             re-index again"
        ),
    )
}

/// Makes this process use another pair of model and collection.
async fn switch_live_pair(
    tools: &ReindexTools,
    name: &str,
    model: Arc<dyn Embedder>,
) -> Result<()> {
    let gallery = tools.collections.open(name).await?;
    tools.live.replace(Live {
        name: name.to_owned(),
        embedder: model,
        gallery,
    });
    Ok(())
}

/// Returns a note for the operator if the settings name another model than the live one.
fn settings_note(tools: &ReindexTools, live: &ModelSource) -> Option<String> {
    let configured = tools.models.configured();
    let names = configured.model.is_some() || configured.pretrained.is_some();
    if !names || configured == *live {
        return None;
    }
    let says = |source: &ModelSource| {
        let model = source
            .model
            .iter()
            .map(|value| format!("MODEL_NAME={value}"));
        let pretrained = source
            .pretrained
            .iter()
            .map(|value| format!("PRETRAINED={value}"));
        model.chain(pretrained).collect::<Vec<_>>().join(" ")
    };
    let wanted = says(live);
    let set = if wanted.is_empty() {
        String::new()
    } else {
        format!(", or set {wanted}")
    };
    Some(format!(
        "The settings say {}, which is no longer the model of the live collection, so the next \
         start will be refused: unset MODEL_NAME and PRETRAINED (the collection has its model \
         recorded){set}",
        says(&configured)
    ))
}

/// Reports the progress of a stage.
fn stage(context: &JobContext, done: u64, total: Option<u64>, stage: &str) {
    let progress = JobProgress {
        done,
        total,
        unit: UNIT.to_owned(),
        stage: stage.to_owned(),
        message: String::new(),
    };
    context.progress(progress);
}
