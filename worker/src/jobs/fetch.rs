//! The handler of `fetch` jobs, which fetch the pictures of tags into `DATA_DIR/fetched`, and ingest
//! them if that was asked for.
//!
//! Running a job twice does no harm: a run goes on with what is in its folder. A job that ingests
//! becomes the parent of parts after it has fetched, as an ingest of the manifest would be.

use std::path::{Path, PathBuf};
use std::time::Duration;

use async_trait::async_trait;
use clippy_common::files;
use clippy_core::bulk::{FetchRequest, IngestRequest, ManifestRequest};
use clippy_core::folders::Folders;
use clippy_core::{Error, ErrorCode, Result, blocking};
use clippy_fetch::{FetchError, FetchOptions, Outcome, Pauses, Progress, Stage, parse_tags};
use clippy_jobs::{
    Envelope, JobContext, JobError, JobHandler, JobKind, JobProgress, LogLevel, Phase,
};
use parking_lot::Mutex;
use serde_json::{Value, json};

use super::admission::admit;
use super::manifest_part::ManifestPart;
use super::{BulkSettings, merge, part, patient_tools, plan};
use crate::ingest::{LiveTools, RunSettings, prepare_processor};

/// The folder of `DATA_DIR` that jobs fetch into.
const FETCHED: &str = "fetched";
/// The file with the outcome of a fetch, in the record of its folder.
const OUTCOME: &str = ".clippy-fetch/outcome-of-job";
/// The failures that a result lists with their reasons.
const MOST_REASONS: usize = 20;
/// How often progress is saved, so that a long job survives any number of lost workers.
const SAVE_EVERY: Duration = Duration::from_secs(10);
/// How long a job waits for another run in its folder.
const WAIT_FOR_FOLDER: Duration = Duration::from_secs(30);

/// What a process may fetch, and where to.
#[derive(Debug, Clone)]
pub struct FetchSettings {
    /// `DATA_DIR`.
    pub data: PathBuf,
    /// `FETCH_SITES`: the addresses that may be called, the default first.
    pub sites: Vec<String>,
    /// The name of this program for the sites.
    pub user_agent: String,
    /// How failed requests are tried again.
    pub pauses: Pauses,
}

/// Fetches the pictures of tags, and ingests them.
pub struct FetchJob {
    tools: LiveTools,
    folders: Folders,
    bulk: BulkSettings,
    settings: FetchSettings,
}

impl FetchJob {
    /// Returns a handler with these tools.
    #[must_use]
    pub fn new(
        tools: LiveTools,
        folders: Folders,
        bulk: BulkSettings,
        settings: FetchSettings,
    ) -> Self {
        Self {
            tools,
            folders,
            // The job holds a place of the bulk lane while it makes its parts, so it must not wait
            // for them. There are few, since a run is limited to half a million posts.
            bulk: BulkSettings {
                most_parts: u64::MAX,
                ..bulk
            },
            settings,
        }
    }

    /// Fetches, or returns the outcome of an earlier run of this job that has fetched everything.
    async fn fetched(
        &self,
        context: &JobContext,
        request: &FetchRequest,
        folder: &FetchedFolder,
    ) -> Result<Value, JobError> {
        if let Some(outcome) = folder.outcome(context).await? {
            return Ok(outcome);
        }
        let options = self.options(request, folder)?;
        let outcome = fetch(context, &options).await?;
        let outcome = to_json(&outcome, folder)?;
        folder.keep_outcome(context, &outcome).await?;
        Ok(outcome)
    }

    fn options(&self, request: &FetchRequest, folder: &FetchedFolder) -> Result<FetchOptions> {
        let tags = parse_tags(&request.tags.join("\n"))
            .map_err(|error| Error::invalid(error.to_string()))?;
        Ok(FetchOptions {
            tags,
            out: folder.path.clone(),
            union: request.union,
            workers: usize::try_from(request.workers).unwrap_or(1),
            max_pages: request.max_pages,
            resume: true,
            older_than_id: request.older_than_id,
            max_id: request.max_id,
            rate: request.rate,
            // The queue is not trusted: this is checked again.
            base_url: request.site(&self.settings.sites)?,
            public_only: true,
            user_agent: self.settings.user_agent.clone(),
            pauses: self.settings.pauses.clone(),
        })
    }
}

