//! The merge of a bulk job: adds up the accounts of all its parts.

use std::path::Path;

use clippy_common::files;
use clippy_core::bulk::ManifestRequest;
use clippy_core::ledger::{LedgerTotals, LineRecord, Reasons};
use clippy_core::{Error, ErrorCode, Result, blocking};
use clippy_jobs::{Children, Job, JobContext, JobError, JobState, Progress};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::account::Account;
use super::plan::UNIT;
use crate::ingest::Tools;
use crate::ingest::failures::listed;

/// Failures that a result lists with their reasons. The fail log has all of them.
const TOLD: usize = 20;

/// The result of a bulk job.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Outcome {
    /// The sums; they add up to the lines that were asked for.
    pub(super) totals: LedgerTotals,
    /// How many parts there were.
    pub(super) parts: u64,
    /// The first failed lines, with their reasons.
    pub(super) failures: Vec<LineRecord>,
    /// Why lines failed or were skipped, by kind.
    #[serde(default)]
    pub(super) reasons: Reasons,
}

/// Adds up the parts, writes the fail log if one was asked for, then optimises and calibrates the
/// collection.
pub(super) async fn run(
    context: &JobContext,
    tools: &Tools,
    lines: &ManifestRequest,
    writes: bool,
) -> Result<Value, JobError> {
    let mut sum = add_up(context, lines.fail_log.is_some()).await?;
    // Before the job can fail: the lines that failed are known however the other parts ended.
    if let Some(file) = &lines.fail_log {
        write_fail_log(file, std::mem::take(&mut sum.failed)).await?;
    }
    conclude(context, tools, &sum, writes, false).await?;
    finished(&sum.outcome)
}

/// Checks the sums of all parts, then optimises and calibrates the collection. `is_useful` says that
/// the job has done something already, so that no line need succeed.
pub(super) async fn conclude(
    context: &JobContext,
    tools: &Tools,
    sum: &Sum,
    writes: bool,
    is_useful: bool,
) -> Result<(), JobError> {
    let children = context.job().children.unwrap_or_default();
    if children.failed + children.cancelled > 0 {
        return Err(given_up(&children, sum));
    }
    let (totals, planned) = (sum.outcome.totals, sum.planned);
    if !totals.adds_up() || totals.lines != planned {
        let message = format!(
            "the parts of job {} do not add up: {totals:?} for {planned} lines",
            context.job().id
        );
        return Err(Error::internal(message).into());
    }
    if !is_useful && sum.outcome.reasons.nothing_succeeded(&totals) {
        return Err(in_vain(&sum.outcome));
    }
    if writes {
        context.progress(Progress {
            done: totals.lines,
            total: Some(totals.lines),
            unit: UNIT.to_owned(),
            stage: "indexing".to_owned(),
            message: String::new(),
        });
        tools.gallery.optimize().await?;
        clippy_search::calibrate_if_outgrown(tools.gallery.as_ref()).await?;
    }
    context.go_on()
}

/// The result of a job with nothing to do.
pub(super) fn nothing() -> Result<Value, JobError> {
    finished(&Outcome::default())
}

pub(super) fn finished(outcome: &Outcome) -> Result<Value, JobError> {
    Ok(serde_json::to_value(outcome)
        .map_err(|error| Error::internal("an account is no JSON").with_source(error))?)
}

/// The accounts of all parts, added up.
#[derive(Default)]
pub(super) struct Sum {
    pub(super) outcome: Outcome,
    /// Lines that the parts were made with.
    planned: u64,
    /// Failed lines' ids with their reasons, by the first line of their part.
    pub(super) failed: Vec<(u64, Vec<(String, String)>)>,
    /// Why the first part that failed did so.
    reason: Option<(ErrorCode, String)>,
    /// Whether `failed` is wanted: there may be millions.
    keeps_failed: bool,
}

