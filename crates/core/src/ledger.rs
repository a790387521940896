//! The account of an ingest: what became of every line of a manifest. Its counts add up to the lines read.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::Result;
use crate::ids::PointId;

/// What became of one line of a manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum LineOutcome {
    /// Its vectors were made and stored.
    Embedded,
    /// The collection holds the same content, made by the same model, already.
    Unchanged,
    /// An earlier line of the same manifest has this id.
    DuplicateOf {
        /// The earlier line, counted from 0.
        line: u64,
    },
    /// Left out on purpose, such as an empty line.
    Skipped {
        /// Why.
        reason: String,
    },
    /// It should have been stored and could not be.
    Failed {
        /// Why, and what to do.
        reason: String,
    },
}

/// One line of the account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineRecord {
    /// The manifest's line, counted from 0.
    pub line: u64,
    /// The point, when the line names one that can be understood.
    pub id: Option<PointId>,
    /// What became of it.
    #[serde(flatten)]
    pub outcome: LineOutcome,
}

/// The sums of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct LedgerTotals {
    /// Lines read.
    pub lines: u64,
    /// See [`LineOutcome::Embedded`].
    pub embedded: u64,
    /// See [`LineOutcome::Unchanged`].
    pub unchanged: u64,
    /// See [`LineOutcome::DuplicateOf`].
    pub duplicates: u64,
    /// See [`LineOutcome::Skipped`].
    pub skipped: u64,
    /// See [`LineOutcome::Failed`].
    pub failed: u64,
}

impl LedgerTotals {
    /// Counts one more line.
    pub fn add(&mut self, outcome: &LineOutcome) {
        self.lines += 1;
        match outcome {
            LineOutcome::Embedded => self.embedded += 1,
            LineOutcome::Unchanged => self.unchanged += 1,
            LineOutcome::DuplicateOf { .. } => self.duplicates += 1,
            LineOutcome::Skipped { .. } => self.skipped += 1,
            LineOutcome::Failed { .. } => self.failed += 1,
        }
    }

    /// Adds the sums of another part of the same manifest.
    pub fn merge(&mut self, other: &Self) {
        self.lines += other.lines;
        self.embedded += other.embedded;
        self.unchanged += other.unchanged;
        self.duplicates += other.duplicates;
        self.skipped += other.skipped;
        self.failed += other.failed;
    }

    /// Whether every line that was read has one outcome.
    #[must_use]
    pub fn adds_up(&self) -> bool {
        self.embedded + self.unchanged + self.duplicates + self.skipped + self.failed == self.lines
    }
}

/// Where accounts are kept.
#[async_trait]
pub trait Ledger: Send + Sync + 'static {
    /// Opens an account for one run over a manifest.
    async fn begin(&self, manifest: &str) -> Result<Uuid>;

    /// Of these (line, id) pairs: the ones whose id was claimed by an earlier line of this run, with that line.
    /// The others are claimed for their lines by this call. Asking again for the same pair answers the same.
    async fn claim(&self, run: Uuid, lines: &[(u64, PointId)]) -> Result<Vec<(u64, u64)>>;

    /// Writes lines; a line that stands already is replaced, so that writing twice is harmless.
    async fn record(&self, run: Uuid, lines: &[LineRecord]) -> Result<()>;

    /// The sums, counted from the lines themselves.
    async fn totals(&self, run: Uuid) -> Result<LedgerTotals>;

    /// The lines that failed, in order, from `after` on (a page of at most `limit`).
    async fn failures(&self, run: Uuid, after: Option<u64>, limit: usize) -> Result<Vec<LineRecord>>;

    /// Closes an account: finished, or stopped before its end.
    async fn finish(&self, run: Uuid, complete: bool) -> Result<()>;
}
