//! Deletes entries with their files, keeps to the retention, and adds pictures of older folders.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clippy_core::Result;
use clippy_core::gallery::{GalleryReader, With};
use clippy_core::history::{History, Leftover, LeftoverKind};
use clippy_generate::{GenerateRequest, Intake, Outputs, gallery_id, stored_inputs};
use clippy_jobs::{Envelope, JobFilter, JobKind, JobState, JobStore};

use crate::older::{self, Found};

/// How long an upload stays after it was sent. A request stores its uploads before its job exists.
pub const IN_FLIGHT: Duration = Duration::from_secs(600);

/// Files that are deleted together.
const TOGETHER: usize = 200;
/// Lines of the list of outputs that are read together.
const LINES_TOGETHER: usize = 200;

/// Takes care of the history and its files.
#[derive(Clone)]
pub struct HistoryKeeper {
    /// The entries.
    pub history: Arc<dyn History>,
    /// The files of pictures.
    pub outputs: Outputs,
    /// The files of uploads.
    pub intake: Intake,
    /// The jobs, which need uploads until they have ended.
    pub jobs: Arc<dyn JobStore>,
    /// The gallery, which may have pictures of the history.
    pub gallery: Arc<dyn GalleryReader>,
    /// How long an upload stays after it was sent: [`IN_FLIGHT`].
    pub in_flight: Duration,
}

impl HistoryKeeper {
    /// Deletes a picture, or a whole entry, with the files that nothing else needs. Returns `false`
    /// if there was none. Files that cannot be deleted yet are deleted by [`HistoryKeeper::sweep`].
    ///
    /// # Errors
    /// Those of the history. A failure to delete files is logged.
    pub async fn remove(&self, id: &str, index: Option<u32>) -> Result<bool> {
        let removed = self.history.remove(id, index).await?;
        if removed && let Err(error) = self.sweep().await {
            tracing::warn!(
                entry = id, %error,
                "an entry of the history was deleted, but not all of its files; they are tried \
                 again later"
            );
        }
        Ok(removed)
    }

    /// Deletes the files of removed entries, except for those that something needs. Returns how
    /// many were deleted.
    ///
    /// # Errors
    /// Those of the history, the job store, the gallery and the files. What was not deleted yet is
    /// tried again by the next call.
    pub async fn sweep(&self) -> Result<u64> {
        let leftovers = self.history.leftovers(usize::MAX).await?;
        if leftovers.is_empty() {
            return Ok(0);
        }
        let inputs = leftovers.iter().any(|one| one.kind == LeftoverKind::Input);
        let in_jobs = if inputs {
            self.inputs_of_jobs().await?
        } else {
            HashSet::new()
        };
        let mut deleted = 0;
        for some in leftovers.chunks(TOGETHER) {
            let mut settled = Vec::new();
            let mut lines = Vec::new();
            for leftover in some {
                if self.history.needs(leftover).await? {
                    settled.push(leftover.clone());
                    continue;
                }
                let gone = match leftover.kind {
                    LeftoverKind::Input => {
                        let free = !in_jobs.contains(&leftover.sha256);
                        free && self.intake.remove(&leftover.sha256, self.in_flight).await?
                    }
                    LeftoverKind::Picture => {
                        lines.push(leftover.sha256.clone());
                        self.remove_picture(leftover).await?
                    }
                };
                deleted += u64::from(gone);
                // A picture that is in the gallery stays there, and is no longer the history's.
                if gone || leftover.kind == LeftoverKind::Picture {
                    settled.push(leftover.clone());
                }
            }
            // Before they are settled: an import would find their lines again.
            if !lines.is_empty() {
                self.outputs.blank(lines).await?;
            }
            self.history.settle(&settled).await?;
        }
        Ok(deleted)
    }

    /// Deletes the file of a picture, unless the gallery has it.
    async fn remove_picture(&self, leftover: &Leftover) -> Result<bool> {
        let id = gallery_id(&leftover.sha256)?;
        if !self
            .gallery
            .retrieve(&[id], With::NOTHING)
            .await?
            .is_empty()
        {
            return Ok(false);
        }
        self.outputs.remove(&leftover.sha256).await?;
        Ok(true)
    }

    /// The uploads of jobs that are waiting or running, or can be retried.
    async fn inputs_of_jobs(&self) -> Result<HashSet<String>> {
        let mut inputs = HashSet::new();
        for state in [
            JobState::Queued,
            JobState::Running,
            JobState::Failed,
            JobState::Cancelled,
        ] {
            let mut filter = JobFilter {
                kind: Some(JobKind::Generate),
                state: Some(state),
                limit: 100,
                ..JobFilter::default()
            };
            loop {
                let page = self.jobs.list(&filter).await?;
                for job in &page.jobs {
                    if let Ok(Envelope { request, .. }) =
                        Envelope::<GenerateRequest>::read(&job.payload)
                    {
                        inputs.extend(stored_inputs(&request));
                    }
                }
                match page.next_cursor {
                    Some(next) => filter.before = Some(next),
                    None => break,
                }
            }
        }
        Ok(inputs)
    }

    /// Removes entries that are older than `keep`, except for favourites, with their files. Returns
    /// how many pictures were removed.
    ///
    /// # Errors
    /// As [`HistoryKeeper::sweep`].
    pub async fn expire(&self, keep: Duration) -> Result<u64> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let before = now.unwrap_or_default().saturating_sub(keep).as_millis();
        let before = i64::try_from(before).unwrap_or(i64::MAX);
        let mut removed = 0;
        loop {
            let some = self.history.remove_older(before, TOGETHER).await?;
            removed += some;
            if some == 0 {
                break;
            }
        }
        if removed > 0 {
            self.sweep().await?;
        }
        Ok(removed)
    }

    /// Adds the pictures that are in the list of outputs only. What was looked at once is not
    /// looked at again. Returns how many pictures were found.
    ///
    /// # Errors
    /// Those of the history, the job store and the files.
    pub async fn import_older(&self) -> Result<u64> {
        // Their lines are still in the list.
        self.sweep().await?;
        let mut found = 0;
        let mut start = self.history.imported().await?;
        loop {
            let part = self.outputs.list_from(start, LINES_TOGETHER).await?;
            let (mut entries, mut next, mut more) = (Vec::new(), part.next, part.more);
            for listed in &part.outputs {
                match older::find(&*self.jobs, &self.intake, listed).await? {
                    Found::Entry(entry) => entries.push(*entry),
                    Found::NotOver => {
                        (next, more) = (listed.start, false);
                        break;
                    }
                }
            }
            found += entries.len() as u64;
            if next != start || !entries.is_empty() {
                self.history.import(&entries, next).await?;
            }
            start = next;
            if !more {
                return Ok(found);
            }
        }
    }
}
