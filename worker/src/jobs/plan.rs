//! Cuts a manifest into parts in one pass, and continues from a checkpoint after a crash.

use clippy_core::bulk::ManifestRequest;
use clippy_core::ledger::LineOutcome;
use clippy_core::{Error, Result, blocking};
use clippy_jobs::{Envelope, JobContext, JobError, Lane, NewChild};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::BulkSettings;
use super::manifest_part::{Fingerprint, ManifestPart};
use crate::ingest::manifest::{Manifest, Place, Slice};
use crate::ingest::source::{Line, Source};
use crate::ingest::{RunSettings, Tools, check, roots};

/// The unit of the parent's progress.
pub(super) const UNIT: &str = "lines";

/// The planner's progress in the manifest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct PlanCheckpoint {
    manifest: Fingerprint,
    /// The run in this process's ledger with the ids seen so far.
    run: Uuid,
    /// Where the next part begins; `None` at the end.
    next: Option<Place>,
    /// Lines in the parts made so far.
    planned: u64,
}

impl PlanCheckpoint {
    fn of(context: &JobContext) -> Option<Self> {
        context
            .last_checkpoint()
            .and_then(|checkpoint| Self::deserialize(checkpoint).ok())
    }
}

/// Creates all parts. Returns their number of lines.
pub(super) async fn run<R: Serialize>(
    context: &JobContext,
    tools: &Tools,
    settings: BulkSettings,
    request: &R,
    lines: &ManifestRequest,
) -> Result<u64, JobError> {
    check(tools, lines).await?;
    // A missing folder would fail every part, so it is reported once, here.
    roots(tools, lines, &RunSettings::default()).await?;

    let mut checkpoint = begin(context, tools, lines).await?;
    if checkpoint.planned > 0 {
        // Parts of an earlier run exist, so the job waits for them even if this run adds none.
        context.spawn_children(UNIT, &[]).await?;
    }
    let Some(mut source) = open(lines, tools, &checkpoint, settings.part_lines).await? else {
        return Ok(checkpoint.planned);
    };
    let mut parts = Vec::with_capacity(settings.parts_at_once);
    let mut at_end = false;
    while !at_end {
        context.go_on()?;
        let place = source.place();
        match (place, source.next().await?) {
            (Some(begin), Some(lines)) => {
                let part = ManifestPart {
                    manifest: checkpoint.manifest,
                    begin,
                    lines: lines.len() as u64,
                    duplicates: duplicates(&lines),
                };
                checkpoint.planned += part.lines;
                parts.push(NewChild {
                    key: format!("lines-{:012}", begin.line),
                    lane: Lane::Bulk,
                    weight: part.lines,
                    payload: Envelope::part(request, part).to_payload()?,
                });
            }
            _ => at_end = true,
        }
        if parts.len() >= settings.parts_at_once || (at_end && !parts.is_empty()) {
            context.wait_for_room(settings.most_parts).await?;
            context.spawn_children(UNIT, &parts).await?;
            parts.clear();
            checkpoint.next = if at_end { None } else { source.place() };
            let written = serde_json::to_value(checkpoint)
                .map_err(|error| Error::internal("a checkpoint is not JSON").with_source(error))?;
            context.save_checkpoint(written).await?;
        }
    }
    // The ids that were seen are no longer needed. Failing to close the run does no harm.
    if let Err(error) = tools.ledger.finish(checkpoint.run, true).await {
        tracing::debug!(%error, "the planner's run in the ledger could not be closed");
    }
    Ok(checkpoint.planned)
}

/// Returns the checkpoint of an earlier run, if the manifest has not changed and this process's
/// ledger still has its ids. Otherwise planning starts at the beginning: every part is created
/// again with the same key, which does no harm.
async fn begin(
    context: &JobContext,
    tools: &Tools,
    lines: &ManifestRequest,
) -> Result<PlanCheckpoint> {
    let manifest = Fingerprint::of(&lines.manifest).await?;
    if let Some(checkpoint) =
        PlanCheckpoint::of(context).filter(|checkpoint| checkpoint.manifest == manifest)
        && tools.ledger.claim(checkpoint.run, &[]).await.is_ok()
    {
        return Ok(checkpoint);
    }
    let run = tools
        .ledger
        .begin(&lines.manifest.display().to_string())
        .await?;
    Ok(PlanCheckpoint {
        manifest,
        run,
        next: Some(Place::default()),
        planned: 0,
    })
}

/// Opens the manifest at the checkpoint; `None` at the end.
async fn open(
    request: &ManifestRequest,
    tools: &Tools,
    checkpoint: &PlanCheckpoint,
    part_lines: usize,
) -> Result<Option<Source>> {
    let Some(place) = checkpoint.next else {
        return Ok(None);
    };
    let (path, planned) = (request.manifest.clone(), checkpoint.planned);
    let mut slice = Slice::from(request);
    slice.max_lines = slice.max_lines.map(|most| most.saturating_sub(planned));
    let lines = blocking("reading the manifest", move || {
        Manifest::open(&path)?.lines_from(slice, place)
    })
    .await?;
    Ok(Some(Source::new(
        lines,
        tools.ledger.clone(),
        checkpoint.run,
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
