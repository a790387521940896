//! Merges the accounts of all parts of a bulk job into its result.

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
use crate::ingest::failures::format_entry;

/// Failures that a result lists with their reasons. The fail log has all of them.
const MAX_REASONS: usize = 20;

/// The result of a bulk job.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Outcome {
    /// The number of lines per outcome. Their sum is the number of requested lines.
    pub(super) totals: LedgerTotals,
    /// The number of parts.
    pub(super) parts: u64,
    /// The first failed lines, with their reasons.
    pub(super) failures: Vec<LineRecord>,
    /// Why lines failed or were skipped, by kind.
    #[serde(default)]
    pub(super) reasons: Reasons,
}

/// Adds up the parts, writes the fail log if one was requested, then optimises and calibrates the
/// collection.
pub(super) async fn run(
    context: &JobContext,
    tools: &Tools,
    lines: &ManifestRequest,
    writes: bool,
) -> Result<Value, JobError> {
    let mut sum = add_up(context, lines.fail_log.is_some()).await?;
    // Written before the job can fail, since the failed lines are known however other parts ended.
    if let Some(file) = &lines.fail_log {
        write_fail_log(file, std::mem::take(&mut sum.failed)).await?;
    }
    conclude(context, tools, &sum, writes, false).await?;
    to_result(&sum.outcome)
}

/// Checks the sums of all parts, then optimises and calibrates the collection. `is_useful` means
/// that the job has already done something, so no line has to succeed.
pub(super) async fn conclude(
    context: &JobContext,
    tools: &Tools,
    sum: &Sum,
    writes: bool,
    is_useful: bool,
) -> Result<(), JobError> {
    let children = context.job().children.unwrap_or_default();
    if children.failed + children.cancelled > 0 {
        return Err(parts_failed(&children, sum));
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
        return Err(nothing_succeeded(&sum.outcome));
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

/// Returns the result of a job without lines.
pub(super) fn empty_result() -> Result<Value, JobError> {
    to_result(&Outcome::default())
}

pub(super) fn to_result(outcome: &Outcome) -> Result<Value, JobError> {
    Ok(serde_json::to_value(outcome)
        .map_err(|error| Error::internal("a result is not JSON").with_source(error))?)
}

/// The accounts of all parts, added up.
#[derive(Default)]
pub(super) struct Sum {
    pub(super) outcome: Outcome,
    /// The number of lines in the parts when they were made.
    planned: u64,
    /// For each part, its first line, and the ids and reasons of its failed lines.
    pub(super) failed: Vec<(u64, Vec<(String, String)>)>,
    /// The error of the first failed part.
    reason: Option<(ErrorCode, String)>,
    /// Whether `failed` is collected; there may be millions.
    keeps_failed: bool,
}

/// Adds up the accounts of the parts that succeeded, with each failed line if `keeps_failed`.
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
    sum.outcome.failures.truncate(MAX_REASONS);
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
                Error::internal(format!("the result of part {} is not an account", job.id))
                    .with_source(error)
            })?;
        self.planned += job.payload["part"]["lines"].as_u64().unwrap_or_default();
        self.outcome.totals.merge(&account.totals);
        self.outcome.reasons.merge(account.reasons);
        if self.keeps_failed && !account.failed.is_empty() {
            // The position of a part: its first line in a manifest, or the number of points before
            // it in a collection.
            let part = &job.payload["part"];
            let place = part["begin"]["line"]
                .as_u64()
                .or(part["before"].as_u64())
                .unwrap_or_default();
            // Accounts of earlier versions do not have all reasons.
            let why = account
                .why
                .into_iter()
                .chain(std::iter::repeat(String::new()));
            self.failed
                .push((place, account.failed.into_iter().zip(why).collect()));
        }
        self.outcome.failures.extend(account.failures);
        if self.outcome.failures.len() > 50 * MAX_REASONS {
            self.outcome.failures.sort_by_key(|record| record.line);
            self.outcome.failures.truncate(MAX_REASONS);
        }
        Ok(())
    }
}

/// Returns the error of a job in which no line succeeded although some should have.
fn nothing_succeeded(outcome: &Outcome) -> JobError {
    let message = format!(
        "Nothing was done: none of the manifest's {} lines succeeded. {}. Fix that and start the \
         job again",
        outcome.totals.lines,
        outcome.reasons.sentence()
    );
    JobError::permanent(ErrorCode::InvalidInput, message)
}

/// Returns the error of a job of which some parts failed or were cancelled.
pub(super) fn parts_failed(children: &Children, sum: &Sum) -> JobError {
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
        text.push_str(&format_entry(&name, &reason));
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
