//! `clippy fetch`: downloads pictures with tags, and writes a manifest.

use std::path::Path;

use clippy_common::run_blocking;
use clippy_core::bulk::FetchRequest;
use clippy_core::settings::Settings;
use clippy_fetch::{FetchError, FetchOptions, Outcome, Pauses, Progress, Stage};
use tokio::task::JoinError;
use tokio_util::sync::CancellationToken;

use super::enqueue::{self, JobOutput};
use super::progress_bar::BarProgress;
use crate::arguments::{FetchArguments, FetchSite, SafebooruArguments};
use crate::failure::Failure;
use crate::local_services::require_server;
use crate::output::{note, say};
use crate::shutdown::until_stopped;

/// The number of failures that are printed.
const EXAMPLES: usize = 10;

/// Fetches from the site that the arguments name, in this process or as a job of a server.
pub async fn run(
    settings: &Settings,
    server: Option<&str>,
    arguments: &FetchArguments,
    shutdown: CancellationToken,
) -> Result<(), Failure> {
    let FetchSite::Safebooru(arguments) = &arguments.site;
    if arguments.enqueue {
        return until_stopped(&shutdown, create_job(settings, server, arguments)).await;
    }
    let options = options(arguments).await?;
    let bar = Bar(BarProgress::new(arguments.json));
    let fetched = clippy_fetch::run(&options, &bar, &shutdown).await;
    bar.0.finish();
    let outcome = fetched.map_err(failure)?;
    report(&outcome, arguments)?;
    end(&outcome, &shutdown)
}

fn failure(error: FetchError) -> Failure {
    match error {
        FetchError::Usage(message) => Failure::usage(message),
        FetchError::Refused(message) | FetchError::Busy(message) | FetchError::File(message) => {
            Failure::run(message)
        }
    }
}

async fn read_tags(arguments: &SafebooruArguments) -> Result<Vec<String>, Failure> {
    let file = arguments.tags_file.clone();
    let ended = |error: JoinError| FetchError::File(error.to_string());
    run_blocking(move || clippy_fetch::read_tags(&file), ended)
        .await
        .map_err(failure)
}

async fn create_job(
    settings: &Settings,
    server: Option<&str>,
    arguments: &SafebooruArguments,
) -> Result<(), Failure> {
    let request = FetchRequest {
        tags: read_tags(arguments).await?,
        name: Some(folder_name(&arguments.out)?),
        union: arguments.union,
        workers: arguments.workers.into(),
        max_pages: arguments.max_pages,
        older_than_id: arguments.older_than_id,
        max_id: arguments.max_id,
        rate: arguments.rate,
        base_url: arguments.base_url.clone(),
        ingest: arguments.ingest,
    };
    request
        .check()
        .map_err(|error| Failure::usage(error.message))?;
    let client = require_server(settings, server)?;
    let output = JobOutput {
        enqueue: true,
        json: arguments.json,
        fail_on_any: false,
        counts_failed_lines: false,
    };
    enqueue::run(&client, "fetch", &request, output).await
}

/// Returns the name of the folder that a job writes to.
fn folder_name(out: &Path) -> Result<String, Failure> {
    let name = out.to_str().filter(|name| !name.contains(['/', '\\']));
    name.map(str::to_owned).ok_or_else(|| {
        Failure::usage(format!(
            "--out is \"{}\", but with --enqueue it must be a name such as cats: the server writes \
             to that folder in its DATA_DIR/fetched",
            out.display()
        ))
    })
}

async fn options(arguments: &SafebooruArguments) -> Result<FetchOptions, Failure> {
    let base_url = arguments.base_url.as_deref();
    Ok(FetchOptions {
        tags: read_tags(arguments).await?,
        out: arguments.out.clone(),
        union: arguments.union,
        workers: usize::from(arguments.workers),
        max_pages: arguments.max_pages,
        resume: arguments.resume,
        older_than_id: arguments.older_than_id,
        max_id: arguments.max_id,
        rate: arguments.rate,
        base_url: base_url
            .unwrap_or(clippy_fetch::DEFAULT_BASE_URL)
            .to_owned(),
        public_only: false,
        user_agent: clippy_fetch::USER_AGENT.to_owned(),
        pauses: Pauses::default(),
    })
}

/// Prints the counts to standard output, and failures to standard error.
fn report(outcome: &Outcome, arguments: &SafebooruArguments) -> Result<(), Failure> {
    if arguments.json {
        let json = serde_json::to_string(outcome).map_err(|error| {
            Failure::run(format!("the result cannot be written as JSON: {error}"))
        })?;
        say!("{json}");
    } else {
        say!(
            "{} tags, {} posts: {} fetched, {} kept, {} skipped, {} failed, {} unreadable; in {}",
            outcome.tags,
            outcome.posts,
            outcome.fetched,
            outcome.kept,
            outcome.skipped,
            outcome.failed,
            outcome.unreadable,
            arguments.out.display()
        );
    }
    let failures = outcome.failures.iter().take(EXAMPLES);
    failures.for_each(|failure| note!("{failure}"));
    if outcome.failed > EXAMPLES as u64 {
        note!("and {} more", outcome.failed - EXAMPLES as u64);
    }
    let without = &outcome.tags_without_posts;
    if !without.is_empty() {
        let shown = without[..without.len().min(EXAMPLES)].join(", ");
        let more = without.len().saturating_sub(EXAMPLES);
        let more = if more > 0 {
            format!(" and {more} more")
        } else {
            String::new()
        };
        note!("no posts for {shown}{more}");
    }
    Ok(())
}

/// Returns how the command ends.
fn end(outcome: &Outcome, shutdown: &CancellationToken) -> Result<(), Failure> {
    const ADVICE: &str = "what is whole stays; the same command with --resume goes on";
    match &outcome.stopped {
        Some(_) if shutdown.is_cancelled() => Err(Failure::stopped(format!("stopped; {ADVICE}"))),
        Some(reason) => Err(Failure::run(format!("{reason}; {ADVICE}"))),
        None if outcome.nothing_succeeded() => Err(Failure::run("no picture was fetched")),
        None => Ok(()),
    }
}

struct Bar(BarProgress);

impl Progress for Bar {
    fn report(&self, stage: Stage, done: u64, total: u64, _failed: u64) {
        let what = match stage {
            Stage::Listing => "reading pages of tags",
            Stage::Downloading => "downloading",
        };
        self.0.report_step(what, done, total);
    }
}
