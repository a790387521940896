//! Slow work as jobs. One file or folder a kind.
//!
//! Bulk work: a parent that cuts the manifest into parts, the parts, and the sum of what they did.
//!
//! A parent runs in the control lane, twice: first it reads the manifest once and makes a part of
//! every few hundred lines ([`plan`]), then, when all parts have ended, it adds their accounts up
//! ([`merge`]). A part ([`part`]) runs in the bulk lane, on any worker, and does what a whole run
//! does, on its own lines. It finds them by their place in the file, so that nobody reads the
//! manifest from its beginning again.
//!
//! Everything may happen twice: parts have the same names whenever they are planned; points are
//! written by their ids; and a part that goes on after a kill begins where its last acknowledged
//! batch ended.

mod account;
mod admission;
mod backfill;
mod generate;
mod ingest;
mod merge;
mod part;
mod payload;
mod plan;
mod reindex;

use std::sync::Arc;

use clippy_core::folders::Folders;
use clippy_jobs::{Handlers, JobContext, LogLevel};

use crate::ingest::{LiveTools, Tools};
use crate::patience::{Patience, Pauses, Tell};

pub use backfill::BackfillJob;
pub use generate::{GalleryReferences, GenerateJob, GenerateTools, ProviderPatience};
pub use ingest::IngestJob;
pub use reindex::{ReindexJob, ReindexTools};

/// How bulk work is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BulkSettings {
    /// Lines in a part: little enough that a part is lost cheaply, enough that making it costs
    /// nothing.
    pub part_lines: usize,
    /// Parts of one job that wait or run at the same time; its planner waits for room.
    pub most_parts: u64,
    /// Parts that are made in one step.
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

/// The tools for one run of a job, which waits out the outages of servers and says so in its log.
fn patient(context: &JobContext, tools: &LiveTools) -> Tools {
    Patience::new(Pauses::default(), context.token().clone(), told_by(context))
        .while_live(&tools.live)
        .with(tools.now())
}

/// Says what a job waits for.
fn told_by(context: &JobContext) -> Tell {
    let context = context.clone();
    Arc::new(move |message| {
        let context = context.clone();
        Box::pin(async move {
            tracing::warn!(job = %context.job().id, "{message}");
            context.log(LogLevel::Warning, message).await;
        })
    })
}

/// The handlers of bulk work over manifests, which lie in these folders.
#[must_use]
pub fn handlers(tools: &LiveTools, folders: &Folders, settings: BulkSettings) -> Handlers {
    Handlers::new()
        .with(IngestJob::new(tools.clone(), folders.clone(), settings))
        .with(BackfillJob::new(tools.clone(), folders.clone(), settings))
}
