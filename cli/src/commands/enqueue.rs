//! Runs bulk work as a job of a server.

use std::path::{Path, PathBuf};

use clippy_core::bulk::ManifestRequest;
use clippy_core::ledger::{LedgerTotals, Reasons};
use clippy_core::settings::Settings;
use clippy_worker::ingest::manifest::Manifest;
use indicatif::{ProgressBar, ProgressStyle};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::arguments::ManifestArguments;
use crate::client::Client;
use crate::commands::outcome;
use crate::events::Events;
use crate::failure::Failure;
use crate::local_services::{require_server, running_server};
use crate::output::{note, say, write_note};

/// Returns the server to create a job at. `None` if the work should run in this process: no job was
/// requested, no server was given, and none has the collection open.
pub fn server_for_job(
    settings: &Settings,
    server: Option<&str>,
    enqueue: bool,
) -> Result<Option<Client>, Failure> {
    if enqueue {
        require_server(settings, server).map(Some)
    } else {
        running_server(settings, server)
    }
}

/// Makes the paths of a request absolute, since a server may run in another folder.
pub fn with_absolute_paths(request: ManifestRequest) -> Result<ManifestRequest, Failure> {
    if Manifest::is_stream(&request.manifest) {
        return Err(Failure::usage(
            "--manifest is a pipe, which the server of the collection cannot read: write the \
             manifest to a file",
        ));
    }
    let optional = |path: Option<PathBuf>| path.as_deref().map(absolute).transpose();
    Ok(ManifestRequest {
        manifest: absolute(&request.manifest)?,
        images_root: optional(request.images_root)?,
        fail_log: optional(request.fail_log)?,
        ..request
    })
}

/// Makes a path absolute, whether or not it exists.
pub fn absolute(path: &Path) -> Result<PathBuf, Failure> {
    std::path::absolute(path)
        .map_err(|error| Failure::run(format!("{} is not a path: {error}", path.display())))
}

/// What to do and print after the job was created.
#[derive(Debug, Clone, Copy)]
pub struct JobOutput {
    /// Print its id, instead of waiting for its end.
    pub enqueue: bool,
    /// Print JSON.
    pub json: bool,
    /// Fail if any line failed.
    pub fail_on_any: bool,
    /// Whether failed lines can fail the command. A re-index itself limits how many pictures may be
    /// missing.
    pub counts_failed_lines: bool,
}

impl JobOutput {
    /// Reads the flags.
    pub fn of(arguments: &ManifestArguments) -> Self {
        Self {
            enqueue: arguments.enqueue,
            json: arguments.json,
            fail_on_any: arguments.fail_on_any,
            counts_failed_lines: true,
        }
    }
}

/// Creates a job for a request, then prints its id or waits for its end.
pub async fn run<R: Serialize>(
    client: &Client,
    kind: &str,
    request: &R,
    output: JobOutput,
) -> Result<(), Failure> {
    let JobOutput { enqueue, json, .. } = output;
    let (id, job) = create(client, kind, request).await?;
    if enqueue {
        if json {
            say!("{job}");
        } else {
            say!("Job {id} is queued. Follow it with: clippy jobs watch {id}");
        }
        return Ok(());
    }
    let job = follow_to_end(client, &id, json).await?;
    report(&job, output)
}

/// Creates a job for a request, waits for its end, and returns the finished job. Fails if the job
/// did not succeed.
pub async fn run_to_end<R: Serialize>(
    client: &Client,
    kind: &str,
    request: &R,
    hidden: bool,
) -> Result<Value, Failure> {
    let (id, _) = create(client, kind, request).await?;
    let job = follow_to_end(client, &id, hidden).await?;
    check_success(&job)?;
    Ok(job)
}

/// Creates a job for a request, and returns its id and the job.
async fn create<R: Serialize>(
    client: &Client,
    kind: &str,
    request: &R,
) -> Result<(String, Value), Failure> {
    let body = serde_json::to_value(request)
        .map_err(|error| Failure::run(format!("the request cannot be written as JSON: {error}")))?;
    let job = client
        .post(&format!("/api/admin/{kind}"), &without_nulls(body))
        .await?;
    let id = job["id"]
        .as_str()
        .ok_or_else(|| Failure::run("the server's answer has no job id"))?
        .to_owned();
    Ok((id, job))
}

/// Removes fields that are null, so that the server uses its defaults.
fn without_nulls(body: Value) -> Value {
    match body {
        Value::Object(fields) => Value::Object(
            fields
                .into_iter()
                .filter(|(_, value)| !value.is_null())
                .collect::<Map<_, _>>(),
        ),
        other => other,
    }
}

/// Follows a job to its end with a progress bar, and returns the finished job.
async fn follow_to_end(client: &Client, id: &str, hidden: bool) -> Result<Value, Failure> {
    let bar = if hidden {
        ProgressBar::hidden()
    } else {
        ProgressBar::new(0)
    };
    let style = ProgressStyle::with_template(
        "{msg} {wide_bar} {human_pos}/{human_len}  {per_sec}  {eta} left",
    );
    // The template is a constant. If it were wrong, indicatif's default would be used.
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    let mut events = Events::of(client, id);
    while let Some(event) = events.next().await? {
        if event.name == "log"
            && let Some(message) = event.data["message"].as_str()
        {
            bar.suspend(|| note!("{message}"));
        }
        let progress = if event.name == "snapshot" {
            &event.data["progress"]
        } else {
            &event.data
        };
        if let (true, Some(done)) = (
            matches!(event.name.as_str(), "snapshot" | "progress"),
            progress["done"].as_u64(),
        ) {
            bar.set_length(progress["total"].as_u64().unwrap_or(done));
            bar.set_position(done);
            bar.set_message(progress["stage"].as_str().unwrap_or_default().to_owned());
        }
    }
    bar.finish_and_clear();
    client.get(&format!("/api/jobs/{id}"), &[]).await
}

/// Fails if the job did not succeed.
fn check_success(job: &Value) -> Result<(), Failure> {
    if job["state"] == "succeeded" {
        return Ok(());
    }
    let reason = job["error"]["message"]
        .as_str()
        .unwrap_or("it was cancelled");
    Err(Failure::run(format!(
        "job {} is {}: {reason}",
        text(&job["id"]),
        text(&job["state"])
    )))
}

/// Prints the result of a job. Fails if the job did not succeed.
fn report(job: &Value, output: JobOutput) -> Result<(), Failure> {
    check_success(job)?;
    let result = &job["result"];
    let Ok(totals) = LedgerTotals::deserialize(&result["totals"]) else {
        say!("{result}");
        return Ok(());
    };
    // A server of an earlier version returns no reasons.
    let reasons = Reasons::deserialize(&result["reasons"]).unwrap_or_default();
    if output.json {
        say!("{result}");
    } else {
        say!("{}", outcome::sums(&totals, &reasons, None));
    }
    if output.counts_failed_lines {
        return outcome::judge(&totals, &reasons, output.fail_on_any);
    }
    write_note(&reasons.text());
    Ok(())
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or("?")
}
