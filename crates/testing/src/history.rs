//! A history in memory.

use async_trait::async_trait;
use clippy_core::Result;
use clippy_core::history::{
    History, HistoryEntry, HistoryFilter, HistoryParent, HistoryPlace, HistoryUsage, Leftover,
    LeftoverKind, ListedEntry, MOST_ENTRIES,
};
use parking_lot::Mutex;

/// A history in memory, for one test.
#[derive(Debug, Default)]
pub struct MemoryHistory {
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    runs: Vec<Run>,
    leftovers: Vec<Leftover>,
    last: i64,
    read: u64,
}

#[derive(Debug, Clone)]
struct Run {
    number: i64,
    chain: String,
    entry: HistoryEntry,
}

impl Run {
    fn place(&self) -> HistoryPlace {
        HistoryPlace {
            at: self.entry.at,
            number: self.number,
        }
    }

    fn matches(&self, filter: &HistoryFilter) -> bool {
        let entry = &self.entry;
        let findable = entry.findable();
        let owner = filter.owner.as_ref();
        let reference = filter.reference.as_ref();
        owner.is_none_or(|owner| entry.owner.as_ref() == Some(owner))
            && filter.words.iter().all(|word| findable.contains(word))
            && reference.is_none_or(|reference| entry.references.contains(reference))
            && filter
                .style
                .as_ref()
                .is_none_or(|style| entry.styles.contains(style))
            && filter.from.is_none_or(|from| entry.at >= from)
            && filter.to.is_none_or(|to| entry.at < to)
            && (!filter.favourite || entry.pictures.iter().any(|picture| picture.favourite))
            && filter
                .chain
                .as_ref()
                .is_none_or(|chain| *chain == self.chain)
    }
}

impl Kept {
    fn put(&mut self, entry: &HistoryEntry) {
        let joined = entry.parent.as_ref().and_then(|parent| {
            self.runs
                .iter()
                .find(|run| run.entry.id == parent.id && run.entry.owner == entry.owner)
        });
        let chain = joined.map_or_else(|| entry.id.clone(), |run| run.chain.clone());
        let entry = entry.clone();
        match self.runs.iter_mut().find(|run| run.entry.id == entry.id) {
            Some(run) => {
                let before = std::mem::replace(&mut run.entry, entry).pictures;
                for picture in &mut run.entry.pictures {
                    picture.favourite = before
                        .iter()
                        .any(|old| old.index == picture.index && old.favourite);
                }
                run.chain = chain;
            }
            None => {
                self.last += 1;
                let number = self.last;
                self.runs.push(Run {
                    number,
                    chain,
                    entry,
                });
            }
        }
    }

    fn listed(&self, run: &Run) -> ListedEntry {
        let steps = self.runs.iter().filter(|other| other.chain == run.chain);
        ListedEntry {
            entry: run.entry.clone(),
            chain: run.chain.clone(),
            steps: steps.count() as u64,
            place: run.place(),
        }
    }

    fn remove(&mut self, goes: impl Fn(&HistoryEntry, u32) -> bool) -> u64 {
        let mut removed = 0;
        let mut leftovers = Vec::new();
        for run in &mut self.runs {
            let pictures = std::mem::take(&mut run.entry.pictures);
            let (gone, stays): (Vec<_>, Vec<_>) = pictures
                .into_iter()
                .partition(|picture| goes(&run.entry, picture.index));
            run.entry.pictures = stays;
            removed += gone.len() as u64;
            leftovers.extend(gone.into_iter().map(|picture| Leftover {
                kind: LeftoverKind::Picture,
                sha256: picture.sha256,
            }));
        }
        let (empty, stays): (Vec<_>, Vec<_>) = std::mem::take(&mut self.runs)
            .into_iter()
            .partition(|run| run.entry.pictures.is_empty());
        self.runs = stays;
        for run in empty {
            leftovers.extend(run.entry.inputs.into_iter().map(|input| Leftover {
                kind: LeftoverKind::Input,
                sha256: input.sha256,
            }));
        }
        for leftover in leftovers {
            if !self.leftovers.contains(&leftover) {
                self.leftovers.push(leftover);
            }
        }
        removed
    }
}

#[async_trait]
impl History for MemoryHistory {
    async fn record(&self, entry: &HistoryEntry) -> Result<()> {
        self.kept.lock().put(entry);
        Ok(())
    }

    async fn list(&self, filter: &HistoryFilter) -> Result<Vec<ListedEntry>> {
        let kept = self.kept.lock();
        let mut found: Vec<&Run> = kept.runs.iter().filter(|run| run.matches(filter)).collect();
        found.sort_by_key(|run| std::cmp::Reverse(run.place()));
        let mut chains = Vec::new();
        found.retain(|run| {
            let first = filter.chain.is_some() || !chains.contains(&run.chain);
            chains.push(run.chain.clone());
            first
        });
        found.retain(|run| filter.after.is_none_or(|after| run.place() < after));
        found.truncate(filter.limit.clamp(1, MOST_ENTRIES));
        Ok(found.into_iter().map(|run| kept.listed(run)).collect())
    }

    async fn get(&self, id: &str) -> Result<Option<ListedEntry>> {
        let kept = self.kept.lock();
        let run = kept.runs.iter().find(|run| run.entry.id == id);
        Ok(run.map(|run| kept.listed(run)))
    }

