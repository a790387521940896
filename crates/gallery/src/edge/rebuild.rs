//! Builds a new generation with graphs beside the live one.
//!
//! The engine could build graphs in place, but a kill while it swaps segments leaves points in two
//! of them. So the points are copied to a fresh shard, the graphs are built there, and later writes
//! are taken from the journal; then one atomic write of `collection.json` makes it the live one.
//! Searches and writes continue meanwhile, except during the switch. The copy also drops what
//! deleted points left in the files.

use std::sync::Arc;

use clippy_core::Result;
use clippy_core::gallery::With;

use super::journal::read;
use super::operation::Operation;
use super::room;
use super::shard::{COPY_BATCH, Shard};
use super::store::{Store, broken};

/// Bytes of journal that may be left to apply while writers wait.
const LAST_STRETCH_BYTES: u64 = 1 << 20;

impl Store {
    /// Builds graphs for what was written since the last build; returns when searches use them.
    pub(super) fn optimize(&self) -> Result<()> {
        let _one_at_a_time = self.building.lock();
        let (start, generation) = {
            let mut writer = self.writer();
            let metadata = &writer.metadata;
            if !self.lacks_graphs(metadata)
                && metadata.changed_points.saturating_mul(5) < self.live().count(None)?
            {
                // Comparing with these few points one by one is faster than rebuilding everything.
                return Ok(());
            }
            let generation = metadata.generation + 1;
            writer.keep_journal = true;
            (writer.journal.length(), generation)
        };
        let keeps_journal = KeepsJournal { store: self };
        let begun = std::time::Instant::now();
        let live = self.generation_folder(generation - 1);
        let taken = room::taken(&live).map_err(|error| broken(&live, error))?;
        room::check(&self.folder, taken)?;
        let folder = self.generation_folder(generation);
        let fresh = Unfinished::new(Shard::create(&folder, &self.shape)?);
        self.copy_into(fresh.shard())?;
        fresh.shard().build_graphs()?;
        fresh.shard().flush()?;

        let (mut position, mut unindexed) = (start, 0);
        loop {
            let until = self.writer().journal.length();
            if until - position <= LAST_STRETCH_BYTES {
                break;
            }
            let (end, points) = self.catch_up(fresh.shard(), position, until)?;
            position = end;
            unindexed += points;
        }
        let mut writer = self.writer();
        let until = writer.journal.length();
        unindexed += self.catch_up(fresh.shard(), position, until)?.1;
        fresh.shard().flush()?;
        let mut metadata = writer.metadata.clone();
        metadata.generation = generation;
        metadata.changed_points = unindexed;
        metadata.points = fresh.shard().count(None)?;
        metadata.write(&self.folder)?;
        writer.metadata = metadata;
        let old = self.switch(fresh.finish());
        old.retire();
        writer.keep_journal = false;
        std::mem::forget(keeps_journal);
        writer.journal.clear()?;
        drop(writer);
        tracing::info!(collection = %self.name, generation, seconds = begun.elapsed().as_secs_f64(),
        "graphs are built");
        Ok(())
    }

    fn copy_into(&self, fresh: &Shard) -> Result<()> {
        let mut from = None;
        loop {
            let (points, next) = self.page(None, from, COPY_BATCH, With::ALL)?;
            fresh.apply(Operation::Put(points))?;
            if next.is_none() {
                return Ok(());
            }
            from = next;
        }
    }

    /// Applies a part of the journal; returns where it ended and how many points it named.
    fn catch_up(&self, fresh: &Shard, from: u64, until: u64) -> Result<(u64, u64)> {
        let mut points = 0;
        let path = self.folder.join(super::store::JOURNAL_FILE);
        let position = read(&path, from, until, |operation| {
            points += operation.points();
            fresh.apply(operation)
        })?;
        if position != until {
            return Err(clippy_core::Error::internal(format!(
                "{} ends at byte {position}, but {until} bytes were written",
                path.display()
            )));
        }
        Ok((position, points))
    }
}

/// Lets the journal be emptied again when the build fails.
struct KeepsJournal<'a> {
    store: &'a Store,
}

impl Drop for KeepsJournal<'_> {
    fn drop(&mut self) {
        self.store.writer().keep_journal = false;
    }
}

/// A generation that is removed unless it is finished.
struct Unfinished {
    shard: Option<Arc<Shard>>,
}

impl Unfinished {
    fn new(shard: Shard) -> Self {
        Self {
            shard: Some(Arc::new(shard)),
        }
    }

    fn shard(&self) -> &Shard {
        self.shard
            .as_ref()
            .expect("it is taken by `finish` alone, which ends this")
    }

    fn finish(mut self) -> Arc<Shard> {
        self.shard.take().expect("it is taken once")
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if let Some(shard) = &self.shard {
            shard.retire();
        }
    }
}