#[async_trait]
impl JobHandler for FetchJob {
    fn kind(&self) -> JobKind {
        JobKind::Fetch
    }

    async fn run(&self, context: JobContext) -> Result<Value, JobError> {
        let Envelope { request, part, .. } =
            Envelope::<FetchRequest, ManifestPart>::read(&context.job().payload)?;
        if part.is_none() {
            request.check()?;
        }
        let folder = FetchedFolder::of(&self.settings.data, &context, &request).await?;
        let tools = &patient_tools(&context, &self.tools);
        let merging = part.is_none() && context.phase() == Phase::Merge;
        let outcome = if part.is_some() || merging {
            folder.outcome(&context).await?.unwrap_or_default()
        } else {
            self.fetched(&context, &request, &folder).await?
        };
        if part.is_none() && !request.ingest {
            return Ok(with_outcome(merge::empty_result()?, outcome));
        }
        let lines = ManifestRequest::new(folder.path.join("manifest.jsonl"));
        let (lines, _) = admit(tools, &self.folders, &lines, None, merging).await?;
        let ingest = IngestRequest {
            lines,
            no_text: false,
            dry_run: false,
        };
        if let Some(part) = part {
            let processor = prepare_processor(tools, &ingest, &RunSettings::default()).await?;
            return part::run(&context, tools, &ingest.lines, &part, processor).await;
        }
        if merging {
            let account = merge::run(&context, tools, &ingest.lines, true).await?;
            return Ok(with_outcome(account, outcome));
        }
        // A part needs nothing of the request but the folder.
        let of_part = FetchRequest {
            tags: Vec::new(),
            name: Some(folder.name.clone()),
            ..request
        };
        match plan::run(&context, tools, self.bulk, &of_part, &ingest.lines).await? {
            0 => Ok(with_outcome(merge::empty_result()?, outcome)),
            // The job waits for its parts; this value is dropped.
            _ => Ok(Value::Null),
        }
    }
}

/// The folder of one job, in `DATA_DIR/fetched`.
struct FetchedFolder {
    name: String,
    path: PathBuf,
}

impl FetchedFolder {
    async fn of(data: &Path, context: &JobContext, request: &FetchRequest) -> Result<Self> {
        let job = context.job();
        let own = || job.parent.unwrap_or(job.id).to_string();
        let name = request.name.clone().unwrap_or_else(own);
        let path = data.join(FETCHED).join(&name);
        let folder = path.clone();
        let made = blocking("making a folder", move || {
            std::fs::create_dir_all(&folder)
                .and_then(|()| folder.canonicalize())
                .map_err(|error| {
                    Error::internal("the folder of a fetch cannot be made").with_source(error)
                })
        });
        Ok(Self {
            name,
            path: made.await?,
        })
    }

    fn outcome_file(&self, context: &JobContext) -> PathBuf {
        self.path
            .join(format!("{OUTCOME}-{}.json", context.job().id))
    }

