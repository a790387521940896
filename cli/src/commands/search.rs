//! `clippy search`: hybrid search from the shell.

use std::io::IsTerminal;
use std::path::Path;

use clippy_core::settings::Settings;

use crate::arguments::SearchArguments;
use crate::client::{Client, SearchForm, id_text};
use crate::failure::Failure;
use crate::local_services::with_server;
use crate::output::{note, say};

/// Searches on the server of this data folder, or in this process if there is none.
pub async fn run(
    settings: &Settings,
    server: Option<&str>,
    arguments: &SearchArguments,
) -> Result<(), Failure> {
    let mut form = SearchForm::new(&arguments.weights, arguments.top);
    if let Some(path) = &arguments.what.sketch {
        form = form.file("sketch", read(path)?);
    }
    if let Some(path) = &arguments.what.image {
        form = form.file("image", read(path)?);
    }
    if let Some(path) = &arguments.what.style_image {
        form = form.file("style_image", read(path)?);
    }
    if !arguments.what.style_like.is_empty() {
        form = form.field("style_like", arguments.what.style_like.join(","));
    }
    if let Some(order) = &arguments.order {
        form = form.field("order", order.clone());
    }
    if let Some(text) = &arguments.what.text {
        form = form.field("query_text", text.clone());
    }
    if !arguments.tags.is_empty() {
        form = form.field("tag_filters", arguments.tags.join(","));
    }
    if let Some(origin) = &arguments.origin {
        form = form.field("origin", origin.clone());
    }
    if let Some(diversity) = arguments.diversity {
        form = form.field("diversity", diversity.to_string());
    }
    if arguments.exact {
        form = form.field("exact", "true".to_owned());
    }
    let answer = with_server(settings, server, async |client| client.search(form).await).await?;
    if arguments.json {
        say!("{answer}");
        return Ok(());
    }
    let results = Client::results(&answer)?;
    if results.is_empty() {
        let filtered = !arguments.tags.is_empty() || arguments.origin.is_some();
        say!(
            "Nothing found: {}",
            if filtered {
                "no picture passes the filter, or the collection is empty."
            } else {
                "the collection is empty."
            }
        );
        return Ok(());
    }
    if answer["nothing_close"] == true {
        note!("Nothing in the gallery is close to this. The nearest pictures:");
    }
    if let Some(meant) = answer["did_you_mean"]["text"].as_str() {
        note!("Did you mean: {meant}");
    }
    let bold = |text: String| {
        if std::io::stdout().is_terminal() {
            format!("\x1b[1m{text}\x1b[0m")
        } else {
            text
        }
    };
    for found in &results {
        let tags: Vec<&str> = found
            .payload
            .tags_all
            .iter()
            .take(6)
            .map(String::as_str)
            .collect();
        let path = found.path.as_deref().unwrap_or("");
        say!(
            "{}  {:>8}  {path}  {}",
            bold(format!("{:.4}", found.score)),
            id_text(&found.id),
            tags.join(" ")
        );
    }
    Ok(())
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(path)
        .map_err(|error| Failure::run(format!("{} cannot be read: {error}", path.display())))
}
