//! Rolls back to the previous collection: brings it up to date with its own model, and switches to
//! it.

use std::sync::Arc;

use clippy_core::bulk::ReindexRequest;
use clippy_core::collections::{PhysicalCollection, Role};
use clippy_core::{Error, ErrorCode};
use clippy_jobs::{JobContext, JobError};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::catch_up::{CatchUp, CatchUpTotals};
use super::finish::switch;
use super::renew::Renewer;
use super::{ReindexTools, settings_note, source_of, switch_live_pair};

/// The collections of a rollback. It is saved first, so that a run after a crash does not roll back
/// the rollback.
#[derive(Debug, Serialize, Deserialize)]
struct RollbackCheckpoint {
    back_to: String,
    from: String,
}

pub(super) async fn run(
    context: &JobContext,
    tools: &ReindexTools,
    request: &ReindexRequest,
) -> Result<Value, JobError> {
    let all = tools.collections.list().await?;
    let of_role = |role: Role| all.iter().find(|one| one.role == role);
    let known = context
        .last_checkpoint()
        .and_then(|checkpoint| RollbackCheckpoint::deserialize(checkpoint).ok());
    let live = of_role(Role::Live).ok_or_else(|| Error::internal("no collection is live"))?;
    let checkpoint = match known {
        Some(known) => known,
        None => {
            let previous = of_role(Role::Previous).ok_or_else(nothing_kept)?;
            let checkpoint = RollbackCheckpoint {
                back_to: previous.name.clone(),
                from: live.name.clone(),
            };
            let written = serde_json::to_value(&checkpoint)
                .map_err(|error| Error::internal("a checkpoint is no JSON").with_source(error))?;
            context.remember(written).await?;
            checkpoint
        }
    };
    let target = all
        .iter()
        .find(|one| one.name == checkpoint.back_to)
        .ok_or_else(nothing_kept)?;
    let source = source_of(tools, target);
    let model = tools.models.load(&source).await?;
    if !target.fingerprint.is_empty() && model.info().fingerprint != target.fingerprint {
        return Err(other_model(target, &model.info().name).into());
    }
    if target.role == Role::Live {
        // An earlier run was killed after the switch.
        if tools.live.now().name != target.name {
            switch_live_pair(tools, &target.name, model).await?;
        }
        return Ok(result(
            tools,
            &checkpoint,
            &CatchUpTotals::default(),
            &source,
        ));
    }
    let renewer = Renewer::new(
        tools,
        &target.name,
        Arc::clone(&model),
        &request.text_template,
    )
    .await?;
    let live = Arc::clone(&tools.live.now().gallery);
    let mut catching_up = CatchUp {
        context,
        tools,
        name: &target.name,
        live,
        renewer: &renewer,
        totals: CatchUpTotals::default(),
    };
    catching_up.copy_until_few().await?;
    catching_up.compare_ids().await?;
    switch(&mut catching_up, None, model).await?;
    Ok(result(tools, &checkpoint, &catching_up.totals, &source))
}

fn result(
    tools: &ReindexTools,
    checkpoint: &RollbackCheckpoint,
    caught_up: &CatchUpTotals,
    source: &clippy_core::collections::ModelSource,
) -> Value {
    json!({
        "live": checkpoint.back_to,
        "previous": checkpoint.from,
        "model": source,
        "caught_up": caught_up,
        "settings": settings_note(tools, source),
    })
}

fn nothing_kept() -> Error {
    Error::new(
        ErrorCode::Conflict,
        "there is no collection to go back to: there was no re-index, or the previous collection \
         has been dropped",
    )
}

fn other_model(target: &PhysicalCollection, name: &str) -> Error {
    Error::new(
        ErrorCode::Conflict,
        format!(
            "the collection {} was filled by a model whose weights differ from those of {name} \
             now: restore the old weights to go back to it",
            target.name
        ),
    )
}
