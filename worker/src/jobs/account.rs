//! The account of one part. It travels in the part's cursor and then in its result, so that no
//! worker needs another's database to add it up.

use std::collections::HashMap;

use async_trait::async_trait;
use clippy_core::ids::PointId;
use clippy_core::ledger::{Ledger, LedgerTotals, LineOutcome, LineRecord, Reasons};
use clippy_core::{Error, ErrorCode, Result};
use clippy_jobs::{JobContext, JobError};
use parking_lot::{Mutex, MutexGuard};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::payload::Part;
use crate::ingest::failures::name;

/// Failures that are told with their reason, in a part and in the whole; of the others the id alone
/// is kept.
const TOLD: usize = 5;
/// The longest reason that is kept, in characters.
const LONGEST_REASON: usize = 300;

/// What became of a part's lines, so far or in the end.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Account {
    /// The sums.
    pub(super) totals: LedgerTotals,
    /// Failed lines: their ids, or `line N` where they have none.
    #[serde(default)]
    pub(super) failed: Vec<String>,
    /// Why each of them failed, in the same order. Accounts of earlier versions tell it of some
    /// only.
    #[serde(default)]
    pub(super) why: Vec<String>,
    /// Why lines failed or were skipped, by kind.
    #[serde(default)]
    pub(super) reasons: Reasons,
    /// Some of them, with their reasons.
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
        let reason: String = reason.chars().take(LONGEST_REASON).collect();
        self.failed.push(name(record));
        self.why.push(reason.clone());
        if self.failures.len() < TOLD {
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

/// [`Account`] as a run over a manifest sees it: as its ledger. Whatever it records is checkpointed
/// at once.
pub(super) struct PartLedger {
    context: JobContext,
    duplicates: HashMap<u64, u64>,
    kept: Mutex<Kept>,
}

struct Kept {
    account: Account,
    /// What this run of the part alone recorded.
    now: LedgerTotals,
}

impl PartLedger {
    /// Goes on from what an earlier run of the part recorded.
    pub(super) fn new(context: JobContext, part: &Part, before: Account) -> Self {
        let kept = Kept {
            account: before,
            now: LedgerTotals::default(),
        };
        Self {
            context,
            duplicates: part.duplicates.iter().copied().collect(),
            kept: Mutex::new(kept),
        }
    }

    pub(super) fn account(&self) -> Account {
        self.kept().account.clone()
    }

    /// Adds what the run itself had to say of lines that it stored.
    pub(super) fn remark(&self, reasons: Reasons) {
        let remarks = Reasons {
            remarks: reasons.remarks,
            ..Reasons::default()
        };
        self.kept().account.reasons.merge(remarks);
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock()
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
        let cursor = {
            let mut kept = self.kept();
            for record in lines {
                kept.account.add(record);
                kept.now.add(&record.outcome);
            }
            serde_json::to_value(&kept.account)
        };
        let cursor =
            cursor.map_err(|error| Error::internal("an account is no JSON").with_source(error))?;
        self.context
            .checkpoint(cursor)
            .await
            .map_err(|error| match error {
                JobError::Permanent { code, message }
                | JobError::Transient { code, message, .. } => Error::new(code, message),
                // Whoever began this run asks its context why, before it looks at this error.
                JobError::Cancelled | JobError::HandedBack | JobError::Snooze(_) => {
                    Error::new(ErrorCode::Unavailable, "the job was asked to stop")
                }
            })
    }

    async fn totals(&self, _run: Uuid) -> Result<LedgerTotals> {
        Ok(self.kept().now)
    }

    async fn failures(
        &self,
        _run: Uuid,
        after: Option<u64>,
        limit: usize,
    ) -> Result<Vec<LineRecord>> {
        let kept = self.kept();
        let later = kept
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
