//! Bulk work as a job of a server, instead of in this process.

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
use crate::embedded::{require_server, running_server};
use crate::events::Events;
use crate::failure::Failure;

/// The server to make a job at: when a job was asked for, or when a server is named or has the
/// collection open.
pub fn wanted(
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

/// The request with absolute paths, since a server runs in a folder of its own.
pub fn for_a_server(request: ManifestRequest) -> Result<ManifestRequest, Failure> {
    if Manifest::is_stream(&request.manifest) {
        return Err(Failure::usage(
            "--manifest is a pipe, and a server has the collection, which cannot read it: write \
             the manifest to a file",
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

/// Makes a path absolute, without asking whether anything is there.
pub fn absolute(path: &Path) -> Result<PathBuf, Failure> {
    std::path::absolute(path)
        .map_err(|error| Failure::run(format!("{} is no path: {error}", path.display())))
}

/// What is done once the job is made.
#[derive(Debug, Clone, Copy)]
pub struct Ending {
    /// Say its id, instead of waiting for its end.
    pub enqueue: bool,
    /// Answer in JSON.
    pub json: bool,
    /// A single failed line is a failure.
    pub fail_on_any: bool,
    /// Whether failed lines count at all: a re-index decides by itself how many pictures may be
    /// missing.
    pub judges_lines: bool,
}

impl Ending {
    /// As the flags say.
    pub fn of(arguments: &ManifestArguments) -> Self {
        Self {
            enqueue: arguments.enqueue,
            json: arguments.json,
            fail_on_any: arguments.fail_on_any,
            judges_lines: true,
        }
    }
}

/// Makes a job of a request; then says its id, or waits for its end.
pub async fn run<R: Serialize>(
    client: &Client,
    kind: &str,
    request: &R,
    ending: Ending,
) -> Result<(), Failure> {
    let Ending { enqueue, json, .. } = ending;
    let (id, job) = made(client, kind, request).await?;
    if enqueue {
        if json {
            println!("{job}");
        } else {
            println!("Job {id} is queued. Follow it with: clippy jobs watch {id}");
        }
        return Ok(());
    }
    let job = ended(client, &id, json).await?;
    report(&job, ending)
}

/// Makes a job of a request and waits for its end; gives it as it is then. One that did not end well
/// is a failure.
pub async fn finished<R: Serialize>(
    client: &Client,
    kind: &str,
    request: &R,
    hidden: bool,
) -> Result<Value, Failure> {
    let (id, _) = made(client, kind, request).await?;
    let job = ended(client, &id, hidden).await?;
    check_ended_well(&job)?;
    Ok(job)
}

/// Makes a job of a request; gives its id, and the job.
async fn made<R: Serialize>(
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
        .ok_or_else(|| Failure::run("the server's answer names no job"))?
        .to_owned();
    Ok((id, job))
}

/// A field that was not given is left out, rather than sent as nothing.
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

/// Follows a job to its end with a bar; gives it as it is then.
async fn ended(client: &Client, id: &str, hidden: bool) -> Result<Value, Failure> {
    let bar = if hidden {
        ProgressBar::hidden()
    } else {
        ProgressBar::new(0)
    };
    let style = ProgressStyle::with_template(
        "{msg} {wide_bar} {human_pos}/{human_len}  {per_sec}  {eta} left",
    );
    // The template is a constant; indicatif's plain bar would do without it.
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    let mut events = Events::of(client, id);
    while let Some(event) = events.next().await? {
        if event.name == "log"
            && let Some(message) = event.data["message"].as_str()
        {
            bar.suspend(|| eprintln!("{message}"));
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

fn check_ended_well(job: &Value) -> Result<(), Failure> {
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

/// Prints what a job came to; one that did not end well is no success.
fn report(job: &Value, ending: Ending) -> Result<(), Failure> {
    check_ended_well(job)?;
    let result = &job["result"];
    let Ok(totals) = LedgerTotals::deserialize(&result["totals"]) else {
        println!("{result}");
        return Ok(());
    };
    if ending.json {
        println!("{result}");
    } else {
        println!("{}", outcome::sums(&totals, None));
    }
    // A server of an earlier version tells no reasons.
    let reasons = Reasons::deserialize(&result["reasons"]).unwrap_or_default();
    if ending.judges_lines {
        return outcome::judge(&totals, &reasons, ending.fail_on_any);
    }
    eprint!("{}", reasons.text());
    Ok(())
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or("?")
}
