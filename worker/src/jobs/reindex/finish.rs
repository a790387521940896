//! Finishes a re-index: adds up the accounts, copies what was written meanwhile, builds the graphs,
//! compares the old and the new collection, and switches.

use std::sync::Arc;
use std::time::{Duration, Instant};

use clippy_core::bulk::ReindexRequest;
use clippy_core::collections::{ModelSource, PhysicalCollection, Role};
use clippy_core::embedding::Embedder;
use clippy_core::gallery::Filter;
use clippy_core::live::Live;
use clippy_core::{Error, ErrorCode, Result};
use clippy_jobs::{JobContext, JobError};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::catch_up::{CatchUp, CatchUpTotals};
use super::compare::{self, Comparison};
use super::renew::Renewer;
use super::{ReindexTools, not_being_built, settings_note, source_of, stage, switch_live_pair};
use crate::jobs::merge::{self, Failed, FirstFailed, Outcome};
use crate::style_groups;

/// One in this many pictures may be unreadable. With more, the switch needs `allow_missing`.
const ONE_UNREADABLE_OF: u64 = 10;
/// Ids of unreadable pictures that a result lists.
const LISTED: usize = 1_000;

/// The results so far, saved as a checkpoint just before the switch. If the process crashes after
/// the switch, the next run reports them.
#[derive(Debug, Serialize, Deserialize)]
struct SwitchCheckpoint {
    /// The collection that becomes live.
    collection: String,
    outcome: Outcome,
    unreadable: Vec<String>,
    caught_up: CatchUpTotals,
    comparison: Comparison,
    previous: String,
}

/// The work that remains when all parts have ended.
pub(super) struct MergeWork {
    beside: PhysicalCollection,
    has_parts: bool,
}

/// How far an earlier run of the merge got.
pub(super) enum MergeState {
    /// It was killed after the switch. This is the result.
    AlreadySwitched(Value),
    /// It has not switched yet.
    Pending(MergeWork),
}

impl MergeWork {
    /// Finds out how far an earlier run got.
    pub(super) async fn begin(
        context: &JobContext,
        tools: &ReindexTools,
        request: &ReindexRequest,
    ) -> Result<MergeState, JobError> {
        let ready = context
            .last_checkpoint()
            .and_then(|checkpoint| SwitchCheckpoint::deserialize(checkpoint).ok());
        let owner = context.job().id.to_string();
        let is_ours = |one: &PhysicalCollection| match &ready {
            Some(ready) => one.name == ready.collection,
            None => one.role == Role::Building && one.owner == owner,
        };
        let found = tools.collections.list().await?.into_iter().find(is_ours);
        match found {
            Some(beside) if beside.role == Role::Building => Ok(MergeState::Pending(Self {
                beside,
                has_parts: true,
            })),
            Some(live) if live.role == Role::Live => {
                let ready = ready.ok_or_else(|| {
                    Error::internal("the re-index has switched, but its checkpoint is missing")
                })?;
                if tools.live.now().name != live.name {
                    let model = tools.models.load(&source_of(tools, &live)).await?;
                    switch_live_pair(tools, &live.name, model).await?;
                }
                tracing::info!(
                    collection = live.name,
                    "the switch was done before this run began"
                );
                Ok(MergeState::AlreadySwitched(result(
                    tools,
                    request,
                    ready,
                    &source_of(tools, &live),
                    None,
                )))
            }
            _ => Err(not_being_built(
                ready
                    .as_ref()
                    .map_or("of this job", |ready| &ready.collection),
            )
            .into()),
        }
    }

    /// Returns the work for a collection without points, which has no parts.
    pub(super) fn empty(beside: PhysicalCollection) -> Self {
        Self {
            beside,
            has_parts: false,
        }
    }

    /// Returns the model that the parts filled the collection with.
    pub(super) fn source(&self, wanted: &ModelSource) -> ModelSource {
        self.beside.source.clone().unwrap_or_else(|| wanted.clone())
    }

    pub(super) async fn run(
        self,
        context: &JobContext,
        tools: &ReindexTools,
        request: &ReindexRequest,
        model: Arc<dyn Embedder>,
    ) -> Result<Value, JobError> {
        let (outcome, unreadable) = if self.has_parts {
            self.accounts(context, request).await?
        } else {
            <_>::default()
        };
        let renewer = Renewer::new(
            tools,
            &self.beside.name,
            Arc::clone(&model),
            &request.text_template,
        )
        .await?;
        let old = tools.live.now();
        let mut catching_up = CatchUp {
            context,
            tools,
            name: &self.beside.name,
            live: Arc::clone(&old.gallery),
            renewer: &renewer,
            totals: CatchUpTotals::default(),
        };
        catching_up.copy_until_few().await?;
        catching_up.compare_ids().await?;
        let done = outcome.totals.lines;
        stage(context, done, Some(done), "indexing");
        renewer.beside.optimize().await?;
        clippy_search::calibrate_if_outgrown(renewer.beside.as_ref()).await?;
        style_groups::carry_over(&*old.gallery, &*renewer.beside, &*model).await?;
        style_groups::refresh(&*renewer.beside, &*model, context.token()).await;
        catching_up.copy_until_few().await?;

        let new = Live {
            name: self.beside.name.clone(),
            embedder: Arc::clone(&model),
            gallery: Arc::clone(&renewer.beside),
        };
        let comparison = compare::run(context, tools, &old, &new).await?;
        let ready = SwitchCheckpoint {
            collection: self.beside.name.clone(),
            outcome,
            unreadable,
            caught_up: catching_up.totals.clone(),
            comparison,
            previous: old.name.clone(),
        };
        let written = serde_json::to_value(&ready)
            .map_err(|error| Error::internal("a checkpoint is no JSON").with_source(error))?;
        context.remember(written).await?;
        catching_up.copy_until_few().await?;

        stage(context, done, Some(done), "switching");
        let owner = context.job().id.to_string();
        let paused = switch(&mut catching_up, Some(&owner), model).await?;
        let ready = SwitchCheckpoint {
            caught_up: catching_up.totals,
            ..ready
        };
        Ok(result(
            tools,
            request,
            ready,
            &source_of(tools, &self.beside),
            Some(paused),
        ))
    }

