//! The account of one part: the part's checkpoint while it runs, and its result afterwards. So the
//! merge does not need the databases of other workers.

use std::collections::HashMap;

use async_trait::async_trait;
use clippy_common::shorten;
use clippy_core::ids::PointId;
use clippy_core::ledger::{Ledger, LedgerTotals, LineOutcome, LineRecord, Reasons};
use clippy_core::{Error, ErrorCode, Result};
use clippy_jobs::{JobContext, JobError};
use parking_lot::{Mutex, MutexGuard};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::manifest_part::ManifestPart;
use crate::ingest::failures::name;

/// How many failures an account lists as whole records.
const MAX_REASONS: usize = 5;
/// The longest reason that is kept, in characters.
const LONGEST_REASON: usize = 300;

/// The outcomes of a part's lines, so far or at the end.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Account {
    /// The number of lines per outcome.
    pub(super) totals: LedgerTotals,
    /// The ids of failed lines, or `line N` for those without an id.
    #[serde(default)]
    pub(super) failed: Vec<String>,
    /// The reasons of `failed`, in the same order. Accounts of earlier versions may have fewer.
    #[serde(default)]
    pub(super) why: Vec<String>,
    /// Why lines failed or were skipped, by kind.
    #[serde(default)]
    pub(super) reasons: Reasons,
    /// The first failed lines, with their reasons.
    #[serde(default)]
    pub(super) failures: Vec<LineRecord>,
}

impl Account {
    pub(super) fn add(&mut self, record: &LineRecord) {
        self.totals.add(&record.outcome);
        self.reasons.add(record);
        let LineOutcome::Failed { reason, kind } = &record.outcome else {
            return;
        };
        let reason = shorten(reason, LONGEST_REASON).into_owned();
        self.failed.push(name(record));
        self.why.push(reason.clone());
        if self.failures.len() < MAX_REASONS {
            self.failures.push(LineRecord {
                outcome: LineOutcome::Failed {
                    reason,
                    kind: *kind,
                },
                ..record.clone()
            });
        }
    }
}

/// Presents an [`Account`] as the ledger of a run over a manifest. Each record is saved in the
/// job's checkpoint at once.
pub(super) struct PartLedger {
    context: JobContext,
    duplicates: HashMap<u64, u64>,
    state: Mutex<AccountState>,
}

struct AccountState {
    account: Account,
    /// The totals of this run of the part, without earlier runs.
    current_run: LedgerTotals,
}

impl PartLedger {
    /// Continues the account of an earlier run of the part.
    pub(super) fn new(context: JobContext, part: &ManifestPart, before: Account) -> Self {
        let state = AccountState {
            account: before,
            current_run: LedgerTotals::default(),
        };
        Self {
            context,
            duplicates: part.duplicates.iter().copied().collect(),
            state: Mutex::new(state),
        }
    }

    pub(super) fn account(&self) -> Account {
        self.state().account.clone()
    }

    /// Adds the run's remarks on lines that it stored.
    pub(super) fn remark(&self, reasons: Reasons) {
        let remarks = Reasons {
            remarks: reasons.remarks,
            ..Reasons::default()
        };
        self.state().account.reasons.merge(remarks);
    }

    fn state(&self) -> MutexGuard<'_, AccountState> {
        self.state.lock()
    }
}

#[async_trait]
impl Ledger for PartLedger {
    async fn begin(&self, _manifest: &str) -> Result<Uuid> {
        Ok(Uuid::nil())
    }

    async fn claim(&self, _run: Uuid, lines: &[(u64, PointId)]) -> Result<Vec<(u64, u64)>> {
        Ok(lines
            .iter()
            .filter_map(|(line, _)| self.duplicates.get_key_value(line))
            .map(|(l, e)| (*l, *e))
            .collect())
    }

    async fn record(&self, _run: Uuid, lines: &[LineRecord]) -> Result<()> {
        let checkpoint = {
            let mut state = self.state();
            for record in lines {
                state.account.add(record);
                state.current_run.add(&record.outcome);
            }
            serde_json::to_value(&state.account)
        };
        let checkpoint = checkpoint
            .map_err(|error| Error::internal("an account is not JSON").with_source(error))?;
        self.context
            .save_checkpoint(checkpoint)
            .await
            .map_err(|error| match error {
                JobError::Permanent { code, message }
                | JobError::Transient { code, message, .. } => Error::new(code, message),
                // The part checks its context before it uses this error.
                JobError::Cancelled | JobError::HandedBack | JobError::Snooze(_) => {
                    Error::new(ErrorCode::Unavailable, "the job was asked to stop")
                }
            })
    }

    async fn totals(&self, _run: Uuid) -> Result<LedgerTotals> {
        Ok(self.state().current_run)
    }

    async fn failures(
        &self,
        _run: Uuid,
        after: Option<u64>,
        limit: usize,
    ) -> Result<Vec<LineRecord>> {
        let state = self.state();
        let later = state
            .account
            .failures
            .iter()
            .filter(|record| after.is_none_or(|after| record.line > after));
        Ok(later.take(limit).cloned().collect())
    }

    async fn finish(&self, _run: Uuid, _complete: bool) -> Result<()> {
        Ok(())
    }
}
