//! `ingest` as a job.
//!
//! Running it twice is harmless: a line whose picture is stored already, made by the same model, is
//! left as it is.

use async_trait::async_trait;
use clippy_core::bulk::IngestRequest;
use clippy_core::folders::Folders;
use clippy_jobs::{JobContext, JobError, JobHandler, JobKind, Step};
use serde_json::Value;

use super::admission::admit;
use super::payload::Payload;
use super::{BulkSettings, merge, part, patient, plan};
use crate::ingest::{IngestOptions, LiveTools, ManifestOptions, prepared};

/// Embeds and stores a manifest's pictures, in parts.
pub struct IngestJob {
    tools: LiveTools,
    folders: Folders,
    settings: BulkSettings,
}

impl IngestJob {
    /// A handler over these tools, for manifests in these folders.
    #[must_use]
    pub fn new(tools: LiveTools, folders: Folders, settings: BulkSettings) -> Self {
        Self {
            tools,
            folders,
            settings,
        }
    }
}

#[async_trait]
impl JobHandler for IngestJob {
    fn kind(&self) -> JobKind {
        JobKind::Ingest
    }

    async fn run(&self, context: JobContext) -> Result<Value, JobError> {
        let Payload { request, part, .. } = Payload::<IngestRequest>::read(&context)?;
        let tools = &patient(&context, &self.tools);
        let merging = part.is_none() && context.step() == Step::Merge;
        let (lines, _) = admit(tools, &self.folders, &request.lines, None, merging).await?;
        let request = IngestRequest { lines, ..request };
        if let Some(part) = part {
            let lines = ManifestOptions::from(&request.lines);
            let options = IngestOptions {
                lines,
                with_text: !request.no_text,
                dry_run: request.dry_run,
            };
            let step = prepared(tools, &options).await?;
            return part::run(&context, tools, options.lines, &part, step).await;
        }
        match context.step() {
            Step::Start => {
                match plan::run(&context, tools, self.settings, &request, &request.lines).await? {
                    0 => merge::nothing(),
                    // The parts are made; what is returned here is dropped.
                    _ => Ok(Value::Null),
                }
            }
            Step::Merge => merge::run(&context, tools, &request.lines, !request.dry_run).await,
        }
    }
}
