//! Changes that are not complete yet. Their memory is bounded, however many events there are.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::changes::{Changes, MOST_PARTS, Part};

/// The largest number of files that are known to be open for writing.
const MOST_WRITERS: usize = 1_024;
/// A file that somebody wrote to and did not close counts as whole after this many quiet times.
const WRITER_PATIENCE: u32 = 30;

/// When a part changed.
#[derive(Debug, Clone, Copy)]
struct Times {
    first: Instant,
    last: Instant,
}

/// The changes of one folder that are not complete yet.
#[derive(Debug)]
pub(crate) struct Pending {
    root: PathBuf,
    /// The time without events after which changes are complete.
    quiet: Duration,
    /// The time after which changes are reported although there are further ones.
    longest: Duration,
    parts: HashMap<Part, Times>,
    /// Files that were written to and not closed, with the time of the last write.
    writers: HashMap<PathBuf, Instant>,
}

impl std::hash::Hash for Part {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        (&self.folder, self.deep).hash(state);
    }
}

impl Pending {
    pub(crate) fn new(root: &Path, quiet: Duration, longest: Duration) -> Self {
        Self {
            root: root.to_owned(),
            quiet,
            longest,
            parts: HashMap::new(),
            writers: HashMap::new(),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// Notes that a part changed.
    pub(crate) fn note(&mut self, part: Part, now: Instant) {
        let everything = self.everything();
        if let Some(times) = self.parts.get_mut(&everything) {
            times.last = now;
            return;
        }
        let is_known = self.parts.contains_key(&part);
        if part == everything || (!is_known && self.parts.len() >= MOST_PARTS) {
            let first = self.parts.values().map(|times| times.first).min();
            let first = first.unwrap_or(now);
            self.parts = HashMap::from([(everything, Times { first, last: now })]);
            return;
        }
        self.parts
            .entry(part)
            .or_insert(Times {
                first: now,
                last: now,
            })
            .last = now;
    }

    /// Notes that everything may have changed.
    pub(crate) fn note_everything(&mut self, now: Instant) {
        self.note(self.everything(), now);
    }

    /// Notes that a program wrote to a file, and has not closed it yet.
    pub(crate) fn begin_writing(&mut self, file: PathBuf, now: Instant) {
        if self.writers.len() < MOST_WRITERS || self.writers.contains_key(&file) {
            self.writers.insert(file, now);
        }
    }

    /// Notes that a file is closed, or gone.
    pub(crate) fn end_writing(&mut self, file: &Path) {
        self.writers.remove(file);
    }

    /// Returns when to look for complete changes again; `None` if there are no changes.
    pub(crate) fn next_look(&self, now: Instant) -> Option<Instant> {
        self.parts
            .iter()
            .map(|(part, times)| {
                let due = (times.last + self.quiet).min(times.first + self.longest);
                // A writer holds it back: look again later.
                if due <= now && !self.is_complete(part, times, now) {
                    now + self.quiet
                } else {
                    due
                }
            })
            .min()
    }

    /// Returns the changes that are complete, and forgets them.
    pub(crate) fn take_complete(&mut self, now: Instant) -> Option<Changes> {
        let patience = self.quiet * WRITER_PATIENCE;
        self.writers.retain(|_, last| now - *last < patience);
        let complete: Vec<Part> = self
            .parts
            .iter()
            .filter(|(part, times)| self.is_complete(part, times, now))
            .map(|(part, _)| part.clone())
            .collect();
        if complete.is_empty() {
            return None;
        }
        for part in &complete {
            self.parts.remove(part);
        }
        Some(Changes::of(&self.root, complete))
    }

    fn is_complete(&self, part: &Part, times: &Times, now: Instant) -> bool {
        if now >= times.first + self.longest {
            return true;
        }
        now >= times.last + self.quiet && !self.writers.keys().any(|file| part.covers(file))
    }

    fn everything(&self) -> Part {
        Part {
            folder: self.root.clone(),
            deep: true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUIET: Duration = Duration::from_secs(2);
    const LONGEST: Duration = Duration::from_secs(60);

    fn part(folder: &str) -> Part {
        Part {
            folder: folder.into(),
            deep: false,
        }
    }

    fn pending() -> (Pending, Instant) {
        (
            Pending::new(Path::new("/a"), QUIET, LONGEST),
            Instant::now(),
        )
    }

    #[test]
    fn changes_are_complete_when_their_folder_is_quiet() {
        let (mut pending, start) = pending();
        pending.note(part("/a/b"), start);
        pending.note(part("/a/c"), start + QUIET / 2);
        assert_eq!(pending.take_complete(start + QUIET / 2), None);
        assert_eq!(pending.next_look(start), Some(start + QUIET));
        assert_eq!(
            pending.take_complete(start + QUIET),
            Some(Changes::Parts(vec![part("/a/b")]))
        );
        assert_eq!(
            pending.take_complete(start + 2 * QUIET),
            Some(Changes::Parts(vec![part("/a/c")]))
        );
        assert!(pending.is_empty() && pending.next_look(start).is_none());
    }

    #[test]
    fn a_folder_that_is_never_quiet_is_reported_after_a_while() {
        let (mut pending, start) = pending();
        let mut now = start;
        while now < start + LONGEST {
            pending.note(part("/a/b"), now);
            assert_eq!(pending.take_complete(now), None);
            now += QUIET / 4;
        }
        assert!(pending.take_complete(start + LONGEST).is_some());
    }

    #[test]
    fn an_open_writer_holds_its_folder_back_and_no_other_one() {
        let (mut pending, start) = pending();
        pending.note(part("/a/b"), start);
        pending.note(part("/a/c"), start);
        pending.begin_writing("/a/b/one.png".into(), start);
        let later = start + 2 * QUIET;
        assert_eq!(
            pending.take_complete(later),
            Some(Changes::Parts(vec![part("/a/c")]))
        );
        assert_eq!(pending.next_look(later), Some(later + QUIET));
        pending.end_writing(Path::new("/a/b/one.png"));
        assert!(pending.take_complete(later).is_some());

        // A program that never closes its file.
        pending.note(part("/a/b"), start);
        pending.begin_writing("/a/b/one.png".into(), start);
        assert!(pending.take_complete(start + LONGEST).is_some());
    }

    #[test]
    fn any_number_of_events_takes_little_memory() {
        let (mut pending, start) = pending();
        for number in 0..100_000 {
            pending.note(part(&format!("/a/{number}")), start);
            pending.begin_writing(format!("/a/{number}/one.png").into(), start);
            assert!(pending.parts.len() <= MOST_PARTS);
            assert!(pending.writers.len() <= MOST_WRITERS);
        }
        assert_eq!(
            pending.take_complete(start + LONGEST),
            Some(Changes::Everything)
        );
    }
}
