//! The job handlers: one file or folder for each kind.
//!
//! Bulk work over a manifest is a parent job that cuts the manifest into parts, child jobs that run
//! the parts, and a merge of their results.
//!
//! A parent runs twice, in the control lane. First it reads the manifest once and makes a part of
//! every 128 lines ([`plan`]). When all parts have ended, it adds up their accounts
//! ([`merge`]). A part ([`part`]) runs in the bulk lane, on any worker, and does the same as a
//! whole run, for its own lines. It has their place in the file, so that the manifest is not read
//! from its beginning again.
//!
//! Running any of them twice does no harm: planning again gives parts the same keys, points are
//! written by their ids, and a part that continues after a crash starts after its last acknowledged
//! batch.

mod account;
mod add;
mod admission;
mod backfill;
mod backfill_work;
mod changes;
mod fail_log;
mod fetch;
mod generate;
mod ingest;
mod manifest_part;
mod map;
mod merge;
mod observer;
mod part;
mod plan;
mod reindex;
mod styles;
mod tag;

use std::sync::Arc;

use clippy_core::folders::Folders;
use clippy_jobs::{Handlers, JobContext, LogLevel};

use crate::ingest::{LiveTools, Tools};
use crate::patience::{Patience, Pauses, ReportWait};

pub use backfill::BackfillJob;
pub use fetch::{FetchJob, FetchSettings};
pub use generate::{GalleryReferences, GenerateJob, GenerateTools, ProviderPatience};
pub use ingest::IngestJob;
pub use reindex::{ReindexJob, ReindexTools};

/// How bulk work is cut into parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BulkSettings {
    /// Lines in a part: few enough that repeating a part costs little, many enough that making one
    /// costs almost nothing in comparison.
    pub part_lines: usize,
    /// The limit for unfinished parts of one job. Its planner waits until there are fewer.
    pub most_parts: u64,
    /// How many parts are created in one call.
    pub parts_at_once: usize,
}

impl Default for BulkSettings {
    fn default() -> Self {
        Self {
            part_lines: 128,
            most_parts: 1_000,
            parts_at_once: 100,
        }
    }
}

/// Returns the tools for one run of a job. They wait for servers that are unavailable, and log
/// that.
fn patient_tools(context: &JobContext, tools: &LiveTools) -> Tools {
    Patience::new(
        Pauses::default(),
        context.token().clone(),
        wait_logger(context),
    )
    .while_live(&tools.live)
    .with(tools.now())
}

/// Returns a function that logs what a job waits for.
fn wait_logger(context: &JobContext) -> ReportWait {
    let context = context.clone();
    Arc::new(move |message| {
        let context = context.clone();
        Box::pin(async move {
            tracing::warn!(job = %context.job().id, "{message}");
            context.log(LogLevel::Warning, message).await;
        })
    })
}

/// Returns the handlers of bulk work over manifests in these folders.
#[must_use]
pub fn handlers(tools: &LiveTools, folders: &Folders, settings: BulkSettings) -> Handlers {
    Handlers::new()
        .with(IngestJob::new(tools.clone(), folders.clone(), settings))
        .with(BackfillJob::new(tools.clone(), folders.clone(), settings))
}
