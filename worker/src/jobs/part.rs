//! Runs one part of a bulk job, as if its lines were a manifest of their own.

use std::sync::Arc;

use clippy_core::bulk::ManifestRequest;
use clippy_core::ledger::LedgerTotals;
use clippy_core::{Error, ErrorCode, Result, blocking};
use clippy_jobs::{JobContext, JobError};
use futures::future::BoxFuture;
use serde::Deserialize;
use serde_json::Value;

use super::account::{Account, PartLedger};
use super::manifest_part::{Fingerprint, ManifestPart};
use super::plan::UNIT;
use crate::ingest::manifest::{Manifest, Place, Slice};
use crate::ingest::progress::{IngestProgress, Stage};
use crate::ingest::run::{ChunkProcessor, Processed, drive};
use crate::ingest::source::Line;
use crate::ingest::{RunSettings, Tools};

/// Processes the lines of a part, from the last checkpoint on. Returns the part's account.
pub(super) async fn run(
    context: &JobContext,
    tools: &Tools,
    request: &ManifestRequest,
    part: &ManifestPart,
    processor: Arc<dyn ChunkProcessor>,
) -> Result<Value, JobError> {
    let changed = {
        let manifest = request.manifest.display();
        let message = format!(
            "{manifest} was changed after this job was cut into parts, so that the lines of this \
             part have moved. The results of other parts are stored. Start the job again: it does \
             only what is missing"
        );
        JobError::permanent(ErrorCode::Conflict, message)
    };
    if Fingerprint::of(&request.manifest).await? != part.manifest {
        return Err(changed);
    }
    let before = context
        .last_checkpoint()
        .and_then(|cursor| Account::deserialize(cursor).ok())
        .unwrap_or_default();
    let done = before.totals.lines;
    let ledger = Arc::new(PartLedger::new(context.clone(), part, before));
    if done < part.lines {
        let settings = RunSettings {
            begin: Some(place_after(request, part, done).await?),
            ..RunSettings::default()
        };
        let request = ManifestRequest {
            max_lines: Some(part.lines - done),
            fail_log: None,
            ..request.clone()
        };
        let tools = Tools {
            ledger: ledger.clone(),
            ..tools.clone()
        };
        let progress = PartProgress {
            context,
            done,
            lines: part.lines,
        };
        let ended = drive(
            &tools,
            &request,
            &settings,
            Arc::new(WithoutIndexing(processor)),
            &progress,
            context.token(),
        )
        .await;
        // If the job was asked to stop, that is the cause of any error of the run.
        context.go_on()?;
        ledger.remark(ended?.reasons);
    }
    let account = ledger.account();
    if account.totals.lines != part.lines || !account.totals.adds_up() {
        return Err(changed);
    }
    Ok(serde_json::to_value(account)
        .map_err(|error| Error::internal("an account is not JSON").with_source(error))?)
}

/// Returns where the line after the part's first `done` lines begins. These few lines are read
/// again and skipped.
async fn place_after(request: &ManifestRequest, part: &ManifestPart, done: u64) -> Result<Place> {
    if done == 0 {
        return Ok(part.begin);
    }
    let (path, begin) = (request.manifest.clone(), part.begin);
    let slice = Slice {
        max_lines: Some(done),
        ..Slice::from(request)
    };
    blocking("reading the manifest", move || {
        let mut lines = Manifest::open(&path)?.lines_from(slice, begin)?;
        for line in lines.by_ref() {
            line?;
        }
        Ok(lines.place())
    })
    .await
}

/// A processor for parts, which do not optimise the collection: their parent does that at the end.
struct WithoutIndexing(Arc<dyn ChunkProcessor>);

impl ChunkProcessor for WithoutIndexing {
    fn process(self: Arc<Self>, lines: Vec<Line>) -> BoxFuture<'static, Result<Vec<Processed>>> {
        Arc::clone(&self.0).process(lines)
    }

    fn writes(&self) -> bool {
        false
    }
}

struct PartProgress<'c> {
    context: &'c JobContext,
    /// Lines that earlier runs of the part recorded.
    done: u64,
    lines: u64,
}

impl IngestProgress for PartProgress<'_> {
    fn report(&self, done: u64, _total: u64, totals: &LedgerTotals, _stage: Stage) {
        self.context.progress(clippy_jobs::JobProgress {
            done: self.done + done,
            total: Some(self.lines),
            unit: UNIT.to_owned(),
            stage: "embedding".to_owned(),
            message: if totals.failed == 0 {
                String::new()
            } else {
                format!("{} failed", totals.failed)
            },
        });
    }
}
