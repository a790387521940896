//! The handler of `backfill` jobs, which make missing vectors, propose tags, find the styles of a
//! collection, make a map of it, or change many pictures.
//!
//! Running a job twice does no harm: only vectors that are missing in the collection are made.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use clippy_core::bulk::BackfillRequest;
use clippy_core::folders::Folders;
use clippy_jobs::{Envelope, JobContext, JobError, JobHandler, JobKind, Phase};
use parking_lot::Mutex;
use serde_json::Value;

use super::admission::admit;
use super::backfill_work::BackfillWork;
use super::manifest_part::{Fingerprint, ManifestPart};
use super::{BulkSettings, merge, part, patient_tools, plan};
use super::{changes, map, styles, tag};
use crate::backfill::selection::Selection;
use crate::backfill::{fit_whitening, prepare_processor};
use crate::ingest::{LiveTools, RunSettings};

/// Makes the vectors that stored points lack, in parts.
pub struct BackfillJob {
    tools: LiveTools,
    folders: Folders,
    settings: BulkSettings,
    /// The list of ids that was read last. The parts of one job share it.
    selection: Mutex<Option<CachedSelection>>,
}

#[derive(Clone)]
struct CachedSelection {
    file: PathBuf,
    fingerprint: Fingerprint,
    selection: Arc<Selection>,
}

impl BackfillJob {
    /// Returns a handler with these tools, for manifests in these folders.
    #[must_use]
    pub fn new(tools: LiveTools, folders: Folders, settings: BulkSettings) -> Self {
        Self {
            tools,
            folders,
            settings,
            selection: Mutex::default(),
        }
    }

    /// Reads a list of ids, or returns the cached one if it is the same.
    async fn selection(&self, file: &Path) -> Result<Arc<Selection>, JobError> {
        let fingerprint = Fingerprint::of(file).await?;
        let cached = self.selection.lock().clone();
        if let Some(cached) =
            cached.filter(|cached| cached.file == file && cached.fingerprint == fingerprint)
        {
            return Ok(cached.selection);
        }
        let selection = Arc::new(Selection::read(file).await?);
        let cached = CachedSelection {
            file: file.to_owned(),
            fingerprint,
            selection: Arc::clone(&selection),
        };
        *self.selection.lock() = Some(cached);
        Ok(selection)
    }
}

#[async_trait]
impl JobHandler for BackfillJob {
    fn kind(&self) -> JobKind {
        JobKind::Backfill
    }

    async fn run(&self, context: JobContext) -> Result<Value, JobError> {
        let Envelope { request, part, .. } =
            Envelope::<BackfillWork, ManifestPart>::read(&context.job().payload)?;
        let tools = &patient_tools(&context, &self.tools);
        let request = match request {
            BackfillWork::Vectors(request) => *request,
            BackfillWork::Tag(request) => {
                return tag::run(&context, tools, &self.folders, request).await;
            }
            BackfillWork::Change(job) => {
                return changes::run(&context, tools, &job.change_pictures).await;
            }
            BackfillWork::Styles(request) => return styles::run(&context, tools, &request).await,
            BackfillWork::Map(request) => {
                return map::run(&context, tools, &*self.tools.maps, request).await;
            }
        };
        let merging = part.is_none() && context.phase() == Phase::Merge;
        let ids_file = request.ids_file.as_deref();
        let (lines, ids_file) =
            admit(tools, &self.folders, &request.lines, ids_file, merging).await?;
        let request = BackfillRequest {
            lines,
            ids_file,
            ..request
        };
        // The planner reads the list too, so that an unreadable one fails the job before any part
        // is made.
        let selection = match request.ids_file.as_deref().filter(|_| !merging) {
            Some(file) => Some(self.selection(file).await?),
            None => None,
        };
        if let Some(part) = part {
            let processor =
                prepare_processor(tools, &request, &RunSettings::default(), selection).await?;
            return part::run(&context, tools, &request.lines, &part, processor).await;
        }
        if merging {
            return merge::run(&context, tools, &request.lines, true).await;
        }
        // A planner that continues must not replace the whitening that its first parts use.
        if context.last_checkpoint().is_none() {
            fit_whitening(tools, &request, &RunSettings::default()).await?;
        }
        match plan::run(&context, tools, self.settings, &request, &request.lines).await? {
            0 => merge::empty_result(),
            // The job waits for its parts; this value is dropped.
            _ => Ok(Value::Null),
        }
    }
}
