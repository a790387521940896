//! `backfill` as a job.
//!
//! Running it twice is harmless: what is missing is asked of the collection, and what was filled is
//! missing no more.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use clippy_core::bulk::BackfillRequest;
use clippy_core::folders::Folders;
use clippy_jobs::{JobContext, JobError, JobHandler, JobKind, Step};
use parking_lot::Mutex;
use serde_json::Value;

use super::admission::admit;
use super::payload::{Fingerprint, Payload};
use super::{BulkSettings, merge, part, patient, plan};
use crate::backfill::selection::Selection;
use crate::backfill::{BackfillOptions, prepared};
use crate::ingest::{LiveTools, ManifestOptions};

/// Fills vectors that stored points miss, in parts.
pub struct BackfillJob {
    tools: LiveTools,
    folders: Folders,
    settings: BulkSettings,
    /// The list of ids that was read last: the parts of one job share it.
    selection: Mutex<Option<Kept>>,
}

#[derive(Clone)]
struct Kept {
    file: PathBuf,
    fingerprint: Fingerprint,
    selection: Arc<Selection>,
}

impl BackfillJob {
    /// A handler over these tools, for manifests in these folders.
    #[must_use]
    pub fn new(tools: LiveTools, folders: Folders, settings: BulkSettings) -> Self {
        Self {
            tools,
            folders,
            settings,
            selection: Mutex::default(),
        }
    }

    /// Reads a list of ids, unless it is the one that was read last.
    async fn selection(&self, file: &Path) -> Result<Arc<Selection>, JobError> {
        let fingerprint = Fingerprint::of(file).await?;
        let kept = self.selection.lock().clone();
        if let Some(kept) = kept.filter(|kept| kept.file == file && kept.fingerprint == fingerprint)
        {
            return Ok(kept.selection);
        }
        let selection = Arc::new(Selection::read(file).await?);
        let kept = Kept {
            file: file.to_owned(),
            fingerprint,
            selection: Arc::clone(&selection),
        };
        *self.selection.lock() = Some(kept);
        Ok(selection)
    }
}

#[async_trait]
impl JobHandler for BackfillJob {
    fn kind(&self) -> JobKind {
        JobKind::Backfill
    }

    async fn run(&self, context: JobContext) -> Result<Value, JobError> {
        let Payload { request, part, .. } = Payload::<BackfillRequest>::read(&context)?;
        let tools = &patient(&context, &self.tools);
        let merging = part.is_none() && context.step() == Step::Merge;
        let ids_file = request.ids_file.as_deref();
        let (lines, ids_file) =
            admit(tools, &self.folders, &request.lines, ids_file, merging).await?;
        let request = BackfillRequest {
            lines,
            ids_file,
            ..request
        };
        // Read by the planner, too: a list that is none is said before anything is made.
        let selection = match request.ids_file.as_deref().filter(|_| !merging) {
            Some(file) => Some(self.selection(file).await?),
            None => None,
        };
        if let Some(part) = part {
            let options = BackfillOptions {
                lines: ManifestOptions::from(&request.lines),
                which: request.which,
                force_all: request.force_all,
                ids_file: None,
            };
            let step = prepared(tools, &options, selection).await?;
            return part::run(&context, tools, options.lines, &part, step).await;
        }
        if merging {
            return merge::run(&context, tools, &request.lines, true).await;
        }
        match plan::run(&context, tools, self.settings, &request, &request.lines).await? {
            0 => merge::nothing(),
            // The parts are made; what is returned here is dropped.
            _ => Ok(Value::Null),
        }
    }
}
