//! `clippy styles`: lists the styles that the gallery has, and finds, names and merges them.

use clippy_core::bulk::StylesRequest;
use clippy_core::settings::Settings;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::arguments::StylesArguments;
use crate::client::Client;
use crate::commands::enqueue;
use crate::failure::Failure;
use crate::local_services::{with_server, with_workers};
use crate::output::say;
use crate::shutdown::until_stopped;

/// Does what was asked for, then prints the styles.
pub async fn run(
    settings: &Settings,
    server: Option<&str>,
    arguments: &StylesArguments,
    shutdown: CancellationToken,
) -> Result<(), Failure> {
    let changes = async |client: &Client| {
        let answer = if let Some(pair) = &arguments.merge {
            let path = format!("/api/styles/{}/merge", pair[0]);
            client.post(&path, &json!({ "into": pair[1] })).await?
        } else if let Some(pair) = &arguments.rename {
            let path = format!("/api/styles/{}", id_of(&pair[0])?);
            client.patch(&path, &json!({ "name": pair[1] })).await?
        } else {
            client.get("/api/styles", &[]).await?
        };
        print(&answer, arguments.json);
        Ok(())
    };
    if !arguments.find && !arguments.afresh {
        return until_stopped(&shutdown, with_server(settings, server, changes)).await;
    }
    let request = StylesRequest {
        find_styles_afresh: arguments.afresh,
    };
    let work = async |client: &Client| {
        enqueue::run_to_end(client, "styles", &request, arguments.json).await?;
        print(&client.get("/api/styles", &[]).await?, arguments.json);
        Ok(())
    };
    match enqueue::server_for_job(settings, server, false)? {
        Some(client) => until_stopped(&shutdown, work(&client)).await,
        None => with_workers(settings, &shutdown, work).await,
    }
}

fn id_of(text: &str) -> Result<u64, Failure> {
    text.parse().map_err(|_| {
        Failure::usage(format!(
            "\"{text}\" is not the id of a style: `clippy styles` lists them"
        ))
    })
}

fn print(answer: &Value, json: bool) {
    if json {
        say!("{answer}");
        return;
    }
    let styles = answer["styles"].as_array().map_or(&[][..], Vec::as_slice);
    if answer["found"] == false {
        say!("The styles of this gallery are not known yet: run `clippy styles --find`.");
    }
    for style in styles {
        let tags: Vec<&str> = style["tags"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        say!(
            "{:>4}  {:>7} pictures  {}{}",
            style["id"].to_string(),
            style["count"].to_string(),
            style["name"].as_str().unwrap_or("?"),
            if tags.is_empty() {
                String::new()
            } else {
                format!("  ({})", tags.join(", "))
            }
        );
    }
}
