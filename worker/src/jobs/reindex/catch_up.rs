//! What was written to the live collection while another was built, taken over by the other.
//!
//! A changed id says nothing about what changed: its point is read again, and made again, or
//! deleted where it is gone. So nothing depends on the order of changes, and taking one over twice
//! is harmless.

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

/// So few changes are left for the moment in which writers wait.
const FEW: usize = CHUNK;
/// Writers that are as quick as the model would keep a re-index from its end: after so many rounds
/// they wait.
const MOST_ROUNDS: usize = 1_000;
/// Ids that are compared at a time.
const COMPARED: usize = 1_024;
/// Failures that are told with their reasons.
const TOLD: usize = 20;

/// What was taken over.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct CaughtUp {
    /// Made anew.
    pub(super) embedded: u64,
    /// As they should be already.
    pub(super) unchanged: u64,
    /// Gone from the live collection.
    pub(super) deleted: u64,
    /// Stored without the vectors of their picture, whose file cannot be read.
    pub(super) failed: u64,
    /// Some of those, with the reason.
    pub(super) failures: Vec<LineRecord>,
}

impl CaughtUp {
    fn add(&mut self, id: PointId, outcome: LineOutcome) {
        let mut totals = LedgerTotals::default();
        totals.add(&outcome);
        self.embedded += totals.embedded;
        self.unchanged += totals.unchanged;
        self.failed += totals.failed;
        if totals.failed > 0 && self.failures.len() < TOLD {
            let line = self.embedded + self.unchanged + self.failed;
            self.failures.push(LineRecord {
                line,
                id: Some(id),
                outcome,
            });
        }
    }
}

/// A follower of the live collection, while it catches up.
pub(super) struct CatchUp<'a> {
    pub(super) context: &'a JobContext,
    pub(super) tools: &'a ReindexTools,
    /// Its name.
    pub(super) name: &'a str,
    pub(super) live: Arc<dyn Gallery>,
    pub(super) renewer: &'a Renewer,
    pub(super) sum: CaughtUp,
}

impl CatchUp<'_> {
    /// Goes on until only a few changes can be left.
    pub(super) async fn until_few(&mut self) -> Result<(), JobError> {
        self.take_roots().await?;
        for _ in 0..MOST_ROUNDS {
            self.context.go_on()?;
            let (taken, more) = self.round().await?;
            let done = self.sum.embedded + self.sum.unchanged + self.sum.deleted + self.sum.failed;
            stage(self.context, done, None, "catching up");
            if taken <= FEW && !more {
                break;
            }
        }
        Ok(())
    }

    /// Takes over all that is left; for when nothing is added any more.
    pub(super) async fn take_the_rest(&mut self) -> Result<()> {
        self.take_roots().await?;
        loop {
            let (taken, more) = self.round().await?;
            if taken == 0 && !more {
                return Ok(());
            }
        }
    }

    /// Compares the ids of both collections, and mends what is different: what a list of changes
    /// cannot know of, such as another program's writes.
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
                self.take_over(some).await?;
            }
            different.clear();
            from = page.next;
            if from.is_none() {
                return Ok(());
            }
        }
    }

    /// The follower's ids from `from` (from the first one, when `is_first`) up to and without
    /// `end`.
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

    /// The folders that pictures are served from.
    async fn take_roots(&self) -> Result<()> {
        let known = self.renewer.beside.info().await?.roots;
        for root in self.live.info().await?.roots {
            if !known.contains(&root) {
                self.renewer.beside.add_root(&root).await?;
            }
        }
        Ok(())
    }

    /// Takes some changes over; gives how many, and whether there are more already.
    async fn round(&mut self) -> Result<(usize, bool)> {
        let changes = self
            .tools
            .collections
            .changes(self.name, None, 8 * CHUNK)
            .await?;
        for some in changes.ids.chunks(CHUNK) {
            self.take_over(some).await?;
        }
        self.tools
            .collections
            .mark_caught_up(self.name, changes.next)
            .await?;
        Ok((changes.ids.len(), changes.more))
    }

    async fn take_over(&mut self, ids: &[PointId]) -> Result<()> {
        let there = by_id(self.live.retrieve(ids, With::PAYLOAD).await?);
        let gone: Vec<PointId> = ids
            .iter()
            .copied()
            .filter(|id| !there.contains_key(id))
            .collect();
        if !gone.is_empty() {
            self.renewer.beside.delete(&gone).await?;
            self.sum.deleted += gone.len() as u64;
        }
        for (id, outcome) in self.renewer.renew(there.into_values().collect()).await? {
            self.sum.add(id, outcome);
        }
        Ok(())
    }
}
