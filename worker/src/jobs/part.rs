//! One part: its lines, run as a manifest of their own.

use std::sync::Arc;

use clippy_core::ledger::LedgerTotals;
use clippy_core::{Error, ErrorCode, Result, blocking};
use clippy_jobs::{JobContext, JobError};
use futures::future::BoxFuture;
use serde::Deserialize;
use serde_json::Value;

use super::account::{Account, PartLedger};
use super::payload::{Fingerprint, Part};
use super::plan::UNIT;
use crate::ingest::manifest::{Manifest, Place, Slice};
use crate::ingest::progress::{Progress, Stage};
use crate::ingest::run::{Processed, Step, drive};
use crate::ingest::source::Line;
use crate::ingest::{ManifestOptions, Tools};

/// Does a part's lines, from where its last run ended; gives its account.
pub(super) async fn run(
    context: &JobContext,
    tools: &Tools,
    options: ManifestOptions,
    part: &Part,
    step: Arc<dyn Step>,
) -> Result<Value, JobError> {
    let changed = {
        let manifest = options.manifest.display();
        let message = format!(
            "{manifest} was changed after this job was cut into parts, so that this part's lines \
             are not where they were. What other parts did is stored. Ask for the job again: it \
             does only what is missing"
        );
        JobError::permanent(ErrorCode::Conflict, message)
    };
    if Fingerprint::of(&options.manifest).await? != part.manifest {
        return Err(changed);
    }
    let before = context
        .cursor()
        .and_then(|cursor| Account::deserialize(cursor).ok())
        .unwrap_or_default();
    let done = before.totals.lines;
    let ledger = Arc::new(PartLedger::new(context.clone(), part, before));
    if done < part.lines {
        let slice = Slice {
            max_lines: Some(part.lines - done),
            ..options.slice
        };
        let begin = Some(place_after(&options, part, done).await?);
        let options = ManifestOptions {
            slice,
            begin,
            fail_log: None,
            ..options
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
            &options,
            Arc::new(WithoutIndexing(step)),
            &progress,
            context.token(),
        )
        .await;
        // A run that was asked to stop ends somehow; that it was asked is what counts.
        context.go_on()?;
        ledger.remark(ended?.reasons);
    }
    let account = ledger.account();
    if account.totals.lines != part.lines || !account.totals.adds_up() {
        return Err(changed);
    }
    Ok(serde_json::to_value(account)
        .map_err(|error| Error::internal("an account is no JSON").with_source(error))?)
}

/// Where the line after the part's first `done` lines begins. Those few lines are read again, to be
/// passed over.
async fn place_after(options: &ManifestOptions, part: &Part, done: u64) -> Result<Place> {
    if done == 0 {
        return Ok(part.begin);
    }
    let (path, begin) = (options.manifest.clone(), part.begin);
    let slice = Slice {
        max_lines: Some(done),
        ..options.slice
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

/// The parts of a job leave the building of graphs to their parent's end.
struct WithoutIndexing(Arc<dyn Step>);

impl Step for WithoutIndexing {
    fn process(self: Arc<Self>, lines: Vec<Line>) -> BoxFuture<'static, Result<Vec<Processed>>> {
        Arc::clone(&self.0).process(lines)
    }

    fn writes(&self) -> bool {
        false
    }
}

struct PartProgress<'c> {
    context: &'c JobContext,
    /// Lines that earlier runs of the part did.
    done: u64,
    lines: u64,
}

impl Progress for PartProgress<'_> {
    fn advanced(&self, done: u64, _total: u64, totals: &LedgerTotals, _stage: Stage) {
        self.context.progress(clippy_jobs::Progress {
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
