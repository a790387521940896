//! `clippy queues`: lists, pauses and resumes the lanes of jobs.

use clippy_core::settings::Settings;
use clippy_jobs::Lane;
use serde_json::Value;

use crate::arguments::{QueuesArguments, QueuesCommand};
use crate::client::Client;
use crate::failure::Failure;
use crate::local_services::require_server;
use crate::output::say;

/// Calls the server that the user gave, or the one that serves the data folder.
pub async fn run(
    settings: &Settings,
    server: Option<&str>,
    arguments: &QueuesArguments,
) -> Result<(), Failure> {
    let client = require_server(settings, server)?;
    match &arguments.command {
        QueuesCommand::List => {
            let answer = client.get("/api/admin/queues", &[]).await?;
            if arguments.json {
                say!("{answer}");
                return Ok(());
            }
            for queue in answer["queues"].as_array().into_iter().flatten() {
                say!("{}", line(queue));
            }
            for letter in answer["dead_letters"].as_array().into_iter().flatten() {
                say!(
                    "unreadable since {}: {}",
                    text(&letter["at"]),
                    text(&letter["reason"])
                );
            }
            Ok(())
        }
        QueuesCommand::Pause { lane } => set(&client, *lane, "pause", arguments.json).await,
        QueuesCommand::Resume { lane } => set(&client, *lane, "resume", arguments.json).await,
    }
}

async fn set(client: &Client, lane: Lane, action: &str, json: bool) -> Result<(), Failure> {
    let queue = client
        .post(&format!("/api/admin/queues/{lane}/{action}"), &Value::Null)
        .await?;
    say!(
        "{}",
        if json {
            queue.to_string()
        } else {
            line(&queue)
        }
    );
    Ok(())
}

fn line(queue: &Value) -> String {
    let count = |name: &str| queue[name].as_u64().unwrap_or_default();
    let paused = if queue["paused"] == true {
        "  PAUSED"
    } else {
        ""
    };
    let oldest = queue["oldest_secs"]
        .as_f64()
        .map_or_else(String::new, |secs| format!(", the longest for {secs:.0} s"));
    format!(
        "{:<12} {} waiting{oldest}, {} running, {} workers; {} succeeded, {} failed, {} \
         cancelled{paused}",
        text(&queue["lane"]),
        count("queued"),
        count("running"),
        count("workers"),
        count("succeeded"),
        count("failed"),
        count("cancelled")
    )
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or("?")
}
