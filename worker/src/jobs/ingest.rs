//! The handler of `ingest` jobs, which ingest a manifest or what a scan of folders finds.
//!
//! Running a job twice does no harm: pictures that the same model has embedded already are left
//! unchanged.

use async_trait::async_trait;
use clippy_core::bulk::IngestRequest;
use clippy_core::folders::Folders;
use clippy_core::{Error, ErrorCode};
use clippy_jobs::{Envelope, JobContext, JobError, JobHandler, JobKind, Phase};
use clippy_library::scan::Library;
use serde_json::Value;

use super::add::{self, IngestWork};
use super::admission::admit;
use super::manifest_part::ManifestPart;
use super::{BulkSettings, merge, part, patient_tools, plan};
use crate::ingest::{LiveTools, RunSettings, prepare_processor};

/// Embeds and stores a manifest's pictures, in parts.
pub struct IngestJob {
    tools: LiveTools,
    folders: Folders,
    settings: BulkSettings,
    /// The record of added folders. Without it, only manifests are ingested.
    library: Option<Library>,
}

impl IngestJob {
    /// Returns a handler with these tools, for manifests in these folders.
    #[must_use]
    pub fn new(tools: LiveTools, folders: Folders, settings: BulkSettings) -> Self {
        Self {
            tools,
            folders,
            settings,
            library: None,
        }
    }

    /// Returns the handler with a library, so that it also adds folders.
    #[must_use]
    pub fn with_library(self, library: Library) -> Self {
        Self {
            library: Some(library),
            ..self
        }
    }
}

#[async_trait]
impl JobHandler for IngestJob {
    fn kind(&self) -> JobKind {
        JobKind::Ingest
    }

    async fn run(&self, context: JobContext) -> Result<Value, JobError> {
        let Envelope { request, part, .. } =
            Envelope::<IngestWork, ManifestPart>::read(&context.job().payload)?;
        let tools = &patient_tools(&context, &self.tools);
        let request = match (request, &self.library) {
            (IngestWork::Manifest(request), _) => *request,
            (IngestWork::Add(request), Some(library)) => {
                let (folders, settings) = (&self.folders, self.settings);
                return add::run(&context, tools, library, folders, settings, request).await;
            }
            (IngestWork::Add(_), None) => {
                let message = "this worker has no database, which it needs to add folders";
                return Err(Error::new(ErrorCode::Unsupported, message).into());
            }
        };
        let merging = part.is_none() && context.phase() == Phase::Merge;
        let (lines, _) = admit(tools, &self.folders, &request.lines, None, merging).await?;
        let request = IngestRequest { lines, ..request };
        if let Some(part) = part {
            let processor = prepare_processor(tools, &request, &RunSettings::default()).await?;
            return part::run(&context, tools, &request.lines, &part, processor).await;
        }
        match context.phase() {
            Phase::Start => {
                match plan::run(&context, tools, self.settings, &request, &request.lines).await? {
                    0 => merge::empty_result(),
                    // The job waits for its parts; this value is dropped.
                    _ => Ok(Value::Null),
                }
            }
            Phase::Merge => merge::run(&context, tools, &request.lines, !request.dry_run).await,
        }
    }
}
