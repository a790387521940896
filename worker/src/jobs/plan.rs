//! Cuts a manifest into parts, in one reading, and knows after a kill where it was.

use clippy_core::bulk::ManifestRequest;
use clippy_core::ledger::LineOutcome;
use clippy_core::{Error, Result, blocking};
use clippy_jobs::{JobContext, JobError, Lane, NewChild};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::BulkSettings;
use super::payload::{Fingerprint, Part};
use crate::ingest::manifest::{Manifest, Place};
use crate::ingest::source::{Line, Source};
use crate::ingest::{ManifestOptions, Tools, check, roots};

/// What parts are counted in, in their parent's progress.
pub(super) const UNIT: &str = "lines";

/// How far a planner is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Cursor {
    manifest: Fingerprint,
    /// The account in this process's ledger that knows the ids seen so far.
    run: Uuid,
    /// Where the next part begins; `None` at the end.
    next: Option<Place>,
    /// Lines in the parts made so far.
    planned: u64,
}

impl Cursor {
    fn of(context: &JobContext) -> Option<Self> {
        context
            .cursor()
            .and_then(|cursor| Self::deserialize(cursor).ok())
    }
}

/// Makes all parts; gives how many lines they have.
pub(super) async fn run<R: Serialize>(
    context: &JobContext,
    tools: &Tools,
    settings: BulkSettings,
    request: &R,
    lines: &ManifestRequest,
) -> Result<u64, JobError> {
    let options = ManifestOptions::from(lines);
    check(tools, &options).await?;
    // A folder that is not there would fail every part; it is said once, here.
    roots(tools, &options).await?;
    let request = serde_json::to_value(request)
        .map_err(|error| Error::internal("a request is no JSON").with_source(error))?;

    let mut cursor = begin(context, tools, &options).await?;
    if cursor.planned > 0 {
        // There are parts from an earlier run, and so there is something to wait for, even if none
        // is added now.
        context.spawn_children(UNIT, &[]).await?;
    }
    let Some(mut source) = open(&options, tools, &cursor, settings.part_lines).await? else {
        return Ok(cursor.planned);
    };
    let mut parts = Vec::with_capacity(settings.parts_at_once);
    let mut at_end = false;
    while !at_end {
        context.go_on()?;
        let place = source.place();
        match (place, source.next().await?) {
            (Some(begin), Some(lines)) => {
                let part = Part {
                    manifest: cursor.manifest,
                    begin,
                    lines: lines.len() as u64,
                    duplicates: duplicates(&lines),
                };
                cursor.planned += part.lines;
                parts.push(NewChild {
                    key: format!("lines-{:012}", begin.line),
                    lane: Lane::Bulk,
                    weight: part.lines,
                    payload: json!({
                        "version": clippy_core::bulk::PAYLOAD_VERSION,
                        "request": request,
                        "part": part,
                    }),
                });
            }
            _ => at_end = true,
        }
        if parts.len() >= settings.parts_at_once || (at_end && !parts.is_empty()) {
            context.wait_for_room(settings.most_parts).await?;
            context.spawn_children(UNIT, &parts).await?;
            parts.clear();
            cursor.next = if at_end { None } else { source.place() };
            let written = serde_json::to_value(cursor)
                .map_err(|error| Error::internal("a cursor is no JSON").with_source(error))?;
            context.checkpoint(written).await?;
        }
    }
    // Which ids were seen is of no use any more; an account that cannot be closed harms nobody.
    if let Err(error) = tools.ledger.finish(cursor.run, true).await {
        tracing::debug!(%error, "the planner's account stays open");
    }
    Ok(cursor.planned)
}

/// Where an earlier run got to, as long as the manifest is the same and its account of ids is here;
/// else the beginning, where every part is made again under the same name, which is harmless.
async fn begin(context: &JobContext, tools: &Tools, options: &ManifestOptions) -> Result<Cursor> {
    let manifest = Fingerprint::of(&options.manifest).await?;
    if let Some(cursor) = Cursor::of(context).filter(|cursor| cursor.manifest == manifest)
        && tools.ledger.claim(cursor.run, &[]).await.is_ok()
    {
        return Ok(cursor);
    }
    let run = tools
        .ledger
        .begin(&options.manifest.display().to_string())
        .await?;
    Ok(Cursor {
        manifest,
        run,
        next: Some(Place::default()),
        planned: 0,
    })
}

/// Reads on from the cursor; `None` when it is at the end.
async fn open(
    options: &ManifestOptions,
    tools: &Tools,
    cursor: &Cursor,
    part_lines: usize,
) -> Result<Option<Source>> {
    let Some(place) = cursor.next else {
        return Ok(None);
    };
    let (path, mut slice, planned) = (options.manifest.clone(), options.slice, cursor.planned);
    slice.max_lines = slice.max_lines.map(|most| most.saturating_sub(planned));
    let lines = blocking("reading the manifest", move || {
        Manifest::open(&path)?.lines_from(slice, place)
    })
    .await?;
    Ok(Some(Source::new(
        lines,
        tools.ledger.clone(),
        cursor.run,
        part_lines.max(1),
    )))
}

fn duplicates(lines: &[Line]) -> Vec<(u64, u64)> {
    lines
        .iter()
        .filter_map(|line| match line {
            Line::Settled(record) => match record.outcome {
                LineOutcome::DuplicateOf { line } => Some((record.line, line)),
                _ => None,
            },
            Line::Entry { .. } => None,
        })
        .collect()
}