/// Adds up the accounts of the parts that ended well, with each failed line if `keeps_failed`.
pub(super) async fn add_up(context: &JobContext, keeps_failed: bool) -> Result<Sum, JobError> {
    let mut sum = Sum {
        keeps_failed,
        ..Sum::default()
    };
    let mut before = None;
    loop {
        context.go_on()?;
        let page = context.children(before).await?;
        for job in page.jobs {
            sum.outcome.parts += 1;
            sum.add(job)?;
        }
        before = page.next_cursor;
        if before.is_none() {
            break;
        }
    }
    sum.outcome.failures.sort_by_key(|record| record.line);
    sum.outcome.failures.truncate(TOLD);
    sum.failed.sort_by_key(|(line, _)| *line);
    Ok(sum)
}

impl Sum {
    fn add(&mut self, job: Job) -> Result<(), JobError> {
        if job.state != JobState::Succeeded {
            let error = job.error.filter(|_| job.state == JobState::Failed);
            self.reason = self
                .reason
                .take()
                .or(error.map(|error| (error.code, error.message)));
            return Ok(());
        }
        let account: Account =
            serde_json::from_value(job.result.unwrap_or_default()).map_err(|error| {
                Error::internal(format!("the result of part {} is no account", job.id))
                    .with_source(error)
            })?;
        self.planned += job.payload["part"]["lines"].as_u64().unwrap_or_default();
        self.outcome.totals.merge(&account.totals);
        self.outcome.reasons.merge(account.reasons);
        if self.keeps_failed && !account.failed.is_empty() {
            // A part of a manifest begins at a line; a range of points says how many points come
            // before it.
            let part = &job.payload["part"];
            let place = part["begin"]["line"]
                .as_u64()
                .or(part["before"].as_u64())
                .unwrap_or_default();
            // Accounts of earlier versions do not tell the reason of each.
            let why = account
                .why
                .into_iter()
                .chain(std::iter::repeat(String::new()));
            self.failed
                .push((place, account.failed.into_iter().zip(why).collect()));
        }
        self.outcome.failures.extend(account.failures);
        if self.outcome.failures.len() > 50 * TOLD {
            self.outcome.failures.sort_by_key(|record| record.line);
            self.outcome.failures.truncate(TOLD);
        }
        Ok(())
    }
}

/// The error of a job in which no line succeeded although some should have.
fn in_vain(outcome: &Outcome) -> JobError {
    let message = format!(
        "Nothing was done: none of the manifest's {} lines succeeded. {}. Ask for the job again \
         when that is mended",
        outcome.totals.lines,
        outcome.reasons.sentence()
    );
    JobError::permanent(ErrorCode::InvalidInput, message)
}

/// The error of a job of which some parts failed or were cancelled.
pub(super) fn given_up(children: &Children, sum: &Sum) -> JobError {
    let totals = &sum.outcome.totals;
    let (code, reason) = match &sum.reason {
        Some((code, reason)) => (*code, reason.as_str()),
        None => (ErrorCode::Conflict, "they were cancelled"),
    };
    let message = format!(
        "{} of {} parts were not done: {reason}. The other parts did {} lines ({} embedded, {} \
         unchanged, {} duplicates, {} skipped, {} failed), which are stored. Retry the job to do \
         the missing parts again",
        children.failed + children.cancelled,
        children.total,
        totals.lines,
        totals.embedded,
        totals.unchanged,
        totals.duplicates,
        totals.skipped,
        totals.failed
    );
    JobError::permanent(code, message)
}

async fn write_fail_log(file: &Path, failed: Vec<(u64, Vec<(String, String)>)>) -> Result<()> {
    let mut text = String::new();
    for (name, reason) in failed.into_iter().flat_map(|(_, lines)| lines) {
        text.push_str(&listed(&name, &reason));
    }
    let unwritable = |error: std::io::Error| {
        Error::invalid(format!(
            "the list of failed ids {} cannot be written: {error}",
            file.display()
        ))
    };
    let target = file.to_owned();
    blocking("writing a list", move || {
        Ok(files::replace(&target, text.as_bytes()))
    })
    .await?
    .map_err(unwritable)
}