    /// Adds up the parts. Fails if their results forbid the switch.
    async fn accounts(
        &self,
        context: &JobContext,
        request: &ReindexRequest,
    ) -> Result<(Outcome, Vec<String>), JobError> {
        let children = context.job().children.unwrap_or_default();
        let first = Failed::First(FirstFailed::new(LISTED));
        let (sum, failed) = merge::add_up(context, first).await?;
        if children.failed + children.cancelled > 0 {
            return Err(merge::parts_failed(&children, &sum));
        }
        let totals = sum.outcome.totals;
        if !totals.adds_up() {
            let message = format!(
                "the parts of job {} do not add up: {totals:?}",
                context.job().id
            );
            return Err(Error::internal(message).into());
        }
        if totals.failed * ONE_UNREADABLE_OF > totals.lines && !request.allow_missing {
            return Err(JobError::permanent(
                ErrorCode::Conflict,
                too_many_missing(&sum.outcome),
            ));
        }
        let unreadable = match failed {
            Failed::First(first) => first.into_ids(),
            Failed::Dropped | Failed::Points(_) | Failed::Logged(_) => Vec::new(),
        };
        Ok((sum.outcome, unreadable))
    }
}

fn too_many_missing(outcome: &Outcome) -> String {
    use clippy_core::ledger::LineOutcome;
    let reason = outcome
        .failures
        .first()
        .map(|record| match &record.outcome {
            LineOutcome::Failed { reason, .. } => reason.as_str(),
            _ => "",
        });
    format!(
        "{} of {} pictures cannot be read any more (the first: {}), so that the new collection \
         would lack their vectors. It was not switched to; the old one stays live. Restore the \
         files, or set allow_missing (--allow-missing), and start the re-index again: finished \
         work is kept",
        outcome.totals.failed,
        outcome.totals.lines,
        reason.unwrap_or_default()
    )
}

/// Pauses writers, copies the last changes, and switches, on the disk and in this process. Returns
/// how long writers were paused.
pub(super) async fn switch(
    catching_up: &mut CatchUp<'_>,
    owner: Option<&str>,
    model: Arc<dyn Embedder>,
) -> Result<Duration, JobError> {
    let (tools, name) = (catching_up.tools, catching_up.name);
    let begun = Instant::now();
    let pause = tools.collections.pause_writes().await?;
    catching_up.copy_rest().await?;
    let everything = Filter::default();
    if catching_up.live.count(&everything).await?
        != catching_up.renewer.beside.count(&everything).await?
    {
        catching_up.compare_ids().await?;
    }
    let counts = (
        catching_up.live.count(&everything).await?,
        catching_up.renewer.beside.count(&everything).await?,
    );
    if counts.0 != counts.1 {
        let message = format!(
            "the live collection has {} points and {name} has {}",
            counts.0, counts.1
        );
        return Err(Error::internal(message).into());
    }
    tools.collections.switch(name, owner, &*pause).await?;
    switch_live_pair(tools, name, model).await?;
    drop(pause);
    Ok(begun.elapsed())
}

fn result(
    tools: &ReindexTools,
    request: &ReindexRequest,
    ready: SwitchCheckpoint,
    source: &ModelSource,
    paused: Option<Duration>,
) -> Value {
    let SwitchCheckpoint {
        collection,
        outcome,
        unreadable,
        caught_up,
        comparison,
        previous,
    } = ready;
    let writes_paused_ms =
        paused.map(|paused| u64::try_from(paused.as_millis()).unwrap_or(u64::MAX));
    json!({
        "live": collection,
        "previous": previous,
        "model": source,
        "totals": outcome.totals,
        "parts": outcome.parts,
        "failures": outcome.failures,
        "reasons": outcome.reasons,
        "unreadable": unreadable,
        "caught_up": caught_up,
        "comparison": comparison,
        "writes_paused_ms": writes_paused_ms,
        "allow_missing": request.allow_missing,
        "settings": settings_note(tools, source),
    })
}