    /// Returns the outcome of an earlier run of this job, if it has fetched everything.
    async fn outcome(&self, context: &JobContext) -> Result<Option<Value>> {
        match tokio::fs::read(self.outcome_file(context)).await {
            // A damaged file is written again.
            Ok(text) => Ok(serde_json::from_slice(&text).ok()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => {
                Err(Error::internal("the outcome of a fetch cannot be read").with_source(error))
            }
        }
    }

    async fn keep_outcome(&self, context: &JobContext, outcome: &Value) -> Result<()> {
        let (path, text) = (self.outcome_file(context), outcome.to_string());
        blocking("writing a file", move || {
            files::replace(&path, text.as_bytes()).map_err(|error| {
                Error::internal("the outcome of a fetch cannot be written").with_source(error)
            })
        })
        .await
    }
}

/// Runs the fetch, and saves how far it is from time to time.
async fn fetch(context: &JobContext, options: &FetchOptions) -> Result<Outcome, JobError> {
    let reports = Reports {
        context,
        last: Mutex::default(),
    };
    let ended = clippy_fetch::run(options, &reports, context.token());
    tokio::pin!(ended);
    let mut saved = (0, 0);
    let ended = loop {
        tokio::select! {
            ended = &mut ended => break ended,
            () = tokio::time::sleep(SAVE_EVERY) => {
                let now = *reports.last.lock();
                if now > saved {
                    saved = now;
                    let place = json!({"stage": now.0, "done": now.1});
                    context.save_checkpoint(place).await?;
                }
            }
        }
    };
    // If the job was asked to stop, or its claim is lost, that is the cause of how the run ended.
    context.go_on()?;
    let outcome = match ended {
        Ok(outcome) => outcome,
        Err(FetchError::Busy(message)) => {
            context.log(LogLevel::Warning, message).await;
            return Err(JobError::Snooze(WAIT_FOR_FOLDER));
        }
        Err(FetchError::Usage(message)) => return Err(Error::invalid(message).into()),
        Err(FetchError::Refused(message)) => {
            return Err(JobError::permanent(ErrorCode::Conflict, message));
        }
        // A full disk may have room again.
        Err(FetchError::File(message)) => {
            return Err(JobError::transient(ErrorCode::Unavailable, message));
        }
    };
    if let Some(reason) = &outcome.stopped {
        let message =
            format!("{reason}. What was fetched is kept: a retry fetches only what is missing");
        return Err(JobError::transient(ErrorCode::Unavailable, message));
    }
    if outcome.nothing_succeeded() {
        let first = outcome.failures.first().map_or_else(
            || "the site has no picture for these tags".to_owned(),
            Clone::clone,
        );
        let message = format!("No picture was fetched: {first}");
        return Err(JobError::permanent(ErrorCode::InvalidInput, message));
    }
    Ok(outcome)
}

/// The part of the result that is about fetching. Paths begin at `DATA_DIR`.
fn to_json(outcome: &Outcome, folder: &FetchedFolder) -> Result<Value> {
    let reasons = outcome.failures.iter().take(MOST_REASONS);
    let reasons: Vec<Value> = reasons.map(|reason| json!({"reason": reason})).collect();
    let mut fetch = serde_json::to_value(outcome)
        .map_err(|error| Error::internal("an outcome is not JSON").with_source(error))?;
    fetch["failures"] = reasons.into();
    fetch["folder"] = format!("{FETCHED}/{}", folder.name).into();
    fetch["manifest"] = format!("{FETCHED}/{}/manifest.jsonl", folder.name).into();
    if let Value::Object(fields) = &mut fetch {
        fields.remove("stopped");
    }
    Ok(fetch)
}

/// The result: the account of the ingest, and the outcome of the fetch.
fn with_outcome(mut account: Value, outcome: Value) -> Value {
    account["fetch"] = outcome;
    account
}

struct Reports<'c> {
    context: &'c JobContext,
    /// The stage and what is done in it.
    last: Mutex<(u8, u64)>,
}

impl Progress for Reports<'_> {
    fn report(&self, stage: Stage, done: u64, total: u64, failed: u64) {
        let (number, name, unit) = match stage {
            Stage::Listing => (0, "listing", "tags"),
            Stage::Downloading => (1, "downloading", "pictures"),
        };
        *self.last.lock() = (number, done);
        self.context.progress(JobProgress {
            done,
            total: Some(total),
            unit: unit.to_owned(),
            stage: name.to_owned(),
            message: if failed == 0 {
                String::new()
            } else {
                format!("{failed} failed")
            },
        });
    }
}

#[cfg(test)]
mod tests {
    use clippy_core::settings::JobSettings;

    #[test]
    fn jobs_and_the_command_have_the_same_default_site() {
        assert_eq!(JobSettings::FETCH_SITES, clippy_fetch::DEFAULT_BASE_URL);
    }
}
