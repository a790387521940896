//! Cuts the live collection's points into parts, in the order of their ids, and knows after a kill
//! where it was.

use clippy_core::bulk::{PAYLOAD_VERSION, ReindexRequest};
use clippy_core::collections::Physical;
use clippy_core::gallery::{Filter, With};
use clippy_core::ids::PointId;
use clippy_core::{Error, Result};
use clippy_jobs::{JobContext, JobError, Lane, NewChild};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{ReindexTools, UNIT};
use crate::jobs::BulkSettings;

/// Which points a part is: from `begin` up to and without `end`, whatever they are when it runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Range {
    /// The collection that is filled.
    pub(super) collection: String,
    pub(super) begin: PointId,
    /// `None` in the last part: to the end.
    pub(super) end: Option<PointId>,
    /// How many points there were when it was cut.
    pub(super) points: u64,
    /// How many points came before it then.
    pub(super) before: u64,
}

/// How far a planner is. Parts are written here before they are made, so that a planner that
/// follows a killed one makes the very same ones, though points may have come and gone meanwhile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Cursor {
    collection: String,
    /// Parts that are being made.
    batch: Vec<Range>,
    /// Where the next part begins; `None` at the end, and at the beginning.
    next: Option<PointId>,
    at_end: bool,
    planned: u64,
}

/// Makes all parts; gives how many points they have.
pub(super) async fn run(
    context: &JobContext,
    tools: &ReindexTools,
    settings: BulkSettings,
    request: &ReindexRequest,
    beside: &Physical,
) -> Result<u64, JobError> {
    let request = serde_json::to_value(request)
        .map_err(|error| Error::internal("a request is no JSON").with_source(error))?;
    let gallery = tools.live.now().gallery.clone();
    let mut cursor = context
        .cursor()
        .and_then(|cursor| Cursor::deserialize(cursor).ok())
        .filter(|cursor| cursor.collection == beside.name)
        .unwrap_or_else(|| Cursor {
            collection: beside.name.clone(),
            batch: Vec::new(),
            next: None,
            at_end: false,
            planned: 0,
        });
    loop {
        if !cursor.batch.is_empty() {
            context.wait_for_room(settings.most_parts).await?;
            context
                .spawn_children(UNIT, &children(&cursor.batch, &request))
                .await?;
        }
        if cursor.at_end {
            return Ok(cursor.planned);
        }
        cursor.batch = Vec::with_capacity(settings.parts_at_once);
        while !cursor.at_end && cursor.batch.len() < settings.parts_at_once.max(1) {
            context.go_on()?;
            let page = gallery
                .scroll(
                    &Filter::default(),
                    cursor.next,
                    settings.part_lines.max(1),
                    With::NOTHING,
                )
                .await?;
            cursor.next = page.next;
            cursor.at_end = page.next.is_none();
            let Some(first) = page.points.first() else {
                break;
            };
            let points = page.points.len() as u64;
            cursor.batch.push(Range {
                collection: cursor.collection.clone(),
                begin: first.id,
                end: page.next,
                points,
                before: cursor.planned,
            });
            cursor.planned += points;
        }
        let written = serde_json::to_value(&cursor)
            .map_err(|error| Error::internal("a cursor is no JSON").with_source(error))?;
        context.checkpoint(written).await?;
    }
}

fn children(ranges: &[Range], request: &Value) -> Vec<NewChild> {
    let child = |range: &Range| NewChild {
        key: format!("{} from {}", range.collection, range.begin),
        lane: Lane::Bulk,
        weight: range.points,
        payload: json!({ "version": PAYLOAD_VERSION, "request": request, "part": range }),
    };
    ranges.iter().map(child).collect()
}
