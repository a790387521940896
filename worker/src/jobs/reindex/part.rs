//! Runs one part of a re-index: embeds the points of a range again.

use clippy_core::gallery::{Filter, With};
use clippy_core::ids::PointId;
use clippy_core::ledger::LineRecord;
use clippy_core::{Error, Result};
use clippy_jobs::{JobContext, JobError};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::plan::PointRange;
use super::renew::{CHUNK, Renewer};
use super::{ReindexTools, stage};
use crate::jobs::account::Account;

/// The progress of a part, saved after each chunk that the new collection acknowledged.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct PartCheckpoint {
    account: Account,
    /// Where the next chunk begins; `None` before the first.
    next: Option<PointId>,
}

/// Embeds the points of a part, from the last checkpoint on. Returns the part's account.
pub(super) async fn run(
    context: &JobContext,
    tools: &ReindexTools,
    range: &PointRange,
    renewer: &Renewer,
) -> Result<Value, JobError> {
    let live = tools.live.now();
    let mut checkpoint = context
        .last_checkpoint()
        .and_then(|checkpoint| PartCheckpoint::deserialize(checkpoint).ok())
        .unwrap_or_default();
    loop {
        context.go_on()?;
        let from = checkpoint.next.unwrap_or(range.begin);
        let mut page = live
            .gallery
            .scroll(&Filter::default(), Some(from), CHUNK, With::PAYLOAD)
            .await?;
        let before = page.points.len();
        page.points
            .retain(|point| range.end.is_none_or(|end| point.id < end));
        let ends_here =
            page.points.len() < before || page.next.is_none_or(|next| range.end == Some(next));
        for (id, outcome) in renewer.renew(page.points).await? {
            let line = range.before + checkpoint.account.totals.lines;
            checkpoint.account.add(&LineRecord {
                line,
                id: Some(id),
                outcome,
            });
        }
        let done = checkpoint.account.totals.lines;
        stage(
            context,
            done.min(range.points),
            Some(range.points),
            "embedding",
        );
        if ends_here {
            break;
        }
        checkpoint.next = page.next;
        let written = serde_json::to_value(&checkpoint)
            .map_err(|error| Error::internal("a checkpoint is not JSON").with_source(error))?;
        context.save_checkpoint(written).await?;
    }
    let account = serde_json::to_value(checkpoint.account);
    Ok(account.map_err(|error| Error::internal("an account is not JSON").with_source(error))?)
}
