//! A trash in memory.

use std::collections::BTreeMap;

use async_trait::async_trait;
use clippy_core::Result;
use clippy_core::gallery::Vectors;
use clippy_core::ids::PointId;
use clippy_core::trash::{
    JournalEntry, JournalLine, KeptFilter, KeptKind, KeptPoint, KeptState, NumberedPoint,
    Tombstone, Trash, what_stays,
};
use parking_lot::Mutex;

/// A trash in memory, for one test.
#[derive(Debug, Default)]
pub struct MemoryTrash {
    points: Mutex<BTreeMap<u64, KeptPoint>>,
    journal: Mutex<Vec<JournalEntry>>,
}

impl MemoryTrash {
    fn stones<V>(&self, wanted: impl Fn(&KeptPoint) -> Option<V>) -> Vec<(V, Tombstone)> {
        let points = self.points.lock();
        let away = points
            .values()
            .filter(|kept| kept.kind.is_removed() && kept.state != KeptState::Restoring);
        away.filter_map(|kept| {
            let stone = Tombstone {
                id: kept.point.id,
                kind: kept.kind,
                at: kept.at,
            };
            wanted(kept).map(|value| (value, stone))
        })
        .collect()
    }
}

fn is_wanted(filter: &KeptFilter, kept: &KeptPoint) -> bool {
    let change = filter.change.as_ref();
    let ids = filter.ids.as_ref();
    change.is_none_or(|change| *change == kept.change)
        && ids.is_none_or(|ids| ids.contains(&kept.point.id))
        && (filter.kinds.is_empty() || filter.kinds.contains(&kept.kind))
        && (filter.states.is_empty() || filter.states.contains(&kept.state))
}

#[async_trait]
impl Trash for MemoryTrash {
    async fn keep(&self, added: &[KeptPoint]) -> Result<()> {
        let mut points = self.points.lock();
        for kept in added {
            points
                .retain(|_, known| known.point.id != kept.point.id || known.change != kept.change);
            let number = points.last_key_value().map_or(1, |(last, _)| last + 1);
            points.insert(number, kept.clone());
        }
        Ok(())
    }

    async fn list(
        &self,
        filter: &KeptFilter,
        after: u64,
        limit: usize,
    ) -> Result<Vec<NumberedPoint>> {
        let points = self.points.lock();
        let later = points.range(after + 1..);
        let wanted = later
            .filter(|(_, kept)| is_wanted(filter, kept))
            .take(limit);
        let numbered = wanted.map(|(number, kept)| NumberedPoint {
            number: *number,
            is_outdated: points
                .range(number + 1..)
                .any(|(_, newer)| newer.point.id == kept.point.id),
            kept: kept.clone(),
        });
        Ok(numbered.collect())
    }

    async fn set_state(&self, numbers: &[u64], state: KeptState) -> Result<()> {
        let mut points = self.points.lock();
        for number in numbers {
            if let Some(kept) = points.get_mut(number) {
                kept.state = state;
            }
        }
        Ok(())
    }

    async fn forget(&self, numbers: &[u64]) -> Result<()> {
        self.points
            .lock()
            .retain(|number, _| !numbers.contains(number));
        Ok(())
    }

    async fn tombstones(&self, ids: &[PointId]) -> Result<Vec<Tombstone>> {
        let wanted = |kept: &KeptPoint| ids.contains(&kept.point.id).then_some(());
        Ok(self
            .stones(wanted)
            .into_iter()
            .map(|(_, stone)| stone)
            .collect())
    }

    async fn tombstones_of_content(&self, md5s: &[String]) -> Result<Vec<(String, Tombstone)>> {
        Ok(self.stones(|kept| {
            let content = kept.content()?;
            md5s.iter().find(|md5| *md5 == content).cloned()
        }))
    }

    async fn empty(&self, now: u64) -> Result<Vec<PointId>> {
        let mut points = self.points.lock();
        let due = |kept: &KeptPoint| kept.until.is_some_and(|until| until < now);
        points.retain(|_, kept| kept.kind != KeptKind::Edited || !due(kept));
        let mut emptied = Vec::new();
        for kept in points.values_mut() {
            let done = kept.kind == KeptKind::Deleted && kept.state == KeptState::Done;
            if done && !kept.emptied && due(kept) {
                kept.emptied = true;
                kept.point.vectors = Vectors::default();
                kept.point.payload = what_stays(&kept.point.payload);
                emptied.push(kept.point.id);
            }
        }
        Ok(emptied)
    }

    async fn record(&self, entry: &JournalEntry) -> Result<()> {
        self.journal.lock().push(entry.clone());
        Ok(())
    }

    async fn journal(&self, before: Option<u64>, limit: usize) -> Result<Vec<JournalLine>> {
        let journal = self.journal.lock();
        let lines = journal.iter().enumerate().rev();
        let lines = lines.map(|(index, entry)| (index as u64 + 1, entry));
        let earlier = lines.filter(|(number, _)| before.is_none_or(|before| *number < before));
        let listed = earlier.take(limit).map(|(number, entry)| JournalLine {
            number,
            entry: entry.clone(),
        });
        Ok(listed.collect())
    }
}
