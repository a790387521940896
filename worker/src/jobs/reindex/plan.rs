//! Cuts the live collection's points into parts, in the order of their ids, and continues from a
//! checkpoint after a crash.

use clippy_core::bulk::ReindexRequest;
use clippy_core::collections::PhysicalCollection;
use clippy_core::gallery::{Filter, With};
use clippy_core::ids::PointId;
use clippy_core::{Error, Result};
use clippy_jobs::{Envelope, JobContext, JobError, Lane, NewChild};
use serde::{Deserialize, Serialize};

use super::{ReindexTools, UNIT};
use crate::jobs::BulkSettings;

/// The points of a part: those from `begin` up to but not including `end`, when the part runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct PointRange {
    /// The collection that the part fills.
    pub(super) collection: String,
    pub(super) begin: PointId,
    /// `None` in the last part: to the end.
    pub(super) end: Option<PointId>,
    /// How many points it had when it was planned.
    pub(super) points: u64,
    /// How many points were before it then.
    pub(super) before: u64,
}

/// The planner's progress. Parts are saved here before they are created, so that a planner that
/// continues after a crash creates the same ones, even if points were added or deleted meanwhile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct PlanCheckpoint {
    collection: String,
    /// Parts that are being created.
    batch: Vec<PointRange>,
    /// Where the next part begins; `None` at the beginning and at the end.
    next: Option<PointId>,
    at_end: bool,
    planned: u64,
}

/// Creates all parts. Returns their number of points.
pub(super) async fn run(
    context: &JobContext,
    tools: &ReindexTools,
    settings: BulkSettings,
    request: &ReindexRequest,
    beside: &PhysicalCollection,
) -> Result<u64, JobError> {
    let gallery = tools.live.now().gallery.clone();
    let mut checkpoint = context
        .last_checkpoint()
        .and_then(|checkpoint| PlanCheckpoint::deserialize(checkpoint).ok())
        .filter(|checkpoint| checkpoint.collection == beside.name)
        .unwrap_or_else(|| PlanCheckpoint {
            collection: beside.name.clone(),
            batch: Vec::new(),
            next: None,
            at_end: false,
            planned: 0,
        });
    loop {
        if !checkpoint.batch.is_empty() {
            context.wait_for_room(settings.most_parts).await?;
            context
                .spawn_children(UNIT, &children(&checkpoint.batch, request)?)
                .await?;
        }
        if checkpoint.at_end {
            return Ok(checkpoint.planned);
        }
        checkpoint.batch = Vec::with_capacity(settings.parts_at_once);
        while !checkpoint.at_end && checkpoint.batch.len() < settings.parts_at_once.max(1) {
            context.go_on()?;
            let page = gallery
                .scroll(
                    &Filter::default(),
                    checkpoint.next,
                    settings.part_lines.max(1),
                    With::NOTHING,
                )
                .await?;
            checkpoint.next = page.next;
            checkpoint.at_end = page.next.is_none();
            let Some(first) = page.points.first() else {
                break;
            };
            let points = page.points.len() as u64;
            checkpoint.batch.push(PointRange {
                collection: checkpoint.collection.clone(),
                begin: first.id,
                end: page.next,
                points,
                before: checkpoint.planned,
            });
            checkpoint.planned += points;
        }
        let written = serde_json::to_value(&checkpoint)
            .map_err(|error| Error::internal("a checkpoint is not JSON").with_source(error))?;
        context.save_checkpoint(written).await?;
    }
}

fn children(ranges: &[PointRange], request: &ReindexRequest) -> Result<Vec<NewChild>> {
    let child = |range: &PointRange| {
        Ok(NewChild {
            key: format!("{} from {}", range.collection, range.begin),
            lane: Lane::Bulk,
            weight: range.points,
            payload: Envelope::part(request, range).to_payload()?,
        })
    };
    ranges.iter().map(child).collect()
}