    async fn find_picture(&self, sha256: &str) -> Result<Option<(HistoryParent, Option<String>)>> {
        let kept = self.kept.lock();
        Ok(kept.runs.iter().find_map(|run| {
            let mut pictures = run.entry.pictures.iter();
            let picture = pictures.find(|picture| picture.sha256 == sha256)?;
            let id = run.entry.id.clone();
            let index = picture.index;
            Some((HistoryParent { id, index }, run.entry.owner.clone()))
        }))
    }

    async fn set_favourite(&self, id: &str, index: Option<u32>, favourite: bool) -> Result<bool> {
        let mut kept = self.kept.lock();
        let mut changed = false;
        for run in kept.runs.iter_mut().filter(|run| run.entry.id == id) {
            for picture in &mut run.entry.pictures {
                if index.is_none_or(|index| picture.index == index) {
                    picture.favourite = favourite;
                    changed = true;
                }
            }
        }
        Ok(changed)
    }

    async fn remove(&self, id: &str, index: Option<u32>) -> Result<bool> {
        let removed = self
            .kept
            .lock()
            .remove(|entry, picture| entry.id == id && index.is_none_or(|index| picture == index));
        Ok(removed > 0)
    }

    async fn remove_older(&self, before: i64, limit: usize) -> Result<u64> {
        let mut kept = self.kept.lock();
        let mut older: Vec<(HistoryPlace, String, u32)> = Vec::new();
        for run in kept.runs.iter().filter(|run| run.entry.at < before) {
            let pictures = run.entry.pictures.iter().filter(|one| !one.favourite);
            older.extend(pictures.map(|one| (run.place(), run.entry.id.clone(), one.index)));
        }
        older.sort();
        older.truncate(limit);
        Ok(kept.remove(|entry, picture| {
            older
                .iter()
                .any(|(_, id, index)| *id == entry.id && *index == picture)
        }))
    }

    async fn leftovers(&self, limit: usize) -> Result<Vec<Leftover>> {
        let kept = self.kept.lock();
        Ok(kept.leftovers.iter().take(limit).cloned().collect())
    }

    async fn needs(&self, file: &Leftover) -> Result<bool> {
        let kept = self.kept.lock();
        Ok(kept.runs.iter().any(|run| match file.kind {
            LeftoverKind::Picture => {
                let mut pictures = run.entry.pictures.iter();
                pictures.any(|picture| picture.sha256 == file.sha256)
            }
            LeftoverKind::Input => {
                let mut inputs = run.entry.inputs.iter();
                inputs.any(|input| input.sha256 == file.sha256)
            }
        }))
    }

    async fn settle(&self, files: &[Leftover]) -> Result<()> {
        self.kept
            .lock()
            .leftovers
            .retain(|leftover| !files.contains(leftover));
        Ok(())
    }

    async fn usage(&self, owner: Option<&str>) -> Result<HistoryUsage> {
        let kept = self.kept.lock();
        let mut usage = HistoryUsage::default();
        let mut inputs = Vec::new();
        for run in &kept.runs {
            if owner.is_some_and(|owner| run.entry.owner.as_deref() != Some(owner)) {
                continue;
            }
            usage.entries += 1;
            usage.pictures += run.entry.pictures.len() as u64;
            usage.picture_bytes += run.entry.pictures.iter().map(|one| one.size).sum::<u64>();
            for input in &run.entry.inputs {
                if !inputs.contains(&input.sha256) {
                    inputs.push(input.sha256.clone());
                    usage.input_bytes += input.size;
                }
            }
            for style in &run.entry.styles {
                match usage.styles.iter_mut().find(|(known, _)| known == style) {
                    Some((_, entries)) => *entries += 1,
                    None => usage.styles.push((style.clone(), 1)),
                }
            }
        }
        usage
            .styles
            .sort_by(|left, right| right.1.cmp(&left.1).then_with(|| left.0.cmp(&right.0)));
        Ok(usage)
    }

    async fn imported(&self) -> Result<u64> {
        Ok(self.kept.lock().read)
    }

    async fn import(&self, entries: &[HistoryEntry], read: u64) -> Result<()> {
        let mut kept = self.kept.lock();
        for entry in entries {
            let mut unknown = entry.clone();
            unknown.pictures.retain(|picture| {
                let is_left = kept.leftovers.iter().any(|left| {
                    left.kind == LeftoverKind::Picture && left.sha256 == picture.sha256
                });
                let mut known = kept.runs.iter().flat_map(|run| &run.entry.pictures);
                !is_left && !known.any(|one| one.sha256 == picture.sha256)
            });
            if unknown.pictures.is_empty() {
                continue;
            }
            match kept.runs.iter_mut().find(|run| run.entry.id == entry.id) {
                Some(run) => {
                    let there: Vec<u32> = run.entry.pictures.iter().map(|one| one.index).collect();
                    unknown.pictures.retain(|one| !there.contains(&one.index));
                    run.entry.pictures.extend(unknown.pictures);
                    run.entry.pictures.sort_by_key(|one| one.index);
                }
                None => kept.put(&unknown),
            }
        }
        kept.read = read;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn it_keeps_the_contract_of_a_history() {
        crate::check_history(&MemoryHistory::default()).await;
    }
}
