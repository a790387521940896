//! `clippy jobs`: lists, shows, watches, cancels and retries jobs.

use clippy_core::settings::Settings;
use serde_json::Value;

use crate::arguments::{JobsArguments, JobsCommand};
use crate::client::Client;
use crate::events::{Events, JobEvent};
use crate::failure::Failure;
use crate::local_services::require_server;
use crate::output::{self, say};

/// Runs the command on the server that the user named, or on the one that serves the data folder.
pub async fn run(
    settings: &Settings,
    server: Option<&str>,
    arguments: &JobsArguments,
) -> Result<(), Failure> {
    let client = require_server(settings, server)?;
    let json = arguments.json;
    match &arguments.command {
        JobsCommand::List {
            kind,
            state,
            limit,
            cursor,
        } => {
            let mut query = vec![("limit", limit.to_string())];
            query.extend(kind.map(|kind| ("kind", kind.to_string())));
            query.extend(state.map(|state| ("state", state.to_string())));
            query.extend(cursor.clone().map(|cursor| ("cursor", cursor)));
            list(&client, &query, json).await
        }
        JobsCommand::Show { id } => {
            let job = client.get(&path(id, "")?, &[]).await?;
            if json {
                say!("{job}");
            } else {
                show(&job);
            }
            Ok(())
        }
        JobsCommand::Cancel { id } => change(&client, id, "/cancel", json).await,
        JobsCommand::Retry { id } => change(&client, id, "/retry", json).await,
        JobsCommand::Watch { id } => watch(&client, id, json).await,
    }
}

/// Returns the path of a job. An invalid id is refused here, since it could lead to another route.
fn path(id: &str, rest: &str) -> Result<String, Failure> {
    let id: clippy_jobs::JobId = id.parse()?;
    Ok(format!("/api/jobs/{id}{rest}"))
}

async fn list(client: &Client, query: &[(&str, String)], json: bool) -> Result<(), Failure> {
    let answer = client.get("/api/jobs", query).await?;
    if json {
        say!("{answer}");
        return Ok(());
    }
    let jobs: Vec<&Value> = answer["jobs"].as_array().into_iter().flatten().collect();
    if jobs.is_empty() {
        say!("No jobs found.");
    }
    for job in jobs {
        say!("{}", line(job));
    }
    if let Some(cursor) = answer["next_cursor"].as_str() {
        say!("More with --cursor {cursor}");
    }
    Ok(())
}

/// Changes a job by a `POST` to the route `what`, and prints it.
async fn change(client: &Client, id: &str, what: &str, json: bool) -> Result<(), Failure> {
    let job = client.post(&path(id, what)?, &Value::Null).await?;
    say!("{}", if json { job.to_string() } else { line(&job) });
    Ok(())
}

/// Prints the events of a job until it ends. A job that did not succeed is an error.
async fn watch(client: &Client, id: &str, json: bool) -> Result<(), Failure> {
    let job = path(id, "")?;
    let id = job.rsplit('/').next().unwrap_or(id);
    let mut events = Events::of(client, id);
    while let Some(event) = events.next().await? {
        if json {
            say!(
                "{}",
                serde_json::json!({"event": event.name, "data": event.data})
            );
        } else if let Some(line) = describe(&event) {
            say!("{line}");
        }
        if output::is_unread() {
            return Err(Failure::unread());
        }
    }
    let job = client.get(&job, &[]).await?;
    match job["state"].as_str() {
        Some("succeeded") => {
            if !json && !job["result"].is_null() {
                say!("{}", job["result"]);
            }
            Ok(())
        }
        state => {
            let reason = job["error"]["message"]
                .as_str()
                .map_or_else(String::new, |reason| format!(": {reason}"));
            Err(Failure::run(format!(
                "job {id} is {}{reason}",
                state.unwrap_or("in an unknown state")
            )))
        }
    }
}

/// Describes an event for a person; `None` if it should not be printed.
fn describe(event: &JobEvent) -> Option<String> {
    let data = &event.data;
    let at = data["at"]
        .as_str()
        .and_then(|at| at.get(11..19))
        .unwrap_or("        ");
    Some(match event.name.as_str() {
        "snapshot" => line(data),
        "state" => {
            let error = data["error"]["message"]
                .as_str()
                .map_or_else(String::new, |error| format!(": {error}"));
            format!(
                "{at}  {}, attempt {}{error}",
                text(&data["state"]),
                data["attempt"]
            )
        }
        "progress" => format!("{at}  {}", progress(data)),
        "log" => format!("{at}  {}: {}", text(&data["level"]), text(&data["message"])),
        "preview" => format!("{at}  preview"),
        _ => return None,
    })
}

/// Describes a job in one line.
fn line(job: &Value) -> String {
    let position = job["position"]
        .as_u64()
        .map_or_else(String::new, |position| format!(" ({position} in line)"));
    format!(
        "{}  {:<9} {}{position}  {}  {}",
        text(&job["id"]),
        text(&job["kind"]),
        text(&job["state"]),
        progress(&job["progress"]),
        job["error"]["message"].as_str().unwrap_or_default()
    )
    .trim_end()
    .to_owned()
}

/// Prints the details of a job.
fn show(job: &Value) {
    say!("{}", line(job));
    say!(
        "lane {}, attempt {} of {}",
        text(&job["lane"]),
        job["attempt"],
        job["max_attempts"]
    );
    for (name, what) in [
        ("created_at", "created"),
        ("started_at", "started"),
        ("finished_at", "finished"),
    ] {
        if let Some(at) = job[name].as_str() {
            say!("{what} {at}");
        }
    }
    if let Some(children) = job["children"].as_object() {
        let count = |name: &str| {
            children
                .get(name)
                .and_then(Value::as_u64)
                .unwrap_or_default()
        };
        say!(
            "{} parts: {} succeeded, {} failed, {} cancelled",
            count("total"),
            count("succeeded"),
            count("failed"),
            count("cancelled")
        );
    }
    for name in ["result", "receipt"] {
        if !job[name].is_null() {
            say!("{name} {}", job[name]);
        }
    }
}

fn progress(progress: &Value) -> String {
    let done = progress["done"].as_u64().unwrap_or_default();
    let unit = progress["unit"].as_str().unwrap_or_default();
    let counted = match progress["total"].as_u64() {
        Some(total) => format!("{done}/{total} {unit}"),
        None if done > 0 => format!("{done} {unit}"),
        None => String::new(),
    };
    let stage = progress["stage"].as_str().unwrap_or_default();
    let message = progress["message"].as_str().unwrap_or_default();
    [counted.trim(), stage, message]
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join(", ")
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or("?")
}
