//! Copies what was written to the live collection while another one was built.
//!
//! A change is only an id. Its point is read again and embedded again, or deleted if it is gone. So
//! the order of changes does not matter, and copying one twice does no harm.

use std::sync::Arc;

use clippy_core::Result;
use clippy_core::gallery::{Filter, Gallery, With};
use clippy_core::ids::PointId;
use clippy_core::ledger::{LedgerTotals, LineOutcome, LineRecord};
use clippy_jobs::{JobContext, JobError};
use serde::{Deserialize, Serialize};

use super::renew::{CHUNK, Renewer};
use super::{ReindexTools, stage};
use crate::ingest::chunk::by_id;

/// At most this many changes are left to copy while writers wait.
const FEW: usize = CHUNK;
/// The limit for rounds of catching up. Writers that are as fast as the model would otherwise keep
/// a re-index from ending; after the last round they wait.
const MAX_ROUNDS: usize = 1_000;
/// Ids that are compared at a time.
const COMPARED: usize = 1_024;
/// How many failures are listed with their reasons.
const MAX_REASONS: usize = 20;

/// The number of copied changes per outcome.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct CatchUpTotals {
    /// Embedded again.
    pub(super) embedded: u64,
    /// Already up to date.
    pub(super) unchanged: u64,
    /// Deleted, since they are gone from the live collection.
    pub(super) deleted: u64,
    /// Stored without the vectors of the picture, since its file cannot be read.
    pub(super) failed: u64,
    /// The first failures, with their reasons.
    pub(super) failures: Vec<LineRecord>,
}

impl CatchUpTotals {
    fn add(&mut self, id: PointId, outcome: LineOutcome) {
        let mut totals = LedgerTotals::default();
        totals.add(&outcome);
        self.embedded += totals.embedded;
        self.unchanged += totals.unchanged;
        self.failed += totals.failed;
        if totals.failed > 0 && self.failures.len() < MAX_REASONS {
            let line = self.embedded + self.unchanged + self.failed;
            self.failures.push(LineRecord {
                line,
                id: Some(id),
                outcome,
            });
        }
    }
}

/// A follower of the live collection that catches up with it.
pub(super) struct CatchUp<'a> {
    pub(super) context: &'a JobContext,
    pub(super) tools: &'a ReindexTools,
    /// The name of the collection that catches up.
    pub(super) name: &'a str,
    pub(super) live: Arc<dyn Gallery>,
    pub(super) renewer: &'a Renewer,
    pub(super) totals: CatchUpTotals,
}

impl CatchUp<'_> {
    /// Copies changes until only a few can be left.
    pub(super) async fn copy_until_few(&mut self) -> Result<(), JobError> {
        self.copy_roots().await?;
        for _ in 0..MAX_ROUNDS {
            self.context.go_on()?;
            let (taken, more) = self.copy_batch().await?;
            let done = self.totals.embedded
                + self.totals.unchanged
                + self.totals.deleted
                + self.totals.failed;
            stage(self.context, done, None, "catching up");
            if taken <= FEW && !more {
                break;
            }
        }
        Ok(())
    }

    /// Copies all remaining changes, while writers wait.
    pub(super) async fn copy_rest(&mut self) -> Result<()> {
        self.copy_roots().await?;
        loop {
            let (taken, more) = self.copy_batch().await?;
            if taken == 0 && !more {
                return Ok(());
            }
        }
    }

    /// Compares the ids of both collections, and copies what differs: writes that are not in the
    /// list of changes, such as those of another program.
    pub(super) async fn compare_ids(&mut self) -> Result<(), JobError> {
        let (mut from, mut different) = (None, Vec::new());
        loop {
            self.context.go_on()?;
            let page = self
                .live
                .scroll(&Filter::default(), from, COMPARED, With::NOTHING)
                .await?;
            let live: Vec<PointId> = page.points.iter().map(|point| point.id).collect();
            let ours = self
                .ids_between(from.or(live.first().copied()), from.is_none(), page.next)
                .await?;
            different.extend(live.iter().filter(|id| ours.binary_search(id).is_err()));
            different.extend(ours.iter().filter(|id| live.binary_search(id).is_err()));
            for some in different.chunks(CHUNK) {
                self.apply_changes(some).await?;
            }
            different.clear();
            from = page.next;
            if from.is_none() {
                return Ok(());
            }
        }
    }

    /// Returns the follower's ids from `from` (or from the first one, if `is_first`) up to but not
    /// including `end`.
    async fn ids_between(
        &self,
        from: Option<PointId>,
        is_first: bool,
        end: Option<PointId>,
    ) -> Result<Vec<PointId>> {
        let mut next = if is_first { None } else { from };
        let mut ids = Vec::new();
        loop {
            let page = self
                .renewer
                .beside
                .scroll(&Filter::default(), next, COMPARED, With::NOTHING)
                .await?;
            let before = page.points.len();
            ids.extend(
                page.points
                    .iter()
                    .map(|point| point.id)
                    .filter(|id| end.is_none_or(|end| *id < end)),
            );
            next = page.next;
            let past_the_end = before > 0
                && page
                    .points
                    .last()
                    .is_some_and(|last| end.is_some_and(|end| last.id >= end));
            if next.is_none() || past_the_end {
                return Ok(ids);
            }
        }
    }

    /// Copies the roots that pictures are served from.
    async fn copy_roots(&self) -> Result<()> {
        let known = self.renewer.beside.info().await?.roots;
        for root in self.live.info().await?.roots {
            if !known.contains(&root) {
                self.renewer.beside.add_root(&root).await?;
            }
        }
        Ok(())
    }

    /// Copies some changes. Returns how many, and whether there are more.
    async fn copy_batch(&mut self) -> Result<(usize, bool)> {
        let changes = self
            .tools
            .collections
            .changes(self.name, None, 8 * CHUNK)
            .await?;
        for some in changes.ids.chunks(CHUNK) {
            self.apply_changes(some).await?;
        }
        self.tools
            .collections
            .mark_caught_up(self.name, changes.next)
            .await?;
        Ok((changes.ids.len(), changes.more))
    }

    async fn apply_changes(&mut self, ids: &[PointId]) -> Result<()> {
        let there = by_id(self.live.retrieve(ids, With::PAYLOAD).await?);
        let gone: Vec<PointId> = ids
            .iter()
            .copied()
            .filter(|id| !there.contains_key(id))
            .collect();
        if !gone.is_empty() {
            self.renewer.beside.delete(&gone).await?;
            self.totals.deleted += gone.len() as u64;
        }
        for (id, outcome) in self.renewer.renew(there.into_values().collect()).await? {
            self.totals.add(id, outcome);
        }
        Ok(())
    }
}
