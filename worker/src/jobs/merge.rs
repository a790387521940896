//! Merges the accounts of all parts of a bulk job into its result.

use clippy_core::bulk::ManifestRequest;
use clippy_core::ids::PointId;
use clippy_core::ledger::{LedgerTotals, LineRecord, Reasons};
use clippy_core::{Error, ErrorCode};
use clippy_jobs::{Children, Job, JobContext, JobError, JobProgress, JobState};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::account::Account;
use super::fail_log::{FailLog, FailedLines};
use super::plan::UNIT;
use crate::ingest::Tools;

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
    let failed = match &lines.fail_log {
        Some(file) => Failed::Logged(FailLog::begin(file).await?),
        None => Failed::Dropped,
    };
    let (sum, failed) = add_up(context, failed).await?;
    // Written before the job can fail, since the failed lines are known however other parts ended.
    if let Failed::Logged(log) = failed {
        log.finish().await?;
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
        context.progress(JobProgress {
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
    /// The error of the first failed part.
    reason: Option<(ErrorCode, String)>,
}

/// Where failed lines go, beside their summary. There may be millions, so at most those of one page
/// of parts are held.
pub(super) enum Failed {
    /// They are dropped.
    Dropped,
    /// The ids of the first of them are kept.
    First(FirstFailed),
    /// The ids of all points among them are kept, without reasons.
    Points(Vec<PointId>),
    /// All of them are written to a file.
    Logged(FailLog),
}

impl Failed {
    async fn add(self, some: Vec<FailedLines>) -> Result<Self, JobError> {
        Ok(match self {
            Self::Dropped => Self::Dropped,
            Self::First(mut first) => {
                first.add(some);
                Self::First(first)
            }
            Self::Points(mut points) => {
                let names = some.iter().flat_map(|part| &part.lines);
                points.extend(names.filter_map(|(name, _)| name.parse::<PointId>().ok()));
                Self::Points(points)
            }
            Self::Logged(log) => Self::Logged(log.add(some).await?),
        })
    }
}

/// The ids of the first failed lines.
pub(super) struct FirstFailed {
    most: usize,
    ids: Vec<(u64, String)>,
}

impl FirstFailed {
    /// Keeps at most `most` ids.
    pub(super) fn new(most: usize) -> Self {
        Self {
            most,
            ids: Vec::new(),
        }
    }

    fn add(&mut self, some: Vec<FailedLines>) {
        for FailedLines { place, lines } in some {
            self.ids
                .extend(lines.into_iter().map(|(id, _)| (place, id)));
            if self.ids.len() > 2 * self.most {
                self.cut();
            }
        }
    }

    fn cut(&mut self) {
        // A stable sort, so that the lines of one part stay in their order.
        self.ids.sort_by_key(|(place, _)| *place);
        self.ids.truncate(self.most);
    }

    /// Returns the ids in the order of their parts.
    pub(super) fn into_ids(mut self) -> Vec<String> {
        self.cut();
        self.ids.into_iter().map(|(_, id)| id).collect()
    }
}

/// Adds up the accounts of the parts that succeeded, and passes each failed line to `failed`.
pub(super) async fn add_up(
    context: &JobContext,
    mut failed: Failed,
) -> Result<(Sum, Failed), JobError> {
    let mut sum = Sum::default();
    let mut before = None;
    loop {
        context.go_on()?;
        let page = context.children(before).await?;
        let mut some = Vec::new();
        for job in page.jobs {
            sum.outcome.parts += 1;
            some.extend(sum.add(job)?);
        }
        failed = failed.add(some).await?;
        before = page.next_cursor;
        if before.is_none() {
            break;
        }
    }
    sum.outcome.failures.sort_by_key(|record| record.line);
    sum.outcome.failures.truncate(MAX_REASONS);
    Ok((sum, failed))
}

impl Sum {
    /// Adds one part, and returns its failed lines.
    fn add(&mut self, job: Job) -> Result<Option<FailedLines>, JobError> {
        if job.state != JobState::Succeeded {
            let error = job.error.filter(|_| job.state == JobState::Failed);
            self.reason = self
                .reason
                .take()
                .or(error.map(|error| (error.code, error.message)));
            return Ok(None);
        }
        let account: Account =
            serde_json::from_value(job.result.unwrap_or_default()).map_err(|error| {
                Error::internal(format!("the result of part {} is not an account", job.id))
                    .with_source(error)
            })?;
        self.planned += job.payload["part"]["lines"].as_u64().unwrap_or_default();
        self.outcome.totals.merge(&account.totals);
        self.outcome.reasons.merge(account.reasons);
        // The position of a part: its first line in a manifest, or the number of points before it
        // in a collection.
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
        let lines: Vec<_> = account.failed.into_iter().zip(why).collect();
        self.outcome.failures.extend(account.failures);
        if self.outcome.failures.len() > 50 * MAX_REASONS {
            self.outcome.failures.sort_by_key(|record| record.line);
            self.outcome.failures.truncate(MAX_REASONS);
        }
        Ok((!lines.is_empty()).then_some(FailedLines { place, lines }))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_first_failed_lines_are_held() {
        let mut first = FirstFailed::new(1_000);
        for place in (0..2_000_u64).rev() {
            let line = |line: u64| ((place * 128 + line).to_string(), "a reason".to_owned());
            let lines = (0..128).map(line).collect();
            first.add(vec![FailedLines { place, lines }]);
            assert!(first.ids.len() <= 2_000 + 128, "{}", first.ids.len());
        }
        let expected: Vec<String> = (0..1_000).map(|id| id.to_string()).collect();
        assert_eq!(first.into_ids(), expected);
    }
}
